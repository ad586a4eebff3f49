#include "agent/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "base/asked.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "bus/memory.h"
#include "refused.h"
#include "wire/json.h"
#include "wire/listen.h"

enum { MIB = 1 << 20, ANSWER_BYTES_MAX = 256 * 1024, ANSWER_MS = 20000 };

/* ---- the child ---- */

static struct control *shared; /* set before the bus is opened in the child */
static const struct bus_driver *carrier;

static enum outcome outcome_of_append(struct failure *f)
{
    const enum outcome outcome = (enum outcome)atomic_load(&shared->outcome);
    if (outcome != OK) {
        (void)failed(f, outcome, "the test's disk fails");
        f->cause = (enum cause)atomic_load(&shared->cause);
    }
    return outcome;
}

/* A spent budget shows at once, a disk that fails when it is synced. */
static bool shows_at_once(void)
{
    return atomic_load(&shared->cause) == CAUSE_FULL;
}

static enum outcome append_begin(struct bus *b, struct lane lane, struct record *r, size_t n,
                                 struct failure *f)
{
    const unsigned block = atomic_exchange(&shared->block, 0);
    atomic_fetch_add(&shared->appends, 1);
    if (block > 0) {
        refuse_block(block);
    }
    while (atomic_load(&shared->is_held)) {
        (void)poll(NULL, 0, 1);
    }
    if (atomic_load(&shared->outcome) != OK) {
        return shows_at_once() ? outcome_of_append(f) : OK;
    }
    return (carrier->append_begin ? carrier->append_begin : carrier->append)(b, lane, r, n, f);
}

static enum outcome append_end(struct bus *b, struct lane lane, struct failure *f)
{
    while (atomic_load(&shared->is_end_held)) {
        (void)poll(NULL, 0, 1);
    }
    const enum outcome outcome = outcome_of_append(f);
    return outcome == OK && carrier->append_end ? carrier->append_end(b, lane, f) : outcome;
}

static void write_len(int fd, size_t len)
{
    struct failure f;
    assert_int_equal(file_write(fd, (struct str){(const char *)&len, sizeof len}, &f), OK);
}

static void write_text(int fd, struct str text)
{
    struct failure f;
    write_len(fd, text.len);
    assert_int_equal(file_write(fd, text, &f), OK);
}

static void report_signals(int fd, struct arena *a, struct bus *bus)
{
    struct failure f;
    struct lane_ends *ends = NULL;
    size_t n = 0;
    struct position from = {0};
    assert_int_equal(bus_ends(bus, a, STREAM_RAW, &ends, &n, &f), OK);
    while (n == 1 && from.at < ends->end.at) {
        struct batch batch = {.arena = a};
        const struct span span = {.lane = ends->lane, .from = from, .to = ends->end};
        assert_int_equal(bus_look(bus, span, MIB, &batch, &f), OK);
        if (batch.n == 0) {
            break;
        }
        for (size_t i = 0; i < batch.slice->n; i++) {
            struct buf b;
            buf_init(&b, a, 64 * MIB);
            signal_write(&b, &batch.slice->record[i].signal);
            write_text(fd, buf_str(&b));
        }
        from = batch.slice->to;
    }
}

static void report(int fd, struct arena *a, struct bus *bus, struct progress *progress)
{
    struct buf b;
    const char *name = NULL;
    uint64_t value = 0;
    buf_init(&b, a, MIB);
    for (size_t i = 0; progress_counter_at(progress, i, &name, &value); i++) {
        buf_printf(&b, "%s=%llu\n", name, (unsigned long long)value);
    }
    write_text(fd, buf_str(&b));
    report_signals(fd, a, bus);
    write_len(fd, SIZE_MAX);
}

static void run_child(struct server *s, const int *listen_fd, int to)
{
    struct arena a;
    struct failure f;
    struct bus *bus = NULL;
    struct progress *progress = NULL;
    carrier = s->disk ? &bus_embedded : &bus_memory;
    struct bus_driver driver = *carrier;
    arena_init(&a, (size_t)1024 * MIB);
    log_set_stage("agent");
    log_set_level(LOG_ERROR);
    asked_reset();
    asked_install(NULL, NULL);
    shared = s->control;
    driver.append_begin = append_begin;
    driver.append_end = append_end;
    driver.record_bytes_max = s->record_bytes_max ? s->record_bytes_max : driver.record_bytes_max;
    if (bus_open_driver(&a, &driver, s->disk, &bus, &f) != OK ||
        progress_open(&a, str_of(s->dir), S("intake-0"), &progress, &f) != OK) {
        _exit(90);
    }
    write_text(to, S("ready"));
    const struct intake in = {.config = &s->config,
                              .bus = bus,
                              .listen_fd = listen_fd,
                              .listen_n = s->addresses_n,
                              .progress = progress};
    const enum outcome result = agent_run(&in, &f);
    if (result != OK) {
        fprintf(stderr, "agent_run: %s: %s\n", outcome_name(result), f.text);
    }
    if (!s->disk) {
        report(to, &a, bus, progress);
    }
    bus_close(bus);
    progress_close(progress);
    arena_close(&a);
    exit((int)result);
}

