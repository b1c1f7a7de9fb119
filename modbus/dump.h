/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: the registers of a device as a text file, which answers like the device would, so that a
 * map can be tried without one.
 *
 * Lines: "address value" or "address "text"" (two bytes a register), numbers in decimal or 0x...;
 * "[holding]", "[input]", "[coil]", "[discrete]", "[object]" (address: the number of a device
 * identification object) say what follows. Before any of these, lines count for holding and input
 * registers alike. "= variable value": what should come out. "! word": what else should. Comments
 * of the form "# table: both|holding|input", "# gaps: illegal|zero" and "# max-read: N" say how the
 * device behaves; illegal and 125 if they are missing. Other comments say nothing.
 */
#ifndef UPSBRIDGE_MODBUS_DUMP_H
#define UPSBRIDGE_MODBUS_DUMP_H

#include "modbus/decode.h"

#define DUMP_REGISTERS_MAX 65536u

struct modbus_dump;

/* NULL: it cannot be read, or has errors, which are reported with file and line. */
struct modbus_dump *dump_load(const char *path, struct config_report *report);
struct modbus_dump *dump_load_text(const char *path, const char *text, size_t length,
                                   struct config_report *report);
void dump_free(struct modbus_dump *dump);

/* Answers a read: 0 with the words, or an exception: 2 illegal address, 3 illegal count. */
unsigned dump_read(const struct modbus_dump *dump, const struct modbus_block *block,
                   uint16_t *words);
/* NULL: there is none. */
const char *dump_object(const struct modbus_dump *dump, uint8_t object);

/* Line i of what should come out; false: there is none. */
bool dump_expected(const struct modbus_dump *dump, size_t i, const char **name, const char **value);

/*
 * A poll of the dump as a driver would do it: all blocks read, refusals told to the plan. Returns
 * how many reads it took; *missing: something without which there is no status was refused.
 */
unsigned dump_poll(const struct modbus_dump *dump, struct modbus_plan *plan, enum plan_poll poll,
                   struct modbus_image *image, bool *missing);

#endif
