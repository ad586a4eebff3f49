/* json.h - JSON texts read by yyjson into an arena, with limits at the door.
 *
 * Values are views into the document, which lives as long as the arena; nothing is freed singly.
 * yyjson's own accessors are used everywhere; this header adds what weir must decide: limits,
 * messages, texts. */
#ifndef WEIR_WIRE_JSON_H
#define WEIR_WIRE_JSON_H

#include <yyjson.h>

#include "base/buf.h"
#include "base/failure.h"

enum {
    JSON_DEPTH_MAX = 64,
    /* Memory at most for each byte of a text, ordinary ones want 2.7: the densest, [1,1,…], has a
     * value in two bytes, yyjson keeps 16 of each and grows by half, beside one copy of the text */
    JSON_FACTOR = 13,
    JSON_UNIQUE_FACTOR = 4, /* json_check_unique: 16 bytes a key, and "":1, are five of the text */
    JSON_WRITE_FACTOR = 8   /* json_write: yyjson reckons with 16 bytes a value to begin with    */
};

/* RFC 8259, UTF-8, no comments, no NaN; numbers keep 64 bits or become doubles. At most
 * JSON_DEPTH_MAX levels. Out of memory ends the process, as arena_grow does. returns OK | REJECT
 * "line 3, column 7: …", too deep, or too large for the arena's ceiling */
enum outcome json_read(struct arena *a, struct str text, yyjson_doc **out, struct failure *f);

/* The same, but numbers stay the text that they are (yyjson_is_raw) and are written as they came.
 */
enum outcome json_read_exact(struct arena *a, struct str text, yyjson_doc **out, struct failure *f);

/* Both for what comes from outside, and can be asked for or taken again: RETRY out of memory. */
enum outcome json_try_read(struct arena *a, struct str text, yyjson_doc **out, struct failure *f);
enum outcome json_try_read_exact(struct arena *a, struct str text, yyjson_doc **out,
                                 struct failure *f);

/* All that the grammar of RFC 8259 calls JSON: nested to any depth, halves of surrogate pairs (they
 * become U+FFFD), numbers of any size (where one is beyond a double, those beyond 64 bits are
 * yyjson_is_raw). For who takes what another one will judge. returns OK | REJECT not JSON | RETRY
 * out of memory */
enum outcome json_try_read_lax(struct arena *a, struct str text, yyjson_doc **out,
                               struct failure *f);

/* Every number of a document that was read exactly is one that json_read takes, too. returns OK |
 * REJECT naming it */
enum outcome json_check_numbers(yyjson_doc *doc, struct failure *f);

/* No object in the document has a key twice.
 * returns OK | REJECT naming the key | RETRY memory is short */
enum outcome json_check_unique(struct arena *a, yyjson_val *root, struct failure *f);

/* The text of a string value; empty (at == NULL) for NULL and for anything but a string. */
struct str json_text(yyjson_val *v);
/* Member of an object by its key; NULL when it is not there, null, or `object` is no object. */
yyjson_val *json_get(yyjson_val *object, struct str key);
/* By dotted path (`pull_request.user.login`); as json_get at each step. */
yyjson_val *json_at(yyjson_val *root, struct str path);
/* "/KEY", a step of a JSON Pointer (RFC 6901 section 3) for people: a zero byte is written \u0000.
 */
void json_add_key(struct buf *b, struct str key);
/* Compact JSON of a value in the arena; empty when the arena is full. */
struct str json_write(struct arena *a, yyjson_val *v);

#endif
