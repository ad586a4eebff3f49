#include "config/report.h"

#include <stddef.h>

const char *const report_medians[] = {
    [REPORT_INTERPOLATED] = "interpolated", [REPORT_LOWER] = "lower", NULL};
const char *const report_leads[] = {[REPORT_COMMITTED] = "committed",
                                    [REPORT_AUTHORED] = "authored",
                                    [REPORT_PUSHED] = "pushed",
                                    NULL};
const char *const report_failures[] = {"link", "fix",      "label", "artifact",
                                       "time", "rollback", NULL};

static const struct option hotfix_options[] = {
    {"labels", OPTION_LIST, offsetof(struct config_hotfix, labels), "hotfix",
     .about = "labels that make a change a hotfix, and its deployment rework"},
    {"branches", OPTION_LIST, offsetof(struct config_hotfix, branches), "hotfix/*",
     .about = "globs of its branch that do, of the form of those of `bots`"},
    {0},
};

const struct option report_options[] = {
    {"zone", OPTION_TEXT, offsetof(struct config_report, zone), "UTC",
     .about = "in which days, weeks and months begin, the days of `--from` and `--to` too: "
              "Europe/Rome"},
    {"median", OPTION_CHOICE, offsetof(struct config_report, median), "interpolated",
     .words = report_medians,
     .about = "of an even number of values: between the two, or the lower"},
    {"hash_people", OPTION_BOOL, offsetof(struct config_report, hides_people), "false",
     .about = "show a hash instead of each person's name"},
    {"leave_bots", OPTION_BOOL, offsetof(struct config_report, leaves_bots), "false",
     .about = "leave out what bots wrote"},
    {"bots", OPTION_LIST, offsetof(struct config_report, bots), "",
     .about =
         "globs of bots' names, beside all that are called NAME[bot]: `*-ci`; `*` is any text, `?` "
         "one letter, brackets are letters"},
    {"hotfix", OPTION_SECTION, offsetof(struct config_report, hotfix), .section = hotfix_options,
     .about = "which changes are hotfixes"},
    {"lead_from", OPTION_CHOICE, offsetof(struct config_report, lead_from), "committed",
     .words = report_leads,
     .about = "what begins the lead time of a commit: that it was committed, authored or pushed"},
    {"failures", OPTION_LIST, offsetof(struct config_report, failures), "",
     .words = report_failures,
     .about = "what shows that a deployment failed: evidence that an incident names it, or that a "
              "rollback came next; absent: every evidence of an incident"},
    {0},
};
