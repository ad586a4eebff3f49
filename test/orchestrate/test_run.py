"""weir run as a whole: it starts, is alone on its data, restarts what dies, reloads, drains, and leaves nothing behind."""
import ctypes
import fcntl
import http.client
import itertools
import json
import math
import os
import pathlib
import platform
import re
import signal
import socket
import ssl
import stat
import struct
import subprocess
import threading
import time

import webhook
from blackbox import BINARY, WAIT_S, Skip, Weir, case, eventually, free_port, run, sign

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
    assert all(" level=info " in line for line in log.splitlines() if line.startswith("time=")), log
    assert "Sanitizer" not in log, log


@case
def whoever_closes_stdin_stdout_and_stderr_has_no_data_in_their_place(folder):
    shut = ("bash", "-c", 'exec "$@" 0<&- 1>&- 2>&-', "bash")
    with Weir(folder, agents=AGENTS, wrapper=shut) as weir:
        assert ping(weir, 1)[0] == 202
        for pid in [weir.process.pid, *weir.children()]:
            places = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in range(3)]
            assert places == ["/dev/null"] * 3, (pid, places)
        assert json.loads(weir.command("status", "--json"))["pid"] == weir.process.pid


@case
def a_reader_of_the_log_that_has_stopped_stops_nothing(folder):
    fifo = folder / "log.fifo"
    os.mkfifo(fifo)
    reads = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    fills = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
    with Weir(folder, agents=AGENTS, wrapper=("bash", "-c", f'exec "$@" 2>{fifo}', "bash")) as weir:
        try:
            while True:
                os.write(fills, b"." * 4096)
        except BlockingIOError:
            os.close(fills)
        victim = child(weir, "transform")
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: any(pid != victim and "weir: transform" in line for pid, line in weir.children().items()), "a new one")
        assert ping(weir, 1)[0] == 202
        eventually(lambda: counter(weir, "weir_ignored_total") == 1, "the ping is counted")
        os.set_blocking(reads, True)
        told = []
        reader = threading.Thread(target=lambda: told.extend(iter(lambda: os.read(reads, 65536), b"")))
        reader.start()
        os.kill(child(weir, "transform"), signal.SIGKILL)
        eventually(lambda: b'stage=weir event="log lines lost"' in b"".join(told), "what was lost is told")
    reader.join()
    os.close(reads)


@case
def a_unix_socket_stands_beside_the_file_and_goes_with_weir(folder):
    weir = Weir(folder, agents=AGENTS)
    weir.config["intake"]["listen"] = [f"127.0.0.1:{weir.port}", "unix:in.sock"]
    weir.write_config()
    with weir:
        assert stat.S_IMODE((folder / "in.sock").stat().st_mode) == 0o660
        for number in (1, 2, 3):
            body = json.dumps({"zen": "z"}).encode()
            head = {"Host": "weir", "Content-Type": "application/json", "Content-Length": len(body), "X-GitHub-Event": "ping",
                    "X-GitHub-Delivery": f"u-{number}", "Connection": "keep-alive" if number == 3 else "close"}
            head |= sign("s3cret", body)
            with socket.socket(socket.AF_UNIX) as line:
                line.connect(str(folder / "in.sock"))
                line.sendall(b"POST /hooks/github HTTP/1.1\r\n" +
                             "".join(f"{name}: {value}\r\n" for name, value in head.items()).encode() + b"\r\n" + body)
                assert line.makefile("rb").readline().startswith(b"HTTP/1.1 202"), number
    assert not (folder / "in.sock").exists()
    log = weir.log.read_text()
    assert f"event=listening intake=\"127.0.0.1:{weir.port} unix:{folder}/in.sock\"" in log, log
    assert log.index("event=listening") < log.index("event=ready") and "TCP_" not in log, log
    assert "Failed to push" not in log, log


