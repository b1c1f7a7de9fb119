# SPDX-License-Identifier: BSD-2-Clause
"""
The clients people use: upsc, upscmd, upsrw and PyNUT against upsbridged. What a client shows must be
what the device's file says.
"""

import re

import pytest

from harness import LOOPBACK, DATA, ON_LINE, Device, nut_program, run, wait_until

pytestmark = pytest.mark.peers("upsc", "upscmd", "upsrw")

ODD = r'half \\ \"quoted\" \#1'


@pytest.fixture
def two(stage):
    """A recorded Eaton and a made-up UPS that may be written to."""
    return stage.bridge([
        Device("eaton", DATA / "eaton-5sc-750.dev", "Eaton 5SC in the cellar"),
        Device("ups", ON_LINE + f"ups.id: {ODD}\n"),
    ])


def client(name, *words, **options):
    return run(nut_program(name), *words, **options)


def test_upsc_shows_what_the_device_says(two):
    shown = client("upsc", f"eaton@{LOOPBACK}:{two.port}").out
    pairs = dict(line.split(": ", 1) for line in shown.splitlines())
    for name, value in two.device("eaton").values().items():
        if not name.startswith("driver."):
            assert pairs.get(name, "") == value, name
    assert pairs["driver.name"]
    assert list(pairs) == sorted(pairs, key=str.lower)


def test_upsc_shows_one_variable(two):
    done = client("upsc", f"ups@{LOOPBACK}:{two.port}", "ups.status")
    assert done.out == "OL\n"


def test_upsc_shows_escaped_text_as_it_was_meant(two):
    done = client("upsc", f"ups@{LOOPBACK}:{two.port}", "ups.id")
    assert done.out == 'half \\ "quoted" #1\n'


def test_upsc_lists_devices(two):
    assert client("upsc", "-l", f"{LOOPBACK}:{two.port}").out == "eaton\nups\n"
    assert client("upsc", "-L", f"{LOOPBACK}:{two.port}").out == (
        "eaton: Eaton 5SC in the cellar\nups: Description unavailable\n")


def test_upsc_lists_clients(two):
    assert client("upsc", "-c", f"ups@{LOOPBACK}:{two.port}").out == ""
    with two.client() as first, two.client() as second:
        for connection in (first, second):
            connection.authenticate("secondary", "sepw")
            assert connection.ask("LOGIN ups") == "OK"
        assert client("upsc", "-c", f"ups@{LOOPBACK}:{two.port}").out == f"{LOOPBACK}\n" * 2
        assert client("upsc", "-c", f"eaton@{LOOPBACK}:{two.port}").out == ""
    wait_until(lambda: client("upsc", "-c", f"ups@{LOOPBACK}:{two.port}").out == "",
               "clients that left are forgotten")


@pytest.mark.parametrize("words, message", [
    (["nosuch@{}"], "Unknown UPS"),
    (["ups@{}", "no.such"], "Variable not supported by UPS"),
])
def test_upsc_says_what_is_wrong(two, words, message):
    words = [word.format(f"{LOOPBACK}:{two.port}") for word in words]
    done = client("upsc", *words, check=False)
    assert done.returncode != 0
    assert message in done.err


def test_upscmd_lists_commands_with_descriptions(two):
    with two.client() as connection:
        offered = connection.ask("LIST CMD ups").split("\n")[1:-1]
    names = [line.split()[2] for line in offered]
    assert "load.off" in names
    shown = client("upscmd", "-l", f"ups@{LOOPBACK}:{two.port}").out
    listed = dict(line.split(" - ", 1) for line in shown.splitlines() if " - " in line)
    assert sorted(listed) == sorted(names)
    for name, description in listed.items():
        assert description not in ("", "Description unavailable", "Unavailable"), name


def test_upscmd_gives_a_command(two):
    done = client("upscmd", "-u", "admin", "-p", "secret", f"ups@{LOOPBACK}:{two.port}",
                  "load.off")
    assert "OK" in (done.out + done.err).split()


def test_upscmd_waits_for_the_outcome(two):
    # dummy-ups offers load.off but does not know it, in NUT as here: that is the outcome.
    done = client("upscmd", "-w", "-t", "10", "-u", "admin", "-p", "secret",
                  f"ups@{LOOPBACK}:{two.port}", "load.off", check=False)
    assert (done.out + done.err).strip().endswith("ERR UNKNOWN"), (done.out, done.err)


