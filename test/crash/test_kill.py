"""kill -9 of one process or of all, at random moments and at every failpoint, under load: nothing lost, nothing doubled.

WEIR_CRASH_ROUNDS (default 200) and WEIR_CRASH_SEED choose how long and which; the seed is printed.
"""
import collections
import contextlib
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import time

from blackbox import BINARY, Skip, Weir, case, eventually, run
from ledger import AGENTS_MAPPED, KINDS_MAPPED, Ledger

ROUNDS = int(os.environ.get("WEIR_CRASH_ROUNDS", "200"))
SEED = int(os.environ.get("WEIR_CRASH_SEED", str(random.randrange(1 << 32))))
CHECK_EVERY = 25
LOAD_S = (0.02, 0.3)
REPLAY_GAVE_UP = re.compile("weir does not run, and [a-z]+ is behind")
FAILING = (".fail", ".fails")  # places that can make their operation fail, too
SECTIONS = {"agents": AGENTS_MAPPED, "lake": {"path": "./lake", "flush": "1s", "flush_bytes": "64KiB"},
            "store": {"path": "./store.db"}, "bus": {"segment": "1MiB"}}


def make(folder, **environment):
    return Weir(folder, environment=environment, **SECTIONS)


def mapping_processes(weir):
    """Pids of those that users' mappings run in: children of the transform."""
    found = []
    for child in weir.children():
        with contextlib.suppress(OSError):
            words = pathlib.Path(f"/proc/{child}/task/{child}/children").read_text().split()
            found += [int(pid) for pid in words if "weir-mapping" in pathlib.Path(f"/proc/{pid}/comm").read_text()]
    return found


def kill_some(weir, dice):
    """One process of weir's, or one of a mapping, or all of them at once."""
    children = list(weir.children())
    if dice.random() < 0.3:
        children = mapping_processes(weir) or children
    if dice.random() < 0.5 or not children:
        weir.kill()
        return
    try:
        os.kill(dice.choice(children), signal.SIGKILL)
    except ProcessLookupError:
        pass  # it was a short-lived one
    time.sleep(dice.uniform(*LOAD_S))
    weir.kill()


