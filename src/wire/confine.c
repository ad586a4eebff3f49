#include "wire/confine.h"

#include <errno.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/str.h"

enum { MAPS_MAX = 64, LINE_BYTES = 512 };

/* What a process that only thinks may ask; all else is answered EPERM, which libraries survive. */
static const char *const allowed[] = {
    "read",           "write",         "readv",
    "writev",         "close",         "mmap",
    "munmap",         "mremap",        "mprotect",
    "madvise",        "brk",           "exit",
    "exit_group",     "futex",         "rt_sigreturn",
    "rt_sigprocmask", "rt_sigaction",  "sigaltstack",
    "setitimer",      "clock_gettime", "gettimeofday",
    "time",           "getpid",        "gettid",
    "sched_yield",    "getrandom",     "restart_syscall",
};

struct shared {
    uintptr_t from, to;
};

static uintptr_t address(struct str hex)
{
    uintptr_t number = 0;
    for (size_t i = 0; i < hex.len; i++) {
        const char c = hex.at[i];
        number = number << 4 | (uintptr_t)(c >= 'a' ? c - 'a' + 10 : c - '0');
    }
    return number;
}

/* Some of the mappings shared with others, at most MAPS_MAX; -1: they cannot be read. */
static int find_shared(struct shared map[MAPS_MAX])
{
    int n = 0;
    char line[LINE_BYTES];
    FILE *const file = fopen("/proc/self/maps", "re");
    while (file && n < MAPS_MAX && fgets(line, sizeof line, file)) {
        struct str rest = str_of(line); /* "7f00aa-7f00ab rw-s …" */
        const struct str from = str_cut(rest, '-', &rest);
        const struct str to = str_cut(rest, ' ', &rest);
        if (rest.len > 3 && rest.at[3] == 's') {
            map[n].from = address(from);
            map[n++].to = address(to);
        }
    }
    if (file) {
        (void)fclose(file);
    }
    return file ? n : -1;
}

/* The pages of counters and indexes that are shared with other processes: unmapped here, so that
 * nothing this process does can change them. */
static bool unmap_shared(void)
{
    struct shared map[MAPS_MAX];
    int n = find_shared(map);
    while (n > 0) {
        for (int i = 0; i < n; i++) {
            void *const at = (void *)map[i].from; // NOLINT(performance-no-int-to-ptr)
            if (munmap(at, map[i].to - map[i].from) != 0) {
                return false;
            }
        }
        n = find_shared(map);
    }
    return n == 0;
}

static bool limit_calls(void)
{
    const scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int failure = filter ? 0 : -ENOMEM;
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed && failure == 0; i++) {
        const int number = seccomp_syscall_resolve_name(allowed[i]);
        if (number >= 0) { /* negative: not of this machine's kind */
            failure = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
        }
    }
    if (failure == 0) { /* abort() and no other's end */
        const struct scmp_arg_cmp own = {
            .arg = 0, .op = SCMP_CMP_EQ, .datum_a = (scmp_datum_t)getpid(), .datum_b = 0};
        failure = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &own);
    }
    failure = failure == 0 ? seccomp_load(filter) : failure;
    seccomp_release(filter);
    return failure == 0;
}

/* No rule allows anything. */
static bool limit_files(void)
{
    const struct landlock_ruleset_attr attr = {
        .handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                             LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR};
    const int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
    const bool is_done = ruleset >= 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    if (ruleset >= 0) {
        (void)close(ruleset);
    }
    return is_done;
}

enum outcome confine(struct failure *f)
{
    if (!unmap_shared()) {
        return failed(f, STOP,
                      "what is shared with other processes cannot be let go: a mapping "
                      "needs /proc");
    }
    const bool is_set = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
    if (is_set) {
        (void)limit_files(); /* a second wall, where the kernel has one */
    }
    return is_set && limit_calls()
               ? OK
               : failed(f, STOP, "this kernel confines nothing: a mapping needs seccomp");
}
