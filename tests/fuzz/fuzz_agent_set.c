/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: whatever a master can ask to be set, in whatever order it drives its transactions,
 * while the device answers as it likes. Nothing may crash, testing never reaches the device, every
 * phase that is answered is answered once, and what is refused names one of the bindings.
 */
#include "agent/agentx_set.h"
#include "agent/objects.h"
#include "agent/set.h"
#include "core/log.h"
#include "tests/fuzz/demand.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OPEN_MAX 64

struct world {
    struct loop *loop;
    struct ups_store *store;
    struct ups *ups;
    struct kept *kept;
    struct setter *setter;
    struct monitor *monitor;
    struct agentx_sets *sets;
    uint64_t open[OPEN_MAX]; /* requests without an outcome */
    size_t open_count;
    size_t requests;
    /* Since the last PDU: */
    unsigned asked, answered;
};

struct input {
    const uint8_t *data;
    size_t size;
};

static uint8_t next_byte(struct input *input)
{
    if (input->size == 0)
        return 0;
    input->size--;
    return *input->data++;
}

/* The world ---------------------------------------------------------------------------------- */

static bool take(void *context, const struct ups_request *request)
{
    struct world *world = context;

    if (world->open_count == OPEN_MAX)
        return false;
    demand(*request->name != '\0');
    world->open[world->open_count++] = request->id;
    world->requests++;
    return true;
}

static void observe(void *owner, struct monitor *monitor)
{
    (void)owner;
    monitor_observe(monitor, clock_ms());
    monitor_forget_snapshot(monitor);
}

static void on_event(void *context, struct ups *ups, const struct ups_event *event)
{
    struct world *world = context;

    (void)ups;
    if (world->monitor == NULL)
        return;
    if (event->kind == UPS_EVENT_REQUEST)
        monitor_note_request(world->monitor, event->asked);
    if (event->kind == UPS_EVENT_DATA)
        monitor_observe(world->monitor, clock_ms());
    if (event->kind == UPS_EVENT_RESULT) {
        if (monitor_note_result(world->monitor, event->request, event->outcome, clock_ms()))
            observe(NULL, world->monitor);
        setter_note_result(world->setter, event->request, event->outcome);
    }
}

/* What the device has and can do, by the bits of a byte. */
static void tell(struct world *world, uint8_t bits)
{
    static const char *const statuses[] = { "OL", "OB", "OL OFF", "OL TEST", "OB CAL", "OB OFF" };
    static const char *const settings[] = { "battery.runtime.low", "input.voltage.nominal",
                                            "input.transfer.low",  "ups.start.auto",
                                            "ups.delay.shutdown",  "ups.delay.start",
                                            "ups.timer.start",     "ups.beeper.status" };
    static const char *const commands[] = { "load.off",         "load.on",
                                            "load.off.delay",   "load.on.delay",
                                            "shutdown.return",  "shutdown.stop",
                                            "shutdown.reboot",  "beeper.disable",
                                            "beeper.toggle",    "test.battery.start",
                                            "test.battery.stop" };
    struct update update = { .complete = true };

    update_set(&update, "ups.status", statuses[bits % 6]);
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        if ((bits >> i & 1) != 0)
            continue;
        update_set(&update, settings[i], i == 3 ? "yes" : i == 7 ? "enabled" : "30");
        update_flags(&update, settings[i], VARIABLE_RW | (i > 5 ? VARIABLE_STRING : 0), bits % 9);
        if (i % 3 == 0)
            update_range(&update, settings[i], bits, bits * 8L);
        if (i % 3 == 1)
            update_enum(&update, settings[i], "230");
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if ((bits >> i % 8 & 1) == 0)
            update_command(&update, commands[i]);
    }
    ups_apply(world->store, world->ups, &update);
    update_clear(&update);
}

static void settle(struct world *world, uint8_t choice)
{
    if (world->open_count == 0)
        return;
    size_t at = choice / 4 % world->open_count;
    uint64_t request = world->open[at];

    world->open[at] = world->open[--world->open_count];
    ups_result(world->store, world->ups, request, (enum ups_outcome)(choice % 4));
}

static struct monitor *device_of(void *owner, const char *context)
{
    const struct world *world = owner;

    return *context == '\0' ? world->monitor : NULL;
}

static void respond(void *owner, netsnmp_pdu *response)
{
    struct world *world = owner;

    world->answered++;
    demand(response->command == AGENTX_RESPONSE);
    demand((response->errstat == 0) == (response->errindex == 0));
    demand(response->errindex >= 0 &&
           (response->errstat == SNMP_ERR_NOTWRITABLE || response->errindex <= 8));
    snmp_free_pdu(response);
}

/* The master --------------------------------------------------------------------------------- */

