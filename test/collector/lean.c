#include "collector/lean.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { END_BYTES = 4096 };

size_t assert_lean(pid_t pid, int fd, const char *done)
{
    char bytes[2 * END_BYTES + 1] = ""; /* the end of what was read, wherever a read was cut */
    struct rusage used;
    size_t all = 0, held = 0;
    int status = 0;
    for (ssize_t n; (n = read(fd, bytes + held, END_BYTES)) > 0; all += (size_t)n) {
        held += (size_t)n;
        if (held > END_BYTES) {
            memmove(bytes, bytes + held - END_BYTES, END_BYTES);
            held = END_BYTES;
        }
        bytes[held] = '\0';
    }
    (void)close(fd);
    assert_non_null(strstr(bytes, done));
    assert_int_equal(wait4(pid, &status, 0, &used), pid);
    print_message("%zu bytes, %ld KiB at most, %ld.%02ld s of CPU\n", all, used.ru_maxrss,
                  (long)used.ru_utime.tv_sec, (long)used.ru_utime.tv_usec / 10000);
#ifndef __SANITIZE_ADDRESS__
    assert_true(used.ru_maxrss < 64 * 1024);
#endif
    return all;
}
