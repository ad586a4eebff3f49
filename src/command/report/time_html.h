/* time_html.h - two sections of the page: where the time of changes goes, and when in the week
 * deployments happen. */
#ifndef WEIR_COMMAND_REPORT_TIME_HTML_H
#define WEIR_COMMAND_REPORT_TIME_HTML_H

#include "measure/dora.h"

/* Of the figures over all; nothing where no change was deployed. */
void time_html_stages(struct buf *b, struct arena *a, const struct dora_figure *all);
/* After dora_take: by weekday and hour of the zone; nothing where nothing was deployed. */
enum outcome time_html_hours(struct buf *b, struct arena *a, struct duck *d, struct str zone,
                             struct failure *f);

#endif
