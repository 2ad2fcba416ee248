"""Each fault on demand: whether the change was made, what the client saw of it, and who is hit."""
import email.utils
import http.client
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
import unittest

from sim_client import DEADLINE, ROOT, Sim

WORLD = {"projects": [{"path": "shop/api", "tokens": [{"name": "ci", "secret": "ci-1", "scopes": ["api"]}],
                       "variables": [{"key": "V", "value": "before"}]}]}
CREATE = {"name": "new", "scopes": ["api"], "expires_at": "2027-01-01"}
TOKENS = "/projects/shop%2Fapi/access_tokens"
VARIABLE = "/projects/shop%2Fapi/variables/V"


class Case(unittest.TestCase):
    def setUp(self):
        self.sim = Sim(WORLD)
        self.addCleanup(self.sim.close)
        self.ask = self.sim.ask

    def rotate(self):
        token = self.sim.truth(name="ci")["id"]
        return self.ask("POST", f"{TOKENS}/{token}/rotate", {"expires_at": "2027-01-01"})

    def named(self, name="ci"):
        return self.ask("GET", f"/sim/tokens?name={name}").json

    def last(self):
        return self.ask("GET", "/sim/requests").json[-1]

    def write(self, value):
        self.assertEqual(self.ask("PUT", VARIABLE, {"value": value}).status, 200)

    def read(self):
        return self.ask("GET", VARIABLE).json["value"]


class EveryKind(Case):
    """What a rotation comes to, as the client sees it and in truth; and what the record says of it."""
    # kind, more keys, the answer (an exception, or a status), whether it is JSON, how often it is done, its outcome
    rows = [
        ("drop_before_commit", {}, http.client.RemoteDisconnected, False, 0, None),
        ("drop_after_commit", {}, http.client.RemoteDisconnected, False, 1, 200),
        ("reset_before_commit", {}, ConnectionResetError, False, 0, None),
        ("reset_after_commit", {}, ConnectionResetError, False, 1, 200),
        ("reset_body", {}, ConnectionResetError, False, 1, 200),
        ("commit_later", {"ms": 3600000}, http.client.RemoteDisconnected, False, 0, None),
        ("delay", {"ms": 1}, 200, True, 1, 200),
        ("delay_after", {"ms": 1}, 200, True, 1, 200),
        ("cut_body", {}, http.client.IncompleteRead, False, 1, 200),
        ("garbage", {}, 200, False, 1, 200),
        ("wrong_content_type", {}, 200, False, 1, 200),
        ("status", {}, 503, False, 0, None),
        ("status", {"status": 500, "commit": True}, 500, False, 1, 200),
        ("html", {}, 503, False, 0, None),
        ("html", {"status": 404, "commit": True}, 404, False, 1, 200),
        ("too_many", {}, 429, False, 0, None),
        ("too_many", {"commit": True}, 429, False, 1, 200),
        ("exhausted", {}, 200, True, 1, 200),
        ("redirect", {"location": "/x"}, 301, False, 0, None),
        ("redirect", {"location": "/x", "commit": True}, 301, False, 1, 200),
        ("twice", {}, 400, True, 1, 400),
        ("stale_reads", {}, 200, True, 1, 200),
    ]

    def test_has_a_case(self):
        self.assertEqual({row[0] for row in self.rows}, set(self.ask("GET", "/sim/kinds").json["faults"]))

    def test_is_what_it_says(self):
        for kind, more, seen, readable, done, outcome in self.rows:
            with self.subTest(kind, **more):
                self.ask("DELETE", "/sim/faults")
                self.sim.fault(kind, path="*/rotate", **more)
                before = self.named()
                path = f"{TOKENS}/{before[-1]['id']}/rotate"
                status = None
                if isinstance(seen, int):
                    status = seen
                    answer = self.ask("POST", path)
                    self.assertEqual(answer.status, status)
                    self.assertEqual(answer.text.startswith("{") and answer.text.endswith("}"), readable)
                    self.assertEqual(answer.headers.get("location"), more.get("location"))
                else:
                    with self.assertRaises(seen) as caught:
                        self.ask("POST", path)
                    # An orderly end without an answer is a kind of reset to Python, and here it is not.
                    self.assertIs(type(caught.exception), seen)
                told = 200 if kind in ("cut_body", "reset_body") else status
                after = self.named()
                self.assertEqual(len(after) - len(before), done)
                self.assertEqual([t["alive"] for t in after], [False] * (len(after) - 1) + [True])
                last = self.last()
                self.assertEqual((last["status"], last["outcome"], last["token_id"], last["credential"]),
                                 (told, outcome, 1, "active"))
                hit = kind != "stale_reads"  # which means no change
                self.assertEqual(last["fault"], kind if hit else None)
                self.assertEqual(self.ask("GET", "/sim/faults").json[0]["hits"], hit)

    def test_a_rule_that_means_nothing_is_refused(self):
        for body in ({}, {"fault": "nonsense"}, {"fault": "html", "by": "apache"}, {"fault": "status", "kommit": True},
                     {"fault": "stale_reads", "changes": 0}, {"fault": "delay", "nht": 2}, {"fault": "twice", "lag": 3}):
            self.assertEqual(self.ask("POST", "/sim/faults", body).status, 400, body)
        self.assertEqual(self.ask("GET", "/sim/faults").json, [])


