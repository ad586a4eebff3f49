#include "base/hash.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <xxhash.h>

_Static_assert(SHA256_BYTES == SHA256_DIGEST_LENGTH, "SHA-256 gives 32 bytes");

uint64_t hash_64(struct str bytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes.at, bytes.len, seed);
}

void hash_128_hex(struct str bytes, char out[32])
{
    const XXH128_hash_t h = XXH3_128bits(bytes.at, bytes.len);
    hex_u64(h.high64, out);
    hex_u64(h.low64, out + 16);
}

void hash_sha256(struct str bytes, unsigned char out[SHA256_BYTES])
{
    SHA256((const unsigned char *)bytes.at, bytes.len, out);
}

/* The algorithm, looked up once for the process: OpenSSL 3 does so anew, by name, for each digest
 * that is begun with EVP_sha256(), which costs a tenth of the time that a webhook's hash takes. */
static const EVP_MD *sha256(void)
{
    static EVP_MD *found;
    found = found ? found : EVP_MD_fetch(NULL, "SHA256", NULL);
    return found;
}

/* SHA-256 of a block and of bytes behind it. */
static void hash_block_and(EVP_MD_CTX *c, const unsigned char block[SHA256_CBLOCK],
                           struct str bytes, unsigned char out[SHA256_BYTES])
{
    const bool is_done = EVP_DigestInit_ex(c, sha256(), NULL) == 1 &&
                         EVP_DigestUpdate(c, block, SHA256_CBLOCK) == 1 &&
                         EVP_DigestUpdate(c, bytes.at, bytes.len) == 1 &&
                         EVP_DigestFinal_ex(c, out, NULL) == 1;
    assert(is_done);
    (void)is_done;
}

/* RFC 2104 over the digest itself: OpenSSL's HMAC() looks its algorithms up anew in each call,
 * which costs a third of the time that the hash of a webhook takes. */
void hash_hmac_sha256(struct str key, struct str bytes, unsigned char out[SHA256_BYTES])
{
    enum { INNER = 0x36, OUTER = 0x5C };
    unsigned char block[SHA256_CBLOCK] = {0};
    unsigned char inner[SHA256_BYTES];
    static EVP_MD_CTX *c; /* kept for the next one: nothing secret is left in it */
    c = c ? c : EVP_MD_CTX_new();
    assert(c);
    if (key.len > sizeof block) {
        hash_sha256(key, block);
    } else if (key.len > 0) {
        memcpy(block, key.at, key.len);
    }
    for (size_t i = 0; i < sizeof block; i++) {
        block[i] ^= INNER;
    }
    hash_block_and(c, block, bytes, inner);
    for (size_t i = 0; i < sizeof block; i++) {
        block[i] ^= INNER ^ OUTER;
    }
    hash_block_and(c, block, (struct str){(const char *)inner, sizeof inner}, out);
    OPENSSL_cleanse(block, sizeof block);
}

size_t hash_hmac(enum hash_kind kind, struct str key, struct str bytes,
                 unsigned char out[HASH_BYTES_MAX])
{
    const EVP_MD *const md = kind == HASH_SHA1     ? EVP_sha1()
                             : kind == HASH_SHA256 ? EVP_sha256()
                                                   : EVP_sha512();
    unsigned len = 0;
    const unsigned char *const made = HMAC(md, key.at, (int)key.len,
                                           (const unsigned char *)bytes.at, bytes.len, out, &len);
    assert(made);
    (void)made;
    return len;
}

bool hash_eq_secret(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.at, b.at, a.len) == 0);
}

void hex_write(const unsigned char *bytes, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
}

void hex_u64(uint64_t number, char out[16])
{
    unsigned char bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)(number >> (56 - 8 * i));
    }
    hex_write(bytes, sizeof bytes, out);
}

static int nibble(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

bool hex_read(struct str hex, unsigned char *out, size_t n)
{
    if (hex.len != 2 * n) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const int high = nibble(hex.at[2 * i]);
        const int low = nibble(hex.at[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}
