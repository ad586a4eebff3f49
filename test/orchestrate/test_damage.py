"""What rots in the streams is set aside by the running weir, told once, counted, and everything goes on."""
import json
import os
import re
import signal

from blackbox import Weir, case, eventually, run, sign

AGENTS = {"github": {"type": "github", "secret": "s3cret"}}
SIGNALS = 20


def ping(weir, number):
    body = json.dumps({"zen": "z" * 2000, "number": number}).encode()
    headers = sign("s3cret", body) | {"X-GitHub-Event": "ping", "X-GitHub-Delivery": f"d-{number}"}
    assert weir.post("/hooks/github", body, headers)[0] == 202


def readers(weir):
    return [pid for pid, line in weir.children().items() if re.search("weir: (transform|lake)", line)]


def spoil(weir, mark):
    """Change a byte of the signal that holds this mark, in the segment that is being written."""
    path = next((weir.folder / "data").rglob("raw/intake-0/*.seg"))
    with path.open("r+b") as segment:
        at = segment.read().index(mark)
        segment.seek(at)
        segment.write(b"X")


@case
def damage_in_the_open_segment_is_set_aside_without_a_restart(folder):
    with Weir(folder, agents=AGENTS, lake={"flush": "200ms"}) as weir:
        stopped = readers(weir)
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        for number in range(SIGNALS):
            ping(weir, number)
        spoil(weir, b'"number": 7}')
        weir.command("verify", status=1)
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
        ping(weir, SIGNALS)
        weir.command("flush")
        said = json.loads(weir.command("status", "--json"))
        assert said["damage"]["holes"] == 1 and said["damage"]["signals"] == 1, said["damage"]
        assert said["ignored"] == {"github/ping": SIGNALS}, said  # all but the one
        assert {stage["restarts"] for stage in said["stages"]} == {0}, said
        told = [line for line in weir.log.read_text().splitlines() if "damage set aside" in line]
        assert len(told) == 1 and "lane=intake-0" in told[0] and "signals_lost_at_most=1" in told[0], told
        assert int(weir.rows("query", "select count(*) as n from raw")[0]["n"]) == SIGNALS
        assert "weir_bus_damage_signals 1" in weir.get("/metrics")[1]
        weir.command("verify")
    with Weir(folder, agents=AGENTS) as weir:  # and it is not told again
        assert weir.log.read_text().count("damage set aside") == 1
        eventually(lambda: json.loads(weir.command("status", "--json"))["damage"]["holes"] == 1, "still counted")


run()
