/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Phoenixtec, and who sells what they make under their id: PowerWalker, Innova. Of larger models
 * the tree is Eaton's; the small ones with the same id have Tripp Lite's (family_tripplite.c).
 * Source: recording tests/data/hid/powerwalker-vi-3000-rt; NUT issue 1824.
 */
#include "drivers/usbhid/families.h"

static bool has_eaton_tree(const struct hid_identity *identity,
                           const struct hid_descriptor *descriptor)
{
    (void)identity;
    return has_instances(descriptor);
}

static const struct family_id ids[] = {
    ID_IF(0x06da, 0xffff, has_eaton_tree, HID_QUIRK_IMMINENT_LIES),
    IDS_END,
};

const struct family family_phoenixtec = {
    .name = "phoenixtec",
    .maker = "Phoenixtec",
    .ids = ids,
    .usages = mge_usages,
    .variables = mge_variables,
    .flags = mge_flags,
    .commands = mge_commands,
    .off_delay = 20,
    .on_delay = 30,
    .describe = mge_describe,
};
