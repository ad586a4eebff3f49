/* prelude.h - what every mapping can use besides jq's own: documented in docs/mappings.md.
 *
 * It has no newline, so that the lines that jq names are the program's own, and it ends where the
 * program begins: behind a pipe, so that a program cannot bring files in by `import`. */
#ifndef WEIR_WIRE_JQ_PRELUDE_H
#define WEIR_WIRE_JQ_PRELUDE_H

extern const char jq_prelude[];

#endif
