/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/megatec/dialect.h"

/* Fields ------------------------------------------------------------------------------------- */

static const struct megatec_field status_fields[] = {
    { "input.voltage", 0, 1, 1, SLOT_INPUT, false },
    { "input.voltage.fault", 1, 1, 1, SLOT_NONE, false },
    { "output.voltage", 2, 1, 1, SLOT_OUTPUT, false },
    { "ups.load", 3, 0, 1, SLOT_LOAD, false },
    { "input.frequency", 4, 1, 1, SLOT_FREQUENCY, false },
    { NULL, 5, 0, 1, SLOT_BATTERY, false },
    { "ups.temperature", 6, 1, 1, SLOT_NONE, false },
    { 0 },
};

static const struct megatec_field qs_fields[] = {
    { "input.voltage", 0, 1, 1, SLOT_INPUT, false },
    { "input.voltage.fault", 1, 1, 1, SLOT_NONE, false },
    { "output.voltage", 2, 1, 1, SLOT_OUTPUT, false },
    { "ups.load", 3, 0, 1, SLOT_LOAD, false },
    { "output.frequency", 4, 1, 1, SLOT_FREQUENCY, false },
    { NULL, 5, 0, 1, SLOT_BATTERY, false },
    { "ups.temperature", 6, 1, 1, SLOT_NONE, false },
    { 0 },
};

/* Where Q6 tells the rest, and better. */
static const struct megatec_field q6_status_fields[] = {
    { NULL, 0, 0, 1, SLOT_INPUT, false },
    { "input.voltage.fault", 1, 1, 1, SLOT_NONE, false },
    { NULL, 2, 0, 1, SLOT_OUTPUT, false },
    { NULL, 4, 0, 1, SLOT_FREQUENCY, false },
    { 0 },
};

static const struct megatec_field rating_fields[] = {
    { "input.voltage.nominal", 0, 0, 1, SLOT_NONE, true },
    { "input.current.nominal", 1, 1, 1, SLOT_NONE, true },
    { "battery.voltage.nominal", 2, 1, 1, SLOT_NOMINAL, true },
    { "input.frequency.nominal", 3, 0, 1, SLOT_NONE, true },
    { 0 },
};

static const struct megatec_field output_rating_fields[] = {
    { "output.voltage.nominal", 0, 1, 1, SLOT_NONE, true },
    { "output.current.nominal", 1, 1, 1, SLOT_NONE, true },
    { "battery.voltage.nominal", 2, 1, 1, SLOT_NOMINAL, true },
    { "output.frequency.nominal", 3, 1, 1, SLOT_NONE, true },
    { 0 },
};

static const struct megatec_field qgs_fields[] = {
    { "input.voltage", 0, 1, 1, SLOT_INPUT, false },
    { "input.frequency", 1, 1, 1, SLOT_FREQUENCY, false },
    { "output.voltage", 2, 1, 1, SLOT_OUTPUT, false },
    { "output.frequency", 3, 1, 1, SLOT_NONE, false },
    { "output.current", 4, 1, 1, SLOT_NONE, false },
    { "ups.load", 5, 0, 1, SLOT_LOAD, false },
    { NULL, 8, 0, 1, SLOT_BATTERY_WHOLE, false },
    { "ups.temperature", 10, 1, 1, SLOT_NONE, false },
    { 0 },
};

static const struct megatec_field qbv_fields[] = {
    { NULL, 0, 0, 1, SLOT_BATTERY_WHOLE, false },
    { "battery.number", 1, 0, 1, SLOT_NONE, true },
    { "battery.packs", 2, 0, 1, SLOT_NONE, true },
    { "battery.charge", 3, 0, 1, SLOT_CHARGE, false },
    { "battery.runtime", 4, 0, 60, SLOT_RUNTIME, false },
    { 0 },
};

