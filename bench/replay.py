#!/usr/bin/env python3
"""replay.py WEIR: all of a lake replayed under the mappings that made it: how fast, and with how much memory at two sizes of lake;
then `weir report dora` over it beside the folding of the rows that it reads. DAYS=N simulates another span."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
os.environ["WEIR_BIN"] = str(pathlib.Path(sys.argv[1]).resolve())
sys.path[:0] = [str(ROOT / "test" / "tool"), str(ROOT / "test" / "crash")]
from blackbox import Weir  # noqa: E402
from ledger import AGENTS, SECRET  # noqa: E402

DAYS = int(os.environ.get("DAYS", "600"))
UNTIL = "2026-11-01"
MEMORY = "256MiB"  # of the engine: the least there is


def show(name, value, unit, beside=None, beside_value=None):
    row = {"name": name, "value": value, "unit": unit}
    if beside:
        row |= {"beside": beside, "beside_value": beside_value, "ratio": round(value / beside_value, 3)}
    print(json.dumps(row), flush=True)


class Highest:
    """The most memory that a process had, watched while it runs; the kernel's own figure goes with the process."""

    def __init__(self, pid):
        self.mib, self.thread = 0, threading.Thread(target=self._watch, args=(pid,))
        self.thread.start()

    def _watch(self, pid):
        while True:
            try:
                lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
                self.mib = max(self.mib, *(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")))
            except (OSError, TypeError, ValueError):
                return
            time.sleep(0.1)


def replay(weir, *words):
    """Seconds, and MiB."""
    began = time.monotonic()
    process = subprocess.Popen([os.environ["WEIR_BIN"], "replay", "-c", str(weir.folder / "weir.yaml"), *words],
                               stdout=subprocess.DEVNULL)
    highest = Highest(process.pid)
    assert process.wait(3600) == 0
    took_s = time.monotonic() - began
    highest.thread.join()
    return took_s, highest.mib


def send(weir, days, seed):
    subprocess.run([os.environ["WEIR_BIN"], "simulate", "github", "--days", str(days), "--seed", str(seed), "--until", UNTIL,
                    "--secret", SECRET, "--to", f"http://127.0.0.1:{weir.port}/hooks/github"], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    weir.command("flush", "--timeout", "10m")


def count(weir, models):
    return sum(weir.rows("query", f"SELECT count(*) AS n FROM {model}_history")[0]["n"] for model in models)


def measure(weir, models):
    signals, facts = weir.rows("query", "SELECT count(*) AS n FROM raw")[0]["n"], count(weir, models)
    took_s, mib = replay(weir)
    show(f"replay of {signals:,} signals: facts made, sorted and switched", round(facts / took_s), "facts/s")
    show("the same in signals", round(signals / took_s), "signals/s")
    show(f"memory of a replay of {facts:,} facts, the engine's limit {MEMORY}", mib, "MiB")
    assert count(weir, models) == facts
    return facts


def timed(weir, *words):
    began = time.monotonic()
    weir.command(*words)
    return round(time.monotonic() - began, 2)


def report(weir, facts):
    """The whole span, from the program's start to its end."""
    rows = " + ".join(f"(SELECT count(DISTINCT {key}) FROM parts.{model}_folded)" for model, key in
                      (("deployment", "id"), ("change", "id"), ("commit", "sha"), ("incident", "id")))
    folded_s = timed(weir, "query", f"SELECT {rows} AS n")
    show(f"weir report dora, all of a lake of {facts:,} facts", timed(weir, "report", "dora", "--from", "2000-01-01", "--to", UNTIL),
         "s", "folding the rows that it reads (weir query)", folded_s)


def main():
    models = ("event", "change", "commit", "deployment", "pipeline_run", "task_run", "incident", "ticket", "branch", "release")
    with tempfile.TemporaryDirectory(prefix="weir-replay-", dir="/var/tmp") as place:
        with Weir(pathlib.Path(place), agents=AGENTS, lake={"query_memory_bytes_max": MEMORY}) as weir:
            send(weir, DAYS // 4, 1)
            measure(weir, models)
            send(weir, DAYS, 2)
            report(weir, measure(weir, models))


main()
