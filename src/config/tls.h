/* tls.h - a certificate and its key, read from their files. */
#ifndef WEIR_CONFIG_TLS_H
#define WEIR_CONFIG_TLS_H

#include "base/failure.h"
#include "config/config.h"

/* Both are read into the arena: PEM (RFC 7468), the key not encrypted and of the first certificate.
 *   returns OK | STOP *is_key says which of the two it lies at */
enum outcome tls_read(struct arena *a, struct config_tls *tls, bool *is_key, struct failure *f);

#endif