static const struct megatec_field qi_fields[] = {
    { "battery.charge", 0, 0, 1, SLOT_CHARGE, false },
    { "battery.runtime", 1, 0, 1, SLOT_RUNTIME, false },
    { "input.frequency", 2, 1, 1, SLOT_NONE, false },
    { "output.current", 3, 1, 1, SLOT_NONE, false },
    { "input.transfer.low", 4, 0, 1, SLOT_NONE, true },
    { "input.transfer.high", 5, 0, 1, SLOT_NONE, true },
    { 0 },
};

static const struct megatec_field q6_fields[] = {
    { "input.L1-N.voltage", 0, 1, 1, SLOT_NONE, false },
    { "input.L2-N.voltage", 1, 1, 1, SLOT_NONE, true },
    { "input.L3-N.voltage", 2, 1, 1, SLOT_NONE, true },
    { "input.frequency", 3, 1, 1, SLOT_NONE, false },
    { "output.voltage", 4, 1, 1, SLOT_NONE, false },
    { "output.L2-N.voltage", 5, 1, 1, SLOT_NONE, true },
    { "output.L3-N.voltage", 6, 1, 1, SLOT_NONE, true },
    { "output.frequency", 7, 1, 1, SLOT_NONE, false },
    { "ups.load", 8, 0, 1, SLOT_LOAD, false },
    { NULL, 11, 0, 1, SLOT_BATTERY_WHOLE, false },
    { "ups.temperature", 13, 1, 1, SLOT_NONE, false },
    { "battery.runtime", 14, 0, 1, SLOT_RUNTIME, false },
    { "battery.charge", 15, 0, 1, SLOT_CHARGE, false },
    { 0 },
};

static const struct megatec_field wa_fields[] = {
    { "output.realpower", 6, 0, 1000, SLOT_NONE, false },
    { "output.power", 7, 0, 1000, SLOT_NONE, false },
    { "output.current", 8, 1, 1, SLOT_NONE, false },
    { 0 },
};

static const struct megatec_field bps_fields[] = {
    { "input.bypass.voltage", 0, 1, 1, SLOT_NONE, false },
    { "input.bypass.frequency", 3, 1, 1, SLOT_NONE, false },
    { 0 },
};

static const struct megatec_field best_fields[] = {
    { "ups.model", 0, MEGATEC_AS_TEXT, 1, SLOT_NONE, false },
    { "ups.power.nominal", 1, 0, 1, SLOT_NONE, true },
    { "input.voltage.nominal", 2, 0, 1, SLOT_NONE, true },
    { "output.voltage.nominal", 3, 0, 1, SLOT_NONE, true },
    { "battery.voltage.low", 4, 1, 1, SLOT_LOW, true },
    { "battery.voltage.high", 5, 1, 1, SLOT_HIGH, true },
    { 0 },
};

static const struct megatec_field best_runtime_fields[] = {
    { "battery.runtime", 0, 0, 60, SLOT_RUNTIME, false },
    { 0 },
};

static const struct megatec_field omron_fields[] = {
    { "ups.realpower.nominal", 0, 0, 1, SLOT_NONE, true },
    { "ups.power.nominal", 1, 0, 1, SLOT_NONE, true },
    { "battery.voltage.nominal", 2, 0, 1, SLOT_NOMINAL, true },
    { 0 },
};

static const struct megatec_field best_packs_fields[] = {
    { "battery.packs", 0, 0, 1, SLOT_NONE, true },
    { 0 },
};

/* Columns ------------------------------------------------------------------------------------ */

static const struct megatec_column vendor_columns[] = {
    { "ups.mfr", 1, 15, NULL },
    { "ups.model", 17, 26, NULL },
    { "ups.firmware", 28, 37, NULL },
    { 0 },
};
static const struct megatec_column qmd_columns[] = { { "ups.model", 1, 15, NULL }, { 0 } };
static const struct megatec_column qvfw_columns[] = { { "ups.firmware", 7, 14, NULL }, { 0 } };
static const struct megatec_column qid_columns[] = { { "ups.serial", 1, 20, NULL }, { 0 } };
static const struct megatec_column qmf_columns[] = { { "ups.mfr", 1, 15, NULL }, { 0 } };
static const struct megatec_column fw_columns[] = { { "ups.firmware", 0, 20, NULL }, { 0 } };
static const struct megatec_column sasv_columns[] = { { "ups.serial", 7, 40, NULL }, { 0 } };
static const struct megatec_column wh_columns[] = { { "ups.model", 16, 40, NULL }, { 0 } };
static const struct megatec_column letter_columns[] = { { "ups.firmware.aux", 0, 0, "PM-" },
                                                        { 0 } };
