/* refused.h - work in a child process that gets no memory for the nth block of its arenas. */
#ifndef WEIR_TEST_REFUSED_H
#define WEIR_TEST_REFUSED_H

enum { NO_MEMORY = 70 }; /* the exit status of a process whose arena got no block */

/* The nth block that this process' arenas ask for from here on is refused; 0: none. Skips the test
 * in a build without failpoints. */
void refuse_block(unsigned n);

/* Do `work` in a child that is refused its nth block; 0: none. Returns what `work` returned, or
 * NO_MEMORY; then the child has said so on its stderr. Any other end fails the test. */
int without_block(unsigned n, int (*work)(void *to), void *to);

#endif
