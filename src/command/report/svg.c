#include "command/report/svg.h"

#include <math.h>

#include "command/report/html.h"

/* Pixels from the top of a plot: its highest line, its ground, what is written below. */
enum { TOP = 18, GROUND = 114, WORDS = 130, HEIGHT = 134 };
enum { SPARK_WIDTH = 104, SPARK_HEIGHT = 24 };
enum { DOTS_TOP = 14, DOTS_GROUND = 262, DOTS_WORDS = 280, DOTS_HEIGHT = 286 };
#define LEFT_PERCENT 12.0     /* of a plot: room for what its lines are called */
#define LONG_LINE 1000.0      /* how wide a nested drawing calls itself */
#define DOTS_LEFT_PERCENT 5.0 /* the window among the dots; behind it stands what waits */
#define DOTS_RIGHT_PERCENT 94.0
#define WAITING_PERCENT 97.5
#define MINUTE_S 60.0
#define HOUR_S 3600.0
#define DAY_S 86400.0

static void add_title(struct buf *b, struct str name)
{
    buf_add(b, S("<title>"));
    html_add(b, name);
    buf_add(b, S("</title>"));
}

/* ---- the axis ---- */

/* The least of 1, 2, 4, 6, 8 with zeros that is not less: its half is round too. */
static double round_up(double value)
{
    static const double steps[] = {1, 2, 4, 6, 8, 10};
    const double tens = pow(10, floor(log10(value)));
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (value <= steps[i] * tens * (1 + 1e-9)) {
            return steps[i] * tens;
        }
    }
    return 10 * tens;
}

static double top_of(const struct svg_plot *p)
{
    double most = isnan(p->before) ? 0 : p->before;
    for (size_t i = 0; i < p->n; i++) {
        most = fmax(most, p->point[i].value); /* NAN never wins */
        most = p->second ? fmax(most, p->second[i].value) : most;
    }
    if (most <= 0) {
        return p->unit == FIGURE_SHARE ? 0.1 : p->unit == FIGURE_SPAN_S ? HOUR_S : 1;
    }
    if (p->unit == FIGURE_SPAN_S) {
        const double unit = most >= 2 * DAY_S ? DAY_S : most >= HOUR_S ? HOUR_S : MINUTE_S;
        return unit * round_up(most / unit);
    }
    return round_up(most);
}

/* In the unit of the highest, `top`. */
static struct str value_text(const struct svg_plot *p, double value, double top)
{
    switch (p->unit) {
    case FIGURE_PER_DAY: return arena_printf(p->arena, "%.4g/d", value);
    case FIGURE_SHARE: return arena_printf(p->arena, "%.4g %%", 100 * value);
    case FIGURE_SPAN_S:
        return top >= 2 * DAY_S ? arena_printf(p->arena, "%.4g d", value / DAY_S)
               : top >= HOUR_S  ? arena_printf(p->arena, "%.4g h", value / HOUR_S)
                                : arena_printf(p->arena, "%.4g min", value / MINUTE_S);
    case FIGURE_NUMBER: return arena_printf(p->arena, "%.4g", value);
    }
    return S("");
}

/* Percent from the left to the middle of a slot, and how many a slot is wide. */
static double slot_of(size_t n)
{
    return (100 - LEFT_PERCENT) / (double)(n ? n : 1);
}

static double across(size_t i, size_t n)
{
    return LEFT_PERCENT + ((double)i + 0.5) * slot_of(n);
}

static double down(double value, double top)
{
    return (double)GROUND - (double)(GROUND - TOP) * value / top;
}

static void add_grid(struct buf *b, const struct svg_plot *p, double top)
{
    for (int half = 0; half <= 2; half++) {
        const double y = down(half * top / 2, top);
        buf_printf(b, "<line class=\"%s\" x1=\"0\" x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/>",
                   half == 0 ? "ground" : "grid", y, y);
        if (half > 0) {
            buf_printf(b, "<text x=\"0\" y=\"%.1f\">", y - 4);
            html_add(b, value_text(p, half * top / 2, top));
            buf_add(b, S("</text>"));
        }
    }
}

static void add_word(struct buf *b, const char *x, int y, struct str word)
{
    if (word.len > 0) {
        buf_printf(b, "<text %s y=\"%d\">", x, y);
        html_add(b, word);
        buf_add(b, S("</text>\n"));
    }
}

static double begin_plot(struct buf *b, const struct svg_plot *p)
{
    const double top = top_of(p);
    buf_printf(b, "<svg class=\"plot%s\" role=\"img\" width=\"100%%\" height=\"%d\" aria-label=\"",
               p->is_bad ? " bad" : "", HEIGHT);
    html_add(b, p->name);
    buf_add(b, S("\">\n"));
    add_grid(b, p, top);
    buf_add_byte(b, '\n');
    return top;
}

