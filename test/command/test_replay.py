"""replay makes the models anew from raw, beside the live ones, and switches in one step; killed anywhere, it goes on."""
import fcntl
import json
import shutil
import signal
import sqlite3
import subprocess

from blackbox import BINARY, Weir, case, eventually, run
from webhook import one, post, pull_request, weir_with_github

ROWS = "SELECT * FROM change ORDER BY id"
TICKET = """{model: "ticket", source: "desk", id: (.id | tostring), title: (.title | %s), at: "2026-03-07T12:00:00Z"}"""
PROGRAM = "if .title == null then error(\"no title\") else " + TICKET + " end"


def desk(folder, how="."):
    (folder / "desk.jq").write_text(PROGRAM % how)
    return Weir(folder, agents={"desk": {"type": "webhook", "token": "t", "id": "/id", "mapping": "./desk.jq"}})


def tell(weir, number, title="Broken", padding=0):
    body = json.dumps({"id": number, "title": title, "padding": padding * "x"}).encode()
    status, answer = weir.post("/hooks/desk", body, {"Authorization": "Bearer t"})
    assert status == 202, answer


def titles(weir, *store):
    return [row["title"] for row in weir.rows("query", *store, "SELECT title FROM ticket ORDER BY CAST(id AS INTEGER)")]


def replay(weir, *words, failpoint=None):
    environment = {**weir.environment, **({"WEIR_FAILPOINT": failpoint} if failpoint else {})}
    return subprocess.run([BINARY, "replay", "-c", str(weir.folder / "weir.yaml"), *words], text=True, timeout=120,
                          capture_output=True, env=environment, check=False)


@case
def replay_of_everything_gives_the_same_rows(folder):
    with weir_with_github(folder) as weir:
        for i in range(30):
            post(weir, pull_request(i % 10 + 1, title=f"Title {i}", at=f"2026-03-{i % 3 + 7:02d}T12:{i:02d}:00Z"), i % 25)
        weir.command("flush")
        lake, store = weir.rows("query", ROWS), weir.rows("query", "--store", ROWS)
        history = one(weir, "SELECT count(*) AS n, count(DISTINCT fact_id) AS d FROM change_history")
        same = [r for r in weir.rows("replay", "--dry-run") if r["added"] or r["removed"] or r["changed"]]
        assert same == [], same
        assert weir.command("replay") == "switched lake and store\n"
        assert weir.rows("query", ROWS) == lake and weir.rows("query", "--store", ROWS) == store
        assert one(weir, "SELECT count(*) AS n, count(DISTINCT fact_id) AS d FROM change_history") == history
        assert not (folder / "data/replay").exists()
        post(weir, pull_request(99), 99)
        eventually(lambda: one(weir, "SELECT count(*) AS n FROM change")["n"] == 11, "weir goes on")
        weir.command("flush")
        assert weir.command("verify") == "ok\n"


@case
def a_changed_mapping_shows_what_will_differ_and_then_it_does(folder):
    with desk(folder) as weir:
        for i in range(3):
            tell(weir, i, f"Broken {i}")
        weir.command("flush")
        desk(folder, "ascii_upcase")
        rows = {row["model"]: row for row in weir.rows("replay", "--dry-run")}
        ticket = rows["ticket"]
        assert (ticket["now"], ticket["then"], ticket["changed"], ticket["added"]) == (3, 3, 3, 0), ticket
        assert '"id":"0"' in ticket["first_keys"], ticket
        assert titles(weir) == titles(weir, "--store") == ["Broken 0", "Broken 1", "Broken 2"], "nothing was changed"
        tell(weir, 3, "Later")
        weir.command("replay")
        assert titles(weir) == titles(weir, "--store") == ["BROKEN 0", "BROKEN 1", "BROKEN 2", "LATER"], "of the dry run too"
        assert one(weir, "SELECT count(*) AS n FROM ticket_history")["n"] == 4, "the old facts are gone"
        weir.command("flush")
        assert weir.command("verify") == "ok\n"


@case
def a_weir_that_maps_otherwise_meanwhile_is_told_of_until_it_is_reloaded(folder):
    with desk(folder) as weir:
        tell(weir, 0)
        weir.command("flush")
        assert "kill -HUP" not in replay(weir, "--dry-run").stderr
        (folder / "desk.jq").write_text(PROGRAM % "ascii_upcase")  # no file of the configuration
        assert f"kill -HUP {weir.process.pid}, then replay again" in replay(weir, "--dry-run").stderr
        weir.process.send_signal(signal.SIGHUP)
        eventually(lambda: "kill -HUP" not in replay(weir, "--dry-run").stderr, "it was reloaded")
        tell(weir, 1)
        assert replay(weir).returncode == 0
        eventually(lambda: titles(weir) == ["BROKEN", "BROKEN"], "before and after alike")


