/* rows_of.h - what a source gives, as text: `column=text` by comma, a row a line. */
#ifndef WEIR_TEST_COLLECTOR_ROWS_OF_H
#define WEIR_TEST_COLLECTOR_ROWS_OF_H

#include "collector/source.h"

/* Kinds are told by a mark before the text: # number, ? bool, @ time, ~ null, nothing for text. */
struct rows_of {
    char text[4096];
    enum outcome outcome;
    struct failure why;
    size_t n;
};

void rows_of(const struct source_driver *driver, const struct source_ask *ask, struct rows_of *out);

#endif
