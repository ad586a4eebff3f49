"""json_schema.py - as much of JSON Schema 2020-12 as the CDEvents schemas use, formats asserted; and events made from them.

Written from the specifications alone, so that it can be held against weir's table. `errors(schema, value, refs)` gives a
list of (JSON Pointer, keyword); `sample(schema, refs)` a value with every member; `mutants(…)` neighbours of a
value, right and wrong."""
import copy
import ipaddress
import json
import re

UNRESERVED, SUB_DELIMS, PERCENT = r"A-Za-z0-9._~\-", r"!$&'()*+,;=", "%[0-9A-Fa-f]{2}"
PCHAR = rf"(?:[{UNRESERVED}{SUB_DELIMS}:@]|{PERCENT})"
QUERY = rf"(?:{PCHAR}|[/?])*"
USER = rf"(?:(?:[{UNRESERVED}{SUB_DELIMS}:]|{PERCENT})*@)?"
NAME = rf"(?:[{UNRESERVED}{SUB_DELIMS}]|{PERCENT})*"
AUTHORITY = rf"{USER}(?:\[(?P<ip>[^\[\]/?#@]*)\]|{NAME})(?::[0-9]*)?"
TAIL = rf"(?:\?{QUERY})?(?:#{QUERY})?"
HIER = rf"(?://{AUTHORITY}(?:/{PCHAR}*)*|/(?:{PCHAR}+(?:/{PCHAR}*)*)?|{PCHAR}+(?:/{PCHAR}*)*|)"
NO_COLON = rf"(?:[{UNRESERVED}{SUB_DELIMS}@]|{PERCENT})"
RELATIVE = rf"(?://{AUTHORITY}(?:/{PCHAR}*)*|/(?:{PCHAR}+(?:/{PCHAR}*)*)?|{NO_COLON}+(?:/{PCHAR}*)*|)"
URI = re.compile(rf"[A-Za-z][A-Za-z0-9+.\-]*:{HIER}{TAIL}", re.ASCII)
REFERENCE = re.compile(rf"{RELATIVE}{TAIL}", re.ASCII)
TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII)


def is_ip(text):
    if text is None:
        return True
    if re.fullmatch(rf"[vV][0-9A-Fa-f]+\.[{UNRESERVED}{SUB_DELIMS}:]+", text):
        return True
    try:
        return "%" not in text and bool(ipaddress.IPv6Address(text))
    except ValueError:
        return False


def is_uri(text):
    found = URI.fullmatch(text)
    return bool(found) and is_ip(found["ip"])


def is_reference(text):
    found = REFERENCE.fullmatch(text)
    return is_uri(text) or bool(found) and is_ip(found["ip"])


