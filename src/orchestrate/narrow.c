#include "orchestrate/narrow.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PATH_ROOM = 4096 };

/* A build that looks for leaks does so at its end, from a thread that stops and reads the others:
 * it keeps /proc and ptrace, which a release has not. (sanitizer_stoptheworld_linux_libcdep.cpp) */
#if defined(__SANITIZE_ADDRESS__)
#define LOOKS_FOR_LEAKS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LOOKS_FOR_LEAKS 1
#endif
#endif
#ifndef LOOKS_FOR_LEAKS
#define LOOKS_FOR_LEAKS 0
#endif

/* Rights on folders and files of landlock's first version (Linux 5.13). */
#define READ_FILE LANDLOCK_ACCESS_FS_READ_FILE
#define READ (READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE                                                                                      \
    (READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                        \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |  \
     LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO)
#define ALL                                                                                        \
    (WRITE | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |                           \
     LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

/* ---- files ---- */

/* Allow `rights` beneath a path. A path that is not there needs no rule. */
static enum outcome allow(int ruleset, struct str path, uint64_t rights, struct failure *f)
{
    char text[PATH_ROOM];
    if (path.len == 0) {
        return OK;
    }
    if (path.len >= sizeof text) {
        return failed(f, RETRY, "landlock: the path %.*s is too long", STR_ARG(path));
    }
    memcpy(text, path.at, path.len);
    text[path.len] = '\0';
    const int fd = open(text, O_PATH | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? OK : failed_errno(f, RETRY, "landlock: open %s", text);
    }
    const struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = fd};
    const long done = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    const enum outcome result = done == 0 ? OK
                                          : failed_errno(f, RETRY, "landlock: rule for %s", text);
    (void)close(fd); /* a handle alone: nothing can be lost */
    return result;
}

static enum outcome allow_paths(int ruleset, const struct config *config, struct failure *f)
{
    const struct {
        struct str path;
        uint64_t rights;
    } rule[] = {
        {config->data, WRITE},
        {config->bus.path, WRITE},
        /* libmicrohttpd and GnuTLS read these when a connection begins */
        {S("/dev/urandom"), READ_FILE},
        {S("/etc/gnutls"), READ},
        {S("/etc/localtime"), READ_FILE},
        {LOOKS_FOR_LEAKS ? S("/proc") : S(""), READ},
    };
    enum outcome result = OK;
    for (size_t i = 0; i < sizeof rule / sizeof *rule && result == OK; i++) {
        result = allow(ruleset, rule[i].path, rule[i].rights, f);
    }
    return result;
}

static enum outcome narrow_files(const struct config *config, struct failure *f)
{
    const struct landlock_ruleset_attr attr = {.handled_access_fs = ALL};
    const int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
    if (ruleset < 0) {
        return failed_errno(f, RETRY, "landlock (Linux 5.13 and later, if the kernel has it on)");
    }
    enum outcome result = allow_paths(ruleset, config, f);
    if (result == OK && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0) {
        result = failed_errno(f, RETRY, "landlock: restrict");
    }
    (void)close(ruleset);
    return result;
}

/* ---- system calls ---- */

/* What an intake never does and a stranger in it would like to. A list of what is forbidden, not of
 * what is allowed: libraries change what they use, and a server that dies of it helps nobody. */
static const char *const forbidden[] = {
    "execve",
    "execveat",
#if !LOOKS_FOR_LEAKS
    "ptrace",
#endif
    "process_vm_readv",
    "process_vm_writev",
    "mount",
    "umount2",
    "pivot_root",
    "chroot",
    "setns",
    "unshare",
    "init_module",
    "finit_module",
    "delete_module",
    "kexec_load",
    "bpf",
    "perf_event_open",
    "keyctl",
    "add_key",
    "request_key",
    "userfaultfd",
    "open_by_handle_at",
    "personality",
    "reboot",
    "swapon",
    "swapoff",
    "settimeofday",
    "clock_settime",
    "adjtimex",
    "sethostname",
    "setdomainname",
    "iopl",
    "ioperm",
    "quotactl",
    "acct",
};

static enum outcome narrow_calls(struct failure *f)
{
    const scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int failure = filter ? 0 : -ENOMEM;
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden && failure == 0; i++) {
        const int number = seccomp_syscall_resolve_name(forbidden[i]);
        if (number >= 0) { /* negative: not of this machine's kind */
            failure = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 0);
        }
    }
    failure = failure == 0 ? seccomp_load(filter) : failure;
    seccomp_release(filter);
    if (failure != 0) {
        errno = -failure;
        return failed_errno(f, RETRY, "seccomp");
    }
    return OK;
}

enum outcome narrow_intake(const struct config *config, struct failure *f)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return failed_errno(f, RETRY, "no_new_privs");
    }
    const enum outcome files = narrow_files(config, f);
    struct failure second;
    const enum outcome calls = narrow_calls(files == OK ? f : &second);
    return files == OK ? calls : files;
}
