/* A row that a mapping gave, held against the catalogue. */
#include "transform/jq/mapping.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/nearest.h"
#include "transform/label.h"
#include "transform/service.h"

enum { ORDINAL_MAX = 255, NUMBER_BYTES_MAX = 64 };

/* The row on its way to a fact. */
struct told {
    const struct transform_in *in;
    struct transform_out *out;
    size_t at; /* its place among the outputs */
    const struct model *model;
    struct fact fact;
    int64_t at_us;
    unsigned ordinal;
    const char *group[FACT_GROUPS_MAX]; /* latest groups that it speaks of */
    size_t groups_n;
};

static bool wrong(const struct told *t, struct str name, const char *why)
{
    struct buf pointer;
    buf_init(&pointer, t->in->arena, sizeof t->out->why.pointer - 1);
    buf_printf(&pointer, "/%zu", t->at);
    json_add_key(&pointer, name);
    return transform_dead(t->out, arena_cstr(t->in->arena, buf_str(&pointer)), "mapping: %s.%s %s",
                          t->model ? t->model->name : "row", str_shown(name, 80).text, why);
}

static bool unknown(const struct told *t, struct str name)
{
    struct nearest near = nearest_to(name);
    for (size_t i = 0; i < t->model->columns_n; i++) {
        nearest_offer(&near, str_of(t->model->columns[i].name));
    }
    const struct str found = nearest_found(&near);
    const struct str why = found.len
                               ? arena_printf(t->in->arena, "is no column; did you mean %.*s?",
                                              STR_ARG(found))
                               : S("is no column: what has none goes into attributes");
    return wrong(t, name, why.at);
}

/* ---- values ---- */

static bool to_int(yyjson_val *v, int64_t *out)
{
    const struct str text = yyjson_is_raw(v) ? (struct str){yyjson_get_raw(v), yyjson_get_len(v)}
                                             : json_text(v);
    const bool is_negative = str_starts(text, S("-"));
    uint64_t n = 0;
    if (!str_to_u64(str_sub(text, is_negative, text.len), &n) || n > INT64_MAX) {
        return false;
    }
    *out = is_negative ? -(int64_t)n : (int64_t)n;
    return true;
}

static bool to_real(yyjson_val *v, double *out)
{
    char text[NUMBER_BYTES_MAX];
    if (!yyjson_is_raw(v) || yyjson_get_len(v) >= sizeof text) {
        return false;
    }
    memcpy(text, yyjson_get_raw(v), yyjson_get_len(v));
    text[yyjson_get_len(v)] = '\0';
    *out = strtod(text, NULL);
    return true;
}

/* A number is its digits. at == NULL: neither. */
static struct str to_text(yyjson_val *v)
{
    return yyjson_is_raw(v) ? (struct str){yyjson_get_raw(v), yyjson_get_len(v)} : json_text(v);
}

static bool to_list(struct arena *a, yyjson_val *v, struct value *out)
{
    size_t i = 0;
    size_t n = 0;
    yyjson_val *one = NULL;
    out->list.at = arena_array(a, struct str, yyjson_arr_size(v));
    out->list.n = 0;
    yyjson_arr_foreach(v, i, n, one)
    {
        const struct str text = to_text(one);
        if (!text.at) {
            return false;
        }
        out->list.at[out->list.n++] = text;
    }
    return yyjson_is_arr(v);
}

/* The value as the column wants it; NULL: it was taken, else what the column wants. */
static const char *convert(const struct told *t, const struct column *c, yyjson_val *v,
                           struct value *out)
{
    *out = (struct value){.kind = VALUE_NULL};
    if (yyjson_is_null(v)) {
        return NULL;
    }
    switch (c->type) {
    case COLUMN_TEXT:
        out->text = to_text(v);
        out->kind = out->text.len ? VALUE_TEXT : VALUE_NULL;
        return out->text.at ? NULL : "wants a text";
    case COLUMN_INT:
        out->kind = VALUE_INT;
        return to_int(v, &out->number) ? NULL : "wants a whole number, or its digits as text";
    case COLUMN_REAL:
        out->kind = VALUE_REAL;
        return to_real(v, &out->real) ? NULL : "wants a number";
    case COLUMN_BOOL:
        out->kind = VALUE_BOOL;
        out->is = yyjson_is_true(v);
        return yyjson_is_bool(v) ? NULL : "wants true or false";
    case COLUMN_TIME:
        out->kind = VALUE_TIME;
        return clock_parse(json_text(v), &out->number)
                   ? NULL
                   : "wants a time as RFC 3339 (the function `when` makes one of most forms)";
    case COLUMN_LIST:
        out->kind = VALUE_LIST;
        return to_list(t->in->arena, v, out) ? NULL : "wants a list of texts";
    case COLUMN_JSON:
        out->kind = VALUE_JSON;
        out->text = yyjson_is_ctn(v) ? json_write(t->in->arena, v) : S("");
        return out->text.len ? NULL : "wants an object or a list";
    }
    return "has no type";
}

