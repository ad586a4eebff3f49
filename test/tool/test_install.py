"""What `make install` lays down works from there: the program, its library, unit, completion and manual page."""
import os
import subprocess

from blackbox import ROOT, Skip, case, run


def install(folder):
    build = ROOT / "build"
    if not (build / "weir").exists():
        raise Skip("no release build: run make first")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MESON", "MAKE"))}
    subprocess.run(["meson", "install", "-C", build, "--quiet", "--no-rebuild", "--destdir", folder], check=True, timeout=60,
                   env=environment, stdout=subprocess.DEVNULL)
    return next(folder.glob("**/bin/weir")).parent.parent


@case
def an_installed_weir_runs_and_has_its_library(folder):
    prefix = install(folder)
    said = subprocess.run([prefix / "bin/weir", "--version"], capture_output=True, text=True, timeout=20, check=True)
    assert said.stdout.startswith("weir 0."), said
    assert (prefix / "lib/weir/libduckdb.so").stat().st_size > 1 << 20


@case
def unit_completion_and_manual_are_installed(folder):
    prefix = install(folder)
    unit = (prefix / "lib/systemd/system/weir.service").read_text()
    assert f"ExecStart=/{prefix.relative_to(folder)}/bin/weir run" in unit, unit
    subprocess.run(["bash", "-n", prefix / "share/bash-completion/completions/weir"], check=True)
    assert (prefix / "share/man/man1/weir.1").exists()


@case
def completion_offers_commands_and_their_options(folder):
    prefix = install(folder)
    script = 'source "$1"; COMP_WORDS=(weir he); COMP_CWORD=1; _weir; echo "${COMPREPLY[@]}"'
    environment = {**os.environ, "PATH": f"{prefix}/bin:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script, "bash", prefix / "share/bash-completion/completions/weir"],
                          capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.split() == ["help"], done


run()
