"""Each sink of a running weir against the real server, which is down, slow, cut off or killed meanwhile: nothing is lost,
and each fact is there once."""
import http.server
import itertools
import json
import signal
import ssl
import subprocess
import threading
import time

from blackbox import BINARY, Weir, case, eventually, run
from proxy import Proxy
from services import S3, ClickHouse, Kafka, PostgreSQL, make_certificate

AGENTS = {"github": {"type": "github", "secret": "s"}}
MODELS = ["change", "pipeline_run", "task_run"]
SEEDS = itertools.count(100)
KILLED = {"WEIR_FAILPOINT": "sink.delivered:2:kill"}  # behind the far end, before the cursor; the next life has no such point


def simulate(weir, seed, n=60):
    subprocess.run([BINARY, "simulate", "github", "--seed", str(seed), "--count", str(n), "--until", "2026-03-20T00:00:00Z",
                    "--secret", "s", "--to", f"http://127.0.0.1:{weir.port}/hooks/github"],
                   check=True, capture_output=True, timeout=120)


def facts(weir):
    return sorted({row["fact_id"] for model in MODELS for row in weir.rows("query", f"SELECT fact_id FROM {model}_history")})


def sink(kind, **config):
    return {"far": {"type": kind, "models": MODELS, "config": config}}


def reload(weir):
    before = weir.log.read_text().count("event=reload ")
    weir.write_config()
    weir.process.send_signal(signal.SIGHUP)
    eventually(lambda: weir.log.read_text().count("event=reload ") > before, "it has read the new configuration", 60)


def flush(weir):
    weir.command("flush", "--timeout", "100s")


@case
def kafka_that_is_killed_meanwhile_holds_each_fact_once(folder):
    with Kafka() as broker, Weir(folder, agents=AGENTS, sinks=sink("kafka", brokers=[broker.url], topic="facts",
                                                                   allow_auto_topic_creation=True)) as weir:
        simulate(weir, 1)
        flush(weir)
        broker.kill()
        simulate(weir, 2)
        broker.start()
        simulate(weir, 3)
        flush(weir)
        assert sorted(key for key, _ in broker.all("facts")) == facts(weir)


@case
def kafka_that_wants_tls_and_a_password_holds_each_fact_once_it_is_given_them(folder):
    right = {"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN", "sasl.username": "weir", "sasl.password": "secret"}
    with Kafka() as broker:
        right["ssl.ca.location"] = str(broker.ca)
        stranger = folder / "stranger"
        stranger.mkdir()
        other = str(make_certificate(stranger)[0])

        def given(**options):
            return sink("kafka", brokers=[broker.secure], topic="facts", allow_auto_topic_creation=True, options=options)

        with Weir(folder, agents=AGENTS, sinks=given(**right | {"sasl.password": "wrong"})) as weir:
            simulate(weir, 1)
            eventually(lambda: "Invalid username or password" in weir.log.read_text(), "the password is refused, and that is told", 60)
            weir.config["sinks"] = given(**right | {"ssl.ca.location": other})
            reload(weir)
            eventually(lambda: "certificate verify failed" in weir.log.read_text(), "another's certificate is refused", 60)
            weir.config["sinks"] = given(**right)
            reload(weir)
            simulate(weir, 2)
            flush(weir)
            assert sorted(key for key, _ in broker.all("facts")) == facts(weir)
            assert weir.rows("dead", "list") == []


