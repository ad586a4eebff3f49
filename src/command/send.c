/* send.c - post recorded payloads, as the tool that they came from would. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/hash.h"
#include "command/command.h"
#include "command/commands.h"
#include "command/hook.h"
#include "command/screen.h"
#include "wire/json.h"

enum { ARENA_BYTES_MAX = 1 << 30, FILE_BYTES_MAX = 256 << 20, READ_BYTES = 1 << 16 };

struct asked {
    struct str to, secret, token, event, ca;
};

struct sending {
    const struct asked *asked;
    struct post *post;
    const char *file;
    bool is_refused;
    bool is_unclear; /* a payload that was not sent: whose secret it is was not said */
};

static void print_answer(void *to, const struct post_answer *answer)
{
    struct sending *const s = to;
    s->is_refused |= answer->status < 200 || answer->status > 299;
    if (answer->status) {
        printf("%s: %ld ", s->file, answer->status);
        screen_say(stdout, str_trim(answer->body));
        (void)putchar('\n');
    } else {
        printf("%s: no answer: %s%s\n", s->file, answer->error,
               answer->is_untrusted ? HOOK_UNTRUSTED : "");
    }
    (void)fflush(stdout);
}

static void say_again(void *to, const char *error)
{
    (void)to;
    hook_say_again("send", error);
}

/* The same payload has the same id, so that weir knows it again. */
static struct str id_of(struct arena *a, struct str event, struct str body)
{
    unsigned char digest[SHA256_BYTES];
    char hex[2 * SHA256_BYTES];
    const struct str text = arena_printf(a, "%.*s\n%.*s", STR_ARG(event), STR_ARG(body));
    hash_sha256(text, digest);
    hex_write(digest, sizeof digest, hex);
    return arena_printf(a, "%.8s-%.4s-8%.3s-a%.3s-%.12s", hex, hex + 8, hex + 12, hex + 15,
                        hex + 18);
}

/* A line of `weir simulate github`: its headers as they were, its body without white space. */
static void as_recorded(struct arena *a, const struct sending *s, yyjson_val *headers,
                        yyjson_val *body, struct post_request *r)
{
    size_t i = 0;
    size_t n = 0;
    yyjson_val *key = NULL;
    yyjson_val *value = NULL;
    const struct str secret = s->asked->secret;
    r->body = yyjson_is_str(body) ? json_text(body) : json_write(a, body);
    yyjson_obj_foreach(headers, i, n, key, value)
    {
        const bool is_signature = str_eq_nocase(json_text(key), S("X-Hub-Signature-256"));
        if (i < POST_FIELDS_MAX - 1 && !(is_signature && secret.len)) {
            hook_field(r, json_text(key), json_text(value));
        }
    }
    if (secret.len) {
        hook_field(r, S("X-Hub-Signature-256"), hook_signature(a, secret, r->body));
    }
}

/* Events prove their sender by a bearer token, which the secret of a CDEvents agent is. */
static bool is_event(yyjson_val *root)
{
    yyjson_val *const one = yyjson_is_arr(root) ? yyjson_arr_get_first(root) : root;
    return json_get(one, S("specversion")) != NULL || yyjson_is_obj(json_get(one, S("context")));
}

/* false: there is a secret, and what it is for is unclear. One that signs is never sent itself. */
static bool as_asked(struct arena *a, const struct sending *s, yyjson_val *root, struct str text,
                     struct post_request *r)
{
    const struct asked *const q = s->asked;
    const struct str token = q->token.len || q->event.len ? q->token : q->secret;
    r->body = text;
    if (token.len) {
        hook_field(r, S("Authorization"), arena_printf(a, "Bearer %.*s", STR_ARG(token)));
    }
    if (q->event.len) {
        hook_github(a, q->secret, q->event, id_of(a, q->event, text), r);
        return true;
    }
    const bool is_cloudevent = json_get(root, S("specversion")) != NULL;
    hook_field(r, S("Content-Type"),
               yyjson_is_arr(root) ? S("application/cloudevents-batch+json")
               : is_cloudevent     ? S("application/cloudevents+json")
                                   : S("application/json"));
    return q->token.len || !q->secret.len || is_event(root);
}

/* One payload, or one a line where the whole is no JSON. What is no JSON at all is sent as it is:
 * the receiver is to say so. */
static void send_text(struct arena *a, struct sending *s, struct str text)
{
    struct failure unread;
    yyjson_doc *doc = NULL;
    struct post_request r = {0};
    const bool is_json = json_read_exact(a, text, &doc, &unread) == OK;
    if (!is_json && str_find(text, '\n') + 1 < text.len) {
        while (text.len > 0 && !post_is_lost(s->post) && !s->is_unclear) {
            const struct str line = str_trim(str_cut(text, '\n', &text));
            if (line.len) {
                send_text(a, s, line);
            }
        }
        return;
    }
    yyjson_val *const root = is_json ? yyjson_doc_get_root(doc) : NULL;
    yyjson_val *const headers = json_get(root, S("headers"));
    yyjson_val *const body = json_get(root, S("body"));
    if (yyjson_is_obj(headers) && body && yyjson_obj_size(root) == 2) {
        as_recorded(a, s, headers, body, &r);
    } else if (!as_asked(a, s, root, text, &r)) {
        s->is_unclear = true;
        return;
    }
    post_send(s->post, &r);
    post_wait(s->post, -1);
}

