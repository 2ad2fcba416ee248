"""A program as a destination: three steps, the secret on its standard input and nowhere else."""
import os

from harness import Case, main

WORLD = {"projects": [{"path": "platform/api", "tokens": [
    {"name": "push", "secret": "glpat-push-old-000000", "created": "-85d", "expires": "+5d"}]}]}

# Keeps the secret in a file, and writes down all that it was told; what one test adds stands before the steps.
PROGRAM = """#!/bin/sh
set -eu
here=%s
echo "$GLROTATE_STEP $*" >>$here/steps
%s
case $GLROTATE_STEP in
preflight) [ "$(wc -c)" = 0 ] ;;
deliver) cat >$here/held ;;
verify) [ "$(cat)" = "$(cat $here/held)" ] ;;
*) exit 64 ;;
esac
"""


# What comes with each delivery: the stamp is asked for before every write.
AGAIN = ["preflight", "deliver", "verify"]


class Exec(Case):
    world = WORLD

    def setUp(self):
        super().setUp()
        self.program = self.host.path / "put-secret"
        self.set_program()
        self.set_exec("%s" % self.program)

    def set_program(self, more=""):
        self.program.write_text(PROGRAM % (self.host.path, more))
        self.program.chmod(0o755)

    def set_exec(self, words, more=""):
        self.host.set_tokens(f"  - token: project:platform/api:push\n    deliver:\n      - exec: {words}\n{more}")

    def held(self):
        return (self.host.path / "held").read_text()

    def steps(self):
        file = self.host.path / "steps"
        return [line.split()[0] for line in file.read_text().splitlines()] if file.exists() else []

    def told(self, *verb):
        """All that a verb says, which holds no secret."""
        ended = self.host.run(*verb)
        self.assertEqual(self.secrets_in(ended.out + ended.err), [])
        return ended

    def test_it_is_told_the_facts_and_given_the_secret(self):
        self.set_exec("{ run: [%s, '{owner:basename}', -v], timeout: 5m, name: '{name} store' }" % self.program)
        self.set_program("""env >$here/$GLROTATE_STEP
[ $GLROTATE_STEP != preflight ] || [ -e $here/before ] || cp $here/preflight $here/before
for process in $$ $PPID; do
    for file in cmdline environ; do cat /proc/$process/$file >>$here/proc 2>/dev/null || :; done
done
printf '%s\\n' "$@" >$here/arguments""")
        self.assertIn(f"exec push store: runs {self.program} api -v", self.exits(0, "plan").out)
        self.exits(0, "check")
        self.assertEqual(self.steps(), [])  # neither runs anything
        self.exits(0, "run")
        self.assertEqual(self.steps(), ["preflight"] + AGAIN)
        token = self.living("push")
        self.assertEqual(self.held(), token["secret"])
        self.assertEqual((self.host.path / "arguments").read_text(), "api\n-v\n")
        facts = dict(line.split("=", 1) for line in (self.host.path / "deliver").read_text().splitlines())
        self.assertEqual({k: v for k, v in facts.items() if k in ("GLROTATE_TOKEN", "GLROTATE_TOKEN_ID",
                          "GLROTATE_EXPIRES", "GLROTATE_GENERATION", "PATH")},
                         {"GLROTATE_TOKEN": "project:platform/api:push", "GLROTATE_TOKEN_ID": str(token["id"]),
                          "GLROTATE_EXPIRES": token["expires_at"], "GLROTATE_GENERATION": "1",
                          "PATH": os.environ["PATH"]})
        self.assertRegex(facts["GLROTATE_STAMP"], r"^\[glrotate #%d 2026-11-21 g1 [0-9a-f]{32}\]$" % token["id"])
        self.assertNotIn("GLROTATE_STAMP", (self.host.path / "before").read_text())  # no secret was given yet
        seen = (self.host.path / "proc").read_bytes().decode(errors="replace")
        self.assertIn(str(self.program), seen)
        self.assertEqual(self.secrets_in(seen), [])
        self.assertIn("delivery.proven", self.host.events())

    def test_a_program_that_others_may_change_gets_nothing(self):
        self.program.chmod(0o775)
        for verb in ("plan", "check"):
            self.assertIn("has mode 0775: others may change it", self.told(verb).out)
        self.needs_person(self.host.run("run"), "GLR-")
        self.program.chmod(0o644)
        self.assertIn("Permission denied", self.told("check").out)
        if os.geteuid() == 0:
            self.program.chmod(0o755)
            os.chown(self.program, 4711, -1)
            self.assertIn("belongs to user 4711", self.told("check").out)
        self.assertEqual((self.steps(), self.asked("POST", "/rotate$")), ([], []))

    def test_what_a_policy_may_not_say(self):
        for words, why in (("put-secret", "no absolute path"), ("'%s a'" % self.program, "arguments stand by themselves"),
                           ("'/opt/{name}'", "no absolute path"), ("{ run: [] }", "a command has a program"),
                           ("{ run: [%s], timeout: 11m }" % self.program, "10m")):
            with self.subTest(words):
                self.set_exec(words)
                ended = self.told("check", "--offline")
                self.assertEqual(ended.code, 2, ended)
                self.assertIn(why, ended.err)
        self.host.set_tokens("""
  - token: project:platform/api:push
    deliver: [ exec: %s ]
  - token: "project:platform/api:-rf"
    deliver: [ exec: { run: [ %s, "{name}" ] } ]
  - token: project:platform/api:pull
    deliver: [ exec: %s ]
""" % (self.program, self.program, self.program))
        ended = self.told("check", "--offline")
        self.assertIn("take for an option", ended.err)
        self.assertIn("gets two secrets", ended.err)

    def test_a_file_of_policies_d_runs_only_what_the_main_file_names(self):
        folder = self.host.path / "policies.d"
        folder.mkdir()
        (folder / "team.yaml").write_text("""tokens:
  - token: "project:platform/*:push"
    deliver: [ exec: [ %s, "{name}" ] ]
""" % self.program)
        for programs, code in (("[]", 2), (f"[ {folder}/* ]", 2), ("[ '/*' ]", 2), (f"[ /bin/sh, {self.host.path}/* ]", 0)):
            with self.subTest(programs):
                self.host.limits = "{ settle: 1s, programs: %s }" % programs
                self.host.set_tokens("  []")
                ended = self.told("check", "--offline")
                self.assertEqual(ended.code, code, ended)
                self.assertEqual("may not be run from a file of policies.d" in ended.err, code == 2)
        self.exits(0, "run")
        self.assertEqual(self.held(), self.living("push")["secret"])

    def test_who_refuses_or_is_too_slow_before_costs_nothing(self):
        for more, words, code in (
                ("sleep 1000", "did not end within 1 s and was killed", 1),
                ("kill -9 $$", "was ended by signal 9", 1),
                ("echo the store is locked >&2; exit 75", "ended with exit code 75: the store is locked", 1),
                ("echo no such store >&2; exit 4", "ended with exit code 4: no such store", 3)):
            with self.subTest(more):
                self.set_exec("{ run: %s, timeout: %s }" % (self.program, "1s" if "sleep" in more else "10m"))
                self.set_program(more)
                ended = self.told("run")
                self.assertEqual(ended.code, code, ended)
                self.assertIn(words, ended.out + ended.err)
        self.assertEqual(self.asked("POST", "/rotate$"), [])
        self.assertTrue(self.opens("glpat-push-old-000000"))

    def test_what_it_says_is_told_without_the_secret(self):
        self.set_program("""[ $GLROTATE_STEP != deliver ] || {
    cat >$here/got
    { cat $here/got; echo; base64 <$here/got; printf 'user:' | cat - $here/got | base64; cat $here/got; } >&2
    exit 1
}""")
        ended = self.told("run")
        self.needs_person(ended, "GLR-")
        secret = (self.host.path / "got").read_text()
        self.assertEqual(secret, self.living("push")["secret"])
        self.assertIn("***|***", ended.out + ended.err)
        for verb in ("status", "history", "explain"):
            self.assertNotIn(secret[-8:], self.told(*([verb, "push"] if verb == "explain" else [verb])).out)
        for file in self.host.state.iterdir():
            self.assertNotIn(secret.encode(), file.read_bytes())

    def test_one_that_reads_nothing_and_leaves_a_daemon_cannot_tell(self):
        self.set_program("""case $GLROTATE_STEP in
deliver) exec <&-; sleep 1000 & echo $! >$here/daemon; exit 0 ;;
verify) exit 3 ;;
esac""")
        self.exits(0, "run")  # and not a timeout: the daemon is not waited for
        os.kill(int((self.host.path / "daemon").read_text()), 9)
        self.assertIn("delivery.unproven", self.host.events())
        self.assertRegex(self.host.events("delivery.unproven")[0], "unproven: it cannot be read back")

    def test_one_that_vanishes_after_the_preflight_is_waited_for(self):
        self.set_program('rm -- "$0"')
        self.needs_person(self.host.run("run"), "GLR-")
        self.set_program()
        self.settles()
        self.assertEqual(self.held(), self.living("push")["secret"])
        self.assertEqual(len(self.asked("POST", "/rotate$")), 1)

    def test_one_that_lags_gets_the_same_secret_in_the_next_run(self):
        self.set_exec("[ %s, here ]" % self.program, "      - file: %s/token\n" % self.host.path)
        self.set_program("[ $GLROTATE_STEP != deliver ] || { echo locked >&2; exit 75; }")
        self.assertEqual(self.told("run").code, 1)
        self.assertEqual((self.host.path / "token").read_text(), self.living("push")["secret"])
        status = self.told("status").out
        self.assertIn("locked", status)
        self.assertIn(f"exec {self.program} here", status)
        self.set_program()
        self.exits(0, "run")
        self.assertEqual(self.held(), self.living("push")["secret"])
        self.assertEqual(len(self.asked("POST", "/rotate$")), 1)

    def test_what_it_holds_no_more_is_delivered_again(self):
        self.set_program("""[ $GLROTATE_STEP != verify ] || [ -e $here/again ] || {
    : >$here/again; echo something else >&2; exit 1
}""")
        self.settles()
        self.assertEqual(self.steps(), ["preflight"] + AGAIN + AGAIN)
        self.assertEqual(self.held(), self.living("push")["secret"])

    def test_its_stamp_is_a_fence(self):
        them = "[glrotate #1 2026-11-20 g7 ffffffffffffffffffffffffffffffff]"
        self.set_program(f"echo hello; [ $GLROTATE_STEP != preflight ] || echo 'stamp: {them}'")
        ended = self.told("run")
        self.assertEqual(ended.code, 3, ended)
        self.assertIn("another glrotate wrote it last", ended.err)
        self.assertEqual((self.steps(), self.asked("POST", "/rotate$")), (["preflight"], []))

    def test_its_stamp_is_a_fence_before_each_write_too(self):
        them = "[glrotate #1 2026-11-20 g7 ffffffffffffffffffffffffffffffff]"
        self.set_program("[ $GLROTATE_STEP != deliver ] || { echo locked >&2; exit 75; }")
        self.assertEqual(self.told("run").code, 1)  # the secret is held, and owed
        (self.host.path / "steps").unlink()
        (self.host.path / "held").write_text("theirs")
        self.set_program(f"[ $GLROTATE_STEP != preflight ] || echo 'stamp: {them}'")
        ended = self.told("run")
        self.needs_person(ended, "GLR-107")
        self.assertIn("another glrotate wrote it last", ended.err)
        self.assertEqual((self.steps(), self.held()), (["preflight"], "theirs"))
        self.set_program()
        self.settles()
        self.assertEqual(self.held(), self.living("push")["secret"])


if __name__ == "__main__":
    main()
