/* What a confined process tries, and fails at. Each attack is made twice: where nothing confines it
 * it must get through, or it would prove nothing; confined it must not. */
#include "test.h"
#include "wire/confine.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGES = 200, PAGE_BYTES = 4096, PATH_BYTES = 64, THROUGH = 1, HELD = 2 };

/* Whom the attacks are aimed at. */
static struct {
    pid_t bystander;
    char folder[PATH_BYTES], file[PATH_BYTES + 8], other[PATH_BYTES + 8];
    volatile char *page[PAGES]; /* each a mapping of its own, shared with the test */
    int socket[2];
} prey;

/* ---- files ---- */

static bool reads_a_file(void)
{
    return open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0;
}

static bool makes_a_file(void)
{
    return open(prey.other, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0;
}

static bool opens_its_own_memory(void)
{
    return open("/proc/self/mem", O_RDWR | O_CLOEXEC) >= 0;
}

static bool asks_about_a_file(void)
{
    struct stat s;
    return stat(prey.file, &s) == 0;
}

static bool removes_a_file(void)
{
    return unlink(prey.file) == 0;
}

static bool makes_a_folder(void)
{
    return mkdir(prey.other, 0700) == 0;
}

static bool makes_a_file_of_memory(void)
{
    return memfd_create("x", MFD_CLOEXEC) >= 0;
}

/* ---- the network, and descriptors ---- */

static bool opens_a_socket(void)
{
    return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0;
}

static bool opens_a_local_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0;
}

static bool makes_a_pipe(void)
{
    int end[2];
    return pipe2(end, O_CLOEXEC) == 0;
}

static bool makes_an_event(void)
{
    return eventfd(0, EFD_CLOEXEC) >= 0;
}

/* Over the stream that it has, other descriptors would come in and go out. */
static bool sends_a_message(void)
{
    return send(prey.socket[0], "x", 1, MSG_NOSIGNAL) == 1;
}

/* ---- processes ---- */

static bool forks(void)
{
    const pid_t pid = fork();
    if (pid == 0) {
        _exit(0);
    }
    return pid > 0;
}

static void *idle(void *nothing)
{
    return nothing;
}

static bool starts_a_thread(void)
{
    pthread_t thread;
    return pthread_create(&thread, NULL, idle, NULL) == 0;
}

static bool runs_a_program(void)
{
    (void)execl("/bin/sh", "sh", "-c", "exit 1", (char *)NULL); /* THROUGH */
    return false;
}

static bool signals_another(void)
{
    return kill(prey.bystander, SIGCONT) == 0;
}

static bool signals_a_thread_of_another(void)
{
    return syscall(SYS_tgkill, prey.bystander, prey.bystander, SIGCONT) == 0;
}

static bool signals_a_thread_wherever_it_is(void)
{
    return syscall(SYS_tkill, prey.bystander, SIGCONT) == 0;
}

static bool queues_a_signal_for_another(void)
{
    return sigqueue(prey.bystander, SIGCONT, (union sigval){.sival_int = 0}) == 0;
}

static bool signals_its_parent(void)
{
    return syscall(SYS_tgkill, getppid(), getppid(), 0) == 0 || kill(getppid(), 0) == 0;
}

static bool holds_another_by_descriptor(void)
{
    return syscall(SYS_pidfd_open, prey.bystander, 0) >= 0;
}

static bool traces_another(void)
{
    return ptrace(PTRACE_SEIZE, prey.bystander, NULL, NULL) == 0;
}

static bool reads_the_memory_of_another(void)
{
    char taken[8];
    const struct iovec here = {taken, sizeof taken};
    const struct iovec there = {(void *)&prey, sizeof taken}; /* a fork: the same address */
    return process_vm_readv(prey.bystander, &here, 1, &there, 1, 0) == (ssize_t)sizeof taken;
}

/* ---- itself ---- */

static bool changes_its_limits(void)
{
    const struct rlimit none = {0, 0};
    return setrlimit(RLIMIT_CORE, &none) == 0;
}

static bool outlives_its_parent(void)
{
    return prctl(PR_SET_PDEATHSIG, 0) == 0;
}

static bool shares_memory_by_key(void)
{
    const int id = shmget(IPC_PRIVATE, PAGE_BYTES, IPC_CREAT | 0600);
    return id >= 0 && shmctl(id, IPC_RMID, NULL) == 0;
}

static bool writes_what_the_first_page_shares(void)
{
    *prey.page[0] = 'x';
    return true;
}

static bool writes_what_the_last_page_shares(void)
{
    *prey.page[PAGES - 1] = 'x';
    return true;
}

/* The door of 32-bit programs has other numbers: what is allowed there would be something else. */
static bool calls_by_the_old_door(void)
{
#ifdef __x86_64__
    long result = 199; /* getuid32 of i386 */
    __asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
    return result >= 0;
#else
    return false;
#endif
}

