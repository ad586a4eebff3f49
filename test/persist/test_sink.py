"""Sinks of a running weir: each a process with a cursor of its own."""
import http.server
import itertools
import json
import signal
import subprocess
import threading

from blackbox import BINARY, Weir, case, eventually, run

AGENTS = {"github": {"type": "github", "secret": "s"}}


def simulate(weir, seed, n=60):
    subprocess.run([BINARY, "simulate", "github", "--seed", str(seed), "--count", str(n), "--until", "2026-03-20T00:00:00Z",
                    "--secret", "s", "--to", f"http://127.0.0.1:{weir.port}/hooks/github"],
                   check=True, capture_output=True, timeout=120)


def sinks(folder, **models):
    return {name: {"type": "file", "models": given, "config": {"path": str(folder / f"{name}.log")}} for name, given in models.items()}


def lines(folder, name):
    path = folder / f"{name}.log"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def facts(weir, *models):
    return sorted(row["fact_id"] for model in models for row in weir.rows("query", f"SELECT fact_id FROM {model}_history"))


@case
def a_sink_is_given_each_fact_of_its_models_once(folder):
    with Weir(folder, agents=AGENTS, sinks=sinks(folder, runs=["pipeline_run", "task_run"], Changes=["change"])) as weir:
        simulate(weir, 1)
        weir.command("flush")
        got = lines(folder, "runs")
        assert got and {event["type"] for event in got} == {"weir.fact.pipeline_run", "weir.fact.task_run"}, got[:3]
        assert all(event["specversion"] == "1.0" and event["id"] == event["data"]["fact_id"] for event in got)
        assert sorted({e["id"] for e in got}) == sorted(set(facts(weir, "pipeline_run", "task_run")))
        assert sorted({e["id"] for e in lines(folder, "Changes")}) == sorted(set(facts(weir, "change")))
        stages = {stage["name"]: stage["state"] for stage in json.loads(weir.command("status", "--json"))["stages"]}
        ours = [name for name in stages if name.startswith("sink-")]
        assert "sink-runs" in ours and len(ours) == 2 and all(stages[name] == "ok" for name in ours), stages
    before = lines(folder, "runs")
    with Weir(folder, agents=AGENTS, sinks=sinks(folder, runs=["pipeline_run", "task_run"], Changes=["change"])) as weir:
        weir.command("flush")
        assert lines(folder, "runs") == before, "a restart goes on from the cursor"


def each_once(folder, weir):
    got = [event["id"] for event in lines(folder, "runs")]
    assert got and len(got) == len(set(got)), "a line stands there twice"
    assert set(got) == set(facts(weir, "pipeline_run", "task_run"))


@case
def killed_between_the_file_and_its_cursor_it_writes_no_line_twice(folder):
    given = sinks(folder, runs=["pipeline_run", "task_run"])
    weir = Weir(folder, agents=AGENTS, sinks=given, environment={"WEIR_FAILPOINT": "sink.delivered:3:kill"})
    weir.start()
    seeds = itertools.count()  # a delivery may take several signals: as many as it takes
    eventually(lambda: "killed by signal 9" in weir.log.read_text() or simulate(weir, next(seeds), 30), "the sink was killed")
    weir.command("flush")
    weir.stop()
    with Weir(folder, agents=AGENTS, sinks=given) as weir:
        each_once(folder, weir)


@case
def killed_again_and_again_before_its_first_cursor_it_writes_no_line_twice(folder):
    given = sinks(folder, runs=["pipeline_run", "task_run"])
    weir = Weir(folder, agents=AGENTS, sinks=given, environment={"WEIR_FAILPOINT": "sink.delivered:1:kill"})
    weir.start()
    simulate(weir, 1)
    eventually(lambda: weir.log.read_text().count("killed by signal 9") > 2, "the sink was killed in each of its lives", 60)
    weir.kill()
    with Weir(folder, agents=AGENTS, sinks=given) as weir:
        weir.command("flush")
        each_once(folder, weir)


