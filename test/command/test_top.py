#!/usr/bin/env python3
"""`weir top` on a terminal: what it shows, that it fits, and that the terminal is as before when it ends, however it ends."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unicodedata

from blackbox import BINARY, Weir, case, run, sign

AGENTS = {"github": {"type": "github", "secret": "s3cret"}}
ENTER, LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"


class Top:
    """`weir top` on a terminal of its own."""

    def __init__(self, folder, columns=80, rows=24):
        self.outer, self.inner = pty.openpty()
        fcntl.ioctl(self.inner, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.before, self.shown = termios.tcgetattr(self.inner), ""
        self.process = subprocess.Popen([BINARY, "top", "--every", "100ms"], stdin=self.inner, stdout=self.inner, cwd=folder,
                                        stderr=subprocess.PIPE, env=os.environ | {"TERM": "xterm"})

    def read(self, wait_s=0.05):
        while select.select([self.outer], [], [], wait_s)[0]:
            self.shown += os.read(self.outer, 65536).decode(errors="replace")

    def frames(self):
        """Every frame that is whole, as lines."""
        whole = self.shown.replace(ENTER, "").split("\x1b[H")[1:]
        return [re.sub("\x1b\\[[KJ]", "", frame.split("\x1b[J")[0]).split("\r\n") for frame in whole if "\x1b[J" in frame]

    def until(self, question, wait_s=30):
        """The first frame from now on that answers yes."""
        known, until = len(self.frames()), time.monotonic() + wait_s
        while time.monotonic() < until and self.process.poll() is None:
            self.read()
            for frame in self.frames()[known:]:
                if question(frame):
                    return frame
        raise AssertionError(f"no such frame; the last: {self.frames()[-1:]}")

    def press(self, keys):
        os.write(self.outer, keys.encode())

    def end(self):
        """The exit status; the terminal is as it was."""
        until = time.monotonic() + 30
        while self.process.poll() is None and time.monotonic() < until:
            self.read()
        self.read()
        assert self.process.poll() is not None, "it goes on"
        assert self.shown.startswith(ENTER) and self.shown.endswith(LEAVE), repr(self.shown[-200:])
        assert termios.tcgetattr(self.inner) == self.before
        os.close(self.outer)
        os.close(self.inner)
        error = self.process.stderr.read()
        self.process.stderr.close()
        assert not error, error
        return self.process.returncode


def width(line):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def row(frame, name):
    return next((line for line in frame if line.startswith(name + " ")), "")


def send(weir, event, body, n, secret="s3cret"):
    for _ in range(n):
        send.n += 1
        weir.post("/hooks/github", body, sign(secret, body) | {"X-GitHub-Event": event, "X-GitHub-Delivery": str(send.n)})


send.n = 0


@case
def rates_dead_and_refused_are_shown_and_fit(folder):
    with Weir(folder, agents=AGENTS) as weir:
        top = Top(folder)
        first = top.until(lambda frame: row(frame, "transform"))
        assert first[0].startswith("weir ") and first[0].endswith("0 dead") and "q quit" in first[-1], first
        send(weir, "star", b'{"action":"created"}', 30)
        frame = top.until(lambda frame: re.search(r"^in [1-9]", frame[1]))
        assert " ok " in row(frame, "store") and "github" in row(frame, "github"), frame
        send(weir, "issues", b'{"action":"opened"}', 2)
        send(weir, "star", b"{}", 1, "wrong")
        top.until(lambda frame: frame[0].endswith("2 dead"))
        frame = top.until(lambda frame: re.search("[▂▃▄▅▆▇█]", row(frame, "github")))
        top.press("q")
        assert top.end() == 0
    for frame in top.frames():
        assert len(frame) <= 24 and all(width(line) <= 80 for line in frame), frame


@case
def keys_sort_and_pause(folder):
    with Weir(folder, agents=AGENTS):
        top = Top(folder)
        top.until(lambda frame: row(frame, "transform"))
        top.press("s")
        top.until(lambda frame: any("▼ LAG" in line for line in frame))
        top.press("s")
        top.until(lambda frame: any("▼ /S" in line for line in frame))
        top.press("p")
        frame = top.until(lambda frame: "paused" in frame[0])
        same = top.until(lambda frame: "paused" in frame[0])
        assert frame == same
        top.press("p")
        top.until(lambda frame: "paused" not in frame[0])
        fcntl.ioctl(top.inner, termios.TIOCSWINSZ, struct.pack("HHHH", 8, 60, 0, 0))
        frame = top.until(lambda frame: len(frame) <= 8)
        assert all(width(line) <= 60 for line in frame) and "q quit" in frame[-1], frame
        top.press("q")
        assert top.end() == 0


@case
def a_narrow_terminal_is_not_overrun_and_one_that_grows_is_used(folder):
    with Weir(folder, agents=AGENTS):
        top = Top(folder, columns=40)
        frame = top.until(lambda frame: row(frame, "transform"))
        assert all(width(line) <= 40 for line in frame) and frame[0].startswith("weir ") and "q quit" in frame[-1], frame
        for columns in (20, 120, 80):
            fcntl.ioctl(top.inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            top.until(lambda frame: max(map(width, frame)) in range(columns - 1, columns + 1) or columns == 120)  # noqa: B023
            frame = top.until(lambda frame: True)
            assert all(width(line) <= columns for line in frame) and len(frame) <= 24, frame
        assert row(frame, "store")
        top.press("q")
        assert top.end() == 0


@case
def a_weir_that_comes_later_is_waited_for(folder):
    weir = Weir(folder, agents=AGENTS)
    top = Top(folder)
    frame = top.until(lambda frame: "weir run" in frame[1])
    assert frame[0].endswith("not running   0 dead") and "q quit" in frame[-1], frame
    with weir:
        assert " ok " in row(top.until(lambda frame: " ok " in row(frame, "transform")), "transform")
        top.press("q")
        assert top.end() == 0


@case
def the_terminal_is_given_back_whatever_ends_it(folder):
    with Weir(folder, agents=AGENTS):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            top = Top(folder)
            top.until(lambda frame: row(frame, "transform"))
            top.process.send_signal(number)
            assert top.end() == 0, number
        top = Top(folder)
        top.until(lambda frame: row(frame, "transform"))
        top.press("\x03" if termios.tcgetattr(top.inner)[3] & termios.ISIG == 0 else "Q")
        assert top.end() == 0


@case
def one_frame_is_printed_where_there_is_no_terminal(folder):
    with Weir(folder, agents=AGENTS):
        out = subprocess.run([BINARY, "top", "--every", "200ms"], capture_output=True, text=True, timeout=60, check=True, cwd=folder)
        lines = out.stdout.splitlines()
        assert "\x1b" not in out.stdout and "q quit" not in out.stdout and all(width(line) <= 80 for line in lines), lines
        assert re.match(r"weir \S+  up \d+ m?s  \d\d:\d\d:\d\d UTC +ready   0 dead$", lines[0]), lines[0]
        assert re.match(r"in 0/s ▶ raw ▶ transform 0/s ▶ standard 0/s   dead 0/s   refused 0/s$", lines[1]), lines[1]
        assert re.search(r"\d MiB", row(lines, "transform")) and re.search(r"\d %", row(lines, "transform")), lines
        assert sum("NAME" in line for line in lines) == 1, lines
    down = subprocess.run([BINARY, "top"], capture_output=True, text=True, timeout=60, check=True, cwd=folder).stdout
    assert "not running" in down.splitlines()[0] and " down " in row(down.splitlines(), "store"), down
    wrong = subprocess.run([BINARY, "top", "--every", "1ms"], capture_output=True, text=True, timeout=60, check=False, cwd=folder)
    assert wrong.returncode == 2 and "100ms to 1h" in wrong.stderr, wrong


run()
