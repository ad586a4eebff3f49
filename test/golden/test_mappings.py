#!/usr/bin/env python3
"""Every ready mapping gives for every payload beside it what is written there, in any folder that it is called from."""
import re
import subprocess

from blackbox import BINARY, ROOT, case, run


@case
def every_ready_mapping_gives_what_is_expected(folder):
    done = subprocess.run([BINARY, "test", ROOT / "mappings"], capture_output=True, text=True, cwd=folder, timeout=100, check=False)
    cases = len(list((ROOT / "mappings").glob("*/*/input.json")))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == f"{cases} passed, 0 failed, 0 updated" and cases > 80, done.stdout


@case
def every_ready_mapping_is_found_by_its_name_and_has_a_preset(folder):
    presets = (ROOT / "mappings" / "README.md").read_text()
    for file in (ROOT / "mappings").glob("*.jq"):
        block = re.search(rf"```yaml\n(agents:\n(?:(?!```).)*mapping: {file.stem}\n)```", presets, re.S)
        assert block, f"README.md has no preset of {file.stem}"
        (folder / f"{file.stem}.yaml").write_text(re.sub(r"\$\{[A-Z_]+\}", "s3cret", block[1]))
        done = subprocess.run([BINARY, "validate", "-c", folder / f"{file.stem}.yaml"], capture_output=True, text=True, timeout=60,
                              check=False)
        assert done.returncode == 0, done.stderr


run()
