"""The build gives one program that says which it is, with DuckDB's library beside it."""
import pathlib
import subprocess

from blackbox import BINARY, case, run


@case
def the_program_says_its_version(_folder):
    said = subprocess.run([BINARY, "--version"], capture_output=True, text=True, timeout=20, check=True)
    assert said.stdout.startswith("weir 0."), said


@case
def duckdb_stands_beside_the_program(_folder):
    assert pathlib.Path(BINARY).with_name("libduckdb.so").exists()


@case
def what_only_tests_use_is_not_in_the_program(_folder):
    assert b"6d656d6f727900000000000000000000" not in pathlib.Path(BINARY).read_bytes()  # the memory bus's id


run()
