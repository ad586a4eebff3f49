/* main.c - the command table, and nothing else. */
#include "command/command.h"
#include "command/commands.h"

static const struct command commands[] = {
    {"validate", "check a configuration", command_validate, false},
    {0},
};

int main(int argc, char **argv)
{
    return command_main(commands, argc, argv);
}
