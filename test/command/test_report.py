"""report over a weir that runs: from deliveries over HTTP to figures."""
import collections
import csv
import datetime
import hashlib
import io
import json
import math
import random
import re
import subprocess

from blackbox import BINARY, Weir, case, fixtures, on_terminal, run, sign

URL = "https://github.com/acme/shop"
API = "https://api.github.com/repos/acme/shop"
REPOSITORY = {"full_name": "acme/shop", "html_url": URL, "name": "shop", "url": API, "owner": {"login": "acme"},
              "default_branch": "main"}
BASE = {"repository": REPOSITORY, "sender": {"login": "ann"}}


def sha(name):
    return hashlib.sha1(name.encode()).hexdigest()


def push(branch, commits, at):
    return "push", BASE | {
        "ref": f"refs/heads/{branch}", "before": sha("before" + branch), "after": commits[-1]["id"], "created": False,
        "deleted": False, "forced": False, "pusher": {"name": "ann"}, "compare": f"{URL}/compare/a...b", "commits": commits, "head_commit": commits[-1],
        "repository": REPOSITORY | {"pushed_at": int(datetime.datetime.fromisoformat(at).timestamp())}}


def commit(name, at, files=None):
    who = {"name": "Ann", "email": "ann@example.org", "username": "ann"}
    return {"id": sha(name), "tree_id": sha("tree" + name), "distinct": True, "message": name, "timestamp": at,
            "url": f"{URL}/commit/{sha(name)}", "author": who, "committer": who, "added": [], "removed": [],
            "modified": files or []}


def merged(change):
    number = change["number"]
    return "pull_request", BASE | {"action": "closed", "number": number, "pull_request": {
        "id": 1000 + number, "number": number, "title": f"Change {number}", "state": "closed", "draft": False,
        "merged": True, "url": f"{API}/pulls/{number}", "html_url": f"{URL}/pull/{number}", "user": {"login": "ann"},
        "created_at": "2026-02-26T00:00:00Z", "updated_at": change["merged_at"], "closed_at": change["merged_at"],
        "merged_at": change["merged_at"], "merge_commit_sha": sha(change["merge_sha"]),
        "labels": [{"name": name} for name in change["labels"]], "requested_reviewers": [], "assignees": [],
        "commits": 1, "additions": 1, "deletions": 0, "changed_files": 1, "comments": 0, "merged_by": {"login": "ann"},
        "base": {"ref": "main", "sha": sha("base"), "repo": REPOSITORY},
        "head": {"ref": change["head_ref"], "sha": sha(change["merge_sha"]), "repo": REPOSITORY}}}


def deployed(of, index, status):
    number = int(of["id"][1:]) + 100
    deployment = {
        "id": number, "url": f"{API}/deployments/{number}", "sha": sha(of["sha"]), "ref": "main", "task": of["task"],
        "environment": of["environment"], "original_environment": of["environment"], "payload": {},
        "production_environment": of["environment"] == "production", "creator": {"login": "ann"},
        "created_at": of["statuses"][0]["at"], "updated_at": status["at"]}
    return "deployment_status", BASE | {"action": "created", "deployment": deployment, "deployment_status": {
        "id": 10 * number + index, "state": status["state"], "environment": of["environment"],
        "created_at": status["at"], "updated_at": status["at"], "creator": {"login": "ann"}}}


def incident(of, action):
    number = int(of["id"][1:]) + 500
    labels = ["incident", "env:production"]
    labels += [f"caused-by:{int(of['caused_by'][1:]) + 100}"] if of["caused_by"] else []
    labels += [f"fixed-by:{int(of['fixed_by'][1:]) + 100}"] if of["fixed_by"] else []
    closed = of["resolved_at"] if action == "closed" else None
    return "issues", BASE | {"action": action, "issue": {
        "id": number, "number": number, "url": f"{API}/issues/{number}", "html_url": f"{URL}/issues/{number}",
        "title": of["id"], "state": "closed" if closed else "open", "state_reason": "completed" if closed else None,
        "user": {"login": "ann"}, "labels": [{"name": name} for name in labels], "assignees": [], "milestone": None,
        "comments": 0, "body": "", "created_at": of["created_at"], "updated_at": closed or of["created_at"],
        "closed_at": closed}}


