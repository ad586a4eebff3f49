/* sinks.c - records of a collector into each sink (facts read, records made, handed over, cursor
 * saved), beside its client alone given the same bytes in the same batches. The two take turns,
 * batch by batch; a figure is the median of the rounds, and `ratio_least` that of the worst. Real
 * servers, held by test/tool/services.py; whoever has none of a kind misses its figures. */
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bare.h"
#include "base/file.h"
#include "bus/driver.h"
#include "receiver.h"
#include "service.h"
#include "wire/listen.h"

enum { ROUNDS = 7, BATCH = 1000, OBJECT = 10000, SMALL = 100, ROUND_BATCHES = 12 };
#define ARENA_BYTES ((size_t)1 << 30)

static struct arena life, turn, prepared;
static char folder[] = "build/bench-sinks-XXXXXX";

static void check(enum outcome result, const struct failure *f)
{
    if (result != OK) {
        (void)fprintf(stderr, "%s\n", f->text);
        exit(1);
    }
}

/* ---- records ---- */

static const struct signal raw = {
    .agent = STR("users"), .source = STR("/collectors/users"), .received_us = 1700000000000000};

/* Of one customer in one window, as the transform makes it. */
static struct signal fact_of(unsigned n)
{
    static const int64_t window_us = 3600000000;
    const int64_t start_us = window_us * (470000 + n / 1000);
    struct signal out;
    struct failure f;
    struct metric_tag tag[] = {{S("customer"), arena_printf(&turn, "customer-%u", n % 1000)},
                               {S("plan"), S("enterprise")},
                               {S("region"), S("eu-central-1")}};
    const struct metric m = {.collector = S("users"),
                             .name = S("users.active.total"),
                             .type = S("COUNT"),
                             .value = n * 0.5,
                             .tag = tag,
                             .tags_n = sizeof tag / sizeof *tag,
                             .window_start_us = start_us,
                             .window_end_us = start_us + window_us,
                             .scheduled_us = TIME_NONE,
                             .at_us = start_us + window_us + n};
    struct buf tags;
    buf_init(&tags, &turn, 1 << 16);
    metric_write_tags(&tags, &m);
    struct fact fact = fact_begin(&turn, model_find(S("metric")), m.at_us);
    fact_text(&fact, "key", metric_key(&turn, &m));
    fact_text(&fact, "name", m.name);
    fact_set(&fact, "tags", (struct value){.kind = VALUE_JSON, .text = buf_str(&tags)});
    fact_time(&fact, "window_start_at", m.window_start_us);
    fact_time(&fact, "window_end_at", m.window_end_us);
    fact_group(&fact, "value", m.at_us, 0);
    fact_text(&fact, "type", m.type);
    fact_set(&fact, "value", (struct value){.kind = VALUE_REAL, .real = m.value});
    fact_text(&fact, "collector", m.collector);
    check(fact_end(&fact, &raw, S("collect:1"), &out, &f), &f);
    return out;
}

/* ---- one sink and its client ---- */

struct far {
    const char *name;
    const struct sink_driver *driver;
    const void *options;
    const struct bare *bare;
    const char *to; /* of the bare one */
    size_t n;       /* records of a batch */
};

struct pair {
    const struct far *far;
    struct persister p;
    struct position at;
    unsigned next; /* record */
};

static size_t of_sink;
static struct collector collector = {
    .id = STR("users"), .shape = SHAPE_V5, .sink = &of_sink, .sinks_n = 1};

static void pair_open(struct pair *x, const struct far *far, unsigned k)
{
    struct failure f;
    struct section_type *const type = arena_new(&life, struct section_type);
    struct sink_config *const sink = arena_new(&life, struct sink_config);
    struct config *const config = arena_new(&life, struct config);
    *type = (struct section_type){.name = far->driver->name, .driver = far->driver};
    *sink = (struct sink_config){.name = arena_printf(&life, "far-%u", k),
                                 .id = arena_printf(&life, "sink-far-%u", k),
                                 .type = type,
                                 .is_for_collectors = true};
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): a sink only reads its options */
    sink->options = (void *)(uintptr_t)far->options;
    *config = (struct config){.data = str_of(folder),
                              .collectors = {.at = &collector, .n = 1},
                              .sinks = {.at = sink, .n = 1}};
    *x = (struct pair){.far = far, .next = k * 10000000};
    x->p = (struct persister){
        .driver = sink_persister(&life, sink), .config = config, .arena = &life};
    x->p.state = arena_alloc(&life, 1, x->p.driver->state_bytes);
    check(bus_open_driver(&life, &bus_memory, NULL, &x->p.bus, &f), &f);
    check(progress_open(&life, str_of(folder), sink->id, &x->p.progress, &f), &f);
    check(x->p.driver->open(&x->p, &f), &f);
    far->bare->open(far->to);
}

