/* template.c - a template that was read is rendered: at load what the environment gives, at run
 * time the rest. */
#include "config/template.h"

#include <stdio.h>

#include "config/template_tree.h"

enum { STEPS_MAX = 1000000, VARIABLES_MAX = 64 };

struct variable {
    struct str name;
    struct template_value value;
};

struct rendering {
    struct arena *arena;
    struct str text;
    const struct template_dot *dot; /* NULL at load: nothing asks for it */
    struct buf *out;
    struct variable variable[VARIABLES_MAX];
    size_t variables_n;
    const struct template_value *item; /* of with and range */
    size_t steps;
    struct failure *failure;
};

static enum outcome pipe_value(struct rendering *r, const struct template_pipe *p,
                               struct template_value *out);

static enum outcome wrong(const struct rendering *r, size_t at, const char *what)
{
    char text[sizeof r->failure->text];
    (void)snprintf(text, sizeof text, "%s", what);
    (void)failed(r->failure, REJECT, "%s", text);
    r->failure->record = at;
    return REJECT;
}

static enum outcome field_value(const struct rendering *r, const struct template_operand *o,
                                struct template_value *out)
{
    const struct template_dot *const d = r->dot;
    char time[CLOCK_TEXT_BYTES];
    const struct {
        const char *name;
        const struct str *text;
    } texts[] = {{"Partition", &d->partition},
                 {"URI", &d->uri},
                 {"Start", &d->start},
                 {"End", &d->end},
                 {"Bookmark", &d->bookmark}};
    const struct {
        const char *name;
        size_t from, digits;
    } numbers[] = {{"Year", 0, 4},  {"Month", 5, 2},   {"Day", 8, 2},
                   {"Hour", 11, 2}, {"Minute", 14, 2}, {"Second", 17, 2}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (str_eq(o->name, str_of(texts[i].name))) {
            if (!texts[i].text->at) {
                return wrong(r, o->from, "is not known here");
            }
            *out = (struct template_value){.kind = VALUE_TEXT,
                                           .text = *texts[i].text,
                                           .place = texts[i].text == &d->bookmark ? d->place
                                                                                  : PLACE_TEXT};
            return OK;
        }
    }
    const struct str whole = {time, clock_text(d->at_us, time)};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        uint64_t number = 0;
        if (str_eq(o->name, str_of(numbers[i].name)) &&
            str_to_u64(str_sub(whole, numbers[i].from, numbers[i].digits), &number)) {
            *out = (struct template_value){.kind = VALUE_INT, .integer = (int64_t)number};
            return OK;
        }
    }
    return wrong(r, o->from, "is not known here");
}

static struct variable *variable_find(struct rendering *r, struct str name)
{
    for (size_t i = r->variables_n; i > 0; i--) {
        if (str_eq(r->variable[i - 1].name, name)) {
            return &r->variable[i - 1];
        }
    }
    return NULL;
}

static enum outcome operand_value(struct rendering *r, const struct template_operand *o,
                                  struct template_value *out)
{
    const struct variable *variable;
    switch (o->kind) {
    case OPERAND_VALUE: *out = o->value; return OK;
    case OPERAND_DOT:
        *out = r->item ? *r->item : (struct template_value){.kind = VALUE_NIL};
        return OK;
    case OPERAND_FIELD: return field_value(r, o, out);
    case OPERAND_VARIABLE:
        variable = variable_find(r, o->name);
        if (!variable) {
            return wrong(r, o->from, "this variable was not declared with :=");
        }
        *out = variable->value;
        return OK;
    case OPERAND_PIPE: return pipe_value(r, o->pipe, out);
    }
    return REJECT;
}

/* and, or: the first operand that decides it; those behind it are not looked at. */
static enum outcome choose(struct rendering *r, const struct template_command *c,
                           const struct template_value *piped, struct template_value *out)
{
    const bool is_or = c->function->name[0] == 'o';
    for (size_t i = 0; i < c->n; i++) {
        const enum outcome o = operand_value(r, &c->operand[i], out);
        if (o != OK || template_is_true(out) == is_or) {
            return o;
        }
    }
    if (piped) {
        *out = *piped;
    }
    return OK;
}

