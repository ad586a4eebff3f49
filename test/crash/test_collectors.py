"""kill -9 of collectors at every failpoint of a run, and at random: each window complete and once, every row counted once.

WEIR_CRASH_SEED chooses how often each place is passed before; the seed is printed.
"""
import json
import itertools
import os
import random
import signal
import subprocess
import time

from blackbox import BINARY, Skip, Weir, case, eventually, run
from services import PostgreSQL, Scripted

SEED = int(os.environ.get("WEIR_CRASH_SEED", str(random.randrange(1 << 32))))
ROWS, MANY = 5, 9000
SECTIONS = {"lake": {"path": "./lake", "flush": "1s"}, "store": {"path": "./store.db"}, "bus": {"segment": "1MiB"}}
# each row of a window says which window it is of, so that a mixture would be seen
WINDOWS = f'for i in $(seq {ROWS}); do echo "{{\\"i\\":$i,\\"of\\":\\"$WEIR_START\\",\\"value\\":$i}}"; done'
# lines behind the bookmark: their number; the last line's is where the next run goes on
GROWING = """test "$WEIR_BOOKMARK" || WEIR_BOOKMARK=0
wc -l < lines | { read n; echo "{\\"id\\":$n,\\"value\\":$((n - WEIR_BOOKMARK))}"; }"""
# read again by every run, in the overlap: one row is always the same, one says how many lines there are
OVERLAP = '''say() { echo "{\\"at\\":\\"2024-01-01T1$1:00:00Z\\",\\"which\\":\\"$2\\",\\"value\\":$3}"; }
say 2 stays 1; wc -l < lines | { read n; say 0 changes $((n % 3)); }'''
# more than is gathered before it is written
LARGE = f"""awk 'BEGIN {{ for (i = 0; i < {MANY}; i++) printf "{{\\"i\\":%d,\\"value\\":1,\\"pad\\":\\"%040d\\"}}\\n", i, i }}'"""


def collector(folder, name, script, interval, window=None, **block):
    config = {"run": ["/bin/sh", "-c", script], "directory": str(folder)} | ({"time": {"window": window}} if window else {})
    return {"metric": {"name": name, "type": "COUNT"}, "schedule": {"interval": interval},
            "source": {"type": "command", "config": config}} | ({"collector": block} if block else {})


def make(folder, **environment):
    collectors = {
        "windows": collector(folder, "windows", WINDOWS, "200ms", "1s", invocation_strategy="historic_tumbling_window"),
        "growing": collector(folder, "growing", GROWING, "100ms", invocation_strategy="incremental", column="id"),
        "overlap": collector(folder, "overlap", OVERLAP, "100ms", invocation_strategy="incremental", column="at", overlap="24h"),
        "large": collector(folder, "large", LARGE, "1h")}
    return Weir(folder, environment=environment, collectors=collectors, **SECTIONS)


class Lines:
    """The table that grows: a file with a line a row."""

    def __init__(self, folder):
        self.path, self.n = folder / "lines", 0
        self.path.touch()

    def grow(self, n):
        with self.path.open("a") as file:
            file.write("x\n" * n)
        self.n += n


def settled(weir, lines):
    """Every collector has run well since now, and what grows has been seen to its end."""
    def ask():
        rows = weir.rows("query", "SELECT sum(value) AS n FROM metric WHERE name = 'growing'")
        listed = subprocess.run([BINARY, "collectors", "-c", str(weir.folder / "weir.yaml"), "--json"], text=True, check=False,
                                capture_output=True, env=weir.environment, timeout=60)  # 1 while one is red
        rest = [json.loads(line) for line in listed.stdout.splitlines()]
        assert (rows[0]["n"] or 0) <= lines.n, f"{rows} of {lines.n} lines: some are counted twice"
        return rows[0]["n"] == lines.n and len(rest) == 4 and all(
            row["state"] in ("ok", "running") and row["last_good"] for row in rest)
    eventually(ask, f"all {lines.n} lines are counted and nothing is red")


