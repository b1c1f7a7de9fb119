# SPDX-License-Identifier: BSD-2-Clause
"""
Standalone: upsbridged is the SNMP agent itself. Who may ask, in which words, and what the system
group says. (What both ways of serving have in common is in test_snmp_protocol.py.)
"""

import os
import random
import re
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

import upsmib
from harness import (DATA, LOOPBACK, ON_LINE, UPS_MIB, Device, SnmpAgent, free_udp_port, run,
                     snmp_access, wait_until, write)
from upsmib import read_walk

pytestmark = [pytest.mark.snmp_face,
              pytest.mark.peers("snmpget", "snmpwalk", "snmpset", "snmpgetnext")]

MODEL = "1.2.0"
BRIDGE_MIB = ".1.3.6.1.4.1.8072.9999.9999.1628"


def devices():
    return [Device("first", ON_LINE.replace("Bridge 1000", "Model 1")),
            Device("second", ON_LINE.replace("Bridge 1000", "Model 2")),
            Device("eaton", DATA / "eaton-5sc-750.dev")]


def serve(stage, snmp="", conf=None, listen=1, **settings):
    """upsbridged with the devices above; the agents at its ports."""
    ports = [free_udp_port() for _ in range(listen)]
    lines = "".join(f"SNMP listen udp:{LOOPBACK}:{port}\n" for port in ports)
    if conf is None:
        conf = snmp_access("first", "second", "eaton")
    bridge = stage.bridge(devices(), snmp=lines + snmp, snmp_conf=conf, **settings)
    return (bridge, *[SnmpAgent(port) for port in ports])


def refused(agent, oid=MODEL, **options):
    """What snmpget says when it gets nothing; fails if it does get something."""
    done = agent.command("snmpget", upsmib.OBJECTS + oid, check=False, timeout=1, retries=0,
                         **options)
    assert done.returncode != 0 and " = " not in done.out, done.out
    return done.out + done.err


@pytest.mark.parametrize("version", ["v1", "v2c"])
def test_communities_choose_contexts(stage, version):
    _, agent = serve(stage)
    models = [agent.get_text(MODEL, version=version, community=community)
              for community in ("public", "first", "second", "eaton")]
    assert models == ["Model 1", "Model 1", "Model 2", "Eaton 5SC 750"]


def test_an_ipv6_address(stage):
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
            port = probe.getsockname()[1]
    except OSError as problem:
        pytest.skip(f"no IPv6 on the loopback interface: {problem}")
    stage.bridge(devices(), snmp=f"SNMP listen udp6:[::1]:{port}\n",
                 snmp_conf="rocommunity6 public ::1\n")
    done = run("snmpget", "-v2c", "-c", "public", "-m", "", f"udp6:[::1]:{port}",
               upsmib.OBJECTS + MODEL)
    assert "Model 1" in done.out


def test_a_port_that_is_taken_ends_a_start(stage):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((LOOPBACK, 0))
        address = f"udp:{LOOPBACK}:{taken.getsockname()[1]}"
        bridge = stage.bridge(devices(), start=False, snmp=f"SNMP listen {address}\n",
                              snmp_conf=snmp_access("first"))
        bridge.program.start()
        assert bridge.program.wait() == 1
        assert f"SNMP listen {address}: cannot listen there: Address already in use" \
            in bridge.program.log()
        bridge.program.process = None


def test_a_v3_manager_names_the_context(stage):
    _, agent = serve(stage)
    models = [agent.get_text(MODEL, version="v3", context=context)
              for context in (None, "first", "second", "eaton")]
    assert models == ["Model 1", "Model 1", "Model 2", "Eaton 5SC 750"]


def test_a_context_that_does_not_exist(stage):
    _, agent = serve(stage)
    refused(agent, version="v3", context="third")
    assert agent.get_text(MODEL) == "Model 1"


