"""Faults of the machine, made for real: a full disk, no descriptors, a system call that fails, a clock that jumps.

Each time: an answer or an end for every request, nothing lost, and recovery by itself when the cause is gone.
"""
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import socket
import subprocess
import time

from blackbox import BINARY, Skip, Weir, case, eventually, run, sign
from ledger import AGENTS, Ledger

SEED = int(os.environ.get("WEIR_CRASH_SEED", str(random.randrange(1 << 32))))
SECTIONS = {"agents": AGENTS, "lake": {"path": "./lake", "flush": "1s", "flush_bytes": "64KiB"},
            "store": {"path": "./store.db"}, "bus": {"segment": "1MiB"}}


def load_for(ledger, weir, seconds):
    end = ledger.load(weir.port)
    time.sleep(seconds)
    end()


def answers(weir, n=1):
    """Statuses of n deliveries, one after the other."""
    return [weir.post("/hooks/github", b"{}", {"X-GitHub-Event": "ping", "X-GitHub-Delivery": "x"})[0] for _ in range(n)]


FULL = "No space left on device"


def whys(weir):
    """What hinders each stage, as status tells it."""
    said = subprocess.run([BINARY, "status", "--json"], cwd=weir.folder, capture_output=True, text=True, timeout=60, check=False)
    return " ".join(stage.get("why", "") for stage in json.loads(said.stdout)["stages"])


@case
def a_full_disk_is_said_and_survived(folder):
    if os.geteuid() != 0:
        raise Skip("mounting a small disk needs root")
    disk = folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "weir-test", str(disk)], capture_output=True,
                             text=True, check=False)
    if mounted.returncode:
        raise Skip(mounted.stderr.strip())
    try:
        ledger, weir = Ledger(SEED), Weir(disk, **SECTIONS)
        weir.log = folder / "log"
        with weir:
            load_for(ledger, weir, 0.5)
            ballast = disk / "ballast"
            with ballast.open("wb") as file:
                try:
                    while file.write(b"x" * 65536):
                        file.flush()
                except OSError:
                    pass
            end = ledger.load(weir.port)
            eventually(lambda: FULL in weir.log.read_text(), "the log says that the disk is full")
            eventually(lambda: FULL in str(weir.get("/readyz")[1]), "readyz says it")
            eventually(lambda: FULL in whys(weir), "status says it")
            time.sleep(1)
            end()
            ballast.unlink()
            eventually(weir.is_ready, "it is ready again by itself, though nobody sends")
            before = len(ledger.accepted)
            end = ledger.load(weir.port)
            eventually(lambda: len(ledger.accepted) > before + 50, "it takes deliveries again by itself")
            end()
            eventually(weir.is_ready, "it is ready again by itself")
            ledger.check(weir)
            weir.command("verify")
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


@case
def a_spent_disk_budget_is_429_until_the_readers_have_caught_up(folder):
    sections = SECTIONS | {"bus": {"segment": "1MiB", "disk_max": "16MiB", "keep": "1s"},
                           "intake": {"body_bytes_max": "4MiB"}}
    ledger = Ledger(SEED)
    with Weir(folder, **sections) as weir:
        load_for(ledger, weir, 4)
        eventually(lambda: answers(weir)[0] in (202, 401), "it answers")
        ledger.check(weir)
        used = sum(p.stat().st_blocks * 512 for p in pathlib.Path(folder, "data", "bus").rglob("*") if p.is_file())
        assert used < 24 << 20, f"{used} bytes under a budget of 16 MiB"


@case
def descriptors_that_run_out_come_back(folder):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    ledger, weir = Ledger(SEED), Weir(folder, **SECTIONS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (96, hard))
    try:
        weir.start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with_many = []
    try:
        for _ in range(200):
            with_many.append(socket.create_connection(("127.0.0.1", weir.port), timeout=5))
        time.sleep(0.5)
    finally:
        for line in with_many:
            line.close()
    load_for(ledger, weir, 1)
    assert ledger.accepted, "nothing was taken after the descriptors came back"
    ledger.check(weir)
    weir.stop()


@case
def appends_that_go_on_failing_are_said_once(folder):
    if not shutil.which("strace"):
        raise Skip("no strace")
    body = b'{"zen": "z", "repository": {"full_name": "a/b"}}'
    secret = AGENTS["github"]["secret"]
    headers = sign(secret, body) | {"X-GitHub-Event": "ping", "X-GitHub-Delivery": "d"}
    with Weir(folder, **SECTIONS) as weir:
        intake = [pid for pid, line in weir.children().items() if "weir: intake" in line]
        tracer = subprocess.Popen(["strace", "-f", "-q", "-o", "/dev/null", "-e", "trace=pwrite64,fdatasync", "-e",
                                   "inject=pwrite64,fdatasync:error=ENOSPC", "-p", str(intake[0])])
        try:
            eventually(lambda: weir.post("/hooks/github", body, headers)[0] == 503, "appends fail")
            for _ in range(3):
                eventually(weir.is_ready, "it tries again")
                assert weir.post("/hooks/github", body, headers)[0] == 503
        finally:
            tracer.terminate()
            tracer.wait()
        eventually(lambda: weir.post("/hooks/github", body, headers)[0] == 202, "it takes deliveries again")
        log = weir.log.read_text()
        said = [log.count(f'event="{event}"') for event in ("append failed", "trying again", "appending again")]
        assert said == [1, 1, 1], log


