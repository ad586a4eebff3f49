#include "wire/snappy.h"

#include <assert.h>
#include <dlfcn.h>
#include <snappy-c.h>

/* The library is the process's, as every shared library is. */
static struct {
    void *handle;
    __typeof__(&snappy_compress) compress;
    __typeof__(&snappy_max_compressed_length) length_max;
} lib;

enum outcome snappy_load(struct failure *f)
{
    if (lib.handle) {
        return OK;
    }
    void *const handle = dlopen("libsnappy.so.1", RTLD_LAZY | RTLD_LOCAL);
    if (!handle) {
        return failed(f, STOP, "libsnappy is not there (%s): install it (Debian: libsnappy1v5)",
                      dlerror());
    }
    void *const compress = dlsym(handle, "snappy_compress");
    void *const length_max = dlsym(handle, "snappy_max_compressed_length");
    if (!compress || !length_max) {
        (void)dlclose(handle);
        return failed(f, STOP, "libsnappy lacks its functions for C: 1.1 or newer is needed");
    }
    memcpy(&lib.compress, &compress, sizeof compress);
    memcpy(&lib.length_max, &length_max, sizeof length_max);
    lib.handle = handle;
    return OK;
}

enum outcome snappy_block(struct arena *a, struct str bytes, struct str *out, struct failure *f)
{
    assert(lib.handle);
    size_t len = lib.length_max(bytes.len);
    char *const at = arena_try(a, len, 1);
    if (!at || lib.compress(bytes.at, bytes.len, at, &len) != SNAPPY_OK) {
        return failed(f, RETRY, "no memory to compress %zu bytes", bytes.len);
    }
    *out = (struct str){at, len};
    return OK;
}
