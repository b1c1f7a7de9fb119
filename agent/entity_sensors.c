/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/entity_sensors.h"

#include "core/variables.h"

#include <string.h>
#include <strings.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
#define NAME_SIZE 64

/* What a part is made of; its number is the place in the table, from 1. */
static const struct {
    const char *name;
    enum entity_class class;
} parts[] = {
    { "UPS", CLASS_CHASSIS },         { "Input", CLASS_POWER_SUPPLY },
    { "Output", CLASS_POWER_SUPPLY }, { "Battery", CLASS_BATTERY },
    { "Bypass", CLASS_POWER_SUPPLY }, { "Ambient", CLASS_OTHER },
};

enum part { PART_UPS = 1, PART_INPUT, PART_OUTPUT, PART_BATTERY, PART_BYPASS, PART_AMBIENT };

/* Part of a sensor's number: never to be changed. */
enum quantity {
    QUANTITY_VOLTAGE = 1,
    QUANTITY_CURRENT,
    QUANTITY_FREQUENCY,
    QUANTITY_REAL_POWER,
    QUANTITY_POWER,
    QUANTITY_LOAD,
    QUANTITY_TEMPERATURE,
    QUANTITY_CHARGE,
    QUANTITY_RUNTIME,
};
#define QUANTITY_HUMIDITY QUANTITY_CHARGE
#define QUANTITY_EFFICIENCY QUANTITY_CHARGE

struct sensor {
    enum part part;
    enum quantity quantity;
    enum sensor_type type;
    unsigned precision;
    const char *prefix, *suffix; /* of the variable */
    const char *what;
    bool lines; /* there may be one for each line */
};

/* In order of numbers. */
static const struct sensor sensors[] = {
    { PART_UPS, QUANTITY_REAL_POWER, SENSOR_WATTS, 0, "ups", "realpower", "real power", false },
    { PART_UPS, QUANTITY_POWER, SENSOR_OTHER, 0, "ups", "power", "apparent power", false },
    { PART_UPS, QUANTITY_LOAD, SENSOR_OTHER, 1, "ups", "load", "load", false },
    { PART_UPS, QUANTITY_TEMPERATURE, SENSOR_CELSIUS, 1, "ups", "temperature", "temperature",
      false },
    { PART_UPS, QUANTITY_EFFICIENCY, SENSOR_OTHER, 1, "ups", "efficiency", "efficiency", false },

    { PART_INPUT, QUANTITY_VOLTAGE, SENSOR_VOLTS_AC, 1, "input", "voltage", "voltage", true },
    { PART_INPUT, QUANTITY_CURRENT, SENSOR_AMPERES, 2, "input", "current", "current", true },
    { PART_INPUT, QUANTITY_FREQUENCY, SENSOR_HERTZ, 2, "input", "frequency", "frequency", true },
    { PART_INPUT, QUANTITY_REAL_POWER, SENSOR_WATTS, 0, "input", "realpower", "real power", true },
    { PART_INPUT, QUANTITY_POWER, SENSOR_OTHER, 0, "input", "power", "apparent power", true },
    { PART_INPUT, QUANTITY_LOAD, SENSOR_OTHER, 1, "input", "load", "load", true },

    { PART_OUTPUT, QUANTITY_VOLTAGE, SENSOR_VOLTS_AC, 1, "output", "voltage", "voltage", true },
    { PART_OUTPUT, QUANTITY_CURRENT, SENSOR_AMPERES, 2, "output", "current", "current", true },
    { PART_OUTPUT, QUANTITY_FREQUENCY, SENSOR_HERTZ, 2, "output", "frequency", "frequency", true },
    { PART_OUTPUT, QUANTITY_REAL_POWER, SENSOR_WATTS, 0, "output", "realpower", "real power",
      true },
    { PART_OUTPUT, QUANTITY_POWER, SENSOR_OTHER, 0, "output", "power", "apparent power", true },
    { PART_OUTPUT, QUANTITY_LOAD, SENSOR_OTHER, 1, "output", "power.percent", "load", true },

    { PART_BATTERY, QUANTITY_VOLTAGE, SENSOR_VOLTS_DC, 1, "battery", "voltage", "voltage", false },
    { PART_BATTERY, QUANTITY_CURRENT, SENSOR_AMPERES, 2, "battery", "current", "current", false },
    { PART_BATTERY, QUANTITY_TEMPERATURE, SENSOR_CELSIUS, 1, "battery", "temperature",
      "temperature", false },
    { PART_BATTERY, QUANTITY_CHARGE, SENSOR_OTHER, 1, "battery", "charge", "charge", false },
    { PART_BATTERY, QUANTITY_RUNTIME, SENSOR_OTHER, 0, "battery", "runtime", "runtime", false },

    { PART_BYPASS, QUANTITY_VOLTAGE, SENSOR_VOLTS_AC, 1, "input.bypass", "voltage", "voltage",
      true },
    { PART_BYPASS, QUANTITY_CURRENT, SENSOR_AMPERES, 2, "input.bypass", "current", "current",
      true },
    { PART_BYPASS, QUANTITY_FREQUENCY, SENSOR_HERTZ, 2, "input.bypass", "frequency", "frequency",
      true },
    { PART_BYPASS, QUANTITY_REAL_POWER, SENSOR_WATTS, 0, "input.bypass", "realpower", "real power",
      true },
    { PART_BYPASS, QUANTITY_POWER, SENSOR_OTHER, 0, "input.bypass", "power", "apparent power",
      true },

    { PART_AMBIENT, QUANTITY_TEMPERATURE, SENSOR_CELSIUS, 1, "ambient", "temperature",
      "temperature", false },
    { PART_AMBIENT, QUANTITY_HUMIDITY, SENSOR_HUMIDITY, 1, "ambient", "humidity", "humidity",
      false },
};