class Replays:
    """One replay at a time, begun under load, killed or left alone while weir dies around it, gone on with or begun anew."""

    def __init__(self, folder, dice):
        self.folder, self.dice, self.process, self.ends = folder, dice, None, collections.Counter()

    def begin(self):
        if self.process is not None and self.process.poll() is not None:
            self.end()
        if self.process is None and self.dice.random() < 0.6:
            words = self.dice.choice(([], [], [], ["--anew"], ["--dry-run"]))
            self.process = subprocess.Popen([BINARY, "replay", "-c", str(self.folder / "weir.yaml"), *words], text=True,
                                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def kill(self):
        if self.process is not None and self.dice.random() < 0.3:
            self.process.kill()
            self.end()

    def end(self):
        """Let it end; without a weir that runs it says that it cannot."""
        if self.process is not None:
            error, status = self.process.communicate(timeout=300)[1], self.process.returncode
            self.process = None
            assert status in (0, -signal.SIGKILL) or (status == 1 and REPLAY_GAVE_UP.search(error)), (status, error)
            self.ends[{0: "ended", 1: "gave up"}.get(status, "killed")] += 1


def check_clean_replay(weir):
    """What the rounds left is what all of raw gives, made anew."""
    def rows():
        return {(model, *where): sorted(map(json.dumps, weir.rows("query", *where, f"SELECT * FROM {model}")))
                for model in ("ticket", "incident", "event") for where in ((), ("--store",))}
    before = rows()
    assert weir.command("replay", "--anew") == "switched lake and store\n"
    after = rows()
    for name, lines in before.items():
        assert lines == after[name], (name, len(lines), len(after[name]), sorted(set(lines) ^ set(after[name]))[:4])


@case
def random_kills_under_load(folder):
    print(f"  seed {SEED}, {ROUNDS} rounds", flush=True)
    dice, ledger, good = random.Random(SEED), Ledger(SEED, KINDS_MAPPED), 0
    weir, replays = make(folder), Replays(folder, random.Random(SEED + 1))
    for number in range(1, ROUNDS + 1):
        weir.start()
        replays.begin()
        end = ledger.load(weir.port)
        time.sleep(dice.uniform(*LOAD_S))
        replays.kill()
        kill_some(weir, dice)
        end()
        if number % CHECK_EVERY == 0 or number == ROUNDS:
            with weir:
                replays.begin()
                replays.end()
                good = ledger.check(weir)
                weir.command("verify")
                check_clean_replay(weir)
                ledger.check(weir)
                weir.command("verify")
    assert good > ROUNDS, f"too little was sent to mean anything: {good}"
    print(f"  replays: {replays.ends}", flush=True)
    assert ROUNDS < 2 * CHECK_EVERY or (replays.ends["ended"] and replays.ends["killed"]), replays.ends


def failpoints(folder):
    """Names of all places that a short run under load reaches."""
    names = folder / "names"
    ledger, weir = Ledger(SEED, KINDS_MAPPED), make(folder, WEIR_FAILPOINT_LIST=str(names))
    with weir:
        end = ledger.load(weir.port)
        time.sleep(3)
        end()
        ledger.check(weir)
    if not names.exists():
        raise Skip("this build has no failpoints")
    return sorted(set(names.read_text().split()))


@case
def a_kill_at_every_failpoint(folder):
    dice = random.Random(SEED)
    places = folder / "places"
    places.mkdir()
    names = [n for n in failpoints(places) if not n.endswith(FAILING)]
    print(f"  seed {SEED}, {len(names)} failpoints: {' '.join(names)}", flush=True)
    assert len(names) >= 10, names
    home = folder / "home"
    home.mkdir()
    ledger = Ledger(SEED, KINDS_MAPPED)
    for name in names:
        weir = make(home, WEIR_FAILPOINT=f"{name}:{dice.randint(1, 4)}:kill")
        weir.start(ready=False)  # one that dies at its start is never ready
        time.sleep(0.3)
        end = ledger.load(weir.port)
        time.sleep(0.7)
        weir.kill()
        end()
        with make(home) as weir:
            try:
                ledger.check(weir)
            except AssertionError as error:
                raise AssertionError(f"after a kill at {name}: {error}") from error


@case
def a_mapping_killed_again_and_again_under_load_makes_nothing_dead_and_nothing_twice(folder):
    dice, ledger, kills = random.Random(SEED), Ledger(SEED, KINDS_MAPPED), 0
    with make(folder) as weir:
        end = ledger.load(weir.port)
        for _ in range(30):
            time.sleep(dice.uniform(*LOAD_S))
            for pid in mapping_processes(weir):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    kills += 1
        end()
        assert ledger.check(weir) > 100 and kills > 10, kills


@case
def a_flush_killed_at_its_checkpoint_or_at_a_merge_loses_nothing(folder):
    for place, lake in (("lake.checkpoint", {}), ("lake.merged", {"compact": "1m"})):
        home = folder / place
        home.mkdir()
        ledger, sections = Ledger(SEED, KINDS_MAPPED), SECTIONS | {"lake": SECTIONS["lake"] | {"flush": "100ms"} | lake}
        weir = Weir(home, environment={"WEIR_FAILPOINT": f"{place}:1:kill"}, **sections).start()
        end = ledger.load(weir.port, threads=1)  # for a hundred commits, or until the next minute
        try:
            eventually(lambda: "died of signal 9" in weir.log.read_text(), f"a flush dies at {place}", 600)  # noqa: B023
        finally:
            end()
            weir.kill()
        weir = Weir(home, **sections).start(ready=False)
        eventually(weir.is_ready, "the lake has caught up with the load", 300)
        with weir_running(weir):
            ledger.check(weir)
            weir.command("verify")
        assert lake or list(home.glob("**/_delta_log/*.checkpoint.parquet")), "the next flush made it"


@contextlib.contextmanager
def weir_running(weir):
    """It is stopped in the end, killed when the case failed."""
    eventually(weir.is_ready, "weir is ready")
    try:
        yield
    except BaseException:
        weir.kill()
        raise
    weir.stop()


@case
def an_operation_that_fails_at_every_place_loses_nothing(folder):
    dice = random.Random(SEED)
    places = folder / "places"
    places.mkdir()
    names = [n for n in failpoints(places) if n.endswith(FAILING)]
    assert names
    home = folder / "home"
    home.mkdir()
    ledger = Ledger(SEED, KINDS_MAPPED)
    for name in names:
        weir = make(home, WEIR_FAILPOINT=f"{name}:{dice.randint(1, 20)}:fail")
        weir.start(ready=False)
        time.sleep(0.3)
        if weir.process.poll() is not None:  # its start failed: it must say so, and work the next time
            assert "weir" in weir.log.read_text().splitlines()[-1], name
            weir.process = None
            weir = make(home).start()
        with weir_running(weir):
            end = ledger.load(weir.port)
            time.sleep(0.7)
            end()
            ledger.check(weir)  # the cause is gone: weir recovered by itself


run()
