# SPDX-License-Identifier: BSD-2-Clause
"""
contrib/zabbix: the templates are held against the MIBs and against each other, and what they ask is
asked of upsbridged, standalone and through snmpd.
"""

import re
import uuid
from pathlib import Path

import pytest
import yaml

import mibs
from conftest import TOP
from harness import (DATA, LOOPBACK, ON_LINE, UPS_MIB, Device, SnmpAgent, free_udp_port, run,
                     snmp_access, wait_until, write)

FILE = TOP / "contrib" / "zabbix" / "upsbridge.yaml"
EXPORT = yaml.safe_load(FILE.read_text())["zabbix_export"]
ONE, SITE = EXPORT["templates"]
THREE_PHASES = "powerwalker-vfi-20k-cpg-3-3"
OID = r"1(?:\.\d+){6,}"


def everything(tree, wanted):
    """Every mapping below a tree that has such a key."""
    if isinstance(tree, dict):
        if wanted in tree:
            yield tree
        for branch in tree.values():
            yield from everything(branch, wanted)
    elif isinstance(tree, list):
        for branch in tree:
            yield from everything(branch, wanted)


def objects(template):
    """{object identifier: what asks it}, as the MIBs have it: no instance."""
    found = {}
    for asker in everything(template, "snmp_oid"):
        for oid in re.findall(OID, asker["snmp_oid"]):
            found.setdefault("." + oid.removesuffix(".0"), []).append(asker["key"])
    return found


def keys(template):
    return {asker["key"] for asker in everything(template, "key")}


# The file ---------------------------------------------------------------------------------------

def test_it_is_an_export_of_zabbix():
    assert EXPORT["version"] == "6.0"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", EXPORT["date"])
    groups = {group["name"] for group in EXPORT["groups"]}
    for template in (ONE, SITE):
        assert re.fullmatch(r"[0-9A-Za-z_. -]+", template["template"])
        assert {group["name"] for group in template["groups"]} <= groups
        assert len(keys(template)) == len(list(everything(template, "key")))
    links = [link["group"]["name"] for one in everything(SITE, "group_links")
             for link in one["group_links"]]
    assert links and set(links) <= groups


def test_every_uuid_is_a_random_one_and_unique():
    told = [one["uuid"] for one in everything(EXPORT, "uuid")]
    assert len(told) > 80 and len(set(told)) == len(told)
    for text in told:
        assert re.fullmatch(r"[0-9a-f]{32}", text)
        assert uuid.UUID(text).version == 4 and uuid.UUID(text).variant == uuid.RFC_4122
    for kind in ("key", "priority", "mappings", "host", "template"):
        assert all("uuid" in one for one in everything(EXPORT, kind)), kind


@pytest.mark.parametrize("template", [ONE, SITE], ids=lambda template: template["template"])
def test_what_is_named_is_there(template):
    defined = {macro["macro"] for macro in template["macros"]}
    rest = str({name: part for name, part in template.items() if name != "macros"})
    named = set(re.findall(r"\{\$[A-Z0-9_.]+\}", rest))
    own = {macro["macro"] for one in everything(template["discovery_rules"], "macros")
           for macro in one["macros"]}
    assert named - own == defined - {"{$UPS.CONTEXT}"}
    maps = {one["name"] for one in template["valuemaps"]}
    assert {one["valuemap"]["name"] for one in everything(template, "valuemap")} == maps
    triggers = {(one["name"], one["expression"]) for one in everything(template, "expression")
                if "uuid" in one}
    for one in everything(template, "expression"):
        asked = re.findall(r"/([^/]+)/((?:\w[\w.]*)(?:\[[^]]*\])?)", one["expression"])
        assert asked, one["expression"]
        assert {name for name, _ in asked} == {template["template"]}
        assert {key for _, key in asked} <= keys(template), one["expression"]
        for other in one.get("dependencies", []):
            assert (other["name"], other["expression"]) in triggers
    for rule in template["discovery_rules"]:
        found = set(re.findall(r"\{#\w+\}", rule["snmp_oid"])) | {"{#SNMPINDEX}"}
        made = set(re.findall(r"\{#\w+\}", str(rule.get("preprocessing", ""))))
        used = set(re.findall(r"\{#\w+\}", str([rule["item_prototypes"],
                                                rule.get("host_prototypes")])))
        assert used <= found | made, rule["key"]


