# SPDX-License-Identifier: BSD-2-Clause
"""
Where upsbridged and NUT's Modbus drivers 2.8.0 show something else of the same registers, and why we
think that ours is right. variable: (theirs, ours, reason); None: it is not shown.
"""

MINUTES = "the device counts minutes, the variable is in seconds"
NOMINAL = "a nominal value; NUT takes it for a reading"
RATING = "what the device is made for, not what it gives now"
MAKER = "NUT leaves out the older names of the same"
PHASE = "NUT's names for the load of a phase are none of its vocabulary"
NO_TIMER = "the device has no register of it; NUT counts by itself what it has sent"

DIFFERENCES = {
    "adelsystem_cbi": {
        "battery.runtime": ("87", "5220", MINUTES),
        "device.mfr": ("ADELSYSTEM", "Adelsystem", "as the maker writes it"),
        "device.model": ("CB4810A", "CBI4810A", "product 3 of the maker's list; CB4810A is 14"),
        "ups.model": ("CB4810A", "CBI4810A", "as above"),
        "device.type": ("DC-UPS", "ups", "the vocabulary knows ups, pdu, scd, psu, ats"),
        "ups.mfr": (None, "Adelsystem", MAKER),
        "ups.temperature": ("-242.15", "31", "the board's is in degrees Celsius, not in kelvin"),
    },
    "huawei-ups2000": {
        "ups.delay.reboot": ("60", None, "NUT counts it down by itself; we have no such command"),
        "ups.timer.reboot": ("-1", None, NO_TIMER),
        "ups.timer.shutdown": ("-1", None, NO_TIMER),
        "ups.timer.start": ("-1", None, NO_TIMER),
    },
    "socomec_jbus": {
        "ambient.1.present": ("yes", None, "one room sensor has no number"),
        "ambient.1.temperature": ("24", None, "one room sensor has no number"),
        "ambient.temperature": (None, "24", "one room sensor has no number"),
        "battery.capacity.nominal": (None, "9.0", "the register of nominal values tells it"),
        "battery.runtime": ("65535", None, "not available: on mains there is none"),
        "device.mfr": ("socomec jbus", "Socomec", "as the maker writes it"),
        "ups.mfr": (None, "Socomec", MAKER),
        "input.frequency": ("50", None, NOMINAL),
        "input.frequency.nominal": (None, "50", NOMINAL),
        "input.voltage": ("230", None, NOMINAL),
        "input.voltage.nominal": (None, "230", NOMINAL),
        "output.frequency.nominal": (None, "50", NOMINAL),
        "output.voltage": ("230", None, NOMINAL),
        "output.voltage.nominal": (None, "230", NOMINAL),
        "output.L1.power.percent": (None, "35", PHASE),
        "output.L2.power.percent": (None, "36", PHASE),
        "output.L3.power.percent": (None, "37", PHASE),
        "ups.L1.load": ("35", None, PHASE),
        "ups.L2.load": ("36", None, PHASE),
        "ups.L3.load": ("37", None, PHASE),
        "output.phases": (None, "3", "both sides have the same"),
        "ups.date": ("2000/00/00", None, "a clock that was never set is no date"),
        "ups.time": ("00:00:00", None, "a clock that was never set is no time"),
        "ups.power": ("20000", None, RATING),
        "ups.power.nominal": (None, "20000", RATING),
        "ups.status": ("OL", "OL CHRG", "bit 11 of the second word says that it charges"),
    },
    "phoenixcontact_modbus": {
        "battery.runtime": ("87", "5220", MINUTES),
        "output.voltage": ("24", "24.050", "NUT cuts off the millivolts"),
        "ups.mfr": (None, "Phoenix Contact", MAKER),
        "ups.model": (None, "QUINT-UPS/24DC", MAKER),
    },
    "generic_modbus": {
        "device.mfr": ("UNKNOWN", None, "what is not known is not shown"),
        "device.model": ("unknown", None, "what is not known is not shown"),
    },
}
