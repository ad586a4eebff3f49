/* head.h - the first line of a report on a terminal: of what, which days, how complete. */
#ifndef WEIR_COMMAND_REPORT_HEAD_H
#define WEIR_COMMAND_REPORT_HEAD_H

#include "command/ask.h"
#include "measure/window.h"

/* "NAME, 23 Aug to 22 Nov 2026, 13 weeks   complete to 14:02:11 UTC": two lines where one is too
 * narrow. After window_settle. */
void head_print(const struct ask *q, struct arena *a, const struct window *w, const char *name);

#endif
