/* SPDX-License-Identifier: BSD-2-Clause */
#include "modbus/served_registers.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#define NAMES_MAX 3

enum shape { SHAPE_U16, SHAPE_S16, SHAPE_U32 };

/* A number of the vocabulary, times scale. */
struct number_row {
    uint16_t address;
    enum shape shape;
    unsigned scale;
    const char *names[NAMES_MAX]; /* the first that the device has */
};

static const struct number_row numbers[] = {
    { 10, SHAPE_U16, 10, { "battery.charge" } },
    { 11, SHAPE_U32, 1, { "battery.runtime" } },
    { 13, SHAPE_U16, 10, { "battery.voltage" } },
    { 14, SHAPE_S16, 10, { "battery.current" } },
    { 15, SHAPE_S16, 10, { "battery.temperature" } },
    { 16, SHAPE_S16, 10, { "ups.temperature" } },
    { 17, SHAPE_U16, 10, { "ups.load" } },
    { 18, SHAPE_U32, 1, { "ups.realpower", "output.realpower" } },
    { 20, SHAPE_U32, 1, { "ups.power", "output.power" } },
    { 22, SHAPE_U32, 1, { "ups.realpower.nominal" } },
    { 24, SHAPE_U32, 1, { "ups.power.nominal" } },
    { 26, SHAPE_U16, 100, { "input.frequency" } },
    { 27, SHAPE_U16, 100, { "output.frequency" } },
    { 28, SHAPE_U16, 100, { "input.bypass.frequency" } },
    { 29, SHAPE_U16, 1, { "input.phases" } },
    { 30, SHAPE_U16, 1, { "output.phases" } },
    { 31, SHAPE_U16, 10, { "input.L1-N.voltage", "input.L1.voltage", "input.voltage" } },
    { 32, SHAPE_U16, 10, { "input.L2-N.voltage", "input.L2.voltage" } },
    { 33, SHAPE_U16, 10, { "input.L3-N.voltage", "input.L3.voltage" } },
    { 34, SHAPE_U16, 10, { "input.L1.current", "input.current" } },
    { 35, SHAPE_U16, 10, { "input.L2.current" } },
    { 36, SHAPE_U16, 10, { "input.L3.current" } },
    { 37, SHAPE_U16, 10, { "output.L1-N.voltage", "output.L1.voltage", "output.voltage" } },
    { 38, SHAPE_U16, 10, { "output.L2-N.voltage", "output.L2.voltage" } },
    { 39, SHAPE_U16, 10, { "output.L3-N.voltage", "output.L3.voltage" } },
    { 40, SHAPE_U16, 10, { "output.L1.current", "output.current" } },
    { 41, SHAPE_U16, 10, { "output.L2.current" } },
    { 42, SHAPE_U16, 10, { "output.L3.current" } },
    { 43, SHAPE_U16, 10, { "output.L1.power.percent" } },
    { 44, SHAPE_U16, 10, { "output.L2.power.percent" } },
    { 45, SHAPE_U16, 10, { "output.L3.power.percent" } },
    { 46,
      SHAPE_U16,
      10,
      { "input.bypass.L1-N.voltage", "input.bypass.L1.voltage", "input.bypass.voltage" } },
    { 47, SHAPE_U16, 10, { "input.bypass.L2-N.voltage", "input.bypass.L2.voltage" } },
    { 48, SHAPE_U16, 10, { "input.bypass.L3-N.voltage", "input.bypass.L3.voltage" } },
    { 49, SHAPE_S16, 10, { "ambient.temperature" } },
    { 50, SHAPE_U16, 10, { "ambient.humidity" } },
    { 51, SHAPE_U16, 1, { "ups.delay.shutdown" } },
    { 52, SHAPE_U16, 1, { "ups.timer.shutdown" } },
    { 53, SHAPE_U16, 1, { "ups.timer.start" } },
    { 54, SHAPE_U16, 10, { "battery.charge.low" } },
    { 55, SHAPE_U32, 1, { "battery.runtime.low" } },
    { 57, SHAPE_U16, 10, { "input.transfer.low" } },
    { 58, SHAPE_U16, 10, { "input.transfer.high" } },
};

