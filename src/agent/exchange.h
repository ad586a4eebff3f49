/* exchange.h - one request through libmicrohttpd: head, body, what the driver says, answer.
 *
 * libmicrohttpd's parser is lenient, so what is ambiguous is refused here. A whole, proven and
 * decoded request stands in door->waiting without an answer, so libmicrohttpd asks for one again in
 * each of its turns; run.c makes it durable and lets a turn run. */
#ifndef WEIR_AGENT_EXCHANGE_H
#define WEIR_AGENT_EXCHANGE_H

#include "agent/door.h"

/* MHD_OPTION_URI_LOG_CALLBACK: the request line was read. Gives the client as the request's
 * context. */
void *exchange_begin(void *door, const char *uri, struct MHD_Connection *connection);

/* MHD_AccessHandlerCallback; called for the head, each part of the body, its end, and after a
 * resume. */
enum MHD_Result exchange_handle(void *door, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *upload_data,
                                size_t *upload_data_size, void **client);

/* MHD_OPTION_NOTIFY_COMPLETED */
void exchange_end(void *door, struct MHD_Connection *connection, void **client,
                  enum MHD_RequestTerminationCode code);

/* What the group commit decided: the answer is sent in the next turn. status 0: it is durable. */
void exchange_decide(struct client *c, unsigned status, const char *reason, const char *detail);

#endif
