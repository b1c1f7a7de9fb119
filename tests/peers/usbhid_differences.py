# SPDX-License-Identifier: BSD-2-Clause
"""
Where upsbridged and NUT's usbhid-ups 2.8.0 show something else of the same recording, and why we
think that ours is right. ours: what we show, as a regular expression; None: we do not show it.
"""

import re


class Difference:
    """One variable of one recording."""

    def __init__(self, ours, reason):
        self.ours, self.reason = ours, reason

    def holds(self, ours, theirs):
        del theirs
        if self.ours is None or ours is None:
            return self.ours is None and ours is None
        return re.fullmatch(self.ours, ours) is not None


# Devices that NUT 2.8.0 has no table for.
NOT_IN_NUT = {"liebert-gxt5": "10af:1000 is not among its ids"}

# Recording, or "*" for any -> variable -> difference.
DIFFERENCES = {
    "*": {},
}
