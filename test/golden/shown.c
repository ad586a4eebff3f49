#include "golden/shown.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/hash.h"
#include "signal/member.h"
#include "signal/rank.h"
#include "test.h"
#include "wire/json.h"

enum { FILE_BYTES_MAX = 1 << 20 };

/* A rank for people: time and ordinal; its content's hash says nothing that the columns do not. */
static struct str rank_text(struct arena *a, struct str rank)
{
    unsigned char bytes[9];
    char text[CLOCK_TEXT_BYTES];
    uint64_t time = 0;
    assert_true(rank.len >= 18 && hex_read(str_sub(rank, 0, 18), bytes, sizeof bytes));
    for (size_t i = 0; i < 8; i++) {
        time = time << 8 | bytes[i];
    }
    const int64_t time_us = (int64_t)(time ^ UINT64_C(1) << 63);
    if (time_us < 0) { /* a time that runs backwards */
        return arena_printf(a, "%lld #%u", (long long)time_us, bytes[8]);
    }
    const size_t len = clock_text(time_us, text);
    return arena_printf(a, "%.*s #%u", (int)len, text, bytes[8]);
}

static bool is_of_arrival(struct str name)
{
    return str_eq(name, S("fact_id")) || str_eq(name, S("agent")) || str_eq(name, S("raw")) ||
           str_eq(name, S("received_at"));
}

static yyjson_mut_val *member_text(struct arena *a, yyjson_mut_doc *doc, yyjson_val *entry)
{
    struct member m;
    assert_true(member_read(json_text(entry), &m));
    const struct str text = arena_printf(a, "%.*s: %.*s, %s", STR_ARG(m.name), STR_ARG(m.value),
                                         rank_text(a, m.entry).at);
    return yyjson_mut_strncpy(doc, text.at, text.len);
}

static yyjson_mut_val *fact_json(struct arena *a, yyjson_mut_doc *doc, const struct signal *fact)
{
    yyjson_mut_val *const out = yyjson_mut_obj(doc);
    yyjson_doc *in = NULL;
    struct failure f = {0};
    size_t i = 0;
    size_t n = 0;
    yyjson_val *key = NULL;
    yyjson_val *value = NULL;
    assert_int_equal(json_read(a, fact->data, &in, &f), OK);
    yyjson_mut_obj_add_strncpy(doc, out, "model", fact->type.at + 10, fact->type.len - 10);
    yyjson_obj_foreach(yyjson_doc_get_root(in), i, n, key, value)
    {
        const struct str name = json_text(key);
        yyjson_mut_val *shown = yyjson_val_mut_copy(doc, value);
        if (is_of_arrival(name)) {
            continue;
        }
        if (str_ends(name, S("_rank"))) {
            const struct str rank = rank_text(a, json_text(value));
            shown = yyjson_mut_strncpy(doc, rank.at, rank.len);
        } else if (str_eq(name, S("verdicts")) || str_eq(name, S("attributes_by"))) {
            size_t entry_i = 0;
            size_t entries = 0;
            yyjson_val *entry = NULL;
            shown = yyjson_mut_arr(doc);
            yyjson_arr_foreach(value, entry_i, entries, entry)
            {
                yyjson_mut_arr_append(shown, member_text(a, doc, entry));
            }
        }
        yyjson_mut_obj_add(out, yyjson_mut_strncpy(doc, name.at, name.len), shown);
    }
    return out;
}

struct str shown(struct arena *a, const struct transform_out *out, bool is_of_models)
{
    static const char *const fates[] = {"stored", "unmapped", "ignored", "dead"};
    yyjson_mut_doc *const doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *const root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "fate", fates[out->fate]);
    if (out->fate == FATE_DEAD) {
        yyjson_mut_obj_add_str(doc, root, "pointer", out->why.pointer);
        yyjson_mut_obj_add_str(doc, root, "reason", out->why.text);
    } else if (out->fate != FATE_STORED) {
        yyjson_mut_obj_add_strncpy(doc, root, "name", out->name.at, out->name.len);
    } else {
        yyjson_mut_val *const facts = yyjson_mut_obj_add_arr(doc, root, "facts");
        for (size_t i = 0; i < out->facts_n; i++) {
            if (is_of_models && str_eq(out->fact[i].type, S("weir.fact.event"))) {
                continue;
            }
            yyjson_mut_arr_append(facts, fact_json(a, doc, out->fact + i));
        }
    }
    size_t len = 0;
    char *const text = yyjson_mut_write(doc, YYJSON_WRITE_PRETTY_TWO_SPACES, &len);
    const struct str copy = arena_printf(a, "%s\n", text);
    free(text);
    yyjson_mut_doc_free(doc);
    return copy;
}

bool is_wanted(struct arena *a, const char *folder, const char *name, struct str is)
{
    const struct str path = arena_printf(a, "%s/%s/want.json", folder, name);
    const char *const mode = getenv("WEIR_GOLDEN");
    struct str want;
    struct failure f = {0};
    if (mode && strcmp(mode, "write") == 0) {
        assert_int_equal(file_replace(path.at, is, 0644, &f), OK);
        return true;
    }
    if (file_read(a, path.at, FILE_BYTES_MAX, &want, &f) != OK) {
        fail_msg("%s", f.text);
    }
    if (str_eq(is, want)) {
        return true;
    }
    size_t at = 0;
    while (at < is.len && at < want.len && is.at[at] == want.at[at]) {
        at++;
    }
    print_message("%s differs from byte %zu on:\n%.200s\n-- wanted:\n%.200s\n", name, at,
                  is.at + at, want.at + at);
    return false;
}