static bool is_empty(const struct svg_plot *p)
{
    for (size_t i = 0; i < p->n; i++) {
        if (!isnan(p->point[i].value)) {
            return false;
        }
    }
    return true;
}

static void end_plot(struct buf *b, const struct svg_plot *p, double top)
{
    if (is_empty(p)) {
        add_word(b, "x=\"56%\" text-anchor=\"middle\"", (TOP + GROUND) / 2 - 8, S("no data"));
    }
    if (!isnan(p->before)) {
        const double y = down(p->before, top);
        buf_printf(b, "<line class=\"before\" x1=\"0\" x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/>\n", y,
                   y);
    }
    add_word(b, "x=\"12%\"", WORDS, p->first);
    add_word(b, "x=\"56%\" text-anchor=\"middle\"", WORDS, p->middle);
    add_word(b, "x=\"100%\" text-anchor=\"end\"", WORDS, p->last);
    buf_add(b, S("</svg>\n"));
}

/* ---- bars ---- */

void svg_bars(struct buf *b, const struct svg_plot *p)
{
    const double top = begin_plot(b, p), slot = slot_of(p->n);
    for (size_t i = 0; i < p->n; i++) {
        const struct svg_point *const at = &p->point[i];
        if (isnan(at->value)) {
            continue;
        }
        const double y = fmin(down(at->value, top), GROUND - 2); /* 0 is seen, other than nothing */
        buf_printf(b,
                   "<rect class=\"mark%s%s\" x=\"%.2f%%\" y=\"%.1f\" width=\"%.2f%%\" "
                   "height=\"%.1f\">",
                   at->is_part ? " part" : "", at->value > 0 ? "" : " zero",
                   across(i, p->n) - 0.36 * slot, y, 0.72 * slot, (double)GROUND - y);
        add_title(b, at->name);
        buf_add(b, S("</rect>\n"));
    }
    end_plot(b, p, top);
}

/* ---- lines ---- */

struct frame {
    double left, width, ground, height; /* the drawing, which may be nested */
    double top;                         /* the value at `ground - height`   */
};

static void add_path(struct buf *b, const struct frame *f, const struct svg_point *point, size_t n,
                     const char *kind)
{
    bool is_down = false; /* the pen */
    buf_printf(b, "<path class=\"%s\" vector-effect=\"non-scaling-stroke\" d=\"", kind);
    for (size_t i = 0; i < n; i++) {
        if (!isnan(point[i].value)) {
            buf_printf(b, "%c%.1f %.1f", is_down ? 'L' : 'M',
                       f->left + f->width * ((double)i + 0.5) / (double)n,
                       f->ground - f->height * point[i].value / f->top);
        }
        is_down = !isnan(point[i].value);
    }
    buf_add(b, S("\"/>"));
}

static void add_points(struct buf *b, const struct svg_point *point, size_t n, double top)
{
    for (size_t i = 0; i < n; i++) {
        if (isnan(point[i].value)) {
            continue;
        }
        buf_printf(b, "<circle class=\"mark%s\" cx=\"%.2f%%\" cy=\"%.1f\" r=\"3\">",
                   point[i].is_part ? " part" : "", across(i, n), down(point[i].value, top));
        add_title(b, point[i].name);
        buf_add(b, S("</circle>\n"));
    }
}

void svg_line(struct buf *b, const struct svg_plot *p)
{
    const double top = begin_plot(b, p);
    const double left = LONG_LINE * LEFT_PERCENT / 100;
    const struct frame f = {left, LONG_LINE - left, GROUND, GROUND - TOP, top};
    buf_printf(b,
               "<svg width=\"100%%\" height=\"%d\" viewBox=\"0 0 %.0f %d\" "
               "preserveAspectRatio=\"none\">",
               HEIGHT, LONG_LINE, HEIGHT);
    if (p->second) {
        add_path(b, &f, p->second, p->n, "thin");
    }
    add_path(b, &f, p->point, p->n, "line");
    buf_add(b, S("</svg>\n"));
    if (p->second) {
        buf_add(b, S("<g class=\"thin\">\n"));
        add_points(b, p->second, p->n, top);
        buf_add(b, S("</g>\n"));
    }
    add_points(b, p->point, p->n, top);
    end_plot(b, p, top);
}

void svg_spark(struct buf *b, const struct svg_plot *p)
{
    struct frame f = {0, SPARK_WIDTH, SPARK_HEIGHT - 3, SPARK_HEIGHT - 6, 0};
    for (size_t i = 0; i < p->n; i++) {
        f.top = fmax(f.top, p->point[i].value);
    }
    f.top = f.top > 0 ? f.top : 1;
    buf_printf(b, "<svg class=\"spark\" role=\"img\" width=\"%d\" height=\"%d\" aria-label=\"",
               SPARK_WIDTH, SPARK_HEIGHT);
    html_add(b, p->name);
    buf_add(b, S("\">"));
    add_path(b, &f, p->point, p->n, "line");
    for (size_t i = 0; i < p->n; i++) {
        if (!isnan(p->point[i].value)) {
            buf_printf(b, "<circle class=\"mark\" cx=\"%.1f\" cy=\"%.1f\" r=\"1.5\"/>",
                       f.width * ((double)i + 0.5) / (double)p->n,
                       f.ground - f.height * p->point[i].value / f.top);
        }
    }
    buf_add(b, S("</svg>"));
}

