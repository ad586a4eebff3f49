/* lane_dir.h - the lanes of an embedded bus on disk, as one process sees them.
 *
 * `<bus>/<stream>/<lane>/` holds the segments and the page. Opened once, kept until bus_close. */
#ifndef WEIR_BUS_LANE_DIR_H
#define WEIR_BUS_LANE_DIR_H

#include "bus/driver.h"
#include "bus/page.h"

struct writer;

struct lane_dir {
    struct lane lane;
    const char *path;
    struct lane_page *page;
    struct writer *writer; /* this process writes it; NULL: not (yet) */
};

/* State of the embedded driver. */
struct embedded {
    const struct config_bus *config;
    const char *path;
    struct bus_page *page;
    struct lane_dir *dir[BUS_LANES_MAX];
    size_t dirs_n;
    uint32_t lanes_seen; /* lanes_generation of the newest look at the folders */
    bool is_looked;
    bool is_visited; /* nothing is made */
};

/* The folder, its id and its page as they are: nothing is made. RETRY: there is none. */
enum outcome bus_dir_visit(struct arena *a, const struct config_bus *config, struct embedded *e,
                           char id[BUS_ID_BYTES], struct failure *f);
/* Make the bus's folder, its id and its page when they are not there; open them. */
enum outcome bus_dir_open(struct arena *a, const struct config_bus *config, struct embedded *e,
                          char id[BUS_ID_BYTES], struct failure *f);
void bus_dir_close(struct embedded *e);

/* Every lane that is on disk is in e->dir afterwards; cheap when none was made since. */
enum outcome lane_dirs_look(struct arena *a, struct embedded *e, struct failure *f);
/* *out is NULL when there is no such lane. */
enum outcome lane_dir_find(struct arena *a, struct embedded *e, struct lane lane,
                           struct lane_dir **out, struct failure *f);
/* The lane, made when it is not there, and its readers told. */
enum outcome lane_dir_make(struct arena *a, struct embedded *e, struct lane lane,
                           struct lane_dir **out, struct failure *f);

/* Damage was met at this position: the keeper of the bus looks there (upkeep.h, bus_mend). */
void lane_suspect(const struct lane_dir *dir, uint64_t position);

/* Tell the readers of a stream that there is something new. */
void bus_page_wake(struct bus_page *page, unsigned streams);

#endif
