/* main.c - the command table, and nothing else. */
#include "command/command.h"
#include "command/commands.h"

static const struct command commands[] = {
    {"init", "write a configuration to start from", command_init},
    {"validate", "check a configuration", command_validate},
    {"invoke", "run one collector once, and see what it gives", command_invoke},
    {"run", "collect, transform and keep, until it is stopped", command_run},
    {"send", "post recorded payloads, signed", command_send},
    {"simulate", "make what a small organisation's tools would send", command_simulate},
    {"flatten", "raw events of the older shape as CSV", command_flatten},
    {"flush", "wait until all that was received is in lake and store", command_flush},
    {"query", "SQL over lake and tail, or over the store", command_query},
    {"collectors", "when each collector ran and runs next, and what went wrong",
     command_collectors},
    {"backfill", "windows of a collector's past, collected by the running weir", command_backfill},
    {"report", "the figures of delivery: DORA", command_report},
    {"status", "how weir does: agents, stages, what is kept", command_status},
    {"top", "the same again and again: rates, lags, what is dead", command_top},
    {"tap", "signals as they pass, live", command_tap},
    {"explain", "one signal's whole life", command_explain},
    {"dead", "what could not be processed: list, show, retry, drop", command_dead},
    {"test", "run mappings on inputs, compare what they give", command_test},
    {"replay", "make the models anew from raw, under the present mappings", command_replay},
    {"views", "SQL that folds the lake's facts, for other engines", command_views},
    {"verify", "check streams, lake and store against each other", command_verify},
    {"backup", "copy streams, lake and store, while weir runs", command_backup},
    {"restore", "put a backup where the configuration wants it", command_restore},
    {"drivers", "what this binary was built with", command_drivers},
    {"configuration", "the reference of weir.yaml", command_configuration},
    {0},
};

int main(int argc, char **argv)
{
    return command_main(commands, argc, argv);
}
