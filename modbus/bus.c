/* SPDX-License-Identifier: BSD-2-Clause */
#include "modbus/bus.h"

#include "core/loop.h"
#include "modbus/bus_link.h"
#include "modbus/bus_silent.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOOK_MS 100u         /* how often it is asked whether to stop */
#define CONNECT_MIN_MS 1000u /* a connection gets at least so long */
#define REOPEN_FIRST_MS 250u /* after opening has failed, doubling */
#define REOPEN_LAST_MS 5000u
#define BUSY_MS 100u  /* before a unit that said it was busy is asked again */
#define REST_SHARE 4u /* silent units have the bus for one part of time in so many more */
#define REST_MAX_MS 30000u
#define GATEWAY_NO_PATH 10u /* exceptions of a gateway: it got no answer either */
#define GATEWAY_NO_ANSWER 11u
#define BUSY 6u
#define FIRST_OWN_OBJECT 0x80u /* of device identification: the maker's from here on */

struct bus {
    struct bus *next;
    struct bus_address address;
    struct bus_station *stations;
    struct silent_unit *away; /* under the lock of all buses */

    pthread_mutex_t mutex;            /* of the queue and the counts below */
    bool taken;                       /* somebody has the turn */
    struct bus_station *first, *last; /* who waits for it */
    unsigned silent;                  /* units */

    /* Who has the turn alone looks at these. */
    struct bus_link *link;
    uint64_t last_end; /* of an exchange: clock_us() */
    unsigned pause_ms; /* which who had that exchange needs behind it */
    uint64_t reopen_at;
    unsigned reopen_delay_ms;
    char problem[200]; /* why it could not be opened */
};

struct bus_station {
    struct bus_station *next; /* of the bus */
    struct bus *bus;
    struct bus_unit unit;

    struct bus_station *next_waiting;
    bool has_turn;
    pthread_cond_t turn;

    bool silent;
    uint64_t rest_until; /* clock_ms(): asked again */
    uint64_t not_before; /* clock_us(): sent again */
    struct bus_counts counts;
    unsigned exception;
    char problem[200];
};

/* All buses there are. */
static struct {
    pthread_mutex_t mutex;
    struct bus *first;
} buses = { .mutex = PTHREAD_MUTEX_INITIALIZER };

/* Joining ------------------------------------------------------------------------------------ */

static bool is_same_place(const struct bus_address *one, const struct bus_address *other)
{
    return one->kind == other->kind && strcmp(one->host, other->host) == 0 &&
           strcmp(one->service, other->service) == 0;
}

static bool is_same_line(const struct bus_address *one, const struct bus_address *other)
{
    return one->kind == BUS_TCP ||
           (one->baud == other->baud && one->parity == other->parity &&
            one->data_bits == other->data_bits && one->stop_bits == other->stop_bits &&
            one->rts == other->rts && one->rts_delay_us == other->rts_delay_us);
}

static struct bus *find_bus(const struct bus_address *address)
{
    struct bus *bus = buses.first;

    while (bus != NULL && !is_same_place(&bus->address, address))
        bus = bus->next;
    return bus;
}

static struct bus *new_bus(const struct bus_address *address)
{
    struct bus *bus = calloc(1, sizeof *bus);

    if (bus == NULL)
        return NULL;
    bus->address = *address;
    pthread_mutex_init(&bus->mutex, NULL);
    bus->next = buses.first;
    buses.first = bus;
    return bus;
}

static void free_bus(struct bus *bus)
{
    struct bus **link = &buses.first;

    while (*link != bus)
        link = &(*link)->next;
    *link = bus->next;
    link_close(bus->link);
    silent_units_free(&bus->away);
    pthread_mutex_destroy(&bus->mutex);
    free(bus);
}

static void set_silent(struct bus_station *station, bool silent)
{
    struct bus *bus = station->bus;

    if (station->silent == silent)
        return;
    station->silent = silent;
    pthread_mutex_lock(&bus->mutex);
    bus->silent += silent ? 1u : -1u;
    pthread_mutex_unlock(&bus->mutex);
}

