"""explain tells one signal's whole life by any of its names; tap shows signals as they pass."""
import json
import signal
import subprocess
import threading
import time

from blackbox import BINARY, Weir, case, eventually, run, sign
from webhook import one, post, pull_request, weir_with_github

ID = "{:08d}-0000-0000-0000-000000000000"


def explain(weir, *words):
    return [json.loads(line) for line in weir.command("explain", "--json", *words).splitlines()]


def deliver(weir, event, body, delivery):
    text = json.dumps(body).encode()
    assert weir.post("/hooks/github", text, sign("s", text) | {
        "X-GitHub-Event": event, "X-GitHub-Delivery": ID.format(delivery)})[0] == 202


@case
def a_signal_is_explained_by_delivery_by_event_and_by_the_key_of_its_row(folder):
    with weir_with_github(folder) as weir:
        post(weir, pull_request(7), 1)
        eventually(lambda: one(weir, "SELECT count(*) AS n FROM change")["n"] == 1, "transformed")
        weir.command("flush")
        life = explain(weir, ID.format(1))
        assert len(life) == 1 and life[0]["outcome"] == "stored" and life[0]["agent"] == "github", life
        change = [fact for fact in life[0]["facts"] if fact["model"] == "change"]
        assert change and change[0]["key"] == {"repository": "github.com/acme/shop", "id": "7"}, life
        assert change[0]["store"] is True, change
        row = one(weir, f"SELECT id FROM read_parquet('{folder}/data/lake/{change[0]['file']}', file_row_number = true) "
                        f"WHERE file_row_number = {change[0]['row']}")
        assert row == {"id": "7"}, "the file and the row that it names hold the fact"
        event = one(weir, "SELECT id FROM event LIMIT 1")["id"]
        for words in (["raw/" + life[0]["raw"]], [event], ["change", "github.com/acme/shop", "7"], [change[0]["fact_id"]]):
            assert explain(weir, *words) == life, words
        assert "folded into the store's row" in weir.command("explain", ID.format(1))
        weir.command("explain", "never-came", status=1)
        weir.command("explain", "change", "only-a-repository", status=1)


@case
def what_gave_no_row_says_why(folder):
    with weir_with_github(folder) as weir:
        deliver(weir, "pull_request", {"action": "opened", "number": 7}, 1)
        deliver(weir, "star", {"action": "created", "sender": {"login": "mona"}}, 2)
        post(weir, pull_request(7), 3)
        eventually(lambda: one(weir, "SELECT count(*) AS n FROM change")["n"] == 1, "transformed")
        post(weir, pull_request(7), 3)
        weir.command("flush")
        dead = explain(weir, ID.format(1))[0]
        assert dead["outcome"] == "dead" and dead["dead"].startswith("dead/") and dead["why"] and dead["pointer"], dead
        assert explain(weir, dead["dead"])[0] == dead
        unmapped = explain(weir, ID.format(2))[0]
        assert (unmapped["outcome"], unmapped["why"]) == ("unmapped", "github/star/created"), unmapped
        first, second = explain(weir, ID.format(3))
        assert first["outcome"] == "stored" and second["outcome"] == "ignored", (first, second)
        assert first["raw"] in second["why"], second


@case
def a_signal_that_was_sent_again_is_explained_with_what_it_became(folder):
    (folder / "desk.jq").write_text('error("not yet")')
    with Weir(folder, agents={"desk": {"type": "webhook", "token": "t", "id": "/id", "mapping": "./desk.jq"}}) as weir:
        assert weir.post("/hooks/desk", b'{"id": "d-1"}', {"Authorization": "Bearer t"})[0] == 202
        eventually(lambda: weir.rows("dead", "list"), "it is dead")
        assert "not yet" in explain(weir, "d-1")[0]["why"]
        weir.stop()
        (folder / "desk.jq").write_text('{model: "ticket", source: "desk", id: .id, title: "T", at: "2026-03-07T12:00:00Z"}')
        weir.start()
        weir.command("dead", "retry", "--all")
        eventually(lambda: one(weir, "SELECT count(*) AS n FROM ticket")["n"] == 1, "sent again")
        weir.command("flush")
        life = explain(weir, "d-1")
        assert len(life) == 1 and life[0]["outcome"] == "stored" and life[0]["facts"][0]["store"], life
        assert explain(weir, "ticket", "desk", "d-1") == life


