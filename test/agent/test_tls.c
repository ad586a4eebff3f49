/* The intake behind a certificate of its own. */
#include "agent/server.h"

#include <curl/curl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

struct pair {
    char certificate[64], key[64];
};

/* A self-signed certificate for `weir`, and its key, as PEM files. */
static void make_pair(struct pair *p)
{
    enum { DAY_S = 86400 };
    EVP_PKEY *const key = EVP_EC_gen("P-256");
    X509 *const x = X509_new();
    X509_NAME *const name = X509_get_subject_name(x);
    assert_non_null(key);
    assert_int_equal(X509_set_version(x, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), 1), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x), -DAY_S));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x), DAY_S));
    assert_int_equal(X509_set_pubkey(x, key), 1);
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                                (const unsigned char *)"weir", -1, -1, 0),
                     1);
    assert_int_equal(X509_set_issuer_name(x, name), 1);
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    (void)snprintf(p->certificate, sizeof p->certificate, "/tmp/weir-%d.crt", (int)getpid());
    (void)snprintf(p->key, sizeof p->key, "/tmp/weir-%d.key", (int)getpid());
    FILE *const certificate_file = fopen(p->certificate, "we");
    FILE *const key_file = fopen(p->key, "we");
    assert_int_equal(PEM_write_X509(certificate_file, x), 1);
    assert_int_equal(PEM_write_PrivateKey(key_file, key, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(fclose(certificate_file) + fclose(key_file), 0);
    X509_free(x);
    EVP_PKEY_free(key);
}

/* As the configuration gives them. */
static void use(struct server *s, const char *certificate, const char *key)
{
    enum { PEM_BYTES_MAX = 1 << 20 };
    struct config_tls *const tls = &s->config.intake.tls;
    struct failure f;
    tls->certificate = str_of(certificate);
    tls->key = str_of(key);
    assert_int_equal(file_read(&s->arena, certificate, PEM_BYTES_MAX, &tls->certificate_pem, &f),
                     OK);
    assert_int_equal(file_read(&s->arena, key, PEM_BYTES_MAX, &tls->key_pem, &f), OK);
}

static size_t forget(char *bytes, size_t size, size_t n, void *to)
{
    (void)bytes;
    (void)to;
    return size * n;
}

/* The answer's status; `version` is the newest TLS that the client speaks. */
static CURLcode post_over(const struct server *s, struct str body, long version, long *status)
{
    CURL *const curl = curl_easy_init();
    struct curl_slist *const headers = curl_slist_append(NULL, "Content-Type: application/json");
    char url[64];
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%d/hooks/open", s->port);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, version);
    curl_easy_setopt(curl, CURLOPT_SSL_CIPHER_LIST, "ALL:@SECLEVEL=0"); /* the old ones, too */
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.at);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, forget);
    const CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return code;
}

static long post_over_tls(const struct server *s, struct str body)
{
    long status = 0;
    assert_int_equal(post_over(s, body, CURL_SSLVERSION_DEFAULT, &status), CURLE_OK);
    return status;
}

static void small_and_large_bodies_come_over_tls(void **state)
{
    enum { LARGE = 3 << 20 };
    struct server s;
    struct pair p;
    (void)state;
    make_pair(&p);
    server_init(&s);
    use(&s, p.certificate, p.key);
    server_start(&s);
    const struct str small = cdevent(&s.arena, "small");
    char *const large = arena_array(&s.arena, char, LARGE + 1);
    memset(large, ' ', LARGE);
    memcpy(large, small.at, small.len);
    assert_int_equal(post_over_tls(&s, small), 202);
    assert_int_equal(post_over_tls(&s, (struct str){large, LARGE}), 202);
    const struct answer plain = ask(&s, post(&s.arena, "/hooks/open", "", S("{}")));
    assert_int_equal(plain.status, 0); /* no TLS, no answer */
    assert_int_equal(server_stop(&s), OK);
    assert_int_equal(s.signals_n, 2);
    server_close(&s);
    (void)unlink(p.certificate);
    (void)unlink(p.key);
}

static void tls_before_1_2_is_not_spoken(void **state)
{
    static const long newest[] = {CURL_SSLVERSION_TLSv1_0 | CURL_SSLVERSION_MAX_TLSv1_0,
                                  CURL_SSLVERSION_TLSv1_1 | CURL_SSLVERSION_MAX_TLSv1_1,
                                  CURL_SSLVERSION_TLSv1_2 | CURL_SSLVERSION_MAX_TLSv1_2,
                                  CURL_SSLVERSION_TLSv1_3 | CURL_SSLVERSION_MAX_TLSv1_3};
    struct server s;
    struct pair p;
    (void)state;
    make_pair(&p);
    server_init(&s);
    use(&s, p.certificate, p.key);
    server_start(&s);
    for (size_t i = 0; i < sizeof newest / sizeof *newest; i++) {
        long status = 0;
        const struct str body = cdevent(&s.arena, "old");
        const CURLcode code = post_over(&s, body, newest[i], &status);
        assert_int_equal(code, i < 2 ? CURLE_SSL_CONNECT_ERROR : CURLE_OK);
        assert_int_equal(status, i < 2 ? 0 : 202);
    }
    assert_int_equal(server_stop(&s), OK);
    server_close(&s);
    (void)unlink(p.certificate);
    (void)unlink(p.key);
}

static void a_key_that_does_not_fit_stops_it(void **state)
{
    struct server s;
    struct pair p;
    (void)state;
    make_pair(&p);
    server_init(&s);
    use(&s, p.certificate, p.certificate);
    server_start(&s);
    assert_int_equal(server_stop(&s), STOP);
    server_close(&s);
    (void)unlink(p.certificate);
    (void)unlink(p.key);
}

int main(void)
{
    const struct CMUnitTest all[] = {cmocka_unit_test(small_and_large_bodies_come_over_tls),
                                     cmocka_unit_test(tls_before_1_2_is_not_spoken),
                                     cmocka_unit_test(a_key_that_does_not_fit_stops_it)};
    return cmocka_run_group_tests(all, NULL, NULL);
}