/* ---- columns ---- */

static bool speaks_of(const struct told *t, const char *group)
{
    for (size_t i = 0; i < t->groups_n; i++) {
        if (strcmp(t->group[i], group) == 0) {
            return true;
        }
    }
    return false;
}

static bool speak_of(struct told *t, const char *group)
{
    if (speaks_of(t, group)) {
        return true;
    }
    if (t->groups_n == FACT_GROUPS_MAX) {
        return false;
    }
    t->group[t->groups_n++] = group;
    return true;
}

/* An object whose members fold one by one: attributes (any JSON), verdicts (texts). */
static bool set_members(struct told *t, struct str name, const char *list, yyjson_val *object)
{
    const bool is_json = str_eq(name, S("attributes"));
    size_t i = 0;
    size_t n = 0;
    yyjson_val *key = NULL;
    yyjson_val *value = NULL;
    if (!yyjson_is_obj(object)) {
        return yyjson_is_null(object) || wrong(t, name, "wants an object");
    }
    yyjson_obj_foreach(object, i, n, key, value)
    {
        const struct str text = is_json ? json_write(t->in->arena, value) : json_text(value);
        if (text.len == 0) {
            return wrong(t, name, "wants texts as its values");
        }
        if (memchr(json_text(key).at, 0x1f, json_text(key).len) ||
            (!is_json && memchr(text.at, 0x1f, text.len))) {
            return wrong(t, name, "holds the byte 0x1f, which separates members");
        }
        fact_member(&t->fact, list, json_text(key), t->at_us, text);
    }
    return true;
}

/* What reports count by: another word would be counted as nothing, and nobody would be told. */
static const struct {
    const char *model, *column, *words;
} counted[] = {
    {"change", "state", "open merged closed"},
    {"deployment", "state", "queued running succeeded failed inactive"},
    {"pipeline_run", "outcome", "success failure cancel"},
    {"task_run", "outcome", "success failure cancel"},
    {"test_run", "outcome", "success failure cancel"},
    {"test_run", "kind", "case suite"},
    {"incident", "state", "open resolved"},
    {"ticket", "state", "open closed"},
};

/* The words that the column knows; empty: any, or this is one of them. */
static struct str words_wanted(const struct told *t, const struct column *c,
                               const struct value *value)
{
    size_t i = 0;
    const size_t n = sizeof counted / sizeof *counted;
    while (i < n && (strcmp(counted[i].model, t->model->name) != 0 ||
                     strcmp(counted[i].column, c->name) != 0)) {
        i++;
    }
    const struct str words = i < n && value->kind == VALUE_TEXT ? str_of(counted[i].words) : S("");
    for (struct str rest = words; rest.len > 0;) {
        if (str_eq(str_cut(rest, ' ', &rest), value->text)) {
            return S("");
        }
    }
    return words;
}

