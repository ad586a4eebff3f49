#!/usr/bin/env python3
"""collectors.py WEIR: what reading costs. Rows of PostgreSQL beside `psql -c 'copy … to stdout'`, from start to the first record,
memory while a million rows are read beside ten thousand; and a thousand collectors on 10 s intervals: how late, how much CPU.
COLLECTORS=N, TIMES=N (intervals that are looked at) take others."""
import json
import os
import pathlib
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
WEIR = os.environ["WEIR_BIN"] = str(pathlib.Path(sys.argv[1]).resolve())
sys.path[:0] = [str(ROOT / "test" / "tool")]
from blackbox import Skip, Weir, eventually  # noqa: E402
from services import PostgreSQL  # noqa: E402

ROWS, FEW, ROUNDS = 1_000_000, 10_000, 5
COLLECTORS, INTERVAL_S = int(os.environ.get("COLLECTORS", "1000")), 10
TIMES = int(os.environ.get("TIMES", "4"))
QUERY = "SELECT id, customer, value FROM readings ORDER BY id LIMIT "
END_S = 900  # a machine that others use


def show(name, value, unit, beside=None, beside_value=None, **more):
    row = {"name": name, "value": value, "unit": unit}
    if beside:
        row |= {"beside": beside, "beside_value": beside_value, "ratio": round(value / beside_value, 3)}
    print(json.dumps(row | more), flush=True)


def collector(name, source, **more):
    return {"name": name, "metric": {"name": "bench.total", "type": "GAUGE"}, "source": source} | more


def postgres(server, n):
    return {"type": "postgres", "config": {"uri": server.url, "sql": QUERY + str(n)}}


def write(path, section):
    path.write_text(json.dumps(section))  # JSON is YAML too
    return path


# ---- rows of PostgreSQL ----

def timed(words):
    began = time.monotonic()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=END_S)
    return time.monotonic() - began


def first_record_ms(words):
    began = time.monotonic()
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        process.stdout.readline()
        took = time.monotonic() - began
        process.stdout.read()
    return took * 1000


def by_turns(server, folder):
    """Rows a second, medians; the two take turns."""
    file = write(folder / "all.yaml", collector("all", postgres(server, ROWS), schedule={"interval": "1h"}))
    mine = [WEIR, "invoke", "-c", str(file)]
    bare = [server.psql, "-qX", "-d", server.url, "-c", f"copy ({QUERY}{ROWS}) to stdout"]
    rates, beside = [], []
    for _ in range(ROUNDS):
        rates.append(ROWS / timed(mine))
        beside.append(ROWS / timed(bare))
    ratios = sorted(mine / bare for mine, bare in zip(rates, beside))
    show("PostgreSQL, rows read, made records and printed", round(statistics.median(rates)), "rows/s",
         "psql -c 'copy … to stdout'", round(statistics.median(beside)), ratio=round(statistics.median(ratios), 2),
         ratio_least=round(ratios[0], 2))


def to_the_first(server, folder):
    file = write(folder / "one.yaml", collector("one", postgres(server, 1), schedule={"interval": "1h"}))
    mine = statistics.median(first_record_ms([WEIR, "invoke", "-c", str(file)]) for _ in range(2 * ROUNDS))
    bare = statistics.median(first_record_ms([server.psql, "-qX", "-d", server.url, "-c", f"copy ({QUERY}1) to stdout"])
                             for _ in range(2 * ROUNDS))
    show("PostgreSQL, from the start of weir invoke to its first record", round(mine, 1), "ms", "psql", round(bare, 1))


def pss_kib(pid):
    try:
        return int(re.search(r"^Pss:\s+(\d+)", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)[1])
    except (OSError, TypeError):
        return 0  # it ended meanwhile


def children(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []


def duty(weir, name):
    return next(pid for pid, line in weir.children().items() if re.search(rf"\b{name}\b", line))


class Highest:
    """The most memory that the duty `collect` and its runs had together, until told."""

    def __init__(self, pid):
        self.kib, self.is_over = 0, threading.Event()
        self.thread = threading.Thread(target=self._watch, args=(pid,))
        self.thread.start()

    def _watch(self, pid):
        while not self.is_over.wait(0.05):
            self.kib = max(self.kib, pss_kib(pid) + sum(map(pss_kib, children(pid))))

    def end(self):
        self.is_over.set()
        self.thread.join()
        return round(self.kib / 1024, 1)


def run_of(weir, name):
    return next((row for row in weir.rows("collectors") if row["collector"] == name and row["runs"]), None)


def durable(server, folder, n):
    """(rows a second, MiB): a run of `weir run`, its records durable."""
    folder.mkdir()
    write(folder / "rows.yaml", collector("rows", postgres(server, n), schedule={"interval": "1h"}))
    with Weir(folder, collectors="./rows.yaml") as weir:
        highest = Highest(duty(weir, "collect"))
        row = eventually(lambda: run_of(weir, "rows"), "it has run", END_S)
        mib = highest.end()
        weir.command("flush", "--timeout", "15m")
    assert row["rows"] == n, row
    return row, mib


# ---- a thousand collectors ----

def ticks(pid):
    """CPU of a process and of its children that have ended, in ticks: /proc/PID/stat, fields 14 to 17."""
    return sum(map(int, pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:15]))


