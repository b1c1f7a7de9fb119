/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes what registers become: the input is a dump, decoded by a map that has something of
 * everything. Nothing unbelievable is published, line and battery never at once, and what settings
 * and commands write fits.
 */
#include "core/variables.h"
#include "modbus/dump.h"
#include "tests/fuzz/demand.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char map_text[] =
    "[map]\nname = fuzz\nsource = fuzz\nmissing.s16 = 0x7fff\n"
    "[read]\nreadable = @0..40\noptional = @200..210\n"
    "[registers]\nstate = @0\nflags = @1:u32\n"
    "[delays]\nups.delay.start = 60 range 0..600 step 10\n"
    "[values]\nups.model = @10:string8\nups.serial = @20:string4:badc\n"
    "input.voltage = @3 / 10\nups.temperature = @4:s16 / 10\nbattery.runtime = @5:u32:cdab\n"
    "output.voltage = @7:float:dcba within 1..500\noutput.current = @30:double\n"
    "battery.charge = @9:bcd16\nups.load = @200 % 100 when @201 in 1..5, 9\n"
    "battery.voltage = @202:u64:badc / @204\nbattery.temperature = @206 in K\n"
    "battery.date = @207 days-since 2000-01-01\nbattery.mfr.date = @208 packed-date\n"
    "ups.firmware = @fc43:2\nups.id = @fc43:3 field 4\n"
    "ups.test.result = bits @2 {0:\"a\" 15:\"b\"}\ninput.transfer.reason = @38 {1:\"x\" other}\n"
    "ups.contacts = @39 & 7 {1:\"one\" other:\"more\"}\n"
    "[status]\nselect state {0:OFF 1:OL 2:OB DISCHRG 3:BYPASS}\nOL = flags.0\nOB = flags.17\n"
    "LB = @discrete:3 or not @coil:4 and input.voltage < 50\nstale = @40 == 1234\n"
    "[alarms]\n\"Fault\" = flags.3..5 == 5\nbits @2 {3:\"three\"}\n"
    "[settings]\nups.delay.shutdown = @100:s16 / 2 range 0..600 step 5\n"
    "ups.beeper.status = @101.3 {0:\"enabled\" 1:\"disabled\"}\noutlet.name = @102:string4\n"
    "[commands]\nload.off = require state == 1 ; write @110 ups.delay.start / 10, @3, parameter ;"
    " set @112.3 ; expect @113 == 1 within 2s\n";

static void ignore_complaint(void *context, bool is_error, const char *text)
{
    (void)context;
    demand(!is_error || text[0] != '\0');
}

static void check_item(const struct update_item *item)
{
    const struct variable_info *info = variable_find(item->name);
    double number;

    if (item->kind != UPDATE_SET)
        return;
    demand(item->value[0] != '\0' && strlen(item->value) <= UPDATE_VALUE_MAX);
    if (info != NULL && info->type == TYPE_NUMBER) {
        demand(number_parse(item->value, &number));
        demand(number >= info->minimum - 0.5 && number <= info->maximum + 0.5);
    }
    if (strcmp(item->name, "ups.status") == 0)
        demand(strstr(item->value, "OL") == NULL || strstr(item->value, "OB") == NULL);
}

static void decode(struct modbus_image *image, enum plan_poll poll)
{
    struct update update = { 0 };
    struct update_item item;
    size_t cursor = 0;

    image_decode(image, poll, &update, NULL);
    demand(update_ok(&update));
    while (update_next(&update, &cursor, &item))
        check_item(&item);
    update_clear(&update);
}

static void carry_out(struct modbus_image *image, struct modbus_order *order)
{
    struct modbus_action action;
    bool failed;

    for (unsigned steps = 0; order_next(order, &action, &failed); steps++) {
        demand(steps < 64 && action.count <= MODBUS_WRITE_MAX);
        if (action.kind == MODBUS_DO_CHECK)
            image_action_holds(image, &action);
    }
    order_free(order);
}

static void write_settings(struct modbus_image *image, const char *value)
{
    static const char *const names[] = { "ups.delay.shutdown", "ups.beeper.status", "outlet.name",
                                         "ups.delay.start", "ups.load" };
    struct modbus_order *order;
    char problem[256];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (image_set(image, names[i], value, &order, problem, sizeof problem) == MODBUS_ACTIONS)
            carry_out(image, order);
    }
    if (image_command(image, "load.off", value, &order, problem, sizeof problem) == MODBUS_ACTIONS)
        carry_out(image, order);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_report report = { .sink = ignore_complaint };
    struct modbus_map *map = map_load_text("fuzz.map", map_text, sizeof map_text - 1, &report);
    struct modbus_dump *dump = dump_load_text("fuzz.txt", (const char *)data, size, &report);
    char value[64];
    bool missing;

    demand(map != NULL);
    if (dump != NULL) {
        struct modbus_plan *plan = plan_new(map);
        struct modbus_image *image = image_new(map);

        demand(plan != NULL && image != NULL);
        demand(dump_poll(dump, plan, PLAN_FIRST, image, &missing) < 1000);
        decode(image, PLAN_FIRST);
        dump_poll(dump, plan, PLAN_QUICK, image, &missing);
        decode(image, PLAN_QUICK);
        snprintf(value, sizeof value, "%.*s", (int)(size < 60 ? size : 60), (const char *)data);
        write_settings(image, value);
        write_settings(image, "35");
        image_free(image);
        plan_free(plan);
    }
    dump_free(dump);
    map_free(map);
    return 0;
}
