"""Who is told that a person is needed: once a condition, at the end of a run, and what it is told holds no secret."""
import email
import email.policy
import json
import os

from harness import BY_TESTS, NOW, Case, day, main
from receiver import Receiver

WORLD = {"projects": [{"path": "platform/api", "tokens": [
    {"name": "push", "secret": "glpat-push-old-000000", "created": "-85d", "expires": "+5d"}]},
    {"path": "platform/ops"}]}
LOCAL = NOW.strftime("%Y-%m-%dT%H:%M:%SZ")

# Keeps what it is told, a folder a call; $here/fails makes it fail.
PROGRAM = """#!/bin/sh
here=%s
[ -e $here/fails ] && { echo no such printer >&2; exit 9; }
n=$(ls $here | wc -l)
mkdir $here/$n
cat >$here/$n/text
env >$here/$n/env
printf '%%s\\n' "$@" >$here/$n/arguments
"""


class Told(Case):
    """A token whose one destination refuses: a person is needed, GLR-113."""
    world = WORLD
    clock = LOCAL  # `glrotate alert` asks this machine's

    def setUp(self):
        super().setUp()
        self.calls = self.host.path / "calls"
        self.calls.mkdir()
        self.program = self.host.path / "tell"
        self.program.write_text(PROGRAM % self.calls)
        self.program.chmod(0o755)
        self.mended = self.host.path / "mended"
        put = self.host.path / "put"
        put.write_text(f"#!/bin/sh\n[ -e {self.mended} ] || {{ echo is locked >&2; exit 1; }}\n")
        put.chmod(0o755)
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)

    def set_alerts(self, *alerts, tokens=None):
        self.host.set_tokens(tokens or f"  - token: project:platform/api:push\n"
                             f"    deliver: [ exec: {self.host.path}/put ]")
        file = self.host.path / "glrotate.yaml"
        file.write_text(file.read_text() + "alerts:\n" + "".join(f"  - {a}\n" for a in alerts))

    def told(self):
        """What the program was told, in order."""
        return [(self.calls / n / "text").read_text() for n in sorted(os.listdir(self.calls), key=int)]

    def run_(self, code):
        ended = self.exits(code, "run")
        self.assertEqual(self.secrets_in(ended.out + ended.err), [])
        return ended

    def issues(self, project="platform%2Fapi"):
        return self.sim.ask("GET", f"/projects/{project}/issues?{BY_TESTS}").json

    def notes(self, issue):
        return self.sim.ask("GET", f"/projects/{issue['project_id']}/issues/{issue['iid']}/notes?{BY_TESTS}").json


class Once(Told):
    def test_a_condition_is_told_once_and_again_after_a_while_and_when_it_is_over(self):
        self.set_alerts(f"exec: {{ run: [ {self.program}, -p ], again: 3d }}")
        self.run_(3)
        self.run_(3)
        self.assertEqual(len(self.told()), 1, self.told())
        text = self.told()[0]
        for line in ("What happened: project:platform/api:push: a destination", "Still works:", "Why:", "is locked",
                     "What to do:", "Risk:", "GLR-113"):
            self.assertIn(line, text)
        env = (self.calls / "0" / "env").read_text()
        self.assertIn("GLROTATE_CODES=GLR-113\n", env)
        self.assertIn("GLROTATE_TOKENS=project:platform/api:push\n", env)
        self.assertIn("GLROTATE_EVENTS=new\n", env)
        self.assertEqual(self.secrets_in(text + env), [])
        self.assertEqual((self.calls / "0" / "arguments").read_text(), "-p\n")
        self.advance("2d")
        self.run_(3)
        self.assertEqual(len(self.told()), 1)
        self.advance("2d")
        self.run_(3)
        self.assertEqual(len(self.told()), 2)
        self.mended.touch()
        self.settles()
        self.assertRegex(self.told()[2], "^All clear: +project:platform/api:push: a destination")
        self.settles()
        self.assertEqual(len(self.told()), 3)

    def test_what_could_not_be_told_is_logged_and_told_by_the_next_run(self):
        self.set_alerts(f"exec: {self.program}", f"webhook: {self.receiver.url}/hook")
        (self.calls / "fails").touch()
        ended = self.run_(3)
        self.assertRegex(ended.err, r"not told: exec .*/tell about .*no such printer.*next run tries again")
        self.assertEqual(len(self.receiver.got), 1)
        (self.calls / "fails").unlink()
        self.run_(3)
        self.assertEqual((len(self.told()), len(self.receiver.got)), (1, 1))

    def test_one_that_others_may_write_is_not_run(self):
        self.set_alerts(f"exec: {self.program}")
        self.program.chmod(0o777)
        self.assertIn("has mode 0777", self.run_(3).err)
        self.assertEqual(self.told(), [])

    def test_alert_shows_what_is_open_and_when_it_was_told_and_sends_nothing(self):
        self.set_alerts(f"exec: {self.program}", f"mail: {{ to: ops@example.com, sendmail: {self.program}, when: margin }}")
        (self.calls / "fails").touch()
        self.run_(3)
        (self.calls / "fails").unlink()
        shown = self.exits(0, "alert").out
        self.assertRegex(shown, r"exec .*/tell\n  person GLR-113 project:platform/api:push.*; to be told: new\n")
        self.assertRegex(shown, r"mail ops@example.com\n  nothing is open")
        self.run_(3)
        self.assertRegex(self.exits(0, "alert").out, r"GLR-113 .*; told \d{4}-")
        found = self.exits(0, "alert", "--json").json["alerts"][0]["conditions"][0]
        self.assertEqual((found["code"], found["to_be_told"]), ("GLR-113", None))
        self.assertEqual(len(self.told()), 1)


