/* names.h - what collectors and sinks are called, kept in DATA/names.json.
 *
 * Files that know nothing of each other may use one name; what is called how is then told apart by
 * all of them together. Once given it stays: a file that comes or goes renames nobody, for state,
 * cursors, dead letters and series go by these names. Whoever reads a configuration reads them; the
 * orchestrator alone writes them, once it is in force. */
#ifndef WEIR_CONFIG_NAMES_H
#define WEIR_CONFIG_NAMES_H

#include "base/arena.h"
#include "base/failure.h"

struct sections;

/* A collector, as it was met: the name as it is written, and in which file (absolute). */
struct named_collector {
    struct str id, name, file;
};
/* A sink, by one that writes to it: what it is called in that collector's section `sinks`. */
struct named_sink {
    struct str name, written, collector;
};
/* `name` goes on from the cursor of `of`: that of a part of it, or with it in itself. */
struct named_heir {
    struct str name, of;
    bool has_joined;
};

struct names {
    struct arena *arena;
    struct str data, path;
    struct named_collector *collector;
    struct named_sink *sink;
    struct named_heir *heir;
    size_t collectors_n, collectors_room, sinks_n, sinks_room, heirs_n, heirs_room;
};

/* Those of this data folder; none where it does not exist, or may not be read. What is damaged is
 * a problem. */
struct names *names_read(const struct sections *s, struct str data);

/* The entry of this collector in this sink's section; NULL: it is not known. */
const struct named_sink *names_sink(const struct names *n, struct str written,
                                    struct str collector);
/* In place of what is said of the same until now. */
void names_put_collector(struct names *n, const struct named_collector *c);
void names_put_sink(struct names *n, const struct named_sink *sink);
void names_add_heir(struct names *n, const struct named_heir *h);

/* DATA/sinks/NAME.json: how far this sink has come. */
struct str sink_cursors_path(struct arena *a, struct str data, struct str name);

/* Write them, durably, unless they stand there so.
 *   returns OK | RETRY disk full | STOP rights */
enum outcome names_keep(const struct names *n, struct failure *f);

#endif
