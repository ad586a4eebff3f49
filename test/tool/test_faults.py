"""The disk of faults.py keeps what was synced and forgets what was not: otherwise no test on it could fail."""
import os
import subprocess

from blackbox import case, run
from faults import Disk, failing


def write(path, sync):
    file = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    os.write(file, b"x" * 4096)
    if sync:
        os.fsync(file)
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    os.close(file)


@case
def a_cut_keeps_what_was_synced_and_forgets_the_rest(folder):
    with Disk(folder, mib=64) as disk:
        write(disk.path / "kept", sync=True)
        write(disk.path / "lost", sync=False)
        after = disk.cut()
        assert (after / "kept").read_bytes() == b"x" * 4096
        assert not (after / "lost").exists() or (after / "lost").stat().st_size == 0
        assert (disk.path / "lost").stat().st_size == 4096, "the living disk knows both"


@case
def a_system_call_fails_when_it_should(folder):
    words = (*failing("fsync", "ENOSPC", "1"), "python3", "-c", f"import os; os.fsync(os.open({str(folder)!r}, os.O_RDONLY))")
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "No space left" in done.stderr, done


run()
