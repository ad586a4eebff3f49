"""The admin address: livez, readyz, health and metrics, as Prometheus and OpenMetrics read them."""
import http.client
import json
import re
import socket

from blackbox import WAIT_S, Weir, case, eventually, run, sign

AGENTS = {"github": {"type": "github", "secret": "s3cret"}}
SAMPLE = re.compile(r'[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_]\w*="(\\.|[^"\\])*",?)*\})? -?[0-9.e+-]+(?: .*)?')


def scrape(weir, accept=None):
    line = http.client.HTTPConnection("127.0.0.1", weir.admin, timeout=WAIT_S)
    line.request("GET", "/metrics", headers={"Accept": accept} if accept else {})
    answer = line.getresponse()
    text = answer.read().decode()
    line.close()
    return answer.getheader("Content-Type"), text


def families(text):
    """name: type, and that every sample stands in the block of its family, each family once."""
    types, now = {}, None
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            now, kind = line.split()[2:]
            assert now not in types, f"{now} twice"
            types[now] = kind
        elif not line.startswith("#"):
            assert SAMPLE.fullmatch(line), line
            assert line.startswith(now), f"{line} stands below {now}"
    return types


@case
def metrics_are_prometheus_text_by_default(folder):
    with Weir(folder, agents=AGENTS) as weir:
        kind, text = scrape(weir)
        assert kind.startswith("text/plain; version=0.0.4"), kind
        types = families(text)
        assert types["weir_accepted_total"] == "counter" and types["weir_stage_up"] == "gauge", types
        assert all(name.startswith("weir_") for name in types)
        assert all(name.endswith("_total") for name, kind in types.items() if kind == "counter"), types
        assert "# EOF" not in text


@case
def metrics_are_openmetrics_when_asked(folder):
    with Weir(folder, agents=AGENTS) as weir:
        kind, text = scrape(weir, "application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
        assert kind.startswith("application/openmetrics-text; version=1.0.0"), kind
        assert text.endswith("# EOF\n") and text.count("# EOF") == 1
        types = families(text)
        assert types["weir_accepted"] == "counter" and not any(name.endswith("_total") for name in types), types
        assert re.search(r'^weir_accepted_total\{.*agent="github".*\} 0$', text, re.M), text


@case
def what_is_refused_is_counted_by_reason(folder):
    with Weir(folder, agents=AGENTS) as weir:
        weir.post("/hooks/github", b"{}", sign("forged", b"{}") | {"X-GitHub-Event": "ping", "X-GitHub-Delivery": "1"})
        eventually(lambda: 'reason="signature"} 1' in scrape(weir)[1], "the forged one is counted")


@case
def other_paths_and_methods_are_problems(folder):
    with Weir(folder, agents=AGENTS) as weir:
        for method, path, status in (("GET", "/", 404), ("GET", "/hooks/github", 404), ("POST", "/metrics", 405),
                                     ("DELETE", "/readyz", 405)):
            got, problem = weir.request(method, path, b"x" if method == "POST" else b"", port=weir.admin)
            assert got == status and problem["status"] == status and problem["detail"], (method, path, got, problem)
        assert weir.request("HEAD", "/livez", port=weir.admin)[0] == 200


@case
def idle_connections_do_not_keep_others_out(folder):
    with Weir(folder, agents=AGENTS) as weir:
        idle = [socket.create_connection(("127.0.0.1", weir.admin)) for _ in range(32)]
        assert weir.get("/livez")[0] == 200
        for line in idle:
            line.close()


@case
def silent_connections_of_any_number_keep_nobody_from_being_answered(folder):
    with Weir(folder, agents=AGENTS) as weir:  # the limit, many times over: to wait for their time-outs takes minutes
        silent = [socket.create_connection(("127.0.0.1", weir.admin), timeout=WAIT_S) for _ in range(800)]
        for path in ("/livez", "/readyz", "/livez"):
            assert weir.get(path)[0] == 200, path
        for line in silent:
            line.close()
        assert weir.get("/livez")[0] == 200


@case
def health_names_every_stage(folder):
    with Weir(folder, agents=AGENTS) as weir:
        status, health = weir.get("/health")
        assert status == 200 and health["Success"] is True and health["CurrentTime"].endswith("Z"), health
        names = {check["name"] for check in health["checks"]}
        assert names == {"intake", "collect", "transform", "lake", "store", "serve"}, names
        assert json.dumps(health).count("reason") == 0


run()
