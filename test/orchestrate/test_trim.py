"""Streams forget what every reader has passed, and nothing that one has not."""
import itertools
import json
import os
import shutil
import signal
import subprocess

from blackbox import BINARY, WAIT_S, Weir, case, eventually, run, sign

AGENTS = {"github": {"type": "github", "secret": "s3cret"}}
SMALL = {"bus": {"segment": "1MiB", "disk_max": "16MiB", "keep": "0"}, "intake": {"body_bytes_max": "4MiB"}}
BODY_BYTES = 200_000


def ping(weir, number):
    body = json.dumps({"zen": "z" * BODY_BYTES, "number": number}).encode()
    headers = sign("s3cret", body) | {"X-GitHub-Event": "ping", "X-GitHub-Delivery": f"d-{number}"}
    return weir.post("/hooks/github", body, headers)[0]


def all_bytes(weir):
    return [stream["bytes"] for stream in json.loads(weir.command("status", "--json"))["streams"]]


def raw_bytes(weir):
    return all_bytes(weir)[0]


@case
def what_all_have_passed_is_forgotten_and_the_intake_never_refuses(folder):
    with Weir(folder, agents=AGENTS, **SMALL, lake={"flush": "200ms"}) as weir:
        for number in range(200):  # 40 MB through 16 MiB
            answer = ping(weir, number)
            while answer == 429:  # readers are a moment behind: it says so, and takes it later
                answer = ping(weir, number)
            assert answer == 202, answer
        weir.command("flush")
        eventually(lambda: raw_bytes(weir) < 8 << 20, "read segments are given back")
        said = json.loads(weir.command("status", "--json"))
        assert said["ignored"] == {"github/ping": 200}, said


@case
def what_all_have_passed_is_kept_for_days_but_not_beyond_the_budget(folder):
    with Weir(folder, agents=AGENTS, **SMALL | {"bus": {"segment": "1MiB", "disk_max": "16MiB"}}, lake={"flush": "200ms"}) as weir:
        for number in range(150):  # 30 MB through 16 MiB
            eventually(lambda n=number: ping(weir, n) == 202, "there is room")
        weir.command("flush")
        eventually(lambda: sum(all_bytes(weir)) <= 16 << 20, "what was read goes")


@case
def a_lake_that_gathers_for_minutes_does_not_make_a_small_bus_refuse(folder):
    with Weir(folder, agents=AGENTS, **SMALL) as weir:
        for number in range(150):  # 30 MB through 16 MiB, less than the lake flushes by itself
            eventually(lambda n=number: ping(weir, n) == 202, "the lake keeps what it holds, and there is room again")


@case
def unread_data_is_kept_and_fills_the_budget_until_429(folder):
    with Weir(folder, agents=AGENTS, **SMALL, lake={"flush": "200ms"}) as weir:
        lake = next(pid for pid, line in weir.children().items() if "weir: lake" in line)
        os.kill(lake, signal.SIGSTOP)
        answers = [ping(weir, number) for number in range(120)]  # 24 MB
        taken = answers.count(202)
        assert set(answers) == {202, 429} and taken > 50, {a: answers.count(a) for a in answers}
        os.kill(lake, signal.SIGCONT)
        eventually(lambda: ping(weir, 1000) == 202, "it takes signals again by itself")
        weir.command("flush")
        kept = int(weir.rows("query", "select count(*) as n from raw")[0]["n"])
        assert kept >= taken + 1, (kept, taken)


def is_gone(weir):
    status, why = weir.get("/readyz")
    return status == 503 and "lake is down" in why and "raw first, are gone" in why


@case
def a_table_of_the_lake_that_is_taken_away_is_red_until_it_is_back_or_given_up(folder):
    with Weir(folder, agents=AGENTS, **SMALL, lake={"flush": "200ms"}) as weir:
        for number in range(60):
            eventually(lambda n=number: ping(weir, n) == 202, "taken")
        weir.command("flush")
        eventually(lambda: raw_bytes(weir) < 8 << 20, "the stream has forgotten what the lake holds")
        raw, away = folder / "data/lake/raw", folder / "data/lake/.away"
        for number in (60, 61):
            raw.rename(away)
            assert ping(weir, number) == 202
            eventually(lambda: is_gone(weir), "readyz says what is gone", 4 * WAIT_S)
            weir.command("verify", status=1)
            weir.command("query", "select count(*) from raw", status=1)
            if number == 60:
                away.rename(raw)
            else:
                tables = folder / "data/lake.tables"
                lines = tables.read_text().splitlines(keepends=True)
                tables.write_text("".join(line for line in lines if not line.startswith("raw ")))
            eventually(weir.is_ready, "the lake goes on by itself", 4 * WAIT_S)
            weir.command("flush", "--timeout", "120s")
            kept = int(weir.rows("query", "select count(*) as n from raw")[0]["n"])
            assert kept == 61 if number == 60 else 1 <= kept < 61, kept
            weir.command("verify")


