# SPDX-License-Identifier: BSD-2-Clause
"""
Where upsbridged and NUT's usbhid-ups 2.8.0 show something else of the same recording, and why we
think that ours is right. ours: what we show, as a regular expression; None: we do not show it.
"""

import re


class Difference:
    """One variable of one recording. theirs: what NUT shows, if that matters to the reason."""

    def __init__(self, ours, reason, theirs=".*"):
        self.ours, self.reason, self.theirs = ours, reason, theirs

    def holds(self, ours, theirs):
        if not re.fullmatch(self.theirs, theirs):
            return False
        if self.ours is None or ours is None:
            return self.ours is None and ours is None
        return re.fullmatch(self.ours, ours) is not None


NO_STRING = Difference(None, "the device has no such string; an empty value says nothing", "")
NO_STATUS = Difference("WAIT", "the recording has no report with the status: what is not known is "
                       "not a power failure", "OB")
CHARGES = Difference("OL CHRG", "the device says that it charges; NUT shows it since 2.8.1", "OL")
DERIVED = "NUT works it out from load and rating; a reading is what the device has measured"
FACTORY_DATE = "a date from the factory that nobody has set"
CPS_DELAY = "counted in minutes, of which 20 and 30 s make 0: NUT's own manual says 60 and 120"
CPS_DATE = "the string is not a date"

# Devices that NUT 2.8.0 has no table for.
NOT_IN_NUT = {"liebert-gxt5": "10af:1000 is not among its ids"}

# Recording, or "*" for any -> variable -> difference.
DIFFERENCES = {
    "*": {
        "battery.type": NO_STRING,
        "ups.firmware": NO_STRING,
    },
    "apc-back-ups-bx1600mi": {
        "battery.mfr.date": Difference(None, FACTORY_DATE, "2001/01/01"),
    },
    "apc-back-ups-es-850g2": {
        "battery.date": Difference(None, FACTORY_DATE, "2001/09/25"),
    },
    "apc-smart-ups-3000-smt": {
        "device.model": Difference("Smart-UPS 3000", "the underscore stands for a blank"),
        "ups.model": Difference("Smart-UPS 3000", "the underscore stands for a blank"),
    },
    "cyberpower-cp1500avrlcda": {
        "battery.mfr.date": Difference(None, CPS_DATE),
        "ups.delay.shutdown": Difference("60", CPS_DELAY, "20"),
        "ups.delay.start": Difference("120", CPS_DELAY, "30"),
    },
    "cyberpower-or600erm1u": {
        "battery.mfr.date": Difference(None, CPS_DATE),
        "ups.delay.shutdown": Difference("60", CPS_DELAY, "20"),
        "ups.delay.start": Difference("120", CPS_DELAY, "30"),
    },
    "cyberpower-st-series": {
        "battery.mfr.date": NO_STRING,
        "ups.delay.shutdown": Difference("60", CPS_DELAY, "20"),
        "ups.delay.start": Difference("120", CPS_DELAY, "30"),
        "ups.status": NO_STATUS,
    },
    "eaton-3s-700": {
        "ups.realpower": Difference(None, DERIVED),
        "ups.status": CHARGES,
    },
    "eaton-5sc-750": {
        "outlet.1.status": Difference(None, "NUT shows whether mains are there"),
        "ups.status": CHARGES,
    },
    "idowell-smart-battery": {
        "ups.status": NO_STATUS,
    },
    "legrand-keor-0032": {
        "input.voltage": Difference("239.2", "NUT clamps to a wrong range of the descriptor"),
        "output.voltage": Difference("240.8", "NUT clamps to a wrong range of the descriptor"),
        "ups.realpower.nominal": Difference(None, "it is the apparent power: ups.power.nominal"),
    },
    "powercom-0004": {
        "battery.date": Difference(None, "the day it was made: battery.mfr.date", "2010/12/20"),
        "ups.date": Difference(None, "the day it was made: ups.mfr.date", "2010/12/20"),
        "ups.delay.start": Difference(None, "no command of these units takes such a delay"),
        "ups.timer.start": Difference(None, "what it says is no number of seconds"),
    },
    "powerwalker-vi-3000-rt": {
        "output.transfer.high": Difference(None, "limits of the input: input.transfer.high"),
        "output.transfer.low": Difference(None, "limits of the input: input.transfer.low"),
        "ups.status": NO_STATUS,
    },
    "salicru-slc-twin-pro2": {
        "ups.status": NO_STATUS,
    },
    "santak-tg-box-850": {
        "outlet.1.desc": Difference(None, "the device has not told of this outlet"),
        "outlet.1.status": Difference(None, "NUT shows whether mains are there"),
        "outlet.desc": Difference(None, "the device has not told of this outlet"),
        "ups.realpower": Difference(None, DERIVED),
        "ups.status": CHARGES,
    },
    "tripplite-3016": {
        "ups.status": NO_STATUS,
    },
}