def deliveries(world):
    """All that GitHub would have said of it."""
    all_of = []
    for change in world["changes"]:
        mine = [commit(c["sha"], c["committed_at"]) for c in world["commits"] if c["change"] == change["number"]]
        all_of += [push(change["head_ref"], mine, change["merged_at"]), merged(change)]
    for deployment in world["deployments"]:
        all_of += [deployed(deployment, i, status) for i, status in enumerate(deployment["statuses"])]
    for one in world["incidents"]:
        all_of += [incident(one, "opened")] + ([incident(one, "closed")] if one["resolved_at"] else [])
    return all_of


def send(weir, all_of):
    for n, (event, body) in enumerate(all_of):
        text = json.dumps(body).encode()
        status, answer = weir.post("/hooks/github", text, sign("s", text) | {
            "X-GitHub-Event": event, "X-GitHub-Delivery": f"{n:08x}-0000-0000-0000-000000000000"})
        assert status == 202, answer


@case
def the_worked_example_comes_out_to_the_digit(folder):
    world = json.loads((fixtures("dora") / "worked_example.json").read_text())
    wanted = world["expected"]
    all_of = deliveries(world)
    random.Random(7).shuffle(all_of)
    with Weir(folder, agents={"github": {"type": "github", "secret": "s"}}) as weir:
        send(weir, all_of)
        weir.command("flush")
        window = ("--from", "2026-03-02", "--to", "2026-03-30")
        told = json.loads(weir.command("report", "dora", "--json", "--explain", *window))
        assert len(told["rows"]) == 1, told["rows"]
        row = told["rows"][0]
        lead = wanted["change_lead_time"]
        assert (row["service"], row["environment"]) == ("acme/shop", "production"), row
        assert row["deployments"] == wanted["deployment_frequency"]["count"] == 10, row
        assert round(row["deployment_frequency_per_day"], 4) == wanted["deployment_frequency"]["per_day"], row
        assert row["days_with_deployments"] == 7 and row["days_per_week_p50"] == 1.5, row
        assert row["change_lead_time_p50_s"] == lead["median_hours"]["interpolated"] * 3600, row
        assert row["change_lead_time_per_change_p50_s"] == lead["per_change_median_hours"]["interpolated"] * 3600, row
        assert row["change_fail_rate"] == wanted["change_fail_rate"]["rate"], row
        # nine tenths of the way along 1 2 18 28 48 66 96 144 h, and along 105 and 250 min
        assert math.isclose(row["change_lead_time_per_change_p90_s"], (96 + 0.3 * 48) * 3600), row
        assert math.isclose(row["failed_deployment_recovery_time_p90_s"], (105 + 0.9 * 145) * 60), row
        recovery = wanted["failed_deployment_recovery_time"]
        assert row["failed_deployment_recovery_time_p50_s"] == recovery["median_minutes"]["interpolated"] * 60, row
        assert row["deployment_rework_rate"] == wanted["deployment_rework_rate"]["rate"], row
        assert (row["open_incidents"], row["undeployed_changes"]) == (1, 2), row
        assert row["oldest_open_failure_s"] == recovery["open"][0]["age_hours_at_window_end"] * 3600, row
        last = max(datetime.datetime.fromisoformat("2026-03-30T00:00:00Z") - datetime.datetime.fromisoformat(c["merged_at"])
                   for c in world["changes"] if c["number"] in (9, 10))
        assert row["oldest_undeployed_change_s"] == last.total_seconds(), (row, last)
        lines = weir.command("report", "dora", *window).splitlines()
        assert lines[6:8] == ["  per change      p50       38 h      – (0)          8 changes",
                              "                  p90      4.6 d      – (0)"], lines
        assert lines[10] == "                  p90  3.9 h (2)      – (0)", lines
        assert not [line for line in lines if line != line.rstrip()], lines
        shown = " ".join(" ".join(lines).split())
        assert "Open at the end: 1 failed deployment, for 3.5 d; 2 merged changes, the oldest for " in shown, shown
        spans = {c["sha"]: c["lead_s"] / 3600 for c in told["explain"]["commits"]}
        assert spans == {sha(name): hours for name, hours in lead["per_commit_hours"].items()}, spans
        out = {(o["id"], o["reason"].split(":")[0]) for o in told["explain"]["left_out"] if o["what"] == "commit"}
        assert out == {(sha("c10"), "committed after it was deployed"), (sha("c14"), "not deployed"),
                       (sha("c15"), "not deployed")}, out
        failed = [d["id"] for d in told["explain"]["deployments"] if d["failed_by"]]
        assert failed == ["102", "110", "112"], failed
        for year in ("2021", "2023"):
            tiers = json.loads(weir.command("report", "dora", "--json", "--tiers", year, *window))["rows"][0]["tiers"]
            tiers["recovery"] = tiers.pop("failed_deployment_recovery_time")
            assert tiers.pop("year") == int(year) and tiers == wanted["tiers"][year], tiers
        told = " ".join(weir.command("report", "dora", "--tiers", "2023", *window).split())
        assert "Tiers of 2023: deployment frequency high, change lead time high, change fail rate low" in told, told
        lower = json.loads(weir.command("report", "dora", "--json", "--median", "lower", *window))["rows"][0]
        assert lower["change_lead_time_p50_s"] == 24 * 3600 and lower["days_per_week_p50"] == 1, lower
        assert lower["failed_deployment_recovery_time_p50_s"] == 105 * 60, lower
        rome = json.loads(weir.command("report", "dora", "--json", "--by", "week", "--zone", "Europe/Rome", *window))
        assert (rome["from"], rome["to"]) == ("2026-03-01T23:00:00Z", "2026-03-29T22:00:00Z"), rome
        assert [row["deployments"] for row in rome["rows"]] == [4, 3, 2, 1], rome  # whole weeks, D13 is behind them
        told = weir.command("report", "dora", "--zone", "Europe/Rome", *window)
        assert told.startswith("Delivery, production, 2 Mar to 30 Mar 2026, 4 weeks "), told
        for report in ("dora", "activity", "runs"):
            weir.command("report", report, "--zone", "Mars/Base", status=2)
        weir.command("report", "dora", "--zone", "America/Lima", "--from", "2026-03-02", "--to", "2026-03-02T04:00:00Z", status=2)