class Delays(Case):
    def begin(self, kind):
        """A rotation that is under way, on a line of its own."""
        token = self.named()[0]["id"]
        self.sim.fault(kind, path="*/rotate")
        line = self.sim.line()
        self.addCleanup(line.close)
        line.request("POST", f"/api/v4{TOKENS}/{token}/rotate", headers={"PRIVATE-TOKEN": ROOT})
        self.until(lambda: any(r["fault"] for r in self.ask("GET", "/sim/requests").json))
        return line

    def until(self, true):
        end = time.monotonic() + DEADLINE
        while not true():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)

    def test_whoever_gives_up_waiting_has_rotated_all_the_same(self):
        line = self.begin("delay")
        self.assertEqual(len(self.named()), 1)
        line.close()
        self.sim.release()
        self.assertEqual(len(self.named()), 2)
        self.assertEqual(self.last()["outcome"], 200)

    def test_it_is_done_long_before_it_is_told(self):
        line = self.begin("delay_after")
        self.until(lambda: len(self.named()) == 2)
        self.sim.release()
        self.assertEqual(line.getresponse().status, 200)


@unittest.skipUnless(shutil.which("openssl"), "no openssl")
class Tls(Case):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        tls = [os.path.join(folder.name, name) for name in ("cert", "key")]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", "/CN=sim", "-out", tls[0], "-keyout", tls[1]], check=True, capture_output=True)
        self.sim = Sim(WORLD, tls=tls)
        self.addCleanup(self.sim.close)
        self.ask = self.sim.ask

    def test_the_client_is_left_alone(self):
        rows = [("drop_before_commit", False), ("drop_after_commit", True), ("cut_body", True),
                ("reset_before_commit", False), ("reset_after_commit", True), ("reset_body", True)]
        for kind, committed in rows:
            with self.subTest(kind):
                self.sim.fault(kind, path="*/rotate")
                before = self.named()
                with self.assertRaises((http.client.HTTPException, OSError)):
                    self.ask("POST", f"{TOKENS}/{before[-1]['id']}/rotate")
                self.assertEqual(len(self.named()) - len(before), committed)

    def received(self, request):
        """All the bytes as they come, encrypted, up to the reset."""
        host, port = self.sim.address.split(":")
        plain = socket.create_connection((host, int(port)), timeout=DEADLINE)
        self.addCleanup(plain.close)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.sim.context.wrap_bio(incoming, outgoing)
        raw = b""
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                plain.sendall(outgoing.read())
                raw += (got := plain.recv(65536))
                incoming.write(got)
        tls.write(request)
        plain.sendall(outgoing.read())
        with self.assertRaises(ConnectionResetError):
            while True:
                raw += (got := plain.recv(65536))
                self.assertTrue(got)
        return raw

    def test_resets_are_resets_and_come_in_the_middle_of_a_record(self):
        for kind in ("reset_before_commit", "reset_after_commit", "reset_body"):
            with self.subTest(kind):
                self.sim.fault(kind, path="*/rotate")
                raw = self.received(f"POST /api/v4{TOKENS}/{self.named()[-1]['id']}/rotate HTTP/1.1\r\nHost: sim\r\n"
                                    f"PRIVATE-TOKEN: {ROOT}\r\nContent-Length: 0\r\n\r\n".encode())
                at = 0
                while at < len(raw):
                    at += 5 + int.from_bytes(raw[at + 3:at + 5], "big")
                self.assertEqual(at > len(raw), kind == "reset_body")
        self.assertEqual(len(self.named()), 3)


