# SPDX-License-Identifier: BSD-2-Clause
"""
USB UPSes, end to end: the whole upsbridged with the real libusb, on devices that
tests/sim/usb_testbed emulates from recordings of real ones.
"""

import os
import re
import signal
import time
from pathlib import Path

import pytest

from harness import (LOOPBACK, SnmpAgent, find_program, free_udp_port, run, snmp_access,
                     wait_for_port, wait_until)
from usb_testbed import RECORDINGS, UsbUps

pytestmark = [pytest.mark.usb, pytest.mark.peers("upsc", "upscmd")]

APC = "apc-back-ups-es-850g2"
EATON = "eaton-3s-700"

# APC's PresentStatus: on line; on battery; on battery and low.
ON_LINE = "16 0c 00 00 00"
ON_BATTERY = "16 0a 00 00 00"


def is_set(token):
    return lambda status: status is not None and token in status.split()


def start_without_device(bridge):
    bridge.program.start()
    wait_for_port(bridge.port, bridge.program)


def test_values_for_both_faces(stage):
    testbed = stage.usb_testbed(ups=f"{APC},serial=4B2102P12345")
    port = free_udp_port()
    settings = {}
    if "--without-netsnmp" not in run(stage.binary, "-V").out:
        settings = {"snmp": f"SNMP listen udp:{LOOPBACK}:{port}\n",
                    "snmp_conf": snmp_access("ups")}
    bridge = stage.usb_bridge(testbed, [UsbUps("ups")], **settings)
    shown = run("upsc", f"ups@{LOOPBACK}:{bridge.port}").out
    values = dict(line.split(": ", 1) for line in shown.splitlines())
    expected = {"battery.charge": "100", "battery.runtime": "868", "ups.load": "34",
                "input.transfer.high": "266", "ups.serial": "4B2102P12345", "ups.status": "OL",
                "ups.vendorid": "051d", "ups.productid": "0002", "driver.name": "usbhid-ups",
                "driver.usb.bus": "001", "driver.usb.device": "002", "driver.usb.busport": "1-1",
                "driver.usb.errors.timeout": "0", "driver.usb.reconnects": "0",
                "driver.parameter.pollfreq": "30"}
    assert {name: values.get(name) for name in expected} == expected
    assert float(values["input.voltage"]) == 228
    assert re.fullmatch(r"libusb-1\.0\.\d+ \(API: 0x\w+\)", values["driver.version.usb"])
    if settings and find_program("snmpget"):
        agent = SnmpAgent(port)
        assert agent.get_number("2.4.0") == 100   # upsEstimatedChargeRemaining
        assert agent.get_number("2.3.0") == 868 // 60
        assert agent.get_number("4.4.1.5.1") == 34  # upsOutputPercentLoad


def test_no_report_is_asked_for_twice_in_a_poll(stage):
    testbed = stage.usb_testbed(ups=APC)
    stage.usb_bridge(testbed, [UsbUps("ups", pollinterval=600)], upsd_conf="MAXAGE 3600\n")
    counts = testbed.counts("ups")
    assert counts["get"] > 20
    assert counts["most"] == 1


def test_an_interrupt_report_is_published_at_once(stage):
    """Without a hard limit, for loaded machines; but long before the next poll."""
    testbed = stage.usb_testbed(ups=APC)
    bridge = stage.usb_bridge(testbed, [UsbUps("ups", pollinterval=600)],
                              upsd_conf="MAXAGE 3600\n")
    times = []
    with bridge.client() as client:
        for i in range(20):
            report, token = (ON_BATTERY, "OB") if i % 2 == 0 else (ON_LINE, "OL")
            begin = time.monotonic()
            testbed.ask(f"INPUT ups {report}")
            wait_until(lambda t=token: is_set(t)(client.value("ups", "ups.status")),
                       f"{token} after an interrupt report", interval=0.001)
            times.append(time.monotonic() - begin)
    print(f"from report to client, median of {len(times)}: {sorted(times)[10] * 1000:.1f} ms")


