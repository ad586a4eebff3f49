"""query, verify and views over a weir that runs, and over one that does not."""
import csv
import io
import json
import os
import pty
import select
import sqlite3
import subprocess

from blackbox import BINARY, Weir, case, eventually, run
from webhook import one, post, pull_request, weir_with_github

CHANGES = ("SELECT concat((SELECT count(*) FROM change), '/', (SELECT count(*) FROM change_history), '/', "
           "(SELECT count(*) FROM raw)) AS n")


@case
def an_answer_is_complete_before_and_after_a_flush_and_when_weir_is_stopped(folder):
    with weir_with_github(folder) as weir:
        for i in range(20):
            post(weir, pull_request(i % 10 + 1, title=f"Title {i}", at=f"2026-03-07T12:{i:02d}:00Z"), i)
        eventually(lambda: one(weir, CHANGES)["n"] == "10/20/20", "the tail shows what was transformed")
        title = one(weir, "SELECT title, updated FROM (SELECT title, revised_at AS updated FROM change WHERE id = '3')")
        assert title == {"title": "Title 12", "updated": "2026-03-07T12:12:00.000000Z"}, title
        weir.command("flush")
        assert list(folder.glob("data/lake/change/year=2026/month=03/day=07/intake-0-*.parquet"))
        assert one(weir, CHANGES)["n"] == "10/20/20"
        post(weir, pull_request(11), 20)
        eventually(lambda: one(weir, CHANGES)["n"] == "11/21/21", "lake and tail together")
        assert weir.command("verify") == "ok\n"
        stored = weir.rows("query", "--store", "SELECT count(*) AS n FROM change")
        assert stored == [{"n": 11}], stored
    assert one(weir, CHANGES)["n"] == "11/21/21"
    assert weir.command("verify") == "ok\n"


@case
def a_custom_text_is_json_in_lake_and_store_alike(folder):
    sent = ["aGk=", '{"k":1}', "1", "", 'a "b"', {"k": 1}]
    with Weir(folder, agents={"builds": {"type": "cdevents"}}) as weir:
        for i, custom in enumerate(sent):
            event = {"context": {"specversion": "0.5.1", "id": f"e{i}", "source": "/ci", "timestamp": "2026-03-07T12:00:00Z",
                                 "type": "dev.cdevents.pipelinerun.started.0.3.0"},
                     "subject": {"id": f"r{i}", "content": {"pipelineName": "p", "uri": "https://ci/1"}}, "customData": custom}
            status, answer = weir.post("/hooks/builds", json.dumps(event).encode(), {"Content-Type": "application/json"})
            assert status == 202, answer
        sql = "SELECT custom_data FROM event ORDER BY id"
        for _ in range(2):  # from the tail, then from the lake
            eventually(lambda: one(weir, "SELECT count(*) AS n FROM event")["n"] == len(sent), "transformed")
            assert [json.loads(row["custom_data"]) for row in weir.rows("query", sql)] == sent
            assert one(weir, "SELECT count(custom_data->>'k') AS n FROM event") == {"n": 1}
            weir.command("flush")
        assert [json.loads(row["custom_data"]) for row in weir.rows("query", "--store", sql)] == sent
        assert weir.command("verify") == "ok\n"


@case
def rows_come_as_a_table_as_csv_and_as_json(folder):
    with weir_with_github(folder) as weir:
        post(weir, pull_request(7, title='Say "hello", world'), 1)
        eventually(lambda: one(weir, CHANGES)["n"] == "1/1/1", "transformed")
        sql = "SELECT title, number, merged_at, is_draft, [1, 2] AS list, 1.5::DECIMAL(4,2) AS d FROM change;"
        assert weir.rows("query", sql) == [{"title": 'Say "hello", world', "number": 7, "merged_at": None,
                                           "is_draft": False, "list": [1, 2], "d": 1.50}]
        table = list(csv.reader(io.StringIO(weir.command("query", "--csv", sql))))
        assert table == [["title", "number", "merged_at", "is_draft", "list", "d"],
                         ['Say "hello", world', "7", "", "false", "[1,2]", "1.50"]], table
        assert weir.command("query", "--csv", "SELECT NULL AS a, '' AS b, 'x' AS c").splitlines()[1] == ',"",x', "as COPY tells them apart"
        assert "日本 é" in weir.command("query", "SELECT '日本 é' AS u")
        lines = weir.command("query", sql).splitlines()
        assert len(lines) == 2 and lines[0].split() == "TITLE NUMBER MERGED_AT IS_DRAFT LIST D".lower().split(), lines
        assert weir.rows("query", "SELECT id FROM change UNION ALL SELECT '0' ORDER BY id") == [{"id": "0"}, {"id": "7"}]
        assert weir.command("query", "--csv", stdin="SELECT count(*) AS n FROM change") == "n\n1\n"


