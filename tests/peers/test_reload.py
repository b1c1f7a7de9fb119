# SPDX-License-Identifier: BSD-2-Clause
"""
What administrators do to a running upsbridged: configurations right and wrong, reloads, limits, and
the files of simulated UPSes that change under it.
"""

import re
import socket
import threading

import pytest

from harness import (DATA, LOOPBACK, ON_LINE, USERS, Device, NutClient, free_port, wait_for_port,
                     wait_until, write)

THREE = ["one", "two", "three"]


def reload(bridge, result="SIGHUP: reloading configuration"):
    """
    Asks for a reload and waits until it is over: the main loop does it in one go, so what is asked
    behind its log line is answered by the new configuration.
    """
    after = len(bridge.program.log())
    bridge.reload()
    bridge.program.wait_log(result, after=after)
    return after


def redefined(bridge, after):
    return re.findall(r"Redefined UPS \[(\S+)\]", bridge.program.log()[after:])


@pytest.fixture
def three(stage):
    return stage.bridge([Device(name, ON_LINE, f"UPS {name}") for name in THREE])


def login(bridge, ups):
    client = bridge.client().authenticate("secondary", "sepw")
    assert client.ask(f"LOGIN {ups}") == "OK"
    return client


# Reloads of what is right ---------------------------------------------------------------------

def test_nothing_changed(three):
    with three.client() as client, login(three, "one") as watcher:
        before = [client.ask(f"LIST VAR {name}") for name in THREE]
        after = reload(three)
        assert [client.ask(f"LIST VAR {name}") for name in THREE] == before
        assert redefined(three, after) == []
        assert client.ask("GET NUMLOGINS one") == "NUMLOGINS one 1"
        assert watcher.ask("GET VAR one ups.status") == 'VAR one ups.status "OL"'


def test_only_what_changed_restarts(three):
    sessions = [login(three, name) for name in THREE]
    with three.client() as client:
        client.authenticate("admin", "secret")
        assert client.ask("FSD one") == "OK FSD-SET"
        assert client.ask("FSD two") == "OK FSD-SET"
        # What a client has set would be lost by a restart of the device.
        for name in ("one", "three"):
            assert client.ask(f"SET VAR {name} battery.charge.low 33") == "OK"
            three.wait_value(name, "battery.charge.low", "33")
        three.device("two").options["pollinterval"] = "1"
        three.device("three").description = "only described anew"
        three.write_configuration()
        after = reload(three)
        three.wait_value("two", "driver.parameter.pollinterval", "1")
        assert redefined(three, after) == ["two"]
        for name in ("one", "three"):
            assert client.value(name, "driver.parameter.pollinterval") == "2"
            assert client.value(name, "battery.charge.low") == "33"
        assert client.ask("GET UPSDESC three") == 'UPSDESC three "only described anew"'
        assert client.value("one", "ups.status") == "FSD OL"
        assert client.value("two", "ups.status") == "FSD OL"
        for name, session in zip(THREE, sessions):
            assert client.ask(f"GET NUMLOGINS {name}") == f"NUMLOGINS {name} 1"
            assert session.ask(f"GET VAR {name} ups.load") == f'VAR {name} ups.load "23"'
            session.close()


