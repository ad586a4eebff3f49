"""The lake as other engines read it: the same facts as MODEL_history, the same positions, the same folded rows."""
import ctypes
import json
import os
import subprocess

from blackbox import ROOT, Skip, Weir, case, run, sign

PYTHON = ROOT / ".deps" / "venv" / "bin" / "python"
MODELS = ("raw", "event", "change")

# runs in the virtual environment that has the other readers; prints one JSON object
READERS = r"""
import json, sys, pathlib
lake, models = pathlib.Path(sys.argv[1]), sys.argv[2:]
seen = {}
import deltalake, polars
for model in models:
    table = deltalake.DeltaTable(str(lake / model))
    ids = table.to_pyarrow_table(columns=["fact_id"]).column("fact_id").to_pylist()
    with_polars = polars.scan_delta(str(lake / model)).select("fact_id").collect()["fact_id"].to_list()
    seen[model] = {"deltalake": sorted(set(ids)), "polars": sorted(set(with_polars)), "rows": len(ids),
                   "version": table.version(), "columns": len(table.schema().fields)}
print(json.dumps(seen))
"""


def readers(folder):
    if not PYTHON.exists():
        raise Skip("no .deps/venv (tools/setup interop)")
    done = subprocess.run([PYTHON, "-c", READERS, folder / "data" / "lake", *MODELS], capture_output=True, text=True,
                          check=False, env={k: v for k, v in os.environ.items() if not k.startswith("PYTHON")})
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def post(weir, number, i):
    place = {"full_name": "acme/shop", "html_url": "https://github.com/acme/shop", "name": "shop",
             "owner": {"login": "acme"}, "default_branch": "main"}
    change = {"id": number, "number": number, "title": f"Change {i}", "state": "open", "draft": False, "merged": False,
              "url": f"https://api.github.com/repos/acme/shop/pulls/{number}", "user": {"login": "mona"},
              "html_url": f"https://github.com/acme/shop/pull/{number}", "created_at": "2026-03-07T11:00:00Z",
              "updated_at": f"2026-03-{i % 28 + 1:02d}T12:00:00Z", "closed_at": None, "merged_at": None,
              "merge_commit_sha": None, "labels": [], "requested_reviewers": [], "assignees": [], "commits": 1,
              "additions": 2, "deletions": 3, "changed_files": 1, "comments": 0,
              "base": {"ref": "main", "sha": "b" * 40, "repo": place},
              "head": {"ref": "feature", "sha": f"{i:040x}", "repo": place}}
    text = json.dumps({"action": "opened", "number": number, "repository": place, "sender": {"login": "mona"},
                       "pull_request": change}).encode()
    status, answer = weir.post("/hooks/github", text, sign("s", text) | {
        "X-GitHub-Event": "pull_request", "X-GitHub-Delivery": f"{i:08d}-0000-0000-0000-000000000000"})
    assert status == 202, answer


def history(weir, model):
    return sorted(row["fact_id"] for row in weir.rows("query", f"SELECT fact_id FROM {model}_history"))


@case
def other_readers_see_the_facts_of_many_commits_and_of_a_checkpoint(folder):
    if not PYTHON.exists():
        raise Skip("no .deps/venv (tools/setup interop)")
    with Weir(folder, agents={"github": {"type": "github", "secret": "s"}}) as weir:
        for i in range(105):  # a commit each, and so a checkpoint at the hundredth
            post(weir, i % 7 + 1, i)
            weir.command("flush")
        assert list(folder.glob("data/lake/change/_delta_log/*.checkpoint.parquet")), "a checkpoint was written"
        seen = readers(folder)
        for model in MODELS:
            mine = history(weir, model)
            assert mine, model
            assert seen[model]["deltalake"] == mine, model
            assert seen[model]["polars"] == mine, model
        for log in folder.glob("data/lake/change/_delta_log/000000000000000000[0-9][0-9].json"):
            log.unlink()  # the checkpoint alone must do
        assert readers(folder)["change"]["deltalake"] == history(weir, "change")


def duckdb(statements):
    """Run SQL in DuckDB itself, by its C API."""
    library = ctypes.CDLL(os.environ["WEIR_DUCKDB"])
    library.duckdb_result_error.restype = ctypes.c_char_p
    database, line = ctypes.c_void_p(), ctypes.c_void_p()
    options, result = ctypes.c_void_p(), ctypes.create_string_buffer(256)
    library.duckdb_create_config(ctypes.byref(options))
    assert library.duckdb_open_ext(None, ctypes.byref(database), options, None) == 0
    assert library.duckdb_connect(database, ctypes.byref(line)) == 0
    try:
        assert library.duckdb_query(line, statements.encode(), result) == 0, library.duckdb_result_error(result)
    finally:
        library.duckdb_disconnect(ctypes.byref(line))
        library.duckdb_close(ctypes.byref(database))


@case
def the_printed_views_give_the_rows_of_the_models_in_duckdb(folder):
    found = list(ROOT.glob(".deps/venv/lib/*/site-packages/duckdb_extension_delta/extensions/*/delta.duckdb_extension"))
    if not found:
        raise Skip("no delta extension of DuckDB (tools/setup interop)")
    with Weir(folder, agents={"github": {"type": "github", "secret": "s"}}) as weir:
        for i in range(30):
            post(weir, i % 7 + 1, i)
            if i % 10 == 9:
                weir.command("flush")
        views = weir.command("views").replace("LOAD delta;", f"LOAD '{found[0]}';")
        for model in ("change", "change_history", "event"):
            sql = f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM {model} ORDER BY ALL"
            duckdb(f"{views}\nCOPY ({sql}) TO '{folder}/{model}.json'")
            theirs = [json.loads(line) for line in (folder / f"{model}.json").read_text().splitlines()]
            mine = [{name: value for name, value in row.items() if value is not None} for row in weir.rows("query", sql)]
            theirs = [{name: value for name, value in row.items() if value is not None} for row in theirs]
            assert mine and theirs == mine, (model, theirs[:1], mine[:1])


run()
