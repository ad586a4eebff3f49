"""Every example webhook that GitHub publishes goes signed over HTTP, and each ends in exactly one of the four ways."""
import collections
import json
import uuid

from blackbox import ROOT, Skip, Weir, case, run, sign

EXAMPLES = ROOT / ".deps/npm/test/node_modules/@octokit/webhooks-examples"
SECRET = "It's a Secret to Everybody"
STORED = {"push", "pull_request", "pull_request_review", "deployment", "deployment_status", "workflow_run",
          "workflow_job", "release", "issues"}
# of these events only some actions have a row
STORED_ACTIONS = {
    "check_run": {"created", "completed"}, "check_suite": {"completed"}, "package": {"published"},
    "code_scanning_alert": {"created", "fixed", "reopened", "closed_by_user"}, "dependabot_alert": {"created", "fixed"},
    "secret_scanning_alert": {"reopened"}, "pull_request_review_comment": {"created", "edited", "deleted"},
    "pull_request_review_thread": {"resolved", "unresolved"},
    "repository": {"created", "deleted", "edited", "renamed", "transferred", "publicized", "privatized"}}
IGNORED = {"create", "delete", "ping", "status", "merge_group"}
# examples of stored events whose own content is passed over: no outcome yet, a layer of a container without a tag
LEFT_OUT = collections.Counter({"check_run/completed": 1, "check_suite/completed": 1, "package/published": 1})
DEAD = {}  # (product, event, index): reason; none of them is broken


def deliveries():
    """(id, event, action, body) of all 726, in the order of the files."""
    if not EXAMPLES.is_dir():
        raise Skip(f"no {EXAMPLES.relative_to(ROOT)}: tools/setup test")
    for index in sorted(EXAMPLES.glob("*/index.json")):
        for entry in json.loads(index.read_text()):
            for number, body in enumerate(entry["examples"]):
                name = f"{index.parent.name}/{entry['name']}/{number}"
                yield (str(uuid.uuid5(uuid.NAMESPACE_URL, name)), entry["name"], body.get("action"),
                       json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode())


def post_all(weir, sent):
    for delivery, event, _action, body in sent:
        status, answer = weir.post("/hooks/github", body, sign(SECRET, body) | {
            "X-GitHub-Event": event, "X-GitHub-Delivery": delivery, "User-Agent": "GitHub-Hookshot/044aadd"})
        assert (status, answer) == (202, {"id": delivery}), f"{event}: {status} {answer}"


def expected(sent):
    """What must become of them, told from the names alone."""
    fate = collections.Counter()
    for _delivery, event, action, _body in sent:
        is_stored = event in STORED or action in STORED_ACTIONS.get(event, ())
        kind = "stored" if is_stored else "ignored" if event in IGNORED else "unmapped"
        name = "/".join(["github", event] + ([action] if action else []))
        fate[kind if kind == "stored" else (kind, name)] += 1
    for name, n in LEFT_OUT.items():
        fate["stored"] -= n
        fate["ignored", f"github/{name}"] += n
    return fate


def counted(status):
    fate = collections.Counter()
    for kind in ("unmapped", "ignored"):
        fate.update({(kind, name): n for name, n in status[kind].items()})
    fate["dead"] = status["dead"]
    return fate


@case
def all_726_end_in_one_way_each_and_twice_changes_nothing(folder):
    sent = list(deliveries())
    assert len(sent) == 726, len(sent)
    agents = {"github": {"type": "github", "secret": SECRET}}
    with Weir(folder, agents=agents, lake={"path": "./lake"}, store={"path": "./store.db"}) as weir:
        post_all(weir, sent)
        weir.command("flush")
        status = json.loads(weir.command("status", "--json"))
        want = expected(sent)
        stored = want.pop("stored")
        want["dead"] = len(DEAD)
        assert counted(status) == want, (counted(status) - want, want - counted(status))
        assert status["agents"][0]["accepted"] == 726, status["agents"]

        raw = weir.rows("query", "SELECT count(*) AS n, count(DISTINCT id) AS ids FROM raw")
        assert raw == [{"n": 726, "ids": 726}], raw
        rows = weir.rows("query", "SELECT count(DISTINCT raw) AS n FROM (" + " UNION ALL ".join(
            f"SELECT raw FROM {model}_history" for model in status["store"]["rows"]) + ")")
        # the same fact of two deliveries is one fact, so fewer signals stand behind the rows than gave some
        assert 0 < rows[0]["n"] <= stored, rows
        before = same_in_store_and_lake(weir, status["store"]["rows"])

        post_all(weir, sent)  # the same deliveries again: 726 repetitions, but for those that gave nothing
        weir.command("flush")
        status = json.loads(weir.command("status", "--json"))
        assert status["ignored"].get("repetition") == stored, status["ignored"]
        assert same_in_store_and_lake(weir, status["store"]["rows"]) == before


def same_in_store_and_lake(weir, models):
    """Rows a model; each the same in both places."""
    sizes = {}
    for model in models:
        columns = [c["column_name"] for c in weir.rows("query", f"DESCRIBE {model}")]
        stored = [c["name"] for c in weir.rows("query", "--store", f"PRAGMA table_info('{model}')")]
        shared = [c for c in columns if c in stored]
        assert len(shared) >= 5, (model, columns, stored)
        both = [sorted(json.dumps(plain(row), sort_keys=True) for row in rows) for rows in (
            weir.rows("query", f"SELECT {', '.join(shared)} FROM \"{model}\""),
            weir.rows("query", "--store", f"SELECT {', '.join(shared)} FROM \"{model}\""))]
        assert both[0] == both[1], (model, [pair for pair in zip(*both) if pair[0] != pair[1]][:2])
        sizes[model] = len(both[0])
    return sizes


def plain(row):
    """Lists and objects alike, whether the place has a type for them or keeps JSON text; so for booleans and times."""
    done = {}
    for name, value in row.items():
        if isinstance(value, str) and value[:1] in "[{":
            value = json.loads(value)
        if name.startswith("is_") and value is not None:
            value = bool(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if name.endswith("_at") and value:
            value = value.replace(" ", "T").replace("+00:00", "Z").replace("+00", "Z").rstrip("Z")
            value = value.rstrip("0").rstrip(".") if "." in value else value
        done[name] = value
    return done


run()
