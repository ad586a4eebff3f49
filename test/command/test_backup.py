"""backup copies streams, lake and store while weir runs; restored, all is there and goes on."""
import fcntl
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import threading

from blackbox import BINARY, case, eventually, run
from faults import Disk
from webhook import one, post, pull_request, weir_with_github

COUNT = "SELECT concat((SELECT count(*) FROM change), '/', (SELECT count(*) FROM raw)) AS n"


@case
def a_backup_made_while_signals_come_restores_to_a_sound_weir_that_goes_on(folder):
    (folder / "old").mkdir()
    (folder / "new").mkdir()
    with weir_with_github(folder / "old") as weir:
        for i in range(20):
            post(weir, pull_request(i + 1), i)
        weir.command("flush")
        is_over = threading.Event()
        sent = [20]

        def go_on():
            while not is_over.is_set():
                post(weir, pull_request(sent[0] + 1), sent[0])
                sent[0] += 1

        sender = threading.Thread(target=go_on)
        sender.start()
        try:
            weir.command("backup", str(folder / "copy"))
        finally:
            is_over.set()
            sender.join()
        subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=folder / "copy", check=True)
        weir.command("backup", str(folder / "copy"), status=1)
        weir.command("restore", str(folder / "copy"), status=1)
    other = weir_with_github(folder / "new")
    other.command("restore", str(folder / "copy"))
    assert other.command("verify").startswith("ok")
    before = one(other, COUNT)["n"].split("/")[1]
    with other:
        other.command("flush")
        assert one(other, COUNT)["n"].split("/")[1] == before, "the same before it ran"
        changes, raw = one(other, COUNT)["n"].split("/")
        assert changes == raw and 20 <= int(raw) <= sent[0], (changes, raw, sent)
        assert one(other, "SELECT max(number) AS n FROM change")["n"] == int(raw), "no gap: all up to some moment"
        assert other.command("verify") == "ok\n"
        post(other, pull_request(1), 0)
        post(other, pull_request(5000), 5000)
        eventually(lambda: one(other, COUNT)["n"] == f"{int(raw) + 1}/{int(raw) + 2}", "it goes on, and knows a repetition")
        other.command("flush")
        assert other.rows("query", "--store", "SELECT count(*) AS n FROM change")[0]["n"] == int(raw) + 1


@case
def a_damaged_or_unfinished_backup_is_not_restored(folder):
    (folder / "old").mkdir()
    (folder / "new").mkdir()
    with weir_with_github(folder / "old") as weir:
        post(weir, pull_request(1), 1)
        weir.command("flush")
        weir.command("backup", str(folder / "copy"))
    other = weir_with_github(folder / "new")
    victim = next((folder / "copy/lake/change").rglob("*.parquet"))
    whole = victim.read_bytes()
    victim.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
    other.command("restore", str(folder / "copy"), status=1)
    assert not (folder / "new/data").exists()
    victim.write_bytes(whole)
    (folder / "copy/SHA256SUMS").rename(folder / "sums")
    other.command("restore", str(folder / "copy"), status=1)
    (folder / "sums").rename(folder / "copy/SHA256SUMS")
    other.command("restore", str(folder / "copy"))
    other.command("restore", str(folder / "copy"), status=1)
    with other:
        assert one(other, COUNT)["n"] == "1/1"