class Connections(Case):
    def test_a_reset_is_no_orderly_end(self):
        for kind, committed in (("reset_before_commit", False), ("reset_after_commit", True)):
            with self.subTest(kind):
                self.sim.fault(kind, method="POST", path="*/rotate")
                before = len(self.named())
                with self.assertRaises(ConnectionResetError) as caught:
                    self.ask("POST", f"{TOKENS}/{self.named()[-1]['id']}/rotate")
                self.assertNotIsInstance(caught.exception, http.client.RemoteDisconnected)
                self.assertEqual(len(self.named()) > before, committed)
                self.assertEqual((self.last()["status"], self.last()["outcome"]),
                                 (None, 200 if committed else None))

    def test_a_reset_in_the_middle_leaves_half_an_answer(self):
        self.sim.fault("reset_body", path="rotate")
        line = http.client.HTTPConnection(self.sim.address, timeout=DEADLINE)
        self.addCleanup(line.close)
        line.request("POST", f"/api/v4{TOKENS}/{self.named()[0]['id']}/rotate", headers={"PRIVATE-TOKEN": ROOT})
        answer = line.getresponse()
        self.assertEqual(answer.status, 200)
        half = b""
        with self.assertRaises(ConnectionResetError):
            while True:
                half += answer.read1()
                self.assertLess(len(half), int(answer.headers["Content-Length"]))
        self.assertTrue(half.startswith(b'{"id":'))
        self.assertEqual(len(self.named()), 2)


class Pages(Case):
    def test_proxies_answer_in_html_whether_or_not_it_was_done(self):
        rows = [(500, "gitlab"), (502, "nginx"), (502, "haproxy"), (503, "nginx"), (504, "nginx"),
                (400, "nginx"), (403, "nginx"), (404, "nginx"), (413, "nginx"), (422, "gitlab")]
        for status, by in rows:
            for commit in (False, True):
                with self.subTest(status=status, by=by, commit=commit):
                    self.sim.fault("html", method="PUT", status=status, by=by, commit=commit)
                    value = f"{status}-{by}-{commit}"
                    answer = self.ask("PUT", VARIABLE, {"value": value})
                    self.assertEqual((answer.status, answer.headers["content-type"]), (status, "text/html"))
                    self.assertIn("<html>", answer.text)
                    self.assertIn(str(status), answer.text)
                    self.assertEqual(self.read() == value, commit)
                    self.assertEqual(self.ask("GET", "/sim/requests?method=PUT").json[-1]["outcome"],
                                     200 if commit else None)

    def test_too_many_may_be_told_too_late(self):
        self.sim.fault("too_many", path="rotate", retry_after=7, commit=True)
        answer = self.rotate()
        self.assertEqual((answer.status, answer.headers.get("retry-after")), (429, "7"))
        self.assertEqual(len(self.named()), 2)
        self.sim.fault("too_many", path="/user")
        self.assertNotIn("retry-after", self.ask("GET", "/user").headers)

    def test_what_is_answered_may_be_the_last_for_a_while(self):
        self.sim.fault("exhausted", path="/user", retry_after=40)
        headers = self.ask("GET", "/user").headers
        now = email.utils.parsedate_to_datetime(headers["date"]).timestamp()
        self.assertEqual(headers["ratelimit-remaining"], "0")
        self.assertIn(int(headers["ratelimit-reset"]) - int(now), (39, 40))


