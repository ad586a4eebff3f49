/* formats.h - the forms that CDEvents' texts must have: URIs as JSON Schema's formats `uri` and
 * `uri-reference` mean them (RFC 3986, nothing more lenient), and names of custom types. */
#ifndef WEIR_TRANSFORM_CDEVENTS_FORMATS_H
#define WEIR_TRANSFORM_CDEVENTS_FORMATS_H

#include "base/arena.h"
#include "base/str.h"

/* RFC 3986 section 3, with a scheme. */
bool is_uri(struct str text);
/* RFC 3986 section 4.1: a URI or a relative reference. */
bool is_uri_reference(struct str text);

/* `reference` seen from `base` (RFC 3986 section 5.2); empty unless base is a URI and reference a
 * reference. */
struct str uri_resolve(struct arena *a, struct str base, struct str reference);

/* All but RFC 3986's unreserved characters percent-encoded. */
struct str uri_encode(struct arena *a, struct str text);

/* `tool-subject`: letters and digits, a hyphen, letters (custom/schema.json). */
bool cd_is_custom_kind(struct str text);
/* `dev.cdeventsx.tool-subject.predicate.1.2.3`; 0.4.0 knew no version. */
bool cd_is_custom_type(struct str text, bool may_lack_version);

#endif