def test_a_status_that_is_only_polled(stage):
    testbed = stage.usb_testbed(ups=APC)
    bridge = stage.usb_bridge(testbed, [UsbUps("ups", pollonly=True, pollinterval=1)])
    testbed.ask(f"INPUT ups {ON_BATTERY}")
    bridge.wait_value("ups", "ups.status", is_set("OB"))


def test_a_command_becomes_a_report(stage):
    testbed = stage.usb_testbed(ups=APC)
    bridge = stage.usb_bridge(testbed, [UsbUps("ups")])
    bridge.wait_value("ups", "ups.beeper.status", "enabled")
    run("upscmd", "-w", "-u", "admin", "-p", "secret", f"ups@{LOOPBACK}:{bridge.port}",
        "beeper.disable")
    assert [write for write in testbed.writes("ups") if write.startswith("F 18")] == ["F 18 18 01"]
    bridge.wait_value("ups", "ups.beeper.status", "disabled")


def test_unplugged_it_keeps_its_data_until_maxage(stage):
    """Never stale sooner: upsmon might shut a host down for it."""
    testbed = stage.usb_testbed(ups=APC)
    bridge = stage.usb_bridge(testbed, [UsbUps("ups")], upsd_conf="MAXAGE 6\n")
    with bridge.client() as client:
        assert is_set("OL")(client.value("ups", "ups.status"))
        testbed.ask("UNPLUG ups")
        begin = time.monotonic()
        # Its last reading may be as old as the poll interval, 2 s.
        while time.monotonic() < begin + 3.5:
            answer = client.ask("GET VAR ups ups.status")
            if time.monotonic() < begin + 3.5:
                assert answer == 'VAR ups ups.status "OL"'
            time.sleep(0.1)
    bridge.wait_answer("GET VAR ups ups.status", "ERR DATA-STALE")
    bridge.program.wait_log(r"\[ups\] lost: unplugged")
    testbed.ask("PLUG ups")
    bridge.wait_value("ups", "ups.status", is_set("OL"))


def test_back_by_itself_with_another_number(stage):
    testbed = stage.usb_testbed(ups=f"{APC},serial=S1")
    bridge = stage.usb_bridge(testbed, [UsbUps("ups")])
    for round_number in range(1, 4):
        testbed.ask("UNPLUG ups")
        bridge.program.wait_log(r"\[ups\] lost: (?:unplugged[^$]*){%d}" % round_number)
        testbed.ask(f"PLUG ups {10 + round_number}")
        bridge.wait_value("ups", "driver.usb.device", f"0{10 + round_number}")
        bridge.wait_value("ups", "driver.usb.reconnects", str(round_number))
        testbed.ask(f"INPUT ups {ON_BATTERY}")
        bridge.wait_value("ups", "ups.status", is_set("OB"))
        testbed.ask(f"INPUT ups {ON_LINE}")
        bridge.wait_value("ups", "ups.status", is_set("OL"))
    with bridge.client() as client:
        assert client.value("ups", "driver.usb.errors.disconnect") == "3"


def test_a_bus_reset_is_hardly_seen(stage):
    testbed = stage.usb_testbed(ups=APC)
    bridge = stage.usb_bridge(testbed, [UsbUps("ups")])
    testbed.ask("RESET ups")
    bridge.wait_value("ups", "driver.usb.device", "003")
    with bridge.client() as client:
        assert is_set("OL")(client.value("ups", "ups.status"))


def test_many_quick_replugs(stage):
    testbed = stage.usb_testbed(ups=APC)
    bridge = stage.usb_bridge(testbed, [UsbUps("ups")])
    for _ in range(20):
        testbed.ask("RESET ups")
        time.sleep(0.02)
    bridge.wait_value("ups", "driver.usb.device", "022")
    bridge.wait_value("ups", "ups.status", is_set("OL"))
    wait_until(lambda: testbed.counts("ups")["claimed"] == 1, "one claim is left")


