/* dora_html.h - the DORA figures as a page: five charts by week, every change, every service, and
 * the tables behind them. */
#ifndef WEIR_COMMAND_REPORT_DORA_HTML_H
#define WEIR_COMMAND_REPORT_DORA_HTML_H

#include "measure/dora.h"

struct dora_page {
    struct duck *duck; /* after dora_take, explained */
    struct arena *arena;
    const struct dora_wish *wish;
    int64_t complete_us; /* TIME_NONE: not known */
};

/* The whole page.
 *   returns OK | RETRY | REJECT more than a page can hold */
enum outcome dora_html(const struct dora_page *p, struct str *out, struct failure *f);

#endif
