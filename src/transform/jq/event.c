/* An event that a mapping gave, with what it left to weir: release, version, id, source. */
#include "transform/jq/mapping.h"

#include "base/hash.h"
#include "base/nearest.h"
#include "transform/cdevents/table.h"

enum { ID_BYTES = 32 };

static struct str member(yyjson_val *object, const char *name)
{
    return json_text(yyjson_obj_get(object, name));
}

/* `change.created`, or the whole type with or without its version: without it. */
static struct str unversioned(struct str type)
{
    size_t dots = 0;
    size_t i = type.len;
    while (i > 0 && dots < 3) {
        dots += type.at[--i] == '.';
    }
    return str_sub(type, 0, i);
}

/* The id of a derived fact, as those of GitHub's mapping have it: the same fact told twice has one
 * id. The event's `key` tells apart what shares type, subject and time: the reviews of one second.
 */
static struct str id_of(struct arena *a, struct str type, yyjson_val *event, yyjson_val *context)
{
    const struct str kind = unversioned(type);
    const struct str subject = member(yyjson_obj_get(event, "subject"), "id");
    const struct str time = member(context, "timestamp");
    const struct str key = member(event, "key");
    const struct str text = arena_printf(a, "%.*s\n%.*s\n%.*s\n%.*s", STR_ARG(kind),
                                         STR_ARG(subject), STR_ARG(time), STR_ARG(key));
    unsigned char sha[SHA256_BYTES];
    char *const hex = arena_array(a, char, ID_BYTES);
    hash_sha256(text, sha);
    hex_write(sha, ID_BYTES / 2, hex);
    return (struct str){hex, ID_BYTES};
}

static void add_text(struct buf *b, const char *name, struct str text)
{
    if (text.len > 0) {
        buf_printf(b, ",\"%s\":", name);
        buf_add_json(b, text);
    }
}

/* All but one or two. */
static void add_members(struct arena *a, struct buf *b, yyjson_val *object, const char *but,
                        const char *nor)
{
    size_t i = 0;
    size_t n = 0;
    yyjson_val *key = NULL;
    yyjson_val *value = NULL;
    yyjson_obj_foreach(object, i, n, key, value)
    {
        if (!yyjson_equals_str(key, but) && !yyjson_equals_str(key, nor)) {
            buf_add_byte(b, ',');
            buf_add_json(b, json_text(key));
            buf_add_byte(b, ':');
            buf_add(b, json_write(a, value));
        }
    }
}

/* The event with its context whole. */
static struct str completed(const struct transform_in *in, yyjson_val *event)
{
    struct arena *const a = in->arena;
    yyjson_val *const context = yyjson_obj_get(event, "context");
    const struct str given = member(context, "type");
    const struct str type = cd_type_find(given) ? cdevents_type(a, given) : given;
    const bool has_release = yyjson_obj_get(context, "specversion") ||
                             yyjson_obj_get(context, "version");
    struct buf b;
    buf_init(&b, a, FACT_BYTES_MAX);
    buf_add(&b, S("{\"context\":{\"type\":"));
    buf_add_json(&b, type);
    add_text(&b, "specversion", has_release ? S("") : S("0.5.1"));
    if (!yyjson_obj_get(context, "id")) {
        add_text(&b, "id", id_of(a, type, event, context));
    }
    if (!yyjson_obj_get(context, "source")) {
        add_text(&b, "source", arena_printf(a, "/agents/%.*s", STR_ARG(in->raw->agent)));
    }
    add_members(a, &b, context, "type", NULL);
    buf_add_byte(&b, '}');
    add_members(a, &b, event, "context", "key");
    buf_add_byte(&b, '}');
    return buf_is_over(&b) ? S("") : buf_str(&b);
}

/* A short name that is none: what was meant, or NULL. */
static const char *mistyped(const struct transform_in *in, yyjson_val *event)
{
    const struct str given = member(yyjson_obj_get(event, "context"), "type");
    struct nearest near = nearest_to(given);
    if (given.len == 0 || str_starts(given, S("dev.")) || cd_type_find(given)) {
        return NULL;
    }
    for (size_t i = 0; i < cd_types_n; i++) {
        nearest_offer(&near, cd_types[i].name);
    }
    const struct str found = nearest_found(&near);
    return arena_printf(in->arena, "%s is no type of CDEvents%s%.*s%s", str_shown(given, 80).text,
                        found.len ? "; did you mean " : "", STR_ARG(found), found.len ? "?" : "")
        .at;
}

bool mapping_event(const struct transform_in *in, struct transform_out *out, yyjson_val *event,
                   size_t at, bool folds)
{
    const char *const meant = mistyped(in, event);
    if (meant) {
        const struct str type_at = arena_printf(in->arena, "/%zu/context/type", at);
        return transform_dead(out, type_at.at, "mapping: event: %s", meant);
    }
    yyjson_val *const key = yyjson_obj_get(event, "key");
    if (key && !yyjson_is_str(key)) {
        const struct str key_at = arena_printf(in->arena, "/%zu/key", at);
        return transform_dead(out, key_at.at, "mapping: event: key wants a text");
    }
    if (transform_cdevent(in, out, completed(in, event), folds)) {
        return true;
    }
    const struct failure why = out->why;
    const struct str pointer = arena_printf(in->arena, "/%zu%s", at, why.pointer);
    return transform_dead(out, pointer.at, "mapping: event: %s", why.text);
}
