# SPDX-License-Identifier: BSD-2-Clause
"""
NUT's own usbhid-ups and upsbridged on the same emulated devices, variable by variable. Where they
differ on purpose, usbhid_differences.py says why; anything else fails, and so does a row of it that
is no longer true.
"""

import os
import re

import pytest

from harness import nut_program, run, wait_for_port, write
from usb_testbed import RECORDINGS, UsbUps
from usbhid_differences import DIFFERENCES, NOT_IN_NUT

pytestmark = [pytest.mark.usb, pytest.mark.peers("usbhid-ups")]

# Recordings that have reports.
RECORDED = sorted(path.parent.name for path in RECORDINGS.glob("*/reports.txt"))

# Product strings of units whose device.txt describes them in words.
PRODUCTS = {
    "apc-back-ups-cs-500": "Back-UPS 500 FW:6.5.I USB FW:c1",
    "eaton-3s-700": "Eaton 3S",
    "eaton-5sc-750": "Eaton 5SC",
    "santak-tg-box-850": "TG-BOX",
}

# What each driver says of itself, not of the device.
OWN = re.compile(r"driver\.|device\.type$")


def device_words(recording):
    words = f"{recording},serial=SN4711"
    return f"{words},product={PRODUCTS[recording]}" if recording in PRODUCTS else words


def as_nut_shows(testbed, directory):
    """name -> value, of usbhid-ups after its first poll; None if it does not know the device."""
    write(directory / "ups.conf", UsbUps("ups").section())
    state = directory / "state"
    state.mkdir()
    user = ["-u", "root"] if os.geteuid() == 0 else []
    done = run("umockdev-wrapper", nut_program("usbhid-ups"), "-a", "ups", *user, "-d", "1",
               check=False,
               env={**testbed.environment(), "NUT_CONFPATH": str(directory),
                    "NUT_STATEPATH": str(state), "NUT_ALTPIDPATH": str(state)})
    if "No matching HID UPS found" in done.err:
        return None
    assert done.returncode == 0, done.out + done.err
    pairs = (line.split(": ", 1) for line in done.out.splitlines() if ": " in line)
    return {name: value for name, value in pairs if "." in name}


def as_we_show(stage, testbed):
    """After the first poll. (Of recordings without a status the status stays WAIT.)"""
    bridge = stage.usb_bridge(testbed, [UsbUps("ups")], start=False)
    bridge.program.start()
    wait_for_port(bridge.port, bridge.program)
    bridge.wait_value("ups", "driver.version.usb", bool)
    with bridge.client() as client:
        values = client.variables("ups")
    bridge.stop()
    return values


def same(ours, theirs):
    """The same text, or the same number as far as NUT shows it."""
    if ours is None or theirs is None:
        return ours == theirs
    if ours == theirs:
        return True
    try:
        numbers = float(ours), float(theirs)
    except ValueError:
        return False
    decimals = max(len(text.partition(".")[2]) for text in (theirs,))
    return abs(numbers[0] - numbers[1]) <= 0.5000001 * 10 ** -decimals


def differences(ours, theirs):
    """name -> (ours, theirs), of what NUT shows and we do not show so."""
    return {name: (ours.get(name), value) for name, value in sorted(theirs.items())
            if not OWN.match(name) and not same(ours.get(name), value)}


@pytest.mark.parametrize("recording", RECORDED)
def test_variables(stage, tmp_path, recording):
    testbed = stage.usb_testbed(ups=device_words(recording))
    theirs = as_nut_shows(testbed, tmp_path)
    ours = as_we_show(stage, testbed)
    if theirs is None:
        assert recording in NOT_IN_NUT
        return
    found = differences(ours, theirs)
    explained = {**DIFFERENCES["*"], **DIFFERENCES.get(recording, {})}
    unexplained = {name: pair for name, pair in found.items()
                   if name not in explained or not explained[name].holds(*pair)}
    assert not unexplained
    stale = [name for name in DIFFERENCES.get(recording, {}) if name not in found]
    assert not stale, f"no longer different: {stale}"


def test_the_table_knows_its_recordings():
    assert set(DIFFERENCES) - {"*"} <= set(RECORDED)
    assert set(NOT_IN_NUT) <= set(RECORDED)