static void init_turn(struct bus_station *station)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&station->turn, &attributes);
    pthread_condattr_destroy(&attributes);
}

/* Joins under the lock of all buses. */
static bool join(struct bus_station *station, const struct bus_address *address, char *problem,
                 size_t size)
{
    struct bus *bus = find_bus(address);

    if (bus != NULL && !is_same_line(&bus->address, address)) {
        snprintf(problem, size, "%s is at %u %u%c%u with other settings for [%s]", address->host,
                 bus->address.baud, bus->address.data_bits, bus->address.parity,
                 bus->address.stop_bits, bus->stations->unit.name);
        return false;
    }
    if (bus == NULL)
        bus = new_bus(address);
    if (bus == NULL) {
        snprintf(problem, size, "out of memory");
        return false;
    }
    station->bus = bus;
    pthread_mutex_lock(&bus->mutex);
    station->next = bus->stations;
    bus->stations = station;
    pthread_mutex_unlock(&bus->mutex);
    station->rest_until = silent_unit_take(&bus->away, station->unit.number);
    set_silent(station, station->rest_until != 0);
    return true;
}

struct bus_station *bus_join(const struct bus_address *address, const struct bus_unit *unit,
                             char *problem, size_t size)
{
    struct bus_station *station = calloc(1, sizeof *station);

    if (station == NULL) {
        snprintf(problem, size, "out of memory");
        return NULL;
    }
    station->unit = *unit;
    pthread_mutex_lock(&buses.mutex);
    bool joined = join(station, address, problem, size);
    pthread_mutex_unlock(&buses.mutex);
    if (!joined) {
        free(station);
        return NULL;
    }
    init_turn(station);
    return station;
}

void bus_leave(struct bus_station *station)
{
    if (station == NULL)
        return;
    struct bus *bus = station->bus;
    struct bus_station **link = &bus->stations;

    pthread_mutex_lock(&buses.mutex);
    if (station->silent && station->rest_until != 0)
        silent_unit_keep(&bus->away, station->unit.number, station->rest_until);
    set_silent(station, false);
    pthread_mutex_lock(&bus->mutex);
    while (*link != station)
        link = &(*link)->next;
    *link = station->next;
    pthread_mutex_unlock(&bus->mutex);
    if (bus->stations == NULL)
        free_bus(bus);
    pthread_mutex_unlock(&buses.mutex);
    pthread_cond_destroy(&station->turn);
    free(station);
}

/* Turns -------------------------------------------------------------------------------------- */

static bool must_stop(const struct bus_station *station)
{
    return station->unit.must_stop != NULL && station->unit.must_stop(station->unit.context);
}

/* Milliseconds are too coarse for the silence between the frames of a line. */
static uint64_t clock_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static struct timespec after_ms(unsigned milliseconds)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    time.tv_nsec += (long)milliseconds * 1000000;
    time.tv_sec += time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

/* end: clock_us(). False: the caller is to stop. */
static bool sleep_until(const struct bus_station *station, uint64_t end)
{
    for (uint64_t now = clock_us(); now < end; now = clock_us()) {
        uint64_t span = end - now < LOOK_MS * 1000 ? end - now : LOOK_MS * 1000;
        struct timespec time = { .tv_nsec = (long)span * 1000 };

        if (must_stop(station))
            return false;
        nanosleep(&time, NULL);
    }
    return true;
}

static void hand_on(struct bus *bus)
{
    struct bus_station *next = bus->first;

    bus->taken = next != NULL;
    if (next == NULL)
        return;
    bus->first = next->next_waiting;
    if (bus->first == NULL)
        bus->last = NULL;
    next->has_turn = true;
    pthread_cond_signal(&next->turn);
}

static void leave_queue(struct bus_station *station)
{
    struct bus *bus = station->bus;
    struct bus_station **link = &bus->first;
    struct bus_station *before = NULL;

    while (*link != station) {
        before = *link;
        link = &before->next_waiting;
    }
    *link = station->next_waiting;
    if (bus->last == station)
        bus->last = before;
}

