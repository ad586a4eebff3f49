/* tls.h - whether two files are a certificate and its key. */
#ifndef WEIR_CONFIG_TLS_H
#define WEIR_CONFIG_TLS_H

#include "base/failure.h"
#include "config/config.h"

/* Both are PEM (RFC 7468), the key is not encrypted and belongs to the first certificate.
 *   returns OK | STOP *is_key says which of the two it lies at */
enum outcome tls_check(struct arena *a, const struct config_tls *tls, bool *is_key,
                       struct failure *f);

#endif