static enum outcome read_input(struct arena *a, const char *path, struct str *out,
                               struct failure *f)
{
    if (strcmp(path, "-") != 0) {
        return file_read(a, path, FILE_BYTES_MAX, out, f);
    }
    struct buf b;
    buf_init(&b, a, FILE_BYTES_MAX);
    for (;;) {
        char bytes[READ_BYTES / 8];
        const ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
        if (n < 0 && errno != EINTR) {
            return failed_errno(f, STOP, "read stdin");
        }
        if (n == 0) {
            *out = buf_str(&b);
            return buf_is_over(&b) ? failed(f, STOP, "stdin: more than %d bytes", FILE_BYTES_MAX)
                                   : OK;
        }
        buf_add(&b, (struct str){bytes, n > 0 ? (size_t)n : 0});
    }
}

static int send_files(const struct asked *q, const struct words *words)
{
    struct arena a;
    struct arena once;
    struct failure f = {0};
    struct sending s = {.asked = q};
    arena_init(&a, ARENA_BYTES_MAX);
    arena_init(&once, ARENA_BYTES_MAX);
    enum outcome result = post_open(&a,
                                    &(struct post_options){.url = q->to,
                                                           .ca = q->ca,
                                                           .connections = 1,
                                                           .done = print_answer,
                                                           .again = say_again,
                                                           .to = &s},
                                    &s.post, &f);
    const bool is_open = result == OK;
    for (int i = 0; i < words->n && result == OK && !post_is_lost(s.post); i++) {
        struct str text;
        s.file = words->at[i];
        result = read_input(&once, s.file, &text, &f);
        if (result == OK) {
            send_text(&once, &s, text);
        }
        if (s.is_unclear) {
            result = failed(&f, STOP,
                            "%s: --event says which webhook this is, for --secret to sign it; a "
                            "bearer token is --token's",
                            s.file);
        }
        arena_reset(&once);
    }
    if (is_open) {
        if (post_is_lost(s.post)) {
            hook_say_lost("send", q->to);
        }
        post_close(s.post);
    }
    arena_close(&once);
    arena_close(&a);
    if (result != OK) {
        return command_failed("send", &f);
    }
    return s.is_refused ? EXIT_NO : EXIT_DONE;
}

static int check(void *of, const struct words *words)
{
    const struct asked *const q = of;
    (void)words;
    if (q->to.len > 0) {
        return EXIT_DONE;
    }
    screen_tell("weir send: --to is missing: the URL of a hook, "
                "http://127.0.0.1:8080/hooks/NAME\n");
    return EXIT_USAGE;
}

int command_send(int argc, char **argv)
{
    struct asked q = {0};
    const struct flag flags[] = {
        {"to", 0, FLAG_TEXT, &q.to, "URL", "the hook: http://127.0.0.1:8080/hooks/github"},
        {"secret", 0, FLAG_TEXT, &q.secret, "SECRET",
         "or @FILE, or $WEIR_SECRET: sign webhooks with it; with events it is the bearer token"},
        {"token", 0, FLAG_TEXT, &q.token, "TOKEN", "or @FILE, or $WEIR_TOKEN: send it as it is"},
        hook_flag_ca(&q.ca),
        {"event", 0, FLAG_TEXT, &q.event, "EVENT", "a GitHub webhook of this event: push, issues"},
        {0},
    };
    const struct usage usage = {
        .name = "send",
        .words = "FILE…",
        .about = "Post recorded payloads, signed; - reads stdin. A file may hold one payload, or "
                 "one a line; lines of `weir simulate github` keep their headers.",
        .flags = flags,
        .examples =
            "  weir send --to http://127.0.0.1:8080/hooks/builds event.json\n"
            "  weir send --to http://127.0.0.1:8080/hooks/github --event push --secret @FILE "
            "push.json\n",
        .words_least = 1,
        .words_most = 10000,
        .check = check,
        .of = &q,
    };
    struct session s;
    if (!command_begin(&s, &usage, argc, argv)) {
        return s.status;
    }
    struct failure f;
    const bool is_read = hook_secret(&s.arena, HOOK_SECRET, &q.secret, &f) == OK &&
                         hook_secret(&s.arena, HOOK_TOKEN, &q.token, &f) == OK;
    s.status = is_read ? send_files(&q, &s.words) : command_failed("send", &f);
    return command_end(&s);
}
