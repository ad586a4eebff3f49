/* template_read.c - a template's text as nodes: lexer and parser in one descent. */
#include <errno.h>
#include <stdlib.h>

#include "base/nearest.h"
#include "config/template_tree.h"

enum { NUMBER_BYTES = 64 };

struct reader {
    struct arena *arena;
    struct str text;
    size_t at; /* next byte */
    size_t depth;
    size_t items; /* with and range around it: there, a bare dot is their item */
    struct failure *failure;
};

/* What ends a list of nodes. */
enum ending { ENDING_TEXT, ENDING_END, ENDING_ELSE, ENDING_WRONG };

#define wrong_at(r, byte, ...)                                                                     \
    ((r)->failure->record = (byte), (void)(failed)((r)->failure, REJECT, __VA_ARGS__),             \
     (r)->failure->record = (byte), false)

static bool pipe_read(struct reader *r, bool may_declare, struct template_pipe **out);

static struct str rest_of(const struct reader *r)
{
    return str_sub(r->text, r->at, r->text.len);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_word(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9');
}

static void skip_space(struct reader *r)
{
    while (r->at < r->text.len && is_space(r->text.at[r->at])) {
        r->at++;
    }
}

/* Where the action ends: }} or, behind a space, -}}. */
static bool is_at_end(const struct reader *r)
{
    const struct str rest = rest_of(r);
    return str_starts(rest, S("}}")) ||
           (str_starts(rest, S("-}}")) && r->at > 0 && is_space(r->text.at[r->at - 1]));
}

static struct str word_read(struct reader *r)
{
    const size_t from = r->at;
    while (r->at < r->text.len && is_word(r->text.at[r->at])) {
        r->at++;
    }
    return str_sub(r->text, from, r->at - from);
}

/* A character of the Basic Multilingual Plane as UTF-8 (RFC 3629). */
static void add_rune(struct buf *to, unsigned long code)
{
    if (code < 0x80) {
        buf_add_byte(to, (char)code);
        return;
    }
    if (code < 0x800) {
        buf_add_byte(to, (char)(0xc0 | (code >> 6)));
    } else {
        buf_add_byte(to, (char)(0xe0 | (code >> 12)));
        buf_add_byte(to, (char)(0x80 | ((code >> 6) & 0x3f)));
    }
    buf_add_byte(to, (char)(0x80 | (code & 0x3f)));
}

/* \xNN or \uNNNN, from behind its backslash. */
static bool code_read(struct reader *r, struct buf *to)
{
    const char c = r->at < r->text.len ? r->text.at[r->at] : '\0';
    const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : 0;
    char hex[8] = "", *end = hex;
    if (digits == 0 || r->at + digits >= r->text.len) {
        return false;
    }
    memcpy(hex, r->text.at + r->at + 1, digits);
    const unsigned long code = strtoul(hex, &end, 16);
    if (end != hex + digits || !is_word(hex[0]) || (code >= 0xd800 && code <= 0xdfff)) {
        return false;
    }
    r->at += digits + 1;
    if (c == 'x') {
        buf_add_byte(to, (char)code);
    } else {
        add_rune(to, code);
    }
    return true;
}

/* One escape of a Go string, from behind its backslash. */
static bool escape_read(struct reader *r, struct buf *to)
{
    static const char letters[] = "abfnrtv\\\"'", bytes[] = "\a\b\f\n\r\t\v\\\"'";
    const char c = r->at < r->text.len ? r->text.at[r->at] : '\0';
    const char *const found = c ? strchr(letters, c) : NULL;
    if (found) {
        buf_add_byte(to, bytes[found - letters]);
        r->at++;
        return true;
    }
    return code_read(r, to) ||
           wrong_at(r, r->at - 1, "\\%c is no escape that is known here", c ? c : ' ');
}

/* "…" or `…`, from its first quote on. */
static bool quoted_read(struct reader *r, struct template_value *out)
{
    const size_t from = r->at;
    const char quote = r->text.at[r->at++];
    struct buf b;
    buf_init(&b, r->arena, TEMPLATE_BYTES_MAX);
    while (r->at < r->text.len && r->text.at[r->at] != quote) {
        const char c = r->text.at[r->at++];
        if (quote == '"' && c == '\n') {
            break;
        }
        if (quote == '`' || c != '\\') {
            buf_add_byte(&b, c);
        } else if (!escape_read(r, &b)) {
            return false;
        }
    }
    if (r->at >= r->text.len || r->text.at[r->at] != quote) {
        return wrong_at(r, from, "a quote is not closed");
    }
    r->at++;
    *out = (struct template_value){.kind = VALUE_TEXT, .text = arena_str(r->arena, buf_str(&b))};
    return true;
}

static bool number_read(struct reader *r, struct template_value *out)
{
    char text[NUMBER_BYTES] = "", *end = text;
    const size_t from = r->at;
    size_t n = 0;
    while (r->at < r->text.len &&
           (is_word(r->text.at[r->at]) || strchr("+-.", r->text.at[r->at]))) {
        if (n + 1 < sizeof text) {
            text[n++] = r->text.at[r->at];
        }
        r->at++;
    }
    errno = 0;
    const long long integer = strtoll(text, &end, 0);
    if (*end == '\0' && errno == 0) {
        *out = (struct template_value){.kind = VALUE_INT, .integer = integer};
        return true;
    }
    const double number = strtod(text, &end);
    if (*end != '\0') {
        return wrong_at(r, from, "%s is no number", text);
    }
    *out = (struct template_value){.kind = VALUE_FLOAT, .number = number};
    return true;
}

/* The fields of struct template_dot. */
static bool field_is_known(struct str name)
{
    static const char *const known[] = {"Year",      "Month", "Day",   "Hour", "Minute",  "Second",
                                        "Partition", "URI",   "Start", "End",  "Bookmark"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (str_eq(name, str_of(known[i]))) {
            return true;
        }
    }
    return false;
}

/* .Year, or a dot alone; also behind a variable that is the whole dot: $.Year */
static bool field_read(struct reader *r, struct template_operand *o)
{
    r->at++;
    const struct str name = word_read(r);
    if (name.len == 0) {
        if (r->items == 0) {
            return wrong_at(r, o->from,
                            "a dot alone is no text; it has .Year .Month .Day .Hour "
                            ".Minute .Second .Partition .URI .Start .End .Bookmark");
        }
        o->kind = OPERAND_DOT;
        return true;
    }
    if (!field_is_known(name) || (r->at < r->text.len && r->text.at[r->at] == '.')) {
        return wrong_at(r, o->from,
                        ".%.*s is not known; there are .Year .Month .Day .Hour .Minute .Second "
                        ".Partition .URI .Start .End .Bookmark",
                        STR_ARG(name));
    }
    if (r->items > 0 && r->text.at[o->from] == '.') {
        return wrong_at(r, o->from, "inside with and range the dot is their item; write $.%.*s",
                        STR_ARG(name));
    }
    o->kind = OPERAND_FIELD;
    o->name = name;
    return true;
}

static bool variable_read(struct reader *r, struct template_operand *o)
{
    r->at++;
    const struct str name = word_read(r);
    const bool has_field = r->at < r->text.len && r->text.at[r->at] == '.';
    if (name.len == 0 && has_field) {
        return field_read(r, o);
    }
    if (name.len == 0 || has_field) {
        return wrong_at(r, o->from, "$ wants the name of a variable, or a field: $x, $.Year");
    }
    o->kind = OPERAND_VARIABLE;
    o->name = str_sub(r->text, o->from, r->at - o->from);
    return true;
}

static bool constant_of(struct str word, struct template_value *out)
{
    if (str_eq(word, S("true")) || str_eq(word, S("false"))) {
        *out = (struct template_value){.kind = VALUE_BOOL, .is_true = str_eq(word, S("true"))};
        return true;
    }
    *out = (struct template_value){.kind = VALUE_NIL};
    return str_eq(word, S("nil"));
}

static const struct template_function *function_find(struct str name)
{
    for (const struct template_function *t = template_functions; t->name; t++) {
        if (str_eq(name, str_of(t->name))) {
            return t;
        }
    }
    return NULL;
}

static bool unknown_function(struct reader *r, size_t at, struct str name)
{
    static const char *const others[] = {"html",   "js",    "call",     "index", "slice",
                                         "define", "block", "template", "break", "continue"};
    struct nearest n = nearest_to(name);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (str_eq(name, str_of(others[i]))) {
            return wrong_at(r, at, "%.*s of Go's templates is not supported here", STR_ARG(name));
        }
    }
    for (const struct template_function *t = template_functions; t->name; t++) {
        nearest_offer(&n, str_of(t->name));
    }
    const struct str near = nearest_found(&n);
    if (near.len > 0) {
        return wrong_at(r, at, "there is no function %.*s; did you mean %.*s?", STR_ARG(name),
                        STR_ARG(near));
    }
    return wrong_at(r, at, "there is no function %.*s", STR_ARG(name));
}

