"""The lake as other engines read it: the same facts as MODEL_history, the same positions, the same folded rows."""
import contextlib
import json
import re
import shutil
import subprocess
import threading
import urllib.parse

import readers
from blackbox import BINARY, ROOT, Weir, case, eventually, run

AGENTS = {"github": {"type": "github", "secret": "s"}}
SPARKS = ("change", "ticket")  # the models that Spark, which is slow, is shown
KEPT = {"compact": "forever", "vacuum": "forever"}


def simulate(weir, seed, n):
    """Deliveries of a small organisation, the same for the same seed."""
    subprocess.run([BINARY, "simulate", "github", "--seed", str(seed), "--count", str(n), "--until", "2026-03-20T00:00:00Z",
                    "--secret", "s", "--to", f"http://127.0.0.1:{weir.port}/hooks/github"],
                   check=True, capture_output=True, timeout=120)


def models_of(lake):
    return sorted(place.name for place in lake.iterdir() if (place / "_delta_log").is_dir())


class Life:
    """A lake at moments of its life: copies that all readers are shown at the end, with what weir said then."""

    def __init__(self, folder):
        self.folder, self.lake, self.moments = folder, folder / "data" / "lake", {}

    def keep(self, name, weir):
        """Remember this moment; nothing is being written."""
        shutil.copytree(self.lake, self.folder / "moments" / name)
        self.moments[name] = {model: sorted(row["fact_id"] for row in weir.rows("query", f"SELECT fact_id FROM {model}_history"))
                              for model in models_of(self.lake)}

    def keep_cut(self, name):
        """Remember what a kill has left, which all must read alike; which facts these are, nobody can say."""
        shutil.copytree(self.lake, self.folder / "moments" / name)
        self.moments[name] = {"raw": None, "ticket": None}

    def tables(self, *models):
        return {f"{name}.{model}": self.folder / "moments" / name / model
                for name, facts in self.moments.items() for model in facts if not models or model in models}

    def check(self):
        """Every reader: all rows alike, the positions of the log, the facts that weir told."""
        out = self.folder / "read"
        out.mkdir()
        found = [readers.with_python(out, self.tables()), readers.with_spark(out, self.tables(*SPARKS))]
        for name, place in self.tables().items():
            for reader in ("deltalake", "polars", "spark"):
                files = out / reader / f"{name}.parquet"
                if reader != "spark" or name in found[1]:
                    readers.same(self.folder, f"SELECT * FROM delta_scan('{place}')",
                                 f"{files}/*.parquet" if files.is_dir() else files)
            want = readers.Log(place).position
            assert want and all(positions.get(name, want) == want for positions in found), (name, want)
            moment, model = name.split(".")
            if self.moments[moment][model] is not None:
                facts = readers.asked(self.folder, f"SELECT DISTINCT fact_id FROM delta_scan('{place}') ORDER BY 1")
                assert [row["fact_id"] for row in facts] == self.moments[moment][model], name
        assert found[1].keys() == self.tables(*SPARKS).keys()


def rewritten(table, folder, change, has_column=lambda _: True):
    """Make of a table what another weir would have left: `change` of the columns of its files, and of these columns."""
    for commit in (table / "_delta_log").glob("*.json"):
        actions = [json.loads(line) for line in commit.read_text().splitlines()]
        for action in actions:
            if "metaData" in action:
                schema = json.loads(action["metaData"]["schemaString"])
                schema["fields"] = [field for field in schema["fields"] if has_column(field["name"])]
                action["metaData"]["schemaString"] = json.dumps(schema)
            elif "add" in action:
                file = table / urllib.parse.unquote(action["add"]["path"])
                readers.duckdb(f"COPY (SELECT * {change} FROM read_parquet('{file}', hive_partitioning = false)) "
                               f"TO '{folder}/other' (FORMAT parquet)")
                shutil.move(folder / "other", file)
                action["add"] |= {"size": file.stat().st_size, "tags": None, "stats": None}
        commit.write_text("".join(json.dumps(action) + "\n" for action in actions))


def with_configuration(table, configuration):
    """Have the log of the table say this, as others may have set it."""
    for commit in (table / "_delta_log").glob("*.json"):
        actions = [json.loads(line) for line in commit.read_text().splitlines()]
        for action in actions:
            action.get("metaData", {})["configuration"] = configuration
        commit.write_text("".join(json.dumps(action) + "\n" for action in actions))


