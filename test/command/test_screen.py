"""What people see: as wide as their terminal, what was cut is marked, and nothing that a terminal would obey."""
import csv
import io
import json
import re
import subprocess
import unicodedata

from blackbox import BINARY, Weir, case, eventually, on_terminal, run, sign

AGENTS = {"github": {"type": "github", "secret": "s3cret"}}


def width(line):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def piped(*words, folder=None):
    return subprocess.run([BINARY, *words], capture_output=True, text=True, timeout=60, check=False, cwd=folder)


def has_run(folder):
    """There is data to ask, if none of any signal."""
    with Weir(folder):
        pass


@case
def a_cell_that_is_cut_is_marked_and_no_letter_broken(folder):
    has_run(folder)
    sql = "SELECT 123456789 AS number, repeat('日本e\u0301', 40) AS wide, 'short' AS short"
    assert piped("query", sql, folder=folder).stdout.splitlines()[1].count("日") == 40
    for columns in (40, 41, 60, 79):
        lines = on_terminal(columns, "query", sql, folder=folder)
        assert len(lines) == 2 and all(width(line.rstrip()) <= columns for line in lines), (columns, lines)
        assert "123456789" in lines[1] and "short" in lines[1] and "…" in lines[1], lines
        assert not lines[1].split("…")[0].endswith("e"), f"the accent was cut off: {lines[1]}"
    lines = on_terminal(400, "query", sql, folder=folder)
    assert "…" not in lines[1], lines