@case
def what_is_wrong_is_said_and_nothing_can_be_written(folder):
    with weir_with_github(folder) as weir:
        for sql, word in [("SELECT nothing FROM change", "nothing"), ("SELEC 1", "syntax"),
                          ("COPY (SELECT 1) TO 'x.csv'", "disabled"),
                          ("SELECT * FROM read_csv('/etc/passwd')", "file")]:
            done = subprocess.run([BINARY, "query", "-c", str(folder / "weir.yaml"), sql], capture_output=True, text=True,
                                  cwd=folder, check=False)
            assert done.returncode == 1 and word in done.stderr and not done.stdout, (sql, done)
        assert not (folder / "x.csv").exists()


NASTY = """DROP VIEW change|COPY (SELECT 1) TO '{lake}/x.csv'|EXPLAIN ANALYZE COPY (SELECT 1) TO '{lake}/x.csv'|ATTACH 'x.db'
INSTALL httpfs|LOAD httpfs|SET threads = 8|RESET threads|PRAGMA enable_profiling|CALL pragma_version()|CREATE TABLE t(i INT)
CREATE OR REPLACE VIEW change AS SELECT 1|CHECKPOINT|BEGIN|USE memory|PREPARE p AS SELECT 1|VACUUM|COMMENT ON VIEW change IS 'x'
INSERT INTO change VALUES (1)|UPDATE change SET id = '1'|DELETE FROM change
ALTER VIEW change RENAME TO x|EXPLAIN ANALYZE DROP VIEW change|/* SELECT */ DROP VIEW change|CREATE TEMP MACRO m() AS 1"""


@case
def only_one_statement_that_reads_is_answered(folder):
    with weir_with_github(folder) as weir:
        weir.command("flush")
        lake = folder / "data" / "lake"

        def ask(sql, *options):
            return subprocess.run([BINARY, "query", "-c", str(folder / "weir.yaml"), *options, sql], capture_output=True,
                                  text=True, cwd=folder, check=False)
        for sql in NASTY.replace("\n", "|").split("|"):
            done = ask(sql.format(lake=lake))
            assert done.returncode == 1 and "query only reads" in done.stderr and not done.stdout, (sql, done)
        for sql in ("SELECT 1; SELECT 2", "SELECT 1; DROP VIEW change", "SET threads = 1; SELECT 1"):
            done = ask(sql)
            assert done.returncode == 1 and "one statement at a time" in done.stderr and not done.stdout, (sql, done)
        for sql in ("SHOW TABLES", "DESCRIBE change", "SUMMARIZE change", "EXPLAIN SELECT 1", "VALUES (1)", "FROM change;",
                    "EXPLAIN ANALYZE SELECT 1", "EXPLAIN (FORMAT json) SELECT 1", "WITH x AS (SELECT 1) FROM x -- end",
                    "PIVOT change ON state IN ('open') USING count(*)"):
            assert ask(sql).returncode == 0, (sql, ask(sql))
        assert not list(folder.glob("**/x.*"))
        named = {row["name"] for row in weir.rows("query", "SHOW TABLES")}
        assert {"change", "change_history", "raw"} <= named, named
        assert not {name for name in named if name.endswith(("_facts", "_folded", "_tail"))}, named
        assert weir.rows("query", "SELECT count(*) AS n FROM parts.change_folded")