@case
def what_a_replay_made_of_a_dead_letter_is_stored_and_its_letter_is_to_be_closed(folder):
    (folder / "desk.jq").write_text('error("not yet")')
    with Weir(folder, agents={"desk": {"type": "webhook", "token": "t", "id": "/id", "mapping": "./desk.jq"}}) as weir:
        assert weir.post("/hooks/desk", b'{"id": "d-1"}', {"Authorization": "Bearer t"})[0] == 202
        eventually(lambda: weir.rows("dead", "list"), "it is dead")
        weir.command("flush")
        weir.stop()
        (folder / "desk.jq").write_text('{model: "ticket", source: "desk", id: .id, title: "T", at: "2026-03-07T12:00:00Z"}')
        weir.command("replay")  # no weir runs that could close it
        weir.start()
        life = explain(weir, "d-1")[0]
        assert life["outcome"] == "stored" and len(life["facts"]) == 1 and life["dead"], life
        assert f"weir dead retry {life['dead']}" in life["why"], life
        weir.command("dead", "retry", life["dead"])
        eventually(lambda: not weir.rows("dead", "list"), "it is closed")
        eventually(lambda: explain(weir, "d-1")[0]["dead"] is None, "the retry is transformed")
        assert one(weir, "SELECT count(*) AS n FROM ticket")["n"] == 1


@case
def a_dropped_letter_says_so_and_when(folder):
    with weir_with_github(folder) as weir:
        deliver(weir, "pull_request", {"action": "opened", "number": 7}, 1)
        eventually(lambda: weir.rows("dead", "list"), "it is dead")
        letter = explain(weir, ID.format(1))[0]["dead"]
        weir.command("dead", "drop", letter)
        eventually(lambda: len(explain(weir, ID.format(1))) == 2, "the drop is transformed")
        signal_, drop = explain(weir, ID.format(1))
        assert (signal_["outcome"], drop["outcome"]) == ("dropped", "dropped"), (signal_, drop)
        assert signal_["dead"] is None and f"dropped by `weir dead drop` at {drop['received_at']}" in signal_["why"], signal_
        assert signal_["received_at"] < drop["received_at"] and drop["event"] == "weir.drop", drop
        assert explain(weir, letter) == [signal_, drop], "the closed letter's id is known as well"
        first, second = weir.command("explain", letter).strip().split("\n\n")
        assert "answered" in first and "answered" not in second and "received" not in second, second
        assert "by `weir dead drop`" in second, second


@case
def signals_received_together_are_told_apart_when_some_were_sent_again(folder):
    mapping = '{model: "ticket", source: "desk", id: .id, title: "T", at: "2026-03-07T12:00:00Z"}'
    (folder / "desk.jq").write_text('if .bad then error("no") elif .skip then empty else . end | ' + mapping)
    with Weir(folder, agents={"desk": {"type": "webhook", "token": "t", "id": "/id", "mapping": "./desk.jq"}}) as weir:
        def send(number):
            body = {"id": f"d-{number}", "bad": number % 3 == 0, "skip": number % 3 == 1}
            assert weir.post("/hooks/desk", json.dumps(body).encode(), {"Authorization": "Bearer t"})[0] == 202

        sent = [0]

        def one_of_each():
            threads = [threading.Thread(target=send, args=(i,)) for i in range(sent[0], sent[0] + 24)]
            sent[0] += len(threads)
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            together = {}
            for row in weir.rows("query", "SELECT id, CAST(received_at AS VARCHAR) AS at FROM raw"):
                together.setdefault(row["at"], {}).setdefault(int(row["id"][2:]) % 3, row["id"])
            return next((kinds for kinds in together.values() if len(kinds) == 3), None)

        kinds = eventually(one_of_each, "a dead, an unmapped and a stored one are received in one moment", 120)
        weir.command("flush")
        weir.stop()
        (folder / "desk.jq").write_text('if .skip then empty else . end | ' + mapping)
        weir.start()
        weir.command("dead", "retry", "--all")
        weir.command("flush")
        lives = {kind: explain(weir, kinds[kind]) for kind in kinds}
        assert {kind: [[fact["key"]["id"] for fact in life["facts"]] for life in lives[kind]] for kind in kinds} \
            == {0: [[kinds[0]]], 1: [[]], 2: [[kinds[2]]]}, (kinds, lives)
        assert lives[1][0]["outcome"] == "unmapped", lives
        for kind in (0, 2):
            assert explain(weir, "ticket", "desk", kinds[kind]) == lives[kind]
        differing = weir.rows("replay", "--dry-run")
        assert [row["changed"] for row in differing] == [0] * len(differing) and differing, differing


