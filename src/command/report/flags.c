#include "command/report/flags.h"
#include "command/screen.h"

#include <stdio.h>

/* Its index; -1: none of them. */
static int index_of(struct str word, const char *const *words)
{
    for (int i = 0; words[i]; i++) {
        if (str_eq(word, str_of(words[i]))) {
            return i;
        }
    }
    return -1;
}

static bool is_one(const char *name, struct str word, const char *const *words)
{
    if (index_of(word, words) >= 0) {
        return true;
    }
    screen_tell("weir report: --%s \"%.*s\": one of", name, STR_ARG(word));
    for (size_t i = 0; words[i]; i++) {
        screen_tell("%s %s", i == 0 ? "" : ",", words[i]);
    }
    screen_tell("\n");
    return false;
}

static struct str next(struct str *list)
{
    struct str rest;
    const struct str word = str_trim(str_cut(*list, ',', &rest));
    *list = rest;
    return word;
}

static bool is_both(const char *one, bool is_one, const char *other, bool is_other)
{
    if (is_one && is_other) {
        screen_tell("weir report: --%s or --%s, not both\n", one, other);
    }
    return is_one && is_other;
}

bool report_flags_check(const struct report_flags *r)
{
    bool is_right = !is_both("hash-people", r->hides_people, "with-names", r->shows_people) &&
                    !is_both("no-bots", r->leaves_bots, "with-bots", r->counts_bots);
    is_right = is_right && (r->median.len == 0 || is_one("median", r->median, report_medians));
    is_right = is_right &&
               (r->lead_from.len == 0 || is_one("lead-from", r->lead_from, report_leads));
    for (struct str left = r->failures; is_right && left.len > 0;) {
        is_right = is_one("failures", next(&left), report_failures);
    }
    return is_right;
}

static void list_of(struct arena *a, struct str text, struct str_list *out)
{
    size_t room = 0;
    if (text.len == 0) {
        return;
    }
    *out = (struct str_list){NULL, 0};
    while (text.len > 0) {
        const struct str word = next(&text);
        if (word.len > 0) {
            out->at = arena_more(a, out->at, out->n, &room, sizeof *out->at);
            out->at[out->n++] = word;
        }
    }
}

void report_flags_apply(struct arena *a, const struct report_flags *r, struct config_report *c)
{
    c->zone = r->zone.len > 0 ? r->zone : c->zone;
    c->median = r->median.len > 0 ? index_of(r->median, report_medians) : c->median;
    c->lead_from = r->lead_from.len > 0 ? index_of(r->lead_from, report_leads) : c->lead_from;
    c->hides_people = r->hides_people || (c->hides_people && !r->shows_people);
    c->leaves_bots = r->leaves_bots || (c->leaves_bots && !r->counts_bots);
    list_of(a, r->failures, &c->failures);
    list_of(a, r->hotfix_labels, &c->hotfix.labels);
    list_of(a, r->hotfix_branches, &c->hotfix.branches);
}
