"""Collectors as weir runs them: ticks, windows and what grows, a dead source, restarts, backfills, and what is told of it."""
import contextlib
import json
import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import time

from blackbox import BINARY, Weir, case, eventually, run


def collector(script, schedule=None, time_window=None, **block):
    """One that runs a shell script for its rows; beside it a `metric` of its own name."""
    config = {"run": ["/bin/sh", "-c", script]} | ({"time": {"window": time_window}} if time_window else {})
    return {"metric": {"name": "x", "type": "COUNT"}, "schedule": schedule or {"interval": "1h"},
            "source": {"type": "command", "config": config}} | ({"collector": block} if block else {})


def windows(script, window, schedule=None, **block):
    return collector(script, schedule, window, invocation_strategy="historic_tumbling_window", **block)


def listed(weir, name, status=None):
    words = [BINARY, "collectors", "-c", str(weir.folder / "weir.yaml"), "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=weir.environment, timeout=60)
    assert status is None or done.returncode == status, done.stderr
    return next(row for row in map(json.loads, done.stdout.splitlines()) if row["collector"] == name)


def metrics(weir, sql="SELECT * FROM metric"):
    """What lake and tail say, once all that was collected until now has come there."""
    weir.command("flush")
    return weir.rows("query", sql)


def sample(weir, line):
    return next((float(x.split()[-1]) for x in weir.get("/metrics")[1].splitlines() if x.startswith(line + " ")), None)


@case
def every_row_of_a_tick_is_a_metric_and_a_bad_one_is_told(folder):
    script = """echo '{"customer":"google","value":3}'; echo '{"customer":"amazon","value":2}'; echo '{"value":"many"}'"""
    with Weir(folder, collectors={"users": collector(script)}) as weir:
        eventually(lambda: listed(weir, "users", 0)["state"] == "ok", "it has run")
        row = listed(weir, "users")
        assert (row["records"], row["rows"], row["aside"], row["runs"]) == (2, 3, 1, 1), row
        assert row["next"] > row["last"] and row["strategy"] == "tick", row
        found = sorted((json.loads(r["tags"])["customer"], r["value"]) for r in metrics(weir))
        assert found == [("amazon", 2.0), ("google", 3.0)], found
        assert 'event="rows set aside" collector=users n=1 row=3' in weir.log.read_text()


@case
def each_row_that_is_set_aside_is_a_dead_letter_with_its_reason(folder):
    """What the same row says again in the next run is none anew; beyond the most of a run one letter tells how many."""
    rows = [{"at": "2024-01-01T10:00:00Z", "acct": "a", "value": 1}] * 5 + [{"at": "2024-01-01T10:00:00Z", "acct": "b", "value": "NaN"}]
    (folder / "rows").write_text("".join(json.dumps(row) + "\n" for row in rows))
    many = "echo '{\"value\":1}'; for i in $(seq 1004); do echo \"{\\\"i\\\":$i}\"; done"
    grows = collector(f"test \"$WEIR_BOOKMARK\" || cat {folder}/rows", {"interval": "200ms"}, invocation_strategy="incremental", column="at")
    with Weir(folder, collectors={"g": grows, "many": collector(many, {"interval": "200ms"})}) as weir:
        eventually(lambda: all(listed(weir, name, 0)["runs"] > 3 for name in ("g", "many")), "they have run", 120)
        weir.command("flush")
        letters = weir.rows("dead", "list")
        reasons = sorted(letter["reason"] for letter in letters if letter["agent"] == "g")
        assert len(letters) == 5 + 1001, (len(letters), letters[:3])
        assert len(reasons) == 5 and all("same tags as row" in why for why in reasons[:4]) and "value is NaN" in reasons[4], reasons
        assert [letter for letter in letters if "4 rows more of this run were set aside" in letter["reason"]], letters[-3:]
        nan = next(letter for letter in letters if "NaN" in letter["reason"])
        assert nan["pointer"] == "/value" and '"acct":"b","value":"NaN"' in weir.command("dead", "show", nan["id"]).replace(": ", ":")


@case
def a_bad_row_is_one_letter_until_it_is_mended(folder):
    """Also over a start of weir, and when its value, a number or a time of it is another each time."""
    script = f"""echo '{{"value":1}}'
        bad() {{ echo '{{"customer":"'$1'","seen":'$(date +%s%N)',"at":"'$(date -u +%Y-%m-%dT%H:%M:%S.%N)'","value":"'$(date +%N)' each"}}'; }}
        test -e {folder}/mended || bad a; test ! -e {folder}/more || bad a"""
    with Weir(folder, collectors={"c": collector(script, {"interval": "200ms"})}) as weir:

        def letters():
            """After some runs more."""
            runs = listed(weir, "c")["runs"]
            eventually(lambda: listed(weir, "c")["runs"] > runs + 3, "it has run again", 60)
            weir.command("flush")
            return len(weir.rows("dead", "list"))

        assert letters() == 1
        weir.stop()
        weir.start()
        assert letters() == 1
        (folder / "more").touch()
        assert letters() == 2, "two are alike"
        (folder / "more").unlink()
        (folder / "mended").touch()
        assert letters() == 2
        (folder / "mended").unlink()
        assert letters() == 3


@case
def files_that_are_not_there_are_told_once_and_fail_nothing(folder):
    (folder / "events").mkdir()
    files = {"metric": {"name": "x", "type": "COUNT"}, "schedule": {"interval": "200ms"}, "source": {"type": "files", "config": {
        "path": str(folder / "events"), "partition": "day*.json", "sql": "SELECT count(*) AS value FROM read_json('{{.Partition}}')"}}}
    with Weir(folder, collectors={"files": files}) as weir:
        eventually(lambda: listed(weir, "files", 0)["runs"] > 2, "it has run", 60)
        row = listed(weir, "files", 0)
        assert row["failed"] == 0 and row["records"] == 0 and "No files found" in row["error"] and "events/day" in row["error"], row
        assert weir.log.read_text().count('event="nothing read" collector=files') == 1
        (folder / "events" / "day1.json").write_text('{"a": 1}\n')
        eventually(lambda: listed(weir, "files", 0)["records"] == 1, "they are there now", 60)
        assert not listed(weir, "files", 0)["error"]


@case
def the_time_of_a_source_is_a_part_of_its_runs_time(folder):
    with Weir(folder, collectors={"users": collector("echo '{\"value\":1}'")}) as weir:
        eventually(lambda: listed(weir, "users", 0)["state"] == "ok", "it has run")
        run_s = sample(weir, 'collector_invoke_duration_seconds_sum{collector_name="users",result_status_code="OK"}')
        read_s = sample(weir, 'collector_source_duration_seconds_sum{source_type="command",result_status_code="OK"}')
        assert 0 < read_s < run_s, (read_s, run_s)


@case
def a_query_whose_rows_are_no_records_is_red_and_collects_no_window(folder):
    bad = windows("echo '{\"total\":3}'", "1s", {"interval": "300ms"})
    with Weir(folder, collectors={"bad": bad}) as weir:
        eventually(lambda: listed(weir, "bad")["runs"] >= 2, "it is tried when it is due")
        row = listed(weir, "bad", 1)
        assert row["state"] in ("failed", "running") and row["aside"] == 1 and row["records"] == 0, row
        assert 'row 1: each row must contain a "value" key' in row["error"] and row["last_good"] is None, row


@case
def a_run_that_fails_late_says_how_much_of_it_was_written(folder):
    script = "awk 'BEGIN { for (i = 0; i < 20000; i++) printf \"{\\\"i\\\":%d,\\\"value\\\":1,\\\"pad\\\":\\\"%060d\\\"}\\n\", i, i }'; exit 1"
    with Weir(folder, collectors={"late": collector(script, {"interval": "24h"})}) as weir:
        eventually(lambda: listed(weir, "late")["failed"] >= 1, "it has failed")
        row = listed(weir, "late", 1)
        assert 0 < row["records"] <= 20000, row


@case
def a_value_of_a_try_that_failed_may_come_back(folder):
    """More than is gathered before it is written: the first try says 5 and fails, the second 6, the third 5 again."""
    script = f"""cd {folder}; n=$(cat tries 2>/dev/null || echo 0); echo $((n + 1)) > tries; v=5; test $n -ne 1 || v=6
awk -v v=$v 'BEGIN {{ for (i = 0; i < 12000; i++) printf "{{\\"i\\":%d,\\"value\\":%d,\\"pad\\":\\"%0100d\\"}}\\n", i, v, i }}'
test $n -ge 2"""
    with Weir(folder, collectors={"w": windows(script, "24h", {"interval": "1s"})}) as weir:
        eventually(lambda: listed(weir, "w")["state"] == "ok", "the third try is whole", 180)
        found = metrics(weir, "SELECT value, count(*) AS n FROM metric GROUP BY 1 ORDER BY 1")
        assert found == [{"value": 5.0, "n": 12000}], found


@case
def records_that_have_no_room_together_fail_the_run_and_name_the_option(folder):
    """Each has room alone in seven eighths of bus.disk_max: the first waits for the second, as less than a mebibyte does."""
    script = """pad() { head -c $1 /dev/zero | tr '\\0' x; }; printf '{"value":1,"pad":"%s"}\\n{"value":2,"pad":"' "$(pad 500000)"
                pad 900000; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13; do pad 1048576; done; printf '"}\\n'"""
    small = {"bus": {"segment": "1MiB", "disk_max": "16MiB"}, "intake": {"body_bytes_max": "4MiB"}}
    with Weir(folder, collectors={"large": collector(script)}, **small) as weir:
        eventually(lambda: listed(weir, "large")["state"] == "failed", "it has failed, and is not tried again", 120)
        row = listed(weir, "large", 1)
        assert "bus.disk_max" in row["error"] and "2 signals have" in row["error"], row


@case
def a_dead_source_is_its_collectors_problem_alone(folder):
    dead = collector("test -e there || { echo no >&2; exit 1; }; echo '{\"value\":1}'", {"interval": "1h"})
    dead["source"]["config"]["directory"] = str(folder)
    live = collector("echo '{\"value\":1}'", {"interval": "200ms"})
    with Weir(folder, collectors={"dead": dead, "live": live}) as weir:
        eventually(lambda: listed(weir, "live")["runs"] > 5, "the other one goes on")
        row = listed(weir, "dead", 1)
        assert row["state"] in ("retrying", "running") and row["failed"] >= 1 and row["error"], row
        assert sample(weir, 'weir_collector_up{collector_name="dead"}') == 0
        assert sample(weir, 'weir_collector_up{collector_name="live"}') == 1
        assert weir.log.read_text().count("run failed") == 1, "said once"
        (folder / "there").touch()
        eventually(lambda: listed(weir, "dead")["state"] == "ok", "it comes back by itself, long before the next hour")
        assert "run works again" in weir.log.read_text()
        codes = [sample(weir, f'collector_invoke_count_total{{collector_name="dead",result_status_code="{c}"}}')
                 for c in ("OK", "ERROR")]
        assert codes[0] == 1 and codes[1] >= 1, codes
        assert sample(weir, 'collector_invoke_duration_seconds_bucket{collector_name="dead",result_status_code="OK",le="600"}') == 1


@case
def a_sink_that_never_took_anything_is_behind_as_status_says(folder):
    sinks = {"far": {"type": "kafka", "config": {"brokers": ["127.0.0.1:9"], "topic": "x"}},
             "near": {"type": "file", "config": {"path": str(folder / "near")}}}
    weir = Weir(folder, collectors={"g": collector("echo '{\"value\":1}'", {"interval": "24h"}) | {"sinks": sinks}})
    weir.start(ready=False)  # /readyz names the far one
    try:
        eventually(lambda: (folder / "near").exists() and (folder / "near").read_text().count("\n") == 1, "the near one has it", 120)
        eventually(lambda: listed(weir, "g")["sinks"]["near"] == 0, "and says so", 120)
        done = subprocess.run([BINARY, "status", "-c", str(folder / "weir.yaml"), "--json"], capture_output=True, text=True, check=False)
        behind = {stage["name"]: stage["lag_bytes"] for stage in json.loads(done.stdout)["stages"]}["sink-far"]
        assert listed(weir, "g")["sinks"]["far"] == behind > 0, (listed(weir, "g"), behind)
    finally:
        weir.stop()


@case
def missed_windows_come_in_order_once_and_the_oldest_beyond_the_most_are_told(folder):
    script = 'echo "{\\"value\\":1,\\"from\\":\\"$WEIR_START\\"}"; echo "$WEIR_START" >> order'
    one = windows(script, "1s", {"interval": "300ms"})
    one["source"]["config"]["directory"] = str(folder)
    weir = Weir(folder, collectors={"w": one})
    with weir:
        eventually(lambda: listed(weir, "w")["runs"] >= 2, "two windows")
    time.sleep(3)
    with weir:
        eventually(lambda: listed(weir, "w")["runs"] >= 5, "the missed ones, too")
        starts = [r["window_start_at"] for r in metrics(weir, "SELECT window_start_at FROM metric ORDER BY 1")]
        assert len(starts) == len(set(starts)) >= 5, starts
        order = (folder / "order").read_text().split()
        assert order == sorted(order), order
        seconds = [int(s[17:19]) + 60 * int(s[14:16]) for s in starts]
        assert all((b - a) % 3600 == 1 for a, b in zip(seconds, seconds[1:])), starts
    weir.config["collectors"]["w"]["collector"]["windows_max"] = 2
    weir.write_config()
    time.sleep(5)
    with weir:
        eventually(lambda: listed(weir, "w")["passed_windows"] > 0, "some are passed over")
        assert 'event="windows passed over"' in weir.log.read_text()


@case
def another_length_of_windows_is_refused_with_the_way_out(folder):
    weir = Weir(folder, collectors={"w": windows("echo '{\"value\":1}'", "1s", {"interval": "300ms"})})
    with weir:
        eventually(lambda: listed(weir, "w")["runs"] >= 1, "a window")
    weir.config["collectors"]["w"]["source"]["config"]["time"]["window"] = "2s"
    weir.write_config()
    with weir:
        eventually(lambda: listed(weir, "w")["state"] == "failed", "it is refused")
        error = listed(weir, "w", 1)["error"]
        assert "1s long and are 2s now" in error and "weir collectors --anew w" in error, error
        weir.command("collectors", "--anew", "w")
        eventually(lambda: listed(weir, "w")["state"] == "ok", "it goes on with the new length")


@case
def neither_a_reload_nor_the_end_of_the_process_collect_alone_is_a_start(folder):
    day = collector("echo '{\"value\":1}'", {"interval": "24h"})
    ticks = collector("echo '{\"value\":2}'", {"interval": "200ms"})
    with Weir(folder, collectors={"day": day, "ticks": ticks}) as weir:
        def process():
            return next((pid for pid, line in weir.children().items() if line == "weir: collect"), None)

        def go_on(old):
            eventually(lambda: process() not in (old, None), "another process collects", 120)
            runs = listed(weir, "ticks")["runs"]
            eventually(lambda: listed(weir, "ticks")["runs"] > runs + 3, "it goes on", 120)
            row = listed(weir, "day")
            assert (row["state"], row["runs"]) == ("ok", 1), row

        eventually(lambda: listed(weir, "day")["state"] == "ok", "it has run", 120)
        old = process()
        weir.process.send_signal(signal.SIGHUP)
        go_on(old)
        old = process()
        os.kill(old, signal.SIGKILL)
        go_on(old)
    with weir:
        eventually(lambda: listed(weir, "day")["runs"] == 2, "a start of weir is one", 120)


@case
def what_failed_is_not_put_off_by_a_reload(folder):
    wrong = collector("test -e mended && echo '{\"value\":3}' || echo '{\"no\":3}'", {"interval": "24h"})
    wrong["source"]["config"]["directory"] = str(folder)
    with Weir(folder, collectors={"wrong": wrong}) as weir:
        eventually(lambda: listed(weir, "wrong")["state"] == "failed", "it is wrong", 120)
        (folder / "mended").touch()
        weir.process.send_signal(signal.SIGHUP)
        eventually(lambda: listed(weir, "wrong")["state"] == "ok", "it is tried at once", 120)


@case
def what_grows_goes_on_behind_its_bookmark(folder):
    script = 'test "$WEIR_BOOKMARK" || WEIR_BOOKMARK=0; n=$((WEIR_BOOKMARK + 3)); echo "{\\"id\\":$n,\\"value\\":$n}"'
    with Weir(folder, collectors={"g": collector(script, {"interval": "200ms"}, invocation_strategy="incremental",
                                                 column="id")}) as weir:
        eventually(lambda: listed(weir, "g")["runs"] >= 3, "three runs")
    with weir:
        before = listed(weir, "g")["runs"]
        eventually(lambda: listed(weir, "g")["runs"] > before, "and on after a restart")
        values = sorted(r["value"] for r in metrics(weir))
        assert len(values) > 3 and values == [3 * (i + 1) for i in range(len(values))], values
        assert "id" not in json.loads(metrics(weir)[0]["tags"])


@case
def what_two_collectors_read_under_one_name_is_two_records(folder):
    with Weir(folder, collectors={name: windows(f"echo '{{\"value\":{n}}}'", "24h") for name, n in (("eu", 3), ("us", 50))}) as weir:
        eventually(lambda: all(listed(weir, name)["state"] == "ok" for name in ("eu", "us")), "both have run", 120)
        found = sorted((r["collector"], r["value"]) for r in metrics(weir))
        assert found == [("eu", 3.0), ("us", 50.0)], found


@case
def a_row_that_is_read_again_in_the_overlap_is_the_same_record(folder):
    script = ('n=$(cat runs 2>/dev/null || echo 0); echo $((n + 1)) > runs; '
              'for i in 1 2 3 4 5; do echo "{\\"at\\":\\"2024-01-01T00:00:0$i.000000Z\\",\\"id\\":\\"$i\\",\\"value\\":$i}"; done')
    one = collector(script, {"interval": "200ms"}, invocation_strategy="incremental", column="at", overlap="10s")
    one["source"]["config"]["directory"] = str(folder)
    sinks = {"audit": {"type": "file", "config": {"path": str(folder / "audit.log")}}}
    with Weir(folder, collectors={"g": one | {"sinks": sinks}}) as weir:
        eventually(lambda: listed(weir, "g")["runs"] >= 4, "it reads them again and again")
        found = sorted(r["value"] for r in metrics(weir))
        assert found == [1, 2, 3, 4, 5], found
        eventually(lambda: (folder / "audit.log").exists() and (folder / "audit.log").read_text().count("\n") >= 5, "the sink has them")
        lines = (folder / "audit.log").read_text().splitlines()
        assert len(lines) == 5, lines


@case
def a_sink_of_the_model_metric_is_listed_with_each_collector(folder):
    of = {name: {"type": "file", "models": [model], "config": {"path": str(folder / f"{name}.log")}}
          for name, model in (("all", "metric"), ("changes", "change"))}
    own = {"audit": {"type": "file", "config": {"path": str(folder / "audit.log")}}}
    script = collector("echo '{\"value\":1}'", {"interval": "24h"})
    with Weir(folder, collectors={"g": script | {"sinks": own}, "h": script}, sinks=of) as weir:
        eventually(lambda: listed(weir, "g")["sinks"] == {"all": 0, "audit": 0}, "those that take its records, and their lag")
        eventually(lambda: listed(weir, "h")["sinks"] == {"all": 0}, "and of one that names none")


@case
def a_row_of_the_overlap_may_come_back_to_what_it_was(folder):
    """What it said last counts in every sink; a kill and a start of weir give nothing twice, and beginning anew gives it again."""
    one = collector(f"cat {folder}/rows", {"interval": "200ms"}, invocation_strategy="incremental", column="at", overlap="24h")
    sinks = {"audit": {"type": "file", "config": {"path": str(folder / "audit.log")}}}
    weir = Weir(folder, collectors={"g": one | {"sinks": sinks}}, store={"path": "./store.db"})
    said = []

    def told():
        whole = (folder / "audit.log").read_text().rpartition("\n")[0] if (folder / "audit.log").exists() else ""
        return [row["value"] for row in map(json.loads, whole.splitlines()) if row["tag.acct"] == "a"]

    def comes(value):
        rows = [{"at": "2024-01-01T10:00:00Z", "acct": "a", "value": value}, {"at": "2024-01-01T12:00:00.5Z", "acct": "b", "value": 1}]
        (folder / "new").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (folder / "new").rename(folder / "rows")
        said.append(value)
        eventually(lambda: told() == said, f"the sink has {said}", 120)

    def goes_on():
        runs = listed(weir, "g")["runs"]
        eventually(lambda: listed(weir, "g")["runs"] > runs + 2, "it reads them again and again", 120)
        eventually(lambda: (folder / "audit.log").read_text().count("\n") == len(said) + 1, f"{said}, and of the other row one", 120)
        assert told() == said, (told(), said)

    (folder / "rows").touch()
    with weir:
        for value in (5, 6, 5):
            comes(value)
            goes_on()
        for words in ((), ("--store",)):
            eventually(lambda words=words: weir.rows("query", *words, "SELECT value FROM metric ORDER BY 1") == [{"value": 1}, {"value": 5}],
                       "the last value counts", 120)
        weir.kill()
    with weir:
        goes_on()
        comes(6)
        comes(5)


@case
def a_window_that_is_collected_anew_may_come_back_to_what_it_was(folder):
    one = windows(f"cat {folder}/row", "24h", {"interval": "24h"})
    with Weir(folder, collectors={"w": one}, store={"path": "./store.db"}) as weir:
        for value, words in ((5, []), (6, ["--anew"]), (5, ["--anew"])):
            (folder / "row").write_text(json.dumps({"value": value}))
            weir.command("backfill", "w", "--from", "2024-01-01", "--to", "2024-01-03", *words)
            of = "FROM metric WHERE window_start_at < TIMESTAMP '2024-02-01'"
            found = [r["value"] for r in metrics(weir, f"SELECT value {of}")]
            assert found == [value, value], (value, found)
        eventually(lambda: [r["value"] for r in weir.rows("query", "--store", "SELECT value FROM metric WHERE window_start_at < '2024-02-01'")]
                   == [5, 5], "in the store, too", 120)


@case
def of_several_runs_in_one_grain_the_last_counts(folder):
    grain = {"metric": {"name": "x", "type": "COUNT", "grain": "8760h"}, "schedule": {"cron": "0 0 1 1 *"},
             "source": {"type": "command", "config": {"run": ["/bin/cat", str(folder / "row")]}}}
    weir = Weir(folder, collectors={"day": grain})
    for runs, value in enumerate((3, 4, 3), 1):
        (folder / "row").write_text(json.dumps({"value": value}))
        with weir:
            eventually(lambda runs=runs: listed(weir, "day")["runs"] == runs, "it runs at each start")
            eventually(lambda value=value: [r["value"] for r in metrics(weir)] == [value], f"one record, now {value}")


@case
def a_backfill_stops_and_goes_on_and_remembers(folder):
    script = 'sleep 0.2; echo "{\\"value\\":1}"; echo "$WEIR_START" >> seen'
    one = windows(script, "24h", windows_at_once=3)
    one["source"]["config"]["directory"] = str(folder)
    words = ["backfill", "w", "--from", "2024-01-01", "--to", "2024-01-31"]
    with Weir(folder, collectors={"w": one, "t": collector("echo '{\"value\":1}'")}) as weir:
        first = subprocess.Popen([BINARY, *words, "-c", str(folder / "weir.yaml")], stderr=subprocess.PIPE, text=True)
        eventually(lambda: (folder / "seen").exists() and (folder / "seen").read_text().count("2024") > 6, "it works")
        first.send_signal(signal.SIGINT)
        said = first.communicate(timeout=30)[1]
        assert first.returncode == 130 and re.search(r"stopped at \d+ of 30 windows", said), (first.returncode, said)
        stopped = (folder / "seen").read_text().split().count
        weir.stop()
        weir.start()
        weir.command(*words)
        starts = (folder / "seen").read_text().split()
        days = {s for s in starts if s.startswith("2024-01")}
        assert len(days) == 30, sorted(days)
        again = [d for d in days if starts.count(d) > 1]
        assert len(again) <= 6, ("only windows that were at work come again", again, stopped)
        count = metrics(weir, "SELECT count(*) AS n FROM metric WHERE window_start_at < TIMESTAMP '2024-02-01'")[0]["n"]
        assert count == 30, count
        weir.command(*words)
        assert (folder / "seen").read_text().split() == starts, "all were remembered"
        done = subprocess.run([BINARY, "backfill", "t", "--from", "2024-01-01", "-c", str(folder / "weir.yaml")],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 1 and "reads no windows" in done.stderr, done.stderr
        done = subprocess.run([BINARY, "backfill", "none", "--from", "2024-01-01", "-c", str(folder / "weir.yaml")],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 1 and "weir collectors" in done.stderr, done.stderr


@case
def a_backfill_that_was_stopped_goes_on_at_once_and_so_does_another_range(folder):
    one = windows(f'test -e {folder}/fast || sleep 0.3; echo "{{\\"value\\":1}}"; echo "$WEIR_START" >> {folder}/seen', "1h", windows_at_once=3)
    of_days = lambda end: ["backfill", "w", "--from", "2024-01-01", "--to", end]  # noqa: E731
    with Weir(folder, collectors={"w": one}) as weir:
        for _ in range(2):
            seen = (folder / "seen").read_text().count("2024-") if (folder / "seen").exists() else 0
            first = subprocess.Popen([BINARY, *of_days("2024-01-05"), "-c", str(folder / "weir.yaml")], stderr=subprocess.PIPE, text=True)
            eventually(lambda seen=seen: (folder / "seen").exists() and (folder / "seen").read_text().count("2024-") > seen + 3, "it works", 120)
            first.send_signal(signal.SIGINT)
            said = first.communicate(timeout=120)[1]
            assert first.returncode == 130 and "of 96 windows" in said, (first.returncode, said)
        (folder / "fast").touch()
        weir.command(*of_days("2024-01-02"))
        weir.command(*of_days("2024-01-05"))
        starts = [start for start in (folder / "seen").read_text().split() if start.startswith("2024-")]
        assert len(set(starts)) == 96 and len(starts) <= 96 + 2 * 3, ("only windows that were at work come again", len(starts))


@case
def of_two_of_one_name_a_backfill_takes_neither_and_says_how_each_is_called(folder):
    (folder / "each").mkdir()
    for name in ("this", "that"):
        one = windows("echo '{\"value\":1}'", "24h", type="metric")
        one["source"]["type"] = "metric.command"
        (folder / "each" / f"{name}.yaml").write_text(json.dumps({"name": "twice", **one}))
    with Weir(folder, collectors="./each/*.yaml") as weir:
        words = ["--from", "2024-01-01", "--to", "2024-01-04", "-c", str(folder / "weir.yaml")]
        done = subprocess.run([BINARY, "backfill", "twice", *words], capture_output=True, text=True, check=False)
        assert done.returncode == 1 and "more than one collector is called twice" in done.stderr, done.stderr
        ids = re.findall(r"twice@[^ ,]+", done.stderr)
        assert len(set(ids)) == 2, done.stderr
        subprocess.run([BINARY, "backfill", ids[0], *words], capture_output=True, check=True)
        rows = metrics(weir, "SELECT DISTINCT collector FROM metric WHERE window_start_at < TIMESTAMP '2024-02-01'")
        assert [row["collector"] for row in rows] == [ids[0]], rows


@case
def a_run_that_takes_too_long_is_ended(folder):
    slow = collector("exec sleep 60", {"interval": "1h", "time_limit": "1s"})
    with Weir(folder, collectors={"slow": slow}) as weir:
        eventually(lambda: listed(weir, "slow")["state"] == "failed", "it is ended")
        assert "longer than 1 s" in listed(weir, "slow")["error"]


@case
def more_that_are_due_than_can_begin_have_their_turns(folder):
    slow = collector("sleep 1; echo '{\"value\":1}'", {"interval": "200ms"})
    with Weir(folder, collectors={f"slow{i:03}": slow for i in range(200)}) as weir:
        eventually(lambda: all(row["runs"] for row in weir.rows("collectors")), "each has run", 180)


@case
def a_stop_lets_a_run_end_and_notes_it(folder):
    weir = Weir(folder, collectors={"s": collector("sleep 1; echo '{\"value\":1}'")})
    with weir:
        eventually(lambda: listed(weir, "s")["state"] == "running", "it runs")
    row = listed(weir, "s", 0)  # weir is stopped
    assert (row["state"], row["runs"], row["next"]) == ("ok", 1, None), row


@case
def what_a_stop_cuts_short_is_neither_lost_nor_doubled(folder):
    """Too much to be gathered, so that most of it is written when the stop comes; and one that gives all at its end."""
    rows = "awk 'BEGIN { for (i = 0; i < 20000; i++) printf \"{\\\"i\\\":%d,\\\"value\\\":1,\\\"pad\\\":\\\"%060d\\\"}\\n\", i, i }'"
    made = {"flows": collector(f"{rows}; test -e {folder}/go || exec sleep 3600", {"interval": "24h"}),
            "gathers": collector(f"echo '{{\"value\":1}}'; test -e {folder}/go || exec sleep 3600", {"interval": "24h"})}
    for of in made.values():
        of["sinks"] = {"all": {"type": "file", "config": {"path": str(folder / "all.jsonl")}}}
    with Weir(folder, collectors=made) as weir:
        eventually(lambda: listed(weir, "gathers")["state"] == "running", "it runs")
        eventually(lambda: (folder / "all.jsonl").exists() and (folder / "all.jsonl").stat().st_size > 1 << 20, "some is written", 120)
        weir.stop()
        (folder / "go").touch()
        weir.start()
        eventually(lambda: all(listed(weir, name)["state"] == "ok" for name in made), "both are done again", 120)
        found = metrics(weir, "SELECT collector, count(*) AS n, count(DISTINCT key) AS keys FROM metric GROUP BY ALL ORDER BY ALL")
        assert [(r["collector"], r["n"], r["keys"]) for r in found] == [("flows", 20000, 20000), ("gathers", 1, 1)], found
        written = [json.loads(line) for line in (folder / "all.jsonl").read_text().splitlines()]
        assert len(written) == len({line["uuid"] for line in written}) == 20001, len(written)


@case
def a_stop_does_not_wait_for_who_holds_the_state(folder):
    """What each of them would wait for is more than a stop may take."""
    script = "sleep 1; echo '{\"at\":\"'$(date +%s%N)'\",\"value\":1}'"
    grows = collector(script, {"interval": "200ms"}, invocation_strategy="incremental", column="at")
    weir = Weir(folder, stop="90s", collectors={f"c{i:02}": grows for i in range(40)})
    with weir:
        eventually(lambda: all(row["runs"] for row in weir.rows("collectors")), "each has run", 180)
        collect = next(pid for pid, line in weir.children().items() if line == "weir: collect")

        def has_ended(pid):
            """A run that waits for somebody to look at it."""
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"

        def ended_n():
            return sum(map(bool, map(has_ended, pathlib.Path(f"/proc/{collect}/task/{collect}/children").read_text().split())))

        with contextlib.closing(sqlite3.connect(folder / "data" / "state.db", timeout=60, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            eventually(lambda: ended_n() > 30, "most have ended", 180)
            process, weir.process = weir.process, None
            process.send_signal(signal.SIGTERM)
            assert process.wait(300) == 0
    assert "did not drain" not in weir.log.read_text(), "it ended by itself"


@case
def the_tutorials_availability_comes_out_of_the_audit_log(folder):
    """Runs that went well and badly, of four days; a day without errors has no row for them."""
    days = {"2024-01-12": (71, None), "2024-01-13": (80, None), "2024-01-14": (61, 2), "2024-01-15": (41, None)}
    branches = "".join(
        f"{day}*) echo '{{\"error\":false,\"value\":{good}}}';"
        + (f" echo '{{\"error\":true,\"value\":{bad}}}';" if bad else "") + ";" for day, (good, bad) in days.items())
    one = windows(f'case "$WEIR_START" in {branches} esac', "24h")
    one["metric"] = {"name": "service.availability.24h", "type": "COUNT", "tags": [{"key": "service", "value": "weir"}]}
    one["sinks"] = {"audit": {"type": "file", "config": {"path": str(folder / "audit.log")}}}
    with Weir(folder, collectors={"availability": one}) as weir:
        weir.command("backfill", "availability", "--from", "2024-01-12", "--to", "2024-01-16")
        weir.command("flush")
        lines = [json.loads(line) for line in (folder / "audit.log").read_text().splitlines()]
        assert len(lines) == 5, lines
        figures = {}
        for day in days:
            of_day = [x for x in lines if x["window"].startswith(day)]
            good = sum(x["value"] for x in of_day if x["tag.error"] == "false")
            figures[day] = round(good / sum(x["value"] for x in of_day), 4)
        assert list(figures.values()) == [1.0, 1.0, 0.9683, 1.0], figures
        asked = weir.rows("query", "SELECT strftime(window_start_at, '%Y-%m-%d') AS day, round(sum(value) FILTER "
                          "(tags->>'error' = 'false') / sum(value), 4) AS availability FROM metric "
                          "WHERE window_start_at < TIMESTAMP '2024-01-16' GROUP BY 1 ORDER BY 1")
        assert {row["day"]: row["availability"] for row in asked} == figures, asked
        row = listed(weir, "availability")
        assert row["sinks"] == {"audit": 0}, row
        delivered = sample(weir, 'collector_sink_duration_seconds_count{sink_name="file",result_status_code="OK"}')
        assert delivered and delivered >= 1, delivered


run()
