#include "bare.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/hash.h"
#include "wire/kafka.h"

enum { BODY_BYTES_MAX = 256 << 20, URL_BYTES = 256, VALUES = 8 };

static struct str body; /* what `prepare` made */

static void must(bool holds, const char *what)
{
    if (!holds) {
        (void)fprintf(stderr, "bare %s\n", what);
        exit(1);
    }
}

static void prepare_none(struct arena *a, const struct sink_item *item, size_t n)
{
    (void)a;
    (void)item;
    (void)n;
}

static void prepare_lines(struct arena *a, const struct sink_item *item, size_t n)
{
    struct buf b;
    buf_init(&b, a, BODY_BYTES_MAX);
    for (size_t i = 0; i < n; i++) {
        buf_add(&b, item[i].body);
        buf_add_byte(&b, '\n');
    }
    body = buf_str(&b);
}

/* ---- file ---- */

static int fd;

static void file_open(const char *to)
{
    fd = open(to, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    must(fd >= 0, "file");
}

static void file_send(const struct sink_item *item, size_t n)
{
    (void)item;
    (void)n;
    must(write(fd, body.at, body.len) == (ssize_t)body.len && fdatasync(fd) == 0, "write");
}

static void file_close(void)
{
    close(fd);
}

const struct bare bare_file = {"write and fdatasync", file_open, prepare_lines, file_send,
                               file_close};

/* ---- http and s3: libcurl ---- */

static struct {
    CURL *easy;
    const char *url;
    unsigned n;
} http;

static void http_open(const char *to)
{
    http.easy = curl_easy_init();
    http.url = to;
    must(http.easy != NULL, "libcurl");
}

static size_t swallow(char *at, size_t size, size_t n, void *to)
{
    (void)at;
    (void)to;
    return size * n;
}

static void request(const char *method, struct str bytes, struct curl_slist *headers)
{
    long status = 0;
    (void)curl_easy_setopt(http.easy, CURLOPT_CUSTOMREQUEST, method);
    (void)curl_easy_setopt(http.easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)bytes.len);
    (void)curl_easy_setopt(http.easy, CURLOPT_POSTFIELDS, bytes.at);
    (void)curl_easy_setopt(http.easy, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(http.easy, CURLOPT_WRITEFUNCTION, swallow);
    must(curl_easy_perform(http.easy) == CURLE_OK, "request");
    (void)curl_easy_getinfo(http.easy, CURLINFO_RESPONSE_CODE, &status);
    must(status / 100 == 2, "request: its answer");
}

static void post(struct str bytes, const char *type)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    headers = curl_slist_append(headers, type);
    (void)curl_easy_setopt(http.easy, CURLOPT_URL, http.url);
    request("POST", bytes, headers);
    curl_slist_free_all(headers);
}

static void http_send(const struct sink_item *item, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        post(item[i].body, "Content-Type: application/json");
    }
}

static void http_send_lines(const struct sink_item *item, size_t n)
{
    (void)item;
    (void)n;
    post(body, "Content-Type: application/x-ndjson");
}

static void s3_send(const struct sink_item *item, size_t n)
{
    static const char *const digits = "0123456789abcdef";
    char url[URL_BYTES], hash[URL_BYTES] = "x-amz-content-sha256: ";
    unsigned char digest[SHA256_DIGEST_LENGTH];
    (void)item;
    (void)n;
    (void)SHA256((const unsigned char *)body.at, body.len, digest);
    for (size_t i = 0, at = strlen(hash); i < sizeof digest; i++) {
        hash[at++] = digits[digest[i] >> 4];
        hash[at++] = digits[digest[i] & 15];
        hash[at] = '\0';
    }
    (void)snprintf(url, sizeof url, "%s/facts/bare-%u.json", http.url, http.n++);
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    headers = curl_slist_append(headers, "Content-Type: application/x-ndjson");
    headers = curl_slist_append(headers, hash);
    (void)curl_easy_setopt(http.easy, CURLOPT_URL, url);
    (void)curl_easy_setopt(http.easy, CURLOPT_AWS_SIGV4, "aws:amz:us-east-1:s3");
    (void)curl_easy_setopt(http.easy, CURLOPT_USERNAME, getenv("AWS_ACCESS_KEY_ID"));
    (void)curl_easy_setopt(http.easy, CURLOPT_PASSWORD, getenv("AWS_SECRET_ACCESS_KEY"));
    request("PUT", body, headers);
    curl_slist_free_all(headers);
}

static void http_close(void)
{
    curl_easy_cleanup(http.easy);
}

const struct bare bare_http = {"libcurl", http_open, prepare_none, http_send, http_close};
const struct bare bare_http_lines = {"libcurl", http_open, prepare_lines, http_send_lines,
                                     http_close};
const struct bare bare_s3 = {"libcurl, signed", http_open, prepare_lines, s3_send, http_close};

/* ---- kafka: librdkafka ---- */

static struct {
    const struct kafka *lib;
    rd_kafka_t *producer;
    size_t flying_n;
} kafka;

static void on_report(rd_kafka_t *producer, const rd_kafka_message_t *message, void *to)
{
    (void)producer;
    (void)to;
    must(message->err == RD_KAFKA_RESP_ERR_NO_ERROR, "librdkafka: a message failed");
    kafka.flying_n--;
}