def test_the_triggers_that_there_must_be():
    one = " ".join(trigger["name"] for trigger in everything(ONE, "expression"))
    site = " ".join(trigger["name"] for trigger in everything(SITE, "expression"))
    for words in ("on battery", "is low", "is lost", "overloaded", "Alarm: {#KIND}"):
        assert words in one
    for words in ("on battery", "is low", "is lost", "overloaded", "must be replaced"):
        assert words in site


# The MIBs ---------------------------------------------------------------------------------------

@pytest.mark.peers("smidump")
def test_every_object_is_in_the_mibs(tmp_path):
    bridge = {one.oid: one for one in mibs.bridge_definitions(tmp_path).values()}
    standard = {one.oid: one for one in mibs.standard_definitions().values()}
    for template, known in ((ONE, standard), (SITE, bridge)):
        asked = objects(template)
        assert len(asked) > 20
        for oid, askers in asked.items():
            assert oid in known and known[oid].accessible, askers
        for asker in everything(template, "snmp_oid"):
            scalar = asker["snmp_oid"].endswith(".0")
            row = asker["snmp_oid"].startswith("discovery[") or "{#SNMPINDEX}" in asker["snmp_oid"]
            definitions = [known["." + oid.removesuffix(".0")]
                           for oid in re.findall(OID, asker["snmp_oid"])]
            assert scalar != row, asker["key"]
            assert all((one.index is None) == scalar for one in definitions), asker["key"]
            described = asker.get("description", "").partition(":")[0].rstrip(".")
            if not asker["snmp_oid"].startswith("discovery["):
                assert described.split(",")[0] == definitions[0].name, asker["key"]


def enumeration(template, name):
    mapped = next(one for one in template["valuemaps"] if one["name"] == name)
    return {int(one["value"]) for one in mapped["mappings"]}


@pytest.mark.peers("smidump")
def test_value_maps_have_every_number(tmp_path):
    known = {**mibs.standard_definitions(), **mibs.bridge_definitions(tmp_path)}
    for template in (ONE, SITE):
        for one in template["valuemaps"]:
            module, _, name = one["name"].partition("::")
            if module in ("UPS-MIB", "UPSBRIDGE-MIB"):
                allowed = {number for low, high in known[name].allowed
                           for number in range(low, high + 1)}
                assert enumeration(template, one["name"]) == allowed


# Zabbix -----------------------------------------------------------------------------------------

# Zabbix's own reader of such files, and its parsers of expressions and keys; no database is asked.
CHECK = r"""<?php
chdir('/usr/share/zabbix');
foreach (['include/defines.inc.php', 'include/func.inc.php', 'include/gettextwrapper.inc.php',
          'include/translateDefines.inc.php', 'vendor/autoload.php'] as $part) {
    require $part;
}
spl_autoload_register(function ($name) {
    $folder = new RecursiveDirectoryIterator('include/classes');
    foreach (new RecursiveIteratorIterator($folder) as $file) {
        if ($file->getFilename() === "$name.php") {
            require_once $file->getPathname();
        }
    }
});
$yaml = CImportReaderFactory::YAML;
$export = CImportReaderFactory::getReader($yaml)->read(file_get_contents($argv[1]));
$validator = new CXmlValidator(new CImportValidatorFactory($yaml), $yaml);
$validator->setStrict(true)->validate($export, '');
$parsers = ['expression' => new CExpressionParser(['usermacros' => true, 'lldmacros' => true]),
            'key' => new CItemKey()];
array_walk_recursive($export, function ($value, $name) use ($parsers) {
    if (array_key_exists($name, $parsers)) {
        $good = $parsers[$name]->parse($value) === CParser::PARSE_SUCCESS;
        echo $good ? 'good' : 'bad', " $name $value\n";
    }
});
"""


@pytest.fixture
def zabbix(tmp_path):
    """Reads an export with Zabbix's own code."""
    if not Path("/usr/share/zabbix/include/classes/import").is_dir():
        pytest.skip("zabbix-frontend-php is not installed")
    script = write(tmp_path / "check.php", CHECK)
    return lambda path: run("php", script, path, check=False)