static enum outcome command_value(struct rendering *r, const struct template_command *c,
                                  const struct template_value *piped, struct template_value *out)
{
    if (++r->steps > STEPS_MAX) {
        return wrong(r, c->from, "does not come to an end");
    }
    if (!c->function) {
        return operand_value(r, c->operand, out);
    }
    if (!c->function->call) {
        return choose(r, c, piped, out);
    }
    struct template_value *const operand = arena_array(r->arena, struct template_value, c->n + 1);
    for (size_t i = 0; i < c->n; i++) {
        const enum outcome o = operand_value(r, &c->operand[i], &operand[i]);
        if (o != OK) {
            return o;
        }
    }
    if (piped) {
        operand[c->n] = *piped;
    }
    const enum outcome o = c->function->call(r->arena, operand, c->n + (piped ? 1 : 0), out,
                                             r->failure);
    r->failure->record = o == OK ? r->failure->record : c->from;
    return o;
}

static enum outcome commands_value(struct rendering *r, const struct template_pipe *p,
                                   struct template_value *out)
{
    struct template_value piped;
    for (size_t i = 0; i < p->n; i++) {
        const enum outcome o = command_value(r, &p->command[i], i > 0 ? &piped : NULL, out);
        if (o != OK) {
            return o;
        }
        piped = *out;
    }
    return OK;
}

static enum outcome pipe_value(struct rendering *r, const struct template_pipe *p,
                               struct template_value *out)
{
    const enum outcome o = commands_value(r, p, out);
    if (o != OK || p->variable.len == 0) {
        return o;
    }
    struct variable *v = p->is_new ? NULL : variable_find(r, p->variable);
    if (!p->is_new && !v) {
        return wrong(r, p->from, "this variable was not declared with :=");
    }
    if (!v && r->variables_n == VARIABLES_MAX) {
        return wrong(r, p->from, "too many variables");
    }
    v = v ? v : &r->variable[r->variables_n++];
    *v = (struct variable){p->variable, *out};
    return OK;
}

static enum outcome nodes_render(struct rendering *r, const struct template_node *n);

/* With the item that the dot stands for inside. */
static enum outcome body_render(struct rendering *r, const struct template_node *body,
                                const struct template_value *item)
{
    const struct template_value *const outer = r->item;
    r->item = item;
    const enum outcome o = nodes_render(r, body);
    r->item = outer;
    return o;
}

static enum outcome range_render(struct rendering *r, const struct template_node *n,
                                 const struct template_value *of)
{
    if (of->kind != VALUE_INT && of->kind != VALUE_NIL) {
        return wrong(r, n->pipe->from, "range goes over a whole number here, and nothing else");
    }
    if (!template_is_true(of) || of->integer < 0) {
        return nodes_render(r, n->otherwise);
    }
    enum outcome o = OK;
    for (int64_t i = 0; i < of->integer && o == OK; i++) {
        if (++r->steps > STEPS_MAX) {
            return wrong(r, n->pipe->from, "does not come to an end");
        }
        const struct template_value item = {.kind = VALUE_INT, .integer = i};
        struct variable *const v = variable_find(r, n->pipe->variable);
        if (v) {
            v->value = item;
        }
        o = body_render(r, n->body, &item);
    }
    return o;
}

static enum outcome node_render(struct rendering *r, const struct template_node *n)
{
    struct template_value value = {.kind = VALUE_NIL};
    if (n->kind == NODE_TEXT) {
        buf_add(r->out, n->text);
        return OK;
    }
    const size_t outer_n = r->variables_n;
    enum outcome o = pipe_value(r, n->pipe, &value);
    if (o != OK) {
        return o;
    }
    if (n->kind == NODE_ACTION) {
        if (n->pipe->variable.len == 0) {
            template_show(r->out, &value);
        }
        return OK; /* what it declares lives on */
    }
    if (n->kind == NODE_RANGE) {
        o = range_render(r, n, &value);
    } else if (!template_is_true(&value)) {
        o = nodes_render(r, n->otherwise);
    } else {
        o = n->kind == NODE_WITH ? body_render(r, n->body, &value) : nodes_render(r, n->body);
    }
    r->variables_n = outer_n;
    return o;
}