def test_hundreds_of_replugs_leave_nothing_behind(stage):
    """Reset over and over as soon as it is claimed: often in the midst of opening it."""
    testbed = stage.usb_testbed(ups=APC)
    bridge = stage.usb_bridge(testbed, [UsbUps("ups")])

    def replug(times):
        for _ in range(times):
            claims = testbed.counts("ups")["claims"]
            testbed.ask("RESET ups")
            wait_until(lambda seen=claims: testbed.counts("ups")["claims"] > seen,
                       "it is claimed again", interval=0.002)

    def held():
        return (bridge.memory(), len(os.listdir(f"/proc/{bridge.program.pid}/fd")),
                bridge.memory("Threads"))

    replug(50)
    bridge.wait_value("ups", "ups.status", is_set("OL"))
    number = f"{testbed.counts('ups')['number']:03}"
    bridge.wait_value("ups", "driver.usb.device", number)
    memory, descriptors, threads = held()
    replug(250)
    number = f"{testbed.counts('ups')['number']:03}"
    bridge.wait_value("ups", "driver.usb.device", number)
    more, descriptors_after, threads_after = held()
    assert more - memory < bridge.memory_limit(1024)
    # The connections of this test's own clients may still be there.
    assert descriptors_after <= descriptors + 3
    assert threads_after == threads


def test_started_without_a_device(stage):
    testbed = stage.usb_testbed(ups=f"{APC},unplugged")
    bridge = stage.usb_bridge(testbed, [UsbUps("ups")], start=False)
    start_without_device(bridge)
    bridge.program.wait_log(r"\[ups\] no contact yet: no USB UPS is attached")
    # Long enough for its back-off to have become long.
    time.sleep(2)
    testbed.ask("PLUG ups")
    begin = time.monotonic()
    bridge.wait_value("ups", "ups.status", is_set("OL"))
    print(f"on line {time.monotonic() - begin:.2f} s after it was plugged in")
    assert bridge.program.log().count("no contact yet") == 1


def test_where_no_events_come(stage):
    """In a container without udev's: sysfs is looked at, and the lost transfer tells the rest."""
    testbed = stage.usb_testbed(ups=APC)
    bridge = stage.usb_bridge(testbed, [UsbUps("ups")])
    sockets = list(Path(testbed.root).glob("event*"))
    assert sockets, "umockdev has changed the names of its sockets"
    for path in sockets:
        path.unlink()
    for number in (7, 8):
        testbed.ask("UNPLUG ups")
        bridge.program.wait_log(r"\[ups\] lost: no USB UPS is attached")
        testbed.ask(f"PLUG ups {number}")
        bridge.wait_value("ups", "driver.usb.device", f"00{number}")


def test_it_waits_before_it_reconnects(stage):
    testbed = stage.usb_testbed(ups=APC)
    bridge = stage.usb_bridge(testbed, [UsbUps("ups", waitbeforereconnect=3)])
    begin = time.monotonic()
    testbed.ask("RESET ups")
    bridge.wait_value("ups", "driver.usb.device", "003")
    assert time.monotonic() - begin >= 3
    assert "waitbeforereconnect" in bridge.program.log()


@pytest.mark.parametrize("behaviour", ["STALL", "HANG"])
def test_a_device_that_only_speaks_unasked(stage, behaviour):
    testbed = stage.usb_testbed(ups="arduino-hid-power-194,packet=64")
    for kind in "IF":
        testbed.ask(f"{behaviour} ups {kind} *")
    bridge = stage.usb_bridge(testbed, [UsbUps("ups", interruptonly=True)], start=False)
    start_without_device(bridge)
    bridge.wait_value("ups", "driver.usb.device", "002")
    testbed.ask("INPUT ups 07 0a 00")
    bridge.wait_value("ups", "ups.status", is_set("OB"))
    testbed.ask("INPUT ups 07 0c 01")
    bridge.wait_value("ups", "ups.status", is_set("OL"))
    assert testbed.counts("ups")["get"] == 0


