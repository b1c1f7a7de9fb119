# SPDX-License-Identifier: BSD-2-Clause
"""
NUT's upsmon, which shuts hosts down: it must do so when the battery is low, and only then. Its
SHUTDOWNCMD here leaves a mark and harms nobody.
"""

import signal
import time

import pytest

from harness import LOOPBACK, ON_LINE, Device, wait_until

pytestmark = pytest.mark.peers("upsmon")

# What upsmon gives a UPS on battery that does not answer any more, before it shuts down.
DEADTIME = 15


@pytest.fixture
def bridge(stage):
    return stage.bridge([Device("ups", ON_LINE, "A test UPS")])


def monitor(bridge, role):
    user, password = {"primary": ("primary", "prpw"), "secondary": ("secondary", "sepw")}[role]
    return f"ups@{LOOPBACK}:{bridge.port} 1 {user} {password} {role}"


def wait_logins(bridge, count):
    bridge.wait_answer("GET NUMLOGINS ups", f"NUMLOGINS ups {count}")


def set_status(bridge, status):
    bridge.device("ups").change(ups__status=status)


def go_on_battery(bridge, *monitors):
    set_status(bridge, "OB DISCHRG")
    for upsmon in monitors:
        upsmon.wait_notice("ONBATT")


def test_the_whole_way_down(stage, bridge):
    """On line, on battery, low battery, forced shutdown: first the secondary, then the primary."""
    # HOSTSYNC is when the primary gives up waiting for secondaries: not within this test.
    primary = stage.upsmon("primary", monitor(bridge, "primary"), "HOSTSYNC 300\n")
    secondary = stage.upsmon("secondary", monitor(bridge, "secondary"), "HOSTSYNC 300\n")
    wait_logins(bridge, 2)
    with bridge.client() as third:
        third.authenticate("secondary", "sepw")
        assert third.ask("LOGIN ups") == "OK"
        wait_logins(bridge, 3)
        go_on_battery(bridge, primary, secondary)
        assert not primary.shutdown_ordered() and not secondary.shutdown_ordered()

        set_status(bridge, "OB DISCHRG LB")
        bridge.wait_value("ups", "ups.status", "FSD OB DISCHRG LB")
        wait_until(secondary.shutdown_ordered, "the secondary orders its shutdown")
        wait_logins(bridge, 2)
        # The primary asks for NUMLOGINS four times a second, and one secondary is still there.
        time.sleep(1.5)
        assert third.ask("GET NUMLOGINS ups") == "NUMLOGINS ups 2"
        assert not primary.shutdown_ordered(), "the primary did not wait for the other secondary"
    wait_until(primary.shutdown_ordered, "the primary orders its shutdown")
    assert secondary.mark.stat().st_mtime_ns <= primary.mark.stat().st_mtime_ns
    # A primary does not tell FSD: it is the one who sets it.
    for upsmon, kinds in ((primary, ("LOWBATT", "SHUTDOWN")), (secondary, ("FSD", "SHUTDOWN"))):
        upsmon.program.wait()
        for kind in kinds:
            upsmon.wait_notice(kind)
    wait_logins(bridge, 0)


def test_a_primary_alone_shuts_down_on_low_battery(stage, bridge):
    primary = stage.upsmon("primary", monitor(bridge, "primary"), "HOSTSYNC 300\n")
    wait_logins(bridge, 1)
    set_status(bridge, "OB LB")
    wait_until(primary.shutdown_ordered, "the primary orders its shutdown")
    bridge.wait_value("ups", "ups.status", "FSD OB LB")


def test_power_that_returns_in_time(stage, bridge):
    primary = stage.upsmon("primary", monitor(bridge, "primary"))
    secondary = stage.upsmon("secondary", monitor(bridge, "secondary"))
    wait_logins(bridge, 2)
    go_on_battery(bridge, primary, secondary)
    set_status(bridge, "OL CHRG")
    for upsmon in (primary, secondary):
        upsmon.wait_notice("ONLINE")
        upsmon.program.assert_running()
        assert not upsmon.shutdown_ordered()
        assert "FSD" not in upsmon.notices()
    bridge.wait_value("ups", "ups.status", "OL CHRG")
    wait_logins(bridge, 2)


