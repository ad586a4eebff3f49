"""proxy.py - a TCP proxy whose faults a test plans: it delays, cuts, resets, or lets a connection hang half-open.

    with Proxy(port) as proxy:       # 127.0.0.1:proxy.port leads to 127.0.0.1:port
        proxy.mode = "cut"           # from now on, for all connections
"""
import selectors
import socket
import struct
import threading
import time

CHUNK = 65536
DELAY_S = 0.05


class Proxy:
    """mode: "pass"; "delay" (each chunk waits); "half-open" (nothing goes through, nothing is closed); "refuse" (new
    connections are closed at once); "cut", "reset" and "stall" (of each connection, once `after` bytes of answers went
    through: closed, closed with RST, nothing more goes through). cut() ends all connections, reset() with RST."""

    def __init__(self, port):
        self.target, self.mode, self.pairs, self.is_over = port, "pass", [], False
        self.after, self.answered, self.stalled = 0, {}, set()
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port = self.door.getsockname()[1]
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, error, trace):
        self.is_over = True
        self.thread.join(10)
        self.cut()
        self.door.close()

    def cut(self):
        for pair in list(self.pairs):
            self.drop(pair)

    def reset(self):
        for pair in list(self.pairs):
            self.reset_one(pair)

    def reset_one(self, pair):
        for end in pair:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.drop(pair)

    def drop(self, pair):
        if pair in self.pairs:
            self.pairs.remove(pair)
        self.answered.pop(pair, None)
        self.stalled.discard(pair)
        for end in pair:
            end.close()

    def accept(self):
        near, _ = self.door.accept()
        try:
            if self.mode == "refuse":
                raise OSError
            self.pairs.append((near, socket.create_connection(("127.0.0.1", self.target), timeout=5)))
        except OSError:
            near.close()

    def carry(self, pair, source, sink):
        try:
            chunk = source.recv(CHUNK)
            if not chunk:
                raise OSError
            if self.mode == "delay":
                time.sleep(DELAY_S)
            left = len(chunk)
            if source is pair[1]:
                answered = self.answered.get(pair, 0)
                left = max(self.after - answered, 0) if self.mode in ("cut", "reset", "stall") else left
                self.answered[pair] = answered + len(chunk)
            sink.sendall(chunk[:left])
            if left < len(chunk):
                {"cut": self.drop, "reset": self.reset_one, "stall": self.stalled.add}[self.mode](pair)
        except OSError:
            self.drop(pair)

    def run(self):
        while not self.is_over:
            with selectors.DefaultSelector() as ready:
                ready.register(self.door, selectors.EVENT_READ)
                for pair in set(self.pairs) - self.stalled if self.mode != "half-open" else []:
                    for source, sink in (pair, pair[::-1]):
                        if source.fileno() >= 0:
                            ready.register(source, selectors.EVENT_READ, (pair, source, sink))
                for key, _ in ready.select(0.05):
                    if key.data is None:
                        self.accept()
                    elif key.data[1].fileno() >= 0:
                        self.carry(*key.data)
