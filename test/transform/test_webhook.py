#!/usr/bin/env python3
"""A webhook through HTTP, a user's mapping and the store; a changed mapping; a mapping that goes wild."""
import contextlib
import hashlib
import hmac
import json
import os
import pathlib
import re
import shutil
import signal

from blackbox import Weir, case, eventually, run

PROGRAM = '''{model: "incident", at: .at, source: "s", id: .id, title: .title, state: "open", environment: "production",
 service: null}
'''
AGENT = {"type": "webhook", "secret": "k1", "id": "/id", "event": "/kind", "mapping": "./own.jq",
         "signature": {"header": "X-Sign", "prefix": "v1="}, "limits": {"time": "200ms"}}


def post(weir, number, key="k1", **more):
    body = json.dumps({"id": number, "at": "2024-01-02T03:04:05Z", "title": "it burns", "kind": "fire"} | more).encode()
    return weir.post("/hooks/pager", body, {"X-Sign": "v1=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()})


def titles(weir):
    weir.command("flush")
    return {row["id"]: row["title"] for row in weir.rows("query", "--store", "SELECT id, title FROM incident")}


@case
def a_delivery_becomes_a_row_and_its_repetition_does_not(folder):
    (folder / "own.jq").write_text(PROGRAM)
    with Weir(folder, agents={"pager": AGENT}) as weir:
        assert post(weir, "i1") == (202, {"id": "i1"})
        assert post(weir, "i1")[0] == 202
        status, problem = post(weir, "i2", key="k2")
        assert status == 401 and "X-Sign" in problem["detail"], problem
        assert titles(weir) == {"i1": "it burns"}
        said = json.loads(weir.command("status", "--json"))
        assert said["ignored"] == {"repetition": 1}, said
        assert said["agents"][0]["refused"] == {"signature": 1}, said


@case
def an_index_of_repetitions_that_was_taken_away_says_once_that_it_begins_anew(folder):
    (folder / "own.jq").write_text(PROGRAM)
    weir = Weir(folder, agents={"pager": AGENT})

    def said():
        return weir.log.read_text().count('event="repetitions begun anew" why="the folder repetitions is gone" known_for_s=0')

    with weir:
        post(weir, "i1")
        assert titles(weir) == {"i1": "it burns"} and said() == 0, "a new one is not lost"
    assert weir.command("verify") == "ok\n"
    shutil.rmtree(folder / "data/repetitions")
    told = weir.command("verify", status=1)
    assert told.startswith("repetitions: ") and "data/repetitions is gone: the index begins anew" in told, told
    with weir:
        post(weir, "i1")
        weir.command("flush")
        assert said() == 1, weir.log.read_text()
        post(weir, "i1")
        assert titles(weir) == {"i1": "it burns"}
        assert json.loads(weir.command("status", "--json"))["ignored"] == {"repetition": 1}
    with weir:
        weir.command("flush")
    assert said() == 1, weir.log.read_text()


@case
def a_reload_takes_the_changed_mapping_and_refuses_a_broken_one(folder):
    (folder / "own.jq").write_text(PROGRAM)
    with Weir(folder, agents={"pager": AGENT}) as weir:
        post(weir, "i1")
        assert titles(weir) == {"i1": "it burns"}
        (folder / "own.jq").write_text(PROGRAM.replace(".title", '(.title + "!")'))
        weir.process.send_signal(signal.SIGHUP)
        eventually(lambda: "event=reload" in weir.log.read_text(), "it is reloaded")
        eventually(weir.is_ready, "it is ready again")
        post(weir, "i2")
        assert titles(weir)["i2"] == "it burns!"
        (folder / "own.jq").write_text("{\n1 +")
        weir.process.send_signal(signal.SIGHUP)
        eventually(lambda: "mapping own: line 2" in weir.log.read_text(), "the broken one is told")
        post(weir, "i3")
        assert titles(weir)["i3"] == "it burns!"


@case
def a_mapping_that_goes_wild_buries_its_signal_alone_and_a_mended_one_takes_it(folder):
    (folder / "own.jq").write_text(f"if .loop then def f: f; f elif .bad then error(\"is bad\") elif .row then .row else {PROGRAM} end")
    with Weir(folder, agents={"pager": AGENT}) as weir:
        post(weir, "i1", loop=True)
        post(weir, "i2", bad=True)
        post(weir, "i3", row={"model": "incident", "at": "2024-01-02T03:04:05Z", "source": "s", "id": "x", "colour": "red"})
        post(weir, "i4", row=[])
        post(weir, "i5")
        assert titles(weir) == {"i5": "it burns"}
        dead = {row["id"]: row for row in weir.rows("dead", "list")}
        reasons = sorted((row["reason"], row["pointer"] or "") for row in dead.values())
        assert len(reasons) == 3 and "limits.time" in reasons[0][0] and "is bad" in reasons[1][0], reasons
        assert reasons[2] == ("mapping: incident.colour is no column: what has none goes into attributes", "/0/colour"), reasons
        assert json.loads(weir.command("status", "--json"))["unmapped"] == {"own/fire": 1}
        (folder / "own.jq").write_text(PROGRAM)
        weir.process.send_signal(signal.SIGHUP)
        eventually(lambda: "event=reload" in weir.log.read_text(), "it is reloaded")
        eventually(weir.is_ready, "it is ready again")
        weir.command("dead", "retry", "--all")
        eventually(lambda: set(titles(weir)) == {"i1", "i2", "i3", "i5"}, "all are taken")


def mapping_at_work(weir, done=()):
    """The pid of a mapping's process, not one of those, that computes longer than compiling takes; None: there is none."""
    for child in weir.children():
        with contextlib.suppress(OSError):
            for pid in map(int, pathlib.Path(f"/proc/{child}/task/{child}/children").read_text().split()):
                stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
                ticks = sum(map(int, stat.rpartition(")")[2].split()[11:13]))
                if "weir-mapping" in stat and pid not in done and ticks > WORKING_TICKS:
                    return pid
    return None


def at_work_or_done(weir, done=()):
    """The pid of a mapping's process that works on the signal, or -1 when that has become something; None: neither yet."""
    if pid := mapping_at_work(weir, done):
        return pid
    return -1 if weir.rows("query", "--store", "SELECT id FROM incident") or weir.rows("dead", "list") else None


SLOW = AGENT | {"limits": {"time": "20s"}}
SLOW_PROGRAM = f"if .slow then reduce range(8000000) as $i (0; . + 1) | empty else empty end, {PROGRAM}"  # more than a second
WORKING_TICKS = 30


@case
def a_weir_killed_again_and_again_over_one_signal_does_not_blame_it(folder):
    (folder / "own.jq").write_text(SLOW_PROGRAM)
    weir = Weir(folder, agents={"pager": SLOW})
    for turn in range(3):
        weir.start()
        if turn == 0:
            post(weir, "i1", slow=True)
        eventually(lambda: at_work_or_done(weir), "the signal is in hand")
        weir.kill()
    with weir:
        assert titles(weir) == {"i1": "it burns"}
        assert weir.rows("dead", "list") == []


@case
def a_mapping_killed_from_outside_does_not_blame_its_signal(folder):
    (folder / "own.jq").write_text(SLOW_PROGRAM)
    with Weir(folder, agents={"pager": SLOW}) as weir:
        post(weir, "i1", slow=True)
        done = set()
        while len(done) < 3:
            pid = eventually(lambda: at_work_or_done(weir, done), "the mapping works")
            if pid < 0:
                break  # it was faster than its killer
            done.add(pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert titles(weir) == {"i1": "it burns"}
        assert weir.rows("dead", "list") == []


HARM = {"loop": ("def f: f; f", "limits.time"), "endless": ("range(1e12)", "limits.outputs"), "input": ("input", "one input"),
        "grow": ("reduce range(40) as $i (\"x\"; . + .)", "died twice"), "deep": ("reduce range(1000) as $i (0; [.])", "limits.depth"),
        "halt": ("halt", "halts"), "regex": ("\"a\" * 40 + \"!\" | test(\"^(a+)+$\")", ""), "null": ("error(null)", "error(null)"),
        "base64": ("\"?\" | @base64d", "base64"), "text": ("\"giant\" * 10000000", "")}


def memory_kib(weir):
    """Of all processes of weir's, those that mappings run in too."""
    group = [p for p in pathlib.Path("/proc").glob("[0-9]*") if session_of(p) == weir.process.pid]
    return sum(int(found.group(1)) for p in group if (found := re.search(r"^Pss:\s+(\d+)", rollup(p), re.M)))


def session_of(process):
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[3])
    except OSError:
        return 0


def rollup(process):
    try:
        return (process / "smaps_rollup").read_text()
    except OSError:
        return ""


@case
def what_means_harm_is_dead_with_its_reason_while_the_rest_goes_on_and_memory_stays_flat(folder):
    program = "".join(f"if .do == \"{name}\" then {text} else " for name, (text, _) in HARM.items())
    (folder / "own.jq").write_text(f"{program} {PROGRAM} {'end ' * len(HARM)}")
    limits = {"time": "50ms", "memory": "64MiB", "output_bytes": "1MiB"}
    with Weir(folder, agents={"pager": AGENT | {"limits": limits}}) as weir:
        used = []
        for turn in range(3):
            for name in HARM:
                assert post(weir, f"{name}{turn}", do=name) == (202, {"id": f"{name}{turn}"})
                assert post(weir, f"good {name}{turn}")[0] == 202
            assert set(titles(weir)) == {f"good {name}{n}" for name in HARM for n in range(turn + 1)}
            used.append(memory_kib(weir))
        letters = weir.rows("dead", "list")
        assert len(letters) == 3 * len(HARM), letters
        for _, words in HARM.values():
            assert sum(words in letter["reason"] for letter in letters) >= 3, (words, letters)
        assert used[2] < used[1] + 20 * 1024, used
        status = json.loads(weir.command("status", "--json"))
        assert all(stage["restarts"] == 0 for stage in status["stages"]), status["stages"]


run()