@case
def too_few_descriptors_are_one_line_before_anything_is_made(folder):
    Weir(folder, agents=AGENTS)
    done = subprocess.run(["sh", "-c", f"ulimit -n 40 && exec {BINARY} run"], capture_output=True, text=True, timeout=30,
                          cwd=folder, check=False)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "ulimit -n" in done.stderr, done
    assert not (folder / "data").exists()


@case
def a_limit_on_a_files_size_is_told_like_a_full_disk_and_kills_nobody(folder):
    weir = Weir(folder, wrapper=("prlimit", "--fsize=4000000"), agents=AGENTS, bus={"segment": "1MiB"}, lake={"flush": "1s"})
    with weir:
        numbers = iter(range(100000))

        def is_told():
            for number in itertools.islice(numbers, 20):
                body = json.dumps(webhook.pull_request(number, title=os.urandom(20000).hex())).encode()
                weir.post("/hooks/github", body, sign("s3cret", body) | {
                    "X-GitHub-Event": "pull_request", "X-GitHub-Delivery": f"d-{number}"})
            log = weir.log.read_text()
            assert "killed by signal" not in log, log
            return "ulimit -f" in log and re.search(r'stage=lake .*write /.*: File too large', log)

        eventually(is_told, "store and lake say which file may not grow", 4 * WAIT_S)
        assert weir.get("/livez")[0] == 200


@case
def a_taken_port_leaves_no_data_folder(folder):
    weir = Weir(folder, agents=AGENTS)
    with socket.create_server(("127.0.0.1", weir.port)):
        done = subprocess.run([BINARY, "run", "-c", str(folder / "weir.yaml")], capture_output=True, text=True, timeout=30,
                              check=False)
    assert done.returncode == 2 and "listen at" in done.stderr, done
    assert not (folder / "data").exists(), sorted((folder / "data").rglob("*"))


@case
def a_second_weir_on_the_same_data_names_the_first(folder):
    with Weir(folder, agents=AGENTS) as weir:
        second = subprocess.run([BINARY, "run", "-c", str(folder / "weir.yaml")], capture_output=True, text=True,
                                timeout=30, check=False)
        assert second.returncode == 2, second
        assert f"pid {weir.process.pid}" in second.stderr and second.stderr.count("\n") == 1, second.stderr
        assert weir.get("/readyz")[0] == 200


@case
def a_second_weir_on_the_same_streams_names_the_first(folder):
    other = folder / "other"
    other.mkdir()
    with Weir(folder, agents=AGENTS, bus={"path": "./streams"}) as weir:
        second = Weir(other, agents=AGENTS, bus={"path": "../streams"})
        done = subprocess.run([BINARY, "run", "-c", str(other / "weir.yaml")], capture_output=True, text=True,
                              timeout=2 * WAIT_S, check=False)
        said = done.stderr.splitlines()[-1]
        assert done.returncode == 2 and "/streams: another weir" in said and f"pid {weir.process.pid}" in said, done
        assert ping(weir, 1)[0] == 202
        eventually(weir.is_ready, "the first one goes on")
        weir.kill()
        with second:  # nobody holds it any more
            pass
        weir.start()


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
def a_reload_that_was_refused_leaves_the_certificate_as_it_was_read(folder):
    certificate, key = folder / "one.crt", folder / "one.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=weir"], check=True, capture_output=True)
    context = ssl._create_unverified_context()
    weir = Weir(folder, agents=AGENTS)
    weir.config["intake"]["tls"] = {"certificate": str(certificate), "key": str(key)}
    weir.write_config()

    def is_taken():
        body = json.dumps({"zen": "z"}).encode()
        line = http.client.HTTPSConnection("127.0.0.1", weir.port, timeout=WAIT_S, context=context)
        try:
            line.request("POST", "/hooks/github", body, {"Content-Type": "application/json", "X-GitHub-Event": "ping",
                                                         "X-GitHub-Delivery": "d-1"} | sign("s3cret", body))
            return line.getresponse().status == 202
        except OSError:
            return False
        finally:
            line.close()

    with weir:
        assert is_taken()
        key.unlink()
        weir.process.send_signal(signal.SIGHUP)
        eventually(lambda: "reload refused" in weir.log.read_text(), "the configuration before stays in force")
        before = child(weir, "intake")
        os.kill(before, signal.SIGKILL)
        eventually(lambda: before not in weir.children() and is_taken(), "and the next intake has all of it")


