/* main.c: the command line, start and end. */
#include "http.h"
#include "settings.h"
#include "world_file.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
	const char *listen, *version, *root_token, *world, *clock, *latency, *certificate, *key;
};

static const char usage[] =
	"usage: gitlab-sim --listen ADDRESS:PORT --version RELEASE --root-token SECRET\n"
	"                  [--world FILE] [--clock DATE] [--latency-ms N]\n"
	"                  [--tls-cert FILE --tls-key FILE]\n";

static bool
options_read(int argc, char **argv, struct options *options)
{
	const struct {
		const char *name;
		const char **into;
	} table[] = {
		{ "listen", &options->listen },
		{ "version", &options->version },
		{ "root-token", &options->root_token },
		{ "world", &options->world },
		{ "clock", &options->clock },
		{ "latency-ms", &options->latency },
		{ "tls-cert", &options->certificate },
		{ "tls-key", &options->key },
	};
	struct option longs[ARRAY_SIZE(table) + 1] = { 0 };
	int which, chosen;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		longs[i] = (struct option){ table[i].name, required_argument, NULL, 0 };
	while ((chosen = getopt_long(argc, argv, "", longs, &which)) == 0)
		*table[which].into = optarg;
	return chosen == -1 && optind == argc && options->listen && options->version &&
	       options->root_token && !options->certificate == !options->key;
}

static char *
file_read(const char *name)
{
	FILE *file = name ? fopen(name, "re") : NULL;
	char *text = NULL;
	size_t size = 0;

	if (!file)
		return NULL;
	if (getdelim(&text, &size, '\0', file) < 0) {
		free(text);
		text = NULL;
	}
	fclose(file);
	return text;
}

static void
root_make(struct sim *sim, const char *secret)
{
	struct user *root = user_add(&sim->world, 1, "root", "Administrator");
	struct token *token;

	root->admin = true;
	root->created_at = clock_now(&sim->clock);
	token = token_add(&sim->world, 1, root, "root-token", must_copy(secret));
	token->scopes = json_pack(
		"[s, s, s, s, s]", "api", "admin_mode", "read_api", "read_user", "sudo");
	token->expires = clock_today(&sim->clock) + 365;
	token->created_at = clock_now(&sim->clock);
}

static bool
complain(const char *text)
{
	fprintf(stderr, "gitlab-sim: %s\n", text);
	return false;
}

static bool
sim_start(struct sim *sim, const struct options *options)
{
	char wrong[512];
	int64_t moment;

	sim->version = version_parse(options->version);
	sim->version_text = options->version;
	if (!sim->version)
		return complain("--version wants 16.0 to 19.11");
	if (options->clock && !moment_parse(options->clock, &moment))
		return complain("--clock wants a date, or a date and time");
	if (options->clock)
		clock_set(&sim->clock, moment);
	sim->latency_msec = options->latency ? atol(options->latency) : 0;
	sim->settings = settings_defaults();
	root_make(sim, options->root_token);
	if (options->world && !world_file_load(sim, options->world, wrong))
		return complain(wrong);
	return true;
}

static void
sim_done(struct sim *sim)
{
	world_done(&sim->world);
	faults_clear(&sim->faults);
	hooks_clear(&sim->hooks);
	later_done(&sim->later);
	history_clear(&sim->history);
	snapshots_done(&sim->snapshots);
	record_done(&sim->record);
	json_decref(sim->settings);
	pthread_mutex_destroy(&sim->lock);
}

static struct MHD_Daemon *
listen_start(struct sim *sim, const struct options *options)
{
	char address[64];
	struct http_options http = { .address = address };
	const char *colon = strrchr(options->listen, ':');
	struct MHD_Daemon *daemon;

	if (!colon || (size_t)(colon - options->listen) >= sizeof(address)) {
		complain("--listen wants ADDRESS:PORT");
		return NULL;
	}
	snprintf(address, sizeof(address), "%.*s", (int)(colon - options->listen),
		options->listen);
	http.port = (unsigned short)atoi(colon + 1);
	http.certificate = file_read(options->certificate);
	http.key = file_read(options->key);
	if (options->certificate && (!http.certificate || !http.key)) {
		complain("cannot read the certificate or its key");
		daemon = NULL;
	} else {
		daemon = http_start(sim, &http);
		if (!daemon)
			complain("cannot listen there");
	}
	if (daemon)
		printf("listening on %s://%s:%u\n", options->certificate ? "https" : "http",
			address, http_port(daemon));
	fflush(stdout);
	free(http.certificate);
	free(http.key);
	return daemon;
}

int
main(int argc, char **argv)
{
	static struct sim sim = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct options options = { 0 };
	struct MHD_Daemon *daemon = NULL;
	sigset_t ends;
	int status = 2, signal_number;

	if (!options_read(argc, argv, &options)) {
		fputs(usage, stderr);
		return 2;
	}
	/* Blocked in every thread, taken by sigwait() in this one. */
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	pthread_sigmask(SIG_BLOCK, &ends, NULL);
	signal(SIGPIPE, SIG_IGN);
	world_init(&sim.world);
	if (sim_start(&sim, &options))
		daemon = listen_start(&sim, &options);
	if (daemon) {
		sigwait(&ends, &signal_number);
		status = 0;
	}
	http_stop(&sim, daemon);
	sim_done(&sim);
	return status;
}
