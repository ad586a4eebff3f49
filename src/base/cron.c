#include "base/cron.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/duration.h"
#include "base/zone.h"

enum {
    ZONE_ARENA_BYTES_MAX = 1 << 20,
    FIELDS_N = 5,
    YEARS_MAX = 8 /* 29 February, over a year 2100 */,
    NAME_BYTES = 3
};

enum { MINUTE, HOUR, DAY, MONTH, WEEKDAY };

struct field {
    uint64_t set; /* bit n: n is in it                        */
    bool is_any;  /* `*` or `?`: nothing is restricted        */
    bool is_star; /* begins with `*`: follows the real clock  */
};

struct cron {
    struct zone zone;
    int64_t every_us; /* @every; 0: by fields */
    struct field field[FIELDS_N];
};

static const struct limits {
    const char *name;
    unsigned least, most;
    const char *names; /* of three letters each, from `least` on; NULL: none */
} limits[FIELDS_N] = {
    {"minute", 0, 59, NULL},
    {"hour", 0, 23, NULL},
    {"day", 1, 31, NULL},
    {"month", 1, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"},
    {"weekday", 0, 6, "SUNMONTUEWEDTHUFRISAT"},
};

static const struct {
    struct str name, means;
} descriptors[] = {
    {STR("@yearly"), STR("0 0 1 1 *")},  {STR("@annually"), STR("0 0 1 1 *")},
    {STR("@monthly"), STR("0 0 1 * *")}, {STR("@weekly"), STR("0 0 * * 0")},
    {STR("@daily"), STR("0 0 * * *")},   {STR("@midnight"), STR("0 0 * * *")},
    {STR("@hourly"), STR("0 * * * *")},
};

/* ---- parsing ---- */

static bool number_of(const struct limits *l, struct str text, unsigned *out)
{
    uint64_t number = 0;
    for (unsigned i = 0; l->names && text.len == NAME_BYTES && i <= l->most - l->least; i++) {
        if (str_eq_nocase(text, (struct str){l->names + (size_t)NAME_BYTES * i, NAME_BYTES})) {
            *out = l->least + i;
            return true;
        }
    }
    if (!str_to_u64(text, &number) || number < l->least || number > l->most) {
        return false;
    }
    *out = (unsigned)number;
    return true;
}

static enum outcome wrong(const struct limits *l, struct str part, struct failure *f)
{
    return failed(f, REJECT,
                  "%s is %.*s; it wants %u-%u%s, `*`, a range a-b, a step a/n, or several "
                  "by comma",
                  l->name, STR_ARG(part), l->least, l->most, l->names ? " or names" : "");
}

/* The first word, and what follows it in *rest: cut at blanks of any number and kind. */
static struct str cut_word(struct str text, struct str *rest)
{
    const size_t space = str_find(text, ' '), tab = str_find(text, '\t');
    const size_t end = space < tab ? space : tab;
    *rest = str_trim(str_sub(text, end, text.len));
    return str_sub(text, 0, end);
}

/* One part of a list: `*`, `5`, `1-5`, each perhaps with a step. */
static enum outcome parse_part(const struct limits *l, struct str part, struct field *to,
                               struct failure *f)
{
    struct str step_text, until_text;
    const struct str range = str_cut(part, '/', &step_text);
    const bool has_step = range.len < part.len;
    unsigned from = l->least, until = l->most;
    uint64_t step = 1;
    if (has_step && (!str_to_u64(step_text, &step) || step == 0)) {
        return failed(f, REJECT, "%s is %.*s; a step is a whole number above 0", l->name,
                      STR_ARG(part));
    }
    if (!str_eq(range, S("*")) && !str_eq(range, S("?"))) {
        const struct str first = str_cut(range, '-', &until_text);
        const bool is_range = first.len < range.len;
        if (!number_of(l, first, &from) || (is_range && !number_of(l, until_text, &until))) {
            return wrong(l, part, f);
        }
        until = !is_range && !has_step ? from : until;
    } else {
        to->is_any = to->is_any || step == 1;
    }
    if (from > until) {
        return failed(f, REJECT, "%s is %.*s; a range goes upwards", l->name, STR_ARG(part));
    }
    for (uint64_t n = from; n <= until; n += step) {
        to->set |= UINT64_C(1) << n;
    }
    return OK;
}

static enum outcome parse_field(const struct limits *l, struct str text, struct field *to,
                                struct failure *f)
{
    enum outcome result = OK;
    struct str rest = text;
    *to = (struct field){.is_star = text.at[0] == '*'};
    for (bool is_more = true; is_more && result == OK;) {
        const size_t comma = str_find(rest, ',');
        is_more = comma < rest.len;
        result = parse_part(l, str_sub(rest, 0, comma), to, f);
        rest = str_sub(rest, comma + 1, rest.len);
    }
    return result;
}

/* Whether there is a year with one of these days in one of these months. */
static bool ever_comes(const struct cron *c)
{
    static const unsigned days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    for (unsigned month = 1; month <= 12; month++) {
        for (unsigned day = 1; (c->field[MONTH].set >> month & 1) && day <= days[month - 1];
             day++) {
            if (c->field[DAY].set >> day & 1) {
                return true;
            }
        }
    }
    return !c->field[WEEKDAY].is_any;
}

static enum outcome parse_fields(struct cron *c, struct str text, struct failure *f)
{
    struct str word[FIELDS_N], rest = text;
    enum outcome result = OK;
    size_t n = 0;
    for (; rest.len > 0; n++) {
        word[n < FIELDS_N ? n : FIELDS_N - 1] = cut_word(rest, &rest);
    }
    if (n != FIELDS_N) {
        return failed(f, REJECT,
                      "%.*s has %zu field%s; it wants five: minute hour day month weekday",
                      STR_ARG(text), n, n == 1 ? "" : "s");
    }
    for (size_t i = 0; i < FIELDS_N && result == OK; i++) {
        result = parse_field(&limits[i], word[i], &c->field[i], f);
    }
    if (result == OK && !ever_comes(c)) {
        return failed(f, REJECT, "%.*s never comes: no such day in these months", STR_ARG(text));
    }
    return result;
}

static enum outcome parse_descriptor(struct cron *c, struct str text, struct failure *f)
{
    struct str rest;
    if (str_eq(cut_word(text, &rest), S("@every"))) {
        int64_t us = 0;
        if (!duration_go(rest, &us) || us <= 0) {
            return failed(f, REJECT, "%.*s: a duration such as 90s or 1h30m follows @every",
                          STR_ARG(text));
        }
        c->every_us = us < SECOND_US ? SECOND_US : us / SECOND_US * SECOND_US;
        return OK;
    }
    for (size_t i = 0; i < sizeof descriptors / sizeof *descriptors; i++) {
        if (str_eq(text, descriptors[i].name)) {
            return parse_fields(c, descriptors[i].means, f);
        }
    }
    return failed(f, REJECT,
                  "%.*s is not known; there are @hourly @daily @midnight @weekly @monthly @yearly "
                  "@annually and @every DURATION",
                  STR_ARG(text));
}

enum outcome cron_parse(struct arena *a, struct str text, struct cron **out, struct failure *f)
{
    struct cron *const c = arena_new(a, struct cron);
    struct str rest = str_trim(text);
    if (str_starts(rest, S("TZ=")) || str_starts(rest, S("CRON_TZ="))) {
        const struct str zone = cut_word(rest, &rest);
        (void)str_cut(zone, '=', &c->zone.name);
        if (c->zone.name.len == 0 || !zone_is_known(a, c->zone.name)) {
            return failed(f, REJECT,
                          "the time zone %.*s is not known; names are such as Europe/Berlin or UTC",
                          STR_ARG(c->zone.name));
        }
    }
    if (rest.len == 0) {
        return failed(f, REJECT,
                      "it is empty; it wants five fields: minute hour day month weekday");
    }
    const enum outcome result = rest.at[0] == '@' ? parse_descriptor(c, rest, f)
                                                  : parse_fields(c, rest, f);
    *out = c;
    return result;
}

/* ---- the next one ---- */

static bool has(const struct field *field, int number)
{
    return field->set >> (unsigned)number & 1;
}

/* Of day and weekday either counts when both are restricted. */
static bool is_day(const struct cron *c, const struct tm *tm)
{
    const bool by_day = has(&c->field[DAY], tm->tm_mday);
    const bool by_weekday = has(&c->field[WEEKDAY], tm->tm_wday);
    const bool are_both = !c->field[DAY].is_any && !c->field[WEEKDAY].is_any;
    return has(&c->field[MONTH], tm->tm_mon + 1) &&
           (are_both ? by_day || by_weekday : by_day && by_weekday);
}

/* By the real clock, minute by minute; days and hours that do not count are passed over. */
static time_t next_real(const struct cron *c, time_t after)
{
    time_t at = after - after % 60 + 60;
    for (const time_t end = after + (time_t)YEARS_MAX * 366 * 86400; at < end;) {
        struct tm tm = zone_local(at);
        if (!is_day(c, &tm)) {
            const struct tm midnight = {
                .tm_year = tm.tm_year, .tm_mon = tm.tm_mon, .tm_mday = tm.tm_mday + 1};
            at = zone_utc(midnight);
        } else if (!has(&c->field[HOUR], tm.tm_hour)) {
            at += (time_t)60 * (60 - tm.tm_min); /* clocks change at full hours, or at half ones */
            at -= zone_local(at).tm_min >= 30 && tm.tm_min < 30 ? 30 * 60 : 0;
        } else if (!has(&c->field[MINUTE], tm.tm_min)) {
            at += 60;
        } else {
            return at;
        }
    }
    return at;
}

/* The first time of that local day behind `after`; 0: there is none. */
static time_t next_of_day(const struct cron *c, const struct tm *day, time_t after)
{
    for (int hour = 0; hour < 24; hour++) {
        for (int minute = 0; has(&c->field[HOUR], hour) && minute < 60; minute++) {
            if (!has(&c->field[MINUTE], minute)) {
                continue;
            }
            const time_t at = zone_utc((struct tm){.tm_year = day->tm_year,
                                                   .tm_mon = day->tm_mon,
                                                   .tm_mday = day->tm_mday,
                                                   .tm_hour = hour,
                                                   .tm_min = minute});
            if (at > after) {
                return at;
            }
        }
    }
    return 0;
}

/* By the calendar: each local time once, whatever the clocks do. */
static time_t next_local(const struct cron *c, time_t after)
{
    const struct tm first = zone_local(after);
    time_t at = 0;
    for (int i = 0; i < YEARS_MAX * 366 && at == 0; i++) {
        struct tm day = {
            .tm_year = first.tm_year, .tm_mon = first.tm_mon, .tm_mday = first.tm_mday + i};
        (void)timegm(&day); /* into range, and its weekday */
        at = is_day(c, &day) ? next_of_day(c, &day, after) : 0;
    }
    return at;
}

enum cron_kind cron_kind(const struct cron *c)
{
    return c->every_us > 0                                      ? CRON_EVERY
           : c->field[MINUTE].is_star || c->field[HOUR].is_star ? CRON_REAL
                                                                : CRON_LOCAL;
}

int64_t cron_next_us(const struct cron *c, int64_t begun_us, int64_t after_us)
{
    if (c->every_us > 0) {
        const int64_t past = after_us >= begun_us ? (after_us - begun_us) / c->every_us + 1 : 1;
        return begun_us + past * c->every_us;
    }
    struct zone zone = c->zone;
    struct arena a; /* of the call: this is asked as long as weir runs */
    const time_t after = (time_t)(after_us / SECOND_US - (after_us % SECOND_US < 0));
    arena_init(&a, ZONE_ARENA_BYTES_MAX);
    zone_enter(&a, &zone);
    const time_t at = cron_kind(c) == CRON_REAL ? next_real(c, after) : next_local(c, after);
    zone_leave(&zone);
    arena_close(&a);
    return at * SECOND_US;
}
