# SPDX-License-Identifier: BSD-2-Clause
"""
UPSes with APC's smart protocol at the end of a pseudo-terminal: recorded devices, alerts, bad
answers, commands and settings; and NUT's own apcsmart on the same device, variable by variable.
"""

import pytest

import harness
from apc_ups import ApcUps, Recording
from harness import LOOPBACK, free_udp_port, nut_program, snmp_access, wait_until, write

UPS_MIB = ".1.3.6.1.2.1.33.1"
SMART_1500, SMART_420 = "apc-smart-ups-1500-ddl", "apc-smart-ups-420"
RECORDED = [SMART_1500, SMART_420, "apc-smart-ups-rt-1000-xl", "apc-smart-ups-rt-3000-xl-ddl",
            "apc-suvs420i-old"]


class Section:
    """The section of a simulated UPS, as a bridge wants it."""

    readings = True

    def __init__(self, name, ups, **options):
        self.name, self.ups, self.options = name, ups, options

    def place(self, directory):
        pass

    def section(self):
        return self.ups.section(self.name, **self.options)


def serve(stage, recording, ups=None, options=None, **settings):
    ups = stage.add(ups or ApcUps(recording))
    return ups, stage.bridge([Section("ups", ups, **(options or {}))], **settings)


def command(bridge, name, parameter=""):
    """The outcome, once it is known."""
    with bridge.client() as client:
        client.authenticate("admin", "secret")
        assert client.ask("SET TRACKING ON") == "OK"
        number = client.ask(f"INSTCMD ups {name}{' ' + parameter if parameter else ''}").split()[-1]
        return outcome(client, number)


def setting(bridge, name, value):
    with bridge.client() as client:
        client.authenticate("admin", "secret")
        assert client.ask("SET TRACKING ON") == "OK"
        return outcome(client, client.ask(f'SET VAR ups {name} "{value}"').split()[-1])


def outcome(client, number):
    wait_until(lambda: client.ask(f"GET TRACKING {number}") != "PENDING", "there is an outcome", 30)
    return client.ask(f"GET TRACKING {number}")


def same(ours, theirs):
    """The same text, or the same number."""
    try:
        return ours == theirs or float(ours) == float(theirs)
    except (TypeError, ValueError):
        return False


# Recordings -----------------------------------------------------------------------------------

@pytest.mark.parametrize("recording", RECORDED)
def test_recording(stage, recording):
    _, bridge = serve(stage, recording)
    with bridge.client() as client:
        found = client.variables("ups")
    expected = Recording(recording).expected
    assert {name: (value, found.get(name)) for name, value in expected.items()
            if not same(found.get(name), value)} == {}


@pytest.mark.snmp_face
def test_the_upsmib(stage):
    port = free_udp_port()
    ups, bridge = serve(stage, SMART_1500, snmp=f"SNMP listen udp:{LOOPBACK}:{port}\n",
                        snmp_conf=snmp_access("ups"))
    agent = harness.SnmpAgent(port)
    assert agent.get(f"{UPS_MIB}.1.2.0")[0] == 'STRING: "Smart-UPS 1500"'
    assert agent.get_number(f"{UPS_MIB}.2.4.0") == 100
    assert agent.get_number(f"{UPS_MIB}.3.3.1.3.1") == 236
    ups.set("Q", "10")
    ups.say(b"!")
    bridge.wait_value("ups", "ups.status", "OB")
    assert agent.get_number(f"{UPS_MIB}.4.1.0") == 5


# Alerts ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("alert,register,status",
                         [(b"!", "10", "OB"), (b"!!", "50", "OB LB"), (b"%", "50", "OB LB"),
                          (b"#", "88", "OL RB"), (b"?", "28", "OL OVER"), (b"$", "0C", "BOOST OL")])
def test_an_alert_is_acted_on_at_once(stage, alert, register, status):
    """The next poll is a minute away."""
    ups, bridge = serve(stage, SMART_1500, options={"pollinterval": 60},
                        upsd_conf="MAXAGE 200\n")
    ups.set("Q", register)
    ups.say(alert)
    bridge.wait_value("ups", "ups.status", status, 10)


