#!/usr/bin/env python3
"""`weir send` and `weir simulate --to URL` against a receiver that checks every request as weir's own intake would."""
import hashlib
import hmac
import http.server
import json
import os
import signal
import ssl
import subprocess
import threading

from blackbox import BINARY, case, eventually, free_port, run

SECRET = "It's a Secret to Everybody"


class Receiver(http.server.BaseHTTPRequestHandler):
    """202 for what is signed and JSON; the first request of a server is told to come again."""
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((dict(self.headers), body))
        if self.server.is_busy or self.server.is_always_busy:
            self.server.is_busy = False
            return self.answer(503, {"Retry-After": "1"})
        wanted = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        if len(self.server.seen) > self.server.taken_most:
            return self.answer(401, {})
        if self.headers.get("X-Hub-Signature-256") != wanted and self.headers.get("Authorization") != f"Bearer {SECRET}":
            return self.answer(401, {})
        try:
            json.loads(body)
        except ValueError:
            return self.answer(400, {})
        return self.answer(202, {})

    def answer(self, status, headers):
        text = b'{"id":"1"}'
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(text))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


class Server:
    def __enter__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        self.server.seen, self.server.is_busy, self.server.is_always_busy = [], False, False
        self.server.taken_most = float("inf")
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()
        return self.server

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def weir(*words, status=0, stdin=None):
    done = subprocess.run([BINARY, *words], input=stdin, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done.stdout, done.stderr


def url(server):
    return f"http://127.0.0.1:{server.server_address[1]}/hooks/a"


@case
def a_payload_is_signed_and_its_answer_printed(folder):
    payload = folder / "push.json"
    payload.write_text('{ "ref": "refs/heads/main" }\n')
    with Server() as server:
        out, _ = weir("send", "--to", url(server), "--secret", SECRET, "--event", "push", str(payload))
        headers, body = server.seen[0]
    assert out == f'{payload}: 202 {{"id":"1"}}\n', out
    assert headers["X-GitHub-Event"] == "push" and len(headers["X-GitHub-Delivery"]) == 36, headers
    assert body == payload.read_bytes(), body


@case
def a_secret_comes_from_a_file_or_the_environment_too(folder):
    (folder / "secret").write_text(SECRET + "\n")
    with Server() as server:
        weir("send", "--to", url(server), "--secret", f"@{folder}/secret", "--event", "push", "-", stdin="{}")
        for words in (["send", "--event", "push", "-"], ["simulate", "github", "--count", "1"]):
            subprocess.run([BINARY, *words, "--to", url(server)], input="{}", text=True, check=True, timeout=30,
                           capture_output=True, env=os.environ | {"WEIR_SECRET": SECRET})
        for words in (["send", "-"], ["simulate", "github"]):
            _, err = weir(*words, "--to", url(server), "--secret", f"@{folder}/none", stdin="{}", status=2)
            assert f"{folder}/none" in err, err


@case
def a_secret_that_signs_is_never_sent_itself(folder):
    (folder / "secret").write_text(SECRET + "\r\n\n")
    with Server() as server:
        for payload in ('{"action":"opened"}', "no json", "[1]", '{"a":1}\n{"b":2}\n'):
            out, err = weir("send", "--to", url(server), "--secret", SECRET, "-", stdin=payload, status=2)
            assert not out and "--event" in err and "--token" in err, (out, err)
        assert server.seen == [], server.seen
        for payload in ('{"context":{}}', '{"specversion":"1.0"}', '[{"specversion":"1.0"}]'):
            weir("send", "--to", url(server), "--secret", f"@{folder}/secret", "-", stdin=payload)
        weir("send", "--to", url(server), "--token", f"@{folder}/secret", "-", stdin='{"action":"opened"}')
        assert [headers["Authorization"] for headers, _ in server.seen] == [f"Bearer {SECRET}"] * 4, server.seen
        weir("send", "--to", url(server), "--secret", SECRET, "--event", "push", "-", stdin='{"context":{}}')
        assert "Authorization" not in server.seen[-1][0], server.seen[-1]


@case
def a_refusal_is_the_exit_code(_folder):
    with Server() as server:
        out, _ = weir("send", "--to", url(server), "--secret", "another", "--event", "push", "-", stdin="{}", status=1)
        assert out.startswith("-: 401 "), out
    _, err = weir("send", "-", status=2, stdin="{}")
    assert "--to" in err, err
    out, _ = weir("send", "--to", "http://127.0.0.1:1/hooks/a", "no such file", status=2)


@case
def recorded_deliveries_are_sent_as_they_were(folder):
    lines = folder / "deliveries"
    weir("simulate", "github", "--count", "20", "--secret", SECRET, "--to", str(lines))
    with Server() as server:
        weir("send", "--to", url(server), str(lines))
        recorded = [json.loads(line) for line in lines.read_text().splitlines()]
        assert [json.loads(body) for _, body in server.seen] == [r["body"] for r in recorded]
        assert [h["X-GitHub-Delivery"] for h, _ in server.seen] == [r["headers"]["X-GitHub-Delivery"] for r in recorded]


@case
def a_certificate_of_ones_own_needs_its_authority(folder):
    certificate, key = folder / "one.crt", folder / "one.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=weir",
                    "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    with Server() as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        to = url(server).replace("http:", "https:")
        words = ("send", "--to", to, "--secret", SECRET, "-")
        out, _ = weir(*words, "--ca", str(certificate), stdin='{"context":{}}')
        assert out.startswith("-: 202"), out
        out, _ = weir(*words, stdin='{"context":{}}', status=1)
        assert "certificate" in out and "--ca FILE" in out, out
        _, err = weir("simulate", "cdevents", "--count", "3", "--secret", SECRET, "--to", to, status=1)
        assert "--ca FILE" in err, err
        _, err = weir("simulate", "cdevents", "--count", "3", "--secret", SECRET, "--to", to, "--ca", str(certificate))
        assert "sent 3: 3 accepted" in err, err
        _, err = weir(*words, "--ca", str(folder / "none"), stdin="{}", status=2)
        assert "none: No such file" in err, err


@case
def a_number_out_of_its_range_is_refused(_folder):
    for words in (("--count", "0"), ("--days", "0"), ("--connections", "0"), ("--days", "9223372036854775807")):
        out, err = weir("simulate", "cdevents", *words, status=2)
        assert not out and words[0] in err, (out, err)


@case
def what_was_sent_before_ctrl_c_is_reported_and_listed(folder):
    manifest = folder / "manifest"
    with Server() as server:
        words = ["simulate", "github", "--rate", "100/s", "--secret", SECRET, "--to", url(server), "--manifest",
                 str(manifest), "--faults", "duplicate=0.2,late=0.2"]
        weir_ = subprocess.Popen([BINARY, *words], stderr=subprocess.PIPE, text=True)
        eventually(lambda: len(server.seen) > 20, "some are sent")
        weir_.send_signal(signal.SIGINT)
        _, err = weir_.communicate(timeout=30)
        rows = [json.loads(line) for line in manifest.read_text().splitlines()]
        seen = sorted(headers["X-GitHub-Delivery"] for headers, _ in server.seen)
    assert weir_.returncode == 130, (weir_.returncode, err)
    assert sorted(row["id"] for row in rows) == seen, (len(rows), len(seen))
    assert f"sent {len(rows)}: " in err, err


@case
def a_refusal_that_waits_for_another_try_is_an_answer(folder):
    manifest = folder / "manifest"
    with Server() as server:
        server.is_always_busy = True
        words = ["simulate", "github", "--count", "4", "--secret", SECRET, "--to", url(server), "--manifest", str(manifest)]
        weir_ = subprocess.Popen([BINARY, *words], stderr=subprocess.PIPE, text=True)
        eventually(lambda: len(server.seen) >= 4, "each was refused")
        weir_.send_signal(signal.SIGINT)
        _, err = weir_.communicate(timeout=30)
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    assert [row["status"] for row in rows if "status" in row] == [503] * 4, rows
    assert "4 refused (503: 4), 0 without an answer" in err, err


@case
def a_reader_that_goes_is_no_error(folder):
    for before in ("", "trap '' PIPE; "):
        shell = f"{before}{BINARY} simulate cdevents --days 100 | head -n 1; (sleep 0.2; {before}{BINARY} help) | true"
        done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, timeout=60, check=False)
        assert done.stdout.startswith('{"context"') and "stdout" not in done.stderr, done