@pytest.mark.peers("php")
def test_zabbix_reads_it(zabbix, tmp_path):
    done = zabbix(FILE)
    assert done.returncode == 0, done.out
    lines = done.out.splitlines()
    assert [line for line in lines if not line.startswith("good ")] == []
    assert sum(line.startswith("good expression") for line in lines) > 20
    assert sum(line.startswith("good key") for line in lines) > 50
    for right, wrong in (("priority: HIGH", "priority: HIGHEST"), ("delay:", "every:")):
        text = FILE.read_text().replace(right, wrong, 1)
        assert zabbix(write(tmp_path / "wrong.yaml", text)).returncode != 0
    text = FILE.read_text().replace(")=5'", ")='", 1)
    assert "bad expression" in zabbix(write(tmp_path / "wrong.yaml", text)).out


# upsbridged -------------------------------------------------------------------------------------

# It tells what few UPSes tell all together.
TALKATIVE = ON_LINE.replace("ups.status: OL", "ups.status: OB") + """\
battery.current: -2
battery.temperature: 25
input.bypass.current: 1
input.bypass.frequency: 50
input.bypass.realpower: 200
input.bypass.voltage: 231
input.current: 1.2
input.realpower: 220
"""


class Face:
    """upsbridged and the agent through which it is asked."""

    def __init__(self, stage, agentx):
        pem = stage.directory / "server.pem"
        run(stage.binary, "--make-certificate", pem, "localhost")
        devices = [Device("lab", TALKATIVE), Device("hall", DATA / f"{THREE_PHASES}.dev")]
        if agentx:
            snmpd = stage.snmpd(["lab", "hall"])
            snmp, conf, self.agent = f"SNMP agentx {snmpd.agentx}\n", "", snmpd.agent
        else:
            port = free_udp_port()
            snmp, conf = f"SNMP listen udp:{LOOPBACK}:{port}\n", snmp_access("lab", "hall")
            self.agent = SnmpAgent(port)
        bridge = stage.bridge(devices, snmp=snmp, snmp_conf=conf, upsd_conf=f"CERTFILE {pem}\n")
        for name in ("lab", "hall"):
            bridge.wait_value(name, "ups.status", lambda status: status is not None)
            wait_until(lambda: self.agent.answers(community=name), f"{name} is seen", 20)

    def rows(self, oid, **options):
        """{index: value} of a column; of a scalar the index is 0."""
        walk = self.agent.walk(oid, **options)
        return {name.removeprefix(f"{oid}."): value for name, value in walk.items()
                if name.startswith(f"{oid}.")}


@pytest.mark.snmp_face
@pytest.mark.parametrize("agentx", [False, True], ids=["standalone", "agentx"])
def test_upsbridged_answers_everything(stage, agentx):
    face = Face(stage, agentx)
    wait_until(lambda: face.rows(f"{UPS_MIB}.1.6.2.1.3", community="lab"), "there is an alarm", 20)
    silent = set()
    for template, asked in ((ONE, [{"community": "lab"}, {"community": "hall"},
                                   {"version": "v3", "context": "hall"}]), (SITE, [{}])):
        for rule in template["discovery_rules"]:
            for options in asked:
                found = set().union(*[face.rows("." + oid, **options)
                                      for oid in re.findall(OID, rule["snmp_oid"])])
                for item in rule["item_prototypes"]:
                    column = "." + item["snmp_oid"].removesuffix(".{#SNMPINDEX}")
                    assert set(face.rows(column, **options)) <= found, item["key"]
        for oid, askers in objects(template).items():
            if not any(face.rows(oid, **options) for options in asked):
                silent.add(askers[0])
    assert silent == set()
    names = set(face.rows(".1.3.6.1.4.1.8072.9999.9999.1628.1.2.1.2").values())
    assert names == {'STRING: "lab"', 'STRING: "hall"'}
    lines = face.rows(f"{UPS_MIB}.1.3.3.1.3", community="hall")
    assert set(lines) == {"1", "2", "3"}


def test_alarms_are_called_as_in_the_mib():
    """The script that makes names of the well-known alarms has one for each."""
    rule = next(rule for rule in ONE["discovery_rules"] if rule["name"] == "Alarms")
    script = rule["preprocessing"][0]["parameters"][0]
    kinds = re.findall(r"'([^']*)'", script.partition("];")[0])
    assert len(kinds) == 25 and kinds[0] == ""
    assert kinds[2] == "on battery" and kinds[20] == "communications lost"
    assert kinds[24] == "test in progress" and len(set(kinds)) == 25
    unshown = next(macro["value"] for macro in ONE["macros"] if "NOT_MATCHES" in macro["macro"])
    hidden = [kind for kind in kinds if re.search(unshown, kind)]
    assert len(hidden) == unshown.count("|") + 1
