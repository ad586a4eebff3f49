"""kill -9 of collectors at every failpoint of a run, and at random: each window complete and once, every row counted once.

WEIR_CRASH_SEED chooses how often each place is passed before; the seed is printed.
"""
import json
import os
import random
import signal
import subprocess
import time

from blackbox import BINARY, Skip, Weir, case, eventually, run

SEED = int(os.environ.get("WEIR_CRASH_SEED", str(random.randrange(1 << 32))))
ROWS, MANY = 5, 9000
SECTIONS = {"lake": {"path": "./lake", "flush": "1s"}, "store": {"path": "./store.db"}, "bus": {"segment": "1MiB"}}
# each row of a window says which window it is of, so that a mixture would be seen
WINDOWS = f'for i in $(seq {ROWS}); do echo "{{\\"i\\":$i,\\"of\\":\\"$WEIR_START\\",\\"value\\":$i}}"; done'
# lines behind the bookmark: their number; the last line's is where the next run goes on
GROWING = """test "$WEIR_BOOKMARK" || WEIR_BOOKMARK=0
wc -l < lines | { read n; echo "{\\"id\\":$n,\\"value\\":$((n - WEIR_BOOKMARK))}"; }"""
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
        return rows[0]["n"] == lines.n and len(rest) == 3 and all(
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


run()
