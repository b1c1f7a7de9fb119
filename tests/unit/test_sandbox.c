/* SPDX-License-Identifier: BSD-2-Clause */
#include <config.h>

#include "daemon/sandbox.h"

#include "core/log.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* There is no way out of a sandbox, so each attempt is made by a child. It returns 0 or an errno.
 */
static int attempt(enum sandbox_mode mode, int (*what)(void))
{
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        sandbox_enter(mode);
        _exit(what());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int result(long value)
{
    return value < 0 ? errno : 0;
}

/* What must not be possible ------------------------------------------------------------------ */

static int execute(void)
{
    static char *const arguments[] = { (char *)(uintptr_t) "true", NULL };

    return result(execve("/bin/true", arguments, arguments + 1));
}

static int make_process(void)
{
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    return result(child);
}

static int make_process_otherwise(void)
{
    long child = syscall(SYS_clone3, NULL, 0);

    return result(child);
}

static int make_user_namespace(void)
{
    return result(unshare(CLONE_NEWUSER));
}

static int trace(void)
{
    return result(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int make_packet_socket(void)
{
    return result(socket(AF_PACKET, SOCK_RAW, 0));
}

static int map_writable_code(void)
{
    void *memory =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return result(memory == MAP_FAILED ? -1 : 0);
}

static int make_data_executable(void)
{
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return result(memory == MAP_FAILED ? 0 : mprotect(memory, 4096, PROT_READ | PROT_EXEC));
}

static int type_for_others(void)
{
    return result(ioctl(STDIN_FILENO, TIOCSTI, "x"));
}

static int raise_limits(void)
{
    struct rlimit limit = { 1024, 1024 };

    return result(setrlimit(RLIMIT_NOFILE, &limit));
}

static int become_dumpable(void)
{
    return result(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int signal_others(void)
{
    return result(kill(getppid(), 0));
}

static void test_refused(void **state)
{
    static int (*const attempts[])(void) = {
        execute,         make_process,       make_process_otherwise, make_user_namespace,
        trace,           make_packet_socket, map_writable_code,      make_data_executable,
        type_for_others, raise_limits,       become_dumpable,        signal_others,
    };

    (void)state;
    for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++)
        assert_int_equal(attempt(SANDBOX_ON, attempts[i]), ENOSYS);
}

/* What must stay possible -------------------------------------------------------------------- */

static void *in_a_thread(void *argument)
{
    *(int *)argument = 1;
    return NULL;
}

static int run_a_thread(void)
{
    pthread_t thread;
    int ran = 0;
    int error = pthread_create(&thread, NULL, in_a_thread, &ran);

    if (error == 0)
        error = pthread_join(thread, NULL);
    return error != 0 ? error : ran ? 0 : EINVAL;
}

static int resolve_a_name(void)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *list;

    if (getaddrinfo("localhost", "3493", &hints, &list) != 0)
        return EINVAL;
    freeaddrinfo(list);
    return 0;
}

/* Of an address such as fe80::1%eth0. */
static int find_an_interface(void)
{
    char name[IF_NAMESIZE];
    unsigned number = if_nametoindex("lo");

    if (number == 0 || if_indextoname(number, name) == NULL)
        return errno;
    return 0;
}

/* Not a terminal is another answer than no such call. */
static int ask_a_terminal(void)
{
    struct termios settings;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    return tcgetattr(null, &settings) < 0 && errno == ENOTTY ? 0 : EINVAL;
}

static int ask_a_usb_device(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    return ioctl(null, _IOW('U', 8, int), NULL) < 0 && errno == ENOTTY ? 0 : EINVAL;
}

static int make_sockets(void)
{
    static const int families[] = { AF_UNIX, AF_INET, AF_NETLINK };
    int error = 0;

    for (size_t i = 0; i < sizeof families / sizeof families[0] && error == 0; i++)
        error = result(socket(families[i], SOCK_DGRAM | SOCK_CLOEXEC, 0));
    return error;
}

static int ask_for_interfaces(void)
{
    char room[4096];
    struct ifconf list = { .ifc_len = sizeof room, .ifc_buf = room };
    struct ifreq request = { .ifr_name = "lo" };
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int error = result(ioctl(descriptor, SIOCGIFCONF, &list));

    if (error == 0)
        error = result(ioctl(descriptor, SIOCGIFFLAGS, &request));
    return error != 0 ? error : result(ioctl(descriptor, SIOCGIFADDR, &request));
}

static int watch_things(void)
{
    int error = result(inotify_init1(IN_CLOEXEC));

    return error != 0 ? error : result(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
}

static int tell_the_time(void)
{
    struct tm broken_down;
    time_t now = time(NULL);

    return localtime_r(&now, &broken_down) == NULL ? EINVAL : 0;
}

static int use_memory(void)
{
    size_t size = 4u << 20;
    char *memory = malloc(size);

    if (memory == NULL)
        return errno;
    memset(memory, 1, size);
    memory = realloc(memory, 2 * size);
    free(memory);
    return memory == NULL ? errno : 0;
}

static void test_granted(void **state)
{
    static int (*const attempts[])(void) = { run_a_thread,      resolve_a_name,   find_an_interface,
                                             ask_a_terminal,    ask_a_usb_device, make_sockets,
                                             watch_things,      tell_the_time,    use_memory,
                                             ask_for_interfaces };

    (void)state;
    for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++)
        assert_int_equal(attempt(SANDBOX_ON, attempts[i]), 0);
}

static pthread_barrier_t barrier;
static int other_result;

static void *attempt_in_a_thread(void *argument)
{
    (void)argument;
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    other_result = trace();
    return NULL;
}

static int enter_late(void)
{
    pthread_t thread;

    pthread_barrier_init(&barrier, NULL, 2);
    if (pthread_create(&thread, NULL, attempt_in_a_thread, NULL) != 0)
        return EINVAL;
    pthread_barrier_wait(&barrier);
    sandbox_enter(SANDBOX_ON);
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    return other_result;
}

static void test_threads_there_are_already(void **state)
{
    (void)state;
    assert_int_equal(attempt(SANDBOX_OFF, enter_late), ENOSYS);
}

static void test_log_and_off_refuse_nothing(void **state)
{
    (void)state;
    assert_int_equal(attempt(SANDBOX_LOG, signal_others), 0);
    assert_int_equal(attempt(SANDBOX_LOG, make_process), 0);
    assert_int_equal(attempt(SANDBOX_OFF, signal_others), 0);
}

static void test_no_sandbox(void **state)
{
    (void)state;
    assert_int_equal(attempt(SANDBOX_ON, signal_others), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_granted),
        cmocka_unit_test(test_threads_there_are_already),
        cmocka_unit_test(test_log_and_off_refuse_nothing),
    };
    const struct CMUnitTest tests_without[] = { cmocka_unit_test(test_no_sandbox) };

    return sandbox_is_built() ? cmocka_run_group_tests(tests, NULL, NULL)
                              : cmocka_run_group_tests(tests_without, NULL, NULL);
}