def widen(life, **sections):
    """The first rows were written when the table had a column less, and no log said which columns files have bounds of."""
    with Weir(life.folder, **sections) as weir:
        simulate(weir, 1, 120)
        weir.command("flush")
    for model in models_of(life.lake):
        with_configuration(life.lake / model, {"delta.logRetentionDuration": "interval 30 days"})
    rewritten(life.lake / "change", life.folder, "EXCLUDE (labels)", lambda name: name != "labels")  # as before there was one
    with Weir(life.folder, **sections) as weir:
        for seed in (2, 3):  # twice, so that each day has files to join: those of the other program have no statistics
            simulate(weir, seed, 60)
            weir.command("flush")
        assert ["labels" in columns for columns in readers.Log(life.lake / "change").columns] == [False, True]
        log = readers.Log(life.lake / "commit")
        assert log.operations.count("SET TBLPROPERTIES") == 1
        assert log.configuration.keys() == {"delta.logRetentionDuration", "delta.dataSkippingStatsColumns"}, log.configuration
        life.keep("widened", weir)


def race(life, **sections):
    """Another program commits to a table while weir does."""
    other = threading.Thread(target=readers.program, args=(
        [readers.PYTHON, readers.HERE / "append_deltalake.py", life.lake / "ticket", 70],))
    with Weir(life.folder, **sections) as weir:
        before = len(readers.Log(life.lake / "ticket").operations)
        other.start()
        i = 0
        while other.is_alive() or i < 35:
            simulate(weir, 100 + i, 4)
            weir.command("flush")
            i += 1
        other.join()
        mine = readers.Log(life.lake / "ticket").operations[before:].count("WRITE")
        facts = weir.rows("query", "SELECT count(DISTINCT fact_id) AS n FROM ticket_history WHERE fact_id LIKE 'other-writer-%'")
        assert facts == [{"n": 70}] and mine > 70, (facts, mine)
        assert list((life.lake / "ticket" / "_delta_log").glob("*.checkpoint.parquet")), "so many commits, and no checkpoint"
        life.keep("raced", weir)


def tidy(life, **sections):
    """Small files are joined, those that were replaced are removed."""
    lake = sections.pop("lake") | {"compact": "1m", "vacuum": "0s"}
    with Weir(life.folder, lake=lake, **sections) as weir:
        def is_done():
            log = readers.Log(life.lake / "change")
            there = {str(p.relative_to(life.lake / "change")) for p in (life.lake / "change").glob("year=*/**/*.parquet")}
            return "OPTIMIZE" in log.operations and there == {urllib.parse.unquote(path) for path in log.files}
        eventually(is_done, "the files are joined and the old ones gone", 150)
        weir.command("flush")
    with Weir(life.folder, lake=lake | KEPT, **sections) as weir:  # nobody changes it any more
        life.keep("tidied", weir)


def die(life, **sections):
    """It is killed in the middle of a commit, again and again at the same place, then goes on."""
    for number, place in enumerate(("lake.staged", "lake.put", "lake.named", "lake.linked", "lake.committed")):
        weir = Weir(life.folder, environment={"WEIR_FAILPOINT": f"{place}:1:kill"}, **sections)
        weir.start(ready=False)
        eventually(lambda: weir.is_ready() or "restart" in weir.log.read_text(), "it has started or died")
        simulate(weir, 300 + number, 10)
        subprocess.run([BINARY, "flush", "-c", life.folder / "weir.yaml", "--timeout", "2s"], capture_output=True, timeout=60,
                       check=False)
        weir.kill()
        life.keep_cut(f"cut-{number}")
    with Weir(life.folder, **sections) as weir:
        weir.command("flush")
        told = weir.command("verify", status=1).splitlines()  # the store has what the narrow table never had, no more
        assert all(line.endswith("null in the lake") for line in told if line.startswith("change ")), told
        assert not any(line.startswith((*set(models_of(life.lake)) - {"change"},)) for line in told), told
        life.keep("healed", weir)


