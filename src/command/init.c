/* init.c - a configuration to start from, which runs as it is. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/nearest.h"
#include "command/command.h"
#include "command/commands.h"

enum { SECRET_BYTES = 32, PATHS_BYTES_MAX = 1 << 16 };

static const char *const written[] = {"weir.yaml", "github.secret", "builds.token"};

static const char starter[] =
    "# weir.yaml - what weir collects, and where it keeps it.\n"
    "# `weir validate` checks it, `weir run` runs it, `kill -HUP` lets a running weir read it\n"
    "# again. Every setting that is not here has a default: docs/configuration.md.\n"
    "\n"
    "data: ./weir-data                    # everything weir keeps; one weir per data folder\n"
    "\n"
    "intake:\n"
    "  listen: 127.0.0.1:8080             # where signals come in; a list for several addresses\n"
    "  # tls: { certificate: cert.pem, key: key.pem }\n"
    "\n"
    "admin:\n"
    "  listen: 127.0.0.1:8081             # /livez /readyz /health /metrics\n"
    "\n"
    "agents:\n"
    "  github:                            # POST /hooks/github\n"
    "    type: github                     # in GitHub: Settings, Webhooks, JSON, and this secret:\n"
    "    secret: ${file:github.secret}\n"
    "  builds:                            # POST /hooks/builds\n"
    "    type: cdevents                   # CDEvents as CloudEvents; Authorization: Bearer TOKEN\n"
    "    token: ${file:builds.token}\n"
    "\n"
    "# services:                          # what a deployment or incident belongs to;\n"
    "#   shop:                            # without this: its repository\n"
    "#     repositories: [acme/shop, acme/shop-*]\n"
    "#     production: [production, prod]\n"
    "\n"
    "# collectors: ./collectors/*.yaml    # numbers read on time: weir init --collector postgres\n"
    "# lake: { flush: 5m, keep: forever } # Delta tables: Spark, Trino, DuckDB, polars read them\n"
    "# store: { type: sqlite }            # the rows as they stand, in one file\n"
    "# bus: { keep: 7d, disk_max: 20GiB } # the streams in between; raw signals stay in the lake\n"
    "# log: { level: info, format: text }\n";

/* One collector file a kind of source, by the source's name. */
static const struct {
    const char *kind, *text;
} starters[] = {
#include "starters.inc"
};

static enum outcome write_secret(struct arena *a, struct str folder, const char *name,
                                 struct failure *f)
{
    unsigned char bytes[SECRET_BYTES];
    char text[SECRET_BYTES * 2 + 1];
    const struct str path = arena_printf(a, "%.*s/%s", STR_ARG(folder), name);
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) {
        return failed_errno(f, RETRY, "make a secret");
    }
    hex_write(bytes, sizeof bytes, text);
    text[sizeof text - 1] = '\n';
    return file_replace(path.at, (struct str){text, sizeof text}, 0600, f);
}

