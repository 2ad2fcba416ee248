/* door_git.c: what git asks first of a repository over HTTP. All of them are empty here. */
#include "access.h"
#include "auth.h"
#include "door.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOBODY "0000000000000000000000000000000000000000"

static void
git_text(struct answer *answer, int status, const char *text)
{
	answer->status = status;
	answer->content_type = "text/plain; charset=utf-8";
	answer->text = must_copy(text);
}

static void
git_unauthorized(const struct request *request, struct answer *answer)
{
	answer->status = 401;
	answer->content_type = "text/plain; charset=utf-8";
	answer->text = must_print(DOOR_DENIED "%s://%s/help/topics/git/troubleshooting_git.md"
					      "#error-on-git-fetch-http-basic-access-denied",
		request->tls ? "https" : "http", request->host);
	answer_header(answer, "Www-Authenticate", "%s", "Basic realm=\"GitLab\"");
}

static const char *
access_forbidden(const struct request *request, const struct resource *project, bool push)
{
	const struct user *user = request->user;

	if (push && !user)
		return "You are not allowed to upload code for this project.";
	if (push && (project->archived ||
			    !(user->admin || level_in(user, project) >= LEVEL_DEVELOPER)))
		return "You are not allowed to push code to this project.";
	if (!push && !request->deploy_token && !door_can(user, project, LEVEL_REPORTER))
		return "You are not allowed to download code from this project.";
	return NULL;
}

/* In the order of the questions. False: `answer` says why. */
static bool
access_check(const struct request *request, const struct resource *project, unsigned abilities,
	const char *service, struct answer *answer)
{
	const bool push = strcmp(service, "git-receive-pack") == 0;
	const bool pull = strcmp(service, "git-upload-pack") == 0;
	const char *why = request->user ? user_denied(request->user) : NULL;

	if (!why && pull && !(abilities & DOWNLOAD_CODE))
		why = "You are not allowed to download code.";
	if (!why && push && !(abilities & PUSH_CODE))
		why = "You are not allowed to upload code.";
	if (!why && !pull && !push)
		why = "The command you're trying to execute is not allowed.";
	if (!why && (!project || (!request->deploy_token &&
					 !door_can(request->user, project, LEVEL_GUEST)))) {
		git_text(answer, 404,
			"The project you were looking for could not be found or you don't have "
			"permission to view it.");
		return false;
	}
	if (!why)
		why = access_forbidden(request, project, push);
	if (why)
		git_text(answer, 403, why);
	return !why;
}

/* The oldest version of the protocol: it says all it has in this one answer. */
static void
refs_advertise(const char *service, struct answer *answer)
{
	static const char capabilities[] = "report-status ofs-delta agent=gitlab-sim";
	char line[128], *text = must_alloc(512);
	size_t used;

	snprintf(line, sizeof(line), "# service=%s\n", service);
	used = (size_t)sprintf(text, "%04zx%s0000", strlen(line) + 4, line);
	/* A zero byte stands before the capabilities. */
	used += (size_t)sprintf(text + used, "%04zx" NOBODY " capabilities^{}%c%s\n0000",
		4 + strlen(NOBODY " capabilities^{}") + 1 + strlen(capabilities) + 1, 0,
		capabilities);
	answer->status = 200;
	answer->text = text;
	answer->text_bytes = used;
	answer->content_type = strcmp(service, "git-upload-pack") == 0
	                               ? "application/x-git-upload-pack-advertisement"
	                               : "application/x-git-receive-pack-advertisement";
	answer_header(answer, "Cache-Control", "no-cache");
}

void
door_git(struct sim *sim, struct request *request, const char *path, struct answer *answer)
{
	struct resource *project = resource_by_path(&sim->world, PROJECT, path);
	const char *service = param_text(request, "service");
	unsigned abilities = DOWNLOAD_CODE;

	if (!project)
		project = map_get(&sim->world.moved_paths, path);
	if (!service)
		service = "";
	/* Without a login some may read what everybody may. */
	if (request->login ? !door_admit(sim, request, project, &abilities)
			   : strcmp(service, "git-upload-pack") != 0 || !project ||
				     !door_can(NULL, project, LEVEL_GUEST)) {
		git_unauthorized(request, answer);
		return;
	}
	if (access_check(request, project, abilities, service, answer))
		refs_advertise(service, answer);
}