@case
def every_reader_sees_the_same_rows_and_positions_all_through_a_lakes_life(folder):
    readers.need(readers.PYTHON, readers.SPARK, readers.JARS)
    life, sections = Life(folder), {"agents": AGENTS, "lake": {"flush": "1h"} | KEPT}
    for chapter in (widen, race, tidy, die):
        chapter(life, **sections)
    life.check()



@contextlib.contextmanager
def small_lake(folder, n=60):
    """A weir whose lake has some commits of every kind of row."""
    with Weir(folder, agents=AGENTS, lake={"flush": "1h"} | KEPT) as weir:
        for seed in range(3):
            simulate(weir, seed, n)
            weir.command("flush")
        yield weir


def views(weir, dialect):
    """The views that weir prints; DuckDB's without its LOAD, which names no file."""
    return weir.command("views", "--dialect", dialect).replace("LOAD delta;", "")


@case
def a_filter_on_any_column_finds_its_rows_in_deltalake(folder):
    readers.need(readers.PYTHON)
    with small_lake(folder, 20):
        out = folder / "read"
        out.mkdir()
        readers.with_python(out, {model: folder / "data/lake" / model for model in models_of(folder / "data/lake")})


@case
def verify_misses_raw_signals_that_another_program_deleted(folder):
    readers.need(readers.PYTHON)
    with small_lake(folder, 20) as weir:
        assert weir.command("verify") == "ok\n"
        readers.program([readers.PYTHON, "-c", "import sys, deltalake\ndeltalake.DeltaTable(sys.argv[1]).delete(\"event = 'github.push'\")",
                         folder / "data/lake/raw"])
        assert "lake: table raw lacks" in weir.command("verify", status=1)


@case
def texts_that_an_older_weir_kept_without_their_quotes_are_those_of_the_store(folder):
    readers.delta_extension()
    with Weir(folder, agents={"builds": {"type": "cdevents"}}, lake={"flush": "1h"} | KEPT) as weir:
        for i, custom in enumerate(["aGk=", "1", '{"k":1}', "", {"k": 1}]):
            event = {"context": {"specversion": "0.5.1", "id": f"e{i}", "source": "/ci", "timestamp": "2026-03-07T12:00:00Z",
                                 "type": "dev.cdevents.pipelinerun.started.0.3.0"},
                     "subject": {"id": f"r{i}", "content": {"pipelineName": "p", "uri": "https://ci/1"}}, "customData": custom}
            status, answer = weir.post("/hooks/builds", json.dumps(event).encode(), {"Content-Type": "application/json"})
            assert status == 202, answer
        weir.command("flush")
    bare = "CASE WHEN starts_with(custom_data, '\"') THEN custom_data->>'$' ELSE custom_data END"
    rewritten(folder / "data/lake/event", folder, f"REPLACE ({bare} AS custom_data)")
    with Weir(folder, agents={"builds": {"type": "cdevents"}}, lake={"flush": "1h"} | KEPT) as weir:
        assert weir.command("verify") == "ok\n"
        assert weir.rows("query", "SELECT count(custom_data->>'k') AS n FROM event") == [{"n": 2}]


def without_nulls(rows):
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


@case
def the_printed_views_give_the_rows_of_the_models_in_duckdb(folder):
    readers.delta_extension()
    with small_lake(folder) as weir:
        for model in models_of(folder / "data" / "lake"):
            for view in (model, f"{model}_history"):
                sql = f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM {view} ORDER BY ALL"
                theirs = without_nulls(readers.asked(folder, sql, views(weir, "duckdb")))
                mine = without_nulls(weir.rows("query", sql))
                assert theirs == mine, (view, theirs[:1], mine[:1])
                assert mine or model == "raw" or not list((folder / "data/lake" / model).glob("year=*")), view


@case
def the_printed_views_give_the_rows_of_the_models_in_spark(folder):
    readers.need(readers.SPARK, readers.JARS)
    with small_lake(folder) as weir:
        models = models_of(folder / "data" / "lake")
        out = folder / "read"
        out.mkdir()
        shown = models + [f"{model}_history" for model in models]
        readers.with_spark(out, {}, views(weir, "spark"), shown)
        rows = {view: readers.same(folder, f"FROM {view}", f"{out}/spark-views/{view}.parquet/*.parquet",
                                   views(weir, "duckdb")) for view in shown}
        assert all(rows[model] > 0 for model in ("raw", "event", "change", "commit", "deployment", "pipeline_run")), rows