@case
def a_backup_whose_list_was_cut_or_that_has_other_files_is_not_restored(folder):
    (folder / "old").mkdir()
    (folder / "new").mkdir()
    with weir_with_github(folder / "old") as weir:
        post(weir, pull_request(1), 1)
        weir.command("flush")
        weir.command("backup", str(folder / "copy"))
    other = weir_with_github(folder / "new")
    sums = folder / "copy/SHA256SUMS"
    lines = sums.read_text().splitlines(keepends=True)
    unnamed = {path for path in (folder / "copy").rglob("*") if path.is_file()} - {folder / "copy" / line[66:-1] for line in lines[1:]}
    assert unnamed == {sums} and lines[0].endswith(f": {len(lines) - 1}\n"), (unnamed, lines[0])
    for head, removed in ((0, False), (1, False), (1, True), (2, False), (len(lines) // 2, False), (len(lines) - 1, True)):
        sums.write_text("".join(lines[:head]))
        kept = [folder / "copy" / line[66:-1] for line in lines[1:][max(head - 1, 0):] if removed]
        aside = {path: path.read_bytes() for path in kept}
        for path in kept:
            path.unlink()
        other.command("restore", str(folder / "copy"), status=1)
        for path, text in aside.items():
            path.write_bytes(text)
        assert not (folder / "new/data").exists(), head
    sums.write_text("".join(lines[1:-1]))  # as of a weir that did not count them yet, and cut
    other.command("restore", str(folder / "copy"), status=1)
    sums.write_text("".join(lines))
    (folder / "copy/lake/stray").write_text("of another backup")
    other.command("restore", str(folder / "copy"), status=1)
    (folder / "copy/lake/stray").unlink()
    assert not (folder / "new/data").exists()
    (folder / "copy/.of-the-disk").write_text("")
    sums.write_text("".join(lines[1:]))
    other.command("restore", str(folder / "copy"))
    with other:
        assert one(other, COUNT)["n"] == "1/1"


@case
def a_restored_weir_knows_which_streams_were_its_own(folder):
    (folder / "old").mkdir()
    (folder / "new").mkdir()
    with weir_with_github(folder / "old") as weir:
        for i in range(3):
            post(weir, pull_request(i + 1), i)
        weir.command("flush")
        weir.stop()
        shutil.rmtree(folder / "old/data/bus")
        for file in (folder / "old/data").glob("store.db*"):
            file.unlink()
        weir.start()
        for i in range(3, 5):
            post(weir, pull_request(i + 1), i)
        weir.command("flush")
        weir.command("replay", "--store-only")
        weir.command("backup", str(folder / "copy"))
    other = weir_with_github(folder / "new")
    other.command("restore", str(folder / "copy"))
    with other:
        other.command("replay")
        assert other.command("verify") == "ok\n"
        assert other.rows("query", "--store", "SELECT count(*) AS n FROM change") == [{"n": 5}]
        assert one(other, COUNT)["n"] == "5/5"


@case
def a_restored_weir_says_how_far_it_is_before_it_runs(folder):
    (folder / "old").mkdir()
    (folder / "new/data/run").mkdir(parents=True)
    (folder / "new/data/run/transform.page").write_bytes(b"of what stood here before")
    with weir_with_github(folder / "old") as weir:
        for i in range(3):
            post(weir, pull_request(i + 1), i)
        weir.command("flush")
        weir.command("backup", str(folder / "copy"))
        before = json.loads(weir.command("status", "--json"))
    other = weir_with_github(folder / "new")
    other.command("restore", str(folder / "copy"))
    after = json.loads(other.command("status", "--json", status=1))
    assert not after["running"] and after["stored"] == before["stored"] == 3, after
    assert [(s["name"], s["lag_bytes"], s["lag_ms"]) for s in after["stages"] if s["lag_bytes"] or s["lag_ms"]] == [], after
    assert after["complete_to"] > before["complete_to"], (before, after)
    other.command("flush")
    with other:
        post(other, pull_request(9), 9)
        other.command("flush")
        assert json.loads(other.command("status", "--json"))["stored"] == 4
        assert one(other, COUNT)["n"] == "4/4"


@case
def a_store_that_is_written_without_a_pause_is_copied_all_the_same(folder):
    with weir_with_github(folder) as weir:
        post(weir, pull_request(1), 1)
        weir.command("flush")
        is_over = threading.Event()

        def write():
            with sqlite3.connect(folder / "data/store.db", timeout=30) as store:
                while not is_over.is_set():
                    store.execute("UPDATE counter SET n = n + 1")
                    store.commit()

        with sqlite3.connect(folder / "data/store.db", timeout=30) as store:  # of many steps
            store.execute("CREATE TABLE padding AS SELECT randomblob(400 << 20) AS bytes")
            store.execute("CREATE TABLE counter AS SELECT 1 AS n")
        writer = threading.Thread(target=write)
        writer.start()
        try:
            subprocess.run([BINARY, "backup", "-c", folder / "weir.yaml", folder / "copy"], check=True, timeout=90)
        finally:
            is_over.set()
            writer.join()


@case
def a_backup_never_holds_the_store_of_one_mapping_and_the_lake_of_another(folder):
    with weir_with_github(folder) as weir:
        post(weir, pull_request(1), 1)
        weir.command("flush")
        words = [BINARY, "replay", "-c", str(folder / "weir.yaml")]
        done = subprocess.run(words, env=weir.environment | {"WEIR_FAILPOINT": "replay.switched:1:kill"}, timeout=60, check=False)
        assert done.returncode == -9
        assert subprocess.run(words, timeout=60, check=False, env=weir.environment | {"WEIR_FAILPOINT": "replay.filled:1:kill"}).returncode
        done = subprocess.run([BINARY, "backup", "-c", folder / "weir.yaml", folder / "copy"], capture_output=True, text=True,
                              check=False, timeout=60)
        assert done.returncode == 1 and "let `weir replay` end it" in done.stderr, done
        assert not (folder / "copy/SHA256SUMS").exists()
        with (folder / "data/switch.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)  # as a backup does
            under_way = subprocess.Popen(words, stdout=subprocess.DEVNULL)
            eventually(lambda: (folder / "data/replay/plan.json").exists(), "it is there")
            before = (folder / "data/store.db").stat().st_ino
            try:
                under_way.wait(3)
                raise AssertionError("it switched under a backup")
            except subprocess.TimeoutExpired:
                pass
            assert (folder / "data/store.db").stat().st_ino == before
        assert under_way.wait(60) == 0
        shutil.rmtree(folder / "copy")
        weir.command("backup", str(folder / "copy"))
        assert weir.command("verify") == "ok\n"


@case
def what_an_earlier_restore_left_is_not_mixed_in(folder):
    (folder / "old").mkdir()
    (folder / "new").mkdir()
    with weir_with_github(folder / "old") as weir:
        post(weir, pull_request(1), 1)
        weir.command("flush")
        weir.command("backup", str(folder / "copy"))
    stray = folder / "new/data/bus.restored/raw/intake-0/00000000000000999936.seg"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"of another backup")
    other = weir_with_github(folder / "new")
    other.command("restore", str(folder / "copy"))
    assert not list((folder / "new/data").rglob(stray.name))
    with other:
        assert one(other, COUNT)["n"] == "1/1"


@case
def the_streams_of_another_weir_that_runs_are_not_restored_over(folder):
    for name in ("old", "new"):
        (folder / name).mkdir()
    with weir_with_github(folder / "old") as weir:
        post(weir, pull_request(1), 1)
        weir.command("flush")
        weir.command("backup", str(folder / "copy"))
        other = weir_with_github(folder / "new", bus={"path": str(folder / "old/data/bus")})
        said = restore(other)
        assert said.returncode == 1 and f"another weir keeps its streams there (pid {weir.process.pid})" in said.stderr, said
        assert "move it away" not in said.stderr and not (folder / "new/data").exists(), said


def restore(weir):
    return subprocess.run([BINARY, "restore", str(weir.folder.parent / "copy"), "-c", str(weir.folder / "weir.yaml")],
                          capture_output=True, text=True, timeout=120, check=False)


class Held:
    """A restore that has looked at all checksums and copies, until it may go on: one file of the backup, empty, is a FIFO."""

    def __init__(self, weir):
        copy = weir.folder.parent / "copy"
        sums = copy / "SHA256SUMS"
        counted, listed = sums.read_text().split("\n", 1)
        told, count = counted.rsplit(" ", 1)
        sums.write_text(f"{told} {int(count) + 1}\n{listed}{hashlib.sha256().hexdigest()}  sinks/held\n")
        self.name = copy / "sinks/held"
        self.name.parent.mkdir(exist_ok=True)
        os.mkfifo(self.name)
        self.process = subprocess.Popen([BINARY, "restore", str(copy), "-c", str(weir.folder / "weir.yaml")],
                                        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.is_read = False
        try:
            eventually(self.let_read, "it looks at its checksum")
            eventually((weir.folder / "data/bus.restored/lock").exists, "it copies")
        except BaseException:
            self.process.kill()
            raise

    def let_read(self):
        """Who waits for the file reads nothing of it, and goes on."""
        try:
            os.close(os.open(self.name, os.O_WRONLY | os.O_NONBLOCK))
            self.is_read = True
        except OSError:  # nobody waits
            assert self.process.poll() is None or self.is_read, self.process.communicate()
        return self.is_read

    def goes_on(self):
        waiting = self.name.rename(self.name.with_name("waiting"))
        self.name.touch()
        self.name = waiting
        eventually(lambda: self.let_read() and self.process.poll() is not None, "it ends")
        waiting.unlink()
        out, errors = self.process.communicate()
        return self.process.returncode, out + errors


@case
def while_a_restore_is_under_way_nobody_else_begins_there(folder):
    for name in ("old", "new", "third"):
        (folder / name).mkdir()
    with weir_with_github(folder / "old") as weir:
        post(weir, pull_request(1), 1)
        weir.command("flush")
        weir.command("backup", str(folder / "copy"))
    new = weir_with_github(folder / "new")
    third = weir_with_github(folder / "third", bus={"path": str(folder / "new/data/bus")})
    held = Held(new)
    try:
        said = subprocess.run([BINARY, "run", "-c", str(folder / "new/weir.yaml")], capture_output=True, text=True,
                              timeout=120, check=False)
        assert said.returncode != 0 and f"another weir runs on this data folder, pid {held.process.pid}" in said.stderr, said
    finally:
        status, said = held.goes_on()
    assert status == 0, said
    assert (folder / "new/data/bus/lock").read_text() == f"{held.process.pid}\n", "it was there with the streams"
    with new:
        assert one(new, COUNT)["n"] == "1/1"
        assert f"pid {new.process.pid}" in restore(third).stderr


@case
def streams_that_came_meanwhile_are_not_moved_over(folder):
    for name in ("old", "new"):
        (folder / name).mkdir()
    with weir_with_github(folder / "old") as weir:
        weir.command("flush")
        weir.command("backup", str(folder / "copy"))
    new = weir_with_github(folder / "new")
    held = Held(new)
    (folder / "new/data/bus").mkdir()
    status, said = held.goes_on()
    assert status == 1 and "bus is there: move it away" in said, said
    assert not (folder / "new/data/store.db").exists() and not (folder / "new/data/lake").exists(), "nothing was put"
    (folder / "new/data/bus").rmdir()
    new.command("restore", str(folder / "copy"))


@case
def a_full_disk_ends_a_backup_that_is_none(folder):
    with Disk(folder, mib=24) as disk, weir_with_github(folder) as weir:
        post(weir, pull_request(1), 1)
        weir.command("flush")
        with sqlite3.connect(folder / "data/store.db", timeout=30) as store:
            store.execute("CREATE TABLE padding AS SELECT randomblob(30 << 20) AS bytes")
        done = subprocess.run([BINARY, "backup", "-c", folder / "weir.yaml", disk.path / "copy"], capture_output=True, text=True,
                              check=False, timeout=60)
        assert done.returncode == 1 and "full" in done.stderr, done
        assert not (disk.path / "copy/SHA256SUMS").exists()
        done = subprocess.run([BINARY, "restore", "-c", folder / "weir.yaml", disk.path / "copy"], capture_output=True, text=True,
                              check=False, timeout=60)
        assert done.returncode == 1, done
        assert weir.command("verify") == "ok\n"


run()