@case
def a_reload_brings_sinks_and_takes_them_away(folder):
    with Weir(folder, agents=AGENTS, sinks=sinks(folder, old=["change"], kept=["change"])) as weir:
        simulate(weir, 1)
        weir.command("flush")
        configuration = json.loads((folder / "weir.yaml").read_text())
        configuration["sinks"] = sinks(folder, kept=["change"], fresh=["change"])
        (folder / "weir.yaml").write_text(json.dumps(configuration))
        weir.process.send_signal(signal.SIGHUP)

        def names():
            done = subprocess.run([BINARY, "status", "--json", "-c", "weir.yaml"], cwd=folder, capture_output=True, timeout=60, check=False)
            return {stage["name"] for stage in json.loads(done.stdout)["stages"] if stage["state"] == "ok"}
        eventually(lambda: {"sink-kept", "sink-fresh"} <= names() and "sink-old" not in names(), "the new sinks run")
        old = len(lines(folder, "old"))
        simulate(weir, 2)
        weir.command("flush")
        everything = set(facts(weir, "change"))
        assert {e["id"] for e in lines(folder, "fresh")} == everything, "from the beginning of what the streams hold"
        assert {e["id"] for e in lines(folder, "kept")} == everything and len(lines(folder, "old")) == old


@case
def one_sink_that_fails_delays_no_other(folder):
    given = sinks(folder, good=["change"])
    given["bad"] = {"type": "file", "models": ["change"], "config": {"path": str(folder / "gone" / "bad.log")}}
    weir = Weir(folder, agents=AGENTS, sinks=given)
    weir.start(ready=False)
    try:
        eventually(lambda: "event=ready" in weir.log.read_text(), "all others run")
        simulate(weir, 1)
        eventually(lambda: len(lines(folder, "good")) > 0, "the good one is served")
        status, reasons = weir.get("/readyz")
        assert status == 503 and "sink-bad" in str(reasons), (status, reasons)
        (folder / "gone").mkdir()
        weir.command("flush", "--timeout", "60s")
        assert {e["id"] for e in lines(folder / "gone", "bad")} == {e["id"] for e in lines(folder, "good")}
    finally:
        weir.stop()


@case
def records_are_what_the_program_of_their_sink_makes(folder):
    given = sinks(folder, runs=["pipeline_run"])
    given["runs"]["config"]["encoding"] = {"jq": 'if .data.attempt then {id, run: .data.id} else error("no run") end'}
    with Weir(folder, agents=AGENTS, sinks=given) as weir:
        simulate(weir, 1)
        weir.command("flush")
        got = lines(folder, "runs")
        assert got and all(set(record) == {"id", "run"} for record in got), got[:3]
        assert sorted({record["id"] for record in got}) == sorted(set(facts(weir, "pipeline_run")))


class Door(http.server.BaseHTTPRequestHandler):
    """Open to who knows the word."""
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        is_known = self.headers["Authorization"] == self.server.word
        (self.server.taken if is_known else self.server.refused).append(json.loads(body)["id"])
        self.send_response(204 if is_known else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@case
def wrong_credentials_make_no_dead_letter_and_are_red_until_they_are_right(folder):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.word, server.taken, server.refused = "new", [], []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    given = {"far": {"type": "http", "models": ["change"], "config": {
        "uri": f"http://127.0.0.1:{server.server_address[1]}/", "headers": {"Authorization": "old"}}}}
    try:
        with Weir(folder, agents=AGENTS, sinks=given) as weir:
            simulate(weir, 1)
            eventually(lambda: "answers HTTP 401; check the credentials" in weir.log.read_text(), "it is told")
            eventually(lambda: weir.get("/readyz")[0] == 503 and "sink-far" in str(weir.get("/readyz")[1]), "it is red")
            server.word = "old"
            weir.command("flush", "--timeout", "100s")
            assert server.refused and sorted(server.taken) == facts(weir, "change")
            assert weir.rows("dead", "list") == []
    finally:
        server.shutdown()
        server.server_close()


run()
