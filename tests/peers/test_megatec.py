# SPDX-License-Identifier: BSD-2-Clause
"""
UPSes with Q protocols: recorded devices answer on pseudo-terminals, well and badly; upsbridged reads
and commands them, and NUT's nutdrv_qx and blazer_ser show what they make of the same.
"""

import os

import pytest

import harness
from harness import LOOPBACK, free_udp_port, nut_program, run, snmp_access, wait_until, write
from megatec_differences import DIFFERENCES
from serial_ups import RECORDINGS, Recording, SerialSection, SerialUps
from test_usbhid_nut import differences

UPS_MIB = ".1.3.6.1.2.1.33.1"
IPPON, MEC, QGS = "ippon-na-ta-1000", "mec0003-2795", "voltronic-qgs-doc"
# Which of GTEC's letters says that it is on battery, nobody has told.
NOT_SERVED = {"gtec-q4"}

ON_LINE = "(226.0 000.0 227.0 029 49.9 27.1 29.0 00001000"
ON_BATTERY = "(000.0 000.0 227.0 029 49.9 24.1 29.0 10001000"


def section_of(ups, name="ups", driver="nutdrv_qx", **options):
    return SerialSection(name, driver, ups.path, pollinterval=1, **options)


def add_ups(stage, recording):
    return stage.add(SerialUps(recording))


def is_same(found, expected):
    if found == expected:
        return True
    try:
        return found is not None and abs(float(found) - float(expected)) < 0.005
    except ValueError:
        return False


def test_each_recording(stage):
    names = sorted(path.stem for path in RECORDINGS.glob("*.txt")
                   if not path.stem.startswith("apc-"))
    upses = {name: add_ups(stage, name) for name in names}
    bridge = stage.bridge([section_of(ups, name) for name, ups in upses.items()], start=False)
    bridge.program.start()
    harness.wait_for_port(bridge.port, bridge.program)
    served = [name for name in names
              if upses[name].recording.verdict is None and name not in NOT_SERVED]
    assert len(served) > 10
    with bridge.client(timeout=30) as client:
        for name in served:
            wait_until(lambda: client.value(name, "ups.status") not in (None, "WAIT"),
                       f"a status of {name}", 30)
            found = client.variables(name)
            wrong = {variable: (value, found.get(variable))
                     for variable, value in upses[name].recording.expected.items()
                     if not is_same(found.get(variable), value)}
            assert not wrong, (name, wrong)
        for name in set(names) - set(served):
            bridge.program.wait_log(rf"\[{name}\] no contact yet", 30)
            assert client.value(name, "ups.status") in (None, "WAIT")
            assert client.value(name, "input.voltage") is None


def as_nut_shows(ups, driver, directory, **options):
    """name -> value, of NUT's driver after its first poll."""
    write(directory / "ups.conf", SerialSection("ups", driver, ups.path, **options).section())
    (directory / "state").mkdir()
    done = run(nut_program(driver), "-a", "ups", *harness.user_option(), "-d", "1", check=False,
               env={**os.environ, "NUT_CONFPATH": str(directory),
                    "NUT_STATEPATH": str(directory / "state"),
                    "NUT_ALTPIDPATH": str(directory / "state")})
    assert done.returncode == 0, done.out + done.err
    pairs = (line.split(": ", 1) for line in done.out.splitlines() if ": " in line)
    return {name: value for name, value in pairs if "." in name}


@pytest.mark.parametrize("driver, recording, options", [
    pytest.param("nutdrv_qx", IPPON, {"protocol": "megatec", "novendor": True},
                 marks=pytest.mark.peers("nutdrv_qx")),
    pytest.param("nutdrv_qx", QGS, {"protocol": "voltronic"},
                 marks=pytest.mark.peers("nutdrv_qx")),
    pytest.param("nutdrv_qx", "voltronic-qs-h-psdr800", {"protocol": "mustek", "novendor": True},
                 marks=pytest.mark.peers("nutdrv_qx")),
    pytest.param("nutdrv_qx", "voltronic-qs-hex-p", {"protocol": "voltronic-qs-hex"},
                 marks=pytest.mark.peers("nutdrv_qx")),
    pytest.param("nutdrv_qx", "voltronic-q1-onbattery-doc", {"protocol": "q1"},
                 marks=pytest.mark.peers("nutdrv_qx")),
    pytest.param("blazer_ser", IPPON, {"protocol": "megatec", "novendor": True},
                 marks=pytest.mark.peers("blazer_ser")),
])
def test_variables_as_nut_shows_them(stage, tmp_path, driver, recording, options):
    theirs = as_nut_shows(add_ups(stage, recording), driver, tmp_path, **options)
    ups = add_ups(stage, recording)
    bridge = stage.bridge([section_of(ups, driver=driver, **options)])
    with bridge.client() as client:
        ours = client.variables("ups")
    found = differences(ours, theirs)
    explained = DIFFERENCES.get((driver, recording), {})
    assert not {name: pair for name, pair in found.items()
                if name not in explained or not explained[name].holds(*pair)}
    assert set(explained) <= set(found), "no longer different"


