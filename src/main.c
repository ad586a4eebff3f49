/* main.c - the command table, and nothing else. */
#include "command/command.h"
#include "command/commands.h"

static const struct command commands[] = {
    {"init", "write a configuration to start from", command_init, false},
    {"validate", "check a configuration", command_validate, false},
    {"run", "collect, transform and keep, until it is stopped", command_run, false},
    {"send", "post recorded payloads, signed", command_send, false},
    {"simulate", "make what a small organisation's tools would send", command_simulate, false},
    {"flush", "wait until all that was received is in lake and store", command_flush, false},
    {"query", "SQL over lake and tail, or over the store", command_query, false},
    {"status", "how weir does: agents, stages, what is kept", command_status, false},
    {"dead", "what could not be processed: list, show, retry, drop", command_dead, false},
    {"views", "SQL that folds the lake's facts, for other engines", command_views, false},
    {"verify", "check streams, lake and store against each other", command_verify, false},
    {"drivers", "what this binary was built with", command_drivers, false},
    {"configuration", "the reference of weir.yaml", command_configuration, true},
    {0},
};

int main(int argc, char **argv)
{
    return command_main(commands, argc, argv);
}
