/* reload.h - another configuration for a weir that runs, whole or not at all, but for files of
 * collectors that are left out (config/files.h): those are logged.
 *
 * What is wrong is logged, and the configuration before stays in force. What cannot change under a
 * running weir (`data`, `bus.type`, `bus.path`) is refused; all the rest takes effect. */
#ifndef WEIR_ORCHESTRATE_RELOAD_H
#define WEIR_ORCHESTRATE_RELOAD_H

#include "orchestrate/children.h"
#include "orchestrate/orchestrate.h"

/* What a configuration brings into force, and what of the one before it replaces. */
struct setup {
    const struct config *config; /* the first one is the caller's, later ones stand in `arena` */
    struct arena arena[2];       /* of the one in force, of the one that is read               */
    int turn;
    struct doors intake, admin;
};

/* Open the doors of the first configuration that `all` serve. returns OK | STOP none was opened */
enum outcome setup_open(struct setup *now, const struct config *config, const struct children *all,
                        struct failure *f);
void setup_close(struct setup *now);

/* Keep what collectors and sinks of the configuration in force are called. Where it fails the log
 * says so: a file that comes or goes may then give them other names. */
void setup_keep_names(const struct setup *now);

/* Read the configuration again and move `all` over to it.
 *   returns true: it is in force | false: it was refused */
bool reload(const struct orchestrate *o, struct setup *now, struct children *all);

#endif
