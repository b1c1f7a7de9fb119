/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/usb_emulation.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/usbdevice_fs.h>

struct transfer {
    UMockdevIoctlClient *client;
    UMockdevIoctlData *urb_data, *buffer;
    bool finished;
};

/* The node ----------------------------------------------------------------------------------- */

static bool has_finished(const struct emulation *device)
{
    for (GList *link = device->transfers.head; link != NULL; link = link->next) {
        if (((struct transfer *)link->data)->finished)
            return true;
    }
    return false;
}

/*
 * usbfs says "writable" when something can be reaped. The node is a pipe that is full when nothing
 * can, and empty otherwise.
 */
static void update_node(struct emulation *device)
{
    char bytes[4096] = { 0 };
    bool full = !has_finished(device);

    if (device->node < 0 || full == device->node_full)
        return;
    if (full) {
        while (write(device->node, bytes, sizeof bytes) > 0 || write(device->node, bytes, 1) > 0)
            ;
    } else {
        while (read(device->node, bytes, sizeof bytes) > 0)
            ;
    }
    device->node_full = full;
}

static bool make_node(struct emulation *device)
{
    char *directory = g_path_get_dirname(device->node_path);

    g_mkdir_with_parents(directory, 0755);
    g_free(directory);
    unlink(device->node_path);
    if (mkfifo(device->node_path, 0600) != 0)
        return false;
    device->node = open(device->node_path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    device->node_full = false;
    update_node(device);
    emulation_apply_access(device);
    return device->node >= 0;
}

void emulation_apply_access(struct emulation *device)
{
    if (device->node_path != NULL)
        chmod(device->node_path, device->denied ? 0 : 0666);
}

/* Transfers ---------------------------------------------------------------------------------- */

static struct usbdevfs_urb *urb_of(const struct transfer *transfer)
{
    return (struct usbdevfs_urb *)(void *)transfer->urb_data->data;
}

static void finish(struct transfer *transfer, int status)
{
    urb_of(transfer)->status = status;
    transfer->finished = true;
}

static void transfer_free(struct transfer *transfer)
{
    g_object_unref(transfer->client);
    g_object_unref(transfer->urb_data);
    if (transfer->buffer != NULL)
        g_object_unref(transfer->buffer);
    g_free(transfer);
}

/* A transfer ends with a short packet, or when its buffer is full. */
static void feed(struct emulation *device, struct transfer *transfer)
{
    struct usbdevfs_urb *urb = urb_of(transfer);

    if (device->input_error != 0) {
        finish(transfer, -device->input_error);
        device->input_error = 0;
        return;
    }
    while (!transfer->finished && !g_queue_is_empty(&device->packets)) {
        GByteArray *packet = g_queue_pop_head(&device->packets);
        int room = urb->buffer_length - urb->actual_length;

        if ((int)packet->len > room) {
            finish(transfer, -EOVERFLOW);
        } else {
            memcpy(transfer->buffer->data + urb->actual_length, packet->data, packet->len);
            urb->actual_length += (int)packet->len;
            if (packet->len < device->model->packet_size || (int)packet->len == room)
                finish(transfer, 0);
        }
        g_byte_array_unref(packet);
    }
}

static void feed_all(struct emulation *device)
{
    for (GList *link = device->transfers.head; link != NULL; link = link->next) {
        struct transfer *transfer = link->data;

        if (!transfer->finished && urb_of(transfer)->type == USBDEVFS_URB_TYPE_INTERRUPT)
            feed(device, transfer);
    }
    update_node(device);
}

void emulation_input(struct emulation *device, const GByteArray *report)
{
    struct usb_model *model = device->model;
    const uint8_t number = report->data[0];
    const struct model_report *feature = &model->reports[3][number];

    model_set_report(model, 1, number, report->data, report->len);
    if (feature->bytes != NULL && feature->bytes->len == report->len)
        model_set_report(model, 3, number, report->data, report->len);
    for (guint at = 0; at < report->len; at += model->packet_size) {
        guint left = report->len - at;
        GByteArray *packet = g_byte_array_new();

        g_byte_array_append(packet, report->data + at,
                            left < model->packet_size ? left : model->packet_size);
        g_queue_push_tail(&device->packets, packet);
    }
    device->inputs++;
    feed_all(device);
}

void emulation_input_error(struct emulation *device, int error)
{
    device->input_error = error;
    feed_all(device);
}

static int submit_control(struct emulation *device, struct transfer *transfer)
{
    struct usbdevfs_urb *urb = urb_of(transfer);
    uint8_t *bytes = transfer->buffer->data;

    if (urb->buffer_length < 8)
        return EINVAL;
    if (urb->buffer_length - 8 < (bytes[6] | bytes[7] << 8))
        return EINVAL;
    int got = model_control(device->model, bytes, bytes + 8);
    if (got == MODEL_HANGS)
        return 0;
    urb->actual_length = got < 0 ? 0 : got;
    finish(transfer, got < 0 ? got : 0);
    return 0;
}

/* Complains as usbfs does of an interface that another has, or that nobody has claimed. */
static int check_claimed(const struct emulation *device, const UMockdevIoctlClient *client,
                         const struct transfer *transfer)
{
    const struct usbdevfs_urb *urb = urb_of(transfer);
    const uint8_t *setup = transfer->buffer->data;
    bool to_interface = urb->type != USBDEVFS_URB_TYPE_CONTROL || (setup[0] & 0x1f) == 1;

    if (!to_interface || device->claimer == client)
        return 0;
    return device->driver_bound || device->busy || device->claimer != NULL ? EBUSY : 0;
}

static int submit(struct emulation *device, UMockdevIoctlClient *client,
                  UMockdevIoctlData *argument)
{
    UMockdevIoctlData *data =
        umockdev_ioctl_data_resolve(argument, 0, sizeof(struct usbdevfs_urb), NULL);

    if (data == NULL)
        return EFAULT;
    struct transfer *transfer = g_new0(struct transfer, 1);
    transfer->client = g_object_ref(client);
    transfer->urb_data = data;
    struct usbdevfs_urb *urb = urb_of(transfer);
    int error = 0;
    urb->actual_length = 0;
    if (urb->buffer_length > 0)
        transfer->buffer = umockdev_ioctl_data_resolve(data, offsetof(struct usbdevfs_urb, buffer),
                                                       (gsize)urb->buffer_length, NULL);
    if (transfer->buffer == NULL)
        error = EINVAL;
    if (error == 0)
        error = check_claimed(device, client, transfer);
    if (error == 0 && urb->type == USBDEVFS_URB_TYPE_CONTROL)
        error = submit_control(device, transfer);
    else if (error == 0 &&
             (urb->type != USBDEVFS_URB_TYPE_INTERRUPT || urb->endpoint != device->model->endpoint))
        error = ENOENT;
    if (error != 0) {
        transfer_free(transfer);
        return error;
    }
    g_queue_push_tail(&device->transfers, transfer);
    if (urb->type == USBDEVFS_URB_TYPE_INTERRUPT)
        feed(device, transfer);
    return 0;
}

static int reap(struct emulation *device, const UMockdevIoctlClient *client, bool is_there,
                UMockdevIoctlData *argument)
{
    for (GList *link = device->transfers.head; link != NULL; link = link->next) {
        struct transfer *transfer = link->data;

        if (transfer->client == client && transfer->finished) {
            umockdev_ioctl_data_set_ptr(argument, 0, transfer->urb_data);
            g_queue_delete_link(&device->transfers, link);
            transfer_free(transfer);
            return 0;
        }
    }
    return is_there ? EAGAIN : ENODEV;
}

static int discard(struct emulation *device, const UMockdevIoctlClient *client, gulong address)
{
    for (GList *link = device->transfers.head; link != NULL; link = link->next) {
        struct transfer *transfer = link->data;

        if (transfer->client == client && !transfer->finished &&
            transfer->urb_data->client_addr == address) {
            finish(transfer, -ENOENT);
            return 0;
        }
    }
    return EINVAL;
}

/* Interfaces --------------------------------------------------------------------------------- */

static void set_claimer(struct emulation *device, UMockdevIoctlClient *client)
{
    if (client != NULL)
        g_object_ref(client);
    if (device->claimer != NULL)
        g_object_unref(device->claimer);
    device->claimer = client;
}

static int claim(struct emulation *device, UMockdevIoctlClient *client, unsigned interface,
                 bool detach)
{
    if (interface > device->model->interface)
        return ENOENT;
    if (interface != device->model->interface)
        return 0;
    if (device->busy || (device->claimer != NULL && device->claimer != client))
        return EBUSY;
    if (device->driver_bound && !detach)
        return EBUSY;
    device->driver_bound = false;
    set_claimer(device, client);
    device->claims++;
    return 0;
}

static int release(struct emulation *device, const UMockdevIoctlClient *client, unsigned interface)
{
    if (interface == device->model->interface && device->claimer == client)
        set_claimer(device, NULL);
    return 0;
}

static int driver_request(struct emulation *device, UMockdevIoctlData *argument)
{
    const struct usbdevfs_ioctl *command = (const void *)argument->data;
    bool is_ours = command->ifno == device->model->interface;

    switch ((unsigned)command->ioctl_code) {
    case USBDEVFS_DISCONNECT:
        if (!is_ours || !device->driver_bound)
            return ENODATA;
        device->driver_bound = false;
        return 0;
    case USBDEVFS_CONNECT:
        if (is_ours && device->claimer != NULL)
            return EBUSY;
        device->driver_bound |= is_ours;
        return 0;
    default:
        return ENOTTY;
    }
}

static int get_driver(const struct emulation *device, UMockdevIoctlData *argument)
{
    struct usbdevfs_getdriver *driver = (void *)argument->data;
    bool is_ours = driver->interface == device->model->interface;

    if (!is_ours || (!device->driver_bound && device->claimer == NULL && !device->busy))
        return ENODATA;
    snprintf(driver->driver, sizeof driver->driver, "%s",
             device->driver_bound ? "usbhid" : "usbfs");
    return 0;
}

/* ioctl(2) ----------------------------------------------------------------------------------- */

/* Those that have an argument in memory; returns an errno. */
static int serve_argument(struct emulation *device, UMockdevIoctlClient *client, gulong request,
                          UMockdevIoctlData *argument)
{
    const struct usbdevfs_disconnect_claim *wish = (const void *)argument->data;

    switch (request) {
    case USBDEVFS_GET_CAPABILITIES:
        *(uint32_t *)(void *)argument->data =
            USBDEVFS_CAP_REAP_AFTER_DISCONNECT | USBDEVFS_CAP_NO_PACKET_SIZE_LIM;
        return 0;
    case USBDEVFS_SUBMITURB:
        return submit(device, client, argument);
    case USBDEVFS_GETDRIVER:
        return get_driver(device, argument);
    case USBDEVFS_IOCTL:
        return driver_request(device, argument);
    case USBDEVFS_DISCONNECT_CLAIM:
        return claim(device, client, wish->interface, true);
    case USBDEVFS_CLAIMINTERFACE:
        return claim(device, client, *(unsigned *)(void *)argument->data, false);
    case USBDEVFS_RELEASEINTERFACE:
        return release(device, client, *(unsigned *)(void *)argument->data);
    case USBDEVFS_SETCONFIGURATION:
    case USBDEVFS_SETINTERFACE:
    case USBDEVFS_CLEAR_HALT:
        return 0;
    default:
        return ENOTTY;
    }
}

/* Clients may have closed the node, or have died; umockdev tells that nobody unasked. */
void emulation_forget_vanished(struct emulation *device)
{
    if (device->claimer != NULL && !umockdev_ioctl_client_get_connected(device->claimer))
        set_claimer(device, NULL);
    for (GList *link = device->transfers.head; link != NULL;) {
        GList *next = link->next;
        struct transfer *transfer = link->data;

        if (!umockdev_ioctl_client_get_connected(transfer->client)) {
            g_queue_delete_link(&device->transfers, link);
            transfer_free(transfer);
        }
        link = next;
    }
    update_node(device);
}

/* is_there: the device that the client has opened is still plugged in. */
static int serve(struct emulation *device, UMockdevIoctlClient *client, bool is_there,
                 gulong request, UMockdevIoctlData *argument)
{
    device->ioctls++;
    emulation_forget_vanished(device);
    if (request == USBDEVFS_REAPURBNDELAY || request == USBDEVFS_REAPURB) {
        UMockdevIoctlData *data = umockdev_ioctl_data_resolve(argument, 0, sizeof(void *), NULL);
        int error = data == NULL ? EFAULT : reap(device, client, is_there, data);

        if (data != NULL)
            g_object_unref(data);
        return error;
    }
    if (request == USBDEVFS_DISCARDURB)
        return discard(device, client, *(gulong *)(void *)argument->data);
    if (!is_there)
        return ENODEV;
    if (request == USBDEVFS_RESET)
        return 0;
    if (request == USBDEVFS_SUBMITURB)
        return submit(device, client, argument);
    UMockdevIoctlData *data = umockdev_ioctl_data_resolve(argument, 0, _IOC_SIZE(request), NULL);
    if (data == NULL)
        return EFAULT;
    int error = serve_argument(device, client, request, data);
    g_object_unref(data);
    return error;
}

static gboolean handle_ioctl(UMockdevIoctlBase *handler, UMockdevIoctlClient *client,
                             gpointer context)
{
    struct emulation *device = context;
    UMockdevIoctlData *argument = umockdev_ioctl_client_get_arg(client);

    g_mutex_lock(device->lock);
    /* Each plugging has a handler of its own: a client of before has a device that is gone. */
    bool is_there = device->plugged && handler == device->handler;
    int error =
        serve(device, client, is_there, umockdev_ioctl_client_get_request(client), argument);
    update_node(device);
    g_mutex_unlock(device->lock);
    umockdev_ioctl_client_complete(client, error == 0 ? 0 : -1, error);
    return TRUE;
}

/* Plugging in and out ------------------------------------------------------------------------ */

static char *hexadecimal(const GByteArray *bytes)
{
    GString *text = g_string_new("");

    for (guint i = 0; i < bytes->len; i++)
        g_string_append_printf(text, "%02X", bytes->data[i]);
    return g_string_free(text, FALSE);
}

static void add_text(GString *out, const char *attribute, const char *text)
{
    if (text != NULL)
        g_string_append_printf(out, "A: %s=%s\\n\n", attribute, text);
}

static void describe_interfaces(const struct emulation *device, GString *out, const char *path)
{
    const struct usb_model *model = device->model;
    char *descriptor = hexadecimal(model->descriptor);

    for (unsigned i = 0; i <= model->interface; i++) {
        bool is_hid = i == model->interface;

        g_string_append_printf(out,
                               "P: %s/%s:1.%u\nE: SUBSYSTEM=usb\nE: DEVTYPE=usb_interface\n"
                               "A: bInterfaceNumber=%02u\\n\nA: bInterfaceClass=%s\\n\n",
                               path, device->port, i, i, is_hid ? "03" : "ff");
        if (is_hid && device->shows_hid)
            g_string_append_printf(out,
                                   "\nP: %s/%s:1.%u/0003:%04X:%04X.%04X\nE: SUBSYSTEM=hid\n"
                                   "H: report_descriptor=%s\n",
                                   path, device->port, i, model->vendor_id, model->product_id,
                                   device->number, descriptor);
        g_string_append(out, "\n");
    }
    g_free(descriptor);
}

static char *describe(const struct emulation *device)
{
    const struct usb_model *model = device->model;
    GByteArray *bytes = model_descriptors(model);
    char *descriptors = hexadecimal(bytes);
    const char *path = device->system_path + strlen("/sys");
    GString *out = g_string_new("");

    g_string_append_printf(out,
                           "P: %s\nE: SUBSYSTEM=usb\nE: DEVTYPE=usb_device\nE: BUSNUM=001\n"
                           "E: DEVNUM=%03u\nE: DEVNAME=/dev/bus/usb/001/%03u\nE: MAJOR=189\n"
                           "E: MINOR=%u\nA: busnum=1\\n\nA: devnum=%u\\n\nA: speed=12\\n\n"
                           "A: bConfigurationValue=1\\n\n",
                           path, device->number, device->number, device->number - 1,
                           device->number);
    g_string_append_printf(out, "A: idVendor=%04x\\n\nA: idProduct=%04x\\n\nA: bcdDevice=%04x\\n\n",
                           model->vendor_id, model->product_id, model->release);
    add_text(out, "manufacturer", model->strings[STRING_VENDOR]);
    add_text(out, "product", model->strings[STRING_PRODUCT]);
    add_text(out, "serial", model->strings[STRING_SERIAL]);
    g_string_append_printf(out, "H: descriptors=%s\n\n", descriptors);
    describe_interfaces(device, out, path);
    g_free(descriptors);
    g_byte_array_unref(bytes);
    return g_string_free(out, FALSE);
}

/* The handlers of numbers of before stay attached: their clients may not have closed yet. */
static bool attach(struct emulation *device, const char *node)
{
    UMockdevIoctlBase *handler = umockdev_ioctl_base_new();
    GError *error = NULL;

    g_signal_connect(handler, "handle-ioctl", G_CALLBACK(handle_ioctl), device);
    device->handler = handler;
    /* A number of long ago comes again: nobody has it open any more. */
    umockdev_testbed_detach_ioctl(device->testbed, node, NULL);
    if (umockdev_testbed_attach_ioctl(device->testbed, node, handler, &error))
        return true;
    fprintf(stderr, "%s: %s\n", node, error->message);
    g_error_free(error);
    return false;
}

bool emulation_plug(struct emulation *device, unsigned number)
{
    GError *error = NULL;

    if (device->plugged)
        return false;
    char *node = g_strdup_printf("/dev/bus/usb/001/%03u", number);
    char *root = umockdev_testbed_get_root_dir(device->testbed);
    g_free(device->node_path);
    device->node_path = g_strconcat(root, node, NULL);
    device->number = number;
    bool good = make_node(device) && attach(device, node);
    if (good) {
        device->shows_hid = device->driver_bound && !device->hides_hid;
        char *description = describe(device);

        device->plugged = true;
        good = umockdev_testbed_add_from_string(device->testbed, description, &error);
        if (!good) {
            fprintf(stderr, "%s: %s\n", device->name, error->message);
            g_error_free(error);
        }
        g_free(description);
    }
    g_free(root);
    g_free(node);
    return good;
}

/* Of sysfs: the HID device, the interfaces, the device, if they are there. */
static void remove_entries(struct emulation *device)
{
    const struct usb_model *model = device->model;

    for (unsigned i = 0; i <= model->interface; i++) {
        char *path = g_strdup_printf("%s/%s:1.%u", device->system_path, device->port, i);
        char *hid = g_strdup_printf("%s/0003:%04X:%04X.%04X", path, model->vendor_id,
                                    model->product_id, device->number);

        if (i == model->interface && device->shows_hid)
            umockdev_testbed_remove_device(device->testbed, hid);
        umockdev_testbed_remove_device(device->testbed, path);
        g_free(hid);
        g_free(path);
    }
    umockdev_testbed_remove_device(device->testbed, device->system_path);
}

bool emulation_unplug(struct emulation *device)
{
    if (!device->plugged)
        return false;
    device->plugged = false;
    for (GList *link = device->transfers.head; link != NULL; link = link->next) {
        struct transfer *transfer = link->data;

        if (!transfer->finished)
            finish(transfer, -ESHUTDOWN);
    }
    g_queue_clear_full(&device->packets, (GDestroyNotify)g_byte_array_unref);
    /* What libusb has open of it polls as writable for ever, as a node that is gone does. */
    update_node(device);
    close(device->node);
    device->node = -1;
    unlink(device->node_path);
    set_claimer(device, NULL);
    umockdev_testbed_uevent(device->testbed, device->system_path, "remove");
    remove_entries(device);
    return true;
}

/* The hubs on the way to a port: libusb finds paths by them. Each has a number far up. */
static char *make_hubs(UMockdevTestbed *testbed, const char *port)
{
    static const char descriptors[] = "120100020900004064096400000100000001"
                                      "0902190001010080000904000001090000000705810301000C";
    GString *path = g_string_new("/devices/usb1");

    for (const char *dot = strchr(port, '.'); dot != NULL; dot = strchr(dot + 1, '.')) {
        int length = (int)(dot - port);

        g_string_append_printf(path, "/%.*s", length, port);
        unsigned number = 100 + g_str_hash(path->str) % 28;
        char *root = umockdev_testbed_get_sys_dir(testbed);
        char *place = g_strconcat(root, path->str, NULL);
        if (!g_file_test(place, G_FILE_TEST_EXISTS)) {
            char *text = g_strdup_printf(
                "P: %s\nE: SUBSYSTEM=usb\nE: DEVTYPE=usb_device\nE: BUSNUM=001\nE: DEVNUM=%03u\n"
                "E: DEVNAME=/dev/bus/usb/001/%03u\nE: MAJOR=189\nE: MINOR=%u\nA: busnum=1\\n\n"
                "A: devnum=%u\\n\nA: speed=480\\n\nA: bConfigurationValue=1\\n\nH: "
                "descriptors=%s\n",
                path->str, number, number, number - 1, number, descriptors);

            umockdev_testbed_add_from_string(testbed, text, NULL);
            g_free(text);
        }
        g_free(place);
        g_free(root);
    }
    return g_string_free(path, FALSE);
}

struct emulation *emulation_new(const char *name, UMockdevTestbed *testbed, GMutex *lock,
                                struct usb_model *model, const char *port)
{
    struct emulation *device = g_new0(struct emulation, 1);

    device->name = g_strdup(name);
    device->testbed = testbed;
    device->lock = lock;
    device->model = model;
    device->port = g_strdup(port);
    char *parent = make_hubs(testbed, port);
    device->system_path = g_strdup_printf("/sys%s/%s", parent, port);
    g_free(parent);
    device->driver_bound = true;
    device->node = -1;
    g_queue_init(&device->transfers);
    g_queue_init(&device->packets);
    return device;
}