def test_an_alert_amid_an_answer(stage):
    ups, bridge = serve(stage, SMART_1500, options={"pollinterval": 60},
                        upsd_conf="MAXAGE 200\n")

    def interrupt(byte, reply):
        if byte != b"L" or ups.answers[b"Q"] == b"10":
            return reply
        ups.answers[b"Q"] = b"10"
        return reply[:3] + b"!" + reply[3:]

    ups.behave(interrupt)
    ups.say(b"+")  # has it polled
    bridge.wait_value("ups", "ups.status", "OB", 10)
    with bridge.client() as client:
        assert client.value("ups", "input.voltage") == "236.1"
        assert client.value("ups", "driver.serial.garbled") == "0"


def test_a_setting_changed_at_its_front_panel(stage):
    ups, bridge = serve(stage, SMART_1500)
    ups.set("p", "300")
    ups.say(b"|")
    bridge.wait_value("ups", "ups.delay.shutdown", "300", 10)


# Bad answers ----------------------------------------------------------------------------------

def lag():
    """A device that answers the question before."""
    kept = [b""]

    def mood(_, reply):
        kept.append(reply)
        return kept.pop(0)

    return mood


MOODS = {
    "echo": lambda byte, reply: byte + reply,
    "echoed-line": lambda byte, reply: byte + b"\r\n" + reply,
    "silent": lambda byte, reply: b"",
    "truncated": lambda byte, reply: reply[:1],
    "merged": lambda byte, reply: reply.replace(b"\r\n", b"") * 2 + b"\r\n",
    "noise": lambda byte, reply: b"\x80\xff" + reply,
    "denies": lambda byte, reply: b"NA\r\n",
    "impossible": lambda byte, reply: b"18\r\n" if byte == b"Q" else reply,
    "lags": lag(),
    "floods": lambda byte, reply: b"08" * 2000,
}


def test_bad_answers_are_never_shown(stage):
    """Of a UPS for each kind; then all are well again."""
    devices = {name: stage.add(ApcUps(SMART_1500)) for name in MOODS}
    bridge = stage.bridge([Section(name, ups) for name, ups in devices.items()],
                          upsd_conf="MAXAGE 3\n")
    with bridge.client() as client:
        before = {name: client.variables(name) for name in devices}
        for name, ups in devices.items():
            ups.behave(MOODS[name])

        def all_are_stale():
            answers = [client.ask(f"GET VAR {name} ups.status") for name in devices]
            assert {answer for answer in answers if 'ups.status "OL"' not in answer} <= {
                "ERR DATA-STALE"}
            return answers == ["ERR DATA-STALE"] * len(devices)

        wait_until(all_are_stale, "their readings grow stale", 30)
        for ups in devices.values():
            ups.behave()
        for name in devices:
            bridge.wait_value(name, "ups.status", "OL", 30)
            after = client.variables(name)
            assert {variable: (value, after.get(variable))
                    for variable, value in before[name].items()
                    if not variable.startswith("driver.") and after.get(variable) != value} == {}


def test_a_late_answer_is_nobodys(stage):
    ups, bridge = serve(stage, SMART_1500)
    held = []

    def hold(byte, reply):
        if byte == b"L" and not held:
            held.append(reply)
            return b""
        if held and held != [b""] and byte == b"Y":
            reply, held[:] = held[0] + reply, [b""]
        return reply

    ups.behave(hold)
    wait_until(lambda: held == [b""], "it has answered late", 20)
    with bridge.client() as client:
        seen = {client.value("ups", name) for name in ("ups.load", "battery.charge")}
        assert client.value("ups", "input.voltage") == "236.1"
    assert seen == {"004.5", "100.0"}


def test_a_unit_that_is_no_longer_smart(stage):
    ups, bridge = serve(stage, SMART_1500)
    ups.smart = False
    ups.set("L", "240.0")
    bridge.wait_value("ups", "input.voltage", "240.0", 20)


def test_nobody_at_the_other_end(stage):
    ups = stage.add(ApcUps(SMART_1500))
    ups.behave(lambda byte, reply: byte)
    bridge = stage.bridge([Section("ups", ups)], start=False)
    bridge.program.start()
    wait_until(lambda: "says what is said to it" in bridge.program.log(), "the log tells", 20)
    ups.behave()
    bridge.wait_value("ups", "ups.status", "OL", 30)


