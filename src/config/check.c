#include "config/check.h"

#include <arpa/inet.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/zone.h"
#include "config/tls.h"

#define LOCAL "unix:"
#define SOCKET_PATH_BYTES ((size_t)108) /* sun_path, unix(7); with a zero byte */

/* `section.key` of the tree; NULL when it was not written. */
static const struct yaml_entry *find(const struct yaml *root, const char *section, const char *key)
{
    const struct yaml_entry *const e = yaml_find(root, str_of(section));
    return e ? yaml_find(&e->value, str_of(key)) : NULL;
}

static bool is_ip(struct str host)
{
    char text[INET6_ADDRSTRLEN + 2] = "";
    struct in6_addr address;
    if (host.len == 0 || host.len >= sizeof text) {
        return false;
    }
    const bool is_v6 = host.len > 2 && str_starts(host, S("[")) && str_ends(host, S("]"));
    const struct str bare = is_v6 ? (struct str){host.at + 1, host.len - 2} : host;
    memcpy(text, bare.at, bare.len);
    return inet_pton(is_v6 ? AF_INET6 : AF_INET, text, &address) == 1;
}

/* IP:PORT, [V6]:PORT or unix:PATH, as wire/listen.c takes them; the port is a number below 65536.
 * A name is none: it may stand for several addresses, and for others tomorrow. */
static bool address_is_valid(struct str address)
{
    if (str_starts(address, S(LOCAL))) {
        return address.len > 5 && address.len < 5 + SOCKET_PATH_BYTES;
    }
    size_t colon = address.len;
    while (colon > 0 && address.at[colon - 1] != ':') {
        colon--;
    }
    uint64_t port = 0;
    const struct str host = str_sub(address, 0, colon > 0 ? colon - 1 : 0);
    return is_ip(host) && str_to_u64(str_sub(address, colon, address.len), &port) && port < 65536;
}

#define ADDRESS_FORMS "it wants IP:PORT (no host name; up to 65535), [::1]:PORT or unix:PATH"

/* The n-th address as it was written: what ${…} stands for is never shown. */
static const struct yaml *written(const struct yaml *listen, const struct str_list *list, size_t i)
{
    return listen->kind == YAML_LIST && listen->n == list->n ? &listen->entry[i].value : listen;
}

/* unix:PATH beside its file, as every other path. */
static void place_listen(const struct sections *s, const struct yaml *root, const char *section,
                         const struct str_list *list)
{
    const struct yaml_entry *const e = find(root, section, "listen");
    for (size_t i = 0; e && i < list->n; i++) {
        const struct str path = str_sub(list->at[i], sizeof LOCAL - 1, list->at[i].len);
        if (str_starts(list->at[i], S(LOCAL)) && path.len > 0) {
            const struct str file = written(&e->value, list, i)->place.file;
            list->at[i] = arena_printf(s->arena, LOCAL "%.*s",
                                       STR_ARG(section_path(s->arena, file, path)));
        }
    }
}

static void check_listen(const struct yaml *root, const char *section, const struct str_list *list,
                         struct problems *p)
{
    const struct yaml_entry *const e = find(root, section, "listen");
    if (!e) {
        return; /* the default is right */
    }
    if (e->value.kind == YAML_LIST && e->value.n == 0) {
        problem_add(p, e->place, "%s.listen is empty; " ADDRESS_FORMS, section);
    }
    for (size_t i = 0; i < list->n; i++) {
        const struct yaml *const w = written(&e->value, list, i);
        if (!address_is_valid(list->at[i])) {
            problem_add(p, w->place, "%s.listen is %.*s; " ADDRESS_FORMS, section,
                        STR_ARG(w->text));
        }
        for (size_t k = 0; k < i && !str_ends(list->at[i], S(":0")); k++) {
            if (str_eq(list->at[k], list->at[i])) {
                problem_add(p, w->place, "%s.listen names %.*s twice", section, STR_ARG(w->text));
                break;
            }
        }
    }
}

/* The same address twice can only fail later, and less clearly. Port 0 is any free port. */
static void check_twins(const struct yaml *root, const struct config *c, struct problems *p)
{
    const struct yaml_entry *const admin = find(root, "admin", "listen");
    const struct yaml_entry *const intake = find(root, "intake", "listen");
    for (size_t i = 0; i < c->admin.listen.n; i++) {
        for (size_t k = 0; k < c->intake.listen.n; k++) {
            if (!str_eq(c->admin.listen.at[i], c->intake.listen.at[k]) ||
                str_ends(c->admin.listen.at[i], S(":0"))) {
                continue;
            }
            const struct yaml *const w = admin ? written(&admin->value, &c->admin.listen, i)
                                               : written(&intake->value, &c->intake.listen, k);
            problem_add(p, w->place,
                        "admin.listen and intake.listen are both %.*s; give one another port",
                        STR_ARG(w->text));
        }
    }
}

