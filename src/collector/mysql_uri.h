/* mysql_uri.h - the address of a MySQL server, taken apart:
 *   mysql://USER:PASSWORD@HOST:PORT/DATABASE?ssl-mode=VERIFY_IDENTITY&ssl-ca=/path/ca.pem
 *
 * Names of the parameters are those of MySQL's own URIs. Nothing that is said of a wrong one
 * repeats a part of it that may be a secret. */
#ifndef WEIR_COLLECTOR_MYSQL_URI_H
#define WEIR_COLLECTOR_MYSQL_URI_H

#include "base/arena.h"
#include "base/failure.h"
#include "config/section.h"

enum mysql_tls {
    MYSQL_TLS_PREFERRED, /* if the server has it; the default           */
    MYSQL_TLS_DISABLED,
    MYSQL_TLS_REQUIRED, /* whoever the server is                       */
    MYSQL_TLS_VERIFIED  /* its certificate and the name in it, as well */
};

/* Absent texts are NULL; there is always a host. With a socket, a file's path, it counts for
 * nothing. */
struct mysql_uri {
    const char *user, *password, *host, *database, *socket;
    unsigned port;
    enum mysql_tls tls;
    const char *ca, *capath, *certificate, *key;
};

/* returns OK | STOP it is none; a parameter that is not known, or means nothing */
enum outcome mysql_uri_read(struct arena *a, struct str uri, struct mysql_uri *out,
                            struct failure *f);

/* It can be read, unless it waits for its template (section_type.complete). */
void mysql_uri_complete(const struct section_check *c, void *options);

#endif
