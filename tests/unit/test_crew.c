/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Workers that share a thread: as well served as by a thread each, and gone without a trace.
 */
#include "drivers/registry.h"
#include "drivers/worker.h"
#include "tests/unit/served.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#define SOON 10000  /* on a machine that is busy with other things */
#define NEVER 86400 /* seconds */
#define DEVICES 20

/* One device, as the driver sees it: its option is its number. */
struct part {
    atomic_bool speaks, refuses;
    atomic_int opens, polls, closes;
    _Atomic pthread_t thread;
};

static struct {
    struct part parts[DEVICES];
    atomic_bool waits;
} fake;

static struct part *part_of(const struct device *device)
{
    return &fake.parts[atoi(device->settings->port)];
}

static enum driver_result fake_open(struct device *device)
{
    struct part *part = part_of(device);

    atomic_fetch_add(&part->opens, 1);
    atomic_store(&part->thread, pthread_self());
    return part->refuses ? driver_problem(device, DRIVER_GONE, "refuses") : DRIVER_OK;
}

static enum driver_result fake_poll(struct device *device, enum poll_kind kind,
                                    struct update *update)
{
    struct part *part = part_of(device);

    (void)kind;
    update_set(update, "ups.status", "OL");
    update_setf(update, "ups.load", "%d", atomic_fetch_add(&part->polls, 1) + 1);
    return DRIVER_OK;
}

static uint64_t fake_due(struct device *device)
{
    return atomic_exchange(&part_of(device)->speaks, false) ? 0 : clock_ms() + 20;
}

static enum ups_outcome fake_command(struct device *device, const char *name, const char *parameter,
                                     struct update *update)
{
    (void)device;
    (void)parameter;
    update_set(update, "test.echo", name);
    return UPS_HANDLED;
}

static void fake_close(struct device *device)
{
    atomic_fetch_add(&part_of(device)->closes, 1);
}

static bool fake_never_waits(const struct device_settings *settings)
{
    (void)settings;
    return !fake.waits;
}

static const struct driver fake_driver = {
    .name = "fake",
    .open = fake_open,
    .poll = fake_poll,
    .never_waits = fake_never_waits,
    .due = fake_due,
    .command = fake_command,
    .close = fake_close,
};

const struct driver *driver_find(const char *name)
{
    (void)name;
    return &fake_driver;
}

static size_t thread_count(void)
{
    DIR *directory = opendir("/proc/self/task");
    size_t count = 0;

    assert_non_null(directory);
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

/* More devices beside the served one, in the same store. */
struct company {
    struct served served;
    struct ups *upses[DEVICES];
    struct worker *workers[DEVICES];
};

static struct worker *start(struct served *served, struct ups *ups, const char *name, unsigned i)
{
    char port[8];
    struct device_settings settings = { .name = (char *)(uintptr_t)name,
                                        .driver = "fake",
                                        .port = port,
                                        .poll_interval = NEVER,
                                        .max_start_delay = 75 };

    snprintf(port, sizeof port, "%u", i);
    return worker_start(served->loop, served->store, ups, &settings, "/nowhere");
}

static void assemble(struct company *company)
{
    struct device_settings first = {
        .name = "ups0", .driver = "fake", .port = "0", .poll_interval = NEVER, .max_start_delay = 75
    };

    *company = (struct company){ 0 };
    served_open(&company->served, &first, "/nowhere", 3 * NEVER);
    company->upses[0] = company->served.ups;
    company->workers[0] = company->served.worker;
    company->served.worker = NULL;
    for (unsigned i = 1; i < DEVICES; i++) {
        char name[16];

        snprintf(name, sizeof name, "ups%u", i);
        company->upses[i] = ups_add(company->served.store, name, NULL);
        company->workers[i] = start(&company->served, company->upses[i], name, i);
        assert_non_null(company->workers[i]);
    }
}

static void stop(struct company *company, unsigned i)
{
    worker_stop(company->workers[i]);
    worker_finish(company->workers[i], clock_ms() + SOON);
    company->workers[i] = NULL;
}

static void dismiss(struct company *company)
{
    for (unsigned i = 0; i < DEVICES; i++) {
        if (company->workers[i] != NULL)
            worker_stop(company->workers[i]);
    }
    for (unsigned i = 0; i < DEVICES; i++) {
        if (company->workers[i] != NULL)
            worker_finish(company->workers[i], clock_ms() + SOON);
    }
    served_close(&company->served);
    for (unsigned i = 0; i < DEVICES; i++)
        assert_int_equal(fake.parts[i].closes, fake.parts[i].refuses ? 0 : fake.parts[i].opens);
}

static bool all_are_ok(const struct company *company)
{
    for (unsigned i = 0; i < DEVICES; i++) {
        if (company->upses[i]->comms != UPS_OK)
            return false;
    }
    return true;
}

static bool has(const struct ups *ups, const char *name, const char *value)
{
    const char *now = ups_value(ups, name);

    return now != NULL && strcmp(now, value) == 0;
}

static int reset(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof fake);
    return 0;
}