@case
def a_store_that_was_moved_away_after_the_streams_forgot_is_filled_from_the_lake(folder):
    with weir_with_github(folder, bus={"segment": "1MiB", "keep": "0s"}, lake={"flush": "1s"}) as weir:
        standard = folder / "data/bus/standard/intake-0"
        for i in range(60):
            post(weir, pull_request(i + 1, title="x" * 60000), i)
        weir.command("flush")
        first = min(standard.glob("0*"))
        post(weir, pull_request(61), 61)
        weir.command("flush")
        eventually(lambda: not first.exists(), "the streams forget what all have taken")
        rows = weir.rows("query", "--store", ROWS)
        weir.stop()
        for file in folder.glob("data/store.db*"):
            file.unlink()
        told = weir.command("verify", status=1)
        assert "weir replay --store-only" in told, told
        weir.start(ready=False)
        eventually(lambda: "weir replay --store-only" in weir.log.read_text(), "the log says what to do")
        weir.command("flush", "--timeout", "1s", status=1)  # an empty store is not flushed to
        assert "weir replay --store-only" in weir.command("verify", status=1)
        waiting = subprocess.Popen([BINARY, "replay", "-c", str(weir.folder / "weir.yaml")], stderr=subprocess.DEVNULL)
        eventually(lambda: (folder / "data/replay").exists(), "replay waits for the store")
        waiting.terminate()
        assert waiting.wait(10) == 130
        assert weir.command("replay", "--store-only") == "filled the store from the lake\n"
        assert weir.rows("query", "--store", ROWS) == rows
        post(weir, pull_request(99), 99)
        weir.command("flush")
        assert weir.rows("query", "--store", "SELECT count(*) AS n FROM change") == [{"n": len(rows) + 1}]
        assert weir.command("verify") == "ok\n"


@case
def a_range_replays_that_alone(folder):
    with desk(folder) as weir:
        tell(weir, 0, "First")
        weir.command("flush")
        edge = one(weir, "SELECT max(received_at) + INTERVAL 1 microsecond AS t FROM raw")["t"].replace(" ", "T")
        tell(weir, 1, "Second")
        weir.command("flush")
        desk(folder, "ascii_upcase")
        assert replay(weir, "--from", edge).returncode == 0
        assert titles(weir) == titles(weir, "--store") == ["First", "SECOND"]
        wrong = replay(weir, "--agent", "nobody")
        assert wrong.returncode == 2 and 'called "nobody"' in wrong.stderr, wrong
        wrong = replay(weir, "--from", "2026-04-01", "--to", "2026-03-01")
        assert wrong.returncode == 2 and "--from must be before --to" in wrong.stderr, wrong
        assert replay(weir, "--from", "yesterday").returncode == 2
        assert titles(weir) == titles(weir, "--store") == ["First", "SECOND"]


@case
def what_is_more_than_a_chunk_is_replayed_once_each_and_goes_on_between_two(folder):
    with desk(folder) as weir:
        for i in range(30):  # of chunks of 32 MiB
            tell(weir, i, f"Broken {i}", 4 << 20)
        weir.command("flush", "--timeout", "2m")
        desk(folder, "ascii_upcase")
        assert replay(weir, failpoint="replay.chunk:2:kill").returncode == -9
        done = replay(weir)
        assert done.returncode == 0 and "goes on at chunk 2 of 4" in done.stderr, done
        assert "replayed: 30 signals stored" in done.stderr, done
        assert titles(weir) == titles(weir, "--store") == [f"BROKEN {i}" for i in range(30)]
        assert one(weir, "SELECT count(*) AS n FROM ticket_history")["n"] == 30


@case
def a_lake_of_many_days_is_replayed_with_little_memory(folder):
    program = """.id as $id | [range(60) as $i | {model: "ticket", source: "desk", id: "\\($id)-\\($i)", title: %s,
                 at: (1500000000 + ($id * 60 + $i) * 86400 | todate)}]"""
    with desk(folder) as weir:
        weir.stop()
        (folder / "desk.jq").write_text(program % '"Broken"')
        weir.start()
        for i in range(20):
            tell(weir, i)
            weir.command("flush")
        (folder / "desk.jq").write_text(program % '"BROKEN"')
        weir.config["lake"] = {"query_memory_bytes_max": "256MiB"}
        weir.write_config()
        done = replay(weir)
        assert done.returncode == 0, done.stderr
        for where in ((), ("--store",)):
            row = weir.rows("query", *where, "SELECT count(*) AS n, min(title) AS first, max(title) AS last FROM ticket")[0]
            assert row == {"n": 1200, "first": "BROKEN", "last": "BROKEN"}, row


