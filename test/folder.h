/* folder.h - a folder of a test's own, gone afterwards with all that is in it. */
#ifndef WEIR_TEST_FOLDER_H
#define WEIR_TEST_FOLDER_H

/* The folder's path, good until folder_drop; NULL: it could not be made. One at a time. */
const char *folder_make(void);
/* The same in memory where there is such a place, for tests that sync thousands of times. */
const char *folder_make_fast(void);
/* Path of a name in it; one of four that take turns. */
const char *folder_path(const char *name);
void folder_drop(void);

#endif