class Later(Case):
    def gone(self, **more):
        self.sim.fault("commit_later", method="POST", path="*/rotate", **more)
        with self.assertRaises((http.client.RemoteDisconnected, ConnectionResetError)):
            self.rotate()
        self.assertEqual(len(self.named()), 1)
        self.assertEqual((self.last()["status"], self.last()["outcome"], self.last()["credential"]),
                         (None, None, "active"))

    def done(self):
        """It is done as if it had happened at its moment, whenever somebody looks."""
        self.assertEqual([t["alive"] for t in self.named()], [False, True])
        self.assertEqual((self.last()["status"], self.last()["outcome"], self.last()["token_id"]), (None, 200, 1))

    def test_in_real_time(self):
        self.gone(ms=3600000)
        self.ask("POST", "/sim/clock", {"advance": "1d"})
        self.assertEqual(len(self.named()), 1)
        self.sim.fault("commit_later", method="POST", path="*/rotate", ms=50)
        with self.assertRaises((http.client.RemoteDisconnected, ConnectionResetError)):
            self.rotate()
        end = time.monotonic() + DEADLINE
        while len(self.named()) == 1:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)
        self.done()

    def test_by_the_clock_of_the_simulator(self):
        self.gone(lag="90s")
        self.ask("POST", "/sim/clock", {"advance": "60s"})
        self.assertEqual(len(self.named()), 1)
        self.ask("POST", "/sim/clock", {"advance": "1d"})
        self.done()
        self.assertRegex(self.named()[1]["created_at"], "^2026-11-21T10:01:[34]")

    def test_both_must_be_over(self):
        self.gone(ms=3600000, lag="1s")
        self.ask("POST", "/sim/clock", {"advance": "1d"})
        self.assertEqual(len(self.named()), 1)

    def test_it_meets_the_world_of_its_moment(self):
        self.gone(lag="90s")
        self.sim.act("revoke", token=self.named()[0]["id"])
        self.ask("POST", "/sim/clock", {"advance": "2m"})
        self.assertEqual(len(self.named()), 1)
        self.assertEqual(self.last()["outcome"], 400)

    def test_several_come_in_their_order(self):
        for value, lag in (("second", "60s"), ("first", "30s")):
            self.sim.fault("commit_later", method="PUT", lag=lag)
            with self.assertRaises((http.client.RemoteDisconnected, ConnectionResetError)):
                self.ask("PUT", VARIABLE, {"value": value})
        self.ask("POST", "/sim/clock", {"advance": "1h"})
        self.assertEqual(self.read(), "second")

    def test_without_a_time_it_is_refused(self):
        for more in ({}, {"lag": "soon"}, {"lag": 90}, {"ms": 10, "commit": True}):
            answer = self.ask("POST", "/sim/faults", {"fault": "commit_later", **more})
            self.assertEqual(answer.status, 400, more)


class Twice(Case):
    def test_the_second_rotation_finds_the_token_revoked(self):
        self.sim.fault("twice", path="rotate")
        answer = self.rotate()
        self.assertEqual((answer.status, answer.json["message"]), (400, "400 Bad request - Token already revoked"))
        self.assertEqual([t["alive"] for t in self.named()], [False, True])

    def test_by_itself_it_is_reuse_and_the_family_dies(self):
        self.sim.fault("twice", path="rotate")
        self.assertEqual(self.ask("POST", "/personal_access_tokens/self/rotate", token="ci-1").status, 401)
        self.assertEqual([t["alive"] for t in self.named()], [False, False])

    def test_two_are_made_and_the_second_is_told(self):
        self.sim.fault("twice", method="POST", path="*/access_tokens")
        answer = self.ask("POST", TOKENS, {**CREATE, "access_level": 30})
        self.assertEqual(answer.status, 201)
        made = self.named("new")
        self.assertEqual([t["alive"] for t in made], [True, True])
        self.assertEqual(answer.json["token"], made[1]["secret"])


