"""webhook.py - pull requests as GitHub tells of them, and a weir that takes them."""
import json

from blackbox import Weir, sign

REPOSITORY = {"full_name": "acme/shop", "html_url": "https://github.com/acme/shop", "name": "shop",
              "owner": {"login": "acme"}, "default_branch": "main"}


def pull_request(number, action="opened", title="Add a cart", at="2026-03-07T12:00:00Z"):
    change = {"id": 1000 + number, "number": number, "title": title, "state": "open", "draft": False, "merged": False,
              "url": f"https://api.github.com/repos/acme/shop/pulls/{number}", "user": {"login": "mona"},
              "html_url": f"https://github.com/acme/shop/pull/{number}", "created_at": "2026-03-07T11:00:00Z",
              "updated_at": at, "closed_at": None, "merged_at": None, "merge_commit_sha": None, "labels": [],
              "requested_reviewers": [], "assignees": [], "commits": 1, "additions": 2, "deletions": 3,
              "changed_files": 1, "comments": 0, "base": {"ref": "main", "sha": "b" * 40, "repo": REPOSITORY},
              "head": {"ref": f"feature-{number}", "sha": f"{number:040x}", "repo": REPOSITORY}}
    return {"action": action, "number": number, "repository": REPOSITORY, "sender": {"login": "mona"},
            "pull_request": change}


def post(weir, body, delivery):
    text = json.dumps(body).encode()
    status, answer = weir.post("/hooks/github", text, sign("s", text) | {
        "X-GitHub-Event": "pull_request", "X-GitHub-Delivery": f"{delivery:08d}-0000-0000-0000-000000000000"})
    assert status == 202, answer


def one(weir, sql):
    return weir.rows("query", sql)[0]


def weir_with_github(folder, **sections):
    return Weir(folder, agents={"github": {"type": "github", "secret": "s"}}, **sections)