@case
def a_reload_that_was_refused_is_seen_until_one_is_not(folder):
    with Weir(folder, agents=AGENTS) as weir:
        def look():
            said = subprocess.run([BINARY, "status", "--json", "-c", str(folder / "weir.yaml")], capture_output=True, text=True,
                                  timeout=30, check=False)
            return json.loads(said.stdout)["configuration"], said.stderr
        assert look() == ({"in_force": True, "refused": False}, "")
        assert counter(weir, "weir_reload_success") == 1 and weir.get("/health")[1]["reload"]["Success"] is True
        weir.config["log"] = {"level": "debug"}
        weir.write_config()
        said, line = look()
        assert said == {"in_force": False, "refused": False} and f"kill -HUP {weir.process.pid}" in line, line
        weir.config["data"] = "./elsewhere"
        weir.write_config()
        weir.process.send_signal(signal.SIGHUP)
        eventually(lambda: counter(weir, "weir_reload_success") == 0, "the gauge falls")
        status, health = weir.get("/health")
        assert status == 200 and health["reload"]["Success"] is False, health
        weir.config["data"] = "./data"
        weir.write_config()
        said, line = look()
        assert said == {"in_force": False, "refused": True} and "was refused" in line, (said, line)
        reload(weir)
        assert look() == ({"in_force": True, "refused": False}, "")
        assert counter(weir, "weir_reload_success") == 1


class Sender:
    """Pings one after the other, all the while."""

    def __init__(self, weir):
        self.weir, self.answers, self.done = weir, [], threading.Event()
        self.thread = threading.Thread(target=self.send)

    def send(self):
        while not self.done.is_set():
            self.answers.append(ping(self.weir, len(self.answers))[0])

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.done.set()
        self.thread.join()

    def goes_on(self):
        taken = len(self.answers)
        eventually(lambda: len(self.answers) > taken + 3, "requests go on")


def reload(weir):
    """Until all run the configuration as it stands in weir.config."""
    ready = weir.log.read_text().count("start_ms")
    weir.write_config()
    weir.process.send_signal(signal.SIGHUP)
    eventually(lambda: weir.log.read_text().count("start_ms") > ready, "all run the new configuration")


def stages(weir):
    """The stage of each child, sorted."""
    return sorted(re.sub(r".*weir: (\w+).*", r"\1", line) for line in weir.children().values())


@case
def a_reload_refuses_no_request_and_brings_the_new_agent(folder):
    with Weir(folder, agents=AGENTS) as weir:
        with Sender(weir) as sender:
            for turn in range(3):
                weir.config["agents"][f"new{turn}"] = {"type": "github", "secret": "s3cret"}
                reload(weir)
                assert weir.post(f"/hooks/new{turn}", b"{}")[0] == 401, "the new agent asks for a signature"
                sender.goes_on()
        assert set(sender.answers) == {202}, sender.answers
        eventually(lambda: counter(weir, "weir_ignored_total") == len(sender.answers), "each is counted once")


@case
def a_reload_with_more_or_fewer_intake_processes_refuses_no_request(folder):
    with Weir(folder, agents=AGENTS, intake={"processes": 2}) as weir:
        with Sender(weir) as sender:
            for processes in (4, 1, 3):
                weir.config["intake"]["processes"] = processes
                reload(weir)
                eventually(lambda n=processes: stages(weir).count("intake") == n, f"{processes} intake processes are left")
                sender.goes_on()
        assert set(sender.answers) == {202}, sender.answers
        eventually(lambda: counter(weir, "weir_ignored_total") == len(sender.answers), "each is counted once")


