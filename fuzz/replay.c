/* replay.c - gives a fuzz target every file of its corpus, so that what was found once stays found
 * without libFuzzer: `replay-NAME FOLDER`. A seed that fails ends the program by its abort(). */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

enum { INPUT_BYTES_MAX = 1 << 20 };

/* The bytes of FOLDER/name, or -1. */
static long read_input(const char *folder, const char *name, uint8_t *into)
{
    char path[4096];
    const int len = snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *const file = len > 0 && (size_t)len < sizeof path ? fopen(path, "rb") : NULL;
    if (!file) {
        return -1;
    }
    const size_t n = fread(into, 1, INPUT_BYTES_MAX, file);
    const int is_bad = ferror(file);
    return fclose(file) != 0 || is_bad ? -1 : (long)n;
}

int main(int argc, char **argv)
{
    static uint8_t input[INPUT_BYTES_MAX];
    DIR *const folder = argc == 2 ? opendir(argv[1]) : NULL;
    if (!folder) {
        printf("not ok corpus: no folder %s with seeds\n", argc == 2 ? argv[1] : "");
        return 1;
    }
    unsigned n = 0;
    unsigned bad = 0;
    for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        const long size = read_input(argv[1], entry->d_name, input);
        fprintf(stderr, "%s\n", entry->d_name); /* the last one named is the one that aborted */
        bad += size < 0 || LLVMFuzzerTestOneInput(input, (size_t)size) != 0;
        n++;
    }
    closedir(folder);
    const int failed = bad > 0 || n == 0;
    printf("%s every_seed_of_the_corpus_holds (%u)\n", failed ? "not ok" : "ok", n);
    return failed;
}
