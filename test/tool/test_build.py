"""The build gives one program that says which it is, with DuckDB's library beside it."""
import os
import pathlib
import subprocess

binary = pathlib.Path(os.environ["WEIR_BIN"])
said = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=20, check=False)


def judge(name, holds, why):
    print(f"ok {name}" if holds else f"not ok {name}: {why}")


judge("the_program_says_its_version", said.returncode == 0 and said.stdout.startswith("weir 0."), repr(said))
judge("duckdb_stands_beside_the_program", (binary.parent / "libduckdb.so").exists(), f"nothing at {binary.parent}")