@case
def a_plan_is_shown_as_it_is_drawn_and_is_one_value_for_programs(folder):
    with weir_with_github(folder) as weir:
        for explain in ("EXPLAIN", "EXPLAIN ANALYZE"):
            plan = weir.command("query", f"{explain} SELECT count(*) FROM change")
            assert plan.count("\n") > 5 and not plan.endswith("\n\n") and "explain_value" not in plan, plan
            boxes = [[at for at, sign in enumerate(line) if sign == edge] for line in plan.splitlines()
                     for edge in "┌└" if edge in line]
            assert boxes and boxes[0] in boxes[1:], plan  # a box's corners stand below each other
            row, = weir.rows("query", f"{explain} SELECT count(*) FROM change")
            assert row["explain_value"].rstrip("\n") == plan.rstrip("\n") or explain == "EXPLAIN ANALYZE", (row, plan)
            assert "\n" in row["explain_value"], row
        lines = weir.command("query", "EXPLAIN SELECT 1", "--csv").splitlines()
        assert lines[0] == "explain_key,explain_value" and lines[1].startswith('physical_plan,"'), lines


@case
def verify_finds_a_flipped_byte_and_a_lost_file(folder):
    with weir_with_github(folder) as weir:
        for i in range(5):
            post(weir, pull_request(i + 1), i)
        weir.command("flush")
    assert weir.command("verify") == "ok\n"
    data = next(folder.glob("data/lake/change/year=*/**/*.parquet"))
    whole = data.read_bytes()
    data.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
    assert "checksum differs" in weir.command("verify", status=1)
    data.unlink()
    assert f"{data.name} is gone" in weir.command("verify", status=1)
    data.write_bytes(whole)
    assert weir.command("verify") == "ok\n"


def overwrite(path, at, data):
    whole = path.read_bytes()
    path.write_bytes(whole[:at] + data + whole[at + len(data):])
    return whole


@case
def verify_tells_of_a_part_that_cannot_be_read_and_checks_the_others(folder):
    with weir_with_github(folder) as weir:
        for i in range(5):
            post(weir, pull_request(i + 1), i)
        weir.command("flush")
    store, bus_id = folder / "data/store.db", folder / "data/bus/id"
    parquet = next(folder.glob("data/lake/change/year=*/**/*.parquet"))
    for damaged, data in ((store, b"garbage"), (store, bytes(100)), (bus_id, b"nonsense")):
        kept = overwrite(damaged, 0, data)
        told = weir.command("verify", status=1)
        assert f"{damaged.parent.name}/{damaged.name}" in told, (data, told)
        whole = overwrite(parquet, 100, b"damage")
        both = weir.command("verify", status=1)
        assert told.strip() in both and "checksum differs" in both, (data, both)
        parquet.write_bytes(whole)
        damaged.write_bytes(kept)
        assert weir.command("verify") == "ok\n"
    overwrite(store, 0, b"garbage")
    for words in (("status",), ("query", "--store", "SELECT 1")):
        weir.command(*words, status=1)


def change_store(folder, sql):
    with sqlite3.connect(folder / "data" / "store.db") as line:
        assert line.execute(sql).rowcount > 0, sql
    line.close()


@case
def verify_tells_which_rows_of_store_and_lake_differ(folder):
    with weir_with_github(folder) as weir:
        for i in range(15):
            post(weir, pull_request(i + 1), i)
        weir.command("flush")
    assert weir.command("verify") == "ok\n"
    key = 'change repository="github.com/acme/shop" id='
    change_store(folder, "UPDATE change SET title = 'Another' WHERE id = '3'")
    assert weir.command("verify", status=1) == f'{key}"3": title is "Another" in the store, "Add a cart" in the lake\n'
    change_store(folder, "UPDATE change SET title = 'Add a cart' WHERE id = '3'")
    change_store(folder, "UPDATE change SET id = '33' WHERE id = '3'")  # the same number of rows
    assert weir.command("verify", status=1).splitlines() == [
        f'{key}"3" is in the lake alone', f'{key}"33" is in the store alone']
    change_store(folder, "DELETE FROM change WHERE id = '33'")
    change_store(folder, "UPDATE change SET is_draft = 1")
    told = weir.command("verify", status=1).splitlines()
    assert len(told) == 11 and told[-1] == "change: 5 rows more differ", told


