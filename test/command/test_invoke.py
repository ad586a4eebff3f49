"""One collector, once: what is printed, what its sinks did, and what becomes of a source that fails."""
import http.server
import json
import sqlite3
import subprocess
import threading

from blackbox import BINARY, case, run

FILE = {
    "name": "users.total",
    "collector": {"type": "metric", "invocation_strategy": "tick"},
    "metric": {"name": "core.users.total", "type": "COUNT", "tags": [{"key": "env", "value": "prod"}]},
    "schedule": {"interval": "10s"},
    "source": {"type": "metric.sqlite", "config": {
        "path": "users.db", "sql": "SELECT account AS customer, count(*) AS value FROM users GROUP BY account ORDER BY 1"}},
    "sinks": {"console": {"type": "console"}, "audit": {"type": "file", "config": {"path": "audit.log"}}},
}


def put(folder, file="users.yaml", **changes):
    with sqlite3.connect(folder / "users.db") as db:
        db.execute("CREATE TABLE IF NOT EXISTS users (account TEXT)")
        db.execute("DELETE FROM users")
        db.executemany("INSERT INTO users VALUES (?)", [("amazon",), ("google",), ("amazon",), ("google",), ("google",)])
    (folder / file).write_text(json.dumps(FILE | changes))


def invoke(folder, *words, file="users.yaml", status=0):
    done = subprocess.run([BINARY, "invoke", "-c", file, *words], cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


@case
def each_record_is_printed_once_and_given_to_each_sink(folder):
    put(folder)
    records, told = invoke(folder, "--start-time", "2026-03-07")
    assert [(r["tag.customer"], r["value"], r["tag.env"], r["window"]) for r in records] == [
        ("amazon", 2, "prod", None), ("google", 3, "prod", None)], records
    assert [json.loads(line) for line in (folder / "audit.log").read_text().splitlines()] == records
    assert told.splitlines() == ["users.total: 2 rows, 2 records", "sink console (console): 2 records", "sink audit (file): 2 records"]
    again, _ = invoke(folder, "--start-time", "2026-03-07")
    later, _ = invoke(folder, "--start-time", "2026-03-08")
    uuids = [[r["uuid"] for r in each] for each in (records, again, later)]
    assert uuids[0] == uuids[1] and uuids[0] != uuids[2], "the same moment is the same record"


@case
def a_grain_is_that_of_the_start_time_counted_as_go_does(folder):
    for grain, start, cut in (("168h", "2024-01-03T12:00:00Z", "2024-01-01T00:00:00Z"),
                              ("7h", "2024-01-01T10:10:00Z", "2024-01-01T07:00:00Z")):
        file = {key: FILE[key] for key in ("name", "sinks")} | {
            "metric": {"name": "x", "type": "COUNT", "grain": grain}, "schedule": {"interval": grain},
            "source": {"type": "command", "config": {"run": ["/bin/echo", '{"value":1}']}}}
        (folder / "users.yaml").write_text(json.dumps(file))
        records, _ = invoke(folder, "--start-time", start)
        assert [r["grain_datetime"] for r in records] == [cut], records


@case
def a_start_time_without_a_window_before_it_is_refused(folder):
    source = {"type": "metric.command", "config": {"run": ["/bin/echo", '{"value":1}'], "time": {"window": "8784h"}}}
    put(folder, collector={"type": "metric", "invocation_strategy": "historic_tumbling_window"}, source=source)
    records, told = invoke(folder, "--start-time", "0001-06-01T00:00:00Z", status=2)
    assert records == [] and "--start-time" in told and "before year 1" in told, told
    records, _ = invoke(folder, "--start-time", "0002-06-01T00:00:00Z")
    assert [r["window"] for r in records] == ["0001-01-01T00:00:00Z"], records


class Prometheus(http.server.BaseHTTPRequestHandler):
    """Says 1, and remembers what it was asked."""

    def do_GET(self):  # noqa: N802
        self.server.asked.append(self.path)
        body = b'{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@case
def a_start_time_is_prometheus_now_too(folder):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Prometheus) as server:
        server.asked = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        put(folder, source={"type": "metric.prometheus", "config": {
            "uri": f"http://127.0.0.1:{server.server_port}/api/v1/query", "query": "up", "sql": "SELECT value FROM prom_metrics"}})
        records, _ = invoke(folder, "--start-time", "2024-01-03T12:00:00Z")
        invoke(folder)
        server.shutdown()
    assert [r["value"] for r in records] == [1], records
    assert server.asked == ["/api/v1/query?query=up&time=1704283200", "/api/v1/query?query=up"], server.asked


