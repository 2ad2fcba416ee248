"""Malformed, truncated, enormous and hostile input: a clear error, its exit code, nothing lost and no crash."""
import os
import socket
import sqlite3
import threading

from harness import Case, Host, main, until

WORLD = {"projects": [
    {"path": "shop/api", "tokens": [{"name": "push", "created": "-85d", "expires": "+5d"}],
     "variables": [{"key": "PUSH", "value": "old-value-00000"}]}]}
TOKENS = """
  - token: project:shop/api:push
    deliver: [ ci_variable: PUSH ]
"""
GITLAB = "gitlab: { url: http://127.0.0.1:1, credential: /nowhere }\n"
LIFETIMES = 'lifetimes: [ { for: "*", max_lifetime: 30d } ]\n'
# What is wrong; the text; where it must be told; a word of what must be said.
POLICIES = [
    ("nothing", "", "", "gitlab"),
    ("a list", "- 1\n", ":1:", "expected"),
    ("an unknown key", GITLAB + LIFETIMES + "tokns: []\n", ":3:1:", "tokens"),
    ("a missing key", "gitlab: { url: https://x.example }\n" + LIFETIMES, ":1:", "credential"),
    ("a span without unit", GITLAB + 'lifetimes: [ { for: "*", max_lifetime: 30 } ]\n', ":2:", "30d"),
    ("minutes or months", GITLAB + 'lifetimes: [ { for: "*", max_lifetime: 1m } ]\n', ":2:", "30d"),
    ("a year", GITLAB + 'lifetimes: [ { for: "*", max_lifetime: 1y } ]\n', ":2:", "365d"),
    ("no destination", GITLAB + LIFETIMES + "tokens:\n  - token: project:a/b:c\n", ":4:", "deliver"),
    ("an empty list of destinations", GITLAB + LIFETIMES + "tokens:\n  - { token: project:a/b:c, deliver: [] }\n",
     ":4:", "deliver"),
    ("an unknown destination", GITLAB + LIFETIMES + "tokens:\n  - { token: project:a/b:c, deliver: [ fil: /x ] }\n",
     ":4:", "file"),
    ("one destination twice", GITLAB + LIFETIMES +
     "tokens:\n  - { token: project:a/b:c, deliver: [ ci_variable: K ] }\n"
     "  - { token: project:a/b:d, deliver: [ ci_variable: K ] }\n", ":5:", "two secrets"),
    ("one token twice", GITLAB + LIFETIMES +
     "tokens:\n  - { token: project:a/b:c, deliver: [ ci_variable: K ] }\n"
     "  - { token: project:a/b:c, deliver: [ ci_variable: L ] }\n", ":5:", "already"),
    ("a bad address", GITLAB + LIFETIMES + "tokens:\n  - { token: projekt:a/b:c, deliver: [ ci_variable: K ] }\n",
     ":4:", "project"),
    ("a type of later", GITLAB + LIFETIMES + "tokens:\n  - { token: trigger:a/b:c, deliver: [ ci_variable: K ] }\n",
     ":4:", "trigger"),
    ("a new bot that nobody accepted", GITLAB + LIFETIMES +
     "tokens:\n  - { token: project:a/b:c, strategy: replace, deliver: [ ci_variable: K ] }\n", ":4:", "new_bot"),
    ("a key of later", GITLAB + LIFETIMES +
     "tokens:\n  - { token: project:a/b:c, window: 6h, deliver: [ ci_variable: K ] }\n", ":4:", "not in this version"),
    ("a template outside its owner", GITLAB + LIFETIMES +
     'tokens:\n  - { token: "project:a/**:c", deliver: [ ci_variable: { key: K, project: x/y } ] }\n', ":4:", "outside"),
    ("plain http", "gitlab: { url: http://gitlab.example.com, credential: x }\n" + LIFETIMES, ":1:", "https"),
    ("a tab", GITLAB + "lifetimes:\n\t- x\n", ":3:", "tab"),
    ("an alias", "a: &a 1\nb: *a\n", ":1:", ""),
    ("a duplicate key", GITLAB + GITLAB + LIFETIMES, ":2:", "gitlab"),
    ("an open quote", GITLAB + 'lifetimes: [ { for: "*\n', "", ""),
    ("brackets without end", "[" * 200000, ":1:", "deep"),
    ("a zero byte", GITLAB + "lifetimes: \0\n", "", ""),
    ("not UTF-8", GITLAB + "lifetimes: \udcff\n", "", ""),
]


