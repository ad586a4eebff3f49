/* request.c - one HTTP request through what judges and reads it: framing, admission, driver. What
 * is taken has an identity, is JSON, holds no secret, and survives the bus's encoding.
 *
 * Input: a byte that chooses the agent and whether Host stands there, header lines, an empty line,
 * the body. */
#include "agent/agent.h"
#include "agent/head.h"
#include "base/hash.h"
#include "config/agents.h"
#include "fuzz.h"
#include "wire/json.h"

#include <stdlib.h>

enum { HEADERS_MAX = 40, MEMORY_BYTES_MAX = 64 << 20, EVENTS_MAX = 16, SIGNATURE_BYTES = 71 };

/* Of the agent that signs, and of no header that is kept. */
static struct str signing = STR("fuzz by fuzz");

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* Most inputs would end at the signature: this one is right unless the input has its own. */
static struct str sign(struct arena *a, struct str secret, struct str body)
{
    unsigned char mac[SHA256_BYTES];
    char *const text = arena_array(a, char, SIGNATURE_BYTES);
    hash_hmac_sha256(secret, body, mac);
    memcpy(text, "sha256=", 7);
    hex_write(mac, sizeof mac, text + 7);
    return (struct str){text, SIGNATURE_BYTES};
}

static void check_signal(struct arena *a, const struct request *q, const struct signal *s,
                         bool is_github)
{
    struct failure f;
    struct buf b;
    struct signal back;
    yyjson_doc *doc = NULL;
    must(s->id.len && s->source.len && s->type.len && s->partitionkey.len && s->data.len);
    must(str_eq(s->agent, q->agent));
    must(str_is_utf8(s->id) && str_is_utf8(s->source) && str_is_utf8(s->type));
    must(json_try_read_lax(a, s->data, &doc, &f) == OK);
    must(is_github ||
         (json_read(a, s->data, &doc, &f) == OK && yyjson_is_obj(yyjson_doc_get_root(doc))));
    must(json_read(a, s->headers, &doc, &f) == OK);
    must(json_check_unique(a, yyjson_doc_get_root(doc), &f) == OK);
    must(!json_get(yyjson_doc_get_root(doc), S("authorization")));
    must(!json_get(yyjson_doc_get_root(doc), S("x-hub-signature-256")));
    must(!memmem(s->headers.at, s->headers.len, signing.at, signing.len));
    buf_init(&b, a, MEMORY_BYTES_MAX);
    signal_write(&b, s);
    must(!buf_is_over(&b) && signal_read(buf_str(&b), &back, &f) == OK);
    must(str_eq(back.id, s->id) && str_eq(back.data, s->data) && back.time_us == s->time_us);
}

static void try_request(struct arena *a, struct arena *scratch, bool is_github,
                        const struct head *head, struct str body)
{
    static const struct github_options github = {.secret = {&signing, 1}};
    static const struct cdevents_options cdevents;
    const struct agent_driver *const driver = is_github ? &agent_github : &agent_cdevents;
    const struct request q = {.agent = S("fuzz"),
                              .options = is_github ? (const void *)&github
                                                   : (const void *)&cdevents,
                              .header = head->header,
                              .headers_n = head->headers_n,
                              .sent = body,
                              .body = body,
                              .secrets = {&signing, 1},
                              .events_max = EVENTS_MAX,
                              .arena = a,
                              .scratch = scratch};
    struct taken taken = {0};
    struct refusal why = {0};
    if (!driver->admit(&q, &why) || (driver->prove && !driver->prove(&q, &why)) ||
        !driver->take(&q, &taken, &why)) {
        must(why.status >= 400 && why.status < 600 && why.reason && why.detail.len);
        return;
    }
    must(taken.n <= EVENTS_MAX && (taken.n == 1 || taken.is_batch));
    for (size_t i = 0; i < taken.n; i++) {
        check_signal(a, &q, &taken.signal[i], is_github);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct arena scratch;
    struct refusal why = {0};
    struct header header[HEADERS_MAX];
    struct str rest = {(const char *)data, size};
    const bool is_github = size > 0 && data[0] % 2;
    struct head head = {.header = header};
    arena_init(&a, MEMORY_BYTES_MAX);
    arena_init(&scratch, MEMORY_BYTES_MAX);
    rest = str_sub(rest, 1, rest.len);
    for (struct str line = str_cut(rest, '\n', &rest);
         line.len > 0 && head.headers_n + 2 < HEADERS_MAX; line = str_cut(rest, '\n', &rest)) {
        struct str value;
        const struct str name = str_cut(line, ':', &value);
        header[head.headers_n++] = (struct header){name, str_trim(value)};
    }
    if (size > 0 && data[0] < 128) {
        header[head.headers_n++] = (struct header){S("Host"), S("fuzz")};
    }
    if (is_github) {
        header[head.headers_n++] = (struct header){S("X-Hub-Signature-256"),
                                                   sign(&a, signing, rest)};
    }
    if (head_judge(&head, &a, &why)) {
        try_request(&a, &scratch, is_github, &head, rest);
    } else {
        must(why.status == 400 && why.detail.len);
    }
    arena_close(&scratch);
    arena_close(&a);
    return 0;
}
