"""Every shell example of README and the manual runs as it is written."""
from blackbox import ROOT, case, run
from examples import blocks, help_lines, inline_lines, is_understood, run_examples

MANUALS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "mappings/README.md")] + sorted((ROOT / "docs").glob("*.md"))
GOOD = """
Words.
```sh
git clone https://example.org/weir.git
cd weir
make help
cd ..
weir --version > version
```
```text
false
```
  ```sh
  grep weir version
  ```
"""


@case
def a_good_example_is_run_to_its_end(folder):
    (folder / "GOOD.md").write_text(GOOD)
    assert len(list(blocks(folder / "GOOD.md"))) == 2
    (folder / "work").mkdir()
    run_examples(folder / "GOOD.md", folder / "work")
    assert "weir" in (folder / "work/place/version").read_text()


@case
def an_example_that_fails_is_told(folder):
    (folder / "BAD.md").write_text("```sh\ntrue\nfalse\n```\n")
    (folder / "work").mkdir()
    try:
        run_examples(folder / "BAD.md", folder / "work")
    except AssertionError as told:
        assert "BAD.md:1: exit 1" in str(told), told
    else:
        raise AssertionError("nobody noticed")


@case
def a_command_that_no_weir_knows_is_told(folder):
    try:
        is_understood(["weir status", "weir status --jsno"], folder)
    except AssertionError as told:
        assert "--jsno" in str(told), told
    else:
        raise AssertionError("nobody noticed")


@case
def every_example_of_the_help_is_understood(folder):
    lines = list(help_lines())
    assert len({command for command, _ in lines}) > 15, lines
    is_understood([line for _, line in lines], folder)


@case
def every_command_that_the_manual_mentions_is_understood(folder):
    lines = {line: f"{path.name}:{number}" for path in MANUALS for number, line in inline_lines(path)}
    assert len(lines) > 20, lines
    is_understood(lines, folder)


def of(path):
    def example(folder):
        run_examples(path, folder)

    example.__name__ = f"the_examples_of_{path.stem.lower()}_run"
    return example


for manual in MANUALS:
    if any(blocks(manual)):
        case(of(manual))
run()
