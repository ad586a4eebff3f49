/* merge_group: GitHub's merge queue asks for checks. Its changes tell what became of them; these
 * deliveries are kept raw, on purpose. */
#include "transform/github/github.h"

static const struct github_row merge_group_rows[] = {
    {"ME1", "checks_requested destroyed", NULL, .gives = NULL},
    {0},
};

const struct github_event github_merge_group = {.name = "merge_group", .rows = merge_group_rows};
