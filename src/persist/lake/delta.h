/* delta.h - a table of the lake: what its Delta log says, and the commit that moves it on.
 *
 * A table is a folder of Parquet files and `_delta_log/`, one JSON file a commit, made only if it
 * does not exist yet. Its state is the replay of the log: live files, and for each application
 * (`weir/<bus id>/<stream>/<lane>`) up to where the table holds everything. Rows and that position
 * move in one commit: exactly once.
 *   source  Delta Transaction Log Protocol, reader version 1, writer version 2 */
#ifndef WEIR_PERSIST_LAKE_DELTA_H
#define WEIR_PERSIST_LAKE_DELTA_H

#include "base/buf.h"
#include "persist/lake/files.h"

struct delta_file {
    struct str path;             /* below the table's folder, decoded                          */
    struct str line;             /* the add action as it stands in the log                      */
    struct str day;              /* `2026/03/07` of its partition values; empty: not partitioned */
    struct str checksum, schema; /* tags: XXH3-128 of the bytes; delta_schema_tag when written */
    int64_t bytes, rows, modified_ms;
    int64_t written_us; /* as it counts for retention: tidy.c notes it                */
    bool is_gone;       /* removed from the disk too                                  */
    bool is_damaged;    /* seen to be: no merge may carry it on under a new checksum  */
    int64_t removed_ms; /* 0: live                                                    */
};

struct delta_txn {
    struct str app;
    int64_t version;
};

/* A table as of `version`; -1: it does not exist. */
struct delta {
    const struct files *files;
    struct str table;    /* name of its folder                                           */
    struct arena *arena; /* of everything here                                           */
    int64_t version, checkpoint;
    int64_t created_ms;
    struct str id, schema;    /* metaData; schema: the Spark struct as JSON                   */
    struct str metadata;      /* the action as it stands in the log                           */
    struct str begins;        /* where the streams began when it was made; empty: with them    */
    struct str bounded;       /* columns that its files have bounds of; empty: it does not say  */
    struct str configuration; /* metaData's, an object as JSON; empty: none                  */
    struct delta_file *file;
    size_t files_n, files_room;
    uint32_t *slot; /* files by path: index + 1, 0 empty                             */
    size_t slots_n;
    struct delta_txn *txn;
    size_t txns_n, txns_room;
};

/* A commit being written: lines of actions, and what must still hold when it is made. */
struct delta_commit {
    const char *operation; /* commitInfo */
    struct buf actions;
    struct delta_move {
        struct str app;
        int64_t from, to; /* from -1: there is none yet                                   */
    } *move;
    size_t moves_n;
    bool is_first;             /* there is no table yet          */
    const struct str *removed; /* paths that must still be live */
    size_t removed_n;
};

/* The table as it stands, from the newest snapshot that weir left and the commits behind it.
 *   returns OK (version -1: no table) | RETRY | STOP the log is damaged, lacks a commit before its
 *   newest, or was made by something newer */
enum outcome delta_open(struct arena *a, const struct files *files, struct str table,
                        struct delta *out, struct failure *f);
/* Replay what others have committed since. */
enum outcome delta_update(struct delta *l, struct failure *f);
/* The newest commit that was replayed is still there.
 *   returns OK | RETRY | STOP somebody took the table away, or put another in its place */
enum outcome delta_is_there(const struct delta *l, struct failure *f);
/* Make the commit the next version, replaying what came between.
 *   returns OK | RETRY nothing was committed; cause FENCED: a position was moved or a file removed
 *   by another */
enum outcome delta_commit(struct delta *l, const struct delta_commit *c, struct failure *f);

/* So many commits stand behind the newest checkpoint that another one is due. */
bool delta_wants_checkpoint(const struct delta *l);
/* Up to where the table holds an application's records; -1: it says nothing of it. */
int64_t delta_txn(const struct delta *l, struct str app);
/* The live or removed file of this path, or NULL. */
struct delta_file *delta_find(const struct delta *l, struct str path);
/* 8 hex digits that name a schema, for files' tags. */
void delta_schema_tag(struct str schema, char out[8]);

/* The state as lines of actions, from which a checkpoint is made. Files removed before `since_ms`
 * are left out. */
void delta_snapshot(const struct delta *l, int64_t since_ms, struct buf *out);

/* What a table's metaData says of `begins` and `bounded`, in its configuration. */
#define DELTA_BEGINS "weir.begins"
#define DELTA_BOUNDED "delta.dataSkippingStatsColumns"

/* One remove action as a line. */
void delta_add_remove(struct buf *out, struct str path, int64_t now_ms, bool is_change);

/* `_delta_log/00000000000000000042<suffix>` of a table, and weir's own snapshot of a version: what
 * a checkpoint holds, as lines of actions, so that replaying needs no Parquet. */
struct str delta_name(const struct delta *l, struct arena *a, int64_t version, const char *suffix);
struct str delta_snapshot_name(const struct delta *l, struct arena *a, int64_t version);
/* The version that a key in `_delta_log` is named by: a commit's, a checkpoint's, a snapshot's; -1:
 * none. */
int64_t delta_version_of(struct str key);

#endif