/* ---- the server ---- */

static struct str_list list_of(struct arena *a, const char *one, const char *other)
{
    struct str *const at = arena_array(a, struct str, 2);
    at[0] = str_of(one);
    at[1] = str_of(other);
    return (struct str_list){at, one ? (other ? 2 : 1) : 0};
}

static void set_agents(struct server *s)
{
    static const struct section_type github = {.name = "github",
                                               .options = github_options,
                                               .bytes = sizeof(struct github_options),
                                               .driver = &agent_github};
    static const struct section_type cdevents = {.name = "cdevents",
                                                 .options = cdevents_options,
                                                 .bytes = sizeof(struct cdevents_options),
                                                 .driver = &agent_cdevents};
    struct arena *const a = &s->arena;
    struct named *const at = arena_array(a, struct named, 3);
    struct github_options *const signing = arena_new(a, struct github_options);
    struct cdevents_options *const builds = arena_new(a, struct cdevents_options);
    signing->secret = list_of(a, "the secret of last year", SECRET);
    builds->token = list_of(a, TOKEN, NULL);
    builds->allowed_origins = list_of(a, "ci.example.com", NULL);
    at[0] = (struct named){S("github"), &github, signing, S("test:1:1")};
    at[1] = (struct named){S("builds"), &cdevents, builds, S("test:2:1")};
    at[2] = (struct named){S("open"), &cdevents, arena_new(a, struct cdevents_options),
                           S("test:3:1")};
    s->config.agents = (struct named_list){at, 3};
}

void server_init(struct server *s)
{
    *s = (struct server){.address = {S("127.0.0.1:0")}, .addresses_n = 1, .report = -1};
    arena_init(&s->arena, (size_t)512 * MIB);
    s->config.intake = (struct config_intake){.body_bytes_max = 4 * MIB,
                                              .bodies_bytes_max = 64 * MIB,
                                              .headers_bytes_max = 16 * 1024,
                                              .connections_max = 64,
                                              .request_ms = 20000,
                                              .idle_ms = 20000,
                                              .batch_events_max = 100,
                                              .processes = 1};
    s->config.stop_ms = 5000;
    set_agents(s);
    s->control = mmap(NULL, sizeof *s->control, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                      -1, 0);
    assert_ptr_not_equal(s->control, MAP_FAILED);
}

static bool read_all(int fd, void *to, size_t n)
{
    size_t done = 0;
    while (done < n) {
        const ssize_t got = read(fd, (char *)to + done, n - done);
        if (got <= 0) {
            return false;
        }
        done += (size_t)got;
    }
    return true;
}

static bool read_text(struct server *s, struct str *out)
{
    size_t len = 0;
    if (!read_all(s->report, &len, sizeof len) || len == SIZE_MAX) {
        return false;
    }
    char *const at = arena_array(&s->arena, char, len + 1);
    *out = (struct str){at, len};
    return read_all(s->report, at, len);
}

