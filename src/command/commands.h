/* commands.h - the commands of main.c's table; each is the file of its name. argv[0] is the name;
 * the result is an exit code (command.h). */
#ifndef WEIR_COMMAND_COMMANDS_H
#define WEIR_COMMAND_COMMANDS_H

int command_backfill(int argc, char **argv);
int command_backup(int argc, char **argv);
int command_collectors(int argc, char **argv);
int command_configuration(int argc, char **argv);
int command_dead(int argc, char **argv);
int command_drivers(int argc, char **argv);
int command_flatten(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_flush(int argc, char **argv);
int command_init(int argc, char **argv);
int command_query(int argc, char **argv);
int command_report(int argc, char **argv);
int command_replay(int argc, char **argv);
int command_restore(int argc, char **argv);
int command_run(int argc, char **argv);
int command_status(int argc, char **argv);
int command_send(int argc, char **argv);
int command_simulate(int argc, char **argv);
int command_top(int argc, char **argv);
int command_test(int argc, char **argv);
int command_tap(int argc, char **argv);
int command_invoke(int argc, char **argv);
int command_validate(int argc, char **argv);
int command_verify(int argc, char **argv);
int command_views(int argc, char **argv);

#endif
