"""What the executable says before any verb does anything: argv[1] is glrotate."""
import os
import subprocess
import sys
import tempfile
import unittest

GLROTATE = sys.argv.pop(1)
VERBS = ["check", "plan", "run", "status", "explain", "rotate", "alert", "pause", "resume", "history", "setup", "selftest"]
POLICY = """
gitlab: { url: "http://localhost:9", credential: gitlab-token }
lifetimes:
  - { for: "*", max_lifetime: 60d }
tokens:
  - token: project:platform/api:registry-push
    access_level: developer
    scopes: [read_registry]
    deliver:
      - ci_variable: REGISTRY_TOKEN
"""


def glrotate(*words, **options):
    return subprocess.run([GLROTATE, *words], capture_output="stdout" not in options, text=True,
                          stdin=subprocess.DEVNULL, check=False, **options)


class CommandLine(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.policy = os.path.join(self.directory.name, "glrotate.yaml")
        self.state = os.path.join(self.directory.name, "state")
        self.write(POLICY)

    def write(self, text):
        with open(self.policy, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.chmod(self.policy, 0o600)

    def test_alone_it_prints_the_short_help_and_fails(self):
        answer = glrotate()
        self.assertEqual((answer.returncode, answer.stdout), (2, ""))
        for verb in VERBS:
            self.assertIn("glrotate " + verb, answer.stderr)

    def test_help_fits_a_screen(self):
        for words in [["help"], ["--help"], *(["help", verb] for verb in VERBS),
                      *([verb, "--help"] for verb in VERBS)]:
            answer = glrotate(*words)
            self.assertEqual((answer.returncode, answer.stderr), (0, ""), words)
            lines = answer.stdout.splitlines()
            self.assertLessEqual(len(lines), 24, words)
            self.assertLessEqual(max(map(len, lines)), 80, words)

    def test_help_needs_neither_policy_nor_state(self):
        self.assertEqual(glrotate("run", "--help", "--policy", "/nowhere").returncode, 0)

    def test_what_is_misspelt_is_named_with_the_nearest(self):
        for words, text in [
            (["chekc"], "there is no verb 'chekc'; the nearest is 'check'"),
            (["frobnicate"], "there is no verb 'frobnicate'; see glrotate help"),
            (["help", "plam"], "there is no verb 'plam'; the nearest is 'plan'"),
            (["plan", "--ouput=X"], "there is no option --ouput; the nearest is --output"),
            (["status", "--offline"], "glrotate status knows no --offline; see glrotate status --help"),
            (["run", "--owner=x"], "glrotate run knows no --owner; see glrotate run --help"),
            (["check", "project:a:b"], "glrotate check takes no 'project:a:b'"),
        ]:
            answer = glrotate(*words)
            self.assertEqual((answer.returncode, answer.stdout), (2, ""), words)
            self.assertEqual(answer.stderr, "glrotate: " + text + "\n")

    def test_an_answer_that_cannot_be_written_is_a_failure(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            answer = glrotate("help", stdout=full, stderr=subprocess.PIPE)
        self.assertEqual(answer.returncode, 1)
        self.assertIn("cannot write the answer", answer.stderr)

    def test_a_closed_pipe_is_a_failure_and_no_death(self):
        reader, writer = os.pipe()
        os.close(reader)
        answer = glrotate("help", stdout=writer, stderr=subprocess.PIPE)
        os.close(writer)
        self.assertEqual(answer.returncode, 1)

    def test_check_offline_needs_no_gitlab(self):
        answer = glrotate("check", "--offline", "--policy", self.policy)
        self.assertEqual((answer.returncode, answer.stdout), (0, "policy is valid: 1 entry\n"))

    def test_check_tells_all_errors_of_a_policy(self):
        self.write(POLICY.replace("max_lifetime", "max_lifetme").replace("ci_variable", "ci_varable"))
        answer = glrotate("check", "--offline", "--policy", self.policy)
        self.assertEqual(answer.returncode, 2)
        self.assertIn("max_lifetime", answer.stderr)
        self.assertIn("ci_variable", answer.stderr)

    def test_status_and_history_of_nothing_are_well(self):
        os.mkdir(self.state, 0o700)
        for verb, text in [("status", "0 tokens\nno run yet: glrotate setup, once; then the timer, or glrotate run\n"), ("history", "no events yet\n")]:
            answer = glrotate(verb, "--policy", self.policy, "--state", self.state)
            self.assertEqual((answer.returncode, answer.stdout, answer.stderr), (0, text, ""))

    def test_rotate_wants_a_token_and_a_reason(self):
        for words in [["rotate"], ["rotate", "project:platform/api:registry-push"]]:
            answer = glrotate(*words, "--policy", self.policy, "--state", self.state)
            self.assertEqual(answer.returncode, 2, answer.stderr)
            self.assertIn("--reason TEXT", answer.stderr)


if __name__ == "__main__":
    unittest.main()