def monorepo():
    """Two services in one repository: change 1 touches cart, change 2 search; both are deployed, search fails."""
    all_of = []
    for number, (day, path) in enumerate([(2, "cart/a.c"), (3, "search/b.c")], 1):
        name = f"m{number}"
        change = {"number": number, "merged_at": f"2026-03-{day:02}T12:00:00Z", "merge_sha": name, "labels": ["urgent"],
                  "head_ref": f"topic-{number}"}
        all_of += [push(f"topic-{number}", [commit(name, f"2026-03-{day:02}T08:00:00Z", [path])], change["merged_at"]),
                   merged(change)]
    for number, (service, name, at) in enumerate([("cart", "m0", "2026-03-01"), ("search", "m0", "2026-03-01"),
                                                  ("cart", "m2", "2026-03-04"), ("search", "m2", "2026-03-10")]):
        status = {"state": "success", "at": f"{at}T12:00:00Z"}
        event, body = deployed({"id": f"D{number}", "sha": name, "task": "deploy", "environment": "production",
                                "statuses": [status]}, 0, status)
        body["deployment"]["payload"] = {"service": service}
        all_of.append((event, body))
    return all_of + [incident({"id": "I1", "caused_by": "D3", "fixed_by": None, "created_at": "2026-03-10T13:00:00Z",
                               "resolved_at": "2026-03-10T14:00:00Z"}, "closed")]


