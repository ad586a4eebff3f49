/* html.h - a page of a report: one file, no script, no network.
 *
 * Whatever came from outside goes through html_add, also into attributes; nothing else writes it.
 */
#ifndef WEIR_COMMAND_REPORT_HTML_H
#define WEIR_COMMAND_REPORT_HTML_H

#include "base/buf.h"
#include "wire/duckdb.h"

#define HTML_BYTES_MAX ((size_t)512 << 20)

/* Escaped for text and for a quoted attribute; a control character becomes U+FFFD. */
void html_add(struct buf *b, struct str text);
/* The address may be followed: it begins with http:// or https://. */
bool html_is_link(struct str url);

/* What a page begins with. */
struct html_head {
    const char *subject, *kicker; /* "Delivery", "delivery · production"   */
    struct str about;             /* after the days: "4 services"; escaped */
    int64_t from_us, to_us;
    int64_t complete_us; /* TIME_NONE: not known */
};

/* Up to and with <main>, and the patterns that shapes use; and the end. */
void html_begin(struct buf *b, const struct html_head *h);
void html_end(struct buf *b);

/* A table that opens when asked; to the right what is a number. A column `*_s` is told as a span,
 * `*_rate` as a percentage, `*_at` as a time in UTC. A column `url` is not shown: the first cell
 * leads there. */
struct html_table {
    const char *title, *sql; /* one SELECT of texts, integers, reals */
    bool is_open;            /* from the start                       */
};

/* With its number of rows; says "none" where there is none, and how many are not shown where there
 * are more than a page can bear. */
enum outcome html_table(struct buf *b, struct duck *d, const struct html_table *t,
                        struct failure *f);

#endif