static bool set_column(struct told *t, struct str name, yyjson_val *v)
{
    struct value value;
    if (str_eq(name, S("attributes"))) {
        return set_members(t, name, "attributes_by", v);
    }
    const size_t i = model_column(t->model, name);
    if (i == t->model->columns_n) {
        return unknown(t, name);
    }
    const struct column *const c = &t->model->columns[i];
    if (c->rule == FOLD_MEMBERS) {
        return set_members(t, name, c->name, v);
    }
    if (!column_is_in_fact(c) || column_is_hidden(c) || c->rule == FOLD_ARRIVAL ||
        c->rule == FOLD_FACT || str_eq(name, S("revised_at"))) {
        return wrong(t, name, "is filled in by weir: leave it out");
    }
    const char *const wants = convert(t, c, v, &value);
    if (wants) {
        return wrong(t, name, wants);
    }
    const struct str words = words_wanted(t, c, &value);
    if (words.len > 0) {
        const struct str why = arena_printf(t->in->arena, "is %.*s; it wants one of: %.*s",
                                            STR_ARG(str_sub(value.text, 0, 80)), STR_ARG(words));
        return wrong(t, name, why.at);
    }
    if (c->rule == FOLD_LATEST && !speak_of(t, c->a)) {
        return wrong(t, name, "is of one group of columns too many for one row");
    }
    if (!str_eq(name, S("service")) && !str_eq(name, S("is_production"))) { /* belong() */
        fact_set(&t->fact, c->name, value);
    }
    return true;
}

/* The states that reports count by a time. One that wants its time and has none would be counted as
 * nothing; one that may not have it, as what it is not; and nobody would be told. */
static const struct {
    const char *model, *state, *time;
    bool is_wanted;
} timed[] = {
    {"change", "merged", "merged_at", true},
    {"change", "closed", "closed_at", true},
    {"deployment", "succeeded", "finished_at", true},
    {"deployment", "failed", "finished_at", false},
    {"deployment", "running", "finished_at", false},
    {"deployment", "queued", "finished_at", false},
    {"incident", "resolved", "resolved_at", true},
    {"ticket", "closed", "closed_at", true},
};

/* Whether the row's state has the time that it is counted by, and no other has it. */
static bool is_timed(const struct told *t)
{
    const size_t at = model_column(t->model, S("state"));
    const struct value *const state = at < t->model->columns_n ? &t->fact.value[at] : NULL;
    for (size_t i = 0; i < sizeof timed / sizeof *timed; i++) {
        if (!state || state->kind != VALUE_TEXT || strcmp(timed[i].model, t->model->name) != 0 ||
            !str_eq(state->text, str_of(timed[i].state))) {
            continue;
        }
        const struct str time = str_of(timed[i].time);
        const bool is_there = t->fact.value[model_column(t->model, time)].kind != VALUE_NULL;
        if (is_there != timed[i].is_wanted) {
            const struct str why = arena_printf(t->in->arena,
                                                is_there
                                                    ? "is no time of a state %s: leave it out"
                                                    : "is missing: a state %s is counted by it",
                                                timed[i].state);
            return wrong(t, time, why.at);
        }
    }
    return true;
}

static bool is_incident(const struct told *t)
{
    return strcmp(t->model->name, "incident") == 0;
}

static bool is_commit(const struct told *t)
{
    return strcmp(t->model->name, "commit") == 0;
}

/* As the row calls it, or a label of an incident's row. */
static struct str service_said(const struct told *t, yyjson_val *row)
{
    const struct str said = json_text(yyjson_obj_get(row, "service"));
    return said.len > 0 || !is_incident(t)
               ? said
               : label_after(yyjson_obj_get(row, "labels"), t->in->config->rules.incidents.service);
}

static struct str environment_so_far(const struct told *t)
{
    const size_t i = model_column(t->model, S("environment"));
    const struct value *const v = i < t->model->columns_n ? &t->fact.value[i] : NULL;
    return v && v->kind == VALUE_TEXT ? v->text : S("");
}

/* The configuration decides which service and which environments are production, where it says so;
 * what the row says comes after it. Only of a row that shows the group of these columns. */
static void belong(struct told *t, yyjson_val *row)
{
    const size_t service = model_column(t->model, S("service"));
    const size_t production = model_column(t->model, S("is_production"));
    const struct str place = json_text(yyjson_obj_get(row, "repository"));
    const struct str name = str_sub(place, str_find(place, '/') + (place.len > 0), place.len);
    const struct belonging of = {.said = service_said(t, row),
                                 .is_sure = true, /* the column's own meaning */
                                 .place = place,
                                 .name = name,
                                 .environment = environment_so_far(t)};
    bool is_told = false;
    if (service == t->model->columns_n || !speaks_of(t, t->model->columns[service].a)) {
        return;
    }
    fact_text(&t->fact, "service", service_of(t->in->config, &of));
    if (production < t->model->columns_n) {
        yyjson_val *const own = yyjson_obj_get(row, "is_production");
        const bool is = service_is_production(t->in->config, &of, &is_told);
        fact_bool(&t->fact, "is_production",
                  is_told || !yyjson_is_bool(own) ? is : yyjson_is_true(own));
    }
}

