/* top.c - how weir does, again and again: rates, lags, what is dead and refused. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "base/asked.h"
#include "base/file.h"
#include "command/command.h"
#include "command/commands.h"
#include "command/screen.h"
#include "command/top_view.h"
#include "registry.h"

enum {
    LOOK_BYTES_MAX = 64 << 20,
    FRAME_BYTES_MAX = 1 << 20,
    EVERY_MS = 1000,
    EVERY_LEAST_MS = 100,
    COLUMNS_IN_A_PIPE = 80
};

/* xterm's control sequences, which every terminal of today has: another screen and no cursor; back
 * again; the home position, the rest of a line, the rest of the screen. */
static const struct str enter = STR("\033[?1049h\033[?25l"), leave = STR("\033[?25h\033[?1049l");
static const struct str home = STR("\033[H"), end_of_line = STR("\033[K\n"),
                        end_of_screen = STR("\033[J");

struct watching {
    struct arena look; /* of one look and its frame */
    struct top *top;
    struct top_frame frame;
    int64_t every_ms;
    int64_t due_us; /* the next look, of the monotonic clock */
    struct termios before;
};

/* ---- the terminal ---- */

static enum outcome put(struct str text, struct failure *f)
{
    return file_write(STDOUT_FILENO, text, f);
}

/* Keys come one by one and are not shown; those that would stop or kill us with the screen in
 * disorder are keys like others, Ctrl-C is a wish to end. */
static enum outcome screen_take(struct watching *w, struct failure *f)
{
    if (tcgetattr(STDIN_FILENO, &w->before) != 0) {
        return failed_errno(f, RETRY, "ask the terminal");
    }
    struct termios ours = w->before;
    ours.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    ours.c_cc[VSUSP] = ours.c_cc[VQUIT] = _POSIX_VDISABLE;
    ours.c_cc[VMIN] = ours.c_cc[VTIME] = 0;
    if (tcsetattr(STDIN_FILENO, TCSANOW, &ours) != 0) {
        return failed_errno(f, RETRY, "set the terminal");
    }
    return put(enter, f);
}

static void screen_give_back(const struct watching *w)
{
    struct failure f;
    (void)put(leave, &f); /* it may be gone */
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &w->before);
}

/* ---- looking ---- */

static enum outcome look(struct watching *w, struct failure *f)
{
    const int64_t now_us = clock_mono_us();
    arena_reset(&w->look);
    if (w->frame.is_paused || now_us < w->due_us) {
        return OK; /* a key was pressed: the frame alone is new */
    }
    w->due_us = now_us + w->every_ms * 1000;
    const enum outcome result = top_look(w->top, &w->look, f);
    if (result != RETRY || !w->frame.has_keys) {
        return result;
    }
    top_saw_nothing(w->top, f); /* it may come */
    return OK;
}

static enum outcome show(struct watching *w, struct failure *f)
{
    struct buf b;
    const size_t columns = screen_columns();
    w->frame.columns = columns ? columns : COLUMNS_IN_A_PIPE;
    w->frame.rows = w->frame.has_keys ? screen_rows() : 0;
    buf_init(&b, &w->look, FRAME_BYTES_MAX);
    buf_add(&b, w->frame.has_keys ? home : S(""));
    top_draw(w->top, &w->look, &w->frame, &b);
    if (w->frame.has_keys) {
        b.len--; /* no line feed behind the last line: it would scroll */
        buf_add(&b, end_of_screen);
    }
    return put(buf_str(&b), f);
}

/* Wait for a key or the next look. false: it was asked to end. */
static bool heed_keys(struct watching *w)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    const int64_t left_ms = (w->due_us - clock_mono_us()) / 1000;
    const int64_t wait_ms = w->frame.is_paused || left_ms > w->every_ms ? w->every_ms : left_ms;
    char key = 0;
    const int n = poll(&in, 1, wait_ms > 0 ? (int)wait_ms : 0);
    if (n > 0 && (in.revents & POLLIN) && read(STDIN_FILENO, &key, 1) == 1) {
        w->frame.is_paused ^= key == 'p' || key == ' ';
        w->frame.order = key == 's' ? (w->frame.order + 1) % TOP_ORDERS : w->frame.order;
    } else if (n > 0) {
        return false; /* the terminal hung up */
    }
    return key != 'q' && key != 'Q' && !asked_to_stop();
}

static enum outcome watch(struct watching *w, struct failure *f)
{
    enum outcome result = screen_take(w, f);
    if (result != OK) {
        return result;
    }
    do {
        result = look(w, f);
        result = result == OK ? show(w, f) : result;
    } while (result == OK && heed_keys(w));
    screen_give_back(w);
    return result;
}

/* Where nobody can press a key: rates need two looks, one frame is printed. */
static enum outcome show_once(struct watching *w, struct failure *f)
{
    enum outcome result = look(w, f);
    if (result == OK && w->top->pid > 0) {
        asked_pause(w->every_ms);
        w->due_us = 0;
        result = look(w, f);
    }
    return result == OK ? show(w, f) : result;
}

static int check(void *of, const struct words *words)
{
    const int64_t every_ms = *(const int64_t *)of;
    (void)words;
    if (every_ms < EVERY_LEAST_MS || every_ms > 3600 * 1000) {
        screen_tell("weir top: --every takes 100ms to 1h\n");
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

int command_top(int argc, char **argv)
{
    int64_t every_ms = EVERY_MS;
    const struct flag flags[] = {
        {"every", 0, FLAG_DURATION, &every_ms, "TIME", "between two looks; 1s"},
        {0},
    };
    const struct usage usage = {
        .name = "top",
        .words = "",
        .about = "Rates, lags, what is dead and refused, processor time and memory of each stage, "
                 "until q is pressed. One frame where stdout or stdin is no terminal.",
        .flags = flags,
        .examples = "  weir top\n  weir top --every 5s\n",
        .needs = NEEDS_CONFIG,
        .check = check,
        .of = &every_ms,
    };
    struct session s;
    struct failure f;
    if (!command_begin(&s, &usage, argc, argv)) {
        return s.status;
    }
    const char *const term = getenv("TERM"); /* NOLINT(concurrency-mt-unsafe): one thread */
    const bool is_dumb = !term || strcmp(term, "dumb") == 0;
    const bool is_live = !is_dumb && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    struct watching w = {.top = arena_new(&s.arena, struct top), .every_ms = every_ms};
    w.top->config = s.config;
    w.top->duties = registry_duties;
    w.frame = (struct top_frame){
        .has_charts = !is_dumb, .has_keys = is_live, .end = is_live ? end_of_line : S("\n")};
    arena_init(&w.look, LOOK_BYTES_MAX);
    asked_install(NULL, NULL);
    asked_stop_by(SIGHUP);
    asked_stop_by(SIGQUIT);
    const enum outcome result = is_live ? watch(&w, &f) : show_once(&w, &f);
    arena_close(&w.look);
    s.status = result == OK ? EXIT_DONE : command_unanswered("top", &f);
    return command_end(&s);
}
