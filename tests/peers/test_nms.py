# SPDX-License-Identifier: BSD-2-Clause
"""
What contrib/ has for management systems. Prometheus and its SNMP exporter, Debian's, are run against
upsbridged; the files of those that Debian does not have are held against the MIBs and against each
other.
"""

import functools
import json
import re
import urllib.error
import urllib.parse
import urllib.request

import pytest
import yaml

import mibs
from conftest import TOP
from harness import (DATA, LOOPBACK, ON_LINE, Device, SnmpAgent, free_port, free_udp_port, run,
                     snmp_access, wait_until, write)

CONTRIB = TOP / "contrib"
PROMETHEUS = CONTRIB / "prometheus"
DASHBOARD = CONTRIB / "grafana" / "upsbridge.json"
needs_exporter = pytest.mark.peers("prometheus-snmp-exporter")
THREE_PHASES = "powerwalker-vfi-20k-cpg-3-3"


def fetch(url, timeout=20):
    with urllib.request.urlopen(url, timeout=timeout) as answer:
        return answer.read().decode()


def answers(url):
    try:
        return bool(fetch(url, timeout=2))
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def samples(text):
    """{(name, ((label, value), ...)): number} of the text format of Prometheus."""
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, labels, value = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line).groups()
            pairs = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or "")
            found[name, tuple(sorted(pairs))] = float(value)
    return found


class Exporter:
    """prometheus-snmp-exporter with the configuration of contrib/, and what is to be appended."""

    def __init__(self, stage, agent_port, name="exporter", appended=""):
        self.port, self.target = free_port(), f"{LOOPBACK}:{agent_port}"
        path = write(stage.directory / f"{name}.yml",
                     (PROMETHEUS / "snmp.yml").read_text() + appended)
        stage.program(name, ["prometheus-snmp-exporter", f"--config.file={path}",
                             f"--web.listen-address={LOOPBACK}:{self.port}"])
        wait_until(lambda: answers(f"http://{LOOPBACK}:{self.port}/"), "the exporter answers", 30)

    def scrape(self, module):
        query = urllib.parse.urlencode({"target": self.target, "module": module})
        return samples(fetch(f"http://{LOOPBACK}:{self.port}/snmp?{query}", timeout=40))


class Site:
    def __init__(self, stage, appended="", upsd_conf=""):
        self.devices = [Device("lab", ON_LINE + "battery.temperature: 25.3\n", "In the lab"),
                        Device("hall", DATA / f"{THREE_PHASES}.dev"), Device("gone", None)]
        self.snmp_port = free_udp_port()
        access = snmp_access("lab", "hall", "gone").replace(f"{LOOPBACK} hall\n",
                                                            f"{LOOPBACK} hall-secret\n")
        self.bridge = stage.bridge(self.devices, snmp_conf=access, upsd_conf=upsd_conf,
                                   snmp=f"SNMP listen udp:{LOOPBACK}:{self.snmp_port}\n")
        self.exporter = Exporter(stage, self.snmp_port, appended=appended)


def examples(path, language):
    """The blocks of a language in a text in Markdown."""
    return re.findall(rf"^```{language}\n(.*?)^```$", path.read_text(), re.M | re.S)


@pytest.fixture(scope="module")
def site(module_stage):
    return Site(module_stage, "".join(examples(PROMETHEUS / "README.md", "yaml")))


@functools.lru_cache
def metric_names():
    """Every metric that snmp.yml can yield, of each module: {module: {name: oid}}."""
    modules = {}
    for module, told in yaml.safe_load((PROMETHEUS / "snmp.yml").read_text()).items():
        modules[module] = {metric["name"] + suffix: metric["oid"] for metric in told["metrics"]
                           for suffix in metric.get("regex_extracts", {"": None})}
    return modules


@pytest.fixture(scope="module")
def definitions(tmp_path_factory):
    """{oid: Definition} of the objects that can be read, without a dot in front."""
    both = [*mibs.bridge_definitions(tmp_path_factory.mktemp("smi")).values(),
            *mibs.standard_definitions().values()]
    return {one.oid.lstrip("."): one for one in both if one.accessible}


def test_the_readmes_name_what_exists():
    readmes = [CONTRIB / "README.md", *CONTRIB.glob("*/README.md")]
    for readme in readmes:
        for name in re.findall(r"\]\(([^):]+)\)", readme.read_text()):
            assert (readme.parent / name).exists(), f"{readme}: {name}"
    index = (CONTRIB / "README.md").read_text()
    for folder in CONTRIB.iterdir():
        assert f"({folder.name}" in index or not folder.is_dir(), folder


