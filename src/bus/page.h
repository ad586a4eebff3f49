/* page.h - what the processes of one embedded bus share: mapped words, nothing locked.
 *
 * Pages are made anew by every recovery. After a power cut they may say less than the truth (a mark
 * that is too low), never more: a mark moves after the sync, and `begin` is on the disk before what
 * stands before it is removed. So what is missing between the two was lost. */
#ifndef WEIR_BUS_PAGE_H
#define WEIR_BUS_PAGE_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/failure.h"

struct page_head {
    _Atomic uint32_t magic, version;
};

/* `<bus>/bus.page` */
struct bus_page {
    struct page_head head;
    _Atomic uint32_t wake;             /* the futex word: moves with every publication       */
    _Atomic uint32_t waiters;          /* sleepers, at least                                  */
    _Atomic uint32_t lanes_generation; /* moves when a lane is made                           */
    _Atomic uint64_t unread_bytes;     /* of all lanes but dead ones, not yet passed          */
};

/* `<bus>/<stream>/<lane>/lane.page` */
struct lane_page {
    struct page_head head;
    _Atomic uint64_t begin;    /* oldest position that is kept                              */
    _Atomic uint64_t mark;     /* everything before it is durable and visible               */
    _Atomic uint64_t last;     /* position of the last group; == mark: none                 */
    _Atomic uint64_t records;  /* before the mark, since the lane's beginning               */
    _Atomic uint64_t passed;   /* every reader has passed it                                */
    _Atomic uint32_t segments; /* moves when a segment file comes or goes                   */
    _Atomic int32_t writer_pid;
    _Atomic uint64_t suspect; /* 1 + the lowest position where damage was met; 0: none     */
    /* Of the segment that is being written, should its head be lost. */
    _Atomic uint64_t open_first, open_generation;
    /* The end and the beginning once more, should a bit of one be lost: ~mark, written before it
     * (0: never), and begin. */
    _Atomic uint64_t not_mark, begin_twin;
};

/* Both are written twice, and where the two differ recovery takes the one that says less: the lower
 * mark, the higher begin. */
void page_set_mark(struct lane_page *page, uint64_t mark);
void page_set_begin(struct lane_page *page, uint64_t begin);
uint64_t page_committed(const struct lane_page *page);
uint64_t page_kept_from(const struct lane_page *page);
/* The higher mark: where it is beyond what recovery finds, the page was damaged. */
uint64_t page_claimed(const struct lane_page *page);

/* Map the page of `bytes` bytes in the file, made and marked with the layout's magic when it is
 * not there or is another's. It stays mapped until page_close.
 *   returns OK | STOP no rights, no such folder | RETRY no space */
enum outcome page_open(const char *path, size_t bytes, void **out, struct failure *f);
/* The same for a process that only looks: nothing is made, and a page of another layout, which its
 * weir may be using, is left alone.
 *   returns OK | STOP no rights, another version's | RETRY there is none (yet) */
enum outcome page_visit(const char *path, size_t bytes, void **out, struct failure *f);
/* Have what the page says now on the disk. RETRY: the disk fails. */
enum outcome page_sync(void *page, size_t bytes, struct failure *f);
void page_close(void *page, size_t bytes);

#endif