@case
def figures_come_by_team_and_week_and_path_as_the_configuration_chooses(folder):
    services = {name: {"repositories": ["acme/shop"], "paths": [f"{name}/**"], "team": team}
                for name, team in [("cart", "front"), ("search", "find")]}
    window = ("--from", "2026-03-01", "--to", "2026-04-01")
    with Weir(folder, agents={"github": {"type": "github", "secret": "s"}}, services=services,
              report={"hotfix": {"labels": ["urgent"]}, "hash_people": True}) as weir:
        send(weir, monorepo())
        weir.command("flush")
        told = json.loads(weir.command("report", "dora", "--json", "--by", "team", *window))
        rows = {row["service"]: row for row in told["rows"]}
        assert set(rows) == {"front", "find"}, rows
        # by its paths: m1 of cart after 52 h, m2 of search after 172 h; without them both would have both
        assert (rows["front"]["commits"], rows["front"]["change_lead_time_p50_s"]) == (1, 52 * 3600), rows
        assert (rows["find"]["commits"], rows["find"]["change_lead_time_p50_s"]) == (1, 172 * 3600), rows
        assert (rows["front"]["failed_deployments"], rows["find"]["failed_deployments"]) == (0, 1), rows
        assert rows["front"]["rework_deployments"] == 1 and told["choices"]["hotfix_labels"] == ["urgent"], told
        text = weir.command("report", "dora", "--by", "team,week", *window)
        assert max(len(line) for line in text.splitlines()) <= 80, text
        lines = [line.split() for line in text.splitlines()]
        of_find = lines[lines.index(["find"]) + 1:lines.index(["front"])]
        assert len(of_find) == 6 and of_find[0][:3] == ["1", "Mar", "part"] and of_find[2][:2] == ["9", "Mar"], of_find
        assert of_find[2][2:] == ["0.14", "7.2", "d", "(1)", "100.0", "%", "(1)", "2.0", "h", "(1)", "100.0", "%", "(1)"], of_find
        assert of_find[3][2:] == ["0.00", *["–", "(0)"] * 4], of_find  # no room for p90
        assert "label urgent" in " ".join(text.split()), text
        text = " ".join(weir.command("report", "dora", "--failures", "link", "--hotfix-labels", "x", *window).split())
        assert "0 of 4" in text and "by these alone: link. A hotfix: label x" in text, text
        authors = json.loads(weir.command("report", "activity", "--json", *window))["authors"]
        assert [a["author"] for a in authors] == [hashlib.sha256(b"ann").hexdigest()[:12]], authors
        authors = json.loads(weir.command("report", "activity", "--json", "--with-names", *window))["authors"]
        assert [a["author"] for a in authors] == ["ann"], authors
        for report in ("activity", "runs"):
            head = weir.command("report", report, *window).splitlines()[0]
            assert head.startswith(f"{report.title()}, 1 Mar to 1 Apr 2026, 31 days   complete to "), head


