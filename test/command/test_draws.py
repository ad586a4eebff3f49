#!/usr/bin/env python3
"""What `weir simulate cdevents` draws has the weights and durations that it says, in both shapes; seeds are fixed."""
import collections
import datetime
import json
import statistics
import subprocess

from blackbox import BINARY, case, run

# Pearson's statistic, by degrees of freedom, that chance alone exceeds once in a hundred thousand
BOUND = {1: 19.5, 2: 23.0, 3: 25.9, 19: 57.4}
ERRORS = {"Invalid input param 123": 10, "Timeout during execution": 30, "pipelineRun cancelled by user": 30,
          "Unknown error": 30}
OUTCOMES = {"success": 50, "error": 30, "failure": 20}
USERS = {"userA": 30, "userB": 20, "userC": 50}
ENVIRONMENTS = {"dev": 40, "staging": 40, "prod": 20}
TASKS = {"task1": 10, "task2": 30, "task3": 50}
PIPELINES = {"pipeline1": 10, "pipeline2": 20, "pipeline3": 50, "pipeline4": 30}


def simulated(*words):
    out = subprocess.run([BINARY, "simulate", "cdevents", "--until", "2026-11-22", *words], capture_output=True, timeout=100,
                         check=True)
    return [json.loads(line) for line in out.stdout.splitlines()]


def fits(drawn, weights, what):
    n = collections.Counter(drawn)
    assert set(n) <= set(weights), (what, n)
    unit = sum(n.values()) / sum(weights.values())
    distance = sum((n[key] - weight * unit) ** 2 / (weight * unit) for key, weight in weights.items())
    assert distance < BOUND[len(weights) - 1], (what, n, distance)


def is_normal(seconds, mean, deviation):
    """Twenty bins of one probability, and the mean within five standard errors."""
    normal = statistics.NormalDist(mean, deviation)
    fits([int(normal.cdf(x) * 20) for x in seconds], dict.fromkeys(range(20), 1), "durations")
    assert abs(statistics.fmean(seconds) - mean) < 5 * deviation / len(seconds) ** 0.5
    assert abs(statistics.stdev(seconds) / deviation - 1) < 5 / (2 * len(seconds)) ** 0.5


def whole(lifecycles):
    """Those that were over in time; each in the order of its states."""
    return {key: events for key, events in lifecycles.items() if events[-1][0] == "finished"}


def durations(lifecycles):
    return [(b[1] - a[1]).total_seconds() for events in lifecycles.values() for a, b in zip(events, events[1:])]


def has_the_states(lifecycles, is_task):
    for key, events in lifecycles.items():
        states = [state for state, *_ in events]
        assert states in (["started", "finished"], ["queued", "started", "finished"]), (key, states)
        assert not (is_task(events[0][2]) and states[0] == "queued"), key


@case
def the_flat_shape_draws_what_it_says(_folder):
    lifecycles = collections.defaultdict(list)
    for event in simulated("--shape", "flat", "--count", "42000"):
        state = event["context"]["type"].split(".")[-1]
        at = datetime.datetime.strptime(event["context"]["timestamp"], "%Y-%m-%d %H:%M:%S.%f")
        lifecycles[event["context"]["id"]].append((state, at, event))
    lifecycles.popitem()  # may have been cut off
    has_the_states(lifecycles, lambda event: event["subject"]["type"] == "taskRun")
    first = [events[0] for events in lifecycles.values()]
    kind = [event["subject"]["type"] for _, _, event in first]
    content = [event["subject"]["content"] for _, _, event in first]
    assert len(first) > 19000
    fits((event["context"]["source"].split("/")[2] for _, _, event in first), USERS, "user")
    fits((event["context"]["source"].split("/")[1] for _, _, event in first), ENVIRONMENTS, "environment")
    fits(kind, {"pipelineRun": 30, "taskRun": 70}, "type")
    fits((c["url"].rsplit("/", 1)[1][-1] for c in content), {"1": 20, "2": 60, "3": 20}, "name")
    fits((event["context"]["version"] for _, _, event in first), {"0.0.1": 20, "0.0.2": 40, "0.1.0": 40}, "version")
    fits((c["task"] for c in content), TASKS, "task")
    fits((c[k]["pipelineName"] for c, k in zip(content, kind)), PIPELINES, "pipeline")
    fits((state for (state, *_), k in zip(first, kind) if k == "pipelineRun"), {"queued": 30, "started": 60}, "first state")
    ends = [e[-1][2]["subject"]["content"][e[-1][2]["subject"]["type"]] for e in lifecycles.values()]
    fits((end["outcome"] for end in ends), OUTCOMES, "outcome")
    fits((end["run_errors"] for end in ends if end["outcome"] == "error"), ERRORS, "errors")
    assert {end["run_errors"] for end in ends if end["outcome"] == "failure"} == {"Unit tests failed"}
    assert not any("run_errors" in end for end in ends if end["outcome"] == "success")
    is_normal(durations(lifecycles), 120, 20)


@case
def conformant_runs_draw_what_they_say(_folder):
    lifecycles = collections.defaultdict(list)
    for event in simulated("--days", "900"):
        _, _, subject, state = event["context"]["type"].split(".")[:4]
        name = event["subject"]["content"].get("pipelineName", "")
        is_own = subject == "taskrun" and "task" in event["subject"]["content"]["taskName"] or name.startswith("pipeline")
        if subject in ("taskrun", "pipelinerun") and is_own:
            at = datetime.datetime.fromisoformat(event["context"]["timestamp"])
            lifecycles[event["context"]["chainId"]].append((state, at, event))
    lifecycles = whole(lifecycles)
    has_the_states(lifecycles, lambda event: ".taskrun." in event["context"]["type"])
    first = [events[0] for events in lifecycles.values()]
    kind = [event["context"]["type"].split(".")[2] for _, _, event in first]
    assert len(first) > 10000
    fits((event["customData"]["user"] for _, _, event in first), USERS, "user")
    fits((event["customData"]["environment"] for _, _, event in first), ENVIRONMENTS, "environment")
    fits(kind, {"pipelinerun": 30, "taskrun": 70}, "type")
    pipelines = [event["subject"]["content"].get("pipelineName") for _, _, event in first]
    fits(filter(None, pipelines), PIPELINES, "pipeline")
    tasks = [event["subject"]["content"].get("taskName") for _, _, event in first]
    fits(filter(None, tasks), TASKS, "task")
    fits((state for (state, *_), k in zip(first, kind) if k == "pipelinerun"), {"queued": 30, "started": 60}, "first state")
    ends = [e[-1][2]["subject"]["content"] for e in lifecycles.values()]
    fits((end["outcome"] for end in ends), OUTCOMES, "outcome")
    fits((end["errors"] for end in ends if end["outcome"] == "error"), ERRORS, "errors")
    assert {end["errors"] for end in ends if end["outcome"] == "failure"} == {"Unit tests failed"}
    is_normal(durations(lifecycles), 120, 20)


run()
