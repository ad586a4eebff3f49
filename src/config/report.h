/* report.h - the choices behind a report's figures: section `report` of the configuration. What the
 * command is told goes before them; what was chosen is printed with the figures. */
#ifndef WEIR_CONFIG_REPORT_H
#define WEIR_CONFIG_REPORT_H

#include "config/option.h"

enum report_median { REPORT_INTERPOLATED, REPORT_LOWER };
/* Where a change's lead time begins. */
enum report_lead { REPORT_COMMITTED, REPORT_AUTHORED, REPORT_PUSHED };

/* A change with one of the labels, or of one of the branches (globs), is a hotfix. */
struct config_hotfix {
    struct str_list labels, branches;
};

struct config_report {
    struct str zone;      /* in which days and weeks are cut: "UTC", "Europe/Rome"  */
    int median;           /* enum report_median: the mean of two middle values, or the lower */
    bool hides_people;    /* a hash stands for each name                            */
    bool leaves_bots;     /* commits and changes of bots do not count               */
    struct str_list bots; /* globs of their names, beside NAME[bot]                  */
    struct config_hotfix hotfix;
    int lead_from;            /* enum report_lead                                       */
    struct str_list failures; /* what shows that a deployment failed; none: every evidence that an
                                 incident has                                          */
};

extern const struct option report_options[];
/* As they are written, by their enum; NULL ends. And what may stand in `failures`. */
extern const char *const report_medians[], *const report_leads[], *const report_failures[];

#endif