@case
def as_many_intake_processes_as_may_be_live_through_a_reload_and_a_way_back(folder):
    with Weir(folder, agents=AGENTS, intake={"processes": 64}) as weir:
        lanes = folder / "data" / "bus" / "raw"
        for number, processes in enumerate((64, 64, 1, 64)):
            if number > 0:
                weir.config["intake"]["processes"] = processes
                reload(weir)
            eventually(lambda n=processes: stages(weir).count("intake") == n, f"{processes} intake processes are left")
            assert ping(weir, number) == (202, {"id": f"d-{number}"})
            weir.command("flush", "--timeout", "100s")
            assert len(list(lanes.glob("intake-*"))) == (64 if number == 0 else 128), "drained numbers are used again"
        assert weir.rows("query", "SELECT count(*) AS n FROM raw") == [{"n": 4}]
        assert {stage["state"] for stage in json.loads(weir.command("status", "--json"))["stages"]} == {"ok"}
        assert "duty ended" not in weir.log.read_text(), weir.log.read_text()


@case
def a_reload_brings_options_of_every_section_into_force(folder):
    with Weir(folder, agents=AGENTS) as weir:
        assert ping(weir, 1)[0] == 202
        port, admin = free_port(), free_port()
        old = weir.port, weir.admin
        weir.config["intake"] = {"listen": f"127.0.0.1:{port}", "body_bytes_max": "1KiB"}
        weir.config["admin"] = {"listen": f"127.0.0.1:{admin}"}
        weir.config |= {"store": {"path": "./other.db"}, "lake": {"path": "./other-lake"}, "log": {"format": "json"},
                        "bus": {"keep": "1h", "disk_max": "1GiB"}, "dead": {"keep": "1h"}, "repetitions": {"keep": "2m"},
                        "services": {"shop": {"repositories": ["a/b"]}}, "stop": "7s"}
        weir.port, weir.admin = port, admin
        reload(weir)
        assert weir.post("/hooks/github", b"x" * 2000)[0] == 413
        assert ping(weir, 2)[0] == 202
        for closed in old:
            eventually(lambda p=closed: refuses(p), "the old door is closed")
        assert (folder / "other.db").exists()
        weir.process.send_signal(signal.SIGUSR1)
        eventually(lambda: (folder / "other-lake" / "raw" / "_delta_log").exists(), "the lake is kept in the new place")
        last = json.loads(weir.log.read_text().splitlines()[-1])
        assert {"time", "level"} <= set(last), last
    assert '"within_ms":7000' in weir.log.read_text()


def refuses(port):
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) != 0


@case
def a_reload_that_would_need_a_restart_or_a_taken_door_is_refused_and_says_so(folder):
    with Weir(folder, agents=AGENTS) as weir, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        before = json.loads(json.dumps(weir.config))
        children = set(weir.children())
        for change, why in (({"data": "./other"}, "stop it, then start it"),
                            ({"bus": {"path": "./elsewhere"}}, "stop it, then start it"),
                            ({"admin": {"listen": f"127.0.0.1:{taken.getsockname()[1]}"}}, str(taken.getsockname()[1]))):
            refusals = weir.log.read_text().count("reload refused")
            weir.config = before | change
            weir.write_config()
            weir.process.send_signal(signal.SIGHUP)
            eventually(lambda n=refusals: weir.log.read_text().count("reload refused") == n + 1, f"{change} is refused")
            assert why in weir.log.read_text().splitlines()[-1], weir.log.read_text()
        assert set(weir.children()) == children, "nobody was started again"
        assert ping(weir, 1)[0] == 202 and weir.get("/readyz")[0] == 200
        assert not (folder / "other").exists()


# ---- a part of weir ----