def shipped():
    """Twenty deployments, those of cart broken every other time; one change with a day in each of its stages."""
    change = {"number": 1, "merged_at": "2026-03-04T00:00:00Z", "merge_sha": "c1", "labels": [], "head_ref": "topic"}
    event, body = merged(change)
    body["pull_request"]["created_at"] = "2026-03-02T00:00:00Z"
    review = BASE | {"action": "submitted", "pull_request": body["pull_request"], "review": {
        "id": 1, "state": "approved", "submitted_at": "2026-03-03T00:00:00Z", "user": {"login": "bob"}, "body": None,
        "commit_id": sha("c1"), "html_url": f"{URL}/pull/1#r1"}}
    all_of = [push("main", [commit("c0", "2026-02-01T00:00:00Z")], "2026-02-01T00:00:00Z"),
              push("topic", [commit("c1", "2026-03-01T00:00:00Z")], "2026-03-01T00:00:00Z"),
              ("pull_request_review", review), (event, body)]
    for number in range(20):
        service = "cart" if number % 3 == 0 and number < 18 else "search"
        at = f"2026-03-05T{number:02}:00:00Z" if number else "2026-02-02T00:00:00Z"
        status = {"state": "success", "at": at}
        event, body = deployed({"id": f"D{number}", "sha": "c1" if number else "c0", "task": "deploy", "environment": "production",
                                "statuses": [status]}, 0, status)
        body["deployment"]["payload"] = {"service": service}
        all_of.append((event, body))
        if service == "cart" and number % 2 == 1:
            all_of.append(incident({"id": f"I{number}", "caused_by": f"D{number}", "fixed_by": None, "created_at": at,
                                    "resolved_at": at.replace(":00:00Z", ":40:00Z")}, "closed"))
    return all_of


@case
def a_wider_terminal_shows_more_of_the_same(folder):
    services = {name: {"repositories": ["acme/shop"]} for name in ("cart", "search")}
    window = ("--from", "2026-01-05", "--to", "2026-03-30")
    with Weir(folder, agents={"github": {"type": "github", "secret": "s"}}, services=services) as weir:
        send(weir, shipped())
        weir.command("flush")
        drawn = {"LC_ALL": "C.UTF-8", "TERM": "xterm"}
        shown = {columns: on_terminal(columns, "report", "dora", *window, folder=folder, environment=drawn)
                 for columns in (54, 60, 80, 120, 160)}
        for columns, lines in shown.items():
            assert all(len(line) <= columns for line in lines), (columns, lines)
            rows = [line for line in lines if line.startswith(("cart ", "search "))]
            assert len(rows) == 2 and "50.0 %!" in rows[0] and "!" not in rows[1], (columns, lines)
            assert ("p90" in "".join(lines)) == (columns >= 60) and ("now   before" in "".join(lines)) == (columns >= 80), lines
        wide = shown[120]
        assert "where the time goes (hours)" in wide[2], wide
        assert "Nothing is known before 1 Feb: 27 of 84 days have no data." in wide, wide
        frequency = next(line for line in wide if line.startswith("Deployment frequency"))
        begins = wide[2].index("before") + len("before") + 10
        assert frequency[begins:begins + 12] == "   " + "▁" * 5 + "█" + "▁" * 3, frequency  # a gap before 1 Feb, a Sunday
        stages = [line[begins + 15 + 18:] for line in wide[4:8]]
        assert [stage[:16].split() for stage in stages] == [["coding", "24", "%"], ["to", "review", "24", "%"],
                                                            ["in", "review", "24", "%"], ["waiting", "27", "%"]], stages
        assert all(stage.endswith("  █████") for stage in stages), stages
        row = next(line for line in wide if line.startswith("cart "))
        assert "3 of 6" in row and "5 Mar #515" in row and "█" in row, row
        assert "where the time goes" not in "".join(shown[80]) and "#515" not in "".join(shown[80]), shown[80]
        for columns in (54, 80, 120):
            behind = on_terminal(columns, "report", "dora", "--explain", *window, folder=folder, environment=drawn)
            assert all(len(line) <= columns for line in behind), (columns, behind)
            assert any(sha("c1") in line for line in behind[behind.index("Commits"):]), behind
            assert any("2026-03-05T01:00:00Z" in line for line in behind[behind.index("Deployments"):]), behind
            assert not re.search(r"[0-9a-f]{6}…|2026-[-0-9T:]*…", "\n".join(behind)), behind
        plain = on_terminal(120, "report", "dora", *window, folder=folder, environment={"LC_ALL": "C", "TERM": "dumb"})
        assert not any("█" in line or "#" in line.replace("#515", "") for line in plain), plain


