#include "bus/page.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/os.h"

enum { MAGIC = 0x72697762, VERSION = 2 };
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "processes share these words: no lock may be in them");

static enum outcome map_file(int fd, const char *path, size_t bytes, void **out, struct failure *f)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return failed_errno(f, STOP, "read %s", path);
    }
    /* Blocks now, so that a full disk is an error here and no SIGBUS later. */
    if (st.st_size < (off_t)bytes) {
        const enum outcome result = os_allocate(fd, bytes, f);
        if (result != OK) {
            return result;
        }
    }
    void *const page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED) {
        return failed_errno(f, STOP, "map %s", path);
    }
    *out = page;
    return OK;
}

enum outcome page_open(const char *path, size_t bytes, void **out, struct failure *f)
{
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return failed_errno(f, STOP, "open %s", path);
    }
    const enum outcome result = map_file(fd, path, bytes, out, f);
    close(fd); /* the mapping stays */
    if (result != OK) {
        return result;
    }
    struct page_head *const head = *out;
    if (head->magic != MAGIC || head->version != VERSION) {
        memset(*out, 0, bytes);
        head->version = VERSION;
        head->magic = MAGIC;
    }
    return OK;
}

enum outcome page_visit(const char *path, size_t bytes, void **out, struct failure *f)
{
    struct stat st;
    void *page = MAP_FAILED;
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return failed_errno(f, errno == ENOENT ? RETRY : STOP, "open %s", path);
    }
    if (fstat(fd, &st) == 0 && st.st_size >= (off_t)bytes) {
        page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    close(fd); /* the mapping stays */
    const struct page_head *const head = page;
    if (page == MAP_FAILED || head->magic == 0) {
        page_close(page == MAP_FAILED ? NULL : page, bytes);
        return failed(f, RETRY, "%s is not there yet: weir is making it, or `weir run` will", path);
    }
    if (head->magic != MAGIC || head->version != VERSION) {
        page_close(page, bytes);
        return failed(f, STOP,
                      "%s is of another version of weir: ask that one, or restart `weir run` with "
                      "this one",
                      path);
    }
    *out = page;
    return OK;
}

enum outcome page_sync(void *page, size_t bytes, struct failure *f)
{
    return msync(page, bytes, MS_SYNC) == 0 ? OK : failed_errno(f, RETRY, "sync a page");
}

void page_set_mark(struct lane_page *page, uint64_t mark)
{
    page->not_mark = ~mark;
    page->mark = mark;
}

void page_set_begin(struct lane_page *page, uint64_t begin)
{
    page->begin_twin = begin;
    page->begin = begin;
}

uint64_t page_committed(const struct lane_page *page)
{
    const uint64_t mark = page->mark; /* first: the twin is never behind it */
    const uint64_t twin = ~(uint64_t)page->not_mark;
    return mark < twin ? mark : twin;
}

uint64_t page_kept_from(const struct lane_page *page)
{
    const uint64_t begin = page->begin;
    const uint64_t twin = page->begin_twin;
    return begin > twin ? begin : twin;
}

uint64_t page_claimed(const struct lane_page *page)
{
    const uint64_t mark = page->mark;
    const uint64_t twin = page->not_mark == 0 ? 0 : ~(uint64_t)page->not_mark;
    return mark > twin ? mark : twin;
}

void page_close(void *page, size_t bytes)
{
    if (page) {
        munmap(page, bytes);
    }
}
