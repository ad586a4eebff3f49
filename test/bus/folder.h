/* A folder of its own for a test of the embedded bus, with segments small enough to roll. */
#ifndef WEIR_TEST_BUS_FOLDER_H
#define WEIR_TEST_BUS_FOLDER_H

#include "config/config.h"

/* `out` has room for 64 bytes. */
void folder_make(char *out);
void folder_remove(const char *dir);
struct config_bus folder_config(const char *dir);

#endif
