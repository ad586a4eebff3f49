"""blackbox.py - what tests of the real program share: a weir in a folder of its own, and cases that count.

A script defines functions that take a pathlib folder, marks them with @case and ends with run():

    from blackbox import Weir, case, run

    @case
    def a_signed_webhook_is_taken(folder):
        with Weir(folder, agents={"github": {"type": "github", "secret": "s"}}) as weir:
            status, answer = weir.post("/hooks/github", b"{}", sign("s", b"{}") | {"X-GitHub-Event": "ping"})
            assert status == 202, answer
    run()
"""
import fcntl
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import pty
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
import traceback

ROOT = pathlib.Path(os.environ.get("WEIR_ROOT", pathlib.Path(__file__).resolve().parents[2]))
BINARY = os.environ.get("WEIR_BIN", str(ROOT / "build-test" / "weir"))
SHARED = pathlib.Path(os.environ.get("WEIR_SHARED", ROOT.parent / "shared"))
WAIT_S = 30  # longest that a start or a stop may take, under sanitizers on a busy machine
_cases = []
_claims = []  # of ports


class Skip(Exception):
    """Raised with the reason by a case that cannot run here."""


def case(function):
    _cases.append(function)
    return function


def fixtures(name):
    """A folder of the shared fixtures, or Skip."""
    for folder in (SHARED / "fixtures", SHARED / "fixtures" / name):
        if not folder.is_dir():
            raise Skip(f"no {folder} (WEIR_SHARED names another place)")
    return folder


def run():
    """Run every case, or those whose name holds an argument, each in an empty folder."""
    failed = 0
    chosen = [c for c in _cases if not sys.argv[1:] or any(word in c.__name__ for word in sys.argv[1:])]
    for function in chosen:
        with tempfile.TemporaryDirectory(prefix="weir-test-") as folder:
            try:
                function(pathlib.Path(folder))
                print(f"ok {function.__name__}", flush=True)
            except Skip as reason:
                print(f"skip {function.__name__}: {reason}", flush=True)
            except Exception as error:  # a case may fail in any way
                failed += 1
                print(f"not ok {function.__name__}: {type(error).__name__} {str(error).splitlines()[:1]}")
                print("  " + traceback.format_exc().replace("\n", "\n  "), flush=True)
    sys.exit(failed > 0)


def free_port():
    """A port that no other test gets before this one has ended, and no client either: it lies below the ports that the
    kernel gives out. The claim is an abstract socket named after it, which the kernel drops with its process."""
    while True:
        port = random.randrange(10240, 32768)
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0weir-test-port-{port}")
            with socket.socket() as door:
                door.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
            continue
        _claims.append(claim)
        return port