static enum outcome nodes_render(struct rendering *r, const struct template_node *n)
{
    const size_t outer_n = r->variables_n;
    enum outcome o = OK;
    for (; n && o == OK; n = n->next) {
        o = node_render(r, n);
    }
    r->variables_n = outer_n;
    return o;
}

static enum outcome give(const struct rendering *r, struct str *out)
{
    if (buf_is_over(r->out)) {
        (void)failed(r->failure, REJECT, "gives more than %d bytes", TEMPLATE_BYTES_MAX);
        r->failure->record = 0;
        return REJECT;
    }
    *out = arena_str(r->arena, buf_str(r->out));
    return OK;
}

bool template_is_needed(struct str text)
{
    for (size_t i = 0; i + 1 < text.len; i++) {
        if (text.at[i] == '{' && text.at[i + 1] == '{') {
            return true;
        }
    }
    return false;
}

/* What is put in place of bytes from..to of the text. */
struct change {
    size_t from, to;
    struct str text;
};
struct changes {
    struct change *at;
    size_t n, room;
};

/* A value as it is written inside an action. */
static struct str literal_of(struct arena *a, const struct template_value *v)
{
    struct buf b;
    buf_init(&b, a, TEMPLATE_BYTES_MAX);
    if (v->kind == VALUE_TEXT) {
        buf_add_byte(&b, '"');
        for (size_t i = 0; i < v->text.len; i++) {
            const unsigned char c = (unsigned char)v->text.at[i];
            if (c < 0x20 || c == '"' || c == '\\') {
                buf_printf(&b, "\\x%02x", (unsigned)c);
            } else {
                buf_add_byte(&b, (char)c);
            }
        }
        buf_add_byte(&b, '"');
    } else if (v->kind == VALUE_NIL) {
        buf_add(&b, S("nil"));
    } else {
        template_print(&b, v);
    }
    return arena_str(a, buf_str(&b));
}

static enum outcome environment_fix(struct rendering *r, const struct template_pipe *p,
                                    struct changes *to);

static enum outcome operands_fix(struct rendering *r, const struct template_command *c,
                                 struct changes *to)
{
    enum outcome o = OK;
    for (size_t i = 0; i < c->n && o == OK; i++) {
        if (c->operand[i].pipe) {
            o = environment_fix(r, c->operand[i].pipe, to);
        }
    }
    return o;
}

/* The environment's part of a pipeline becomes what it gives; the rest waits for the dot. */
static enum outcome environment_fix(struct rendering *r, const struct template_pipe *p,
                                    struct changes *to)
{
    struct template_value value = {.kind = VALUE_NIL};
    if (!p->has_environment) {
        return OK;
    }
    if (!p->has_dot && !p->has_variable) {
        const enum outcome o = commands_value(r, p, &value);
        if (o != OK) {
            return o;
        }
        to->at = arena_more(r->arena, to->at, to->n, &to->room, sizeof *to->at);
        to->at[to->n++] = (struct change){p->from, p->to, literal_of(r->arena, &value)};
        return OK;
    }
    for (size_t i = 0; i < p->n; i++) {
        const struct template_command *const c = &p->command[i];
        bool is_fixed = i == 0;
        for (size_t k = 0; k < c->n; k++) {
            is_fixed = is_fixed && c->operand[k].kind == OPERAND_VALUE;
        }
        if (!c->function || !c->function->is_environment) {
            const enum outcome o = operands_fix(r, c, to);
            if (o != OK) {
                return o;
            }
            continue;
        }
        if (!is_fixed) {
            return wrong(r, c->from,
                         "the environment is asked before a window is known: write the name in "
                         "quotes");
        }
        const enum outcome o = command_value(r, c, NULL, &value);
        if (o != OK) {
            return o;
        }
        to->at = arena_more(r->arena, to->at, to->n, &to->room, sizeof *to->at);
        to->at[to->n++] = (struct change){c->from, c->to, literal_of(r->arena, &value)};
    }
    return OK;
}