class Lasting(Told):
    def test_what_is_unfinished_is_told_when_it_lasts(self):
        self.set_alerts(f"exec: {{ run: {self.program}, lasting: 1d }}")
        self.mended.touch()
        self.sim.fault("status", path="*/personal_access_tokens/self", times=0, status=503)
        self.assertEqual(self.host.run("run").code, 1)
        self.assertEqual(self.told(), [])
        self.advance("25h")
        self.host.run("run")
        self.assertEqual(len(self.told()), 1)
        self.assertIn("runs do not come to an end", self.told()[0])
        self.clear_faults()
        self.settles()
        self.assertIn("All clear", self.told()[1])

    def test_a_token_that_nobody_renews_is_told_before_it_dies(self):
        alert = f"exec: {{ run: {self.program}, margin: 4d }}"
        self.mended.touch()
        world = "  - token: project:platform/api:push\n    deliver: [ exec: %s/put ]" % self.host.path
        self.set_alerts(alert, tokens=world)
        self.settles()
        self.set_alerts(alert, tokens="  []")  # its entry is gone
        self.settles()
        self.assertEqual(self.told(), [])
        self.advance("87d")
        self.host.run("run")
        self.assertEqual(len(self.told()), 1, self.told())
        self.assertIn("about to die, and nobody renews it", self.told()[0])

    def test_one_that_dies_in_a_pause_is_told_with_whose_pause_it_is(self):
        self.set_alerts(f"exec: {{ run: {self.program}, margin: 4d }}")
        self.exits(0, "pause", "--all", "--until", day(20), "--reason", "release 7")
        self.host.run("run")
        self.assertEqual(self.told(), [])
        self.advance("2d")
        self.host.run("run")
        self.assertEqual(len(self.told()), 1, self.told())
        self.assertRegex(self.told()[0], r"paused until .*: release 7; dies")
        self.assertIn("glrotate resume", self.told()[0])

    def test_a_journal_that_cannot_be_read_is_told_once_a_day(self):
        self.set_alerts(f"exec: {self.program}")
        self.mended.touch()
        self.settles()
        (self.host.state / "journal.db").write_bytes(b"no database" * 1000)
        for _ in range(2):
            self.needs_person(self.host.run("run"), "GLR-101")
        self.assertEqual(len(self.told()), 1)
        self.assertIn("GLR-101", self.told()[0])

    def test_a_run_that_dies_while_it_tells_has_not_told(self):
        self.set_alerts(f"exec: {self.program}")
        self.mended.touch()
        self.settles()
        (self.host.state / "journal.db").write_bytes(b"no database" * 1000)
        text = self.program.read_text()
        self.program.write_text("#!/bin/sh\nkill -KILL $PPID\n")
        self.assertEqual(self.host.run("run").code, -9)
        self.program.write_text(text)
        self.needs_person(self.host.run("run"), "GLR-101")
        self.needs_person(self.host.run("run"), "GLR-101")
        self.assertEqual(len(self.told()), 1)


