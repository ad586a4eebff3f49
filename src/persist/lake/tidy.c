#include "persist/lake/tidy.h"

void tidy_plan(struct lake *l, int64_t now_us)
{
    (void)now_us;
    l->tidy_due_us = INT64_MAX;
}

enum outcome tidy_run(struct lake *l, struct failure *f)
{
    (void)l;
    (void)f;
    return OK;
}
