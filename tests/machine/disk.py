"""Disks whose power can be cut: ext4 on loop devices, in memory, mounted where nobody else sees them.

What was not flushed is gone after a cut; what a kernel may have written of its own accord by then is up to `weather`. Who
may not mount gets Impossible with the reason."""
import ctypes
import errno
import fcntl
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, MS_REC, MS_PRIVATE, MNT_DETACH = 0x20000, 0x4000, 0x40000, 2
LOOP_CTL_GET_FREE, LOOP_CONFIGURE, LO_FLAGS_AUTOCLEAR = 0x4C82, 0x4C0A, 4
EXT4_IOC_SHUTDOWN, WITHOUT_THE_LOG = 0x8004587D, struct.pack("I", 2)
SYNC_FILE_RANGE_ALL = 7
IMAGE_BYTES, PAGE_BYTES = 16 << 20, 4096

# Name: size of a block, how ext4 is mounted. Nothing is written out by the clock, nor because a file is replaced.
STRICT = "noauto_da_alloc,commit=600,"
LAYOUTS = {"4k-ordered": (4096, STRICT + "data=ordered"), "1k-ordered": (1024, STRICT + "data=ordered"),
           "4k-writeback": (4096, STRICT + "data=writeback"), "1k-writeback": (1024, STRICT + "data=writeback")}
WEATHERS = ("calm", "commit", "spill", "storm")  # see Disk.weather()


class Impossible(Exception):
    pass


def call(name, *arguments):
    if getattr(LIBC, name)(*arguments) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def folder_for_images():
    """In memory, where there is enough of it: what is written to be lost is not worth a disk's time."""
    memory = "/dev/shm" if "TMPDIR" not in os.environ and os.access("/dev/shm", os.W_OK) else None
    if memory and os.statvfs(memory).f_bavail * os.statvfs(memory).f_bsize < 1 << 30:
        memory = None
    return tempfile.mkdtemp(prefix="glrotate-power-", dir=memory)


def enter_own_namespace():
    """What is mounted from here on goes with the last of our processes, whatever ends them."""
    if os.geteuid():
        raise Impossible("root is needed")
    if not shutil.which("mkfs.ext4"):
        raise Impossible("mkfs.ext4 is needed")
    try:
        call("unshare", CLONE_NEWNS)
        call("mount", b"none", b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None)
    except OSError as why:
        raise Impossible(f"no mount namespace of our own: {why.strerror}") from why


def leave(folder):
    """What is still mounted there, whoever mounted it."""
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        for place in [line.split()[1] for line in mounts]:
            if place.startswith(f"{folder}/"):
                LIBC.umount2(place.encode(), MNT_DETACH)


def copy(image, folder):
    """As it is now, holes and all."""
    with tempfile.TemporaryFile(dir=folder) as file:
        os.truncate(file.fileno(), IMAGE_BYTES)
        for begin, found in extents(image):
            os.pwrite(file.fileno(), found, begin)
        return os.dup(file.fileno())


def extents(image):
    at = 0
    while True:
        try:
            begin = os.lseek(image, at, os.SEEK_DATA)
        except OSError:  # there is nothing more
            return
        at = os.lseek(image, begin, os.SEEK_HOLE)
        yield begin, os.pread(image, at - begin, begin)


def loop_device(image):
    """(its path, its descriptor): let go by the kernel with the last who holds it."""
    try:
        control = os.open("/dev/loop-control", os.O_RDWR | os.O_CLOEXEC)
    except OSError as why:
        raise Impossible(f"no loop devices: {why.strerror}") from why
    config = struct.pack("<II", image, 0) + bytes(52) + struct.pack("<I", LO_FLAGS_AUTOCLEAR)
    config += bytes(304 - len(config))
    for _ in range(100):
        try:
            path = f"/dev/loop{fcntl.ioctl(control, LOOP_CTL_GET_FREE)}"
            device = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError as why:
            raise Impossible(f"no loop device: {why.strerror}") from why
        try:
            fcntl.ioctl(device, LOOP_CONFIGURE, config)
            os.close(control)
            return path, device
        except OSError as why:  # somebody else was quicker
            os.close(device)
            if why.errno != errno.EBUSY:
                raise Impossible(f"no loop device: {why.strerror}") from why
    raise Impossible("no free loop device")


