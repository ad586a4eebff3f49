"""million.py WEIR: a million events simulated, sent over HTTP, taken in, mapped by jq, in lake and store, queried and
flattened again: that none is lost, none doubled, none changed, and how long it takes. EVENTS=N takes fewer."""
import collections
import csv
import http.client
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "test" / "tool")]
from blackbox import free_port  # noqa: E402

WEIR = str(pathlib.Path(sys.argv[1]).resolve())
EVENTS = int(os.environ.get("EVENTS", "1000000"))
WORLD = ["simulate", "cdevents", "--shape", "flat", "--count", str(EVENTS), "--until", "2026-11-22"]
MAPPING = """
(.context.timestamp | sub(" "; "T") + "Z") as $at
| .subject.type as $kind
| .subject.content[$kind] as $run
| {model: (if $kind == "taskRun" then "task_run" else "pipeline_run" end), at: $at,
   source: .context.source, id: .subject.id, attempt: 1,
   name: (if $kind == "taskRun" then .subject.content.task else $run.pipelineName end)}
  + {queued: {queued_at: $at}, started: {started_at: $at},
     finished: {finished_at: $at, outcome: (if $run.outcome == "error" then "failure" else $run.outcome end)}}
    [.context.type | split(".")[-1]]
"""


def weir(folder, *words):
    return subprocess.run([WEIR, *words], cwd=folder, stdout=subprocess.PIPE, check=True).stdout


class Clock:
    """Measures one step after the other."""

    def __init__(self):
        self.began = self.at = time.monotonic()

    def step(self, what):
        now = time.monotonic()
        print(f"  {now - self.at:7.1f} s  {what}", file=sys.stderr, flush=True)
        self.at = now
        return now - self.began


def is_ready(port):
    try:
        door = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        door.request("GET", "/readyz")
        return door.getresponse().status == 200
    except OSError:
        return False


def begin(folder, port, admin):
    (folder / "flat.jq").write_text(MAPPING)
    (folder / "weir.yaml").write_text(json.dumps({
        "data": "./data", "intake": {"listen": f"127.0.0.1:{port}"}, "admin": {"listen": f"127.0.0.1:{admin}"},
        "agents": {"flat": {"type": "webhook", "token": "t", "id": "/event_id", "mapping": "./flat.jq"}}}))
    server = subprocess.Popen([WEIR, "run"], cwd=folder, stderr=(folder / "log").open("wb"))
    while not is_ready(admin):
        assert server.poll() is None, (folder / "log").read_text()
        time.sleep(0.02)
    return server


def check_raw(folder):
    """What is in the lake and the tail are the bytes that were sent, each once."""
    with (folder / "rows").open("wb") as out:
        subprocess.run([WEIR, "query", "--json", "SELECT body FROM raw"], cwd=folder, stdout=out, check=True)
    with (folder / "rows").open() as rows:
        kept = sorted(json.loads(row)["body"] for row in rows)
    sent = sorted((folder / "sent").read_text().splitlines())
    assert len(kept) == len(sent) == EVENTS, (len(kept), len(sent))
    assert kept == sent
    (folder / "kept").write_text("\n".join(kept))


def check_flat(folder):
    """Flattened from the lake as from the simulation; the runs and their ends, by kind."""
    kept, sent = (sorted(weir(folder, "flatten", str(folder / name)).decode().splitlines()) for name in ("kept", "sent"))
    assert kept == sent and len(kept) == EVENTS + 1, (len(kept), len(sent))
    runs, ends = collections.defaultdict(set), collections.Counter()
    for row in csv.reader(kept):
        subject, kind, outcome = row[6], row[7], row[15]
        runs[kind].add(subject)
        if outcome:
            ends[kind, "success" if outcome == "success" else "failure"] += 1
    return {kind: len(ids) for kind, ids in runs.items()}, ends


def check_models(folder, runs, ends):
    for kind, model in (("taskRun", "task_run"), ("pipelineRun", "pipeline_run")):
        sql = (f"SELECT count(*) AS n, count(*) FILTER (WHERE outcome = 'success') AS success, "
               f"count(*) FILTER (WHERE outcome = 'failure') AS failure FROM {model}")
        want = {"n": runs[kind], "success": ends[kind, "success"], "failure": ends[kind, "failure"]}
        for words in ((), ("--store",)):
            if words:
                sql = sql.replace("count(*) FILTER (WHERE", "sum(CASE WHEN").replace("')", "' THEN 1 ELSE 0 END)")
            found = json.loads(weir(folder, "query", "--json", *words, sql))
            assert found == want, (model, words, found, want)


def main():
    with tempfile.TemporaryDirectory(prefix="weir-million-", dir="/var/tmp") as name:
        folder, port, admin = pathlib.Path(name), free_port(), free_port()
        weir(folder, *WORLD, "--to", str(folder / "sent"))
        server = begin(folder, port, admin)
        try:
            clock = Clock()
            weir(folder, *WORLD, "--secret", "t", "--connections", "256", "--to", f"http://127.0.0.1:{port}/hooks/flat")
            sent_s = clock.step(f"{EVENTS} events simulated, sent and durable")
            weir(folder, "flush", "--timeout", "3600s")
            kept_s = clock.step("mapped, in lake and store")
            found = json.loads(weir(folder, "query", "--json", "SELECT count(*) AS n FROM raw"))
            asked_s = clock.step("counted by a query")
            assert found == {"n": EVENTS}, found
            check_raw(folder)
            check_models(folder, *check_flat(folder))
            status = json.loads(weir(folder, "status", "--json"))
            assert status["dead"] == 0 and not status["unmapped"] and not status["ignored"], status
            clock.step("every event and run found again, none changed; flattened twice")
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(60)
    for what, seconds in (("sent and durable", sent_s), ("in lake and store", kept_s), ("counted by SQL", asked_s)):
        print(json.dumps({"name": f"{EVENTS} events: {what}", "value": round(seconds, 1), "unit": "s"}))
    print(json.dumps({"name": "events, simulated to queried", "value": round(EVENTS / asked_s), "unit": "/s"}))


main()
