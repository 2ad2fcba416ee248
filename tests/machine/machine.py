"""A machine with systemd as its process 1: a root of Debian's packages, booted by systemd-nspawn. Its disk begins empty above that
root and outlives a power cut.

It shares this host's loopback, where the simulator listens. Who may not mount or boot one gets Impossible with the reason.
machine.py FOLDER RELEASE… makes the roots there."""
import atexit
import fcntl
import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid

# What glrotate's package depends on, so that the machine needs no network.
PACKAGES = ("systemd", "systemd-sysv", "dbus", "dbus-user-session", "libnss-systemd", "libpam-systemd", "ca-certificates", "procps",
            "iproute2", "polkitd", "libjansson4", "libsmartcols1", "libsodium23", "libsqlite3-0", "libyaml-0-2")
CURL = {"bookworm": ("libcurl4",), "trixie": ("libcurl4t64",)}
# Nobody reads them there, and nothing is to happen by itself.
OPTIONS = ("--aptopt=Acquire::Languages none", "--dpkgopt=force-unsafe-io", "--dpkgopt=path-exclude=/usr/share/doc/*",
           "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
           "--customize-hook=for timer in apt-daily apt-daily-upgrade dpkg-db-backup e2scrub_all fstrim; do "
           "ln -sf /dev/null \"$1/etc/systemd/system/$timer.timer\"; done")
ROOT_SEC = 900   # to make a root: a slow mirror
WAIT_SEC = 120   # for anything: however slow this host is, nothing else takes as long
TELL_SEC = 10    # for each thing that is asked when something went wrong


class Impossible(Exception):
    """There is no machine to be had here."""


def make_root(release, path):
    """Once a release and list of packages; what is half made is made anew."""
    path = pathlib.Path(path)
    if os.geteuid() or not shutil.which("mmdebstrap") or not shutil.which("systemd-nspawn"):
        raise Impossible("root, mmdebstrap and systemd-container are needed")
    path.parent.mkdir(parents=True, exist_ok=True)
    made_of = " ".join(PACKAGES + CURL[release] + OPTIONS)
    stamp = path.with_name(path.name + ".made-of")
    with open(path.with_name(path.name + ".lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists() or not stamp.exists() or stamp.read_text() != made_of:
            shutil.rmtree(path, ignore_errors=True)
            bootstrap(release, path, lock)
            stamp.write_text(made_of)
    return path


def bootstrap(release, path, lock):
    """What makes it holds the lock too: it may outlive us."""
    draft = path.with_name(path.name + ".draft")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        # What it mounts, this host's /dev/shm among it, ends with it: the draft may be removed at any time.
        made = subprocess.run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "mmdebstrap", "--quiet", "--variant=minbase", "--include=" + ",".join(PACKAGES + CURL[release]),
                               *OPTIONS, release, draft], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              check=False, timeout=ROOT_SEC, pass_fds=[lock.fileno()])
        why = " ".join(made.stderr.strip().splitlines()[-1:])
    except subprocess.TimeoutExpired:
        made, why = None, f"not within {ROOT_SEC} s"
    if not made or made.returncode:
        shutil.rmtree(draft, ignore_errors=True)
        raise Impossible(f"no root of {release}: {why}")
    draft.rename(path)


def control_groups(name):
    """A control group of its own, a folder in each hierarchy that systemd uses. Machines that are booted from one group share the
    groups of all of their units: the filters of addresses on them, and each removes what another is about to use."""
    with open("/proc/self/cgroup", encoding="utf-8") as file:
        own = {line.split(":", 2)[1]: line.rstrip("\n").split(":", 2)[2] for line in file}
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        mounts = [(line.split()[4], line.split(" - ")[1].split()) for line in file]
    folders = []
    for place, (kind, _, options) in mounts:
        if kind == "cgroup2" or (kind == "cgroup" and "name=systemd" in options.split(",")):
            group = own.get("" if kind == "cgroup2" else "name=systemd", "/")
            folders.append(pathlib.Path(place + group.rstrip("/")) / name)
    return folders


