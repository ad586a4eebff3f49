/* receiver.h - the bare HTTP server that benches measure beside, or send to: libmicrohttpd that
 * reads the body and answers 202. */
#ifndef WEIR_BENCH_RECEIVER_H
#define WEIR_BENCH_RECEIVER_H

#include <stdnoreturn.h>

/* Until the process is killed. */
noreturn void receiver_run(int listen_fd);

#endif
