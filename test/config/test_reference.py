"""docs/configuration.md is what the option tables say, and a starter configuration is right."""
import os
import re
import shutil
import subprocess

from blackbox import BINARY, ROOT, Skip, case, run


def weir(*words, folder=None):
    return subprocess.run([BINARY, *words], capture_output=True, text=True, timeout=30, check=False, cwd=folder)


@case
def the_reference_in_docs_is_what_the_tables_say(_folder):
    said = weir("configuration")
    assert said.returncode == 0, said
    assert (ROOT / "docs" / "configuration.md").read_text() == said.stdout, \
        "it drifted: build/weir configuration > docs/configuration.md"


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
    (folder / "weir.yaml").unlink()  # a secret may be the other side's already
    secret = (folder / "builds.token").read_text()
    again = weir("init", folder=folder)
    assert again.returncode == 1 and "github.secret, " in again.stderr and "builds.token" in again.stderr, again
    assert not (folder / "weir.yaml").exists() and (folder / "builds.token").read_text() == secret


KINDS = ("command", "files", "http", "mongodb", "mysql", "partition.s3", "postgres", "prometheus", "s3", "sqlite")


@case
def init_writes_a_collector_of_every_kind_that_validates(folder):
    for kind in KINDS:
        assert weir("init", "--collector", kind, folder=folder).stdout == \
            f"wrote {kind}.yaml\nnext: weir validate -c {kind}.yaml\n"
        said = weir("validate", "-c", f"{kind}.yaml", folder=folder)
        lacks = said.stderr and all("built without" in line for line in said.stderr.splitlines())
        assert lacks or (said.returncode, said.stdout) == (0, f"ok {kind}.yaml\nVALID=true\n"), said
    assert weir("init", "--collector", "s3", folder=folder).returncode == 1
    said = weir("init", "--collector", "postgress", folder=folder)
    assert said.returncode == 2 and "did you mean postgres?" in said.stderr, said


def validated(folder, *places, **environment):
    """Lines of stdout, and of stderr; a driver that this build lacks is no mistake."""
    said = subprocess.run([BINARY, "validate", *(word for place in places for word in ("-c", place))], text=True, timeout=30,
                          capture_output=True, check=False, cwd=folder, env={**os.environ, **environment})
    if "built without" in said.stderr:
        raise Skip("this build lacks a driver: " + said.stderr.splitlines()[0])
    assert said.returncode == 0, said.stderr
    return said.stdout.splitlines(), said.stderr.splitlines()


@case
def every_example_of_a_collector_validates_without_a_server(_folder):
    for dialect, n in (("a0", 4), ("a", 6), ("b", 7), ("c", 8)):
        said, notes = validated(ROOT, f"examples/collectors/{dialect}/*.yaml")
        assert [line.split(" ")[0] for line in said] == ["ok", "VALID=true"] * n, said
        assert all(re.match(r"examples/collectors/\S+:\d+:\d+: note: ", line) for line in notes), notes


@case
def notes_beyond_a_hundred_are_counted(folder):
    for i in range(103):
        (folder / f"{i}.yaml").write_text("name: c%d\nno_key: 1\nmetric: { name: m, type: COUNT }\nschedule: { interval: 1m }\n"
                                          "source: { type: command, config: { run: [echo] } }\n" % i)
    said, notes = validated(folder, ".")
    assert len(said) == 206 and len(notes) == 101 and notes[-1].startswith("… and 3 more"), notes[-1]


@case
def the_configurations_in_the_manual_of_collectors_are_right(folder):
    text = (ROOT / "docs" / "collectors.md").read_text()
    paths, inside, encoded, secured, shown, written = re.findall(r"^```yaml\n(.*?)^```$", text, re.S | re.M)
    shutil.copytree(ROOT / "examples" / "collectors" / "c", folder / "collectors")
    (folder / "weir.yaml").write_text(paths)
    assert len(validated(folder, "weir.yaml")[0]) == 1 + 2 * 8
    (folder / "weir.yaml").write_text(inside + paths[paths.index("sinks:"):])
    assert validated(folder, "weir.yaml", DATABASE_URL="postgresql://localhost/test") == (["ok weir.yaml"], [])
    (folder / "weir.yaml").write_text(inside.replace("[warehouse]", "[search, influx]") + encoded)
    assert validated(folder, "weir.yaml", DATABASE_URL="postgresql://localhost/test") == (["ok weir.yaml"], [])
    (folder / "weir.yaml").write_text(inside.replace("[warehouse]", "[topic, rows]") + secured)
    assert validated(folder, "weir.yaml", DATABASE_URL="postgresql://localhost/test", KAFKA_PASSWORD="k", PGPASSWORD="p") == \
        (["ok weir.yaml"], [])
    for sinks in (shown, written):
        (folder / "weir.yaml").write_text(inside.replace("warehouse", "board") + sinks)
        assert validated(folder, "weir.yaml", DATABASE_URL="postgresql://localhost/test") == (["ok weir.yaml"], [])


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


def make_certificate(folder, name):
    """NAME.crt and NAME.key, for 127.0.0.1 and by nobody else's authority."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt", "-days", "2",
                    "-subj", "/CN=weir", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)


@case
def validate_opens_the_certificate_and_its_key(folder):
    make_certificate(folder, "one")
    make_certificate(folder, "two")
    for certificate, key, wrong in (("one.crt", "one.key", None), ("none", "one.key", "1:31: intake.tls.certificate: read "),
                                    ("one.crt", "none", "1:45: intake.tls.key: read "),
                                    ("one.key", "one.key", "holds no certificate"),
                                    ("one.crt", "one.crt", "holds no private key"),
                                    ("one.crt", "two.key", "is not the key of the first certificate in")):
        (folder / "weir.yaml").write_text(f"intake: {{ tls: {{ certificate: {certificate}, key: {key} }} }}\n")
        said = weir("validate", folder=folder)
        assert said.returncode == (2 if wrong else 0), said
        assert not wrong or (wrong in said.stderr and said.stderr.startswith("weir.yaml:1:")), said
        assert not wrong or said.stderr.count("\n") == 1, said


@case
def a_configuration_may_be_named_in_pieces(folder):
    (folder / "a.yaml").write_text("agents: { one: { type: github, secret: s } }\n")
    (folder / "b.yaml").write_text("agents: { two: { type: github, secret: s } }\n")
    said = weir("validate", "-c", "a.yaml", "--config=b.yaml", folder=folder)
    assert (said.returncode, said.stdout) == (0, "ok a.yaml\nok b.yaml\n"), said
    (folder / "b.yaml").write_text("agents: { one: { type: cdevents } }\n")
    said = weir("validate", "-c", "a.yaml", "-c", "b.yaml", folder=folder)
    assert said.returncode == 2, said
    assert said.stderr == "b.yaml:1:11: agents.one is set a second time; first at a.yaml:1:11\n", said


@case
def who_only_asks_needs_no_secret(folder):
    (folder / "weir.yaml").write_text("agents: { one: { type: github, secret: '${file:gone}' } }\n")
    said = weir("validate", folder=folder)
    assert said.returncode == 2 and "weir.yaml:1:40: ${file:gone}: " in said.stderr, said
    for words in (["status"], ["flush"], ["dead", "list"], ["query", "SELECT 1"], ["verify"], ["views"]):
        said = weir(*words, folder=folder)
        assert "gone" not in said.stderr and said.returncode != 2, said


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
