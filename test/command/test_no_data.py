"""Commands that only look make nothing, and say where there is nothing to look at."""
import struct
import subprocess

from blackbox import BINARY, Weir, case, run, sign

LOOKING = [["status"], ["status", "--json"], ["query", "select 1"], ["dead", "list"],
           ["verify"], ["flush", "--timeout", "1s"], ["explain", "1"], ["tap"], ["replay"], ["backup", "copy"]]


def ask(folder, words):
    return subprocess.run([BINARY, words[0], "-c", str(folder / "weir.yaml"), *words[1:]], capture_output=True, text=True,
                          cwd=folder, check=False, timeout=30)


def below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def assert_nothing_is_made(folder, words):
    before = below(folder)
    done = ask(folder, words)
    assert done.returncode == 1, (words, done)
    assert "data" in done.stderr and "weir run" in done.stderr and len(done.stderr.splitlines()) == 1, (words, done.stderr)
    assert done.stdout == "", (words, done.stdout)
    assert below(folder) == before, (words, below(folder))


@case
def where_no_data_folder_is_none_is_made(folder):
    Weir(folder)  # its configuration
    for words in LOOKING:
        assert_nothing_is_made(folder, words)
    before = below(folder)
    assert ask(folder, ["views"]).returncode in (0, 1)
    assert below(folder) == before


@case
def a_folder_that_is_not_weirs_is_left_as_it_is(folder):
    Weir(folder)
    (folder / "data/bus").mkdir(parents=True)
    (folder / "data/bus/notes.txt").write_text("mine")
    for words in LOOKING:
        assert_nothing_is_made(folder, words)


@case
def streams_without_their_id_are_stopped_at_and_not_begun_anew(folder):
    weir = Weir(folder, agents={"github": {"type": "github", "secret": "s"}})
    with weir:
        assert weir.post("/hooks/github", b"{}", sign("s", b"{}") | {"X-GitHub-Event": "ping", "X-GitHub-Delivery": "1"})[0] == 202
    path = folder / "data/bus/id"
    digits = path.read_text()
    path.unlink()
    done = ask(folder, ["verify"])
    assert done.returncode == 1 and "bus/id is gone" in done.stdout, done
    done = ask(folder, ["run"])
    assert done.returncode == 2 and "bus/id is gone" in done.stderr and not path.exists(), done
    path.write_text(digits)
    assert ask(folder, ["verify"]).stdout == "ok\n"


@case
def the_pages_of_another_version_are_left_alone(folder):
    with Weir(folder) as weir:
        page = next((weir.folder / "data").rglob("bus.page"))
    with page.open("r+b") as file:
        file.seek(4)
        file.write(struct.pack("<I", 77))
    before = page.read_bytes()
    done = ask(folder, ["status"])
    assert done.returncode == 1 and "another version of weir" in done.stderr, done
    assert page.read_bytes() == before


run()