class Stale(Case):
    def test_reads_are_so_many_changes_behind(self):
        for changes, read in ((1, "two"), (2, "one"), (9, "before")):
            with self.subTest(changes=changes):
                self.ask("DELETE", "/sim/faults")
                self.sim.act("set_variable", owner="shop/api", key="V", value="before")
                self.sim.fault("stale_reads", path="/variables/", changes=changes)
                self.assertEqual(self.read(), "before")
                for value in ("one", "two", "three"):
                    self.write(value)
                self.assertEqual(self.read(), read)
        self.ask("DELETE", "/sim/faults")
        self.assertEqual(self.read(), "three")

    def test_several_acts_are_one_change(self):
        self.sim.fault("stale_reads", path="/variables/")
        self.sim.act("several", acts=[{"act": "set_variable", "owner": "shop/api", "key": "V", "value": value}
                                      for value in ("one", "two")])
        self.assertEqual(self.read(), "before")

    def test_each_rule_lags_by_its_own(self):
        self.sim.fault("stale_reads", path="/variables/V", every=3)
        self.sim.fault("stale_reads", path="/variables/V", every=2, changes=3)
        for value in ("one", "two", "three", "four", "five"):
            self.write(value)
        self.assertEqual([self.read() for _ in range(3)], ["four", "two", "five"])

    def test_a_replica_catches_up_in_the_simulators_time(self):
        self.sim.fault("stale_reads", path="/variables/", lag="30s")
        self.write("one")
        self.ask("POST", "/sim/clock", {"advance": "20s"})
        self.write("two")
        self.assertEqual(self.read(), "before")
        self.ask("POST", "/sim/clock", {"advance": "15s"})
        self.assertEqual(self.read(), "one")
        self.ask("POST", "/sim/clock", {"advance": "1m"})
        self.assertEqual(self.read(), "two")

    def test_two_replicas_take_turns(self):
        self.sim.fault("stale_reads", path="/variables/", every=2)
        self.write("after")
        self.assertEqual([self.read() for _ in range(4)], ["before", "after"] * 2)

    def test_chance_may_choose_the_replica(self):
        self.sim.fault("stale_reads", path="/variables/", probability=0.5, seed=3)
        self.write("after")
        self.assertEqual({self.read() for _ in range(30)}, {"before", "after"})

    def test_a_new_secret_is_not_known_there(self):
        self.sim.fault("stale_reads", path="/self", times=1)
        fresh = self.rotate().json["token"]
        self.assertEqual(self.ask("GET", "/personal_access_tokens/self", token="ci-1").status, 200)
        self.assertEqual(self.ask("GET", "/personal_access_tokens/self", token=fresh).status, 200)
        self.sim.fault("stale_reads", path="/self", times=1)
        self.write("a change")
        self.ask("DELETE", f"{TOKENS}/{self.named()[1]['id']}")
        self.assertEqual(self.ask("GET", "/personal_access_tokens/self", token=fresh).status, 200)
        self.assertEqual(self.ask("GET", "/personal_access_tokens/self", token=fresh).status, 401)

    def test_changes_are_made_where_nothing_lags(self):
        self.sim.fault("stale_reads")
        self.rotate()
        self.assertEqual(self.ask("POST", f"{TOKENS}/{self.named()[0]['id']}/rotate").status, 400)
        self.assertEqual(len(self.ask("GET", TOKENS + "?state=active").json), 1)

    def test_whole_worlds_are_kept_apart(self):
        """Everything that points at something else, before and after it is gone."""
        self.sim.act("create_project", path="shop/web")
        self.sim.fault("stale_reads", path="/projects/")
        self.sim.act("several", acts=[{"act": "rename_project", "path": "shop/web", "to": "shop/web2"},
                                      {"act": "create_project", "path": "shop/web"}])
        self.ask("DELETE", "/projects/shop%2Fapi")
        self.assertEqual(self.ask("GET", VARIABLE).status, 200)
        self.assertEqual(len(self.ask("GET", TOKENS).json), 1)
        self.ask("DELETE", "/sim/faults")
        self.assertEqual(self.ask("GET", VARIABLE).status, 404)


class Who(Case):
    def test_every_nth_is_hit(self):
        self.sim.fault("status", path="/user", nth=2, every=3, times=2)
        self.assertEqual([self.ask("GET", "/user").status for _ in range(9)],
                         [200, 503, 200, 200, 503, 200, 200, 200, 200])

    def test_chance_repeats_itself(self):
        def row(seed):
            self.ask("DELETE", "/sim/faults")
            self.sim.fault("html", path="/user", probability=0.5, seed=seed)
            return [self.ask("GET", "/user").status for _ in range(20)]
        self.assertEqual(row(1), row(1))
        self.assertNotEqual(row(1), row(2))

    def test_who_asked_is_told(self):
        self.ask("GET", "/user", token="ci-1")
        ci = self.sim.truth(name="ci")
        self.assertEqual((self.last()["token_id"], self.last()["user_id"]), (ci["id"], ci["user_id"]))


if __name__ == "__main__":
    import sys
    unittest.main(argv=sys.argv[:1], verbosity=1)
