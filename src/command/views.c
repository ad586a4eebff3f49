/* views.c - SQL that folds the lake's facts into models, for other engines. */
#include <stdio.h>

#include "command/command.h"
#include "command/commands.h"
#include "command/screen.h"
#include "config/config.h"
#include "persist/view.h"
#include "wire/duckdb.h"

enum { SQL_BYTES_MAX = 4 << 20, CONFIG_BYTES_MAX = 64 << 20 };

/* How each engine reads a Delta table, and makes a view that may be made again. */
static const struct {
    const char *name, *head, *view;
} dialects[] = {
    [DIALECT_DUCKDB] = {"duckdb", "LOAD delta; -- INSTALL delta once\nSET TimeZone = 'UTC';\n",
                        "CREATE OR REPLACE VIEW"},
    [DIALECT_SPARK] = {"spark",
                       "SET spark.sql.session.timeZone = UTC;\n"
                       "SET spark.sql.ansi.enabled = true;\n",
                       "CREATE OR REPLACE TEMPORARY VIEW"},
    [DIALECT_TRINO] = {"trino",
                       "-- In a schema of the Delta Lake connector's catalogue, after "
                       "CALL system.register_table(schema, 'MODEL_table', place) for each.\n",
                       "CREATE OR REPLACE VIEW"},
};

static bool dialect_of(struct str name, enum dialect *out)
{
    for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++) {
        if (str_eq(name, str_of(dialects[i].name))) {
            *out = (enum dialect)i;
            return true;
        }
    }
    return false;
}

/* `name`, a backtick in it doubled. */
static void add_name(struct buf *b, struct str name)
{
    buf_add_byte(b, '`');
    for (size_t i = 0; i < name.len; i++) {
        buf_add(b, name.at[i] == '`' ? S("``") : str_sub(name, i, 1));
    }
    buf_add_byte(b, '`');
}

static void add_facts(struct buf *b, enum dialect d, struct str lake, const char *model)
{
    const struct str table = arena_printf(b->arena, "%.*s/%s", STR_ARG(lake), model);
    switch (d) {
    case DIALECT_DUCKDB:
        buf_add(b, S("SELECT * FROM delta_scan("));
        duck_add_literal(b, table);
        buf_add_byte(b, ')');
        break;
    case DIALECT_SPARK:
        buf_add(b, S("SELECT * FROM delta."));
        add_name(b, table);
        break;
    case DIALECT_TRINO: buf_printf(b, "SELECT * FROM %s_table", model); break;
    }
}

static void add_view(struct buf *b, enum dialect d, const char *model, const char *suffix)
{
    buf_printf(b, "%s %s%s AS\n", dialects[d].view, model, suffix);
}

static void add_views(struct buf *b, enum dialect d, struct str lake)
{
    buf_add(b, str_of(dialects[d].head));
    for (size_t i = 0; i < model_all_n; i++) {
        const struct model *const m = model_all[i];
        const struct str facts = arena_printf(b->arena, "%s_facts", m->name);
        buf_printf(b, "\n-- %s: %s\n", m->name, m->about);
        add_view(b, d, m->name, "_facts");
        add_facts(b, d, lake, m->name);
        buf_add(b, S(";\n"));
        add_view(b, d, m->name, "_history");
        view_add_history(b, m, d, facts);
        buf_add(b, S(";\n"));
        add_view(b, d, m->name, "_folded");
        view_add_folded(b, m, d, facts);
        buf_add(b, S(";\n"));
    }
    buf_add(b, S("\n-- with the columns that need other rows\n"));
    for (size_t i = 0; i < model_all_n; i++) {
        add_view(b, d, model_all[i]->name, "");
        view_add_model(b, model_all[i], d);
        buf_add(b, S(";\n"));
    }
}

static int check(void *of, const struct words *words)
{
    enum dialect dialect;
    const struct str name = *(const struct str *)of;
    (void)words;
    if (dialect_of(name, &dialect)) {
        return EXIT_DONE;
    }
    screen_tell("weir views: there is no dialect %.*s; there are duckdb, spark and trino\n",
                STR_ARG(name));
    return EXIT_USAGE;
}

int command_views(int argc, char **argv)
{
    struct str name = S("duckdb");
    const struct flag flags[] = {
        {"dialect", 'd', FLAG_TEXT, &name, "NAME", "duckdb (the default), spark or trino"},
        {0},
    };
    const struct usage usage = {
        .name = "views",
        .words = "",
        .about = "Print SQL that folds the lake's facts into models, for an engine that reads "
                 "Delta tables.",
        .flags = flags,
        .examples = "  weir views\n  weir views --dialect spark\n",
        .needs = NEEDS_CONFIG,
        .check = check,
        .of = &name,
        .memory_bytes_max = 8 * (size_t)SQL_BYTES_MAX + CONFIG_BYTES_MAX,
    };
    struct session s;
    struct buf sql;
    enum dialect dialect = DIALECT_DUCKDB;
    if (!command_begin(&s, &usage, argc, argv)) {
        return s.status;
    }
    (void)dialect_of(name, &dialect); /* checked */
    buf_init(&sql, &s.arena, SQL_BYTES_MAX);
    add_views(&sql, dialect, s.config->lake.path);
    (void)fwrite(buf_str(&sql).at, 1, buf_str(&sql).len, stdout);
    return command_end(&s);
}
