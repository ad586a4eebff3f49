/* main.c - the command table, and nothing else. */
#include "command/command.h"

static const struct command commands[] = {
    {0},
};

int main(int argc, char **argv)
{
    return command_main(commands, argc, argv);
}