static const struct attack {
    const char *name;
    bool (*is_through)(void);
    bool is_optional; /* this machine may not let anybody */
} attacks[] = {
#define ATTACK(name) {#name, name, false}
    ATTACK(reads_a_file),
    ATTACK(makes_a_file),
    ATTACK(opens_its_own_memory),
    ATTACK(asks_about_a_file),
    ATTACK(removes_a_file),
    ATTACK(makes_a_folder),
    ATTACK(makes_a_file_of_memory),
    ATTACK(opens_a_socket),
    ATTACK(opens_a_local_socket),
    ATTACK(makes_a_pipe),
    ATTACK(makes_an_event),
    ATTACK(sends_a_message),
    ATTACK(forks),
    ATTACK(starts_a_thread),
    ATTACK(runs_a_program),
    ATTACK(signals_another),
    ATTACK(signals_a_thread_of_another),
    ATTACK(signals_a_thread_wherever_it_is),
    ATTACK(queues_a_signal_for_another),
    ATTACK(signals_its_parent),
    ATTACK(holds_another_by_descriptor),
    {"traces_another", traces_another, true},
    {"reads_the_memory_of_another", reads_the_memory_of_another, true},
    ATTACK(changes_its_limits),
    ATTACK(outlives_its_parent),
    ATTACK(shares_memory_by_key),
    ATTACK(writes_what_the_first_page_shares),
    ATTACK(writes_what_the_last_page_shares),
    {"calls_by_the_old_door", calls_by_the_old_door, true},
};

/* ---- the test ---- */

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(prey.folder, sizeof prey.folder, "/tmp/weir-confine-XXXXXX");
    assert_non_null(mkdtemp(prey.folder));
    (void)snprintf(prey.file, sizeof prey.file, "%s/file", prey.folder);
    (void)snprintf(prey.other, sizeof prey.other, "%s/other", prey.folder);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, prey.socket), 0);
    for (size_t i = 0; i < PAGES; i++) {
        void *const page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        assert_ptr_not_equal(page, MAP_FAILED);
        prey.page[i] = page;
    }
    prey.bystander = fork();
    if (prey.bystander == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
        for (;;) {
            (void)pause();
        }
    }
    return prey.bystander < 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)kill(prey.bystander, SIGKILL);
    (void)waitpid(prey.bystander, NULL, 0);
    (void)unlink(prey.file);
    (void)rmdir(prey.folder);
    for (size_t i = 0; i < PAGES; i++) {
        (void)munmap((void *)prey.page[i], PAGE_BYTES);
    }
    (void)close(prey.socket[0]);
    (void)close(prey.socket[1]);
    return 0;
}

/* How a process that makes the attack ends, as waitpid has it. */
static int end_of(bool (*is_through)(void), bool is_confined)
{
    int status = 0;
    const int file = open(prey.file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(file >= 0 && close(file) == 0);
    (void)fflush(stdout);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct failure f;
        (void)signal(SIGSEGV, SIG_DFL); /* cmocka's own would go on with the test, here */
        (void)signal(SIGABRT, SIG_DFL);
        if (is_confined && confine(&f) != OK) {
            _exit(THROUGH);
        }
        _exit(is_through() ? THROUGH : HELD);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    (void)unlink(prey.other);
    (void)rmdir(prey.other);
    *prey.page[0] = *prey.page[PAGES - 1] = 0;
    return status;
}

static bool is_through(int status)
{
    return WIFEXITED(status) && WEXITSTATUS(status) == THROUGH;
}

static void no_attack_gets_out_of_the_confinement(void **state)
{
    (void)state;
    size_t held = 0;
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
        const struct attack *const one = &attacks[i];
        if (!is_through(end_of(one->is_through, false))) {
            if (!one->is_optional) {
                fail_msg("%s fails here also where nothing is confined", one->name);
            }
            continue;
        }
        if (is_through(end_of(one->is_through, true))) {
            fail_msg("%s gets through", one->name);
        }
        held++;
    }
    assert_true(held >= sizeof attacks / sizeof *attacks - 3);
    assert_int_equal(waitpid(prey.bystander, NULL, WNOHANG), 0); /* unharmed */
}

/* ---- what is left ---- */

static bool works(void)
{
    char *const memory = malloc((size_t)10 << 20);
    char byte = 0;
    if (!memory) {
        return false;
    }
    memset(memory, 7, (size_t)10 << 20);
    const bool is_there = memory[(7 << 20) + 1] == 7;
    free(memory);
    return is_there && write(prey.socket[0], "x", 1) == 1 && read(prey.socket[1], &byte, 1) == 1 &&
           byte == 'x';
}

static bool aborts(void)
{
    abort();
}

static void what_a_program_needs_is_left_to_it(void **state)
{
    (void)state;
    assert_true(is_through(end_of(works, true)));
    const int status = end_of(aborts, true);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(no_attack_gets_out_of_the_confinement),
        TEST(what_a_program_needs_is_left_to_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