static void kafka_open(const char *to)
{
    char why[URL_BYTES];
    const char *const settings[][2] = {{"enable.idempotence", "true"},
                                       {"acks", "all"},
                                       {"linger.ms", "1"},
                                       {"log_level", "0"},
                                       {"bootstrap.servers", to}};
    struct failure f;
    must(kafka_load(&kafka.lib, &f) == OK, "librdkafka");
    rd_kafka_conf_t *const conf = kafka.lib->conf_new();
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        must(kafka.lib->conf_set(conf, settings[i][0], settings[i][1], why, sizeof why) ==
                 RD_KAFKA_CONF_OK,
             why);
    }
    kafka.lib->conf_set_dr_msg_cb(conf, on_report);
    kafka.producer = kafka.lib->new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    must(kafka.producer != NULL, why);
}

static void kafka_send(const struct sink_item *item, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char bytes[64];
        rd_kafka_vu_t value[VALUES] = {
            {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = "bare"},
            {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
            {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {bytes, item[i].key.len}},
            {.vtype = RD_KAFKA_VTYPE_HEADER,
             .u.header = {"content-type", item[i].type.at, (ssize_t)item[i].type.len}},
            {.vtype = RD_KAFKA_VTYPE_HEADER,
             .u.header = {"model", item[i].model.at, (ssize_t)item[i].model.len}},
            {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {NULL, item[i].body.len}}};
        memcpy(bytes, item[i].key.at, item[i].key.len);
        /* NOLINTNEXTLINE(performance-no-int-to-ptr): it only reads them, and says no const */
        value[5].u.mem.ptr = (void *)(uintptr_t)item[i].body.at;
        must(kafka.lib->produceva(kafka.producer, value, 6) == NULL, "librdkafka: its queue");
        kafka.flying_n++;
    }
    while (kafka.flying_n > 0) {
        (void)kafka.lib->poll(kafka.producer, 100);
    }
}

static void kafka_close(void)
{
    kafka.lib->destroy(kafka.producer);
}

const struct bare bare_kafka = {"librdkafka, the same settings", kafka_open, prepare_none,
                                kafka_send, kafka_close};

/* ---- PostgreSQL: libpq ---- */

static PGconn *session;

static void run(const char *sql)
{
    PGresult *const r = PQexec(session, sql);
    const ExecStatusType status = PQresultStatus(r);
    must(status == PGRES_COMMAND_OK || status == PGRES_COPY_IN, PQerrorMessage(session));
    PQclear(r);
}

#define COLUMNS                                                                                    \
    "\"key\" text PRIMARY KEY, name text, type text, value double precision, tags jsonb, "         \
    "window_start_at timestamptz, window_end_at timestamptz, at timestamptz, collector text, "     \
    "record jsonb"

static void postgresql_open(const char *to)
{
    session = PQconnectdb(to);
    must(PQstatus(session) == CONNECTION_OK, PQerrorMessage(session));
    run("SET client_min_messages = warning; CREATE TABLE IF NOT EXISTS bare (" COLUMNS ");"
        "CREATE TEMP TABLE bare_in (" COLUMNS ") ON COMMIT DELETE ROWS");
}

/* The rows as text; nothing of them needs an escape. */
static void prepare_rows(struct arena *a, const struct sink_item *item, size_t n)
{
    struct buf b;
    char at[CLOCK_TEXT_BYTES], start[CLOCK_TEXT_BYTES], end[CLOCK_TEXT_BYTES];
    buf_init(&b, a, BODY_BYTES_MAX);
    for (size_t i = 0; i < n; i++) {
        const struct metric *const m = item[i].metric;
        (void)clock_text(m->window_start_us, start);
        (void)clock_text(m->window_end_us, end);
        (void)clock_text(m->at_us, at);
        buf_printf(&b, "%.*s\t%.*s\t%.*s\t%.17g\t", STR_ARG(item[i].key), STR_ARG(m->name),
                   STR_ARG(m->type), m->value);
        metric_write_tags(&b, m);
        buf_printf(&b, "\t%s\t%s\t%s\t%.*s\t%.*s\n", start, end, at, STR_ARG(m->collector),
                   STR_ARG(item[i].body));
    }
    body = buf_str(&b);
}

static void copy(const char *sql)
{
    PGresult *r = NULL;
    run(sql);
    must(PQputCopyData(session, body.at, (int)body.len) == 1 && PQputCopyEnd(session, NULL) == 1,
         PQerrorMessage(session));
    while ((r = PQgetResult(session))) {
        must(PQresultStatus(r) == PGRES_COMMAND_OK, PQerrorMessage(session));
        PQclear(r);
    }
}

static void copy_send(const struct sink_item *item, size_t n)
{
    (void)item;
    (void)n;
    copy("COPY bare FROM STDIN");
}

static void postgresql_send(const struct sink_item *item, size_t n)
{
    (void)item;
    (void)n;
    run("BEGIN");
    copy("COPY bare_in FROM STDIN");
    run("INSERT INTO bare SELECT * FROM bare_in ON CONFLICT (key) DO UPDATE SET name = "
        "EXCLUDED.name, type = EXCLUDED.type, value = EXCLUDED.value, tags = EXCLUDED.tags, "
        "window_start_at = EXCLUDED.window_start_at, window_end_at = EXCLUDED.window_end_at, at = "
        "EXCLUDED.at, collector = EXCLUDED.collector, record = EXCLUDED.record");
    run("COMMIT");
}

static void postgresql_close(void)
{
    run("DROP TABLE bare");
    PQfinish(session);
}

const struct bare bare_postgresql = {"libpq, COPY and the same upsert", postgresql_open,
                                     prepare_rows, postgresql_send, postgresql_close};
const struct bare bare_copy = {"libpq, COPY alone, no upsert", postgresql_open, prepare_rows,
                               copy_send, postgresql_close};
