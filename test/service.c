#include "service.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wire/json.h"

enum { LINE_BYTES = 2048, LACK_BYTES = 1000, WORDS_MAX = 8 };

static struct {
    pid_t pid;
    int end; /* of its standard input */
    struct arena arena;
    yyjson_val *urls;
    char lack[LACK_BYTES];
} held = {.lack = "they were not started"};

/* In the child: it never returns. */
static void be_services(char *names, int in, int out)
{
    char path[LINE_BYTES];
    char python[] = "python3";
    char *words[WORDS_MAX + 3] = {python, path};
    const char *const root = getenv("WEIR_ROOT");
    (void)snprintf(path, sizeof path, "%s/test/tool/services.py", root ? root : ".");
    size_t n = 2;
    for (char *rest = names, *word; n < WORDS_MAX + 2 && (word = strsep(&rest, " ")); n++) {
        words[n] = word;
    }
    (void)setsid(); /* a key pressed in a terminal ends the test first, and so these */
    (void)dup2(in, STDIN_FILENO);
    (void)dup2(out, STDOUT_FILENO);
    execvp(words[0], words);
    _exit(1);
}

static bool take_line(const char *line)
{
    struct failure f = {.text = "no answer: see what it says above"};
    yyjson_doc *doc = NULL;
    arena_init(&held.arena, (size_t)4 << 20);
    if (!*line || json_read(&held.arena, arena_str(&held.arena, str_of(line)), &doc, &f) != OK) {
        (void)snprintf(held.lack, sizeof held.lack, "services.py: %s", f.text);
        return false;
    }
    held.urls = yyjson_doc_get_root(doc);
    const struct str lack = json_text(yyjson_obj_get(held.urls, "skip"));
    const size_t len = lack.len < LACK_BYTES ? lack.len : LACK_BYTES - 1;
    memcpy(held.lack, lack.len ? lack.at : "", len);
    held.lack[len] = '\0';
    return lack.len == 0;
}

_Bool services_start(const char *names)
{
    int in[2], out[2];
    char line[LINE_BYTES] = "", copy[LINE_BYTES];
    (void)snprintf(copy, sizeof copy, "%s", names);
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) {
        return false;
    }
    held.pid = fork();
    if (held.pid == 0) {
        be_services(copy, in[0], out[1]);
    }
    close(in[0]);
    close(out[1]);
    held.end = in[1];
    FILE *const told = fdopen(out[0], "r");
    if (!told || !fgets(line, sizeof line, told)) {
        line[0] = '\0';
    }
    if (told) {
        (void)fclose(told);
    }
    const bool are_there = take_line(line);
    if (!are_there) {
        services_stop();
    }
    return are_there;
}

const char *services_lack(void)
{
    return held.lack[0] ? held.lack : NULL;
}

const char *service_url(const char *name)
{
    return yyjson_get_str(yyjson_obj_get(held.urls, name));
}

void services_stop(void)
{
    if (held.pid > 0) {
        close(held.end);
        (void)waitpid(held.pid, NULL, 0);
        held.pid = 0;
        arena_close(&held.arena);
    }
}
