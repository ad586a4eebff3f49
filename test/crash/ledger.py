"""ledger.py - what was sent, kept by somebody who knows nothing of weir's inside, and the sums that must come out.

Every accepted delivery must end exactly once in one of the four ways: stored, unmapped by name, ignored by reason, dead. A sender that got
no answer may have been heard or not; it sends the same delivery again, as a careful client would.
"""
import collections
import http.client
import json
import random
import threading
import uuid

from blackbox import sign

SECRET = "ledger"
AGENTS = {"github": {"type": "github", "secret": SECRET}}
# The same with a tool that a mapping tells of.
AGENTS_MAPPED = AGENTS | {"pager": {
    "type": "webhook", "secret": SECRET, "signature": {"header": "X-PagerDuty-Signature", "prefix": "v1="}, "id": "/event/id",
    "event": "/event/event_type", "mapping": "pagerduty"}}


def issue(number):
    """An `issues opened` delivery as GitHub sends it, less what no mapping reads."""
    repository = {"id": 7, "full_name": "acme/shop", "html_url": "https://github.com/acme/shop", "default_branch": "main",
                  "name": "shop", "owner": {"login": "acme"}}
    time = f"2026-03-{1 + number % 28:02}T{number % 24:02}:{number % 60:02}:00Z"
    return {"action": "opened", "repository": repository, "sender": {"login": "ann"}, "issue": {
        "url": f"https://api.github.com/repos/acme/shop/issues/{number}", "number": number, "title": f"issue {number}",
        "html_url": f"https://github.com/acme/shop/issues/{number}", "user": {"login": "ann"}, "state": "open", "labels": [],
        "assignees": [], "milestone": None, "created_at": time, "updated_at": time, "closed_at": None, "body": None,
        "state_reason": None, "comments": 0}}


def broken(number):
    """The same without what its mapping needs."""
    body = issue(number)
    del body["issue"]["created_at"]
    return body


def page(number, delivery):
    """An incident as PagerDuty tells of it, less what its mapping does not read."""
    url = f"https://acme.pagerduty.com/incidents/P{number}"
    time = f"2026-03-{1 + number % 28:02}T{number % 24:02}:{number % 60:02}:00Z"
    return {"event": {"id": delivery, "event_type": "incident.triggered", "occurred_at": time, "data": {
        "id": f"P{number}", "type": "incident", "html_url": url, "number": number, "status": "triggered", "created_at": time,
        "title": f"incident {number}", "service": {"summary": "shop"}, "teams": [], "priority": None, "urgency": "high"}}}


def broken_page(number, delivery):
    """The same without what its mapping needs."""
    body = page(number, delivery)
    del body["event"]["occurred_at"]
    return body


def github(event, make):
    def request(number, delivery):
        body = json.dumps(make(number)).encode()
        return "/hooks/github", body, sign(SECRET, body) | {"X-GitHub-Event": event, "X-GitHub-Delivery": delivery}
    return request


def pager(make):
    def request(number, delivery):
        body = json.dumps(make(number, delivery)).encode()
        signature = sign(SECRET, body)["X-Hub-Signature-256"].replace("sha256=", "v1=")
        return "/hooks/pager", body, {"X-PagerDuty-Signature": signature}
    return request


# name: (how often, what is sent)
KINDS = {"good": (90, github("issues", issue)), "dead": (5, github("issues", broken)),
         "unmapped": (5, github("star", lambda n: {"action": "created", "starred_at": None, "n": n}))}
KINDS_MAPPED = KINDS | {"paged": (60, pager(page)), "dead page": (5, pager(broken_page))}
POINTERS = {"dead": "/issue/created_at", "dead page": "/event/occurred_at"}