static void wait_in_queue(struct bus_station *station)
{
    struct bus *bus = station->bus;

    station->next_waiting = NULL;
    if (bus->last == NULL)
        bus->first = station;
    else
        bus->last->next_waiting = station;
    bus->last = station;
    while (!station->has_turn && !must_stop(station)) {
        struct timespec look = after_ms(LOOK_MS);

        pthread_cond_timedwait(&station->turn, &bus->mutex, &look);
    }
    if (!station->has_turn)
        leave_queue(station);
}

/* False: the caller is to stop, and has no turn. */
static bool take_turn(struct bus_station *station)
{
    struct bus *bus = station->bus;

    pthread_mutex_lock(&bus->mutex);
    station->has_turn = !bus->taken;
    if (bus->taken)
        wait_in_queue(station);
    else
        bus->taken = true;
    bool has_turn = station->has_turn;
    pthread_mutex_unlock(&bus->mutex);
    return has_turn;
}

static void end_turn(struct bus_station *station)
{
    struct bus *bus = station->bus;

    pthread_mutex_lock(&bus->mutex);
    station->has_turn = false;
    hand_on(bus);
    pthread_mutex_unlock(&bus->mutex);
}

/* In a turn ---------------------------------------------------------------------------------- */

static void close_bus(struct bus *bus)
{
    link_close(bus->link);
    bus->link = NULL;
}

static bool open_bus(struct bus_station *station)
{
    struct bus *bus = station->bus;
    unsigned timeout_ms =
        station->unit.response_ms < CONNECT_MIN_MS ? CONNECT_MIN_MS : station->unit.response_ms;

    if (bus->link != NULL && link_is_stale(bus->link))
        close_bus(bus);
    if (bus->link != NULL)
        return true;
    if (clock_ms() < bus->reopen_at)
        return false;
    bus->link =
        link_open(&bus->address, timeout_ms, &station->unit, bus->problem, sizeof bus->problem);
    if (bus->link != NULL) {
        station->counts.connected++;
        bus->reopen_delay_ms = 0;
        return true;
    }
    if (bus->problem[0] == '\0')
        return false;
    bus->reopen_delay_ms = bus->reopen_delay_ms == 0 ? REOPEN_FIRST_MS : 2 * bus->reopen_delay_ms;
    if (bus->reopen_delay_ms > REOPEN_LAST_MS)
        bus->reopen_delay_ms = REOPEN_LAST_MS;
    bus->reopen_at = clock_ms() + bus->reopen_delay_ms;
    return false;
}

/* What is left over from an exchange that failed must not meet the next one. */
static void clean_up(struct bus *bus, enum bus_result result)
{
    if (result == BUS_OK || result == BUS_EXCEPTION)
        return;
    if (bus->address.kind == BUS_RTU && result != BUS_GONE)
        link_settle(bus->link);
    else
        close_bus(bus);
}

/* Microseconds; unit_ms: what a unit asks for. */
static uint64_t pause_of(const struct bus *bus, unsigned unit_ms)
{
    uint64_t silence = link_silence_us(&bus->address), pause = unit_ms * UINT64_C(1000);

    return pause > silence ? pause : silence;
}

static enum bus_result use_turn(struct bus_station *station, struct exchange *exchange)
{
    struct bus *bus = station->bus;

    if (!sleep_until(station, bus->last_end + pause_of(bus, bus->pause_ms)))
        return BUS_STOPPED;
    if (!open_bus(station)) {
        snprintf(exchange->problem, sizeof exchange->problem, "%.*s",
                 (int)sizeof exchange->problem - 1, bus->problem);
        return must_stop(station) ? BUS_STOPPED : BUS_GONE;
    }
    exchange->pause_us = pause_of(bus, station->unit.pause_ms);
    enum bus_result result = link_exchange(bus->link, &station->unit, exchange);
    station->counts.requests += exchange->frames;
    clean_up(bus, result);
    bus->last_end = clock_us();
    bus->pause_ms = station->unit.pause_ms;
    return result;
}

