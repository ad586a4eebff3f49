#include "config/manual.h"

#include <stdio.h>

#include "config/collector_read.h"
#include "config/value.h"

enum { PREFIX_BYTES_MAX = 128 };

static const char head[] =
    "# Configuration\n\n"
    "Made from the option tables by `weir configuration`: change it there.\n\n"
    "YAML 1.2, in one file, a folder of `*.yaml` and `*.yml`, or a glob; several files are merged "
    "by section, and\nthe same name twice is an error that names both places. Without `-c`, weir "
    "looks for `./weir.yaml`, then\n`$XDG_CONFIG_HOME/weir/weir.yaml`, then "
    "`/etc/weir/weir.yaml`. `weir init` writes one to start from, `weir validate`\nchecks it, "
    "SIGHUP lets a running weir read it again.\n\n"
    "* `${NAME}`, `${NAME:-default}` and `${file:PATH}` in a value stand for the environment and "
    "for files, and are never\n  looked into again; `$${` is the text `${`. Keep secrets there: "
    "they are never printed.\n"
    "* Paths are relative to the file that they stand in; in a collector file to where weir was "
    "started.\n"
    "* Sizes take `KiB`, `MiB`, `GiB`; durations `ms`, `s`, `m`, `h`, `d`, and `forever` where "
    "the range allows it.\n"
    "* Anchors, aliases, merge keys, tags and a second document are refused; in collector files "
    "they are followed.\n"
    "* Every error of a run is told at once, with its place.\n";

static const char *type_name(enum option_type type)
{
    switch (type) {
    case OPTION_TEXT:
    case OPTION_DRIVER: return "text";
    case OPTION_PATH: return "path";
    case OPTION_SECRET: return "secret, or a list";
    case OPTION_LIST: return "text, or a list";
    case OPTION_BOOL: return "true, false";
    case OPTION_INT: return "number";
    case OPTION_SIZE: return "size";
    case OPTION_DURATION: return "duration";
    case OPTION_CHOICE: return "choice";
    case OPTION_SECTION: return "section";
    case OPTION_NAMED: return "sections by name";
    case OPTION_TEMPLATE: return "template";
    case OPTION_ITEMS: return "list of sections";
    case OPTION_PAIRS: return "texts by name";
    case OPTION_TREE: return "see below"; /* its reader is code of its own */
    }
    return "?";
}

static void add_range(struct buf *b, const struct option *o, const struct drivers *drivers)
{
    const struct section_type *const type = o->type == OPTION_DRIVER ? drivers->of[o->role] : NULL;
    if (o->least != 0 || o->most != 0) {
        char range[VALUE_RANGE_BYTES];
        value_range(o, range);
        buf_printf(b, ", %s", range);
    }
    for (size_t i = 0; o->words && o->words[i]; i++) {
        buf_printf(b, "%s`%s`", i == 0 ? ": " : ", ", o->words[i]);
    }
    for (size_t i = 0; type && type[i].name; i++) {
        buf_printf(b, "%s`%s`", i == 0 ? ": " : ", ", type[i].name);
    }
}

static void add_table(struct buf *b, const struct option *options, const char *prefix,
                      const struct drivers *drivers)
{
    for (const struct option *o = options; o->name; o++) {
        if (o->type == OPTION_SECTION) {
            char inner[PREFIX_BYTES_MAX];
            (void)snprintf(inner, sizeof inner, "%s%s%s", prefix, prefix[0] ? "." : "", o->name);
            add_table(b, o->section, inner, drivers);
            continue;
        }
        buf_printf(b, "| `%s%s%s` | %s", prefix, prefix[0] ? "." : "", o->name, type_name(o->type));
        add_range(b, o, drivers);
        if (!o->fallback) {
            buf_add(b, S(" | required"));
        } else {
            buf_printf(b, " | %s%s%s", o->fallback[0] ? "`" : "", o->fallback,
                       o->fallback[0] ? "`" : "");
        }
        buf_printf(b, " | %s |\n", o->about);
    }
}

static void begin_table(struct buf *b)
{
    buf_add(b, S("\n| key | what it wants | default | |\n|---|---|---|---|\n"));
}

static void add_types(struct buf *b, const struct option *o, const struct drivers *drivers)
{
    const struct section_type *const types = o->types ? o->types : drivers->of[o->role];
    for (const struct section_type *t = types; t->name; t++) {
        if (t->name[0]) {
            buf_printf(b, "\n### `%s` of type `%s`\n", o->name, t->name);
        }
        begin_table(b);
        add_table(b, t->options, "", drivers);
    }
}

/* Collectors: the same tables for a file of any dialect and for weir.yaml. */
static void add_collectors(struct buf *b, const struct drivers *drivers)
{
    static const struct option parts[] = {
        {"source", OPTION_NAMED, 0, .role = ROLE_SOURCE, .about = "what a collector reads"},
        {"sink", OPTION_NAMED, 0, .role = ROLE_SINK, .about = "where records go"},
        {0},
    };
    buf_add(b, S("\n## A collector\n\nA file of its own, or a section of `collectors` in "
                 "weir.yaml; docs/collectors.md tells how to begin, and what\na file that was "
                 "written for another program becomes.\n"));
    begin_table(b);
    add_table(b, collector_options, "", drivers);
    buf_add(b, S("\n## A sink\n\nA section of `sinks` in a collector, or in weir.yaml.\n"));
    begin_table(b);
    add_table(b, sink_options, "", drivers);
    for (const struct option *o = parts; o->name; o++) {
        buf_printf(b, "\n## `config` of a %s: %s\n\nIts keys match in any case.\n", o->name,
                   o->about);
        add_types(b, o, drivers);
    }
}

void config_manual(struct buf *to, const struct drivers *drivers)
{
    buf_add(to, str_of(head));
    buf_add(to, S("\n## At the top\n"));
    begin_table(to);
    for (const struct option *o = config_options; o->name; o++) {
        if (o->type != OPTION_SECTION && o->type != OPTION_NAMED) {
            const struct option one[] = {*o, {0}};
            add_table(to, one, "", drivers);
        }
    }
    for (const struct option *o = config_options; o->name; o++) {
        if (o->type != OPTION_SECTION && o->type != OPTION_NAMED) {
            continue;
        }
        buf_printf(to, "\n## `%s`: %s\n", o->name, o->about);
        if (o->type == OPTION_SECTION) {
            begin_table(to);
            add_table(to, o->section, "", drivers);
        } else {
            add_types(to, o, drivers);
        }
    }
    add_collectors(to, drivers);
}