/* A secret that is there may be the other side's already: nothing is ever overwritten. */
static enum outcome check_absent(struct arena *a, struct str folder, struct failure *f)
{
    struct buf there;
    buf_init(&there, a, PATHS_BYTES_MAX);
    for (size_t i = 0; i < sizeof written / sizeof *written; i++) {
        const struct str path = arena_printf(a, "%.*s/%s", STR_ARG(folder), written[i]);
        if (faccessat(AT_FDCWD, path.at, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
            buf_printf(&there, "%s%s", there.len ? ", " : "", path.at);
        }
    }
    return there.len == 0
               ? OK
               : failed(f, RETRY,
                        "already there: %.*s; nothing was changed. `weir validate` checks "
                        "what is there, `weir init DIR` begins in another folder",
                        STR_ARG(buf_str(&there)));
}

/* What was begun in vain is taken away again: none of it was there before. */
static void take_back(struct arena *a, struct str folder, bool is_new)
{
    for (size_t i = 0; i < sizeof written / sizeof *written; i++) {
        (void)unlink(arena_printf(a, "%.*s/%s", STR_ARG(folder), written[i]).at);
    }
    if (is_new) {
        (void)rmdir(arena_cstr(a, folder));
    }
}

static enum outcome init(struct arena *a, struct str folder, struct failure *f)
{
    const struct str path = arena_printf(a, "%.*s/weir.yaml", STR_ARG(folder));
    if (folder.len == 0) {
        return failed(f, RETRY, "DIR is empty: name a folder, or leave it away for this one");
    }
    enum outcome result = check_absent(a, folder, f);
    if (result != OK) {
        return result;
    }
    const bool is_new = access(arena_cstr(a, folder), F_OK) != 0;
    if (is_new) {
        result = file_make_dirs(arena_cstr(a, folder), f);
    }
    if (result == OK) {
        result = write_secret(a, folder, "github.secret", f);
    }
    if (result == OK) {
        result = write_secret(a, folder, "builds.token", f);
    }
    if (result == OK) {
        result = file_replace(path.at, str_of(starter), 0644, f);
    }
    if (result != OK) {
        take_back(a, folder, is_new);
    }
    return result;
}

/* A kind that there is not: what is nearest, or all there are. */
static enum outcome unknown_kind(struct arena *a, struct str kind, struct failure *f)
{
    struct nearest n = nearest_to(kind);
    struct buf all;
    buf_init(&all, a, PATHS_BYTES_MAX);
    for (size_t i = 0; i < sizeof starters / sizeof *starters; i++) {
        nearest_offer(&n, str_of(starters[i].kind));
        buf_printf(&all, "%s%s", i ? ", " : "", starters[i].kind);
    }
    const struct str near = nearest_found(&n);
    if (near.len > 0) {
        return failed(f, STOP, "there is no source %.*s; did you mean %.*s?", STR_ARG(kind),
                      STR_ARG(near));
    }
    return failed(f, STOP, "there is no source %.*s; there are %.*s", STR_ARG(kind),
                  STR_ARG(buf_str(&all)));
}

/* KIND.yaml in the folder, which is made where it is not there. */
static enum outcome init_collector(struct arena *a, struct str folder, struct str kind,
                                   struct str *path, struct failure *f)
{
    const char *text = NULL;
    for (size_t i = 0; i < sizeof starters / sizeof *starters; i++) {
        text = str_eq(kind, str_of(starters[i].kind)) ? starters[i].text : text;
    }
    if (!text) {
        return unknown_kind(a, kind, f);
    }
    *path = str_eq(folder, S("."))
                ? arena_printf(a, "%.*s.yaml", STR_ARG(kind))
                : arena_printf(a, "%.*s/%.*s.yaml", STR_ARG(folder), STR_ARG(kind));
    if (faccessat(AT_FDCWD, path->at, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        return failed(f, RETRY, "%s is already there; nothing was changed", path->at);
    }
    const enum outcome o = folder.len > 0 ? file_make_dirs(arena_cstr(a, folder), f)
                                          : failed(f, RETRY,
                                                   "DIR is empty: name a folder, or "
                                                   "leave it away for this one");
    return o == OK ? file_replace(path->at, str_of(text), 0644, f) : o;
}

int command_init(int argc, char **argv)
{
    struct str kind = {NULL, 0}, path = {NULL, 0};
    const struct flag flags[] = {
        {"collector", 0, FLAG_TEXT, &kind, "KIND",
         "write a commented collector file for that source: postgres, prometheus, http, files, "
         "command …"},
        {0},
    };
    const struct usage usage = {
        .name = "init",
        .words = "[DIR]",
        .about = "Write a commented weir.yaml, and the secrets it names in files that you alone "
                 "can read; or a collector's file. Never overwrites anything.",
        .flags = flags,
        .examples =
            "  weir init\n  weir init ./weir && weir run -c ./weir\n  weir init --collector "
            "postgres\n",
        .words_most = 1,
    };
    struct session s;
    struct failure f;
    if (!command_begin(&s, &usage, argc, argv)) {
        return s.status;
    }
    const struct str folder = str_of(s.words.n > 0 ? s.words.at[0] : ".");
    const enum outcome o = kind.at ? init_collector(&s.arena, folder, kind, &path, &f)
                                   : init(&s.arena, folder, &f);
    const bool is_here = str_eq(folder, S("."));
    if (o != OK) {
        (void)command_failed("init", &f);
        s.status = o == STOP && kind.at ? EXIT_USAGE : EXIT_NO;
    } else if (kind.at) {
        printf("wrote %.*s\nnext: weir validate -c %.*s\n", STR_ARG(path), STR_ARG(path));
    } else {
        printf("wrote %.*s/weir.yaml, github.secret, builds.token\nnext: weir run%s%.*s\n",
               STR_ARG(folder), is_here ? "" : " -c ", is_here ? 0 : (int)folder.len, folder.at);
    }
    return command_end(&s);
}