def test_an_adapter_that_is_unplugged(stage, tmp_path):
    """It comes back under its name, as those in /dev/serial/by-id do."""
    link = tmp_path / "ttyUSB-APC"
    first, second = ApcUps(SMART_1500), stage.add(ApcUps(SMART_1500))
    link.symlink_to(first.path)
    first.path = str(link)
    bridge = stage.bridge([Section("ups", first)], upsd_conf="MAXAGE 3\n")
    first.stop()
    link.unlink()
    bridge.wait_answer("GET VAR ups ups.status", "ERR DATA-STALE", 20)
    assert "was unplugged or closed" in bridge.program.log()
    second.set("Q", "50")
    link.symlink_to(second.path)
    bridge.wait_value("ups", "ups.status", "OB LB", 20)


# Commands and settings ------------------------------------------------------------------------

def test_commands(stage):
    ups, bridge = serve(stage, SMART_1500)
    for name, parameter, done in [
            ("test.panel.start", "", [b"A"]), ("test.battery.start", "", [b"W"]),
            ("test.failure.start", "", [b"U"]), ("calibrate.start", "", [b"D"]),
            ("calibrate.start", "", []), ("calibrate.stop", "", [b"D"]),
            ("shutdown.return", "", [b"@000"]), ("shutdown.return", "at:7", [b"@007"]),
            ("shutdown.stayoff", "", [b"KK"]), ("load.on", "", [b"\x0e\x0e"]),
            ("load.off", "", [b"ZZ"]), ("shutdown.stop", "", [b"\x7f"])]:
        before = len(ups.did())
        assert command(bridge, name, parameter) == "SUCCESS", name
        wait_until(lambda: ups.did()[before:] == done, f"{name} is done: {ups.did()[before:]}")
    assert command(bridge, "shutdown.return", "soon") == "ERR INVALID-ARGUMENT"
    # Two digits leave it waiting for the third, and the next question is none.
    assert command(bridge, "shutdown.return", "at:07") == "ERR FAILED"
    bridge.wait_value("ups", "ups.status", "OL")


def test_shutdown_on_battery(stage):
    ups, bridge = serve(stage, SMART_1500, options={"cshdelay": "0.5"})
    assert command(bridge, "shutdown.return", "cs") == "ERR FAILED"  # it takes no S on line
    ups.set("Q", "10")
    assert command(bridge, "shutdown.return") == "SUCCESS"
    assert command(bridge, "shutdown.return", "cs") == "SUCCESS"
    assert ups.did() == [b"U", b"S", b"U", b"S"]


@pytest.mark.parametrize("options,done", [({"sdtype": 1}, [b"@000"]), ({"sdtype": 2}, [b"ZZ"]),
                                          ({"sdtype": 3}, [b"KK"]),
                                          ({"sdtype": 5, "awd": 12}, [b"@12"]),
                                          ({"advorder": "012", "awd": 3}, [b"@003"])])
def test_ways_to_shut_down(stage, options, done):
    ups, bridge = serve(stage, SMART_1500, options=options)
    if done == [b"@12"]:  # this one wants two digits
        ups.hard_sleep_digits = 2
    assert command(bridge, "shutdown.return") == "SUCCESS"
    wait_until(lambda: ups.did() == done, f"it is done: {ups.did()}")


def test_settings(stage):
    ups, bridge = serve(stage, SMART_1500)
    assert setting(bridge, "input.transfer.high", "271") == "SUCCESS"
    assert ups.did() == [b"u-", b"u-"]
    assert setting(bridge, "ups.test.interval", "0") == "SUCCESS"
    assert ups.answers[b"E"] .strip() == b"OFF"
    assert setting(bridge, "ups.id", "CELLAR") == "SUCCESS"
    assert ups.answers[b"c"] == b"CELLAR"
    with bridge.client() as client:
        assert client.value("ups", "input.transfer.high") == "271"
        assert client.value("ups", "ups.id") == "CELLAR"
    writes = len(ups.did())
    assert setting(bridge, "input.transfer.high", "271") == "SUCCESS"
    assert setting(bridge, "battery.date", "soon") == "ERR INVALID-ARGUMENT"
    assert len(ups.did()) == writes


