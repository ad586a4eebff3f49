"""What collectors and sinks are called stays, whatever other files come and go: none begins anew, none says anything twice."""
import json
import signal
import subprocess
import time

from blackbox import BINARY, Weir, case, eventually, run

TICK = "n=$(cat n.%s 2>/dev/null || echo 0); echo $((n + 1)) > n.%s; echo \"{\\\"value\\\":$n}\""


def write(folder, name, script=None, called=None, window=None, to=None, interval="200ms", **block):
    """A collector file each/NAME.yaml; its metric is called as the file, its sink `audit`."""
    config = {"run": ["/bin/sh", "-c", script or TICK % (name, name)], "directory": str(folder)}
    config |= {"time": {"window": window}} if window else {}
    sinks = {"audit": {"type": "file", "config": {"path": str(folder / to)}}} if to else {}
    one = {"name": called or name, "collector": {"type": "metric"} | block, "metric": {"name": name, "type": "COUNT"},
           "schedule": {"interval": interval}, "source": {"type": "metric.command", "config": config}, "sinks": sinks}
    (folder / "each").mkdir(exist_ok=True)
    (folder / "each" / f"{name}.yaml").write_text(json.dumps(one))


def listed(weir, name):
    words = [BINARY, "collectors", "-c", str(weir.folder / "weir.yaml"), "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=weir.environment, timeout=180)
    return next((row for row in map(json.loads, done.stdout.splitlines()) if row["collector"] == name), None)


def hang_up(weir):
    reloads = weir.log.read_text().count("event=reload ")
    weir.process.send_signal(signal.SIGHUP)
    eventually(lambda: weir.log.read_text().count("event=reload ") > reloads, "it has read the files anew", 120)


def records(path, name=None):
    lines = path.read_text().splitlines() if path.exists() else []
    return [r for r in map(json.loads, lines) if name in (None, r["name"])]


def metrics(weir, sql):
    weir.command("flush")
    return weir.rows("query", sql)


def grown(path, n, name=None):
    """Wait for so many more records there."""
    before = len(records(path, name))
    eventually(lambda: len(records(path, name)) >= before + n, f"{n} more in {path.name}", 120)


@case
def a_sink_of_a_file_goes_on_when_another_file_has_one_of_its_name(folder):
    one, two = folder / "one.log", folder / "two.log"
    write(folder, "one", to="one.log")
    with Weir(folder, collectors="./each/*.yaml") as weir:
        grown(one, 5)
        write(folder, "two", to="two.log")
        hang_up(weir)
        grown(two, 3)
        grown(one, 3)
        assert set(listed(weir, "one")["sinks"]) == {"audit"}, listed(weir, "one")
        assert set(listed(weir, "two")["sinks"]) == {"audit@two"}, listed(weir, "two")
        (folder / "each" / "one.yaml").unlink()
        hang_up(weir)
        grown(two, 3)
        write(folder, "one", to="one.log")
        hang_up(weir)
        grown(one, 3)
    with weir:
        grown(one, 3)
        grown(two, 3)
    for path in (one, two):
        keys = [r["uuid"] for r in records(path)]
        assert len(keys) == len(set(keys)), f"{path.name}: {len(keys)} lines, {len(set(keys))} records"


@case
def a_part_of_a_sink_goes_on_from_it_and_what_becomes_one_loses_nothing(folder):
    both, other = folder / "both.log", folder / "other.log"
    write(folder, "one", to="both.log")
    write(folder, "two", to="both.log")
    with Weir(folder, collectors="./each/*.yaml") as weir:
        grown(both, 10, "two")
        write(folder, "two", to="other.log")
        hang_up(weir)
        grown(other, 5)
        grown(both, 5, "one")
        assert records(both, "two")[0]["uuid"] not in [r["uuid"] for r in records(other)], "its history came again"
        assert "it was one with the sink audit" in weir.log.read_text()
        write(folder, "two", to="both.log")
        hang_up(weir)
        grown(both, 5, "two")
        assert "the sink audit@two is one with it now" in weir.log.read_text()
        (folder / "each" / "one.yaml").unlink()
        hang_up(weir)
        grown(both, 5, "two")
        values = {r["value"] for r in metrics(weir, "SELECT value FROM metric WHERE name = 'two'")}
        eventually(lambda: values <= {r["value"] for r in records(both, "two") + records(other)}, "all of them have come", 120)
    assert records(both, "two")[0]["uuid"] not in [r["uuid"] for r in records(both, "two")[1:]], "its history came again"


@case
def another_file_of_the_same_name_takes_no_state_away(folder):
    write(folder, "w", "echo '{\"value\":1}'", "wn", "1s", invocation_strategy="historic_tumbling_window")
    weir = Weir(folder, collectors="./each/*.yaml")
    with weir:
        eventually(lambda: listed(weir, "wn")["runs"] >= 2, "two windows", 120)
    runs = listed(weir, "wn")["runs"]
    time.sleep(3)  # some windows are missed
    write(folder, "a", "echo '{\"value\":1}'", "wn", "1s", invocation_strategy="historic_tumbling_window")
    with weir:
        eventually(lambda: listed(weir, "wn@a")["runs"] >= 2, "the other one collects, too", 120)
        eventually(lambda: listed(weir, "wn")["runs"] >= runs + 4, "those that were missed are made good", 120)
        sql = "SELECT epoch(window_start_at)::BIGINT AS s FROM metric WHERE name = 'w' ORDER BY 1"
        starts = [r["s"] for r in metrics(weir, sql)]
        assert len(starts) >= 5 and starts == list(range(starts[0], starts[0] + len(starts))), starts
        (folder / "each" / "w.yaml").unlink()
        runs = listed(weir, "wn@a")["runs"]
        hang_up(weir)
        eventually(lambda: listed(weir, "wn@a")["runs"] > runs, "it goes on under its name", 120)
        assert listed(weir, "wn")["state"] == "gone"


@case
def a_bookmark_is_kept_when_the_other_file_of_its_name_goes(folder):
    grows = 'test "$WEIR_BOOKMARK" || WEIR_BOOKMARK=0; n=$((WEIR_BOOKMARK + 3)); echo "{\\"id\\":$n,\\"value\\":$n}"'
    for name in ("a", "b"):
        write(folder, name, grows, "dup", invocation_strategy="incremental", column="id")
    weir = Weir(folder, collectors="./each/*.yaml")
    with weir:
        eventually(lambda: listed(weir, "dup@b")["runs"] >= 3, "three runs", 120)
    (folder / "each" / "a.yaml").unlink()
    with weir:
        runs = listed(weir, "dup@b")["runs"]
        eventually(lambda: listed(weir, "dup@b")["runs"] > runs + 1, "and on", 120)
        values = sorted(r["value"] for r in metrics(weir, "SELECT value FROM metric WHERE name = 'b'"))
        assert len(values) > 3 and values == [3 * (i + 1) for i in range(len(values))], values


@case
def a_state_of_before_names_were_kept_is_taken_over_by_the_one_that_it_can_be_of(folder):
    write(folder, "w", "echo '{\"value\":1}'", "wn", "1s", invocation_strategy="historic_tumbling_window")
    weir = Weir(folder, collectors="./each/*.yaml")
    with weir:
        eventually(lambda: listed(weir, "wn")["runs"] >= 2, "two windows", 120)
    runs = listed(weir, "wn")["runs"]
    (folder / "data" / "names.json").unlink()
    write(folder, "a", "echo '{\"value\":1}'", "wn", "1s", invocation_strategy="historic_tumbling_window")
    with weir:
        for name in ("wn@a", "wn@w"):
            eventually(lambda name=name: listed(weir, name)["state"] == "failed", "it is refused", 120)
            assert "cannot be told" in listed(weir, name)["error"] and f"--anew {name}" in listed(weir, name)["error"]
        weir.command("collectors", "--anew", "wn@a")
        eventually(lambda: listed(weir, "wn@a")["state"] == "ok", "it begins anew", 120)
    with weir:
        eventually(lambda: listed(weir, "wn@w")["runs"] > runs, "it goes on with its state", 120)
        assert weir.log.read_text().count('event="state taken over" collector=wn@w of=wn') == 1
        sql = "SELECT epoch(window_start_at)::BIGINT AS s FROM metric WHERE name = 'w' ORDER BY 1"
        eventually(lambda: len(metrics(weir, sql)) >= 5, "missed ones, too", 120)
        starts = [r["s"] for r in metrics(weir, sql)]
        assert starts == list(range(starts[0], starts[0] + len(starts))), starts


@case
def a_backup_has_the_names(folder):
    write(folder, "w", to="w.log")
    weir = Weir(folder, collectors="./each/*.yaml")
    with weir:
        grown(folder / "w.log", 1)
        write(folder, "a", called="w", to="a.log")
        hang_up(weir)
        grown(folder / "a.log", 1)
        weir.command("backup", str(folder / "copy"))
    (folder / "data").rename(folder / "lost")
    weir.command("restore", str(folder / "copy"))
    assert listed(weir, "w")["runs"] >= 1 and listed(weir, "w@a")["runs"] >= 1


run()