static void check_agents(const struct yaml *root, struct problems *p)
{
    const struct yaml_entry *const agents = yaml_find(root, S("agents"));
    for (size_t i = 0; agents && agents->value.kind == YAML_MAP && i < agents->value.n; i++) {
        const struct str name = agents->value.entry[i].key;
        if (str_eq(name, S("collect")) || str_eq(name, S("retry")) ||
            str_starts(name, S("intake-"))) {
            problem_add(p, agents->value.entry[i].place,
                        "agents.%.*s: weir keeps this name for itself; choose another",
                        STR_ARG(name));
        }
    }
}

static void read_tls(const struct sections *s, const struct yaml *root, struct config *c)
{
    const struct yaml_entry *const tls = find(root, "intake", "tls");
    const struct yaml_entry *const certificate = tls ? yaml_find(&tls->value, S("certificate"))
                                                     : NULL;
    const struct yaml_entry *const key = tls ? yaml_find(&tls->value, S("key")) : NULL;
    if (!certificate != !key) {
        problem_add(s->problems, certificate ? certificate->place : key->place,
                    "intake.tls has a %s and no %s; it wants both",
                    certificate ? "certificate" : "key", certificate ? "key" : "certificate");
        return;
    }
    struct config_tls *const t = &c->intake.tls;
    struct failure f;
    bool is_key = false;
    if (key && t->certificate.len > 0 && t->key.len > 0 && !s->is_without_secrets &&
        tls_read(s->arena, t, &is_key, &f) != OK) {
        problem_add(s->problems, is_key ? key->value.place : certificate->value.place,
                    "intake.tls.%s: %s", is_key ? "key" : "certificate", f.text);
    }
}

/* One body may be held four times: as sent, inflated, as read from it, in a batch (agent/door.c).
 */
static void check_bodies(const struct yaml *root, const struct config *c, struct problems *p)
{
    const struct yaml_entry *const one = find(root, "intake", "body_bytes_max");
    const struct yaml_entry *const all = find(root, "intake", "bodies_bytes_max");
    if ((one || all) && c->intake.body_bytes_max > 0 && c->intake.bodies_bytes_max > 0 &&
        c->intake.body_bytes_max > c->intake.bodies_bytes_max / 4) {
        problem_add(p, all ? all->value.place : one->value.place,
                    "intake.bodies_bytes_max is less than four times body_bytes_max: the largest "
                    "bodies could never come in");
    }
}

static void check_segment(const struct yaml *root, const struct config *c, struct problems *p)
{
    const struct yaml_entry *const segment = find(root, "bus", "segment");
    const struct yaml_entry *const all = find(root, "bus", "disk_max");
    if ((segment || all) && c->bus.disk_bytes_max > 0 &&
        c->bus.segment_bytes > c->bus.disk_bytes_max) {
        problem_add(p, segment ? segment->value.place : all->value.place,
                    "bus.segment is more than bus.disk_max: one segment must fit in; lower "
                    "segment or raise disk_max");
    }
}

/* A largest body waits as it came, and what is made of it beside it: events, and the facts that
 * they fold into, each of which may hold it whole. */
static void check_room(const struct yaml *root, const struct config *c, struct problems *p)
{
    enum { BODIES_LEAST = 4, MIB = 1024 * 1024 };
    const struct yaml_entry *const one = find(root, "intake", "body_bytes_max");
    const struct yaml_entry *const all = find(root, "bus", "disk_max");
    const size_t least = (c->intake.body_bytes_max * BODIES_LEAST + MIB - 1) / MIB;
    if ((one || all) && c->bus.disk_bytes_max > 0 && c->bus.disk_bytes_max / MIB < least) {
        problem_add(
            p, all ? all->value.place : one->value.place,
            "bus.disk_max is less than four times intake.body_bytes_max: a largest body and "
            "what is made of it must fit in; raise disk_max to %zuMiB or lower "
            "body_bytes_max",
            least);
    }
}

/* What is there already must be of the right kind. */
static void check_paths(const struct sections *s, const struct yaml *root, const struct config *c)
{
    const struct yaml_entry *const data = yaml_find(root, S("data"));
    const struct {
        const struct yaml_entry *given;
        struct str path;
        bool is_folder;
        const char *name;
    } paths[] = {{data, c->data, true, "data"},
                 {find(root, "bus", "path"), c->bus.path, true, "bus.path"},
                 {find(root, "lake", "path"), c->lake.path, true, "lake.path"},
                 {find(root, "store", "path"), c->store.path, false, "store.path"}};
    if (data && c->data.len + sizeof "/run/control.sock" > SOCKET_PATH_BYTES) {
        problem_add(s->problems, data->value.place,
                    "data: its absolute path has %zu bytes, and the socket in it can only be "
                    "reached with %zu; give a shorter one",
                    c->data.len, SOCKET_PATH_BYTES - sizeof "/run/control.sock");
    }
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct stat st;
        if (!paths[i].given || paths[i].path.len == 0 ||
            stat(arena_cstr(s->arena, paths[i].path), &st) != 0 ||
            S_ISDIR(st.st_mode) == paths[i].is_folder) {
            continue;
        }
        problem_add(s->problems, paths[i].given->value.place,
                    paths[i].is_folder ? "%s: there is a file, and it wants a folder"
                                       : "%s: there is a folder, and it wants a file",
                    paths[i].name);
    }
}

