/* template_tree.h - a template that was read: what template_read.c makes and template.c runs. */
#ifndef WEIR_CONFIG_TEMPLATE_TREE_H
#define WEIR_CONFIG_TEMPLATE_TREE_H

#include "base/buf.h"
#include "config/template.h"

enum { TEMPLATE_BYTES_MAX = 1 << 20, TEMPLATE_DEPTH_MAX = 32 };

enum value_kind { VALUE_NIL, VALUE_BOOL, VALUE_INT, VALUE_FLOAT, VALUE_TEXT };
struct template_value {
    enum value_kind kind;
    bool is_true;
    int64_t integer;
    double number;
    struct str text;
    enum template_place place; /* as an action's whole answer; a function sees it plain */
};

struct template_pipe;
struct template_function;

enum operand_kind { OPERAND_VALUE, OPERAND_DOT, OPERAND_FIELD, OPERAND_VARIABLE, OPERAND_PIPE };
struct template_operand {
    enum operand_kind kind;
    size_t from, to;             /* bytes of the text */
    struct template_value value; /* VALUE             */
    struct str name;             /* FIELD: `Year`; VARIABLE: `$x`; its fields: `$.Year` is FIELD */
    struct template_pipe *pipe;  /* PIPE: in parentheses */
};

/* A function and its operands, or one operand alone. */
struct template_command {
    size_t from, to;
    const struct template_function *function; /* NULL: the operand */
    struct template_operand *operand;
    size_t n, room;
};

struct template_pipe {
    size_t from, to; /* of its commands, without what it declares */
    struct str variable;
    bool is_new; /* := and not = */
    struct template_command *command;
    size_t n, room;
    bool has_dot, has_variable, has_environment;
};

enum node_kind { NODE_TEXT, NODE_ACTION, NODE_IF, NODE_WITH, NODE_RANGE };
struct template_node {
    enum node_kind kind;
    size_t from, to; /* of all of it, `end` included */
    struct str text;
    struct template_pipe *pipe;
    struct template_node *body, *otherwise; /* IF, WITH, RANGE */
    struct template_node *next;
    bool has_dot; /* here or inside */
};

/* Every function, ends with {0}. */
struct template_function {
    const char *name;
    size_t operands_least, operands_most; /* the piped one counts */
    bool is_environment;
    enum outcome (*call)(struct arena *a, const struct template_value *operand, size_t n,
                         struct template_value *out, struct failure *f); /* NULL: and, or */
};
extern const struct template_function template_functions[];

/* The text as nodes, NULL for an empty one. returns OK | REJECT f->record is the byte at fault */
enum outcome template_read(struct arena *a, struct str text, struct template_node **out,
                           struct failure *f);

bool template_is_true(const struct template_value *v);
/* As print writes it; Go's %v. */
void template_print(struct buf *b, const struct template_value *v);
/* As an action writes it. */
void template_show(struct buf *b, const struct template_value *v);

#endif
