"""A whole machine: firmware, a kernel, a clock, a TPM and a disk of its own, by qemu without KVM. What a container cannot show.

Its disk is an overlay over one made of Debian's packages. What the machine has not flushed is lost when its power is cut: the
overlay's own tables are written then only. It reaches this host's loopback through a door on its own. Where one of the
parts cannot be had, Impossible says which."""
import base64
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

from machine import CURL, PACKAGES, Impossible

PROGRAMS = ("mmdebstrap", "mkfs.ext4", "qemu-system-x86_64", "qemu-img", "swtpm")
FIRMWARE = pathlib.Path("/usr/share/ovmf/OVMF.fd")  # systemd uses a TPM that the firmware knows, and no other
MORE = ("linux-image-cloud-amd64", "tiny-initramfs", "kmod", "libtss2-esys-3.0.2-0", "libtss2-rc0", "libtss2-mu0",
        "libtss2-tcti-device0")
MODULES = [f"drivers/virtio/{name}.ko" for name in ("virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev",
                                                    "virtio_pci")]
MODULES += ["net/core/failover.ko", "drivers/net/net_failover.ko", "drivers/net/virtio_net.ko"]
ROOT_SEC, WAIT_SEC = 900, 600  # for a slow mirror; for anything else, however slow this host is
# What nobody needs here takes seconds to start: each process is one that is interpreted.
MASKED = ("apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer "
          "systemd-tmpfiles-clean.timer getty.target serial-getty@ttyS0.service systemd-update-utmp.service "
          "systemd-update-utmp-runlevel.service systemd-random-seed.service systemd-sysusers.service systemd-sysctl.service "
          "systemd-journal-flush.service systemd-modules-load.service systemd-pcrphase.service systemd-pcrphase-sysinit.service "
          "sys-kernel-debug.mount sys-kernel-tracing.mount dev-hugepages.mount dev-mqueue.mount systemd-udevd.service "
          "systemd-udevd-kernel.socket systemd-udevd-control.socket systemd-udev-trigger.service "
          "systemd-tmpfiles-setup-dev.service systemd-ask-password-wall.path systemd-ask-password-console.path "
          "modprobe@configfs.service modprobe@drm.service modprobe@loop.service modprobe@dm_mod.service modprobe@fuse.service modprobe@efi_pstore.service kmod-static-nodes.service "
          "systemd-user-sessions.service systemd-logind.service").split()
FILES = {
    # One line a command, and one line for what came of it.
    "usr/local/sbin/channel": """#!/bin/sh
stty raw -echo
echo "the machine is ready"
while read -r script; do
	echo "$script" | base64 -d >/run/channel.sh
	sh -e /run/channel.sh </dev/null >/run/channel.out 2>/run/channel.err
	echo "$? .$(base64 -w0 /run/channel.out) .$(base64 -w0 /run/channel.err)"
done
""",
    "etc/systemd/system/channel.service": """[Unit]
DefaultDependencies=no
Requires=sysinit.target dbus.socket
After=sysinit.target dbus.socket network-here.service gitlab.socket
Wants=network-here.service gitlab.socket
[Service]
ExecStart=/usr/local/sbin/channel
StandardInput=tty
StandardOutput=tty
TTYPath=/dev/ttyS1
""",
    "etc/systemd/system/network-here.service": """[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -ec 'for m in /usr/lib/here/*.ko; do insmod $m; done; ip link set lo up; ip link set eth0 up; ip address add 10.0.2.15/24 dev eth0'
""",
    # The policy's address is one of loopback, where tokens may go in the clear.
    "etc/systemd/system/gitlab.socket": "[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=127.0.0.1:80\n",
    "etc/systemd/system/gitlab.service": "[Unit]\nRequires=network-here.service\nAfter=network-here.service\n"
                                         "[Service]\nExecStart=/lib/systemd/systemd-socket-proxyd 10.0.2.2:${PORT}\n"
                                         "EnvironmentFile=/run/port\n",
    # After the end of a run its control group is gone, and with it what it counted.
    "etc/systemd/system/glrotate.service.d/counts.conf": "[Service]\nExecStopPost=+/bin/sh -c 'echo >>/run/runs; cd /sys/fs/cgroup/system.slice/glrotate.service; "
                                                         "cat memory.peak >/run/peak; cat pids.events >/run/pids'\n",
    "etc/fstab": "",
    "etc/hostname": "virtual\n",
}


