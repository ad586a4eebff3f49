"""backup copies streams, lake and store while weir runs; restored, all is there and goes on."""
import subprocess
import threading

from blackbox import case, eventually, run
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
    with other:
        other.command("flush")
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


run()