static const struct megatec_column protocol_columns[] = { { "ups.firmware.aux", 3, 4, "P" },
                                                          { 0 } };

/* Questions ---------------------------------------------------------------------------------- */

#define STATUS_QUESTION(question, fields)                             \
    {                                                                 \
        question, MEGATEC_FIELDS, '(', 8, 8, fields, NULL, BITS_Q1, 7 \
    }

static const struct megatec_question ask_q1 = STATUS_QUESTION("Q1", status_fields);
static const struct megatec_question ask_d = STATUS_QUESTION("D", status_fields);
static const struct megatec_question ask_mustek = STATUS_QUESTION("QS", status_fields);
static const struct megatec_question ask_qs = STATUS_QUESTION("QS", qs_fields);
static const struct megatec_question ask_q6_status = STATUS_QUESTION("Q1", q6_status_fields);
static const struct megatec_question ask_qs_hex = { "QS",      MEGATEC_BINARY, '#',     8, 8,
                                                    qs_fields, NULL,           BITS_Q1, 7 };
static const struct megatec_question ask_qgs = { "QGS",      MEGATEC_FIELDS, '(',      12, 12,
                                                 qgs_fields, NULL,           BITS_QGS, 11 };
static const struct megatec_question ask_qmod = { "QMOD", MEGATEC_FIELDS, '(',       1, 1,
                                                  NULL,   NULL,           BITS_MODE, 0 };

const struct megatec_question megatec_ask_rating = { "F",           MEGATEC_FIELDS, '#',       4, 4,
                                                     rating_fields, NULL,           BITS_NONE, 0 };
static const struct megatec_question ask_output_rating = {
    "F", MEGATEC_FIELDS, '#', 4, 4, output_rating_fields, NULL, BITS_NONE, 0
};
static const struct megatec_question ask_qri = { "QRI", MEGATEC_FIELDS,       '(',  4,
                                                 4,     output_rating_fields, NULL, BITS_NONE,
                                                 0 };
const struct megatec_question megatec_ask_vendor = { "I",  MEGATEC_TEXT,   '#',       30, 60,
                                                     NULL, vendor_columns, BITS_NONE, 0 };
static const struct megatec_question ask_firmware = { "FW?", MEGATEC_TEXT,   '#',       30, 60,
                                                      NULL,  vendor_columns, BITS_NONE, 0 };
static const struct megatec_question ask_q6_firmware = { "FW?", MEGATEC_TEXT, '\0',      3, 20,
                                                         NULL,  fw_columns,   BITS_NONE, 0 };
static const struct megatec_question ask_serial = { "SASV07?", MEGATEC_TEXT, 'G',       8, 40,
                                                    NULL,      sasv_columns, BITS_NONE, 0 };
static const struct megatec_question ask_wh = { "WH", MEGATEC_TEXT, '(',       60, 160,
                                                NULL, wh_columns,   BITS_NONE, 0 };
const struct megatec_question megatec_ask_protocol = { "QPI", MEGATEC_TEXT,     '(',       5, 5,
                                                       NULL,  protocol_columns, BITS_NONE, 0 };
const struct megatec_question megatec_ask_letter = { "M",  MEGATEC_TEXT,   '\0',      1, 1,
                                                     NULL, letter_columns, BITS_NONE, 0 };
static const struct megatec_question ask_qbv = { "QBV",      MEGATEC_FIELDS, '(',       5, 5,
                                                 qbv_fields, NULL,           BITS_NONE, 0 };