def test_a_setting_that_does_not_come(stage):
    """Once around at most: an EEPROM wears out."""
    ups, bridge = serve(stage, SMART_1500)
    ups.behave(lambda byte, reply: b"OK\r\n" if byte == b"-" else
               b"253\r\n" if byte == b"u" else reply)
    assert setting(bridge, "input.transfer.high", "271") == "ERR FAILED"
    assert ups.bytes_heard().count(b"-") <= 4


# NUT's own driver -----------------------------------------------------------------------------

# variable -> recording or "*" -> why ours is right
DIFFERENCES = {
    "ups.serial": {SMART_1500: "noise behind it is left out"},
    "ups.model": {"apc-suvs420i-old": "it has not told its model",
                  SMART_420: "blanks behind it are left out"},
}
DIFFERENCES["device.serial"] = DIFFERENCES["ups.serial"]
DIFFERENCES["device.model"] = DIFFERENCES["ups.model"]
# choices of settings that NUT leaves out: a test whenever the UPS is switched on
CHOICES_TOO = {"ups.test.interval": ["ON"]}

# command -> why we offer it and NUT does not
OURS_TOO = {"shutdown.stop": "the protocol has it"}
OF_ALL_UNITS = {"load.off", "shutdown.return", "shutdown.stayoff", "test.failure.start",
                "test.panel.start"}  # of a unit that does not tell its command set, too


class NutApc:
    """NUT's apcsmart and its upsd."""

    def __init__(self, stage, ups):
        self.directory = stage.directory / "nut"
        state = self.directory / "state"
        state.mkdir(parents=True)
        self.port = harness.free_port()
        env = {"NUT_CONFPATH": str(self.directory), "NUT_STATEPATH": str(state),
               "NUT_ALTPIDPATH": str(state), "NUT_PIDPATH": str(state)}
        write(self.directory / "ups.conf", ups.section("ups"))
        write(self.directory / "upsd.conf", f"LISTEN {LOOPBACK} {self.port}\nSTATEPATH {state}\n")
        write(self.directory / "upsd.users", harness.USERS)
        user = harness.user_option()
        driver = harness.Program("apcsmart", self.directory,
                                 [nut_program("apcsmart"), "-D", *user, "-a", "ups"], env)
        upsd = harness.Program("upsd", self.directory, [nut_program("upsd"), "-F", *user], env)
        for program in (driver, upsd):
            stage.add(program, program)
        driver.start()
        wait_until(lambda: (state / "apcsmart-ups").exists(), "the socket of apcsmart", 30)
        upsd.start()
        harness.wait_for_port(self.port, upsd)
        with self.client() as client:
            wait_until(lambda: client.value("ups", "ups.status") not in (None, "WAIT"), "data", 30)

    def client(self):
        return harness.NutClient(self.port)


def described(face):
    """variable -> value; RW variable -> its choices; commands."""
    with face.client() as client:
        values = client.variables("ups")
        writable = {}
        for line in listing(client, "RW ups"):
            name = line.split()[2]
            writable[name] = sorted(entry.split('"')[1]
                                    for entry in listing(client, f"ENUM ups {name}"))
        commands = {line.split()[2] for line in listing(client, "CMD ups")}
    return values, writable, commands


def listing(client, what):
    client.send(f"LIST {what}\n".encode())
    lines = [client.line()]
    while not lines[-1].startswith(("END", "ERR")):
        lines.append(client.line())
    return lines[1:-1]


@pytest.mark.peers("apcsmart")
@pytest.mark.parametrize("recording", RECORDED)
def test_as_nut_shows_it(stage, recording):
    ups = stage.add(ApcUps(recording))
    theirs = NutApc(stage, ups)
    values, writable, commands = described(theirs)
    bridge = serve(stage, recording)[1]
    our_values, our_writable, our_commands = described(bridge)
    different = {name: (our_values.get(name), value) for name, value in values.items()
                 if not name.startswith("driver.") and our_values.get(name) != value}
    assert {name: pair for name, pair in different.items()
            if recording not in DIFFERENCES.get(name, {})} == {}
    assert our_writable == {name: sorted(choices + CHOICES_TOO.get(name, []))
                            for name, choices in writable.items()}
    assert commands - our_commands == set()
    extra = our_commands - commands - set(OURS_TOO)
    assert extra == (OF_ALL_UNITS if recording == "apc-suvs420i-old" else set())