# Commands ---------------------------------------------------------------------------------------

def command(client, ups, words):
    """What the client is answered, and what the UPS was sent beside its polls."""
    before = len(ups.asked)
    answer = client.ask(f"INSTCMD ups {words}")
    assert answer.startswith("OK TRACKING"), answer
    wait_until(lambda: client.ask(f"GET TRACKING {answer.split()[2]}") != "PENDING", words)
    sent = [query for query in ups.queries(before) if query not in ("Q1", "F", "I", "QGS", "QMOD")]
    return client.ask(f"GET TRACKING {answer.split()[2]}"), sent


def test_commands(stage):
    ups = add_ups(stage, MEC)
    bridge = stage.bridge([section_of(ups, protocol="megatec", norating=True, novendor=True)])
    with bridge.client() as client:
        client.authenticate("admin", "secret")
        client.ask("SET TRACKING ON")
        assert command(client, ups, "shutdown.return") == ("SUCCESS", ["S.5R0003"])
        # One that is under way is called off first.
        assert command(client, ups, "shutdown.stayoff") == ("SUCCESS", ["C", "S.5R0000"])
        assert command(client, ups, "shutdown.stop") == ("SUCCESS", ["C"])
        assert command(client, ups, "load.off") == ("SUCCESS", ["S00R0000"])
        assert command(client, ups, "load.on") == ("SUCCESS", ["C"])
        assert command(client, ups, "test.battery.start 600") == ("SUCCESS", ["T10"])
        assert command(client, ups, "test.battery.start 59")[0] == "ERR INVALID-ARGUMENT"
        assert client.ask('SET VAR ups ups.delay.shutdown "59"').startswith("OK")
        bridge.wait_value("ups", "ups.delay.shutdown", "54")
        ups.behave(lambda query, reply: query + b"\r" if query == b"Q" else reply)
        assert command(client, ups, "beeper.toggle") == ("ERR FAILED", ["Q"])


def test_commands_that_are_confirmed(stage):
    ups = add_ups(stage, QGS)
    ups.acknowledged = {b"SOFF": b"(ACK\r", b"S.5R0003": b"(NAK\r"}
    bridge = stage.bridge([section_of(ups, protocol="voltronic")])
    with bridge.client() as client:
        client.authenticate("admin", "secret")
        client.ask("SET TRACKING ON")
        assert command(client, ups, "load.off") == ("SUCCESS", ["SOFF"])
        assert command(client, ups, "shutdown.return") == ("ERR FAILED", ["S.5R0003"])
        assert command(client, ups, "beeper.toggle")[1] == ["BZOFF"]


# Bad answers --------------------------------------------------------------------------------------

class Every:
    """Each other answer to Q1 is spoilt."""

    def __init__(self, spoil):
        self.spoil, self.turn, self.spoilt = spoil, 0, 0

    def __call__(self, query, reply):
        self.turn += query == b"Q1"
        if query != b"Q1" or self.turn % 2:
            return reply
        self.spoilt += 1
        return self.spoil(reply)


BAD = {
    "echoed": lambda reply: b"Q1\r",
    "refused": lambda reply: b"(NAK\r",
    "silent": lambda reply: b"",
    "truncated": lambda reply: reply[:20] + b"\r",
    "unended": lambda reply: reply[:30],
    "merged": lambda reply: reply[:25] + reply,
    "noise": lambda reply: b"\xff\x80\x00(" + reply[5:],
    "previous": lambda reply: b"#230.0 004 036.0 50.0\r",
    "flood": lambda reply: b"x" * 3000,
    "on-battery-cut": lambda reply: ON_BATTERY.encode()[:-1] + b"\r",
    "byte-lost": lambda reply: b"(26.0" + reply[6:],
}


