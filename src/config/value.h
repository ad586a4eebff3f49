/* value.h - texts of the configuration and of options that are numbers with a unit. */
#ifndef WEIR_CONFIG_VALUE_H
#define WEIR_CONFIG_VALUE_H

#include "config/option.h"

enum { VALUE_TEXT_BYTES = 32 };

/* 500ms, 30s, 5m, 24h, 7d, 0, forever (INT64_MAX); one number, one unit. false: not one. */
bool value_duration(struct str text, int64_t *out_ms);
/* 512, 26MiB, 20GiB, 4KiB; bytes below 2^63. false: not one. */
bool value_size(struct str text, int64_t *out_bytes);
/* The shortest text that is read back as this number of a SIZE, DURATION (ms) or INT. */
void value_text(enum option_type type, int64_t number, char out[VALUE_TEXT_BYTES]);

#endif
