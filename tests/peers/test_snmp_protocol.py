# SPDX-License-Identifier: BSD-2-Clause
"""
What every SNMP manager relies on, whichever way upsbridged serves: standalone, or through a real
snmpd over AgentX (Unix socket and TCP). Walks in all their kinds agree, errors are those of the
protocol's versions, nothing can be SET.
"""

import re

import pytest

import upsmib
from harness import (DATA, LOOPBACK, ON_LINE, UPS_MIB, Device, SnmpAgent, free_port,
                     free_udp_port, run, snmp_access, wait_until)
from upsmib import numbers, read_lines, read_walk, short

pytestmark = [pytest.mark.snmp_face,
              pytest.mark.peers("snmpget", "snmpgetnext", "snmpwalk", "snmpbulkwalk", "snmpbulkget",
                                "snmpset", "snmpd")]

CONTEXTS = ["ups", "three", "alarms"]
# Who may write, as far as access control goes.
WRITER = ("rwcommunity writer 127.0.0.1 -V all\n"
          'createUser writer SHA "writer-auth-pass" AES "writer-priv-pass"\n'
          "rwuser writer priv -V all *\n")
TIMED = ("2.2.0", "7.6.0")


def devices():
    return [Device("ups", ON_LINE), Device("three", DATA / "powerwalker-vfi-20k-cpg-3-3.dev"),
            Device("alarms", DATA / "alarms.dev")]


@pytest.fixture(scope="module", params=["standalone", "agentx-unix", "agentx-tcp"])
def agent(request, module_stage):
    """The agent a manager sees. (Each parameter has its own: the stage is shared by all.)"""
    conf = snmp_access(*CONTEXTS) + WRITER
    if request.param == "standalone":
        port = free_udp_port()
        module_stage.bridge(devices(), name=request.param, snmp_conf=conf,
                            snmp=f"SNMP listen udp:{LOOPBACK}:{port}\n")
        return SnmpAgent(port)
    address = f"tcp:{LOOPBACK}:{free_port()}" if request.param == "agentx-tcp" else None
    snmpd = module_stage.snmpd(CONTEXTS, agentx=address, name=f"snmpd-{request.param}",
                               conf=WRITER)
    module_stage.bridge(devices(), name=request.param,
                        snmp=f"SNMP agentx {address or 'unix:' + snmpd.agentx}\n")
    for context in CONTEXTS:
        wait_until(lambda: snmpd.agent.answers(community=context), f"the context {context}")
    return snmpd.agent


def reading(version, context):
    """Options that read a context in a version of SNMP."""
    return ({"version": version, "context": context} if version == "v3"
            else {"version": version, "community": context})


def pairs(agent, tool, *words, **options):
    read = read_walk if tool.endswith("walk") else read_lines
    return read(agent.command(tool, *words, **options).out)


def steady(objects):
    """Without what counts time."""
    return {oid: value for oid, value in objects if short(oid) not in TIMED}


def chain(agent, root, **options):
    """A walk by single GETNEXTs: the pairs, and what followed them."""
    found, oid = [], root
    while True:
        done = agent.command("snmpgetnext", oid, check=False, **options)
        if done.returncode != 0:
            return found, done.out + done.err
        (oid, value), = read_lines(done.out)
        if numbers(oid)[:len(numbers(root))] != numbers(root) or value[0] == "NONE":
            return found, value
        found.append((oid, value))


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("version", ["v1", "v2c", "v3"])
def test_walks_agree(agent, version, context):
    options = reading(version, context)
    walked = pairs(agent, "snmpwalk", UPS_MIB, **options)
    oids = [oid for oid, _ in walked]
    assert len(oids) > 30
    assert [numbers(oid) for oid in oids] == sorted(map(numbers, set(oids)))
    if version != "v1":
        for words in (["-Cr10"], ["-Cr50"], ["-Cr1"]):
            bulk = pairs(agent, "snmpbulkwalk", *words, UPS_MIB, **options)
            assert [oid for oid, _ in bulk] == oids
            assert steady(bulk) == steady(walked)
    got = [pair for start in range(0, len(oids), 20)
           for pair in pairs(agent, "snmpget", *oids[start:start + 20], **options)]
    assert steady(got) == steady(walked)


def test_a_chain_of_getnext_agrees(agent):
    walked = pairs(agent, "snmpwalk", UPS_MIB, community="alarms")
    found, _ = chain(agent, UPS_MIB, community="alarms")
    assert [oid for oid, _ in found] == [oid for oid, _ in walked]
    assert steady(found) == steady(walked)


def test_contexts_differ(agent):
    models = [agent.get_text("1.2.0", community=community)
              for community in ("public", "ups", "three", "alarms")]
    assert models == ["Bridge 1000", "Bridge 1000", "VFI 20K CPG PF1 3/3", "5E 1100i"]
    by_v3 = [agent.get_text("1.2.0", version="v3", context=context)
             for context in (None, "ups", "three", "alarms")]
    assert by_v3 == models


def test_the_default_context_is_the_first_device(agent):
    assert steady(pairs(agent, "snmpwalk", UPS_MIB)) == steady(
        pairs(agent, "snmpwalk", UPS_MIB, community="ups"))


