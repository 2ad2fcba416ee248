"""What is taken out of the program, and which tests must notice: a row a half of a rule of the design's section 5.

A test is SUITE:MODULE:NAME, and each that is named must fail. What is taken out stands in its file exactly once; white
space does not count."""
import typing


class Mutant(typing.NamedTuple):
    rule: int
    what: str
    file: str
    old: str
    new: str
    tests: tuple
    more: tuple = ()  # (old, new) of what goes with it in the same file

    @property
    def name(self):
        return f"rule {self.rule}, {self.what}"


def scenario(module, *names):
    return tuple(f"scenario:{module}:{name}" for name in names)


def matrix(*cases):
    """Of tests/faults/matrix.py, by their names with stars."""
    return tuple(f"matrix:matrix:{case}" for case in cases)


def unit(module, *names):
    return tuple(f"unit:{module}:{name}" for name in names)


def wire(module, *names):
    return tuple(f"wire:{module}:{name}" for name in names)


MUTANTS = [
    # --- 1: durable before it is sent, durable before it is delivered, and until then nothing else ---
    Mutant(1, "the intent is durable before the request", "agent/store/moves.c",
           "bool waits = to == STATE_INTENDED || to == STATE_HELD;", "bool waits = to == STATE_HELD;",
           scenario("kill", "Kill.test_the_intent_is_on_disk_before_the_request_is_sent")
           + scenario("rules", "Rules.test_rule_1_a_creation_is_intended_on_disk_before_it_is_sent")
           + matrix("project/call/*-recv--/cut")),
    Mutant(1, "the answer is durable before it is delivered", "agent/store/moves.c",
           "bool waits = to == STATE_INTENDED || to == STATE_HELD;", "bool waits = to == STATE_INTENDED;",
           scenario("rules", "Rules.test_rule_1_nothing_is_delivered_before_the_answer_is_on_disk")
           + matrix("project/call/*-send--/kill")),
    Mutant(1, "a commit is on the disk", "agent/store/db.c",
           "PRAGMA synchronous = FULL;", "PRAGMA synchronous = OFF;",
           unit("commits", "an_answer_is_kept_whichever_sync_failed_when_it_was_first_brought")),
    Mutant(1, "room for the answer", "agent/store/moves.c",
           "database_make_room(db, err);", "true;",
           unit("commits", "no_file_grows_between_the_intent_and_its_answer")),
    Mutant(1, "an answer that finds no disk is brought again", "agent/flow/walk.c",
           "if (err->kind != ERR_STORE || try == BRING_TRIES)", "if (true)",
           scenario("disk", "Disk.test_an_answer_that_finds_no_disk_is_brought_again_and_nothing_else_is_done")),
    Mutant(1, "nothing else is written after a failure", "agent/store/group.c",
           "ok = !group->failure.kind || rescue;", "ok = true;",
           unit("commits", "after_a_failure_all_is_refused_but_an_answer_may_be_brought_again")),
    Mutant(1, "a revocation is durable before it is sent", "agent/flow/retire.c",
           '"fork.revoked", text, err) || !journal_flush(attempt->journal, err))', '"fork.revoked", text, err))',
           scenario("rules", "Rules.test_rule_1_a_revocation_is_on_disk_before_it_is_sent")),

    # --- 2: one intent, one request ---
    Mutant(2, "a change is not asked for again", "agent/gitlab/gitlab.c",
           'if (strcmp(request->method, "GET") != 0)', "if (err->kind == ERR_DOUBT)\n\t\treturn true;\n\tif (false)",
           scenario("rules", "Rules.test_rule_2_each_request_that_changes_a_token_has_its_own_intent")
           + matrix("project/request/*rotate/drop_after_commit")),
    Mutant(2, "what GitLab puts off is not asked for again either", "agent/gitlab/gitlab.c",
           'if (strcmp(request->method, "GET") != 0) return false;', "",
           scenario("rules", "Rules.test_rule_2_a_request_that_gitlab_puts_off_is_a_new_intent_too")),
    Mutant(2, "a body that libcurl cannot rewind", "agent/base/http.c",
           "static size_t give_body(",
           "static int\nseek_body(void *data, curl_off_t offset, int origin)\n{\n\t(void)origin;\n\t((struct "
           "exchange *)data)->body_given = (size_t)offset;\n\treturn CURL_SEEKFUNC_OK;\n}\n\nstatic size_t\n"
           "give_body(",
           wire("http", "http_send_sends_a_change_once_and_is_in_doubt_when_its_answer_is_lost"),
           (("SET(http, READDATA, exchange);",
             "SET(http, READDATA, exchange);\n\t\tSET(http, SEEKFUNCTION, seek_body);\n\t\tSET(http, SEEKDATA, "
             "exchange);"),)),
    Mutant(2, "a body is never empty", "agent/base/http.c",
           'strlen("{}");', "0;",
           wire("http", "http_send_sends_a_change_once_and_is_in_doubt_when_its_answer_is_lost")),
    Mutant(2, "no redirect is followed", "agent/base/http.c",
           "SET(http, FOLLOWLOCATION, 0L);", "SET(http, FOLLOWLOCATION, 1L);",
           wire("http", "http_send_follows_no_redirect")),
    Mutant(2, "a body that was given out is doubt", "agent/base/http.c",
           "exchange->body_given == exchange->body_length;", "false;",
           wire("http", "http_send_sends_a_change_once_and_is_in_doubt_when_its_answer_is_lost")),
    Mutant(2, "a proxy's word is doubt", "agent/gitlab/answer.c",
           "return said->is_json || !said->changes ? ERR_LATER : ERR_DOUBT;", "return ERR_LATER;",
           unit("answer", "answer_is_classed_by_its_body_and_by_what_was_asked")),

    # --- 3: doubt is settled by reading ---
    Mutant(3, "a lost answer is doubt", "agent/flow/attempt.c",
           "{ step_request, { STATE_HELD, STATE_PLANNED, STATE_DROPPED, STATE_DOUBTED, STATE_DOUBTED } }, "
           "[STATE_DOUBTED] = { step_reconcile,",
           "{ step_request, { STATE_HELD, STATE_PLANNED, STATE_DROPPED, STATE_PLANNED, STATE_PLANNED } },\n\t"
           "[STATE_DOUBTED]   = { step_reconcile,",
           unit("steps", "a_row_in_doubt_at_start_is_read_before_anything_is_sent")
           + scenario("rules", "Rules.test_rule_3_between_a_lost_answer_and_the_next_request_only_readings_stand")
           + matrix("project/request/*rotate/drop_before_commit")),
    Mutant(3, "a lost answer to a creation is doubt", "agent/flow/attempt.c",
           "{ step_request, { STATE_HELD, STATE_PLANNED, STATE_DROPPED, STATE_DOUBTED, STATE_DOUBTED } }, "
           "[STATE_DOUBTED] = { step_replace_reconcile,",
           "{ step_request, { STATE_HELD, STATE_PLANNED, STATE_DROPPED, STATE_PLANNED, STATE_PLANNED } },\n\t"
           "[STATE_DOUBTED] = { step_replace_reconcile,",
           unit("steps", "a_row_in_doubt_at_start_is_read_before_anything_is_sent")
           + scenario("replace_lost", "Lost.test_an_orphan_is_ended_by_its_number_and_told")),
    Mutant(3, "what a killed run left is in doubt", "agent/flow/run.c",
           "return !goes_on || take_doubt(run, row, err);", "(void)take_doubt;\n\treturn true;",
           scenario("rules", "Rules.test_rule_3_what_a_killed_run_left_is_read_before_anything_else")),
    Mutant(3, "settle", "agent/flow/reconcile.c",
           "written_at(row) + attempt->frozen.settle_sec;", "0;",
           scenario("lost", "Lost.test_nothing_is_believed_before_settle_is_over")
           + matrix("project/request/*rotate/drop_before_commit")),
    Mutant(3, "settle counts from the request", "agent/flow/reconcile.c",
           "return row->moved_at < latest ? row->moved_at : latest;", "(void)latest;\n\treturn row->intent_at;",
           matrix("project/slow/*commit/*rotate-drop_before_commit")),
    Mutant(3, "two readings", "agent/flow/reconcile.c",
           "if (row->read_at && now >= settled_at", "if (now >= settled_at",
           scenario("rules", "Rules.test_rule_3_what_never_happened_is_read_twice_however_long_ago_it_was")
           + matrix("project/slow/*killed*")),
    Mutant(3, "a reading, not the table, says that it never happened", "agent/flow/reconcile.c",
           "if (!token_is_revoked(target))", "if (true)",
           scenario("lost", "Lost.test_a_lost_answer_is_told_as_repaired")),
    Mutant(3, "absence proves nothing", "agent/flow/reconcile.c",
           'err_set(err, ERR_PERSON, 0, "#%lld is not among',
           'err_set(err, ERR_REFUSED, 0,\n\t\t\t"#%lld is not among',
           scenario("rules", "Rules.test_rule_3_what_cannot_be_seen_any_more_is_not_taken_for_what_never_happened")),
    Mutant(3, "what was used is not ours", "agent/flow/evidence.c",
           "if (token->last_used_msec != NO_MOMENT) return false;", "",
           scenario("rules", "Rules.test_rule_3_a_successor_whose_secret_was_used_is_not_ours")),

    # --- 4: a credential is proven before it walks a rotate path; moved is never a reason to create ---
    Mutant(4, "proven less than 30 s before", "agent/flow/identity.c",
           "#define ASK_AGAIN_MSEC 20000", "#define ASK_AGAIN_MSEC 200000",
           unit("identity", "a_proof_of_our_credential_holds_for_less_than_thirty_seconds")
           + matrix("project/slow/*commit/40")),
    Mutant(4, "and not spent when the request's turn comes", "agent/gitlab/gitlab.c",
           "gitlab->was_late = !gitlab->may_go(gitlab->may_go_context);", "",
           matrix("project/request/*-PUT-*/exhausted")),
    Mutant(4, "the expected id", "agent/flow/identity.c",
           "if (identity->known && identity->token.id != token->id)", "if (false)",
           unit("identity", "another_token_than_before_is_refused_from_then_on")),
    Mutant(4, "proven before the request", "agent/flow/rotate.c",
           "if (!identity_fresh(self_identity(attempt), gitlab, err)) {", "if (false) {",
           unit("rotate", "no_request_is_sent_once_another_worker_distrusts_our_credential"),
           (("&& identity_is_fresh(self_identity(attempt));",
             ";"),)),
    Mutant(4, "what one worker learns holds for all", "agent/flow/identity.c",
           "identity->distrusted = true;", ";",
           unit("rotate", "no_request_is_sent_once_another_worker_distrusts_our_credential")),
    Mutant(4, "already revoked is moved", "agent/gitlab/answer.c",
           "? ERR_MOVED", "? ERR_REFUSED\n",
           scenario("hands", "Hands.test_a_foreign_rotation_in_the_middle_of_ours_is_told")),
    Mutant(4, "moved is never a reason to create", "agent/flow/rotate.c",
           'err_set(err, ERR_MOVED, 0, "#%lld is revoked, and not by us", (long long)token->id);',
           "attempt->row->target_id = 0;\n\t\treturn true;",
           scenario("rules", "Rules.test_rule_4_what_somebody_revokes_in_the_middle_is_not_made_anew")),

    # --- 5: every destination passes before the old secret dies ---
    Mutant(5, "the write preflight", "agent/flow/preflight.c",
           "!destination_preflight( &tools, destination, &attempt->last_stamp, err)", "false",
           scenario("rules", "Rules.test_rule_5_each_destination_is_written_before_the_old_secret_dies")
           + scenario("hands", "Hands.test_a_refused_destination_stops_the_rotation_before_anything_dies")
           + matrix("project/request/*-PUT-*/delay")),
    Mutant(5, "of every destination", "agent/flow/preflight.c",
           "for (size_t i = 0; i < attempt->deliveries.count; i++) { struct destination *destination",
           "for (size_t i = 0; i < 1; i++) {\n\t\tstruct destination *destination",
           scenario("rules", "Rules.test_rule_5_each_destination_is_written_before_the_old_secret_dies")),
    Mutant(5, "less than a minute before", "agent/flow/preflight.c",
           "#define PREFLIGHT_HOLDS_MSEC 45000", "#define PREFLIGHT_HOLDS_MSEC 450000",
           unit("rotate", "a_preflight_holds_for_less_than_a_minute")
           + matrix("project/slow/*commit/70")),
    Mutant(5, "counted from where it began", "agent/flow/preflight.c",
           "attempt->preflight_msec = begun_msec;", "(void)begun_msec;\n\tattempt->preflight_msec = clock_msec();",
           matrix("project/slow/*-PUT-*/70")),
    Mutant(5, "nothing is closed before it is verified", "agent/flow/verify.c",
           "if (err->kind == ERR_MOVED || err->kind == ERR_REFUSED) return deliver_again",
           "return true;\n\t\tif (false)\n\t\t\treturn deliver_again",
           scenario("hands", "Hands.test_a_value_overwritten_by_hand_is_written_again_before_the_row_closes")),
    Mutant(5, "a replaced one lives until the overlap is over", "agent/flow/overlap.c",
           "if (now_of(attempt) < row->retire_after)", "if (false)",
           scenario("replace", "Road.test_the_old_one_lives_until_the_overlap_is_over")),
    Mutant(5, "and until all is read again in the run that retires it", "agent/flow/overlap.c",
           "if (attempt->verified) return true;", "return true;",
           scenario("replace", "Road.test_every_destination_is_read_in_the_run_that_retires")
           + matrix("retire/request/*DELETE*/delay")),
    Mutant(5, "a list without the new one says nothing of the old one", "agent/flow/overlap.c",
           "!evidence_list(attempt, &all, err) || !new_is_listed(attempt, &all, err)) return false; old = "
           "evidence_find(&all, row->old_id); if (old && token_is_alive",
           "!evidence_list(attempt, &all, err))\n\t\t\treturn false;\n\t\told = evidence_find(&all, row->old_id);"
           "\n\t\tif (old && token_is_alive",
           scenario("replace", "Quiet.test_a_list_without_it_says_nothing_of_its_use")),

    # --- 6: what holds two runs after the last fault ---
    Mutant(6, "forks of ours are revoked", "agent/flow/retire.c",
           "if (!revoke_fork(attempt, token, err)) return false;", "",
           scenario("lost", "Lost.test_a_second_successor_of_our_own_is_revoked")
           + matrix("create/request/*POST*/twice")),
    Mutant(6, "and read to be", "agent/flow/retire.c",
           "(!revoked || sweep_listed(attempt, NULL, err));", "true;",
           scenario("lost", "Lost.test_that_a_second_successor_is_gone_is_believed_when_it_is_read")),
    Mutant(6, "what is not ours is not revoked", "agent/flow/retire.c",
           "if (!evidence_is_ours(attempt, token))", "if (false)",
           scenario("rules", "Rules.test_rule_6_a_second_successor_that_is_not_ours_is_told_and_left_alone")),
    Mutant(6, "no other token is changed: its owner", "agent/flow/rotate.c",
           "return err_advise(err, GLR_PATH_MOVED);", "return true;",
           scenario("hands", "Hands.test_a_path_that_leads_elsewhere_stops_a_rotation_to_a_file_too")),
    Mutant(6, "no other token is changed: itself", "agent/flow/rotate.c",
           "if (!evidence_is_target(attempt, token)) {", "if (false) {",
           scenario("rules", "Rules.test_rule_6_a_number_that_is_another_token_now_is_left_alone")),
    Mutant(6, "no destination is another agent's", "agent/destination/stamp.c",
           "if (!found->generation)", "if (true)",
           scenario("hands", "Hands.test_a_second_agent_does_not_overwrite_the_first")),
    Mutant(6, "a dead secret is not delivered", "agent/flow/evidence.c",
           "if (attempt->alive) return true;", "return true;",
           scenario("hands", "Hands.test_a_held_secret_that_died_is_replaced")),
    Mutant(6, "nor one that is refused where it would be used", "agent/flow/evidence.c",
           "attempt->alive = proof_of_deploy_token(attempt, token, err);", "attempt->alive = true;",
           scenario("handshake", "Refused.test_one_that_is_refused_goes_to_nobody_until_its_door_opens")),
    Mutant(6, "what is held is not given up", "agent/flow/attempt.c",
           "{ STATE_DELIVERED, STATE_HELD, STATE_HELD, STATE_DOUBTED,",
           "{ STATE_DELIVERED, STATE_HELD, STATE_DROPPED, STATE_DOUBTED,",
           unit("steps", "what_is_held_is_not_dropped")),

    # --- 7: clear secrets exist nowhere else ---
    Mutant(7, "libcurl's memory is wiped", "agent/base/wiping.c",
           "secret_wipe(memory, malloc_usable_size(memory));", "",
           wire("memory", "no_copy_of_a_secret_outlives_it")),
    Mutant(7, "jansson's memory is wiped", "agent/base/json.c",
           "json_set_alloc_funcs(wiping_malloc, wiping_free);", "",
           wire("memory", "no_copy_of_a_secret_outlives_its_decoding")),
    Mutant(7, "OpenSSL's memory is wiped", "agent/base/http.c",
           "SSL_CTX_set_options(context, SSL_OP_CLEANSE_PLAINTEXT);", ";",
           wire("memory", "no_copy_of_a_secret_outlives_it")),
    Mutant(7, "no core file", "agent/base/secret.c",
           "if (setrlimit(RLIMIT_CORE, &no_core) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))", "if (no_core.rlim_max)",
           scenario("secrets", "Secrets.test_a_crash_leaves_no_core")),
    Mutant(7, "a closed row is erased", "agent/store/schema.c",
           "SET closed_at = ?2, sealed = NULL WHERE", "SET closed_at = ?2 WHERE",
           scenario("secrets", "Secrets.test_a_closed_row_has_nothing_left_to_unseal")
           + matrix("project/request/*rotate/drop_after_commit")),
    Mutant(7, "what is erased is gone from the disk", "agent/store/db.c",
           "PRAGMA secure_delete = ON;", "PRAGMA secure_delete = OFF;",
           scenario("secrets", "Secrets.test_a_sealed_secret_is_gone_from_the_disk_after_the_next_run")),
    Mutant(7, "the secret in flight is sealed", "agent/store/seal.c",
           "memcpy(padded, secret_reveal(secret), length);",
           "memcpy(padded, secret_reveal(secret), length);\n\tmemcpy(sealed, padded, length);\n\treturn true;",
           unit("seal", "what_is_sealed_shows_neither_the_secret_nor_its_length_nor_repeats")),
    Mutant(7, "an error that echoes our credential is not shown", "agent/gitlab/gitlab.c",
           "if (secret_holds(answer->body, gitlab->credential))", "if (false)",
           scenario("between", "Answers.test_a_credential_that_is_echoed_in_an_error_is_not_shown")),
    Mutant(7, "an error that echoes a new secret is not shown", "agent/gitlab/answer.c",
           "source_clean(NULL, text);", "",
           scenario("between", "Answers.test_a_new_secret_that_is_echoed_in_an_error_is_not_shown")),

    # --- 8: what is said of our credential ends it, and nothing else does ---
    Mutant(8, "invalid_token ends the run", "agent/gitlab/answer.c",
           "? ERR_CREDENTIAL", "? ERR_REFUSED\n",
           unit("answer", "answer_is_classed_by_its_body_and_by_what_was_asked")),
    Mutant(8, "a dead credential is not presented again", "agent/flow/identity.c",
           "if (err->kind == ERR_CREDENTIAL || err->kind == ERR_REFUSED) return refuse(identity, err); return false;",
           "return true;",
           scenario("hands", "Hands.test_a_dead_credential_is_presented_once_and_no_more")
           + matrix("self/request/*401*")),
    Mutant(8, "a plain 401 is the entry's alone", "agent/gitlab/answer.c",
           "case 401: return kind_of_401(said);", "case 401:\n\t\t(void)kind_of_401;\n\t\treturn ERR_CREDENTIAL;",
           scenario("rules", "Rules.test_rule_8_a_plain_401_while_our_credential_lives_is_that_tokens_alone")),
    Mutant(8, "a plain 401 after which /self fails is ours", "agent/flow/identity.c",
           "if (!identity_prove(identity, gitlab, &probe) && probe.kind == ERR_CREDENTIAL)",
           "(void)gitlab;\n\tif (false)",
           scenario("rules", "Rules.test_rule_8_a_plain_401_to_the_request_after_which_self_fails_too_ends_it")),
    Mutant(8, "and so it is while the owners are read", "agent/flow/inventory.c",
           "if (!listing->is_readable) judge", "if (false)\n\t\tjudge",
           scenario("rules", "Rules.test_rule_8_a_plain_401_to_a_list_after_which_self_fails_too_ends_it")),
    Mutant(8, "ten failures in three minutes", "agent/gitlab/gitlab.c",
           "may = has_room(server, 0);", "may = true;",
           scenario("rules", "Rules.test_rule_8_ten_refusals_in_three_minutes_are_the_most")),
    Mutant(8, "what could be the eleventh waits", "agent/gitlab/gitlab.c",
           "while (server->under_way && !has_room(server, server->under_way))", "while (false)",
           scenario("rules", "Rules.test_rule_8_ten_refusals_in_three_minutes_are_the_most")),
]
