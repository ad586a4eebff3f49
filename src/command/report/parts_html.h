/* parts_html.h - a report of parts as a page: a card a figure, each part as an open table, its
 * columns as html_table tells them. */
#ifndef WEIR_COMMAND_REPORT_PARTS_HTML_H
#define WEIR_COMMAND_REPORT_PARTS_HTML_H

#include "command/report/parts.h"

struct parts_page {
    struct duck *duck; /* after the report's take */
    struct arena *arena;
    const struct parts *of;
    const struct window *window;
    int64_t complete_us; /* TIME_NONE: not known */
};

/* The whole page.
 *   returns OK | RETRY | REJECT more than a page can hold */
enum outcome parts_html(const struct parts_page *p, struct str *out, struct failure *f);

#endif