/* A pipeline in parentheses, from the first on. */
static bool group_read(struct reader *r, struct template_operand *o)
{
    if (++r->depth > TEMPLATE_DEPTH_MAX) {
        return wrong_at(r, r->at, "more than %d levels deep", TEMPLATE_DEPTH_MAX);
    }
    r->at++;
    o->kind = OPERAND_PIPE;
    if (!pipe_read(r, false, &o->pipe)) {
        return false;
    }
    if (r->at >= r->text.len || r->text.at[r->at] != ')') {
        return wrong_at(r, o->from, "a parenthesis is not closed");
    }
    r->at++;
    r->depth--;
    if (r->at < r->text.len && r->text.at[r->at] == '.') {
        return wrong_at(r, r->at, "a field of a parenthesis is not supported here");
    }
    return true;
}

/* A function's name comes back as a text with *function set. */
static bool operand_read(struct reader *r, struct template_operand *o,
                         const struct template_function **function)
{
    const char c = r->text.at[r->at];
    const char next = r->at + 1 < r->text.len ? r->text.at[r->at + 1] : '\0';
    *o = (struct template_operand){.from = r->at};
    bool is_read;
    if (c == '"' || c == '`') {
        is_read = quoted_read(r, &o->value);
    } else if (c == '(') {
        is_read = group_read(r, o);
    } else if (c == '$') {
        is_read = variable_read(r, o);
    } else if ((c >= '0' && c <= '9') ||
               ((c == '-' || c == '+' || c == '.') && next >= '0' && next <= '9')) {
        is_read = number_read(r, &o->value);
    } else if (c == '.') {
        is_read = field_read(r, o);
    } else if (is_letter(c)) {
        const struct str word = word_read(r);
        is_read = constant_of(word, &o->value);
        *function = is_read ? NULL : function_find(word);
        is_read = is_read || *function || unknown_function(r, o->from, word);
    } else {
        is_read = wrong_at(r, r->at, "%c is not understood here", c);
    }
    o->to = r->at;
    return is_read;
}

