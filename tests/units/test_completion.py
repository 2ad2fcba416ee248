"""What the three shells complete: test_completion.py FOLDER of the built files, PROGRAM."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

FOLDER, PROGRAM = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
VERBS = ("check", "plan", "run", "status", "explain", "rotate", "alert", "pause", "resume", "history", "setup", "selftest")


def out(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL, **more).stdout


class Completion(unittest.TestCase):
    def setUp(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="glrotate-completion-"))
        self.addCleanup(shutil.rmtree, self.work)
        # Stands for the program: the journal knows two tokens.
        stub = self.work / "glrotate"
        stub.write_text("#!/bin/sh\n[ \"$1\" = --user ] && { echo personal:alice:laptop; exit; }\n"
                        "[ \"$1\" = status ] && printf 'project:shop/api:push\\ngroup:shop:ci\\n'\n")
        stub.chmod(0o755)

    def bash(self, *words):
        script = ('. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); '
                  '_glrotate; printf "%s\\n" "${COMPREPLY[@]}"')
        return out("bash", "-c", script, "bash", FOLDER / "glrotate.bash", "glrotate", *words,
                   env={"PATH": f"{self.work}:{os.environ['PATH']}"}).split()

    def test_bash_completes_verbs_options_and_tokens(self):
        self.assertEqual(set(VERBS) - set(self.bash("")), set())
        self.assertEqual(self.bash("ro"), ["rotate"])
        self.assertEqual(self.bash("run", "--li"), ["--limit"])
        self.assertEqual(self.bash("history", "--dry"), [])
        self.assertEqual(self.bash("--quiet", "rotate", "proj"), ["project:shop/api:push"])
        self.assertEqual(self.bash("--user", "rotate", "p"), ["personal:alice:laptop"])
        self.assertIn("--reason", self.bash("rotate", "--"))

    def test_all_know_the_verbs_and_options_that_the_program_knows(self):
        files = [(FOLDER / name).read_text() for name in ("glrotate.bash", "_glrotate", "glrotate.fish")]
        for verb in VERBS:
            options = [word.split()[0][2:] for word in out(PROGRAM, "help", verb).splitlines()
                       if word.startswith("  --")]
            for text in files:
                self.assertIn(verb, text)
                self.assertEqual([o for o in options if o not in text], [], verb)

    def test_each_shell_reads_its_own(self):
        for shell, file in (("bash", "glrotate.bash"), ("zsh", "_glrotate"), ("fish", "glrotate.fish")):
            if shutil.which(shell):
                out(shell, "-n", FOLDER / file)
            else:
                print(f"{shell} is not there: it does not read its completion here", file=sys.stderr)

    def test_fish_completes(self):
        if not shutil.which("fish"):
            self.skipTest("there is no fish")
        script = f"source {FOLDER / 'glrotate.fish'}; complete -C 'glrotate {{}}'"
        environment = {"PATH": f"{self.work}:{os.environ['PATH']}", "HOME": str(self.work)}
        self.assertEqual(out("fish", "-c", script.format("ro"), env=environment).split()[0], "rotate")
        self.assertIn("project:shop/api:push", out("fish", "-c", script.format("rotate pro"), env=environment))
        self.assertIn("personal:alice:laptop", out("fish", "-c", script.format("--user rotate pe"), env=environment))
        self.assertIn("--limit", out("fish", "-c", script.format("run --li"), env=environment))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