/* What follows for the unit ------------------------------------------------------------------ */

static bool is_gateways(const struct exchange *exchange)
{
    return exchange->exception == GATEWAY_NO_PATH || exchange->exception == GATEWAY_NO_ANSWER;
}

/* lost_ms: for which nobody else had the bus. */
static void rest(struct bus_station *station, uint64_t lost_ms)
{
    struct bus *bus = station->bus;

    pthread_mutex_lock(&bus->mutex);
    bool alone = bus->stations->next == NULL;
    uint64_t span = lost_ms * REST_SHARE * bus->silent;
    pthread_mutex_unlock(&bus->mutex);
    if (!alone)
        station->rest_until = clock_ms() + (span < REST_MAX_MS ? span : REST_MAX_MS);
}

static void conclude(struct bus_station *station, const struct exchange *exchange,
                     enum bus_result result, uint64_t began)
{
    uint64_t now = clock_ms();
    bool unanswered = result == BUS_SILENT || result == BUS_GARBLED ||
                      (result == BUS_EXCEPTION && is_gateways(exchange));

    station->exception = result == BUS_EXCEPTION ? exchange->exception : 0;
    if (exchange->kind == EXCHANGE_WRITE || exchange->kind == EXCHANGE_MODIFY)
        station->not_before = clock_us() + station->unit.after_write_ms * UINT64_C(1000);
    /* A unit's own late answer on a line has the right number: it has to come first. */
    if (unanswered && result != BUS_EXCEPTION && station->bus->address.kind == BUS_RTU)
        station->not_before = clock_us() + station->unit.response_ms * UINT64_C(1000);
    /* Many a unit does not answer to a function that it does not know. */
    if (unanswered && exchange->kind == EXCHANGE_IDENTIFY)
        return;
    if (unanswered || result == BUS_OK || result == BUS_EXCEPTION)
        set_silent(station, unanswered);
    if (unanswered)
        rest(station, now - began);
}

/* May the same be sent again? What has been written perhaps is not written twice. */
static bool is_repeatable(const struct exchange *exchange, enum bus_result result)
{
    if (result == BUS_EXCEPTION)
        return exchange->exception == BUSY;
    if (exchange->kind == EXCHANGE_WRITE || exchange->kind == EXCHANGE_MODIFY)
        return false;
    return result == BUS_SILENT || result == BUS_GARBLED ||
           (result == BUS_GONE && exchange->frames > 0);
}

static void describe(struct bus_station *station, const struct exchange *exchange,
                     enum bus_result result)
{
    static const char *const texts[BUS_RESULTS] = {
        [BUS_OK] = "",
        [BUS_EXCEPTION] = "it refuses",
        [BUS_SILENT] = "no answer",
        [BUS_GARBLED] = "a garbled answer",
        [BUS_GONE] = "the connection broke",
        [BUS_RESTING] = "no answer lately",
        [BUS_STOPPED] = "stopped",
    };
    const char *detail = exchange->problem;

    if (result == BUS_EXCEPTION)
        snprintf(station->problem, sizeof station->problem, "unit %u: exception %u%s%s",
                 station->unit.number, exchange->exception, detail[0] == '\0' ? "" : ": ", detail);
    else if (result == BUS_GONE && exchange->frames == 0 && detail[0] != '\0')
        snprintf(station->problem, sizeof station->problem, "%s", detail);
    else if (result == BUS_OK)
        station->problem[0] = '\0';
    else
        snprintf(station->problem, sizeof station->problem, "unit %u: %s%s%s", station->unit.number,
                 texts[result], detail[0] == '\0' || result == BUS_SILENT ? "" : ": ",
                 result == BUS_SILENT ? "" : detail);
}

