/* stdout: one record a line, and nothing else. */
#include <unistd.h>

#include "base/file.h"
#include "persist/sink/sink.h"

enum { ITEMS_MAX = 1000, LINE_BYTES_MAX = 128 << 20 };

static enum outcome console_open(struct sink *s, struct failure *f)
{
    (void)s;
    (void)f;
    return OK;
}

static enum outcome console_send(struct sink *s, const struct sink_item *item, size_t n,
                                 size_t *done, struct failure *f)
{
    struct arena line;
    struct buf b;
    enum outcome result = OK;
    (void)s;
    arena_init(&line, 2 * (size_t)LINE_BYTES_MAX);
    buf_init(&b, &line, LINE_BYTES_MAX);
    for (*done = 0; *done < n && result == OK; *done += result == OK) {
        buf_reset(&b);
        buf_add(&b, item[*done].body);
        buf_add_byte(&b, '\n');
        result = file_write(STDOUT_FILENO, buf_str(&b), f); /* one write: no line is torn */
    }
    arena_close(&line);
    return result;
}

static void console_close(struct sink *s)
{
    (void)s;
}

const struct sink_driver sink_console = {.name = "console",
                                         .items_max = ITEMS_MAX,
                                         .open = console_open,
                                         .send = console_send,
                                         .close = console_close};
