"""Every source that asks over a network, through a line that refuses, delays, cuts, resets and falls silent in mid-answer: each
run ends within its limit and says why, and once the line is back every window is there, whole and once."""
import contextlib
import http.server
import json
import os
import socket
import struct
import subprocess
import threading
import time

from blackbox import BINARY, Weir, case, eventually, run
from proxy import Proxy
from services import S3, MariaDB, MongoDB, PostgreSQL, Prometheus

ROWS, PAD = 40, 400
AFTER = {"prometheus": 1000}  # bytes of answers (its own are compressed; else 6000): behind every handshake, amid the rows
LIMIT_S = 3
ROW = [{"i": i, "pad": "x" * PAD, "value": 1} for i in range(ROWS)]
FAULTS = {"refuse": False, "cut": False, "reset": False, "stall": True}  # whether the limit alone ends such a run


class Api(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = json.dumps(ROW).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def api():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
    server.daemon_threads, server.handle_error = True, lambda *_: None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def bson(document):
    """Texts, whole numbers, lists and documents; bsonspec.org."""
    def element(name, value):
        key = name.encode() + b"\0"
        if isinstance(value, int):
            return b"\x10" + key + struct.pack("<i", value)
        if isinstance(value, str):
            return b"\x02" + key + struct.pack("<i", len(value.encode()) + 1) + value.encode() + b"\0"
        if isinstance(value, list):
            return b"\x04" + key + bson({str(i): item for i, item in enumerate(value)})
        return b"\x03" + key + bson(value)
    inner = b"".join(element(name, value) for name, value in document.items())
    return struct.pack("<i", len(inner) + 5) + inner + b"\0"


def insert(port, documents):
    """Into test.rows, by one OP_MSG; mongodb.com/docs/manual/reference/mongodb-wire-protocol."""
    body = struct.pack("<iB", 0, 0) + bson({"insert": "rows", "documents": documents, "$db": "test"})
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(struct.pack("<iiii", 16 + len(body), 1, 0, 2013) + body)
        assert b"ok" in line.recv(4096)


def prepared(stack):
    """{name: (port, source)}: each gives ROWS rows, but for prometheus, which gives one of a large answer."""
    postgres, mysql, mongo = (stack.enter_context(kind()) for kind in (PostgreSQL, MariaDB, MongoDB))
    prometheus, s3, http_port = stack.enter_context(Prometheus()), stack.enter_context(S3()), stack.enter_context(api())
    insert(mongo.port, ROW)
    (s3.data / "rows").mkdir()
    (s3.data / "rows/all.json").write_text("".join(json.dumps(row) + "\n" for row in ROW))
    os.environ.update({"AWS_ACCESS_KEY_ID": s3.key, "AWS_SECRET_ACCESS_KEY": s3.secret})
    pad = f"repeat('x', {PAD}) AS pad, 1 AS value"
    return {
        "postgres": (postgres.port, {"uri": "postgresql://weir:secret@127.0.0.1:PORT/postgres?sslmode=disable", "sql":
                                     f"SELECT i, {pad} FROM generate_series(1, {ROWS}) i WHERE $1::date <= $2::date"}),
        "mysql": (mysql.port, {"uri": "mysql://weir:secret@127.0.0.1:PORT/test?ssl-mode=DISABLED", "sql":
                               f"SELECT seq AS i, {pad} FROM seq_1_to_{ROWS} WHERE ? < ?"}),
        "mongodb": (mongo.port, {"uri": "mongodb://127.0.0.1:PORT/?serverSelectionTimeoutMS=2000", "database": "test",
                                 "collection": "rows", "agg": '[{"$project": {"_id": 0}}]'}),
        "prometheus": (prometheus.port, {"uri": "http://127.0.0.1:PORT/api/v1/query_range", "query": "vector(1)", "step": "1ms",
                                         "sql": "SELECT count(*) AS value FROM prom_metrics"}),
        "http": (http_port, {"uri": "http://127.0.0.1:PORT/rows?from={{.Start}}"}),
        "s3": (s3.port, {"region": s3.region, "bucket": "rows", "endpoint": "http://127.0.0.1:PORT", "force_path_style": True,
                         "partition": "all.json", "sql": "SELECT * FROM read_json('{{.Partition}}')"}),
    }


def collectors(sources, lines):
    made = {}
    for name, (_, config) in sources.items():
        config = {key: value.replace("PORT", str(lines[name].port)) if isinstance(value, str) else value
                  for key, value in config.items()}
        made[name] = {"metric": {"name": name, "type": "COUNT"}, "schedule": {"interval": "500ms", "time_limit": f"{LIMIT_S}s"},
                      "collector": {"invocation_strategy": "historic_tumbling_window"},
                      "source": {"type": name, "config": {**config, "time": {"window": "2s"}}}}
    return made


def listed(weir):
    done = subprocess.run([BINARY, "collectors", "-c", str(weir.folder / "weir.yaml"), "--json"], text=True, check=False,
                          capture_output=True, env=weir.environment, timeout=60)  # 1 while one is red
    return {row["collector"]: row for row in map(json.loads, done.stdout.splitlines())}


def windows(weir):
    """{name: [(start, rows)]}"""
    rows = weir.rows("query", "SELECT name, CAST(epoch(CAST(window_start_at AS TIMESTAMPTZ)) AS BIGINT) AS at, count(*) AS n "
                     "FROM metric GROUP BY 1, 2 ORDER BY 1, 2")
    return {name: [(r["at"], r["n"]) for r in rows if r["name"] == name] for name in {r["name"] for r in rows}}


def whole_from_now(weir, names, what):
    """Every window up to one that began after this call, whole and once."""
    now = time.time()
    eventually(lambda: (got := windows(weir)) and all(got.get(name, [(0, 0)])[-1][0] > now for name in names), what, 60)
    for name, seen in windows(weir).items():
        starts, n = [at for at, _ in seen], 1 if name == "prometheus" else ROWS
        assert starts == list(range(starts[0], starts[-1] + 1, 2)), (what, name, "a window is lacking", starts)
        assert {rows for _, rows in seen} == {n}, (what, name, "a window is not whole", seen)
    twice = weir.rows("query", "SELECT name, count(*) - count(DISTINCT key) AS n FROM metric GROUP BY 1")
    assert all(row["n"] == 0 for row in twice), twice


@case
def every_fault_of_the_line_is_told_in_time_and_made_good_after(folder):
    with contextlib.ExitStack() as stack:
        sources = prepared(stack)
        lines = {name: stack.enter_context(Proxy(port)) for name, (port, _) in sources.items()}
        weir = stack.enter_context(Weir(folder, collectors=collectors(sources, lines)))
        whole_from_now(weir, sources, "the line is good")
        for mode, is_late in FAULTS.items():
            for name, line in lines.items():
                line.mode, line.after = mode, AFTER.get(name, 6000)
            told = {}

            def all_told(told=told, is_late=is_late):
                told.update({name: row["error"] for name, row in listed(weir).items() if row["error"]})
                return set(told) == set(sources) and all((f"longer than {LIMIT_S} s" in e) == is_late for e in told.values())
            try:
                eventually(all_told, f"{mode}: each says why it fails", 60)
            finally:
                print(f"  {mode}:", *(f"{name}: {error[:110]!r}" for name, error in sorted(told.items())), sep="\n    ")
            assert not [error for error in told.values() if "secret" in error], told
            for line in lines.values():
                line.mode = "pass"
                line.cut()
            whole_from_now(weir, sources, f"after {mode}")
        for line in lines.values():
            line.mode = "delay"
        whole_from_now(weir, sources, "delay")


run()