static void test_one_thread_serves_all(void **state)
{
    struct company company;
    size_t before = thread_count();

    (void)state;
    assemble(&company);
    served_until(&company.served, all_are_ok(&company), SOON);
    assert_int_equal(thread_count(), before + 1);
    for (unsigned i = 0; i < DEVICES; i++) {
        assert_true(pthread_equal(fake.parts[i].thread, fake.parts[0].thread));
        assert_int_equal(fake.parts[i].polls, 1);
        assert_true(has(company.upses[i], "driver.name", "fake"));
    }
    assert_false(pthread_equal(fake.parts[0].thread, pthread_self()));
    dismiss(&company);
    assert_int_equal(thread_count(), before);
}

static void test_devices_that_wait_have_their_own(void **state)
{
    struct company company;
    size_t before = thread_count();

    (void)state;
    fake.waits = true;
    assemble(&company);
    served_until(&company.served, all_are_ok(&company), SOON);
    assert_int_equal(thread_count(), before + DEVICES);
    dismiss(&company);
    assert_int_equal(thread_count(), before);
}

static void test_what_one_says_by_itself(void **state)
{
    struct company company;

    (void)state;
    assemble(&company);
    served_until(&company.served, all_are_ok(&company), SOON);
    fake.parts[7].speaks = true;
    served_until(&company.served, has(company.upses[7], "ups.load", "2"), SOON);
    assert_int_equal(fake.parts[6].polls, 1);
    dismiss(&company);
}

static void test_requests(void **state)
{
    struct company company;

    (void)state;
    assemble(&company);
    served_until(&company.served, all_are_ok(&company), SOON);
    for (unsigned i = 0; i < DEVICES; i++)
        assert_int_not_equal(
            ups_request_command(company.served.store, company.upses[i], "beep", NULL), 0);
    served_until(&company.served, company.served.results == DEVICES, SOON);
    for (unsigned i = 0; i < DEVICES; i++) {
        assert_int_equal(company.served.outcomes[i], UPS_HANDLED);
        assert_true(has(company.upses[i], "test.echo", "beep"));
    }
    dismiss(&company);
}

static void test_one_that_cannot_be_opened(void **state)
{
    struct company company;

    (void)state;
    fake.parts[3].refuses = true;
    assemble(&company);
    served_until(&company.served, company.upses[3]->comms == UPS_LOST, SOON);
    served_until(&company.served, fake.parts[3].opens >= 3, SOON);
    assert_int_equal(company.upses[4]->comms, UPS_OK);
    assert_int_equal(fake.parts[4].opens, 1);
    dismiss(&company);
}

static void test_coming_and_going(void **state)
{
    struct company company;

    (void)state;
    assemble(&company);
    served_until(&company.served, all_are_ok(&company), SOON);
    /* The first, one in the middle and the last of them. */
    stop(&company, 0);
    stop(&company, 9);
    stop(&company, DEVICES - 1);
    assert_int_equal(fake.parts[9].closes, 1);
    fake.parts[8].speaks = fake.parts[10].speaks = true;
    served_until(&company.served,
                 has(company.upses[8], "ups.load", "2") && has(company.upses[10], "ups.load", "2"),
                 SOON);
    company.workers[9] = start(&company.served, company.upses[9], "ups9", 9);
    served_until(&company.served, has(company.upses[9], "ups.load", "2"), SOON);
    dismiss(&company);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_one_thread_serves_all, reset),
        cmocka_unit_test_setup(test_devices_that_wait_have_their_own, reset),
        cmocka_unit_test_setup(test_what_one_says_by_itself, reset),
        cmocka_unit_test_setup(test_requests, reset),
        cmocka_unit_test_setup(test_one_that_cannot_be_opened, reset),
        cmocka_unit_test_setup(test_coming_and_going, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