static const struct megatec_question ask_qmd = { "QMD", MEGATEC_TEXT, '(',       40, 60,
                                                 NULL,  qmd_columns,  BITS_NONE, 0 };
static const struct megatec_question ask_qvfw = { "QVFW", MEGATEC_TEXT, '(',       8, 20,
                                                  NULL,   qvfw_columns, BITS_NONE, 0 };
static const struct megatec_question ask_qid = { "QID", MEGATEC_TEXT, '(',       4, 40,
                                                 NULL,  qid_columns,  BITS_NONE, 0 };
static const struct megatec_question ask_qmf = { "QMF", MEGATEC_TEXT, '(',       4, 40,
                                                 NULL,  qmf_columns,  BITS_NONE, 0 };
static const struct megatec_question ask_qi = { "QI",      MEGATEC_FIELDS, '(',       8, 8,
                                                qi_fields, NULL,           BITS_NONE, 0 };
const struct megatec_question megatec_ask_q6 = { "Q6",      MEGATEC_FIELDS, '(',       20, 20,
                                                 q6_fields, NULL,           BITS_NONE, 0 };
static const struct megatec_question ask_wa = { "WA",      MEGATEC_FIELDS, '(',       13, 13,
                                                wa_fields, NULL,           BITS_NONE, 0 };
static const struct megatec_question ask_bps = { "BPS",      MEGATEC_FIELDS, '(',       4, 4,
                                                 bps_fields, NULL,           BITS_NONE, 0 };
const struct megatec_question megatec_ask_best = { "ID",        MEGATEC_COMMAS, '\0',      6, 6,
                                                   best_fields, NULL,           BITS_NONE, 0 };
static const struct megatec_question ask_best_runtime = {
    "RT", MEGATEC_FIELDS, '\0', 1, 1, best_runtime_fields, NULL, BITS_NONE, 0
};
static const struct megatec_question ask_best_packs = { "BP?", MEGATEC_FIELDS,    '\0', 1,
                                                        1,     best_packs_fields, NULL, BITS_NONE,
                                                        0 };

const struct megatec_question megatec_ask_omron = { "UN",         MEGATEC_UNITS, '\0',      3, 5,
                                                    omron_fields, NULL,          BITS_NONE, 0 };
static const struct megatec_question ask_omron_status = { "Q1", MEGATEC_FIELDS, '(',  8,
                                                          8,    status_fields,  NULL, BITS_OMRON,
                                                          7 };

/* Orders ------------------------------------------------------------------------------------- */

#define SHUTDOWN_ORDERS                                                            \
    { "load.off", "S00R0000", NULL, true, 0 }, { "load.on", "C", NULL, false, 0 }, \
        { "shutdown.return", "S%oR%r", "S%o", true, 0 },                           \
        { "shutdown.stayoff", "S%oR0000", NULL, true, 0 },                         \
        { "shutdown.stop", "C", NULL, false, 0 },                                  \
    {                                                                              \
        "test.battery.start.quick", "T", NULL, false, 0                            \
    }

static const struct megatec_order megatec_orders[] = {
    { "beeper.toggle", "Q", NULL, false, 0 },
    SHUTDOWN_ORDERS,
    { "test.battery.start", "T%t", NULL, false, 60 },
    { "test.battery.start.deep", "TL", NULL, false, 0 },
    { "test.battery.stop", "CT", NULL, false, 0 },
    { 0 },
};

static const struct megatec_order best_orders[] = {
    { "load.off", "S00R0000", NULL, true, 0 },
    { "load.on", "C", NULL, false, 0 },
    { "shutdown.return", "S%oR%r", NULL, true, 0 },
    { "shutdown.stayoff", "S%o", NULL, true, 0 },
    { "shutdown.stop", "C", NULL, false, 0 },
    { "test.battery.start", "T%t", NULL, false, 60 },
    { "test.battery.start.deep", "TL", NULL, false, 0 },
    { "test.battery.start.quick", "T", NULL, false, 0 },
    { "test.battery.stop", "CT", NULL, false, 0 },
    { 0 },
};

