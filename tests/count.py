"""Counts single tests in meson's logs: count.py BUILD[:LOGBASE]…; the last line is `N passed, N failed`."""
import json
import os
import re
import sys


def count(entry):
    """(passed, failed) of one test program: its own count where it keeps one."""
    text = entry.get("stdout", "") + entry.get("stderr", "")
    good = entry["result"] in ("OK", "SKIP", "EXPECTEDFAIL")
    cmocka = re.findall(r"\[  (PASSED|FAILED)  \] (\d+) test\(s\)", text)
    unittest = re.findall(r"^Ran (\d+) tests?", text, re.M)
    matrix = re.search(r"^(?:matrix|power): (\d+) cases .*? (\d+) failed", text, re.M)
    if cmocka:
        passed = sum(int(n) for word, n in cmocka if word == "PASSED")
        failed = sum(int(n) for word, n in cmocka if word == "FAILED")
    elif unittest:
        failed = sum(int(n) for n in re.findall(r"(?:failures|errors)=(\d+)", text))
        passed = sum(int(n) for n in unittest) - failed - sum(int(n) for n in re.findall(r"skipped=(\d+)", text))
    elif matrix:
        passed, failed = int(matrix.group(1)) - int(matrix.group(2)), int(matrix.group(2))
    else:
        passed, failed = (1, 0) if good else (0, 1)
    # A program that fails without saying so (a sanitizer, a signal, a timeout) has failed once.
    return max(passed, 0), failed if good or failed else 1


def shown(entry):
    """What it says for whoever reads no log: its figures, or why it is skipped."""
    text = entry.get("stdout", "") + entry.get("stderr", "")
    if entry["result"] == "SKIP":
        why = re.findall(r"^(?:power: )?SKIPPED: (.*)", text, re.M)
        return [": ".join(["SKIPPED", entry["name"], *why])]
    return re.findall(r"^(?:matrix|power|units): .*", text, re.M)


def main(folders):
    passed = failed = 0
    for folder in folders:
        folder, _, base = folder.partition(":")
        path = os.path.join(folder, "meson-logs", f"{base or 'testlog'}.json")
        try:
            with open(path, encoding="utf-8") as log:
                entries = [json.loads(line) for line in log if line.strip()]
        except OSError as error:
            print(f"{path}: {error.strerror}", file=sys.stderr)
            entries = []
        if not entries:
            failed += 1
        for entry in entries:
            print(*shown(entry), sep="\n", end="\n" if shown(entry) else "")
            good, bad = count(entry)
            passed += good
            failed += bad
            if bad:
                print(f"failed: {entry['name']} in {folder}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
