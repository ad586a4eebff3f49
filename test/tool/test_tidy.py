"""tools/tidy finds each fault that it is there for, and nothing in a tree without one."""
import subprocess
import sys

from blackbox import ROOT, case, run

GOOD = {
    "src/base/str.h": "/* str.h - text. */\nint str_len(const char *at);\n",
    "src/base/str.c": '#include "base/str.h"\n\nint str_len(const char *at)\n{\n    return at != 0;\n}\n',
    "src/bus/lane.c": '#include "base/str.h"\n\nint main(void)\n{\n    return str_len("malloc(1) TO" "DO");\n}\n',
    "docs/configuration.md": "| `listen` | where |\n",
}


def faults(folder, **changed):
    """What tidy says of the good tree with these files changed; `__` stands for a slash, `_c` for .c."""
    subprocess.run(["git", "init", "-q", folder], check=True)
    for name, text in (GOOD | {k.replace("__", "/").replace("_c", ".c"): v for k, v in changed.items()}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    done = subprocess.run([sys.executable, ROOT / "tools" / "tidy", folder], capture_output=True, text=True, check=False)
    assert done.returncode == (done.stdout != ""), done
    return done.stdout


@case
def a_good_tree_is_left_in_peace(folder):
    assert faults(folder) == ""


@case
def a_long_function_is_found(folder):
    assert "split it at 70" in faults(folder, src__bus__x_c="int f(void)\n{\n" + "    f();\n" * 71 + "}\n")


@case
def seven_parameters_are_found(folder):
    head = "static int f(int a, int b, int (*c)(int, int), int d, int e,\n             int g, int h)\n{\n}\n"
    assert "7 parameters" in faults(folder, src__bus__x_c=head)
    for brace in ("\n{\n", " {\n", "{\n"):
        head = "static int f(int a, int b, int c, int d, int e, int g, int h)" + brace + "    if (a) {\n    }\n}\n"
        assert "7 parameters" in faults(folder, src__bus__x_c=head), brace
    six = "static int f(int a, int b, int c, int d, int e, int g) {\n    f(1, 2, 3, 4, 5, 6);\n}\n"
    assert "parameters" not in faults(folder, src__bus__x_c=six)


@case
def an_include_that_points_upwards_is_found(folder):
    for name in ('"bus/lane.h"', "<bus/lane.h>"):
        assert "stands above it" in faults(folder, src__base__x_c=f"#include {name}\n", **{"src/bus/lane.h": "\n"}), name
    assert faults(folder, src__base__x_c="#include <sys/stat.h>\n") == ""


@case
def a_stage_that_includes_a_stage_is_found(folder):
    told = faults(folder, src__agent__x_c='#include "persist/run.h"\n', **{"src/persist/run.h": "\n"})
    assert "signal/ and bus/ only" in told


@case
def two_folders_of_one_level_that_include_each_other_are_found(folder):
    told = faults(folder, src__serve__x_c='#include "orchestrate/x.h"\n', src__orchestrate__x_c='#include "serve/x.h"\n',
                  **{"src/serve/x.h": "\n", "src/orchestrate/x.h": "\n"})
    assert told.count("comes back to") == 2, told


@case
def a_folder_that_includes_one_of_its_level_is_left_in_peace(folder):
    assert faults(folder, src__serve__x_c='#include "orchestrate/x.h"\n', **{"src/orchestrate/x.h": "\n"}) == ""


@case
def words_to_stderr_past_the_screen_are_found(folder):
    told = faults(folder, src__command__x_c='static void f(void)\n{\n    (void)fprintf(\n        stderr, "x");\n}\n')
    assert "x.c:4: stderr: say it by screen_tell" in told, told
    assert faults(folder, src__command__x_c="/* stderr */\n", src__command__screen_c="int x = stderr;\n") == ""


@case
def an_export_that_nobody_uses_is_found(folder):
    assert "str.h:2: str_len() is used nowhere else" in faults(folder, src__bus__lane_c="int x;\n")


@case
def a_call_that_begins_a_function_is_a_use(folder):
    assert "str_len" not in faults(folder, src__base__lane_c="static int x(void)\n{\n    return str_len();\n}\n")


@case
def memory_outside_the_arena_is_found(folder):
    for call in ("malloc(1)", "(malloc)(1)", "( malloc ) (1)"):
        assert "malloc()" in faults(folder, src__bus__x_c=f"void *p(void)\n{{\n    return {call};\n}}\n"), call


@case
def unbounded_text_and_unchecked_numbers_are_found(folder):
    told = faults(folder, src__bus__x_c="void p(void)\n{\n    strcpy(a, b);\n    atoi(a);\n}\n")
    assert "strcpy()" in told and "atoi()" in told


@case
def an_option_without_a_manual_is_found(folder):
    table = 'static const struct option options[] = {\n    {"listen", 0},\n    {.name = "depth"},\n};\n'
    told = faults(folder, src__bus__x_c=table)
    assert "option depth" in told and "option listen" not in told


@case
def leftovers_and_paths_of_one_machine_are_found(folder):
    told = faults(folder, src__bus__x_c="/* TO" "DO: later */\nchar x[] = \"/ho" "me/anna/x\";\n")
    assert "finish it" in told and "one machine" in told
    for word in ("// to" "do", "/* to" "do later */", "int x; // Fix" "me: y", "# to" "do"):
        assert "finish it" in faults(folder, src__bus__x_c=f"int y;\n{word}\n"), word


run()