static const struct megatec_order qs_orders[] = {
    { "beeper.toggle", "Q", NULL, false, 0 },
    { "load.off", "S00R0000", NULL, true, 0 },
    { "load.on", "C", NULL, false, 0 },
    { "shutdown.return", "S%oR%r", NULL, true, 0 },
    { "shutdown.stayoff", "S%oR0000", NULL, true, 0 },
    { "shutdown.stop", "C", NULL, false, 0 },
    { 0 },
};

static const struct megatec_order voltronic_orders[] = {
    { "beeper.toggle", "BZ%b", NULL, false, 0 },
    { "beeper.enable", "PEA", NULL, false, 0 },
    { "beeper.disable", "PDA", NULL, false, 0 },
    { "load.off", "SOFF", NULL, false, 0 },
    { "load.on", "SON", NULL, false, 0 },
    { "shutdown.return", "S%oR%r", "S%o", false, 0 },
    { "shutdown.stayoff", "S%oR0000", NULL, false, 0 },
    { "shutdown.stop", "CS", NULL, false, 0 },
    { "test.battery.start", "T%t", NULL, false, 12 },
    { "test.battery.start.deep", "TL", NULL, false, 0 },
    { "test.battery.start.quick", "T", NULL, false, 0 },
    { "test.battery.stop", "CT", NULL, false, 0 },
    { 0 },
};

/* Dialects ----------------------------------------------------------------------------------- */

#define NAMES(...)        \
    (const char *const[]) \
    {                     \
        __VA_ARGS__, NULL \
    }
#define ITEMS(...)                \
    (const struct megatec_item[]) \
    {                             \
        __VA_ARGS__,              \
        {                         \
            MEGATEC_STATUS, NULL  \
        }                         \
    }

const struct megatec_dialect megatec_dialect_megatec = {
    .names = NAMES("megatec", "hunnox"),
    .items = ITEMS({ MEGATEC_STATUS, &ask_q1 }, { MEGATEC_RATING, &megatec_ask_rating },
                   { MEGATEC_VENDOR, &megatec_ask_vendor }),
    .orders = megatec_orders,
    .off_minimum = 12,
    .off_maximum = 600,
    .on_maximum = 599940,
};

const struct megatec_dialect megatec_dialect_old = {
    .names = NAMES("megatec/old", "megatec-old"),
    .items = ITEMS({ MEGATEC_STATUS, &ask_d }, { MEGATEC_RATING, &megatec_ask_rating },
                   { MEGATEC_VENDOR, &megatec_ask_vendor }),
    .orders = megatec_orders,
    .off_minimum = 12,
    .off_maximum = 600,
    .on_maximum = 599940,
};

const struct megatec_dialect megatec_dialect_mustek = {
    .names = NAMES("mustek"),
    .items = ITEMS({ MEGATEC_STATUS, &ask_mustek }, { MEGATEC_RATING, &megatec_ask_rating },
                   { MEGATEC_VENDOR, &megatec_ask_vendor }),
    .orders = megatec_orders,
    .off_minimum = 12,
    .off_maximum = 600,
    .on_maximum = 599940,
};

const struct megatec_dialect megatec_dialect_q1 = {
    .names = NAMES("q1"),
    .items = ITEMS({ MEGATEC_STATUS, &ask_q1 }),
    .orders = megatec_orders,
    .off_minimum = 12,
    .off_maximum = 600,
    .on_maximum = 599940,
};

const struct megatec_dialect megatec_dialect_omron = {
    .names = NAMES("omron"),
    .items = ITEMS({ MEGATEC_STATUS, &ask_omron_status }, { MEGATEC_RATING, &megatec_ask_omron }),
    .orders = megatec_orders,
    .off_minimum = 12,
    .off_maximum = 600,
    .on_maximum = 599940,
};