def test_another_default_device(stage):
    bridge, agent = serve(stage, "SNMP default eaton\n")
    assert agent.get_text(MODEL) == "Eaton 5SC 750"
    assert agent.get_text(MODEL, community="first") == "Model 1"
    assert agent.get_text(MODEL, version="v3") == "Eaton 5SC 750"
    bridge.snmp = bridge.snmp.replace("SNMP default eaton", "SNMP default second")
    bridge.write_configuration()
    bridge.reload()
    wait_until(lambda: agent.get_text(MODEL) == "Model 2", "the default device after a reload")


def test_two_addresses(stage):
    _, first, second = serve(stage, listen=2)
    assert first.get_text(MODEL) == second.get_text(MODEL) == "Model 1"


GET_MODEL = bytes.fromhex("3026 0201 01 0406") + b"public" + bytes.fromhex(
    "a019 0201 07 0201 00 0201 00 300e 300c 0608 2b06010201010100 0500")


def test_an_answer_comes_from_where_it_was_asked(stage):
    """With a wildcard address too: a host with several takes no answer from another one."""
    port = free_udp_port()
    bridge = stage.bridge(devices(), snmp=f"SNMP listen udp:0.0.0.0:{port}\n",
                          snmp_conf=snmp_access("first"))
    assert bridge.program.running()
    for address in ("127.0.0.1", "127.0.0.2", "127.9.8.7"):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
            asker.settimeout(20)
            asker.sendto(GET_MODEL, (address, port))
            answer, source = asker.recvfrom(4096)
            assert source == (address, port) and b"SNMP Agent" in answer


def test_the_log_tells_where_a_set_came_from_and_to(stage):
    bridge, agent = serve(stage, snmp="SNMP write yes\n",
                          conf=snmp_access("first") + "rwcommunity writer 127.0.0.1 -V all\n"
                          "view all included .1\n")
    agent.command("snmpset", upsmib.OBJECTS + "1.5.0", "s", "Lab", community="writer")
    bridge.program.wait_log(re.escape(f"->[{LOOPBACK}]:{agent.port})"))


def test_a_burst_of_requests_is_answered(stage):
    _, agent = serve(stage)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(20)
        asker.connect((LOOPBACK, agent.port))
        for number in range(100):
            asker.send(GET_MODEL.replace(b"\x02\x01\x07", bytes([2, 1, number])))
        answered = {asker.recv(4096).split(b"\xa2", 1)[1][3] for _ in range(100)}
        assert answered == set(range(100))


def test_an_address_in_use_is_told(stage):
    _, agent = serve(stage)
    other = stage.bridge([Device("ups", ON_LINE)], start=False, name="other",
                         snmp=f"SNMP listen udp:{LOOPBACK}:{agent.port}\n",
                         snmp_conf=snmp_access())
    other.program.start()
    assert other.program.wait() == 1
    assert str(agent.port) in other.program.log()
    other.program.process = None
    assert agent.get_text(MODEL) == "Model 1"


# Who may ask ------------------------------------------------------------------------------------

@pytest.mark.parametrize("version", ["v1", "v2c"])
def test_a_wrong_community_gets_no_answer(stage, version):
    _, agent = serve(stage)
    assert "Timeout" in refused(agent, version=version, community="nonsense")
    assert agent.get_text(MODEL, version=version) == "Model 1"


@pytest.mark.parametrize("conf", ["", "# nobody yet\n", "nonsense public\n",
                                  "rocommunity\n", "access a b c\n"])
def test_wrong_access_rules_end_a_start(stage, conf):
    """A file by which nobody may ask, or one with mistakes, is told and not guessed at."""
    port = free_udp_port()
    bridge = stage.bridge(devices(), start=False, snmp_conf=conf,
                          snmp=f"SNMP listen udp:{LOOPBACK}:{port}\n")
    bridge.program.start()
    assert bridge.program.wait() == 1
    assert "upsbridge-snmp.conf" in bridge.program.log()
    bridge.program.process = None
    assert "Timeout" in refused(SnmpAgent(port))


def test_a_missing_access_file_ends_a_start(stage):
    bridge = stage.bridge(devices(), start=False,
                          snmp=f"SNMP listen udp:{LOOPBACK}:{free_udp_port()}\n")
    (bridge.directory / "upsbridge-snmp.conf").unlink()
    bridge.program.start()
    assert bridge.program.wait() == 1
    assert "upsbridge-snmp.conf" in bridge.program.log()
    bridge.program.process = None


