/* What a transformer gives: facts, or why there are none. */
#include "transform/transform.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

bool transform_add(const struct transform_in *in, struct transform_out *out, struct fact *fact)
{
    struct signal done;
    struct failure f = {0};
    if (fact_end(fact, in->raw, in->raw_at, &done, &f) != OK) {
        return transform_dead(out, f.pointer, "%s", f.text);
    }
    out->bytes += done.data.len + done.source.len + done.partitionkey.len + sizeof done;
    if (out->bytes > TRANSFORM_GIVEN_BYTES_MAX) {
        return transform_dead(out, "", "its facts together exceed %d bytes",
                              TRANSFORM_GIVEN_BYTES_MAX);
    }
    out->fact = arena_more(out->arena, out->fact, out->facts_n, &out->facts_room,
                           sizeof *out->fact);
    out->fact[out->facts_n++] = signal_copy(out->arena, &done);
    out->fate = FATE_STORED;
    return true;
}

bool transform_dead(struct transform_out *out, const char *pointer, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char text[sizeof out->why.text];
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    (void)failed_at(&out->why, REJECT, pointer, "%s", text);
    out->fate = FATE_DEAD;
    out->facts_n = 0;
    return false;
}

bool transform_failed(struct transform_out *out, struct str what, const struct failure *f)
{
    (void)transform_dead(out, f->pointer, "%.*s%s", STR_ARG(what), f->text);
    if (f->outcome == RETRY) {
        out->fate = FATE_LATER;
        out->why = *f;
    }
    return false;
}

void transform_unmapped(struct transform_out *out, struct str name, struct str others)
{
    assert(out->facts_n == 0);
    out->fate = FATE_UNMAPPED;
    out->name = arena_str(out->arena, name);
    out->others = arena_str(out->arena, others);
}

void transform_ignored(struct transform_out *out, struct str reason)
{
    assert(out->facts_n == 0);
    out->fate = FATE_IGNORED;
    out->name = arena_str(out->arena, reason);
}
