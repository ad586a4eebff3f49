#!/usr/bin/env python3
"""weir's table of CDEvents against the official schemas and examples, member by member."""
import json
import os
import pathlib
import subprocess

import json_schema
from blackbox import case, fixtures, run

JUDGE = pathlib.Path(os.environ["WEIR_BIN"]).parent / "test/transform/cdevents-judge"
RELEASES = {"0.3.0": 39, "0.4.1": 45, "0.5.1": 45}


def judged(events):
    """weir's verdict on each event (or line of text)."""
    lines = "".join((e if isinstance(e, str) else json.dumps(e)) + "\n" for e in events)
    done = subprocess.run([str(JUDGE)], input=lines, capture_output=True, text=True, timeout=100, check=True)
    verdicts = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(verdicts) == len(events), f"{len(verdicts)} verdicts on {len(events)} events"
    return verdicts


def schemas(release):
    """{type string: schema} and {link schema's name: schema}; the custom schema's type is ""."""
    folder = fixtures("cdevents") / release / "schemas"
    refs = {path.stem: json.loads(path.read_text()) for path in folder.glob("links/*.json")}
    by_type = {}
    for path in [*folder.glob("*.json"), *folder.glob("custom/*.json")]:
        schema = json.loads(path.read_text())
        by_type[schema["properties"]["context"]["properties"]["type"].get("enum", [""])[0]] = schema
    return by_type, refs


def samples(schema, refs, release):
    for only_required in (False, True):
        event = json_schema.sample(schema, refs, only_required)
        event["context"]["specversion" if release == "0.5.1" else "version"] = release
        yield event


def examples(release):
    return {path.stem: json.loads(path.read_text()) for path in sorted((fixtures("cdevents") / release).glob("*.json"))}


def is_same_place(pointer, at):
    """A link's fault is found in the link by weir and at the link by anyOf; without version and specversion both are missing."""
    versions = {"/context/version", "/context/specversion"}
    return pointer.startswith(at) or at.startswith(pointer) or {pointer, at} == versions


def compare(release):
    by_type, refs = schemas(release)
    assert len(by_type) - ("" in by_type) == RELEASES[release]
    tried, wrong, seen = [], [], set()
    for name, schema in by_type.items():
        for event in samples(schema, refs, release):
            assert not json_schema.errors(schema, event, refs), (name, event)
            tried.append((name, "as it is", event))
            tried += [(name, what, mutant) for what, mutant in json_schema.mutants(schema, event, refs, seen)]
    refused = 0
    for (name, what, event), verdict in zip(tried, judged([event for _, _, event in tried])):
        found = json_schema.errors(by_type[name], event, refs)
        refused += bool(found)
        if bool(found) != ("pointer" in verdict):
            wrong.append(f"{name}: {what}: the schema says {found}, weir {verdict}")
        elif found and not any(is_same_place(verdict["pointer"], at) for at, _ in found):
            wrong.append(f"{name}: {what}: the schema finds {found}, weir {verdict}")
    assert not wrong, f"{len(wrong)} of {len(tried)} differ\n" + "\n".join(wrong[:20])
    assert refused > 1000 and len(tried) - refused > 500, (refused, len(tried))


@case
def verdicts_on_0_3_are_those_of_its_schemas(_folder):
    compare("0.3.0")


@case
def verdicts_on_0_4_are_those_of_its_schemas(_folder):
    compare("0.4.1")


@case
def verdicts_on_0_5_are_those_of_its_schemas(_folder):
    compare("0.5.1")


@case
def every_example_of_0_5_1_passes_unchanged(_folder):
    events = examples("0.5.1")
    assert len(events) == 46, len(events)
    for (name, event), verdict in zip(events.items(), judged(events.values())):
        assert verdict == {"event": event}, (name, verdict)


@case
def every_example_of_0_4_1_becomes_a_valid_0_5_1_with_the_same_subject(_folder):
    events, now = examples("0.4.1"), examples("0.5.1")
    by_type, refs = schemas("0.5.1")
    assert len(events) == 12, len(events)
    for (name, _), verdict in zip(events.items(), judged(events.values())):
        event = verdict.get("event")
        assert event, (name, verdict)
        assert not json_schema.errors(by_type[event["context"]["type"]], event, refs), (name, event)
        assert event["subject"] == now[name]["subject"], (name, event, verdict)
        assert event["context"]["type"] == now[name]["context"]["type"], name


@case
def whatever_was_valid_before_is_valid_0_5_1_after(_folder):
    now, now_refs = schemas("0.5.1")
    for release in ("0.3.0", "0.4.1"):
        by_type, refs = schemas(release)
        events, seen = [], set()
        for schema in by_type.values():
            for event in samples(schema, refs, release):
                events += [e for _, e in json_schema.mutants(schema, event, refs, seen)
                           if not json_schema.errors(schema, e, refs)]
        assert len(events) > 500
        for event, verdict in zip(events, judged(events)):
            up = verdict.get("event")
            assert up, (event, verdict)
            schema = now.get(up["context"]["type"], now[""])
            assert not json_schema.errors(schema, up, now_refs), (json_schema.errors(schema, up, now_refs), event, verdict)


run()