class Policies(Case):
    world = WORLD
    tokens = TOKENS

    def test_each_malformed_policy_is_told_with_its_place(self):
        for what, text, place, word in POLICIES:
            with self.subTest(what):
                (self.host.path / "glrotate.yaml").write_bytes(text.encode("utf-8", "surrogateescape"))
                ended = self.exits(2, "check", "--offline")
                self.assertIn("glrotate.yaml" + place, ended.out + ended.err)
                self.assertIn(word, ended.err)

    def test_all_errors_of_all_files_are_told_at_once(self):
        folder = self.host.path / "policies.d"
        folder.mkdir()
        (folder / "team.yaml").write_text("tokens:\n  - token: projekt:a/b:c\n    delver: [ x ]\n")
        self.host.set_policy(GITLAB + 'lifetimes: [ { for: "*", max_lifetime: 30 }, { fr: x } ]\n')
        err = self.exits(2, "check", "--offline").err
        for part in ("glrotate.yaml:2:", "did you mean '30d'", "'for'", "team.yaml:2:", "team.yaml:3:", "deliver", "^"):
            self.assertIn(part, err)

    def test_a_secret_in_a_policy_is_not_shown(self):
        self.host.set_policy(GITLAB + LIFETIMES + "token: glpat-ThisIsASecret00000\n")
        ended = self.exits(2, "check", "--offline")
        self.assertNotIn("ThisIsASecret", ended.out + ended.err)

    def test_a_policy_that_others_may_write_is_refused(self):
        (self.host.path / "glrotate.yaml").chmod(0o666)
        self.assertIn("others may write", self.exits(2, "run").err)
        self.assertEqual(self.asked(), [])

    def test_a_missing_policy_says_where_it_is_looked_for(self):
        os.unlink(self.host.path / "glrotate.yaml")
        self.assertIn("glrotate.yaml", self.exits(2, "run").err)

    def test_nothing_new_begins_under_a_broken_policy_and_what_is_held_is_delivered(self):
        self.sim.fault("status", method="PUT", path="*/variables/*", nth=2, times=0, status=503,
                       body='{"message":"later"}', content_type="application/json")
        running = self.host.start("run")
        self.addCleanup(running.kill)
        until(self.fault_was_hit, "the delivery")
        running.kill()
        running.communicate()
        self.clear_faults()
        with open(self.host.path / "glrotate.yaml", "a", encoding="utf-8") as file:
            file.write("  - token: broken\n")
        self.exits(2, "run")
        self.assertEqual(self.variable("shop/api", "PUSH")["value"], self.living("push")["secret"])
        self.assertEqual(self.host.events()[-1], "rotation.closed")

    def test_an_unknown_verb_option_and_token_name_the_nearest(self):
        self.assertIn("'status'", self.exits(2, "sttaus").err)
        self.assertIn("--limit", self.exits(2, "run", "--limt", "3").err)
        self.assertIn("push", self.exits(2, "explain", "psh").err)
        self.assertIn("--reason", self.exits(2, "rotate", "push").err)


