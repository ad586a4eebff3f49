#include "transform/cdevents/choose.h"

const char *cd_release_name(enum cd_release r)
{
    static const char *const name[CD_RELEASES] = {
        [CD_03] = "0.3.0", [CD_04] = "0.4.1", [CD_05] = "0.5.1"};
    return name[r];
}

/* "0.4", "0.4.7", "0.4.1-draft" begin with the minor release "0.4". */
static bool is_of_minor(struct str version, struct str minor)
{
    return str_starts(version, minor) &&
           (version.len == minor.len || version.at[minor.len] == '.' ||
            version.at[minor.len] == '-');
}

/* The release that the version names, as far as the member that it stands in can hold it:
 * `specversion` came with 0.5. */
static bool release_of(struct str version, bool is_new, enum cd_release *out)
{
    static const struct str minor[CD_RELEASES] = {
        [CD_03] = STR("0.3"), [CD_04] = STR("0.4"), [CD_05] = STR("0.5")};
    for (enum cd_release r = CD_03; r < CD_RELEASES; r++) {
        if (is_of_minor(version, minor[r]) && (r == CD_05) == is_new) {
            *out = r;
            return true;
        }
    }
    return false;
}

/* "pipelinerun.started.0.3.0" into name and version. */
static struct str cut_version(struct str type, struct str *version)
{
    struct str rest;
    const struct str subject = str_cut(type, '.', &rest);
    const struct str predicate = str_cut(rest, '.', version);
    return str_sub(type, 0, subject.len + (rest.len > 0) + predicate.len);
}

static enum outcome choose_standard(struct cd_event *e, bool is_known, struct failure *f)
{
    struct str version;
    const struct str name = cut_version(str_sub(e->type_text, strlen("dev.cdevents."), SIZE_MAX),
                                        &version);
    e->type = cd_type_find(name);
    if (!e->type) {
        return failed_at(f, REJECT, "/context/type", "\"%s\" is not a type of CDEvents",
                         str_shown(e->type_text, 120).text);
    }
    for (enum cd_release r = CD_03; r < CD_RELEASES && !is_known; r++) {
        if (version.len > 0 && str_eq(e->type->version[r], version)) {
            e->release = r;
            e->is_by_type = is_known = true;
        }
    }
    const struct str wanted = e->type->version[e->release];
    if (!is_known) {
        return failed_at(f, REJECT, "/context/type",
                         "\"%s\" is of no release that weir takes, and neither is the version "
                         "\"%s\": send 0.3, 0.4 or 0.5",
                         str_shown(e->type_text, 120).text, str_shown(e->version, 40).text);
    }
    if (wanted.len == 0) {
        return failed_at(f, REJECT, "/context/type", "CDEvents %s has no type %.*s",
                         cd_release_name(e->release), STR_ARG(name));
    }
    return str_eq(wanted, version)
               ? OK
               : failed_at(f, REJECT, "/context/type",
                           "\"%s\" is not of CDEvents %s, whose type is dev.cdevents.%.*s.%.*s",
                           str_shown(e->type_text, 120).text, cd_release_name(e->release),
                           STR_ARG(name), STR_ARG(wanted));
}

static enum outcome choose_type(struct cd_event *e, bool is_new, struct failure *f)
{
    const bool is_known = release_of(e->version, is_new, &e->release);
    if (!is_known && !is_new &&
        (is_of_minor(e->version, S("0.1")) || is_of_minor(e->version, S("0.2")))) {
        return failed_at(f, REJECT, "/context/version",
                         "CDEvents %s is not supported: send 0.3, 0.4 or 0.5",
                         str_shown(e->version, 40).text);
    }
    e->is_040 = e->release == CD_04 && is_of_minor(e->version, S("0.4.0"));
    if (str_starts(e->type_text, S("dev.cdevents."))) {
        return choose_standard(e, is_known, f);
    }
    if (!str_starts(e->type_text, S("dev.cdeventsx."))) {
        return failed_at(f, REJECT, "/context/type",
                         "\"%s\" is not a CDEvent: the type begins with dev.cdevents. or "
                         "dev.cdeventsx.",
                         str_shown(e->type_text, 120).text);
    }
    if (!is_known) {
        e->release = is_new ? CD_05 : CD_04;
        e->is_by_type = true;
    } else if (e->release == CD_03) {
        return failed_at(f, REJECT, "/context/type", "CDEvents 0.3.0 has no custom types");
    }
    e->type = &cd_custom_type;
    return OK;
}

enum outcome cd_choose(yyjson_val *root, struct cd_event *out, struct failure *f)
{
    *out = (struct cd_event){.root = root, .context = json_get(root, S("context"))};
    if (!yyjson_is_obj(root)) {
        return failed_at(f, REJECT, "", "a CDEvent is a JSON object");
    }
    if (!yyjson_is_obj(out->context)) {
        return failed_at(f, REJECT, "/context", "is missing or no object: this is not a CDEvent");
    }
    yyjson_val *const type = yyjson_obj_get(out->context, "type");
    yyjson_val *const new = yyjson_obj_get(out->context, "specversion");
    yyjson_val *const version = new ? new : yyjson_obj_get(out->context, "version");
    out->type_text = json_text(type);
    out->version = json_text(version);
    if (!yyjson_is_str(type)) {
        return failed_at(f, REJECT, "/context/type", "is missing or no text");
    }
    if (out->version.len == 0) {
        return failed_at(f, REJECT, version && !new ? "/context/version" : "/context/specversion",
                         version ? "must be a text that is not empty"
                                 : "is missing, and so is version of older releases");
    }
    return choose_type(out, new != NULL, f);
}

struct str cd_camel(struct str name)
{
    static const struct {
        struct str snake, camel;
    } names[] = {
        {STR("chain_id"), STR("chainId")},
        {STR("link_type"), STR("linkType")},
        {STR("link_kind"), STR("linkKind")},
        {STR("context_id"), STR("contextId")},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (str_eq(name, names[i].snake)) {
            return names[i].camel;
        }
    }
    return name;
}
