#!/usr/bin/env python3
"""The same three merges told by GitLab's and by Bitbucket's webhooks, through the ready mappings, to `weir report dora`.

Their pushes tell no time: weir takes when it received them. So each deployment ends when its turn comes, and a commit was
written so and so many hours before the test. Bitbucket's pull requests tell the first twelve digits of a commit."""
import datetime
import hashlib
import itertools
import json
import math

from blackbox import Weir, case, run

GITLAB, BITBUCKET = "https://gitlab.example.com/acme/shop", "https://bitbucket.org/acme/shop"
AGENTS = {
    "gitlab": {"type": "webhook", "event": "header:X-Gitlab-Event", "mapping": "gitlab"},
    "bitbucket": {"type": "webhook", "event": "header:X-Event-Key", "mapping": "bitbucket"},
    "deployer": {"type": "webhook", "mapping": "./deployer.jq"},
}
DEPLOYER = """{model: "deployment", source: "https://deployer.example.com", repository: "bitbucket.org/acme/shop", environment: "production",
 is_production: true, state: "succeeded", finished_at: .at} + ."""
NOWHERE = "0" * 40
NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)


def sha(name):
    return hashlib.sha1(name.encode()).hexdigest()


def hours_ago(hours):
    return (NOW - datetime.timedelta(hours=hours)).isoformat()


def present():
    return datetime.datetime.now(datetime.timezone.utc)


class GitLab:
    def __init__(self, weir):
        self.weir, self.number = weir, itertools.count(1)

    def post(self, kind, **body):
        project = {"id": 1, "web_url": GITLAB, "default_branch": "main"}
        body = {"object_kind": kind, "project": project, "user": {"id": 7, "username": "ada"}} | body
        assert self.weir.post("/hooks/gitlab", json.dumps(body).encode(), {"X-Gitlab-Event": kind})[0] == 202

    def push(self, branch, before, *commits):
        """(name, hours ago) of each commit, the newest last."""
        told = [{"id": sha(name), "message": name, "timestamp": hours_ago(hours), "author": {"name": "Ada", "email": "ada@example.com"},
                 "added": [], "modified": [f"src/{name}.c"], "removed": []} for name, hours in commits]
        self.post("push", ref=f"refs/heads/{branch}", before=sha(before) if before else NOWHERE, after=told[-1]["id"], commits=told)

    def change(self, branch, head, merged_at=None, merged_as=None, squashed_as=None):
        state = {"state": "merged", "action": "merge"} if merged_at else {"state": "opened", "action": "open"}
        number = int(branch.rpartition("-")[2])
        self.post("merge_request", object_attributes={
            "iid": number, "title": branch, "url": f"{GITLAB}/-/merge_requests/{number}", "author_id": 7, "source_branch": branch,
            "target_branch": "main", "source": {"web_url": GITLAB}, "last_commit": {"id": sha(head)}, "created_at": hours_ago(1),
            "updated_at": merged_at or hours_ago(1), "merge_commit_sha": merged_as and sha(merged_as),
            "squash_commit_sha": squashed_as and sha(squashed_as)} | state)

    def deploy(self, name, at):
        self.post("deployment", status="success", status_changed_at=at, deployment_id=next(self.number), environment="production",
                  environment_tier="production", commit_url=f"{GITLAB}/-/commit/{sha(name)}", ref="main")


class Bitbucket:
    def __init__(self, weir):
        self.weir, self.number = weir, itertools.count(1)
        self.repository = {"full_name": "acme/shop", "links": {"html": {"href": BITBUCKET}}}

    def post(self, key, **body):
        body = {"repository": self.repository, "actor": {"nickname": "ada"}} | body
        assert self.weir.post("/hooks/bitbucket", json.dumps(body).encode(), {"X-Event-Key": key})[0] == 202

    def push(self, branch, before, *commits):
        told = [{"hash": sha(name), "date": hours_ago(hours), "message": name, "author": {"raw": "Ada <ada@example.com>"}, "parents": []}
                for name, hours in reversed(commits)]
        new = {"type": "branch", "name": branch, "target": told[0]}
        self.post("repo:push", push={"changes": [{"created": not before, "old": None, "new": new, "commits": told}]})

    def change(self, branch, head, merged_at=None, merged_as=None, squashed_as=None):
        number = int(branch.rpartition("-")[2])
        merge = merged_as or squashed_as or head
        self.post(f"pullrequest:{'fulfilled' if merged_at else 'created'}", pullrequest={
            "id": number, "title": branch, "state": "MERGED" if merged_at else "OPEN", "author": {"nickname": "ada"},
            "links": {"html": {"href": f"{BITBUCKET}/pull-requests/{number}"}}, "created_on": hours_ago(1),
            "updated_on": merged_at or hours_ago(1),
            "source": {"branch": {"name": branch}, "commit": {"hash": sha(head)[:12]}, "repository": self.repository},
            "destination": {"branch": {"name": "main"}, "commit": {"hash": sha("a0")[:12]}, "repository": self.repository},
            "merge_commit": {"hash": sha(merge)[:12]} if merged_at else None})

    def deploy(self, name, at):
        body = {"id": next(self.number), "at": at, "sha": sha(name)}
        assert self.weir.post("/hooks/deployer", json.dumps(body).encode())[0] == 202


