"""Every condition in which a person is needed: how one gets there, what is said, and that doing what it says mends it.

The lines of "What to do" that begin with glrotate are pasted into a shell, as they stand; what a person does in GitLab or
in a file is done between. A method's name ends in its code."""
import datetime
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess

from harness import DEADLINE, GLROTATE, HERE, Case, Ended, day, main, until

OLD = "glpat-push-old-000000"
WORLD = {
    "users": [{"username": "alice", "tokens": [{"name": "laptop", "created": "-85d", "expires": "+5d"}]},
              {"username": "maint", "tokens": [{"name": "maint", "secret": "maint-secret", "expires": "+300d"}]}],
    "projects": [
        {"path": "shop/api", "members": [{"user": "maint", "level": "maintainer"}],
         "tokens": [{"name": "push", "secret": OLD, "created": "-10d", "expires": "+80d"},
                    {"name": "high", "access_level": "owner", "created": "-85d", "expires": "+5d"},
                    {"name": "twin", "created": "-10d", "expires": "+80d"},
                    {"name": "twin", "created": "-9d", "expires": "+81d"}],
         "variables": [{"key": "PUSH", "value": OLD}]}]}
PUSH = "project:shop/api:push"
ENTRY = """
  - token: project:shop/api:{name}
    deliver: [ ci_variable: PUSH ]
"""
LABELS = ("What happened:", "Still works:", "Why:", "What to do:", "Risk:", "More:")
ROOT_FOLDER = pathlib.Path(__file__).resolve().parents[2]


def six_lines(text):
    """What was said of each condition: {label: text}, "What to do" as a list of lines."""
    found, here, label = [], None, None
    for line in text.splitlines():
        new = next((each for each in LABELS if line.startswith(each)), None)
        if new == LABELS[0]:
            here = {}
            found.append(here)
        if new:
            label = new
            here[label] = [line[15:].strip()]
        elif here is not None and label == "What to do:" and line.startswith(" "):
            here[label].append(line.strip())
        elif here is not None:
            here, label = None, None
    return found


