"""Dead letters are listed with their reason, shown whole, sent again, and dropped; status counts the open ones."""
import json
import os
import pty
import signal
import socket
import subprocess

from blackbox import BINARY, Weir, case, eventually, run, sign

AGENTS = {"github": {"type": "github", "secret": "s3cret"}}


def broken(weir, number):
    """JSON that lacks what its mapping needs: 202, then a dead letter."""
    body = json.dumps({"action": "opened", "number": number}).encode()
    headers = sign("s3cret", body) | {"X-GitHub-Event": "pull_request", "X-GitHub-Delivery": f"d-{number}"}
    assert weir.post("/hooks/github", body, headers)[0] == 202


def dead(weir):
    return weir.rows("dead", "list")


def status(weir):
    return json.loads(weir.command("status", "--json"))


@case
def a_dead_letter_is_listed_shown_and_dropped(folder):
    with Weir(folder, agents=AGENTS) as weir:
        broken(weir, 7)
        broken(weir, 8)
        first, second = eventually(lambda: len(dead(weir)) == 2 and dead(weir), "both are dead")
        assert {"id", "agent", "stage", "reason", "pointer", "received"} <= set(first), first
        assert (first["agent"], first["stage"], first["signal"]) == ("github", "transform", "d-7"), first
        assert first["pointer"] and first["reason"], first
        shown = weir.command("dead", "show", first["id"])
        assert '"number": 7' in shown and first["reason"] in shown, shown
        assert "d-7" not in weir.log.read_text()
        assert status(weir)["dead"] == 2
        assert weir.command("dead", "drop", first["id"], "--json") == '{"drop":1}\n'
        assert [letter["id"] for letter in dead(weir)] == [second["id"]]
        assert status(weir)["dead"] == 1
        weir.command("dead", "drop", first["id"], status=1)
        weir.command("flush")
        assert status(weir)["ignored"].get("dropped") == 1
    assert [letter["id"] for letter in dead(weir)] == [second["id"]], "also when weir does not run"


@case
def a_reason_and_its_pointer_do_not_end_at_a_zero_byte(folder):
    context = {"specversion": "0.5.1", "id": "z1", "source": "/s", "type": "dev.cdevents.pipelinerun.started.0.3.0",
               "timestamp": "2026-03-07T12:00:00Z"}
    wrong = [{"context": context | {"a/\0b": 1}, "subject": {"id": "r", "content": {}}},
             {"context": context | {"id": "z2", "timestamp": "now\0then"}, "subject": {"id": "r", "content": {}}},
             {"context": context | {"id": "z3", "type": "dev.cdevents.pipe\0run"}, "subject": {"id": "r", "content": {}}}]
    with Weir(folder, agents={"builds": {"type": "cdevents"}}) as weir:
        for event in wrong:
            assert weir.post("/hooks/builds", json.dumps(event).encode(), {"Content-Type": "application/json"})[0] == 202
        eventually(lambda: len(dead(weir)) == 3, "all are dead")
        first, second, third = dead(weir)
        assert first["pointer"] == "/context/a~1\\u0000b" and "is not known to CDEvents" in first["reason"], first
        assert '"now\\u0000then" is not a time' in second["reason"], second
        assert '"dev.cdevents.pipe\\u0000run" is not a type' in third["reason"], third
        assert '"now\\u0000then"' in weir.command("dead", "show", second["id"])
        assert '"now\\u0000then"' in weir.command("explain", "z2") and "/context/a~1\\u0000b" in weir.command("explain", "z1")


@case
def json_that_cannot_be_used_is_kept_and_says_why(folder):
    agents = AGENTS | {"pager": {"type": "webhook", "secret": "k", "signature": {"header": "X-Sign"}, "id": "/id",
                                 "mapping": "own.jq"}}
    (folder / "own.jq").write_text('ignored("fine")')
    bodies = {"surrogate in": b'{"id":"surrogate in","a":"\\ud83d"}',
              "deeper than 64": b'{"id":"deeper than 64","a":' + b"[" * 100 + b"]" * 100 + b"}",
              '"b" stands twice': b'{"id":"\\"b\\" stands twice","a":{"b":1,"b":2}}'}
    with Weir(folder, agents=agents) as weir:
        for n, body in enumerate(bodies.values()):
            signed = sign("s3cret", body)
            headers = signed | {"X-GitHub-Event": "push", "X-GitHub-Delivery": f"d-{n}"}
            assert weir.post("/hooks/github", body, headers)[0] == 202
            pager = {"X-Sign": sign("k", body)["X-Hub-Signature-256"].removeprefix("sha256=")}
            assert weir.post("/hooks/pager", body, pager | {"Content-Type": "application/json"})[0] == 202
        letters = eventually(lambda: len(dead(weir)) == 6 and dead(weir), "all are dead")
        for letter in letters:
            why = list(bodies)[int(letter["signal"][2:])] if letter["agent"] == "github" else letter["signal"]
            assert why in letter["reason"], letter
        raw = weir.rows("query", "SELECT id, body FROM raw WHERE agent = 'pager'")
        assert {row["id"]: row["body"] for row in raw} == {why: body.decode() for why, body in bodies.items()}, raw


