#include "orchestrate/narrow.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "folder.h"
#include "test.h"

enum { SKIPPED = 77 };

/* What a narrowed process answers when it tries: 0 as it should be, else the number of the try. */
static int tries(const struct config *config)
{
    struct failure f = {0};
    static char name[] = "true";
    char *const argv[] = {name, NULL};
    if (narrow_intake(config, &f) != OK) {
        printf("%s\n", f.text);
        return SKIPPED;
    }
    if (open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0 || errno != EACCES) {
        return 1;
    }
    if (open(folder_path("outside"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0 ||
        errno != EACCES) {
        return 2;
    }
    if (file_replace(folder_path("data/inside"), S("x"), 0600, &f) != OK) {
        return 3;
    }
    if (execv("/bin/true", argv) == 0 || errno != EPERM) {
        return 4;
    }
    if (chroot("/") == 0 || errno != EPERM) {
        return 5;
    }
    if (umount("/nowhere") == 0 || errno != EPERM) {
        return 6;
    }
    return 0;
}

static void a_narrowed_intake_reaches_its_data_and_starts_no_program(void **state)
{
    (void)state;
    struct failure f = {0};
    int status = 0;
    assert_non_null(folder_make());
    assert_int_equal(file_make_dirs(folder_path("data"), &f), OK);
    const struct config config = {.data = str_of(folder_path("data"))};
    (void)fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        exit(tries(&config)); /* as a duty ends: a build that looks for leaks looks now */
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    folder_drop();
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == SKIPPED) {
        skip_because("no process can be narrowed here");
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_narrowed_intake_reaches_its_data_and_starts_no_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
