#include "transform/glob.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_like(char glob, char c)
{
    return glob == '?' ? c != '/' : lower(glob) == lower(c);
}

/* A star to come back to: what follows it in the glob, and where in the text it ends so far. */
struct star {
    size_t after, end;
    bool is_any; /* takes slashes too */
};

/* Let the star take one character more. false: it may not. */
static bool extend(struct star *s, struct str text)
{
    if (s->after == 0 || s->end >= text.len || (!s->is_any && text.at[s->end] == '/')) {
        return false;
    }
    s->end++;
    return true;
}

/* Of several stars only the last one that takes slashes and the last one behind it that does not
 * can matter: what stands before them has the shortest text that it can have. */
bool glob_matches(struct str glob, struct str text)
{
    struct star any = {0};
    struct star one = {0};
    size_t g = 0;
    size_t t = 0;
    while (t < text.len || g < glob.len) {
        const bool is_star = g < glob.len && glob.at[g] == '*';
        if (is_star && g + 1 < glob.len && glob.at[g + 1] == '*') {
            g += 2;
            any = (struct star){g, t, true};
            one = (struct star){0};
        } else if (is_star) {
            one = (struct star){++g, t, false};
        } else if (g < glob.len && t < text.len && is_like(glob.at[g], text.at[t])) {
            g++;
            t++;
        } else if (extend(&one, text)) {
            g = one.after;
            t = one.end;
        } else if (extend(&any, text)) {
            one = (struct star){0};
            g = any.after;
            t = any.end;
        } else {
            return false;
        }
    }
    return true;
}

bool glob_any(const struct str_list *globs, struct str text)
{
    for (size_t i = 0; i < globs->n; i++) {
        if (glob_matches(globs->at[i], text)) {
            return true;
        }
    }
    return false;
}