/* What an operand brings into its pipeline. */
static void operand_tell(struct template_pipe *p, const struct template_operand *o)
{
    const struct template_pipe *const inner = o->pipe;
    p->has_dot = p->has_dot || o->kind == OPERAND_FIELD || (inner && inner->has_dot);
    p->has_variable = p->has_variable || o->kind == OPERAND_VARIABLE || o->kind == OPERAND_DOT ||
                      (inner && inner->has_variable);
    p->has_environment = p->has_environment || (inner && inner->has_environment);
}

static bool command_check(struct reader *r, const struct template_command *c, bool is_piped)
{
    const size_t n = c->n + is_piped;
    if (!c->function) {
        if (c->n != 1 || is_piped) {
            return wrong_at(r, c->from, "it is given operands, but is no function");
        }
        return true;
    }
    if (n < c->function->operands_least || n > c->function->operands_most) {
        return wrong_at(r, c->from, "%s wants %zu operand%s%s, and has %zu", c->function->name,
                        c->function->operands_least, c->function->operands_least == 1 ? "" : "s",
                        c->function->operands_most == c->function->operands_least ? "" : " or more",
                        n);
    }
    return true;
}

static bool command_read(struct reader *r, struct template_pipe *p)
{
    p->command = arena_more(r->arena, p->command, p->n, &p->room, sizeof *p->command);
    struct template_command *const c = &p->command[p->n++];
    *c = (struct template_command){.from = r->at};
    while (r->at < r->text.len && !is_at_end(r) && !strchr("|)", r->text.at[r->at])) {
        const struct template_function *function = NULL;
        struct template_operand o;
        if (!operand_read(r, &o, &function)) {
            return false;
        }
        if (function && o.from != c->from) {
            return wrong_at(r, o.from, "%s as an operand stands in parentheses", function->name);
        }
        c->to = r->at;
        if (function) {
            c->function = function;
            p->has_environment = p->has_environment || function->is_environment;
        } else {
            c->operand = arena_more(r->arena, c->operand, c->n, &c->room, sizeof *c->operand);
            c->operand[c->n++] = o;
            operand_tell(p, &o);
        }
        skip_space(r);
    }
    if (c->to == 0) {
        return wrong_at(r, c->from,
                        r->at >= r->text.len ? "{{ is not closed" : "something is missing here");
    }
    return command_check(r, c, p->n > 1);
}

