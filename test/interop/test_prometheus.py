"""Metrics of collectors in a real Prometheus: scraped from the sink's own address, or written to it."""
import json
import time
import urllib.parse
import urllib.request

from blackbox import Weir, case, eventually, free_port, run
from services import Prometheus

ROWS = ('echo \'{"value": 3, "customer": "Acme \\"1\\"", "plan.name": "gold"}\'; '
        'echo \'{"value": 0.25, "customer": "Öl & Söhne"}\'')


def collector(sink, script=ROWS, **schedule):
    return {"users": {"metric": {"name": "core.users.total", "type": "COUNT", "tags": [{"key": "env", "value": "prod"}]},
                      "schedule": schedule or {"interval": "1h"}, "sinks": [sink],
                      "source": {"type": "command", "config": {"run": ["sh", "-c", script]}}}}


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def query(server, promql, **words):
    """{labels without __name__: [time, value], or a list of them} of an instant query."""
    asked = urllib.parse.urlencode({"query": promql, **words})
    with urllib.request.urlopen(f"{server.url}/api/v1/query?{asked}", timeout=10) as answer:
        found = json.load(answer)
    assert found["status"] == "success", found
    return {tuple(sorted((k, v) for k, v in row["metric"].items() if k not in ("__name__", "instance", "job"))):
            row.get("value", row.get("values")) for row in found["data"]["result"]}


def values(server, promql, **words):
    return {labels: float(value) for labels, (_, value) in query(server, promql, **words).items()}


EXPECTED = {(("customer", 'Acme "1"'), ("env", "prod"), ("plan_name", "gold")): 3,
            (("customer", "Öl & Söhne"), ("env", "prod")): 0.25}


@case
def prometheus_scrapes_the_last_values_also_after_a_kill(folder):
    port = free_port()
    sinks = {"board": {"type": "prometheus", "config": {"listen": f"127.0.0.1:{port}", "keep": "2h"}}}
    weir = Weir(folder, collectors=collector("board"), sinks=sinks)
    with Prometheus(targets=[f"127.0.0.1:{port}"]) as server:
        try:
            weir.start()
            eventually(lambda: values(server, "core_users_total") == EXPECTED, "both series are scraped", 60)
            assert values(server, "up") == {(): 1}
            with urllib.request.urlopen(f"{server.url}/api/v1/targets/metadata?metric=core_users_total", timeout=10) as answer:
                known = json.load(answer)["data"]
            assert [(one["type"], one["help"]) for one in known] == [("gauge", "The last value of core.users.total.")], known
            weir.kill()
            eventually(lambda: values(server, "up") == {(): 0}, "nobody answers")
            assert values(server, "core_users_total") == {}, "Prometheus itself marks them stale"
            weir.config["collectors"]["users"]["source"]["config"]["run"] = ["sh", "-c", "exit 1"]
            weir.write_config()
            weir.start()
            eventually(lambda: values(server, "core_users_total") == EXPECTED, "they are there again, and no run gave them", 60)
        finally:
            if weir.process:
                weir.stop()


def minutes(**how):
    """A collector of windows of a minute: each one's figure is its begin."""
    told = collector("far", 'echo "{\\"value\\": $(date -d "$WEIR_START" +%s)}"', **how)
    told["users"]["collector"] = {"invocation_strategy": "historic_tumbling_window"}
    told["users"]["source"]["config"]["time"] = {"window": "1m"}
    return told


def remote(server, **config):
    return {"far": {"type": "prometheus_remote_write", "config": {"uri": f"{server.url}/api/v1/write", **config}}}


def samples(server, promql):
    """{time: value} of the one series that this selects, without repetition."""
    [found] = query(server, promql).values()
    times = [float(at) for at, _ in found]
    assert times == sorted(set(times)), times
    return {at: float(value) for at, value in found}


@case
def what_is_written_to_prometheus_is_there_with_its_time(folder):
    with Prometheus() as server, Weir(folder, collectors=collector("far"), sinks=remote(server)) as weir:
        eventually(lambda: values(server, "core_users_total") == EXPECTED, "both series are written", 60)
        rows = weir.rows("query", "SELECT epoch(received_at) AS at FROM metric")
        for at, _ in query(server, "timestamp(core_users_total)").values():
            assert abs(at - rows[0]["at"]) < 3600, (at, rows)
        assert weir.rows("dead", "list") == []


@case
def windows_missed_while_prometheus_was_down_are_there_once_each_at_its_end(folder):
    with Prometheus() as server:
        weir = Weir(folder, collectors=minutes(interval="1s"), sinks=remote(server))
        server.stop()
        weir.start(ready=False)  # red while its receiver is away
        try:
            eventually(lambda: "the same is tried again" in weir.log.read_text(), "it waits", 60)
            server.start()
            weir.command("flush", "--timeout", "100s")
        finally:
            weir.stop()
        found = samples(server, "core_users_total[1h]")
        assert found and all(value == at - 60 for at, value in found.items()), found
        (folder / "data/sinks/far.json").unlink()  # as if it was killed before it had written its cursors
        with weir:
            weir.command("flush", "--timeout", "100s")
            assert weir.rows("dead", "list") == []
            again = samples(server, "core_users_total[1h]")
            assert found.items() <= again.items() and all(value == at - 60 for at, value in again.items()), again


@case
def what_prometheus_refuses_for_good_is_a_dead_letter_in_its_words(folder):
    with Prometheus() as server, Weir(folder, collectors=minutes(interval="1h"), sinks=remote(server)) as weir:
        eventually(lambda: query(server, "core_users_total"), "the last window is written", 60)
        [last] = samples(server, "core_users_total[1h]")
        day = 24 * 3600
        weir.command("backfill", "users", "--from", stamp(last - 3 * day), "--to", stamp(last - 3 * day + 120))
        weir.command("flush", "--timeout", "100s")
        dead = weir.rows("dead", "list")
        assert [letter["stage"] for letter in dead] == ["sink-far"] * 2, dead
        assert all("HTTP 400" in letter["reason"] and "out of bounds" in letter["reason"] for letter in dead), dead
        assert len(samples(server, "core_users_total[30d]")) == 1


run()