TRINO_TYPES = {"VARCHAR": "VARCHAR", "VARCHAR[]": "ARRAY(VARCHAR)", "TIMESTAMP WITH TIME ZONE": "TIMESTAMP(6) WITH TIME ZONE",
               "BIGINT": "BIGINT", "INTEGER": "INTEGER", "DOUBLE": "DOUBLE", "BOOLEAN": "BOOLEAN"}


def literal(value, kind):
    """A value as Trino writes it."""
    if value is None:
        return "NULL"
    if isinstance(value, list):
        return f"ARRAY[{', '.join(literal(item, 'VARCHAR') for item in value)}]"
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"TIMESTAMP '{value.removesuffix('+00')} UTC'"
    if kind == "VARCHAR":
        return "'" + value.replace("'", "''") + "'"
    return f"{float(value)!r}E0" if kind == "DOUBLE" else str(value).upper()


def as_values(rows, kinds):
    """A SELECT for Trino that holds these rows; kinds: DuckDB's type of each column."""
    rows = [", ".join(literal(row.get(name), kind) for name, kind in kinds.items()) for row in rows]
    rows = rows or [", ".join("NULL" for _ in kinds)]
    casts = ", ".join(f'CAST("{name}" AS {TRINO_TYPES[kind]}) AS "{name}"' for name, kind in kinds.items())
    return f"SELECT {casts} FROM (VALUES ({'), ('.join(rows)})) AS rows_of ({quoted(kinds)})"


def quoted(names):
    return ", ".join(f'"{name}"' for name in names)


def in_duckdb(folder, weir, names):
    """name: (rows, kinds) of each of these views."""
    asked = [f"FROM {name}" for name in names] + [f"SELECT column_name AS n, column_type AS t FROM (DESCRIBE {name})" for name in names]
    found = readers.asked_all(folder, asked, views(weir, "duckdb"))
    return {name: (rows, {column["n"]: column["t"] for column in kinds})
            for name, rows, kinds in zip(names, found[:len(names)], found[len(names):])}


def used_by(view, bodies):
    """The view and all that it stands on: views stand on nobody's finished model, tables on nothing."""
    found = [view]
    for name in found:
        words = [] if name.endswith("_table") else re.findall(r"\w+_(?:folded|facts|table)\b", bodies[name])
        found += [word for word in dict.fromkeys(words) if word in bodies and word not in found]
    return set(found)


@case
def the_printed_views_give_the_rows_of_the_models_in_trinos_engine(folder):
    """Trino's own parser, planner and operators, over facts given as VALUES: its Delta connector is in no package registry."""
    readers.need(readers.JARS)
    with small_lake(folder, 20) as weir:  # each value is an expression to Trino's planner
        made = re.findall(r"^CREATE OR REPLACE VIEW (\w+) AS\n(.*?);\n", views(weir, "trino"), re.S | re.M)
        models = models_of(folder / "data" / "lake")
        shown = [v for m in models if list((folder / "data/lake" / m).glob("year=*")) for v in (m, f"{m}_history")]
        known = in_duckdb(folder, weir, [f"{m}_facts" for m in models] + shown)
        ctes = {f"{m}_table": as_values(*known[f"{m}_facts"]) for m in models} | dict(made)
        statements = [f"CREATE OR REPLACE VIEW {name} AS\n{body}" for name, body in made]
        for view in shown:
            names = quoted(known[view][1])
            within = ", ".join(f"{name} AS ({ctes[name]})" for name in ctes if name in used_by(view, ctes))
            statements.append(f"""WITH {within}, expected AS ({as_values(*known[view])}) SELECT '{view}', count(*) FROM (
                SELECT {names} FROM (SELECT 1 AS side, {names} FROM {view} UNION ALL SELECT -1, {names} FROM expected)
                GROUP BY {names} HAVING sum(side) <> 0)""")
        said = readers.program(["java", "-Xmx3g", "-cp", f"{readers.JARS}/*", readers.HERE / "Trino.java"],
                               stdin="".join(f"{sql}\n;\n" for sql in statements))
        told = [line for line in said.splitlines() if not line.startswith("#")]  # a JVM's remarks on its own build
        assert told == [f"[{view}, 0]" for view in shown], told


run()