def test_upscmd_without_the_right_is_refused(two):
    done = client("upscmd", "-u", "setter", "-p", "setpw", f"ups@{LOOPBACK}:{two.port}",
                  "load.off", check=False)
    assert done.returncode != 0
    assert "ACCESS-DENIED" in done.err


def test_upsrw_lists_what_can_be_set(two):
    shown = client("upsrw", f"ups@{LOOPBACK}:{two.port}").out
    names = re.findall(r"^\[(.*)\]$", shown, re.M)
    with two.client() as connection:
        lines = connection.ask("LIST RW ups").split("\n")[1:-1]
    assert sorted(names) == sorted(line.split()[2] for line in lines)
    assert "battery.charge.low" in names
    assert "unrecognized" not in shown
    assert re.search(r"\[battery\.charge\.low\]\n.+\nType: NUMBER\nValue: 20\n", shown)
    assert re.search(r"\[ups\.id\]\n.+\nType: STRING\nMaximum length: 16\n", shown)


@pytest.mark.parametrize("variable, value", [
    ("battery.charge.low", "35"),
    ("ups.id", "Rack 7"),
    ("ups.id", ""),
])
def test_upsrw_sets(two, variable, value):
    done = client("upsrw", "-w", "-s", f"{variable}={value}", "-u", "admin", "-p", "secret",
                  f"ups@{LOOPBACK}:{two.port}")
    assert (done.out + done.err).strip().endswith("SUCCESS"), (done.out, done.err)
    if value:
        two.wait_value("ups", variable, value)


def test_upsrw_refuses_what_is_too_long(two):
    done = client("upsrw", "-s", "ups.id=12345678901234567", "-u", "admin", "-p", "secret",
                  f"ups@{LOOPBACK}:{two.port}", check=False)
    assert done.returncode != 0
    assert "Value is too long" in done.err or "TOO-LONG" in done.err


@pytest.mark.parametrize("user, password", [("admin", "wrong"), ("nosuch", "x"),
                                            ("commander", "compw")])
def test_upsrw_without_the_right_is_refused(two, user, password):
    done = client("upsrw", "-s", "battery.charge.low=1", "-u", user, "-p", password,
                  f"ups@{LOOPBACK}:{two.port}", check=False)
    assert done.returncode != 0
    assert "ACCESS-DENIED" in done.err
    with two.client() as connection:
        assert connection.value("ups", "battery.charge.low") == "20"


# PyNUT ----------------------------------------------------------------------------------------

@pytest.fixture
def pynut():
    return pytest.importorskip("PyNUT")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_pynut_reads(two, pynut):
    nut = pynut.PyNUTClient(host=LOOPBACK, port=two.port)
    assert nut.GetUPSList() == {b"eaton": b"Eaton 5SC in the cellar",
                                b"ups": b"Description unavailable"}
    found = nut.GetUPSVars("eaton")
    for name, value in two.device("eaton").values().items():
        if value and not name.startswith("driver."):
            assert found[name.encode()] == value.encode(), name
    commands = nut.GetUPSCommands("ups")
    assert b"load.off" in commands
    assert nut.ver().startswith(b"Network UPS Tools upsd")
    assert nut.help().startswith(b"Commands:")
    with pytest.raises(pynut.PyNUTError, match="UNKNOWN-UPS"):
        nut.GetUPSVars("nosuch")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_pynut_writes(two, pynut):
    nut = pynut.PyNUTClient(host=LOOPBACK, port=two.port, login="admin", password="secret")
    assert nut.SetRWVar("ups", "battery.charge.low", "31") == "OK"
    two.wait_value("ups", "battery.charge.low", "31")
    writable = nut.GetRWVars("ups")
    assert writable[b"battery.charge.low"] == b"31"
    assert nut.RunUPSCommand("ups", "load.off") == "OK"
    with pytest.raises(pynut.PyNUTError, match="CMD-NOT-SUPPORTED"):
        nut.RunUPSCommand("ups", "no.such")
    with pytest.raises(pynut.PyNUTError, match="Primary"):
        nut.FSD("ups")  # admin may FSD, but is no primary


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_pynut_forces_a_shutdown(two, pynut):
    nut = pynut.PyNUTClient(host=LOOPBACK, port=two.port, login="primary", password="prpw")
    assert nut.FSD("ups") == "OK"
    two.wait_value("ups", "ups.status", "FSD OL")
    two.wait_value("eaton", "ups.status", lambda status: "FSD" not in status)
