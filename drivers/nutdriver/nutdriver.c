/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/nutdriver/nutdriver.h"

#include "core/log.h"
#include "core/loop.h"
#include "drivers/nutdriver/model.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define DUMP_MS 5000     /* for all it knows */
#define PONG_MS 2000     /* for a sign of life */
#define OUTCOME_MS 10000 /* for a command or setting */
#define LOOK_MS 100      /* how often it is asked whether to stop */
#define LINE_MAX_SIZE 1400

struct nutdriver {
    int descriptor;
    struct words line;
    struct model model;
    bool stale;    /* it said so */
    bool dumped;   /* all was told once */
    bool pong;     /* since the last ping */
    bool told_all; /* by us */
    bool outcome;  /* of the request under way has come */
    unsigned long long request;
    char id[32]; /* of the request */
};

static const struct driver_option options[] = {
    { "socket", false },
    { "*", false }, /* NUT's driver knows which */
    { NULL, false },
};

/* The socket --------------------------------------------------------------------------------- */

/* STATEPATH/DRIVER-NAME, unless the section says where it is. */
static bool socket_path(const struct device *device, struct sockaddr_un *address)
{
    const char *given = device_option(device->settings, "socket");
    int length;

    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (given != NULL)
        length = snprintf(address->sun_path, sizeof address->sun_path, "%s", given);
    else
        length = snprintf(address->sun_path, sizeof address->sun_path, "%s/%s-%s",
                          device->settings->state_path, device->settings->driver, device->name);
    return length > 0 && (size_t)length < sizeof address->sun_path;
}

static bool send_line(struct device *device, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Lines are short, and the driver reads: what does not fit into its socket at once has failed. */
static bool send_line(struct device *device, const char *format, ...)
{
    const struct nutdriver *driver = device->state;
    char line[LINE_MAX_SIZE];
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof line)
        return false;
    return send(driver->descriptor, line, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL) == length;
}

/* Lines -------------------------------------------------------------------------------------- */

/* Takes a line; true if a client should hear of it soon. */
static bool take_line(struct nutdriver *driver)
{
    if (driver->line.count == 0)
        return false;
    switch (model_take(&driver->model, &driver->line)) {
    case MODEL_DUMPED:
        driver->dumped = true;
        return true;
    case MODEL_FRESH:
        driver->stale = false;
        return true;
    case MODEL_STALE:
        driver->stale = true;
        return true;
    case MODEL_PONG:
        driver->pong = true;
        return false;
    case MODEL_OUTCOME:
        driver->outcome |= strcmp(driver->model.id, driver->id) == 0;
        return false;
    case MODEL_TOLD:
        return true;
    case MODEL_PASSED_OVER:
        break;
    }
    return false;
}

static bool take_bytes(struct nutdriver *driver, const char *bytes, size_t length)
{
    bool news = false;

    while (length > 0) {
        size_t consumed = 0;

        if (words_feed(&driver->line, bytes, length, &consumed) == WORDS_LINE)
            news |= take_line(driver);
        bytes += consumed;
        length -= consumed;
    }
    return news;
}

/*
 * Takes what comes within timeout_ms at most, once. Woken by the worker it returns at once.
 * DRIVER_GONE: the driver has closed.
 */
static enum driver_result receive(struct device *device, int timeout_ms, bool wakes, bool *news)
{
    struct nutdriver *driver = device->state;
    struct pollfd descriptors[] = { { .fd = driver->descriptor, .events = POLLIN },
                                    { .fd = driver_wake_descriptor(device), .events = POLLIN } };
    char bytes[4096];

    if (poll(descriptors, wakes ? 2 : 1, timeout_ms) <= 0 || descriptors[0].revents == 0)
        return DRIVER_OK;
    ssize_t got = recv(driver->descriptor, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got > 0)
        *news |= take_bytes(driver, bytes, (size_t)got);
    else if (got == 0 || (errno != EAGAIN && errno != EINTR))
        return driver_problem(device, DRIVER_GONE, "NUT's driver has closed its socket");
    return DRIVER_OK;
}

/* Until *flag is set, or the time is over: then it stays as it is. */
static enum driver_result receive_until(struct device *device, const bool *flag, int timeout_ms)
{
    uint64_t end = clock_ms() + (uint64_t)timeout_ms;
    enum driver_result result = DRIVER_OK;
    bool news = false;

    for (uint64_t now = clock_ms(); result == DRIVER_OK && !*flag && now < end; now = clock_ms()) {
        if (driver_must_stop(device))
            break;
        result = receive(device, end - now < LOOK_MS ? (int)(end - now) : LOOK_MS, false, &news);
    }
    return result;
}

/* Life --------------------------------------------------------------------------------------- */

static void close_nutdriver(struct device *device)
{
    struct nutdriver *driver = device->state;

    if (driver->descriptor >= 0)
        close(driver->descriptor);
    words_clear(&driver->line);
    model_clear(&driver->model);
    free(driver);
    device->state = NULL;
}

