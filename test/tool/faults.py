"""faults.py - what goes wrong in the world: power cuts, and system calls that fail.

    with Disk(folder) as disk:
        weir = Weir(disk.path).start()
        ...
        after = disk.cut(weir.freeze)       # the disk as it would be found after the power came back, mounted
    Weir(folder, wrapper=failing("fdatasync", "EIO", when="3"), environment=UNDER_STRACE)

An ext4 image is mounted; its blocks hold what the kernel was made to write (fsync) or chose to write. A copy of the image, taken
while it is mounted and all who write to it are stopped, is what a disk would hold; mounting the copy replays its journal."""
import os
import pathlib
import shutil
import subprocess

from blackbox import Skip

UNDER_STRACE = {"ASAN_OPTIONS": "detect_leaks=0"}  # the leak check traces the process itself, and strace is there already


def _run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")


class Disk:
    def __init__(self, folder, mib=256):
        self.folder, self.image, self.path, self.mib = folder, folder / "disk.img", folder / "disk", mib
        self.mounted, self.cuts = [], 0

    def __enter__(self):
        if os.geteuid() != 0:
            raise Skip("a power cut needs root, to mount an ext4 image")
        if not shutil.which("mkfs.ext4") or not pathlib.Path("/dev/loop-control").exists():
            raise Skip("a power cut needs mkfs.ext4 and loop devices")
        with self.image.open("wb") as file:
            file.truncate(self.mib << 20)
        try:
            _run("mkfs.ext4", "-q", "-F", self.image)
            self._mount(self.image, self.path)
        except OSError as error:
            raise Skip(f"an ext4 image cannot be mounted here: {error}") from error
        return self

    def __exit__(self, kind, error, trace):
        for path in reversed(self.mounted):
            subprocess.run(["umount", "--lazy", path], check=False, timeout=60)

    def _mount(self, image, path):
        path.mkdir(exist_ok=True)
        _run("mount", "-o", "loop", image, path)
        self.mounted.append(path)

    def cut(self, freeze=None):
        """Where the disk is mounted as a power cut now would leave it; freeze() stops all who write to it first."""
        if freeze is not None:
            freeze()
        self.cuts += 1
        copy, path = self.folder / f"cut-{self.cuts}.img", self.folder / f"cut-{self.cuts}"
        _run("cp", "--sparse=always", self.image, copy)
        self._mount(copy, path)
        return path


def failing(call, error, when):
    """The words before a command that make its system call fail: when="3" the third, "3+" from it on, "3..5" (strace(1)).

    The tracer stands aside (-DD): signals and the process id are the command's own."""
    if not shutil.which("strace"):
        raise Skip("no strace")
    return ("strace", "-DD", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={when}")
