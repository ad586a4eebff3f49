#include "base/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "test.h"

enum { LINES = 40, TEXT_BYTES_MAX = 1 << 20 };

static char text[TEXT_BYTES_MAX];
static int reads;

/* The log goes to a reader that holds one page and does not read; what else is told to stderr does
 * not. */
static int stopped_reader(void **state)
{
    int ends[2];
    const int before = dup(STDERR_FILENO);
    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_true(fcntl(ends[1], F_SETPIPE_SZ, 4096) >= 4096);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    log_never_wait();
    assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
    close(before);
    close(ends[1]);
    reads = ends[0];
    return 0;
}

/* All that is there now. */
static const char *read_all(void)
{
    size_t n = 0;
    const int flags = fcntl(reads, F_GETFL);
    assert_int_equal(fcntl(reads, F_SETFL, flags | O_NONBLOCK), 0);
    for (ssize_t got = 0; (got = read(reads, text + n, sizeof text - 1 - n)) > 0;) {
        n += (size_t)got;
    }
    text[n] = 0;
    return text;
}

static size_t lines_of(const char *all)
{
    size_t n = 0;
    for (; (all = strchr(all, '\n')); all++) {
        n++;
    }
    return n;
}

static void a_reader_that_has_stopped_stops_nobody_and_is_told_what_it_missed(void **state)
{
    char lost[64];
    char value[400];
    (void)state;
    memset(value, 'x', sizeof value - 1);
    value[sizeof value - 1] = 0;
    alarm(60); /* who waits for ever ends here */
    for (int i = 0; i < LINES; i++) {
        log_event(LOG_INFO, "told", log_c("value", value));
    }
    const size_t kept = lines_of(read_all());
    assert_in_range(kept, 1, LINES - 1);
    log_event(LOG_INFO, "reads again", log_n("n", 1));
    (void)snprintf(lost, sizeof lost, "event=\"log lines lost\" lines=%zu ", LINES - kept);
    assert_non_null(strstr(read_all(), lost));
    assert_non_null(strstr(text, "event=\"reads again\""));
    assert_int_equal(lines_of(text), 2);
    log_event(LOG_INFO, "told", log_n("n", 2));
    assert_int_equal(lines_of(read_all()), 1);
    alarm(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup(
        a_reader_that_has_stopped_stops_nobody_and_is_told_what_it_missed, stopped_reader)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