def test_bad_answers_become_no_reading(stage):
    upses = {name: add_ups(stage, MEC) for name in BAD}
    bridge = stage.bridge([section_of(ups, name, protocol="q1", pollfreq=1)
                           for name, ups in upses.items()])
    moods = {name: Every(spoil) for name, spoil in BAD.items()}
    for name, ups in upses.items():
        ups.behave(moods[name])
    seen = {name: set() for name in BAD}

    def is_done():
        with bridge.client() as client:
            for name in BAD:
                seen[name].add(tuple(client.value(name, variable) for variable in
                                     ("ups.status", "input.voltage", "battery.voltage")))
        return all(mood.spoilt >= 3 for mood in moods.values())

    wait_until(is_done, "three spoilt answers of each", 30)
    for name, readings in seen.items():
        assert readings == {("OL", "226.0", "27.10")}, name
    with bridge.client() as client:
        for name in BAD:
            counted = sum(int(client.value(name, f"driver.serial.errors.{kind}"))
                          for kind in ("echo", "malformed", "refused", "timeout"))
            assert counted > 0, name


def test_a_ups_that_falls_silent_and_speaks_again(stage):
    ups = add_ups(stage, MEC)
    bridge = stage.bridge([section_of(ups, protocol="q1")], upsd_conf="MAXAGE 3\n")
    ups.behave(lambda query, reply: b"")
    bridge.wait_answer("GET VAR ups ups.status", "ERR DATA-STALE", 30)
    ups.behave()
    bridge.wait_answer("GET VAR ups ups.status", 'VAR ups ups.status "OL"', 30)


def test_an_adapter_that_is_pulled_out_and_comes_back(stage, tmp_path):
    place = tmp_path / "adapter"
    first = add_ups(stage, MEC)
    place.symlink_to(first.path)
    bridge = stage.bridge([SerialSection("ups", "nutdrv_qx", place, protocol="q1",
                                         pollinterval=1)])
    place.unlink()
    first.unplug()
    bridge.program.wait_log(r"\[ups\] lost")
    second = add_ups(stage, MEC)
    second.set("Q1", ON_BATTERY)
    place.symlink_to(second.path)
    bridge.wait_value("ups", "ups.status", "OB", 30)
    assert second.queries()[0] == "Q1"


def test_a_ups_of_apc_is_let_alone(stage):
    """S and D, which later questions begin with, are orders to it."""
    ups = add_ups(stage, MEC)
    ups.behave(lambda query, reply: b"08\r\n")
    bridge = stage.bridge([section_of(ups)], start=False)
    bridge.program.start()
    bridge.program.wait_log("APC's protocol")
    assert set(ups.queries()) == {"Q1"}


def test_lines_that_are_named_are_scanned(binary, stage):
    ups = add_ups(stage, IPPON)
    done = run(binary, "--scan", ups.path, "/dev/nonexistent", check=False)
    assert "driver = nutdrv_qx" in done.out and f"port = {ups.path}" in done.out
    assert "/dev/nonexistent: No such file" in done.out
    assert not any(query.startswith(("S", "C", "T")) for query in ups.queries())


# Both faces ---------------------------------------------------------------------------------------

@pytest.mark.snmp_face
@pytest.mark.peers("upsc")
def test_an_outage_by_both_faces(stage):
    ups = add_ups(stage, MEC)
    port = free_udp_port()
    bridge = stage.bridge([section_of(ups, protocol="megatec", norating=True, novendor=True)],
                          snmp=f"SNMP listen udp:{LOOPBACK}:{port}\n",
                          snmp_conf=snmp_access("ups"))
    agent = harness.SnmpAgent(port)
    assert agent.get_number(f"{UPS_MIB}.4.1.0") == 3
    ups.set("Q1", ON_BATTERY)
    bridge.wait_value("ups", "ups.status", "OB")
    assert agent.get_number(f"{UPS_MIB}.4.1.0") == 5
    assert agent.get_number(f"{UPS_MIB}.2.5.0") == 241
    done = run("upsc", f"ups@{LOOPBACK}:{bridge.port}", "battery.voltage")
    assert done.out.strip() == "24.10"
    ups.set("Q1", ON_LINE)
    bridge.wait_value("ups", "ups.status", "OL")


def test_polls_never_overlap(stage):
    """A question is asked when the one before has been answered."""
    ups = add_ups(stage, MEC)
    ups.behave(delay=0.3)
    stage.bridge([section_of(ups, protocol="megatec", norating=True, novendor=True, pollfreq=1)])
    wait_until(lambda: len(ups.asked) >= 5, "five questions", 30)
    times = [when for when, _ in ups.asked]
    assert min(late - early for early, late in zip(times, times[1:])) > 0.3


def test_the_recordings_are_read():
    assert Recording(QGS).answers[b"QMOD"] == [b"(L"]
    assert Recording("armac-nul-bits-1978").answers[b"Q1"][0].endswith(b"00001\0\0\0")
