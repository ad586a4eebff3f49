"""Files of collectors that are wrong, missing or moved, as weir tells of them."""
import json
import signal
import socket
import subprocess

from blackbox import BINARY, Weir, case, eventually, run


def collector(script="echo '{\"value\":1}'", interval="1h", **more):
    """A file of dialect C that runs a shell script for its rows."""
    return {"collector": {"type": "metric"}, "metric": {"name": "x", "type": "COUNT"}, "schedule": {"interval": interval},
            "source": {"type": "metric.command", "config": {"run": ["/bin/sh", "-c", script]}}} | more


def write(path, what):
    path.parent.mkdir(exist_ok=True)
    path.write_text(what if isinstance(what, str) else json.dumps(what))


def says(weir, event, n=1):
    eventually(lambda: weir.log.read_text().count(f"event={event} ") >= n or weir.log.read_text().count(f'event="{event}" ') >= n,
               f"the log has {n} x {event}", 60)


def weir_says(*words, folder):
    """Exit status, stdout and stderr of a command."""
    done = subprocess.run([BINARY, *words], cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout, done.stderr


def listed(place, folder):
    """What `collectors` shows, by name, and its exit status."""
    status, rows, said = weir_says("collectors", "--json", "-c", place, folder=folder)
    assert not said, said
    return {row["collector"]: row for row in map(json.loads, rows.splitlines())}, status


@case
def a_bad_file_among_many_is_left_out_and_told_and_the_others_run(folder):
    files = folder / "c"
    write(files / "good.yaml", collector(interval="200ms"))
    write(files / "bad.yaml", collector(interval="often"))
    write(files / "half.yaml", '{"collector": [')
    with Weir(folder, collectors="./c/*.yaml") as weir:
        eventually(lambda: listed("weir.yaml", folder)[0]["good"]["runs"] > 1, "the good one runs", 60)
        rows, status = listed("weir.yaml", folder)
        assert status == 1 and rows["bad"]["state"] == rows["half"]["state"] == "left out", rows
        assert "c/bad.yaml:1:" in rows["bad"]["error"] and "schedule.interval is often" in rows["bad"]["error"], rows
        log = weir.log.read_text()
        assert log.count('event="collector left out"') >= 2 and "schedule.interval is often" in log, log
        ready = eventually(lambda: (lambda got: got if got[0] == 200 else None)(weir.get("/readyz")), "ready", 60)[1]
        assert ready.startswith("ready\n") and "bad.yaml is left out: " in ready and "half.yaml is left out: " in ready, ready
        assert 'weir_collector_up{collector_name="bad"} 0' in weir.get("/metrics")[1]
        write(files / "bad.yaml", collector(interval="200ms"))
        (files / "half.yaml").unlink()
        weir.process.send_signal(signal.SIGHUP)
        eventually(lambda: listed("weir.yaml", folder)[0]["bad"]["runs"] > 1, "the mended one runs", 60)
        write(files / "good.yaml", collector(interval="often"))
        weir.process.send_signal(signal.SIGHUP)
        eventually(lambda: weir.log.read_text().count("good.yaml:1:") >= 1, "a reload leaves out the one that became bad", 60)
        rows = listed("weir.yaml", folder)[0]
        assert rows["good"]["state"] == "left out" and "reload refused" not in weir.log.read_text(), rows
        eventually(lambda: listed("weir.yaml", folder)[0]["bad"]["runs"] > rows["bad"]["runs"], "the other goes on", 60)


@case
def a_folder_of_collectors_does_without_its_bad_files_but_not_without_all(folder):
    files = folder / "c"
    write(files / "good.yaml", collector())
    write(files / "bad.yaml", collector(interval="often"))
    write(files / "torn.yaml", "nam")
    write(files / "empty.yml", "")
    for place in ("c", "c/*"):
        rows, status = listed(place, folder)
        assert status == 1 and [name for name in rows if rows[name]["state"] != "left out"] == ["good"] and len(rows) == 4, rows
    assert weir_says("status", "-c", "c", folder=folder)[0] != 2, "who only reads goes on"
    for words in (("collectors", "-c", "c/bad.yaml"), ("validate", "-c", "c"), ("invoke", "-c", "c")):
        status, _, said = weir_says(*words, folder=folder)
        assert status == 2 and "c/bad.yaml:1:" in said, (words, status, said)
    (files / "good.yaml").unlink()
    for words in (("run", "-c", "c"), ("collectors", "-c", "c")):
        status, _, said = weir_says(*words, folder=folder)
        assert status == 2 and "c/bad.yaml:1:" in said and "c/empty.yml:1:1" in said, (words, status, said)


@case
def what_is_known_of_a_removed_collector_stays_until_it_is_forgotten(folder):
    files = folder / "c"
    write(files / "here.yaml", collector())
    write(files / "away.yaml", collector())
    weir = Weir(folder, collectors="./c/*.yaml")
    with weir:
        eventually(lambda: all(row["runs"] for row in listed("weir.yaml", folder)[0].values()), "both have run", 60)
    (files / "away.yaml").unlink()
    with weir:
        rows, status = listed("weir.yaml", folder)
        assert status == 0 and rows["away"]["state"] == "gone" and rows["away"]["runs"] and rows["away"]["last"], rows
        assert 'collector_invoke_count_total{collector_name="away"' in weir.get("/metrics")[1]
        status, _, said = weir_says("collectors", "-c", "weir.yaml", "--anew", "away", folder=folder)
        assert status == 0 and said == "away is forgotten\n", said
        assert set(listed("weir.yaml", folder)[0]) == {"here"}
        assert 'collector_name="away"' not in weir.get("/metrics")[1]
        status, _, said = weir_says("collectors", "-c", "weir.yaml", "--anew", "away", folder=folder)
        assert status == 1 and "there is no collector away" in said, said


@case
def a_file_beside_collectors_moves_their_data_and_their_port_and_opens_no_intake(folder):
    write(folder / "c" / "one.yaml", collector(interval="200ms"))
    weir = Weir(folder, words=("-c", "c"))
    del weir.config["intake"]
    weir.config["data"] = "./elsewhere"
    weir.write_config()
    with weir:
        assert " intake=none " in weir.log.read_text(), weir.log.read_text()
        eventually(lambda: "collector_invoke_count_total" in weir.get("/metrics")[1], "it runs", 60)
    assert (folder / "elsewhere" / "state.db").exists() and not (folder / "c" / "weir-data").exists()


@case
def data_or_a_port_that_cannot_be_had_are_told_with_the_way_out(folder):
    write(folder / "c" / "one.yaml", collector())
    write(folder / "c" / "weir-data", "no folder")
    status, _, said = weir_says("run", "-c", "c", folder=folder)
    assert status == 2 and "c/weir-data" in said and "`data: FOLDER`" in said, (status, said)
    (folder / "c" / "weir-data").unlink()
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen()
        write(folder / "base.yaml", {"admin": {"listen": f"127.0.0.1:{door.getsockname()[1]}"}})
        status, _, said = weir_says("run", "-c", "base.yaml", "-c", "c", folder=folder)
    assert status == 2 and "in use" in said and "`admin: { listen: IP:PORT }`" in said, (status, said)


@case
def a_collector_file_of_another_ending_is_passed_over_with_a_note(folder):
    write(folder / "c" / "one.yaml", collector())
    write(folder / "c" / "day.conf", collector())
    write(folder / "c" / "README", "Source: here are collectors.\n")
    (folder / "c" / "folder").mkdir()
    write(folder / "weir.yaml", {"collectors": "c"})
    for place in ("c", "weir.yaml"):
        status, out, said = weir_says("validate", "-c", place, folder=folder)
        assert status == 0 and "one.yaml" in out and "c/day.conf: note: is passed over" in said and "README" not in said, (status, out, said)


@case
def who_is_left_out_keeps_its_name_and_its_state(folder):
    files = folder / "c"
    count = collector() | {"name": "users"}
    write(files / "a.yaml", count)
    weir = Weir(folder, collectors="./c/*.yaml")
    with weir:
        eventually(lambda: listed("weir.yaml", folder)[0]["users"]["runs"], "it has run", 60)
    write(files / "a.yaml", count | {"schedule": {"interval": "often"}})
    write(files / "b.yaml", count)
    with weir:
        rows = eventually(lambda: (lambda r: r if r.get("users@b", {}).get("runs") else None)(listed("weir.yaml", folder)[0]),
                          "the other has another name", 60)
        assert rows["users"]["state"] == "left out" and set(rows) == {"users", "users@b"}, rows
    write(files / "a.yaml", count)
    with weir:
        eventually(lambda: listed("weir.yaml", folder)[0]["users"]["runs"] > 1, "it goes on where it stood", 60)
        assert set(listed("weir.yaml", folder)[0]) == {"users", "users@b"}


@case
def a_wrong_file_of_weirs_own_is_refused_wherever_it_stands(folder):
    write(folder / "c" / "good.yaml", collector())
    for text in ("intake: { lisen: x }\n", '{"data": "d", "intaek": {}}'):
        write(folder / "c" / "weir.yaml", text)
        status, _, said = weir_says("collectors", "-c", "c", folder=folder)
        assert status == 2 and "did you mean" in said, (status, said)


@case
def a_refused_reload_says_what_is_wrong_and_no_more(folder):
    good = folder / "one.yaml"
    write(good, collector())
    with Weir(folder, collectors="./one.yaml") as weir:
        write(good, collector(interval="often", shedule={}))
        weir.process.send_signal(signal.SIGHUP)
        says(weir, "reload refused")
        write(good, collector())
        weir.process.send_signal(signal.SIGHUP)
        says(weir, "reload")
        log = weir.log.read_text()
        assert log.count("reload refused") == 1 and "schedule.interval is often" in log and "note:" not in log, log


run()
