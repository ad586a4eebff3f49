/* hash.h - digests: XXH3 for checksums and content, SHA-256 and HMAC where a specification or a
 * secret asks for them.
 *
 * XXH3's output is frozen since xxHash 0.8.0, so what it names on disk stays readable. It proves no
 * identity against an adversary: whatever an attacker may choose both sides of is hashed with
 * SHA-256. */
#ifndef WEIR_BASE_HASH_H
#define WEIR_BASE_HASH_H

#include "base/str.h"

enum { SHA256_BYTES = 32 };

uint64_t hash_64(struct str bytes, uint64_t seed);
/* XXH3-128 as 32 lower-case hex digits, no zero byte. */
void hash_128_hex(struct str bytes, char out[32]);

enum hash_kind { HASH_SHA1, HASH_SHA256, HASH_SHA512 };
enum { HASH_BYTES_MAX = 64 };

void hash_sha256(struct str bytes, unsigned char out[SHA256_BYTES]);
void hash_hmac_sha256(struct str key, struct str bytes, unsigned char out[SHA256_BYTES]);

/* RFC 2104 over any of them, where another's webhooks ask for it; how many bytes it has. SHA-1 is
 * good enough for an HMAC alone. */
size_t hash_hmac(enum hash_kind kind, struct str key, struct str bytes,
                 unsigned char out[HASH_BYTES_MAX]);

/* Equal in time that depends on the lengths alone. */
bool hash_eq_secret(struct str a, struct str b);

/* 2 * n lower-case hex digits, no zero byte. */
void hex_write(const unsigned char *bytes, size_t n, char *out);
/* 16 lower-case hex digits, most significant first. */
void hex_u64(uint64_t number, char out[16]);
/* Hex of either case to n bytes; false when hex.len != 2 * n or a digit is foreign. */
bool hex_read(struct str hex, unsigned char *out, size_t n);

#endif
