#!/usr/bin/env python3
"""`weir flatten` against a second reader of the older raw shape, and what it does with what is none."""
import csv
import io
import json
import re
import subprocess

from blackbox import BINARY, case, run

HEADER = ("event_id,context_version,context_id,context_source,context_type,context_timestamp,subject_id,subject_type,"
          "content_task,content_url,run_id,run_source,run_type,run_pipelineName,run_url,run_outcome,run_errors")
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def weir(*words, given="", status=0):
    out = subprocess.run([BINARY, *words], input=given, capture_output=True, text=True, timeout=100, check=False)
    assert out.returncode == status, (words, out.returncode, out.stderr)
    return out


def simulated(n, *words):
    return weir("simulate", "cdevents", "--shape", "flat", "--until", "2026-11-22", "--count", str(n), *words).stdout.splitlines()


def flat(event, in_run="run_"):
    """The rule, once more."""
    row = {"event_id": event["event_id"]}
    row |= {f"context_{key}": value for key, value in event["context"].items()}
    row |= {f"subject_{key}": value for key, value in event["subject"].items() if key != "content"}
    content = event["subject"]["content"]
    run_of = next(key for key in ("pipelineRun", "taskRun") if key in content)
    row |= {f"content_{key}": value for key, value in content.items() if key != run_of}
    row |= {key if key == "run_errors" and in_run == "run_" else f"run_{key}": value for key, value in content[run_of].items()}
    return {"run_outcome": None, "run_errors": None} | row


@case
def the_shape_is_the_one_that_its_readers_know(_folder):
    lines = simulated(3000)
    assert lines == simulated(3000) != simulated(3000, "--seed", "2")
    ids = set()
    for line in lines:
        event = json.loads(line)
        ids.add(event["event_id"])
        kind = event["subject"]["type"]
        assert list(event) == ["context", "subject", "event_id"] and list(event["subject"]) == ["id", "type", "content"], line
        assert list(event["context"]) == ["version", "id", "source", "type", "timestamp"], line
        assert list(event["subject"]["content"]) == ["task", "url", kind], line
        is_over = event["context"]["type"].endswith(".finished")
        run_of = event["subject"]["content"][kind]
        assert list(run_of)[:5] == ["id", "source", "type", "pipelineName", "url"] and is_over == ("outcome" in run_of), line
        assert run_of["source"] == event["context"]["source"] and run_of["type"] == kind, line
        assert re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}", event["context"]["timestamp"]), line
        assert event["context"]["timestamp"] < "2026-11-22", line
        for one in (event["event_id"], event["context"]["id"], event["subject"]["id"], run_of["id"]):
            assert re.fullmatch(UUID, one), line
    assert len(ids) == 3000


@case
def every_event_is_the_row_that_the_rule_makes(folder):
    lines = simulated(5000)
    rows = [flat(json.loads(line)) for line in lines]
    (folder / "lines.json").write_text("\n".join(lines))
    (folder / "list.json").write_text("[" + ",\n  ".join(lines) + "]\n")
    (folder / "one.json").write_text(json.dumps(json.loads(lines[0]), indent=2))
    for words, given in (((folder / "lines.json",), ""), ((folder / "list.json",), ""), ((), "\n".join(lines)), (("-",), "\n".join(lines))):
        out = weir("flatten", *words, given=given).stdout
        assert out.startswith(HEADER + "\n") and "\r" not in out and '"' not in out
        got = [{key: value or None for key, value in row.items()} for row in csv.DictReader(io.StringIO(out))]
        assert got == rows
    assert [json.loads(line) for line in weir("flatten", "--json", given="\n".join(lines)).stdout.splitlines()] == rows
    assert weir("flatten", folder / "one.json").stdout.count("\n") == 2
    assert weir("flatten", folder).stdout.count("\n") == 1 + 5000 + 5000 + 1
    (folder / "a[1]").mkdir()
    (folder / "one.json").rename(folder / "a[1]" / "one.json")
    assert weir("flatten", folder / "a[1]").stdout.count("\n") == 2


@case
def rows_of_another_flattening_are_read_too(_folder):
    """One reader of this shape wrote run_run_errors, beside a run_errors that was always null."""
    events = [json.loads(line) for line in simulated(2000)]
    theirs = [json.dumps(flat(event, "") | {"run_errors": None}) for event in events]
    assert sum("run_run_errors" in row for row in theirs) > 300
    ours = "\n".join(json.dumps(flat(event)) for event in events)
    want = weir("flatten", given="\n".join(json.dumps(event) for event in events)).stdout
    assert weir("flatten", given="\n".join(theirs)).stdout == want == weir("flatten", given=ours).stdout


@case
def a_bad_event_is_named_and_the_others_pass(folder):
    lines = simulated(4)
    strange = json.loads(lines[3])
    strange["context"]["tenant"] = "a,b"
    bad = ["{\"context\":", lines[0], "", "[]", "3", "{}", lines[1][:-1], lines[2], '{"event_id":"x","context":{}}', json.dumps(strange)]
    (folder / "bad.json").write_text("\n".join(bad))
    out = weir("flatten", folder / "bad.json", folder / "none.json", status=1)
    assert [row["event_id"] for row in csv.DictReader(io.StringIO(out.stdout))] == [json.loads(lines[i])["event_id"] for i in (0, 2, 3)]
    for what in ("bad.json:1: not JSON", "bad.json:5: not an object", "bad.json:6: no event_id", "bad.json:7: not JSON",
                 "bad.json:9: no subject.content", "none.json: No such file", "the first: context_tenant", "3 rows; 6 things"):
        assert what in out.stderr, (what, out.stderr)
    weir("flatten", given=lines[0] + "\r\n" + lines[1])
    (folder / "empty").mkdir()
    assert "no *.json" in weir("flatten", folder / "empty", status=1).stderr


@case
def a_folder_holds_a_file_an_event_under_its_key(folder):
    weir("simulate", "cdevents", "--shape", "flat", "--until", "2026-11-22", "--count", "50", "--to", f"{folder}/out/")
    events = {json.loads(line)["event_id"]: json.loads(line) for line in simulated(50)}
    assert {path.name: json.loads(path.read_text()) for path in (folder / "out" / "raw").iterdir()} == \
        {f"{key}.json": event for key, event in events.items()}
    got = weir("flatten", folder / "out" / "raw").stdout
    assert weir("flatten", folder / "out").stdout == got
    assert sorted(got.splitlines()) == sorted(weir("flatten", given="\n".join(simulated(50))).stdout.splitlines())
    (folder / "shut").write_text("")
    out = weir("simulate", "cdevents", "--shape", "flat", "--count", "5", "--to", f"{folder}/shut/", status=2)
    assert f"{folder}/shut" in out.stderr, out.stderr
    for words in (("github", "--shape", "flat"), ("cdevents", "--shape", "round")):
        assert "flat is the one other shape" in weir("simulate", *words, status=2).stderr


run()
