#!/usr/bin/env python3
"""Signatures of every form by configuration alone: the manual's examples as they stand there, and each thing that is wrong in one."""
import base64
import hashlib
import hmac
import json
import re
import subprocess
import textwrap
import time

from blackbox import BINARY, ROOT, Weir, case, run

KEYS = {"new": b"\x00\xff 24 bytes of key \r\n\x80", "old": b"the key before"}


def examples():
    """The agents that docs/mappings.md shows, as texts of YAML, by name."""
    text = (ROOT / "docs/mappings.md").read_text()
    found = [textwrap.dedent(m.group(1)) for m in re.finditer(r"^ *```yaml\n(.*?)^ *```$", text, re.S | re.M)]
    return {re.search(r"^  (\w+):", block, re.M).group(1): block for block in found}


def running(folder, name, **environment):
    """A weir with that agent, whose mapping ignores everything."""
    (folder / "own.jq").write_text('ignored("seen")')
    weir = Weir(folder, environment=environment)
    weir_itself = "\n".join(f"{key}: {json.dumps(value)}" for key, value in weir.config.items())
    (folder / "weir.yaml").write_text(f"{weir_itself}\n{examples()[name]}")
    return weir


def standard(key, delivery, body, at=None):
    """As the specification of Standard Webhooks says."""
    at = str(int(time.time() if at is None else at))
    made = hmac.new(key, f"{delivery}.{at}.".encode() + body, hashlib.sha256).digest()
    return {"webhook-id": delivery, "webhook-timestamp": at, "webhook-signature": "v1," + base64.b64encode(made).decode()}


@case
def standard_webhooks_are_taken_by_the_manuals_example(folder):
    secrets = {name: "whsec_" + base64.b64encode(key).decode() for name, key in KEYS.items()}
    with running(folder, "standard", STANDARD_SECRET=secrets["new"]) as weir:
        body = b'{"type": "a.b", "data": {"text": "\xc3\xa9"}}'
        assert weir.post("/hooks/standard", body, standard(KEYS["new"], "m1", body)) == (202, {"id": "m1"})
        turned = standard(KEYS["old"], "m2", body)
        assert weir.post("/hooks/standard", body, turned)[0] == 401
        turned["webhook-signature"] += " " + standard(KEYS["new"], "m2", body)["webhook-signature"] + " v1a,AAAA"
        assert weir.post("/hooks/standard", body, turned)[0] == 202
        for headers in (standard(KEYS["new"], "m3", body + b" "), standard(KEYS["new"], "m3", body, time.time() - 400),
                        standard(KEYS["new"], "m3", body) | {"webhook-id": "m4"}, standard(secrets["new"].encode(), "m3", body),
                        {k: v for k, v in standard(KEYS["new"], "m3", body).items() if k != "webhook-id"}):
            assert weir.post("/hooks/standard", body, headers)[0] == 401, headers
        weir.command("flush")
        assert json.loads(weir.command("status", "--json"))["ignored"] == {"own/seen": 2}


@case
def an_address_with_a_digest_is_taken_by_the_manuals_example(folder):
    with running(folder, "calls", CALLS_SECRET="12345") as weir:
        body = b'{"property": "value", "boolean": true}'
        query = "?a=%20b&bodySHA256=" + hashlib.sha256(body).hexdigest()

        def post(signed, sent, body=body, address="https://weir.example.org/hooks/calls"):
            made = hmac.new(b"12345", (address + signed).encode(), hashlib.sha1).digest()
            return weir.post("/hooks/calls" + sent, body, {"X-Twilio-Signature": base64.b64encode(made).decode()})[0]

        assert post(query, query) == 202
        assert post(query, query.replace("%20", "+")) == 401
        assert post(query, query, body + b" ") == 401
        assert post(query, query, address="http://127.0.0.1/hooks/calls") == 401
        assert post("", "") == 401


