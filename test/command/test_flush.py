"""weir flush returns when all that was received is kept, and says who is behind when it does not."""
import contextlib
import json
import os
import signal
import sqlite3
import subprocess

from blackbox import BINARY, Weir, case, eventually, run, sign

AGENTS = {"github": {"type": "github", "secret": "s3cret"}}
SHA = "0123456789abcdef0123456789abcdef01234567"


def push(weir, number, message="m"):
    """A push of one commit, number in its sha."""
    sha = f"{number:040x}"
    body = json.dumps({
        "ref": "refs/heads/main", "before": SHA, "after": sha, "created": False, "deleted": False, "forced": False,
        "repository": {"full_name": "acme/shop", "html_url": "https://github.com/acme/shop", "default_branch": "main",
                       "name": "shop", "owner": {"login": "acme", "name": "acme"}, "pushed_at": 1764000000},
        "pusher": {"name": "ada"}, "sender": {"login": "ada", "id": 1, "type": "User"}, "compare": "https://github.com/c",
        "head_commit": None, "base_ref": None,
        "commits": [{"id": sha, "tree_id": SHA, "message": message, "timestamp": "2026-01-02T03:04:05Z", "distinct": True,
                     "url": "https://github.com/acme/shop/commit/" + sha, "author": {"name": "Ada", "email": "a@b.c"},
                     "committer": {"name": "Ada", "email": "a@b.c"}, "added": [], "removed": [], "modified": ["x"]}]})
    headers = sign("s3cret", body.encode()) | {"X-GitHub-Event": "push", "X-GitHub-Delivery": f"d-{number}"}
    status, answer = weir.post("/hooks/github", body.encode(), headers)
    assert status == 202, (status, answer)


def commits(folder):
    with sqlite3.connect(f"file:{folder}/data/store.db?mode=ro", uri=True) as store:
        return store.execute('select count(*) from "commit"').fetchone()[0]


@case
def what_was_accepted_is_in_the_store_when_flush_returns(folder):
    with Weir(folder, agents=AGENTS) as weir:
        for round_ in range(5):
            for i in range(20):
                push(weir, round_ * 20 + i)
            weir.command("flush")
            assert commits(folder) == (round_ + 1) * 20
    assert commits(folder) == 100


@case
def a_stuck_stage_is_named_when_the_time_is_over(folder):
    with Weir(folder, agents=AGENTS) as weir:
        pid = next(pid for pid, line in weir.children().items() if "weir: store" in line)
        os.kill(pid, signal.SIGSTOP)
        push(weir, 1)
        said = subprocess.run([BINARY, "flush", "--timeout", "8s"], capture_output=True, text=True, timeout=30,
                              check=False, cwd=folder)
        assert said.returncode == 1 and "store is still behind" in said.stderr, said
        os.kill(pid, signal.SIGCONT)
        weir.command("flush")


@case
def without_a_running_weir_flush_says_whether_anything_waits(folder):
    with Weir(folder, agents=AGENTS) as weir:
        push(weir, 1)
    assert commits(folder) == 1, "a stop drains"
    said = subprocess.run([BINARY, "flush"], capture_output=True, text=True, timeout=30, check=False, cwd=folder)
    assert said.returncode == 0, said


def says_what_is_gone(folder, word, timeout="30s"):
    said = subprocess.run([BINARY, "flush", "--timeout", timeout], capture_output=True, text=True, timeout=60, check=False, cwd=folder)
    return said.returncode == 1 and word in said.stderr


@case
def nothing_is_kept_in_a_store_or_table_that_is_gone(folder):
    with Weir(folder, agents=AGENTS) as weir:
        push(weir, 1)
        weir.command("flush")
        for file in folder.glob("data/store.db*"):
            file.unlink()
        assert says_what_is_gone(folder, "store.db is gone")

        def is_there_again():
            said = subprocess.run([BINARY, "flush"], capture_output=True, text=True, timeout=60, check=False, cwd=folder)
            return said.returncode == 0
        eventually(is_there_again, "weir makes it anew from the streams")
        assert commits(folder) == 1
        raw = folder / "data/lake/raw"
        raw.rename(folder / "data/lake/.away")
        assert says_what_is_gone(folder, "the lake has no table raw")
        eventually(is_there_again, "and so with the table: the streams still hold all of it")
        assert weir.rows("query", "select count(*) as n from raw")[0]["n"] == 1
    (folder / "data/store.db").unlink()
    assert says_what_is_gone(folder, "store.db is gone")