@case
def a_record_of_a_collector_is_explained_by_its_uuid_and_was_answered_to_nobody(folder):
    users = {"metric": {"name": "x", "type": "COUNT"}, "schedule": {"interval": "1h"},
             "source": {"type": "command", "config": {"run": ["/bin/sh", "-c", "echo '{\"value\":3}'"]}},
             "sinks": {"audit": {"type": "file", "config": {"path": str(folder / "audit.log")}}}}
    with Weir(folder, collectors={"users": users}) as weir:
        eventually(lambda: (folder / "audit.log").exists() and (folder / "audit.log").read_text().endswith("\n"), "the sink has it")
        weir.command("flush")
        uuid, key = json.loads((folder / "audit.log").read_text().splitlines()[0])["uuid"], one(weir, "SELECT key FROM metric")["key"]
        life = explain(weir, "metric", key)
        assert len(life) == 1 and life[0]["agent"] == "users" and uuid.replace("-", "") != key, (life, uuid)
        for words in ([uuid], [uuid.replace("-", "")], [uuid.upper()], ["metric", uuid], [key]):
            assert explain(weir, *words) == life, words
        other = uuid[:-1] + ("0" if uuid[-1] != "0" else "1")
        weir.command("explain", other, status=1)
        assert "answered" not in weir.command("explain", uuid)


class Tap:
    def __init__(self, weir, *words):
        self.process = subprocess.Popen([BINARY, "tap", "-c", str(weir.folder / "weir.yaml"), *words], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert "tapping" in self.process.stderr.readline()

    def end(self, *signals):
        for number in signals:
            self.process.send_signal(number)
        try:
            out, _ = self.process.communicate(timeout=30)
        finally:
            self.process.kill()
        return self.process.returncode, [json.loads(line) for line in out.splitlines()]


@case
def a_tap_that_is_asked_to_stop_again_and_again_ends_once(folder):
    with weir_with_github(folder) as weir:
        for _ in range(5):
            tap = Tap(weir)
            until = time.monotonic() + 30
            while tap.process.poll() is None and time.monotonic() < until:
                tap.process.send_signal(signal.SIGTERM)  # also while it frees what the first one would have woken
                time.sleep(0.003)
            assert tap.end() == (0, [])


@case
def a_tap_shows_what_comes_from_now_on_and_what_was_asked_for(folder):
    with Weir(folder, agents={"github": {"type": "github", "secret": "s"}, "nobody": {"type": "cdevents"}}) as weir:
        post(weir, pull_request(1), 1)
        eventually(lambda: one(weir, "SELECT count(*) AS n FROM change")["n"] == 1, "transformed")
        changes = Tap(weir, "--model", "change", "--where", '.data.title == "Two"', "--count", "1")
        raw, others = Tap(weir, "raw", "--agent", "github", "--count", "2"), Tap(weir, "raw", "--agent", "nobody")
        post(weir, pull_request(3, title="Three"), 3)
        post(weir, pull_request(2, title="Two"), 2)
        weir.command("tap", "--where", ".data.", status=2)
        weir.command("tap", "raw", "--agent", "nosuch", status=2)
        status, lines = changes.end()
        assert status == 0 and [line["data"]["title"] for line in lines] == ["Two"], lines
        assert lines[0]["origin"].startswith("raw/intake-0:") and lines[0]["type"] == "weir.fact.change", lines
        status, lines = raw.end()
        assert status == 0 and [line["id"] for line in lines] == [ID.format(3), ID.format(2)], lines
        assert lines[1]["data"]["pull_request"]["title"] == "Two"
        assert others.end(signal.SIGINT) == (0, [])


@case
def a_tap_ends_when_its_reader_does(folder):
    with weir_with_github(folder) as weir:
        tap = Tap(weir, "raw")
        tap.process.stdout.close()
        for i in range(2):  # the first line finds the pipe closed
            post(weir, pull_request(i + 1), i)
        assert tap.process.wait(30) in (0, 1)
        tap.process.stderr.close()


run()