class Forms(Told):
    def test_a_mail_is_one_that_programs_read(self):
        self.set_alerts(f"mail: {{ to: [ ops@example.com, boss@example.com ], from: glrotate@example.com, "
                        f"sendmail: {self.program} }}")
        self.run_(3)
        text = self.told()[0]
        self.assertEqual((self.calls / "0" / "arguments").read_text(), "-i\n-t\n")
        mail = email.message_from_string(text, policy=email.policy.default)
        self.assertEqual(mail["To"], "ops@example.com, boss@example.com")
        self.assertEqual(mail["From"], "glrotate@example.com")
        self.assertRegex(mail["Subject"], r"^glrotate on \S+: 1 thing needs a person; project:platform/api:push$")
        self.assertIn("What happened:", mail.get_content())
        self.assertTrue(all(ord(c) < 128 and len(line) < 998 for line in text.splitlines() for c in line))

    def test_a_name_begins_no_header(self):
        name = "Grüße Bcc: x@example.com 🔑 " + "ä" * 60
        self.sim.act("create_token", kind="project", owner="platform/api", name=name, expires="+3d", created="-90d")
        self.set_alerts(f"mail: {{ to: ops@example.com, sendmail: {self.program} }}",
                        tokens=f"  - token: {json.dumps('project:platform/api:' + name, ensure_ascii=False)}\n"
                               f"    deliver: [ exec: {self.host.path}/put ]")
        self.run_(3)
        mail = email.message_from_string(self.told()[0], policy=email.policy.default)
        self.assertEqual(mail.keys(), ["To", "Subject", "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
                                       "Auto-Submitted"])
        self.assertIn("Grüße", mail["Subject"])
        self.assertIn("ä" * 60, mail["Subject"])

    def test_webhooks_get_what_each_service_reads(self):
        secret = self.host.keep("hook-url", self.receiver.url + "/services/T0/sEcReT?sig=xyz\n")
        self.set_alerts(f"webhook: {{ url: {secret}, format: slack }}", f"webhook: {self.receiver.url}/json",
                        f"webhook: {{ url: {self.receiver.url}/teams, format: teams }}",
                        f"webhook: {{ url: {self.receiver.url}/mm, format: mattermost }}")
        ended = self.run_(3)
        self.assertEqual([(m, p) for m, p, _ in self.receiver.got],
                         [("POST", "/services/T0/sEcReT?sig=xyz"), ("POST", "/json"), ("POST", "/teams"), ("POST", "/mm")])
        slack, facts, teams, mattermost = self.receiver.bodies()
        self.assertRegex(slack["text"], r"(?s)^\*glrotate on .*```\nWhat happened:.*```$")
        self.assertEqual(list(slack), ["text"])
        self.assertIn("What happened:", mattermost["text"])
        card = teams["attachments"][0]
        self.assertEqual((teams["type"], card["contentType"], card["content"]["type"]),
                         ("message", "application/vnd.microsoft.card.adaptive", "AdaptiveCard"))
        self.assertTrue(any("GLR-113" in block["text"] for block in card["content"]["body"]))
        condition = facts["conditions"][0]
        self.assertEqual((condition["code"], condition["token"], condition["kind"], condition["event"]),
                         ("GLR-113", "project:platform/api:push", "person", "new"))
        # The URL is in no log, whatever comes of it.
        self.receiver.status = 404
        self.advance("8d")
        ended = self.host.run("--verbose", "run")
        self.assertRegex(ended.err, r"not told: webhook .*hook-url.*127.0.0.1:\d+ answered 404")
        self.receiver.close()
        again = self.host.run("--verbose", "run")
        self.assertIn("cannot reach", again.err)
        for told in (ended, again, self.host.run("alert", "--test"), self.host.run("alert", "--json")):
            self.assertNotIn("sEcReT", told.out + told.err)

    def test_a_test_says_for_each_whether_it_arrived(self):
        self.set_alerts(f"exec: {self.program}", "webhook: http://127.0.0.1:1/x",
                        "gitlab_issue: { project: platform/ops, labels: [ tokens ] }")
        ended = self.exits(3, "alert", "--test")
        self.assertRegex(ended.out, r"(?m)^ok   exec .*/tell$")
        self.assertRegex(ended.out, r"(?m)^FAIL webhook 127.0.0.1:1: cannot reach")
        self.assertRegex(ended.out, r"(?m)^ok   gitlab_issue platform/ops$")
        self.assertIn("this is a test", self.told()[0])
        [issue] = self.issues("platform%2Fops")
        self.assertEqual((issue["state"], issue["confidential"], issue["labels"]), ("closed", True, ["tokens"]))


