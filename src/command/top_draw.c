/* How a frame of `weir top` looks. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "command/screen.h"
#include "command/top_view.h"
#include "version.h"

enum { CHART_AT = 69, CHART_LEAST = 8, LINE_BYTES_MAX = 4096, WORD_BYTES = 320 };

struct drawing {
    const struct top *top;
    const struct top_frame *frame;
    struct arena *arena;
    struct buf *to;
    size_t rows;
};

/* ---- words: at most WORD_BYTES - 1 bytes, room for any double ---- */

static const char *rate_word(double a_second, char out[WORD_BYTES])
{
    if (isnan(a_second)) {
        return "–";
    }
    (void)snprintf(out, WORD_BYTES, a_second < 9.95 && a_second > 0.0 ? "%.1f" : "%.0f", a_second);
    return out;
}

static const char *span_word(int64_t ms, char out[WORD_BYTES])
{
    const long long s = ms / 1000;
    if (ms < 0) {
        return "–";
    }
    if (ms < 1000) {
        (void)snprintf(out, WORD_BYTES, "%lld ms", (long long)ms);
    } else if (s < 120) {
        (void)snprintf(out, WORD_BYTES, "%lld s", s);
    } else if (s < 7200) {
        (void)snprintf(out, WORD_BYTES, "%lld min", s / 60);
    } else if (s < 172800) {
        (void)snprintf(out, WORD_BYTES, "%lld h", s / 3600);
    } else {
        (void)snprintf(out, WORD_BYTES, "%lld d", s / 86400);
    }
    return out;
}

static const char *size_word(uint64_t bytes, char out[WORD_BYTES])
{
    const double mib = (double)bytes / 1048576.0;
    if (bytes == 0) {
        return "–";
    }
    (void)snprintf(out, WORD_BYTES, mib < 1024.0 ? "%.0f MiB" : "%.1f GiB",
                   mib < 1024.0 ? mib : mib / 1024.0);
    return out;
}

static const char *share_word(const struct top_rate *cpu_us, char out[WORD_BYTES])
{
    if (isnan(cpu_us->a_second)) {
        return "–";
    }
    (void)snprintf(out, WORD_BYTES, "%.0f %%", cpu_us->a_second / 10000.0);
    return out;
}

/* ---- lines ---- */

/* No wider than there is room for. */
static void put_line(struct drawing *d, struct str line)
{
    buf_add(d->to, screen_cut(d->arena, screen_line(d->arena, line), d->frame->columns));
    buf_add(d->to, d->frame->end);
}

/* As many lines as there is room for, above the keys. */
static void add_line(struct drawing *d, struct str line)
{
    const size_t kept = d->frame->has_keys && d->frame->rows > 1 ? 1 : 0;
    if (d->frame->rows == 0 || d->rows < d->frame->rows - kept) {
        put_line(d, line);
        d->rows++;
    }
}

/* `left` and, where there is room, `right` at the end of the line. */
static void add_ends(struct drawing *d, struct str left, struct str right)
{
    const size_t taken = screen_width(left) + screen_width(right);
    const size_t gap = taken + 2 < d->frame->columns ? d->frame->columns - taken : 2;
    add_line(d, arena_printf(d->arena, "%.*s%*s%.*s", STR_ARG(left), (int)gap, "", STR_ARG(right)));
}

/* A word in so many columns, `width` < 0: at their left end. */
static void add_cell(struct drawing *d, struct buf *line, const char *word, int width)
{
    const struct str text = screen_cut(d->arena, str_of(word), (size_t)abs(width));
    const int gap = abs(width) - (int)screen_width(text);
    buf_printf(line, "%*s", width > 0 ? gap : 0, "");
    buf_add(line, text);
    buf_printf(line, "%*s ", width > 0 ? 0 : gap, "");
}

