/* route.h: which handler answers which method and path, from which release on. */
#ifndef ROUTE_H
#define ROUTE_H

#include "auth.h"
#include "params.h"

struct route {
	const char *method;
	const char *path; /* below /api/v4; `:name` captures a segment */
	void (*handle)(struct sim *sim, struct request *request, struct answer *answer);
	const struct param *params;
	enum scope_rule scope;
	int from;   /* release; 0: all we know */
	bool admin; /* refused with 403 before the parameters are looked at */
};

/* Each file with endpoints ends in its table, closed by an empty row. The order counts:
 * the first match wins, so `self` stands before `:id`. */
extern const struct route token_routes[], resource_token_routes[], service_account_routes[],
	variable_routes[], user_routes[], member_routes[], resource_routes[], instance_routes[],
	deploy_token_routes[], trigger_routes[], agent_routes[], runner_list_routes[],
	runner_routes[], webhook_routes[], admin_token_routes[], inventory_routes[],
	audit_routes[], job_routes[], issue_routes[];

/* Makes project_function and group_function of a function that takes either kind. */
#define FOR_BOTH(function)                                                                     \
	static void project_##function(                                                        \
		struct sim *sim, struct request *request, struct answer *answer)               \
	{                                                                                      \
		function(sim, request, PROJECT, answer);                                       \
	}                                                                                      \
	static void group_##function(                                                          \
		struct sim *sim, struct request *request, struct answer *answer)               \
	{                                                                                      \
		function(sim, request, GROUP, answer);                                         \
	}

#endif
