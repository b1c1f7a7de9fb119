/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/usb_transfer.h"

#include "core/loop.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

/* A class request may take a device 5 s, USB says; no UPS that is well takes more than one. */
#define CONTROL_MS 2500
#define CANCEL_MS 1000   /* for the kernel to give a transfer back */
#define STOP_LOOK_MS 100 /* how often a stop is looked for when the wake is for something else */
#define DESCRIPTORS_MAX 16

#define GET_REPORT 0x01
#define SET_REPORT 0x09
#define TO_DEVICE (LIBUSB_REQUEST_TYPE_CLASS | LIBUSB_RECIPIENT_INTERFACE | LIBUSB_ENDPOINT_OUT)
#define FROM_DEVICE (LIBUSB_REQUEST_TYPE_CLASS | LIBUSB_RECIPIENT_INTERFACE | LIBUSB_ENDPOINT_IN)
#define LANGUAGE_ENGLISH 0x0409
#define ENDPOINT_OUT 0x02

/* Events ------------------------------------------------------------------------------------- */

static bool must_stop(const struct usb_device *device)
{
    return device->caller.must_stop != NULL && device->caller.must_stop(device->caller.context);
}

bool usb_transfer_is_over(const struct usb_device *device)
{
    return device->is_gone || must_stop(device);
}

void usb_mark_gone(struct usb_device *device)
{
    if (!device->is_gone)
        device->counters->disconnects++;
    device->is_gone = true;
}

bool usb_wait_events(struct usb_device *device, int timeout_ms, bool hears_wake)
{
    struct pollfd descriptors[DESCRIPTORS_MAX + 1];
    struct timeval none = { 0 };
    nfds_t count = 1;
    const struct libusb_pollfd **pollfds = libusb_get_pollfds(device->libusb);

    /* A negative one is left out by poll(). */
    descriptors[0] =
        (struct pollfd){ .fd = hears_wake ? device->caller.wake_descriptor : -1, .events = POLLIN };
    for (size_t i = 0; pollfds != NULL && pollfds[i] != NULL && count <= DESCRIPTORS_MAX; i++)
        descriptors[count++] =
            (struct pollfd){ .fd = pollfds[i]->fd, .events = pollfds[i]->events };
    libusb_free_pollfds(pollfds);
    int ready = poll(descriptors, count, timeout_ms);
    if (ready < 0 && errno != EINTR)
        usb_mark_gone(device);
    libusb_handle_events_timeout_completed(device->libusb, &none, NULL);
    return ready > 0 && descriptors[0].revents != 0;
}

static int remaining_ms(uint64_t deadline)
{
    uint64_t now = clock_ms();

    return now >= deadline ? 0 : (int)(deadline - now);
}

/* Control transfers -------------------------------------------------------------------------- */

static void LIBUSB_CALL control_ended(struct libusb_transfer *transfer)
{
    struct usb_device *device = transfer->user_data;

    device->control_pending = false;
}

static enum hid_result submit_failed(struct usb_device *device, int error)
{
    if (error == LIBUSB_ERROR_NO_DEVICE)
        usb_mark_gone(device);
    else
        device->counters->io++;
    return HID_BROKEN;
}

/* Waits for the end of the transfer, and brings it about when it is time. */
static void finish_control(struct usb_device *device)
{
    uint64_t deadline = clock_ms() + CONTROL_MS;
    bool hears_wake = true;
    bool cancelled = false;

    while (device->control_pending) {
        int left = remaining_ms(deadline);

        if (!cancelled && (left == 0 || usb_transfer_is_over(device))) {
            cancelled = true;
            libusb_cancel_transfer(device->control);
            deadline = clock_ms() + CANCEL_MS;
        } else if (left == 0) {
            /* The kernel keeps it: only closing the node gets it back. */
            usb_mark_gone(device);
            return;
        } else {
            int most = hears_wake || left < STOP_LOOK_MS ? left : STOP_LOOK_MS;

            /* A command that waits is no reason to give up: from now on only a stop is looked for.
             */
            if (usb_wait_events(device, most, hears_wake))
                hears_wake = false;
        }
    }
}

