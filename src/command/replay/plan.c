#include "command/replay/plan.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/file.h"
#include "wire/json.h"

enum { PLAN_BYTES_MAX = 256 << 20 };

static const char *path_of(struct arena *a, struct str folder)
{
    return arena_printf(a, "%.*s/plan.json", STR_ARG(folder)).at;
}

static uint64_t number(yyjson_val *object, struct str name)
{
    return yyjson_get_uint(json_get(object, name));
}

static void read_lists(struct arena *a, yyjson_val *root, struct plan *p)
{
    yyjson_val *const cuts = json_get(root, S("cuts"));
    yyjson_val *const chunks = json_get(root, S("chunks"));
    yyjson_val *at = NULL;
    size_t i = 0, n = 0;
    p->cuts_n = yyjson_arr_size(cuts);
    p->chunks_n = yyjson_arr_size(chunks);
    p->cut = arena_array(a, struct plan_cut, p->cuts_n);
    p->chunk = arena_array(a, struct plan_chunk, p->chunks_n);
    yyjson_arr_foreach(cuts, i, n, at)
    {
        p->cut[i] = (struct plan_cut){arena_str(a, json_text(json_get(at, S("bus")))),
                                      arena_str(a, json_text(json_get(at, S("lane")))),
                                      number(at, S("from")), number(at, S("at"))};
    }
    yyjson_arr_foreach(chunks, i, n, at)
    {
        p->chunk[i] = (struct plan_chunk){yyjson_get_sint(json_get(at, S("received_us"))),
                                          arena_str(a, json_text(json_get(at, S("lane")))),
                                          number(at, S("position"))};
    }
}

enum outcome plan_read(struct arena *a, struct str folder, struct plan *p, struct failure *f)
{
    struct str text;
    yyjson_doc *doc = NULL;
    if (access(path_of(a, folder), F_OK) != 0) {
        return OK;
    }
    enum outcome result = file_read(a, path_of(a, folder), PLAN_BYTES_MAX, &text, f);
    result = result == OK ? json_read(a, text, &doc, f) : result;
    if (result != OK) {
        return result;
    }
    yyjson_val *const root = yyjson_doc_get_root(doc);
    if (!str_eq(json_text(json_get(root, S("key"))), p->key)) {
        return OK;
    }
    read_lists(a, root, p);
    p->done = number(root, S("done"));
    p->earlier = number(root, S("earlier"));
    p->counts = (struct plan_counts){number(root, S("stored")), number(root, S("dead")),
                                     number(root, S("unmapped")), number(root, S("ignored"))};
    p->is_made = true;
    return OK;
}

enum outcome plan_write(struct arena *a, struct str folder, const struct plan *p, struct failure *f)
{
    struct buf b;
    buf_init(&b, a, PLAN_BYTES_MAX);
    buf_add(&b, S("{\"key\":"));
    buf_add_json(&b, p->key);
    buf_printf(&b,
               ",\"done\":%zu,\"earlier\":%zu,\"stored\":%" PRIu64 ",\"dead\":%" PRIu64
               ",\"unmapped\":%" PRIu64 ",\"ignored\":%" PRIu64 ",\"cuts\":[",
               p->done, p->earlier, p->counts.stored, p->counts.dead, p->counts.unmapped,
               p->counts.ignored);
    for (size_t i = 0; i < p->cuts_n; i++) {
        const struct plan_cut *const c = &p->cut[i];
        buf_add(&b, i ? S(",{\"bus\":") : S("{\"bus\":"));
        buf_add_json(&b, c->bus);
        buf_add(&b, S(",\"lane\":"));
        buf_add_json(&b, c->lane);
        buf_printf(&b, ",\"from\":%" PRIu64 ",\"at\":%" PRIu64 "}", c->from, c->at);
    }
    buf_add(&b, S("],\"chunks\":["));
    for (size_t i = 0; i < p->chunks_n; i++) {
        const struct plan_chunk *const c = &p->chunk[i];
        buf_printf(&b, "%s{\"received_us\":%" PRId64 ",\"lane\":\"%.*s\",\"position\":%" PRIu64 "}",
                   i ? "," : "", c->received_us, STR_ARG(c->lane), c->position);
    }
    buf_add(&b, S("]}\n"));
    return file_replace(path_of(a, folder), buf_str(&b), 0600, f);
}
