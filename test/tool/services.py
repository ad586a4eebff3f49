"""services.py - real servers for tests, each on a free loopback port with a scratch folder of its own.

    from services import PostgreSQL
    with PostgreSQL() as server:
        server.url            # postgresql://weir:secret@127.0.0.1:PORT/postgres
        server.stop()         # down; what it holds stays
        server.start()        # up again, at the same port

A server that cannot be had here raises blackbox.Skip with the reason. As a command, for tests in C:
`services.py NAME...` prints one line of JSON, {"NAME": URL, ...} or {"skip": reason}, and ends the servers when its
standard input ends, so that none outlives its test.
"""
import http.server
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from blackbox import ROOT, Skip, eventually, free_port

DEPS = ROOT / ".deps"
START_S = 40  # a Java server on a busy machine
STOP_S = 20
AS_NOBODY = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []


def tool(name, *elsewhere):
    """The program's path, or Skip."""
    found = shutil.which(name, path=os.pathsep.join([*map(str, elsewhere), os.environ.get("PATH", "")]))
    if not found:
        raise Skip(f"no {name} here: run tools/setup service")
    return found


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def make_certificate(folder):
    """cert.pem and key.pem for localhost, which sign themselves: paths of both."""
    tool("openssl")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate],
                   check=True, capture_output=True)
    return certificate, key


class Service:
    """A server of one process; `words` says how it is started, `is_ready` when it is."""

    environment = {}

    def __init__(self):
        self.port, self.process = free_port(), None
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-", dir="/tmp"))  # short: sockets lie in it
        self.folder.chmod(0o755)
        self.log = self.folder / "log"

    def __enter__(self):
        try:
            self.prepare()
            return self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise

    def __exit__(self, kind, error, trace):
        try:
            self.stop()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def prepare(self):
        pass

    def start(self):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.words(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**os.environ, **self.environment}, start_new_session=True)
        eventually(self.is_up, f"{type(self).__name__} answers", START_S)
        return self

    def is_up(self):
        if self.process.poll() is not None:
            raise AssertionError(f"{type(self).__name__} ended: {self.log.read_text(errors='replace')[-2000:]}")
        return self.is_ready()

    def stop(self, by=signal.SIGTERM):
        process, self.process = self.process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(by)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def kill(self):
        """As a power cut would."""
        self.stop(signal.SIGKILL)

    def certify(self, *files):
        """A certificate for localhost, `self.ca`, and its key; both, the folder and `files` readable by who runs the server."""
        self.ca, self.key_file = make_certificate(self.folder)
        if AS_NOBODY:
            for path in (self.folder, self.key_file, *files):
                shutil.chown(path, "nobody")