@case
def a_report_gives_each_of_its_tables_as_csv(folder):
    all_of = shipped()
    for event, body in all_of:
        if event == "pull_request":
            body["pull_request"]["title"] = "=1+1, @me"
    window = ("--from", "2026-01-05", "--to", "2026-03-30")
    with Weir(folder, agents={"github": {"type": "github", "secret": "s"}}, services={
            name: {"repositories": ["acme/shop"]} for name in ("cart", "search")}) as weir:
        send(weir, all_of)
        weir.command("flush")

        def table(report, *words):
            return list(csv.DictReader(io.StringIO(weir.command("report", report, "--csv", *words, *window))))

        told = json.loads(weir.command("report", "dora", "--json", "--explain", *window))
        figures = table("dora")
        assert len(figures) == len(told["rows"]) == 2, figures
        for row, wanted in zip(figures, told["rows"]):
            wanted.pop("tiers")
            assert set(row) == set(wanted), set(row) ^ set(wanted)
            assert all(row[k] == ("" if wanted[k] is None else row[k]) for k in row), row
            assert all(float(row[k]) == wanted[k] for k in row if isinstance(wanted[k], (int, float))), (row, wanted)
        for name in ("deployments", "changes", "commits", "incidents", "left_out"):
            assert len(table("dora", "--table", name)) == len(told["explain"][name]) > 0, name
        assert {row["title"] for row in table("dora", "--table", "changes")} == {"'=1+1, @me"}
        assert len(table("dora", "--by", "service,week")) > 2 * len(figures)
        assert [row["author"] for row in table("activity", "--table", "authors")] == ["ann"]
        assert [row["reviewer"] for row in table("activity", "--table", "reviewers")] == ["bob"]
        assert [row["repository"] for row in table("activity")] == ["github.com/acme/shop"]
        for name in ("pipelines", "environments", "users", "errors", "flaky", "slowest"):
            assert table("runs", "--table", name) == [], name
        for words in (["dora", "--table", "changes"], ["dora", "--csv", "--table", "authors"], ["runs", "--csv", "--json"],
                      ["activity", "--csv", "--html", "-"]):
            weir.command("report", *words, status=2)


@case
def activity_and_runs_tell_what_was_before_of_how_few_and_what_is_left_out(folder):
    event, body = merged({"number": 9001, "merged_at": "2026-03-18T12:00:00Z", "merge_sha": "b1", "labels": [], "head_ref": "bump"})
    body["pull_request"]["user"] = {"login": "lint[bot]"}
    window, before = ("--from", "2026-03-10", "--to", "2026-03-20"), ("--from", "2026-02-28", "--to", "2026-03-10")
    with Weir(folder, agents={"github": {"type": "github", "secret": "s"}}) as weir:
        subprocess.run([BINARY, "simulate", "github", "--days", "30", "--seed", "6", "--until", "2026-03-20", "--secret", "s",
                        "--to", f"http://127.0.0.1:{weir.port}/hooks/github"], check=True, capture_output=True, timeout=200)
        send(weir, [(event, body)])
        weir.command("flush", "--timeout", "100s")
        for report, wide, narrow, bots in (("activity", "Changes merged", "Merged ", ["--no-bots"]), ("runs", "Runs finished", "Runs ", [])):
            now, then = [json.loads(weir.command("report", report, "--json", *bots, *of)) for of in (window, before)]
            figures = {row["figure"]: row for row in now["figures"]}
            assert len(figures) > 6 and all(row["n"] > 2 and row["before_n"] > 2 for row in figures.values()), figures
            assert [(row["before"], row["before_n"]) for row in now["figures"]] == \
                [(row["value"], row["n"]) for row in then["figures"]], (now["figures"], then["figures"])
            told = list(csv.DictReader(io.StringIO(weir.command("report", report, "--csv", "--table", "figures", *bots, *window))))
            assert [(row["figure"], int(row["n"])) for row in told] == [(name, row["n"]) for name, row in figures.items()], told
            for columns in (56, 80, 120):
                lines = on_terminal(columns, "report", report, *bots, *window, folder=folder,
                                    environment={"LC_ALL": "C.UTF-8", "TERM": "xterm"})
                assert all(len(line) <= columns for line in lines), (columns, lines)
                line = next(line for line in lines if line.startswith(wide if columns > 60 else narrow) and "/d" in line)
                per_day = next(iter(figures.values()))
                assert (re.search(r"[▁▂▃▄▅▆▇█]{2}", line) is not None) == (columns >= 80), (columns, lines)
                assert f"{per_day['value']:.1f}/d" in line and f"{per_day['n']} " in line, (line, per_day)
                assert (f"{per_day['before']:.1f}/d" in line) == (columns >= 80), (line, per_day)
        activity = " ".join(weir.command("report", "activity", "--no-bots", *window).split())
        assert "left out: 1 change by a bot" in activity and "Open at the end: " in activity, activity
        counted = weir.command("report", "activity", *window)
        assert "1 merged change without a review by another" in " ".join(counted.split()), counted
        few = weir.command("report", "activity", "--from", "2026-03-18T11:59:59Z", "--to", "2026-03-18T12:00:01Z")
        assert re.search(r"^Open to merge +p50 +20 d \(1\)", few, re.M) and re.search(r"^lint\[bot\] +0 +1 +– \(0\) +20 d \(1\)", few, re.M), few


