"""What grows in a SQLite file: each row comes once, however its column is written, and a late one within the overlap."""
import contextlib
import json
import sqlite3
import subprocess

from blackbox import BINARY, Weir, case, eventually, run


def growing(folder, sql, **block):
    return {"metric": {"name": "x", "type": "COUNT"}, "schedule": {"interval": "200ms"},
            "collector": {"invocation_strategy": "incremental"} | block,
            "source": {"type": "sqlite", "config": {"path": str(folder / "own.db"), "sql": sql}}}


def put(folder, *rows):
    with sqlite3.connect(folder / "own.db", timeout=60) as db:
        db.execute("CREATE TABLE IF NOT EXISTS seen (id INTEGER PRIMARY KEY, at, account)")
        db.executemany("INSERT INTO seen (at, account) VALUES (?, ?)", rows)
    db.close()


def listed(weir):
    words = [BINARY, "collectors", "-c", str(weir.folder / "weir.yaml"), "--json"]
    return json.loads(subprocess.run(words, capture_output=True, text=True, check=False, env=weir.environment, timeout=60).stdout)


def accounts(weir):
    weir.command("flush")
    return sorted(json.loads(r["tags"])["account"] for r in weir.rows("query", "SELECT tags FROM metric"))


def ran(weir, more):
    runs = listed(weir)["runs"]
    eventually(lambda: listed(weir)["runs"] >= runs + more, f"{more} more runs", 120)


@case
def rows_beyond_a_number_that_sql_made_come_once(folder):
    put(folder, ("2024-01-01 12:00:00", "a"), ("2024-01-01 12:00:01", "b"))
    sql = "SELECT n, account, 1 AS value FROM (SELECT strftime('%s', at) + 0 AS n, account FROM seen) WHERE n > coalesce(?1, 0)"
    with Weir(folder, collectors={"g": growing(folder, sql, column="n")}) as weir:
        eventually(lambda: listed(weir)["records"] == 2, "both are read", 60)
        ran(weir, 2)
        put(folder, ("2024-01-01 12:00:02", "c"))
        eventually(lambda: accounts(weir) == ["a", "b", "c"], "the new one, too", 60)


@case
def rows_beyond_a_part_of_a_second_come_once(folder):
    put(folder, ("2024-01-01T12:00:00Z", "a"), ("2024-01-01T12:00:00.51Z", "b"))
    sql = "SELECT at, account, 1 AS value FROM seen WHERE julianday(at) > julianday(coalesce(?1, '2000-01-01'))"
    with Weir(folder, collectors={"g": growing(folder, sql, column="at")}) as weir:
        ran(weir, 3)
        put(folder, ("2024-01-01T12:00:00.6Z", "c"))
        eventually(lambda: "c" in accounts(weir), "the new one, too", 60)
        assert accounts(weir) == ["a", "b", "c"], accounts(weir)


@case
def a_late_row_comes_within_the_overlap_of_sqlites_own_times(folder):
    put(folder, ("2024-01-03 12:00:00", "a"))
    sql = "SELECT at, account, 1 AS value FROM seen WHERE at > coalesce(?1, '')"
    with Weir(folder, collectors={"g": growing(folder, sql, column="at", overlap="48h")}) as weir:
        ran(weir, 2)
        put(folder, ("2024-01-01 12:00:01", "late"), ("2024-01-01 11:59:59", "too late"))
        eventually(lambda: "late" in accounts(weir), "the late one", 60)
        ran(weir, 2)
        assert accounts(weir) == ["a", "late"], accounts(weir)


@case
def a_state_that_knows_no_kinds_goes_on_where_it_was(folder):
    """As an earlier weir left it: of numbers, and of texts of digits, which are greater than any number."""
    put(folder, *((str(n), f"a{n}") for n in (100, 101)))
    made = {"texts": growing(folder, "SELECT at, account, 1 AS value FROM seen WHERE at > coalesce(?1, '')", column="at"),
            "numbers": growing(folder, "SELECT at + 0 AS n, account, 1 AS value FROM seen WHERE at + 0 > coalesce(?1, 0)", column="n")}

    def came():
        weir.command("flush")
        return sorted((r["collector"], r["n"]) for r in weir.rows(
            "query", "SELECT collector, count(*) AS n FROM metric_history GROUP BY ALL"))

    def kinds(sql):
        with contextlib.closing(sqlite3.connect(folder / "data" / "state.db", timeout=60)) as db, db:
            return sorted(db.execute(sql).fetchall())

    with Weir(folder, collectors=made) as weir:
        eventually(lambda: came() == [("numbers", 2), ("texts", 2)], "all is read", 60)
        eventually(lambda: len(kinds("SELECT id, kind FROM kind")) == 2, "what they are is noted", 60)
        known = kinds("SELECT id, kind FROM kind")
        assert dict(known)["texts"] != dict(known)["numbers"], known
        weir.stop()
        kinds("DROP TABLE kind")
        weir.start()
        put(folder, ("102", "a102"))
        eventually(lambda: came() == [("numbers", 3), ("texts", 3)], "the new one, once", 60)
        eventually(lambda: kinds("SELECT id, kind FROM kind") == known, "what they are is known again", 60)


@case
def an_overlap_over_what_is_no_time_is_told(folder):
    put(folder, (1704110400, "a"))
    sql = "SELECT at, account, 1 AS value FROM seen WHERE at > coalesce(?1, 0)"
    with Weir(folder, collectors={"g": growing(folder, sql, column="at", overlap="48h")}) as weir:
        eventually(lambda: listed(weir)["state"] == "failed", "it cannot go on so", 60)
        assert 'column at, "1704110400", is none' in listed(weir)["error"], listed(weir)


run()
