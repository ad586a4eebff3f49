"""tools/test-run counts every test once, and never takes a crash or an empty program for success."""
import importlib.machinery
import importlib.util
import sys

from blackbox import ROOT, case, run

loader = importlib.machinery.SourceFileLoader("test_run", str(ROOT / "tools" / "test-run"))
test_run = importlib.util.module_from_spec(importlib.util.spec_from_loader("test_run", loader))
loader.exec_module(test_run)

CMOCKA = """[==========] Running 3 test(s).
[ RUN      ] a_holds
[       OK ] a_holds
[ RUN      ] b_breaks
[  ERROR   ] --- 1 != 2
[  FAILED  ] b_breaks
[ RUN      ] c_cannot_run
skipped: no root
[  SKIPPED ] c_cannot_run
[ RUN      ] d_cannot_either
[  SKIPPED ] d_cannot_either
[==========] 3 test(s) run.
"""


@case
def lines_of_cmocka_count(_folder):
    told = test_run.count({"result": "FAIL", "returncode": 1, "stdout": CMOCKA})
    assert told == (1, ["b_breaks"], ["no root", test_run.UNTOLD]), told


@case
def lines_of_scripts_count(_folder):
    told = test_run.count({"result": "FAIL", "stdout": "ok a\nnot ok b: why\nskip c: no root\nother text ok\n"})
    assert told == (1, ["b: why"], ["no root"]), told


@case
def what_was_skipped_is_summed_up_by_reason(_folder):
    told = test_run.sum_up([("a.py", "no root"), ("b.py", "no network: none"), ("c", "no root"), ("a.py", "no root")])
    assert told == ["3 skipped: no root: a.py 2, c 1", "1 skipped: no network: none: b.py 1"], told
    assert test_run.sum_up([]) == []


@case
def a_program_that_dies_is_a_failure(_folder):
    told = test_run.count({"result": "FAIL", "returncode": -11, "stdout": "[       OK ] a_holds\n"})
    assert told[0] == 1 and len(told[1]) == 1 and "-11" in told[1][0], told


@case
def a_time_out_is_a_failure(_folder):
    assert len(test_run.count({"result": "TIMEOUT", "stdout": None})[1]) == 1


@case
def a_program_that_tests_nothing_is_a_failure(_folder):
    assert test_run.count({"result": "OK", "stdout": "done\n"})[1] == ["it ran no test"]


@case
def how_far_it_is_is_told_while_it_runs(folder):
    gate, told = folder / "gate", []
    meson = ("import pathlib, sys, time\n"
             "print('  1/3 weir:quick / base/test_str  OK  0.1s', flush=True)\n"
             "while not pathlib.Path(sys.argv[1]).exists():\n    time.sleep(0.01)\n"
             "print('  2/3 weir:quick / base/test_log  OK  0.1s')\n")

    def tell(line):
        told.append(line)
        if line.startswith("1 of 3 "):
            gate.touch()
    printed = test_run.attend([sys.executable, "-c", meson, str(gate)], 0.05, tell)
    assert any(line.startswith("1 of 3 ") for line in told), told
    assert printed.count("OK") == 2, printed


run()