class Disk:
    def __init__(self, at, layout):
        self.at = pathlib.Path(at)
        self.at.mkdir(exist_ok=True)
        block, self.options = LAYOUTS[layout]
        with tempfile.NamedTemporaryFile(dir=self.at.parent) as file:
            os.truncate(file.name, IMAGE_BYTES)
            made = subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", "-b", str(block), file.name], capture_output=True,
                                  text=True, check=False)
            if made.returncode:
                raise Impossible(f"mkfs.ext4: {made.stderr.strip()}")
            self.image = os.open(file.name, os.O_RDWR | os.O_CLOEXEC)
        self.mount()

    def mount(self):
        path, device = loop_device(self.image)
        try:
            call("mount", path.encode(), bytes(self.at), b"ext4", ctypes.c_ulong(0), self.options.encode())
        except OSError as why:
            raise Impossible(f"ext4 cannot be mounted: {why.strerror}") from why
        finally:
            os.close(device)

    def close(self):
        LIBC.umount2(bytes(self.at), MNT_DETACH)
        os.close(self.image)

    def empty(self):
        for thing in self.at.iterdir():
            if thing.name != "lost+found":
                shutil.rmtree(thing) if thing.is_dir() else thing.unlink()
        self.sync()

    def sync(self):
        folder = os.open(self.at, os.O_RDONLY)
        call("syncfs", folder)
        os.close(folder)

    def weather(self, kind, dice):
        """What the kernel did a moment ago: `commit` wrote the names and sizes of all that was changed, but no bytes that had no
        place yet; `spill` wrote some pages of what has a place, `storm` did both."""
        if kind in ("spill", "storm"):
            for file in self.at.rglob("*"):
                if file.is_file():
                    spill(file, dice)
        if kind in ("commit", "storm"):
            bystander = os.open(self.at / "bystander", os.O_WRONLY | os.O_CREAT, 0o600)
            os.write(bystander, b".")
            os.fsync(bystander)
            os.close(bystander)

    def cut(self):
        folder = os.open(self.at, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, EXT4_IOC_SHUTDOWN, WITHOUT_THE_LOG)
        except OSError as why:
            raise Impossible(f"ext4 cannot be cut off: {why.strerror}") from why
        finally:
            os.close(folder)
        self.kept = copy(self.image, self.at.parent)

    def power_on(self):
        """What the kernel wrote after the cut is forgotten."""
        call("umount2", bytes(self.at), 0)
        os.close(self.image)
        self.image = self.kept
        self.mount()

    def raw(self):
        """All that stands anywhere on it."""
        return b"".join(found for _, found in extents(self.image))


def spill(path, dice):
    file = os.open(path, os.O_RDONLY)
    for at in range(0, os.fstat(file).st_size, PAGE_BYTES):
        if dice.random() < 0.5:
            LIBC.sync_file_range(file, ctypes.c_int64(at), ctypes.c_int64(PAGE_BYTES), SYNC_FILE_RANGE_ALL)
    os.close(file)


class Disks:
    """Two, so that a flush of the one does nothing for the other: one for the state, one for the files that are delivered."""

    def __init__(self, folder, layout):
        self.all = []
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=layout + "-", dir=folder))
        for name in ("state", "files"):
            self.all.append(Disk(self.folder / name, layout))
        self.state, self.out = self.all[0].at / "glrotate", self.all[1].at / "out"
        self.lying = "-"  # of which paths it says that they are flushed, and does not

    def close(self):
        for disk in self.all:
            disk.close()

    def empty(self):
        for disk in self.all:
            disk.empty()
        self.lying = "-"

    def keep(self):
        for disk in self.all:
            disk.sync()

    def cut(self, process, weather, dice):
        """`process` stands still meanwhile, or is none, and is dead when the power is back."""
        for disk in self.all:
            disk.weather(weather, dice)
        for disk in self.all:
            disk.cut()
        if process:
            process.kill()
            process.wait()
        for disk in self.all:
            disk.power_on()


def left_after_a_cut(folder):
    disk = Disk(pathlib.Path(folder) / "trial", "4k-ordered")
    (disk.at / "kept").write_text("flushed")
    disk.sync()
    (disk.at / "lost").write_text("not flushed")
    disk.cut()
    disk.power_on()
    left = sorted(file.name for file in disk.at.iterdir() if file.is_file())
    disk.close()
    return left


def must_lose(folder):
    """Of a kernel that keeps what nobody flushed nothing could be learned; but somebody else's sync may come between."""
    found = [left_after_a_cut(folder) for _ in range(3)]
    if ["kept"] not in found:
        raise Impossible(f"a cut takes the wrong things back: {found} are left")
