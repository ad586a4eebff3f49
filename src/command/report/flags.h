/* flags.h - what the command line says of the choices behind a report; it goes before the
 * configuration. */
#ifndef WEIR_COMMAND_REPORT_FLAGS_H
#define WEIR_COMMAND_REPORT_FLAGS_H

#include "base/arena.h"
#include "config/report.h"

/* Empty: as the configuration has it. Lists have commas. */
struct report_flags {
    struct str zone, median, lead_from, failures, hotfix_labels, hotfix_branches;
    bool hides_people, shows_people, leaves_bots, counts_bots;
};

/* false: it said on stderr what is wrong. */
bool report_flags_check(const struct report_flags *r);
/* After the check. */
void report_flags_apply(struct arena *a, const struct report_flags *r, struct config_report *c);

#endif
