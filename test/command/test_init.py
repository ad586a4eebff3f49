"""weir init: it writes all or nothing, and what it writes becomes the installed service by the lines of the manual."""
import re
import resource
import stat
import subprocess

from blackbox import BINARY, ROOT, Weir, case, eventually, run

AGENTS = {"github": {"type": "github", "secret": "s3cret"}}


def init(folder, directory, **more):
    return subprocess.run([BINARY, "init", directory], capture_output=True, text=True, cwd=folder, check=False, timeout=20, **more)


@case
def a_full_disk_is_told_with_the_file_and_leaves_nothing(folder):
    done = init(folder, "new", restore_signals=False, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10)))
    assert done.returncode == 1 and "new/github.secret" in done.stderr, done
    assert not (folder / "new").exists()


@case
def a_folder_without_a_name_is_refused(folder):
    done = init(folder, "")
    assert done.returncode == 1 and "DIR is empty" in done.stderr, done


@case
def the_manual_moves_the_data_where_the_unit_may_write(folder):
    assert init(folder, "etc").returncode == 0
    line = re.search(r"^sed -i .* /etc/weir/weir.yaml$", (ROOT / "docs/operations.md").read_text(), re.MULTILINE)[0]
    subprocess.run(["sh", "-c", line.replace("/etc/weir/", f"{folder}/etc/")], check=True, timeout=20)
    assert "\ndata: /var/lib/weir\n" in (folder / "etc/weir.yaml").read_text()
    unit = (ROOT / "packaging/weir.service").read_text()
    assert "StateDirectory=weir\n" in unit and "run -c /etc/weir\n" in unit


@case
def the_store_is_for_its_user_alone(folder):
    with Weir(folder, agents=AGENTS):
        store = folder / "data/store.db"
        eventually(store.exists, "the store is made")
        eventually(lambda: len(list((folder / "data").glob("store.db*"))) == 3, "it has its log")
        for path in (folder / "data").glob("store.db*"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


run()
