/* value.h - texts of the configuration and of options that are numbers with a unit. */
#ifndef WEIR_CONFIG_VALUE_H
#define WEIR_CONFIG_VALUE_H

#include "config/option.h"

enum { VALUE_RANGE_BYTES = 80 };

/* 500ms, 30s, 5m, 24h, 7d, 0, forever (INT64_MAX); one number, one unit. false: not one. */
bool value_duration(struct str text, int64_t *out_ms);
/* As base/duration.h reads it, in whole milliseconds, the rest is cut; a `-` before more than
 * nothing is refused. false: not one. */
bool value_go_duration(struct str text, int64_t *out_ms);
/* 512, 26MiB, 20GiB, 4KiB; bytes below 2^63. false: not one. */
bool value_size(struct str text, int64_t *out_bytes);
/* Whether `uri` begins with one of the schemes (`http://`), which end with NULL, and goes on. */
bool value_has_scheme(struct str uri, const char *const *schemes);
/* What a number may be, in the shortest texts that are read back as its ends: "1KiB to 1GiB", "1MiB
 * or more". */
void value_range(const struct option *o, char out[VALUE_RANGE_BYTES]);

#endif
