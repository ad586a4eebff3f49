#include "transform/cdevents/validate.h"

#include "base/buf.h"
#include "base/clock.h"
#include "transform/cdevents/choose.h"
#include "transform/cdevents/formats.h"

enum {
    POINTER_BYTES_MAX = 199, /* what struct failure keeps, less its zero byte */
    FAULTS_MAX = 5,          /* told in one sentence                          */
    VALUE_BYTES_MAX = 80     /* of one that is wrong                          */
};

/* From the root to the value being checked. */
struct place {
    const struct place *up; /* NULL: the root */
    struct str key;         /* of an object; at == NULL: `index` of an array */
    size_t index;
};

struct check {
    struct arena *arena;
    const struct cd_event *event;
    struct buf text;  /* the sentence            */
    struct str first; /* pointer of the first fault */
    size_t faults_n;
};

static void check_object(struct check *c, const struct place *at, const struct cd_shape *shape,
                         yyjson_val *object);

/* ---- saying what is wrong ---- */

static void write_pointer(struct buf *b, const struct place *at)
{
    if (!at) {
        return;
    }
    write_pointer(b, at->up);
    if (at->key.at) {
        json_add_key(b, at->key);
    } else {
        buf_printf(b, "/%zu", at->index);
    }
}

static void fault(struct check *c, const struct place *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void fault(struct check *c, const struct place *at, const char *format, ...)
{
    struct buf pointer;
    c->faults_n++;
    if (c->faults_n > FAULTS_MAX) {
        return;
    }
    buf_init(&pointer, c->arena, POINTER_BYTES_MAX);
    write_pointer(&pointer, at);
    if (c->faults_n == 1) {
        c->first = buf_str(&pointer);
    } else {
        buf_printf(&c->text, "; %.*s: ", STR_ARG(buf_str(&pointer)));
    }
    va_list args;
    va_start(args, format);
    char text[400];
    const int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buf_add(&c->text, (struct str){text, len < (int)sizeof text ? (size_t)len : sizeof text - 1});
}

/* ---- texts ---- */

static const char *kind_of(yyjson_val *v)
{
    return yyjson_is_str(v)    ? "text"
           : yyjson_is_obj(v)  ? "an object"
           : yyjson_is_arr(v)  ? "an array"
           : yyjson_is_bool(v) ? "true or false"
           : yyjson_is_null(v) ? "null"
                               : "a number";
}

static bool is_text(struct check *c, const struct place *at, yyjson_val *v)
{
    if (!yyjson_is_str(v)) {
        fault(c, at, "must be text, is %s", kind_of(v));
    }
    return yyjson_is_str(v);
}

static enum cd_rule rule_in(const struct cd_member *m, enum cd_release r)
{
    return r != CD_05 && m->rule_before != CD_SAME ? m->rule_before : m->rule;
}

/* A text of this format. */
static void check_format(struct check *c, const struct place *at, yyjson_val *v,
                         const struct cd_member *m)
{
    const struct str text = json_text(v);
    const enum cd_rule rule = rule_in(m, c->event->release);
    const char *wanted = NULL;
    int64_t time_us = 0;
    if (!is_text(c, at, v)) {
        return;
    }
    if (rule == CD_TEXT1) {
        if (text.len == 0) {
            fault(c, at, "must not be empty");
        }
    } else if (rule == CD_TIME) {
        wanted = clock_parse(text, &time_us) ? NULL
                                             : "a time like 2026-11-22T05:53:00.123Z in "
                                               "the years 1900 to 9999 of UTC";
    } else if (rule == CD_URI || rule == CD_URI1) {
        wanted = is_uri(text) ? NULL : "an absolute URI";
    } else if (rule == CD_URI_REFERENCE1) {
        wanted = text.len && is_uri_reference(text) ? NULL : "a URI or a relative reference";
    }
    if (wanted) {
        fault(c, at, "\"%s\" is not %s", str_shown(text, VALUE_BYTES_MAX).text, wanted);
    }
}

static void check_words(struct check *c, const struct place *at, yyjson_val *v,
                        const struct cd_member *m)
{
    const bool is_old = c->event->release != CD_05 && m->words_before;
    const char *const words = is_old ? m->words_before : m->words;
    if (is_text(c, at, v) && !cd_words_hold(words, json_text(v))) {
        fault(c, at, "\"%s\" is not one of %s", str_shown(json_text(v), VALUE_BYTES_MAX).text,
              words);
    }
}

/* subject.type: the type's own word; of a custom type what stands before the predicate, which the
 * schema leaves free but for its form. */
static void check_kind(struct check *c, const struct place *at, yyjson_val *v)
{
    const struct str text = json_text(v);
    const struct str kind = c->event->type->kind;
    if (!is_text(c, at, v)) {
        return;
    }
    if (kind.len) {
        if (!str_eq(text, kind)) {
            fault(c, at, "\"%s\" is not %s, as the type says",
                  str_shown(text, VALUE_BYTES_MAX).text, str_shown(kind, VALUE_BYTES_MAX).text);
        }
        return;
    }
    if (!cd_is_custom_kind(text)) {
        fault(c, at, "\"%s\" is not of the form tool-subject",
              str_shown(text, VALUE_BYTES_MAX).text);
    }
}

/* ---- arrays and objects ---- */

static void check_texts(struct check *c, const struct place *at, yyjson_val *v)
{
    size_t i = 0;
    size_t n = 0;
    yyjson_val *item = NULL;
    if (!yyjson_is_arr(v)) {
        fault(c, at, "must be an array of texts, is %s", kind_of(v));
        return;
    }
    yyjson_arr_foreach(v, i, n, item)
    {
        (void)is_text(c, &(struct place){at, {NULL, 0}, i}, item);
    }
}

static void check_links(struct check *c, const struct place *at, yyjson_val *v)
{
    size_t i = 0;
    size_t n = 0;
    yyjson_val *item = NULL;
    if (!yyjson_is_arr(v)) {
        fault(c, at, "must be an array of links, is %s", kind_of(v));
        return;
    }
    yyjson_arr_foreach(v, i, n, item)
    {
        const struct place here = {at, {NULL, 0}, i};
        yyjson_val *type = yyjson_obj_get(item, "linkType");
        type = !type && c->event->is_040 ? yyjson_obj_get(item, "link_type") : type;
        const struct cd_shape *const shape = cd_link_shape(json_text(type));
        if (!yyjson_is_obj(item)) {
            fault(c, &here, "must be a link, is %s", kind_of(item));
        } else if (!shape) {
            fault(c, &(struct place){&here, S("linkType"), 0},
                  "is not one of PATH, RELATION and END");
        } else {
            check_object(c, &here, shape, item);
        }
    }
}

static void check_value(struct check *c, const struct place *at, const struct cd_member *m,
                        yyjson_val *v)
{
    switch (rule_in(m, c->event->release)) {
    case CD_SAME:
    case CD_TEXT:
    case CD_TEXT1:
    case CD_TIME:
    case CD_URI:
    case CD_URI1:
    case CD_URI_REFERENCE1: check_format(c, at, v, m); break;
    case CD_WORDS: check_words(c, at, v, m); break;
    case CD_TEXTS: check_texts(c, at, v); break;
    case CD_OBJECT:
    case CD_ANY:
        if (!yyjson_is_obj(v)) {
            fault(c, at, "must be an object, is %s", kind_of(v));
        } else if (m->shape) {
            check_object(c, at, m->shape, v);
        }
        break;
    case CD_LINKS: check_links(c, at, v); break;
    case CD_CUSTOM:
        if (!yyjson_is_obj(v) && !yyjson_is_str(v)) {
            fault(c, at, "must be an object or base64 text, is %s", kind_of(v));
        }
        break;
    case CD_KIND: check_kind(c, at, v); break;
    }
}

static void fault_unknown(struct check *c, const struct place *at, const struct cd_shape *shape)
{
    struct buf known;
    buf_init(&known, c->arena, 300);
    for (size_t i = 0; i < shape->n; i++) {
        if (cd_is_in(&shape->member[i], c->event->release)) {
            buf_add(&known, known.len ? S(", ") : S(""));
            buf_add(&known, cd_name_in(&shape->member[i], c->event->release));
        }
    }
    fault(c, at, "is not known to CDEvents %s here; known: %.*s",
          cd_release_name(c->event->release), STR_ARG(known.len ? buf_str(&known) : S("nothing")));
}

/* Members in the order of the event, then what is missing in the order of the table. */
static void check_object(struct check *c, const struct place *at, const struct cd_shape *shape,
                         yyjson_val *object)
{
    uint32_t seen = 0;
    size_t i = 0;
    size_t n = 0;
    yyjson_val *key = NULL;
    yyjson_val *value = NULL;
    yyjson_obj_foreach(object, i, n, key, value)
    {
        const struct place here = {at, json_text(key), 0};
        const struct str name = c->event->is_040 ? cd_camel(here.key) : here.key;
        const struct cd_member *const m = cd_member_find(shape, c->event->release, name);
        if (!m && !shape->is_open) {
            fault_unknown(c, &here, shape);
        }
        if (!m) {
            continue;
        }
        const uint32_t bit = UINT32_C(1) << (m - shape->member);
        if (seen & bit) {
            fault(c, &here, "stands twice");
        }
        seen |= bit;
        check_value(c, &here, m, value);
    }
    for (i = 0; i < shape->n; i++) {
        if (cd_is_needed_in(&shape->member[i], c->event->release) && !(seen & (UINT32_C(1) << i))) {
            const struct str name = cd_name_in(&shape->member[i], c->event->release);
            fault(c, &(struct place){at, name, 0}, "is missing");
        }
    }
}

enum outcome cd_validate(struct arena *a, yyjson_val *root, struct cd_event *out, struct failure *f)
{
    enum outcome result = cd_choose(root, out, f);
    if (result != OK) {
        return result;
    }
    struct check c = {.arena = a, .event = out};
    buf_init(&c.text, a, sizeof f->text);
    const struct place context = {NULL, S("context"), 0};
    const struct place subject = {NULL, S("subject"), 0};
    check_object(&c, NULL, out->type->event, root);
    out->subject = yyjson_obj_get(root, "subject");
    out->content = yyjson_obj_get(out->subject, "content");
    if (yyjson_is_obj(out->content)) {
        check_object(&c, &(struct place){&subject, S("content"), 0}, out->type->content,
                     out->content);
    }
    if (out->type == &cd_custom_type && !cd_is_custom_type(out->type_text, out->is_040)) {
        fault(&c, &(struct place){&context, S("type"), 0},
              "is not of the form dev.cdeventsx.tool-subject.predicate.1.2.3");
    }
    if (c.faults_n > FAULTS_MAX) {
        buf_printf(&c.text, "; and %zu more", c.faults_n - FAULTS_MAX);
    }
    if (c.faults_n > 0) {
        return failed_at(f, REJECT, arena_cstr(a, c.first), "%.*s", STR_ARG(buf_str(&c.text)));
    }
    return json_check_unique(a, root, f);
}