/* `$x :=` or `$x =`, if that is what comes. */
static bool declaration_read(struct reader *r, struct template_pipe *p)
{
    const size_t from = r->at;
    if (r->at >= r->text.len || r->text.at[r->at] != '$') {
        return true;
    }
    r->at++;
    (void)word_read(r);
    const struct str name = str_sub(r->text, from, r->at - from);
    skip_space(r);
    const struct str rest = rest_of(r);
    if (str_starts(rest, S(","))) {
        return wrong_at(r, from, "range with two variables is not supported here");
    }
    p->is_new = str_starts(rest, S(":="));
    if (!p->is_new && !str_starts(rest, S("="))) {
        r->at = from;
        return true;
    }
    r->at += p->is_new ? 2 : 1;
    p->variable = name;
    skip_space(r);
    return true;
}

static bool pipe_read(struct reader *r, bool may_declare, struct template_pipe **out)
{
    struct template_pipe *const p = arena_new(r->arena, struct template_pipe);
    skip_space(r);
    if (may_declare && !declaration_read(r, p)) {
        return false;
    }
    p->from = r->at;
    while (true) {
        if (!command_read(r, p)) {
            return false;
        }
        p->to = p->command[p->n - 1].to;
        if (r->at >= r->text.len || r->text.at[r->at] != '|') {
            break;
        }
        r->at++;
        skip_space(r);
    }
    if (r->at >= r->text.len) {
        return wrong_at(r, p->from, "{{ is not closed");
    }
    *out = p;
    return true;
}

/* }} or -}}, which also takes the space behind it. */
static bool action_close(struct reader *r, size_t from)
{
    skip_space(r);
    if (r->at >= r->text.len || !is_at_end(r)) {
        return wrong_at(r, r->at < r->text.len ? r->at : from,
                        r->at < r->text.len ? "}} is expected here" : "{{ is not closed");
    }
    const bool is_trimming = r->text.at[r->at] == '-';
    r->at += is_trimming ? 3 : 2;
    if (is_trimming) {
        skip_space(r);
    }
    return true;
}

static void node_add(struct template_node ***last, struct template_node *node)
{
    **last = node;
    *last = &node->next;
}

static enum ending nodes_read(struct reader *r, struct template_node **out, size_t *else_at);

/* What follows `{{ if PIPE }}`, up to its end; `{{ else if PIPE }}` is an if inside the else. */
static bool block_read(struct reader *r, struct template_node *n)
{
    size_t else_at = 0;
    if (++r->depth > TEMPLATE_DEPTH_MAX) {
        return wrong_at(r, n->from, "more than %d levels deep", TEMPLATE_DEPTH_MAX);
    }
    const bool has_item = n->kind != NODE_IF;
    r->items += has_item;
    enum ending ending = nodes_read(r, &n->body, &else_at);
    r->items -= has_item;
    if (ending == ENDING_ELSE) {
        skip_space(r);
        if (str_starts(rest_of(r), S("if")) && n->kind == NODE_IF) {
            struct template_node *const inner = arena_new(r->arena, struct template_node);
            *inner = (struct template_node){.kind = NODE_IF, .from = else_at};
            r->at += 2;
            if (!pipe_read(r, true, &inner->pipe) || !action_close(r, else_at) ||
                !block_read(r, inner)) {
                return false;
            }
            n->otherwise = inner;
            n->has_dot = n->has_dot || inner->has_dot || inner->pipe->has_dot;
            r->depth--;
            return true;
        }
        if (!action_close(r, else_at)) {
            return false;
        }
        ending = nodes_read(r, &n->otherwise, &else_at);
    }
    if (ending == ENDING_WRONG) {
        return false;
    }
    if (ending != ENDING_END) {
        return wrong_at(r, ending == ENDING_ELSE ? else_at : n->from,
                        ending == ENDING_ELSE ? "a second else" : "its {{ end }} is missing");
    }
    for (const struct template_node *i = n->body; i; i = i->next) {
        n->has_dot = n->has_dot || i->has_dot;
    }
    for (const struct template_node *i = n->otherwise; i; i = i->next) {
        n->has_dot = n->has_dot || i->has_dot;
    }
    r->depth--;
    return true;
}