def run(*command, seconds=WAIT_SEC):
    """Without a word, or with the reason why there is no machine."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False, timeout=seconds)
    except subprocess.TimeoutExpired as late:
        raise Impossible(f"{command[0]}: not within {seconds} s") from late
    if done.returncode:
        raise Impossible(f"{command[0]}: " + " ".join(done.stderr.strip().splitlines()[-1:]))


def fill(root, kernel, package):
    """What the machine has beside Debian's packages."""
    shutil.copy(package, root / "glrotate.deb")
    run("chroot", str(root), "dpkg", "-i", "/glrotate.deb")
    modules = next((root / "lib/modules").iterdir())
    here = root / "usr/lib/here"
    here.mkdir()
    for number, name in enumerate(MODULES):
        shutil.copy(modules / "kernel" / name, here / f"{number}-{os.path.basename(name)}")
    shutil.copy(next((root / "boot").glob("vmlinuz-*")), kernel)
    for folder in ("boot", "lib/modules", "var/cache/apt", "var/lib/apt/lists"):
        shutil.rmtree(root / folder, ignore_errors=True)
        (root / folder).mkdir(parents=True)
    for name, text in FILES.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).unlink(missing_ok=True)
        (root / name).write_text(text)
    (root / "usr/local/sbin/channel").chmod(0o755)
    for unit in MASKED:
        (root / "etc/systemd/system" / unit).symlink_to("/dev/null")
    wants = root / "etc/systemd/system/multi-user.target.wants/channel.service"
    wants.symlink_to("/etc/systemd/system/channel.service")


def make_root(folder, packages):
    """Once for a list of packages: it takes long, and needs a mirror."""
    root, stamp = folder / "root", folder / "packages"
    if stamp.exists() and stamp.read_text() == packages:
        return root
    stamp.unlink(missing_ok=True)
    shutil.rmtree(root, ignore_errors=True)
    # What it mounts, this host's /dev/shm among it, is seen by nobody else and ends with it: the root may be removed at any time.
    run("unshare", "--mount", "--pid", "--fork", "--kill-child", "mmdebstrap", "--quiet", "--variant=minbase", "--include=" + packages, "--aptopt=Acquire::Languages none",
        "--dpkgopt=force-unsafe-io", "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*", "bookworm", str(root), seconds=ROOT_SEC)
    stamp.write_text(packages)
    return root


def make_base(folder, package):
    """The disk with the package, and the kernel, once for what they are made of: (disk, kernel)."""
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    if missing or os.geteuid() or not FIRMWARE.exists():
        raise Impossible("root is needed, and " + ", ".join(missing or [str(FIRMWARE)]))
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    disk, kernel, stamp = folder / "disk", folder / "kernel", folder / "made-of"
    packages = ",".join(name for name in PACKAGES + CURL["bookworm"] + MORE if name != "polkitd")  # nobody asks it here
    made_of = json.dumps([packages, MODULES, MASKED, FILES, hashlib.sha256(package.read_bytes()).hexdigest()])
    if stamp.exists() and stamp.read_text() == made_of:
        return disk, kernel
    stamp.unlink(missing_ok=True)
    draft = folder / "draft"
    shutil.rmtree(draft, ignore_errors=True)
    run("cp", "-al", str(make_root(folder, packages)), str(draft))
    fill(draft, kernel, package)
    disk.unlink(missing_ok=True)
    run("mkfs.ext4", "-q", "-F", "-d", str(draft), str(disk), "1G")
    shutil.rmtree(draft)
    stamp.write_text(made_of)
    return disk, kernel


