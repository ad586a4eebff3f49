"""weir run as a whole: it starts, is alone on its data, restarts what dies, reloads, drains, and leaves nothing behind."""
import ctypes
import json
import math
import os
import pathlib
import platform
import re
import signal
import struct
import subprocess
import threading
import time

from blackbox import BINARY, Skip, Weir, case, eventually, run, sign

AGENTS = {"github": {"type": "github", "secret": "s3cret"}}


def ping(weir, number):
    body = json.dumps({"zen": str(number), "repository": {"full_name": "a/b"}}).encode()
    headers = sign("s3cret", body) | {"X-GitHub-Event": "ping", "X-GitHub-Delivery": f"d-{number}"}
    return weir.post("/hooks/github", body, headers)


def counter(weir, name):
    """The sum of a metric's samples."""
    lines = weir.get("/metrics")[1].splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name) and not line.startswith("#"))


def child(weir, stage):
    found = [pid for pid, line in weir.children().items() if f"weir: {stage}" in line]
    assert len(found) == 1, (stage, weir.children())
    return found[0]


@case
def it_starts_takes_a_signal_and_drains_on_sigterm(folder):
    with Weir(folder, agents=AGENTS) as weir:
        assert ping(weir, 1) == (202, {"id": "d-1"})
        eventually(lambda: counter(weir, "weir_ignored_total") == 1, "the ping is counted")
        assert weir.get("/livez")[0] == 200
        status, health = weir.get("/health")
        assert status == 200 and health["Success"] is True, health
        assert {"transform", "intake", "serve"} <= {check["name"] for check in health["checks"]}
    log = weir.log.read_text()
    assert log.count("event=ready") == 1 and f"intake=127.0.0.1:{weir.port}" in log, log
    assert "event=stopped" in log, log


@case
def a_second_weir_on_the_same_data_names_the_first(folder):
    with Weir(folder, agents=AGENTS) as weir:
        second = subprocess.run([BINARY, "run", "-c", str(folder / "weir.yaml")], capture_output=True, text=True,
                                timeout=30, check=False)
        assert second.returncode == 2, second
        assert f"pid {weir.process.pid}" in second.stderr and second.stderr.count("\n") == 1, second.stderr
        assert weir.get("/readyz")[0] == 200


@case
def a_taken_port_is_one_line_and_nothing_is_left_running(folder):
    with Weir(folder, agents=AGENTS) as weir:
        other = folder / "other"
        other.mkdir()
        config = json.loads((folder / "weir.yaml").read_text()) | {"data": "./other-data"}
        (other / "weir.yaml").write_text(json.dumps(config))
        second = subprocess.run([BINARY, "run", "-c", str(other)], capture_output=True, text=True, timeout=30, check=False)
        assert second.returncode == 2, second
        assert str(weir.port) in second.stderr and second.stderr.count("\n") == 1, second.stderr


@case
def a_killed_transform_is_restarted_and_goes_on(folder):
    with Weir(folder, agents=AGENTS) as weir:
        first = child(weir, "transform")
        os.kill(first, signal.SIGKILL)
        assert ping(weir, 1)[0] == 202, "the intake goes on meanwhile"
        eventually(lambda: counter(weir, "weir_ignored_total") == 1, "the ping is transformed after the restart")
        eventually(weir.is_ready, "ready again")
        assert child(weir, "transform") != first
        assert counter(weir, 'weir_stage_restarts_total{stage="transform"}') == 1


@case
def a_child_that_dies_again_and_again_makes_readyz_red_and_the_others_live_on(folder):
    with Weir(folder, agents=AGENTS) as weir:
        def is_red():
            for pid, line in weir.children().items():
                if "weir: transform" in line:
                    os.kill(pid, signal.SIGKILL)
            status, text = weir.get("/readyz")
            return status == 503 and "transform is down" in text
        eventually(is_red, "readyz is red")
        assert ping(weir, 1)[0] == 202
        eventually(weir.is_ready, "ready again once it is left alone")


@case
def a_hanging_child_does_not_keep_weir_from_stopping(folder):
    with Weir(folder, agents=AGENTS, stop="300ms") as weir:
        stopped = child(weir, "transform")
        os.kill(stopped, signal.SIGSTOP)
    assert "drains too long" in weir.log.read_text()