/* The newest samples as bars from 0 to the highest; a gap is a space. */
static void add_chart(struct drawing *d, struct buf *line, const struct top_line *l)
{
    static const char *const bar[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    enum { BARS = sizeof bar / sizeof *bar };
    const size_t room = d->frame->columns > CHART_AT ? d->frame->columns - CHART_AT : 0;
    const size_t n = room < TOP_SAMPLES ? room : TOP_SAMPLES;
    double most = 0.0;
    if (!d->frame->has_charts || n < CHART_LEAST) {
        return;
    }
    for (size_t i = TOP_SAMPLES - n; i < TOP_SAMPLES; i++) {
        most = !isnan(l->sample[i]) && l->sample[i] > most ? l->sample[i] : most;
    }
    for (size_t i = TOP_SAMPLES - n; i < TOP_SAMPLES; i++) {
        const double height = most > 0.0 ? l->sample[i] / most * (BARS - 1) : 0.0;
        buf_add(line, isnan(l->sample[i]) ? S(" ") : str_of(bar[(size_t)(height + 0.5)]));
    }
}

static void add_top_line(struct drawing *d, const struct top_line *l)
{
    struct buf line;
    char word[WORD_BYTES];
    buf_init(&line, d->arena, LINE_BYTES_MAX);
    add_cell(d, &line, l->name, -16);
    add_cell(d, &line, l->kind, -9);
    add_cell(d, &line, l->state ? l->state : "", -8);
    add_cell(d, &line, l->is_ill ? "!" : "", -1);
    add_cell(d, &line, l->has_rate ? rate_word(l->rate.a_second, word) : "–", 7);
    add_cell(d, &line, l->state ? span_word(l->lag_ms, word) : "–", 7);
    add_cell(d, &line, l->state ? share_word(&l->cpu_us, word) : "–", 5);
    add_cell(d, &line, l->state ? size_word(l->rss_bytes, word) : "–", 8);
    add_chart(d, &line, l);
    add_line(d, buf_str(&line));
}

/* ---- the head ---- */

static struct str state_of_all(const struct drawing *d)
{
    const struct top *const t = d->top;
    struct buf b;
    size_t ill = 0;
    buf_init(&b, d->arena, LINE_BYTES_MAX);
    for (size_t i = 0; i < t->lines_n; i++) {
        ill += t->line[i].is_ill;
    }
    if (t->pid == 0) {
        buf_add(&b, S("not running"));
    } else if (ill > 0) {
        buf_printf(&b, "! %zu not ok", ill);
    } else {
        buf_add(&b, t->is_ready ? S("ready") : S("starting"));
    }
    if (t->is_dead_unknown) {
        buf_add(&b, S("   ? dead (weir dead list)"));
    } else {
        buf_printf(&b, "   %llu dead", (unsigned long long)t->dead);
    }
    return buf_str(&b);
}

static void add_head(struct drawing *d)
{
    const struct top *const t = d->top;
    char up[WORD_BYTES];
    char size[WORD_BYTES];
    char behind[WORD_BYTES];
    char now[CLOCK_TEXT_BYTES];
    char complete[CLOCK_TEXT_BYTES];
    char word[5][WORD_BYTES];
    const uint64_t most = t->config->bus.disk_bytes_max;
    struct arena *const a = d->arena;
    (void)clock_text(t->now_us, now);
    add_ends(d,
             arena_printf(a, "weir %s  up %s  %.8s UTC%s", WEIR_VERSION,
                          t->pid > 0 ? span_word(t->uptime_us / 1000, up) : "–", now + 11,
                          d->frame->is_paused ? "  paused" : ""),
             state_of_all(d));
    if (t->is_blind) {
        add_line(d, str_of(t->why.text));
        add_line(d, S(""));
        return;
    }
    (void)clock_text(t->complete_us, complete);
    add_line(d, arena_printf(
                    a, "in %s/s ▶ raw ▶ transform %s/s ▶ standard %s/s   dead %s/s   refused %s/s",
                    rate_word(t->accepted.a_second, word[0]),
                    rate_word(t->transformed.a_second, word[1]),
                    rate_word(t->stored.a_second, word[2]), rate_word(t->dying.a_second, word[3]),
                    rate_word(t->refused.a_second, word[4])));
    add_line(d,
             arena_printf(a, "streams %s, %.0f %% of their room   complete to %.8s, %s behind",
                          size_word(t->stream_bytes, size),
                          most ? 100.0 * (double)t->stream_bytes / (double)most : 0.0,
                          complete + 11, span_word((t->now_us - t->complete_us) / 1000, behind)));
    add_line(d, S(""));
}

/* ---- the frame ---- */

static int by_lag(const void *a, const void *b)
{
    const struct top_line *const x = *(const struct top_line *const *)a;
    const struct top_line *const y = *(const struct top_line *const *)b;
    return x->lag_ms != y->lag_ms ? (x->lag_ms < y->lag_ms) - (x->lag_ms > y->lag_ms)
                                  : (x > y) - (x < y);
}

static int by_rate(const void *a, const void *b)
{
    const struct top_line *const x = *(const struct top_line *const *)a;
    const struct top_line *const y = *(const struct top_line *const *)b;
    const double p = x->has_rate && !isnan(x->rate.a_second) ? x->rate.a_second : -1.0;
    const double q = y->has_rate && !isnan(y->rate.a_second) ? y->rate.a_second : -1.0;
    return p < q ? 1 : p > q ? -1 : (x > y) - (x < y);
}

void top_draw(const struct top *t, struct arena *a, const struct top_frame *frame, struct buf *b)
{
    struct drawing d = {.top = t, .frame = frame, .arena = a, .to = b};
    const struct top_line *line[TOP_LINES];
    struct buf head;
    for (size_t i = 0; i < t->lines_n; i++) {
        line[i] = &t->line[i];
    }
    if (frame->order != TOP_BY_PLACE && t->lines_n > 0) {
        qsort((void *)line, t->lines_n, sizeof *line,
              frame->order == TOP_BY_LAG ? by_lag : by_rate);
    }
    add_head(&d);
    buf_init(&head, a, LINE_BYTES_MAX);
    add_cell(&d, &head, "NAME", -16);
    add_cell(&d, &head, "KIND", -9);
    add_cell(&d, &head, "STATE", -8);
    add_cell(&d, &head, "", -1);
    add_cell(&d, &head, frame->order == TOP_BY_RATE ? "▼ /S" : "/S", 7);
    add_cell(&d, &head, frame->order == TOP_BY_LAG ? "▼ LAG" : "LAG", 7);
    add_cell(&d, &head, "CPU", 5);
    add_cell(&d, &head, "RSS", 8);
    add_line(&d, buf_str(&head));
    for (size_t i = 0; i < t->lines_n; i++) {
        add_top_line(&d, line[i]);
    }
    if (frame->has_keys) {
        add_line(&d, S(""));
    }
    if (frame->has_keys && frame->rows != 1) {
        put_line(&d, S("s sort   p pause   q quit"));
    }
}