class Conditions(Case):
    clock = HERE
    world = WORLD
    tokens = ENTRY.format(name="push")

    def setUp(self):
        super().setUp()
        folder = self.host.path / "bin"
        folder.mkdir()
        program = folder / "glrotate"
        program.write_text(f'#!/bin/sh\nexec {GLROTATE} --policy {self.host.path}/glrotate.yaml'
                           f' --state {self.host.state} "$@"\n')
        program.chmod(0o755)

    # --- what is said, and done ---

    def said(self, ended, code, token=PUSH):
        """The six lines of the one condition that was told."""
        self.needs_person(ended, f"GLR-{code}")
        lines = [each for each in six_lines(ended.err) if each["More:"][0].endswith(f"GLR-{code}")]
        self.assertEqual(len(lines), 1, ended.err)
        self.assertEqual(tuple(lines[0]), LABELS)
        if token:
            self.assertIn(token, lines[0]["What happened:"][0])
        self.stays_told(code, token)
        return lines[0]

    def stays_told(self, code, token):
        """`status` says it again for as long as it lasts, to people and to programs."""
        if not token:
            return
        status = self.host.run("status", "--failed")
        self.assertEqual(status.code, 3, status)
        self.assertIn(f"GLR-{code}", status.out + status.err)
        self.assertIn(f"GLR-{code}", json.dumps(self.host.run("status", "--failed", "--json").json))

    def paste(self, said, code=0):
        """The lines that are there to be pasted, each in a shell; the last one ends with `code`."""
        lines = [re.sub(r"   +\(.*\)$", "", line) for line in said["What to do:"]]
        lines = [re.sub(r"^.*(then: |, )(?=glrotate )", "", line) for line in lines]
        lines = [line for line in lines if line.startswith("glrotate ")]
        self.assertTrue(lines, said)
        for line in lines:
            done = subprocess.run(["/bin/sh", "-c", line], cwd=self.host.path, capture_output=True, text=True,
                                  stdin=subprocess.DEVNULL, timeout=DEADLINE, check=False,
                                  env={**os.environ, "PATH": f"{self.host.path}/bin:{os.environ['PATH']}"})
            ended = Ended(done.returncode, done.stdout, done.stderr)
            self.assertNotEqual(ended.code, 2, f"{line}: {ended}")
        self.assertEqual(ended.code, code, f"{line}: {ended}")
        return ended

    def mended(self, name="push", key="PUSH"):
        self.settles()
        self.assertEqual(self.variable("shop/api", key)["value"], self.living(name)["secret"])
        self.assertEqual(self.host.run("status", "--failed").code, 0)

    def adopt(self):
        self.exits(0, "run")
        return self.living("push")

    def order(self):
        return self.host.run("rotate", "push", "--reason", "test")

    def killed_while_it_holds(self):
        """A run that is killed at its delivery: the new secret is in the journal alone."""
        self.adopt()
        self.sim.fault("delay", method="PUT", path="*/variables/*", nth=2)
        running = self.host.start("rotate", "push", "--reason", "test")
        until(self.is_held, "the delivery")
        running.kill()
        running.communicate()

    def test_no_condition_goes_without_its_test(self):
        """Those that the program can say; some are mended in the tests of what they are about."""
        program = "".join(file.read_text(encoding="utf-8") for file in (ROOT_FOLDER / "agent").rglob("*.c")
                          if file.name != "advice_texts.c")
        header = (ROOT_FOLDER / "include" / "base" / "advice.h").read_text(encoding="utf-8")
        codes = {code for name, code in re.findall(r"^\t(GLR_\w+) = (\d+),", header, re.M) if name in program}
        tested = {name[-3:] for name in dir(self) if re.search(r"_glr_\d{3}$", name)}
        elsewhere = set(re.findall(r"(?:needs_person|assertIn)\(.*GLR-(\d+)", "".join(
            file.read_text(encoding="utf-8") for file in pathlib.Path(__file__).parent.glob("test_*.py"))))
        self.assertGreater(len(codes), 15)
        self.assertEqual(codes - tested - (elsewhere & {"122", "123", "124", "125", "126", "127", "128", "129",
                                                       "130", "131", "132", "133"}), set())

    # --- for how long it is told ---

    def test_since_when_is_kept_from_run_to_run(self):
        token = self.adopt()
        self.sim.act("revoke", token=token["id"])
        first = self.said(self.host.run("run"), 109)["What happened:"][0]
        self.advance("3h")
        again = self.said(self.host.run("run"), 109)["What happened:"][0]
        since = rf"since ({day()} 10:\d\d UTC)"
        self.assertEqual(re.search(since, first)[1], re.search(since, again)[1])
        self.assertIn("(3h ago)", again)

    def test_what_a_run_was_not_about_stays_told(self):
        self.host.set_tokens(ENTRY.format(name="push") + ENTRY.format(name="twin").replace("PUSH", "TWIN"))
        self.said(self.host.run("run"), 116, "project:shop/api:twin")
        self.assertEqual(self.order().code, 0)
        self.stays_told(116, "project:shop/api:twin")
        self.host.set_tokens(self.tokens)
        self.exits(0, "run")
        self.exits(0, "status", "--failed")

    def test_a_run_that_ended_early_is_told_by_status(self):
        self.adopt()
        self.sim.act("revoke", token="push")
        self.assertEqual(self.host.run("run").code, 3)
        self.sim.fault("drop_before_commit", path="*", times=0)
        self.assertEqual(self.host.run("run").code, 1)
        status = self.host.run("status")
        self.assertEqual(status.code, 3)
        self.assertIn("it ended early: our own credential", status.out)
        self.stays_told(109, PUSH)
        self.clear_faults()
        self.sim.act("revoke", token=1)
        self.assertEqual(self.host.run("run").code, 3)
        status = self.host.run("status", "--json")
        self.assertEqual((status.code, status.json["ended_early_by"]["advice"]), (3, "GLR-114"))

    # --- the journal and its key ---

    def test_a_damaged_journal_glr_101(self):
        self.adopt()
        self.assertEqual(self.order().code, 0)
        journal = self.host.state / "journal.db"
        journal.write_bytes(b"no database" * 1000)
        said = self.said(self.host.run("run"), 101, None)
        journal.rename(self.host.state / "journal.db.damaged")
        self.paste(said)
        # The stamps of the old journal are told at the next rotation, as the line says.
        self.assertIn("GLR-107", said["What to do:"][-1])
        self.take_the_stamp_away(self.said(self.order(), 107))
        self.mended()

    def test_another_key_glr_102(self):
        self.adopt()
        key = self.host.state / "key"
        shutil.copy(key, self.host.path / "backup")
        key.write_text("0" * 64 + "\n")
        said = self.said(self.host.run("run"), 102, None)
        shutil.copy(self.host.path / "backup", key)
        self.paste(said)
        self.mended()

    def test_a_sealed_secret_that_does_not_open_glr_103(self):
        self.killed_while_it_holds()
        self.host.back_up()
        with sqlite3.connect(self.host.state / "journal.db") as db:
            sealed = bytearray(db.execute("SELECT sealed FROM rotations WHERE sealed IS NOT NULL").fetchone()[0])
            sealed[-1] ^= 1
            db.execute("UPDATE rotations SET sealed = ? WHERE sealed IS NOT NULL", (bytes(sealed),))
        db.close()
        said = self.said(self.host.run("run"), 103, None)
        self.host.restore()
        self.paste(said)
        self.mended()

    def test_a_newer_journal_glr_104(self):
        self.adopt()
        journal = self.host.state / "journal.db"
        shutil.copy(journal, self.host.path / "backup")
        with sqlite3.connect(journal) as db:
            db.execute("PRAGMA user_version = 99")
        db.close()
        said = self.said(self.host.run("run"), 104, None)
        shutil.copy(self.host.path / "backup", journal)  # a newer program could read it
        self.paste(said)
        self.mended()

    # --- owners and identities ---

    def test_a_path_that_leads_elsewhere_glr_105(self):
        self.adopt()
        self.sim.act("rename_project", path="shop/api", to="shop/core")
        self.sim.act("create_project", path="shop/api")
        said = self.said(self.order(), 105)
        self.host.set_tokens(self.tokens.replace("shop/api", "shop/core"))
        self.paste(said)
        self.settles()
        self.exits(0, "rotate", "project:shop/core:push", "--reason", "test")
        self.assertEqual(self.variable("shop/core", "PUSH")["value"], self.living("push")["secret"])

    def test_an_old_journal_glr_106(self):
        self.adopt()
        self.assertEqual(self.order().code, 0)
        self.host.back_up()
        self.assertEqual(self.order().code, 0)
        self.host.restore()
        held = self.variable("shop/api", "PUSH")["value"]
        said = self.said(self.order(), 106)
        self.assertTrue(self.opens(held))
        self.sim.act("set_variable", owner="shop/api", key="PUSH", description="")
        self.paste(said)
        self.mended()

    def take_the_stamp_away(self, said):
        self.sim.act("set_variable", owner="shop/api", key="PUSH", description="")
        self.paste(said)
        self.assertEqual(self.order().code, 0)

    def test_a_second_agent_glr_107(self):
        self.adopt()
        self.assertEqual(self.order().code, 0)
        shutil.rmtree(self.host.state)
        self.host.state.mkdir(mode=0o700)
        self.exits(0, "run")
        self.take_the_stamp_away(self.said(self.order(), 107))
        self.mended()

    def test_a_foreign_rotation_glr_108(self):
        token = self.adopt()
        self.sim.act("rotate", token=token["id"])
        self.paste(self.said(self.host.run("run"), 108))
        self.mended()

    def test_a_revoked_token_glr_109(self):
        token = self.adopt()
        self.sim.act("revoke", token=token["id"])
        said = self.said(self.host.run("run"), 109)
        self.sim.act("create_token", kind="project", owner="shop/api", name="push", scopes=["api"], expires="+20d")
        self.paste(said)
        self.mended()

    def test_a_number_that_is_another_token_glr_110(self):
        """GitLab is put back from a backup, and gives the number out again."""
        self.sim.act("snapshot", name="before")
        self.sim.act("revoke", token="push")
        self.sim.act("create_token", kind="project", owner="shop/api", name="push", scopes=["api"], created="-1h",
                     expires="+20d")
        self.host.set_tokens(self.tokens)
        token = self.adopt()
        self.sim.act("restore", name="before")
        self.sim.act("revoke", token="push")
        again = self.sim.act("create_token", kind="project", owner="shop/api", name="push", scopes=["api"],
                             created="-2h", expires="+20d")
        self.assertEqual(again["id"], token["id"])
        said = self.said(self.host.run("run"), 110)
        self.assertEqual(self.changes(), [])
        self.host.set_tokens("  []")
        self.exits(0, "run")
        self.host.set_tokens(self.tokens)
        self.paste(said)
        self.assertEqual(self.order().code, 0)
        self.mended()

    def test_a_blocked_user_glr_111(self):
        self.host.set_tokens("""
  - token: personal:alice:laptop
    deliver: [ ci_variable: { key: PUSH, project: shop/api } ]
""")
        self.sim.act("block_user", user="alice")
        said = self.said(self.host.run("run"), 111, "personal:alice:laptop")
        self.sim.act("unblock_user", user="alice")
        self.paste(said)
        self.mended("laptop")

    def test_a_bot_that_is_no_member_glr_112(self):
        token = self.adopt()
        self.sim.act("remove_member", owner="shop/api", user=token["user_id"],
                     after={"method": "POST", "path": "*/rotate"})
        said = self.said(self.order(), 112)
        self.sim.act("create_namesake", token="push", expires="+20d")
        self.sim.act("revoke", token=[t["id"] for t in self.tokens_of("push") if t["alive"]][0])
        self.paste(said, 1)  # it went back once in this run
        self.mended()

    # --- destinations ---

    def test_a_destination_that_refuses_glr_113(self):
        self.adopt()
        self.sim.act("archive_project", path="shop/api")
        said = self.said(self.order(), 113)
        self.assertEqual(self.asked("POST", "/rotate$"), [])
        self.sim.act("unarchive_project", path="shop/api")
        self.paste(said)
        self.assertEqual(self.order().code, 0)
        self.mended()

    # --- our own credential, and its rights ---

    def test_our_own_credential_is_refused_glr_114(self):
        self.adopt()
        fresh = self.sim.act("create_token", kind="personal", owner="root", name="fresh", scopes=["api"],
                             expires="+90d")["secret"]
        self.sim.act("revoke", token=1)
        said = self.said(self.host.run("run"), 114, None)
        self.host.set_credential(fresh)
        self.paste(said)
        self.assertEqual(self.order().code, 0)
        self.mended()

    def test_a_token_that_cannot_be_created_glr_115(self):
        self.host.set_tokens(ENTRY.format(name="fresh"))
        said = self.said(self.host.run("run"), 115, "project:shop/api:fresh")
        self.host.set_tokens(ENTRY.format(name="fresh") + "    scopes: [ read_api ]\n    access_level: developer\n")
        self.paste(said)
        self.mended("fresh")

    def test_several_tokens_of_one_name_glr_116(self):
        self.host.set_tokens(ENTRY.format(name="twin"))
        said = self.said(self.host.run("run"), 116, "project:shop/api:twin")
        numbers = [token["id"] for token in self.tokens_of("twin")]
        explained = self.host.run("explain", "twin").out
        for number in numbers:
            self.assertIn(f"#{number}", explained)
        self.host.set_tokens(ENTRY.format(name="twin") + f"    id: {numbers[1]}\n")
        self.paste(said)
        self.exits(0, "run")
        self.exits(0, "rotate", "twin", "--reason", "test")
        self.assertTrue(self.opens(self.variable("shop/api", "PUSH")["value"]))
        self.assertTrue(self.sim.alive(numbers[0]))

    def test_a_rotation_that_is_refused_glr_117(self):
        self.host.set_tokens(ENTRY.format(name="high"))
        self.host.set_credential("maint-secret")
        said = self.said(self.host.run("run"), 117, "project:shop/api:high")
        self.assertIn("not held by the user", said["Why:"][0])
        self.sim.act("set_member", owner="shop/api", user="maint", level="owner")
        self.paste(said)
        self.mended("high")

    def test_a_doubt_that_stays_glr_118(self):
        """The answer is lost, and our user may not list the tokens any more."""
        self.host.set_credential("maint-secret")
        self.adopt()
        self.sim.fault("drop_after_commit", method="POST", path="*/rotate")
        self.sim.act("set_member", owner="shop/api", user="maint", level="developer",
                     after={"method": "POST", "path": "*/rotate"})
        said = self.said(self.order(), 118)
        self.assertEqual(len(self.asked("POST", "/rotate$")), 1)
        self.sim.act("set_member", owner="shop/api", user="maint", level="maintainer")
        self.paste(said)
        self.mended()

    def test_a_clock_that_is_off_glr_120(self):
        self.host.limits = "{ settle: 1s, clock_skew: 5m }"
        self.host.set_tokens(self.tokens)
        self.sim.ask("POST", "/sim/clock", {"advance": "1d"})
        said = self.said(self.host.run("run"), 120, None)
        self.assertIn("GLR-120", self.exits(3, "status").out)
        now = datetime.datetime.now(datetime.timezone.utc)
        self.sim.ask("POST", "/sim/clock", {"set": now.strftime("%Y-%m-%dT%H:%M:%SZ")})
        self.paste(said)
        self.mended()

    def test_a_gitlab_put_back_from_a_backup_glr_121(self):
        self.adopt()
        self.sim.act("snapshot", name="night")
        self.assertEqual(self.order().code, 0)
        self.sim.act("restore", name="night")
        self.paste(self.said(self.host.run("run"), 121))
        self.mended()

    def test_an_owner_that_cannot_be_read_glr_119(self):
        self.adopt()
        self.sim.act("set_member", owner="shop/api", user="maint", level="developer")
        self.host.set_credential("maint-secret")
        said = self.said(self.host.run("run"), 119)
        self.sim.act("set_member", owner="shop/api", user="maint", level="maintainer")
        self.paste(said)
        self.assertEqual(self.order().code, 0)
        self.mended()


if __name__ == "__main__":
    main()
