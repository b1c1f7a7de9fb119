/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/usb_device.h"

#include "core/loop.h"
#include "drivers/usb_find.h"
#include "drivers/usb_match.h"
#include "drivers/usb_node.h"
#include "drivers/usb_transfer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INTERFACES_MAX 8   /* HID interfaces of one device that are looked at */
#define CANDIDATES_MAX 256 /* interfaces of all devices */

/* What stood in the way; the gravest of all candidates' is told. */
enum obstacle { NO_DEVICE, NOT_WANTED, TROUBLE, HAS_SECTION, BUSY, DENIED };

struct search {
    struct usb_match *match;
    const struct usb_options *options;
    const struct usb_caller *caller;
    libusb_context *libusb;
    struct usb_candidate candidates[CANDIDATES_MAX];
    size_t count;
    enum obstacle obstacle;
    char *problem;
    size_t size;
};

/* Opening ------------------------------------------------------------------------------------ */

static void set_problem(struct search *search, enum obstacle obstacle, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void set_problem(struct search *search, enum obstacle obstacle, const char *format, ...)
{
    va_list arguments;

    if (obstacle < search->obstacle)
        return;
    search->obstacle = obstacle;
    va_start(arguments, format);
    vsnprintf(search->problem, search->size, format, arguments);
    va_end(arguments);
}

/* What libusb says when a device cannot be opened or claimed. */
static void explain(struct search *search, const struct usb_device *device, int error,
                    const char *verb)
{
    const struct usb_place *place = &device->facts.place;
    char text[200];

    switch (error) {
    case LIBUSB_ERROR_ACCESS:
        usb_node_explain_denial(place, text, sizeof text);
        set_problem(search, DENIED, "%s", text);
        break;
    case LIBUSB_ERROR_BUSY:
        usb_node_explain_busy(place, text, sizeof text);
        set_problem(search, BUSY, "%s", text);
        break;
    default:
        set_problem(search, TROUBLE, "USB device %s (%04x:%04x) cannot be %s: %s", place->busport,
                    device->facts.identity.vendor_id, device->facts.identity.product_id, verb,
                    libusb_strerror(error));
        break;
    }
}

static int LIBUSB_CALL device_left(libusb_context *libusb, libusb_device *left,
                                   libusb_hotplug_event event, void *argument)
{
    struct usb_device *device = argument;

    (void)libusb;
    (void)event;
    if (libusb_get_device(device->handle) == left)
        usb_mark_gone(device);
    return 0;
}

static bool claim_interface(struct search *search, struct usb_device *device)
{
    int error = libusb_open(device->found, &device->handle);

    if (error != 0) {
        device->handle = NULL;
        explain(search, device, error, "opened");
        return false;
    }
    /* The kernel's driver gets the interface back when it is released. */
    libusb_set_auto_detach_kernel_driver(device->handle, 1);
    error = libusb_claim_interface(device->handle, device->interface);
    if (error != 0) {
        explain(search, device, error, "claimed");
        return false;
    }
    device->is_claimed = true;
    if (device->options.altsetting >= 0) {
        error = libusb_set_interface_alt_setting(device->handle, device->interface,
                                                 device->options.altsetting);
        if (error != 0) {
            explain(search, device, error, "set to its alternate setting");
            return false;
        }
    }
    return true;
}

/* The report descriptor's length as the device says when it is asked; 0: it does not. */
static size_t asked_length(struct usb_device *device)
{
    uint8_t bytes[9];
    int got = usb_control(device, LIBUSB_ENDPOINT_IN | LIBUSB_RECIPIENT_INTERFACE,
                          LIBUSB_REQUEST_GET_DESCRIPTOR, LIBUSB_DT_HID << 8, device->interface,
                          bytes, sizeof bytes);

    return got == 9 && bytes[1] == LIBUSB_DT_HID ? (size_t)(bytes[7] | bytes[8] << 8) : 0;
}

/*
 * Reads the report descriptor of an index. The two places that tell its length can disagree: the
 * longer one is asked for, and what comes is taken.
 */
static bool read_report_descriptor(struct usb_device *device, unsigned index)
{
    size_t length = asked_length(device);

    if (length < device->descriptor_length)
        length = device->descriptor_length;
    if (length == 0 || length > USB_CONTROL_MAX)
        length = USB_CONTROL_MAX;
    free(device->report_descriptor);
    device->report_descriptor_length = 0;
    device->report_descriptor = malloc(length);
    if (device->report_descriptor == NULL)
        return false;
    int got = usb_control(device, LIBUSB_ENDPOINT_IN | LIBUSB_RECIPIENT_INTERFACE,
                          LIBUSB_REQUEST_GET_DESCRIPTOR, (uint16_t)(LIBUSB_DT_REPORT << 8 | index),
                          device->interface, device->report_descriptor, length);
    device->report_descriptor_length = got > 0 ? (size_t)got : 0;
    return got > 0;
}

static bool is_wanted(const struct usb_device *device)
{
    return device->options.is_wanted == NULL ||
           device->options.is_wanted(&device->facts.identity, device->report_descriptor,
                                     device->report_descriptor_length);
}

/* Some Eatons have a descriptor of another kind at index 0, and theirs at 1 (issues 1513, 2562,
 * 3295). */
static bool begins_at_index_1(const struct hid_identity *identity)
{
    return identity->vendor_id == 0x0463 && identity->release == 0x0202;
}

static bool find_report_descriptor(struct search *search, struct usb_device *device)
{
    int configured = device->options.descriptor_index;
    unsigned first = begins_at_index_1(&device->facts.identity) ? 1 : 0;
    bool has_read = false;

    for (unsigned i = 0; i < (configured >= 0 ? 1u : 2u); i++) {
        unsigned index = configured >= 0 ? (unsigned)configured : i ^ first;

        if (!read_report_descriptor(device, index))
            continue;
        has_read = true;
        if (is_wanted(device))
            return true;
    }
    if (device->is_gone) {
        set_problem(search, TROUBLE, "USB device %s went away while it was being opened",
                    device->facts.place.busport);
        return false;
    }
    set_problem(search, has_read ? NOT_WANTED : TROUBLE,
                has_read ? "USB device %s (%04x:%04x) is no UPS by its report descriptor"
                         : "USB device %s (%04x:%04x): its report descriptor cannot be read",
                device->facts.place.busport, device->facts.identity.vendor_id,
                device->facts.identity.product_id);
    return false;
}

/* The device's own word, where it has one; the kernel's copy where it does not answer. */
static void read_string(struct usb_device *device, uint8_t index, char *out, size_t size)
{
    char text[128];

    if (usb_get_string(device, index, text, sizeof text) == HID_OK && text[0] != '\0')
        snprintf(out, size, "%s", text);
}

static void read_strings(struct usb_device *device)
{
    struct hid_identity *identity = &device->facts.identity;
    struct libusb_device_descriptor descriptor;

    if (libusb_get_device_descriptor(libusb_get_device(device->handle), &descriptor) != 0)
        return;
    read_string(device, descriptor.iManufacturer, identity->vendor, sizeof identity->vendor);
    read_string(device, descriptor.iProduct, identity->product, sizeof identity->product);
    read_string(device, descriptor.iSerialNumber, identity->serial, sizeof identity->serial);
}

static struct usb_device *device_new(const struct search *search,
                                     const struct usb_candidate *candidate)
{
    struct usb_device *device = calloc(1, sizeof *device);

    if (device == NULL)
        return NULL;
    device->control = libusb_alloc_transfer(0);
    if (device->control == NULL) {
        free(device);
        return NULL;
    }
    device->match = search->match;
    device->counters = usb_match_own_counters(search->match);
    device->options = *search->options;
    device->caller = *search->caller;
    device->libusb = search->libusb;
    device->found = candidate->device;
    device->facts = candidate->facts;
    device->configuration = candidate->configuration;
    device->interface = candidate->interface;
    device->endpoint_in = search->options->endpoint_in >= 0 ? (uint8_t)search->options->endpoint_in
                                                            : candidate->endpoint_in;
    device->packet_size = candidate->packet_size;
    device->descriptor_length = candidate->descriptor_length;
    device->transport = (struct hid_transport){ .state = device,
                                                .get_report = usb_get_report,
                                                .set_report = usb_set_report,
                                                .get_string = usb_get_string,
                                                .get_raw_string = usb_get_raw_string,
                                                .send_output = usb_send_output,
                                                .read_input = usb_read_input };
    return device;
}

/* Closes what is open; the libusb context stays. */
static void device_free(struct usb_device *device)
{
    usb_transfers_stop(device);
    if (device->is_claimed)
        libusb_release_interface(device->handle, device->interface);
    if (device->handle != NULL)
        libusb_close(device->handle);
    /* Closing has taken back what the kernel still had of them. */
    libusb_free_transfer(device->input.transfer);
    libusb_free_transfer(device->control);
    free(device->input.bytes);
    free(device->report_descriptor);
    free(device);
}

static bool matches_by_strings(struct search *search, struct usb_device *device)
{
    read_strings(device);
    if (usb_match_strings(search->match, &device->facts))
        return true;
    set_problem(search, NO_DEVICE, "no matching USB device");
    return false;
}

static struct usb_device *try_candidate(struct search *search,
                                        const struct usb_candidate *candidate)
{
    struct usb_device *device = device_new(search, candidate);

    if (device == NULL) {
        set_problem(search, TROUBLE, "out of memory");
        return NULL;
    }
    if (claim_interface(search, device) && find_report_descriptor(search, device) &&
        matches_by_strings(search, device)) {
        usb_match_remember(search->match, &device->facts);
        return device;
    }
    device_free(device);
    return NULL;
}

/* The search --------------------------------------------------------------------------------- */

/*
 * Is it worth opening? The kernel's copy of the report descriptor spares keyboards and UPSes of
 * others a visit.
 */
static bool looks_wanted(struct search *search, const struct usb_candidate *candidate)
{
    const struct hid_identity *identity = &candidate->facts.identity;
    uint8_t *bytes = malloc(HID_DESCRIPTOR_MAX);
    bool wanted = candidate->subclass != USB_BOOT_INTERFACE;

    if (bytes == NULL)
        return false;
    ssize_t length =
        usb_node_report_descriptor(candidate->facts.place.busport, candidate->configuration,
                                   candidate->interface, bytes, HID_DESCRIPTOR_MAX);
    /* Of a keyboard that is just being plugged in there is none yet: it is not taken to find out.
     */
    if (length <= 0 && candidate->beside_boot_interface)
        wanted = false;
    /* The kernel reads the one at index 0 only. */
    if (length > 0 && search->options->descriptor_index <= 0 && !begins_at_index_1(identity))
        wanted = search->options->is_wanted(identity, bytes, (size_t)length);
    free(bytes);
    if (!wanted)
        set_problem(search, NOT_WANTED, "USB device %s (%04x:%04x) is no UPS by its descriptors",
                    candidate->facts.place.busport, identity->vendor_id, identity->product_id);
    return wanted;
}

/* If the kernel has no strings, the device is asked for them when it is open. */
static bool fits(const struct search *search, const struct usb_candidate *candidate)
{
    const struct hid_identity *identity = &candidate->facts.identity;
    bool told =
        identity->vendor[0] != '\0' || identity->product[0] != '\0' || identity->serial[0] != '\0';

    return usb_match_numbers(search->match, &candidate->facts) &&
           (!told || usb_match_strings(search->match, &candidate->facts));
}

static void find_candidates(struct search *search, libusb_device *const *devices)
{
    for (size_t i = 0; devices[i] != NULL; i++) {
        struct usb_candidate found[INTERFACES_MAX];
        size_t count =
            usb_find_interfaces(devices[i], search->options->interface, found, INTERFACES_MAX);

        for (size_t j = 0; j < count && search->count < CANDIDATES_MAX; j++) {
            if (!fits(search, &found[j]))
                continue;
            found[j].familiarity = usb_match_familiarity(search->match, &found[j].facts);
            search->candidates[search->count++] = found[j];
        }
    }
}

static struct usb_device *try_all(struct search *search)
{
    char who[64];

    for (int familiarity = 2; familiarity >= 0; familiarity--) {
        for (size_t i = 0; i < search->count; i++) {
            const struct usb_candidate *candidate = &search->candidates[i];

            if (candidate->familiarity != familiarity || !looks_wanted(search, candidate))
                continue;
            if (!usb_match_claim(search->match, &candidate->facts, who, sizeof who)) {
                set_problem(search, HAS_SECTION, "USB device %s belongs to section [%s]",
                            candidate->facts.place.busport, who);
                continue;
            }
            struct usb_device *device = try_candidate(search, candidate);
            if (device != NULL)
                return device;
            usb_match_release(search->match);
        }
    }
    return NULL;
}

static void explain_absence(struct search *search)
{
    char wish[160];

    if (search->obstacle > NOT_WANTED)
        return;
    usb_match_describe(search->match, wish, sizeof wish);
    if (search->obstacle == NOT_WANTED && wish[0] != '\0')
        return;
    snprintf(search->problem, search->size,
             wish[0] == '\0' ? "no USB UPS is attached%s" : "no USB device is attached with %s",
             wish);
}

static struct usb_device *search_devices(struct search *search)
{
    libusb_device **devices;
    ssize_t count = libusb_get_device_list(search->libusb, &devices);

    if (count < 0) {
        set_problem(search, TROUBLE, "USB devices cannot be listed: %s",
                    libusb_strerror((int)count));
        return NULL;
    }
    find_candidates(search, devices);
    struct usb_device *device = try_all(search);
    libusb_free_device_list(devices, 1);
    if (device == NULL)
        explain_absence(search);
    return device;
}

static void hear_departure(struct usb_device *device)
{
    device->hears_departure =
        libusb_has_capability(LIBUSB_CAP_HAS_HOTPLUG) != 0 &&
        libusb_hotplug_register_callback(device->libusb, LIBUSB_HOTPLUG_EVENT_DEVICE_LEFT, 0,
                                         LIBUSB_HOTPLUG_MATCH_ANY, LIBUSB_HOTPLUG_MATCH_ANY,
                                         LIBUSB_HOTPLUG_MATCH_ANY, device_left, device,
                                         &device->departure) == 0;
}

struct usb_device *usb_device_open(struct usb_match *match, const struct usb_options *options,
                                   const struct usb_caller *caller, char *problem, size_t size)
{
    struct search *search = calloc(1, sizeof *search);

    if (search == NULL) {
        snprintf(problem, size, "out of memory");
        return NULL;
    }
    search->match = match;
    search->options = options;
    search->caller = caller;
    search->problem = problem;
    search->size = size;
    problem[0] = '\0';
    int error = libusb_init(&search->libusb);
    if (error != 0) {
        snprintf(problem, size, "USB cannot be used here: %s", libusb_strerror(error));
        free(search);
        return NULL;
    }
    struct usb_device *device = search_devices(search);
    if (device == NULL)
        libusb_exit(search->libusb);
    else
        hear_departure(device);
    free(search);
    return device;
}

void usb_device_close(struct usb_device *device)
{
    libusb_context *libusb = device->libusb;
    struct usb_match *match = device->match;

    if (device->hears_departure)
        libusb_hotplug_deregister_callback(libusb, device->departure);
    device_free(device);
    libusb_exit(libusb);
    usb_match_release(match);
}

/* What it is --------------------------------------------------------------------------------- */

const struct hid_identity *usb_device_identity(const struct usb_device *device)
{
    return &device->facts.identity;
}

const uint8_t *usb_device_report_descriptor(const struct usb_device *device, size_t *length)
{
    *length = device->report_descriptor_length;
    return device->report_descriptor;
}

const struct hid_transport *usb_device_transport(struct usb_device *device)
{
    return &device->transport;
}

bool usb_device_is_gone(const struct usb_device *device)
{
    return device->is_gone;
}

void usb_library_version(char *out, size_t size)
{
    const struct libusb_version *version = libusb_get_version();

    snprintf(out, size, "libusb-%u.%u.%u (API: 0x%x)", version->major, version->minor,
             version->micro, (unsigned)LIBUSB_API_VERSION);
}

const struct usb_place *usb_device_place(const struct usb_device *device)
{
    return &device->facts.place;
}

void usb_device_set_report_buffer(struct usb_device *device, unsigned size)
{
    if (device->options.report_buffer < size)
        device->options.report_buffer = size;
}

/* --scan ------------------------------------------------------------------------------------- */

/* Tells of one interface; asks the device itself only if the kernel has no copy. */
static void tell_of(struct search *search, const struct usb_candidate *candidate,
                    void (*seen)(void *context, const struct usb_found *found), void *context)
{
    struct usb_found found = { .identity = candidate->facts.identity,
                               .place = candidate->facts.place };
    uint8_t *bytes = malloc(HID_DESCRIPTOR_MAX);
    ssize_t length = -1;
    struct usb_device *device = NULL;

    search->obstacle = NO_DEVICE;
    search->problem[0] = '\0';
    if (bytes != NULL)
        length = usb_node_report_descriptor(found.place.busport, candidate->configuration,
                                            candidate->interface, bytes, HID_DESCRIPTOR_MAX);
    if (length > 0 && !begins_at_index_1(&found.identity)) {
        found.report_descriptor = bytes;
        found.report_descriptor_length = (size_t)length;
    } else if (candidate->subclass != USB_BOOT_INTERFACE) {
        device = device_new(search, candidate);
        if (device != NULL && claim_interface(search, device) &&
            find_report_descriptor(search, device)) {
            read_strings(device);
            found.identity = device->facts.identity;
            found.report_descriptor = device->report_descriptor;
            found.report_descriptor_length = device->report_descriptor_length;
        }
    }
    if (found.report_descriptor == NULL)
        found.problem = search->problem;
    if (found.report_descriptor != NULL || candidate->subclass != USB_BOOT_INTERFACE)
        seen(context, &found);
    if (device != NULL)
        device_free(device);
    free(bytes);
}

static bool scan(struct search *search, void (*seen)(void *context, const struct usb_found *found),
                 void *context)
{
    libusb_device **devices;

    if (libusb_get_device_list(search->libusb, &devices) < 0)
        return false;
    find_candidates(search, devices);
    for (size_t i = 0; i < search->count; i++)
        tell_of(search, &search->candidates[i], seen, context);
    libusb_free_device_list(devices, 1);
    return true;
}

bool usb_scan(void (*seen)(void *context, const struct usb_found *found), void *context)
{
    static const struct usb_options options = {
        .altsetting = -1, .descriptor_index = -1, .interface = -1, .endpoint_in = -1
    };
    static const struct usb_caller caller = { .wake_descriptor = -1 };
    const struct device_settings anything = { .name = "" };
    char problem[256] = "";
    struct usb_match *match = usb_match_new(&anything, NULL);
    struct search *search = calloc(1, sizeof *search);
    bool good = false;

    if (match != NULL && search != NULL && libusb_init(&search->libusb) == 0) {
        search->match = match;
        search->options = &options;
        search->caller = &caller;
        search->problem = problem;
        search->size = sizeof problem;
        good = scan(search, seen, context);
        libusb_exit(search->libusb);
    }
    free(search);
    usb_match_free(match);
    return good;
}