static void add_binding(netsnmp_pdu *request, struct input *input)
{
    oid name[] = { OBJECTS_UPS_MIB, 1, next_byte(input) % 10, next_byte(input) % 11, 0, 7 };
    uint8_t shape = next_byte(input);
    size_t length = shape % 8 == 7 ? 10 + shape / 8 % 3 : 11;
    oid id[] = { OBJECTS_UPS_MIB, 1, 7, 7, next_byte(input) % 7 };
    uint8_t text[70];
    long number;

    switch (shape % 8) {
    case 0:
        number = (int8_t)next_byte(input);
        snmp_pdu_add_variable(request, name, length, ASN_INTEGER, &number, sizeof number);
        break;
    case 1:
        number = (int32_t)((uint32_t)next_byte(input) << 24 | next_byte(input));
        snmp_pdu_add_variable(request, name, length, ASN_INTEGER, &number, sizeof number);
        break;
    case 2:
        number = next_byte(input) % 71;
        for (long i = 0; i < number; i++)
            text[i] = next_byte(input);
        snmp_pdu_add_variable(request, name, length, ASN_OCTET_STR, text, (size_t)number);
        break;
    case 3:
        snmp_pdu_add_variable(request, name, length, ASN_OBJECT_ID, id,
                              shape / 8 % 4 == 0 ? 10 * sizeof id[0] : sizeof id);
        break;
    case 4:
        snmp_pdu_add_variable(request, name, length, ASN_NULL, NULL, 0);
        break;
    default:
        number = shape / 8;
        snmp_pdu_add_variable(request, name, length, ASN_INTEGER, &number, sizeof number);
        break;
    }
}

static void say(struct world *world, int command, struct input *input)
{
    netsnmp_pdu *request = snmp_pdu_create(command);
    uint8_t shape = next_byte(input);
    size_t requests = world->requests;
    unsigned answered = world->answered;

    request->version = AGENTX_VERSION_1;
    request->transid = shape % 4;
    if (shape >= 0xf0) {
        request->community = (u_char *)strdup("other");
        request->community_len = 5;
    }
    for (unsigned i = 0; command == AGENTX_TESTSET && i < shape / 4 % 8; i++)
        add_binding(request, input);
    demand(agentx_sets_take(world->sets, request));
    snmp_free_pdu(request);
    demand(command != AGENTX_TESTSET || world->requests == requests);
    demand(command != AGENTX_TESTSET || world->answered == answered + 1);
    demand(command != AGENTX_CLEANUPSET || world->answered == answered);
    world->asked += command != AGENTX_CLEANUPSET;
    demand(world->answered <= world->asked);
}

static void begin(struct world *world, struct contexts *contexts)
{
    log_open("fuzz", LOG_TO_SYSLOG);
    setlogmask(LOG_MASK(LOG_EMERG));
    world->loop = loop_new();
    world->store = ups_store_new(loop_base(world->loop), 86400);
    world->kept = kept_new(world->loop);
    world->setter = setter_new(loop_base(world->loop), world->store, world->kept, observe, NULL);
    setter_allow(world->setter, true);
    world->ups = ups_add(world->store, "u", NULL);
    world->monitor = monitor_new(world->ups);
    world->monitor->kept = kept_of(world->kept, "u");
    ups_subscribe(world->store, on_event, world);
    ups_attach_worker(world->ups, take, world);
    *contexts = (struct contexts){ .owner = world, .device = device_of, .setter = world->setter };
    world->sets = agentx_sets_new(contexts, respond, world);
}

static void end(struct world *world)
{
    agentx_sets_free(world->sets);
    while (world->open_count > 0)
        settle(world, (uint8_t)world->open_count);
    demand(world->monitor->spin_lock >= 0 && world->monitor->spin_lock <= INT32_MAX);
    /* There is no disk, so that nothing can have been kept. */
    demand(!world->monitor->kept->written[KEPT_NAME]);
    setter_forget_device(world->setter, world->monitor);
    setter_free(world->setter);
    kept_free(world->kept);
    monitor_free(world->monitor);
    world->monitor = NULL;
    ups_store_free(world->store);
    loop_free(world->loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = { .data = data, .size = size };
    struct world world = { 0 };
    struct contexts contexts;

    begin(&world, &contexts);
    tell(&world, next_byte(&input));
    while (input.size > 0) {
        uint8_t what = next_byte(&input);

        switch (what % 8) {
        case 0:
        case 1:
            say(&world, AGENTX_TESTSET, &input);
            break;
        case 2:
            say(&world, AGENTX_COMMITSET, &input);
            break;
        case 3:
            say(&world, AGENTX_UNDOSET, &input);
            break;
        case 4:
            say(&world, AGENTX_CLEANUPSET, &input);
            break;
        case 5:
            settle(&world, next_byte(&input));
            break;
        case 6:
            tell(&world, next_byte(&input));
            break;
        default:
            if (what == 7)
                agentx_sets_clear(world.sets);
            else
                event_base_loop(loop_base(world.loop), EVLOOP_NONBLOCK);
            break;
        }
    }
    end(&world);
    return 0;
}
