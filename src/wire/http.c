#include "wire/http.h"
#include "base/buf.h"

enum { PROBLEM_BYTES_MAX = 16 * 1024 };

const char http_problem_type[] = "application/problem+json";

struct str http_problem(struct arena *a, unsigned status, struct str detail)
{
    struct buf b;
    buf_init(&b, a, PROBLEM_BYTES_MAX);
    buf_printf(&b, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u,\"detail\":",
               MHD_get_reason_phrase_for(status), status);
    buf_add_json(&b, str_sub(detail, 0, PROBLEM_BYTES_MAX / 8));
    buf_add_byte(&b, '}');
    return buf_str(&b);
}

struct str http_problem_text(struct arena *a, unsigned status, struct str detail)
{
    const struct str body = http_problem(a, status, detail);
    return arena_printf(a,
                        "HTTP/1.1 %u %s\r\nConnection: close\r\nContent-Type: %s\r\n"
                        "Content-Length: %zu\r\n\r\n%.*s",
                        status, MHD_get_reason_phrase_for(status), http_problem_type, body.len,
                        STR_ARG(body));
}

static enum MHD_Result add_fields(struct MHD_Response *response, const struct http_answer *answer)
{
    if (answer->content_type && MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                                                        answer->content_type) != MHD_YES) {
        return MHD_NO;
    }
    for (const struct http_field *field = answer->field; field->name; field++) {
        if (MHD_add_response_header(response, field->name, field->value) != MHD_YES) {
            return MHD_NO;
        }
    }
    return answer->is_last ? MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close")
                           : MHD_YES;
}

enum MHD_Result http_send(struct MHD_Connection *connection, const struct http_answer *answer)
{
    /* MUST_COPY does not write to the bytes that it is given. */
    void *const bytes = (void *)(uintptr_t)(answer->body.at ? answer->body.at : "");
    struct MHD_Response *const response = MHD_create_response_from_buffer(answer->body.len, bytes,
                                                                          MHD_RESPMEM_MUST_COPY);
    if (!response) {
        return MHD_NO;
    }
    enum MHD_Result result = add_fields(response, answer);
    if (result == MHD_YES) {
        result = MHD_queue_response(connection, answer->status, response);
    }
    MHD_destroy_response(response);
    return result;
}