# Prometheus -------------------------------------------------------------------------------------

@pytest.mark.peers("smidump")
def test_the_exporter_asks_for_what_the_modules_have(definitions):
    for module, told in yaml.safe_load((PROMETHEUS / "snmp.yml").read_text()).items():
        for metric in told["metrics"]:
            assert metric["name"] == definitions[metric["oid"]].name, module
            assert any(metric["oid"].startswith(f"{root}.") for root in told["walk"]), metric
            looked_up = [lookup["oid"] for lookup in metric.get("lookups", []) if "oid" in lookup]
            assert all(oid in definitions for oid in looked_up), metric
            scalar = definitions[metric["oid"]].index is None
            assert scalar == ("indexes" not in metric), metric


@pytest.mark.peers("smidump")
def test_the_module_of_the_site_has_all_of_it(definitions):
    """What is new in UPSBRIDGE-MIB shall not be forgotten here."""
    root = mibs.BRIDGE_MIB.lstrip(".")
    there = {one.name for oid, one in definitions.items()
             if oid.startswith((f"{root}.1.1.", f"{root}.1.2."))}
    told = yaml.safe_load((PROMETHEUS / "snmp.yml").read_text())["upsbridge"]["metrics"]
    # A label, and two that are of no use as numbers.
    left_out = {"ubDeviceName", "ubDeviceLastUpdate", "ubDeviceEntity"}
    assert there - {metric["name"] for metric in told} == left_out


@needs_exporter
@pytest.mark.snmp_face
def test_the_exporter_reads_one_ups(site):
    told = site.exporter.scrape("ups_mib")
    one = (("upsInputLineIndex", "1"),)
    assert told["upsIdentModel", (("upsIdentModel", "Bridge 1000"),)] == 1
    assert told["upsBatteryStatus", ()] == 2
    assert told["upsOutputSource", ()] == 3
    assert told["upsEstimatedMinutesRemaining", ()] == 30
    assert told["upsEstimatedChargeRemaining", ()] == 100
    assert told["upsBatteryVoltage", ()] == 27.2
    assert told["upsInputFrequency", one] == 50
    assert told["upsInputVoltage", one] == 230
    assert told["upsOutputPower", (("upsOutputLineIndex", "1"),)] == 210
    assert told["upsOutputPercentLoad", (("upsOutputLineIndex", "1"),)] == 23
    assert told["upsAlarmsPresent", ()] == 0


@needs_exporter
@pytest.mark.snmp_face
def test_another_community_is_another_ups(site):
    told = site.exporter.scrape("ups_mib_hall")
    assert told["upsInputNumLines", ()] == 3
    voltages = {labels for name, labels in told if name == "upsInputVoltage"}
    assert voltages == {(("upsInputLineIndex", str(line)),) for line in (1, 2, 3)}


@needs_exporter
@pytest.mark.snmp_face
def test_the_exporter_reads_the_site(site):
    told = site.exporter.scrape("upsbridge")
    lab, hall, gone = ((("ubDeviceName", name),) for name in ("lab", "hall", "gone"))
    assert told["ubServerDevices", ()] == 3
    assert told["ubServerDevicesUnwell", ()] == 1
    assert told["ubDeviceComms", lab] == told["ubDeviceComms", hall] == 2
    assert told["ubDeviceComms", gone] != 2
    assert told["ubDeviceCharge", lab] == 100
    assert told["ubDeviceRuntime", lab] == 1800
    assert told["ubDeviceInputVoltage", lab] == 230.4
    assert told["ubDeviceOutputVoltage", lab] == 229.8
    assert told["ubDeviceRealPower", lab] == 210
    assert ("ubDeviceCharge", gone) not in told
    assert told["ubDeviceModel", (("ubDeviceModel", "Bridge 1000"), *lab)] == 1
    assert told["ubDeviceStatusOnLine", lab] == 1
    assert told["ubDeviceStatusOnBattery", lab] == 0


@needs_exporter
@pytest.mark.snmp_face
def test_the_exporter_reads_every_number(site):
    told = site.exporter.scrape("upsbridge_variables")
    with site.bridge.client() as client:
        for name in ("lab", "hall"):
            answer = client.ask(f"LIST VAR {name}")
            numbers = {variable: float(value) for variable, value in
                       re.findall(rf'^VAR {name} (\S+) "(-?\d+(?:\.\d+)?)"$', answer, re.M)}
            exported = {dict(labels)["ubVariableName"]: value for (_, labels), value in told.items()
                        if dict(labels).get("ubDeviceName") == name}
            assert exported == numbers and len(numbers) > 5


