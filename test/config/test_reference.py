"""docs/configuration.md is what the option tables say, and a starter configuration is right."""
import subprocess

from blackbox import BINARY, ROOT, case, run


def weir(*words, folder=None):
    return subprocess.run([BINARY, *words], capture_output=True, text=True, timeout=30, check=False, cwd=folder)


@case
def the_reference_in_docs_is_what_the_tables_say(_folder):
    said = weir("help", "configuration")
    assert said.returncode == 0, said
    assert (ROOT / "docs" / "configuration.md").read_text() == said.stdout, \
        "it drifted: build/weir help configuration > docs/configuration.md"


@case
def init_writes_a_configuration_that_validates_and_secrets_for_its_owner_alone(folder):
    assert weir("init", folder=folder).returncode == 0
    said = weir("validate", folder=folder)
    assert (said.returncode, said.stdout) == (0, "ok weir.yaml\n"), said
    for name in ("github.secret", "builds.token"):
        assert (folder / name).stat().st_mode & 0o777 == 0o600
        assert len((folder / name).read_text().strip()) == 64
    again = weir("init", folder=folder)
    assert again.returncode == 1 and "nothing was changed" in again.stderr, again


@case
def wrong_usage_says_what_was_meant(folder):
    for words, meant in ((["vaildate"], "validate"), (["validate", "--confg", "x"], "--config"),
                         (["run", "--only", "transfrom"], "transform")):
        said = weir(*words, folder=folder)
        assert said.returncode == 2 and meant in said.stderr and not said.stdout, said


@case
def validate_tells_every_error_of_a_run(folder):
    (folder / "weir.yaml").write_text("intake: { lisen: x }\nlog: { level: loud }\n")
    said = weir("validate", folder=folder)
    assert said.returncode == 2 and not said.stdout, said
    assert [line.split(" ")[0] for line in said.stderr.splitlines()] == ["weir.yaml:1:11:", "weir.yaml:2:15:"], said


@case
def every_command_has_a_page_with_examples(_folder):
    listed = weir("help").stdout
    names = [line.split()[0] for line in listed.splitlines() if line.startswith("  ") and line[2] != " "]
    assert "run" in names
    for name in names:
        if name != "help":
            page = weir("help", name)
            assert page.returncode == 0 and "Usage: weir " + name in page.stdout and "Examples:" in page.stdout, page


run()