def check(weir, lines):
    settled(weir, lines)
    weir.command("flush")
    windows = weir.rows("query", "SELECT CAST(epoch(CAST(window_start_at AS TIMESTAMPTZ)) AS BIGINT) AS at, count(*) AS n, "
                        "count(DISTINCT tags) AS tags, sum(value) AS sum FROM metric WHERE name = 'windows' GROUP BY 1 ORDER BY 1")
    assert windows and all((w["n"], w["tags"], w["sum"]) == (ROWS, ROWS, ROWS * (ROWS + 1) / 2) for w in windows), windows
    starts = [w["at"] for w in windows]
    assert starts == list(range(starts[0], starts[0] + len(starts))), ("a window is lacking", starts)
    facts = weir.rows("query", "SELECT count(*) AS n, count(DISTINCT key) AS keys FROM metric_history WHERE name = 'windows'")[0]
    assert facts["n"] == facts["keys"] >= len(starts) * ROWS, (facts, len(starts))  # it has gone on meanwhile
    stays = weir.rows("query", "SELECT count(*) AS n FROM metric_history WHERE name = 'overlap' AND tags LIKE '%stays%'")[0]["n"]
    assert stays == 1, ("what is read twice is one record", stays)
    eventually(lambda: weir.rows("query", "SELECT value FROM metric WHERE name = 'overlap' AND tags LIKE '%changes%'")
               == [{"value": lines.n % 3}], "the last value counts", 120)
    large = weir.rows("query", "SELECT body->>'scheduled' AS at, count(DISTINCT body->'tags'->>'i') AS n FROM "
                      "(SELECT CAST(body AS JSON) AS body FROM raw WHERE source = '/collectors/large') GROUP BY 1")
    assert large and all(row["n"] == MANY for row in large), ("a run that is not whole", large)
    store = weir.rows("query", "--store", "SELECT count(*) AS n FROM metric WHERE name = 'windows'")[0]
    assert store["n"] >= facts["n"], (store, facts)
    assert "event=conflict" not in weir.log.read_text(), "the same number read again is no conflict"


def failpoints(folder):
    names = folder / "names"
    lines = Lines(folder)
    lines.grow(3)
    with make(folder, WEIR_FAILPOINT_LIST=str(names)) as weir:
        check(weir, lines)
    if not names.exists():
        raise Skip("this build has no failpoints")
    return sorted(name for name in set(names.read_text().split()) if name.startswith(("run.", "collect.")))


@case
def a_kill_at_every_failpoint_of_a_run(folder):
    dice = random.Random(SEED)
    places, home = folder / "places", folder / "home"
    places.mkdir()
    home.mkdir()
    names = failpoints(places)
    print(f"  seed {SEED}, failpoints: {' '.join(names)}", flush=True)
    assert len(names) >= 8, names
    lines = Lines(home)
    for name in [name for name in names for _ in range(3 if name.startswith("collect.append") else 1)]:
        weir = make(home, WEIR_FAILPOINT=f"{name}:{dice.randint(1, 8)}:kill").start(ready=False)
        for _ in range(20):
            lines.grow(dice.randint(1, 5))
            time.sleep(0.06)
        weir.kill()
        with make(home) as weir:
            try:
                check(weir, lines)
            except AssertionError as error:
                raise AssertionError(f"after a kill at {name}: {error}") from error


@case
def random_kills_of_the_collecting_process_and_of_all(folder):
    print(f"  seed {SEED}", flush=True)
    dice, lines = random.Random(SEED), Lines(folder)
    weir = make(folder).start()
    for _ in range(12):
        lines.grow(dice.randint(1, 5))
        time.sleep(dice.uniform(0.05, 0.4))
        if dice.random() < 0.7:
            for pid in [p for p, words in weir.children().items() if "weir: collect" in words]:
                os.kill(pid, signal.SIGKILL)
        else:
            weir.kill()
            weir = make(folder).start()
    weir.kill()
    with make(folder) as weir:
        check(weir, lines)


@case
def a_backfill_that_is_killed_holds_each_window_whole_and_once(folder):
    print(f"  seed {SEED}", flush=True)
    dice, days, filled = random.Random(SEED), 60, folder / "filled"
    script = f'sleep 0.02; echo "$WEIR_START" >> {filled}; {WINDOWS}'
    made = {"days": collector(folder, "days", script, "1h", "24h", invocation_strategy="historic_tumbling_window", windows_at_once=4)}
    made["days"]["sinks"] = {"all": {"type": "file", "config": {"path": str(folder / "all.jsonl")}}}
    words = [BINARY, "backfill", "days", "--from", "2024-01-01", "--to", "2024-03-01", "-c", str(folder / "weir.yaml")]
    weir = Weir(folder, environment={}, collectors=made, **SECTIONS)

    def filled_n():
        return len(set(filled.read_text().split())) if filled.exists() else 0

    for name in ("collect.append", "collect.appended", "collect.note", "collect.noted"):
        weir.environment["WEIR_FAILPOINT"] = f"{name}:{dice.randint(3, 6)}:kill"
        weir.start()
        asks = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        more = min(filled_n() + dice.randint(4, 12), days)
        eventually(lambda more=more, asks=asks: filled_n() >= more or asks.poll() is not None, "it goes on", 120)
        weir.kill()
        asks.kill()
        asks.wait()
    del weir.environment["WEIR_FAILPOINT"]
    with weir:
        weir.command(*words[1:3], "--from", "2024-01-01", "--to", "2024-03-01")
        weir.command("flush")
        found = weir.rows("query", "SELECT count(*) AS n, count(DISTINCT key) AS keys, count(DISTINCT window_start_at) AS windows, "
                          "sum(value) AS sum FROM metric_history WHERE window_start_at < TIMESTAMP '2024-03-01'")[0]
        assert found == {"n": days * ROWS, "keys": days * ROWS, "windows": days, "sum": days * ROWS * (ROWS + 1) / 2}, found
        written = [json.loads(line)["uuid"] for line in (folder / "all.jsonl").read_text().splitlines() if '"2024-0' in line]
        assert len(written) == len(set(written)) == days * ROWS, (len(written), len(set(written)))