@case
def a_report_of_nothing_is_json_all_the_same(folder):
    def no_number(word):
        raise AssertionError(f"{word} is no JSON")
    with Weir(folder, agents={"github": {"type": "github", "secret": "s"}}) as weir:
        weir.command("flush")
        for name in ("dora", "activity", "runs"):
            told = json.loads(weir.command("report", name, "--json"), parse_constant=no_number)
            assert told["from"] < told["to"], told
            for rate in (figure for figure in told.get("figures", []) if figure["figure"].endswith("_rate")):
                assert rate["value"] is None and rate["before"] is None, rate


@case
def runs_of_cdevents_have_their_users_and_environments(folder):
    made = subprocess.run([BINARY, "simulate", "cdevents", "--count", "120", "--seed", "4", "--until", "2026-03-20"],
                          check=True, capture_output=True, text=True, timeout=120).stdout.splitlines()
    ended = [json.loads(line) for line in made if "dev.cdevents.pipelinerun.finished." in line]
    assert len(ended) > 5, len(ended)
    with Weir(folder, agents={"builds": {"type": "cdevents"}}) as weir:
        for line in made:
            status, answer = weir.post("/hooks/builds", line.encode())
            assert status == 202, answer
        weir.command("flush")
        told = json.loads(weir.command("report", "runs", "--json", "--from", "2026-01-01", "--to", "2026-04-01"))
    for part, member in (("users", "user"), ("environments", "environment")):
        wanted = collections.Counter(event.get("customData", {}).get(member) for event in ended)
        assert {row[member]: row["runs"] for row in told[part]} == wanted, (part, told[part], wanted)
    names = [row["user"] for row in told["users"] if row["user"]]
    assert len(names) > 1 and names == sorted(names), names


@case
def what_a_report_has_no_use_for_is_refused(folder):
    weir = Weir(folder, agents={"github": {"type": "github", "secret": "s"}})
    for words in (["activity", "--tiers", "2023"], ["runs", "--explain"], ["runs", "--by", "week"],
                  ["runs", "--no-bots"], ["dora", "--hash-people"], ["dora", "--by", "team"],
                  ["dora", "--failures", "link,guess"], ["dora", "--no-bots", "--with-bots"],
                  ["dora", "--by", "week,month"], ["dora", "--by", "service,team"], ["dora", "--from", "yesterday"],
                  ["dora", "--from", "2026-03-02", "--to", "2026-03-02"]):
        weir.command("report", *words, status=2)


run()
