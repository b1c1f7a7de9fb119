/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/reaction.h"
#include "drivers/registry.h"
#include "drivers/simulated.h"
#include "drivers/worker_thread.h"
#include "tests/unit/served.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* Changes must be seen without waiting for a poll: polls are a day apart. */
#define SOON 10000
#define NEVER 86400

static char directory[] = "/tmp/upsbridge-simulated.XXXXXX";

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) == NULL ? -1 : 0;
}

static void path_to(char *path, size_t size, const char *name)
{
    snprintf(path, size, "%s/%s", directory, name);
}

static void write_file(const char *name, const char *text)
{
    char path[256];

    path_to(path, sizeof path, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void replace_file(const char *name, const char *text)
{
    char from[256], to[256];

    write_file("new", text);
    path_to(from, sizeof from, "new");
    path_to(to, sizeof to, name);
    assert_int_equal(rename(from, to), 0);
}

static void remove_file(const char *name)
{
    char path[256];

    path_to(path, sizeof path, name);
    assert_int_equal(unlink(path), 0);
}

static int remove_directory(void **state)
{
    static const char *const names[] = { "a.dev", "a.seq", "new" };
    char path[256];

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        path_to(path, sizeof path, names[i]);
        unlink(path);
    }
    return rmdir(directory);
}

static void serve(struct served *served, char *port, unsigned poll_interval)
{
    struct option_setting options[] = { { "driver", "dummy-ups", 2 }, { "port", port, 3 } };
    struct device_settings settings = { .name = "sim",
                                        .driver = "dummy-ups",
                                        .port = port,
                                        .poll_interval = poll_interval,
                                        .max_start_delay = 75,
                                        .options = options,
                                        .option_count = 2 };

    served_open(served, &settings, directory, 3 * NEVER);
}

static void serve_reacting(struct served *served, char *port)
{
    struct option_setting options[] = {
        { "driver", "simulated", 2 },
        { "port", port, 3 },
        { "command.load.off", "ups.status: OL OFF; ups.timer.shutdown: -1", 4 },
        { "command.load.off.delay", "after 0.05; ups.timer.shutdown: $1", 5 },
        { "command.shutdown.stop", "fails; ups.timer.shutdown: 7", 6 },
        { "command.test.battery.start", "ups.test.result: done", 7 },
        { "set.ups.id", "refuses", 8 },
        { "set.battery.runtime.low", "ups.mfr: $1", 9 },
    };
    struct device_settings settings = { .name = "sim",
                                        .driver = "simulated",
                                        .port = port,
                                        .poll_interval = NEVER,
                                        .options = options,
                                        .option_count = sizeof options / sizeof options[0] };

    served_open(served, &settings, directory, 3 * NEVER);
}

static enum ups_outcome outcome_of(struct served *served, uint64_t request)
{
    unsigned before = served->results;

    assert_true(request != 0);
    served_until(served, served->results == before + 1, SOON);
    assert_int_equal(served->result_ids[before], request);
    return served->outcomes[before];
}

static void test_reactions(void **state)
{
    struct served served;

    (void)state;
    write_file("a.dev", "ups.id: first\nbattery.runtime.low: 60\n");
    serve_reacting(&served, "a.dev");
    served_until(&served, served.ups->comms == UPS_OK, SOON);
    assert_non_null(ups_command_name(served.ups, "shutdown.stop"));
    assert_null(ups_command_name(served.ups, "load.on"));

    struct ups *ups = served.ups;
    struct ups_store *store = served.store;
    assert_int_equal(outcome_of(&served, ups_request_command(store, ups, "load.off.delay", "20")),
                     UPS_HANDLED);
    served_until(&served, served_has(&served, "ups.timer.shutdown", "20"), SOON);
    assert_int_equal(outcome_of(&served, ups_request_command(store, ups, "shutdown.stop", NULL)),
                     UPS_FAILED);
    assert_true(served_has(&served, "ups.timer.shutdown", "20"));
    assert_int_equal(outcome_of(&served, ups_request_command(store, ups, "load.off", NULL)),
                     UPS_HANDLED);
    served_until(&served, served_has(&served, "ups.status", "OL OFF"), SOON);
    assert_int_equal(outcome_of(&served, ups_request_set(store, ups, "ups.id", "second")),
                     UPS_INVALID);
    assert_true(served_has(&served, "ups.id", "first"));
    assert_int_equal(outcome_of(&served, ups_request_set(store, ups, "battery.runtime.low", "90")),
                     UPS_HANDLED);
    served_until(&served, served_has(&served, "battery.runtime.low", "90"), SOON);
    assert_true(served_has(&served, "ups.mfr", "90"));
    served_close(&served);
}

static void test_reactions_are_checked(void **state)
{
    static const struct {
        const char *text;
        bool known;
    } cases[] = {
        { "", false },
        { "fails", true },
        { " refuses ", true },
        { "after 2", true },
        { "after 61", false },
        { "after", false },
        { "after two", false },
        { "ups.status: OB; after 0.5 ;fails", true },
        { "ups.status:", true },
        { ": x", false },
        { "no variable: x", false },
        { "ups.status: OB; nonsense", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(reaction_check(cases[i].text), cases[i].known);
}

static void test_values_and_rights(void **state)
{
    struct served served;

    (void)state;
    write_file("a.dev", "ups.mfr: Maker\nups.load: 12\nups.firmware: 1.0\nbattery.packs: 2\n"
                        "driver.name: usbhid-ups\nserver.info: x\nups.alarm: \"\"\n");
    serve(&served, "a.dev", NEVER);
    served_until(&served, served.ups->comms == UPS_OK, SOON);
    assert_true(served_has(&served, "ups.mfr", "Maker"));
    assert_true(served_has(&served, "device.mfr", "Maker"));
    assert_true(served_has(&served, "ups.model", "Dummy UPS"));
    assert_true(served_has(&served, "ups.status", "OL"));
    assert_true(served_has(&served, "driver.name", "dummy-ups"));
    assert_true(served_has(&served, "driver.parameter.mode", "dummy-once"));
    assert_true(served_has(&served, "server.info", NULL));
    assert_true(served_has(&served, "ups.alarm", NULL));
    const struct ups_variable *load = ups_variable(served.ups, "ups.load");
    assert_int_equal(load->flags, VARIABLE_RW | VARIABLE_NUMBER);
    const struct ups_variable *firmware = ups_variable(served.ups, "ups.firmware");
    assert_int_equal(firmware->flags, VARIABLE_RW | VARIABLE_STRING);
    assert_int_equal(firmware->length, 16);
    assert_int_equal(ups_variable(served.ups, "battery.packs")->length, 32);
    assert_int_equal(ups_variable(served.ups, "device.mfr")->flags, 0);
    assert_non_null(ups_command_name(served.ups, "load.off"));
    served_close(&served);
}

static void test_changes_are_seen_at_once(void **state)
{
    struct served served;

    (void)state;
    write_file("a.dev", "ups.status: OL\nups.load: 1\n");
    serve(&served, "a.dev", NEVER);
    served_until(&served, served_has(&served, "ups.load", "1"), SOON);
    write_file("a.dev", "ups.status: OB\nups.load: 1\n");
    served_until(&served, served.ups->status == STATUS_OB, SOON);
    replace_file("a.dev", "ups.status: OB LB\nups.load: 2\n");
    served_until(&served, served.ups->status == (STATUS_OB | STATUS_LB), SOON);
    /* What a new file does not name stays, as dummy-ups has it; an empty value takes it away. */
    replace_file("a.dev", "ups.status: OL\n");
    served_until(&served, served.ups->status == STATUS_OL, SOON);
    assert_true(served_has(&served, "ups.load", "2"));
    replace_file("a.dev", "ups.load:\n");
    served_until(&served, served_has(&served, "ups.load", NULL), SOON);
    served_close(&served);
}

/*
 * The thread empties the wake descriptor before it waits; a change from before that must not be
 * slept over.
 */
static void test_a_change_just_before_the_wait_is_seen(void **state)
{
    struct option_setting options[] = { { "port", "a.dev", 3 } };
    struct device_settings settings = { .name = "sim",
                                        .port = "a.dev",
                                        .poll_interval = NEVER,
                                        .options = options,
                                        .option_count = 1 };
    struct worker worker = { .wake = eventfd(0, EFD_NONBLOCK) };
    struct device device = {
        .name = "sim", .settings = &settings, .directory = directory, .worker = &worker
    };
    struct pollfd wake = { .fd = worker.wake, .events = POLLIN };
    struct update update = { 0 };
    bool happened = false;
    uint64_t count;

    (void)state;
    write_file("a.dev", "ups.status: OL\n");
    assert_int_equal(driver_simulated.open(&device), DRIVER_OK);
    assert_int_equal(driver_simulated.poll(&device, POLL_FULL, &update), DRIVER_OK);
    update_clear(&update);
    replace_file("a.dev", "ups.status: OB\n");
    assert_int_equal(poll(&wake, 1, 10 * SOON), 1);
    assert_int_equal(read(worker.wake, &count, sizeof count), sizeof count);
    uint64_t begun = clock_ms();
    assert_int_equal(driver_simulated.wait(&device, 10 * SOON, &happened), DRIVER_OK);
    assert_true(happened);
    assert_true(clock_ms() - begun < 5 * SOON);
    driver_simulated.close(&device);
    close(worker.wake);
}

static void test_settings_hold_until_the_file_changes(void **state)
{
    struct served served;

    (void)state;
    write_file("a.dev", "ups.status: OL\nups.load: 1\n");
    serve(&served, "a.dev", 1);
    served_until(&served, served_has(&served, "ups.load", "1"), SOON);
    served.watched = "ups.load";
    uint64_t id = ups_request_set(served.store, served.ups, "ups.load", "77");
    assert_int_not_equal(id, 0);
    served_until(&served, served.results == 1, SOON);
    assert_int_equal(served.result_ids[0], id);
    assert_int_equal(served.outcomes[0], UPS_HANDLED);
    assert_string_equal(served.seen_at_result, "77");
    served_run_for(&served, 1500);
    assert_true(served_has(&served, "ups.load", "77"));
    replace_file("a.dev", "ups.status: OL\nups.load: 3\n");
    served_until(&served, served_has(&served, "ups.load", "3"), SOON);
    served_close(&served);
}

static void test_what_cannot_be_set(void **state)
{
    static const struct {
        const char *name, *value;
        enum ups_outcome outcome;
    } rows[] = {
        { "driver.name", "x", UPS_UNKNOWN },
        { "server.info", "x", UPS_UNKNOWN },
        { "ups.status", "", UPS_INVALID },
        { "ups.load", "", UPS_HANDLED },
    };
    struct served served;

    (void)state;
    write_file("a.dev", "ups.status: OL\nups.load: 1\n");
    serve(&served, "a.dev", NEVER);
    served_until(&served, served.ups->comms == UPS_OK, SOON);
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ups_request_set(served.store, served.ups, rows[i].name, rows[i].value);
        served_until(&served, served.results == i + 1, SOON);
        assert_int_equal(served.outcomes[i], rows[i].outcome);
    }
    assert_true(served_has(&served, "driver.name", "dummy-ups"));
    assert_true(served_has(&served, "ups.load", NULL));
    assert_true(served_has(&served, "ups.status", "OL"));
    ups_request_command(served.store, served.ups, "load.off", NULL);
    served_until(&served, served.results == 5, SOON);
    assert_int_equal(served.outcomes[4], UPS_UNKNOWN);
    served_close(&served);
}

static void test_garbage_and_recovery(void **state)
{
    struct served served;

    (void)state;
    write_file("a.dev", "\x7f"
                        "ELF\x01\x02 garbage");
    serve(&served, "a.dev", NEVER);
    served_until(&served, served.ups->comms == UPS_LOST, SOON);
    write_file("a.dev", "ups.status: OB\n");
    served_until(&served, served.ups->comms == UPS_OK, SOON);
    assert_true(served_has(&served, "ups.status", "OB"));
    /* A bad file changes nothing that is shown. */
    write_file("a.dev", "ups.status: OL\nthis is garbage\n");
    served_run_for(&served, 300);
    assert_true(served_has(&served, "ups.status", "OB"));
    write_file("a.dev", "ups.status: OL\n");
    served_until(&served, served_has(&served, "ups.status", "OL"), SOON);
    served_close(&served);
}

static void test_missing_file(void **state)
{
    struct served served;

    (void)state;
    remove_file("a.dev");
    serve(&served, "a.dev", 1);
    served_until(&served, served.ups->comms == UPS_LOST, SOON);
    /* Long enough for the device to be closed and opened anew. */
    served_run_for(&served, 3500);
    replace_file("a.dev", "ups.status: OL\n");
    served_until(&served, served.ups->comms == UPS_OK, SOON);
    served_close(&served);
}

static void test_sequence(void **state)
{
    struct served served;

    (void)state;
    write_file("a.seq", "ups.status: OL\nTIMER 0.3\nups.status: OB\nALARM Fan\nTIMER 0.3\n"
                        "ups.status: OB LB\nALARM\nTIMER 0.3\n");
    serve(&served, "a.seq", NEVER);
    served_until(&served, served_has(&served, "ups.status", "OL"), SOON);
    uint64_t begun = clock_ms();
    served_until(&served, served_has(&served, "ups.status", "ALARM OB"), 600);
    assert_true(served_has(&served, "ups.alarm", "Fan"));
    served_until(&served, served_has(&served, "ups.status", "OB LB"), 600);
    assert_true(served_has(&served, "ups.alarm", NULL));
    assert_true(served_has(&served, "driver.parameter.mode", "dummy-loop"));
    served_until(&served, served_has(&served, "ups.status", "OL"), 600);
    assert_true(clock_ms() - begun >= 800 && clock_ms() - begun < 1500);
    served_close(&served);
}

static void test_once_runs_through_its_timers_once(void **state)
{
    struct served served;

    (void)state;
    write_file("a.dev", "ups.status: OL\nTIMER 0.2\nups.status: OB\n");
    serve(&served, "a.dev", 1);
    served_until(&served, served_has(&served, "ups.status", "OL"), SOON);
    served_until(&served, served_has(&served, "ups.status", "OB"), SOON);
    served_run_for(&served, 1500);
    assert_true(served_has(&served, "ups.status", "OB"));
    served_close(&served);
}

static void test_loop_without_timer_does_not_spin(void **state)
{
    struct served served;
    struct timespec before, after;

    (void)state;
    write_file("a.seq", "ups.status: OL\nups.load: 1\n");
    serve(&served, "a.seq", 1);
    served_until(&served, served.ups->comms == UPS_OK, SOON);
    ups_request_set(served.store, served.ups, "ups.load", "9");
    served_until(&served, served_has(&served, "ups.load", "9"), SOON);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    served_until(&served, served_has(&served, "ups.load", "1"), 2500);
    served_run_for(&served, 1000);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    long used =
        (long)(after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
    assert_true(used < 400);
    served_close(&served);
}

static void test_repeater_is_refused(void **state)
{
    struct served served;

    (void)state;
    serve(&served, "ups@localhost", NEVER);
    served_until(&served, served.ups->comms == UPS_LOST, SOON);
    served_close(&served);
}

static void test_a_pipe_does_not_hang(void **state)
{
    struct served served;
    char path[256];

    (void)state;
    path_to(path, sizeof path, "new");
    assert_int_equal(mkfifo(path, 0600), 0);
    serve(&served, path, NEVER);
    served_until(&served, served.ups->comms == UPS_LOST, SOON);
    served_close(&served);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_and_rights),
        cmocka_unit_test(test_reactions),
        cmocka_unit_test(test_reactions_are_checked),
        cmocka_unit_test(test_changes_are_seen_at_once),
        cmocka_unit_test(test_a_change_just_before_the_wait_is_seen),
        cmocka_unit_test(test_settings_hold_until_the_file_changes),
        cmocka_unit_test(test_what_cannot_be_set),
        cmocka_unit_test(test_garbage_and_recovery),
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_sequence),
        cmocka_unit_test(test_once_runs_through_its_timers_once),
        cmocka_unit_test(test_loop_without_timer_does_not_spin),
        cmocka_unit_test(test_repeater_is_refused),
        cmocka_unit_test(test_a_pipe_does_not_hang),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
