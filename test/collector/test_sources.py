"""Collectors of the four dialects over real servers: what they give, what an outage does, and Prometheus that watches weir."""
import json
import os
import subprocess

from blackbox import BINARY, Weir, case, eventually, run
from services import MariaDB, PostgreSQL, Prometheus, S3

USERS = """CREATE TABLE users (account varchar, signup_time timestamp);
INSERT INTO users SELECT unnest(ARRAY['amazon', 'google', 'amazon', 'google', 'google']), now();"""
COUNT = "SELECT account as customer, COUNT(*) as value FROM users GROUP BY account"


def invoke(folder, file, environment=None, *words):
    (folder / "one.yaml").write_text(file)
    done = subprocess.run([BINARY, "invoke", "-c", "one.yaml", *words], cwd=folder, capture_output=True, text=True, timeout=60,
                          check=False, env={**os.environ, **(environment or {})})
    assert done.returncode == 0, (done.stdout, done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def listed(weir, name):
    words = [BINARY, "collectors", "-c", str(weir.folder / "weir.yaml"), "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=weir.environment, timeout=60)
    return next(row for row in map(json.loads, done.stdout.splitlines()) if row["collector"] == name)


@case
def the_users_of_a_database_are_two_records_in_each_dialect(folder):
    with PostgreSQL() as server:
        server.sql(USERS)
        host = {"SC_PORT": str(server.port)}
        address = "postgresql://weir:secret@127.0.0.1:{{ getEnv \"SC_PORT\" }}/postgres?sslmode=disable"
        a0 = f"""
name: postgres.users
metric: {{ name: core.users.total, type: COUNT, tags: [ {{ key: env, value: prod }} ] }}
schedule: {{ interval: 30s }}
source:
  type: postgres
  config:
    uri: '{address}'
    sql: |
      {COUNT}
sinks: {{ console: {{ type: console }} }}
"""
        a = a0.replace("type: COUNT,", "type: COUNT, grain: 30s,")
        b = a0 + "collector: { type: metric }\n"
        c = b.replace("type: postgres", "type: metric.postgres")
        shapes = {}
        for name, file in {"A0": a0.replace('{{ getEnv "SC_PORT" }}', str(server.port)), "A": a, "B": b, "C": c}.items():
            records = invoke(folder, file, host)
            tag = (lambda r: r["tag.customer"]) if name == "C" else (lambda r: r["tags"]["customer"])
            assert sorted((tag(r), r["value"]) for r in records) == [("amazon", 2), ("google", 3)], (name, records)
            shapes[name] = list(records[0])
        assert shapes == {
            "A0": ["uuid", "name", "value", "type", "tags", "time"],
            "A": ["uuid", "name", "value", "type", "tags", "timestamp", "grain_datetime"],
            "B": ["uuid", "name", "value", "type", "tags", "timestamp", "window"],
            "C": ["name", "tag.customer", "tag.env", "timestamp", "type", "uuid", "value", "window"]}, shapes


@case
def what_grows_comes_once_over_an_outage(folder):
    with PostgreSQL() as server:
        server.sql("CREATE TABLE signups (id bigserial, account text); INSERT INTO signups (account) VALUES ('a'), ('b')")
        growing = {"metric": {"name": "signups", "type": "COUNT"}, "schedule": {"interval": "200ms"},
                   "collector": {"invocation_strategy": "incremental", "column": "id"},
                   "source": {"type": "postgres", "config": {"uri": server.url, "sql":
                              "SELECT id, account, 1 AS value FROM signups WHERE id > coalesce($1, 0) ORDER BY id"}}}
        with Weir(folder, collectors={"signups": growing}) as weir:
            eventually(lambda: listed(weir, "signups")["records"] == 2, "both are read")
            server.stop()
            eventually(lambda: listed(weir, "signups")["state"] == "retrying", "the server is away")
            server.start()
            server.sql("INSERT INTO signups (account) VALUES ('c'), ('d'), ('e')")
            rows = eventually(lambda: len(weir.rows("query", "SELECT * FROM metric")) == 5 and
                              weir.rows("query", "SELECT tags FROM metric"), "the others, too", 90)
            assert sorted(json.loads(r["tags"])["account"] for r in rows) == list("abcde"), rows


@case
def windows_and_what_grows_come_once_from_mysql_over_an_outage(folder):
    with MariaDB() as server:
        server.sql("CREATE TABLE signups (id bigint auto_increment primary key, account text, at datetime(6)); "
                   "INSERT INTO signups (account, at) VALUES ('a', utc_timestamp(6)), ('b', utc_timestamp(6))")
        sources = {"grown": {"sql": "SELECT id, account, 1 AS value FROM signups WHERE id > coalesce(?, 0) ORDER BY id"},
                   "windows": {"sql": "SELECT count(*) AS value FROM signups WHERE at >= ? AND at < ?", "time": {"window": "1s"}}}
        how = {"grown": {"invocation_strategy": "incremental", "column": "id"},
               "windows": {"invocation_strategy": "historic_tumbling_window"}}
        collectors = {name: {"metric": {"name": name, "type": "COUNT"}, "schedule": {"interval": "200ms"}, "collector": how[name],
                             "source": {"type": "mysql", "config": {"uri": server.url, **config}}}
                      for name, config in sources.items()}
        with Weir(folder, collectors=collectors) as weir:
            eventually(lambda: listed(weir, "grown")["records"] == 2, "both are read")
            eventually(lambda: weir.rows("query", "SELECT * FROM metric WHERE name = 'windows'"), "a window is read")
            server.stop()
            eventually(lambda: all(listed(weir, name)["state"] == "retrying" for name in sources), "the server is away")
            server.start()
            server.sql("INSERT INTO signups (account) VALUES ('c'), ('d'), ('e')")
            rows = eventually(lambda: len(weir.rows("query", "SELECT * FROM metric WHERE name = 'grown'")) == 5 and
                              weir.rows("query", "SELECT tags FROM metric WHERE name = 'grown'"), "the others, too", 90)
            assert sorted(json.loads(r["tags"])["account"] for r in rows) == list("abcde"), rows
            eventually(lambda: listed(weir, "windows")["state"] == "ok", "windows are read again", 90)
            starts = [row["at"] for row in weir.rows("query", "SELECT epoch(window_start_at) AS at FROM metric "
                                                     "WHERE name = 'windows' ORDER BY 1")]
            assert [at - starts[0] for at in starts] == list(range(len(starts))), ("a window lacks, or is there twice", starts)


@case
def a_mysql_server_without_tls_is_refused_where_tls_is_asked_for(folder):
    with MariaDB(tls=False) as server:
        collector = {"metric": {"name": "x", "type": "COUNT"}, "schedule": {"interval": "1h"}, "collector": {"type": "metric"},
                     "source": {"type": "metric.mysql", "config": {"uri": server.url, "sql": "SELECT 42 AS value"}},
                     "sinks": {"console": {"type": "console"}}}
        assert [r["value"] for r in invoke(folder, json.dumps(collector))] == [42]
        for mode in ("REQUIRED", "VERIFY_IDENTITY"):
            collector["source"]["config"]["uri"] = f"{server.url}?ssl-mode={mode}"
            (folder / "strict.yaml").write_text(json.dumps(collector))
            done = subprocess.run([BINARY, "invoke", "-c", "strict.yaml"], cwd=folder, capture_output=True, text=True, timeout=60,
                                  check=False)
            assert done.returncode == 1 and "does not support" in done.stderr and "secret" not in done.stderr, done


@case
def a_days_files_in_s3_are_counted(folder):
    with S3() as server:
        day = server.data / "team-events/activity/year=2024/month=3/day=3/hour=1"
        day.mkdir(parents=True)
        (day / "access.json").write_text("".join(json.dumps({"user_id": u, "customer_id": c}) + "\n" for u, c in
                                                 [(1, "a"), (2, "a"), (1, "a"), (3, "b")]))
        records = invoke(folder, f"""
name: daily_users
collector: {{ type: metric }}
metric: {{ name: users.daily, type: COUNT }}
schedule: {{ interval: 24h }}
source:
  type: metric.s3
  config:
    region: us-east-1
    bucket: team-events
    endpoint: '{server.url}'
    force_path_style: true
    partition: year={{{{.Year}}}}/month={{{{.Month}}}}/day={{{{.Day}}}}/**/*.json
    sql: |
      SELECT COUNT(DISTINCT user_id) as value, customer_id as customer
      FROM read_json_auto('s3://team-events/activity/{{{{.Partition}}}}') GROUP BY customer_id
sinks: {{ console: {{ type: console }} }}
""", {"AWS_ACCESS_KEY_ID": server.key, "AWS_SECRET_ACCESS_KEY": server.secret}, "--start-time", "2024-03-03T00:00:00Z")
        assert sorted((r["tag.customer"], r["value"]) for r in records) == [("a", 2), ("b", 1)], records


@case
def prometheus_watches_weir_and_weir_asks_it(folder):
    tick = {"metric": {"name": "x", "type": "COUNT"}, "schedule": {"interval": "300ms"},
            "source": {"type": "command", "config": {"run": ["echo", '{"value":1}']}}}
    weir = Weir(folder, collectors={"live": tick})
    with Prometheus(targets=[f"127.0.0.1:{weir.admin}"]) as server:
        weir.config["collectors"]["availability"] = {
            "metric": {"name": "availability", "type": "COUNT"}, "schedule": {"interval": "500ms"},
            "source": {"type": "prometheus", "config": {
                "uri": server.url + "/api/v1/query", "query": "collector_invoke_count_total{result_status_code=\"OK\"}",
                "sql": "SELECT metric->>'collector_name' AS name, value::DOUBLE AS value FROM prom_metrics "
                       "WHERE metric->>'collector_name' = 'live'"}}}
        weir.write_config()
        with weir:
            rows = eventually(lambda: weir.rows("query", "SELECT tags, value FROM metric WHERE name = 'availability'"),
                              "what Prometheus scraped comes back", 60)
            assert json.loads(rows[0]["tags"])["name"] == "live" and rows[0]["value"] >= 1, rows


run()
