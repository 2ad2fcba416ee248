"""The test of the tests: each rule is taken out of the program in turn, and the tests that are named for it must fail.

usage: mutants.py BUILD [WORD…]    only the mutants in whose name all these words stand

BUILD is a finished one without sanitizers. A mutant is one file, compiled anew and linked before the library that holds
the rest: neither the tree nor its build is touched. What is taken out stands in rules.py."""
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import time

from rules import MUTANTS

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
LONGEST = 500  # seconds, of one test: only for what hangs, however slow the machine is



class Broken(Exception):
    """Not the program's fault: the table and the source have drifted apart, or a tool fails."""


def run(command, folder, **more):
    return subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors="replace", check=False, **more)


def must(command, folder):
    done = run(command, folder)
    if done.returncode:
        raise Broken(f"{shlex.join(command[:1])} fails: {(done.stderr or done.stdout).strip()[-800:]}")
    return done.stdout


class Build:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder).resolve()
        self.compiles = {}
        for entry in json.loads((self.folder / "compile_commands.json").read_text(encoding="utf-8")):
            source = (self.folder / entry["file"]).resolve()
            if "libglrotate" in entry["output"] and source.is_relative_to(TREE):
                self.compiles[str(source.relative_to(TREE))] = shlex.split(entry["command"])
        self.links = {}

    def compile(self, name, source, result):
        """The build's own command, but for what costs time, and for warnings: a mutant may leave a function unused."""
        if name not in self.compiles:
            raise Broken(f"{name} is not among the sources of the program")
        kept, words = [], iter(self.compiles[name])
        for word in words:
            if word in ("-o", "-MF", "-MQ", "-c"):
                next(words)
            elif not re.fullmatch(r"-O.*|-MD|-Werror", word):
                kept.append(word)
        must([*kept, "-O0", "-w", "-o", str(result), "-c", str(source)], self.folder)

    def link(self, target, more, result):
        """A definition that stands before the library keeps the library's own from being taken."""
        if target not in self.links:
            last = must(["ninja", "-t", "commands", target], self.folder).splitlines()[-1]
            self.links[target] = shlex.split(last)
        words = list(self.links[target])
        words[words.index("-o") + 1] = str(result)
        words[words.index("-o") + 2:words.index("-o") + 2] = [str(part) for part in more]
        must(words, self.folder)


def target_of(test):
    """What ninja calls the program that a test runs."""
    suite, module, _ = test.split(":")
    return "agent/glrotate" if suite in ("scenario", "matrix") else f"tests/{suite}/test_{module}"


def replace(text, old, new):
    """White space does not count, so that a table may be aligned anew and a line broken elsewhere."""
    places = [at for at, character in enumerate(text) if not character.isspace()]
    squeezed, wanted = "".join(text[at] for at in places), "".join(old.split())
    if squeezed.count(wanted) != 1:
        raise Broken(f"what rules.py takes out stands there {squeezed.count(wanted)} times: {old.strip()}")
    first = squeezed.index(wanted)
    return text[:places[first]] + new + text[places[first + len(wanted) - 1] + 1:]


def mutate(mutant, folder):
    """The changed source, in a folder of its own for what is built of it."""
    text = (TREE / mutant.file).read_text(encoding="utf-8")
    for old, new in ((mutant.old, mutant.new), *mutant.more):
        text = replace(text, old, new)
    source = folder / pathlib.Path(mutant.file).name
    source.write_text(text, encoding="utf-8")
    return source