void server_start(struct server *s)
{
    int listen_fd[LISTEN_MAX];
    int pipe_fd[2];
    struct failure f;
    for (size_t i = 0; i < s->addresses_n; i++) {
        assert_int_equal(listen_open(s->address[i], &listen_fd[i], &f), OK);
    }
    struct sockaddr_in at = {0};
    socklen_t len = sizeof at;
    assert_int_equal(getsockname(listen_fd[0], (struct sockaddr *)&at, &len), 0);
    s->port = ntohs(at.sin_port);
    assert_int_equal(pipe(pipe_fd), 0);
    memcpy(s->dir, "/tmp/weir-agent-XXXXXX", sizeof "/tmp/weir-agent-XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    s->pid = fork();
    assert_true(s->pid >= 0);
    if (s->pid == 0) {
        (void)close(pipe_fd[0]);
        run_child(s, listen_fd, pipe_fd[1]);
    }
    (void)close(pipe_fd[1]);
    s->report = pipe_fd[0];
    struct str ready;
    assert_true(read_text(s, &ready)); /* a SIGTERM is remembered from here on */
    for (size_t i = 0; i < s->addresses_n; i++) {
        (void)close(listen_fd[i]);
    }
}

enum duty_state server_state(struct server *s)
{
    struct progress *page = NULL;
    assert_true(progress_peek(&s->arena, str_of(s->dir), S("intake-0"), S(""), &page));
    const enum duty_state state = progress_state_is(page);
    progress_close(page);
    return state;
}

int64_t server_receiving_us(struct server *s)
{
    struct progress *page = NULL;
    assert_true(progress_peek(&s->arena, str_of(s->dir), S("intake-0"), S(""), &page));
    const int64_t since_us = progress_receiving_us(page);
    progress_close(page);
    return since_us;
}

int server_stop(struct server *s)
{
    enum { SIGNALS_MAX = 30000 };
    int status = 0;
    struct str text;
    struct failure f;
    assert_int_equal(kill(s->pid, SIGTERM), 0);
    s->signal = arena_array(&s->arena, struct signal, SIGNALS_MAX);
    assert_true(read_text(s, &s->counters));
    while (read_text(s, &text)) {
        assert_in_range(s->signals_n, 0, SIGNALS_MAX - 1);
        assert_int_equal(signal_read(text, &s->signal[s->signals_n++], &f), OK);
    }
    assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
    s->pid = 0;
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

int server_end(struct server *s)
{
    char bytes[4096];
    int status = 0;
    (void)kill(s->pid, SIGTERM);
    while (read(s->report, bytes, sizeof bytes) > 0) {
        continue;
    }
    assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
    s->pid = 0;
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

void server_close(struct server *s)
{
    if (s->pid > 0) { /* a test failed in the middle */
        (void)kill(s->pid, SIGKILL);
        (void)waitpid(s->pid, NULL, 0);
    }
    if (s->report >= 0) {
        (void)close(s->report);
    }
    (void)unlink(arena_printf(&s->arena, "%s/intake-0.page", s->dir).at);
    (void)rmdir(s->dir);
    (void)munmap(s->control, sizeof *s->control);
    arena_close(&s->arena);
}

int server_set_up(void **state)
{
    static struct server server;
    server_init(&server);
    *state = &server;
    return 0;
}

int server_tear_down(void **state)
{
    server_close(*state);
    return 0;
}

uint64_t server_proc(struct server *s, const char *name, const char *key)
{
    char line[256];
    uint64_t value = 0;
    FILE *const file = fopen(arena_printf(&s->arena, "/proc/%d/%s", s->pid, name).at, "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == ':') {
            value = strtoull(line + strlen(key) + 1, NULL, 10);
        }
    }
    (void)fclose(file);
    return value;
}

void nap(int ms)
{
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    (void)nanosleep(&time, NULL);
}

uint64_t server_counter(const struct server *s, const char *name)
{
    uint64_t value = 0;
    for (struct str rest = s->counters; rest.len > 0;) {
        const struct str line = str_cut(rest, '\n', &rest);
        if (str_starts(line, str_of(name)) && line.at[strlen(name)] == '=') {
            assert_true(str_to_u64(str_sub(line, strlen(name) + 1, line.len), &value));
        }
    }
    return value;
}

/* ---- the client ---- */

int dial(const struct server *s)
{
    const struct timeval patience = {.tv_sec = ANSWER_MS / 1000};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)s->port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

void send_text(int fd, struct str text)
{
    size_t done = 0;
    while (done < text.len) {
        const ssize_t n = send(fd, text.at + done, text.len - done, MSG_NOSIGNAL);
        if (n <= 0) {
            return; /* the server has answered and closed: the answer tells */
        }
        done += (size_t)n;
    }
}

struct str answer_header(struct answer answer, const char *name)
{
    for (struct str rest = answer.head; rest.len > 0;) {
        struct str value;
        const struct str line = str_cut(rest, '\n', &rest);
        if (str_eq_nocase(str_cut(line, ':', &value), str_of(name))) {
            return str_trim(str_sub(value, 0, value.len - 1));
        }
    }
    return (struct str){0};
}

struct answer read_answer(struct arena *a, int fd)
{
    char *const at = arena_array(a, char, ANSWER_BYTES_MAX);
    struct answer answer = {0};
    size_t n = 0;
    const char *end = NULL;
    while (!end && n < ANSWER_BYTES_MAX && recv(fd, at + n, 1, 0) == 1) {
        n++;
        end = n >= 4 && memcmp(at + n - 4, "\r\n\r\n", 4) == 0 ? at + n : NULL;
    }
    if (!end) {
        return answer;
    }
    uint64_t status = 0;
    uint64_t len = 0;
    answer.head = (struct str){at, n};
    assert_true(str_to_u64(str_sub(answer.head, 9, 3), &status));
    answer.status = (int)status;
    if (status == 100) {
        return answer;
    }
    assert_true(str_to_u64(answer_header(answer, "Content-Length"), &len));
    assert_true(len < ANSWER_BYTES_MAX - n);
    assert_true(read_all(fd, at + n, len));
    answer.body = (struct str){at + n, len};
    return answer;
}

bool is_closed(int fd, int wait_ms)
{
    char byte = 0;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, wait_ms) == 1 && recv(fd, &byte, 1, 0) <= 0;
}

struct answer ask(struct server *s, struct str request)
{
    const int fd = dial(s);
    send_text(fd, request);
    const struct answer answer = read_answer(&s->arena, fd);
    (void)close(fd);
    return answer;
}

struct str post(struct arena *a, const char *path, const char *headers, struct str body)
{
    struct buf b;
    buf_init(&b, a, body.len + 64 * 1024);
    buf_printf(&b, "POST %s HTTP/1.1\r\nHost: weir\r\nContent-Length: %zu\r\n", path, body.len);
    buf_add(&b, str_of(headers));
    buf_add(&b, S("\r\n"));
    buf_add(&b, body);
    assert_false(buf_is_over(&b));
    return buf_str(&b);
}

struct str gzip(struct server *s, struct str plain)
{
    z_stream z = {.next_in = (z_const Bytef *)(uintptr_t)plain.at, .avail_in = (uInt)plain.len};
    const size_t room = plain.len + 1024;
    char *const out = arena_array(&s->arena, char, room);
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    const size_t len = z.total_out;
    (void)deflateEnd(&z);
    return (struct str){out, len};
}

struct str github_post(struct arena *a, const char *event, const char *delivery, struct str body)
{
    unsigned char mac[SHA256_BYTES];
    char hex[2 * SHA256_BYTES];
    hash_hmac_sha256(S(SECRET), body, mac);
    hex_write(mac, sizeof mac, hex);
    const struct str headers = arena_printf(
        a,
        "Content-Type: application/json\r\nX-GitHub-Event: %s\r\nX-GitHub-Delivery: %s\r\n"
        "X-Hub-Signature-256: sha256=%.*s\r\n",
        event, delivery, (int)sizeof hex, hex);
    return post(a, "/hooks/github", headers.at, body);
}

struct str cdevent(struct arena *a, const char *id)
{
    return arena_printf(
        a,
        "{\"context\":{\"specversion\":\"0.5.1\",\"id\":\"%s\",\"source\":\"/ci/main\","
        "\"type\":\"dev.cdevents.pipelinerun.queued.0.3.0\","
        "\"timestamp\":\"2026-11-22T05:53:00.5Z\"},"
        "\"subject\":{\"id\":\"/run/7\",\"content\":{\"pipelineName\":\"build\"}}}",
        id);
}

struct str cdevents_batch(struct arena *a, const char *id_prefix, size_t n)
{
    struct buf b;
    buf_init(&b, a, 16 * MIB);
    for (size_t i = 0; i < n; i++) {
        const struct str id = arena_printf(a, "%s%zu", id_prefix, i);
        buf_printf(&b,
                   "%s{\"specversion\":\"1.0\",\"id\":\"%.*s\",\"source\":\"/ci/main\","
                   "\"type\":\"dev.cdevents.pipelinerun.queued.0.3.0\",\"data\":",
                   i > 0 ? "," : "[", STR_ARG(id));
        buf_add(&b, cdevent(a, id.at));
        buf_add_byte(&b, '}');
    }
    buf_add_byte(&b, ']');
    assert_false(buf_is_over(&b));
    return buf_str(&b);
}

/* ---- what tests hold of it ---- */

void assert_str(struct str is, const char *wanted)
{
    if (!str_eq(is, str_of(wanted))) {
        fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(is), wanted);
    }
}