@case
def children_die_with_a_killed_orchestrator(folder):
    weir = Weir(folder, agents=AGENTS).start()
    children = list(weir.children())
    weir.process.kill()
    weir.process.wait()
    eventually(lambda: not any(os.path.exists(f"/proc/{pid}/stat") and
                               open(f"/proc/{pid}/stat").read().split()[2] != "Z" for pid in children), "all are gone")
    weir.start()
    assert ping(weir, 1)[0] == 202
    weir.stop()


@case
def a_wrong_configuration_is_refused_by_reload_and_the_old_one_stays(folder):
    with Weir(folder, agents=AGENTS) as weir:
        (folder / "weir.yaml").write_text("intake: { lisen: x }\nlog: { level: loud }\n")
        weir.process.send_signal(signal.SIGHUP)
        eventually(lambda: weir.log.read_text().count("reload refused") == 2, "both errors are logged")
        assert "did you mean listen?" in weir.log.read_text()
        assert ping(weir, 1)[0] == 202


@case
def a_reload_refuses_no_request_and_brings_the_new_agent(folder):
    with Weir(folder, agents=AGENTS) as weir:
        answers, done = [], threading.Event()

        def send():
            while not done.is_set():
                answers.append(ping(weir, len(answers))[0])
        sender = threading.Thread(target=send)
        sender.start()
        for turn in range(3):
            weir.config["agents"][f"new{turn}"] = {"type": "github", "secret": "s3cret"}
            weir.write_config()
            weir.process.send_signal(signal.SIGHUP)
            eventually(lambda n=turn: weir.post(f"/hooks/new{n}", b"{}")[0] == 401, "the new agent asks for a signature")
            eventually(lambda n=turn: weir.log.read_text().count("event=ready") == n + 2, "all run the new configuration")
            taken = len(answers)
            eventually(lambda n=taken: len(answers) > n + 3, "requests go on")
        done.set()
        sender.join()
        assert set(answers) == {202}, answers
        eventually(lambda: counter(weir, "weir_ignored_total") == len(answers), "each is counted once")


# system calls of x86_64 that wait: which argument is the time-out in ms, or where it is written
WAITS_MS = {7: 2, 232: 3, 281: 3}  # poll, epoll_wait, epoll_pwait
FUTEX, FUTEX_TIMEOUT = 202, 3  # FUTEX_WAIT_BITSET: a moment of the monotonic clock


def sleeps_s(pid):
    """How long a process sleeps if nobody wakes it, from what it asked of the kernel; 0 while it runs, infinity without a time-out."""
    words = pathlib.Path(f"/proc/{pid}/syscall").read_text().split()
    if words[0] in ("running", "-1"):
        return 0
    number, arguments = int(words[0]), [int(word, 16) for word in words[1:7]]
    waits = [math.inf]
    if number in WAITS_MS:
        timeout_ms = ctypes.c_int(arguments[WAITS_MS[number]]).value
        waits.append(math.inf if timeout_ms < 0 else timeout_ms / 1000)
    elif number == FUTEX and arguments[FUTEX_TIMEOUT]:
        with open(f"/proc/{pid}/mem", "rb") as memory:
            memory.seek(arguments[FUTEX_TIMEOUT])
            seconds, nanoseconds = struct.unpack("qq", memory.read(16))
        waits.append(max(0, seconds + nanoseconds / 1e9 - time.monotonic()))
    elif number != FUTEX:
        return 0  # a wait that this test cannot read: weir has none while it is idle
    for file in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir():
        armed = re.search(r"it_value: \((\d+), (\d+)\)", file.read_text())
        if armed and armed.groups() != ("0", "0"):
            waits.append(int(armed[1]) + int(armed[2]) / 1e9)
    return min(waits)


@case
def an_idle_weir_sleeps(folder):
    """Told from what its processes wait for, not by waiting: less than one wake-up a second in all."""
    if platform.machine() != "x86_64" or not os.access("/proc/self/syscall", os.R_OK):
        raise Skip("what a process waits for can be read from /proc on x86_64 only, where the kernel shows it")
    with Weir(folder, agents=AGENTS) as weir:
        ping(weir, 1)

        def wakeups_a_second():
            return sum(1 / max(sleeps_s(pid), 1e-6) for pid in [weir.process.pid, *weir.children()])
        eventually(lambda: wakeups_a_second() < 1, "all its processes sleep")


run()
