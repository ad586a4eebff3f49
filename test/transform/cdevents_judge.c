/* cdevents_judge.c - what weir thinks of CDEvents: one JSON text a line in, one verdict a line out.
 *
 * `{"event":…,"notes":…}` is the event as 0.5.1; `{"pointer":…,"text":…}` is why it is dead. */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "transform/cdevents/upconvert.h"

enum { MEMORY_BYTES_MAX = 256 << 20 };

int main(void)
{
    struct arena a;
    char *line = NULL;
    size_t room = 0;
    ssize_t len = 0;
    arena_init(&a, MEMORY_BYTES_MAX);
    while ((len = getline(&line, &room, stdin)) > 0) {
        struct failure f = {0};
        struct cd_event event;
        struct cd_lifted up;
        struct buf out;
        yyjson_doc *doc = NULL;
        buf_init(&out, &a, 16 << 20);
        if (json_read_exact(&a, (struct str){line, (size_t)len}, &doc, &f) == OK &&
            cd_validate(&a, yyjson_doc_get_root(doc), &event, &f) == OK) {
            cd_lift(&a, &event, &up);
            buf_add(&out, S("{\"event\":"));
            buf_add(&out, cd_write(&a, &up));
            buf_add(&out, up.notes.len ? S(",\"notes\":") : S(""));
            buf_add(&out, up.notes);
            buf_add(&out, S("}\n"));
        } else {
            buf_add(&out, S("{\"pointer\":"));
            buf_add_json(&out, str_of(f.pointer));
            buf_add(&out, S(",\"text\":"));
            buf_add_json(&out, str_of(f.text));
            buf_add(&out, S("}\n"));
        }
        (void)fwrite(out.at, 1, out.len, stdout);
        arena_reset(&a);
    }
    free(line);
    arena_close(&a);
    return fclose(stdout) != 0;
}
