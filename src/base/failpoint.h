/* failpoint.h - named places where a test makes this process die or an operation fail.
 *
 * Built only with the option `failpoints`; a release holds none of it. WEIR_FAILPOINT="NAME:N:kill"
 * ends the process by SIGKILL when the named place is reached the Nth time; "NAME:N:fail" makes
 * failpoint_fails return true then (once). "WEIR_FAILPOINT_LIST=PATH" appends the name of each
 * place reached to a file, so that a test can go through all of them. */
#ifndef WEIR_BASE_FAILPOINT_H
#define WEIR_BASE_FAILPOINT_H

#include <stdbool.h>

#ifdef WEIR_FAILPOINTS
bool failpoint_fails(const char *name);
#define FAILPOINT(name) ((void)failpoint_fails(name))
/* Look at the environment again: in a test's child, after setenv. */
void failpoint_reset(void);
#else
static inline bool failpoint_fails(const char *name)
{
    (void)name;
    return false;
}
#define FAILPOINT(name) ((void)0)
static inline void failpoint_reset(void)
{
}
#endif

#endif