def is_time(text):
    found = TIME.fullmatch(text)
    if not found:
        return False
    year, month, day, hour, minute, second = (int(x) for x in found.groups()[:6])
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = [31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    sign, off_h, off_m = found[7], int(found[8] or 0), int(found[9] or 0)
    if not (1 <= month <= 12 and 1 <= day <= days[month - 1] and hour <= 23 and minute <= 59 and off_h <= 23 and off_m <= 59):
        return False
    utc = (hour * 60 + minute - (off_h * 60 + off_m) * (-1 if sign == "-" else 1)) % 1440
    return second <= 59 or second == 60 and utc == 1439


FORMATS = {"uri": is_uri, "uri-reference": is_reference, "date-time": is_time}
TYPES = {"string": str, "object": dict, "array": list}
TRIED = {
    "uri": ["", "a", "/a", "a:b", "1a:b", "http://", "http://h", "http://h:80/p?q=1#f", "http://h:8a/", "http://a b/",
            "http://h/%zz", "http://h/%4", "http://h/%41", "http://h/é", "http://[::1]/", "http://[::1", "http://[::g]/",
            "http://[v1.x]/", "http://[v.x]/", "http://[1.2.3.4]/", "http://u:p@h/", "http://u@v@h/", "http://h/a[b]", "http://h/a\\b",
            "http://h/<a>", "urn:x:y", "urn:", "mailto:a@b.c", "http://h/#a#b", "http://h/a|b", "http://h/{a}", "x-y+z.1:p", "-x:p",
            "http://[fe80::1%25eth0]/", "http://[::1]:80", "http://[::1]x/", "a://b/c//d", "a:////b", "a:", "http://h/\"", "http://h/^",
            "http://h/`", "tag:a,2020:b", "http://1.2.3.4.5/", "http://h:/", "pkg:oci/a@sha256%3Aff", " http://h", "http://h ",
            "http://h/\u0000", "http://h?q=[1]", "http://[::ffff:1.2.3.4]/"],
    "date-time": ["", "2022-11-11T13:52:20Z", "2022-11-11T13:52:20.079Z", "2022-11-11t13:52:20z", "2022-11-11T13:52:20+01:00",
                  "2022-11-11 13:52:20Z", "2022-02-30T00:00:00Z", "2024-02-29T00:00:00Z", "2023-02-29T00:00:00Z", "2022-11-11",
                  "1900-02-29T00:00:00Z", "2000-02-29T00:00:00Z", "2022-11-11T24:00:00Z", "2022-11-11T23:59:60Z", "2022-11-11T12:59:60Z",
                  "2022-12-31T22:59:60-01:00", "2022-11-11T13:52:20", "2022-11-11T13:52Z", "2022-11-11T13:52:20.Z", "2022-13-01T00:00:00Z",
                  "2022-11-11T13:52:20.1234567890123456789Z", "2022-11-11T13:52:20+24:00", "2022-11-11T13:52:20+01:60", "22-11-11T13:52:20Z",
                  "2022-11-11T13:52:20+0100", "2022-11-11T13:60:20Z", "2022-11-11T13:52:61Z", "2022-00-11T13:52:20Z", "2022-1-11T13:52:20Z",
                  "2022-11-00T13:52:20Z", "x2022-11-11T13:52:20Z", "2022-11-11T13:52:20Zx"],
}
TRIED["uri-reference"] = TRIED["uri"] + ["a/b:c", "a:b/c", ":a", "a b", "//h/p", "//", "///", "?q", "#f", "./a:b", "../x", "@", "%41", "%",
                                         "//h:x/", "//[::1]/", "a//b", "/a//b", "é"]


def resolve(schema, refs):
    """A $ref's sibling keywords are `type: object` alone, which every target says too."""
    return refs[schema["$ref"].rsplit("/", 1)[-1]] if "$ref" in schema else schema


def errors(schema, value, refs, at=""):
    schema = resolve(schema, refs)
    found = []
    wanted = schema.get("type")
    if wanted and not isinstance(value, TYPES[wanted]):
        return [(at, "type")]
    if isinstance(value, str):
        if len(value) < schema.get("minLength", 0):
            found.append((at, "minLength"))
        if "format" in schema and not FORMATS[schema["format"]](value):
            found.append((at, "format"))
        if "pattern" in schema and not re.search(schema["pattern"].replace("$", r"\Z"), value):
            found.append((at, "pattern"))
    if "enum" in schema and value not in schema["enum"]:
        found.append((at, "enum"))
    for keyword, right in (("anyOf", lambda n: n > 0), ("oneOf", lambda n: n == 1)):
        if keyword in schema and not right(sum(not errors(part, value, refs) for part in schema[keyword])):
            found.append((at, keyword))
    if isinstance(value, list) and "items" in schema:
        for i, item in enumerate(value):
            found += errors(schema["items"], item, refs, f"{at}/{i}")
    if isinstance(value, dict):
        known = schema.get("properties", {})
        found += [(f"{at}/{name}", "required") for name in schema.get("required", []) if name not in value]
        for name, item in value.items():
            place = f"{at}/{name.replace('~', '~0').replace('/', '~1')}"
            if name in known:
                found += errors(known[name], item, refs, place)
            elif schema.get("additionalProperties", True) is False:
                found.append((place, "additionalProperties"))
    return found


def sample(schema, refs, only_required=False):
    """A valid value with every member, or with those that are required."""
    schema = resolve(schema, refs)
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return sample(schema["anyOf"][0], refs, only_required)
    if "oneOf" in schema:
        return {"any": [1, 2.50, None, True]}
    if schema.get("pattern", "").startswith("^dev"):
        return "dev.cdeventsx.mytool-resource.created.0.1.0"
    if "pattern" in schema:
        return "mytool-resource"
    if schema["type"] == "array":
        branches = resolve(schema["items"], refs).get("anyOf", [schema["items"]])
        return [sample(branch, refs, only_required) for branch in branches]
    if schema["type"] == "object":
        names = schema.get("required", []) if only_required else schema.get("properties", {})
        return {name: sample(schema["properties"][name], refs, only_required) for name in names}
    return {"uri": "https://example.org/a", "uri-reference": "/a/b", "date-time": "2022-11-11T13:52:20.079Z"}.get(
        schema.get("format"), "some text")


def replacements(schema, is_seen):
    """Values to try in a place, among them some that are wrong there; a few when such a place was tried before."""
    if is_seen:
        yield from (None, 7, [], {}, "", "a b", "2022-02-30T00:00:00Z")
        return
    yield from (None, True, 7, 1.5, [], {}, "", "some other text", ["text"], [7], {"linkType": "PATH"})
    yield from TRIED.get(schema.get("format"), [])
    for part in [schema, *schema.get("anyOf", []), *schema.get("oneOf", [])]:
        for word in part.get("enum", []):
            yield from (word, word.upper(), word + " ", word[:-1])
    if "pattern" in schema:
        yield from ("dev.cdeventsx.a-b.c.0.0.0", "dev.cdeventsx.a1-b.c.9.9.9", "dev.cdeventsx.a-b1.c.0.0.0", "dev.cdeventsx.a-b.c1.0.0.0",
                    "dev.cdeventsx.a-b.c.0.0.10", "dev.cdeventsx.a-b.c", "dev.cdeventsx.ab.c.0.0.0", "dev.cdeventsx.a-b.c.0.0.0.0",
                    "dev.cdeventsx.a-b-c.d.0.0.0", "dev.cdeventsx.-b.c.0.0.0", "dev.cdeventsx.a-.c.0.0.0", "dev.cdeventsx.a-b.c.0.0.0\n",
                    "xdev.cdeventsx.a-b.c.0.0.0", "a-b", "a1-b", "a-b1", "a-b-c", "ab", "-b", "a-")


def mutants(schema, value, refs, seen):
    """(what was done, the changed value): each place replaced, dropped, or given a member that it does not know. `seen` is a
    set of the caller's, for places that many schemas share."""
    for path, place in places(schema, value, refs):
        kind = (*path, json.dumps(place, sort_keys=True)) if path and path[-1] != "type" else None
        for new in replacements(place, kind in seen):
            yield f"{path} = {new!r}", put(value, path, new)
        if path:
            yield f"{path} dropped", put(value, path, None, drop=True)
        here = get(value, path)
        if isinstance(here, dict):
            names = ("unknown", "url", "uri", "type", "link_type", "chain_id", "version", "specversion", "a/b~c")
            for name in names[:2] if kind in seen else names:
                if name not in here:
                    yield f"{path} + {name}", put(value, [*path, name], "http://h/x")
        if kind:
            seen.add(kind)


def places(schema, value, refs, path=()):
    schema = resolve(schema, refs)
    yield list(path), schema
    if isinstance(value, dict):
        for name, item in value.items():
            if name in schema.get("properties", {}):
                yield from places(schema["properties"][name], item, refs, (*path, name))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            branches = resolve(schema["items"], refs).get("anyOf", [schema["items"]])
            yield from places(branches[i % len(branches)], item, refs, (*path, i))


def get(value, path):
    for step in path:
        value = value[step]
    return value


def put(value, path, new, drop=False):
    if not path:
        return new
    changed = copy.deepcopy(value)
    parent = get(changed, path[:-1])
    if drop:
        del parent[path[-1]]
    else:
        parent[path[-1]] = new
    return changed
