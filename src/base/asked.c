#include "base/asked.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>

enum { BACKOFF_FIRST_MS = 100, BACKOFF_DOUBLINGS = 9, BACKOFF_MAX_MS = 30000 };

static volatile sig_atomic_t is_stop;
static volatile sig_atomic_t is_flush;
static void (*volatile wake_loop)(void *thing);
static void *volatile wake_thing;

static void note(int number)
{
    const int was = errno; /* the interrupted code's */
    if (number == SIGUSR1) {
        is_flush = 1;
    } else if (number != SIGUSR2) { /* which only asks for a turn of the loop */
        is_stop = 1;
    }
    if (wake_loop) {
        wake_loop(wake_thing);
    }
    errno = was;
}

void asked_wake_fd(void *thing)
{
    (void)eventfd_write(*(const int *)thing, 1); /* full: it is awake already */
}

void asked_install(void (*wake)(void *thing), void *thing)
{
    struct sigaction action = {.sa_handler = note};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    wake_loop = NULL;
    wake_thing = thing;
    wake_loop = wake;
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGUSR2, &action, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
}

void asked_stop_by(int number)
{
    struct sigaction action = {.sa_handler = note};
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

bool asked_to_stop(void)
{
    return is_stop;
}

bool asked_to_flush(void)
{
    const bool was = is_flush;
    is_flush = 0;
    return was;
}

void asked_pause(int64_t ms)
{
    sigset_t ours;
    sigset_t before;
    sigemptyset(&ours);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGUSR1);
    sigaddset(&ours, SIGUSR2);
    sigprocmask(SIG_BLOCK, &ours, &before);
    if (!is_stop && !is_flush) {
        const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
        (void)ppoll(NULL, 0, &time, &before);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
}

int64_t backoff_ms(unsigned tries)
{
    uint32_t dice = 0;
    const unsigned doublings = tries == 0 ? 0 : tries - 1;
    int64_t most = BACKOFF_MAX_MS;
    if (doublings < BACKOFF_DOUBLINGS && (BACKOFF_FIRST_MS << doublings) < BACKOFF_MAX_MS) {
        most = BACKOFF_FIRST_MS << doublings;
    }
    if (getrandom(&dice, sizeof dice, GRND_NONBLOCK) != sizeof dice) {
        dice = 0;
    }
    return most - dice % (most / 2 + 1);
}

void ask_to_stop(void)
{
    note(SIGTERM);
}

void asked_reset(void)
{
    is_stop = 0;
    is_flush = 0;
    wake_loop = NULL;
}
