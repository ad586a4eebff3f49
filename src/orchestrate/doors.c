#include "orchestrate/doors.h"

#include "base/buf.h"
#include "wire/listen.h"

static int find(const struct doors *d, const char *address)
{
    for (size_t i = 0; d && i < d->n; i++) {
        if (strcmp(d->address[i], address) == 0) {
            return d->fd[i];
        }
    }
    return -1;
}

enum outcome doors_open(struct doors *out, const struct str_list *addresses,
                        const struct doors *old, struct failure *f)
{
    *out = (struct doors){.n = 0};
    enum outcome result = OK;
    for (size_t i = 0; i < addresses->n && result == OK; i++) {
        const struct str address = addresses->at[i];
        if (out->n == DOORS_MAX || address.len >= DOOR_ADDRESS_BYTES) {
            result = failed(f, STOP, "listen: %.*s: at most %d addresses of %d bytes",
                            STR_ARG(address), DOORS_MAX, DOOR_ADDRESS_BYTES - 1);
            break;
        }
        char *const text = out->address[out->n];
        memcpy(text, address.at, address.len);
        int fd = find(old, text);
        if (fd < 0) {
            result = listen_open(address, &fd, f);
        }
        if (result == OK) {
            out->fd[out->n++] = fd;
        }
    }
    if (result != OK) {
        doors_close(out, old);
    }
    return result;
}

void doors_close(struct doors *d, const struct doors *kept)
{
    for (size_t i = 0; i < d->n; i++) {
        if (find(kept, d->address[i]) != d->fd[i]) {
            listen_close(d->fd[i]);
        }
    }
    d->n = 0;
}

struct str doors_text(struct arena *a, const struct doors *d)
{
    struct buf b;
    buf_init(&b, a, (size_t)DOORS_MAX * DOOR_ADDRESS_BYTES * 2);
    for (size_t i = 0; i < d->n; i++) {
        buf_printf(&b, "%s", i == 0 ? "" : " ");
        buf_add(&b, listen_text(a, d->fd[i]));
    }
    return d->n > 0 ? arena_str(a, buf_str(&b)) : S("none");
}
