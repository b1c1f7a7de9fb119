/* SPDX-License-Identifier: BSD-2-Clause */
/* The interrupt transfer of drivers/usb_transfer.h. */
#include "core/log.h"
#include "core/loop.h"
#include "drivers/usb_transfer.h"

#include <stdlib.h>
#include <string.h>

#define FAILURES_MAX 5 /* in a row; then the endpoint is left alone, and the device only polled */
#define REST_MS 1000   /* after a failure */
#define STOP_MS 1000   /* for the kernel to give the transfer back */

static uint8_t *slot(const struct usb_input *input, size_t number)
{
    return input->bytes + number * input->size;
}

/* The buffer as long as the longest report: a longer one would wait for packets that never come. */
static bool make_buffers(struct usb_input *input, size_t size)
{
    uint8_t *bytes = calloc(USB_INPUTS_MAX + 1, size);

    if (bytes == NULL)
        return false;
    free(input->bytes);
    input->bytes = bytes;
    input->size = size;
    input->first = input->count = 0;
    return true;
}

static void failed(struct usb_device *device, enum usb_input_state next)
{
    struct usb_input *input = &device->input;

    input->state = next;
    input->resume = clock_ms() + REST_MS;
    if (++input->failures < FAILURES_MAX)
        return;
    input->state = USB_INPUT_OFF;
    log_notice("USB device %s: nothing can be read from its interrupt endpoint: it is only polled",
               device->facts.place.busport);
}

/*
 * What was sent is more than the descriptor says: packets of the endpoint's size are read whole. If
 * they are already, growing would only have it wait for the packet behind.
 */
static void grow(struct usb_device *device)
{
    struct usb_input *input = &device->input;
    size_t packet = device->packet_size > 0 ? device->packet_size : 8;
    size_t size = (input->size + packet - 1) / packet * packet;

    device->counters->overflows++;
    if (input->count == 0 && size != input->size && size <= HID_REPORT_MAX)
        make_buffers(input, size);
    failed(device, USB_INPUT_IDLE);
}

static void take(struct usb_input *input, size_t length)
{
    size_t number = (input->first + input->count) % USB_INPUTS_MAX;

    input->failures = 0;
    if (length == 0)
        return;
    memcpy(slot(input, number), slot(input, USB_INPUTS_MAX), length);
    input->lengths[number] = length;
    input->count++;
}

static void submit(struct usb_device *device);

static void LIBUSB_CALL ended(struct libusb_transfer *transfer)
{
    struct usb_device *device = transfer->user_data;
    struct usb_input *input = &device->input;

    input->state = USB_INPUT_IDLE;
    switch (transfer->status) {
    case LIBUSB_TRANSFER_COMPLETED:
        take(input, (size_t)transfer->actual_length);
        submit(device);
        break;
    case LIBUSB_TRANSFER_STALL:
        device->counters->stalls++;
        failed(device, USB_INPUT_HALTED);
        break;
    case LIBUSB_TRANSFER_OVERFLOW:
        grow(device);
        break;
    case LIBUSB_TRANSFER_NO_DEVICE:
        usb_mark_gone(device);
        break;
    case LIBUSB_TRANSFER_CANCELLED:
        break;
    case LIBUSB_TRANSFER_TIMED_OUT:
    case LIBUSB_TRANSFER_ERROR:
        device->counters->io++;
        failed(device, USB_INPUT_IDLE);
        break;
    }
}

/* Unless all buffers are full: what is not taken then, the device keeps. */
static void submit(struct usb_device *device)
{
    struct usb_input *input = &device->input;

    if (input->state != USB_INPUT_IDLE || input->count == USB_INPUTS_MAX)
        return;
    libusb_fill_interrupt_transfer(input->transfer, device->handle, device->endpoint_in,
                                   slot(input, USB_INPUTS_MAX), (int)input->size, ended, device, 0);
    int error = libusb_submit_transfer(input->transfer);
    if (error == 0) {
        input->state = USB_INPUT_ACTIVE;
    } else if (error == LIBUSB_ERROR_NO_DEVICE) {
        usb_mark_gone(device);
    } else {
        device->counters->io++;
        failed(device, USB_INPUT_IDLE);
    }
}

/* Has the transfer under way again after a failure, when it is time. */
static void mend(struct usb_device *device)
{
    struct usb_input *input = &device->input;

    if (input->state == USB_INPUT_OFF || input->state == USB_INPUT_ACTIVE ||
        clock_ms() < input->resume)
        return;
    if (input->state == USB_INPUT_HALTED) {
        libusb_clear_halt(device->handle, device->endpoint_in);
        input->state = USB_INPUT_IDLE;
    }
    submit(device);
}

static ssize_t give(struct usb_device *device, uint8_t *bytes, size_t size)
{
    struct usb_input *input = &device->input;
    size_t length = input->lengths[input->first] < size ? input->lengths[input->first] : size;

    memcpy(bytes, slot(input, input->first), length);
    input->first = (input->first + 1) % USB_INPUTS_MAX;
    input->count--;
    submit(device);
    return (ssize_t)length;
}

ssize_t usb_read_input(void *state, int timeout_ms, uint8_t *bytes, size_t size)
{
    struct usb_device *device = state;
    struct usb_input *input = &device->input;
    uint64_t deadline = clock_ms() + (uint64_t)timeout_ms;
    bool woken = false;

    while (true) {
        uint64_t now = clock_ms();
        uint64_t next = deadline;

        if (input->count > 0)
            return give(device, bytes, size);
        if (usb_transfer_is_over(device))
            return HID_BROKEN;
        mend(device);
        if (woken || now >= deadline)
            return 0;
        if (input->state != USB_INPUT_OFF && input->state != USB_INPUT_ACTIVE &&
            input->resume < next)
            next = input->resume > now ? input->resume : now + 1;
        woken = usb_wait_events(device, (int)(next - now), true);
    }
}

bool usb_device_listen(struct usb_device *device, size_t size)
{
    struct usb_input *input = &device->input;

    if (device->options.input_limit > 0 && size > device->options.input_limit)
        size = device->options.input_limit;
    if (device->endpoint_in == 0 || size == 0 || size > HID_REPORT_MAX || input->transfer != NULL ||
        !make_buffers(input, size))
        return false;
    input->transfer = libusb_alloc_transfer(0);
    if (input->transfer == NULL)
        return false;
    input->state = USB_INPUT_IDLE;
    submit(device);
    return true;
}

void usb_transfers_stop(struct usb_device *device)
{
    uint64_t deadline = clock_ms() + STOP_MS;

    if (device->input.state == USB_INPUT_ACTIVE)
        libusb_cancel_transfer(device->input.transfer);
    while ((device->input.state == USB_INPUT_ACTIVE || device->control_pending) &&
           clock_ms() < deadline)
        usb_wait_events(device, (int)(deadline - clock_ms()) + 1, false);
}
