# SPDX-License-Identifier: BSD-2-Clause
"""
UPSes that speak SHUT at the end of a pseudo-terminal, by the descriptors and reports of recorded HID
devices; and NUT's own mge-shut on the same device, variable by variable.
"""

import os

import pytest

from harness import nut_program, run, wait_for_port, wait_until, write
from shut_ups import LAST, NOK, RESPONSE, ShutUps, frame

EATON_3S, EATON_5SC = "eaton-3s-700", "eaton-5sc-750"
POWER = 0x01  # the 3S's report with the bits of its status
ON_LINE, ON_BATTERY = "01250000", "01220000"


class Section:
    readings = True

    def __init__(self, name, ups, **options):
        self.name, self.ups, self.options = name, ups, options

    def place(self, directory):
        pass

    def section(self):
        return self.ups.section(self.name, **self.options)


def serve(stage, recording, options=None, start=True, **settings):
    ups = stage.add(ShutUps(recording))
    bridge = stage.bridge([Section("ups", ups, **(options or {}))], start=False, **settings)
    bridge.program.start()
    wait_for_port(bridge.port, bridge.program)
    bridge.wait_value("ups", "ups.mfr", "EATON", 20)
    return ups, bridge


def mge_shut(ups, directory):
    """name -> value that NUT's driver shows."""
    state = directory / "state"
    state.mkdir(parents=True)
    write(directory / "ups.conf", ups.section("ups"))
    user = ["-u", "root"] if os.geteuid() == 0 else []
    done = run(nut_program("mge-shut"), "-a", "ups", *user, "-d", "1",
               env={"NUT_CONFPATH": str(directory), "NUT_STATEPATH": str(state),
                    "NUT_ALTPIDPATH": str(state)})
    return dict(line.split(": ", 1) for line in done.out.splitlines() if ": " in line)


# variable -> why it differs: NUT 2.8.0 reads 514 of the report descriptor's 1538 bytes, and nothing
# of the other recordings', and so misses most of what follows
DIFFERENCES = {
    "ups.status": "what is not read is not a power failure",
    "ups.model": "the name has its power already",
    "device.model": "the name has its power already",
}


@pytest.mark.peers("mge-shut")
def test_as_nut_shows_it(stage, tmp_path):
    ups, bridge = serve(stage, EATON_5SC)
    with bridge.client() as client:
        ours = client.variables("ups")
    bridge.stop()
    theirs = mge_shut(ups, tmp_path / "nut")
    assert theirs["ups.mfr"] == "EATON"
    different = {name for name, value in theirs.items()
                 if "." in name and not name.startswith("driver.") and ours.get(name) != value}
    assert different == set(DIFFERENCES)


@pytest.mark.parametrize("recording", [EATON_3S, EATON_5SC])
def test_recording(stage, recording):
    _, bridge = serve(stage, recording)
    with bridge.client() as client:
        found = client.variables("ups")
    assert found["ups.status"].split()[0] == "OL"
    assert found["battery.charge"] in ("92", "100")
    assert found["driver.serial.silent"] == found["driver.serial.garbled"] == "0"


def test_on_battery_by_polls(stage):
    ups, bridge = serve(stage, EATON_3S)
    ups.set(3, POWER, ON_BATTERY)
    bridge.wait_value("ups", "ups.status", lambda status: "OB" in status.split())
    ups.set(3, POWER, ON_LINE)
    bridge.wait_value("ups", "ups.status", lambda status: "OL" in status.split())


def test_a_notification_is_acted_on_at_once(stage):
    """The next poll is a minute away."""
    ups, bridge = serve(stage, EATON_3S, {"notification": 3, "pollinterval": 60},
                        upsd_conf="MAXAGE 200\n")
    bridge.wait_value("ups", "ups.status", lambda status: "OL" in status.split())
    ups.set(3, POWER, ON_BATTERY)
    ups.notify(bytes.fromhex(ON_BATTERY))
    bridge.wait_value("ups", "ups.status", lambda status: "OB" in status.split(), 10)


def test_a_notification_amid_an_answer(stage):
    ups, bridge = serve(stage, EATON_3S, {"notification": 3})
    told = []

    def interrupt(data):
        if data[0] & 0x7f != RESPONSE or told:
            return data
        told.append(data)
        return frame(5 | LAST, bytes.fromhex(ON_BATTERY)) + data

    ups.set(3, POWER, ON_BATTERY)
    ups.behave(interrupt)
    bridge.wait_value("ups", "ups.status", lambda status: "OB" in status.split(), 10)
    bridge.wait_value("ups", "driver.serial.garbled", "0")


def once(change):
    """Every fifth of what is sent is changed."""
    count = [0]

    def mood(data):
        count[0] += 1
        return change(data) if count[0] % 5 == 0 else data

    return mood


FLAWS = {
    "corrupt": lambda data: data[:-1] + bytes([data[-1] ^ 0x55]) if len(data) > 3 else data,
    "refused": lambda data: bytes([NOK]) if len(data) == 1 else data,
    "noise": lambda data: b"\xff\x80" + data,
    "truncated": lambda data: data[:-1] if len(data) > 3 else data,
    "other-report": lambda data: frame(data[0], b"\xee" + data[3:-1]) if len(data) > 3 else data,
    "floods": lambda data: data * 300,
    "lost": lambda data: b"",
}


def test_flawed_lines(stage):
    """Of a UPS for each kind of flaw: no wrong reading is shown, and all are well again."""
    devices = {name: stage.add(ShutUps(EATON_3S)) for name in FLAWS}
    bridge = stage.bridge([Section(name, ups) for name, ups in devices.items()],
                          upsd_conf="MAXAGE 4\n")
    names = ("ups.status", "battery.charge", "battery.runtime", "output.voltage", "ups.model")
    with bridge.client() as client:
        before = {name: [client.value(name, variable) for variable in names] for name in devices}
        heard = {name: len(ups.said) for name, ups in devices.items()}
        for name, ups in devices.items():
            ups.behave(once(FLAWS[name]))
        wait_until(lambda: all(len(ups.said) > heard[name] + 10 for name, ups in devices.items()),
                   "they were asked for a while", 30)
        for name in devices:
            for variable, value in zip(names, before[name]):
                assert client.value(name, variable) in (value, None), (name, variable)
        for ups in devices.values():
            ups.behave()
        for name in devices:
            bridge.wait_value(name, "ups.status", before[name][0], 30)


def test_nobody_at_the_other_end(stage):
    ups, bridge = serve(stage, EATON_3S, upsd_conf="MAXAGE 3\n")
    ups.behave(muted=True)
    bridge.wait_answer("GET VAR ups ups.status", "ERR DATA-STALE", 30)
    ups.behave()
    bridge.wait_value("ups", "ups.status", lambda status: status and "OL" in status.split(), 40)


def test_a_command(stage):
    """Written as NUT's driver writes it: the set-up frame, then one of its own with the data."""
    ups, bridge = serve(stage, EATON_5SC)
    with bridge.client() as client:
        client.authenticate("admin", "secret")
        assert client.ask("INSTCMD ups beeper.mute") == "OK"
    wait_until(lambda: ups.written == [bytes.fromhex("1303")], "it is written")
    assert bytes.fromhex("018821091303000002003a") in b"".join(data for _, data in ups.said)
    bridge.wait_value("ups", "ups.beeper.status", "muted")
