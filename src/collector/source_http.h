/* source_http.h - what of a source `http` only jq can check. */
#ifndef WEIR_COLLECTOR_SOURCE_HTTP_H
#define WEIR_COLLECTOR_SOURCE_HTTP_H

#include "config/section.h"

/* Its program `rows` can be compiled (section_type.complete). */
void http_rows_complete(const struct section_check *c, void *options);

#endif
