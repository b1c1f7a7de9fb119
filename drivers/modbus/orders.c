/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/log.h"
#include "core/loop.h"
#include "drivers/modbus/modbus_device.h"

#include <time.h>

#define LOOK_MS 100u  /* how often it is asked whether to stop */
#define AGAIN_MS 100u /* between two looks at what is to come true */
#define ILLEGAL_VALUE 3

/* False: the caller is to stop. */
static bool wait_ms(const struct device *device, unsigned milliseconds)
{
    uint64_t end = clock_ms() + milliseconds;

    for (uint64_t now = clock_ms(); now < end; now = clock_ms()) {
        unsigned span = end - now < LOOK_MS ? (unsigned)(end - now) : LOOK_MS;
        struct timespec time = { .tv_nsec = (long)span * 1000000 };

        if (driver_must_stop(device))
            return false;
        nanosleep(&time, NULL);
    }
    return true;
}

static enum ups_outcome failed(const struct device *device, const char *name, const char *why)
{
    log_warning("[%s] %s: %s", device->name, name, why);
    return UPS_FAILED;
}

/* What the unit said to a write. */
static enum ups_outcome judge(const struct device *device, const char *name, enum bus_result result)
{
    const struct modbus_device *modbus = device->state;

    if (result == BUS_OK)
        return UPS_HANDLED;
    failed(device, name, bus_problem(modbus->reader.station));
    return result == BUS_EXCEPTION && bus_exception(modbus->reader.station) == ILLEGAL_VALUE
               ? UPS_INVALID
               : UPS_FAILED;
}

/* Until it holds, or its time is over. */
static enum ups_outcome check(struct device *device, const char *name,
                              const struct modbus_action *action)
{
    struct modbus_device *modbus = device->state;
    uint64_t end = clock_ms() + action->milliseconds;

    for (;;) {
        enum bus_result result = BUS_OK;

        for (size_t i = 0; i < action->block_count && result == BUS_OK; i++)
            result = poll_block(&modbus->reader, &action->blocks[i]);
        if (result == BUS_OK && image_action_holds(modbus->reader.image, action))
            return UPS_HANDLED;
        if (clock_ms() >= end)
            return result == BUS_OK ? failed(device, name, action->problem)
                                    : failed(device, name, bus_problem(modbus->reader.station));
        if (!wait_ms(device, AGAIN_MS))
            return UPS_FAILED;
    }
}

static enum ups_outcome carry_out(struct device *device, const char *name,
                                  const struct modbus_action *action)
{
    struct modbus_device *modbus = device->state;
    enum modbus_write function = modbus->reader.map->limits.write;

    switch (action->kind) {
    case MODBUS_DO_WRITE:
        return judge(device, name,
                     bus_write(modbus->reader.station, action->table, action->address,
                               action->count, action->words, function));
    case MODBUS_DO_MODIFY:
        return judge(device, name,
                     bus_modify(modbus->reader.station, action->address, action->keep, action->set,
                                function));
    case MODBUS_DO_WAIT:
        return wait_ms(device, action->milliseconds) ? UPS_HANDLED : UPS_FAILED;
    case MODBUS_DO_CHECK:
        return check(device, name, action);
    }
    return UPS_FAILED;
}

static enum ups_outcome carry_out_all(struct device *device, const char *name,
                                      struct modbus_order *order)
{
    struct modbus_device *modbus = device->state;
    enum ups_outcome outcome = UPS_HANDLED;
    struct modbus_action action;
    bool has_failed = false;

    modbus->has_written = true;
    while (outcome == UPS_HANDLED && order_next(order, &action, &has_failed))
        outcome = carry_out(device, name, &action);
    order_free(order);
    return has_failed ? failed(device, name, action.problem) : outcome;
}

static enum ups_outcome answer_to(struct device *device, const char *name,
                                  enum modbus_answer answer, struct modbus_order *order,
                                  const char *problem, struct update *update)
{
    struct modbus_device *modbus = device->state;

    switch (answer) {
    case MODBUS_ACTIONS:
        return carry_out_all(device, name, order);
    case MODBUS_KEPT:
        image_tell(modbus->reader.image, name, update);
        return UPS_HANDLED;
    case MODBUS_UNKNOWN:
        return UPS_UNKNOWN;
    case MODBUS_INVALID:
        failed(device, name, problem);
        return UPS_INVALID;
    }
    return UPS_FAILED;
}

enum ups_outcome modbus_command(struct device *device, const char *name, const char *parameter,
                                struct update *update)
{
    struct modbus_device *modbus = device->state;
    struct modbus_order *order = NULL;
    char problem[160] = "";
    enum modbus_answer answer =
        image_command(modbus->reader.image, name, parameter, &order, problem, sizeof problem);

    return answer_to(device, name, answer, order, problem, update);
}

enum ups_outcome modbus_set(struct device *device, const char *name, const char *value,
                            struct update *update)
{
    struct modbus_device *modbus = device->state;
    struct modbus_order *order = NULL;
    char problem[160] = "";
    enum modbus_answer answer =
        image_set(modbus->reader.image, name, value, &order, problem, sizeof problem);

    return answer_to(device, name, answer, order, problem, update);
}