@case
def a_store_is_asked_one_statement_that_reads(folder):
    with weir_with_github(folder) as weir:
        post(weir, pull_request(1), 1)
        weir.command("flush")
        for sql, word in [("DELETE FROM change", "only reads"), ("ATTACH '/tmp/x.db' AS x", "only reads"),
                          ("PRAGMA journal_mode = DELETE", "only reads"), ("SELECT 1; SELECT 2", "one statement"),
                          ("CREATE TEMP TABLE t(i)", "only reads"), ("SELECT nothing FROM change", "nothing")]:
            done = subprocess.run([BINARY, "query", "--store", "-c", str(folder / "weir.yaml"), sql], capture_output=True,
                                  text=True, cwd=folder, check=False)
            assert done.returncode == 1 and word in done.stderr and not done.stdout, (sql, done)
        for sql in ("SELECT count(*) FROM commit", "SELECT count(*) AS n FROM commit AS c"):
            done = subprocess.run([BINARY, "query", "--store", "-c", str(folder / "weir.yaml"), sql], capture_output=True,
                                  text=True, cwd=folder, check=False)
            assert done.returncode == 1 and 'write "commit", in quotes' in done.stderr, done
        assert weir.rows("query", "--store", 'SELECT count(*) AS n FROM "commit"') == [{"n": 0}]
        assert weir.rows("query", "--store", "SELECT id, number, merged_at FROM change -- all") == [
            {"id": "1", "number": 1, "merged_at": None}]
        assert weir.rows("query", "--store", "PRAGMA table_info('weir_meta')")[0]["name"] == "name"
        assert weir.command("query", "--store", "--csv", "SELECT id FROM change WHERE 0;") == "id\n"


@case
def json_is_json_whatever_the_columns_are_called_and_hold(folder):
    def only_json(text):
        return json.loads(text, parse_constant=lambda word: f"no JSON: {word}", object_pairs_hook=list)

    with weir_with_github(folder) as weir:
        post(weir, pull_request(1), 1)
        weir.command("flush")
        for options in ([], ["--store"]):
            line = weir.command("query", *options, "--json", "SELECT 1e999 AS a, -1e999 AS a, 3 AS a, 4 AS a_1")
            assert only_json(line) == [("a", "inf"), ("a_2", "-inf"), ("a_3", 3), ("a_1", 4)], (options, line)


NESTED = """SELECT t, [t, NULL] AS l, {'a b': {'it''s': t}, 'n': 1} AS s, MAP {t: [t]} AS m, array_value(t, t) AS a,
    union_value(u := t) AS u, [if(false, {'t': t}, NULL), {'t': t}] AS n, row(t) AS r"""
TIMES = [("TIMESTAMPTZ '2026-03-07 12:00:00.5+01'", "2026-03-07T11:00:00.500000Z"),
         ("TIMESTAMP '2026-03-07 12:00:00'", "2026-03-07T12:00:00.000000"), ("TIMESTAMP_S '2026-03-07 12:00:00'", "2026-03-07T12:00:00.000000"),
         ("TIMESTAMP_MS '2026-03-07 12:00:00.5'", "2026-03-07T12:00:00.500000"),
         ("TIMESTAMP_NS '2026-03-07 12:00:00.123456789'", "2026-03-07T12:00:00.123456789"), ("DATE '2026-03-07'", "2026-03-07"),
         ("TIMESTAMPTZ '-infinity'", "-infinity"), ("DATE 'infinity'", "infinity")]