COMMITS = {f"f{i}": 40 - i for i in range(8)} | {"g0": 20, "g1": 16, "h0": 8}  # hours ago
CHANGE = {"f": 1, "g": 2, "h": 3}


def tell(forge):
    """A merge commit of eight commits, a squash of two, and a branch that main was moved to. When each was deployed."""
    deployed = []

    def of(letter):
        return [(name, hours) for name, hours in COMMITS.items() if name[0] == letter]

    def ship(branch, commits, before, arrived, **how):
        forge.push(branch, "", *commits)
        forge.change(branch, commits[-1][0])
        merged_at = present().isoformat()
        forge.push("main", before, *arrived)
        forge.change(branch, commits[-1][0], merged_at, **how)
        deployed.append(present())
        forge.deploy(arrived[-1][0], deployed[-1].isoformat())

    forge.push("main", "", ("a0", 100))
    forge.deploy("a0", present().isoformat())
    ship("feature-1", of("f"), "a0", [*of("f"), ("m1", 0)], merged_as="m1")
    ship("feature-2", of("g"), "m1", [("s2", 0), ("m2", 0)], merged_as="m2", squashed_as="s2")
    ship("feature-3", of("h"), "m2", of("h"))
    return deployed


def reported(weir):
    weir.command("flush")
    since, till = ((NOW + datetime.timedelta(days=days)).date().isoformat() for days in (-9, 2))
    return json.loads(weir.command("report", "dora", "--json", "--explain", "--from", since, "--to", till))


def check(folder, forge):
    (folder / "deployer.jq").write_text(DEPLOYER)
    with Weir(folder, agents=AGENTS) as weir:
        deployed = tell(forge(weir))
        told = reported(weir)
        assert weir.rows("dead", "list") == []
    names = {sha(name): name for name in COMMITS}
    found = {names.get(one["sha"], one["sha"]): one for one in told["explain"]["commits"] if one["lead_s"] is not None}
    assert set(found) == set(COMMITS), sorted(found)
    for name, hours in COMMITS.items():
        number = CHANGE[name[0]]
        lead_s = (deployed[number - 1] - NOW).total_seconds() + 3600 * hours
        one = found[name]
        assert (one["change"], one["deployment"]) == (number, str(number + 1)), one
        assert math.isclose(one["lead_s"], lead_s, abs_tol=0.001), (one, lead_s)
    row, = told["rows"]
    assert (row["deployments"], row["commits"], row["changes"], row["undeployed_changes"]) == (4, 11, 3, 0), row
    left = {(one["reason"], one["n"]) for one in told["left_out"]}
    assert left == LEFT, left


PATHS = {"cart": {"repositories": ["acme/shop"], "paths": ["src/f*", "src/a*"]}, "pay": {"repositories": ["acme/shop"], "paths": ["src/g*"]}}


@case
def a_commit_is_of_the_services_whose_paths_it_touches_after_a_replay_too(folder):
    (folder / "deployer.jq").write_text(DEPLOYER)

    def services():
        weir.command("flush")
        found = {row["sha"]: json.loads(row["services"]) for row in weir.rows("query", "--store", 'SELECT sha, services FROM "commit"')}
        return {name: found[sha(name)] for name in ("a0", "f0", "g0", "h0")}

    with Weir(folder, agents=AGENTS, services=PATHS) as weir:
        tell(GitLab(weir))
        assert services() == {"a0": ["cart"], "f0": ["cart"], "g0": ["pay"], "h0": ["acme/shop"]}, services()
        weir.command("replay")
        assert services()["g0"] == ["pay"], services()


LEFT = {("first deployment: nothing to compare with", 1), ("merge, squash or rebase of commits that count themselves", 3)}


@case
def what_gitlab_tells_of_three_merges_has_the_lead_times_of_their_commits(folder):
    check(folder, GitLab)


@case
def what_bitbucket_tells_of_three_merges_has_the_lead_times_of_their_commits(folder):
    check(folder, Bitbucket)


run()
