#include "config/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/file.h"

enum { PEM_BYTES_MAX = 1 << 20 };

/* Nobody is there to be asked for a passphrase. */
static int no_passphrase(char *to, int bytes, int is_writing, void *thing)
{
    (void)to;
    (void)bytes;
    (void)is_writing;
    (void)thing;
    return -1;
}

static enum outcome read_pem(struct arena *a, struct str path, struct str *text, BIO **out,
                             struct failure *f)
{
    const enum outcome result = file_read(a, arena_cstr(a, path), PEM_BYTES_MAX, text, f);
    if (result != OK) {
        return result;
    }
    *out = BIO_new_mem_buf(text->at, (int)text->len);
    return *out ? OK : failed(f, STOP, "no memory to read %.*s", STR_ARG(path));
}

static enum outcome read_certificate(struct arena *a, struct config_tls *tls, X509 **out,
                                     struct failure *f)
{
    BIO *pem = NULL;
    const enum outcome result = read_pem(a, tls->certificate, &tls->certificate_pem, &pem, f);
    if (result != OK) {
        return result;
    }
    *out = PEM_read_bio_X509(pem, NULL, no_passphrase, NULL);
    (void)BIO_free(pem);
    return *out ? OK
                : failed(f, STOP, "%.*s holds no certificate in PEM", STR_ARG(tls->certificate));
}

static enum outcome read_key(struct arena *a, struct config_tls *tls, EVP_PKEY **out,
                             struct failure *f)
{
    BIO *pem = NULL;
    const enum outcome result = read_pem(a, tls->key, &tls->key_pem, &pem, f);
    if (result != OK) {
        return result;
    }
    *out = PEM_read_bio_PrivateKey(pem, NULL, no_passphrase, NULL);
    (void)BIO_free(pem);
    return *out ? OK
                : failed(f, STOP, "%.*s holds no private key in PEM without a passphrase",
                         STR_ARG(tls->key));
}

enum outcome tls_read(struct arena *a, struct config_tls *tls, bool *is_key, struct failure *f)
{
    X509 *certificate = NULL;
    EVP_PKEY *key = NULL;
    enum outcome result = read_certificate(a, tls, &certificate, f);
    *is_key = result == OK;
    if (result == OK) {
        result = read_key(a, tls, &key, f);
    }
    if (result == OK && X509_check_private_key(certificate, key) != 1) {
        result = failed(f, STOP, "%.*s is not the key of the first certificate in %.*s",
                        STR_ARG(tls->key), STR_ARG(tls->certificate));
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return result;
}
