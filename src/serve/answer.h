/* answer.h - what a request to the admin address gets: pure functions of a survey. */
#ifndef WEIR_SERVE_ANSWER_H
#define WEIR_SERVE_ANSWER_H

#include "orchestrate/survey.h"
#include "serve/collected.h"
#include "wire/pages.h"

/* 200 while the process answers at all. */
void answer_livez(struct page *to);
/* 200 "ready", or 503 and one reason a line: a stage down, starting, retrying or behind. Then, with
 * either, a line for each file of collectors that is left out. */
void answer_readyz(const struct survey *s, const struct collectors *c, struct page *to);
/* interface.md section 4: {"Success":bool,"CurrentTime":…,"checks":[…]}; 200 or 503. */
void answer_health(const struct survey *s, struct page *to);
/* Prometheus text format 0.0.4, or OpenMetrics 1.0.0. */
void answer_metrics(const struct survey *s, const struct collected *c, struct arena *a,
                    bool is_openmetrics, struct page *to);

#endif
