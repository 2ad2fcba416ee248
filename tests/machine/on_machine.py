"""What the tests on a booted machine share: one for all of a class, and what it was at when one fails.

GLROTATE_MACHINE_REQUIRED=1 makes a failure of what is else skipped: that there is no machine to be had."""
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import unittest

from machine import Impossible, Limit, Machine, make_root

SKIPPED = 77


def scratch():
    """A folder in memory where there is one: the machine's disk is written to be lost, and lies on no overlay."""
    shared = pathlib.Path("/dev/shm")
    return pathlib.Path(tempfile.mkdtemp(prefix="glrotate-machine-", dir=shared if os.access(shared, os.W_OK) else None))


def package_in(path):
    """A .deb, or the newest of a folder; None where there is none."""
    path = pathlib.Path(path).resolve()
    return max(path.glob("glrotate_*.deb"), key=os.path.getmtime, default=None) if path.is_dir() else path


class OnMachine(unittest.TestCase):
    """Its tests go in the order of their names, each on from where the one before it ended; so the first that fails ends them."""
    RELEASE = FOLDER = None           # which root, and where the roots are kept
    BINDS = ()                        # (source, target): folders of this host that the machine sees
    UNITS = ("glrotate.service", "glrotate.timer")  # what is told of when something goes wrong
    LIMIT_SEC = 300                   # for all of them together

    @classmethod
    def setUpClass(cls):
        cls.work = scratch()
        cls.addClassCleanup(shutil.rmtree, cls.work, ignore_errors=True)
        (cls.work / "private").mkdir(mode=0o700)
        try:
            cls.machine = Machine(make_root(cls.RELEASE, pathlib.Path(cls.FOLDER) / cls.RELEASE), cls.work / "private", cls.BINDS)
        except Impossible as why:
            if os.environ.get("GLROTATE_MACHINE_REQUIRED"):
                raise
            raise unittest.SkipTest(str(why)) from why
        cls.addClassCleanup(cls.machine.stop)
        cls.addClassCleanup(Limit(cls.machine, cls.LIMIT_SEC, cls.UNITS).stop)

    def run(self, result=None):
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            print(f"\n{self.id()} has failed\n{self.machine.story(*self.UNITS)}", file=sys.stderr, flush=True)
        return result


def main(only=()):
    """All tests, or those that are named."""
    # As an exception, after which no machine stays behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    result = unittest.main(argv=sys.argv[:1] + list(only), failfast=True, exit=False).result
    if result.wasSuccessful() and not result.testsRun:
        print("SKIPPED: " + " ".join(why for _, why in result.skipped))
        sys.exit(SKIPPED)
    sys.exit(not result.wasSuccessful())