class Issue(Told):
    def test_one_issue_a_condition_in_the_owners_project_closed_when_it_ends(self):
        self.set_alerts("gitlab_issue: { labels: [ tokens, ops ], again: 1d }")
        self.run_(3)
        self.run_(3)
        [issue] = self.issues()
        self.assertEqual((issue["state"], issue["confidential"], issue["labels"]), ("opened", True, ["tokens", "ops"]))
        self.assertIn("project:platform/api:push", issue["title"])
        self.assertRegex(issue["description"], r"(?s)^    What happened:.*GLR-113.*Mark: glrotate[0-9a-f]{16}")
        self.assertEqual(self.notes(issue), [])
        self.advance("25h")
        self.run_(3)
        self.assertEqual(len(self.notes(issue)), 1)
        self.mended.touch()
        self.settles()
        [issue] = self.issues()
        self.assertEqual(issue["state"], "closed")
        self.assertIn("All clear", self.notes(issue)[-1]["body"] + self.notes(issue)[0]["body"])
        self.settles()
        self.assertEqual(len(self.issues()), 1)

    def test_a_lost_answer_is_settled_by_looking_for_the_mark(self):
        self.set_alerts("gitlab_issue: {}")
        self.sim.fault("drop_after_commit", method="POST", path="*/issues")
        self.assertIn("not told: gitlab_issue", self.run_(3).err)
        self.assertEqual(len(self.asked("POST", "/issues$")), 1)
        self.run_(3)  # too early: GitLab may not have done it yet
        self.assertEqual(len(self.asked("GET", "/issues")), 1)
        self.advance("6m")
        self.run_(3)
        self.assertEqual(len(self.asked("POST", "/issues$")), 1)
        self.assertEqual(len(self.issues()), 1)
        self.advance("6m")
        self.run_(3)
        self.assertEqual(len(self.asked("GET", "/issues")), 2)

    def test_a_refused_credential_asks_nothing_more(self):
        self.set_alerts(f"gitlab_issue: {{ project: platform/ops }}", f"exec: {self.program}")
        self.sim.act("revoke", token=1)
        self.needs_person(self.host.run("run"), "GLR-114")
        self.assertEqual(self.asked("GET", "/issues"), [])
        self.assertIn("GLR-114", self.told()[0])


class Mute(Told):
    def test_a_pattern_that_leads_nowhere_mutes_nobody(self):
        """Its trouble is no token's: status and alerts go on with those that are."""
        self.set_alerts(f"exec: {self.program}", tokens=(
            f"  - token: project:platform/api:push\n    deliver: [ exec: {self.host.path}/put ]\n"
            "  - token: 'project:gone/**:ci-*'\n    deliver: [ ci_variable: '{name:key}' ]"))
        self.assertNotIn("the journal:", self.run_(3).err)
        self.assertIn("GLR-113", "".join(self.told()))
        self.assertIn("gone/**", self.exits(3, "status").out)


class Policy(Told):
    def test_what_is_wrong_is_told_at_its_place(self):
        for alert, why in (("mail: 'ops@example.com\\nBcc'", "mail address"), ("mail: \"a@b\\r\\nBcc: c@d\"", "mail address"),
                           ("mail: -oQ/tmp@x", "mail address"), ("webhook: http://example.com/x", "https://HOST"),
                           ("exec: relative", "absolute"), ("exec: { run: /bin/true, when: always }", "person, unfinished"),
                           ("gitlab_issue: { project: api }", "full path"), ("pager: x", "pager")):
            self.set_alerts(alert)
            self.assertIn(why, self.exits(2, "check", "--offline").err, alert)
        self.set_alerts("exec: /bin/true")
        self.assertNotIn("alerts", self.host.run("check", "--offline").err)
        folder = self.host.path / "policies.d"
        folder.mkdir()
        (folder / "team.yaml").write_text("alerts: [ exec: /bin/true ]\ntokens: []\n")
        self.assertIn("unknown key 'alerts'", self.exits(2, "check", "--offline").err)


if __name__ == "__main__":
    main()
