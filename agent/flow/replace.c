/* The steps of REPLACE: a new token beside the old one. */
#include "flow/attempt.h"

static bool
is_later(struct err *err)
{
	return err_set(err, ERR_PERSON, 0, "'strategy: replace' is not in this version yet");
}

bool
step_replace_preflight(struct attempt *attempt, struct err *err)
{
	(void)attempt;
	return is_later(err);
}

bool
step_replace_reconcile(struct attempt *attempt, struct err *err)
{
	(void)attempt;
	return is_later(err);
}

bool
step_discard(struct attempt *attempt, struct err *err)
{
	(void)attempt;
	return is_later(err);
}

bool
step_replace_verify(struct attempt *attempt, struct err *err)
{
	(void)attempt;
	return is_later(err);
}

bool
step_wait(struct attempt *attempt, struct err *err)
{
	(void)attempt;
	return is_later(err);
}

bool
step_retire(struct attempt *attempt, struct err *err)
{
	(void)attempt;
	return is_later(err);
}

bool
step_settle(struct attempt *attempt, struct err *err)
{
	(void)attempt;
	return is_later(err);
}