/* RFC 9457, with the promised members; the answer says what its status line says. */
void assert_problem(struct server *s, struct answer answer, int status, const char *word)
{
    struct failure f;
    yyjson_doc *doc = NULL;
    assert_int_equal(answer.status, status);
    assert_str(answer_header(answer, "Content-Type"), "application/problem+json");
    assert_int_equal(json_read(&s->arena, answer.body, &doc, &f), OK);
    yyjson_val *const root = yyjson_doc_get_root(doc);
    assert_str(json_text(json_get(root, S("type"))), "about:blank");
    assert_true(json_text(json_get(root, S("title"))).len > 0);
    assert_int_equal(yyjson_get_int(json_get(root, S("status"))), status);
    const struct str detail = json_text(json_get(root, S("detail")));
    if (!memmem(detail.at, detail.len, word, strlen(word))) {
        fail_msg("\"%.*s\" does not say \"%s\"", STR_ARG(detail), word);
    }
}

void assert_refused(struct server *s, struct str request, int status, const char *word)
{
    assert_problem(s, ask(s, request), status, word);
}

struct str text_of(struct server *s, const char *request)
{
    return arena_str(&s->arena, str_of(request));
}

/* Nothing that was refused may have been appended. */
void stop_with(struct server *s, size_t signals)
{
    assert_int_equal(server_stop(s), OK);
    assert_int_equal(s->signals_n, signals);
}
