/* control.h - how a running weir is asked by a command: one line of JSON there, one back, over
 * run/control.sock.
 *
 * Only the user that weir runs as can reach the socket. collector/collect.h says what may be asked.
 */
#ifndef WEIR_WIRE_CONTROL_H
#define WEIR_WIRE_CONTROL_H

#include "base/arena.h"
#include "base/failure.h"

enum { CONTROL_LINE_BYTES_MAX = 1024 * 1024 };

/* Where the weir of this data folder listens, as listen_open reads it. */
struct str control_address(struct arena *a, struct str data);

/* A line from a socket, without its end, at most CONTROL_LINE_BYTES_MAX long. false: hung up, too
 * long, or not whole within timeout_ms. */
bool control_read_line(int fd, struct arena *a, int timeout_ms, struct str *out);

/* As a client: send the line and wait for the answer, at most timeout_ms.
 *   returns OK | RETRY weir does not run, or gave no answer | STOP the path is too long */
enum outcome control_ask(struct arena *a, struct str data, struct str line, int timeout_ms,
                         struct str *out, struct failure *f);

#endif