def readyz(weir):
    try:
        return weir.get("/readyz")[1]
    except OSError:
        return ""


@case
def an_older_copy_of_the_lake_is_red_for_a_lane_that_it_does_not_know(folder):
    lake, older, lane = folder / "data/lake", folder / "older", folder / "data/bus/raw/intake-1"
    with Weir(folder, agents=AGENTS, **SMALL, lake={"flush": "200ms"}) as weir:
        assert ping(weir, 0) == 202
        weir.command("flush")
        shutil.copytree(lake, older)
        os.kill(weir.process.pid, signal.SIGHUP)  # the next intake writes a lane of its own
        numbers = itertools.count(1)
        eventually(lambda: ping(weir, next(numbers)) == 202 and lane.exists(), "the next intake writes")
        for _ in range(40):  # 8 MB
            eventually(lambda: ping(weir, next(numbers)) == 202, "taken")
        weir.command("flush")
        eventually(lambda: not (lane / f"{0:020}.seg").exists(), "the beginning of the lane is forgotten")
        weir.stop()
        shutil.rmtree(lake)
        older.rename(lake)
        weir.start(ready=False)
        eventually(lambda: "raw/intake-1: positions 0 to" in readyz(weir), "readyz says what is lost", 4 * WAIT_S)
        assert "put a newer copy of the lake" in readyz(weir)
        assert "table raw stands at 0 in raw/intake-1" in weir.command("verify", status=1)
        weir.command("query", "select count(*) from raw", status=1)
        (folder / "data/lake.tables").write_text("")
        eventually(weir.is_ready, "it goes on without what is lost", 4 * WAIT_S)
        assert ping(weir, next(numbers)) == 202
        weir.command("flush", "--timeout", "120s")
        assert int(weir.rows("query", "select count(*) as n from raw")[0]["n"]) > 1
        weir.command("verify")


def event(weir, number):
    body = {"context": {"specversion": "0.5.1", "id": f"e-{number}", "source": "/ci", "type": "dev.cdevents.pipelinerun.queued.0.3.0",
                        "timestamp": "2026-03-07T12:00:00Z"},
            "subject": {"id": f"run-{number}", "content": {}}, "customData": {"log": "l" * BODY_BYTES}, "customDataContentType": "application/json"}
    return weir.post("/hooks/builds", json.dumps(body).encode(), {"Content-Type": "application/json"})[0]


def said_by(weir):
    """What status says of a weir of which a stage may not be as it should."""
    said = subprocess.run([BINARY, "status", "--json"], cwd=weir.folder, capture_output=True, timeout=4 * WAIT_S, check=False)
    return json.loads(said.stdout)


def is_passed(weir):
    """Lake and store have all, and raw was trimmed since: less is left of it than a round sends."""
    said = said_by(weir)
    lags = [stage["lag_bytes"] for stage in said["stages"] if stage["name"] in ("lake", "store")]
    return lags == [0, 0] and said["streams"][0]["bytes"] < 8 * BODY_BYTES


def readyz(weir):
    """What it says; nothing while a reload hands the admin's address over."""
    try:
        return str(weir.get("/readyz"))
    except ConnectionError:
        return ""


@case
def what_a_sink_that_a_reload_brought_has_not_read_is_kept(folder):
    """With `keep: 0` all goes that every reader has passed: raw does, and what the sink waits for does not."""
    sent = 50
    with Weir(folder, agents={"builds": {"type": "cdevents"}}, bus={"segment": "1MiB", "disk_max": "256MiB", "keep": "0"},
              lake={"flush": "200ms"}) as weir:
        late = folder / "gone" / "late.log"
        weir.config["sinks"] = {"late": {"type": "file", "models": ["event"], "config": {"path": str(late)}}}
        weir.write_config()
        weir.process.send_signal(signal.SIGHUP)
        eventually(lambda: "sink-late" in readyz(weir), "the new sink has nowhere to write")
        for number in range(sent):
            assert event(weir, number) == 202
            if number % 10 == 9:
                eventually(lambda: is_passed(weir), "what was read goes", 4 * WAIT_S)
        assert said_by(weir)["streams"][1]["signals"] == 2 * sent, said_by(weir)  # each an event and a run
        late.parent.mkdir()
        weir.command("flush", "--timeout", "300s")
        got = {json.loads(line)["data"]["id"] for line in late.read_text().splitlines()}
        assert got == {f"e-{number}" for number in range(sent)}, sorted(got)


run()