static enum driver_result connect_to(struct device *device)
{
    struct nutdriver *driver = device->state;
    struct sockaddr_un address;

    if (!socket_path(device, &address))
        return driver_problem(device, DRIVER_REFUSED, "the path of its socket is too long");
    driver->descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (driver->descriptor < 0)
        return driver_problem(device, DRIVER_GONE, "%s", strerror(errno));
    if (connect(driver->descriptor, (struct sockaddr *)&address, sizeof address) != 0)
        return driver_problem(device, DRIVER_GONE,
                              "NUT's driver does not answer at %s: %s (is it started?)",
                              address.sun_path, strerror(errno));
    if (!send_line(device, "DUMPALL\n"))
        return driver_problem(device, DRIVER_GONE, "%s: %s", address.sun_path, strerror(errno));
    enum driver_result result = receive_until(device, &driver->dumped, DUMP_MS);
    if (result == DRIVER_OK && !driver->dumped)
        return driver_problem(device, DRIVER_GONE, "NUT's driver does not tell what it knows");
    return result;
}

static enum driver_result open_nutdriver(struct device *device)
{
    struct nutdriver *driver = calloc(1, sizeof *driver);

    if (driver == NULL)
        return driver_problem(device, DRIVER_GONE, "out of memory");
    driver->descriptor = -1;
    device->state = driver;
    enum driver_result result = connect_to(device);
    if (result != DRIVER_OK)
        close_nutdriver(device);
    return result;
}

/* Each poll asks for a sign of life: what a hung driver told last is not fresh. */
static enum driver_result poll_nutdriver(struct device *device, enum poll_kind kind,
                                         struct update *update)
{
    struct nutdriver *driver = device->state;

    driver->pong = false;
    if (!send_line(device, "PING\n"))
        return driver_problem(device, DRIVER_GONE, "NUT's driver takes nothing: %s",
                              strerror(errno));
    enum driver_result result = receive_until(device, &driver->pong, PONG_MS);
    if (result != DRIVER_OK)
        return result;
    if (!driver->pong)
        return driver_problem(device, DRIVER_FAILED, "NUT's driver does not answer");
    if (driver->stale)
        return driver_problem(device, DRIVER_FAILED, "NUT's driver says that its data is stale");
    if (driver->model.crowded)
        log_warning("[%s] NUT's driver tells more than there is room for", device->name);
    driver->model.crowded = false;
    model_tell(&driver->model, update, kind == POLL_FULL && !driver->told_all);
    driver->told_all |= kind == POLL_FULL;
    return DRIVER_OK;
}

static enum driver_result wait_nutdriver(struct device *device, int timeout_ms, bool *happened)
{
    return receive(device, timeout_ms, true, happened);
}

/* Requests ----------------------------------------------------------------------------------- */

/* Waits for what the driver says; one that is older than TRACKING says nothing. */
static enum ups_outcome await_outcome(struct device *device)
{
    struct nutdriver *driver = device->state;
    enum driver_result result = receive_until(device, &driver->outcome, OUTCOME_MS);

    driver->id[0] = '\0';
    return result == DRIVER_OK && driver->outcome ? driver->model.outcome : UPS_FAILED;
}

static void new_request(struct device *device)
{
    struct nutdriver *driver = device->state;

    driver->outcome = false;
    snprintf(driver->id, sizeof driver->id, "upsbridge-%llu", ++driver->request);
}

static enum ups_outcome command(struct device *device, const char *name, const char *parameter,
                                struct update *update)
{
    struct nutdriver *driver = device->state;
    char escaped[2 * UPDATE_VALUE_MAX + 2];
    bool sent;

    (void)update;
    new_request(device);
    if (parameter == NULL)
        sent = send_line(device, "INSTCMD %s TRACKING %s\n", name, driver->id);
    else {
        words_escape(parameter, escaped, sizeof escaped);
        sent = send_line(device, "INSTCMD %s \"%s\" TRACKING %s\n", name, escaped, driver->id);
    }
    return sent ? await_outcome(device) : UPS_FAILED;
}

static enum ups_outcome set(struct device *device, const char *name, const char *value,
                            struct update *update)
{
    struct nutdriver *driver = device->state;
    char escaped[2 * UPDATE_VALUE_MAX + 2];

    (void)update;
    new_request(device);
    words_escape(value, escaped, sizeof escaped);
    return send_line(device, "SET %s \"%s\" TRACKING %s\n", name, escaped, driver->id)
               ? await_outcome(device)
               : UPS_FAILED;
}

const struct driver driver_nutdriver = {
    .name = "nutdriver",
    .description = "a driver process of NUT's, by its socket",
    .options = options,
    .open = open_nutdriver,
    .poll = poll_nutdriver,
    .wait = wait_nutdriver,
    .command = command,
    .set = set,
    .close = close_nutdriver,
};
