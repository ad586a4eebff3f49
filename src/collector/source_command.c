/* Any program that prints a JSON object a line: how what has no driver here joins. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/asked.h"
#include "base/buf.h"
#include "base/failpoint.h"
#include "collector/cells.h"
#include "config/sources.h"

enum { READ_BYTES = 64 << 10, LOOK_MS = 1000, TOLD_BYTES_MAX = 400, NO_PROGRAM = 127 };

struct program {
    const struct source_ask *ask;
    const struct source_to *to;
    pid_t pid, watcher;
    int life_fd;               /* the watcher sees its end                  */
    int out_fd, told_fd;       /* its stdout and stderr, or -1 at their end */
    struct buf line;           /* not yet ended                             */
    char told[TOLD_BYTES_MAX]; /* the end of what it said on stderr         */
    size_t told_len, bytes, lines_n;
};

/* ---- starting ---- */

static void put_time(const char *name, int64_t us)
{
    char text[CLOCK_TEXT_BYTES];
    if (us != TIME_NONE) {
        (void)clock_text(us, text);
        (void)setenv(name, text, 1); /* NOLINT(concurrency-mt-unsafe): one thread */
    }
}

/* In a child: it never returns. Whatever the program started ends with the run, also when that is
 * killed: then nobody else is left who could end it. */
static void be_the_watcher(int life_fd, pid_t program)
{
    char none;
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);
    (void)setpgid(0, 0);
    if (dup2(life_fd, STDIN_FILENO) >= 0) {
        (void)close_range(STDOUT_FILENO, ~0U, 0);
        while (read(STDIN_FILENO, &none, 1) < 0 && errno == EINTR) {
        }
    }
    (void)kill(-program, SIGKILL);
    _exit(0);
}

/* In the child: it never returns. */
static void be_the_program(const struct source_ask *ask, char *const *words, int out_fd,
                           int told_fd)
{
    const struct command_options *const o = ask->options;
    const int none = open("/dev/null", O_RDONLY);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)signal(SIGXFSZ, SIG_DFL);
    (void)setpgid(0, 0); /* so that whatever it starts ends with it */
    for (size_t i = 0; i < o->environment.n; i++) {
        (void)setenv(arena_cstr(ask->arena, o->environment.at[i].key),
                     arena_cstr(ask->arena, o->environment.at[i].value), 1); /* NOLINT */
    }
    put_time("WEIR_START", ask->start_us);
    put_time("WEIR_END", ask->end_us);
    put_time("WEIR_NOW", ask->now_us);
    (void)setenv("WEIR_BOOKMARK", arena_cstr(ask->arena, ask->bookmark), 1); /* NOLINT */
    if (dup2(none, STDIN_FILENO) < 0 || dup2(out_fd, STDOUT_FILENO) < 0 ||
        dup2(told_fd, STDERR_FILENO) < 0 ||
        (o->directory.len > 0 && chdir(arena_cstr(ask->arena, o->directory)) != 0)) {
        _exit(NO_PROGRAM);
    }
    execvp(words[0], words);
    const char *const why = strerror(errno); /* NOLINT(concurrency-mt-unsafe): one thread */
    (void)!write(STDERR_FILENO, why, strlen(why));
    _exit(NO_PROGRAM);
}

static enum outcome watch(struct program *p, struct failure *f)
{
    int life[2];
    if (pipe2(life, O_CLOEXEC) != 0) {
        return failed_errno(f, RETRY, "make a pipe");
    }
    p->watcher = fork();
    if (p->watcher == 0) {
        close(life[1]);
        be_the_watcher(life[0], p->pid);
    }
    close(life[0]);
    p->life_fd = life[1];
    return p->watcher > 0 ? OK : failed_errno(f, RETRY, "fork");
}

static enum outcome start(struct program *p, struct failure *f)
{
    const struct command_options *const o = p->ask->options;
    char **const words = arena_array(p->ask->arena, char *, o->run.n + 1);
    int out[2], told[2];
    for (size_t i = 0; i < o->run.n; i++) {
        words[i] = arena_cstr(p->ask->arena, o->run.at[i]);
    }
    if (pipe2(out, O_CLOEXEC) != 0) {
        return failed_errno(f, RETRY, "make a pipe");
    }
    if (pipe2(told, O_CLOEXEC) != 0) {
        close(out[0]);
        close(out[1]);
        return failed_errno(f, RETRY, "make a pipe");
    }
    p->pid = fork();
    if (p->pid == 0) {
        be_the_program(p->ask, words, out[1], told[1]);
    }
    if (p->pid > 0) {
        (void)setpgid(p->pid, p->pid); /* whoever of the two is first */
    }
    close(out[1]);
    close(told[1]);
    p->out_fd = out[0];
    p->told_fd = told[0];
    return p->pid > 0 ? OK : failed_errno(f, RETRY, "fork %s", words[0]);
}

/* ---- what it prints ---- */

static enum outcome take_line(struct program *p, struct str line, struct failure *f)
{
    struct arena row;
    yyjson_doc *doc = NULL;
    struct cell *cell = NULL;
    size_t n = 0;
    p->lines_n++;
    if (str_trim(line).len == 0) {
        return OK;
    }
    arena_init(&row, 16 * p->ask->row_bytes_max);
    enum outcome result = json_read_exact(&row, line, &doc, f);
    if (result == OK) {
        result = cells_of(&row, yyjson_doc_get_root(doc), &cell, &n, f);
    }
    if (result != OK) {
        const struct failure why = *f;
        result = failed(f, result, "line %zu of its output: %s", p->lines_n, why.text);
    } else {
        result = p->to->row(p->to->to, cell, n, f);
    }
    arena_close(&row);
    FAILPOINT("source.row");
    return result;
}