class Ledger:
    """Sends from several threads, remembers what was promised."""

    def __init__(self, seed, kinds=KINDS):
        self.random = random.Random(seed)
        self.kinds = kinds
        self.lock = threading.Lock()
        self.kind = {}  # delivery id: kind, of all that was ever sent
        self.accepted = collections.Counter()  # delivery id: how often it was answered 202
        self.unsure = []  # (id, number) whose connection broke: sent again later
        self.next = 1

    def _draw(self):
        with self.lock:
            if self.unsure and self.random.random() < 0.5:
                return self.unsure.pop()
            if self.accepted and self.random.random() < 0.05:  # a redelivery
                delivery = self.random.choice(list(self.accepted))
                return delivery, int(delivery.split("-")[0], 16)
            number, self.next = self.next, self.next + 1
            delivery = f"{number:08x}-{uuid.UUID(int=self.random.getrandbits(128))}"
            self.kind[delivery] = self.random.choices(list(self.kinds), [often for often, _ in self.kinds.values()])[0]
            return delivery, number

    def _send_one(self, line, delivery, number):
        path, body, headers = self.kinds[self.kind[delivery]][1](number, delivery)
        line.request("POST", path, body, headers | {"Content-Type": "application/json"})
        answer = line.getresponse()
        answer.read()
        return answer.status

    def _sender(self, port, stop):
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        while not stop.is_set():
            delivery, number = self._draw()
            try:
                status = self._send_one(line, delivery, number)
            except (OSError, http.client.HTTPException):
                status = None
                line.close()
                stop.wait(0.01)
            with self.lock:
                if status == 202:
                    self.accepted[delivery] += 1
                else:
                    assert status in (None, 429, 503), f"answer {status} to a good delivery"
                    self.unsure.append((delivery, number))
        line.close()

    def load(self, port, threads=4):
        """Begin to send; the answer stops it again and waits for its end."""
        stop = threading.Event()
        senders = [threading.Thread(target=self._sender, args=(port, stop), daemon=True) for _ in range(threads)]
        for sender in senders:
            sender.start()

        def end():
            stop.set()
            for sender in senders:
                sender.join(30)
                assert not sender.is_alive(), "a sender hangs: a request got neither answer nor end"
        return end

    def check(self, weir):
        """The sums. `weir` runs undisturbed and nothing is being sent."""
        weir.command("flush", "--timeout", "5m")  # a slow machine may have much to catch up with
        status = json.loads(weir.command("status", "--json"))
        raw = {row["id"]: row["n"] for row in weir.rows("query", "SELECT id, count(*) AS n FROM raw GROUP BY id")}
        lost = [d for d in self.accepted if d not in raw]
        assert not lost, f"{len(lost)} of {len(self.accepted)} promised deliveries are lost, {lost[:3]}"
        fewer = [d for d, n in self.accepted.items() if raw[d] < n]
        assert not fewer, f"answered 202 more often than kept: {fewer[:3]}"
        assert not set(raw) - set(self.kind), "raw holds what was never sent"
        taken = collections.Counter()
        for delivery, n in raw.items():
            taken[self.kind[delivery]] += n
        once = collections.Counter(self.kind[d] for d in raw)
        dead = collections.Counter({pointer: taken[kind] for kind, pointer in POINTERS.items() if taken[kind]})
        again = sum(taken[kind] - once[kind] for kind in ("good", "paged"))
        letters = weir.rows("dead", "list")
        others = [letter for letter in letters if letter["pointer"] not in dead]
        assert status["dead"] == dead.total(), (status["dead"], taken, others[:3])
        assert status["unmapped"].get("github/star/created", 0) == taken["unmapped"], (status["unmapped"], taken)
        assert status["ignored"].get("repetition", 0) == again, (status["ignored"], taken, once)
        assert collections.Counter(letter["pointer"] for letter in letters) == dead, letters[:2]
        self._check_rows(weir, {"ticket": once["good"], "incident": once["paged"], "event": once["good"] + once["paged"]})
        return once["good"] + once["paged"]

    @staticmethod
    def _check_rows(weir, wanted):
        for model, n in wanted.items():
            lake = weir.rows("query", f"SELECT count(*) AS n, count(DISTINCT id) AS ids FROM {model}")[0]
            facts = weir.rows("query", f"SELECT count(*) AS n FROM {model}_history")[0]
            store = weir.rows("query", "--store", f"SELECT count(*) AS n, count(DISTINCT id) AS ids FROM {model}")[0]
            assert lake == store == {"n": n, "ids": n}, (model, lake, store, n)
            assert facts["n"] == n, (model, facts, n)
