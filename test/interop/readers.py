"""readers.py - a lake through the eyes of others: Python's deltalake, polars, Spark, DuckDB's own reader of Delta tables.

They are compared inside DuckDB (by its C API, as nothing of weir): what each reader saw lies as plain Parquet in a folder."""
import ctypes
import json
import os
import pathlib
import subprocess

from blackbox import ROOT, Skip

HERE = pathlib.Path(__file__).resolve().parent
DEPS = ROOT / ".deps"
PYTHON = DEPS / "venv" / "bin" / "python"
SPARK = DEPS / "spark"
JARS = DEPS / "java"


def delta_extension():
    """DuckDB's reader of Delta tables."""
    found = list(DEPS.glob("venv/lib/*/site-packages/duckdb_extension_delta/extensions/*/delta.duckdb_extension"))
    if not found:
        raise Skip("no delta extension of DuckDB (tools/setup interop)")
    return found[0]


def need(*places):
    for place in places:
        if not place.exists():
            raise Skip(f"no {place.relative_to(ROOT)} (tools/setup interop)")


def program(words, timeout_s=900, stdin=None, **environment):
    """stdout of a reader's program, without the tests' own Python path."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")} | environment
    done = subprocess.run([str(word) for word in words], input=stdin, capture_output=True, text=True, check=False,
                          timeout=timeout_s, env=clean)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout


def duckdb(statements):
    """Run SQL in DuckDB itself, with its delta extension."""
    library = ctypes.CDLL(os.environ["WEIR_DUCKDB"])
    library.duckdb_result_error.restype = ctypes.c_char_p
    database, line = ctypes.c_void_p(), ctypes.c_void_p()
    options, result = ctypes.c_void_p(), ctypes.create_string_buffer(256)
    library.duckdb_create_config(ctypes.byref(options))
    assert library.duckdb_open_ext(None, ctypes.byref(database), options, None) == 0
    assert library.duckdb_connect(database, ctypes.byref(line)) == 0
    try:
        statements = f"LOAD '{delta_extension()}'; SET TimeZone = 'UTC';\n{statements}"
        assert library.duckdb_query(line, statements.encode(), result) == 0, library.duckdb_result_error(result)
    finally:
        library.duckdb_disconnect(ctypes.byref(line))
        library.duckdb_close(ctypes.byref(database))


def asked_all(folder, queries, before=""):
    """The rows of each query in DuckDB, all asked in one session."""
    outs = [folder / f"asked-{number}.json" for number in range(len(queries))]
    duckdb(f"{before}\n" + "".join(f"COPY ({query}) TO '{out}';\n" for query, out in zip(queries, outs)))
    return [[json.loads(line) for line in out.read_text().splitlines()] for out in outs]


def asked(folder, query, before=""):
    """The rows of a query in DuckDB."""
    return asked_all(folder, [query], before)[0]


def with_python(out, tables):
    """Read by deltalake and polars; the positions that deltalake finds, by table."""
    need(PYTHON)
    return json.loads(program([PYTHON, HERE / "read_deltalake.py", out, *(f"{n}={p}" for n, p in tables.items())]))


def with_spark(out, tables, views="", models=()):
    """Read by Spark, and the views it was given; the positions that it finds, by table."""
    need(SPARK, JARS)
    text = out / "views.sql"
    text.write_text(views)
    jars = ",".join(str(jar) for jar in sorted(JARS.glob("delta-*.jar")))
    said = program(["/usr/bin/python3", HERE / "read_spark.py", jars, out, text, ",".join(models),
                    *(f"{n}={p}" for n, p in tables.items())], SPARK_HOME=str(SPARK / "deps"),
                   PYTHONPATH=f"{SPARK}:{next((SPARK / 'lib').glob('py4j-*.zip'))}")
    return json.loads(said.splitlines()[-1])


def same(folder, query, files, before=""):
    """Rows of `query`, each of which must stand in the Parquet files too, as often, and no other."""
    n = asked(folder, f"""SELECT (SELECT count(*) FROM mine) AS mine, (SELECT count(*) FROM theirs) AS theirs,
        (SELECT count(*) FROM (FROM mine EXCEPT ALL FROM theirs)) AS missing,
        (SELECT count(*) FROM (FROM theirs EXCEPT ALL FROM mine)) AS added""", f"""{before}
        CREATE TABLE mine AS {query}; CREATE TABLE theirs AS FROM mine LIMIT 0;
        INSERT INTO theirs BY NAME SELECT * FROM read_parquet('{files}', hive_partitioning = false);""")[0]
    assert n["missing"] == n["added"] == 0, (files, n)
    assert n["mine"] == n["theirs"], (files, n)
    return n["mine"]


class Log:
    """What a Delta log says, replayed by nobody's code but this."""

    def __init__(self, place):
        self.files, self.position, self.operations, self.columns, self.configuration = {}, {}, [], [], {}
        for commit in sorted(pathlib.Path(place, "_delta_log").glob("*.json")):
            for action in map(json.loads, commit.read_text().splitlines()):
                self._play(action)

    def _play(self, action):
        if "add" in action:
            self.files[action["add"]["path"]] = action["add"]
        elif "remove" in action:
            self.files.pop(action["remove"]["path"], None)
        elif "txn" in action:
            self.position[action["txn"]["appId"]] = action["txn"]["version"]
        elif "metaData" in action:
            self.columns.append([c["name"] for c in json.loads(action["metaData"]["schemaString"])["fields"]])
            self.configuration = action["metaData"]["configuration"]
        elif "commitInfo" in action:
            self.operations.append(action["commitInfo"]["operation"])