class Database(Case):
    world = WORLD
    tokens = TOKENS

    def damaged(self, code):
        before = (self.host.state / "journal.db").read_bytes()
        self.forget_requests()
        self.needs_person(self.host.run("run"), code)
        self.assertEqual((self.host.state / "journal.db").read_bytes(), before)
        self.assertEqual(self.asked(), [])

    def write(self, content):
        file = self.host.state / "journal.db"
        file.write_bytes(content)
        file.chmod(0o600)

    def test_what_is_no_database_is_left_as_it_is(self):
        self.exits(0, "run")
        for content in (b"not a database at all " * 1000, b"SQLite format 3\0" + b"\xff" * 8000):
            with self.subTest(content[:20]):
                self.write(content)
                self.damaged("GLR-101")

    def test_a_truncated_database_is_left_as_it_is(self):
        self.exits(0, "run")
        whole = (self.host.state / "journal.db").read_bytes()
        self.write(whole[:len(whole) // 2])
        self.damaged("GLR-101")

    def test_a_newer_database_is_left_as_it_is(self):
        self.exits(0, "run")
        with sqlite3.connect(self.host.state / "journal.db") as db:
            db.execute("PRAGMA user_version = 99")
        db.close()
        self.damaged("GLR-104")

    def test_another_key_is_told_before_any_request(self):
        self.exits(0, "run")
        for key in ("0" * 64 + "\n", "short", ""):
            with self.subTest(key):
                (self.host.state / "key").write_text(key)
                self.damaged("GLR-102")

    def test_a_changed_event_is_found(self):
        self.exits(0, "run")
        with sqlite3.connect(self.host.state / "journal.db") as db:
            db.execute("DROP TRIGGER events_keep")
            db.execute("UPDATE events SET text = 'nothing' WHERE id = 3")
        db.close()
        ended = self.host.run("history", "--verify")
        self.assertEqual(ended.code, 3, ended)
        self.assertIn("3", ended.out + ended.err)

    def test_a_second_run_finds_the_lock(self):
        self.sim.fault("delay_after", path="*/self")
        running = self.host.start("run")
        self.addCleanup(running.kill)
        until(self.is_held, "the first run")
        ended = self.exits(4, "run")
        self.assertIn(str(running.pid), ended.err)
        self.sim.release()
        running.communicate()

    def test_a_second_run_ends_at_once_and_touches_nothing(self):
        """While the first holds a new secret that stands nowhere else."""
        self.sim.fault("delay_after", method="PUT", path="*/variables/*", nth=2)
        running = self.host.start("run")
        self.addCleanup(running.kill)
        until(self.is_held, "the delivery")
        asked = self.asked()
        before = {file: file.read_bytes() for file in self.host.state.iterdir()}
        for verb in (("run",), ("rotate", "push", "--reason", "test"), ("run",)):
            ended = self.exits(4, *verb)
            self.assertIn(f"process {running.pid}", ended.err)
            self.assertEqual(ended.out, "")
        self.assertIsNone(running.poll(), "the first was not waited for")
        self.assertEqual(self.asked(), asked)
        self.assertEqual({file: file.read_bytes() for file in self.host.state.iterdir()}, before)
        self.sim.release()
        running.communicate()
        self.assertEqual(running.returncode, 0)
        self.assertEqual(self.variable("shop/api", "PUSH")["value"], self.living("push")["secret"])
        self.assertIn("whole", self.exits(0, "history", "--verify").out)

    def test_of_many_runs_started_at_once_one_works_and_no_token_is_rotated_twice(self):
        runs = [self.host.start("run") for _ in range(8)]
        for running in runs:
            self.addCleanup(running.kill)
        told = [running.communicate() for running in runs]
        self.assertIn(0, [running.returncode for running in runs])
        self.assertLessEqual({running.returncode for running in runs}, {0, 4}, told)
        self.assertEqual(len(self.asked("POST", "/rotate$")), 1)
        self.settles()
        self.assertEqual(self.variable("shop/api", "PUSH")["value"], self.living("push")["secret"])
        self.assertIn("whole", self.exits(0, "history", "--verify").out)

    def test_readers_hold_up_nobody(self):
        self.sim.fault("delay_after", method="POST", path="*/rotate")
        running = self.host.start("run")
        self.addCleanup(running.kill)
        until(self.is_held, "the request")
        self.assertIn("INTENDED", self.host.run("status").out)
        self.assertIn("rotation.intended", self.host.events())
        self.sim.release()
        running.communicate()
        self.assertEqual(running.returncode, 0)


class Answers(Case):
    world = WORLD
    tokens = TOKENS

    def test_nonsense_answers_change_nothing_and_crash_nobody(self):
        deep, wide = "[" * 100000, '{"a":"' + "x" * 100000 + '"}'
        bodies = ["", "null", "[]", "{}", "{", deep, wide, '{"id":"x"}', '{"id":99999999999999999999}',
                  "\0\0", '[{"id":1}]', '"\\ud800"']
        for path in ("*/self", "*/access_tokens", "*/projects/*", "*/users/*", "*/variables/*"):
            for body in bodies:
                with self.subTest(path=path, body=body[:20], length=len(body)):
                    self.clear_faults()
                    self.sim.fault("status", method="GET", path=path, status=200, body=body, times=0,
                                   content_type="application/json")
                    ended = self.host.run("run")
                    self.assertIn(ended.code, (1, 3), ended)
                    self.assertNotIn("Sanitizer", ended.err)
        self.assertEqual(self.asked("POST"), [])

    def test_a_dead_server_is_exit_code_5(self):
        self.host.url = "http://127.0.0.1:9"
        self.host.set_tokens(TOKENS)
        self.assertIn("cannot reach", self.exits(5, "run").err)

    def asks(self, answer):
        """A run against a server that answers each request with answer(path): bytes, or a generator of them."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        paths = []

        def speak(connection):
            with connection:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += connection.recv(4096) or b"\r\n\r\n"
                paths.append(head.split(b" ")[1].decode())
                try:
                    for part in answer(paths[-1]):
                        connection.sendall(part)
                except OSError:
                    pass  # the program has heard enough

        def serve():
            while True:
                try:
                    speak(listener.accept()[0])
                except OSError:
                    return
        threading.Thread(target=serve, daemon=True).start()
        host = Host(self.sim, TOKENS, url=f"http://127.0.0.1:{listener.getsockname()[1]}")
        self.addCleanup(host.remove)
        ended = host.run("run")
        self.assertNotIn("Sanitizer", ended.err)
        return ended, paths

    def test_a_server_that_speaks_no_http_is_out_of_reach(self):
        ended, _ = self.asks(lambda path: [b"\x15\x03\x01" + os.urandom(500)])
        self.assertIn(ended.code, (1, 5), ended)

    def test_an_answer_without_end_is_cut(self):
        def endless(_):
            yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n["
            for _ in range(400):
                yield b"{}," * 40000
        ended, paths = self.asks(endless)
        self.assertEqual(ended.code, 1, ended)
        self.assertIn("larger than we take", ended.err)
        self.assertEqual(len(paths), 3)  # a reading is asked three times

    def test_a_header_without_end_is_cut(self):
        ended, _ = self.asks(lambda path: [b"HTTP/1.1 200 OK\r\nX: " + b"y" * 9000000])
        self.assertIn(ended.code, (1, 5), ended)

    def test_pages_that_go_in_circles_are_given_up(self):
        me = (b'{"id":1,"user_id":1,"name":"me","scopes":["api"],"created_at":"2026-01-01T00:00:00Z",'
              b'"revoked":false,"active":true,"expires_at":"2027-01-01"}')

        def circle(path):
            body = me if path.endswith("/self") else b"[]" if "access_tokens" in path else (
                b'{"id":7,"path_with_namespace":"shop/api"}')
            yield (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Next-Page: 1\r\n"
                   b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body)) + body
        ended, paths = self.asks(circle)
        self.assertEqual(ended.code, 1, ended)
        self.assertIn("names page 1 after page 1", ended.err)
        self.assertLess(len(paths), 6)


class Credentials(Case):
    world = WORLD
    tokens = TOKENS

    def test_a_credential_that_others_may_read_is_refused(self):
        (self.host.path / "credential").chmod(0o644)
        self.assertIn("0600", self.exits(2, "run").err)
        self.assertEqual(self.asked(), [])

    def test_an_empty_or_missing_credential_is_refused(self):
        self.host.set_credential("")
        self.exits(2, "run")
        os.unlink(self.host.path / "credential")
        self.assertIn("credential", self.exits(2, "run").err)

    def test_a_wrong_credential_is_told_once(self):
        self.host.set_credential("glpat-nobody-knows-this")
        ended = self.host.run("run")
        self.needs_person(ended, "GLR-114")
        self.assertNotIn("glpat-nobody", ended.out + ended.err)
        self.assertEqual(len(self.asked()), 1)


if __name__ == "__main__":
    main()
