"""A lake may hold signals of several streams: those of other weirs, and of this one before its streams were made anew."""
import json
import shutil
import subprocess

from blackbox import BINARY, Weir, case, run
from webhook import one

COUNTS = "SELECT (SELECT count(*) FROM raw) AS shown, (SELECT count(*) FROM raw_history) AS held, " \
         "(SELECT count(DISTINCT raw) FROM raw) AS places"
PROGRAM = """{model: "ticket", source: "desk", id: (.id | tostring), title: (.title | %s), at: "2026-03-07T12:00:00Z"}"""


class Desk(Weir):
    """A weir in a folder of its own, over the lake beside it that others write, too."""

    def __init__(self, folder):
        folder.mkdir()
        (folder / "desk.jq").write_text(PROGRAM % ".")
        super().__init__(folder, lake={"path": str(folder.parent / "lake")},
                         agents={"desk": {"type": "webhook", "token": "t", "id": "/id", "mapping": "./desk.jq"}})

    def tell(self, number):
        body = json.dumps({"id": number, "title": "Broken"}).encode()
        status, answer = self.post("/hooks/desk", body, {"Authorization": "Bearer t"})
        assert status == 202, answer

    def shout(self):
        (self.folder / "desk.jq").write_text(PROGRAM % "ascii_upcase")

    def titles(self, *store):
        rows = self.rows("query", *store, "SELECT id, title FROM ticket ORDER BY CAST(id AS INTEGER)")
        return {int(row["id"]): row["title"] for row in rows}

    def renew(self, *lost):
        """Streams and store are lost, and these; the lake is kept, and the next start makes other streams."""
        self.stop()
        for name in ("bus", *lost):
            place = self.folder / "data" / name
            shutil.rmtree(place) if place.is_dir() else place.unlink()
        for file in self.folder.glob("data/store.db*"):
            file.unlink()
        self.start()

    def replay(self, *words):
        done = subprocess.run([BINARY, "replay", "-c", str(self.folder / "weir.yaml"), *words], text=True, timeout=300,
                              capture_output=True, env=self.environment, check=False)
        assert done.returncode == 0, done
        return done.stderr


def titles(*parts):
    return {i: title for ids, title in parts for i in ids}


@case
def signals_of_two_weirs_at_the_same_position_are_two(folder):
    with Desk(folder / "one") as first, Desk(folder / "other") as second:
        for i in range(3):
            first.tell(10 + i)
            second.tell(20 + i)
        first.command("flush")
        second.command("flush")
        for weir in (first, second):
            found = one(weir, COUNTS)
            assert (found["shown"], found["held"]) == (6, 6) and found["places"] < 6, found
            assert one(weir, "SELECT count(DISTINCT bus) AS n FROM raw") == {"n": 2}


@case
def replay_takes_the_signals_of_its_own_streams_and_leaves_the_others(folder):
    with Desk(folder / "one") as first, Desk(folder / "other") as second:
        for i in range(3):
            first.tell(10 + i)
        for i in range(4):
            second.tell(20 + i)
        first.command("flush")
        second.command("flush")
        bus = one(first, "SELECT bus FROM raw WHERE body LIKE '%10%'")["bus"]
        second.shout()
        told = second.replay()
        assert "replayed: 4 signals stored" in told and f"3 raw signals in the lake are of the streams {bus}" in told, told
        both = titles((range(10, 13), "Broken"), (range(20, 24), "BROKEN"))
        assert first.titles() == second.titles() == both
        assert one(first, "SELECT count(*) AS n FROM ticket_history") == {"n": 7}
        assert first.titles("--store") == titles((range(10, 13), "Broken"))
        assert second.titles("--store") == titles((range(20, 24), "BROKEN"))
        told = first.replay("--store-only")
        assert "4 raw signals in the lake are of the streams" in told, told
        assert first.titles("--store") == titles((range(10, 13), "Broken"))


@case
def replay_takes_the_signals_of_streams_that_the_folder_had_before(folder):
    with Desk(folder / "one") as weir:
        for i in range(5):
            weir.tell(10 + i)
        weir.command("flush")
        weir.renew()
        weir.tell(20)
        weir.command("flush")
        found = one(weir, COUNTS)
        assert (found["shown"], found["held"]) == (6, 6) and found["places"] < 6, found
        weir.shout()
        told = weir.replay("--dry-run")
        assert "replayed: 6 signals stored" in told and "of the streams" not in told, told
        weir.tell(21)
        weir.replay()
        all_of_it = titles((range(10, 15), "BROKEN"), ((20,), "BROKEN"), ((21,), weir.titles()[21]))
        assert weir.titles() == weir.titles("--store") == all_of_it
        assert one(weir, "SELECT count(*) AS n FROM ticket_history") == {"n": 7}


@case
def streams_that_the_folder_does_not_know_are_its_own_once_they_are_named(folder):
    with Desk(folder / "one") as weir:
        for i in range(3):
            weir.tell(10 + i)
        weir.command("flush")
        weir.renew("lake.tables")
        weir.tell(20)
        weir.command("flush")
        told = weir.replay("--store-only")
        assert "3 raw signals in the lake are of the streams" in told, told
        assert weir.titles("--store") == titles(((20,), "Broken"))
        with (weir.folder / "data/lake.tables").open("a") as tables:
            tables.write(told.split('add the line "')[1].split('"')[0] + "\n")
        assert "of the streams" not in weir.replay("--store-only")
        assert weir.titles("--store") == weir.titles() == titles((range(10, 13), "Broken"), ((20,), "Broken"))


@case
def a_replay_tells_beforehand_which_rows_the_store_would_lose(folder):
    with Desk(folder / "one") as weir:
        for i in range(3):
            weir.tell(10 + i)
        weir.command("flush")
        weir.renew()
        weir.tell(20)
        weir.command("flush")
        weir.replay("--store-only")
        assert "in the store" not in weir.replay("--dry-run")
        weir.stop()
        (weir.folder / "data/lake.tables").unlink()
        weir.start()
        told = weir.replay("--dry-run")
        assert "in the store, ticket has 4 rows now, and then 1\n" in told and "3 raw signals in the lake are of the streams" in told, told
        assert len(weir.titles("--store")) == 4


@case
def explain_tells_signals_at_the_same_position_apart(folder):
    with Desk(folder / "one") as weir:
        weir.tell(10)
        weir.command("flush")
        weir.renew()
        weir.tell(20)
        weir.command("flush")
        raw = one(weir, "SELECT DISTINCT raw FROM raw")["raw"]
        lives = [json.loads(line) for line in weir.command("explain", "--json", f"raw/{raw}").splitlines()]
        assert [life["id"] for life in lives] == ["10", "20"] and len({life["bus"] for life in lives}) == 2, lives
        for life in lives:
            assert {fact["key"]["id"] for fact in life["facts"]} == {life["id"]}, life
            alone = [json.loads(line) for line in weir.command("explain", "--json", "ticket", "desk", life["id"]).splitlines()]
            assert alone == [life], alone
        assert f"of the streams {lives[0]['bus']}" in weir.command("explain", "10")


run()
