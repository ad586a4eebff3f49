/* webhook.c - any bytes as a signed webhook's header and body, and as what a mapping gives.
 *
 * Nobody without the secret is believed, however the header looks; and whatever a mapping gives
 * ends in one of the four ways, with facts that can be read back. The first byte chooses, and how
 * it is signed; a newline parts header and body. */
#include "agent/proof.h"
#include "base/hash.h"
#include "config/agents.h"
#include "fuzz.h"
#include "transform/jq/mapping.h"

#include <stdlib.h>

enum { MEMORY_BYTES_MAX = 64 << 20, MAC_TEXT_MAX = 2 * HASH_BYTES_MAX + 1 };
#define NOW_US INT64_C(1700000000000000)

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* The mapping is never asked here: its output is the input. */
static void give(struct arena *a, struct str text)
{
    static const struct webhook_options options = {.mapping = {.name = STR("fuzz")}};
    static const struct config config;
    const struct signal raw = {.id = S("1"),
                               .source = S("/agents/fuzz"),
                               .type = S("webhook.fuzz"),
                               .agent = S("fuzz"),
                               .time_us = TIME_NONE,
                               .received_us = NOW_US,
                               .data = text};
    const struct transform_in in = {&raw, S("intake-0:64"), &config, a, &options, NULL};
    struct transform_out out = {.arena = a};
    struct failure f = {0};
    yyjson_doc *doc = NULL;
    if (json_read_exact(a, text, &doc, &f) != OK || !yyjson_is_arr(yyjson_doc_get_root(doc)) ||
        json_check_unique(a, yyjson_doc_get_root(doc), &f) != OK) {
        return; /* jq gives an array, and no object with a key twice */
    }
    mapping_facts(&in, &out, yyjson_doc_get_root(doc));
    must(out.fate != FATE_STORED || out.facts_n > 0);
    must(out.fate != FATE_DEAD || out.why.text[0]);
    must(out.fate == FATE_STORED || out.fate == FATE_DEAD || out.name.len > 0);
    for (size_t i = 0; i < out.facts_n; i++) {
        struct row row;
        must(fact_read(a, &out.fact[i], &row, &f) == OK);
    }
}

static struct request request_of(struct arena *a, const struct header *header, struct str body)
{
    return (struct request){.agent = S("fuzz"),
                            .header = header,
                            .headers_n = 1,
                            .received_us = NOW_US,
                            .sent = body,
                            .body = body,
                            .arena = a,
                            .scratch = a};
}

static void prove(struct arena *a, unsigned how, struct str line, struct str body)
{
    static struct str secret[] = {STR("sesame"), STR("open")};
    const struct webhook_signature s = {.header = S("X-Sign"),
                                        .separator = how & 16 ? S(" ") : S(","),
                                        .prefix = S("v1="),
                                        .algorithm = (int)(how % 3),
                                        .encoding = (int)(how / 3 % 2),
                                        .signs = how & 8 ? S("v0:{timestamp}:{body}") : S("{body}"),
                                        .timestamp = {.header = how & 8 ? S("X-Sign") : S(""),
                                                      .prefix = S("t="),
                                                      .tolerance_ms = 300000},
                                        .key = {secret, 2}};
    const struct header sent = {S("x-sign"), line};
    const struct request q = request_of(a, &sent, body);
    struct refusal why = {0};
    if (proof_is_signed(&q, &s, &why)) {
        abort(); /* a corpus holds no HMAC: libFuzzer would have to find one */
    }
    must(why.status == 401 && why.detail.len > 0);
    if (!(how & 8) && s.encoding == 0) { /* and the right one is believed among all that */
        unsigned char mac[HASH_BYTES_MAX];
        char *const text = arena_array(a, char, MAC_TEXT_MAX);
        const size_t n = hash_hmac((enum hash_kind)s.algorithm, secret[1], body, mac);
        hex_write(mac, n, text);
        const struct header right = {
            S("X-Sign"),
            arena_printf(a, "v1=%.*s%c%.*s", (int)(2 * n), text, s.separator.at[0], STR_ARG(line))};
        const struct request again = request_of(a, &right, body);
        must(proof_is_signed(&again, &s, &why));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct str body;
    if (size == 0) {
        return 0;
    }
    arena_init(&a, MEMORY_BYTES_MAX);
    const struct str rest = {(const char *)data + 1, size - 1};
    if (data[0] & 0x80) {
        prove(&a, data[0] & 0x7F, str_cut(rest, '\n', &body), body);
    } else {
        give(&a, rest);
    }
    arena_close(&a);
    return 0;
}
