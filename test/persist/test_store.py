"""The store behind a whole weir: webhooks in over HTTP, rows out of SQLite, once each, whatever is killed."""
import json
import os
import signal
import sqlite3

from blackbox import ROOT, Weir, case, eventually, run, sign

AGENTS = {"github": {"type": "github", "secret": "s3cret"}}
OPENED, CLOSED = ((ROOT / "test/golden/github" / name / "input.json").read_text() for name in ("IS1", "IS2"))


def send(weir, *numbers):
    for number in numbers:
        for payload in (CLOSED, OPENED):  # the end comes first
            body = payload.replace("issues/23", f"issues/{number}").replace('"number": 23', f'"number": {number}').encode()
            head = {"X-GitHub-Event": "issues", "X-GitHub-Delivery": f"{number}-{json.loads(body)['action']}"}
            status, answer = weir.post("/hooks/github", body, sign("s3cret", body) | head)
            assert status == 202, answer


def stored(folder, sql):
    path = folder / "data/store.db"
    if not path.exists():
        return None
    line = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    try:
        return line.execute(sql).fetchall()
    except sqlite3.OperationalError:
        return None  # not made yet
    finally:
        line.close()


TICKETS = "SELECT id, state, resolution, created_at, closed_at, assignees, agent FROM ticket ORDER BY id"
ONE = [("1", "closed", "withdrawn", "2026-03-01T08:00:00.000000Z", "2026-03-01T09:30:00.000000Z", '["rosa","omar"]', "github")]


def store_of(weir):
    return [pid for pid, line in weir.children().items() if "weir: store" in line]


@case
def two_webhooks_become_one_row_in_any_order(folder):
    with Weir(folder, agents=AGENTS) as weir:
        send(weir, 1)
        eventually(lambda: stored(folder, "SELECT count(*) FROM event") == [(2,)], "both events are there")
        assert stored(folder, TICKETS) == ONE
        send(weir, 1)
        send(weir, 2)
        eventually(lambda: stored(folder, "SELECT count(*) FROM event") == [(4,)], "those of the second are there")
        assert stored(folder, TICKETS)[:1] == ONE


@case
def a_lake_that_two_weirs_share_is_sound_to_each_and_what_it_lacks_is_a_fault(folder):
    homes = [folder / name for name in ("one", "two")]
    for home in homes:
        home.mkdir()
    with Weir(homes[0], agents=AGENTS, lake={"path": str(folder / "lake")}) as one, \
            Weir(homes[1], agents=AGENTS, lake={"path": str(folder / "lake")}) as two:
        send(one, 1, 2)
        send(two, 2, 3)
        for weir in (one, two):
            weir.command("flush")
        for weir in (one, two):
            said = weir.command("verify")
            assert said == "ok\n", said
    line = sqlite3.connect(homes[0] / "data/store.db")
    line.execute("UPDATE ticket SET id = '9' WHERE id = '2'")
    line.commit()
    line.close()
    said = one.command("verify", status=1)
    assert 'id="9" is in the store alone' in said, said


@case
def what_was_accepted_is_stored_when_it_has_stopped(folder):
    with Weir(folder, agents=AGENTS) as weir:
        send(weir, *range(100))
    assert stored(folder, "SELECT count(*), count(closed_at), count(created_at) FROM ticket") == [(100, 100, 100)]


@case
def a_killed_store_goes_on_from_its_cursor(folder):
    with Weir(folder, agents=AGENTS) as weir:
        for i in range(4):
            send(weir, *range(20 * i, 20 * i + 20))
            for pid in store_of(weir):
                os.kill(pid, signal.SIGKILL)
            eventually(lambda: store_of(weir), "the store is started again")
        eventually(lambda: stored(folder, "SELECT count(*), count(closed_at) FROM ticket") == [(80, 80)], "all tickets are there")
        assert stored(folder, "SELECT n FROM weir_rows WHERE model='ticket'") == [(80,)]


@case
def a_removed_store_is_noticed_and_made_anew_from_the_streams(folder):
    with Weir(folder, agents=AGENTS) as weir:
        send(weir, *range(5))
        weir.command("flush")
        for file in folder.glob("data/store.db*"):
            file.unlink()
        said = weir.command("verify", status=1)
        assert "store.db is not there" in said, said
        os.kill(weir.process.pid, signal.SIGUSR1)
        eventually(lambda: "store.db was removed or replaced" in weir.log.read_text(), "the store says what happened")
        eventually(lambda: stored(folder, "SELECT count(*), count(closed_at) FROM ticket") == [(5, 5)], "all are there again")
        send(weir, 5)
        weir.command("flush")
        assert stored(folder, "SELECT count(*) FROM ticket") == [(6,)]


@case
def nothing_is_put_into_a_store_that_another_file_replaced(folder):
    with Weir(folder, agents=AGENTS) as weir:
        send(weir, *range(5))
        weir.command("flush")
        for file in folder.glob("data/store.db*"):
            file.rename(folder / file.name)
        (folder / "data/store.db").write_bytes(b"")
        send(weir, 5)
        eventually(lambda: "store.db was removed or replaced" in weir.log.read_text(), "the store says what happened")
        eventually(lambda: stored(folder, "SELECT count(*) FROM ticket") == [(6,)], "all are there again")


if __name__ == "__main__":
    run()
