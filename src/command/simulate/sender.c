#include "command/simulate/sender.h"

#include <time.h>

#include "command/hook.h"

enum { SCRATCH_BYTES_MAX = 128 << 20 };

void sender_open(struct sender *s)
{
    arena_init(&s->scratch, SCRATCH_BYTES_MAX);
    s->start_us = clock_mono_us();
}

/* CloudEvents' binary mode (HTTP protocol binding 1.0.2, section 3.1), or the flat shape as any
 * JSON. A forged one carries a wrong
 * token, or without tokens an id that contradicts its body. */
static void as_event(struct arena *a, const struct sender *s, const struct delivery *d,
                     bool is_forged, struct post_request *r)
{
    hook_field(r, S("Content-Type"), S("application/json"));
    if (s->shape == SHAPE_CDEVENTS) {
        hook_field(r, S("ce-specversion"), S("1.0"));
        hook_field(r, S("ce-id"), d->id);
        hook_field(r, S("ce-source"), d->source);
        hook_field(r, S("ce-type"), d->type);
        hook_field(r, S("ce-time"), d->time);
        hook_field(r, S("ce-subject"), d->subject);
    }
    if (s->secret.len) {
        hook_field(r, S("Authorization"),
                   arena_printf(a, "Bearer %.*s%s", STR_ARG(s->secret), is_forged ? "x" : ""));
    }
}

static void make(struct arena *a, const struct sender *s, const struct delivery *d, bool is_forged,
                 struct post_request *r)
{
    r->body = d->body;
    if (s->shape == SHAPE_GITHUB) {
        const struct str secret = is_forged ? arena_printf(a, "not %.*s", STR_ARG(s->secret))
                                            : s->secret;
        hook_github(a, secret, d->event, d->id, r);
    } else {
        as_event(a, s, d, is_forged, r);
    }
}

/* As raw/{event_id}.json: the key under which its first readers kept an event. */
static void write_file(struct sender *s, struct str id, struct str line)
{
    const struct str path = arena_printf(&s->scratch, "%.*sraw/%.*s.json", STR_ARG(s->folder),
                                         STR_ARG(id));
    if (s->is_bad) {
        return;
    }
    FILE *const file = fopen(path.at, "we");
    bool is_written = file && fwrite(line.at, 1, line.len, file) == line.len;
    if (file && fclose(file) != 0) {
        is_written = false;
    }
    if (!is_written) {
        s->is_bad = true;
        (void)failed_errno(&s->f, RETRY, "write %s", path.at);
    }
}

/* `{"headers":{…},"body":…}`, or the event itself; a body that is not JSON is a text. */
static void write_line(struct sender *s, struct str id, const struct post_request *r, bool is_json)
{
    struct buf b;
    buf_init(&b, &s->scratch, SCRATCH_BYTES_MAX / 2);
    if (s->shape == SHAPE_GITHUB) {
        buf_add(&b, S("{\"headers\":{"));
        for (size_t i = 0; i < POST_FIELDS_MAX && r->field[i].name.len; i++) {
            buf_add(&b, i ? S(",") : S(""));
            buf_add_json(&b, r->field[i].name);
            buf_add_byte(&b, ':');
            buf_add_json(&b, r->field[i].value);
        }
        buf_add(&b, S("},\"body\":"));
        if (is_json) {
            buf_add(&b, r->body);
        } else {
            buf_add_json(&b, r->body);
        }
        buf_add_byte(&b, '}');
    } else {
        buf_add(&b, r->body);
    }
    buf_add_byte(&b, '\n');
    if (s->folder.len) {
        write_file(s, id, buf_str(&b));
    } else {
        (void)fwrite(b.at, 1, b.len, s->file); /* sender_close asks ferror */
    }
}

/* Wait until the next delivery is due. */
static void keep_rate(struct sender *s)
{
    if (s->rate <= 0.0) {
        return;
    }
    const int64_t due_us = s->start_us + (int64_t)((double)s->sent * 1e6 / s->rate);
    int64_t left_us = due_us - clock_mono_us();
    if (left_us > 1000 && s->post) {
        post_wait(s->post, (int)(left_us / 1000));
        left_us = due_us - clock_mono_us();
    }
    if (left_us > 0) {
        const struct timespec pause = {left_us / 1000000, left_us % 1000000 * 1000};
        (void)nanosleep(&pause, NULL);
    }
}

