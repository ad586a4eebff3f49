"""The lake may stand in a folder of any name, beside others that the name would stand for as a pattern."""
import shutil
import subprocess

from blackbox import BINARY, case, eventually, run
from webhook import one, post, pull_request, weir_with_github

NAMES = ("q*r", "a[1]", "b\\c", "?", "it's", 'say "x"', "{x,y}", "**")
OTHERS = ("qXr", "a1", "b/c", "z", "it''s", "say", "x", "any")
ROWS = "SELECT * FROM change ORDER BY id"
COUNT = "SELECT count(*) AS n FROM raw"


def make_others(folder):
    """At each level of the path a copy of what stands below it, under a name that it would match."""
    place = folder
    for name, other in zip(NAMES, OTHERS):
        if not (place / other).exists():
            shutil.copytree(place / name, place / other, ignore=shutil.ignore_patterns("run"))
        place = place / name


def explained(weir):
    """The files of the lake that a signal is kept in."""
    text = weir.command("explain", "--json", "00000003-0000-0000-0000-000000000000")
    assert "change/year=2026/month=03/day=07/" in text, text
    return text


@case
def every_command_reads_the_lake_in_a_folder_of_any_name_and_that_one_alone(folder):
    data = "./" + "/".join(NAMES)
    with weir_with_github(folder, data=data) as weir:
        for i in range(20):
            post(weir, pull_request(i % 10 + 1, title=f"Title {i}", at=f"2026-03-07T12:{i:02d}:00Z"), i)
            if i % 5 == 4:
                weir.command("flush")
        rows, life = weir.rows("query", ROWS), explained(weir)
        assert len(rows) == 10 and one(weir, COUNT)["n"] == 20
    make_others(folder)
    assert weir.command("verify") == "ok\n"
    assert weir.rows("query", ROWS) == rows and one(weir, COUNT)["n"] == 20
    assert explained(weir) == life
    with weir:
        assert weir.command("replay") == "switched lake and store\n"
        post(weir, pull_request(99), 99)
        eventually(lambda: one(weir, COUNT)["n"] == 21, "weir goes on")
        weir.command("flush")
    assert weir.rows("query", ROWS)[:9] == rows[:9] and len(weir.rows("query", ROWS)) == 11
    assert weir.command("verify") == "ok\n"
    shutil.rmtree(folder / data / "lake" / "change" / "year=2026")
    asked = subprocess.run([BINARY, "query", "-c", str(folder / "weir.yaml"), ROWS], capture_output=True, text=True, check=False)
    assert asked.returncode == 1 and "table change of the lake is damaged: change/year=2026" in asked.stderr, asked


run()
