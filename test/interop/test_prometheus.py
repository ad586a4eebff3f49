"""Metrics of collectors in a real Prometheus: scraped from the sink's own address, or written to it."""
import json
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


def query(server, promql, **words):
    """{labels without __name__: [time, value]} of an instant query."""
    asked = urllib.parse.urlencode({"query": promql, **words})
    with urllib.request.urlopen(f"{server.url}/api/v1/query?{asked}", timeout=10) as answer:
        found = json.load(answer)
    assert found["status"] == "success", found
    return {tuple(sorted((k, v) for k, v in row["metric"].items() if k not in ("__name__", "instance", "job"))): row["value"]
            for row in found["data"]["result"]}


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


run()