@case
def postgresql_by_tls_is_written_to_when_its_certificate_is_the_one(folder):
    with PostgreSQL() as server:
        stranger = folder / "stranger"
        stranger.mkdir()
        other = make_certificate(stranger)[0]

        def given(ca, host="localhost"):
            address = server.url.replace("127.0.0.1", host)
            return sink("postgresql", uri=f"{address}?sslmode=verify-full&sslrootcert={ca}", table="facts")

        weir = Weir(folder, agents=AGENTS, sinks=given(other)).start(ready=False)
        try:
            eventually(lambda: "certificate verify failed" in weir.log.read_text(), "another's certificate is refused", 60)
            simulate(weir, 1)
            weir.config["sinks"] = given(server.ca, "127.0.0.1")
            reload(weir)
            eventually(lambda: "does not match host name" in weir.log.read_text(), "so is another's name", 60)
            weir.config["sinks"] = given(server.ca)
            reload(weir)
            flush(weir)
            assert sorted(server.sql("SELECT key FROM facts").split()) == facts(weir)
            secured = server.sql("SELECT bool_and(ssl), count(*) > 0 FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
                                 "WHERE application_name LIKE 'weir%'")
            assert secured == "t|t\n", secured
        finally:
            weir.stop()


@case
def postgresql_behind_a_line_that_is_slow_cut_and_refused_has_a_row_a_fact(folder):
    with PostgreSQL() as server, Proxy(server.port) as line:
        url = server.url.replace(str(server.port), str(line.port))
        with Weir(folder, agents=AGENTS, environment=KILLED, sinks=sink("postgresql", uri=url, table="facts")) as weir:
            simulate(weir, 1)
            eventually(lambda: "killed by signal 9" in weir.log.read_text() or simulate(weir, next(SEEDS), 5), "the sink is killed", 60)
            line.mode = "delay"
            simulate(weir, 2)
            line.reset()
            simulate(weir, 3)
            line.mode = "refuse"
            line.cut()
            simulate(weir, 4)
            line.mode = "pass"
            flush(weir)
            assert sorted(server.sql("SELECT key FROM facts").split()) == facts(weir)


@case
def objects_behind_such_a_line_hold_each_fact_once(folder):
    with S3() as server, Proxy(server.port) as line:
        made = subprocess.run(["curl", "-sf", "--aws-sigv4", "aws:amz:us-east-1:s3", "-u", f"{server.key}:{server.secret}", "-X",
                               "PUT", "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD", f"{server.url}/facts"], check=False)
        assert made.returncode == 0
        given = sink("s3", bucket="facts", endpoint=f"http://127.0.0.1:{line.port}", force_path_style=True, region="us-east-1",
                     partition="day={{.Day}}", batch_size=40, batch_age="200ms")
        keys = {"AWS_ACCESS_KEY_ID": server.key, "AWS_SECRET_ACCESS_KEY": server.secret}
        with Weir(folder, agents=AGENTS, environment=KILLED | keys, sinks=given) as weir:
            simulate(weir, 1)
            eventually(lambda: "killed by signal 9" in weir.log.read_text() or simulate(weir, next(SEEDS), 5), "the sink is killed", 60)
            line.mode = "delay"
            simulate(weir, 2)
            line.reset()
            simulate(weir, 3)
            line.mode = "refuse"
            line.cut()
            simulate(weir, 4)
            line.mode = "pass"
            flush(weir)
            objects = [path for path in (server.data / "facts").rglob("*.json") if ".sgwtmp" not in path.parts]
            ids = [json.loads(row)["id"] for path in objects for row in path.read_text().splitlines()]
            assert sorted(ids) == facts(weir), (len(ids), len(set(ids)))


@case
def clickhouse_that_is_away_meanwhile_has_a_row_a_fact(folder):
    with ClickHouse() as server:
        server.sql("CREATE TABLE facts (id String, model String, at String) ENGINE = ReplacingMergeTree ORDER BY id")
        given = sink("http", uri=server.url + "?query=INSERT%20INTO%20facts%20FORMAT%20JSONEachRow", batch_size=20,
                     encoding={"jq": '{id, model: (.type | split(".") | last), at: .time}'})
        with Weir(folder, agents=AGENTS, sinks=given) as weir:
            simulate(weir, 1)
            flush(weir)
            server.kill()
            simulate(weir, 2)
            server.start()
            flush(weir)
            assert sorted(server.sql("SELECT id FROM facts FINAL").split()) == facts(weir)
            assert sorted(server.sql("SELECT DISTINCT model FROM facts").split()) == MODELS
            assert weir.rows("dead", "list") == []


