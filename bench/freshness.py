#!/usr/bin/env python3
"""freshness.py WEIR: from the answer 202 until a row stands in the store, and until `weir query` shows it, under load.

`weir simulate` sends GitHub deliveries at a steady rate on the same cores; probes, issues with numbers of their own, are sent between
them and looked for. A query's time holds its own start, and with 15 to 40 of them its p99 is the slowest."""
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
os.environ["WEIR_BIN"] = str(pathlib.Path(sys.argv[1]).resolve())
sys.path[:0] = [str(ROOT / "test" / "tool"), str(ROOT / "test" / "crash")]
from blackbox import Weir, eventually, sign  # noqa: E402
from ledger import AGENTS, SECRET, issue  # noqa: E402

RATES = (2000, 5000)  # deliveries a second
ASKED_MS = {2000: 2000}  # p99 at this rate
LOAD_S = 15
WARM_S = 2


def send_probe(weir, number):
    body = json.dumps(issue(number)).encode()
    headers = sign(SECRET, body) | {"X-GitHub-Event": "issues", "X-GitHub-Delivery": f"probe-{number}"}
    assert weir.post("/hooks/github", body, headers)[0] == 202
    return time.monotonic()


def until_stored(weir, number):
    answered = send_probe(weir, number)
    store = sqlite3.connect(f"file:{weir.folder}/data/store.db?mode=ro", uri=True)
    eventually(lambda: store.execute("SELECT 1 FROM ticket WHERE number = ?", (number,)).fetchone(), "a row in the store")
    store.close()
    return (time.monotonic() - answered) * 1000


def until_queried(weir, number):
    answered = send_probe(weir, number)
    eventually(lambda: str(number) in weir.command("query", f"SELECT number FROM ticket WHERE number = {number}"), "a row of a query")
    return (time.monotonic() - answered) * 1000


def probe(weir, look, first, until, out):
    number = first
    while time.monotonic() < until:
        out.append(look(weir, number))
        number += 1
        time.sleep(0.05)


def simulate(weir, rate):
    return subprocess.Popen([os.environ["WEIR_BIN"], "simulate", "github", "--count", str(rate * LOAD_S), "--rate", f"{rate}/s",
                             "--secret", SECRET, "--to", f"http://127.0.0.1:{weir.port}/hooks/github"], stderr=subprocess.PIPE, text=True)


def show(where, rate, times):
    times.sort()
    for name, at in (("p50", len(times) // 2), ("p99", len(times) * 99 // 100)):
        row = {"name": f"freshness {where} at {rate}/s, {name}", "value": round(times[at]), "unit": "ms"}
        if name == "p99" and rate in ASKED_MS:
            row |= {"beside": "asked", "beside_value": ASKED_MS[rate], "ratio": round(times[at] / ASKED_MS[rate], 3)}
        print(json.dumps(row), flush=True)


def measure(folder, rate):
    stored, queried = [], []
    with Weir(folder, agents=AGENTS) as weir:
        load = simulate(weir, rate)
        time.sleep(WARM_S)
        until = time.monotonic() + LOAD_S - WARM_S - 1
        threads = [threading.Thread(target=probe, args=(weir, look, first, until, out)) for look, first, out in (
            (until_stored, 10_000_000, stored), (until_queried, 20_000_000, queried))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        said = load.communicate(timeout=120)[1]
    print(f"{rate}/s: {said.strip()}; {len(stored)} probes of the store, {len(queried)} of queries", file=sys.stderr)
    show("in the store", rate, stored)
    show("in a query", rate, queried)


for wanted in RATES:
    with tempfile.TemporaryDirectory(prefix="weir-bench-", dir=ROOT / "build") as place:
        measure(pathlib.Path(place), wanted)
