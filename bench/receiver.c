#include "receiver.h"

#include <microhttpd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

/* tidy: libmicrohttpd's signature */
static enum MHD_Result answer(void *cls, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **context)
{
    static char seen;
    static char text[] = "{\"id\":\"72d3162e-cc78-11e3-81ab-4c9367dc0958\"}";
    (void)cls, (void)url, (void)method, (void)version, (void)data;
    if (!*context || *size > 0) {
        *context = &seen;
        *size = 0;
        return MHD_YES;
    }
    struct MHD_Response *const response = MHD_create_response_from_buffer(sizeof text - 1, text,
                                                                          MHD_RESPMEM_PERSISTENT);
    const enum MHD_Result result = MHD_queue_response(connection, 202, response);
    MHD_destroy_response(response);
    return result;
}

noreturn void receiver_run(int listen_fd)
{
    struct MHD_Daemon *const daemon = MHD_start_daemon(
        MHD_USE_EPOLL, 0, NULL, NULL, answer, NULL, MHD_OPTION_LISTEN_SOCKET, listen_fd,
        MHD_OPTION_CONNECTION_LIMIT, 1024U, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)65536,
        MHD_OPTION_END);
    const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (!daemon || epoll_fd < 0) {
        perror("bare server");
        exit(1);
    }
    struct epoll_event event = {.events = EPOLLIN};
    (void)epoll_ctl(epoll_fd, EPOLL_CTL_ADD,
                    MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, &event);
    for (;;) {
        MHD_UNSIGNED_LONG_LONG ms = 0;
        const bool has_timeout = MHD_get_timeout(daemon, &ms) == MHD_YES;
        (void)epoll_wait(epoll_fd, &event, 1, has_timeout ? (int)ms : -1);
        (void)MHD_run(daemon);
    }
}