def test_a_missing_access_file_is_an_error_of_the_configuration(stage):
    """Of -t, and of a reload: access as it was goes on, instead of nobody having any."""
    bridge, agent = serve(stage)
    path = bridge.directory / "upsbridge-snmp.conf"
    path.unlink()
    done = bridge.check()
    assert done.returncode == 1
    assert f"error: {path}: No such file or directory" in done.err
    mark = len(bridge.program.log())
    bridge.reload()
    bridge.program.wait_log("the old one stays in force", after=mark)
    assert agent.get_text(MODEL) == "Model 1"


def test_a_community_of_another_address(stage):
    _, agent = serve(stage, conf="view all included .1\nrocommunity public 192.0.2.1 -V all\n")
    assert "Timeout" in refused(agent)


def test_a_view_limits_what_is_seen(stage):
    _, agent = serve(stage, conf="view some included .1.3.6.1.2.1.33.1.1\n"
                                 "rocommunity public 127.0.0.1 -V some\n")
    assert agent.get_text(MODEL) == "Model 1"
    assert agent.get("2.1.0") == [None]
    done = agent.command("snmpwalk", ".1.3.6.1")
    assert {oid.rsplit(".", 2)[0] for oid, _ in read_walk(done.out)} == {".1.3.6.1.2.1.33.1.1"}


