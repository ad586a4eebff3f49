#!/usr/bin/env python3
"""`weir test`: users' own mappings on inputs beside them."""
import json
import subprocess

from blackbox import BINARY, case, run

PROGRAM = '{model: "incident", at: .at, source: "s", id: .id, title: $headers["x-title"]}\n'


def weir_test(folder, *words):
    return subprocess.run([BINARY, "test", *words], capture_output=True, text=True, cwd=folder, timeout=60, check=False)


def mapping(folder):
    at = folder / "own" / "first"
    at.mkdir(parents=True)
    (folder / "own.jq").write_text(PROGRAM)
    (at / "input.json").write_text('{"at": "2024-01-02T03:04:05Z", "id": 9007199254740993}')
    (at / "headers.json").write_text('{"x-title": "it burns"}')
    return at


@case
def what_is_written_by_update_passes_and_a_change_is_shown(folder):
    at = mapping(folder)
    missing = weir_test(folder)
    assert missing.returncode == 1 and "--update" in missing.stdout, missing
    assert weir_test(folder, "own.jq", "--update").stdout.splitlines()[-1] == "0 passed, 0 failed, 1 updated"
    assert json.loads((at / "expected.json").read_text())[0]["id"] == "9007199254740993"
    assert weir_test(folder).stdout == "ok ./own/first\n1 passed, 0 failed, 0 updated\n"
    (folder / "own.jq").write_text(PROGRAM.replace('"s"', '"t"'))
    changed = weir_test(folder)
    assert changed.returncode == 1, changed
    assert '\n  -     "source": "s",\n  +     "source": "t",\n' in changed.stdout, changed.stdout


@case
def a_payload_cannot_talk_to_the_terminal_through_a_difference(folder):
    at = mapping(folder)
    (at / "expected.json").write_text("[]")
    (at / "headers.json").write_text('{"x-title": "a\u009b2J\u202eb"}')
    said = weir_test(folder)
    assert said.returncode == 1 and "a 2J b" in said.stdout, said


@case
def the_form_of_what_is_expected_does_not_matter(folder):
    at = mapping(folder)
    (at / "expected.json").write_text('[{"title":"it burns","source":"s","model":"incident",\n"id":"9007199254740993",'
                                      '"at":"2024-01-02T03:04:05Z"}]')
    assert weir_test(folder).returncode == 0


@case
def what_weir_would_not_take_is_dead_in_a_test_too(folder):
    at = mapping(folder)
    (folder / "own.jq").write_text(PROGRAM.replace("title", "titel"))
    assert weir_test(folder, "--update").returncode == 0
    assert json.loads((at / "expected.json").read_text()) == {
        "dead": "mapping: incident.titel is no column; did you mean title?", "pointer": "/0/titel"}


@case
def nothing_to_test_and_no_mapping_are_wrong_usage(folder):
    assert weir_test(folder).returncode == 2
    assert weir_test(folder, "absent.jq").returncode == 2
    (folder / "own").mkdir()
    (folder / "own.jq").write_text("1 +")
    assert "no case" in weir_test(folder, "own.jq").stderr
    (folder / "own" / "a").mkdir()
    (folder / "own" / "a" / "input.json").write_text("{}")
    broken = weir_test(folder, "own.jq")
    assert broken.returncode == 1 and "line 1: syntax error" in broken.stdout, broken


run()