GOOD = {"type": "webhook", "secret": "s", "mapping": "gitlab", "signature": {"header": "X-Sign"}}
SIGNED = GOOD["signature"]
SIGNS = "agents.a.signature.signs"
HOLDS = "; what is signed is {body}, {timestamp}, {header:NAME}, {url} and text without braces"
TIMED = SIGNED | {"timestamp": {"header": "X-Time"}}
URL = SIGNED | {"signs": "{url}{body}"}
SIGNATURES = [
    ({}, "agents.a.signature.header: a secret wants the header that the signature is in"),
    ({"header": "X Sign"}, "agents.a.signature.header: a secret wants the header that the signature is in"),
    (SIGNED | {"separator": ", "}, "agents.a.signature.separator wants one character"),
    (SIGNED | {"separator": ""}, "agents.a.signature.separator wants one character"),
    (SIGNED | {"secret_prefix": "whsec_"}, "agents.a.signature.secret_prefix wants a signature.secret_encoding"),
    (SIGNED | {"secret_encoding": "base64"}, "agents.a.secret is not what signature.secret_encoding says: base64"),
    (SIGNED | {"secret_encoding": "hex"}, "agents.a.secret is not what signature.secret_encoding says: hex"),
    (SIGNED | {"timestamp": {"prefix": "t="}}, "agents.a.signature.timestamp: its prefix wants the header that it stands in"),
    (SIGNED | {"signs": "{timestamp}{body}", "timestamp": {"header": "X Time"}},
     "agents.a.signature.timestamp.header is no name of a header"),
    (TIMED, f"{SIGNS} wants {{timestamp}} once"),
    (TIMED | {"signs": "{timestamp}{timestamp}{body}"}, f"{SIGNS} wants {{timestamp}} once"),
    (SIGNED | {"signs": "{timestamp}{body}"}, f"{SIGNS} wants {{timestamp}} only where signature.timestamp.header is"),
    *((SIGNED | {"signs": signs}, f"{SIGNS} wants {{body}} once, or signature.digest in its place")
      for signs in ("", "all", "{body}{body}")),
    *((SIGNED | {"signs": signs}, f"{SIGNS} holds {told}{HOLDS}")
      for signs, told in {"{bodies}": "{bodies}", "{body": "{body", "body}": "}", "{}{body}": "{}",
                          "{header:}{body}": "{header:}", "{header:a b}{body}": "{header:a b}"}.items()),
    (URL, "agents.a.signature.url is missing: signs holds {url}, and behind a proxy only you know the address"),
    (SIGNED | {"url": "https://a/b"}, "agents.a.signature.url is of no use: signature.signs holds no {url}"),
    *((URL | {"url": url}, "agents.a.signature.url wants https://HOST/PATH, without a query")
      for url in ("a/b", "https://a/b?c", "https://a/b#c")),
    *((SIGNED | {"signs": "{url}", "url": "https://a/b", "digest": digest},
       "agents.a.signature.digest wants query:NAME or header:NAME") for digest in ("bodySHA256", "query:", "header:a b")),
    (SIGNED | {"signs": "all", "digest": "query:d"},
     "agents.a.signature.digest is not signed: signature.signs wants {url} or the {header:NAME} with it"),
    (URL | {"url": "https://a/b", "digest": "query:d"}, f"{SIGNS} wants no {{body}} where signature.digest stands for it"),
    (SIGNED | {"signs": "{header:X-B}", "digest": "header:X-A"},
     "agents.a.signature.digest is not signed: signature.signs wants {url} or the {header:NAME} with it"),
]
WRONG = [({"signature": signature}, told) for signature, told in SIGNATURES] + [
    ({"secret": None}, "agents.a.secret: a signature wants the secret that it is made with"),
    ({"token": "t", "token_header": "X Token"}, "agents.a.token_header is no name of a header"),
    ({"token_header": "X-Token"}, "agents.a.token: a token_header wants the token that comes in it"),
]
RIGHT = [{}, {"token": "t", "token_header": "X-Token"}, {"signature": TIMED | {"signs": "v0:{timestamp}:{body}"}},
         {"secret": ["whsec_c2VjcmV0", "c2VjcmV0"], "signature": SIGNED | {"secret_encoding": "base64", "secret_prefix": "whsec_"}},
         {"signature": SIGNED | {"signs": "{header:x-d}", "digest": "header:X-D"}}]


def validated(folder, agent):
    """What validate says of that agent alone, each problem without its place."""
    (folder / "weir.yaml").write_text(json.dumps({"agents": {"a": {k: v for k, v in agent.items() if v is not None}}}))
    said = subprocess.run([BINARY, "validate"], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    return said.returncode, [re.sub(r"^weir.yaml:\d+:\d+: ", "", line) for line in said.stderr.splitlines()]


@case
def each_thing_that_is_wrong_in_one_is_told(folder):
    for changed, told in WRONG:
        assert validated(folder, GOOD | changed) == (2, [told]), (changed, told, validated(folder, GOOD | changed))
    for changed in RIGHT:
        assert validated(folder, GOOD | changed) == (0, []), (changed, validated(folder, GOOD | changed))


run()