static bool is_frame(struct str name)
{
    return str_eq(name, S("model")) || str_eq(name, S("at")) || str_eq(name, S("ordinal"));
}

/* Labels of an incident are no column: mapping_incident reads them. */
static bool take_labels(struct told *t, yyjson_val *labels)
{
    struct value value;
    if (yyjson_is_null(labels)) {
        return true;
    }
    return to_list(t->in->arena, labels, &value) ? speak_of(t, "what")
                                                 : wrong(t, S("labels"), "wants a list of texts");
}

/* Every member once: yyjson keeps repeated keys, but jq gives none. */
static bool set_columns(struct told *t, yyjson_val *row)
{
    size_t i = 0;
    size_t n = 0;
    yyjson_val *key = NULL;
    yyjson_val *value = NULL;
    yyjson_obj_foreach(row, i, n, key, value)
    {
        const struct str name = json_text(key);
        const bool is_taken = is_incident(t) && str_eq(name, S("labels")) ? take_labels(t, value)
                              : is_frame(name)                            ? true
                                               : set_column(t, name, value);
        if (!is_taken) {
            return false;
        }
    }
    return true;
}

/* Rows of `raw` and `event` are weir's own. */
static bool is_open(const struct model *model)
{
    return strcmp(model->name, "raw") != 0 && strcmp(model->name, "event") != 0;
}

static bool no_model(const struct told *t, struct str name)
{
    struct nearest near = nearest_to(name);
    for (size_t i = 0; i < model_all_n; i++) {
        if (is_open(model_all[i])) {
            nearest_offer(&near, str_of(model_all[i]->name));
        }
    }
    const struct str found = nearest_found(&near);
    const struct str why = found.len
                               ? arena_printf(t->in->arena,
                                              "is %s, which is no model; did you mean %.*s?",
                                              str_shown(name, 80).text, STR_ARG(found))
                               : S("is no model that rows can be given of (an event is given as a "
                                   "CDEvent)");
    return wrong(t, S("model"), why.at);
}

bool mapping_row(const struct transform_in *in, struct transform_out *out, yyjson_val *row,
                 size_t at)
{
    struct told t = {.in = in, .out = out, .at = at};
    const struct str name = json_text(yyjson_obj_get(row, "model"));
    yyjson_val *const ordinal = yyjson_obj_get(row, "ordinal");
    int64_t number = 0;
    t.model = model_find(name);
    if (!t.model || !is_open(t.model)) {
        t.model = NULL;
        return no_model(&t, name);
    }
    if (!clock_parse(json_text(yyjson_obj_get(row, "at")), &t.at_us)) {
        return wrong(&t, S("at"),
                     "wants the time of what it tells, as RFC 3339 (the function `when` makes one "
                     "of most forms)");
    }
    if (ordinal && (!to_int(ordinal, &number) || number < 0 || number > ORDINAL_MAX)) {
        return wrong(&t, S("ordinal"), "wants a number from 0 to 255");
    }
    t.ordinal = (unsigned)number;
    t.fact = fact_begin(in->arena, t.model, t.at_us);
    if (!set_columns(&t, row) || !is_timed(&t)) {
        return false;
    }
    if (is_incident(&t)) {
        mapping_incident(in, &t.fact, row, speaks_of(&t, "what"));
    } else if (is_commit(&t)) {
        mapping_commit(in, &t.fact);
    }
    belong(&t, row);
    for (size_t i = 0; i < t.groups_n; i++) {
        const int64_t us = is_commit(&t) ? mapping_commit_us(&t.fact, t.group[i], t.at_us)
                                         : t.at_us;
        fact_group(&t.fact, t.group[i], us, t.ordinal);
    }
    if (transform_add(in, out, &t.fact)) {
        return true;
    }
    const struct str why = arena_printf(in->arena, "%s", out->why.text);
    const struct str pointer = arena_printf(in->arena, "/%zu%s", at, out->why.pointer);
    return transform_dead(out, pointer.at, "mapping: %s: %.*s", t.model->name, STR_ARG(why));
}
