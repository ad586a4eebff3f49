#include "command/report/say.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"

#define MIN_S 60.0
#define HOUR_S 3600.0
#define DAY_S 86400.0

static const struct str nothing = STR("–");
static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static struct str with_unit(struct arena *a, double value, const char *unit)
{
    return arena_printf(a, value < 9.95 ? "%.1f %s" : "%.0f %s", value, unit);
}

struct str say_span(struct arena *a, double s)
{
    if (isnan(s)) {
        return nothing;
    }
    if (s < 1.5 * MIN_S) {
        return arena_printf(a, "%.0f s", s);
    }
    if (s < 1.5 * HOUR_S) {
        return with_unit(a, s / MIN_S, "min");
    }
    return s < 2 * DAY_S ? with_unit(a, s / HOUR_S, "h") : with_unit(a, s / DAY_S, "d");
}

struct str say_rate(struct arena *a, double share)
{
    return isnan(share) ? nothing : arena_printf(a, "%.1f %%", 100 * share);
}

struct str say_number(struct arena *a, double number)
{
    return isnan(number) ? nothing : arena_printf(a, number < 0.95 ? "%.2f" : "%.1f", number);
}

struct str say_per_day(struct arena *a, double per_day)
{
    return isnan(per_day) ? nothing : arena_printf(a, "%s/d", say_number(a, per_day).at);
}

struct str say_value(struct arena *a, enum figure_unit unit, double value)
{
    switch (unit) {
    case FIGURE_PER_DAY: return say_per_day(a, value);
    case FIGURE_SHARE: return say_rate(a, value);
    case FIGURE_SPAN_S: return say_span(a, value);
    case FIGURE_NUMBER: return isnan(value) ? nothing : arena_printf(a, "%.6g", value);
    }
    return S("");
}

/* Of a time as text. */
static const char *month_of(const char *text)
{
    return months[10 * (text[5] - '0') + text[6] - '0' - 1];
}

struct str say_month(struct arena *a, int64_t time_us)
{
    char text[CLOCK_TEXT_BYTES];
    (void)clock_text(time_us, text);
    return arena_printf(a, "%s %.4s", month_of(text), text);
}

struct str say_day(struct arena *a, int64_t time_us, int64_t beside_us)
{
    char text[CLOCK_TEXT_BYTES], beside[CLOCK_TEXT_BYTES];
    (void)clock_text(time_us, text);
    (void)clock_text(beside_us, beside);
    const int day = 10 * (text[8] - '0') + text[9] - '0';
    return memcmp(text, beside, 4) == 0 && time_us != beside_us
               ? arena_printf(a, "%d %s", day, month_of(text))
               : arena_printf(a, "%d %s %.4s", day, month_of(text), text);
}

struct str say_days(struct arena *a, int64_t span_us)
{
    enum { DAYS_SURE = 3 }; /* of fewer the hours count, too */
    const long long days = (span_us + DAY_US / 2) / DAY_US,
                    hours = (span_us + HOUR_US - 1) / HOUR_US;
    return days >= DAYS_SURE || (days > 0 && span_us % DAY_US == 0)
               ? arena_printf(a, "%lld %s", days, days == 1 ? "day" : "days")
               : arena_printf(a, "%lld %s", hours, hours == 1 ? "hour" : "hours");
}

struct str say_few(struct arena *a, struct str text, int64_t n)
{
    return n > 2 ? text : arena_printf(a, "%.*s (%lld)", STR_ARG(text), (long long)n);
}

const char *say_trend(double now, double before, int sign, int64_t n)
{
    if (isnan(now) || isnan(before) || n < 1) {
        return "";
    }
    const double least = fmax(0.1, 1 / sqrt((double)n));
    const double base = fmax(fabs(before), fabs(now));
    if (base <= 0 || fabs(now - before) / base < least) {
        return "same";
    }
    if (sign == 0) {
        return now > before ? "more" : "less";
    }
    return (now > before) == (sign > 0) ? "better" : "worse";
}

bool say_has_charts(void)
{
    const char *const term = getenv("TERM"); /* NOLINT(concurrency-mt-unsafe): one thread */
    return !term || strcmp(term, "dumb") != 0;
}

static bool is_utf8(void)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
    const char *name = getenv("LC_ALL");
    name = name && *name ? name : getenv("LC_CTYPE"); /* NOLINT(concurrency-mt-unsafe) */
    name = name && *name ? name : getenv("LANG");     /* NOLINT(concurrency-mt-unsafe) */
    return name && (strstr(name, "UTF-8") || strstr(name, "utf8") || strstr(name, "UTF8"));
}

struct str say_chart(struct arena *a, const double *value, size_t n)
{
    static const char *const drawn[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const typed[] = {"_", ".", "-", "=", "*", "#", "#", "#"};
    const char *const *const marks = is_utf8() ? drawn : typed;
    const double steps = is_utf8() ? 7 : 5;
    double most = 0;
    struct buf b;
    buf_init(&b, a, 4 * n + 1);
    for (size_t i = 0; i < n; i++) {
        most = value[i] > most ? value[i] : most;
    }
    for (size_t i = 0; i < n; i++) {
        const double share = most > 0 ? value[i] / most : 0;
        const char *const mark = isnan(value[i]) ? " "
                                                 : marks[(size_t)lround(fmax(share, 0) * steps)];
        buf_add(&b, str_of(mark));
    }
    return buf_str(&b);
}

struct str say_bar(struct arena *a, double share, size_t columns)
{
    const size_t n = isnan(share) ? 0 : (size_t)lround(fmin(fmax(share, 0), 1) * (double)columns);
    const char *const mark = is_utf8() ? "█" : "#";
    struct buf b;
    buf_init(&b, a, 4 * n + 1);
    for (size_t i = 0; i < n; i++) {
        buf_add(&b, str_of(mark));
    }
    return buf_str(&b);
}

struct str say_mark(double share)
{
    static const char *const drawn[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
    static const char *const typed[] = {" ", ".", "-", "=", "*", "#"};
    const double of = isnan(share) ? 0 : fmin(fmax(share, 0), 1);
    return str_of(is_utf8() ? drawn[lround(8 * of)] : typed[lround(5 * of)]);
}