def test_a_device_that_restarts_never_seems_gone(three):
    """Clients that ask all the time see the old reading, then the new one, and nothing else."""
    three.device("one").change(ups__status="OB")
    three.wait_value("one", "ups.status", "OB")
    seen = set()
    done = threading.Event()

    def watch():
        with three.client() as client:
            while not done.is_set():
                seen.add(client.ask("GET VAR one ups.status"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for interval in ("1", "3", "1", "4"):
            three.device("one").options["pollinterval"] = interval
            three.write_configuration()
            reload(three)
            three.wait_value("one", "driver.parameter.pollinterval", interval)
    finally:
        done.set()
        watcher.join()
    assert seen == {'VAR one ups.status "OB"'}


def test_users_change_for_open_sessions(three):
    with three.client() as session, three.client() as stranger:
        session.authenticate("setter", "setpw")
        stranger.authenticate("fresh", "frpw")
        assert session.ask("SET VAR one battery.charge.low 21") == "OK"
        assert stranger.ask("SET VAR one battery.charge.low 22") == "ERR ACCESS-DENIED"
        three.users = USERS.replace("setpw", "changed") + "[fresh]\npassword = frpw\nactions = SET\n"
        three.write_configuration()
        reload(three)
        assert session.ask("SET VAR one battery.charge.low 23") == "ERR ACCESS-DENIED"
        assert stranger.ask("SET VAR one battery.charge.low 24") == "OK"
        three.wait_value("one", "battery.charge.low", "24")


def test_a_removed_device_takes_its_clients_along(three):
    with login(three, "two") as of_two, login(three, "one") as of_one, three.client() as client:
        three.devices.remove(three.device("two"))
        three.write_configuration()
        reload(three, r"Deleting UPS \[two\]")
        assert of_two.at_end()
        three.program.wait_log(r"Kicking client 127\.0\.0\.1 \(was on UPS \[two\]\)")
        assert client.ask("GET VAR two ups.status") == "ERR UNKNOWN-UPS"
        assert client.ask("LIST UPS").count("\n") == 3
        assert of_one.ask("GET NUMLOGINS one") == "NUMLOGINS one 1"


def test_a_new_device_is_served(three):
    fresh = Device("fresh", DATA / "eaton-5sc-750.dev", "just bought")
    fresh.place(three.directory)
    with three.client() as client:
        assert client.ask("GET VAR fresh ups.status") == "ERR UNKNOWN-UPS"
        three.devices.append(fresh)
        three.write_configuration()
        after = reload(three)
        wait_until(lambda: client.value("fresh", "ups.mfr") == "EATON", "the new device is served")
        assert client.ask("GET UPSDESC fresh") == 'UPSDESC fresh "just bought"'
        assert redefined(three, after) == []


def test_a_device_removed_and_added_again_has_forgotten_the_forced_shutdown(three):
    with three.client() as client:
        client.authenticate("admin", "secret")
        assert client.ask("FSD two") == "OK FSD-SET"
        two = three.device("two")
        three.devices.remove(two)
        three.write_configuration()
        reload(three, r"Deleting UPS \[two\]")
        three.devices.append(two)
        three.write_configuration()
        reload(three)
        wait_until(lambda: client.value("two", "ups.status") == "OL", "it is on line again")


def test_many_reloads_leave_nothing_behind(three):
    reload(three)
    before = three.memory()
    for turn in range(40):
        three.device("two").options["pollinterval"] = str(1 + turn % 2)
        three.write_configuration()
        reload(three)
    three.wait_value("two", "driver.parameter.pollinterval", "2")
    wait_until(lambda: three.memory("Threads") <= 12, "the old threads have ended")
    assert three.memory() - before < three.memory_limit(4 * 1024)


# Wrong configurations -------------------------------------------------------------------------

GOOD_UPS = "[ok]\ndriver = dummy-ups\nport = one.dev\n"

# file, its text, the line that is complained about, words of the complaint
BROKEN = [
    ("ups.conf", GOOD_UPS + "[x]\ndriver = nosuch-ups\nport = x\n", 5, r"\[x\].*nosuch-ups"),
    ("ups.conf", GOOD_UPS + "colour = blue\n", 4, r"\[ok\].*colour"),
    ("ups.conf", GOOD_UPS + "pollinterval = often\n", 4, r"pollinterval.*often"),
    ("ups.conf", GOOD_UPS + "pollinterval = 0\n", 4, r"pollinterval.*0"),
    ("ups.conf", GOOD_UPS + "pollinterval = -1\n", 4, r"pollinterval.*-1"),
    ("ups.conf", GOOD_UPS + "pollinterval\n", 4, r"pollinterval"),
    ("ups.conf", "pollinterval = x\n" + GOOD_UPS, 1, r"pollinterval.*x"),
    ("ups.conf", GOOD_UPS + "maxstartdelay = soon\n", 4, r"maxstartdelay.*soon"),
    ("ups.conf", GOOD_UPS + "sdorder = first\n", 4, r"sdorder.*first"),
    ("ups.conf", GOOD_UPS + "override.batery = 1\n", 4, r"override\.batery"),
    ("ups.conf", GOOD_UPS + "override.battery.charge.low\n", 4, r"override\.battery\.charge\.low"),
    ("ups.conf", GOOD_UPS + "mode = dummy-never\n", 4, r"\[ok\].*mode.*dummy-never"),
    ("ups.conf", GOOD_UPS + "desc = \"a # b\"\n", 4, r"#"),
    ("ups.conf", GOOD_UPS + GOOD_UPS.replace("ok", "OK"), 4, r"OK.*in use"),
    ("ups.conf", GOOD_UPS + "[my ups]\ndriver = dummy-ups\nport = one.dev\n", 4, r"\[my"),
    ("ups.conf", "# nothing\n", 0, r"at least one UPS"),
    ("upsd.conf", "MAXAGE abc\n", 1, r"MAXAGE.*abc"),
    ("upsd.conf", "# first\nMAXAGE 0\n", 2, r"MAXAGE.*0"),
    ("upsd.conf", "MAXAGE\n", 1, r"MAXAGE"),
    ("upsd.conf", "MAXCONN many\n", 1, r"MAXCONN.*many"),
    ("upsd.conf", "TRACKINGDELAY -1\n", 1, r"TRACKINGDELAY.*-1"),
    ("upsd.conf", "LISTEN\n", 1, r"LISTEN"),
    ("upsd.conf", "LISTEN 127.0.0.1 nut\n", 1, r"LISTEN.*nut"),
    ("upsd.conf", "LISTEN 127.0.0.1 65536\n", 1, r"LISTEN.*65536"),
    ("upsd.conf", "STATEPATH\n", 1, r"STATEPATH"),
    ("upsd.conf", "ALLOW_NO_DEVICE perhaps\n", 1, r"ALLOW_NO_DEVICE.*perhaps"),
    ("upsd.conf", None, 0, r"No such file"),
    ("ups.conf", None, 0, r"No such file"),
    ("upsbridge.conf", "SNMP sometimes\n", 1, r"SNMP"),
    ("upsbridge.conf", "SNMP off\nSNMP listen\n", 2, r"SNMP"),
    ("upsbridge.conf", "SNMP off\nSNMP default nosuch\n", 0, r"nosuch"),
    ("upsbridge.conf", "SNMP agentx a b\n", 1, r"SNMP agentx.*b"),
    ("upsbridge.conf", "COLOUR blue\n", 1, r"COLOUR"),
]


# Some of each file, and those that are missing.
BROKEN_RELOADS = [row for row in BROKEN if row[2]][::4] + [row for row in BROKEN if row[1] is None]


def complaint(file, line, words):
    place = rf"/{re.escape(file)}:{line}: " if line else ""
    return rf"{place}[^\n]*{words}"


def break_file(three, file, text):
    path = three.directory / file
    if text is None:
        path.unlink()
    else:
        write(path, text)


@pytest.mark.parametrize("file, text, line, words", BROKEN, ids=range(len(BROKEN)))
def test_check_finds_what_is_wrong(stage, file, text, line, words):
    bridge = stage.bridge([Device("one", ON_LINE)], start=False)
    break_file(bridge, file, text)
    done = bridge.check()
    assert done.returncode == 1, done.err
    assert re.search(complaint(file, line, words), done.err), done.err


def test_check_finds_everything_at_once(stage):
    bridge = stage.bridge([Device("one", ON_LINE)], start=False)
    write(bridge.directory / "ups.conf",
          GOOD_UPS + "colour = blue\npollinterval = x\n[y]\ndriver = z\nport = x\n")
    write(bridge.directory / "upsd.conf", "MAXAGE x\n")
    write(bridge.directory / "upsbridge.conf", "SNMP\n")
    done = bridge.check()
    assert done.returncode == 1
    for place in (r"ups\.conf:5:", r"upsd\.conf:1:", r"upsbridge\.conf:1:"):
        assert re.search(place, done.err), done.err


@pytest.mark.parametrize("devices, settings", [
    ([Device("one", ON_LINE)], {}),
    ([Device("one", ON_LINE, "with everything", pollinterval="5", sdorder="-1", maxstartdelay="10",
             ignorelb=True, nolock=True, mode="dummy-loop", override__battery__packs="2",
             default__ups__id="x")], {"upsd_conf": "MAXAGE 30\nMAXCONN 100\nTRACKINGDELAY 60\n"
                                                   "LISTEN ::1\nLISTEN *\nALLOW_NO_DEVICE yes\n"}),
    ([], {"upsd_conf": "ALLOW_NO_DEVICE true\n"}),
    ([Device("one", ON_LINE)], {"users": "[a]\n\tpassword = b\n\tupsmon primary\n"}),
])
def test_check_agrees_with_what_is_right(stage, devices, settings):
    bridge = stage.bridge(devices, start=False, **settings)
    done = bridge.check()
    assert done.returncode == 0, done.err
    assert "error" not in done.err


def test_check_does_not_touch_the_running_one(three):
    with login(three, "one") as session:
        assert three.check().returncode == 0
        assert session.ask("GET NUMLOGINS one") == "NUMLOGINS one 1"


@pytest.mark.parametrize("file, text, line, words",
                         BROKEN_RELOADS, ids=range(len(BROKEN_RELOADS)))
def test_a_broken_reload_changes_nothing(three, file, text, line, words):
    with login(three, "one") as session, three.client() as client:
        before = [client.ask(f"LIST VAR {name}") for name in THREE]
        # What else has changed must not come into force either.
        three.users = USERS.replace("sepw", "changed")
        three.device("two").options["pollinterval"] = "1"
        three.write_configuration()
        break_file(three, file, text)
        after = reload(three, "the old one stays in force")
        assert re.search(complaint(file, line, words), three.program.log()[after:])
        assert redefined(three, after) == []
        assert [client.ask(f"LIST VAR {name}") for name in THREE] == before
        assert session.ask("PRIMARY one") == "ERR ACCESS-DENIED"
        with login(three, "two"):
            assert client.ask("GET NUMLOGINS two") == "NUMLOGINS two 1"
        three.write_configuration()
        reload(three)
        three.wait_value("two", "driver.parameter.pollinterval", "1")


def test_broken_users_keep_the_old_ones(three):
    write(three.directory / "upsd.users", "[admin]\npassword = \"a # b\"\n")
    after = reload(three, "the old one stays in force")
    assert re.search(r"upsd\.users:2: ", three.program.log()[after:])
    with login(three, "one"):
        three.wait_answer("GET NUMLOGINS one", "NUMLOGINS one 1")


def test_a_broken_configuration_does_not_start(stage):
    bridge = stage.bridge([Device("one", ON_LINE)], start=False)
    write(bridge.directory / "upsd.conf", "MAXAGE abc\n")
    program = stage.program("broken", bridge.program.command)
    assert program.wait() == 1
    assert re.search(r"upsd\.conf:1: .*MAXAGE", program.log())


# Listeners and limits -------------------------------------------------------------------------

def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")


@needs_ipv6
def test_listen_on_ipv6(stage):
    port = free_port()
    stage.bridge([Device("ups", ON_LINE)], upsd_conf=f"LISTEN ::1 {port}\n")
    with NutClient(port, host="::1") as client:
        client.authenticate("secondary", "sepw")
        assert client.ask("LOGIN ups") == "OK"
        assert "\nCLIENT ups ::1\n" in client.ask("LIST CLIENT ups")
    with pytest.raises(ConnectionRefusedError):
        NutClient(port)


@needs_ipv6
def test_listen_on_everything(stage):
    port = free_port()
    stage.bridge([Device("ups", ON_LINE)], upsd_conf=f"LISTEN * {port}\n")
    for host in (LOOPBACK, "::1"):
        with NutClient(port, host=host) as client:
            client.authenticate("secondary", "sepw")
            assert client.ask("LOGIN ups") == "OK"
            # Addresses are those of the family, not IPv4 ones in IPv6 clothes.
            assert f"\nCLIENT ups {host}\n" in client.ask("LIST CLIENT ups")


def test_listen_on_a_name(stage):
    port = free_port()
    stage.bridge([Device("ups", ON_LINE)], upsd_conf=f"LISTEN localhost {port}\n")
    with NutClient(port, host="localhost") as client:
        assert client.ask("NETVER") == "1.3"


def test_listen_does_not_change_by_a_reload_and_says_so(three):
    warning = "LISTEN: .* before a restart"
    with login(three, "one") as session:
        reload(three)
        assert not re.search(warning, three.program.log())
        three.extra_upsd_conf = f"LISTEN {LOOPBACK} {free_port()}\n"
        three.write_configuration()
        reload(three, warning)
        assert session.ask("GET NUMLOGINS one") == "NUMLOGINS one 1"
        three.wait_value("two", "ups.status", "OL")


def test_a_taken_port_is_an_error(stage, bridge):
    second = stage.bridge([Device("ups", ON_LINE)], start=False, name="second", port=bridge.port)
    program = stage.program("second", second.program.command)
    assert program.wait() == 1
    assert re.search(rf"not listening on 127\.0\.0\.1 port {bridge.port}", program.log())
    bridge.wait_value("ups", "ups.status", "OL")


def test_maxconn(stage):
    """At the limit newcomers wait, without an error, and are served when somebody leaves."""
    bridge = stage.bridge([Device("ups", ON_LINE)], upsd_conf="MAXCONN 4\n")
    inside = [bridge.client() for _ in range(4)]
    for client in inside:
        wait_until(lambda: client.ask("NETVER") == "1.3", "the first ones are served")
    waiting = [bridge.client(timeout=1) for _ in range(3)]
    for client in waiting:
        client.send("NETVER\n")
    for client in waiting:
        with pytest.raises(TimeoutError):
            client.line()
    assert inside[0].value("ups", "ups.status") == "OL"
    for leaver, client in zip(inside, waiting):
        leaver.close()
        client.socket.settimeout(20)
    for client in waiting:
        assert client.line() == "1.3"
    assert inside[3].value("ups", "ups.status") == "OL"
    for client in [*inside, *waiting]:
        client.close()


def test_maxconn_may_be_raised_by_a_reload(stage):
    bridge = stage.bridge([Device("ups", ON_LINE)], upsd_conf="MAXCONN 1\n")
    with bridge.client() as first:
        assert first.ask("NETVER") == "1.3"
        with bridge.client() as second:
            second.send("NETVER\n")
            bridge.extra_upsd_conf = "MAXCONN 2\n"
            bridge.write_configuration()
            bridge.reload()
            assert second.line() == "1.3"


# Files that change ----------------------------------------------------------------------------

def test_a_change_is_seen_at_once(stage):
    """Long before a poll is due: the polls here are an hour apart."""
    bridge = stage.bridge([Device("ups", ON_LINE, pollinterval="3600")], upsd_conf="MAXAGE 86400\n")
    device = bridge.device("ups")
    with bridge.client() as client:
        for turn in range(20):
            device.change(ups__status="OB" if turn % 2 else "OL", ups__load=str(turn))
            wait_until(lambda: client.value("ups", "ups.load") == str(turn), f"change {turn}",
                       interval=0.005)
        # Written in place, as `echo >` does.
        device.path.write_text(ON_LINE.replace("ups.status: OL", "ups.status: OB LB"))
        wait_until(lambda: client.value("ups", "ups.status") == "OB LB", "a change in place")


def test_garbage_in_one_file(stage):
    bridge = stage.bridge([Device("bad", ON_LINE), Device("good", ON_LINE)],
                          upsd_conf="MAXAGE 2\n")
    bad = bridge.device("bad")
    with bridge.client() as client:
        bad.write(ON_LINE + "battery.charge 50 without its colon\n")
        line = ON_LINE.count("\n") + 1
        bridge.program.wait_log(rf"\[bad\] .*{re.escape(str(bad.path))}:{line}: ")

        def stale():
            assert client.value("good", "ups.status") == "OL"
            answer = client.ask("GET VAR bad ups.status")
            assert answer in ('VAR bad ups.status "OL"', "ERR DATA-STALE"), answer
            return answer == "ERR DATA-STALE"

        wait_until(stale, "the readings grow stale")
        assert client.ask("LIST VAR bad") == "ERR DATA-STALE"
        assert client.ask("GET UPSDESC bad").startswith("UPSDESC bad")
        # For as long as it takes, and without filling the log.
        complaints = bridge.program.log().count("[bad] ")
        wait_until(lambda: stale() and complaints, "it stays stale")
        bad.write(ON_LINE.replace("ups.status: OL", "ups.status: OB"))
        wait_until(lambda: client.value("bad", "ups.status") == "OB", "it comes back by itself")
        bridge.program.wait_log(r"\[bad\] is back")
        assert client.value("good", "ups.status") == "OL"
        assert bridge.program.log().count("without its colon") <= 2


@pytest.mark.parametrize("garbage", [None, "no colon here\n", "\x00\x01\x02", b"\x7fELF\x02\xff" * 99,
                                     'ups.id: "never closed\n', "ups.status:\n", "x" * 2_000_000],
                         ids=["missing", "words", "controls", "program", "open quote", "no status",
                              "huge"])
def test_a_file_that_was_never_right(stage, garbage):
    bridge = stage.bridge([Device("bad", ON_LINE), Device("good", ON_LINE)], start=False,
                          upsd_conf="MAXAGE 2\n")
    bad = bridge.device("bad")
    if garbage is None:
        bad.path.unlink()
    else:
        bad.write(garbage)
    bridge.program.start()
    wait_for_port(bridge.port, bridge.program)
    bridge.wait_value("good", "ups.status", "OL")
    bridge.wait_answer("GET VAR bad ups.status", "ERR DRIVER-NOT-CONNECTED")
    bridge.wait_answer("LIST VAR bad", "ERR DRIVER-NOT-CONNECTED")
    bridge.program.wait_log(r"\[bad\] no contact yet: .*bad\.dev")
    bad.write(ON_LINE)
    bridge.wait_value("bad", "ups.status", "OL")
    bridge.wait_value("good", "ups.status", "OL")