@case
def without_a_console_the_command_prints(folder):
    put(folder, sinks={"audit": FILE["sinks"]["audit"]})
    records, _ = invoke(folder)
    assert [r["value"] for r in records] == [2, 3]


@case
def a_failure_is_told_and_is_the_exit_status(folder):
    put(folder, source={"type": "metric.sqlite", "config": {"path": "users.db", "sql": "SELECT 1 AS value FROM nobody"}})
    records, told = invoke(folder, status=1)
    assert records == [] and "no such table: nobody" in told, told
    put(folder, sinks={"console": {"type": "console"}, "audit": {"type": "file", "config": {"path": "no/such/folder/a.log"}}})
    records, told = invoke(folder, status=1)
    assert len(records) == 2 and "sink audit: not opened: open" in told and "sink console (console): 2 records" in told, told


@case
def rows_that_are_no_metric_are_set_aside_and_the_rest_goes_on(folder):
    put(folder, source={"type": "metric.sqlite", "config": {
        "path": "users.db", "sql": "SELECT 'x' AS value UNION ALL SELECT 1 UNION ALL SELECT NULL UNION ALL SELECT 9e999"}})
    records, told = invoke(folder)
    assert [r["value"] for r in records] == [1]
    assert 'row 1 is set aside: unable to parse string to float: "x"' in told and "row 4 is set aside" in told, told
    assert "4 rows, 1 record, 1 without a value" in told, told


def command(script, **schedule):
    return {"source": {"type": "metric.command", "config": {"run": ["/bin/sh", "-c", script]}}, "schedule": {"interval": "10s"} | schedule}


@case
def what_a_failed_run_gave_is_left_out(folder):
    put(folder, **command("echo '{\"n\":1,\"value\":1}'; echo '{\"n\":2,\"value\":2}'; exit 3"))
    records, told = invoke(folder, status=1)
    assert records == [] and (folder / "audit.log").read_text() == "", records
    assert "2 records of it left out" in told and "sink audit (file): 0 records" in told, told


@case
def a_run_that_takes_longer_than_its_time_is_ended(folder):
    row = "echo '{\"value\":1}'; "
    for script in (row + "sleep 1000", row + "sleep 1000 & exit 0", row + "trap '' TERM; sleep 1000 & wait; wait"):
        put(folder, **command(script, time_limit="1s"))
        records, told = invoke(folder, status=1)
        assert records == [] and "users.total: it took longer than 1 s and was ended" in told, (script, told)
        assert "asked to stop" not in told and (folder / "audit.log").read_text() == "", (script, told)


@case
def records_of_a_long_run_are_given_before_its_end(folder):
    put(folder, **command("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo \"{\\\"n\\\":$i,\\\"value\\\":1}\"; done; exit 3"))
    records, told = invoke(folder, status=1)
    assert 0 < len(records) < 20000 and "had been given to the sinks before" in told, (len(records), told)
    assert len((folder / "audit.log").read_text().splitlines()) == len(records)


@case
def of_several_one_is_named(folder):
    put(folder)
    put(folder, "other.yaml", name="others")
    words = ["-c", "other.yaml"]
    _, told = invoke(folder, *words, status=2)
    assert "which one; there are: " in told and "users.total" in told and "others" in told, told
    records, _ = invoke(folder, *words, "others")
    assert len(records) == 2
    _, told = invoke(folder, *words, "nobody", status=2)
    assert "no collector of this name" in told, told
    for file in ("this.yaml", "that.yaml"):
        put(folder, file, name="twice")
    words = ["-c", "this.yaml", "-c", "that.yaml"]
    _, told = invoke(folder, *words, "twice", status=2)
    assert "more than one collector has this name" in told and "twice@this" in told and "twice@that" in told, told


run()
