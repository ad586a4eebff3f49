/* Where a window's files are in S3: one row, whose column `uri` a template makes a text of. Nothing
 * is asked: the store that the text is for reads the files. */
#include "collector/engine.h"
#include "config/sources.h"

static enum outcome partition_read(const struct source_ask *ask, const struct source_to *to,
                                   struct failure *f)
{
    const struct partition_s3_options *const o = ask->options;
    const struct template_dot dot = source_dot(ask);
    struct str partition;
    const enum outcome result = template_render(ask->arena, o->partition, &dot, &partition, f);
    if (result != OK) {
        return result;
    }
    const struct cell uri = {
        .column = S("uri"),
        .kind = CELL_TEXT,
        .text = arena_printf(ask->arena, "https://%.*s.s3.%.*s.amazonaws.com/%.*s%s%.*s",
                             STR_ARG(o->bucket), STR_ARG(o->region), STR_ARG(o->prefix),
                             o->prefix.len ? "/" : "", STR_ARG(partition))};
    return to->row(to->to, &uri, 1, f);
}

const struct source_driver source_partition_s3 = {.name = "partition.s3", .read = partition_read};