def spoil(folder, mark, lane="dead/transform-raw-intake-0"):
    """One byte of a dead letter is another."""
    path = next((folder / "data").rglob(f"{lane}/*.seg"))
    with path.open("r+b") as segment:
        at = segment.read().index(mark)
        segment.seek(at)
        segment.write(b"X")


@case
def damage_is_mended_and_the_other_letters_are_shown_and_sent_again(folder):
    with Weir(folder, agents=AGENTS) as weir:
        for number in range(4):
            broken(weir, number)
        letters = eventually(lambda: len(dead(weir)) == 4 and dead(weir), "all are dead")
        spoil(folder, b'"number": 1}')
        assert dead(weir) == [letters[0], letters[2], letters[3]], dead(weir)
        eventually(lambda: weir.log.read_text().count("damage set aside") == 1, "it is told")
        spoil(folder, b'"number": 2}')
        assert weir.command("dead", "retry", "--all") == "retry 2\n"
        again = eventually(lambda: len(dead(weir)) == 2 and dead(weir), "they died again")
        assert [letter["signal"] for letter in again] == ["d-0", "d-3"], again
    spoil(folder, b'"number": 0}')
    said = subprocess.run([BINARY, "dead", "list"], capture_output=True, text=True, cwd=folder, check=False, timeout=60)
    assert said.returncode == 1 and "no weir runs" in said.stderr and "is left out" in said.stderr, said
    said = subprocess.run([BINARY, "top"], capture_output=True, text=True, cwd=folder, check=False, timeout=60)
    assert said.returncode == 0 and "? dead" in said.stdout and "transform" in said.stdout, said


@case
def a_signal_behind_damage_of_the_tail_is_explained_once_it_is_mended_and_else_told_to_be_left_out(folder):
    with Weir(folder, agents=AGENTS) as weir:  # the lake gathers for minutes: all stands in the stream
        for number in range(3):
            broken(weir, number)
        eventually(lambda: len(dead(weir)) == 3, "all are dead")
        weir.kill()
        spoil(folder, b'"number": 1}', "raw/intake-0")
        said = subprocess.run([BINARY, "explain", "d-0"], capture_output=True, text=True, cwd=folder, check=False,
                              timeout=60)
        assert said.returncode == 1 and "is left out" in said.stderr and "d-0" in said.stdout, said
        weir.start()
        assert "d-2" in weir.command("explain", "d-2")


@case
def an_id_beside_a_real_one_is_unknown_and_no_damage(folder):
    with Weir(folder, agents=AGENTS) as weir:
        for number in range(4):
            broken(weir, number)
        letters = eventually(lambda: len(dead(weir)) == 4 and dead(weir), "all are dead")
        lane, at = letters[1]["id"].split(":")
        for beside in (1, 8, 16):
            for verb in ("show", "retry", "drop"):
                weir.command("dead", verb, f"{lane}:{int(at) + beside}", status=1)
        ids = [letters[0]["id"], f"{lane}:{int(at) + 8}", letters[2]["id"]]
        assert weir.command("dead", "drop", *ids, status=1) == "drop 2\n", "one that is not there keeps no other"
        weir.command("flush")
        assert [letter["id"] for letter in dead(weir)] == [letters[1]["id"], letters[3]["id"]]
        assert weir.command("verify") == "ok\n"
    assert "damage" not in weir.log.read_text() and not list(folder.rglob("corrupt-*"))


@case
def a_retried_letter_is_transformed_anew_and_may_die_again(folder):
    with Weir(folder, agents=AGENTS) as weir:
        broken(weir, 7)
        first = eventually(lambda: dead(weir), "it is dead")[0]
        assert weir.command("dead", "retry", "--all") == "retry 1\n"
        again = eventually(lambda: [d for d in dead(weir) if d["id"] != first["id"]], "it died again")
        assert len(dead(weir)) == 1 and again[0]["reason"] == first["reason"], again
        assert again[0]["signal"] == "d-7"


def screen_of(outer):
    """All that was written to the other end of this terminal, which is closed."""
    shown = b""
    try:
        while part := os.read(outer, 4096):
            shown += part
    except OSError:  # Linux says the end so
        pass
    return shown.decode()


