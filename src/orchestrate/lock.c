#include "orchestrate/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"

enum {
    /* Every process that writes holds the lock, and those of a killed weir die with it; but one
     * that syncs to a slow disk only when the disk has answered. */
    LEAVING_MS = 15000,
    TURN_MS = 10
};

static pid_t pid_in(int fd)
{
    char text[32] = "";
    uint64_t pid = 0;
    const ssize_t n = pread(fd, text, sizeof text - 1, 0);
    const struct str digits = {text, n > 0 ? (size_t)n : 0};
    struct str rest;
    return str_to_u64(str_cut(digits, '\n', &rest), &pid) && pid < INT32_MAX ? (pid_t)pid : 0;
}

/* As long as its owner is gone the lock is held by children that are about to go. */
static bool lock_wait(int fd)
{
    for (int waited = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; waited += TURN_MS) {
        const pid_t owner = pid_in(fd);
        if (errno != EWOULDBLOCK || waited >= LEAVING_MS || (owner > 0 && kill(owner, 0) == 0)) {
            return false;
        }
        nanosleep(&(struct timespec){.tv_nsec = TURN_MS * 1000000L}, NULL);
    }
    return true;
}

/* Hold the file, made when it is not there, with this process's pid in it. *owner is who holds it
 * already, and then *out_fd is -1. */
static enum outcome hold(const char *path, int *out_fd, pid_t *owner, struct failure *f)
{
    char pid[32];
    const int len = snprintf(pid, sizeof pid, "%d\n", (int)getpid());
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    *out_fd = -1;
    *owner = 0;
    if (fd < 0) {
        return failed_errno(f, STOP, "open %s", path);
    }
    if (!lock_wait(fd)) {
        *owner = pid_in(fd);
        close(fd);
        return OK;
    }
    if (ftruncate(fd, 0) != 0 || file_write_at(fd, (struct str){pid, (size_t)len}, 0, f) != OK) {
        (void)failed_errno(f, STOP, "write %s", path);
        close(fd);
        return STOP;
    }
    *out_fd = fd;
    return OK;
}

enum outcome lock_take(struct arena *a, struct str data, int *out_fd, struct failure *f)
{
    const struct str path = arena_printf(a, "%.*s/lock", STR_ARG(data));
    const struct str run = arena_printf(a, "%.*s/run", STR_ARG(data));
    struct failure why;
    if (file_make_dirs(run.at, &why) != OK) {
        return failed(f, STOP,
                      "%s; weir keeps its data there: `data: FOLDER` in weir.yaml names another "
                      "place, and for collector files alone in a file beside them, -c base.yaml -c "
                      "FOLDER",
                      why.text);
    }
    pid_t owner = 0;
    const enum outcome result = hold(path.at, out_fd, &owner, f);
    return result != OK || *out_fd >= 0
               ? result
               : failed(f, STOP,
                        "%.*s: another weir runs on this data folder, pid %d; stop it, or give "
                        "this one another `data`",
                        STR_ARG(data), (int)owner);
}

enum outcome lock_take_bus(struct arena *a, struct str bus, int *out_fd, struct failure *f)
{
    const struct str path = arena_printf(a, "%.*s/lock", STR_ARG(bus));
    pid_t owner = 0;
    enum outcome result = file_make_dirs(arena_cstr(a, bus), f);
    if (result == OK) {
        result = hold(path.at, out_fd, &owner, f);
    }
    return result != OK || *out_fd >= 0
               ? result
               : failed(f, STOP,
                        "%.*s: another weir keeps its streams there, pid %d; stop it, or give "
                        "this one another `bus.path`",
                        STR_ARG(bus), (int)owner);
}

void lock_undo(struct arena *a, struct str data)
{
    if (rmdir(arena_printf(a, "%.*s/run", STR_ARG(data)).at) == 0) {
        (void)unlink(arena_printf(a, "%.*s/lock", STR_ARG(data)).at);
        (void)rmdir(arena_cstr(a, data));
    }
}

pid_t lock_holder(struct arena *a, struct str data)
{
    const struct str path = arena_printf(a, "%.*s/lock", STR_ARG(data));
    const int fd = open(path.at, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    pid_t pid = 0;
    if (flock(fd, LOCK_SH | LOCK_NB) != 0) {
        pid = pid_in(fd);
    }
    close(fd);
    return pid;
}
