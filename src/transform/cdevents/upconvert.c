#include "transform/cdevents/upconvert.h"

#include <assert.h>

#include "base/buf.h"
#include "base/clock.h"
#include "transform/cdevents/formats.h"

/* What may come of one byte of a text: a percent-encoded byte each three. */
enum { GROWTH_MAX = 6, ROOM_BYTES = 4096, EVENT_BYTES_MAX = 64 << 20 };

struct lift {
    struct arena *arena;
    const struct cd_event *event;
    struct str source;
    struct buf notes;
};

/* ---- notes ---- */

static void note(struct lift *l, const char *path, struct str name, struct str old,
                 const struct str *new)
{
    buf_add(&l->notes, l->notes.len ? S(",{\"pointer\":") : S("[{\"pointer\":"));
    buf_add_json(&l->notes, arena_printf(l->arena, "%s/%.*s", path, STR_ARG(name)));
    buf_add(&l->notes, S(",\"old\":"));
    buf_add_json(&l->notes, old);
    buf_add(&l->notes, S(",\"new\":"));
    if (new) {
        buf_add_json(&l->notes, *new);
    } else {
        buf_add(&l->notes, S("null"));
    }
    buf_add_byte(&l->notes, '}');
}

/* ---- values (events.md 1.8 C5, C6) ---- */

static struct str to_uri(struct lift *l, struct str old, bool is_needed)
{
    if (is_uri(old)) {
        return old;
    }
    const struct str resolved = old.len ? uri_resolve(l->arena, l->source, old) : old;
    if (resolved.len > 0 || !is_needed) {
        return resolved;
    }
    return arena_printf(l->arena, "urn:x-unresolved:%.*s",
                        STR_ARG(old.len ? uri_encode(l->arena, old) : S("-")));
}

struct str cd_outcome(struct arena *a, struct str old)
{
    static const struct {
        const char *outcome, *words;
    } meaning[] = {
        {"success", "success succeeded successful passed pass ok"},
        {"failure", "failure failed fail timed_out timedout timeout"},
        {"cancel", "cancel canceled cancelled aborted abort"},
        {"error", "error errored"},
    };
    if (old.len > 20) {
        return (struct str){NULL, 0};
    }
    char *const word = arena_cstr(a, old);
    for (size_t i = 0; i < old.len; i++) {
        word[i] = (char)(word[i] == '-'                     ? '_'
                         : word[i] >= 'A' && word[i] <= 'Z' ? word[i] - 'A' + 'a'
                                                            : word[i]);
    }
    for (size_t i = 0; i < sizeof meaning / sizeof *meaning; i++) {
        if (cd_words_hold(meaning[i].words, (struct str){word, old.len})) {
            return str_of(meaning[i].outcome);
        }
    }
    return (struct str){NULL, 0};
}

/* The value of 0.5.1; empty: the member is left out. */
static struct str changed(struct lift *l, const struct cd_member *m, struct str old)
{
    switch (m->change) {
    case CD_KEEP: break;
    case CD_TO_URI: return to_uri(l, old, cd_is_needed_in(m, CD_05));
    case CD_TO_OUTCOME: return cd_outcome(l->arena, old);
    case CD_TO_TEST_OUTCOME:
        return str_eq(old, S("pass")) ? S("success") : str_eq(old, S("fail")) ? S("failure") : old;
    }
    return old;
}

/* ---- objects ---- */

static void write_value(struct buf *b, struct arena *a, yyjson_val *v)
{
    if (yyjson_is_str(v)) {
        buf_add_json(b, json_text(v));
    } else {
        buf_add(b, json_write(a, v));
    }
}

/* Writes `"name":`, after a comma unless it is the object's first member. */
static void write_name(struct buf *b, struct str name)
{
    if (b->len && b->at[b->len - 1] != '{') {
        buf_add_byte(b, ',');
    }
    buf_add_json(b, name);
    buf_add_byte(b, ':');
}