/* How lines are called in variables: the first name that a device has counts. */
static const char *const lines[][2] = {
    { NULL, NULL },    { "L1-N", "L1" },  { "L2-N", "L2" },  { "L3-N", "L3" },
    { "L1-L2", NULL }, { "L2-L3", NULL }, { "L3-L1", NULL }, { "N", NULL },
};

const char *entity_line_text(unsigned line)
{
    static const char *const texts[] = { "", "L1", "L2", "L3", "L1-L2", "L2-L3", "L3-L1", "N" };

    return texts[line];
}

/* The device being looked through. */
struct finding {
    const struct monitor *monitor;
    struct entity *out; /* sensors go behind the UPS and its parts */
    size_t count;
    bool has_part[COUNT_OF(parts) + 1];
    bool has_lines[COUNT_OF(parts) + 1]; /* the part has variables of single lines */
};

static char *append(char *out, const char *text)
{
    size_t length = strlen(text);

    memcpy(out, text, length);
    return out + length;
}

/*
 * "input.L1-N.voltage", or without a line. By hand: this is done for thousands of names when a
 * whole site is shown. All there are fit.
 */
static void make_name(char name[NAME_SIZE], const struct sensor *sensor, const char *line)
{
    char *end = append(name, sensor->prefix);

    if (line != NULL) {
        *end++ = '.';
        end = append(end, line);
    }
    *end++ = '.';
    end = append(end, sensor->suffix);
    *end = '\0';
}

static const struct ups_variable *find_number(const struct ups *ups, const char *name)
{
    const struct ups_variable *variable = ups_variable(ups, name);

    return variable != NULL && variable->is_number ? variable : NULL;
}

static const struct ups_variable *find_line(const struct ups *ups, const struct sensor *sensor,
                                            unsigned line)
{
    const struct ups_variable *variable = NULL;
    char name[NAME_SIZE];

    for (size_t i = 0; i < 2 && variable == NULL && lines[line][i] != NULL; i++) {
        make_name(name, sensor, lines[line][i]);
        variable = find_number(ups, name);
    }
    return variable;
}

static void add_sensor(struct finding *finding, const struct sensor *sensor, unsigned line,
                       const struct ups_variable *variable)
{
    const struct variable_info *info = variable_find(variable->name);

    if (finding->count == ENTITIES_MAX)
        return;
    finding->has_part[sensor->part] = true;
    finding->out[finding->count++] = (struct entity){
        .monitor = finding->monitor,
        .number = (uint16_t)(sensor->part * 100 + sensor->quantity * 10 + line),
        .parent = (uint16_t)sensor->part,
        .class = CLASS_SENSOR,
        .type = (uint8_t)sensor->type,
        .precision = (uint8_t)sensor->precision,
        .line = (uint8_t)line,
        .part = parts[sensor->part - 1].name,
        .what = sensor->what,
        .unit = info == NULL ? "" : variable_unit_text(info->unit),
        .variable = variable,
    };
}

static void find_sensor(struct finding *finding, const struct sensor *sensor)
{
    const struct ups *ups = finding->monitor->ups;
    char name[NAME_SIZE];

    make_name(name, sensor, NULL);
    const struct ups_variable *variable = find_number(ups, name);
    if (variable != NULL)
        add_sensor(finding, sensor, 0, variable);
    if (!sensor->lines || !finding->has_lines[sensor->part])
        return;
    for (unsigned line = 1; line < COUNT_OF(lines); line++) {
        variable = find_line(ups, sensor, line);
        if (variable != NULL)
            add_sensor(finding, sensor, line, variable);
    }
}

/* Most devices have a single line: that is seen at once, instead of by dozens of questions. */
static void find_lines(struct finding *finding)
{
    static const struct {
        enum part part;
        const char *prefix;
    } prefixes[] = { { PART_INPUT, "input." },
                     { PART_OUTPUT, "output." },
                     { PART_BYPASS, "input.bypass." } };
    const struct ups *ups = finding->monitor->ups;

    for (size_t i = 0; i < ups->variable_count; i++) {
        for (size_t p = 0; p < COUNT_OF(prefixes); p++) {
            const char *name = ups->variables[i].name;
            size_t length = strlen(prefixes[p].prefix);

            if (strncasecmp(name, prefixes[p].prefix, length) == 0 &&
                ((strncasecmp(name + length, "L", 1) == 0 && name[length + 1] >= '1' &&
                  name[length + 1] <= '3') ||
                 strncasecmp(name + length, "N.", 2) == 0))
                finding->has_lines[prefixes[p].part] = true;
        }
    }
}

size_t entity_sensors_find(const struct monitor *monitor, struct entity out[ENTITIES_MAX])
{
    struct entity found[ENTITIES_MAX];
    struct finding finding = { .monitor = monitor, .out = found };
    size_t count = 0;

    find_lines(&finding);
    finding.has_part[PART_UPS] = true;
    for (size_t i = 0; i < COUNT_OF(sensors) && monitor->ups->has_data; i++)
        find_sensor(&finding, &sensors[i]);
    for (size_t part = 1; part <= COUNT_OF(parts); part++) {
        if (finding.has_part[part])
            out[count++] = (struct entity){ .monitor = monitor,
                                            .number = (uint16_t)part,
                                            .parent = part == PART_UPS ? 0 : PART_UPS,
                                            .class = (uint8_t)parts[part - 1].class,
                                            .part = parts[part - 1].name };
    }
    for (size_t i = 0; i < finding.count && count < ENTITIES_MAX; i++)
        out[count++] = found[i];
    return count;
}
