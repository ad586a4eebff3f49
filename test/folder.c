#include "folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

static char folder[64];

const char *folder_make(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/weir-test-XXXXXX");
    return mkdtemp(folder);
}

const char *folder_make_fast(void)
{
    (void)snprintf(folder, sizeof folder, "/dev/shm/weir-test-XXXXXX");
    const char *const made = mkdtemp(folder);
    return made ? made : folder_make();
}

const char *folder_path(const char *name)
{
    static char path[4][512];
    static unsigned turn;
    turn = (turn + 1) % 4;
    (void)snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

static int drop(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

void folder_drop(void)
{
    (void)nftw(folder, drop, 16, FTW_DEPTH | FTW_PHYS);
}
