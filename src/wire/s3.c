#include "wire/s3.h"

#include "base/buf.h"
#include "wire/aws.h"

enum {
    PART_BYTES = 8 << 20, /* of an object larger than two of them; S3 wants at least 5 MiB */
    REQUEST_MS = 5 * 60 * 1000,
    URL_BYTES_MAX = 8192,
    XML_BYTES_MAX = 1 << 20
};

/* One object on its way. */
struct put {
    struct uploader *uploader;
    struct arena *arena;
    struct upload_aws aws;
    struct str url; /* without a query */
    struct str type;
};

/* Everything but unreserved bytes, and slashes where they part segments. */
static void add_escaped(struct buf *b, struct str text, bool keeps_slash)
{
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.at[i], lower = c | 0x20;
        const bool is_plain = (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') ||
                              c == '-' || c == '.' || c == '_' || c == '~' ||
                              (c == '/' && keeps_slash);
        if (is_plain) {
            buf_add_byte(b, (char)c);
        } else {
            buf_printf(b, "%%%02X", (unsigned)c);
        }
    }
}

static enum outcome find_url(struct put *p, const struct s3_bucket *bucket, struct str key,
                             struct failure *f)
{
    struct buf b;
    struct str end = bucket->endpoint.len > 0
                         ? bucket->endpoint
                         : arena_printf(p->arena, "https://s3.%.*s.amazonaws.com",
                                        STR_ARG(p->aws.region));
    while (end.len > 0 && end.at[end.len - 1] == '/') {
        end.len--;
    }
    const struct str scheme = str_starts_nocase(end, S("http://"))    ? S("http://")
                              : str_starts_nocase(end, S("https://")) ? S("https://")
                                                                      : S("");
    if (scheme.len == 0) {
        return failed(f, STOP, "S3: endpoint %.*s is no http:// or https:// URL", STR_ARG(end));
    }
    const struct str host = str_sub(end, scheme.len, end.len);
    buf_init(&b, p->arena, URL_BYTES_MAX);
    if (bucket->is_path_style) {
        buf_printf(&b, "%.*s%.*s/", STR_ARG(scheme), STR_ARG(host));
        add_escaped(&b, bucket->name, false);
    } else {
        buf_printf(&b, "%.*s%.*s.%.*s", STR_ARG(scheme), STR_ARG(bucket->name), STR_ARG(host));
    }
    buf_add_byte(&b, '/');
    add_escaped(&b, key, true);
    p->url = buf_str(&b);
    return buf_is_over(&b) ? failed(f, STOP, "S3: the key of an object is too long") : OK;
}

/* S3's own codes tell apart what a status alone does not. */
static enum outcome tell(const struct upload_request *r, const struct upload_answer *answer,
                         struct failure *f)
{
    const enum outcome result = upload_status(r, answer, f);
    const char *const says = answer->body.at ? answer->body.at : "";
    const bool is_passing = strstr(says, "<Code>RequestTimeout<") ||
                            strstr(says, "<Code>OperationAborted<") ||
                            strstr(says, "<Code>SlowDown<");
    if (result == OK || upload_is_busy(answer->status)) {
        return result;
    }
    return f->outcome = is_passing ? RETRY : STOP; /* it is never the record's fault */
}

/* `query`: what follows the URL, sorted, or empty. */
static enum outcome ask(struct put *p, const char *method, struct str query, struct str body,
                        struct upload_answer *answer, struct failure *f)
{
    const struct upload_field field[] = {{S("Content-Type"), p->type}};
    const struct upload_request r = {
        .url = arena_printf(p->arena, "%.*s%.*s", STR_ARG(p->url), STR_ARG(query)),
        .method = str_of(method),
        .field = field,
        .fields_n = p->type.len > 0 ? 1 : 0,
        .body = body,
        .time_ms = REQUEST_MS,
        .aws = p->aws.key.len > 0 ? &p->aws : NULL};
    const enum outcome result = upload(p->uploader, p->arena, &r, answer, f);
    if (result != OK) {
        return result;
    }
    /* what failed behind a 200 that came early, to keep the connection, is told in the body */
    if (answer->status == 200 && answer->body.at && strstr(answer->body.at, "<Error>")) {
        return failed(f, RETRY, "S3: %s %.*s failed: %.*s", method, STR_ARG(p->url),
                      STR_ARG(str_sub(answer->body, 0, 200)));
    }
    return tell(&r, answer, f);
}

/* ---- in parts ---- */

static struct str between(struct str text, const char *from, const char *to)
{
    const char *const begin = text.at ? strstr(text.at, from) : NULL;
    const char *const end = begin ? strstr(begin, to) : NULL;
    return end ? (struct str){begin + strlen(from), (size_t)(end - begin) - strlen(from)} : S("");
}

static enum outcome put_parts(struct put *p, struct str id, struct str body, struct failure *f)
{
    struct upload_answer answer;
    struct buf xml;
    enum outcome result = OK;
    buf_init(&xml, p->arena, XML_BYTES_MAX);
    buf_add(&xml, S("<CompleteMultipartUpload>"));
    for (size_t i = 0, at = 0; at < body.len && result == OK; i++, at += PART_BYTES) {
        const struct str query = arena_printf(p->arena, "?partNumber=%zu&uploadId=%.*s", i + 1,
                                              STR_ARG(id));
        result = ask(p, "PUT", query, str_sub(body, at, PART_BYTES), &answer, f);
        buf_printf(&xml, "<Part><PartNumber>%zu</PartNumber><ETag>%.*s</ETag></Part>", i + 1,
                   STR_ARG(answer.etag));
    }
    buf_add(&xml, S("</CompleteMultipartUpload>"));
    p->type = S("application/xml");
    return result == OK ? ask(p, "POST", arena_printf(p->arena, "?uploadId=%.*s", STR_ARG(id)),
                              buf_str(&xml), &answer, f)
                        : result;
}

static enum outcome put_large(struct put *p, struct str body, struct failure *f)
{
    struct upload_answer answer;
    struct failure ignored;
    struct buf id;
    enum outcome result = ask(p, "POST", S("?uploads="), S(""), &answer, f);
    if (result != OK) {
        return result;
    }
    buf_init(&id, p->arena, URL_BYTES_MAX);
    add_escaped(&id, between(answer.body, "<UploadId>", "</UploadId>"), false);
    p->type = S("application/octet-stream");
    result = put_parts(p, buf_str(&id), body, f);
    if (result != OK) { /* else its parts stay, and are paid for */
        (void)ask(p, "DELETE", arena_printf(p->arena, "?uploadId=%.*s", STR_ARG(buf_str(&id))),
                  S(""), &answer, &ignored);
    }
    return result;
}

enum outcome s3_put(struct uploader *u, struct arena *a, const struct s3_bucket *bucket,
                    const struct s3_object *object, struct failure *f)
{
    struct aws_identity who;
    struct put p = {.uploader = u, .arena = a, .type = object->type};
    struct upload_answer answer;
    enum outcome result = aws_identity(a, &who, f);
    const struct str region = bucket->region.len > 0 ? bucket->region : who.region;
    p.aws = (struct upload_aws){.key = who.key,
                                .secret = who.secret,
                                .token = who.token,
                                .region = region.len > 0 ? region : S("us-east-1"),
                                .service = S("s3")};
    if (result == OK) {
        result = find_url(&p, bucket, object->key, f);
    }
    if (result != OK) {
        return result;
    }
    return object->body.len > 2 * (size_t)PART_BYTES
               ? put_large(&p, object->body, f)
               : ask(&p, "PUT", S(""), object->body, &answer, f);
}