@case
def more_letters_than_are_sent_at_once_are_all_sent_again(folder):
    def event(number):
        context = {"specversion": "0.5.1", "id": f"e{number}", "source": "/s", "type": "dev.cdevents.no.thing.0.1.0",
                   "timestamp": "2026-03-07T12:00:00Z"}
        return {"specversion": "1.0", "id": f"e{number}", "source": "/s", "type": context["type"],
                "data": {"context": context, "subject": {"id": "r", "content": {}}}}
    with Weir(folder, agents={"builds": {"type": "cdevents"}}) as weir:
        for first in (0, 600):
            batch = json.dumps([event(number) for number in range(first, first + 600)]).encode()
            assert weir.post("/hooks/builds", batch, {"Content-Type": "application/cloudevents-batch+json"})[0] == 202
        weir.command("flush")
        before = {letter["id"] for letter in dead(weir)}
        assert len(before) == 1200, len(before)
        assert weir.command("dead", "retry", "--all") == "retry 1200\n"
        weir.command("flush")
        after = {letter["id"] for letter in dead(weir)}
        assert len(after) == 1200 and not before & after, (len(after), before & after)
        outer, inner = pty.openpty()
        environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | {"TERM": "xterm"}
        said = subprocess.run([BINARY, "dead", "drop", "--all", "--json"], stdout=subprocess.PIPE, stderr=inner, cwd=folder,
                              env=environment, check=False, timeout=120)
        os.close(inner)
        shown = screen_of(outer).replace("\r", "").split("\033[K")
        os.close(outer)
        assert (said.returncode, said.stdout) == (0, b'{"drop":1200}\n'), said
        assert shown == ["", *(f"drop: {n} of 1200 letters" for n in (500, 1000, 1200)), ""], shown
        assert dead(weir) == []


class Answering:
    """A `weir dead retry --all` of this folder, and who answers it in the place of the weir that ran there."""

    def __init__(self, folder):
        self.socket = socket.socket(socket.AF_UNIX)
        path = folder / "data" / "run" / "control.sock"
        path.unlink(missing_ok=True)
        self.socket.bind(str(path))
        self.socket.listen(4)
        self.socket.settimeout(120)
        self.process = subprocess.Popen([BINARY, "dead", "retry", "--all"], cwd=folder, text=True, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)

    def asked(self):
        """The next line that it asks, and what gives it its answer."""
        line = self.socket.accept()[0]
        line.settimeout(120)
        asked = json.loads(line.makefile().readline())

        def answer(**members):
            line.sendall(json.dumps(members).encode() + b"\n")
            line.close()
        return asked["ids"], answer

    def end(self):
        out, err = self.process.communicate(timeout=120)
        self.socket.close()
        return self.process.returncode, out, err


@case
def what_weir_leaves_is_asked_for_again_and_what_was_done_is_told_when_it_ends_early(folder):
    with Weir(folder, agents=AGENTS) as weir:
        for number in range(5):
            broken(weir, number)
        letters = [letter["id"] for letter in eventually(lambda: len(dead(weir)) == 5 and dead(weir), "all are dead")]

    retry = Answering(folder)
    ids, answer = retry.asked()
    assert ids == letters, ids
    answer(ok=True, n=2, looked=2)
    ids, answer = retry.asked()
    assert ids == letters[2:], ids
    answer(ok=False, n=1, looked=2, why="one is gone")  # which keeps none of the others
    ids, answer = retry.asked()
    assert ids == letters[4:], ids
    answer(ok=True, n=1, looked=1)
    status, out, err = retry.end()
    assert (status, out) == (1, "retry 4\n") and "one is gone" in err and "stopped" not in err, (status, out, err)

    retry = Answering(folder)
    retry.asked()[1](ok=True, n=2, looked=2)
    retry.asked()[1](ok=False, n=0, looked=0, why="the disk is full")
    status, out, err = retry.end()
    assert (status, out) == (1, "retry 2\n"), (status, out, err)
    assert "the disk is full" in err and "stopped at 2 of 5 letters" in err, err

    retry = Answering(folder)
    retry.asked()[1](ok=True, n=2, looked=2)
    ids, answer = retry.asked()
    retry.process.send_signal(signal.SIGINT)  # what it asked is done all the same
    answer(ok=True, n=1, looked=1)
    status, out, err = retry.end()
    assert (status, out) == (130, "retry 3\n") and "stopped at 3 of 5 letters" in err, (status, out, err)


@case
def what_is_no_id_and_a_weir_that_does_not_run_are_told(folder):
    with Weir(folder, agents=AGENTS) as weir:
        broken(weir, 7)
        first = eventually(lambda: dead(weir), "it is dead")[0]
        for word in ("nonsense", "dead/transform-raw-intake-0:99999", "raw/intake-0:0"):
            said = subprocess.run([BINARY, "dead", "show", word], capture_output=True, text=True, cwd=folder, check=False,
                                  timeout=30)
            assert said.returncode == 1 and word in said.stderr, said
    said = subprocess.run([BINARY, "dead", "retry", first["id"]], capture_output=True, text=True, cwd=folder, check=False,
                          timeout=30)
    assert said.returncode == 1 and "does not run" in said.stderr, said


run()