@case
def a_time_in_a_list_or_an_object_is_written_as_one_alone(folder):
    with weir_with_github(folder) as weir:
        for sql, text in TIMES:
            answer = one(weir, f"{NESTED} FROM (SELECT {sql} AS t)")
            assert answer == {"t": text, "l": [text, None], "s": {"a b": {"it's": text}, "n": 1}, "m": {text: [text]},
                              "a": [text, text], "u": {"u": text}, "n": [None, {"t": text}], "r": {"": text}}, (sql, answer)
        reals = one(weir, "SELECT ['nan'::DOUBLE, 'inf', '-inf', 0.5, NULL] AS l, {'x': 'inf'::FLOAT} AS s, "
                          "[9007199254740993::HUGEINT] AS h, NULL::DOUBLE[] AS n, []::DATE[] AS e")
        assert reals == {"l": ["nan", "inf", "-inf", 0.5, None], "s": {"x": "inf"}, "h": [9007199254740993], "n": None, "e": []}, reals
        table = weir.command("query", "--csv", "SELECT [TIMESTAMP '2026-03-07 12:00:00'] AS l").splitlines()
        assert table == ["l", '"[""2026-03-07T12:00:00.000000""]"'], table


@case
def a_damaged_lake_is_told_by_its_table(folder):
    with weir_with_github(folder) as weir:
        for i in range(3):
            post(weir, pull_request(i + 1), i)
        weir.command("flush")
    data = next(folder.glob("data/lake/change/year=*/**/*.parquet"))
    for broken in (b"garbage", data.read_bytes()[:200] + bytes(200) + data.read_bytes()[400:], None):
        data.unlink() if broken is None else data.write_bytes(broken)
        done = subprocess.run([BINARY, "query", "-c", str(folder / "weir.yaml"), "SELECT * FROM change"], check=False,
                              capture_output=True, text=True, cwd=folder)
        assert done.returncode == 1 and not done.stdout and len(done.stderr.splitlines()) == 1, done
        assert "table change of the lake is damaged" in done.stderr and "weir verify" in done.stderr, done
        assert f"/{data.name} is gone or" in done.stderr, done


@case
def ctrl_c_drops_an_unfinished_statement(folder):
    with weir_with_github(folder) as weir:
        weir.command("flush")
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(folder)
            os.execv(BINARY, [BINARY, "query"])
        shown = b""

        def until(text):
            nonlocal shown
            while text not in shown:
                assert select.select([terminal], [], [], 30)[0], shown
                shown += os.read(terminal, 4096)
            before, shown = shown.split(text, 1)
            return before
        for typed, answer in ((b"", b"weir> "), (b"SELECT 1\n", b"-> "), (b"\x03", b"weir> "),
                              (b"SELECT 40 + 2 AS n;\n", b"42"), (b"", b"weir> ")):
            os.write(terminal, typed)
            told = until(answer)
            assert b"rror" not in told, told
        os.write(terminal, b"\x04")
        assert os.waitpid(pid, 0)[1] == 0
        os.close(terminal)


@case
def views_are_printed_for_every_dialect(folder):
    weir = weir_with_github(folder)
    for dialect in ("duckdb", "spark", "trino"):
        sql = weir.command("views", "--dialect", dialect)
        for view in ("change", "change_history", "deployment_folded"):
            assert f"VIEW {view} AS\n" in sql, (dialect, view)
    weir.command("views", "--dialect", "oracle", status=2)


@case
def views_name_a_folder_as_each_dialect_writes_it(folder):
    weir = weir_with_github(folder, data="./it's `here`", lake={"path": "./it's `here` too"})
    assert f"delta_scan('{folder}/it''s `here` too/change');" in weir.command("views")
    assert f"delta.`{folder}/it's ``here`` too/change`;" in weir.command("views", "--dialect", "spark")
    assert "it's" not in weir.command("views", "--dialect", "trino")


@case
def a_table_shows_ten_thousand_rows_and_says_how_many_more(folder):
    with weir_with_github(folder):
        table = subprocess.run([BINARY, "query", "SELECT * FROM range(10002) AS t(i)"], capture_output=True, text=True,
                               cwd=folder, check=True, timeout=60)
        assert len(table.stdout.splitlines()) == 10001 and "and 2 rows more; --csv" in table.stderr, table.stderr
        every = subprocess.run([BINARY, "query", "--csv", "SELECT * FROM range(10002) AS t(i)"], capture_output=True,
                               text=True, cwd=folder, check=True, timeout=60)
        assert len(every.stdout.splitlines()) == 10003 and "more" not in every.stderr, every.stderr


run()
