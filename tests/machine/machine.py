"""A machine with systemd as its process 1: a root of Debian's packages, booted by systemd-nspawn, fresh each time.

It shares this host's loopback, where the simulator listens. Who may not mount or boot one gets Impossible with the reason."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time
import uuid

# What glrotate's package depends on, so that the machine needs no network.
PACKAGES = ("systemd", "systemd-sysv", "dbus", "libnss-systemd", "ca-certificates", "procps", "iproute2", "libjansson4",
            "libsmartcols1", "libsodium23", "libsqlite3-0", "libyaml-0-2")
CURL = {"bookworm": ("libcurl4",), "trixie": ("libcurl4t64",)}
DEADLINE = 180


class Impossible(Exception):
    pass


def make_root(release, path):
    """Once a release; what is half made is made anew."""
    path = pathlib.Path(path)
    if path.exists():
        return path
    if os.geteuid() or not shutil.which("mmdebstrap") or not shutil.which("systemd-nspawn"):
        raise Impossible("root, mmdebstrap and systemd-container are needed")
    draft = path.with_name(path.name + ".draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.parent.mkdir(parents=True, exist_ok=True)
    made = subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", "--include=" + ",".join(PACKAGES + CURL[release]),
                           release, draft], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if made.returncode:
        shutil.rmtree(draft, ignore_errors=True)
        raise Impossible(f"no root of {release}: {made.stderr.strip().splitlines()[-1:]}")
    draft.rename(path)
    return path


class Machine:
    """`state` of the host is /var/lib/private of the machine, and outlives it: a disk."""

    def __init__(self, root, state, binds=()):
        self.root, self.state, self.binds = root, pathlib.Path(state), binds
        self.id = str(uuid.uuid4())  # what is encrypted for it is bound to this
        self.boot()

    def boot(self):
        options = ["-q", "--register=no", "--keep-unit", "--console=pipe", "-b", "-D", str(self.root),
                   "-M", f"glrotate-{os.getpid()}", f"--uuid={self.id}", "--volatile=overlay", "--system-call-filter=bpf @keyring",
                   f"--bind={self.state}:/var/lib/private"]
        options += [f"--bind-ro={source}:{target}" for source, target in self.binds]
        self.log = open(self.state.with_name("console"), "ab")  # pylint: disable=consider-using-with
        self.nspawn = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", 'mount -t tmpfs tmpfs /run && exec systemd-nspawn "$@"', "sh", *options],
            env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.until(self.is_up, "a machine that has booted")

    def is_up(self):
        if self.nspawn.poll() is not None:
            raise Impossible("systemd-nspawn cannot boot here: " + self.console()[-300:])
        children = subprocess.run(["pgrep", "-P", str(self.nspawn.pid)], capture_output=True, text=True, check=False).stdout.split()
        if not children:
            return False
        self.leader = children[0]
        found = self.enter("systemctl", "is-system-running")
        return found.stdout.strip() in ("running", "degraded")

    def console(self):
        return self.state.with_name("console").read_text(errors="replace")

    @staticmethod
    def until(condition, what):
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            found = condition()
            if found:
                return found
            time.sleep(0.05)
        raise AssertionError(f"{what}: not within {DEADLINE} s")

    def enter(self, *command, text=None):
        """For systemctl and journalctl, which need no rights of the machine's own; keeps the host's."""
        return subprocess.run(["nsenter", "-t", self.leader, "-a", "--", *command], capture_output=True, text=True,
                              input=text, check=False, timeout=DEADLINE)

    def run(self, *command):
        """With the machine's rights, to its end."""
        return self.enter("systemd-run", "-q", "--wait", "--pipe", "--collect", *command, text="")

    def sh(self, script):
        done = self.run("sh", "-ec", script)
        if done.returncode:
            raise AssertionError(f"{script}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def write(self, path, text, mode="0644"):
        # On standard input: a unit's command line is seen by everybody.
        done = self.enter("systemd-run", "-q", "--wait", "--pipe", "--collect", "sh", "-ec",
                          f"mkdir -p $(dirname {path}); umask 077; cat >{path}; chmod {mode} {path}", text=text)
        assert done.returncode == 0, done

    def journal(self, *matches):
        lines = self.enter("journalctl", "-o", "json", "--no-pager", *matches).stdout.splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def property(self, unit, name):
        return self.enter("systemctl", "show", "--value", "-p", name, unit).stdout.strip()

    def has_ended(self, unit):
        return self.property(unit, "ActiveState") in ("inactive", "failed")

    def power_cut(self):
        self.nspawn.send_signal(signal.SIGKILL)
        os.kill(int(self.leader), signal.SIGKILL)
        self.nspawn.wait()
        self.log.close()

    def stop(self):
        if self.nspawn.poll() is None:
            self.nspawn.terminate()
            try:
                self.nspawn.wait(timeout=60)
            except subprocess.TimeoutExpired:
                self.power_cut()
        self.log.close()
