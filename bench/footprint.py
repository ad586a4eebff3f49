#!/usr/bin/env python3
"""footprint.py WEIR: what a weir with lake and store costs: start to ready, memory idle and under load (PSS of all its processes),
wake-ups of an idle one, and the bytes of a signal on disk beside the JSON that came."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
os.environ["WEIR_BIN"] = str(pathlib.Path(sys.argv[1]).resolve())
sys.path[:0] = [str(ROOT / "test" / "tool"), str(ROOT / "test" / "crash")]
from blackbox import Weir  # noqa: E402
from ledger import AGENTS, SECRET  # noqa: E402

STARTS = 7
ASKED = {"start_ms": 200, "idle_mib": 60, "load_mib": 400}
SETTLE_S, IDLE_S = 3, 10
RATE, LOAD_S = 2000, 15  # deliveries a second


def show(name, value, unit, beside=None, beside_value=None):
    row = {"name": name, "value": value, "unit": unit}
    if beside:
        row |= {"beside": beside, "beside_value": beside_value, "ratio": round(value / beside_value, 3)}
    print(json.dumps(row), flush=True)


def processes(weir):
    return [weir.process.pid, *weir.children()]


def pss_mib(weir):
    """Of all processes, the short-lived flushes among them."""
    total = 0
    for pid in processes(weir):
        for member in [pid, *pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]:
            try:
                total += int(re.search(r"^Pss:\s+(\d+)", pathlib.Path(f"/proc/{member}/smaps_rollup").read_text(), re.M)[1])
            except (OSError, TypeError):
                pass  # it ended meanwhile
            if member == pid and pid == weir.process.pid:
                break  # its children are the other processes
    return total / 1024


def switches(weir):
    return sum(int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)[1])
               for pid in processes(weir))


def start_ms(folder):
    with Weir(folder, agents=AGENTS) as weir:
        return int(re.findall(r"event=ready .*start_ms=(\d+)", weir.log.read_text())[-1])


def starts():
    times = []
    for _ in range(STARTS):
        with tempfile.TemporaryDirectory(prefix="weir-bench-", dir=ROOT / "build") as place:
            times.append(start_ms(pathlib.Path(place)))
    show("start to ready, lake and store, empty folder", sorted(times)[STARTS // 2], "ms", "asked", ASKED["start_ms"])


def simulate(*words):
    return subprocess.Popen([os.environ["WEIR_BIN"], "simulate", "github", "--count", str(RATE * LOAD_S), "--secret", SECRET, *words],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def json_bytes(folder):
    """The bodies that the same simulation sends."""
    path = folder / "deliveries.jsonl"
    assert simulate("--to", str(path)).wait(120) == 0
    with path.open(encoding="utf-8") as lines:
        return sum(len(line.split('"body":', 1)[1].encode()) - 2 for line in lines)


def disk(weir, sent):
    weir.command("flush", "--timeout", "60s")
    said = json.loads(weir.command("status", "--json"))
    streams = {stream["name"]: stream for stream in said["streams"]}
    database = sum(path.stat().st_size for path in (weir.folder / "data").glob("store.db*"))
    n = streams["raw"]["signals"]
    for name, count in (("lane raw", streams["raw"]["bytes"]), ("lane standard", streams["standard"]["bytes"]),
                        ("lake, raw and models", said["lake"]["bytes"]), ("store", database)):
        show(f"disk, {name}, of a signal", round(count / n), "bytes", "its JSON", round(sent / n))


def measure(folder):
    sent = json_bytes(folder)
    with Weir(folder, agents=AGENTS) as weir:
        time.sleep(SETTLE_S)
        show("memory, idle", round(pss_mib(weir), 1), "MiB", "asked", ASKED["idle_mib"])
        before = switches(weir)
        time.sleep(IDLE_S)
        show("wake-ups, idle", round((switches(weir) - before) / IDLE_S, 2), "1/s")
        load = simulate("--rate", f"{RATE}/s", "--to", f"http://127.0.0.1:{weir.port}/hooks/github")
        peak = 0
        while load.poll() is None:
            peak = max(peak, pss_mib(weir))
            time.sleep(0.25)
        show(f"memory, peak at {RATE}/s", round(peak, 1), "MiB", "asked", ASKED["load_mib"])
        disk(weir, sent)


starts()
with tempfile.TemporaryDirectory(prefix="weir-bench-", dir=ROOT / "build") as scratch:
    measure(pathlib.Path(scratch))
