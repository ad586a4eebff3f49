#include "agent/head.h"

enum { HEADERS_MAX = 200 };

/* RFC 9110, section 5.6.2 */
static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        const char c = s.at[i];
        const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
        if (!is_letter && (c <= ' ' || c > '~' || strchr("\"(),/:;<=>?@[\\]{}", c))) {
            return false;
        }
    }
    return s.len > 0;
}

/* RFC 9110, section 5.5: no control character but tab. */
static bool is_field_value(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        const unsigned char c = (unsigned char)s.at[i];
        if ((c < ' ' && c != '\t') || c == 0x7F) {
            return false;
        }
    }
    return true;
}

static bool bad(struct arena *a, struct refusal *why, const char *what)
{
    return refuse(a, why, (struct refusal){.status = 400, .reason = "framing"}, "%s", what);
}

/* How often the headers that frame a request stand in its head. */
struct framing {
    size_t lengths, codings, hosts;
    bool is_chunked;
};

/* false: Content-Length is no number. */
static bool note_framing(struct head *head, struct header h, struct framing *n)
{
    if (str_eq_nocase(h.name, S("Content-Length"))) {
        n->lengths++;
        return str_to_u64(h.value, &head->length);
    }
    if (str_eq_nocase(h.name, S("Transfer-Encoding"))) {
        n->codings++;
        n->is_chunked = str_eq_nocase(h.value, S("chunked"));
    }
    n->hosts += str_eq_nocase(h.name, S("Host"));
    head->expects_continue |= str_eq_nocase(h.name, S("Expect"));
    return true;
}

bool head_judge(struct head *head, struct arena *a, struct refusal *why)
{
    struct framing n = {0};
    head->length = 0;
    for (size_t i = 0; i < head->headers_n; i++) {
        const struct header h = head->header[i];
        if (!is_token(h.name)) {
            return bad(a, why, "a header's name is no token (is there a space before the colon?)");
        }
        if (!is_field_value(h.value)) {
            return bad(a, why, "a header's value holds a control character");
        }
        if (!note_framing(head, h, &n)) {
            return bad(a, why, "Content-Length is no number");
        }
    }
    if (n.lengths > 1 || n.hosts > 1 || (n.lengths > 0 && n.codings > 0)) {
        return bad(a, why,
                   n.hosts > 1     ? "Host stands more than once"
                   : n.lengths > 1 ? "Content-Length stands more than once"
                                   : "Content-Length stands beside Transfer-Encoding");
    }
    if (n.hosts == 0 && !head->is_http_1_0) { /* RFC 9112, section 3.2 */
        return bad(a, why, "Host is missing");
    }
    if (n.codings > 0 && head->is_http_1_0) {
        return bad(a, why, "HTTP/1.0 has no Transfer-Encoding: send Content-Length or HTTP/1.1");
    }
    if (n.codings > 1 || (n.codings == 1 && !n.is_chunked)) {
        return bad(a, why, "Transfer-Encoding must be chunked and nothing else");
    }
    head->is_length_known = n.codings == 0;
    return true;
}

/* HTTP/1.2 to 1.9 are read as 1.1: RFC 9110, section 2.5, has a higher minor version treated as the
 * highest that is known, and what frames a request is judged by the same rules. libmicrohttpd
 * answers 505 to every other major version.
 *
 * libmicrohttpd gives texts up to their first NUL and takes a bare LF for the end of a line, where
 * another reader sees a longer value or one more line. But the texts lie in its buffer in the order
 * in which they came, so whatever it passed over shows as a gap: after the method and the URI there
 * is one space, after the version and each value CR LF, after the last one CR LF CR LF. */
static bool is_seamless(struct MHD_Connection *connection, const struct request_line *line,
                        const struct head *head)
{
    enum { CRLF = 2 };
    const union MHD_ConnectionInfo *const info = MHD_get_connection_info(
        connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    const char *at = line->version + strlen(line->version) + CRLF;
    if (!info || line->method + strlen(line->method) + 1 != line->uri.at ||
        line->uri.at + line->uri.len + 1 != line->version) {
        return false;
    }
    for (size_t i = 0; i < head->headers_n; i++) {
        if (head->header[i].name.at != at) {
            return false;
        }
        at = head->header[i].value.at + head->header[i].value.len + CRLF;
    }
    return at + CRLF == line->method + info->header_size;
}

/* RFC 9110, section 5.5: white space around a value is no part of it. libmicrohttpd leaves what
 * stands behind it, and frames the request by what it sees: so that is what is judged before. */
static void cut_white_space(struct head *head)
{
    for (size_t i = 0; i < head->headers_n; i++) {
        head->header[i].value = str_trim(head->header[i].value);
    }
}

struct collected {
    struct head *head;
    size_t bytes;
};

static enum MHD_Result collect(void *to, enum MHD_ValueKind kind, const char *name,
                               size_t name_bytes, const char *value, size_t value_bytes)
{
    enum { LINE_EXTRA = 4 }; /* colon, space, CR, LF */
    struct collected *const c = to;
    (void)kind;
    c->bytes += name_bytes + value_bytes + LINE_EXTRA;
    c->head->header[c->head->headers_n++] = (struct header){
        {name, name_bytes}, {value ? value : "", value ? value_bytes : 0}};
    return MHD_YES;
}

bool head_read(struct MHD_Connection *connection, const struct request_line *line, struct arena *a,
               size_t bytes_max, struct head *out, struct refusal *why)
{
    const int n = MHD_get_connection_values_n(connection, MHD_HEADER_KIND, NULL, NULL);
    struct collected c = {.head = out};
    *out = (struct head){.header = arena_array(a, struct header, n > 0 ? (size_t)n : 0),
                         .is_http_1_0 = strcmp(line->version, "HTTP/1.0") == 0};
    (void)MHD_get_connection_values_n(connection, MHD_HEADER_KIND, collect, &c);
    if (c.bytes > bytes_max || n > HEADERS_MAX) {
        return refuse(a, why, (struct refusal){.status = 431, .reason = "headers"},
                      "the headers are longer than intake.headers_bytes_max (%zu bytes) or more "
                      "than %d",
                      bytes_max, HEADERS_MAX);
    }
    if (!is_seamless(connection, line, out)) {
        return bad(a, why,
                   "the head holds a NUL or %00, a folded line, a line that ends without CR LF, "
                   "or more than one space in its first line");
    }
    const bool is_sound = head_judge(out, a, why);
    cut_white_space(out);
    return is_sound;
}