class Trial:
    """One program, true or mutated, and the tests that are run on it."""

    def __init__(self, build, folder, objects=()):
        self.build, self.folder, self.objects = build, folder, objects
        self.built = {}

    def program(self, target):
        if target not in self.built:
            self.built[target] = self.folder / target.replace("/", "-")
            self.build.link(target, self.objects, self.built[target])
        return str(self.built[target])

    def passes(self, test):
        suite, module, name = test.split(":")
        program = self.program(target_of(test))
        env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "SOURCE_ROOT": str(TREE), "TMPDIR": str(self.folder)}
        if suite == "scenario":
            env["GLROTATE"] = program
            env.setdefault("GITLAB_SIM", str(self.build.folder / "tests/gitlab/gitlab-sim"))
            command = [sys.executable, str(TREE / f"tests/scenario/test_{module}.py"), "-f", name]
            failed = rf"^(FAIL|ERROR): {re.escape(name.split('.')[-1])}\b"
            passed = r"^Ran 1 test(.|\n)*^OK$"
        elif suite == "matrix":
            env["GLROTATE"] = program
            env.setdefault("GITLAB_SIM", str(self.build.folder / "tests/gitlab/gitlab-sim"))
            env.setdefault("GLROTATE_SHIM", str(self.build.folder / "tests/faults/glrotate-shim.so"))
            command = [sys.executable, str(TREE / "tests/faults/matrix.py"), "--case", name]
            passed = r"^matrix: [1-9]\d* cases .*, 0 failed, .*0 invariants broken"
            failed = rf"^(?!{passed[1:]})matrix: "
        else:
            command = [program]
            failed = rf"^\[  FAILED  \] {name}$"
            passed = rf"^\[       OK \] {name}$"
        try:
            done = run(command, self.folder, env=env, timeout=LONGEST)
        except subprocess.TimeoutExpired as error:
            raise Broken(f"{test} does not end within {LONGEST} s") from error
        told = done.stdout + done.stderr
        if re.search(passed, told, re.M) and not re.search(failed, told, re.M):
            return True
        if not re.search(failed, told, re.M):
            raise Broken(f"{test} tells neither that it passed nor that it failed:\n{told.strip()[-800:]}")
        return False


def try_mutant(build, mutant):
    """(whether it was caught, what is to be said of it)"""
    with tempfile.TemporaryDirectory(prefix="glrotate-mutant-") as folder:
        try:
            source = mutate(mutant, pathlib.Path(folder))
            result = source.with_suffix(".o")
            build.compile(mutant.file, source, result)
            trial = Trial(build, pathlib.Path(folder), [result])
            missed = [test for test in mutant.tests if trial.passes(test)]
        except Broken as error:
            return False, f"{mutant.file} cannot be tried: {error}"
    if missed:
        return False, f"NOT CAUGHT by {', '.join(missed)}"
    return True, f"caught by {', '.join(test.split(':')[-1].split('.')[-1] for test in mutant.tests)}"


def try_truth(build, test):
    """Each test that catches a mutant passes without one, else its failing says nothing."""
    with tempfile.TemporaryDirectory(prefix="glrotate-mutant-") as folder:
        try:
            passes = Trial(build, pathlib.Path(folder)).passes(test)
        except Broken as error:
            return False, str(error)
    return passes, "" if passes else f"{test} fails although nothing was taken out"


def main(folder, *words):
    begun = time.monotonic()
    build = Build(folder)
    chosen = [m for m in MUTANTS if all(word in m.name for word in words)]
    tests = sorted({test for mutant in chosen for test in mutant.tests})
    alive = 0
    must(["ninja", *sorted({target_of(test) for test in tests})], build.folder)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        truths = [pool.submit(try_truth, build, test) for test in tests]
        tried = [pool.submit(try_mutant, build, mutant) for mutant in chosen]
        for mutant, job in zip(chosen, tried):
            caught, told = job.result()
            alive += not caught
            print(f"{mutant.name}: {told}", flush=True)
        for job in truths:
            good, told = job.result()
            alive += not good
            if told:
                print(told, flush=True)
    rules = collections.Counter(mutant.rule for mutant in chosen)
    print(f"{len(chosen)} mutants of {len(rules)} rules by {len(tests)} tests in {time.monotonic() - begun:.0f} s: "
          f"{'all caught' if not alive else f'{alive} not as they should be'}")
    return 1 if alive or not chosen else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