def test_silence_on_the_interrupt_endpoint(stage):
    testbed = stage.usb_testbed(ups=APC)
    bridge = stage.usb_bridge(testbed, [UsbUps("ups", pollinterval=1,
                                               interrupt_pipe_no_events_tolerance=1)])
    bridge.program.wait_log(r"\[ups\] lost: nothing has come on its interrupt endpoint")
    bridge.wait_value("ups", "driver.usb.reconnects", lambda text: text not in (None, "0"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_permission_denied_says_what_to_do(stage):
    testbed = stage.usb_testbed(ups=f"{APC},denied")
    testbed.open_to_all()
    bridge = stage.usb_bridge(testbed, [UsbUps("ups")], start=False)
    bridge.directory.chmod(0o755)
    bridge.program.command += ["-u", "nobody"]
    start_without_device(bridge)
    bridge.program.wait_log(r"\[ups\] no contact yet: /dev/bus/usb/001/002 \(owner root, group "
                            r"\w+, mode 0000\) may not be opened by user nobody: .*"
                            r"62-upsbridge\.rules")
    testbed.ask("DENY ups no")
    bridge.wait_value("ups", "ups.status", is_set("OL"))


def test_busy_says_who_has_it(stage):
    testbed = stage.usb_testbed(ups=f"{APC},busy")
    bridge = stage.usb_bridge(testbed, [UsbUps("ups")], start=False)
    start_without_device(bridge)
    bridge.program.wait_log(r"\[ups\] no contact yet: another program has /dev/bus/usb/001/002")
    testbed.ask("BUSY ups no")
    bridge.wait_value("ups", "ups.status", is_set("OL"))


def test_the_kernel_gets_its_interface_back(stage):
    testbed = stage.usb_testbed(ups=APC)
    assert testbed.counts("ups")["driver"] == 1
    bridge = stage.usb_bridge(testbed, [UsbUps("ups")])
    assert testbed.counts("ups")["driver"] == 0
    bridge.stop()
    counts = testbed.counts("ups")
    assert (counts["driver"], counts["claimed"]) == (1, 0)


def test_after_a_crash(stage):
    testbed = stage.usb_testbed(ups=APC)
    bridge = stage.usb_bridge(testbed, [UsbUps("ups")])
    bridge.kill()
    wait_until(lambda: testbed.counts("ups")["claimed"] == 0, "the kernel sees it die")
    bridge.start()
    bridge.wait_value("ups", "ups.status", is_set("OL"))


def test_identical_units_are_told_apart_by_their_ports(stage):
    testbed = stage.usb_testbed(left=f"{APC},port=1-1.2", right=f"{APC},port=1-1.3")
    bridge = stage.usb_bridge(testbed, [UsbUps("a", busport="1-1.3"), UsbUps("b", busport="1-1.2")])
    testbed.ask(f"INPUT right {ON_BATTERY}")
    bridge.wait_value("a", "ups.status", is_set("OB"))
    with bridge.client() as client:
        assert client.value("a", "driver.usb.busport") == "1-1.3"
        assert client.value("b", "driver.usb.busport") == "1-1.2"
        assert is_set("OL")(client.value("b", "ups.status"))
    # Both away, and back in the other order.
    testbed.ask("UNPLUG left")
    testbed.ask("UNPLUG right")
    testbed.ask("PLUG right 7")
    testbed.ask("PLUG left 8")
    bridge.wait_value("a", "driver.usb.device", "007")
    bridge.wait_value("b", "driver.usb.device", "008")
    with bridge.client() as client:
        assert client.value("a", "driver.usb.busport") == "1-1.3"


def test_two_sections_never_share_a_device(stage):
    """Sections that take any UPS take one each; and after a while apart, each its own again."""
    testbed = stage.usb_testbed(first=f"{APC},serial=S1", second=f"{APC},serial=S2,unplugged")
    bridge = stage.usb_bridge(testbed, [UsbUps("a"), UsbUps("b")], start=False)
    start_without_device(bridge)
    found = bridge.program.wait_log(r"\[(a|b)\] no contact yet: USB device 1-1 belongs to section "
                                    r"\[(a|b)\]")
    assert found[1] != found[2]
    has_first, has_second = found[2], found[1]
    testbed.ask("PLUG second")
    bridge.wait_value(has_second, "ups.serial", "S2")
    bridge.wait_value(has_first, "ups.serial", "S1")
    assert testbed.counts("first")["claims"] == testbed.counts("second")["claims"] == 1
    testbed.ask("UNPLUG first")
    testbed.ask("UNPLUG second")
    # The unit that comes is left to the section that had it, whoever looks first.
    testbed.ask("PLUG second")
    bridge.wait_value(has_second, "driver.usb.reconnects", "1")
    testbed.ask("PLUG first")
    bridge.wait_value(has_first, "driver.usb.reconnects", "1")
    with bridge.client() as client:
        assert client.value(has_first, "ups.serial") == "S1"
        assert client.value(has_second, "ups.serial") == "S2"


@pytest.mark.parametrize("options", [{"vendorid": "0463"}, {"product": "eaton"}, {"device": "003"},
                                     {"busport": "1-2"}, {"serial": "^E5$"},
                                     {"vendor": "EATON", "productid": "FFFF"}])
def test_options_choose_the_device(stage, options):
    testbed = stage.usb_testbed(apc=f"{APC},serial=A1", eaton=f"{EATON},serial=E5")
    bridge = stage.usb_bridge(testbed, [UsbUps("ups", **options)])
    bridge.wait_value("ups", "ups.vendorid", "0463")
    assert testbed.counts("apc")["ioctls"] == 0, "the other one is left alone"


def test_nothing_fits(stage):
    testbed = stage.usb_testbed(apc=APC)
    bridge = stage.usb_bridge(testbed, [UsbUps("ups", vendorid="0463", serial="X")], start=False)
    start_without_device(bridge)
    bridge.program.wait_log(r"\[ups\] no contact yet: no USB device is attached with "
                            r"vendorid 0463, serial X")
    assert testbed.counts("apc")["ioctls"] == 0


@pytest.mark.parametrize("trouble", ["STALL", "HANG", "OVERFLOW", "FAIL"])
def test_one_bad_report_does_not_lose_the_device(stage, trouble):
    """Report 0x50 is ups.load alone."""
    testbed = stage.usb_testbed(ups=APC)
    for kind in "IF":
        testbed.ask(f"{trouble} ups {kind} 50")
    bridge = stage.usb_bridge(testbed, [UsbUps("ups", pollfreq=2, pollinterval=1)])
    testbed.ask(f"INPUT ups {ON_BATTERY}")
    bridge.wait_value("ups", "ups.status", is_set("OB"))
    with bridge.client() as client:
        assert client.value("ups", "ups.load") is None
        assert client.value("ups", "battery.charge") == "100"
        assert client.value("ups", "driver.usb.reconnects") == "0"


def test_troubles_of_the_interrupt_endpoint(stage):
    testbed = stage.usb_testbed(ups=APC)
    bridge = stage.usb_bridge(testbed, [UsbUps("ups", pollinterval=600)],
                              upsd_conf="MAXAGE 3600\n")
    for trouble in ("HALT", "NOISE", "BABBLE"):
        testbed.ask(f"{trouble} ups")
        testbed.ask(f"INPUT ups {ON_BATTERY}")
        bridge.wait_value("ups", "ups.status", is_set("OB"))
        testbed.ask(f"INPUT ups {ON_LINE}")
        bridge.wait_value("ups", "ups.status", is_set("OL"))
    assert testbed.counts("ups")["claims"] == 1


def test_a_silent_device_is_opened_anew(stage):
    """It answers nothing any more, though it is there: stale at last, and well again by itself."""
    testbed = stage.usb_testbed(ups=APC)
    bridge = stage.usb_bridge(testbed, [UsbUps("ups", pollonly=True)], upsd_conf="MAXAGE 5\n")
    testbed.ask("SILENT ups yes")
    bridge.wait_answer("GET VAR ups ups.status", "ERR DATA-STALE", timeout=60)
    testbed.ask("SILENT ups no")
    bridge.wait_value("ups", "ups.status", is_set("OL"), timeout=60)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_ends_a_transfer_under_way(stage, number):
    testbed = stage.usb_testbed(ups=APC)
    bridge = stage.usb_bridge(testbed, [UsbUps("ups", pollonly=True, pollinterval=1)])
    testbed.ask("SILENT ups yes")
    asked = testbed.counts("ups")["ioctls"]
    wait_until(lambda: testbed.counts("ups")["ioctls"] > asked, "a request that hangs")
    begin = time.monotonic()
    bridge.program.signal(number)
    assert bridge.program.wait() == 0
    took = time.monotonic() - begin
    assert took < 2, f"{took} s"
    assert "abandoned" not in bridge.program.log()
    assert testbed.counts("ups")["claimed"] == 0
    bridge.program.process = None


def test_a_stop_while_the_device_is_opened(stage):
    testbed = stage.usb_testbed(ups=APC)
    testbed.ask("SILENT ups yes")
    bridge = stage.usb_bridge(testbed, [UsbUps("ups")], start=False)
    start_without_device(bridge)
    wait_until(lambda: testbed.counts("ups")["claimed"] == 1, "it has begun to open it")
    begin = time.monotonic()
    bridge.stop()
    took = time.monotonic() - begin
    assert took < 2, f"{took} s"
    assert testbed.counts("ups")["claimed"] == 0


def test_what_is_no_ups_is_let_alone(stage):
    """A keyboard, say: the kernel's copy of its report descriptor is enough to know."""
    keyboard = stage.directory / "keyboard"
    keyboard.mkdir()
    (keyboard / "device.txt").write_text("vidpid: 046d:c31c\nproduct: Keyboard\n")
    (keyboard / "descriptor.hex").write_text("05 01 09 06 a1 01 05 07 19 e0 29 e7 15 00 25 01 "
                                             "75 01 95 08 81 02 c0\n")
    # A path of its own: the folder of the recordings goes before it.
    testbed = stage.usb_testbed(keys=os.path.relpath(keyboard, RECORDINGS), ups=APC)
    bridge = stage.usb_bridge(testbed, [UsbUps("ups")])
    bridge.wait_value("ups", "ups.vendorid", "051d")
    counts = testbed.counts("keys")
    assert (counts["ioctls"], counts["driver"]) == (0, 1)


def test_a_keyboard_that_the_kernel_does_not_know_yet_is_let_alone(stage):
    """
    Being plugged in: the kernel has no copy of a report descriptor yet, and only to look whether it
    is a UPS its second interface would have to be taken from the kernel.
    """
    keyboard = stage.directory / "keyboard"
    keyboard.mkdir()
    (keyboard / "device.txt").write_text("vidpid: 046d:c52b\nproduct: Receiver\n")
    (keyboard / "descriptor.hex").write_text("05 0c 09 01 a1 01 15 00 25 01 75 01 95 08 81 03 c0\n")
    testbed = stage.usb_testbed(keys=os.path.relpath(keyboard, RECORDINGS)
                                + ",interface=1,boot,hidehid", ups=f"{APC},unplugged")
    bridge = stage.usb_bridge(testbed, [UsbUps("ups")], start=False)
    start_without_device(bridge)
    bridge.program.wait_log(r"\[ups\] no contact yet")
    testbed.ask("PLUG ups")
    bridge.wait_value("ups", "ups.vendorid", "051d")
    counts = testbed.counts("keys")
    assert (counts["ioctls"], counts["driver"]) == (0, 1)


def test_strings_that_never_come(stage):
    """Each would cost a time-out: after the first the kernel's copies have to do."""
    testbed = stage.usb_testbed(ups=f"{EATON},stringhang")
    bridge = stage.usb_bridge(testbed, [UsbUps("ups")])
    bridge.wait_value("ups", "ups.status", is_set("OL"))
    bridge.wait_value("ups", "ups.model", is_set("3S"))
    assert testbed.counts("ups")["strings"] <= 1


def test_a_broken_report_descriptor(stage):
    """It says what is wrong, and goes on trying; other devices are served."""
    broken = stage.directory / "broken"
    broken.mkdir()
    (broken / "device.txt").write_text("vidpid: 051d:0002\nproduct: Broken\n")
    (broken / "descriptor.hex").write_text("05 84 09 04 a1 01 75 ff 95 ff " + "a1 00 " * 300 + "\n")
    testbed = stage.usb_testbed(bad=os.path.relpath(broken, RECORDINGS), eaton=EATON)
    bridge = stage.usb_bridge(testbed, [UsbUps("bad", vendorid="051d"),
                                        UsbUps("good", vendorid="0463")], start=False)
    start_without_device(bridge)
    bridge.wait_value("good", "ups.status", is_set("OL"))
    bridge.program.wait_log(r"\[bad\] no contact yet: USB device 1-1 \(051d:0002\)")
    with bridge.client() as client:
        assert client.value("bad", "ups.status") in (None, "WAIT")


@pytest.mark.parametrize("words, model", [
    # Claims to be longer than it is.
    ("rawstring2=40 03 55 00 50 00 53 00", "UPS"),
    # Shorter than what comes.
    ("rawstring2=06 03 55 00 50 00 53 00", "UP"),
    # Half a letter, blanks and a NUL at the end; and what is no ASCII.
    ("rawstring2=0d 03 e9 00 50 00 20 00 20 00 00 00 53", "?P"),
    # Not a string at all, or nothing: the kernel's copy is taken.
    ("rawstring2=06 09 55 00 50 00", "Back-UPS"),
    ("rawstring2=", "Back-UPS"),
    # No English, and no list of languages at all.
    ("language=0407,string2=UPS", "UPS"),
    ("rawstring0=,string2=UPS", "UPS"),
    ("rawstring0=04 03,string2=UPS", "UPS"),
    ("rawstring0=ff,string2=UPS", "UPS"),
])
def test_strings_that_are_not_as_they_should_be(stage, words, model):
    """Another product than the kernel's copy in sysfs would say, where there are both."""
    testbed = stage.usb_testbed(ups=f"{EATON},product=Back-UPS,{words}")
    bridge = stage.usb_bridge(testbed, [UsbUps("ups")])
    # An Eaton without a model string of its own has its rating behind the product's name.
    bridge.wait_value("ups", "ups.model", f"{model} 700")


def test_an_interface_that_is_not_the_first(stage):
    """As of boards that are serial ports, too; endpoint 0x84."""
    testbed = stage.usb_testbed(ups=f"{APC},interface=2,endpoint=84,unbound")
    bridge = stage.usb_bridge(testbed, [UsbUps("ups")])
    testbed.ask(f"INPUT ups {ON_BATTERY}")
    bridge.wait_value("ups", "ups.status", is_set("OB"))


def test_a_report_descriptor_at_index_1(stage):
    """Eatons of release 0202."""
    testbed = stage.usb_testbed(ups=f"{EATON},release=0202,index=1,hidehid")
    bridge = stage.usb_bridge(testbed, [UsbUps("ups")])
    bridge.wait_value("ups", "ups.status", is_set("OL"))


def test_a_reload_takes_up_another_device(stage):
    testbed = stage.usb_testbed(apc=APC, eaton=EATON)
    bridge = stage.usb_bridge(testbed, [UsbUps("ups", vendorid="051d")])
    bridge.devices = [UsbUps("ups", vendorid="0463")]
    bridge.write_configuration()
    bridge.reload()
    bridge.wait_value("ups", "ups.vendorid", "0463")
    assert testbed.counts("apc")["claimed"] == 0


def test_it_idles(stage):
    """No loop that turns for nothing: interrupt transfers are pending all the time."""
    testbed = stage.usb_testbed(ups=APC, eaton=EATON)
    bridge = stage.usb_bridge(testbed, [UsbUps("a", vendorid="051d", pollinterval=600),
                                        UsbUps("b", vendorid="0463", pollinterval=600)],
                              upsd_conf="MAXAGE 3600\n")

    def is_idle():
        before = testbed.counts("ups")["ioctls"]
        time.sleep(2)
        return testbed.counts("ups")["ioctls"] - before < 20

    # Polls fall on whole ticks of the clock: one may be due just now, but not twice in a row.
    assert is_idle() or is_idle()
    assert bridge.program.running()