def sign(secret, body):
    """The header with which GitHub signs a body."""
    return {"X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def eventually(question, what, wait_s=WAIT_S):
    """The first true answer of question(), asked again until then."""
    until = time.monotonic() + wait_s
    while not (answer := question()):
        if time.monotonic() > until:
            raise AssertionError(f"not within {wait_s} s: {what}")
        time.sleep(0.02)
    return answer


def on_terminal(columns, *words, folder=None, environment=None):
    """The lines that a command shows on a terminal of so many columns."""
    outer, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    weir = subprocess.Popen([BINARY, *words], stdin=subprocess.DEVNULL, stdout=inner, stderr=subprocess.DEVNULL, cwd=folder,
                            env=os.environ | (environment or {}))
    os.close(inner)
    shown = b""
    while True:
        try:
            piece = os.read(outer, 65536)
        except OSError:  # the last writer is gone
            break
        shown += piece
    os.close(outer)
    weir.wait(30)
    return shown.decode().replace("\r\n", "\n").splitlines()


class Weir:
    """A weir with its configuration and data in `folder`; sections are merged over the defaults below."""

    def __init__(self, folder, environment=None, wrapper=(), words=(), **sections):
        self.folder, self.process, self.log, self.wrapper, self.words = folder, None, folder / "log", wrapper, words
        self.port, self.admin = free_port(), free_port()
        self.environment = {**os.environ, **(environment or {})}
        self.config = {"data": "./data", "intake": {"listen": f"127.0.0.1:{self.port}"},
                       "admin": {"listen": f"127.0.0.1:{self.admin}"}}
        for name, section in sections.items():
            mine = self.config.get(name)
            self.config[name] = {**mine, **section} if isinstance(mine, dict) else section
        self.write_config()

    def write_config(self):
        (self.folder / "weir.yaml").write_text(json.dumps(self.config, indent=2))  # JSON is YAML too

    def __enter__(self):
        try:
            return self.start()
        except BaseException as error:  # __exit__ is not called then: nothing may stay behind
            self.__exit__(type(error), error, None)
            raise

    def __exit__(self, kind, error, trace):
        if error is not None and self.log.exists():
            print("  weir's log:\n  " + self.log.read_text(errors="replace")[-6000:].replace("\n", "\n  "))
        if self.process is not None:
            self.kill() if error is not None else self.stop()

    def start(self, ready=True):
        """Start `weir run`; wait until readyz says yes."""
        with self.log.open("ab") as log:
            words = [*self.wrapper, BINARY, "run", "-c", str(self.folder / "weir.yaml"), *self.words]
            self.process = subprocess.Popen(words, stdout=log, stderr=log, env=self.environment, cwd=self.folder,
                                            start_new_session=True)
        if ready:
            eventually(self.is_ready, "weir is ready")
        return self

    def is_ready(self):
        assert self.process.poll() is None, f"weir ended with {self.process.returncode} before it was ready"
        try:
            return self.get("/readyz")[0] == 200
        except OSError:
            return False

    def stop(self):
        """Drain by SIGTERM; the exit status must be 0 and nothing may be left of the process group."""
        process, self.process = self.process, None
        process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(WAIT_S)
        finally:
            left = self._end_group(process)
        assert status == 0, f"weir ended with {status}"
        assert not left, "weir left processes behind"

    def kill(self):
        """kill -9 of all its processes at once, as a power cut would."""
        process, self.process = self.process, None
        self._end_group(process)
        process.wait(WAIT_S)

    def freeze(self):
        """Stop all its processes where they are; kill() ends them."""
        os.killpg(self.process.pid, signal.SIGSTOP)

    @staticmethod
    def _end_group(process):
        try:
            os.killpg(process.pid, signal.SIGKILL)
            return True
        except ProcessLookupError:
            return False

    def children(self):
        """pid: command line of every living child of the orchestrator."""
        found = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        lines = {}
        for pid in found:
            try:
                lines[int(pid)] = pathlib.Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
            except (FileNotFoundError, ProcessLookupError):
                pass  # it ended since
        return lines

    def request(self, method, path, body=b"", headers=None, port=None):
        """(status, body) of one request; JSON is decoded."""
        line = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=WAIT_S)
        try:
            line.request(method, path, body, headers or {})
            answer = line.getresponse()
            text, kind = answer.read(), answer.getheader("Content-Type") or ""
            return answer.status, json.loads(text) if "json" in kind and text else text.decode()
        finally:
            line.close()

    def post(self, path, body, headers=None):
        return self.request("POST", path, body, {"Content-Type": "application/json"} | (headers or {}))

    def get(self, path):
        """From the admin address."""
        return self.request("GET", path, port=self.admin)

    def command(self, *words, status=0, stdin=None):
        """stdout of `weir WORDS -c this configuration`, which must end with `status`."""
        done = subprocess.run([BINARY, words[0], "-c", str(self.folder / "weir.yaml"), *words[1:]], input=stdin, text=True,
                              capture_output=True, env=self.environment, cwd=self.folder, timeout=12 * WAIT_S, check=False)
        assert done.returncode == status, f"weir {' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def rows(self, *words):
        """The rows of a command with --json, one object a line."""
        return [json.loads(line) for line in self.command(*words, "--json").splitlines()]