/* Whether `path` is `folder` or stands in it; both are real (file_real). */
static bool is_within(struct str path, struct str folder)
{
    while (folder.len > 1 && str_ends(folder, S("/"))) {
        folder.len--;
    }
    return str_starts(path, folder) && (path.len == folder.len || path.at[folder.len] == '/');
}

/* Each keeps, tidies and forgets what stands in its own place. */
static void check_apart(const struct sections *s, const struct yaml *root, const struct config *c)
{
    const struct {
        const struct yaml_entry *given;
        struct str path;
        const char *in_data, *name;
    } place[] = {{find(root, "bus", "path"), c->bus.path, "bus", "bus.path"},
                 {find(root, "lake", "path"), c->lake.path, "lake", "lake.path"},
                 {find(root, "store", "path"), c->store.path, "store.db", "store.path"},
                 {NULL, {NULL, 0}, "repetitions", "the folder repetitions in data"},
                 {NULL, {NULL, 0}, "run", "the folder run in data"},
                 {NULL, {NULL, 0}, "sinks", "the folder sinks in data"},
                 {NULL, {NULL, 0}, "replay", "the folder replay in data"},
                 {NULL, {NULL, 0}, "lock", "the file lock in data"},
                 {NULL, {NULL, 0}, "state.db", "the file state.db in data"},
                 {NULL, {NULL, 0}, "names.json", "the file names.json in data"},
                 {NULL, {NULL, 0}, "lake.tables", "the file lake.tables in data"}};
    enum { N = sizeof place / sizeof *place };
    struct str path[N];
    for (size_t i = 0; i < N; i++) {
        const struct str in_data = arena_printf(s->arena, "%.*s/%s", STR_ARG(c->data),
                                                place[i].in_data);
        path[i] = file_real(s->arena, place[i].path.len > 0 ? place[i].path : in_data);
    }
    for (size_t i = 0; i < N; i++) {
        for (size_t k = 0; place[i].given && k < N; k++) {
            const bool is_told = k < i && place[k].given;
            if (k != i && !is_told &&
                (is_within(path[i], path[k]) || is_within(path[k], path[i]))) {
                problem_add(s->problems, place[i].given->value.place,
                            "%s and %s are the same or one in the other: give each a place of "
                            "its own",
                            place[i].name, place[k].name);
            }
        }
    }
}

/* PATH=GLOB, the path in plain words: a.b.c */
static bool is_rollback_rule(struct str rule)
{
    const struct str path = str_sub(rule, 0, str_find(rule, '='));
    bool is = path.len > 0 && path.at[0] != '.' && path.len + 1 < rule.len;
    for (size_t i = 0; i < path.len && is; i++) {
        const char c = path.at[i];
        is = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '_' || c == '-' || c == '.';
    }
    return is;
}

static void check_rules(const struct yaml *root, const struct config *c, struct problems *p)
{
    const struct yaml_entry *const e = find(root, "rules", "rollbacks");
    for (size_t i = 0; e && i < c->rules.rollbacks.n; i++) {
        if (!is_rollback_rule(c->rules.rollbacks.at[i])) {
            const struct yaml *const w = written(&e->value, &c->rules.rollbacks, i);
            problem_add(p, w->place,
                        "rules.rollbacks holds %.*s; it wants PATH=GLOB, such as "
                        "deployment.payload.kind=rollback",
                        STR_ARG(w->text));
        }
    }
}

/* What the reports' engine knows beyond it is not asked: where the host has no database, all of it.
 */
static void check_zone(const struct sections *s, const struct yaml *root, const struct config *c)
{
    const struct yaml_entry *const e = find(root, "report", "zone");
    const struct str zone = c->report.zone;
    if (!e || !zone_has_database() || (zone.len > 0 && zone_is_known(s->arena, zone))) {
        return;
    }
    struct nearest n = nearest_to(zone);
    zone_offer(s->arena, &n);
    const struct str near = nearest_found(&n);
    const bool is_near = zone.len > 0 && near.len > 0;
    problem_add(s->problems, e->value.place,
                "report.zone is %.*s, which is no zone of the tz database; %s%.*s%s",
                STR_ARG(zone.len > 0 ? e->value.text : S("empty")),
                is_near ? "did you mean " : "it wants a name such as ",
                STR_ARG(is_near ? near : S("Europe/Rome")), is_near ? "?" : "");
}

void check_config(const struct sections *s, const struct yaml *root, struct config *c)
{
    place_listen(s, root, "intake", &c->intake.listen);
    place_listen(s, root, "admin", &c->admin.listen);
    check_listen(root, "intake", &c->intake.listen, s->problems);
    check_listen(root, "admin", &c->admin.listen, s->problems);
    check_twins(root, c, s->problems);
    check_agents(root, s->problems);
    read_tls(s, root, c);
    check_bodies(root, c, s->problems);
    check_segment(root, c, s->problems);
    check_room(root, c, s->problems);
    check_paths(s, root, c);
    check_apart(s, root, c);
    check_rules(root, c, s->problems);
    check_zone(s, root, c);
}
