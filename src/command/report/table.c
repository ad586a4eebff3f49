#include "command/report/table.h"

#include <stdio.h>

#include "command/answer.h"

enum outcome report_table(const struct ask *q, struct arena *a, const struct report_table *t,
                          struct failure *f)
{
    struct duck_result r;
    (void)printf("\n%s\n", t->title);
    (void)fflush(stdout);
    enum outcome result = duck_query(q->duck, t->sql, &r, f);
    result = result == OK ? answer_print(a, ROWS_TABLE, &r, NULL, f) : result;
    duck_result_close(&r);
    return result;
}
