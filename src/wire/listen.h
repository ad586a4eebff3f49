/* listen.h - sockets that wait for connections.
 *
 * The orchestrator opens them once and hands them to the processes that accept, so that neither a
 * restart nor a reload refuses anybody. */
#ifndef WEIR_WIRE_LISTEN_H
#define WEIR_WIRE_LISTEN_H

#include "base/arena.h"
#include "base/failure.h"

/* returns OK | STOP not an address as listen_open reads it */
enum outcome listen_check(struct str address, struct failure *f);

/* Listen at `127.0.0.1:8080`, `[::1]:8080` or `unix:PATH` (port 0: the kernel chooses). The
 * descriptor does not block and is closed by exec. A socket file that nobody listens at any more is
 * replaced.
 *   returns OK | STOP not an address, in use, no rights */
enum outcome listen_open(struct str address, int *out_fd, struct failure *f);

/* Close it for good; the file of a unix socket goes with it. */
void listen_close(int fd);

/* Where a listening socket stands, written as listen_open reads it, with the port that it got. */
struct str listen_text(struct arena *a, int fd);

#endif
