"""One ops host with a policy, and a simulated GitLab: the shipped program is run on it as a user would.

GLROTATE and GITLAB_SIM name the two programs."""
import concurrent.futures
import datetime
import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "gitlab"))
from sim_client import DEADLINE, ROOT, Sim  # noqa: E402

GLROTATE = os.environ["GLROTATE"]
NOW = datetime.datetime.now(datetime.timezone.utc)
SOON = 90  # seconds: a mutant for which it never comes is told to have failed before its test is given up
AT_ONCE = 4  # worlds of one test: mostly they wait, for a second to pass at GitLab
LATE_MSEC = 300  # how much later than its sender's end a request is carried out; settle is 1 s
BY_TESTS = "by=tests"  # marks what the tests themselves ask of the API


class Ended:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"exit code {self.code}\n{self.out}\n{self.err}"


def day(later=0):
    """So many days after this machine's date, as GitLab writes it."""
    return (NOW + datetime.timedelta(days=later)).strftime("%Y-%m-%d")


HERE = day() + "T10:00:00Z"  # the clock of a GitLab whose tokens `status` and `explain` look at: they ask this machine's


def until(condition, what):
    """Waits for what must come soon; never for time to pass."""
    end = time.monotonic() + SOON
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.005)
    raise AssertionError(f"{what}: not within {SOON} s")


def deliver(running, number):
    """Sends a signal, and waits until the process has seen it."""
    def is_seen():
        status = pathlib.Path(f"/proc/{running.pid}/status").read_text(encoding="utf-8")
        pending = re.findall(r"^(?:Sig|Shd)Pnd:\s*(\w+)", status, re.M)
        return running.poll() is not None or not any(int(mask, 16) >> (number - 1) & 1 for mask in pending)
    running.send_signal(number)
    until(is_seen, "the signal")


class Host:
    """A folder with glrotate.yaml, a credential of mode 0600 and a state directory, beside a Sim."""

    def __init__(self, sim, tokens, lifetimes='[ { for: "*", max_lifetime: 90d } ]',
                 limits="{ settle: 1s }", credential=ROOT, url=None):
        self.sim = sim
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="glrotate-"))
        self.state = self.path / "state"
        self.state.mkdir(mode=0o700)
        self.url = url or "http://" + sim.address
        self.lifetimes, self.limits = lifetimes, limits
        self.set_credential(credential)
        self.set_tokens(tokens)

    def keep(self, name, secret):
        """A file of mode 0600 in the host's folder."""
        file = self.path / name
        file.write_text(secret)
        file.chmod(0o600)
        return file

    def set_credential(self, secret):
        self.keep("credential", secret)

    def set_policy(self, text):
        if "clock_skew" not in text:
            text = text.replace("limits: {", "limits: { clock_skew: 3650d,", 1)  # the simulator has a clock of its own
        (self.path / "glrotate.yaml").write_text(text)

    def set_tokens(self, tokens):
        self.set_policy(f"gitlab:\n  url: {self.url}\n  credential: {self.path}/credential\n"
                        f"lifetimes: {self.lifetimes}\nlimits: {self.limits}\n"
                        f"tokens:\n{tokens}\n")

    def command(self, *verb, state=None):
        return [GLROTATE, "--policy", str(self.path / "glrotate.yaml"),
                "--state", str(state or self.state), *verb]

    def start(self, *verb, **more):
        return subprocess.Popen(self.command(*verb), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                stdin=subprocess.DEVNULL, text=True, cwd=self.path, **more)

    def run(self, *verb, state=None):
        done = subprocess.run(self.command(*verb, state=state), capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, cwd=self.path, timeout=DEADLINE, check=False)
        return Ended(done.returncode, done.stdout, done.stderr)

    def events(self, *names):
        """The names of all events, or the texts of those of some names."""
        found = self.run("history", "--json").json["events"]
        return [e["text"] for e in found if e["event"] in names] if names else [e["event"] for e in found]

    def back_up(self):
        """A copy of the state directory as it is now, for restore()."""
        shutil.copytree(self.state, self.path / "backup")

    def restore(self):
        shutil.rmtree(self.state)
        shutil.copytree(self.path / "backup", self.state)

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)


class Between(http.server.ThreadingHTTPServer):
    """Stands before a Sim, and may mend(method, path, status, body) each answer: (status, body)."""

    def __init__(self, sim, mend):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                line = http.client.HTTPConnection(sim.address, timeout=DEADLINE)
                line.request(self.command, self.path, body, {k: v for k, v in self.headers.items() if k != "Host"})
                got = line.getresponse()
                status, content = mend(self.command, self.path, got.status, got.read())
                self.send_response_only(status)
                for name, value in got.getheaders():
                    if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
                line.close()

            do_GET = do_POST = do_PUT = do_DELETE = answer

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self):
        self.shutdown()
        self.server_close()


