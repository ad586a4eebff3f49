"""examples.py - run the shell examples of a Markdown file, word for word, as a reader would.

Every block marked ```sh is run, all blocks of a file one after the other in one empty folder; a block of another kind (```text,
```yaml) is not. So that fixed ports are free and nothing is left, it all happens in a network namespace of its own. Three words
mean something else there: `weir run` starts in the background and is waited for until it is ready; `make` is only asked whether
it knows its targets; `git clone` gives a link to this tree."""
import fcntl
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import sys

from blackbox import BINARY, ROOT, Skip

WEIR = """#!/bin/bash
[ "$1" = run ] || exec {binary} "$@"
setsid {binary} "$@" >"$EXAMPLE/log" 2>&1 &
echo $! >>"$EXAMPLE/pids"
for _ in $(seq 300); do
    kill -0 $! 2>/dev/null || break
    case $(curl -s -o /dev/null -w '%{{http_code}}' http://127.0.0.1:8081/readyz) in 200) exit 0 ;; esac
    sleep 0.1
done
cat "$EXAMPLE/log" >&2
exit 1
"""
MAKE = """#!/bin/bash
exec {make} -n -C {root} "$@" >/dev/null
"""
GIT = """#!/bin/bash
[ "$1" = clone ] || exec {git} "$@"
name=${{2##*/}}
ln -s {root} "${{3:-${{name%.git}}}}"
"""
# A leak check is done by a process of its own; SIGTERM to the group ends that, and who waits for it waits for ever.
UNDERSTOOD = """#!/bin/bash
export ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
timeout 3 bash -o pipefail -c "$1" </dev/null >/dev/null
status=$?
case $status in 0 | 1 | 124) exit 0 ;; esac
echo "$1: exit $status" >&2
exit 1
"""


def blocks(path):
    """(line, text) of each block to run."""
    text = path.read_text()
    for found in re.finditer(r"^( *)```sh\n(.*?)^ *```$", text, re.S | re.M):
        yield text.count("\n", 0, found.start()) + 1, re.sub(rf"^{found.group(1)}", "", found.group(2), flags=re.M)


def _words_of(line):
    """A line of a manual as somebody would type it, with files of this folder for those that it names."""
    for word, here in {"/etc/weir": ".", "/mnt/backup/": "./"}.items():
        line = line.replace(word, here)
    return line


def help_lines():
    """(command, line) of every example that `weir help COMMAND` shows."""
    overview = subprocess.run([BINARY, "help"], capture_output=True, text=True, check=True).stdout
    for command in re.findall(r"^  ([a-z]+)  ", overview, re.M):
        page = subprocess.run([BINARY, "help", command], capture_output=True, text=True, check=True).stdout
        for line in re.findall(r"^  (weir .*|.*\| weir .*)$", page, re.M):
            yield command, line


def inline_lines(path):
    """(line number, `weir …`) of every command between backticks that is whole: nothing to choose, nothing left out. A bare name
    is taken for the page of its help."""
    text = re.sub(r"```.*?```", lambda m: "\n" * m.group().count("\n"), path.read_text(), flags=re.S)
    for found in re.finditer(r"`(weir [a-z][^`\n]*)`", text):
        if not re.search(r"[\[|…]", found.group(1)):
            yield text.count("\n", 0, found.start()) + 1, re.sub(r"^weir ([a-z]+)$", r"weir help \1", found.group(1))


# What the commands name.
THINGS = """weir init .
echo 'services: { shop: { repositories: [acme/shop], team: cart } }' >>weir.yaml
weir run
echo '{}' | tee push.json event.json >FILE
mkdir -p own/one mappings
echo empty >own.jq
echo '{}' >own/one/input.json
echo '[]' >own/one/expected.json
cp -r own own.jq mappings
cp -r own pager
cp own.jq pager.jq
weir init --collector command collectors
cp collectors/command.yaml users.yaml
"""


def is_understood(lines, folder):
    """Each of the commands beside a running weir: it may find nothing or go on without end, but not be wrong usage (2) or
    die. AssertionError with those that were."""
    typed = "".join(f"{_words_of(line)}\n" for line in lines)
    script = f"{THINGS}xargs -P 4 -d '\\n' -n 1 understood <<'END'\n{typed}END\n"
    (folder / "LINES.md").write_text(f"```sh\n{script}```\n")
    run_examples(folder / "LINES.md", folder)


def _loopback_up():
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: IFF_UP, IFF_RUNNING


def _run_here(path, folder):
    """In the namespace: all blocks; exit 1 with the block that failed."""
    _loopback_up()
    words, place = folder / "words", folder / "place"
    words.mkdir()
    place.mkdir()
    for name, text in {"weir": WEIR, "make": MAKE, "git": GIT, "understood": UNDERSTOOD}.items():
        (words / name).write_text(text.format(binary=BINARY, root=ROOT, make=shutil.which("make"), git=shutil.which("git")))
        (words / name).chmod(0o755)
    environment = {**os.environ, "EXAMPLE": str(folder), "PATH": f"{words}:{os.environ['PATH']}", "HOME": str(folder)}
    for line, text in blocks(path):
        script = 'set -e; [ ! -e "$EXAMPLE/cwd" ] || cd "$(cat "$EXAMPLE/cwd")"\n' + text + '\npwd >"$EXAMPLE/cwd"\n'
        done = subprocess.run(["bash", "-c", script], cwd=place, env=environment, capture_output=True, text=True, timeout=120,
                              check=False)
        if done.returncode:
            sys.exit(f"{path.name}:{line}: exit {done.returncode}\n{text}\n{done.stdout}{done.stderr}")


def run_examples(path, folder):
    """Run the blocks of `path` with files in `folder`; AssertionError with the block that failed."""
    alone = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        alone.insert(1, "--map-root-user")
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        raise Skip("no network namespace can be made here (unshare --net)")
    done = subprocess.run([*alone, sys.executable, __file__, path, folder], capture_output=True, text=True, timeout=300,
                          env={**os.environ, "PYTHONPATH": os.path.dirname(__file__)}, check=False)
    assert done.returncode == 0, f"\n{done.stdout}{done.stderr}"


if __name__ == "__main__":
    _run_here(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