def is_flushed(folder):
    said = subprocess.run([BINARY, "flush", "--timeout", "5s"], capture_output=True, text=True, timeout=60, check=False, cwd=folder)
    return said.returncode == 0


def lag_bytes(weir, stage):
    return next(s["lag_bytes"] for s in json.loads(weir.command("status", "--json", status=1))["stages"] if s["name"] == stage)


@case
def a_store_of_other_streams_has_taken_nothing_of_these(folder):
    with Weir(folder, agents=AGENTS) as weir:
        for i in range(6):
            push(weir, i)
        weir.command("flush")
    (folder / "data/bus").rename(folder / "old-bus")
    weir = Weir(folder, agents=AGENTS)
    try:
        weir.start(ready=False)  # its store does not open: its cursors are those of old-bus
        eventually(lambda: b"event=listening" in weir.log.read_bytes().split(b"event=stopped")[-1], "it listens")
        push(weir, 6)
        assert not is_flushed(folder)
        eventually(lambda: lag_bytes(weir, "transform") == 0, "all of it stands before the store")
        assert lag_bytes(weir, "store") > 0
        for i in range(7, 27):  # where it stood is in the middle of something now
            push(weir, i, "a longer message than those before it")
        eventually(lambda: lag_bytes(weir, "transform") == 0, "all of it stands before the store")
        assert b"damage set aside" not in weir.log.read_bytes()
        weir.stop()
        assert not is_flushed(folder), "nor when weir is stopped"
        for file in folder.glob("data/store.db*"):
            file.unlink()
        weir.start()
        weir.command("flush")
        assert commits(folder) == 21
    finally:
        if weir.process is not None:
            weir.kill()


@case
def a_store_that_cannot_be_read_has_taken_nothing(folder):
    with Weir(folder, agents=AGENTS) as weir:
        push(weir, 1)
        weir.command("flush")
        older = folder / "older.db"
        with contextlib.closing(sqlite3.connect(folder / "data/store.db")) as store:
            store.execute("vacuum into ?", (str(older),))
        push(weir, 2)
        weir.command("flush")
    store = folder / "data/store.db"
    kept = store.read_bytes()
    for spoiled in (b"", bytes(range(256)) * 160):
        for file in folder.glob("data/store.db*"):
            file.unlink()
        store.write_bytes(spoiled)
        assert says_what_is_gone(folder, "store.db"), "nobody runs, and it was not looked at"
    weir = Weir(folder, agents=AGENTS)
    try:
        weir.start(ready=False)
        assert not is_flushed(folder)
        eventually(lambda: says_what_is_gone(folder, "file is not a database", "2s"), "it says what hinders the store")
        weir.stop()
        store.write_bytes(older.read_bytes())
        assert says_what_is_gone(folder, "lacks what stands behind")
        weir.start()
        weir.command("flush")
        assert commits(folder) == 2
        weir.stop()
        for file in folder.glob("data/store.db*"):
            file.unlink()
        store.write_bytes(kept)
        assert is_flushed(folder)
    finally:
        if weir.process is not None:
            weir.kill()


@case
def a_lake_that_cannot_be_read_has_taken_nothing(folder):
    with Weir(folder, agents=AGENTS) as weir:
        for i in range(3):
            push(weir, i)
            weir.command("flush")
    lost = folder / "data/lake/commit/_delta_log/00000000000000000001.json"
    lost.rename(folder / "lost")
    assert says_what_is_gone(folder, "lacks commit 1"), "nobody runs, and it was not looked at"
    weir = Weir(folder, agents=AGENTS)
    try:
        weir.start(ready=False)
        assert not is_flushed(folder)
        eventually(lambda: says_what_is_gone(folder, "lacks commit 1", "2s"), "it says what hinders the lake")
        (folder / "lost").rename(lost)
        weir.command("flush", "--timeout", "5m")  # it is tried again, later and later
    finally:
        if weir.process is not None:
            weir.kill()


run()
