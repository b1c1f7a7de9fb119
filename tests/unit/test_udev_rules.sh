#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The udev rules in the tree are those of the tables, and udev understands them.
rules="${srcdir:-.}/contrib/udev/62-upsbridge.rules"
if ! ./upsbridged --udev-rules | cmp - "$rules"; then
    echo "contrib/udev/62-upsbridge.rules is out of date: make udev-rules"
    exit 1
fi
if command -v udevadm >/dev/null && udevadm verify --help >/dev/null 2>&1; then
    udevadm verify --resolve-names=never "$rules" || exit 1
fi
