#include "base/clock.h"

#include <stdio.h>
#include <time.h>

/* 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z: what every reader of a timestamp can hold. */
#define FIRST_S INT64_C(-62135596800)
#define LAST_S INT64_C(253402300799)

struct clock_date {
    int year, month, day; /* month and day count from 1 */
};

static int64_t set_us = TIME_NONE, set_mono_us;

static int64_t read_us(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * SECOND_US + t.tv_nsec / 1000;
}

int64_t clock_now_us(void)
{
    return set_us != TIME_NONE ? set_us : read_us(CLOCK_REALTIME);
}

int64_t clock_mono_us(void)
{
    return set_us != TIME_NONE ? set_mono_us : read_us(CLOCK_MONOTONIC);
}

void clock_set(int64_t now_us)
{
    const int64_t passed_us = now_us == TIME_NONE ? 0 : now_us - clock_now_us();
    set_mono_us = clock_mono_us() + (passed_us > 0 ? passed_us : 0);
    set_us = now_us;
}

void clock_step(int64_t by_us)
{
    set_us += by_us;
}

/* Howard Hinnant's days_from_civil and civil_from_days (chrono-compatible low-level date
 * algorithms): a year that begins in March, eras of 400 years. Days from 1970-01-01 to a date. */
static int64_t clock_days(struct clock_date d)
{
    const int64_t y = d.month <= 2 ? (int64_t)d.year - 1 : d.year;
    const int64_t era = (y >= 0 ? y : y - 399) / 400;
    const int64_t year_of_era = y - era * 400;
    const int64_t day_of_year = (153 * (d.month + (d.month > 2 ? -3 : 9)) + 2) / 5 + d.day - 1;
    const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
                               day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* The UTC date of an instant. */
static struct clock_date clock_date_of(int64_t time_us)
{
    const int64_t z = floor_div(time_us, DAY_US) + 719468;
    const int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    const int64_t day_of_era = z - era * 146097;
    const int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 -
                                 day_of_era / 146096) /
                                365;
    const int64_t day_of_year = day_of_era -
                                (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t m = (5 * day_of_year + 2) / 153;
    const int month = (int)(m < 10 ? m + 3 : m - 9);
    return (struct clock_date){(int)(year_of_era + era * 400 + (month <= 2)), month,
                               (int)(day_of_year - (153 * m + 2) / 5 + 1)};
}

/* `n` decimal digits of `number`, zeros first. */
static void put_digits(char *to, size_t n, unsigned number)
{
    while (n > 0) {
        to[--n] = (char)('0' + number % 10);
        number /= 10;
    }
}

size_t clock_text(int64_t time_us, char out[CLOCK_TEXT_BYTES])
{
    const struct clock_date d = clock_date_of(time_us);
    const int64_t in_day = time_us - floor_div(time_us, DAY_US) * DAY_US;
    const unsigned s = (unsigned)(in_day / SECOND_US);
    /* Every fact holds several times: by hand this takes a tenth of what snprintf does. */
    char rest[] = "-MM-DDTHH:MM:SS.uuuuuuZ";
    put_digits(rest + 1, 2, (unsigned)d.month);
    put_digits(rest + 4, 2, (unsigned)d.day);
    put_digits(rest + 7, 2, s / 3600);
    put_digits(rest + 10, 2, s / 60 % 60);
    put_digits(rest + 13, 2, s % 60);
    put_digits(rest + 16, 6, (unsigned)(in_day % SECOND_US));
    size_t len = 4;
    if (d.year >= 0 && d.year <= 9999) {
        put_digits(out, 4, (unsigned)d.year);
    } else {
        len = (size_t)snprintf(out, CLOCK_TEXT_BYTES - sizeof rest, "%04d", d.year);
    }
    memcpy(out + len, rest, sizeof rest);
    return len + sizeof rest - 1;
}

/* The next n digits as a number; false when they are not all digits. */
static bool digits(struct str *s, size_t n, int *out)
{
    int value = 0;
    for (size_t i = 0; i < n; i++) {
        const unsigned digit = i < s->len ? (unsigned)(s->at[i] - '0') : 10;
        if (digit > 9) {
            return false;
        }
        value = value * 10 + (int)digit;
    }
    *out = value;
    *s = (struct str){s->at + n, s->len - n};
    return true;
}

static bool skip(struct str *s, char wanted)
{
    if (s->len == 0 || s->at[0] != wanted) {
        return false;
    }
    *s = (struct str){s->at + 1, s->len - 1};
    return true;
}

static bool parse_date(struct str *s, struct clock_date *d)
{
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (!digits(s, 4, &d->year) || !skip(s, '-') || !digits(s, 2, &d->month) || !skip(s, '-') ||
        !digits(s, 2, &d->day)) {
        return false;
    }
    const bool is_leap = (d->year % 4 == 0 && d->year % 100 != 0) || d->year % 400 == 0;
    return d->month >= 1 && d->month <= 12 && d->day >= 1 &&
           d->day <= month_days[d->month - 1] + (d->month == 2 && is_leap);
}

static bool parse_fraction(struct str *s, int64_t *us)
{
    int64_t scale = SECOND_US;
    *us = 0;
    if (!skip(s, '.')) {
        return true;
    }
    size_t n = 0;
    while (n < s->len && s->at[n] >= '0' && s->at[n] <= '9') {
        scale /= 10;
        *us += scale * (s->at[n] - '0');
        n++;
    }
    *s = str_sub(*s, n, s->len);
    return n > 0;
}

static bool parse_offset(struct str *s, int *minutes)
{
    *minutes = 0;
    if (skip(s, 'Z') || skip(s, 'z')) {
        return true;
    }
    const int sign = skip(s, '+') ? 1 : skip(s, '-') ? -1 : 0;
    int hour = 0;
    int minute = 0;
    if (sign == 0 || !digits(s, 2, &hour) || !skip(s, ':') || !digits(s, 2, &minute) || hour > 23 ||
        minute > 59) {
        return false;
    }
    *minutes = sign * (hour * 60 + minute);
    return true;
}

bool clock_parse(struct str text, int64_t *out_us)
{
    struct clock_date d;
    int hour = 0;
    int minute = 0;
    int second = 0;
    int offset = 0;
    int64_t fraction = 0;
    if (!parse_date(&text, &d) || !(skip(&text, 'T') || skip(&text, 't')) ||
        !digits(&text, 2, &hour) || !skip(&text, ':') || !digits(&text, 2, &minute) ||
        !skip(&text, ':') || !digits(&text, 2, &second) || !parse_fraction(&text, &fraction) ||
        !parse_offset(&text, &offset) || text.len != 0) {
        return false;
    }
    const int utc_minute = ((hour * 60 + minute - offset) % 1440 + 1440) % 1440;
    if (hour > 23 || minute > 59 || second > 60 || (second == 60 && utc_minute != 1439)) {
        return false;
    }
    const int64_t seconds = clock_days(d) * 86400 + (int64_t)(hour * 60 + minute - offset) * 60 +
                            second;
    if (seconds < FIRST_S || seconds > LAST_S) {
        return false;
    }
    *out_us = seconds * SECOND_US + fraction;
    return true;
}

bool clock_parse_day(struct str text, int64_t *out_us)
{
    char whole[CLOCK_TEXT_BYTES];
    const struct str midnight = S("T00:00:00Z");
    if (text.len != sizeof "2026-03-07" - 1) {
        return clock_parse(text, out_us);
    }
    memcpy(whole, text.at, text.len);
    memcpy(whole + text.len, midnight.at, midnight.len);
    return clock_parse((struct str){whole, text.len + midnight.len}, out_us);
}