static enum outcome take_bytes(struct program *p, struct str bytes, struct failure *f)
{
    const struct command_options *const o = p->ask->options;
    enum outcome result = OK;
    p->bytes += bytes.len;
    if (p->bytes > o->output_bytes_max) {
        return failed(f, REJECT, "it printed more than %zu bytes (output_bytes_max)",
                      o->output_bytes_max);
    }
    while (bytes.len > 0 && result == OK) {
        const size_t end = str_find(bytes, '\n');
        buf_add(&p->line, str_sub(bytes, 0, end));
        if (buf_is_over(&p->line)) {
            return failed(f, REJECT, "line %zu of its output is longer than %zu bytes",
                          p->lines_n + 1, p->ask->row_bytes_max);
        }
        if (end < bytes.len) {
            result = take_line(p, buf_str(&p->line), f);
            buf_reset(&p->line);
        }
        bytes = str_sub(bytes, end + 1, bytes.len);
    }
    return result;
}

/* The end of what it says is what matters. */
static void keep_told(struct program *p, struct str bytes)
{
    const size_t room = sizeof p->told;
    const struct str last = str_sub(bytes, bytes.len > room ? bytes.len - room : 0, bytes.len);
    const size_t over = p->told_len + last.len > room ? p->told_len + last.len - room : 0;
    memmove(p->told, p->told + over, p->told_len - over);
    p->told_len -= over;
    memcpy(p->told + p->told_len, last.at, last.len);
    p->told_len += last.len;
}

static enum outcome take_ready(struct program *p, int *fd, struct failure *f)
{
    char bytes[READ_BYTES / 8];
    const ssize_t n = read(*fd, bytes, sizeof bytes);
    if (n < 0) {
        return errno == EINTR ? OK : failed_errno(f, RETRY, "read what it prints");
    }
    if (n == 0) {
        close(*fd);
        *fd = -1;
        return OK;
    }
    const struct str got = {bytes, (size_t)n};
    if (fd == &p->told_fd) {
        keep_told(p, got);
        return OK;
    }
    return take_bytes(p, got, f);
}

static enum outcome take_all(struct program *p, struct failure *f)
{
    enum outcome result = OK;
    while (result == OK && (p->out_fd >= 0 || p->told_fd >= 0)) {
        struct pollfd fds[] = {{.fd = p->out_fd, .events = POLLIN},
                               {.fd = p->told_fd, .events = POLLIN}};
        if (asked_to_stop()) {
            return failed(f, RETRY, "asked to stop");
        }
        if (poll(fds, sizeof fds / sizeof *fds, LOOK_MS) < 0) {
            continue; /* a signal: look what was asked */
        }
        if (fds[0].revents) {
            result = take_ready(p, &p->out_fd, f);
        }
        if (result == OK && fds[1].revents) {
            result = take_ready(p, &p->told_fd, f);
        }
    }
    return result == OK && p->line.len > 0 ? take_line(p, buf_str(&p->line), f) : result;
}

/* ---- its end ---- */

static struct str told(const struct program *p)
{
    struct str text = str_trim((struct str){p->told, p->told_len});
    while (text.len > 0 && text.at[text.len - 1] == '\n') {
        text.len--;
    }
    for (size_t i = text.len; i > 0; i--) { /* its last line */
        if (text.at[i - 1] == '\n') {
            return str_sub(text, i, text.len);
        }
    }
    return text;
}

static enum outcome end_of(const struct program *p, int status, struct failure *f)
{
    const struct command_options *const o = p->ask->options;
    const struct str name = o->run.at[0], said = told(p);
    if (WIFSIGNALED(status)) {
        return failed(f, RETRY, "%.*s died of signal %d; it said: %.*s", STR_ARG(name),
                      WTERMSIG(status), STR_ARG(said));
    }
    const int code = WEXITSTATUS(status);
    if (code == NO_PROGRAM) {
        return failed(f, STOP, "%.*s could not be started: %.*s", STR_ARG(name), STR_ARG(said));
    }
    return code == 0 ? OK
                     : failed(f, RETRY, "%.*s ended with status %d; it said: %.*s", STR_ARG(name),
                              code, STR_ARG(said));
}

/* Its status. The group ends before the program is reaped: until then its number is nobody else's.
 */
static int finish(struct program *p, bool is_good)
{
    int status = 0;
    siginfo_t info;
    while (is_good && waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR) {
    }
    (void)kill(-p->pid, SIGKILL);
    (void)kill(p->pid, SIGKILL);
    close(p->life_fd);
    while (p->watcher > 0 && waitpid(p->watcher, NULL, 0) < 0 && errno == EINTR) {
    }
    while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

static enum outcome command_read(const struct source_ask *ask, const struct source_to *to,
                                 struct failure *f)
{
    struct program p = {.ask = ask, .to = to, .out_fd = -1, .told_fd = -1, .life_fd = -1};
    struct arena line;
    arena_init(&line, 4 * ask->row_bytes_max);
    buf_init(&p.line, &line, ask->row_bytes_max);
    enum outcome result = start(&p, f);
    const bool is_started = result == OK;
    if (is_started) {
        result = watch(&p, f);
        result = result == OK ? take_all(&p, f) : result;
    }
    close(p.out_fd);
    close(p.told_fd);
    if (is_started) {
        const int status = finish(&p, result == OK);
        result = result == OK ? end_of(&p, status, f) : result;
    }
    arena_close(&line);
    return result;
}

const struct source_driver source_command = {.name = "command", .read = command_read};