static void write_content(struct lift *l, struct buf *b, const struct cd_shape *shape,
                          yyjson_val *object, const char *path)
{
    size_t i = 0;
    size_t n = 0;
    yyjson_val *key = NULL;
    yyjson_val *v = NULL;
    buf_add_byte(b, '{');
    yyjson_obj_foreach(object, i, n, key, v)
    {
        const struct str name = json_text(key);
        const struct cd_member *const m = cd_member_find(shape, l->event->release, name);
        if (m && m->rule == CD_OBJECT) {
            write_name(b, m->name);
            write_content(l, b, m->shape, v,
                          arena_printf(l->arena, "%s/%.*s", path, STR_ARG(name)).at);
            continue;
        }
        if (!m || m->change == CD_KEEP) {
            write_name(b, m ? m->name : name);
            write_value(b, l->arena, v);
            continue;
        }
        const struct str old = json_text(v);
        const struct str new = changed(l, m, old);
        if (!str_eq(old, new) || new.len == 0) {
            note(l, path, name, old, new.len ? &new : NULL);
        }
        if (new.len) {
            write_name(b, m->name);
            buf_add_json(b, new);
        }
    }
    buf_add_byte(b, '}');
}

/* Links of 0.4.0, whose names had underscores; nodes and tags are open and keep theirs. */
static void write_links(struct lift *l, struct buf *b, yyjson_val *v, bool is_tags)
{
    size_t i = 0;
    size_t n = 0;
    yyjson_val *key = NULL;
    yyjson_val *item = NULL;
    if (yyjson_is_arr(v)) {
        buf_add_byte(b, '[');
        yyjson_arr_foreach(v, i, n, item)
        {
            buf_add(b, i ? S(",") : S(""));
            write_links(l, b, item, is_tags);
        }
        buf_add_byte(b, ']');
    } else if (yyjson_is_obj(v) && !is_tags) {
        buf_add_byte(b, '{');
        yyjson_obj_foreach(v, i, n, key, item)
        {
            const struct str name = cd_camel(json_text(key));
            write_name(b, name);
            write_links(l, b, item, str_eq(name, S("tags")));
        }
        buf_add_byte(b, '}');
    } else {
        write_value(b, l->arena, v);
    }
}

/* ---- the event ---- */

static void lift_type(struct lift *l, struct cd_lifted *out)
{
    const struct cd_event *const e = l->event;
    out->type = e->type_text;
    if (e->type == &cd_custom_type) {
        /* 0.4.0's own had no version: `dev.cdeventsx.tool-subject.predicate` */
        const bool has_version = cd_is_custom_type(e->type_text, false);
        out->type = has_version ? e->type_text
                                : arena_printf(l->arena, "%.*s.0.0.0", STR_ARG(e->type_text));
    } else if (e->release != CD_05) {
        out->type = cdevents_type(l->arena, e->type->name);
    }
    struct str rest = out->type;
    (void)str_cut(rest, '.', &rest); /* dev */
    (void)str_cut(rest, '.', &rest); /* cdevents, cdeventsx */
    out->subject_type = str_cut(rest, '.', &rest);
    out->predicate = str_cut(rest, '.', &rest);
}

/* What 0.5.1 may want for it; `more` beside each member: an address that was relative gets the
 * event's source before it. */
static size_t room_for(yyjson_val *v, size_t more)
{
    size_t room = yyjson_get_len(v) * GROWTH_MAX + 64;
    size_t i = 0;
    size_t n = 0;
    yyjson_val *key = NULL;
    yyjson_val *item = NULL;
    if (yyjson_is_obj(v)) {
        room = 64;
        yyjson_obj_foreach(v, i, n, key, item)
        {
            room += yyjson_get_len(key) * GROWTH_MAX + more + room_for(item, more);
        }
    } else if (yyjson_is_arr(v)) {
        room = 64;
        yyjson_arr_foreach(v, i, n, item)
        {
            room += room_for(item, more);
        }
    }
    return room;
}

static void write_text(struct buf *b, struct str name, struct str text)
{
    if (text.len) {
        write_name(b, name);
        buf_add_json(b, text);
    }
}