class Machine:
    """`state` of the host is /var/lib/private of the machine; the folder `disk` beside it keeps everything else, and is no overlay
    itself."""
    count = 0

    def __init__(self, root, state, binds=()):
        self.root, self.state, self.binds = root, pathlib.Path(state), binds
        self.id = str(uuid.uuid4())  # what is encrypted for it is bound to this
        Machine.count += 1
        self.name = f"glrotate-{os.getpid()}-{Machine.count}"
        self.disk = self.state.with_name("disk")
        self.nspawn, self.leader, self.cut = None, None, None
        self.groups = control_groups(self.name)
        try:
            for folder in [self.disk / part for part in ("upper", "work", "root")] + self.groups:
                folder.mkdir(parents=True)
        except OSError as why:
            raise Impossible(f"no control group of its own: {why}") from why
        atexit.register(self.stop)
        try:
            self.boot()
        except AssertionError as why:
            # Nothing of ours is in it yet.
            raise Impossible(f"{why}; its console: {self.console()[-500:]}") from why

    def boot(self):
        options = ["-q", "--register=no", "--keep-unit", "--console=pipe", "-b", "-D", str(self.disk / "root"),
                   "-M", self.name, f"--uuid={self.id}", "--system-call-filter=bpf @keyring",
                   f"--bind={self.state}:/var/lib/private"]
        options += [f"--bind-ro={source}:{target}" for source, target in self.binds]
        script = "set -e; mount -t tmpfs tmpfs /run\n" + "".join(f"echo $$ >{group}/cgroup.procs\n" for group in self.groups)
        script += 'cd "$1"; mount -t overlay -o "lowerdir=$2,upperdir=upper,workdir=work" overlay root; shift 2\n'
        with open(self.state.with_name("console"), "ab") as log:
            self.nspawn = subprocess.Popen(
                ["unshare", "-m", "sh", "-c", script + 'exec systemd-nspawn "$@"', "sh", str(self.disk), str(self.root), *options],
                env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.until(self.is_up, "a machine that has booted")

    def is_up(self):
        if self.nspawn.poll() is not None:
            raise Impossible("systemd-nspawn cannot boot here: " + self.console()[-300:].strip())
        children = pathlib.Path(f"/proc/{self.nspawn.pid}/task/{self.nspawn.pid}/children").read_text().split()
        if not children:
            return False
        self.leader = children[0]
        return self.enter("systemctl", "is-system-running").stdout.strip() in ("running", "degraded")

    def console(self):
        return self.state.with_name("console").read_text(errors="replace")

    def until(self, condition, what):
        """Asks again and again until it holds, and not for ever."""
        end = time.monotonic() + WAIT_SEC
        while True:
            self.check()
            found = condition()
            if found:
                return found
            if time.monotonic() > end:
                raise AssertionError(f"{what}: not within {WAIT_SEC} s")
            time.sleep(0.1)

    def check(self):
        if self.cut:
            raise AssertionError(self.cut)

    def enter(self, *command, text=None, timeout=WAIT_SEC):
        """For systemctl and journalctl, which need no rights of the machine's own; keeps the host's."""
        self.check()
        try:
            done = subprocess.run(["nsenter", "-t", self.leader, "-a", "--", *command], capture_output=True, text=True,
                                  input=text, check=False, timeout=timeout)
        except subprocess.TimeoutExpired as late:
            raise AssertionError(f"{' '.join(command)}: not within {timeout} s\n{late.stdout}\n{late.stderr}") from late
        self.check()
        return done

    def run(self, *command, text=""):
        """With the machine's rights, to its end."""
        return self.enter("systemd-run", "-q", "--wait", "--pipe", "--collect", *command, text=text)

    def sh(self, script):
        done = self.run("sh", "-ec", script)
        if done.returncode:
            raise AssertionError(f"{script}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def write(self, path, text, mode="0644"):
        # On standard input: a unit's command line is seen by everybody.
        done = self.run("sh", "-ec", f"mkdir -p $(dirname {path}); umask 077; cat >{path}; chmod {mode} {path}", text=text)
        assert done.returncode == 0, done

    def install(self, package):
        """A .deb of the machine's, as a person installs it; nothing comes from elsewhere."""
        return self.sh("DEBIAN_FRONTEND=noninteractive apt-get -q install -y -o Dir::Etc::SourceList=/dev/null "
                       f"-o Dir::Etc::SourceParts=/dev/null {package} 2>&1")

    def journal(self, *matches):
        lines = self.enter("journalctl", "-o", "json", "--no-pager", *matches).stdout.splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def property(self, unit, name):
        return self.enter("systemctl", "show", "--value", "-p", name, unit).stdout.strip()

    def story(self, *units):
        """What a person would look at when something went wrong; takes its time, but not long."""
        told = []
        for command in (["systemctl", "--no-pager", "--full", "--lines=0", "status", *units], ["systemctl", "--no-pager", "list-jobs"],
                        ["journalctl", "--no-pager", "-o", "short-precise", "-n", "60"]):
            told.append("--- " + " ".join(command))
            try:
                done = self.enter(*command, timeout=TELL_SEC)
                told.append(done.stdout + done.stderr)
            except AssertionError as why:
                told.append(str(why))
        return "\n".join([*told, "--- its console", self.console()[-1500:], f"--- load of this host: {os.getloadavg()}"])

    def power_cut(self):
        for pid in (self.nspawn.pid, int(self.leader or 0)):
            try:
                if not pid:
                    continue
                death = os.pidfd_open(pid)
                os.kill(pid, signal.SIGKILL)
                # With its process 1 all of a machine ends.
                select.select([death], [], [], WAIT_SEC)
                os.close(death)
            except ProcessLookupError:
                pass
        self.nspawn.wait()
        self.leader = None

    def stop(self):
        """For good. Nothing of it is used any more, so its power is cut."""
        atexit.unregister(self.stop)
        if self.nspawn:
            self.power_cut()
        for group in self.groups:
            for folder, _, _ in os.walk(group, topdown=False):
                try:
                    os.rmdir(folder)
                except OSError as why:
                    print(f"{folder} is left behind: {why}", file=sys.stderr)


class Limit:
    """Of a whole program, whatever it hangs in: tells the story, and cuts the power, so that every call into the machine ends."""

    def __init__(self, machine, seconds, units):
        self.machine, self.seconds, self.units = machine, seconds, units
        self.timer = threading.Timer(seconds, self.end)
        self.timer.daemon = True
        self.timer.start()

    def end(self):
        why = f"not done within {self.seconds} s: the machine's power was cut"
        print(f"{why}\n{self.machine.story(*self.units)}", file=sys.stderr, flush=True)
        self.machine.cut = why
        self.machine.power_cut()
        # What hangs elsewhere.
        time.sleep(TELL_SEC)
        self.machine.stop()
        shutil.rmtree(self.machine.disk.parent, ignore_errors=True)
        os._exit(1)

    def stop(self):
        self.timer.cancel()


def main(folder, *releases):
    def make(release):
        try:
            make_root(release, pathlib.Path(folder) / release)
        except Impossible as why:
            print(f"no machine of {release}: {why}")
    threads = [threading.Thread(target=make, args=[release]) for release in releases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