@pytest.mark.parametrize("context", CONTEXTS)
def test_each_context_has_a_system_group(agent, context):
    found = dict(pairs(agent, "snmpwalk", upsmib.SYSTEM.rstrip("."), community=context))
    told = [oid[len(upsmib.SYSTEM):] for oid in found]
    assert told[:8] == [f"{i}.0" for i in range(1, 9)]
    assert all(oid.startswith("9.1.") for oid in told[8:])  # sysORTable
    assert found[upsmib.SYSTEM + "1.0"] == ("STRING", "upsbridge SNMP Agent")
    assert found[upsmib.SYSTEM + "2.0"] == ("OID", UPS_MIB)


def test_up_time_has_one_epoch(agent):
    """upsAlarmTime is in the sysUpTime that the manager reads beside it."""
    oid = upsmib.SYSTEM + "3.0"

    def difference():
        first = agent.get_number(oid)
        second = agent.get_number(oid, community="three")
        last = agent.get_number(oid)
        return first - 5 <= second <= last + 5
    wait_until(difference, "sysUpTime of the default context and of a UPS's agree")


# Ends ---------------------------------------------------------------------------------------------

def test_getnext_leaves_the_subtree(agent):
    """Behind the last object comes what is not ours, or the end."""
    last = pairs(agent, "snmpwalk", UPS_MIB, community="three")[-1][0]
    (oid, value), = pairs(agent, "snmpgetnext", last, community="three")
    assert value[0] == "NONE" or numbers(oid) > numbers(UPS_MIB + ".99")
    _, ended = chain(agent, UPS_MIB, version="v1", community="three")
    assert isinstance(ended, tuple) or "noSuchName" in ended


@pytest.mark.parametrize("start,follows", [
    (".1.3.6.1.2.1.33", "1.1.0"),
    ("1.1", "1.1.0"),
    ("1.1.0", "1.2.0"),
    ("1.1.0.0", "1.2.0"),
    ("1.6.0", "2.1.0"),
    ("2.6", "2.7.0"),
    ("3.3.1.2", "3.3.1.2.1"),
    ("3.3.1.2.2", "3.3.1.2.3"),
    ("3.3.1.2.3", "3.3.1.3.1"),
    ("3.3.1.1.2", "3.3.1.2.1"),
    ("3.3.1.2.0", "3.3.1.2.1"),
    ("3.3.1.2.1.5", "3.3.1.2.2"),
    ("3.3.1.2.4294967295", "3.3.1.3.1"),
    ("5.3.1.2.3", "6.1.0"),
    ("6.2.1.3.4294967295", "7.1.0"),
])
def test_getnext_from_anywhere(agent, start, follows):
    oid = start if start.startswith(".") else upsmib.OBJECTS + start
    (found, _), = pairs(agent, "snmpgetnext", oid, community="three")
    assert short(found) == follows


def test_several_getnexts_in_one_request(agent):
    starts = ["9", "1.1.0", "3.3.1.3.1", "1.1", "4.4.1.2.3"]
    found = pairs(agent, "snmpgetnext", *[upsmib.OBJECTS + start for start in starts],
                  community="three")
    assert [short(oid) for oid, _ in found][1:] == ["1.2.0", "3.3.1.3.2", "1.1.0", "4.4.1.3.1"]
    assert short(found[0][0]).startswith("9.")


def test_getbulk_of_several_columns(agent):
    """Fifty repetitions of three columns that end at different times, and one non-repeater."""
    starts = [upsmib.SYSTEM + "3", upsmib.OBJECTS + "3.3.1.3", upsmib.OBJECTS + "4.4.1.5",
              upsmib.OBJECTS + "9"]
    found = pairs(agent, "snmpbulkget", "-Cn1", "-Cr50", *starts, community="three")
    assert found[0][0] == upsmib.SYSTEM + "3.0"
    walked = [oid for oid, _ in pairs(agent, "snmpwalk", UPS_MIB, community="three")]
    for place, start in enumerate(starts[1:]):
        column = [oid for oid, _ in found[1 + place::3]]
        expected = [oid for oid in walked if numbers(oid) > numbers(start)]
        expected = [oid for oid in expected if numbers(oid) < numbers(UPS_MIB + ".99")]
        ours = [oid for oid in column if oid.startswith(UPS_MIB + ".")]
        # At the end of the view the last name is repeated with endOfMibView.
        told = list(dict.fromkeys(ours))
        assert told and told == expected[:len(told)]
    assert len(found) > 30


@pytest.mark.parametrize("repetitions", [0, 1, 2, 50, 1000])
def test_getbulk_repetitions(agent, repetitions):
    found = pairs(agent, "snmpbulkget", "-Cn0", f"-Cr{repetitions}", upsmib.OBJECTS + "1",
                  community="three", check=repetitions > 0)
    oids = [short(oid) for oid, _ in found][:6]
    assert oids == [f"1.{i}.0" for i in range(1, 7)][:min(repetitions, 6)]
    assert len(found) <= repetitions


# What is not there --------------------------------------------------------------------------------