def served(folder, postgres, api, **environment):
    """Windows of two seconds by PostgreSQL, and by HTTP in two pages."""
    sql = f"SELECT i, $1::timestamptz AS of, i AS value FROM generate_series(1, {ROWS}) i WHERE $2::timestamptz IS NOT NULL"
    configs = {"postgres": {"uri": postgres.url, "sql": sql},
               "http": {"uri": api.url + "/one", "rows": ".rows[]", "paging": {"by": "cursor", "next": "/next"}}}
    return Weir(folder, environment=environment, **SECTIONS, collectors={
        name: {"metric": {"name": name, "type": "COUNT"}, "schedule": {"interval": "200ms"},
               "collector": {"invocation_strategy": "historic_tumbling_window"},
               "source": {"type": name, "config": {**config, "time": {"window": "2s"}}}} for name, config in configs.items()})


def check_served(weir, names=("postgres", "http")):
    """Every window up to one that began after this call, whole, of one read, and once."""
    now = time.time()

    def windows(name):
        rows = weir.rows("query", "SELECT CAST(epoch(CAST(window_start_at AS TIMESTAMPTZ)) AS BIGINT) AS at, count(*) AS n, "
                         "sum(value) AS sum, count(DISTINCT CAST(tags AS JSON)->>'of') AS reads, count(DISTINCT key) AS keys "
                         f"FROM metric WHERE name = '{name}' GROUP BY 1 ORDER BY 1")
        return rows if rows and rows[-1]["at"] > now else None
    for name in names:
        seen = eventually(lambda name=name: windows(name), f"{name} has come to now", 60)
        assert [w["at"] for w in seen] == list(range(seen[0]["at"], seen[-1]["at"] + 1, 2)), (name, "a window is lacking", seen)
        assert {(w["n"], w["keys"], w["sum"]) for w in seen} == {(ROWS, ROWS, ROWS * (ROWS + 1) / 2)}, (name, seen)
        assert name == "http" or {w["reads"] for w in seen} == {1}, (name, "rows of two windows are mixed", seen)
    facts = weir.rows("query", "SELECT count(*) AS n, count(DISTINCT key) AS keys FROM metric_history")[0]
    assert facts["n"] == facts["keys"], facts
    assert "event=conflict" not in weir.log.read_text(), "the same number read again is no conflict"


@case
def a_kill_at_every_failpoint_of_a_run_that_asks_a_server(folder):
    dice, half = random.Random(SEED), ROWS // 2
    pages = [{"rows": [{"i": i, "value": i} for i in range(1, half + 1)], "next": "/two"},
             {"rows": [{"i": i, "value": i} for i in range(half + 1, ROWS + 1)]}]
    script = json.dumps([{"path": path, "body": page} for path, page in zip(("/one", "/two"), pages)])
    with PostgreSQL() as postgres, Scripted(script) as api:
        names, homes = folder / "names", itertools.count()
        (folder / "places").mkdir()
        with served(folder / "places", postgres, api, WEIR_FAILPOINT_LIST=str(names)) as weir:
            check_served(weir)
        if not names.exists():
            raise Skip("this build has no failpoints")
        found = sorted(name for name in set(names.read_text().split()) if name.startswith(("run.", "source.", "collect.")))
        print(f"  seed {SEED}, failpoints: {' '.join(found)}", flush=True)
        assert "source.row" in found and len(found) >= 9, found
        for name in found:
            home = folder / f"home{next(homes)}"
            home.mkdir()
            # counted anew in each process: a run passes a place once, or once a row
            passed = dice.randint(1, half) if name.endswith(".row") else 1 if name.startswith("run.") else dice.randint(1, 3)
            weir = served(home, postgres, api, WEIR_FAILPOINT=f"{name}:{passed}:kill").start(ready=False)
            eventually(weir.is_ready, "weir is ready")
            log, last = weir.log, name == "run.ended"  # there it has said all, and is not missed
            eventually(lambda log=log, weir=weir, last=last: weir.rows("query", "SELECT 1 FROM metric LIMIT 1") if last
                       else "signal 9" in log.read_text() or "signal=9" in log.read_text(), f"{name}:{passed} is reached")
            weir.kill()
            with served(home, postgres, api) as weir:
                try:
                    check_served(weir)
                except AssertionError as error:
                    raise AssertionError(f"after a kill at {name}:{passed}: {error}") from error


run()
