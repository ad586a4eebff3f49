/* service.h - real servers for a test in C: test/tool/services.py holds them while the test lives.
 */
#ifndef WEIR_TEST_SERVICE_H
#define WEIR_TEST_SERVICE_H

/* Start those named, by space: "postgres s3 prometheus=SAMPLES_FILE". false: services_lack says
 * why; a test that needs them is skipped. One set at a time. */
_Bool services_start(const char *names);
/* The reason; NULL when they are there. */
const char *services_lack(void);
/* First in a test that needs them. */
#define NEEDS_SERVICES()                                                                           \
    if (services_lack()) {                                                                         \
        print_message("%s\n", services_lack());                                                    \
        skip();                                                                                    \
    }
/* Of "postgres" its URL, of "postgres.ca" its certificate, of "s3.data" its folder; until stop. */
const char *service_url(const char *name);
void services_stop(void);

#endif
