"""The programs of policies/exec: each hands the secret on by standard input, and speaks the three steps. What they call is
played by stand-ins that are found first in PATH."""
import json
import os
import pathlib
import shutil
import stat
import subprocess

from harness import Case, main

RECIPES = pathlib.Path(__file__).resolve().parent.parent.parent / "policies" / "exec"

STANDINS = {
    # The last two arguments are the host and what is asked of it.
    "ssh": """for word; do host=$command; command=$word; done
case $host in
broken) head -c 4 | sh -c "$command" ;;
down) exit 255 ;;
forced) SSH_ORIGINAL_COMMAND=$command exec $here/bin/ssh-receive $here/forced ;;
*) sh -c "$command" ;;
esac""",
    "aws": """case "$2 $*" in
describe-secret*) ;;
put-secret-value*"--secret-id app/token --secret-string file:///dev/stdin --region eu-central-1") cat >$here/aws ;;
get-secret-value*) cat $here/aws; echo ;;
*) exit 252 ;;
esac""",
    "gh": """case $2 in
list) printf 'TOKEN\\t2026-11-21\\nOTHER\\t2026-11-21\\n' ;;
set) cat >$here/gh ;;
esac""",
    "op": """case $2 in
get) cat $here/item.json ;;
edit) cat >$here/item.new; mv $here/item.new $here/item.json ;;
esac""",
}

ITEM = {"id": "x", "title": "gitlab", "fields": [{"id": "username", "type": "STRING", "label": "username", "value": "bot"},
                                                 {"id": "f1", "type": "CONCEALED", "label": "credential", "value": "old"}]}

SECRET = 'glpat-a"b\\c$(d)%e'


class Recipes(Case):
    world = {"projects": [{"path": "platform/api", "tokens": [
        {"name": "push", "secret": "glpat-push-old-000000", "created": "-85d", "expires": "+5d"}]}]}

    def setUp(self):
        super().setUp()
        self.bin = self.host.path / "bin"
        self.bin.mkdir(mode=0o755)
        for name in RECIPES.iterdir():
            shutil.copy(name, self.bin)
            (self.bin / name.name).chmod(0o755)
        for name, text in STANDINS.items():
            (self.bin / name).write_text("#!/bin/sh\nset -eu\nhere=%s command= host=\n"
                                         "{ printf '%%s\\n' \"$0\" \"$@\"; env; } >>$here/seen\n%s\n" % (self.host.path, text))
            (self.bin / name).chmod(0o755)
        for name, value in (("PATH", f"{self.bin}:{os.environ['PATH']}"), ("HOME", str(self.host.path))):
            self.addCleanup(os.environ.__setitem__, name, os.environ.get(name, ""))
            os.environ[name] = value
        self.write_item(ITEM)

    def write_item(self, item):
        (self.host.path / "item.json").write_text(json.dumps(item, indent=2))

    def text(self, name):
        return (self.host.path / name).read_text()

    def recipe(self, step, name, *words, secret=SECRET):
        done = subprocess.run([self.bin / name, *words], input="" if step == "preflight" else secret, capture_output=True,
                              text=True, check=False, env=os.environ | {"GLROTATE_STEP": step, "GLROTATE_STAMP": "[a stamp]"})
        self.assertNotIn(secret, self.text("seen") if (self.host.path / "seen").exists() else "")
        return done

    def test_every_recipe_brings_the_secret_where_it_belongs(self):
        self.host.set_tokens("""  - token: project:platform/api:push
    deliver:
      - exec: [ {0}/bin/ssh-file, web1, {0}/far ]
      - exec: [ {0}/bin/ssh-file, forced ]
      - exec: [ {0}/bin/aws-secret, app/token, --region, eu-central-1 ]
      - exec: [ {0}/bin/github-secret, TOKEN, --repo, example/app ]
      - exec: [ {0}/bin/onepassword-field, Infra, gitlab, credential ]
""".format(self.host.path))
        self.exits(0, "run")
        secret = self.living("push")["secret"]
        item = json.loads(self.text("item.json"))
        self.assertEqual([self.text(name) for name in ("far", "forced", "aws", "gh")], [secret] * 4)
        self.assertEqual([f["value"] for f in item["fields"]], ["bot", secret])
        self.assertEqual(self.secrets_in(self.text("seen")), [])
        for name in ("far", "forced"):
            self.assertEqual(stat.S_IMODE((self.host.path / name).stat().st_mode), 0o600)
            self.assertRegex(self.text(name + ".glrotate"), r"^\[glrotate #\d+ 2026-11-21 g1 [0-9a-f]{32}\]\n$")
        self.assertEqual(sorted(e for e in self.host.events() if e.startswith("delivery.") and "prove" in e),
                         ["delivery.proven"] * 4 + ["delivery.unproven"])
        # The stamps that ssh keeps are compared the next time.
        (self.host.path / "far.glrotate").write_text("[glrotate #1 2026-11-20 g7 ffffffffffffffffffffffffffffffff]\n")
        ended = self.host.run("rotate", "push", "--reason", "a test")
        self.assertIn("another glrotate wrote it last", ended.err)

    def test_any_secret_is_handed_on_as_it_is(self):
        for name, words, kept in (("ssh-file", ("web1", f"{self.host.path}/far"), "far"), ("ssh-file", ("forced",), "forced"),
                                  ("aws-secret", ("app/token", "--region", "eu-central-1"), "aws"),
                                  ("onepassword-field", ("Infra", "gitlab", "credential"), None)):
            with self.subTest(name + str(len(words))):
                self.assertEqual(self.recipe("preflight", name, *words).returncode, 0)
                done = self.recipe("deliver", name, *words)
                self.assertEqual(done.returncode, 0, done.stderr)
                held = self.text(kept) if kept else json.loads(self.text("item.json"))["fields"][1]["value"]
                self.assertEqual(held, SECRET)
                self.assertEqual(self.recipe("verify", name, *words).returncode, 0)
                self.assertEqual(self.recipe("verify", name, *words, secret="another").returncode, 1)

    def test_what_goes_wrong_is_said_and_breaks_nothing(self):
        far = f"{self.host.path}/far"
        self.assertEqual(self.recipe("deliver", "ssh-file", "web1", far).returncode, 0)
        for step, name, words, code in (
                ("preflight", "ssh-file", ("down", far), 75), ("deliver", "ssh-file", ("down", far), 75),
                ("verify", "ssh-file", ("down", far), 75), ("deliver", "ssh-file", ("broken", far), 1),
                ("preflight", "ssh-file", ("web1", "/nowhere/file"), 2), ("preflight", "ssh-file", ("web1", "/a; reboot"), 64),
                ("preflight", "ssh-file", ("-oProxyCommand=reboot", far), 64),
                ("verify", "github-secret", ("ABSENT", "--repo", "example/app"), 1),
                ("preflight", "onepassword-field", ("Infra", "gitlab", "absent"), 1)):
            with self.subTest(f"{step} {name} {words}"):
                done = self.recipe(step, name, *words)
                self.assertEqual(done.returncode, code, done)
        self.assertEqual(self.text("far"), SECRET)

    def test_every_recipe_is_a_shell_program_that_names_its_use(self):
        for recipe in RECIPES.iterdir():
            with self.subTest(recipe.name):
                self.assertEqual(subprocess.run(["sh", "-n", recipe], check=False).returncode, 0)
                self.assertRegex(recipe.read_text(), rf"^#!/bin/sh\n# {recipe.name} ")
                self.assertTrue(os.access(recipe, os.X_OK))


if __name__ == "__main__":
    main()
