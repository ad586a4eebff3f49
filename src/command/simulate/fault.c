#include "command/simulate/fault.h"

#include <stdlib.h>

enum { HELD_MAX = 4096, DELIVERY_BYTES_MAX = 32 << 20 };

const char *const fault_name[FAULTS] = {"none", "duplicate", "reorder",
                                        "late", "malformed", "forged"};
const char *const fate_expected_name[] = {"accepted", "repetition", "refused", "dead"};

/* A delivery kept back until so many others were passed. */
struct held {
    struct delivery delivery;
    struct arena arena;
    enum fault fault;
    enum fate_expected expect;
    uint64_t passes;
};

bool fault_rates(struct str text, double rate[FAULTS], struct str *wrong)
{
    while (text.len > 0) {
        char number[32];
        char *end = number;
        struct str value;
        const struct str part = str_cut(text, ',', &text);
        const struct str name = str_trim(str_cut(part, '=', &value));
        size_t i = FAULT_DUPLICATE;
        while (i < FAULTS && !str_eq(name, str_of(fault_name[i]))) {
            i++;
        }
        *wrong = part;
        if (i == FAULTS || value.len == 0 || value.len >= sizeof number) {
            return false;
        }
        memcpy(number, value.at, value.len);
        number[value.len] = '\0';
        rate[i] = strtod(number, &end);
        if (*end || !(rate[i] >= 0.0 && rate[i] <= 1.0)) {
            return false;
        }
    }
    return true;
}

void fault_open(struct fault_plan *p, struct arena *a, uint64_t seed)
{
    draw_seed(&p->draw, seed ^ UINT64_C(0x6661756C74));
    p->held = arena_array(a, struct held, HELD_MAX);
    p->held_n = 0;
}

static struct delivery copied(struct arena *a, const struct delivery *d)
{
    return (struct delivery){.id = arena_str(a, d->id),
                             .event = arena_str(a, d->event),
                             .source = arena_str(a, d->source),
                             .type = arena_str(a, d->type),
                             .subject = arena_str(a, d->subject),
                             .time = arena_str(a, d->time),
                             .body = arena_str(a, d->body)};
}

static void hold(struct fault_plan *p, const struct delivery *d, enum fault fault,
                 enum fate_expected expect, int64_t most)
{
    if (p->held_n == HELD_MAX) {
        p->send(p->to, d, fault, expect);
        return;
    }
    struct held *const h = &p->held[p->held_n++];
    *h = (struct held){.fault = fault,
                       .expect = expect,
                       .passes = (uint64_t)draw_between(&p->draw, most / 20, most)};
    arena_init(&h->arena, DELIVERY_BYTES_MAX);
    h->delivery = copied(&h->arena, d);
}

static void release(struct fault_plan *p, size_t i, bool is_sent)
{
    struct held *const h = &p->held[i];
    if (is_sent) {
        p->send(p->to, &h->delivery, h->fault, h->expect);
    }
    arena_close(&h->arena);
    p->held[i] = p->held[--p->held_n];
}

/* A copy with an id of its own, cut in two, or without what its mapping needs. */
static void send_malformed(struct fault_plan *p, const struct delivery *d)
{
    struct arena a;
    char id[UUID_BYTES];
    struct delivery bad = *d;
    const bool is_cut = draw_chance(&p->draw, 0.5);
    draw_uuid(&p->draw, id);
    arena_init(&a, DELIVERY_BYTES_MAX);
    bad.id = (struct str){id, sizeof id};
    if (is_cut) {
        bad.body = str_sub(d->body, 0, d->body.len / 2);
    } else if (p->shape == SHAPE_GITHUB) {
        bad.event = S("pull_request");
        bad.body = S("{\"action\":\"opened\",\"number\":1}");
    } else if (p->shape == SHAPE_FLAT) {
        bad.body = arena_printf(&a, "{\"context\":{\"id\":\"%.*s\"},\"event_id\":\"%.*s\"}",
                                STR_ARG(d->id), STR_ARG(bad.id));
    } else {
        bad.body = arena_printf(&a,
                                "{\"context\":{\"specversion\":\"0.5.1\",\"id\":\"%.*s\","
                                "\"source\":\"%.*s\",\"type\":\"%.*s\",\"timestamp\":\"%.*s\"},"
                                "\"subject\":{\"id\":\"%.*s\"}}",
                                STR_ARG(bad.id), STR_ARG(d->source), STR_ARG(d->type),
                                STR_ARG(d->time), STR_ARG(d->subject));
    }
    p->send(p->to, &bad, FAULT_MALFORMED, is_cut ? EXPECT_REFUSED : EXPECT_DEAD);
    arena_close(&a);
}

static void send_forged(struct fault_plan *p, const struct delivery *d)
{
    char id[UUID_BYTES];
    struct delivery forged = *d;
    draw_uuid(&p->draw, id);
    forged.id = (struct str){id, sizeof id};
    p->send(p->to, &forged, FAULT_FORGED, EXPECT_REFUSED);
}

/* Whether an agent without options of its own makes facts of it: no mapping takes a star, and of
 * new and deleted refs push tells (the agent's option `refs`). */
static bool gives_output(const struct fault_plan *p, const struct delivery *d)
{
    return p->shape != SHAPE_GITHUB ||
           !(str_eq(d->event, S("create")) || str_eq(d->event, S("delete")) ||
             str_eq(d->event, S("star")));
}

void fault_pass(struct fault_plan *p, const struct delivery *d)
{
    for (size_t i = p->held_n; i-- > 0;) {
        if (p->held[i].passes-- == 0) {
            release(p, i, true);
        }
    }
    const bool is_known = gives_output(p, d);
    if (draw_chance(&p->draw, p->rate[FAULT_REORDER])) {
        hold(p, d, FAULT_REORDER, EXPECT_ACCEPTED, 20);
    } else if (draw_chance(&p->draw, p->rate[FAULT_LATE])) {
        hold(p, d, FAULT_LATE, EXPECT_ACCEPTED, 2000);
    } else {
        p->send(p->to, d, FAULT_NONE, EXPECT_ACCEPTED);
        if (draw_chance(&p->draw, p->rate[FAULT_DUPLICATE])) {
            hold(p, d, FAULT_DUPLICATE, is_known ? EXPECT_REPETITION : EXPECT_ACCEPTED, 200);
        }
    }
    if (draw_chance(&p->draw, p->rate[FAULT_MALFORMED])) {
        send_malformed(p, d);
    }
    if (draw_chance(&p->draw, p->rate[FAULT_FORGED])) {
        send_forged(p, d);
    }
}

void fault_close(struct fault_plan *p, bool is_sent)
{
    while (p->held_n > 0) {
        release(p, p->held_n - 1, is_sent);
    }
}