static enum outcome nodes_fix(struct rendering *r, const struct template_node *n,
                              struct changes *to)
{
    enum outcome o = OK;
    for (; n && o == OK; n = n->next) {
        o = n->pipe ? environment_fix(r, n->pipe, to) : OK;
        o = o == OK ? nodes_fix(r, n->body, to) : o;
        o = o == OK ? nodes_fix(r, n->otherwise, to) : o;
    }
    return o;
}

/* The text with its changes, which come in order. */
static enum outcome changed(const struct rendering *r, const struct changes *c, struct str *out)
{
    size_t at = 0;
    for (size_t i = 0; i < c->n; i++) {
        buf_add(r->out, str_sub(r->text, at, c->at[i].from - at));
        buf_add(r->out, c->at[i].text);
        at = c->at[i].to;
    }
    buf_add(r->out, str_sub(r->text, at, r->text.len));
    return give(r, out);
}

/* What holds {{ by itself is no template at run time either. */
static struct str escaped(struct arena *a, struct str text)
{
    struct buf b;
    buf_init(&b, a, 2 * TEMPLATE_BYTES_MAX);
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '{' && i + 1 < text.len && text.at[i + 1] == '{') {
            buf_add(&b, S("{{\"{\"}}"));
        } else {
            buf_add_byte(&b, text.at[i]);
        }
    }
    return arena_str(a, buf_str(&b));
}

/* Node by node: what needs the dot stays as it is written. */
static enum outcome nodes_plain(struct rendering *r, const struct template_node *n)
{
    enum outcome o = OK;
    for (; n && o == OK; n = n->next) {
        if (n->has_dot) {
            buf_add(r->out, str_sub(r->text, n->from, n->to - n->from));
        } else {
            o = node_render(r, n);
        }
    }
    return o;
}

enum outcome template_load(struct arena *a, struct str text, enum template_use use, struct str *out,
                           bool *has_dot, struct failure *f)
{
    struct template_node *nodes;
    struct buf b;
    *out = text;
    *has_dot = false;
    if (!template_is_needed(text)) {
        return OK;
    }
    enum outcome o = template_read(a, text, &nodes, f);
    if (o != OK) {
        return o;
    }
    for (const struct template_node *n = nodes; n; n = n->next) {
        *has_dot = *has_dot || n->has_dot;
    }
    buf_init(&b, a, TEMPLATE_BYTES_MAX);
    struct rendering *const r = arena_new(a, struct rendering);
    *r = (struct rendering){.arena = a, .text = text, .out = &b, .failure = f};
    if (*has_dot && use == TEMPLATE_KEPT) {
        struct changes c = {NULL, 0, 0};
        o = nodes_fix(r, nodes, &c);
        return o == OK ? changed(r, &c, out) : o;
    }
    o = nodes_plain(r, nodes);
    o = o == OK ? give(r, out) : o;
    if (o == OK && use == TEMPLATE_KEPT && template_is_needed(*out)) {
        *out = escaped(a, *out);
    }
    return o;
}

enum outcome template_render(struct arena *a, struct str text, const struct template_dot *dot,
                             struct str *out, struct failure *f)
{
    struct template_node *nodes;
    struct buf b;
    *out = text;
    if (!template_is_needed(text)) {
        return OK;
    }
    enum outcome o = template_read(a, text, &nodes, f);
    if (o != OK) {
        return o;
    }
    buf_init(&b, a, TEMPLATE_BYTES_MAX);
    struct rendering *const r = arena_new(a, struct rendering);
    *r = (struct rendering){.arena = a, .text = text, .dot = dot, .out = &b, .failure = f};
    o = nodes_render(r, nodes);
    return o == OK ? give(r, out) : o;
}
