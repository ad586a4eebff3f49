"""weir status shows what the interface promises, for people and for programs."""
import json
import os
import signal
import subprocess

from blackbox import BINARY, Weir, case, eventually, run, sign

AGENTS = {"github": {"type": "github", "secret": "s3cret"}}


def post(weir, event, number, secret="s3cret"):
    body = json.dumps({"action": "created", "repository": {"full_name": "a/b"}}).encode()
    return weir.post("/hooks/github", body,
                     sign(secret, body) | {"X-GitHub-Event": event, "X-GitHub-Delivery": f"d-{number}"})[0]


@case
def json_has_every_promised_member(folder):
    with Weir(folder, agents=AGENTS) as weir:
        assert post(weir, "star", 1) == 202
        assert post(weir, "star", 2, "forged") == 401
        assert weir.post("/hooks/githob", b"{}", {})[0] == 404
        weir.command("flush")
        said = json.loads(weir.command("status", "--json"))
        lines = weir.command("status").splitlines()
    assert {"version", "uptime_s", "agents", "streams", "stages", "dead", "unmapped", "ignored", "complete_to", "lake",
            "store"} <= set(said), said
    assert said["agents"] == [{"name": "github", "type": "github", "accepted": 1, "refused": {"signature": 1}}], said
    assert said["refused"] == {"agent": 1}, said
    assert any(line.split() == ["(none)", "agent", "1"] for line in lines), lines
    assert said["unmapped"] == {"github/star/created": 1}, said
    assert {"name": "raw", "signals": 1}.items() <= said["streams"][0].items(), said
    assert all({"name", "state", "lag_bytes", "lag_ms", "restarts"} <= set(stage) for stage in said["stages"]), said
    assert {stage["state"] for stage in said["stages"]} == {"ok"}, said
    assert {"files", "bytes", "expired"} <= set(said["lake"]) and said["store"]["type"] == "sqlite", said
    assert said["store"]["rows"]["change"] == 0, said


@case
def each_signal_is_counted_by_what_became_of_it(folder):
    def event(number, kind):
        context = {"specversion": "0.5.1", "id": f"e{number}", "source": "/s", "type": kind,
                   "timestamp": "2026-03-07T12:00:00Z"}
        return json.dumps({"context": context, "subject": {"id": "r", "content": {"pipelineName": "p", "uri": "http://h/r"}}}).encode()
    with Weir(folder, agents=AGENTS | {"builds": {"type": "cdevents"}}) as weir:
        for number, kind in enumerate(["pipelinerun.started.0.3.0"] * 3 + ["no.thing.0.1.0"] * 2):
            assert weir.post("/hooks/builds", event(number, f"dev.cdevents.{kind}"))[0] == 202
        assert weir.post("/hooks/builds", event(0, "dev.cdevents.pipelinerun.started.0.3.0"))[0] == 202
        assert post(weir, "star", 1) == 202
        weir.command("flush")
        said = json.loads(weir.command("status", "--json"))
        lines = dict(line.split()[:2] for line in weir.command("status").splitlines()[1:] if line.strip())
    assert (said["stored"], said["dead"], said["unmapped"], said["ignored"]) == (
        3, 2, {"github/star/created": 1}, {"repetition": 1}), said
    assert [lines[name] for name in ("stored", "dead", "unmapped", "ignored")] == ["3", "2", "1", "1"], lines


@case
def it_fits_into_80_columns_and_names_what_is_wrong(folder):
    with Weir(folder, agents=AGENTS, admin={"behind": "1s"}) as weir:
        post(weir, "star", 1)
        text = weir.command("status")
        assert max(map(len, text.splitlines())) <= 80, text
        assert "github" in text and "transform" in text and "not running" not in text, text
        transform = next(pid for pid, line in weir.children().items() if "weir: transform" in line)
        os.kill(transform, signal.SIGSTOP)
        post(weir, "star", 2)

        def is_behind():
            said = subprocess.run([BINARY, "status"], capture_output=True, text=True, cwd=folder, check=False, timeout=30)
            return said.returncode == 1 and "behind" in said.stdout and "not as it should be" in said.stderr
        eventually(is_behind, "the stopped stage is behind")
        assert weir.get("/readyz")[0] == 503 and "transform is" in weir.get("/readyz")[1]
        os.kill(transform, signal.SIGCONT)
        eventually(weir.is_ready, "it catches up")


@case
def what_cannot_be_read_is_unknown_and_the_rest_is_told(folder):
    with Weir(folder, agents=AGENTS) as weir:
        assert post(weir, "star", 1) == 202
        weir.command("flush")
    (folder / "data" / "store.db").write_bytes(b"garbage" * 1000)
    said = subprocess.run([BINARY, "status", "--json"], capture_output=True, text=True, cwd=folder, check=False, timeout=30)
    told = json.loads(said.stdout)
    assert said.returncode == 1 and "store.db" in said.stderr and "weir verify" in said.stderr, said
    assert told["store"] == {"type": "sqlite", "expired": {}, "rows": None}, told
    assert told["unmapped"] == {"github/star/created": 1} and told["dead"] == 0, told
    said = subprocess.run([BINARY, "status"], capture_output=True, text=True, cwd=folder, check=False, timeout=30)
    store = [line.split() for line in said.stdout.splitlines() if line.startswith("store ")][-1]
    assert store[:2] == ["store", "?"] and "github/star/created" in said.stdout, said


@case
def before_the_first_run_it_says_so(folder):
    weir = Weir(folder, agents=AGENTS)
    said = subprocess.run([BINARY, "status"], capture_output=True, text=True, cwd=folder, check=False, timeout=30)
    assert said.returncode == 1 and "weir run" in said.stderr, (said, weir.config)


@case
def a_lake_without_its_engine_is_down_from_the_start(folder):
    weir = Weir(folder, environment={"WEIR_DUCKDB": str(folder / "none.so")})

    def ask(*words):
        return subprocess.run([BINARY, *words], capture_output=True, text=True, timeout=60, check=False, cwd=folder, env=weir.environment)
    checked = ask("validate")
    assert checked.returncode == 0 and checked.stdout.startswith("ok ") and "none.so" in checked.stderr, checked
    lake = [row for row in map(json.loads, ask("drivers", "--json").stdout.splitlines()) if row["role"] == "lake"]
    assert lake[0]["built"] is True and "none.so" in lake[0]["needs"], lake
    weir.start(ready=False)
    try:
        eventually(lambda: "libduckdb is not there" in weir.log.read_text(), "the log says it")
        eventually(lambda: any("libduckdb" in str(why) for why in [weir.get("/readyz")]), "readyz says it")
        assert weir.get("/readyz")[0] == 503
    finally:
        weir.kill()


run()