@case
def only_the_stages_that_are_named_run_and_what_they_took_waits_for_the_others(folder):
    with Weir(folder, agents=AGENTS, words=("--only", "intake, serve")) as weir:
        assert stages(weir) == ["intake", "serve"], weir.children()
        assert {check["name"] for check in weir.get("/health")[1]["checks"]} == {"intake", "serve"}
        assert ping(weir, 1)[0] == 202
        reload(weir)
        eventually(lambda: stages(weir) == ["intake", "serve"], "the reload keeps to them")
    with Weir(folder, agents=AGENTS) as weir:
        eventually(lambda: counter(weir, "weir_ignored_total") == 1, "the ping waited")


@case
def a_door_that_no_named_stage_serves_stays_shut(folder):
    weir = Weir(folder, agents=AGENTS, words=("--only", "transform"))
    weir.start(ready=False)
    try:
        eventually(lambda: "event=ready" in weir.log.read_text(), "transform runs")
        log = weir.log.read_text()
        assert "event=listening" not in log and "event=ready intake=none admin=none" in log, log
        for port in (weir.port, weir.admin):
            with socket.socket() as line:
                assert line.connect_ex(("127.0.0.1", port)) != 0, port
        os.kill(weir.process.pid, signal.SIGHUP)
        eventually(lambda: weir.log.read_text().count("event=ready") == 2, "a reload opens no more")
        assert "intake=127" not in weir.log.read_text(), weir.log.read_text()
    finally:
        weir.stop()


@case
def only_refuses_a_stage_that_there_is_not(folder):
    Weir(folder, agents=AGENTS)
    for word, told in (("transfrom", "did you mean transform?"), ("", "names no stage")):
        done = subprocess.run([BINARY, "run", "-c", str(folder / "weir.yaml"), "--only", word], capture_output=True, text=True,
                              timeout=30, check=False)
        assert done.returncode == 2 and told in done.stderr, done


# ---- rest ----

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


def wakeups_a_second(weir):
    return sum(1 / max(sleeps_s(pid), 1e-6) for pid in [weir.process.pid, *weir.children()])


def falls_asleep(weir):
    """Told from what its processes wait for, not by waiting: less than one wake-up a second in all, at every look."""
    if platform.machine() != "x86_64" or not os.access("/proc/self/syscall", os.R_OK):
        raise Skip("what a process waits for can be read from /proc on x86_64 only, where the kernel shows it")
    eventually(lambda: all(wakeups_a_second(weir) < 1 for _ in range(50)), "all its processes sleep")


@case
def an_idle_weir_sleeps(folder):
    with Weir(folder, agents=AGENTS) as weir:
        ping(weir, 1)
        falls_asleep(weir)


@case
def an_idle_intake_that_does_not_answer_is_told_before_anybody_asks(folder):
    with Weir(folder, agents=AGENTS) as weir:
        ping(weir, 1)
        falls_asleep(weir)
        hung = child(weir, "intake")
        os.kill(hung, signal.SIGSTOP)
        with socket.create_connection(("127.0.0.1", weir.port)):
            eventually(lambda: f"event=silent duty=intake-0 pid={hung}" in weir.log.read_text(), "it is told")
            status, reasons = weir.get("/readyz")
            assert status == 503 and "intake" in str(reasons), (status, reasons)
            os.kill(hung, signal.SIGCONT)
            eventually(weir.is_ready, "it answers again")
        falls_asleep(weir)


@case
def a_weir_sleeps_again_after_work_a_restart_a_reload_and_a_flush(folder):
    with Weir(folder, agents=AGENTS, lake={"flush": "1s"}, intake={"processes": 2}) as weir:
        for number in range(200):
            ping(weir, number)
        os.kill(child(weir, "transform"), signal.SIGKILL)
        eventually(lambda: counter(weir, "weir_ignored_total") == 200, "all are counted")
        reload(weir)
        ping(weir, 200)
        weir.command("flush")
        for pid in weir.children():
            os.kill(pid, signal.SIGUSR1)  # whoever flushes nothing shall not be kept awake by it
        falls_asleep(weir)


run()