static void pair_close(struct pair *x)
{
    x->p.driver->close(&x->p);
    x->far->bare->close();
    bus_close(x->p.bus);
}

static int64_t sink_send(struct pair *x, struct batch *b)
{
    struct failure f;
    struct rejects rejects = {.arena = b->arena};
    struct position at;
    const int64_t start_us = clock_mono_us();
    check(x->p.driver->cursor(&x->p, b->slice->lane, &at, &f), &f);
    check(x->p.driver->take(&x->p, b, &rejects, &f), &f);
    check(x->p.driver->flush(&x->p, false, &f), &f);
    const int64_t took_us = clock_mono_us() - start_us;
    if (rejects.first) {
        check(STOP, &(struct failure){.text = "a record was refused"});
    }
    return took_us;
}

static int64_t bare_send(const struct pair *x, const struct record *record, size_t n)
{
    struct failure f;
    struct sink_item *const item = arena_array(&turn, struct sink_item, n);
    for (size_t i = 0; i < n; i++) {
        struct metric m;
        check(metric_of_fact(&turn, &record[i].signal, &m, &f), &f);
        sink_item_of_metric(&turn, &collector, &m, &item[i]);
    }
    arena_reset(&prepared);
    x->far->bare->prepare(&prepared, item, n);
    const int64_t start_us = clock_mono_us();
    x->far->bare->send(item, n);
    return clock_mono_us() - start_us;
}

static struct record *records(struct pair *x, size_t n)
{
    struct record *const record = arena_array(&turn, struct record, n);
    for (size_t i = 0; i < n; i++) {
        record[i].signal = fact_of(x->next++);
        record[i].at = (struct position){x->at.at + i};
    }
    return record;
}

/* Other records into each, so that neither updates what the other has inserted. */
static void round_of(struct pair *x, int64_t us[2])
{
    const size_t n = x->far->n;
    struct failure f;
    us[0] = us[1] = 0;
    for (size_t i = 0; i < ROUND_BATCHES; i++) {
        struct slice slice = {.lane = {STREAM_STANDARD, S("collect")},
                              .from = x->at,
                              .to = {x->at.at + n},
                              .record = records(x, n),
                              .n = n};
        us[0] += sink_send(x, &(struct batch){.arena = &turn, .slice = &slice, .n = 1});
        us[1] += bare_send(x, records(x, n), n);
        x->at = slice.to;
        arena_reset(&turn);
    }
    const int64_t start_us = clock_mono_us();
    check(x->p.driver->flush(&x->p, true, &f), &f);
    us[0] += clock_mono_us() - start_us;
}

static int by_size(const void *a, const void *b)
{
    const double *const x = a, *const y = b;
    return (*x > *y) - (*x < *y);
}

static void measure(const struct far *far, unsigned k)
{
    struct pair x;
    double rate[2][ROUNDS], ratio[ROUNDS];
    int64_t us[2];
    pair_open(&x, far, k);
    round_of(&x, us); /* warm */
    for (size_t i = 0; i < ROUNDS; i++) {
        const double n = (double)(far->n * ROUND_BATCHES);
        round_of(&x, us);
        rate[0][i] = n * 1e6 / (double)us[0];
        rate[1][i] = n * 1e6 / (double)us[1];
        ratio[i] = (double)us[1] / (double)us[0];
    }
    pair_close(&x);
    qsort(rate[0], ROUNDS, sizeof(double), by_size);
    qsort(rate[1], ROUNDS, sizeof(double), by_size);
    qsort(ratio, ROUNDS, sizeof(double), by_size);
    printf("{\"name\":\"sink %s, %zu records a batch\",\"value\":%.0f,\"unit\":\"records/s\","
           "\"beside\":\"%s\",\"beside_value\":%.0f,\"ratio\":%.2f,\"ratio_least\":%.2f}\n",
           far->name, far->n, rate[0][ROUNDS / 2], far->bare->name, rate[1][ROUNDS / 2],
           ratio[ROUNDS / 2], ratio[0]);
    (void)fflush(stdout);
}