class Case(unittest.TestCase):
    """A fresh simulator and host for each test; `world` and `tokens` are a class's own."""
    world = {}
    tokens = "  []"
    version = "18.11.5"
    clock = "2026-11-21T10:00:00Z"
    options = {}
    simulator = ()  # more arguments for it

    def setUp(self):
        self.sim = Sim(self.world, self.version, self.clock, self.simulator)
        self.addCleanup(self.sim.close)
        self.host = Host(self.sim, self.tokens, **self.options)
        self.addCleanup(self.host.remove)
        self.addCleanup(self.rules_were_kept)

    def again(self):
        """A fresh world, for the next row of a table."""
        self.doCleanups()
        self.setUp()

    def each(self, rows, play, **given):
        """Calls `play`, a method of ours, with each row in a world of its own, several at once; `given` are other attributes of
        that case. Ends at a row of which it returns False, or that fails. Returns how many others there were."""
        ended = threading.Event()

        def alone(row):
            if ended.is_set():
                return False, []
            case, came = type(self)(self._testMethodName), []
            case.__dict__.update(given)
            setattr(case, self._testMethodName, lambda: came.append(getattr(case, play.__name__)(*row)))
            result = case.run(unittest.TestResult())
            if came == [False] or not result.wasSuccessful():
                ended.set()
            return came != [False], [f"{row}:\n{told}" for _, told in result.failures + result.errors]

        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            played = list(pool.map(alone, rows))
        failed = [told for _, failures in played for told in failures]
        if failed:
            self.fail("\n".join(failed))
        return sum(was_played for was_played, _ in played)

    def kill_at(self, nth, fault, *verb, **more):
        """Starts a run and kills it while GitLab works on its nth request; False when there are fewer."""
        self.sim.fault(fault, **{"path": "*", "nth": nth, "ms": LATE_MSEC, **more})
        running = self.host.start(*(verb or ("run",)))
        until(lambda: self.fault_was_hit() or running.poll() is not None, "the request, or the end")
        hit = self.fault_was_hit()
        running.send_signal(signal.SIGKILL)
        running.communicate()
        self.clear_faults()
        return hit

    # --- what GitLab was asked, and what it holds ---

    def asked(self, method=None, path=None):
        found = self.sim.ask("GET", "/sim/requests").json
        return [r for r in found if r["query"] != BY_TESTS and (method is None or r["method"] == method)
                and (path is None or re.search(path, r["path"]))]

    def changes(self):
        return [r for r in self.asked() if r["method"] != "GET"]

    def forget_requests(self):
        self.sim.ask("DELETE", "/sim/requests")

    def tokens_of(self, name):
        return self.sim.ask("GET", f"/sim/tokens?name={name}").json

    def living(self, name):
        found = [t for t in self.tokens_of(name) if t["alive"]]
        self.assertEqual(len(found), 1, f"living tokens called {name}: {found}")
        return found[0]

    def variable(self, owner, key, scope="*"):
        found = [v for v in self.sim.ask("GET", f"/sim/variables?owner={owner}&key={key}").json
                 if v.get("environment_scope", "*") == scope]
        self.assertEqual(len(found), 1, f"variables {key} of {owner}, scope {scope}: {found}")
        return found[0]

    def opens(self, secret):
        return self.sim.ask("GET", f"/personal_access_tokens/self?{BY_TESTS}", token=secret).status == 200

    def advance(self, span):
        self.sim.ask("POST", "/sim/clock", {"advance": span})

    def clear_faults(self):
        self.sim.ask("DELETE", "/sim/faults")

    def fault_was_hit(self):
        return any(f["hits"] for f in self.sim.ask("GET", "/sim/faults").json)

    def is_held(self):
        """A request stands where a delay without a time holds it: before it is carried out, or before it is answered."""
        return any(r["fault"] == "delay" or (r["fault"] == "delay_after" and r["outcome"] is not None)
                   for r in self.asked())

    # --- what must hold ---

    def exits(self, code, *verb):
        ended = self.host.run(*verb)
        self.assertEqual(ended.code, code, ended)
        self.assertNotRegex(ended.err, "Sanitizer|runtime error")
        return ended

    def settles(self, most=3):
        """Runs until all is well: within two runs after the last fault, says the design."""
        for _ in range(most):
            ended = self.host.run("run")
            if ended.code == 0:
                return ended
        self.fail(f"still not settled: {ended}")

    def rules_were_kept(self):
        """What the rules say of every request; asked after each test, whatever it was about."""
        proven, refused = {}, []
        for request in self.asked():
            at = datetime.datetime.fromisoformat(request["at"].replace("Z", "+00:00")).timestamp()
            told = json.dumps(request)
            if request["path"].endswith("/personal_access_tokens/self") and request["status"] == 200:
                proven[request["token_id"]] = at
            # One that still waits at GitLab's door has not shown its credential.
            if request["path"].endswith("/rotate") and request["token_id"]:
                self.assertLess(at - proven.get(request["token_id"], 0), 30, f"rule 4, unproven: {told}")
                self.assertIn("expires_at", request["body"] or {}, f"no date asked for: {told}")
            if request["status"] == 401:
                refused = [r for r in refused if at - r < 180] + [at]
                self.assertLessEqual(len(refused), 10, f"rule 8, refused too often: {told}")
            self.assertNotIn("state=", request["query"] or "", f"a list that shifts while we work: {told}")
            self.assertEqual(self.secrets_in(request["path"] + (request["query"] or "")), [], "rule 7")
        self.no_family_is_harmed()

    def no_family_is_harmed(self):
        """No dead credential ever went down a path on which GitLab kills its family."""
        bad = [r for r in self.asked("POST", "/rotate$") if r["credential"] in ("revoked", "expired")]
        self.assertEqual(bad, [])

    def needs_person(self, ended, code):
        self.assertEqual(ended.code, 3, ended)
        for label in ("What happened:", "Still works:", "Why:", "What to do:", "Risk:", "More:"):
            self.assertIn(label, ended.err)
        self.assertIn(code, ended.err)
        self.assertEqual(self.secrets_in(ended.out + ended.err), [])

    def secrets(self):
        """Every secret that was ever known to GitLab, and our credential."""
        return {t["secret"] for t in self.sim.ask("GET", "/sim/tokens").json if t.get("secret")} | {ROOT}

    def secrets_in(self, text):
        return [secret for secret in self.secrets() if secret in text]


def main():
    unittest.main(verbosity=1)