@pytest.mark.parametrize("status", ["OL LB", "OB CAL LB"])
def test_low_battery_without_an_outage_is_no_reason(stage, bridge, status):
    """Low while on line (charging after an outage), or calibrating: no shutdown."""
    primary = stage.upsmon("primary", monitor(bridge, "primary"))
    wait_logins(bridge, 1)
    set_status(bridge, status)
    bridge.wait_value("ups", "ups.status", status)
    if "OL" in status:
        primary.wait_notice("LOWBATT")
    else:
        primary.wait_notice("ONBATT")
    set_status(bridge, "OL")
    bridge.wait_value("ups", "ups.status", "OL")
    primary.program.assert_running()
    assert not primary.shutdown_ordered()


def test_a_secondary_obeys_the_forced_shutdown_of_another(stage, bridge):
    secondary = stage.upsmon("secondary", monitor(bridge, "secondary"))
    wait_logins(bridge, 1)
    with bridge.client() as client:
        client.authenticate("primary", "prpw")
        assert client.ask("FSD ups") == "OK FSD-SET"
    wait_until(secondary.shutdown_ordered, "the secondary orders its shutdown")
    secondary.program.wait()
    secondary.wait_notice("FSD")
    wait_logins(bridge, 0)


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_a_restart_in_mid_outage_shuts_nobody_down(stage, bridge, how):
    """upsbridged is stopped, or dies, and is started again while the UPS is on battery."""
    primary = stage.upsmon("primary", monitor(bridge, "primary"))
    secondary = stage.upsmon("secondary", monitor(bridge, "secondary"))
    wait_logins(bridge, 2)
    go_on_battery(bridge, primary, secondary)

    begun = time.monotonic()
    if how == "stopped":
        bridge.stop()
    else:
        bridge.kill()
    bridge.start()
    bridge.wait_value("ups", "ups.status", "OB DISCHRG")
    away = time.monotonic() - begun
    assert away < DEADTIME / 3, f"no answers for {away:.1f} s"

    for upsmon in (primary, secondary):
        upsmon.wait_notice("COMMOK")
    wait_logins(bridge, 2)
    for upsmon in (primary, secondary):
        upsmon.program.assert_running()
        assert not upsmon.shutdown_ordered()
        assert "FSD" not in upsmon.notices()
    set_status(bridge, "OL")
    for upsmon in (primary, secondary):
        upsmon.wait_notice("ONLINE")
        assert not upsmon.shutdown_ordered()


def test_low_battery_during_a_restart_is_not_missed(stage, bridge):
    primary = stage.upsmon("primary", monitor(bridge, "primary"))
    wait_logins(bridge, 1)
    go_on_battery(bridge, primary)
    bridge.stop()
    set_status(bridge, "OB DISCHRG LB")
    bridge.program.start()
    wait_until(primary.shutdown_ordered, "the primary orders its shutdown", DEADTIME)


def test_a_reload_in_mid_outage_goes_unnoticed(stage, bridge):
    """Even if it restarts the device: its last reading stays until there is another."""
    primary = stage.upsmon("primary", monitor(bridge, "primary"))
    wait_logins(bridge, 1)
    go_on_battery(bridge, primary)
    bridge.device("ups").options["pollinterval"] = "1"
    bridge.write_configuration()
    bridge.reload()
    bridge.wait_value("ups", "driver.parameter.pollinterval", "1")
    set_status(bridge, "OB DISCHRG LB")
    wait_until(primary.shutdown_ordered, "the primary orders its shutdown")
    assert "COMMBAD" not in primary.notices()
    assert "NOCOMM" not in primary.notices()


def test_a_dead_device_is_told_and_comes_back(stage):
    """On line and then silent: upsmon warns, and does not shut down."""
    bridge = stage.bridge([Device("ups", ON_LINE)], upsd_conf="MAXAGE 2\n")
    primary = stage.upsmon("primary", monitor(bridge, "primary"))
    wait_logins(bridge, 1)
    device = bridge.device("ups")
    device.write("\x01\x02 no text at all\n")
    primary.wait_notice("COMMBAD")
    device.write(ON_LINE)
    primary.wait_notice("COMMOK")
    primary.program.assert_running()
    assert not primary.shutdown_ordered()


def test_upsmon_leaves_by_logout(stage, bridge):
    upsmon = stage.upsmon("secondary", monitor(bridge, "secondary"))
    wait_logins(bridge, 1)
    upsmon.program.signal(signal.SIGTERM)
    upsmon.program.wait()
    wait_logins(bridge, 0)
    bridge.program.wait_log(r"User secondary@127\.0\.0\.1 logged out from UPS \[ups\]")