@case
def no_cell_can_talk_to_the_terminal(folder):
    has_run(folder)
    lines = on_terminal(80, "query", "SELECT 'a' || chr(27) || '[31mb' || chr(155) || '2Jc' AS x", folder=folder)
    assert len(lines) == 2 and not any(unicodedata.category(c) == "Cc" for line in lines for c in line), lines
    directions = (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
    turned = "'<' || " + " || ".join(f"chr({point})" for point in directions) + " || '>'"
    lines = on_terminal(80, "query", f"SELECT {turned} AS x", folder=folder)
    assert lines[1].startswith("<" + " " * len(directions) + ">"), lines
    lines = on_terminal(80, "query", "SELECT chr(8232) || '<' || chr(8233) || '>' AS \"a\u009b\u202eb\"", folder=folder)
    assert lines[0].startswith("a  b") and lines[1].startswith(" < >"), lines
    said = piped("query", "SELECT \"a\u009b2J\u202eb\"", folder=folder).stderr
    assert "a 2J b" in said and "\nLINE 1" in said and not set("\u009b\u202e") & set(said), said


OBEYED = "\x1b\u009b\u202e\u2066\x07\x7f\r"  # by a terminal
NASTY = "a" + OBEYED + "[2Jz"


def told(*words, folder=None):
    """The status, and what was said on stderr, of which a terminal obeys line ends alone."""
    done = subprocess.run([BINARY, *words], capture_output=True, timeout=60, check=False, cwd=folder)
    text = done.stderr.decode()
    obeyed = [c for c in text.replace("\n", "") if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")]
    assert text and not obeyed, (words, done)
    return done.returncode, text


@case
def no_word_that_is_quoted_back_can_talk_to_the_terminal(folder):
    has_run(folder)
    for words in ([NASTY], ["--" + NASTY], ["help", NASTY], ["query", "--" + NASTY], ["query", "SELECT 1", NASTY],
                  ["run", "--only", NASTY], ["dead", NASTY], ["dead", "show", NASTY], ["explain", NASTY], ["report", NASTY],
                  ["report", "--by", NASTY], ["report", "--from", NASTY], ["simulate", NASTY], ["tap", NASTY],
                  ["validate", "-c", NASTY], ["collectors", NASTY], ["invoke", NASTY], ["flatten", NASTY],
                  ["send", "--to", NASTY, "weir.yaml"], ["replay", "--agent", NASTY, "--dry-run"], ["top", "--every", NASTY],
                  ["status", "--" + NASTY + "=" + NASTY], ["restore", NASTY]):
        assert told(*words, folder=folder)[0] != 0, words
    assert "no command a\ufffd2J\ufffd" in told(b"a\x9b2J\xff")[1]


@case
def no_text_of_a_configuration_can_talk_to_the_terminal(folder):
    quoted = json.dumps(NASTY + "\nz.yaml:1:1: forged")
    for text in ("%s: 1\n", "data: ./data\nintake: {listen: %s}\n", "data: ./data\n%s: {}\n", "agents: {github: {type: %s}}\n",
                 "agents: {%s: {type: github}}\n", "report: {median: %s}\n", "bus: {segment: %s}\n", "lake: {path: %s, flush: %s}\n",
                 "agents: {builds: {type: cdevents, %s: 1}}\n", "services: [{name: %s, %s: 1}]\n", "data: ${%s}\n", "&a %s: *b\n"):
        (folder / "weir.yaml").write_text(text.replace("%s", quoted))
        status, said = told("validate", folder=folder)
        assert status == 2 and not any(line.startswith("z.yaml") for line in said.split("\n")), (text, said)


@case
def a_message_that_is_cut_is_cut_in_no_character(folder):
    for before in ("", "x"):
        name = before + "\u00e9" * 120
        (folder / "weir.yaml").write_text(f"include: {'/'.join([name] * 8)}.yaml\ndata: {name}\n{name * 3}: 1\n")
        for words in (["validate"], ["validate", "-c", "/".join([name] * 8)]):
            status, said = told(*words, folder=folder)
            assert status == 2 and "\u00e9\u00e9" in said and "\ufffd" not in said, said


@case
def help_fits_forty_columns(_folder):
    lines = on_terminal(40, "help")
    assert len(lines) > 20 and all(width(line) <= 40 for line in lines), lines
    for name in ("run", "simulate", "query"):
        page = on_terminal(40, "help", name)
        about = page[:page.index("")] + [line for line in page if line.startswith("        ")]
        assert len(about) > 3 and all(width(line) <= 40 for line in about), about


@case
def help_knows_itself(_folder):
    assert piped("help", "help").stdout == piped("help").stdout == piped("--help").stdout


@case
def status_and_the_dead_fit_narrow_terminals_and_come_as_rows(folder):
    with Weir(folder, agents=AGENTS) as weir:
        for event, body in (("issues", b'{"action":"opened"}'), ("star", b'{"action":"created"}')):
            headers = sign("s3cret", body) | {"X-GitHub-Event": event, "X-GitHub-Delivery": event}
            assert weir.post("/hooks/github", body, headers)[0] == 202
        eventually(lambda: json.loads(piped("status", "--json", folder=folder).stdout)["dead"] == 1, "it is dead")
        for columns, words in ((40, ["status"]), (60, ["dead", "list"])):
            lines = on_terminal(columns, *words, folder=folder)
            assert len(lines) > 1 and all(width(line.rstrip()) <= columns for line in lines), lines
        row = list(csv.DictReader(io.StringIO(piped("dead", "list", "--csv", folder=folder).stdout)))
        same = [json.loads(line) for line in piped("dead", "list", "--json", folder=folder).stdout.splitlines()]
        assert len(row) == len(same) == 1 and row[0]["id"] == same[0]["id"], (row, same)
        for columns in (40, 60, 80, 100):  # what is copied to `weir dead show` stands whole
            assert any(line.split()[:1] == [same[0]["id"]] for line in on_terminal(columns, "dead", "list", folder=folder))
        assert same[0]["pointer"] and same[0]["pointer"] in piped("dead", "list", folder=folder).stdout, same
        assert {"id", "agent", "stage", "reason", "pointer", "received"} <= set(same[0]), same
        nope = piped("dead", "drop", "nope", folder=folder)
        assert nope.returncode == 1 and "{" not in nope.stderr and "nope" in nope.stderr, nope
        guess = piped("query", "SELECT * FROM chnge", folder=folder)
        assert guess.returncode == 1 and "no table chnge; there are " in guess.stderr, guess
        done = piped("dead", "drop", "--all", folder=folder)
        assert (done.returncode, done.stdout) == (0, "drop 1\n"), done


@case
def a_mistake_is_told_with_what_there_is(folder):
    (folder / "weir.yaml").write_text("data: ./data\n")
    for words, wanted in ((["--versoin"], "no option --versoin; did you mean --version?"),
                          (["hepl"], "did you mean help?"),
                          (["validate", "--config="], "--config is empty")):
        said = piped(*words, folder=folder)
        assert said.returncode != 0 and wanted in said.stderr and not said.stdout, said


@case
def sql_that_begins_with_a_comment_is_no_option(folder):
    (folder / "weir.yaml").write_text("data: ./data\n")
    for sql in ("-- all\nSELECT 1", "--all of them\nSELECT 1"):
        said = piped("query", sql, folder=folder)
        assert said.returncode == 1 and "no data directory" in said.stderr, said
    said = piped("query", "--al=a b", folder=folder)
    assert said.returncode == 2 and "no option --al" in said.stderr, said


@case
def json_and_csv_are_one_choice(_folder):
    both = piped("drivers", "--json", "--csv")
    assert both.returncode == 2 and "not both" in both.stderr and not both.stdout, both
    rows = [json.loads(line) for line in piped("drivers", "--json").stdout.splitlines()]
    assert {"role", "name", "built", "needs"} == set(rows[0]) and "sqlite" in {row["name"] for row in rows}, rows
    assert piped("drivers", "--csv").stdout.splitlines()[0] == "role,name,built,needs"


@case
def a_report_leaves_out_columns_and_cuts_no_name(folder):
    window = ("--from", "2026-03-01", "--to", "2026-03-15")
    with Weir(folder, agents=AGENTS) as weir:
        sent = piped("simulate", "github", "--days", "20", "--until", "2026-03-15T00:00:00Z", "--seed", "3", "--secret", "s3cret",
                     "--to", f"http://127.0.0.1:{weir.port}/hooks/github")
        assert sent.returncode == 0, sent
        weir.command("flush")
        shown = {(name, columns): on_terminal(columns, "report", *name.split(), *window, folder=folder)
                 for columns in (60, 80, 120, 240) for name in ("activity", "runs", "dora", "dora --by environment")}
    for (name, columns), lines in shown.items():
        assert all(width(line) <= columns for line in lines), (name, columns, [line for line in lines if width(line) > columns])
    for columns in (60, 80, 120):
        lines = shown["activity", columns]
        head = lines[lines.index("By repository") + 1]
        assert head.startswith("repository  ") and "_" not in head and "merged unreviewed" not in head, head
        rows = [line for line in lines if line.startswith("github.com/acme/shop ")]
        assert rows and "…" not in rows[0], lines
        assert any(line.startswith("also, in a wider terminal, --json or --html: ") for line in lines), lines
    lines = shown["activity", 240]
    assert "open to merge p90 merged unreviewed" in lines[lines.index("By repository") + 1], lines
    assert re.search(r" \d+(\.\d)? (min|h|d) +\d+(\.\d)? (min|h|d) ", lines[lines.index("By repository") + 2]), lines
    assert not any(line.startswith("also") for line in lines), lines
    assert any(re.search(r"^github.com/acme/shop +ci .* \d+\.\d %", line) for line in shown["runs", 80]), shown["runs", 80]
    lines = shown["dora", 80]
    assert lines[0].startswith("Delivery, production, 1 Mar to 15 Mar 2026, 2 weeks   complete to "), lines
    assert any(line.startswith("Service        per day ") for line in lines), lines
    assert lines[-1] == "--explain lists the deployments and changes behind each figure; --html FILE", lines
    lines = shown["dora --by environment", 80]
    assert lines[[i for i, line in enumerate(lines) if line.startswith("Environment ")][0] + 1].startswith("production  "), lines


run()