INSTANCE, OBJECT = "No Such Instance", "No Such Object"


@pytest.mark.parametrize("oid,says", [
    ("1.1.1", [INSTANCE]), ("1.1", [INSTANCE, OBJECT]), ("1.1.0.0", [INSTANCE]),
    ("2.6.0", [INSTANCE]),          # a measurement this UPS does not tell
    ("3.3.1.2.2", [INSTANCE]), ("3.3.1.2.0", [INSTANCE]), ("6.2.1.2.1", [INSTANCE]),
    ("5.3.1.2.1", [INSTANCE]),
    ("1.7.0", [OBJECT]), ("10.1.0", [OBJECT]), ("3.3.1.6.1", [OBJECT]), ("2", [OBJECT]),
    ("3.3.1.1.1", [OBJECT, INSTANCE]),  # not-accessible
    ("4.4.1.1.1", [OBJECT, INSTANCE]), ("6.2.1.1.1", [OBJECT, INSTANCE]),
])
def test_get_of_what_is_not_there(agent, oid, says):
    for options in (reading("v2c", "ups"), reading("v3", "ups")):
        (_, value), = pairs(agent, "snmpget", upsmib.OBJECTS + oid, **options)
        assert value[0] == "NONE" and any(text in value[1] for text in says), value
    done = agent.command("snmpget", upsmib.OBJECTS + oid, version="v1", community="ups",
                         check=False)
    assert done.returncode != 0 and "noSuchName" in done.out + done.err


def test_what_is_there_is_told_beside_what_is_not(agent):
    found = pairs(agent, "snmpget", upsmib.OBJECTS + "1.2.0", upsmib.OBJECTS + "2.6.0",
                  upsmib.OBJECTS + "2.4.0", community="ups")
    assert [value[0] for _, value in found] == ["STRING", "NONE", "INTEGER"]


# SET ----------------------------------------------------------------------------------------------

SETS = [("1.5.0", "s", "new name"), ("1.6.0", "s", "a load"), ("2.1.0", "i", "4"),
        ("4.1.0", "i", "3"), ("7.1.0", "o", ".1.3.6.1.2.1.33.1.7.7.4"), ("7.2.0", "i", "1"),
        ("8.1.0", "i", "2"), ("8.2.0", "i", "60"), ("8.5.0", "i", "2"), ("9.7.0", "i", "3"),
        ("6.1.0", "u", "0"), ("3.3.1.3.1", "i", "1")]


def try_set(agent, *words, version="v2c", community="writer", **options):
    if version != "v3":
        options["community"] = community
    done = agent.command("snmpset", *words, version=version, check=False, **options)
    assert done.returncode != 0, done.out
    return done.out + done.err


@pytest.mark.parametrize("oid,kind,value", SETS, ids=[oid for oid, _, _ in SETS])
def test_set_is_refused(agent, oid, kind, value):
    before = steady(pairs(agent, "snmpwalk", UPS_MIB))
    words = [upsmib.OBJECTS + oid, kind, value]
    assert "notWritable" in try_set(agent, *words)
    assert re.search("noSuchName|readOnly", try_set(agent, *words, version="v1"))
    assert steady(pairs(agent, "snmpwalk", UPS_MIB)) == before


def test_set_of_several_is_refused_as_a_whole(agent):
    before = steady(pairs(agent, "snmpwalk", UPS_MIB))
    said = try_set(agent, upsmib.OBJECTS + "1.6.0", "s", "a load", upsmib.OBJECTS + "8.1.0", "i",
                   "2")
    assert "notWritable" in said
    assert steady(pairs(agent, "snmpwalk", UPS_MIB)) == before


@pytest.mark.parametrize("oid", ["2.6.0", "10.1.0", "6.2.1.2.77", "1.5.1"])
def test_set_of_what_is_not_there(agent, oid):
    said = try_set(agent, upsmib.OBJECTS + oid, "i", "1")
    assert re.search("notWritable|noCreation|noAccess|noSuchName", said), said
    assert agent.get(oid) == [None]


def test_set_without_the_right_to(agent):
    assert "noAccess" in try_set(agent, upsmib.OBJECTS + "8.2.0", "i", "60", community="public")
    assert "noAccess" in try_set(agent, upsmib.OBJECTS + "8.2.0", "i", "60", community="ups")


# snmptable --------------------------------------------------------------------------------------

# Debian has none of the IETF's modules, so snmptable is told the tables' columns by one of our own.
MIB = "UPSBRIDGE-TEST-MIB"


@pytest.mark.parametrize("table,rows", [("upsInputTable", 3), ("upsOutputTable", 3),
                                        ("upsAlarmTable", 6)])
def test_snmptable(agent, table, rows):
    community = "alarms" if table == "upsAlarmTable" else "three"
    done = run("snmptable", "-v2c", "-c", community, "-M", DATA / "mibs", "-m", MIB, "-Ci",
               "-CH", "-Cf", "|", f"{LOOPBACK}:{agent.port}", f"{MIB}::{table}")
    told = [line for line in done.out.splitlines() if "|" in line]
    assert len(told) == rows
    assert len({line.split("|", 1)[0].strip() for line in told}) == rows