#define AGE_ADDRESS 2
#define PHASES_IN 29
#define PHASES_OUT 30
#define VOLTAGES_IN 31
#define VOLTAGES_OUT 37

#define TEXT_REGISTERS 16
#define ALARM_REGISTERS 32

static const struct {
    uint16_t address, registers; /* of two bytes each */
    const char *names[NAMES_MAX];
} texts[] = {
    { 116, TEXT_REGISTERS, { "ups.mfr", "device.mfr" } },
    { 132, TEXT_REGISTERS, { "ups.model", "device.model" } },
    { 148, TEXT_REGISTERS, { "ups.serial", "device.serial" } },
    { 164, TEXT_REGISTERS, { "ups.firmware" } },
    { 196, ALARM_REGISTERS, { "ups.alarm" } },
};
#define NAME_ADDRESS 100
#define DESCRIPTION_ADDRESS 180

/* Bit of registers 3 and 4: what it stands for. */
static const status_set status_bits[] = {
    STATUS_OL,      STATUS_OB,     STATUS_LB,    STATUS_HB,   STATUS_RB,   STATUS_CHRG,
    STATUS_DISCHRG, STATUS_BYPASS, STATUS_CAL,   STATUS_OFF,  STATUS_OVER, STATUS_TRIM,
    STATUS_BOOST,   STATUS_FSD,    STATUS_ALARM, STATUS_TEST, STATUS_ECO,
};
#define INPUT_OLD 17
#define INPUT_WAITS 18
#define INPUT_LOST 19

static const char *const commands[SERVED_COILS][NAMES_MAX] = {
    { "test.battery.start.quick", "test.battery.start" },
    { "test.battery.start.deep" },
    { "test.battery.stop" },
    { "beeper.mute" },
    { "beeper.enable" },
    { "beeper.disable" },
    { "load.off" },
    { "load.on" },
    { "shutdown.return" },
    { "shutdown.stop" },
};

/* Numbers ------------------------------------------------------------------------------------ */

static bool find_number(const struct ups *ups, const char *const names[static NAMES_MAX],
                        double *number)
{
    for (unsigned i = 0; i < NAMES_MAX && names[i] != NULL; i++) {
        if (ups_number(ups, names[i], number))
            return true;
    }
    return false;
}

static double clamp(double number, double least, double most)
{
    return number < least ? least : number > most ? most : number;
}

/* Below zero an unsigned one is not available: timers that do not run are. */
static void put_number(uint16_t *words, const struct number_row *row, bool known, double number)
{
    double value = known ? round(number * row->scale) : 0;

    known = known && isfinite(value) && (row->shape == SHAPE_S16 || value >= 0);
    switch (row->shape) {
    case SHAPE_U16:
        words[0] = known ? (uint16_t)clamp(value, 0, 0xfffe) : 0xffff;
        break;
    case SHAPE_S16:
        words[0] = known ? (uint16_t)(int16_t)clamp(value, -0x7fff, 0x7fff) : 0x8000;
        break;
    case SHAPE_U32: {
        uint32_t both = known ? (uint32_t)clamp(value, 0, 0xfffffffe) : 0xffffffff;

        words[0] = (uint16_t)(both >> 16);
        words[1] = (uint16_t)both;
        break;
    }
    }
}

/* Texts -------------------------------------------------------------------------------------- */

/* How much of a text fits, without part of a character of UTF-8. */
static size_t fitting(const char *text, size_t room)
{
    size_t length = strnlen(text, room + 1);

    if (length <= room)
        return length;
    for (length = room; length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80; length--) {
    }
    return length;
}

static void put_text(uint16_t *words, size_t registers, const char *text)
{
    size_t length = text == NULL ? 0 : fitting(text, 2 * registers);

    for (size_t i = 0; i < registers; i++) {
        unsigned high = 2 * i < length ? (unsigned char)text[2 * i] : 0;
        unsigned low = 2 * i + 1 < length ? (unsigned char)text[2 * i + 1] : 0;

        words[i] = (uint16_t)(high << 8 | low);
    }
}