const struct megatec_dialect megatec_dialect_mecer = {
    .names = NAMES("mecer"),
    .items = ITEMS({ MEGATEC_STATUS, &ask_q1 }, { MEGATEC_RATING, &megatec_ask_rating },
                   { MEGATEC_VENDOR, &megatec_ask_vendor }),
    .orders = megatec_orders,
    .confirms = true,
    .off_minimum = 12,
    .off_maximum = 600,
    .on_maximum = 599940,
};

const struct megatec_dialect megatec_dialect_zinto = {
    .names = NAMES("zinto"),
    .items = ITEMS({ MEGATEC_STATUS, &ask_q1 }, { MEGATEC_RATING, &megatec_ask_rating },
                   { MEGATEC_VENDOR, &ask_firmware }),
    .orders = megatec_orders,
    .off_minimum = 12,
    .off_maximum = 600,
    .on_maximum = 599940,
};

const struct megatec_dialect megatec_dialect_bestups = {
    .names = NAMES("bestups"),
    .items = ITEMS({ MEGATEC_STATUS, &ask_q1 }, { MEGATEC_DETAIL, &ask_best_runtime },
                   { MEGATEC_RATING, &megatec_ask_best }, { MEGATEC_RATING, &ask_best_packs }),
    .orders = best_orders,
    .off_minimum = 12,
    .off_maximum = 5940,
    .on_minimum = 60,
    .on_maximum = 599940,
};

const struct megatec_dialect megatec_dialect_q6 = {
    .names = NAMES("q6", "innovart31", "innova"),
    .items = ITEMS({ MEGATEC_STATUS, &ask_q6_status }, { MEGATEC_STATUS, &megatec_ask_q6 },
                   { MEGATEC_DETAIL, &ask_wa }, { MEGATEC_DETAIL, &ask_bps },
                   { MEGATEC_RATING, &ask_output_rating }, { MEGATEC_VENDOR, &ask_q6_firmware },
                   { MEGATEC_VENDOR, &ask_serial }, { MEGATEC_VENDOR, &ask_wh }),
    .orders = megatec_orders,
    .off_minimum = 12,
    .off_maximum = 600,
    .on_maximum = 599940,
};

const struct megatec_dialect megatec_dialect_voltronic = {
    .names = NAMES("voltronic"),
    .items = ITEMS({ MEGATEC_STATUS, &ask_qgs }, { MEGATEC_STATUS, &ask_qmod },
                   { MEGATEC_DETAIL, &ask_qbv }, { MEGATEC_RATING, &ask_qri },
                   { MEGATEC_VENDOR, &megatec_ask_protocol }, { MEGATEC_VENDOR, &ask_qmd },
                   { MEGATEC_VENDOR, &ask_qvfw }, { MEGATEC_VENDOR, &ask_qid },
                   { MEGATEC_VENDOR, &ask_qmf }),
    .orders = voltronic_orders,
    .confirms = true,
    .off_minimum = 12,
    .off_maximum = 5940,
    .on_maximum = 599940,
};

const struct megatec_dialect megatec_dialect_voltronic_qs = {
    .names = NAMES("voltronic-qs"),
    .items = ITEMS({ MEGATEC_STATUS, &ask_qs }, { MEGATEC_DETAIL, &ask_qi },
                   { MEGATEC_RATING, &ask_output_rating }, { MEGATEC_VENDOR, &megatec_ask_letter }),
    .orders = qs_orders,
    .off_minimum = 12,
    .off_maximum = 540,
    .on_minimum = 60,
    .on_maximum = 599940,
};

const struct megatec_dialect megatec_dialect_voltronic_qs_hex = {
    .names = NAMES("voltronic-qs-hex"),
    .items = ITEMS({ MEGATEC_STATUS, &ask_qs_hex }, { MEGATEC_VENDOR, &megatec_ask_letter }),
    .orders = qs_orders,
    .off_minimum = 12,
    .off_maximum = 540,
    .on_minimum = 60,
    .on_maximum = 599940,
};
