# SPDX-License-Identifier: BSD-2-Clause
"""
NUT's own Modbus drivers and upsbridged at the same emulated devices on a serial line, variable by
variable. Where they differ on purpose, modbus_differences.py says why; anything else fails, and so
does a row of it that is no longer true.
"""

import itertools
import os
import re

import pytest

from harness import nut_program, run, user_option, write
from modbus_bench import MAPS, Line, Section, Units
from modbus_differences import DIFFERENCES

pytestmark = [pytest.mark.modbus, pytest.mark.peers("generic_modbus")]

# Driver of NUT's, recording, unit.
DEVICES = [("adelsystem_cbi", "adelsystem-cbi-synthetic", 5),
           ("huawei-ups2000", "huawei-ups2000-g-ddl", 1),
           ("socomec_jbus", "socomec-jbus-synthetic", 1),
           ("phoenixcontact_modbus", "phoenix-quint-synthetic", 192)]

CONTACTS = {"OB": 0, "LB": 1, "RB": 3}


@pytest.fixture(autouse=True)
def maps(monkeypatch):
    monkeypatch.setenv("UPSBRIDGE_MAPS", str(MAPS))


class Bench:
    """A device on a line, with a name that NUT's drivers take for that of a serial port."""

    def __init__(self, stage, directory, dump, unit):
        self.stage, self.directory = stage, directory
        self.line = stage.add(Line(directory))
        self.units = Units(directory, {unit: dump}, line_end=self.line.paths[1])
        stage.add(self.units, self.units).start()
        (directory / "dev").mkdir()
        self.port = directory / "dev" / "ttyM0"
        self.port.symlink_to(os.readlink(self.line.paths[0]))

    def theirs(self, section):
        """What NUT's driver shows after its first poll."""
        write(self.directory / "ups.conf", section.section())
        state = self.directory / "state"
        state.mkdir(exist_ok=True)
        done = run(nut_program(section.driver), "-a", "ups", *user_option(), "-d", "1",
                   env={"NUT_CONFPATH": str(self.directory), "NUT_STATEPATH": str(state),
                        "NUT_ALTPIDPATH": str(state)})
        return dict(re.findall(r"^([a-z]\w*\.[\w.-]+): (.*)$", done.out, re.M))

    def ours(self, section):
        bridge = self.stage.bridge([section])
        with bridge.client() as client:
            values = client.variables("ups")
        bridge.stop()
        return values

    def differences(self, driver, **options):
        """variable: (theirs, ours), of what is not the same."""
        section = Section("ups", driver, self.port, **options)
        theirs, ours = self.theirs(section), self.ours(section)
        assert len(theirs) > 5 and len(ours) > 5
        names = {name for name in {*theirs, *ours} if not name.startswith("driver.")}
        return {name: (theirs.get(name), ours.get(name)) for name in names
                if not is_same(theirs.get(name), ours.get(name))}


def is_same(theirs, ours):
    """The same text, or the same number as far as the shorter one shows it."""
    if theirs is None or ours is None or theirs == ours:
        return theirs == ours
    try:
        numbers = float(theirs), float(ours)
    except ValueError:
        return False
    decimals = min(len(text.partition(".")[2]) for text in (theirs, ours))
    return abs(numbers[0] - numbers[1]) <= 0.5000001 * 10 ** -decimals


def explained(driver):
    return {name: (theirs, ours) for name, (theirs, ours, _) in DIFFERENCES[driver].items()}


@pytest.mark.parametrize("driver, dump, unit", DEVICES)
def test_variables(stage, tmp_path, driver, dump, unit):
    bench = Bench(stage, tmp_path, dump, unit)
    found = bench.differences(driver)
    # A voltage without its millivolts is the same to a comparison that goes by the shorter one.
    wanted = {name: pair for name, pair in explained(driver).items() if not is_same(*pair)}
    assert found == wanted


@pytest.mark.parametrize("inverted", [0, 1])
def test_contacts(stage, tmp_path, inverted):
    """Every state of three contacts."""
    bench = Bench(stage, tmp_path, "dio-contacts-generic-modbus", 1)
    options = {f"{name}_addr": address for name, address in CONTACTS.items()}
    options.update({f"{name}_noro": inverted for name in CONTACTS}, rio_slave_id=1, mod_resp_to_s=2,
                   mod_byte_to_s=2)
    section = Section("ups", "generic_modbus", bench.port, **options)
    ours = {}
    bridge = stage.bridge([section])
    for state in itertools.product((0, 1), repeat=len(CONTACTS)):
        for address, value in zip(CONTACTS.values(), state):
            bench.units.set(1, "discrete", address, value)
        active = [value != inverted for value in state]
        bridge.wait_value("ups", "ups.status", lambda status: status is not None and (
            [("OB" in status.split()), ("LB" in status.split()), ("RB" in status.split())] == active))
        with bridge.client() as client:
            ours[state] = client.variables("ups")
    bridge.stop()
    for state, values in ours.items():
        for address, value in zip(CONTACTS.values(), state):
            bench.units.set(1, "discrete", address, value)
        theirs = bench.theirs(section)
        for name in ("ups.status", "ups.alarm", "battery.charger.status"):
            assert values.get(name) == theirs.get(name), (state, name)
