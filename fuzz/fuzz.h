/* fuzz.h - what every fuzz target defines and both drivers call: libFuzzer, and replay.c in a test.
 */
#ifndef WEIR_FUZZ_H
#define WEIR_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* One input. Returns 0; says by abort() that a promise did not hold. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
