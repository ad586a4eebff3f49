/* What a store that cannot be opened or written says of itself. */
#include "wire/sqlite.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "folder.h"
#include "test.h"

/* A limit of a file's size stands for a disk that ends there. */
static void a_full_disk_is_called_so_also_when_the_shared_memory_cannot_grow(void **state)
{
    (void)state;
    struct rlimit limit;
    sqlite3 *db = NULL;
    struct failure f;
    assert_non_null(folder_make());
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    const struct rlimit few = {.rlim_cur = 8192, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &few), 0);
    enum outcome result = sqlite_open(folder_path("store.db"), SQLITE_USE_WRITE, &db, &f);
    result = result == OK ? sqlite_exec(db, "SELECT count(*) FROM sqlite_schema", &f) : result;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(result, RETRY);
    if (!strstr(f.text, "its disk is full (SQLite code 4874)")) {
        fail_msg("%s", f.text);
    }
    sqlite_close(db);
    folder_drop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_disk_is_called_so_also_when_the_shared_memory_cannot_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
