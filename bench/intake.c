/* intake.c - signed 12 KB webhooks over 256 connections: the intake with its embedded bus (HMAC,
 * JSON, fdatasync), beside a bare libmicrohttpd server that reads the body and answers. wrk is the
 * generator, on the same cores; the two take turns. A keeper forgets what was appended, as readers
 * and orchestrator do: the intake writes to recycled segments, as one that has run for a while. */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/asked.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "bus/driver.h"
#include "bus/upkeep.h"
#include "config/agents.h"
#include "receiver.h"
#include "wire/listen.h"

enum {
    BODY_BYTES = 12 * 1024,
    ROUNDS = 3,
    SECONDS = 4,
    CONNECTIONS = 256,
    KEEPER_US = 50000,
    PROCESSES_MAX = 2
};
#define MIB ((size_t)1 << 20)
#define SECRET "bench"

static void must(bool holds, const char *what)
{
    if (!holds) {
        perror(what);
        exit(1);
    }
}

/* ---- the intake ---- */

static struct config_bus bus_config(struct arena *a, struct str dir)
{
    return (struct config_bus){.path = arena_printf(a, "%.*s/bus", STR_ARG(dir)),
                               .segment_bytes = 64 * MIB,
                               .disk_bytes_max = 20480 * MIB,
                               .keep_ms = 1};
}

/* All readers have passed all there is. */
static void run_keeper(struct str dir)
{
    struct arena a;
    struct failure f = {0};
    struct bus *bus = NULL;
    arena_init(&a, 64 * MIB);
    const struct config_bus on_disk = bus_config(&a, dir);
    must(bus_open_driver(&a, &bus_embedded, &on_disk, &bus, &f) == OK, "keeper");
    for (;;) {
        struct arena turn;
        struct lane_ends *ends = NULL;
        size_t n = 0;
        arena_init(&turn, MIB);
        must(bus_ends(bus, &turn, STREAM_RAW, &ends, &n, &f) == OK, "ends");
        for (size_t i = 0; i < n; i++) {
            must(bus_passed(bus, ends[i].lane, ends[i].end, &f) == OK &&
                     bus_trim(bus, ends[i].lane, ends[i].end, &f) == OK,
                 "trim");
        }
        arena_close(&turn);
        (void)usleep(KEEPER_US);
    }
}

static void run_intake(int listen_fd, struct str dir, size_t index)
{
    static const struct section_type type = {.name = "github",
                                             .options = github_options,
                                             .bytes = sizeof(struct github_options),
                                             .driver = &agent_github};
    static struct str secret = STR(SECRET);
    static struct github_options options = {.secret = {&secret, 1}};
    struct named agent = {.name = S("github"), .type = &type, .options = &options};
    struct arena a;
    struct failure f = {0};
    struct progress *progress = NULL;
    struct bus *bus = NULL;
    arena_init(&a, 64 * MIB);
    const struct config_bus on_disk = bus_config(&a, dir);
    const struct config config = {.intake = {.body_bytes_max = 26 * MIB,
                                             .bodies_bytes_max = 128 * MIB,
                                             .headers_bytes_max = 16 * 1024,
                                             .connections_max = 1024,
                                             .request_ms = 30000,
                                             .idle_ms = 60000,
                                             .batch_events_max = 1000},
                                  .agents = {&agent, 1},
                                  .stop_ms = 1000};
    log_set_stage("agent");
    const struct str name = arena_printf(&a, "intake-%zu", index);
    const bool is_open = bus_open_driver(&a, &bus_embedded, &on_disk, &bus, &f) == OK &&
                         progress_open(&a, dir, name, &progress, &f) == OK;
    const struct intake in = {.config = &config,
                              .bus = bus,
                              .listen_fd = &listen_fd,
                              .listen_n = 1,
                              .index = index,
                              .progress = progress};
    if (!is_open || agent_run(&in, &f) != OK) {
        fprintf(stderr, "intake: %s\n", f.text);
        exit(1);
    }
    bus_close(bus);
    exit(0);
}

/* ---- the load ---- */

struct setting {
    bool is_bare;
    size_t processes; /* that serve */
    struct str dir;
};

