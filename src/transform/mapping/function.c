/* What a mapping's `function(path)` makes of a text. */
#include "transform/mapping/mapping.h"

#include <assert.h>

static struct str outcome(struct str conclusion)
{
    static const struct {
        struct str conclusion, outcome;
    } outcomes[] = {
        {STR("success"), STR("success")},   {STR("failure"), STR("failure")},
        {STR("timed_out"), STR("failure")}, {STR("startup_failure"), STR("failure")},
        {STR("cancelled"), STR("cancel")},  {STR("cancel"), STR("cancel")},
        {STR("error"), STR("failure")}, /* CDEvents and commit statuses: original_result has it */
    };
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
        if (str_eq(outcomes[i].conclusion, conclusion)) {
            return outcomes[i].outcome;
        }
    }
    return S(""); /* action_required, neutral, skipped, stale: no outcome of CDEvents' */
}

/* Of a commit's status. */
static struct str status(struct str state)
{
    static const struct str words[] = {STR("success"), STR("failure"), STR("error")};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (str_eq(words[i], state)) {
            return state;
        }
    }
    return S("");
}

static struct str resolution(struct str reason)
{
    return str_eq(reason, S("not_planned")) ? S("withdrawn")
           : str_eq(reason, S("duplicate")) ? S("duplicate")
                                            : S("completed");
}

/* The REST API writes it in capitals. */
static struct str review(struct str state)
{
    static const struct str states[] = {STR("approved"), STR("changes_requested"), STR("commented"),
                                        STR("dismissed")};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        if (str_eq_nocase(states[i], state)) {
            return states[i];
        }
    }
    return state;
}

static struct str short_ref(struct str ref)
{
    (void)str_cut(ref, '/', &ref);
    (void)str_cut(ref, '/', &ref);
    return ref;
}

static struct str without_scheme(struct str url)
{
    const size_t scheme = str_find(url, ':');
    return str_starts(str_sub(url, scheme, url.len), S("://")) ? str_sub(url, scheme + 3, url.len)
                                                               : url;
}

struct str delivery_apply(struct str function, struct str text)
{
    static const struct {
        struct str name;
        struct str (*apply)(struct str text);
    } functions[] = {
        {STR("outcome"), outcome},       /* CDEvents' outcome of a conclusion             */
        {STR("resolution"), resolution}, /* CDEvents' resolution of a state_reason        */
        {STR("review"), review},         /* approved, changes_requested, commented, …     */
        {STR("status"), status},         /* CDEvents' outcome of a commit's status        */
        {STR("short"), short_ref},       /* refs/heads/feature/x → feature/x              */
        {STR("place"), without_scheme},  /* https://github.com/acme/shop → github.com/…   */
    };
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (str_eq(functions[i].name, function)) {
            return functions[i].apply(text);
        }
    }
    assert(false && "no such function");
    return text;
}
