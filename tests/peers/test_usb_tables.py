# SPDX-License-Identifier: BSD-2-Clause
"""
What the tables of HID families do in the whole program, on emulated devices: --scan, what clients
have set, and the recordings of several makers at once.
"""

import re

import pytest

from harness import LOOPBACK, run
from usb_testbed import UsbUps

pytestmark = [pytest.mark.usb, pytest.mark.peers("upsc", "upsrw")]

APC = "apc-back-ups-es-850g2"
SMART = "apc-smart-ups-1500-rm"
EATON = "eaton-3s-700"
CYBERPOWER = "cyberpower-or600erm1u"


def scan(stage, testbed):
    return run("umockdev-wrapper", stage.binary, "--scan", env=testbed.environment())


def test_scan_lists_what_is_attached(stage):
    testbed = stage.usb_testbed(apc=f"{APC},serial=4B2102P12345", one=CYBERPOWER, two=CYBERPOWER)
    result = scan(stage, testbed)
    sections = re.findall(r"^\[(.*)\]$", result.out, re.M)
    assert sections == ["back-ups-es-850g2", "or600erm1u-1", "or600erm1u-2"]
    assert '    serial = "4B2102P12345"\n' in result.out
    assert len(set(re.findall(r'busport = "(.*)"', result.out))) == 2


def test_the_sections_of_a_scan_work(stage):
    testbed = stage.usb_testbed(one=CYBERPOWER, two=CYBERPOWER)
    ports = re.findall(r'busport = "(.*)"', scan(stage, testbed).out)
    bridge = stage.usb_bridge(testbed, [
        UsbUps(f"ups{number}", vendorid="0764", productid="0601", busport=port)
        for number, port in enumerate(ports)])
    for number, port in enumerate(ports):
        bridge.wait_value(f"ups{number}", "driver.usb.busport", port)


def test_scan_without_a_device(stage):
    testbed = stage.usb_testbed(ups=APC)
    testbed.ask("UNPLUG ups")
    result = scan(stage, testbed)
    assert result.out == "# There is no USB UPS that this user can see.\n"


def test_what_was_set_outlasts_a_replug(stage):
    """Thresholds are decided here: a device may forget, or never have taken them."""
    testbed = stage.usb_testbed(ups=f"{SMART},serial=S1")
    bridge = stage.usb_bridge(testbed, [UsbUps("ups")])
    for name, value in (("battery.charge.low", "42"), ("ups.delay.shutdown", "77")):
        run("upsrw", "-w", "-s", f"{name}={value}", "-u", "admin", "-p", "secret",
            f"ups@{LOOPBACK}:{bridge.port}")
        bridge.wait_value("ups", name, value)
    testbed.ask("UNPLUG ups")
    bridge.program.wait_log(r"\[ups\] lost: unplugged")
    testbed.ask("PLUG ups 9")
    bridge.wait_value("ups", "driver.usb.device", "009")
    bridge.wait_value("ups", "battery.charge.low", "42")
    bridge.wait_value("ups", "ups.delay.shutdown", "77")


def test_makers_side_by_side(stage):
    testbed = stage.usb_testbed(apc=APC, eaton=EATON, cps=CYBERPOWER)
    bridge = stage.usb_bridge(testbed, [UsbUps("apc", vendorid="051d"),
                                        UsbUps("eaton", vendorid="0463"),
                                        UsbUps("cps", vendorid="0764")])
    for name, family in (("apc", "apc"), ("eaton", "mge"), ("cps", "cyberpower")):
        bridge.wait_value(name, "driver.version.data", f"{family} HID")
    bridge.wait_value("apc", "input.sensitivity", "medium")
    bridge.wait_value("eaton", "ups.status", "OL CHRG")
    bridge.wait_value("cps", "ups.delay.start", "120")
