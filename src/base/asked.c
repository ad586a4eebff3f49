#include "base/asked.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t is_stop;
static volatile sig_atomic_t is_flush;
static void (*volatile wake_loop)(void *thing);
static void *volatile wake_thing;

static void note(int number)
{
    if (number == SIGUSR1) {
        is_flush = 1;
    } else {
        is_stop = 1;
    }
    if (wake_loop) {
        wake_loop(wake_thing);
    }
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
    sigaction(SIGPIPE, &ignore, NULL);
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