static int control_result(struct usb_device *device)
{
    struct usb_counters *counters = device->counters;

    if (device->control_pending)
        return HID_BROKEN;
    switch (device->control->status) {
    case LIBUSB_TRANSFER_COMPLETED:
        return device->control->actual_length;
    case LIBUSB_TRANSFER_STALL:
        counters->stalls++;
        return HID_STALLED;
    case LIBUSB_TRANSFER_OVERFLOW:
        counters->overflows++;
        return HID_SHORT;
    case LIBUSB_TRANSFER_NO_DEVICE:
        usb_mark_gone(device);
        return HID_BROKEN;
    case LIBUSB_TRANSFER_CANCELLED:
    case LIBUSB_TRANSFER_TIMED_OUT:
        if (usb_transfer_is_over(device))
            return HID_BROKEN;
        counters->timeouts++;
        return HID_TIMED_OUT;
    case LIBUSB_TRANSFER_ERROR:
        break;
    }
    /* Some fail so on one report for ever: as with time-outs, only several in a row are the end. */
    counters->io++;
    return HID_TIMED_OUT;
}

int usb_control(struct usb_device *device, uint8_t type, uint8_t request, uint16_t value,
                uint16_t index, void *data, size_t length)
{
    uint8_t *bytes = device->control_bytes;
    bool is_in = (type & LIBUSB_ENDPOINT_IN) != 0;

    if (usb_transfer_is_over(device) || device->control_pending)
        return HID_BROKEN;
    if (length > USB_CONTROL_MAX)
        length = USB_CONTROL_MAX;
    libusb_fill_control_setup(bytes, type, request, value, index, (uint16_t)length);
    if (is_in)
        memset(bytes + LIBUSB_CONTROL_SETUP_SIZE, 0, length);
    else if (length > 0)
        memcpy(bytes + LIBUSB_CONTROL_SETUP_SIZE, data, length);
    /* Deadlines are ours: a time-out of libusb's would be a second clock. */
    libusb_fill_control_transfer(device->control, device->handle, bytes, control_ended, device, 0);
    int error = libusb_submit_transfer(device->control);
    if (error != 0)
        return submit_failed(device, error);
    device->control_pending = true;
    finish_control(device);
    int result = control_result(device);
    if (is_in && result > 0) {
        if ((size_t)result > length)
            result = (int)length;
        memcpy(data, bytes + LIBUSB_CONTROL_SETUP_SIZE, (size_t)result);
    }
    return result;
}

enum hid_result usb_send_output(void *state, const uint8_t *bytes, size_t length)
{
    struct usb_device *device = state;

    if (usb_transfer_is_over(device) || device->control_pending)
        return HID_BROKEN;
    if (length > USB_CONTROL_MAX)
        return HID_SHORT;
    memcpy(device->control_bytes, bytes, length);
    /* The one transfer there is beside that of input: one thing is asked at a time. */
    libusb_fill_interrupt_transfer(device->control, device->handle, ENDPOINT_OUT,
                                   device->control_bytes, (int)length, control_ended, device, 0);
    int error = libusb_submit_transfer(device->control);
    if (error != 0)
        return submit_failed(device, error);
    device->control_pending = true;
    finish_control(device);
    int result = control_result(device);
    return result < 0 ? (enum hid_result)result : (size_t)result == length ? HID_OK : HID_SHORT;
}

/* Reports ------------------------------------------------------------------------------------ */

/*
 * Asks once. A device that sends more than it was asked for is asked for as much as there can be; a
 * disturbed transfer is tried a second time.
 */
static int ask_report(struct usb_device *device, uint16_t value, uint8_t *bytes, size_t size)
{
    unsigned io = device->counters->io;
    int got = usb_control(device, FROM_DEVICE, GET_REPORT, value, device->interface, bytes, size);

    if (got == HID_SHORT && size < HID_REPORT_MAX)
        got = usb_control(device, FROM_DEVICE, GET_REPORT, value, device->interface, bytes,
                          HID_REPORT_MAX);
    else if (got == HID_TIMED_OUT && device->counters->io != io)
        got = usb_control(device, FROM_DEVICE, GET_REPORT, value, device->interface, bytes, size);
    return got;
}