@case
def clickhouse_is_given_the_statement_of_a_window_that_a_template_makes(folder):
    begun, statement = time.time(), "INSERT INTO loads SELECT '{{ .URI }}', toUInt32({{ .Year }})"
    with ClickHouse() as server:
        server.sql("CREATE TABLE loads (uri String, year UInt32) ENGINE = ReplacingMergeTree ORDER BY uri")
        (folder / "load.yaml").write_text(json.dumps({
            "name": "load.days", "collector": {"type": "partition"}, "schedule": {"interval": "1h"},
            "source": {"type": "partition.s3", "strategy": "historic_tumbling_window", "config": {
                "bucket": "activity", "region": "us-east-1", "prefix": "events", "time": {"window": "24h"},
                "partition": "year={{.Year}}/month={{.Month}}/day={{.Day}}"}},
            "transform": {"name": "statement", "type": "template", "config": {"template": statement}},
            "sinks": {"clickhouse": {"type": "http", "config": {"uri": server.url, "headers": {"X-ClickHouse-User": "default"}}}}}))
        with Weir(folder, collectors="./load.yaml") as weir:
            eventually(lambda: weir.rows("collectors")[0]["runs"], "the last complete day is collected", 60)
            flush(weir)
            rows = server.sql("SELECT uri, year FROM loads FINAL").splitlines()
            days = [time.gmtime(at - 86400) for at in (begun, time.time())]  # midnight may lie between
            assert len(rows) == 1 and any(rows[0].endswith(
                f"//activity.s3.us-east-1.amazonaws.com/events/year={day.tm_year}/month={day.tm_mon}/day={day.tm_mday}\t{day.tm_year}") for day in days), rows
            assert weir.rows("dead", "list") == []


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    taken, asked = [], 0

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Receiver.asked += 1
        busy = Receiver.asked % 7 == 0
        if not busy:
            Receiver.taken.extend(json.loads(row)["id"] for row in body.splitlines())
        self.send_response(503 if busy else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@case
def an_http_receiver_that_is_busy_and_hangs_loses_nothing(folder):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with Proxy(server.server_address[1]) as line:
        given = sink("http", uri=f"http://127.0.0.1:{line.port}/", batch_size=20, timeout="500ms")
        with Weir(folder, agents=AGENTS, sinks=given) as weir:
            simulate(weir, 1)
            line.mode = "half-open"
            simulate(weir, 2)
            eventually(lambda: "Operation timed out" in weir.log.read_text(), "the sink gives the request up")
            line.cut()
            line.mode = "pass"
            flush(weir)
            assert sorted(set(Receiver.taken)) == facts(weir)
    server.shutdown()


@case
def a_receiver_by_tls_is_trusted_by_the_authority_that_is_named(folder):
    stranger = folder / "stranger"
    stranger.mkdir()
    other, (certificate, key) = make_certificate(stranger)[0], make_certificate(folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # who does not trust it hangs up
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Receiver.taken.clear()

    def given(**tls):
        return sink("http", uri=f"https://localhost:{server.server_address[1]}/", batch_size=20, **tls)

    with Weir(folder, agents=AGENTS, sinks=given()) as weir:
        simulate(weir, 1)
        eventually(lambda: "SSL certificate problem" in weir.log.read_text(), "the system's authorities do not know it", 60)
        weir.config["sinks"] = given(tls={"ca": str(folder / "nothing.pem")})
        reload(weir)
        eventually(lambda: "tls.ca of sink far" in weir.log.read_text(), "a file that is not there is told", 60)
        weir.config["sinks"] = given(tls={"ca": str(other)})
        reload(weir)
        told = weir.log.read_text().count("SSL certificate problem")
        eventually(lambda: weir.log.read_text().count("SSL certificate problem") > told, "another's certificate is refused", 60)
        weir.config["sinks"] = given(tls={"ca": str(certificate)})
        reload(weir)
        flush(weir)
        assert sorted(set(Receiver.taken)) == facts(weir)
        assert weir.rows("dead", "list") == []
    server.shutdown()


run()