static const char *find_text(const struct ups *ups, const char *const names[static NAMES_MAX])
{
    const char *text = NULL;

    for (unsigned i = 0; i < NAMES_MAX && names[i] != NULL && text == NULL; i++)
        text = ups_value(ups, names[i]);
    return text;
}

/* All of it ---------------------------------------------------------------------------------- */

static bool has_readings(const struct ups *ups)
{
    return ups->has_data && ups_fresh(ups);
}

uint32_t served_inputs(const struct ups *ups)
{
    uint32_t inputs = 0;

    for (unsigned i = 0; has_readings(ups) && i < sizeof status_bits / sizeof status_bits[0]; i++)
        inputs |= (ups->status & status_bits[i]) != 0 ? 1u << i : 0;
    inputs |= !ups_fresh(ups) ? 1u << INPUT_OLD : 0;
    inputs |= !ups->has_data ? 1u << INPUT_WAITS : 0;
    inputs |= ups->comms == UPS_LOST ? 1u << INPUT_LOST : 0;
    return inputs;
}

static uint16_t age_of(const struct ups *ups, uint64_t now)
{
    uint64_t seconds = now > ups->last_good ? (now - ups->last_good) / 1000 : 0;

    if (ups->last_good == 0)
        return 0xffff;
    return seconds < 0xfffe ? (uint16_t)seconds : 0xfffe;
}

/* A device that does not tell how many phases it has shows it by its voltages. */
static void guess_phases(uint16_t *words, unsigned phases, unsigned voltages)
{
    if (words[phases] == 0xffff && words[voltages] != 0xffff)
        words[phases] = words[voltages + 1] == 0xffff ? 1 : 3;
}

static void fill(const struct ups *ups, uint16_t words[static SERVED_REGISTERS])
{
    bool known = has_readings(ups);
    uint32_t inputs = served_inputs(ups);

    memset(words, 0xff, SERVED_REGISTERS * sizeof words[0]);
    words[0] = SERVED_VERSION;
    words[1] = (uint16_t)(ups->comms + 1);
    words[3] = (uint16_t)inputs;
    words[4] = (uint16_t)(inputs >> 16 & 1);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        double number = 0;
        bool found = known && find_number(ups, numbers[i].names, &number);

        put_number(words + numbers[i].address, &numbers[i], found, number);
    }
    guess_phases(words, PHASES_IN, VOLTAGES_IN);
    guess_phases(words, PHASES_OUT, VOLTAGES_OUT);
    put_text(words + NAME_ADDRESS, TEXT_REGISTERS, ups->name);
    put_text(words + DESCRIPTION_ADDRESS, TEXT_REGISTERS, ups->description);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        put_text(words + texts[i].address, texts[i].registers,
                 known ? find_text(ups, texts[i].names) : NULL);
}

const uint16_t *served_registers(struct served_snapshot *snapshot, const struct ups *ups,
                                 uint64_t now)
{
    if (snapshot->generation != ups->generation) {
        fill(ups, snapshot->words);
        snapshot->generation = ups->generation;
    }
    snapshot->words[AGE_ADDRESS] = age_of(ups, now);
    return snapshot->words;
}

const char *served_command(const struct ups *ups, unsigned coil)
{
    const char *found = NULL;

    for (unsigned i = 0; i < NAMES_MAX && commands[coil][i] != NULL && found == NULL; i++)
        found = ups_command_name(ups, commands[coil][i]);
    return found;
}

bool served_is_command(unsigned coil, const char *name)
{
    unsigned first = coil < SERVED_COILS ? coil : 0;
    unsigned last = coil < SERVED_COILS ? coil : SERVED_COILS - 1;

    for (unsigned at = first; at <= last; at++) {
        for (unsigned i = 0; i < NAMES_MAX && commands[at][i] != NULL; i++) {
            if (strcasecmp(commands[at][i], name) == 0)
                return true;
        }
    }
    return false;
}