/* An action from behind its {{ on; `else` and `end` come back as the ending. */
static enum ending action_read(struct reader *r, struct template_node *n)
{
    const size_t word_at = r->at;
    const struct str word = word_read(r);
    const struct {
        const char *name;
        enum node_kind kind;
    } blocks[] = {{"if", NODE_IF}, {"with", NODE_WITH}, {"range", NODE_RANGE}};
    if (str_eq(word, S("else"))) {
        return ENDING_ELSE; /* an `if` may follow it */
    }
    if (str_eq(word, S("end"))) {
        return action_close(r, n->from) ? ENDING_END : ENDING_WRONG;
    }
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        if (str_eq(word, str_of(blocks[i].name))) {
            n->kind = blocks[i].kind;
        }
    }
    if (n->kind == NODE_ACTION) {
        r->at = word_at;
    }
    if (!pipe_read(r, true, &n->pipe) || !action_close(r, n->from)) {
        return ENDING_WRONG;
    }
    n->has_dot = n->pipe->has_dot;
    if (n->kind != NODE_ACTION && !block_read(r, n)) {
        return ENDING_WRONG;
    }
    n->to = r->at;
    return ENDING_TEXT;
}

/* The text up to the next {{, without the space that {{- takes away. */
static void text_read(struct reader *r, struct template_node ***last)
{
    const size_t from = r->at;
    while (r->at < r->text.len && !str_starts(rest_of(r), S("{{"))) {
        r->at++;
    }
    size_t to = r->at;
    const struct str rest = rest_of(r);
    if (str_starts(rest, S("{{-")) && rest.len > 3 && is_space(rest.at[3])) {
        while (to > from && is_space(r->text.at[to - 1])) {
            to--;
        }
    }
    if (to > from) {
        struct template_node *const n = arena_new(r->arena, struct template_node);
        *n = (struct template_node){.kind = NODE_TEXT, .from = from, .to = to};
        n->text = str_sub(r->text, from, to - from);
        node_add(last, n);
    }
}

/* A comment, from its slash on. */
static bool comment_skip(struct reader *r, size_t from)
{
    while (r->at < r->text.len && !str_starts(rest_of(r), S("*/"))) {
        r->at++;
    }
    if (r->at >= r->text.len) {
        return wrong_at(r, from, "a comment is not closed");
    }
    r->at += 2;
    return action_close(r, from);
}

static enum ending nodes_read(struct reader *r, struct template_node **out, size_t *else_at)
{
    struct template_node **last = out;
    while (true) {
        text_read(r, &last);
        if (r->at >= r->text.len) {
            return ENDING_TEXT;
        }
        struct template_node *const n = arena_new(r->arena, struct template_node);
        *n = (struct template_node){.kind = NODE_ACTION, .from = r->at};
        r->at += 2;
        if (str_starts(rest_of(r), S("-")) && r->at + 1 < r->text.len &&
            is_space(r->text.at[r->at + 1])) {
            r->at++;
        }
        skip_space(r);
        if (str_starts(rest_of(r), S("/*"))) {
            if (!comment_skip(r, n->from)) {
                return ENDING_WRONG;
            }
            continue;
        }
        *else_at = n->from;
        const enum ending e = action_read(r, n);
        if (e != ENDING_TEXT) {
            return e;
        }
        node_add(&last, n);
    }
}

enum outcome template_read(struct arena *a, struct str text, struct template_node **out,
                           struct failure *f)
{
    struct reader r = {.arena = a, .text = text, .failure = f};
    size_t else_at = 0;
    *out = NULL;
    const enum ending e = nodes_read(&r, out, &else_at);
    if (e == ENDING_END || e == ENDING_ELSE) {
        (void)wrong_at(&r, else_at, "%s without its {{ if }}", e == ENDING_END ? "end" : "else");
    }
    return e == ENDING_TEXT ? OK : REJECT;
}
