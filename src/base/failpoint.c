#include "base/failpoint.h"

#ifdef WEIR_FAILPOINTS

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"

static struct {
    struct str name, action;
    uint64_t count;
    const char *list;
    bool is_read;
} failpoint;

static void read_environment(void)
{
    struct str rest = str_of(getenv("WEIR_FAILPOINT"));
    failpoint.name = str_cut(rest, ':', &rest);
    if (!str_to_u64(str_cut(rest, ':', &failpoint.action), &failpoint.count)) {
        failpoint.name = S("");
    }
    failpoint.list = getenv("WEIR_FAILPOINT_LIST");
    failpoint.is_read = true;
}

static void note(const char *name)
{
    char line[128];
    size_t len = 0;
    for (; name[len] && len < sizeof line - 1; len++) {
        line[len] = name[len];
    }
    line[len++] = '\n';
    const int fd = open(failpoint.list, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd >= 0) {
        const ssize_t n = write(fd, line, len);
        (void)n;
        close(fd);
    }
}

void failpoint_reset(void)
{
    failpoint.is_read = false;
}

bool failpoint_fails(const char *name)
{
    if (!failpoint.is_read) {
        read_environment();
    }
    if (failpoint.list) {
        note(name);
    }
    if (failpoint.count == 0 || !str_eq(failpoint.name, str_of(name)) || --failpoint.count > 0) {
        return false;
    }
    if (str_eq(failpoint.action, S("kill"))) {
        kill(getpid(), SIGKILL);
    }
    return true;
}

#else
/* ISO C wants a declaration in each file. */
extern int failpoint_is_not_built;
#endif
