/* merge_group: GitHub's merge queue asks for checks. Its changes tell what became of them; these
 * deliveries are kept raw, on purpose. */
#include "transform/github/github.h"

const struct github_row github_merge_group[] = {
    {"ME1", "checks_requested destroyed", NULL, .gives = NULL},
    {0},
};