FAILING = [("fdatasync", "EIO"), ("fdatasync", "ENOSPC"), ("fsync", "EIO"), ("pwrite64", "EIO"), ("pwritev", "ENOSPC"),
           ("write", "EINTR"), ("openat", "EMFILE"), ("openat", "EIO"), ("rename", "EIO"), ("linkat", "EIO"),
           ("fallocate", "ENOSPC"), ("mmap", "ENOMEM"), ("fork", "EAGAIN"), ("clone", "EAGAIN"), ("accept4", "EMFILE"),
           ("ftruncate", "EIO"), ("read", "EIO"), ("futex", "EINTR"), ("epoll_wait", "EINTR")]


@case
def a_system_call_that_fails_now_and_then_loses_nothing(folder):
    if not shutil.which("strace"):
        raise Skip("no strace")
    dice, ledger = random.Random(SEED), Ledger(SEED)
    is_sanitized = b"libasan" in pathlib.Path(BINARY).read_bytes()  # it ends a process whose mmap fails
    print(f"  seed {SEED}", flush=True)
    for call, error in FAILING:
        if is_sanitized and call == "mmap":
            continue
        with Weir(folder, **SECTIONS) as weir:
            first = dice.randint(1, 30)
            tracer = subprocess.Popen(
                ["strace", "-f", "-q", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                 f"inject={call}:error={error}:when={first}+{dice.randint(50, 90)}", "-p", str(weir.process.pid),
                 *[word for pid in weir.children() for word in ("-p", str(pid))]],
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            try:
                time.sleep(0.3)
                if tracer.poll() is not None:
                    raise Skip(f"strace: {tracer.stderr.read().strip()[:200]}")
                load_for(ledger, weir, 0.7)
            finally:
                tracer.terminate()
                tracer.wait(20)
            try:
                eventually(weir.is_ready, f"ready again after {call} failed with {error}")
                ledger.check(weir)
            except AssertionError as error_seen:
                raise AssertionError(f"{call} {error}: {error_seen}") from error_seen


SHORT = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/types.h>

/* Of every write of more than a byte only a part is done, as POSIX lets a file system do. */
static size_t part(size_t n) { return n > 1 ? (n + 1) / 2 : n; }

ssize_t write(int fd, const void *bytes, size_t n)
{
    static ssize_t (*real)(int, const void *, size_t);
    real = real ? real : dlsym(RTLD_NEXT, "write");
    return real(fd, bytes, part(n));
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off_t place)
{
    static ssize_t (*real)(int, const void *, size_t, off_t);
    real = real ? real : dlsym(RTLD_NEXT, "pwrite64");
    return real(fd, bytes, part(n), place);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t place) { return pwrite64(fd, bytes, n, place); }
"""


def preloaded(library):
    return {"LD_PRELOAD": str(library),
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}


@case
def writes_that_do_only_a_part_lose_nothing(folder):
    source, library = folder / "short.c", folder / "short.so"
    source.write_text(SHORT)
    made = subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", library, source], capture_output=True, text=True, check=False)
    if made.returncode:
        raise Skip(f"no library that writes short: {made.stderr[:200]}")
    ledger = Ledger(SEED)
    with Weir(folder, environment=preloaded(library), **SECTIONS) as weir:
        load_for(ledger, weir, 1)
        ledger.check(weir)
        weir.command("verify")
        said = json.loads(weir.command("status", "--json"))
        assert all(stage["restarts"] == 0 for stage in said["stages"]), said["stages"]
    assert len(ledger.accepted) > 10, len(ledger.accepted)


def segments(folder):
    """The files of the raw lane that hold something, oldest first."""
    return sorted(p for p in (folder / "data" / "bus").rglob("*") if p.is_file() and "raw" in str(p.parent) and p.stat().st_blocks)


@case
def a_flipped_byte_that_all_readers_have_passed_is_told_by_verify_and_stops_nobody(folder):
    ledger, weir = Ledger(SEED), Weir(folder, **SECTIONS)
    with weir:
        load_for(ledger, weir, 1)
        ledger.check(weir)  # all readers have passed what is damaged now
    hurt = next(p for p in segments(folder) if b"X-GitHub-Delivery" in p.read_bytes() or b"acme/shop" in p.read_bytes())
    bytes_ = bytearray(hurt.read_bytes())
    place = bytes_.index(b"acme/shop", len(bytes_) // 64)
    bytes_[place] ^= 0x40
    hurt.write_bytes(bytes_)
    said = weir.command("verify", status=1)
    assert hurt.name in said, said
    with weir:
        before = len(ledger.accepted)
        load_for(ledger, weir, 0.7)
        assert len(ledger.accepted) > before, "it takes deliveries after the damage"
        weir.command("flush")
        rows = weir.rows("query", "SELECT count(DISTINCT id) AS n FROM ticket") + weir.rows(
            "query", "--store", "SELECT count(*) AS n FROM ticket")
        good = sum(1 for delivery in ledger.accepted if ledger.kind[delivery] == "good")
        assert rows[0] == rows[1] and rows[0]["n"] >= good, (rows, good)
        assert hurt.name in weir.command("verify", status=1), "it is still told"


def faked_clock(folder):
    """A file whose text is how wrong the clock is, and the environment that believes it."""
    library = next(iter(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), None)
    if library is None:
        raise Skip("no libfaketime")
    offset = folder / "offset"
    offset.write_text("+0\n")
    return offset, preloaded(library) | {"FAKETIME_TIMESTAMP_FILE": str(offset), "FAKETIME_NO_CACHE": "1",
                                         "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


@case
def a_clock_that_is_wrong_for_a_moment_takes_nothing_out_of_lake_store_and_index(folder):
    (folder / "data").mkdir()
    offset, environment = faked_clock(folder / "data")  # where the intake may look, too
    keep, wrong = "7300d", "+36500d\n"  # what the ledger sends is of 2026
    sections = SECTIONS | {"lake": SECTIONS["lake"] | {"keep": keep}, "store": SECTIONS["store"] | {"keep": keep}}
    ledger, weir = Ledger(SEED), Weir(folder, environment=environment, **sections)

    def send_some():
        before, end = len(ledger.accepted), ledger.load(weir.port)
        eventually(lambda: len(ledger.accepted) > before + 50, "deliveries are taken")
        end()

    def deliver_again():
        delivery = next(d for d in ledger.accepted if ledger.kind[d] == "good")
        path, body, headers = ledger.kinds["good"][1](int(delivery.split("-")[0], 16), delivery)
        eventually(lambda: weir.post(path, body, headers)[0] == 202, "it is taken")
        ledger.accepted[delivery] += 1

    def waiting():
        """Who has told that it waits, of those that forget by age."""
        said = [line for line in weir.log.read_text().splitlines() if "retention waits" in line]
        return {stage for stage in ("lake", "store", "transform") if any(f"stage={stage}" in line for line in said)}

    with weir:
        send_some()
        ledger.check(weir)
        offset.write_text(wrong)
        weir.process.send_signal(signal.SIGHUP)  # processes that have never seen the right clock
        send_some()
        eventually(lambda: waiting() == {"lake", "store", "transform"}, "each tells that it waits")
        deliver_again()
        weir.command("flush", "--timeout", "5m")
        offset.write_text("+0\n")
        weir.process.send_signal(signal.SIGHUP)
        send_some()
        deliver_again()
        ledger.check(weir)
        assert "expired" not in weir.log.read_text(), "nothing went by age"


@case
def a_clock_that_jumps_loses_nothing(folder):
    offset, environment = faked_clock(folder)
    ledger, weir = Ledger(SEED), Weir(folder, environment=environment, **SECTIONS)
    with weir:
        for jump in ("+3600", "-86400", "+3650d", "-20000d", "+0"):
            offset.write_text(jump + "\n")
            load_for(ledger, weir, 0.5)
        ledger.check(weir)
        said = json.loads(weir.command("status", "--json"))
        assert all(stage["restarts"] == 0 for stage in said["stages"]), said["stages"]


@case
def a_clock_that_is_wrong_for_a_moment_takes_no_dead_letter(folder):
    offset, environment = faked_clock(folder)
    agents = {"github": {"type": "github", "secret": "s3cret"}}
    numbers = iter(range(1000))

    def send():
        number = next(numbers)
        body = json.dumps({"action": "opened", "number": number, "title": "t" * 200_000}).encode()
        headers = sign("s3cret", body) | {"X-GitHub-Event": "pull_request", "X-GitHub-Delivery": f"d-{number}"}
        eventually(lambda: weir.post("/hooks/github", body, headers)[0] == 202, "it is taken")
        return number + 1

    def told(times):
        send()  # it looks at the clock while it works
        return weir.log.read_text().count("clock stepped") >= times

    with Weir(folder, environment=environment, agents=agents, bus={"segment": "1MiB"}) as weir:
        for _ in range(8):
            send()
        eventually(lambda: len(weir.rows("dead", "list")) == 8, "all are dead")
        offset.write_text("+100d\n")
        eventually(lambda: told(1), "the step is told")
        offset.write_text("+0\n")
        eventually(lambda: told(2), "the step back is told")
        sent = send()
        eventually(lambda: len(weir.rows("dead", "list")) == sent, "every letter is still there")
        assert "dead letters dropped" not in weir.log.read_text()



run()
