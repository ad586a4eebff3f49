"""Real power cuts: a copy of a mounted ext4 image, taken while every process is stopped, has forgotten what was not synced."""
import os
import pathlib
import random
import shutil
import signal
import subprocess
import time

from blackbox import Skip, Weir, case, run
from ledger import AGENTS, Ledger

ROUNDS = int(os.environ.get("WEIR_POWER_ROUNDS", "8"))
SEED = int(os.environ.get("WEIR_CRASH_SEED", str(random.randrange(1 << 32))))
IMAGE_MIB = 512


def system(*words):
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise Skip(f"{' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")


class Disk:
    """A file with an ext4 inside, mounted at `place`."""

    def __init__(self, image, place):
        self.image, self.place = image, place
        place.mkdir(exist_ok=True)

    @staticmethod
    def make(image, place):
        with image.open("wb") as file:
            file.truncate(IMAGE_MIB << 20)
        system("mkfs.ext4", "-q", "-F", str(image))
        return Disk(image, place)

    def __enter__(self):
        system("mount", "-o", "loop", str(self.image), str(self.place))
        return self

    def __exit__(self, *_error):
        subprocess.run(["umount", "-l", str(self.place)], check=False, timeout=60)


def family(pid):
    """The process and all that descend from it."""
    found = [pid]
    for parent in found:
        children = pathlib.Path(f"/proc/{parent}/task/{parent}/children")
        found += [int(word) for word in children.read_text().split()] if children.exists() else []
    return found


def cut_power(weir, disk, copy):
    """Stop every process, copy what the disk holds, kill them."""
    processes = family(weir.process.pid)
    for pid in processes:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(0.05)
    subprocess.run(["cp", "--sparse=always", str(disk.image), str(copy)], check=True, timeout=120)
    weir.kill()


@case
def what_was_answered_survives_power_cuts(folder):
    if os.geteuid() != 0:
        raise Skip("mounting an image needs root")
    if not shutil.which("mkfs.ext4"):
        raise Skip("no mkfs.ext4")
    print(f"  seed {SEED}, {ROUNDS} rounds", flush=True)
    dice, ledger = random.Random(SEED), Ledger(SEED)
    image = folder / "disk-0"
    Disk.make(image, folder / "mount")
    for number in range(1, ROUNDS + 1):
        with Disk(image, folder / "mount") as disk:
            weir = Weir(disk.place, agents=AGENTS, lake={"path": "./lake", "flush": "1s", "flush_bytes": "64KiB"},
                        store={"path": "./store.db"}, bus={"segment": "1MiB"})
            weir.log = folder / "log"
            weir.start()
            end = ledger.load(weir.port)
            time.sleep(dice.uniform(0.3, 1.5))
            if number % 2 == 0:  # what the killed one wrote and had not synced, the next one has to sync before it shows it
                weir.kill()
                weir.start(ready=dice.random() < 0.5)
                time.sleep(dice.uniform(0, 0.5))
            copy = folder / f"disk-{number}"
            cut_power(weir, disk, copy)  # whatever was answered, was answered before the processes were stopped
            end()
        image.unlink()
        image = copy
        with Disk(image, folder / "mount") as disk:
            again = Weir(disk.place, agents=AGENTS, lake={"path": "./lake"}, store={"path": "./store.db"})
            again.log = folder / "log"
            with again:
                ledger.check(again)
                again.command("verify")


run()
