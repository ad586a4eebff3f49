/* collector_read.h - trees of collectors into struct collector and struct sink_config. */
#ifndef WEIR_CONFIG_COLLECTOR_READ_H
#define WEIR_CONFIG_COLLECTOR_READ_H

#include "config/config.h"
#include "config/files.h"
#include "config/names.h"
#include "config/section.h"

/* A collector as it is written, and what is found out on the way. */
struct collector_written {
    const struct yaml *tree; /* a whole file, or a section of `collectors`            */
    struct str path;         /* what it is called in messages: "", or collectors.NAME */
    bool is_file;

    struct str name;
    struct {
        struct str type, strategy, column;
        int64_t overlap_ms, windows_max, windows_at_once;
    } collector;
    struct {
        struct str type;
        const struct yaml *config;
    } state_store;
    struct {
        struct str name, type, record;
        int64_t grain_ms;
        struct item_list tags; /* struct collector_tag */
    } metric;
    struct {
        int64_t interval_ms, jitter_ms, time_ms;
        struct str cron;
    } schedule;
    struct {
        struct str strategy;
        const struct yaml *type, *config;
    } source;
    const struct yaml *sinks;
    struct {
        struct str name, type, template;
    } transform;
};

/* `section.key` of the tree, or the section where the key is not written, or the whole. */
struct place collector_place(const struct collector_written *w, const char *section,
                             const char *key);
/* Whether `section.key` is written, and not empty; key NULL: the section. */
bool collector_has(const struct collector_written *w, const char *section, const char *key);
/* What the dialect's own program made of such a file, where weir makes something else. */
void collector_notes(const struct sections *s, const struct collector_written *w,
                     const struct collector *c);

/* The sinks of weir.yaml, and of all collectors, each once; fills collector.sink. */
struct sinks_reading;
struct sinks_reading *sinks_begin(const struct sections *s, const struct yaml *tree);
void sinks_add(struct sinks_reading *r, const struct sections *s, const struct collector_written *w,
               struct collector *c, size_t index);
/* How many there are so far, and back to so many: the collector of this index is left out. */
size_t sinks_so_far(const struct sinks_reading *r);
void sinks_back(struct sinks_reading *r, size_t n, size_t index);
void sinks_end(struct sinks_reading *r, const struct collectors *all, struct names *names,
               struct sink_list *out);

/* Give each its id, and enter them in the names. `tree` has the place of each. */
void collectors_name(const struct sections *s, const struct yaml *const *tree,
                     struct collectors *of, struct names *names);

/* The trees of collector files, and the sections `collectors` (a map, or NULL) and `sinks` of
 * weir.yaml. Everything wrong becomes a problem, or leaves its file out (files.h). */
void collectors_read(const struct sections *s, struct files_trees *trees, const struct yaml *inside,
                     const struct yaml *sinks, struct config *c);

/* The tables of one collector and of one sink, for the manual too. */
extern const struct option collector_options[], sink_options[];

#endif
