/* rank.h - one comparable text that orders facts: time, then ordinal of the state, then content.
 *
 * 16 hex digits of the fact's time (µs, offset so that text order is time order, years before 1970
 * too), 2 of the state's ordinal (GitHub's whole seconds put queued and success at the same time),
 * 16 of the content's XXH3-64. Plain byte order decides everywhere: C, SQLite, DuckDB. */
#ifndef WEIR_SIGNAL_RANK_H
#define WEIR_SIGNAL_RANK_H

#include "base/str.h"

enum { RANK_BYTES = 34 };

void rank_write(int64_t time_us, unsigned ordinal, struct str content, char out[RANK_BYTES]);

#endif
