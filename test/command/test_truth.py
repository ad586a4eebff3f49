#!/usr/bin/env python3
"""`weir report dora` finds in a simulated organisation's webhooks the figures that the simulation wrote down beforehand."""
import json
import math
import subprocess

from blackbox import BINARY, Weir, case, run

SECRET = "It's a Secret to Everybody"
FAULTS = "duplicate=0.05,reorder=0.05,late=0.02,malformed=0.01,forged=0.01"


def weir(folder, *words, status=0):
    out = subprocess.run([BINARY, *words], capture_output=True, text=True, timeout=200, check=False, cwd=folder)
    assert out.returncode == status, (words, out.returncode, out.stdout[-300:], out.stderr[-300:])
    return out.stdout


def is_same(a, b):
    return a == b or None not in (a, b) and not isinstance(a, str) and math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-6)


def found_and_known(folder, *words):
    """The report's rows and the manifest's, by service."""
    with Weir(folder, agents={"github": {"type": "github", "secret": SECRET}}, store={"type": "sqlite"}) as server:
        weir(folder, "simulate", "github", "--secret", SECRET, "--to", f"http://127.0.0.1:{server.port}/hooks/github",
             "--manifest", str(folder / "manifest"), *words)
        known = json.loads((folder / "manifest").read_text().splitlines()[-1])["dora"]
        weir(folder, "flush", "--timeout", "120s")
        found = json.loads(weir(folder, "report", "dora", "--json", "--from", known["from"], "--to", known["to"]))
    return {row["service"]: row for row in found["rows"]}, {row["service"]: row for row in known["rows"]}


def agree(found, known):
    assert set(found) == set(known), (sorted(found), sorted(known))
    wrong = [(service, name, found[service][name], value) for service, row in known.items() for name, value in row.items()
             if not is_same(found[service][name], value)]
    assert not wrong, wrong


@case
def what_is_reported_is_what_happened(folder):
    found, known = found_and_known(folder, "--days", "90", "--until", "2026-11-22", "--seed", "5")
    agree(found, known)
    rows = list(known.values())
    assert len(rows) == 4 and sum(row["deployments"] for row in rows) > 100, rows
    for name in ("change_lead_time_p50_s", "change_fail_rate", "failed_deployment_recovery_time_p50_s",
                 "failed_deployment_recovery_time_p90_s", "change_lead_time_per_change_p90_s", "deployment_rework_rate"):
        assert any(row[name] for row in rows), name


@case
def faults_on_the_way_change_no_figure(folder):
    agree(*found_and_known(folder, "--days", "30", "--until", "2026-11-22", "--seed", "6", "--faults", FAULTS))


@case
def a_world_cut_off_in_the_middle_has_open_ends(folder):
    agree(*found_and_known(folder, "--count", "700", "--until", "2026-11-22", "--seed", "7"))


run()