struct served {
    double rate, cpu_us; /* requests a second; of the server, each */
};

static void write_script(struct arena *a, struct str path)
{
    struct buf body;
    struct buf script;
    unsigned char mac[SHA256_BYTES];
    char hex[2 * SHA256_BYTES];
    struct failure f;
    buf_init(&body, a, MIB);
    buf_add(&body,
            S("{\"action\":\"opened\",\"repository\":{\"full_name\":\"acme/shop\"},\"l\":["));
    for (int i = 0; body.len < BODY_BYTES - 160; i++) {
        buf_printf(&body,
                   "%s{\"id\":%d,\"node_id\":\"MDU6TGFiZWwyMDgwNDU5NDY=\",\"url\":"
                   "\"https://api.github.com/repos/acme/shop/labels/%d\",\"default\":true}",
                   i ? "," : "", i, i);
    }
    buf_add(&body, S("]}"));
    hash_hmac_sha256(S(SECRET), buf_str(&body), mac);
    hex_write(mac, sizeof mac, hex);
    buf_init(&script, a, MIB);
    buf_printf(&script,
               "wrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\n"
               "wrk.headers['User-Agent'] = 'GitHub-Hookshot/044aadd'\n"
               "wrk.headers['X-GitHub-Event'] = 'pull_request'\n"
               "wrk.headers['X-GitHub-Delivery'] = '72d3162e-cc78-11e3-81ab-4c9367dc0958'\n"
               "wrk.headers['X-GitHub-Hook-ID'] = '292430182'\n"
               "wrk.headers['X-Hub-Signature-256'] = 'sha256=%.*s'\nwrk.body = '%.*s'\n",
               (int)sizeof hex, hex, STR_ARG(buf_str(&body)));
    must(file_replace(arena_cstr(a, path), buf_str(&script), 0600, &f) == OK, "script");
}

/* What wrk prints: `Requests/sec:  41234.56`; answers that are not 2xx make it void. */
static double run_wrk(struct arena *a, int port, struct str script)
{
    char line[256];
    double rate = 0;
    int out[2];
    must(pipe(out) == 0, "pipe");
    const pid_t pid = fork();
    if (pid == 0) {
        (void)dup2(out[1], STDOUT_FILENO);
        (void)execlp("wrk", "wrk", "-t1", arena_printf(a, "-c%d", CONNECTIONS).at,
                     arena_printf(a, "-d%ds", SECONDS).at, "-s", arena_cstr(a, script),
                     arena_printf(a, "http://127.0.0.1:%d/hooks/github", port).at, (char *)NULL);
        _exit(127);
    }
    (void)close(out[1]);
    FILE *const file = fdopen(out[0], "r");
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, "Requests/sec:", 13) == 0) {
            rate = strtod(line + 13, NULL);
        }
        if (strstr(line, "Non-2xx") || strstr(line, "Socket errors")) {
            fputs(line, stderr);
        }
    }
    (void)fclose(file);
    (void)waitpid(pid, NULL, 0);
    return rate;
}

/* User and system time of a process so far, in seconds: /proc/PID/stat, fields 14 and 15. */
static double cpu_s(struct arena *a, pid_t pid)
{
    const long ticks = sysconf(_SC_CLK_TCK); /* a second */
    uint64_t sum = 0;
    FILE *const file = fopen(arena_printf(a, "/proc/%d/stat", (int)pid).at, "re");
    char line[1024] = "";
    must(file && fgets(line, sizeof line, file), "stat");
    (void)fclose(file);
    struct str text = str_of(strrchr(line, ')'));
    for (int field = 2; field <= 15; field++) {
        uint64_t n = 0;
        const struct str word = str_cut(text, ' ', &text);
        sum += field >= 14 && str_to_u64(word, &n) ? n : 0;
    }
    return (double)sum / (double)ticks;
}

static pid_t start(const struct setting *s, int listen_fd, size_t index)
{
    const pid_t pid = fork();
    if (pid == 0 && s->is_bare) {
        receiver_run(listen_fd);
    }
    if (pid == 0) {
        run_intake(listen_fd, s->dir, index);
    }
    must(pid > 0, "fork");
    return pid;
}

