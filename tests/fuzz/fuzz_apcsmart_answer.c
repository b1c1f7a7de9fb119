/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes what a UPS with APC's smart protocol says. Input: the kind of the answers, then bytes of
 * the line. Each line is taken for a value of each shape, for a status, for a command set and for a
 * capability string: whatever passes must look as it has to.
 */
#include "drivers/apcsmart/answer.h"
#include "drivers/apcsmart/tables.h"
#include "tests/fuzz/demand.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_values(const struct apc_answer *answer)
{
    for (enum apc_shape shape = APC_NUMBER; shape <= APC_TEXT; shape++) {
        char value[64] = "";

        if (!apc_value(shape, answer->text, answer->length, value, sizeof value))
            continue;
        demand(value[0] != '\0' && strlen(value) < sizeof value);
        for (const char *byte = value; *byte != '\0'; byte++)
            demand(*byte >= ' ' && *byte <= '~');
        demand(shape != APC_NUMBER || strspn(value, "0123456789.") == strlen(value));
    }
}

static void check_status(const struct apc_answer *answer)
{
    char status[64];
    unsigned bits = 0;

    if (!apc_status(answer->text, answer->length, status, sizeof status, &bits))
        return;
    demand(answer->length == 2);
    demand((strstr(status, "OB") != NULL) == ((bits & APC_STATUS_ON_BATTERY) != 0));
    demand(strstr(status, "OB") == NULL || strstr(status, "OL") == NULL);
}

static void check_tables(const struct apc_answer *answer)
{
    static struct apc_capabilities capabilities;
    struct apc_command_set set;

    demand(!apc_command_set_read(&set, answer->text, answer->length) ||
           apc_command_set_has(&set, 'Q'));
    bool is_good = apc_capabilities_read(&capabilities, answer->text, answer->length, 'I');
    demand(is_good == (capabilities.count > 0));
    for (size_t i = 0; i < capabilities.count; i++) {
        const struct apc_capability *setting = &capabilities.settings[i];

        demand(setting->count > 0 && setting->count <= APC_CHOICES_MAX);
        for (unsigned choice = 0; choice < setting->count; choice++)
            demand(strlen(setting->choices[choice]) <= APC_CHOICE_LENGTH);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct apc_answer answer;

    if (size == 0)
        return 0;
    enum apc_kind kind = (enum apc_kind)(data[0] % 4);
    answer = (struct apc_answer){ .kind = kind };
    for (size_t i = 1; i < size; i++) {
        if (!apc_answer_take(&answer, (char)data[i]))
            continue;
        demand(answer.length > 0 && answer.length <= APC_ANSWER_MAX);
        check_values(&answer);
        check_status(&answer);
        check_tables(&answer);
        answer = (struct apc_answer){ .kind = kind };
    }
    return 0;
}