/* ---- dots ---- */

/* Where the lines of a scale of logarithms stand. */
static const struct {
    double s;
    const char *name;
} ticks[] = {{MINUTE_S, "1 min"},  {10 * MINUTE_S, "10 min"}, {HOUR_S, "1 h"},
             {6 * HOUR_S, "6 h"},  {DAY_S, "1 day"},          {7 * DAY_S, "1 week"},
             {30 * DAY_S, "30 d"}, {180 * DAY_S, "180 d"},    {3650 * DAY_S, "10 years"}};
enum { TICKS_N = sizeof ticks / sizeof *ticks };

/* The ticks around all dots. */
static void bounds(const struct svg_dots *p, size_t *low, size_t *high)
{
    double least = HOUR_S, most = 7 * DAY_S;
    for (size_t i = 0; i < p->n; i++) {
        least = fmin(least, p->dot[i].s);
        most = fmax(most, p->dot[i].s);
    }
    for (*low = 0; *low + 1 < TICKS_N && ticks[*low + 1].s <= least;) {
        ++*low;
    }
    for (*high = *low + 1; *high + 1 < TICKS_N && ticks[*high].s < most;) {
        ++*high;
    }
}

static void add_dot(struct buf *b, const struct svg_dot *d, double y)
{
    const double x = d->kind == SVG_WAITING
                         ? WAITING_PERCENT
                         : DOTS_LEFT_PERCENT + (DOTS_RIGHT_PERCENT - DOTS_LEFT_PERCENT) * d->across;
    const bool is_link = html_is_link(d->url);
    if (is_link) { /* reached by keyboard in the table, not a thousand times here */
        buf_add(b, S("<a tabindex=\"-1\" href=\""));
        html_add(b, d->url);
        buf_add(b, S("\">"));
        add_title(b, d->name);
    }
    const char *const kind = d->kind == SVG_WAITING ? " waiting" : "";
    if (d->kind == SVG_FAILED) {
        buf_printf(b,
                   "<svg class=\"mark failed\" x=\"%.2f%%\" y=\"%.1f\" width=\"1\" height=\"1\" "
                   "overflow=\"visible\">",
                   x, y);
    } else {
        buf_printf(b, "<circle class=\"mark%s\" cx=\"%.2f%%\" cy=\"%.1f\" r=\"4\">", kind, x, y);
    }
    if (!is_link) {
        add_title(b, d->name);
    }
    buf_add(b, d->kind == SVG_FAILED ? S("<path d=\"M0-6 5.5 4h-11z\"/></svg>") : S("</circle>"));
    buf_add(b, is_link ? S("</a>\n") : S("\n"));
}

void svg_dots(struct buf *b, const struct svg_dots *p)
{
    size_t low, high;
    bounds(p, &low, &high);
    const double span = log(ticks[high].s / ticks[low].s);
    buf_printf(
        b, "<svg class=\"plot dots\" role=\"group\" width=\"100%%\" height=\"%d\" aria-label=\"",
        DOTS_HEIGHT);
    html_add(b, p->name);
    buf_add(b, S("\">\n"));
    for (size_t i = low; i <= high; i++) {
        const double y = (double)DOTS_GROUND -
                         (DOTS_GROUND - DOTS_TOP) * log(ticks[i].s / ticks[low].s) / span;
        buf_printf(b,
                   "<line class=\"%s\" x1=\"0\" x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/>"
                   "<text x=\"0\" y=\"%.1f\">%s</text>\n",
                   i == low ? "ground" : "grid", y, y, y - 4, ticks[i].name);
    }
    for (size_t i = 0; i < p->n; i++) {
        const double s = fmin(fmax(p->dot[i].s, ticks[low].s), ticks[high].s);
        add_dot(b, &p->dot[i],
                (double)DOTS_GROUND -
                    (double)(DOTS_GROUND - DOTS_TOP) * log(s / ticks[low].s) / span);
    }
    add_word(b, "x=\"5%\"", DOTS_WORDS, p->first);
    add_word(b, "x=\"94%\" text-anchor=\"end\"", DOTS_WORDS, p->last);
    add_word(b, "x=\"100%\" text-anchor=\"end\"", DOTS_TOP - 4, S("waiting"));
    buf_add(b, S("</svg>\n"));
}