static struct served measure(struct arena *a, const struct setting *s)
{
    int fd = -1;
    struct failure f;
    struct sockaddr_in at = {0};
    socklen_t len = sizeof at;
    pid_t pid[PROCESSES_MAX];
    double cpu = 0;
    must(listen_open(S("127.0.0.1:0"), &fd, &f) == OK, "listen");
    must(getsockname(fd, (struct sockaddr *)&at, &len) == 0, "port");
    for (size_t i = 0; i < s->processes; i++) {
        pid[i] = start(s, fd, i);
        cpu -= cpu_s(a, pid[i]);
    }
    (void)close(fd);
    const double rate = run_wrk(a, ntohs(at.sin_port),
                                arena_printf(a, "%.*s/wrk.lua", STR_ARG(s->dir)));
    for (size_t i = 0; i < s->processes; i++) {
        cpu += cpu_s(a, pid[i]);
        (void)kill(pid[i], s->is_bare ? SIGKILL : SIGTERM);
        (void)waitpid(pid[i], NULL, 0);
    }
    return (struct served){rate, rate > 0 ? cpu * 1e6 / (rate * (double)SECONDS) : 0};
}

static int by_rate(const void *a, const void *b)
{
    const struct served *const x = a;
    const struct served *const y = b;
    return (x->rate > y->rate) - (x->rate < y->rate);
}

static void remove_all(struct arena *a, struct str dir)
{
    const pid_t pid = fork();
    if (pid == 0) {
        (void)execlp("rm", "rm", "-rf", arena_cstr(a, dir), (char *)NULL);
        _exit(127);
    }
    (void)waitpid(pid, NULL, 0);
}

/* Rounds by turns, the median of each. */
static void compare(struct arena *a, struct str dir, size_t processes)
{
    struct served bare[ROUNDS];
    struct served full[ROUNDS];
    for (size_t i = 0; i < ROUNDS; i++) {
        bare[i] = measure(a, &(struct setting){true, processes, dir});
        full[i] = measure(a, &(struct setting){false, processes, dir});
        fprintf(stderr, "round %zu: intake %.0f/s, %.1f us of CPU each; bare %.0f/s, %.1f us\n", i,
                full[i].rate, full[i].cpu_us, bare[i].rate, bare[i].cpu_us);
    }
    qsort(bare, ROUNDS, sizeof *bare, by_rate);
    qsort(full, ROUNDS, sizeof *full, by_rate);
    const struct served b = bare[ROUNDS / 2];
    const struct served w = full[ROUNDS / 2];
    printf("{\"name\":\"intake, 12 KB signed, 256 connections, durable, processes: %zu\","
           "\"value\":%.0f,\"unit\":\"requests/s\",\"beside\":\"bare libmicrohttpd\","
           "\"beside_value\":%.0f,\"ratio\":%.3f}\n",
           processes, w.rate, b.rate, w.rate / b.rate);
    printf(
        "{\"name\":\"intake, CPU of one request, processes: %zu\",\"value\":%.1f,"
        "\"unit\":\"us\",\"beside\":\"bare libmicrohttpd\",\"beside_value\":%.1f,\"ratio\":%.2f}\n",
        processes, w.cpu_us, b.cpu_us, w.cpu_us / b.cpu_us);
    (void)fflush(stdout);
}

int main(void)
{
    struct arena a;
    char dir[] = "bench-intake-XXXXXX"; /* where the build folder is: a disk, not memory */
    arena_init(&a, 256 * MIB);
    must(mkdtemp(dir) != NULL, "folder");
    const struct str root = arena_str(&a, str_of(dir));
    write_script(&a, arena_printf(&a, "%s/wrk.lua", dir));
    const pid_t keeper = fork();
    if (keeper == 0) {
        run_keeper(root);
    }
    for (size_t processes = 1; processes <= PROCESSES_MAX; processes++) {
        compare(&a, root, processes);
    }
    (void)kill(keeper, SIGKILL);
    (void)waitpid(keeper, NULL, 0);
    remove_all(&a, root);
    arena_close(&a);
    return 0;
}