class Tpm:
    """A chip: what it holds stays in its folder."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.folder}", "--ctrl", f"type=unixio,path={self.folder}/socket",
             "--terminate"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + WAIT_SEC
        while not (self.folder / "socket").exists():
            if self.process.poll() is not None or time.monotonic() > end:
                raise Impossible("swtpm does not start")
            time.sleep(0.02)

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        (self.folder / "socket").unlink(missing_ok=True)


class Ended:
    def __init__(self, line):
        code, out, err = (line.split(" .") + ["", ""])[:3]
        self.returncode = int(code)
        self.stdout, self.stderr = (base64.b64decode(part).decode(errors="replace") for part in (out, err))

    def __repr__(self):
        return f"exit code {self.returncode}\n{self.stdout}\n{self.stderr}"


class Virtual:
    """`port` of this host's loopback is 127.0.0.1:80 there."""

    def __init__(self, base, work, port):
        self.base, self.kernel = base
        self.work, self.port = pathlib.Path(work), port
        self.qemu = self.tpm = self.line = None
        self.spent_before = self.spent_now = 0
        self.disk = self.work / "disk"
        run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(self.base), str(self.disk))

    def boot(self, tpm, clock="utc", disk=None):
        """With the clock that the board's battery keeps, and one of several disks."""
        self.tpm = tpm
        tpm.start()
        door = self.work / "channel"
        door.unlink(missing_ok=True)
        words = ["-accel", "tcg,thread=multi", "-cpu", "max", "-m", "768", "-smp", "1", "-nodefaults", "-display", "none", "-no-reboot",
                 "-bios", str(FIRMWARE), "-kernel", str(self.kernel), "-rtc", f"base={clock}",
                 "-append", "root=/dev/nvme0n1 rw quiet console=ttyS0 mitigations=off nokaslr apparmor=0 random.trust_cpu=on "
                            "systemd.show_status=no",
                 "-serial", f"file:{self.work / 'console'}", "-serial", f"unix:{door},server=on,wait=off",
                 "-chardev", f"socket,id=chip,path={tpm.folder}/socket", "-tpmdev", "emulator,id=tpm,chardev=chip",
                 "-drive", f"file={disk or self.disk},if=none,id=disk,format=qcow2,cache=writeback",
                 "-device", "nvme,drive=disk,serial=disk", "-device", "tpm-tis,tpmdev=tpm", "-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net"]
        with open(self.work / "qemu", "ab") as log:
            self.qemu = subprocess.Popen(["qemu-system-x86_64", *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.until(lambda: self.qemu.poll() is not None or door.exists(), "qemu")
        if self.qemu.poll() is not None:
            raise Impossible("qemu: " + (self.work / "qemu").read_text(errors="replace")[-300:])
        self.line = socket.socket(socket.AF_UNIX)
        self.line.settimeout(WAIT_SEC)
        self.line.connect(str(door))
        self.file = self.line.makefile("rwb")
        while b"the machine is ready" not in self.read():
            pass  # the firmware greets everybody
        self.sh(f"echo PORT={self.port} >/run/port")

    def read(self):
        try:
            line = self.file.readline()
        except OSError as why:
            raise AssertionError(f"the machine does not answer ({why}); its console:\n{self.console()}") from why
        if not line:
            raise AssertionError("the machine is gone; its console:\n" + self.console())
        return line

    def spent(self):
        """Seconds of the processor, over all boots: what it takes where nothing else runs."""
        if self.qemu:
            times = pathlib.Path(f"/proc/{self.qemu.pid}/stat").read_text().rsplit(")", 1)[1].split()
            self.spent_now = (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")
        return self.spent_before + self.spent_now

    def console(self):
        path = self.work / "console"
        return path.read_text(errors="replace")[-2000:] if path.exists() else ""

    @staticmethod
    def until(condition, what):
        end = time.monotonic() + WAIT_SEC
        while time.monotonic() < end:
            found = condition()
            if found:
                return found
            time.sleep(0.05)
        raise AssertionError(f"{what}: not within {WAIT_SEC} s")

    def run(self, script):
        """As root, to its end, which comes soon."""
        try:
            self.file.write(base64.b64encode(script.encode()) + b"\n")
            self.file.flush()
        except OSError as why:
            raise AssertionError("the machine is gone; its console:\n" + self.console()) from why
        return Ended(self.read().decode())

    def sh(self, script):
        done = self.run(script)
        if done.returncode:
            raise AssertionError(f"{script}: {done}")
        return done.stdout

    def write(self, path, text, mode="0644"):
        content = base64.b64encode(text.encode()).decode()
        self.sh(f"mkdir -p $(dirname {path}); umask 077; echo {content} | base64 -d >{path}; chmod {mode} {path}")

    def power_cut(self):
        """Or the end, of what is not needed any more."""
        if self.qemu:
            self.spent_before, self.spent_now = self.spent(), 0
            self.qemu.send_signal(signal.SIGKILL)
            self.qemu.wait()
            self.qemu = None
        if self.line:
            try:
                self.file.close()
            except OSError:
                pass  # with what it was to be told
            self.line.close()
            self.line = None
        if self.tpm:
            self.tpm.stop()
            self.tpm = None
