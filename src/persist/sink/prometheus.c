/* Prometheus: the last value of each series, at an address of its own that it scrapes. The values
 * outlive the process with its cursors, so that a daily figure is there after a restart, too. */
#include "persist/sink/board.h"
#include "persist/sink/scraped.h"
#include "wire/listen.h"

enum { ITEMS_MAX = 1000, LINES_BYTES_MAX = 512 << 20 };
#define SCRATCH_BYTES_MAX ((size_t)2 << 30)

struct prometheus {
    struct board *board;
    struct scraped scraped;
    bool is_listening;
    struct arena item;    /* of one                        */
    struct arena mark[2]; /* of s->mark and of its heir    */
    int in;
};

/* Who stood there before, a sink of the configuration before this one, may still be going. */
static enum outcome listen_at(struct sink *s, struct failure *f)
{
    struct prometheus *const p = s->state;
    const struct prometheus_sink_options *const o = s->options;
    if (listen_open(o->listen, &p->scraped.listen_fd, f) != OK) {
        return f->outcome = RETRY;
    }
    p->is_listening = true;
    return OK;
}

static enum outcome show(struct sink *s, struct failure *f)
{
    struct prometheus *const p = s->state;
    struct buf lines;
    arena_reset(&p->item);
    buf_init(&lines, &p->item, LINES_BYTES_MAX);
    board_sweep(p->board, s->now_us);
    board_show(p->board, &lines);
    return buf_is_over(&lines) ? failed(f, STOP,
                                        "the series are too large to be shown: fewer are "
                                        "needed (series_max)")
                               : scraped_show(&p->scraped, buf_str(&lines), f);
}

static enum outcome prometheus_open(struct sink *s, struct failure *f)
{
    struct prometheus *const p = s->state;
    const struct prometheus_sink_options *const o = s->options;
    arena_init(&p->item, SCRATCH_BYTES_MAX);
    arena_init(&p->mark[0], SCRATCH_BYTES_MAX);
    arena_init(&p->mark[1], SCRATCH_BYTES_MAX);
    p->board = board_open(s->arena, (size_t)o->series_max, o->keep_ms);
    board_read(p->board, s->mark);
    const enum outcome result = listen_at(s, f);
    return result == OK ? show(s, f) : result;
}

static enum outcome prometheus_send(struct sink *s, const struct sink_item *item, size_t n,
                                    size_t *done, struct failure *f)
{
    struct prometheus *const p = s->state;
    enum outcome result = OK;
    for (*done = 0; *done < n && result == OK; *done += result == OK) {
        struct metric m;
        arena_reset(&p->item);
        result = series_metric(&p->item, &item[*done], &m, f);
        if (result == OK) {
            const int64_t at_us = m.window_start_us != TIME_NONE ? m.window_start_us : m.at_us;
            result = board_put(p->board, &m, at_us, s->now_us, f);
        }
    }
    return result;
}

static enum outcome prometheus_flush(struct sink *s, struct failure *f)
{
    struct prometheus *const p = s->state;
    struct buf mark;
    const enum outcome result = show(s, f);
    if (result == OK) {
        p->in = 1 - p->in;
        arena_reset(&p->mark[p->in]);
        buf_init(&mark, &p->mark[p->in], LINES_BYTES_MAX);
        board_write(p->board, &mark);
        s->mark = buf_str(&mark);
    }
    return result;
}

static void prometheus_close(struct sink *s)
{
    struct prometheus *const p = s->state;
    if (p) {
        scraped_stop(&p->scraped);
        if (p->is_listening) {
            listen_close(p->scraped.listen_fd);
        }
        arena_close(&p->item);
        arena_close(&p->mark[0]);
        arena_close(&p->mark[1]);
    }
}

const struct sink_driver sink_prometheus = {.name = "prometheus",
                                            .state_bytes = sizeof(struct prometheus),
                                            .items_max = ITEMS_MAX,
                                            .open = prometheus_open,
                                            .send = prometheus_send,
                                            .flush = prometheus_flush,
                                            .close = prometheus_close};
