# SPDX-License-Identifier: BSD-2-Clause
"""
Where upsbridged and NUT's nutdrv_qx and blazer_ser 2.8.0 show something else of the same recording,
and why we think that ours is right. ours: what we show, as a regular expression; None: not at all.
"""

from usbhid_differences import Difference

CELLS = "what is told is of a cell: ours is the voltage of the whole battery"
OF_CELLS = "reckoned from the voltage of the whole battery, not from that of a cell"

# (driver, recording) -> variable -> difference.
DIFFERENCES = {
    ("nutdrv_qx", "ippon-na-ta-1000"): {
        "battery.voltage": Difference(r"45\.00", CELLS, r"2\.50"),
        "battery.charge": Difference("100", OF_CELLS, "0"),
    },
    ("nutdrv_qx", "voltronic-q1-onbattery-doc"): {
        "battery.voltage": Difference(None, "that of a cell, of how many nobody knows", r"2\.02"),
    },
    ("blazer_ser", "ippon-na-ta-1000"): {
        "battery.voltage": Difference(r"45\.00", "18 cells make 36 V, not 12", r"30\.00"),
        "battery.charge": Difference("100", OF_CELLS, "0"),
    },
}