@needs_exporter
@pytest.mark.snmp_face
def test_each_word_of_a_status_and_each_alarm(stage):
    site = Site(stage)
    site.devices[0].change(ups__status="OB DISCHRG LB RB", battery__temperature="-0.7")
    site.bridge.wait_value("lab", "ups.status", lambda status: "LB" in (status or ""))
    lab = (("ubDeviceName", "lab"),)

    def on_battery():
        told = site.exporter.scrape("upsbridge")
        return told if told["ubDeviceStatusOnBattery", lab] == 1 else None

    told = wait_until(on_battery, "the exporter tells that it is on battery")
    words = {name.removeprefix("ubDeviceStatus") for (name, labels), value in told.items()
             if name.startswith("ubDeviceStatus") and labels == lab and value == 1}
    assert words == {"OnBattery", "Discharging", "LowBattery", "ReplaceBattery"}
    assert told["ubDeviceBatteryTemperature", lab] == -0.7
    alarms = {value for (name, _), value in site.exporter.scrape("ups_mib").items()
              if name == "upsAlarmDescrNumber"}
    assert alarms >= {1, 2, 3}  # battery bad, on battery, battery low


@pytest.mark.peers("promtool")
def test_promtool_finds_nothing_wrong():
    run("promtool", "check", "config", PROMETHEUS / "prometheus.yml")
    assert "10 rules" in run("promtool", "check", "rules", PROMETHEUS / "upsbridge.rules.yml").out


def unknown_metrics(expression):
    """Words of an expression that look like our metrics and are none."""
    known = set().union(*metric_names().values())
    words = set(re.findall(r"\bu(?:b|ps)[A-Z]\w*", expression))
    labels = {"ubDeviceName", "ubCertificateName", "ubVariableName", "upsInputLineIndex",
              "upsOutputLineIndex", "upsBypassLineIndex", "upsAlarmId"}
    return words - known - labels