@case
def what_came_since_a_dry_run_or_a_kill_is_replayed_too(folder):
    with desk(folder) as weir:
        tell(weir, 0, "First")
        desk(folder, "ascii_upcase")
        for number, words in ((1, {"failpoint": "replay.chunk:1:kill"}), (2, {"failpoint": "replay.switched:1:kill"}), (3, {})):
            done = replay(weir, *([] if words else ["--dry-run"]), **words)
            assert done.returncode == (-9 if words else 0), done
            tell(weir, number, "Mapped as before")
        assert replay(weir).returncode == 0
        assert titles(weir) == titles(weir, "--store") == ["FIRST"] + 3 * ["MAPPED AS BEFORE"]
        assert one(weir, "SELECT count(*) AS n FROM ticket_history")["n"] == 4
        weir.command("flush")
        assert weir.command("verify") == "ok\n"


def renew_streams(weir):
    """The streams and the store are lost, the lake is kept: the next start makes others."""
    weir.stop()
    shutil.rmtree(weir.folder / "data/bus")
    for file in weir.folder.glob("data/store.db*"):
        file.unlink()
    weir.start()


@case
def a_plan_of_other_streams_is_not_gone_on_with(folder):
    with desk(folder) as weir:
        for i in range(3):
            tell(weir, i, f"Broken {i}")
        weir.command("flush")
        assert replay(weir, "--dry-run").returncode == 0
        renew_streams(weir)
        for i in range(3, 5):
            tell(weir, i, f"Broken {i}")
        weir.command("flush")
        done = replay(weir)
        assert done.returncode == 0 and "goes on" not in done.stderr, done
        assert titles(weir) == titles(weir, "--store") == [f"Broken {i}" for i in range(5)]


@case
def rows_of_an_agent_that_is_gone_from_the_configuration_stay(folder):
    with desk(folder) as weir:
        tell(weir, 0, "First")
        weir.command("flush")
        Weir(folder, agents={"other": {"type": "webhook", "token": "t", "id": "/id", "mapping": "./desk.jq"}})
        done = replay(weir)
        assert done.returncode == 0 and 'agent "desk" is not in the configuration: what its 1 signals' in done.stderr, done
        assert titles(weir) == titles(weir, "--store") == ["First"]


@case
def without_the_lakes_table_nothing_is_switched(folder):
    with desk(folder) as weir:
        tell(weir, 0, "First")
        weir.command("flush")
    shutil.rmtree(folder / "data/lake/ticket")
    weir = desk(folder, "ascii_upcase")
    done = replay(weir)
    assert done.returncode == 1 and "no table ticket" in done.stderr, done
    assert titles(weir, "--store") == ["First"]
    with weir:
        weir.command("flush")
        assert replay(weir).returncode == 0
        assert titles(weir) == titles(weir, "--store") == ["FIRST"]


