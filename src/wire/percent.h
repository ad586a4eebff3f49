/* percent.h - percent-encoding (RFC 3986, section 2.1), undone. */
#ifndef WEIR_WIRE_PERCENT_H
#define WEIR_WIRE_PERCENT_H

#include "base/str.h"

/* Decode `len` bytes in place, one round; with `plus_is_space` as HTML forms have it. *len becomes
 * what is left. false: a % without two hex digits. */
bool percent_decode(char *at, size_t *len, bool plus_is_space);

#endif
