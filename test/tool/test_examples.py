"""Every shell example of README and the manual runs as it is written."""
from blackbox import ROOT, case, run
from examples import blocks, run_examples

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


def of(path):
    def example(folder):
        run_examples(path, folder)

    example.__name__ = f"the_examples_of_{path.stem.lower()}_run"
    return example


for manual in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
    if manual.exists() and any(blocks(manual)):
        case(of(manual))
run()
