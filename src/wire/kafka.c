#include "wire/kafka.h"

#include <dlfcn.h>
#include <string.h>

/* The library is the process's, as every shared library is. */
static struct kafka kafka;

enum outcome kafka_load(const struct kafka **out, struct failure *f)
{
    *out = &kafka;
    if (kafka.handle) {
        return OK;
    }
    struct kafka found = {.handle = dlopen("librdkafka.so.1", RTLD_LAZY | RTLD_LOCAL)};
    if (!found.handle) {
        return failed(f, STOP, "librdkafka is not there (%s): install it (Debian: librdkafka1)",
                      dlerror());
    }
#define RESOLVE(name)                                                                              \
    do {                                                                                           \
        void *const at = dlsym(found.handle, "rd_kafka_" #name);                                   \
        if (!at) {                                                                                 \
            (void)dlclose(found.handle);                                                           \
            return failed(f, STOP, "librdkafka lacks rd_kafka_" #name ": 2.0 or newer is needed"); \
        }                                                                                          \
        memcpy(&found.name, &at, sizeof at);                                                       \
    } while (0);
    KAFKA_FUNCTIONS(RESOLVE)
#undef RESOLVE
    kafka = found;
    return OK;
}
