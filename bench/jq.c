/* jq.c - webhooks through a mapping in its process, one after the other, beside libjq alone in this
 * process: its own parser, the same program. By processor time of all processes, since the two of a
 * mapping take turns, and a busy machine treats them better than one that never waits. */
#include <jq.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/buf.h"
#include "base/clock.h"
#include "wire/jq/jq.h"

enum { MEMORY_BYTES_MAX = 64 << 20, STEPS = 40 };
#define SPAN_US INT64_C(3000000)

static double cpu_s(void)
{
    const int whose[] = {RUSAGE_SELF, RUSAGE_CHILDREN}; /* of children that have ended */
    double sum = 0;
    for (size_t i = 0; i < sizeof whose / sizeof *whose; i++) {
        struct rusage u;
        (void)getrusage(whose[i], &u);
        sum += (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
               (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
    }
    return sum;
}

/* Fourteen fields of a job, as mappings go. */
static const char program[] =
    "{model: \"task_run\", at: .job.completed_at, source: .repository.html_url, id: .job.id, "
    "attempt: .job.run_attempt, pipeline_run_id: .job.run_id, name: .job.name, runner: "
    ".job.runner_name, labels: .job.labels, outcome: .job.conclusion, queued_at: .job.created_at, "
    "started_at: .job.started_at, finished_at: .job.completed_at, url: .job.html_url}";

/* A job of about 11 KB, most of it its steps. */
static struct str body_of(struct arena *a)
{
    struct buf b;
    buf_init(&b, a, 1 << 16);
    buf_add(&b,
            S("{\"repository\":{\"html_url\":\"https://github.com/acme/shop\",\"id\":1},\"job\":{"
              "\"id\":12345678901,\"run_id\":9007199254740993,\"run_attempt\":1,\"name\":"
              "\"unit\",\"runner_name\":\"linux-7\",\"labels\":[\"linux\",\"x64\"],"
              "\"conclusion\":\"success\",\"created_at\":\"2024-01-02T03:04:05Z\",\"started_at\":"
              "\"2024-01-02T03:04:15Z\",\"completed_at\":\"2024-01-02T03:06:15Z\",\"html_url\":"
              "\"https://github.com/acme/shop/actions/runs/1/job/2\",\"steps\":["));
    for (int i = 0; i < STEPS; i++) {
        buf_printf(&b,
                   "%s{\"name\":\"Run step number %d of the job\",\"status\":\"completed\","
                   "\"conclusion\":\"success\",\"number\":%d,\"started_at\":"
                   "\"2024-01-02T03:04:%02d.000+01:00\",\"completed_at\":"
                   "\"2024-01-02T03:05:%02d.000+01:00\",\"log\":{\"bytes\":%d,\"url\":"
                   "\"https://example.com/%d\"}}",
                   i ? "," : "", i, i, i, i, i * 1000, i);
    }
    buf_add(&b, S("]}}"));
    return buf_str(&b);
}

static double mapped(struct str body)
{
    struct arena lasting, a;
    const struct mapping mapping = {.name = S("bench"),
                                    .program = str_of(program),
                                    .limits = {.memory_bytes = (size_t)256 << 20,
                                               .output_bytes = 1 << 20,
                                               .time_ms = 1000,
                                               .depth = 32,
                                               .outputs = 100}};
    const struct jq_input in = {
        .mapping = &mapping, .body = body, .context = S("{\"headers\":{}}")};
    struct failure f;
    struct str out;
    int64_t n = 0;
    arena_init(&lasting, MEMORY_BYTES_MAX);
    arena_init(&a, MEMORY_BYTES_MAX);
    struct jq_pool *const pool = jq_pool_open(&lasting);
    if (jq_run(pool, &a, &in, &out, &f) != OK) { /* compiled before the clock starts */
        fprintf(stderr, "%s\n", f.text);
        exit(1);
    }
    const double start_s = cpu_s();
    for (const int64_t end_us = clock_mono_us() + SPAN_US; clock_mono_us() < end_us;) {
        for (int i = 0; i < 50; i++, n++) {
            (void)jq_run(pool, &a, &in, &out, &f);
            arena_reset(&a);
        }
    }
    arena_close(&lasting); /* the child ends, and counts */
    arena_close(&a);
    return (double)n / (cpu_s() - start_s);
}

static double alone(struct str body)
{
    jq_state *jq = jq_init();
    int64_t n = 0;
    if (!jq || !jq_compile(jq, program)) {
        exit(1);
    }
    const double start_s = cpu_s();
    for (const int64_t end_us = clock_mono_us() + SPAN_US; clock_mono_us() < end_us;) {
        for (int i = 0; i < 50; i++, n++) {
            jq_start(jq, jv_parse_sized(body.at, (int)body.len), 0);
            for (jv v = jq_next(jq); jv_is_valid(v); v = jq_next(jq)) {
                jv_free(jv_dump_string(v, 0));
            }
        }
    }
    jq_teardown(&jq);
    return (double)n / (cpu_s() - start_s);
}

int main(void)
{
    struct arena a;
    arena_init(&a, MEMORY_BYTES_MAX);
    const struct str body = body_of(&a);
    const double by_weir = mapped(body);
    const double by_jq = alone(body);
    printf("{\"name\":\"webhooks of %zu bytes through a mapping\",\"value\":%.0f,\"unit\":"
           "\"signals/s of one core\",\"beside\":\"libjq "
           "alone\",\"beside_value\":%.0f,\"ratio\":%.3f}\n",
           body.len, by_weir, by_jq, by_weir / by_jq);
    arena_close(&a);
    return 0;
}