ssize_t usb_get_report(void *state, enum hid_report_type type, uint8_t report, uint8_t *bytes,
                       size_t size)
{
    struct usb_device *device = state;
    uint8_t answer[HID_REPORT_MAX];
    uint16_t value = (uint16_t)((unsigned)type << 8 | report);
    size_t wanted = size < 8 ? 8 : size;

    if (wanted < device->options.report_buffer)
        wanted = device->options.report_buffer;
    if (wanted > sizeof answer)
        wanted = sizeof answer;
    int got = ask_report(device, value, answer, wanted);
    /* Another report's answer: that of an earlier question, perhaps. */
    if (got > 0 && report != 0 && answer[0] != report)
        got = ask_report(device, value, answer, wanted);
    if (got < 0)
        return got == HID_SHORT ? HID_STALLED : got;
    if (got == 0 || (report != 0 && answer[0] != report))
        return HID_SHORT;
    size_t length = (size_t)got < size ? (size_t)got : size;
    memcpy(bytes, answer, length);
    return (ssize_t)length;
}

enum hid_result usb_set_report(void *state, enum hid_report_type type, uint8_t report,
                               const uint8_t *bytes, size_t length)
{
    struct usb_device *device = state;
    uint8_t copy[HID_REPORT_MAX];
    uint16_t value = (uint16_t)((unsigned)type << 8 | report);

    if (length > sizeof copy)
        return HID_SHORT;
    memcpy(copy, bytes, length);
    int sent = usb_control(device, TO_DEVICE, SET_REPORT, value, device->interface, copy, length);
    return sent < 0 ? (enum hid_result)sent : HID_OK;
}

/* Strings ------------------------------------------------------------------------------------ */

/* A string descriptor's text, whatever its lengths claim. */
static void decode_string(const uint8_t *bytes, size_t length, char *out, size_t size)
{
    size_t used = 0;

    if (length > bytes[0])
        length = bytes[0];
    for (size_t at = 2; at + 1 < length && used + 1 < size; at += 2) {
        unsigned code = bytes[at] | (unsigned)bytes[at + 1] << 8;

        if (code == 0)
            break;
        out[used++] = code >= 0x20 && code < 0x7f ? (char)code : '?';
    }
    while (used > 0 && out[used - 1] == ' ')
        used--;
    out[used] = '\0';
}

static int get_string_descriptor(struct usb_device *device, uint8_t index, uint16_t language,
                                 uint8_t bytes[255])
{
    int got = usb_control(device, LIBUSB_ENDPOINT_IN, LIBUSB_REQUEST_GET_DESCRIPTOR,
                          (uint16_t)(LIBUSB_DT_STRING << 8 | index), language, bytes, 255);

    return got < 0 || (got >= 2 && bytes[1] == LIBUSB_DT_STRING) ? got : HID_SHORT;
}

/* English if the device has it, else its first one; without a list, English is worth a try. */
static int find_language(struct usb_device *device)
{
    uint8_t bytes[255] = { 0 };
    int got = get_string_descriptor(device, 0, 0, bytes);

    if (got == HID_BROKEN || got == HID_TIMED_OUT)
        return got;
    device->language = LANGUAGE_ENGLISH;
    device->language_known = true;
    if (got < 4)
        return 0;
    device->language = (uint16_t)(bytes[2] | bytes[3] << 8);
    for (int at = 2; at + 1 < got && at + 1 < bytes[0]; at += 2) {
        if ((bytes[at] | bytes[at + 1] << 8) == LANGUAGE_ENGLISH)
            device->language = LANGUAGE_ENGLISH;
    }
    return 0;
}

enum hid_result usb_get_string(void *state, uint8_t index, char *out, size_t size)
{
    struct usb_device *device = state;
    uint8_t bytes[255] = { 0 };

    out[0] = '\0';
    if (index == 0)
        return HID_OK;
    if (device->strings_hang)
        return HID_STALLED;
    int got = device->language_known ? 0 : find_language(device);
    if (got >= 0)
        got = get_string_descriptor(device, index, device->language, bytes);
    device->strings_hang = got == HID_TIMED_OUT;
    if (got < 0)
        return (enum hid_result)got;
    decode_string(bytes, (size_t)got, out, size);
    return HID_OK;
}

ssize_t usb_get_raw_string(void *state, uint8_t index, uint8_t *bytes, size_t size)
{
    return usb_control(state, LIBUSB_ENDPOINT_IN, LIBUSB_REQUEST_GET_DESCRIPTOR,
                       (uint16_t)(LIBUSB_DT_STRING << 8 | index), LANGUAGE_ENGLISH, bytes, size);
}
