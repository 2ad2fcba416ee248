/* selftest: a whole rotation with a token that is made for it. A line for each step. */
#include "flow/selftest.h"

#include <errno.h>

#include "report/page.h"
#include "verb/verb.h"

struct telling {
	struct json *steps; /* NULL: each is printed at once */
};

static void
tell(void *context, const struct selftest_step *step)
{
	const struct telling *telling = context;
	struct json *object;

	if (!telling->steps) {
		printf("%-4s %s: %s\n", step->ok ? "ok" : "FAIL", step->name, step->text);
		fflush(stdout);
		return;
	}
	object = json_new_object();
	json_set_bool(object, "ok", step->ok);
	json_set_text(object, "step", step->name);
	json_set_text(object, "text", step->text);
	json_push(telling->steps, object);
}

static bool
print_json(const char *project, bool ok, struct json *steps, struct err *err)
{
	auto_json struct json *page = json_new_object();

	json_set_text(page, "project", project);
	json_set_bool(page, "ok", ok);
	json_set(page, "steps", steps);
	return json_print(page, stdout) ||
	       err_set(err, ERR_LATER, errno, "cannot write the answer");
}

bool
verb_selftest(
	struct context *context, const struct options *options, int *exit_code, struct err *err)
{
	auto_json struct json *steps = options->json ? json_new_array() : NULL;
	struct telling telling = { steps };
	const struct selftest selftest = {
		.project = options->in, .tell = tell, .context = &telling
	};

	if (!options->in || !*options->in)
		return err_set(err, ERR_USAGE, 0,
			"in which project? glrotate selftest --in GROUP/PROJECT");
	if (!selftest_do(context, &selftest, exit_code, err))
		return false;
	return !steps || print_json(options->in, !*exit_code, take(steps), err);
}
