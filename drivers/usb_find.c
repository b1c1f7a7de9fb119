/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/usb_find.h"

#include "drivers/usb_node.h"

#include <stdio.h>
#include <string.h>

static void find_place(libusb_device *device, struct usb_place *place)
{
    uint8_t ports[8];
    uint8_t bus = libusb_get_bus_number(device);
    int count = libusb_get_port_numbers(device, ports, (int)sizeof ports);

    snprintf(place->bus, sizeof place->bus, "%03u", bus);
    snprintf(place->number, sizeof place->number, "%03u", libusb_get_device_address(device));
    size_t used = (size_t)snprintf(place->busport, sizeof place->busport, "%u", bus);
    for (int i = 0; i < count && used < sizeof place->busport; i++)
        used += (size_t)snprintf(place->busport + used, sizeof place->busport - used, "%c%u",
                                 i == 0 ? '-' : '.', ports[i]);
}

/* The length of the report descriptor, in the HID descriptor among an interface's extra bytes. */
static uint16_t stated_length(const uint8_t *extra, int length)
{
    for (int at = 0; at + 9 <= length && extra[at] >= 2; at += extra[at]) {
        if (extra[at + 1] == LIBUSB_DT_HID && extra[at] >= 9)
            return (uint16_t)(extra[at + 7] | extra[at + 8] << 8);
    }
    return 0;
}

static void find_endpoint(const struct libusb_interface_descriptor *interface,
                          struct usb_candidate *candidate)
{
    for (uint8_t i = 0; i < interface->bNumEndpoints; i++) {
        const struct libusb_endpoint_descriptor *endpoint = &interface->endpoint[i];

        if ((endpoint->bEndpointAddress & LIBUSB_ENDPOINT_IN) != 0 &&
            (endpoint->bmAttributes & 3) == LIBUSB_TRANSFER_TYPE_INTERRUPT) {
            candidate->endpoint_in = endpoint->bEndpointAddress;
            candidate->packet_size = endpoint->wMaxPacketSize & 0x7ff;
            return;
        }
    }
}

static bool has_boot_interface(const struct libusb_config_descriptor *configuration)
{
    for (uint8_t i = 0; i < configuration->bNumInterfaces; i++) {
        const struct libusb_interface *interface = &configuration->interface[i];

        if (interface->num_altsetting > 0 &&
            interface->altsetting[0].bInterfaceClass == LIBUSB_CLASS_HID &&
            interface->altsetting[0].bInterfaceSubClass == USB_BOOT_INTERFACE)
            return true;
    }
    return false;
}

/* The first alternate setting tells; wanted_interface: -1 for all of the HID class. */
static size_t find_interfaces(const struct libusb_config_descriptor *configuration,
                              int wanted_interface, struct usb_candidate *out, size_t room)
{
    bool beside_boot_interface = has_boot_interface(configuration);
    size_t count = 0;

    for (uint8_t i = 0; i < configuration->bNumInterfaces && count < room; i++) {
        const struct libusb_interface *interface = &configuration->interface[i];

        if (interface->num_altsetting < 1)
            continue;
        const struct libusb_interface_descriptor *first = &interface->altsetting[0];
        if (wanted_interface >= 0 ? first->bInterfaceNumber != wanted_interface
                                  : first->bInterfaceClass != LIBUSB_CLASS_HID)
            continue;
        out[count].configuration = configuration->bConfigurationValue;
        out[count].interface = first->bInterfaceNumber;
        out[count].subclass = first->bInterfaceSubClass;
        out[count].beside_boot_interface = beside_boot_interface;
        out[count].descriptor_length = stated_length(first->extra, first->extra_length);
        find_endpoint(first, &out[count]);
        count++;
    }
    return count;
}

static void describe(libusb_device *device, const struct libusb_device_descriptor *descriptor,
                     struct usb_facts *facts)
{
    struct hid_identity *identity = &facts->identity;

    identity->vendor_id = descriptor->idVendor;
    identity->product_id = descriptor->idProduct;
    identity->release = descriptor->bcdDevice;
    find_place(device, &facts->place);
    /* The kernel has asked the device for these when it came: no need to open it. */
    usb_node_text(facts->place.busport, "manufacturer", identity->vendor, sizeof identity->vendor);
    usb_node_text(facts->place.busport, "product", identity->product, sizeof identity->product);
    usb_node_text(facts->place.busport, "serial", identity->serial, sizeof identity->serial);
}

size_t usb_find_interfaces(libusb_device *device, int wanted_interface, struct usb_candidate *out,
                           size_t room)
{
    struct libusb_device_descriptor descriptor;
    struct libusb_config_descriptor *configuration;
    struct usb_candidate first = { .device = device };
    size_t count;

    if (room == 0 || libusb_get_device_descriptor(device, &descriptor) != 0 ||
        descriptor.bDeviceClass == LIBUSB_CLASS_HUB ||
        libusb_get_active_config_descriptor(device, &configuration) != 0)
        return 0;
    memset(out, 0, room * sizeof *out);
    count = find_interfaces(configuration, wanted_interface, out, room);
    libusb_free_config_descriptor(configuration);
    if (count > 0)
        describe(device, &descriptor, &first.facts);
    for (size_t i = 0; i < count; i++) {
        out[i].device = device;
        out[i].facts = first.facts;
    }
    return count;
}
