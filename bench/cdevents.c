/* cdevents.c - CDEvents validated, lifted and made facts on one core, beside yyjson parsing them
 * alone. */
#include <stdio.h>

#include "transform/transform.h"
#include "wire/json.h"

enum { MEMORY_BYTES_MAX = 64 << 20 };
#define SPAN_US INT64_C(1000000)

#define LINKS                                                                                      \
    "\"links\":[{\"linkType\":\"RELATION\",\"linkKind\":\"TRIGGER\",\"target\":{\"contextId\":"    \
    "\"5328c37f-bb7e-4bb7-84ea-9f5f85e4a7ce\"},\"tags\":{\"team\":\"shop\"}},{\"linkType\":"       \
    "\"PATH\",\"from\":{\"contextId\":\"5328c37f-bb7e-4bb7-84ea-9f5f85e4a7ce\"}}]"
#define CUSTOM                                                                                     \
    ",\"customData\":{\"build\":{\"number\":4711,\"agent\":\"linux-7\",\"labels\":[\"a\",\"b\"],"  \
    "\"params\":{\"branch\":\"main\",\"clean\":true}}},\"customDataContentType\":"                 \
    "\"application/json\"}"

static const struct str events[] = {
    STR("{\"context\":{\"specversion\":\"0.5.1\",\"id\":\"271069a8-fc18-44f1-b38f-9d70a1695819\","
        "\"source\":\"https://ci.example.org/shop\",\"type\":\"dev.cdevents.pipelinerun.finished."
        "0.3.0\",\"timestamp\":\"2026-11-22T05:53:00.315384Z\",\"chainId\":\"6ca3f9c5-1cef-4ce0-"
        "861c-2456a69cf137\"," LINKS "},\"subject\":{\"id\":\"run-4711\",\"source\":"
        "\"https://ci.example.org/shop\",\"content\":{\"pipelineName\":\"shop-release\",\"uri\":"
        "\"https://ci.example.org/shop/runs/4711\",\"outcome\":\"failure\",\"errors\":"
        "\"3 of 812 tests failed\"}}" CUSTOM),
    STR("{\"context\":{\"version\":\"0.4.1\",\"id\":\"271069a8-fc18-44f1-b38f-9d70a1695820\","
        "\"source\":\"https://ci.example.org/shop\",\"type\":\"dev.cdevents.taskrun.finished."
        "0.2.0\",\"timestamp\":\"2026-11-22T05:53:00.315384Z\",\"chainId\":\"6ca3f9c5-1cef-4ce0-"
        "861c-2456a69cf137\"," LINKS "},\"subject\":{\"id\":\"task-1\",\"source\":"
        "\"https://ci.example.org/shop\",\"type\":\"taskRun\",\"content\":{\"taskName\":\"unit\","
        "\"url\":\"https://ci.example.org/shop/runs/4711/unit\",\"pipelineRun\":{\"id\":"
        "\"run-4711\"},\"outcome\":\"SUCCESS\"}}" CUSTOM),
};
enum { EVENTS = sizeof events / sizeof *events };

static void parse(struct arena *a, struct str event)
{
    struct failure f;
    yyjson_doc *doc = NULL;
    if (json_read(a, event, &doc, &f) != OK) {
        fprintf(stderr, "%s\n", f.text);
    }
}

static void transform(struct arena *a, struct str event)
{
    const struct signal raw = {.agent = STR("builds"), .received_us = 1, .data = event};
    const struct config config = {0};
    struct transform_out out = {.arena = a};
    transformer_cdevents.run(
        &(struct transform_in){
            .raw = &raw, .raw_at = STR("intake-0:1"), .config = &config, .arena = a},
        &out);
    if (out.fate != FATE_STORED) {
        fprintf(stderr, "%s: %s\n", out.why.pointer, out.why.text);
    }
}

/* Events a second of wall time. */
static double rate_of(void (*once)(struct arena *a, struct str event))
{
    struct arena a;
    arena_init(&a, MEMORY_BYTES_MAX);
    int64_t n = 0;
    const int64_t start_us = clock_mono_us();
    int64_t now_us = start_us;
    for (; now_us - start_us < SPAN_US; now_us = clock_mono_us()) {
        for (int i = 0; i < 1000; i++, n++) {
            once(&a, events[n % EVENTS]);
            arena_reset(&a);
        }
    }
    arena_close(&a);
    return (double)n * 1e6 / (double)(now_us - start_us);
}

int main(void)
{
    const double parsed = rate_of(parse);
    const double made = rate_of(transform);
    printf("{\"name\":\"CDEvents to facts, one core\",\"value\":%.0f,\"unit\":\"events/s\","
           "\"beside\":\"yyjson parsing alone\",\"beside_value\":%.0f,\"ratio\":%.3f}\n",
           made, parsed, made / parsed);
    return 0;
}
