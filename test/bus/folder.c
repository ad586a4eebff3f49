#include "bus/folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

void folder_make(char *out)
{
    snprintf(out, 64, "/tmp/weir-bus-XXXXXX");
    if (!mkdtemp(out)) {
        abort();
    }
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

void folder_remove(const char *dir)
{
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

struct config_bus folder_config(const char *dir)
{
    return (struct config_bus){.type = S("embedded"),
                               .path = str_of(dir),
                               .segment_bytes = 16 * 1024,
                               .disk_bytes_max = 1024 * 1024 * 1024};
}
