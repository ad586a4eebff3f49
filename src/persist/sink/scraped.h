/* scraped.h - a process that answers scrapes of one address, with the lines that it was given last.
 *
 * A sink waits for its streams and not for sockets, and has one thread: so a child of it does this,
 * and ends with it. Between two givings the child itself takes away what is stale. */
#ifndef WEIR_PERSIST_SINK_SCRAPED_H
#define WEIR_PERSIST_SINK_SCRAPED_H

#include <sys/types.h>

#include "base/failure.h"
#include "base/str.h"

struct scraped {
    int listen_fd; /* the owner's; it stays open when the child ends */
    pid_t pid;     /* 0: not started                                 */
    int fd;
};

/* Show these: struct board_line, head and line, one after the other (board_show). From when it
 * returns every scrape has them. Starts the child where there is none, or none any more. returns OK
 * | RETRY no process, or it does not answer: it is ended, and the next call starts anew
 */
enum outcome scraped_show(struct scraped *s, struct str lines, struct failure *f);
/* End the child. */
void scraped_stop(struct scraped *s);

#endif
