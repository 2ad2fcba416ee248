"""A journal that is damaged, foreign, newer or in nobody's reach: it is refused and left to the byte, and there is a way out."""
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import unittest

from harness import DEADLINE, HERE, Case, main, until

WORLD = {"projects": [
    {"path": "shop/api", "tokens": [{"name": "push", "created": "-85d", "expires": "+5d"}],
     "variables": [{"key": "PUSH", "value": "old-value-00000"}]}]}
TOKENS = """
  - token: project:shop/api:push
    deliver: [ ci_variable: PUSH ]
"""
PAGE = 4096
VERBS = (("run",), ("status",), ("history",), ("rotate", "push", "--reason", "test"))
NOBODY = 65534
TEXT = "CAST(x'ff1b5b324a0a5b' AS TEXT)"
VALUES = {"INTEGER": ("9223372036854775807", "-9223372036854775808", TEXT), "TEXT": (TEXT, "x''"), "BLOB": (TEXT, "x''")}


class Journal(Case):
    """Each test begins with a journal that has closed rows, and events."""
    clock = HERE
    world = WORLD
    tokens = TOKENS

    def setUp(self):
        super().setUp()
        self.exits(0, "run")
        self.exits(0, "history", "--verify")
        self.file = self.host.state / "journal.db"
        self.forget_requests()

    def picture(self):
        """The whole of the state directory but the number of the process that last had the lock."""
        found = {}
        for file in sorted(self.host.state.iterdir()):
            if file.name != "lock":
                found[file.name] = file.read_bytes() if file.is_file() else file.lstat().st_mode
        return found

    def is_refused(self, code, verbs=VERBS):
        before = self.picture()
        for verb in verbs:
            self.needs_person(self.host.run(*verb), code)
            self.assertEqual(self.picture(), before, verb)
        self.assertEqual(self.asked(), [])

    def sql(self, *statements):
        with sqlite3.connect(self.file) as db:
            for statement in statements:
                db.execute(statement)
        db.close()

    # --- what stands in its place ---

    def test_what_was_cut_short_is_refused(self):
        whole = self.file.read_bytes()
        for length in (0, 1, 15, 16, 99, 100, 512, PAGE - 1, PAGE, len(whole) // 2, len(whole) - PAGE):
            with self.subTest(length):
                os.truncate(self.file, 0)
                self.file.write_bytes(whole[:length])
                self.is_refused("GLR-101", (("run",), ("status",)))

    def test_what_is_no_file_is_refused_and_nobody_hangs(self):
        def leads_elsewhere(path):
            shutil.copy(self.host.path / "kept.db", self.host.path / "elsewhere.db")
            path.symlink_to(self.host.path / "elsewhere.db")

        def listens(path):
            listener = socket.socket(socket.AF_UNIX)
            self.addCleanup(listener.close)
            listener.bind(str(path))
        shutil.move(self.file, self.host.path / "kept.db")
        makers = [("a folder", pathlib.Path.mkdir), ("a pipe", os.mkfifo), ("a link", leads_elsewhere),
                  ("a link to nothing", lambda path: path.symlink_to("/nowhere/at/all")), ("a socket", listens)]
        for what, make in makers:
            with self.subTest(what):
                make(self.file)
                self.is_refused("GLR-101")
                if self.file.is_dir() and not self.file.is_symlink():
                    self.file.rmdir()
                else:
                    self.file.unlink()

    def test_another_programs_database_is_refused(self):
        for statements in (["PRAGMA application_id = 1"], ["PRAGMA journal_mode = WAL"],
                           ["PRAGMA application_id = 0"]):
            with self.subTest(statements):
                self.again()
                self.sql(*statements)
                self.is_refused("GLR-101")

    def test_what_lacks_a_part_is_refused(self):
        parts = [["DROP TABLE events"], ["DROP TABLE deliveries"], ["DROP TABLE facts"], ["DROP TABLE filler"],
                 ["DROP TABLE self"], ["DELETE FROM self"], ["DROP INDEX rotations_open"],
                 ["ALTER TABLE tokens RENAME TO token"], ["ALTER TABLE rotations RENAME COLUMN sealed TO shut"],
                 ["ALTER TABLE events DROP COLUMN reason"], ["CREATE TABLE other (a)"], ["PRAGMA user_version = 0"]]
        for statements in parts:
            with self.subTest(statements):
                self.again()
                self.sql(*statements)
                self.is_refused("GLR-101", (("run",), ("status",)))

    def test_a_newer_one_is_refused_and_the_way_out_is_told(self):
        with sqlite3.connect(self.file) as db:
            present, = db.execute("PRAGMA user_version").fetchone()
        for version in (present + 1, 99, 2**31 - 1, -1):
            with self.subTest(version):
                self.again()
                self.sql(f"PRAGMA user_version = {version}")
                self.is_refused("GLR-104")
                self.assertIn("mv journal.db journal.db.newer", self.host.run("run").err)

    # --- what is damaged ---

    def test_a_spoilt_page_is_refused_or_does_no_harm(self):
        whole = self.file.read_bytes()
        refused = 0
        for page in range(len(whole) // PAGE):
            with self.subTest(page=page):
                spoilt = bytearray(whole)
                for at in range(page * PAGE + (100 if page == 0 else 0), page * PAGE + 160):
                    spoilt[at] ^= 0xff
                self.file.write_bytes(spoilt)
                for verb in ("status", "run"):
                    before = self.picture()
                    ended = self.host.run(verb)
                    self.assertIn(ended.code, (0, 3), ended)
                    self.assertNotIn("Sanitizer", ended.err)
                    if ended.code == 3:
                        refused += 1
                        self.needs_person(ended, "GLR-101")
                        self.assertEqual(self.picture(), before)
        self.assertGreater(refused, 10)
        self.assertEqual(self.changes(), [])

    def test_rows_that_nobody_wrote_are_coped_with_or_told(self):
        """Numbers without bounds, texts that move the cursor, bytes and nothing, in every column of every table."""
        with sqlite3.connect(self.file) as db:
            columns = [(table, row[1], row[2]) for table in ("tokens", "rotations", "deliveries", "facts", "self", "events")
                       for row in db.execute(f"PRAGMA table_info({table})")]
        db.close()
        self.sim.fault("status", method="PUT", path="*/variables/*", nth=2, times=0, status=403,
                       body='{"message":"403 Forbidden"}', content_type="application/json")
        self.assertEqual(self.host.run("rotate", "push", "--reason", "test").code, 3)
        whole = self.file.read_bytes()
        held = self.living("push")["id"]
        for table, column, kind in columns:
            for value in VALUES[kind]:
                with self.subTest(f"{table}.{column} = {value}"):
                    self.file.write_bytes(whole)
                    try:
                        self.sql("DROP TRIGGER events_keep", f"UPDATE {table} SET {column} = {value}")
                    except sqlite3.Error:
                        continue  # the table's own rules refuse it
                    self.copes("history" if table == "events" else "status")
                    self.copes("run")
        self.assertEqual([t["id"] for t in self.tokens_of("push") if t["alive"]], [held])
        self.forget_requests()  # of hundreds of runs

    def copes(self, verb):
        ended = self.host.run(verb)
        self.assertIn(ended.code, (0, 1, 3), ended)
        self.assertNotRegex(ended.err, "Sanitizer|runtime error")
        self.assertNotIn("\x1b", ended.out + ended.err)
        if ended.code == 3:
            self.assertIn("What to do:", ended.err + ended.out)

    # --- what a crash leaves ---

    def hot(self):
        """The files as they stand in the middle of a transaction that has begun to write: SQLite must take it back."""
        db = sqlite3.connect(self.file, isolation_level=None)
        for statement in ("PRAGMA journal_mode = PERSIST", "PRAGMA synchronous = FULL", "PRAGMA cache_size = 1",
                          "BEGIN IMMEDIATE", "DROP TRIGGER events_keep", "UPDATE events SET text = 'never happened'",
                          "UPDATE tokens SET token_id = 4711", "UPDATE filler SET bytes = randomblob(262144)"):
            db.execute(statement)
        copies = {name: (self.host.state / name).read_bytes() for name in ("journal.db", "journal.db-journal")}
        db.execute("ROLLBACK")
        db.close()
        return copies

    def test_the_rollback_journal_of_a_crashed_run_is_played_back(self):
        for verb in ("status", "run"):
            with self.subTest(verb):
                self.again()
                events = self.host.events()
                before = self.file.read_bytes()
                for name, content in self.hot().items():
                    (self.host.state / name).write_bytes(content)
                self.assertNotEqual(self.file.read_bytes(), before)
                self.exits(0, verb)
                self.assertEqual(self.host.events(), events)
                self.assertIn("whole", self.exits(0, "history", "--verify").out)
                self.exits(0, "run")
                self.assertEqual(self.changes(), [])

    def test_a_rollback_journal_that_is_spoilt_too_is_refused_or_does_no_harm(self):
        copies = self.hot()
        for length in (0, 27, 512, 5000, len(copies["journal.db-journal"]) // 2):
            with self.subTest(length):
                self.file.write_bytes(copies["journal.db"])
                (self.host.state / "journal.db-journal").write_bytes(copies["journal.db-journal"][:length])
                self.assertIn(self.host.run("status").code, (0, 3))
                ended = self.host.run("run")
                self.assertIn(ended.code, (0, 3), ended)
        self.assertEqual(self.changes(), [])

    # --- who may write ---

    def under(self, *words):
        return subprocess.run([*words, *self.host.command("run")], capture_output=True, text=True, cwd=self.host.path,
                              stdin=subprocess.DEVNULL, timeout=DEADLINE, check=False,
                              env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})

    @unittest.skipUnless(shutil.which("unshare"), "needs unshare")
    def test_a_file_system_that_is_read_only_is_told_before_anything_is_asked(self):
        state = self.host.state
        read_only = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"]), "sh", "-c",
                     f"mount --bind {state} {state} && mount -o remount,ro,bind {state} || exit 77; exec \"$@\"", "sh"]
        before = self.picture()
        ended = self.under(*read_only)
        if ended.returncode in (1, 77) and ("unshare" in ended.stderr or "mount" in ended.stderr):
            self.skipTest("no file system may be mounted here")
        self.assertEqual(ended.returncode, 3, ended.stderr)
        self.assertIn("Read-only file system", ended.stderr)
        self.assertEqual(self.picture(), before)
        self.assertEqual(self.asked(), [])

    @unittest.skipUnless(os.geteuid() == 0, "only root gives files away")
    def test_what_belongs_to_somebody_else_is_told_before_anything_is_asked(self):
        for what in (self.host.state, self.file):
            with self.subTest(what.name):
                self.again()
                mine = self.host.state if what.name == "state" else self.file
                os.chown(mine, NOBODY, NOBODY)
                before = self.picture()
                ended = self.host.run("run")
                self.assertEqual(ended.code, 3, ended)
                self.assertIn(f"belongs to user {NOBODY}", ended.err)
                self.assertEqual(self.picture(), before)
                self.assertEqual(self.asked(), [])

    # --- the way out ---

    def test_with_an_empty_journal_gitlab_is_asked_and_all_goes_on(self):
        """What the six lines of GLR-101 say, to the letter."""
        self.file.write_bytes(b"not a database at all " * 1000)
        told = self.host.run("run").err
        self.assertIn("mv journal.db journal.db.damaged", told)
        held = self.variable("shop/api", "PUSH")["value"]
        self.file.rename(self.host.state / "journal.db.damaged")
        self.exits(0, "plan")
        self.exits(0, "run")
        self.assertEqual(self.changes(), [])
        self.assertEqual(self.variable("shop/api", "PUSH")["value"], held)
        self.assertTrue(self.opens(held))
        # The stamp of the old journal is somebody else's, until a person takes it out.
        order = ("rotate", "push", "--reason", "test")
        self.needs_person(self.host.run(*order), "GLR-107")
        self.sim.act("set_variable", owner="shop/api", key="PUSH", description="")
        self.exits(0, *order)
        self.assertEqual(self.variable("shop/api", "PUSH")["value"], self.living("push")["secret"])

    def test_what_was_in_flight_in_a_lost_journal_is_found_dead_and_told(self):
        """Killed between GitLab's answer and the delivery, and then the journal is lost as well."""
        self.sim.fault("delay", method="PUT", path="*/variables/*", nth=2)
        running = self.host.start("rotate", "push", "--reason", "test")
        until(self.is_held, "the delivery")
        running.send_signal(signal.SIGKILL)
        running.communicate()
        for file in self.host.state.glob("journal.db*"):
            file.unlink()
        living = self.living("push")
        self.exits(0, "run")
        self.assertTrue(self.sim.alive(living["id"]))


if __name__ == "__main__":
    main()
