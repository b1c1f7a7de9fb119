# SPDX-License-Identifier: BSD-2-Clause
"""
All recordings of real HID UPSes at once: emulated at a port each, in one upsbridged with a section
each, through the real libusb. What both faces tell of each must be sane: a status that the reports
bear out, numbers that can be, and the UPS-MIB that follows from them.
"""

import re

import pytest

import upsmib
from harness import LOOPBACK, SnmpAgent, free_udp_port, snmp_access, wait_for_port, wait_until
from upsmib import Oracle, read_walk, short
from usb_testbed import RECORDINGS, UsbUps

pytestmark = [pytest.mark.usb, pytest.mark.snmp_face, pytest.mark.peers("snmpwalk")]

NAMES = sorted(path.parent.name for path in RECORDINGS.glob("*/descriptor.hex"))

# Of these the reports tell the status; of the others it must stay unknown.
ON_LINE = {"apc-back-ups-bx1600mi", "apc-back-ups-cs-500", "apc-back-ups-es-850g2",
           "apc-smart-ups-1500-rm", "apc-smart-ups-3000-smt", "cyberpower-cp1500avrlcda",
           "cyberpower-or600erm1u", "eaton-3s-700", "eaton-5sc-750", "legrand-keor-0032",
           "liebert-gxt5", "powercom-0004", "santak-tg-box-850"}
ON_BATTERY = {"arduino-hid-power-194"}

# What can be, by the ending of a variable's name.
BOUNDS = [
    (r"battery\.charge(\..*)?$", 0, 100),
    (r"(battery\.)?runtime(\..*)?$", 0, 864000),
    (r"ups\.load$|\.percent$", 0, 200),
    (r"voltage(\.(nominal|maximum|minimum|high|low|fault))?$", 0, 1000),
    (r"input\.transfer\.(low|high|boost\.low|boost\.high|trim\.low|trim\.high)$", 0, 1000),
    (r"frequency(\.(nominal|low|high))?$", 0, 100),
    (r"current(\.\w+)?$", -1000, 1000),
    (r"temperature(\.(high|low))?$", -50, 200),
    (r"(real)?power(\.nominal)?$", 0, 1000000),
    (r"ups\.(delay|timer)\.\w+$", -86400, 8640000),
]
WORDS = {"OL", "OB", "LB", "RB", "CHRG", "DISCHRG", "BYPASS", "CAL", "OFF", "OVER", "TRIM", "BOOST",
         "ECO", "TEST", "WAIT"}


class World:
    def __init__(self, stage):
        devices = {}
        for number, name in enumerate(NAMES, 1):
            reports = ",reports=reports-on_battery.txt" if name in ON_BATTERY else ""
            devices[name] = f"{name},port=1-{number}{reports}"
        self.testbed = stage.usb_testbed(**devices)
        self.port = free_udp_port()
        self.bridge = stage.usb_bridge(
            self.testbed, [UsbUps(name, busport=f"1-{n}") for n, name in enumerate(NAMES, 1)],
            start=False, snmp=f"SNMP listen udp:{LOOPBACK}:{self.port}\n",
            snmp_conf=snmp_access())
        self.bridge.program.start()
        wait_for_port(self.bridge.port, self.bridge.program)
        for name in NAMES:
            self.bridge.wait_value(name, "driver.version.usb", bool)
        wait_until(lambda: SnmpAgent(self.port).answers(), "SNMP answers")


@pytest.fixture(scope="module")
def world(module_stage):
    return World(module_stage)


def variables(world, name):
    with world.bridge.client() as client:
        return client.variables(name)


@pytest.mark.parametrize("name", NAMES)
def test_status(world, name):
    with world.bridge.client() as client:
        status = client.value(name, "ups.status")
    words = set(status.split())
    assert words <= WORDS and len(words) == len(status.split()), status
    assert len(words & {"OL", "OB", "WAIT"}) == 1, status
    assert "LB" not in words, status
    assert ("OL" in words) == (name in ON_LINE), status
    assert ("OB" in words) == (name in ON_BATTERY), status


@pytest.mark.parametrize("name", NAMES)
def test_numbers(world, name):
    wrong = {}
    for variable, value in variables(world, name).items():
        for pattern, low, high in BOUNDS:
            if not variable.startswith("driver.") and re.search(pattern, variable):
                number = upsmib.number(value)
                if number is None or not low <= number <= high:
                    wrong[variable] = value
                break
        if not re.fullmatch(r"[ -~]*", value):
            wrong[variable] = value
    assert not wrong


@pytest.mark.parametrize("name", NAMES)
def test_upsmib(world, name):
    """Both faces tell the same."""
    walk = SnmpAgent(world.port).command("snmpwalk", upsmib.OBJECTS.rstrip("."), version="v3",
                                         context=name)
    objects = {short(oid): value for oid, value in read_walk(walk.out)}
    with world.bridge.client() as client:
        commands = [line.split()[2] for line in client.ask(f"LIST CMD {name}").splitlines()
                    if line.startswith("CMD ")]
    oracle = Oracle(name, variables(world, name), commands)
    assert upsmib.differences(oracle, objects) == []


def test_each_has_its_own(world):
    """22 sections side by side, and no device was asked for by two."""
    for number, name in enumerate(NAMES, 1):
        counts = world.testbed.counts(name)
        assert (counts["claims"], counts["claimed"]) == (1, 1), name
        assert variables(world, name)["driver.usb.busport"] == f"1-{number}"