@case
def what_could_not_be_written_is_not_said_to_be(_folder):
    _, err = weir("simulate", "cdevents", "--count", "5", "--to", "/dev/full", status=1)
    assert "No space left" in err and "wrote" not in err, err


@case
def a_busy_receiver_is_asked_again(_folder):
    with Server() as server:
        server.is_busy = True
        out, _ = weir("send", "--to", url(server), "--secret", SECRET, "-", stdin='{"context":{}}')
        assert out.startswith("-: 202"), out
        assert len(server.seen) == 2


@case
def nobody_at_the_door_ends_the_run_with_one_line(folder):
    to = f"http://127.0.0.1:{free_port()}/hooks/a"
    payloads = folder / "two.jsonl"
    payloads.write_text('{"a":1}\n{"a":2}\n')
    runs = [subprocess.Popen([BINARY, *words, "--to", f"{to}?access_token=t0p"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for words in (["send", str(payloads)], ["simulate", "cdevents", "--count", "100"])]
    for weir_ in runs:
        out, err = weir_.communicate(timeout=60)
        assert weir_.returncode == 1, (out, err)
        assert out.count("no answer") <= 1, out
        assert err.count("trying again") == 1 and err.splitlines()[0].endswith("trying again"), err
        assert f"gave up, {to} cannot be reached" in err.splitlines()[-1], err
        assert "t0p" not in out + err, (out, err)


def check_manifest(folder, kind):
    manifest = folder / "manifest"
    faults = "duplicate=0.1,reorder=0.1,late=0.05,malformed=0.1,forged=0.1"
    with Server() as server:
        _, err = weir("simulate", kind, "--count", "400", "--secret", SECRET, "--to", url(server), "--faults", faults,
                      "--manifest", str(manifest))
        rows = [json.loads(line) for line in manifest.read_text().splitlines()]
        if kind == "github":  # the last line is what weir report must find
            assert {row["environment"] for row in rows.pop()["dora"]["rows"]} == {"production"}
        assert len(rows) == len(server.seen), (len(rows), len(server.seen))
    whole = [r for r in rows if r["fault"] in ("none", "reorder", "late")]
    again = [r for r in rows if r["fault"] == "duplicate"]
    refused = [r for r in rows if r["expect"] == "refused"]
    assert len(whole) == len({r["id"] for r in whole}) == 400, len(whole)
    assert again and {r["id"] for r in again} <= {r["id"] for r in whole}
    assert refused and all((r["status"] == 202) == (r["expect"] != "refused") for r in rows), rows
    assert {r["status"] for r in refused} == {400, 401}
    assert f"sent {len(rows)}: {len(rows) - len(refused)} accepted, {len(refused)} refused" in err, err


@case
def every_fault_of_webhooks_is_listed_with_its_answer(folder):
    check_manifest(folder, "github")


@case
def every_fault_of_cdevents_is_listed_with_its_answer(folder):
    check_manifest(folder, "cdevents")


@case
def an_unexpected_answer_is_the_exit_code(_folder):
    with Server() as server:
        _, err = weir("simulate", "github", "--count", "5", "--secret", "another", "--to", url(server), status=1)
        assert "5 answers were not as expected" in err, err


@case
def a_receiver_that_takes_nothing_is_not_sent_all_of_it(folder):
    manifest = folder / "manifest"
    for kind in ("github", "cdevents"):
        with Server() as server:
            _, err = weir("simulate", kind, "--count", "3000", "--secret", "another", "--to", url(server), "--manifest",
                          str(manifest), status=1)
            assert 100 <= len(server.seen) < 1000, len(server.seen)
            assert f"sent {len(server.seen)}: 0 accepted" in err and "--secret" in err and "stopped" in err, err
            assert len(manifest.read_text().splitlines()) == len(server.seen), "and no figures of what was not sent"
    with Server() as server:  # its secret was changed meanwhile: who took some may take more
        server.taken_most = 20
        words = ["--count", "300", "--connections", "1", "--secret", SECRET, "--to", url(server)]
        _, err = weir("simulate", "cdevents", *words, status=1)
        assert len(server.seen) == 300 and "280 answers were not as expected" in err and "stopped" not in err, err


@case
def what_is_asked_wrongly_is_told_with_what_is_right(_folder):
    for words, said in ((["gitlab"], "cdevents, github"), (["github", "--faults", "forged=0.1"], "--secret"),
                        (["github", "--faults", "late=7"], "from 0 to 1"), (["github", "--rate", "fast"], "200/s"),
                        (["github", "--until", "soon"], "2026-11-22")):
        _, err = weir("simulate", *words, status=2)
        assert said in err, err


run()