static void write_json(struct buf *b, struct str name, struct str json)
{
    if (json.len) {
        write_name(b, name);
        buf_add(b, json);
    }
}

struct str cd_write(struct arena *a, const struct cd_lifted *up)
{
    struct buf b;
    buf_init(&b, a, EVENT_BYTES_MAX);
    buf_add(&b, S("{\"context\":{\"specversion\":\"0.5.1\""));
    write_text(&b, S("id"), up->id);
    write_text(&b, S("source"), up->source);
    write_text(&b, S("type"), up->type);
    write_text(&b, S("timestamp"), up->timestamp);
    write_text(&b, S("schemaUri"), up->schema_uri);
    write_text(&b, S("chainId"), up->chain_id);
    write_json(&b, S("links"), up->links);
    buf_add(&b, S("},\"subject\":{"));
    write_text(&b, S("id"), up->subject_id);
    write_text(&b, S("source"), up->subject_source);
    write_json(&b, S("content"), up->content);
    buf_add_byte(&b, '}');
    write_json(&b, S("customData"), up->custom_data);
    write_text(&b, S("customDataContentType"), up->custom_data_type);
    buf_add_byte(&b, '}');
    return buf_is_over(&b) ? (struct str){NULL, 0} : buf_str(&b);
}

void cd_lift(struct arena *a, const struct cd_event *e, struct cd_lifted *out)
{
    struct lift l = {.arena = a, .event = e};
    yyjson_val *const links = yyjson_obj_get(e->context, "links");
    yyjson_val *const custom = yyjson_obj_get(e->root, "customData");
    yyjson_val *const chain = yyjson_obj_get(e->context, "chainId");
    l.source = json_text(yyjson_obj_get(e->context, "source"));
    const bool is_old = e->release != CD_05;
    const size_t room = is_old ? room_for(e->content, GROWTH_MAX * l.source.len) + ROOM_BYTES : 0;
    struct buf content;
    struct buf links_text;
    buf_init(&l.notes, a, 4 * room + ROOM_BYTES); /* pointer, old, new, and what stands around */
    l.notes.len_max += GROWTH_MAX * e->version.len;
    *out = (struct cd_lifted){
        .id = json_text(yyjson_obj_get(e->context, "id")),
        .source = l.source,
        .timestamp = json_text(yyjson_obj_get(e->context, "timestamp")),
        .schema_uri = json_text(yyjson_obj_get(e->context, "schemaUri")),
        .chain_id = json_text(chain ? chain : yyjson_obj_get(e->context, "chain_id")),
        .subject_id = json_text(yyjson_obj_get(e->subject, "id")),
        .subject_source = json_text(yyjson_obj_get(e->subject, "source")),
        .custom_data_type = json_text(yyjson_obj_get(e->root, "customDataContentType")),
    };
    const bool is_time = clock_parse(out->timestamp, &out->time_us);
    assert(is_time); /* it is valid */
    lift_type(&l, out);
    if (e->is_by_type) {
        note(&l, "/context", is_old ? S("version") : S("specversion"), e->version, &S("0.5.1"));
    }
    if (is_old) {
        buf_init(&content, a, room);
        write_content(&l, &content, e->type->content, e->content, "/subject/content");
        assert(!buf_is_over(&content));
        out->content = buf_str(&content);
    } else {
        out->content = json_write(a, e->content);
    }
    if (links && e->is_040) {
        buf_init(&links_text, a, room_for(links, 0) + ROOM_BYTES);
        write_links(&l, &links_text, links, false);
        assert(!buf_is_over(&links_text));
        out->links = buf_str(&links_text);
    } else if (links) {
        out->links = json_write(a, links);
    }
    out->custom_data = custom ? json_write(a, custom) : (struct str){NULL, 0};
    if (l.notes.len) {
        buf_add_byte(&l.notes, ']');
        assert(!buf_is_over(&l.notes));
        out->notes = buf_str(&l.notes);
    }
}