static void list(struct sender *s, struct str id, enum fault fault, enum fate_expected expect,
                 long status)
{
    if (!s->manifest) {
        return;
    }
    (void)fprintf(s->manifest, "{\"id\":\"%.*s\",\"fault\":\"%s\",\"expect\":\"%s\"", STR_ARG(id),
                  fault_name[fault], fate_expected_name[expect]);
    if (s->post) {
        (void)fprintf(s->manifest, ",\"status\":%ld", status);
    }
    (void)fputs("}\n", s->manifest);
}

void sender_send(void *to, const struct delivery *d, enum fault fault, enum fate_expected expect)
{
    struct sender *const s = to;
    struct post_request r = {.body = d->body};
    keep_rate(s);
    make(&s->scratch, s, d, fault == FAULT_FORGED, &r);
    s->sent++;
    if (s->post) {
        /* what the answer has to be held against: two letters, then the id */
        r.note = arena_printf(&s->scratch, "%c%c%.*s", 'a' + (int)fault, 'a' + (int)expect,
                              STR_ARG(d->id));
        post_send(s->post, &r);
    } else {
        write_line(s, d->id, &r, !(fault == FAULT_MALFORMED && expect == EXPECT_REFUSED));
        list(s, d->id, fault, expect, 0);
    }
    arena_reset(&s->scratch);
}

static void count_status(struct sender *s, long status)
{
    size_t i = 0;
    while (i < STATUSES_MAX - 1 && s->status[i].n && s->status[i].status != status) {
        i++;
    }
    s->status[i].status = status;
    s->status[i].n++;
}

/* RFC 9110: Unauthorized, Forbidden, Not Found, Method Not Allowed. */
static bool is_turning_away(long status)
{
    return status == 401 || (status >= 403 && status <= 405);
}

bool sender_is_turned_away(const struct sender *s)
{
    return s->accepted == 0 && s->turned_away >= TURNED_AWAY_MAX;
}

void sender_done(void *to, const struct post_answer *answer)
{
    struct sender *const s = to;
    const enum fault fault = (enum fault)(answer->note.at[0] - 'a');
    const enum fate_expected expect = (enum fate_expected)(answer->note.at[1] - 'a');
    const struct str id = str_sub(answer->note, 2, answer->note.len);
    const bool is_accepted = answer->status >= 200 && answer->status < 300;
    s->accepted += is_accepted;
    s->unanswered += answer->status == 0;
    if (!is_accepted && answer->status) {
        s->refused++;
        count_status(s, answer->status);
    }
    if (is_accepted == (expect == EXPECT_REFUSED)) {
        s->turned_away += is_turning_away(answer->status);
        if (s->unexpected++ == 0) {
            s->trouble = arena_printf(
                s->arena, "%.*s was to be %s: %ld %.*s%s%s", STR_ARG(id),
                fate_expected_name[expect], answer->status, STR_ARG(str_sub(answer->body, 0, 100)),
                answer->error ? answer->error : "", answer->is_untrusted ? HOOK_UNTRUSTED : "");
        }
    }
    list(s, id, fault, expect, answer->status);
}

void sender_again(void *to, const char *error)
{
    (void)to;
    hook_say_again("simulate", error);
}

static enum outcome close_file(FILE *file, const char *what, struct failure *f)
{
    if (!file) {
        return OK;
    }
    const bool is_bad = ferror(file) != 0;
    if ((file == stdout ? fflush(file) : fclose(file)) != 0 || is_bad) {
        return failed_errno(f, RETRY, "write %s", what);
    }
    return OK;
}

enum outcome sender_close(struct sender *s, struct failure *f)
{
    if (s->post) {
        post_wait(s->post, -1);
        s->is_lost = post_is_lost(s->post);
        post_close(s->post);
    }
    arena_close(&s->scratch);
    if (s->manifest && s->truth.len) {
        (void)fprintf(s->manifest, "%.*s\n", STR_ARG(s->truth));
    }
    enum outcome written = close_file(s->file, "the deliveries", f);
    if (s->is_bad) {
        *f = s->f;
        written = RETRY;
    }
    struct failure other;
    const enum outcome listed = close_file(s->manifest, "the manifest", written == OK ? f : &other);
    return written != OK ? written : listed;
}