def snmp(agent, *options, oid=MODEL):
    """snmpget with options of the test's own."""
    return subprocess.run(["snmpget", *options, "-t", "2", "-r", "1", "-m", "", "-On",
                           f"udp:{LOOPBACK}:{agent.port}", upsmib.OBJECTS + oid],
                          capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("change", [
    ["-A", "wrong-auth-pass"], ["-X", "wrong-priv-pass"], ["-u", "stranger"],
    ["-a", "MD5"], ["-x", "DES"], ["-l", "authNoPriv"], ["-l", "noAuthNoPriv"],
], ids=lambda change: " ".join(change))
def test_v3_credentials_that_do_not_match(stage, change):
    _, agent = serve(stage)
    right = SnmpAgent.VERSIONS["v3"]
    assert "Model 1" in snmp(agent, *right).stdout
    done = snmp(agent, *right, *change)  # the later of two options counts
    assert done.returncode != 0
    assert "Model" not in done.stdout
    assert "Model 1" in snmp(agent, *right).stdout


@pytest.mark.parametrize("hash_name,cipher", [("SHA", "AES"), ("MD5", "DES"), ("SHA-256", "AES"),
                                              ("SHA-512", "AES")])
def test_v3_algorithms(stage, hash_name, cipher):
    _, agent = serve(stage, conf=f"createUser u {hash_name} secret-auth {cipher} secret-priv\n"
                                 "rouser u priv\n")
    done = snmp(agent, "-v3", "-u", "u", "-l", "authPriv", "-a", hash_name, "-A", "secret-auth",
                "-x", cipher, "-X", "secret-priv")
    assert "Model 1" in done.stdout, done.stderr


def test_a_v3_user_of_one_context(stage):
    conf = ('view all included .1\ncreateUser reader SHA "reader-auth-pass" AES '
            '"reader-priv-pass"\nrouser reader priv -V all second\n')
    _, agent = serve(stage, conf=conf)
    assert agent.get_text(MODEL, version="v3", context="second") == "Model 2"
    refused(agent, version="v3", context="first")
    refused(agent, version="v3")


def test_access_rules_change_at_reload(stage):
    bridge, agent = serve(stage)
    bridge.snmp_conf = snmp_access("second").replace("rocommunity public", "rocommunity fresh")
    bridge.write_configuration()
    bridge.reload()
    wait_until(lambda: agent.answers(community="fresh"), "the new community")
    assert "Timeout" in refused(agent)
    assert "Timeout" in refused(agent, community="first")
    assert agent.get_text(MODEL, community="second") == "Model 2"
    assert agent.get_text(MODEL, version="v3", context="second") == "Model 2"


def test_a_broken_access_file_is_told(stage):
    bridge, agent = serve(stage)
    mark = len(bridge.program.log())
    write(bridge.directory / "upsbridge-snmp.conf", "access nonsense\n")
    bridge.reload()
    bridge.program.wait_log(r"upsbridge-snmp\.conf", after=mark)
    with bridge.client() as client:
        assert client.value("first", "ups.status") == "OL"
    bridge.program.assert_running()


def test_nothing_is_written_into_the_configuration(stage):
    """net-snmp's library would rewrite files beside its configuration at exit."""
    bridge, agent = serve(stage)
    assert agent.get_text(MODEL, version="v3") == "Model 1"
    names = sorted(path.name for path in bridge.directory.iterdir())
    text = (bridge.directory / "upsbridge-snmp.conf").read_text()
    bridge.stop()
    assert sorted(path.name for path in bridge.directory.iterdir()) == names
    assert (bridge.directory / "upsbridge-snmp.conf").read_text() == text
    bridge.start()
    assert agent.get_text(MODEL, version="v3") == "Model 1"


# An SNMPv3 message that asks only who is there (RFC 3414 section 4): no user, no engine.
DISCOVERY = bytes.fromhex("303e020103"
                          "3011020425fe2a7a020300ffe304010402010304"
                          "10300e0400020100020100040004000400"
                          "301404000400a00e02040125b8c40201000201003000")


def ber(data):
    """The contents of the first BER element, and what follows it (lengths below 2^16)."""
    length, start = data[1], 2
    if length & 0x80:
        start += length & 0x7f
        length = int.from_bytes(data[2:start], "big")
    return data[start:start + length], data[start + length:]


def discover(agent):
    """(engine id, boots) of the agent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(5)
        asking.sendto(DISCOVERY, (LOOPBACK, agent.port))
        message, _ = ber(asking.recv(2048))
    _, rest = ber(message)    # version
    _, rest = ber(rest)       # global data
    security, _ = ber(rest)
    parameters, _ = ber(security)
    engine, rest = ber(parameters)
    boots, _ = ber(rest)
    return engine, int.from_bytes(boots, "big")


def test_the_engine_stays_the_same_over_a_restart(stage):
    """A manager that knows the engine refuses boots that do not go up."""
    bridge, agent = serve(stage)
    engine, boots = discover(agent)
    assert len(engine) >= 5
    bridge.stop()
    bridge.start()
    assert discover(agent) == (engine, boots + 1)
    assert agent.get_text(MODEL, version="v3") == "Model 1"


def test_the_boots_go_up_after_a_crash_and_not_by_a_reload(stage):
    bridge, agent = serve(stage)
    engine, boots = discover(agent)
    mark = len(bridge.program.log())
    bridge.reload()
    bridge.program.wait_log("reloading", after=mark)
    wait_until(lambda: agent.get_text(MODEL, version="v3") == "Model 1", "answers after a reload")
    assert discover(agent) == (engine, boots)
    bridge.kill()
    bridge.start()
    assert discover(agent) == (engine, boots + 1)


def test_a_link_in_the_state_directory_is_not_followed(stage, tmp_path):
    """STATEPATH belongs to a user without rights, who must not be given what a link leads to."""
    other = tmp_path / "other"
    other.mkdir()
    bridge = stage.bridge(devices(), start=False, snmp_conf=snmp_access("first"),
                          snmp=f"SNMP listen udp:{LOOPBACK}:{free_udp_port()}\n")
    state = bridge.directory / "state"
    (state / "snmp").symlink_to(other)
    if os.geteuid() != 0:
        pytest.skip("only root gives directories away")
    os.chown(state, 65534, 65534)
    bridge.program.start()
    assert bridge.program.wait() == 1
    assert f"{state}/snmp" in bridge.program.log()
    bridge.program.process = None
    assert other.stat().st_uid == 0 and not list(other.iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give it up")
def test_rights_are_given_up_and_the_state_is_still_kept(stage):
    """Unless STATEPATH is not the user's: that is told once, and all else goes on."""
    with tempfile.TemporaryDirectory(prefix="upsbridge-test-") as outside:
        os.chmod(outside, 0o755)
        state = Path(outside) / "state"
        state.mkdir()
        port = free_udp_port()
        bridge = stage.bridge(devices(), start=False, snmp_conf=snmp_access("first"),
                              snmp=f"SNMP listen udp:{LOOPBACK}:{port}\n",
                              upsd_conf=f"STATEPATH {state}\n")
        bridge.program.command += ["-u", "nobody"]
        agent = SnmpAgent(port)
        bridge.program.start()
        bridge.program.wait_log(rf"cannot write into {state}/snmp")
        assert discover(agent)
        bridge.stop()
        assert "read_config_store" not in bridge.program.log()
        os.chown(state, 65534, -1)
        bridge.program.start()
        wait_until((state / "snmp" / "upsbridge-snmp.conf").exists, "the state is stored")
        engine, boots = discover(agent)
        bridge.kill()
        mark = len(bridge.program.log())
        bridge.program.start()
        bridge.program.wait_log("SNMP: listening", after=mark)
        assert discover(agent) == (engine, boots + 1)
        bridge.stop()


def answers_v3(agent, user, password):
    done = snmp(agent, "-v3", "-u", user, "-l", "authPriv", "-a", "SHA", "-A", password, "-x", "AES",
                "-X", password)
    assert done.returncode == 0 or "Model" not in done.stdout
    return "Model 1" in done.stdout


def user(name, password):
    return f"createUser {name} SHA {password} AES {password}\nrouser {name} priv\n"


@pytest.mark.parametrize("way", ["restart", "reload"])
def test_passwords_are_those_of_the_file(stage, way):
    """What net-snmp's library keeps of users between runs must not outlive what the file says."""
    bridge, agent = serve(stage, conf=user("one", "password-old") + user("two", "password-two"))
    for _ in range(2):  # so that the library has stored its state, and read it again
        bridge.stop()
        bridge.start()
    assert answers_v3(agent, "one", "password-old") and answers_v3(agent, "two", "password-two")
    bridge.snmp_conf = user("one", "password-new")
    bridge.write_configuration()
    if way == "restart":
        bridge.stop()
        bridge.start()
    else:
        bridge.reload()
    wait_until(lambda: answers_v3(agent, "one", "password-new"), "the new password counts")
    assert not answers_v3(agent, "one", "password-old")
    assert not answers_v3(agent, "two", "password-two")
    bridge.stop()
    bridge.start()
    assert answers_v3(agent, "one", "password-new")
    assert not answers_v3(agent, "one", "password-old")
    assert not answers_v3(agent, "two", "password-two")


def test_stored_state_does_not_grow(stage):
    bridge, agent = serve(stage)
    sizes = []
    for _ in range(4):
        assert agent.get_text(MODEL, version="v3") == "Model 1"
        bridge.reload()
        assert agent.get_text(MODEL, version="v3") == "Model 1"
        bridge.stop()
        sizes.append(sum(path.stat().st_size
                         for path in (bridge.directory / "state" / "snmp").glob("*")
                         if path.is_file()))
        bridge.start()
    assert sizes[-1] <= sizes[0] + 16, sizes


# The system group -------------------------------------------------------------------------------

@pytest.mark.parametrize("community", ["public", "second"])
def test_the_system_group(stage, community):
    _, agent = serve(stage)
    done = agent.command("snmpwalk", upsmib.SYSTEM.rstrip("."), community=community)
    system = {oid[len(upsmib.SYSTEM):]: value for oid, value in read_walk(done.out)}
    groups = [oid for oid in system if not oid.startswith("9.")]
    assert groups == ["1.0", "2.0", "3.0", "4.0", "5.0", "6.0", "7.0", "8.0"]
    assert system["1.0"] == ("STRING", "upsbridge SNMP Agent")
    assert system["2.0"] == ("OID", ".1.3.6.1.2.1.33")
    assert system["3.0"][0] == "Timeticks"
    assert all(system[oid][0] == "STRING" for oid in ("4.0", "5.0", "6.0"))
    assert system["7.0"][0] == "INTEGER" and 0 <= system["7.0"][1] <= 127
    assert system["8.0"] == ("Timeticks", 0)


@pytest.mark.parametrize("community", ["public", "second"])
def test_what_is_served_is_told(stage, community):
    """sysORTable, with the MIB of the whole site in the default context alone."""
    _, agent = serve(stage)
    done = agent.command("snmpwalk", upsmib.SYSTEM + "9", community=community)
    table = {oid[len(upsmib.SYSTEM + "9.1."):]: value for oid, value in read_walk(done.out)}
    mibs = [value[1] for oid, value in table.items() if oid.startswith("2.")]
    assert mibs[:3] == [".1.3.6.1.2.1.33", ".1.3.6.1.2.1.47", ".1.3.6.1.2.1.99"]
    assert mibs[3:] == ([BRIDGE_MIB] if community == "public" else [])
    rows = range(1, len(mibs) + 1)
    assert list(table) == [f"{column}.{row}" for column in (2, 3, 4) for row in rows]
    assert all(table[f"3.{row}"][0] == "STRING" and table[f"4.{row}"][0] == "Timeticks"
               for row in rows)


def test_the_system_group_is_configured(stage):
    bridge, agent = serve(stage, 'SNMP sysdescr "a rack of UPSes"\n'
                                 "SNMP sysobjectid .1.3.6.1.4.1.4294967295.7\n")
    oids = [upsmib.SYSTEM + "1.0", upsmib.SYSTEM + "2.0"]
    for community in ("public", "second"):
        assert agent.get(*oids, community=community) == [
            'STRING: "a rack of UPSes"', "OID: .1.3.6.1.4.1.4294967295.7"]
    bridge.snmp = bridge.snmp.replace("a rack", "a cellar").replace("4294967295.7", "1")
    bridge.write_configuration()
    bridge.reload()
    wait_until(lambda: agent.get(*oids) == ['STRING: "a cellar of UPSes"',
                                            "OID: .1.3.6.1.4.1.1"], "the new system group")


def test_index_columns_are_served_on_request(stage):
    """They are not accessible by the MIB, but some templates of NMSes discover rows by them."""
    bridge, agent = serve(stage)
    strict = agent.walk()
    columns = [f"{UPS_MIB}.1.{column}.1" for column in ("3.3.1", "4.4.1", "5.3.1", "6.2.1")]
    assert not [oid for oid in strict for column in columns if oid.startswith(column + ".")]
    bridge.snmp += "SNMP serve-index yes\n"
    bridge.write_configuration()
    bridge.reload()
    wait_until(lambda: agent.get(columns[0] + ".1") != [None], "the index column")
    served = agent.walk()
    assert set(served) - set(strict) == {columns[0] + ".1", columns[1] + ".1"}
    assert served[columns[0] + ".1"] == served[columns[1] + ".1"] == "INTEGER: 1"


def test_up_time_is_the_same_in_every_context(stage):
    _, agent = serve(stage)
    oid = upsmib.SYSTEM + "3.0"
    first = agent.get_number(oid)
    second = agent.get_number(oid, community="second")
    third = agent.get_number(oid)
    assert first <= second <= third
    wait_until(lambda: agent.get_number(oid) >= third + 100, "a second goes by")


def test_broken_datagrams_do_no_harm(stage):
    """Requests cut short, with bytes turned over, or of nothing but noise."""
    bridge, agent = serve(stage)
    get = bytes.fromhex("302602010104067075626c6963a01902010102010002010030"
                        "0e300c06082b060102012101010500")
    chance = random.Random(1628)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        sending.connect((LOOPBACK, agent.port))
        for whole in (get, DISCOVERY):
            for length in range(len(whole)):
                sending.send(whole[:length])
            for place in range(len(whole)):
                for value in (0x00, 0x7f, 0x80, 0xff):
                    sending.send(whole[:place] + bytes([value]) + whole[place + 1:])
            assert agent.get_text(MODEL) == "Model 1"
        for _ in range(200):
            sending.send(chance.randbytes(chance.randrange(1, 1400)))
    assert agent.get_text(MODEL) == "Model 1"
    assert agent.get_text(MODEL, version="v3", context="second") == "Model 2"
    with bridge.client() as client:
        assert client.value("first", "ups.status") == "OL"


VIEWS = {
    "holes": ["included .1.3.6.1.2.1.33", "excluded .1.3.6.1.2.1.33.1.2",
              "excluded .1.3.6.1.2.1.33.1.1.3", "excluded .1.3.6.1.2.1.33.1.3.3.1.3",
              "excluded .1.3.6.1.2.1.33.1.9.9"],
    "islands": ["included .1.3.6.1.2.1.33.1.4.4.1.2", "included .1.3.6.1.2.1.33.1.9.3"],
}


@pytest.mark.peers("snmpbulkget")
@pytest.mark.parametrize("version", ["v2c", "v3"])
@pytest.mark.parametrize("view", VIEWS)
def test_getbulk_shows_no_more_than_getnext(stage, view, version):
    """What a view hides stays hidden, and nothing else is lost, however much is asked at once."""
    lines = "".join(f"view {view} {line}\n" for line in VIEWS[view])
    conf = (f'{lines}rocommunity public {LOOPBACK} -V {view}\n'
            'createUser reader SHA "reader-auth-pass" AES "reader-priv-pass"\n'
            f'rouser reader priv -V {view}\n')
    bridge = stage.bridge([Device("eaton", DATA / "eaton-5sc-750.dev")], snmp_conf=conf,
                          snmp=f"SNMP listen udp:{LOOPBACK}:{(port := free_udp_port())}\n")
    agent = SnmpAgent(port)
    whole = read_walk(agent.command("snmpwalk", UPS_MIB, version=version).out)
    assert 2 <= len(whole) < 45
    columns = [f"{UPS_MIB}.1.1", f"{UPS_MIB}.1.3.3.1", f"{UPS_MIB}.1.9", UPS_MIB]
    for chosen in ([UPS_MIB], columns, columns[::-1]):
        behind = [[row for row in whole if upsmib.numbers(row[0]) > upsmib.numbers(column)]
                  for column in chosen]
        for repetitions in (1, 2, 3, 10, 20):
            done = agent.command("snmpbulkget", "-Cn0", f"-Cr{repetitions}", *chosen,
                                 version=version)
            told = [row for row in upsmib.read_lines(done.out) if row[1][0] != "NONE"]
            assert told == [row for i in range(repetitions) for rows in behind
                            for row in rows[i:i + 1]]
    assert "unknown failure" not in bridge.program.log()


def test_strangers_do_not_fill_the_log(stage):
    """The library complains of each of these datagrams."""
    bridge, agent = serve(stage)
    strange = bytes.fromhex("300d0201010404" + b"none".hex() + "b7020000")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        for _ in range(20):
            for _ in range(100):
                sending.sendto(strange, (LOOPBACK, agent.port))
            assert agent.get_text(MODEL) == "Model 1"  # so that the socket does not overflow
    lines = [line for line in bridge.program.log().splitlines() if "net-snmp: " in line]
    assert 0 < len(lines) <= 200
    assert "More messages of net-snmp are left out" in bridge.program.log()


def test_a_device_joins_and_leaves(stage):
    bridge, agent = serve(stage, conf=snmp_access("first", "second", "eaton", "fourth"))
    assert not agent.answers(community="fourth")
    fourth = Device("fourth", ON_LINE.replace("Bridge 1000", "Model 4"))
    fourth.place(bridge.directory)
    bridge.devices.append(fourth)
    bridge.write_configuration()
    bridge.reload()
    wait_until(lambda: agent.answers(community="fourth"), "the new device's context")
    assert agent.get_text(MODEL, community="fourth") == "Model 4"
    assert agent.get_text(MODEL, version="v3", context="fourth") == "Model 4"
    bridge.devices = [device for device in bridge.devices if device.name != "first"]
    bridge.write_configuration()
    bridge.reload()
    wait_until(lambda: not agent.answers(community="first"), "the context of the device removed")
    wait_until(lambda: agent.get_text(MODEL) == "Model 2", "the next device is the default one")
    assert agent.get_text(MODEL, community="fourth") == "Model 4"