def test_alerts_are_of_metrics_that_exist():
    groups = yaml.safe_load((PROMETHEUS / "upsbridge.rules.yml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    for rule in rules:
        assert unknown_metrics(rule["expr"]) == set(), rule["alert"]
        assert re.search(r"\b(ub[A-Z]|up\{)", rule["expr"]), rule["alert"]


class Prometheus:
    """Debian's, with the configuration of contrib/, addresses and intervals changed."""

    def __init__(self, stage, site):
        self.url = f"http://{LOOPBACK}:{free_port()}"
        text = (PROMETHEUS / "prometheus.yml").read_text()
        for pattern, fresh in ((r"192\.0\.2\.10", site.exporter.target),
                               (r"127\.0\.0\.1:9116", f"{LOOPBACK}:{site.exporter.port}"),
                               (r"scrape_interval: \w+", "scrape_interval: 2s")):
            text, count = re.subn(pattern, fresh, text)
            assert count > 0, pattern
        text += "\nglobal:\n  scrape_timeout: 2s\n  evaluation_interval: 1s\n"
        path = write(stage.directory / "prometheus.yml", text)
        write(stage.directory / "upsbridge.rules.yml",
              (PROMETHEUS / "upsbridge.rules.yml").read_text())
        stage.program("prometheus", ["prometheus", f"--config.file={path}",
                                     f"--storage.tsdb.path={stage.directory / 'tsdb'}",
                                     f"--web.listen-address={self.url.removeprefix('http://')}"])
        wait_until(lambda: answers(f"{self.url}/-/ready"), "prometheus answers", 30)

    def ask(self, what, **query):
        answer = json.loads(fetch(f"{self.url}/api/v1/{what}?{urllib.parse.urlencode(query)}"))
        assert answer["status"] == "success"
        return answer["data"]

    def has(self, expression):
        """Is there an answer to an expression? One that is none at all raises an HTTPError."""
        return bool(self.ask("query", query=expression)["result"])

    def value(self, expression):
        found = self.ask("query", query=expression)["result"]
        return float(found[0]["value"][1]) if found else None

    def alerts(self):
        return {(one["labels"]["alertname"], one["labels"].get("ubDeviceName"))
                for one in self.ask("alerts")["alerts"] if one["state"] == "firing"}


@needs_exporter
@pytest.mark.snmp_face
@pytest.mark.peers("prometheus")
def test_prometheus_keeps_what_the_exporter_reads(stage):
    site = Site(stage)
    prometheus = Prometheus(stage, site)
    for expression, expected in (('ubDeviceCharge{ubDeviceName="lab"}', 100),
                                 ('ubDeviceInputVoltage{ubDeviceName="lab"}', 230.4),
                                 ("upsOutputSource", 3),
                                 ('ubVariableValueNumber{ubVariableName="ups.load",'
                                  'ubDeviceName="lab"}', 23)):
        wait_until(lambda: prometheus.value(expression) == expected, expression, 60)
    assert ("UpsOnBattery", "lab") not in prometheus.alerts()
    site.devices[0].change(ups__status="OB")
    wait_until(lambda: ("UpsOnBattery", "lab") in prometheus.alerts(), "the alert", 60)
    assert ("UpsBatteryLow", "lab") not in prometheus.alerts()


# Grafana ----------------------------------------------------------------------------------------

KINDS_OF_PANELS = {"row", "stat", "state-timeline", "table", "timeseries"}


def dashboard():
    return json.loads(DASHBOARD.read_text())


def test_the_dashboard_has_what_grafana_wants():
    board = dashboard()
    assert board["id"] is None and board["uid"] and board["title"]
    assert board["schemaVersion"] >= 36
    assert set(board["time"]) == {"from", "to"}
    sources = [one["name"] for one in board["templating"]["list"] if one["type"] == "datasource"]
    taken = set()
    numbers = [panel["id"] for panel in board["panels"]]
    assert len(set(numbers)) == len(numbers)
    for panel in board["panels"]:
        assert panel["type"] in KINDS_OF_PANELS and panel["title"]
        place = panel["gridPos"]
        cells = {(place["x"] + column, place["y"] + line)
                 for column in range(place["w"]) for line in range(place["h"])}
        assert max(cells)[0] < 24 and not cells & taken, panel["title"]
        taken |= cells
        if panel["type"] == "row":
            continue
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        references = [target["refId"] for target in panel["targets"]]
        assert references and len(set(references)) == len(references), panel["title"]
        for source in (panel, *panel["targets"]):
            assert source["datasource"]["type"] == "prometheus"
            assert source["datasource"]["uid"].strip("${}") in sources


def queries(board):
    """Whatever the dashboard asks Prometheus, as it does if everything is chosen."""
    asked = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    asked += [one["expr"] for one in board["annotations"]["list"] if "expr" in one]
    return [everything(expression) for expression in asked]


def everything(expression):
    return re.sub(r"\$\w+", ".*", expression.replace("$__rate_interval", "1m"))


def test_the_dashboard_shows_metrics_that_exist():
    asked = queries(dashboard())
    assert len(asked) > 20
    for expression in asked:
        assert unknown_metrics(expression) == set(), expression


@needs_exporter
@pytest.mark.snmp_face
@pytest.mark.tls
@pytest.mark.peers("prometheus")
def test_prometheus_has_what_the_dashboard_shows(stage):
    pem = stage.directory / "server.pem"
    run(stage.binary, "--make-certificate", pem, "localhost")
    site = Site(stage, upsd_conf=f"CERTFILE {pem}\n")
    prometheus = Prometheus(stage, site)
    site.devices[0].change(ups__status="OB")  # there is an annotation for it
    for expression in queries(dashboard()):
        wait_until(lambda: prometheus.has(expression), expression, 60, interval=0.2)
    for variable in dashboard()["templating"]["list"]:
        if variable["type"] == "query":
            metric, label = re.fullmatch(r"label_values\((.*), (\w+)\)",
                                         variable["query"]["query"]).groups()
            chosen = prometheus.ask(f"label/{label}/values", **{"match[]": everything(metric)})
            expected = {"instance": {site.exporter.target}, "ubDeviceName": {"lab", "hall", "gone"},
                        "ubVariableName": {"battery.charge", "ups.load"}}[label]
            assert expected <= set(chosen), variable["name"]
    with pytest.raises(urllib.error.HTTPError):
        prometheus.has("ubDeviceLoad{")


# LibreNMS and Checkmk -----------------------------------------------------------------------------

LIBRENMS = CONTRIB / "librenms"
# What its discovery of UPSes by RFC 1628 reads, and how it divides it.
LIBRENMS_READS = ["2.1.0", "2.3.0", "2.4.0", "2.5.0", "2.7.0", "3.3.1.2", "3.3.1.3", "4.1.0", "4.2.0",
                  "4.4.1.2", "4.4.1.3", "4.4.1.5", "5.1.0", "5.3.1.2", "6.1.0", "7.3.0"]
# What Checkmk's checks for UPSes by RFC 1628 read.
CHECKMK_READS = ["1.5.0", "2.2.0", "2.3.0", "2.4.0", "2.7.0", "3.3.1.3", "4.4.1.2", "4.4.1.5",
                 "7.3.0", "7.4.0", "7.5.0"]


class Reader:
    """upsbridged with a UPS that tells much, as a manager sees it."""

    def __init__(self, stage):
        self.agent = SnmpAgent(free_udp_port())
        device = Device("lab", DATA / f"{THREE_PHASES}.dev", "In the lab")
        stage.bridge([device, Device("roof", ON_LINE)],
                     snmp=f"SNMP listen udp:{LOOPBACK}:{self.agent.port}\n",
                     snmp_conf=snmp_access("lab", "roof"))
        device.change(battery__temperature="25")
        wait_until(lambda: self.agent.answers(".1.3.6.1.2.1.33.1.2.7.0"), "the temperature")


@pytest.fixture(scope="module")
def reader(module_stage):
    return Reader(module_stage)


def test_the_librenms_definition_is_one():
    definition = yaml.safe_load((LIBRENMS / "upsbridge.yaml").read_text())
    assert definition["os"] == "upsbridge" and definition["type"] == "power"
    assert definition["rfc1628_compat"] is True
    assert set(definition) <= {"os", "text", "type", "icon", "over", "discovery", "rfc1628_compat",
                               "mib_dir"}


# LibreNMS's own definition of generex-ups. It comes before ours, and the first that fits is taken.
GENEREX = {"sysObjectID": [".1.3.6.1.2.1.33"],
           "sysDescr_regex": ["(?i)^(.)* SNMP Agent$", "(?i)CS121", "(?i)CS141"]}


def librenms_takes_it(agent, wanted, community="public"):
    """Whether all conditions of a definition hold, as LibreNMS looks at them."""
    object_id = agent.get(".1.3.6.1.2.1.1.2.0", community=community)[0].split(": ")[1]
    description = agent.get_text(".1.3.6.1.2.1.1.1.0", community=community)
    assert set(wanted) <= {"sysObjectID", "sysDescr", "sysDescr_regex"}
    return (object_id.startswith(tuple(wanted["sysObjectID"]))
            and any(text in description for text in wanted.get("sysDescr", [""]))
            and any(re.search(text, description) for text in wanted.get("sysDescr_regex", [""])))


@pytest.mark.peers("snmpget")
@pytest.mark.snmp_face
@pytest.mark.parametrize("community", ["public", "roof"])
def test_librenms_takes_it_for_a_ups(reader, community):
    assert librenms_takes_it(reader.agent, GENEREX, community)


@pytest.mark.peers("snmpget")
@pytest.mark.snmp_face
def test_librenms_takes_it_for_upsbridge(stage):
    """With our definition, and what the README says to put into upsbridge.conf and snmpd.conf."""
    wanted, = yaml.safe_load((LIBRENMS / "upsbridge.yaml").read_text())["discovery"]
    told = examples(LIBRENMS / "README.md", "text")
    directive, access = told[0], told[1].replace("192.0.2.0/24", LOOPBACK)
    assert directive.startswith("SNMP sysdescr") and "rocommunity hall-secret" in access
    agent = SnmpAgent(free_udp_port())
    stage.bridge([Device("lab", ON_LINE), Device("hall", DATA / f"{THREE_PHASES}.dev")],
                 snmp=f"SNMP listen udp:{LOOPBACK}:{agent.port}\n{directive}", snmp_conf=access)
    wait_until(lambda: agent.answers("1.2.0", community="hall-secret"), "the UPS answers")
    assert librenms_takes_it(agent, wanted, "hall-secret")
    assert not librenms_takes_it(agent, GENEREX, "hall-secret")
    assert agent.get_number("3.2.0", community="hall-secret") == 3
    assert agent.get_text(".1.3.6.1.2.1.1.5.0", community="hall-secret") == "hall"


@pytest.mark.peers("snmpwalk")
@pytest.mark.snmp_face
@pytest.mark.parametrize("oid", sorted({*LIBRENMS_READS, *CHECKMK_READS}))
def test_what_they_read_is_there(reader, oid):
    found = reader.agent.walk(f".1.3.6.1.2.1.33.1.{oid}", check=False).values()
    assert found and not any(value.startswith("No ") for value in found)


@pytest.mark.peers("snmpwalk")
@pytest.mark.snmp_face
def test_sensors_for_any_host(reader):
    """LibreNMS finds these without knowing what a UPS is."""
    types = reader.agent.walk(".1.3.6.1.2.1.99.1.1.1.1")
    names = reader.agent.walk(".1.3.6.1.2.1.47.1.1.1.1.7")
    assert len(types) > 20
    assert all(f".1.3.6.1.2.1.47.1.1.1.1.7.{oid.rsplit('.', 1)[1]}" in names for oid in types)
