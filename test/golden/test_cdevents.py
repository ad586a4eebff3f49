#!/usr/bin/env python3
"""One folder a case: test/golden/cdevents/CASE/input.json is a CDEvent, want.json what weir makes of it: the event of 0.5.1
and the notes on it, or the pointer and the reason of its death. WEIR_GOLDEN=write writes want.json anew: read the
difference before you keep it."""
import json
import os
import pathlib
import subprocess

from blackbox import ROOT, case, run

JUDGE = pathlib.Path(os.environ["WEIR_BIN"]).parent / "test/transform/cdevents-judge"
FOLDER = ROOT / "test/golden/cdevents"


@case
def every_event_becomes_what_its_folder_wants(_folder):
    cases = sorted(path.parent for path in FOLDER.glob("*/input.json"))
    assert len(cases) >= 13, cases
    lines = "".join(json.dumps(json.loads((c / "input.json").read_text())) + "\n" for c in cases)
    done = subprocess.run([str(JUDGE)], input=lines, capture_output=True, text=True, timeout=60, check=True)
    wrong = []
    for folder, line in zip(cases, done.stdout.splitlines(), strict=True):
        got, want = json.dumps(json.loads(line), indent=2, ensure_ascii=False) + "\n", folder / "want.json"
        if os.environ.get("WEIR_GOLDEN") == "write":
            want.write_text(got)
        elif got != want.read_text():
            wrong.append(f"{folder.name}: {line}")
    assert not wrong, "\n".join(wrong)


run()