def cpu_s(weir):
    return {line.split()[-1]: ticks(pid) / os.sysconf("SC_CLK_TCK") for pid, line in weir.children().items()}


def late(state):
    """Of each collector's newest run: ms from when it was due until it began, and until its records were durable."""
    rows = state.execute("SELECT scheduled_us, ended_us - took_us, ended_us FROM collector WHERE n > 1").fetchall()
    return [(begun - due) / 1000 for due, begun, _ in rows], [(ended - due) / 1000 for due, _, ended in rows]


def percentile(values, p):
    return round(sorted(values)[min(len(values) - 1, len(values) * p // 100)])


def thousand(folder, what, source):
    files = folder / "collectors"
    files.mkdir(parents=True)
    for i in range(COLLECTORS):
        write(files / f"c{i:04}.yaml", collector(f"c{i:04}", source, schedule={"interval": f"{INTERVAL_S}s"}))
    begun, ended = [], []
    with Weir(folder, collectors="./collectors/*.yaml") as weir:
        state = sqlite3.connect(f"file:{folder}/data/state.db?mode=ro", uri=True)
        eventually(lambda: len(late(state)[0]) == COLLECTORS, "each has run twice", END_S)
        time.sleep(INTERVAL_S)
        before, began = cpu_s(weir), time.monotonic()
        for _ in range(TIMES):
            time.sleep(INTERVAL_S)
            for to, more in zip((begun, ended), late(state)):
                to += more
        after, took_s = cpu_s(weir), time.monotonic() - began
        skipped = state.execute("SELECT sum(skipped_n), sum(failed_n) FROM collector").fetchone()
        state.close()
    assert skipped[1] == 0, f"{skipped[1]} runs failed"
    name = f"{COLLECTORS} collectors every {INTERVAL_S} s, {what}"
    for said, values in (("begun after", begun), ("durable after", ended)):
        show(f"{name}: {said}, p50", percentile(values, 50), "ms")
        show(f"{name}: {said}, p99", percentile(values, 99), "ms")
    show(f"{name}: times skipped", skipped[0], "")
    used = {duty: (after[duty] - before.get(duty, 0)) / took_s for duty in after}
    print({duty: round(share, 3) for duty, share in used.items()}, file=sys.stderr)
    show(f"{name}: CPU of collect and its runs", round(used["collect"] * 100, 1), "% of a core")
    show(f"{name}: CPU of all of weir", round(sum(used.values()) * 100, 1), "% of a core")


def main(words):
    wanted = words or ["rows", "command", "postgres"]
    with tempfile.TemporaryDirectory(prefix="weir-bench-", dir=ROOT / "build") as place:
        folder = pathlib.Path(place)
        if "command" in wanted:
            thousand(folder / "command", "source command", {"type": "command", "config": {"run": ["/bin/echo", '{"value":1}']}})
        try:
            with PostgreSQL() as server:
                server.sql("CREATE TABLE readings AS SELECT n AS id, 'customer ' || n % 1000 AS customer, n * 0.5 AS value "
                           f"FROM generate_series(1, {ROWS}) n; ALTER TABLE readings ADD PRIMARY KEY (id); ANALYZE")
                if "rows" in wanted:
                    by_turns(server, folder)
                    to_the_first(server, folder)
                    few, many = durable(server, folder / "few", FEW), durable(server, folder / "many", ROWS)
                    print(few, many, file=sys.stderr)
                    show("memory of collect and a run (PSS), a million rows of PostgreSQL", many[1], "MiB", "ten thousand", few[1])
                if "postgres" in wanted:
                    thousand(folder / "postgres", "PostgreSQL", postgres(server, 1))
        except Skip as reason:
            print(f"rows of PostgreSQL are not measured: {reason}", file=sys.stderr)


main(sys.argv[2:])