static enum bus_result try_once(struct bus_station *station, struct exchange *exchange)
{
    if (clock_ms() < station->rest_until)
        return BUS_RESTING;
    if (!sleep_until(station, station->not_before) || !take_turn(station))
        return BUS_STOPPED;
    uint64_t began = clock_ms();
    enum bus_result result = use_turn(station, exchange);

    end_turn(station);
    conclude(station, exchange, result, began);
    return result;
}

static enum bus_result carry_out(struct bus_station *station, struct exchange *exchange)
{
    bool is_single = station->silent || exchange->kind == EXCHANGE_IDENTIFY;
    unsigned tries = is_single ? 1 : station->unit.retries + 1;
    enum bus_result result;

    for (unsigned try = 1;; try++) {
        exchange->frames = 0;
        exchange->problem[0] = '\0';
        result = try_once(station, exchange);
        station->counts.results[result]++;
        /* A connection may be closed just while it is being used again. */
        bool again = try < tries || (try == 1 && result == BUS_GONE);
        if (!again || !is_repeatable(exchange, result))
            break;
        station->counts.repeated++;
        station->rest_until = 0;
        if (result == BUS_EXCEPTION)
            station->not_before = clock_us() + BUSY_MS * 1000;
    }
    describe(station, exchange, result);
    return result;
}

/* What is asked ------------------------------------------------------------------------------ */

enum bus_result bus_read(struct bus_station *station, const struct modbus_block *block,
                         uint16_t *words)
{
    struct exchange exchange = { .kind = EXCHANGE_READ,
                                 .table = block->table,
                                 .address = block->address,
                                 .count = block->count,
                                 .words = words };

    return carry_out(station, &exchange);
}

enum bus_result bus_write(struct bus_station *station, enum modbus_table table, uint16_t address,
                          uint16_t count, const uint16_t *words, enum modbus_write function)
{
    struct exchange exchange = { .kind = EXCHANGE_WRITE,
                                 .table = table,
                                 .address = address,
                                 .count = count,
                                 .to_write = words,
                                 .function = function };

    return carry_out(station, &exchange);
}

enum bus_result bus_modify(struct bus_station *station, uint16_t address, uint16_t keep,
                           uint16_t set, enum modbus_write function)
{
    struct exchange exchange = { .kind = EXCHANGE_MODIFY,
                                 .table = MODBUS_HOLDING,
                                 .address = address,
                                 .keep = keep,
                                 .set = set,
                                 .function = function };

    return carry_out(station, &exchange);
}

/*
 * A maker's own objects come with the one before them: Huawei's units tell how many there are when
 * asked for 0x87, and in the same answer what they are; nothing else is known to be understood.
 */
enum bus_result bus_identify(struct bus_station *station, uint8_t object,
                             char text[static MODBUS_OBJECT_MAX + 1])
{
    struct exchange exchange = { .kind = EXCHANGE_IDENTIFY,
                                 .table = MODBUS_HOLDING,
                                 .object = object,
                                 .first_object = object,
                                 .text = text };
    enum bus_result result = BUS_GARBLED;

    if (object > FIRST_OWN_OBJECT) {
        exchange.first_object--;
        result = carry_out(station, &exchange);
        exchange.first_object++;
    }
    return result == BUS_GARBLED || result == BUS_EXCEPTION ? carry_out(station, &exchange)
                                                            : result;
}

/* What is told ------------------------------------------------------------------------------- */

unsigned bus_exception(const struct bus_station *station)
{
    return station->exception;
}

const char *bus_problem(const struct bus_station *station)
{
    return station->problem;
}

const struct bus_counts *bus_counts(const struct bus_station *station)
{
    return &station->counts;
}

const char *bus_result_name(enum bus_result result)
{
    static const char *const names[BUS_RESULTS] = {
        [BUS_OK] = "answered",     [BUS_EXCEPTION] = "refused", [BUS_SILENT] = "unanswered",
        [BUS_GARBLED] = "garbled", [BUS_GONE] = "broken",       [BUS_RESTING] = "withheld",
        [BUS_STOPPED] = "stopped",
    };

    return names[result];
}
