/* commands.h - the commands of main.c's table; each is the file of its name. argv[0] is the name;
 * the result is an exit code (command.h). */
#ifndef WEIR_COMMAND_COMMANDS_H
#define WEIR_COMMAND_COMMANDS_H

int command_validate(int argc, char **argv);

#endif