/* ---- the far ends ---- */

static void measure_file(void)
{
    const struct file_options o = {.path = arena_printf(&life, "%s/sink.json", folder),
                                   .is_synced = true};
    const struct far far = {
        "file, fsync", &sink_file, &o, &bare_file, arena_printf(&life, "%s/bare.json", folder).at,
        BATCH};
    measure(&far, 1);
}

static void measure_http(void)
{
    int fd = -1;
    struct failure f;
    check(listen_open(S("127.0.0.1:0"), &fd, &f), &f);
    const pid_t pid = fork();
    if (pid == 0) {
        receiver_run(fd);
    }
    const struct str uri = arena_printf(&life, "http://%.*s/", STR_ARG(listen_text(&life, fd)));
    const struct http_sink_options one = {
        .uri = uri, .method = S("POST"), .batch_size = 1, .timeout_ms = 30000};
    struct http_sink_options many = one;
    many.batch_size = BATCH;
    close(fd);
    measure(&(struct far){"http, each its request", &sink_http, &one, &bare_http, uri.at, SMALL},
            2);
    measure(&(struct far){"http, JSON lines", &sink_http, &many, &bare_http_lines, uri.at, BATCH},
            3);
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}

static void measure_kafka(void)
{
    struct str broker = str_of(service_url("kafka"));
    const struct kafka_options o = {
        .brokers = {&broker, 1}, .topic = S("sink"), .may_create_topic = true};
    measure(&(struct far){"kafka", &sink_kafka, &o, &bare_kafka, broker.at, BATCH}, 4);
}

static void measure_s3(void)
{
    const char *const url = service_url("s3");
    const struct s3_sink_options o = {.region = S("us-east-1"),
                                      .bucket = S("facts"),
                                      .endpoint = str_of(url),
                                      .is_path_style = true,
                                      .batch_size = OBJECT,
                                      .batch_bytes = 64 << 20,
                                      .batch_ms = 60000};
    struct failure f;
    (void)setenv("AWS_ACCESS_KEY_ID", "weirtest", 1);
    (void)setenv("AWS_SECRET_ACCESS_KEY", "weirsecret", 1);
    check(file_make_dirs(arena_printf(&life, "%s/facts", service_url("s3.data")).at, &f), &f);
    measure(&(struct far){"s3", &sink_s3, &o, &bare_s3, url, OBJECT}, 5);
}

static void measure_postgresql(void)
{
    const char *const url = service_url("postgres");
    const struct postgresql_options upserted = {.uri = str_of(url), .table = S("upserted")};
    const struct postgresql_options copied = {.uri = str_of(url), .table = S("copied")};
    measure(&(struct far){"postgresql", &sink_postgresql, &upserted, &bare_postgresql, url, BATCH},
            6);
    measure(&(struct far){"postgresql", &sink_postgresql, &copied, &bare_copy, url, BATCH}, 7);
}

static void with(const char *service, void (*measure_it)(void))
{
    if (!service[0]) {
        measure_it();
    } else if (services_start(service)) {
        measure_it();
        services_stop();
    } else {
        (void)fprintf(stderr, "sink %s is not measured: %s\n", service, services_lack());
    }
}

static int drop(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

/* bench-sinks [KIND...]: all of them, or these. */
int main(int argc, char **argv)
{
    static const struct {
        const char *kind, *service;
        void (*measure)(void);
    } all[] = {{"file", "", measure_file},
               {"http", "", measure_http},
               {"kafka", "kafka", measure_kafka},
               {"s3", "s3", measure_s3},
               {"postgresql", "postgres", measure_postgresql}};
    arena_init(&life, ARENA_BYTES);
    arena_init(&turn, ARENA_BYTES);
    arena_init(&prepared, ARENA_BYTES);
    if (!mkdtemp(folder)) {
        perror(folder);
        return 1;
    }
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        bool is_wanted = argc == 1;
        for (int k = 1; k < argc; k++) {
            is_wanted = is_wanted || strcmp(argv[k], all[i].kind) == 0;
        }
        if (is_wanted) {
            with(all[i].service, all[i].measure);
        }
    }
    return nftw(folder, drop, 8, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : 1;
}