@case
def a_second_replay_says_that_one_is_under_way(folder):
    with desk(folder) as weir:
        tell(weir, 0, "First")
        weir.command("flush")
        with (folder / "data/replay.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = replay(weir)
        assert done.returncode == 1 and "another replay is under way" in done.stderr, done
        assert replay(weir).returncode == 0


@case
def killed_at_each_step_it_leaves_old_or_new_rows_and_goes_on(folder):
    with desk(folder) as weir:
        for i in range(3):
            tell(weir, i, f"Broken {i}")
        weir.command("flush")
        old, new = titles(weir), [title.upper() for title in titles(weir)]
        for step in ("made", "chunk", "filled", "swapping", "switched", "staged", "committed"):
            how = "ascii_upcase" if old[0] == "Broken 0" else "ascii_downcase | (.[:1] | ascii_upcase) + .[1:]"
            desk(folder, how)
            done = replay(weir, failpoint=f"replay.{step}:1:kill")
            assert done.returncode == -9, (step, done)
            for where in ([], ["--store"]):
                assert titles(weir, *where) in (old, new), step
            done = replay(weir)
            assert done.returncode == 0, (step, done.stderr)
            assert titles(weir) == titles(weir, "--store") == new, step
            weir.command("flush")
            assert weir.command("verify") == "ok\n", step
            old, new = new, old


@case
def what_is_dead_under_the_new_mapping_is_told_and_a_mended_letter_passes(folder):
    with desk(folder) as weir:
        tell(weir, 1, None)
        letter = eventually(lambda: weir.rows("dead", "list"), "it is dead")[0]
        assert "no title" in letter["reason"], letter
        weir.stop()
        (folder / "desk.jq").write_text(TICKET % '. // "untitled"')
        weir.start()
        assert weir.command("dead", "retry", "--all") == "retry 1\n"
        eventually(lambda: titles(weir) == ["untitled"], "it is a row")
        desk(folder)
        done = replay(weir, "--dry-run", "--json")
        assert "no title" in done.stderr, done.stderr
        row = [json.loads(line) for line in done.stdout.splitlines()][0]
        assert (row["model"], row["now"], row["removed"]) == ("ticket", 1, 1), row


@case
def a_letter_whose_signal_a_replay_has_stored_is_closed_by_it(folder):
    with desk(folder) as weir:
        for number, title in enumerate((None, None, None, None, "Told")):
            tell(weir, number, title)
        eventually(lambda: len(weir.rows("dead", "list")) == 4, "four are dead")
        first, second, third, fourth = weir.rows("dead", "list")
        weir.command("dead", "retry", first["id"])
        again = eventually(lambda: [d for d in weir.rows("dead", "list") if d["id"].startswith("dead/transform-raw-retry")],
                           "it died again")[0]
        weir.command("flush")
        weir.stop()
        (folder / "desk.jq").write_text('if .id == 3 then error("three") else ' + TICKET % '. // "untitled"' + " end")
        weir.start()
        assert replay(weir, "--dry-run").returncode == 0 and len(weir.rows("dead", "list")) == 4, "it only looks"
        done = replay(weir)
        assert done.returncode == 0 and "their signals are stored: 3\n" in done.stderr, done
        assert titles(weir) == ["untitled", "untitled", "untitled", "Told"], titles(weir)
        assert [d["id"] for d in weir.rows("dead", "list")] == [fourth["id"]]
        assert json.loads(weir.command("status", "--json"))["dead"] == 1
        for letter in (second, third, again):
            told = [json.loads(line) for line in weir.command("explain", letter["id"], "--json").splitlines()]
            outcomes = {(one["event"], one["outcome"], one["dead"]) for one in told}
            assert any(outcome == "stored" for _, outcome, _ in outcomes) and {dead for _, _, dead in outcomes} == {None}, told
            eventually(lambda: "`weir replay` stored its signal" in weir.command("explain", letter["id"]), "and it says so")
        weir.command("flush")
        assert weir.rows("replay", "--dry-run")[0]["changed"] == 0, "what closed them is no signal"
        assert weir.command("verify") == "ok\n"


@case
def without_a_weir_that_runs_the_letters_stay_open_and_that_is_told(folder):
    with desk(folder) as weir:
        tell(weir, 1, None)
        eventually(lambda: weir.rows("dead", "list"), "it is dead")
        tell(weir, 2, "Told")
        weir.command("flush")
        weir.stop()
        (folder / "desk.jq").write_text(TICKET % '. // "untitled"')
        done = replay(weir)
        assert done.returncode == 0 and "stay open, though their signals are stored: 1 (" in done.stderr, done
        assert len(weir.rows("dead", "list")) == 1 and titles(weir) == ["untitled", "Told"]
        weir.start()
        assert weir.command("dead", "retry", "--all") == "retry 1\n"
        eventually(lambda: weir.rows("dead", "list") == [], "it is closed")
        weir.command("flush")
        assert titles(weir) == titles(weir, "--store") == ["untitled", "Told"]


@case
def signals_that_come_while_it_replays_are_neither_lost_nor_counted_twice(folder):
    with desk(folder) as weir:
        for i in range(20):
            tell(weir, i)
        under_way = subprocess.Popen([BINARY, "replay", "-c", str(folder / "weir.yaml")], stdout=subprocess.DEVNULL)
        n = 20
        while under_way.poll() is None and n < 2000:
            tell(weir, n)
            n += 1
        assert under_way.wait(120) == 0
        weir.command("flush")
        with sqlite3.connect(folder / "data/store.db") as store:
            assert store.execute("SELECT count(*) FROM ticket").fetchone()[0] == n
        assert one(weir, "SELECT count(*) AS n FROM ticket_history")["n"] == n
        assert weir.command("verify") == "ok\n"


run()