class PostgreSQL(Service):
    """User weir (its superuser) with password `secret` by SCRAM; TLS with the certificate `self.ca`, for localhost."""

    def prepare(self):
        found = [str(p) for p in sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
        self.initdb, self.psql = tool("initdb", *found), tool("psql", *found)
        self.postgres = tool("postgres", pathlib.Path(self.initdb).resolve().parent, *found)
        password = self.folder / "password"
        password.write_text("secret")
        self.certify(password)
        made = subprocess.run([*AS_NOBODY, self.initdb, "-D", self.folder / "data", "-U", "weir", "-A", "scram-sha-256",
                               f"--pwfile={password}", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
                              capture_output=True, text=True, cwd=self.folder)
        assert made.returncode == 0, made.stderr
        self.url = f"postgresql://weir:secret@127.0.0.1:{self.port}/postgres"

    def words(self):
        settings = ["fsync=off", "shared_buffers=32MB", "wal_level=logical", "ssl=on", f"ssl_cert_file={self.ca}",
                    f"ssl_key_file={self.key_file}"]
        return [*AS_NOBODY, self.postgres, "-D", self.folder / "data", "-k", self.folder, "-h", "127.0.0.1", "-p",
                str(self.port), *[word for setting in settings for word in ("-c", setting)]]

    def is_ready(self):
        return subprocess.run([self.psql, "-qAtX", "-d", self.url, "-c", "select 1"], capture_output=True).returncode == 0

    def stop(self, by=signal.SIGINT):  # fast: sessions are ended, not waited for
        super().stop(signal.SIGQUIT if by == signal.SIGKILL else by)  # killed, it would leave children and memory

    def sql(self, text):
        """Run statements; the answer's rows as psql -At prints them."""
        done = subprocess.run([self.psql, "-qAtX", "-v", "ON_ERROR_STOP=1", "-d", self.url], input=text,
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout


class MariaDB(Service):
    """User weir (who may do all) with password `secret`, database `test`; TLS with the certificate `self.ca`, for localhost."""

    def __init__(self, tls=True):
        super().__init__()
        self.tls = tls

    def prepare(self):
        self.mariadbd = tool("mariadbd", "/usr/sbin")
        self.client, install = tool("mariadb"), tool("mariadb-install-db")
        first = self.folder / "first.sql"
        first.write_text("CREATE DATABASE IF NOT EXISTS test;\n"
                         "CREATE USER IF NOT EXISTS weir IDENTIFIED BY 'secret';\nGRANT ALL ON *.* TO weir WITH GRANT OPTION;\n")
        self.certify(first)
        made = subprocess.run([*AS_NOBODY, install, "--no-defaults", f"--datadir={self.folder}/data", "--skip-test-db",
                               "--auth-root-authentication-method=normal", "--skip-name-resolve"],
                              capture_output=True, text=True, cwd=self.folder)
        assert made.returncode == 0, made.stdout + made.stderr
        self.url = f"mysql://weir:secret@127.0.0.1:{self.port}/test"

    def words(self):
        return [*AS_NOBODY, self.mariadbd, "--no-defaults", f"--datadir={self.folder}/data", f"--socket={self.folder}/sock",
                f"--port={self.port}", "--bind-address=127.0.0.1", f"--init-file={self.folder}/first.sql", "--skip-name-resolve",
                f"--pid-file={self.folder}/pid", "--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0",
                "--character-set-server=utf8mb4",
                *([f"--ssl-cert={self.ca}", f"--ssl-key={self.key_file}"] if self.tls else ["--skip-ssl"])]

    def asked(self, *words, **more):
        return subprocess.run([self.client, "--no-defaults", "-h127.0.0.1", f"-P{self.port}", "-uweir", "-psecret", "-NB", "test",
                               *words], capture_output=True, text=True, **more)

    def is_ready(self):
        return self.asked("-e", "select 1").returncode == 0

    def sql(self, text):
        """Run statements; the answer's rows, columns by tab."""
        done = self.asked(input=text)
        assert done.returncode == 0, done.stderr
        return done.stdout


class MongoDB(Service):
    """MongoDB's wire protocol, by mongo-java-server: in memory, without users."""

    def prepare(self):
        if not (DEPS / "mongo").is_dir():
            raise Skip("no mongo-java-server here: run tools/setup service")
        tool("java")
        self.url = f"mongodb://127.0.0.1:{self.port}"

    def words(self):
        return [tool("java"), "-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", f"{DEPS}/mongo/*",
                str(ROOT / "test/tool/Mongo.java"), str(self.port)]

    def is_ready(self):
        return "ready" in self.log.read_text(errors="replace")


class S3(Service):
    """An S3 server that checks signatures; buckets are folders of `self.data`, objects plain files in them."""

    key, secret, region = "weirtest", "weirsecret", "us-east-1"

    def prepare(self):
        self.data = self.folder / "data"
        self.data.mkdir()
        self.program = tool("versitygw", DEPS / "bin")
        self.environment = {"ROOT_ACCESS_KEY": self.key, "ROOT_SECRET_KEY": self.secret}
        self.url = f"http://127.0.0.1:{self.port}"

    def words(self):
        return [self.program, "--port", f"127.0.0.1:{self.port}", "--region", self.region, "--keep-alive", "--quiet",
                "--health", "/health", "posix", str(self.data)]

    def is_ready(self):
        return answers(self.url + "/health")


class Prometheus(Service):
    """Prometheus that scrapes `targets`, and holds `samples` (OpenMetrics text with times) from before its start."""

    def __init__(self, targets=(), samples=""):
        super().__init__()
        self.targets, self.samples = list(targets), samples

    def prepare(self):
        self.program, promtool = tool("prometheus"), tool("promtool")
        scrape = [{"job_name": "weir", "static_configs": [{"targets": self.targets}]}] if self.targets else []
        (self.folder / "prom.yml").write_text(json.dumps({"global": {"scrape_interval": "500ms", "scrape_timeout": "400ms"},
                                                          "scrape_configs": scrape}))
        if self.samples:
            (self.folder / "samples").write_text(self.samples)
            made = subprocess.run([promtool, "tsdb", "create-blocks-from", "openmetrics", self.folder / "samples",
                                   self.folder / "data"], capture_output=True, text=True)
            assert made.returncode == 0, made.stderr
        self.url = f"http://127.0.0.1:{self.port}"

    def words(self):
        return [self.program, f"--config.file={self.folder}/prom.yml", f"--storage.tsdb.path={self.folder}/data",
                "--storage.tsdb.retention.time=100y", f"--web.listen-address=127.0.0.1:{self.port}",
                "--web.enable-lifecycle", "--web.enable-remote-write-receiver", "--log.level=warn"]

    def is_ready(self):
        return answers(self.url + "/-/ready")


class Scripted:
    """An HTTP server that answers as it is told: a list of {path, status, headers, body, method, needs, wait}.

    `path` holds the query, too; `needs` are request headers without which it answers 401, `body_needs` a text that the
    request's body must hold (else 400), `wait` seconds before the answer, `cut` bytes after which it hangs up.
    """

    def __init__(self, script):
        self.script = json.loads(script)

    def __enter__(self):
        script, asked = self.script, self.asked = self.script, []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                taken = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                asked.append(self.path)
                found = [s for s in script if s["path"] == self.path and s.get("method", "GET") == self.command]
                said = found[0] if found else {"status": 404, "body": "no such page"}
                time.sleep(said.get("wait", 0))
                if any(self.headers.get(k) != v for k, v in said.get("needs", {}).items()):
                    said = {"status": 401, "body": "who are you?"}
                elif said.get("body_needs", "") not in taken:
                    said = {"status": 400, "body": "not so: " + taken}
                body = said.get("body", "")
                body = (body if isinstance(body, str) else json.dumps(body)).encode() * said.get("times", 1)
                self.send_response(said.get("status", 200))
                for name, value in {"Content-Length": str(len(body)), **said.get("headers", {})}.items():
                    self.send_header(name, value.replace("SELF", f"127.0.0.1:{self.server.server_port}"))
                self.end_headers()
                self.wfile.write(body.replace(b"SELF", b"127.0.0.1:%d" % self.server.server_port)[:said.get("cut")])
                self.close_connection = "cut" in said

            do_GET = do_POST = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # who asked has gone
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        return self

    def __exit__(self, kind, error, trace):
        self.server.shutdown()
        self.server.server_close()


class Kafka(Service):
    """A broker that is its own controller (KRaft); topics are made when they are first written to.

    At `secure` it wants TLS by the certificate `self.ca`, for localhost, and user weir with password `secret` by PLAIN
    (its SCRAM is understood by librdkafka from 2.6.1 on, which Debian 12 has not).
    """

    def prepare(self):
        self.jars = DEPS / "kafka"
        if not self.jars.is_dir():
            raise Skip("no Kafka here: run tools/setup service")
        self.url, self.secure, controller = f"127.0.0.1:{self.port}", f"localhost:{free_port()}", free_port()
        self.ca, key = make_certificate(self.folder)
        both = self.folder / "both.pem"
        both.write_text(key.read_text() + self.ca.read_text())
        login = "listener.name.secure"
        self.settings = self.folder / "server.properties"
        self.settings.write_text("\n".join(f"{name}={value}" for name, value in {
            "process.roles": "broker,controller", "node.id": 1, "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listeners": f"PLAINTEXT://{self.url},SECURE://{self.secure},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.url},SECURE://{self.secure}", "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SECURE:SASL_SSL",
            f"{login}.ssl.keystore.type": "PEM", f"{login}.ssl.keystore.location": both,
            f"{login}.sasl.enabled.mechanisms": "PLAIN",
            f"{login}.plain.sasl.jaas.config":
                'org.apache.kafka.common.security.plain.PlainLoginModule required user_weir="secret";',
            "log.dirs": self.folder / "data", "num.partitions": 3, "offsets.topic.replication.factor": 1,
            "transaction.state.log.replication.factor": 1, "transaction.state.log.min.isr": 1,
            "share.coordinator.state.topic.replication.factor": 1, "share.coordinator.state.topic.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0, "broker.session.timeout.ms": 3000,
            "broker.heartbeat.interval.ms": 500}.items()))
        subprocess.run(self.java("kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c", str(self.settings)),
                       check=True, capture_output=True, timeout=START_S)

    def java(self, *words):
        return [tool("java"), "-Xmx384m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
                "-cp", f"{self.jars}/*", *words]

    def words(self):
        self.log.write_bytes(b"")
        return self.java("kafka.Kafka", str(self.settings))

    def is_ready(self):
        return "Kafka Server started" in self.log.read_text(errors="replace")

    def all(self, topic):
        """What the topic holds: [(key, value)]."""
        done = subprocess.run(self.java(str(ROOT / "test/tool/Consume.java"), self.url, topic), capture_output=True, text=True,
                              timeout=60)
        assert done.returncode == 0, done.stderr
        return [tuple(line.split("\t", 1)) for line in done.stdout.splitlines()]


class ClickHouse(Service):
    """ClickHouse (Debian's, of 2018) with its HTTP interface, user default without a password."""

    def prepare(self):
        self.program = tool("clickhouse-server", "/usr/sbin")
        profile = "<profiles><default/></profiles><quotas><default/></quotas>"
        user = "<users><default><password/><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users>"
        (self.folder / "users.xml").write_text(f"<yandex>{profile}{user}</yandex>")
        settings = {"http_port": self.port, "tcp_port": free_port(), "listen_host": "127.0.0.1", "path": f"{self.folder}/data/",
                    "tmp_path": f"{self.folder}/data/tmp/", "mark_cache_size": 1 << 20, "users_config": "users.xml",
                    "default_profile": "default", "default_database": "default"}
        (self.folder / "config.xml").write_text(
            "<yandex><logger><level>warning</level><console>1</console></logger>" +
            "".join(f"<{name}>{value}</{name}>" for name, value in settings.items()) + "</yandex>")
        self.url = f"http://127.0.0.1:{self.port}/"

    def words(self):
        return [self.program, f"--config-file={self.folder}/config.xml"]

    def is_ready(self):
        return answers(self.url + "ping")

    def sql(self, text):
        """Run one statement; the answer's rows, columns by tab."""
        with urllib.request.urlopen(self.url, text.encode(), timeout=60) as answer:
            return answer.read().decode()


SERVICES = {"postgres": PostgreSQL, "mysql": MariaDB, "mongodb": MongoDB, "s3": S3, "kafka": Kafka, "prometheus": Prometheus,
            "http": Scripted}


def main(names):
    """Hold these servers until standard input ends; NAME=FILE gives Prometheus its samples, http its script."""
    held, urls = [], {}
    try:
        for name in names:
            name, _, given = name.partition("=")
            kind = SERVICES[name]
            words = {"samples" if kind is Prometheus else "script": pathlib.Path(given).read_text()} if given else {}
            service = kind(**words)
            held.append(service.__enter__())
            urls[name] = service.url
            urls.update({f"{name}.{k}": str(getattr(service, k)) for k in ("ca", "data") if hasattr(service, k)})
        print(json.dumps(urls), flush=True)
        sys.stdin.read()
    except Skip as reason:
        print(json.dumps({"skip": str(reason)}), flush=True)
    finally:
        for service in reversed(held):
            service.__exit__(None, None, None)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    main(sys.argv[1:])
