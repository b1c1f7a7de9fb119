# SPDX-License-Identifier: BSD-2-Clause
"""
What MIB modules say of each object: its type on the wire, its range, its access, its index; and the
check of a walk against it. UPSBRIDGE-MIB is read from its text by smidump; the IETF's modules, whose
texts many systems do not have, are tables of the facts of RFC 1628, RFC 3433 and RFC 6933.
"""

import ast
import re
import subprocess
from pathlib import Path

from upsmib import INTEGER_MAX, numbers

TOP = Path(__file__).resolve().parent.parent.parent
MODULE = TOP / "mibs" / "UPSBRIDGE-MIB.txt"
# What it imports from: many systems come without.
BASE_MODULES = TOP / "tests" / "data" / "mibs"
BRIDGE_MIB = ".1.3.6.1.4.1.8072.9999.9999.1628"
ENTITY_MIB = ".1.3.6.1.2.1.47"
SENSOR_MIB = ".1.3.6.1.2.1.99"

UNSIGNED_MAX = 2**32 - 1
LIMITS = {"INTEGER": (-INTEGER_MAX - 1, INTEGER_MAX), "Gauge32": (0, UNSIGNED_MAX),
          "Counter32": (0, UNSIGNED_MAX), "Counter64": (0, 2**64 - 1),
          "Timeticks": (0, UNSIGNED_MAX)}


class Definition:
    """An object: allowed are numbers, or lengths of texts, as ranges [(low, high), ...]."""

    def __init__(self, name, oid, kind, allowed, index=None, accessible=True):
        self.name, self.oid, self.kind = name, oid, kind
        self.allowed = allowed or [LIMITS.get(kind, (0, 65535))]
        self.index = index  # definitions of the index; None: a scalar
        self.accessible = accessible

    def allows(self, value):
        if self.kind == "OID":
            return True
        measured = len(value) if self.kind == "STRING" else value
        return any(low <= measured <= high for low, high in self.allowed)

    def is_instance(self, rest):
        if self.index is None:
            return rest == (0,)
        return (len(rest) == len(self.index)
                and all(index.allows(arc) for index, arc in zip(self.index, rest)))


# UPSBRIDGE-MIB, from its text --------------------------------------------------------------------

KINDS = {"Integer32": "INTEGER", "Enumeration": "INTEGER", "TruthValue": "INTEGER",
         "Unsigned32": "Gauge32", "Gauge32": "Gauge32", "Counter32": "Counter32",
         "Counter64": "Counter64", "TimeTicks": "Timeticks", "TimeStamp": "Timeticks",
         "OctetString": "STRING", "DisplayString": "STRING", "DateAndTime": "STRING"}
NAMED = {"TruthValue": [(1, 2)], "DateAndTime": [(8, 8), (11, 11)], "DisplayString": [(0, 255)]}


def smi_configuration(directory):
    """A configuration file for libsmi's tools, by which they find what modules import from."""
    path = Path(directory) / "smi.conf"
    path.write_text(f"path {BASE_MODULES}\n")
    return path


def syntax_of(node):
    """(kind, allowed ranges) of a node of smidump's."""
    told = node["syntax"]["type"]
    name = told.get("name") or told.get("parent module", {}).get("type") or told["basetype"]
    allowed = [(int(part["min"]), int(part["max"])) for part in told.get("ranges", [])]
    if told.get("basetype") == "Enumeration":
        name = "Enumeration"
        allowed = [(int(number["number"]),) * 2 for number in told.values()
                   if isinstance(number, dict) and number.get("nodetype") == "namednumber"]
    return KINDS[name], allowed or NAMED.get(name)


def parsed(module, directory):
    """What smidump reads in a module."""
    done = subprocess.run(["smidump", "-c", smi_configuration(directory), "-f", "python", module],
                          capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == "", done.stderr
    return ast.literal_eval(done.stdout[done.stdout.index("MIB = ") + len("MIB = "):])


def bridge_definitions(directory):
    """{name: Definition} of UPSBRIDGE-MIB."""
    nodes = parsed(MODULE, directory)["nodes"]
    found, rows = {}, {}
    for name, node in nodes.items():
        if node["nodetype"] == "row":
            rows[node["oid"]] = [link if isinstance(link, str) else link["name"]
                                 for link in node["linkage"]]
        if node["nodetype"] in ("scalar", "column"):
            kind, allowed = syntax_of(node)
            found[name] = Definition(name, "." + node["oid"], kind, allowed,
                                     accessible=node["access"] == "readonly")
            assert node["access"] in ("readonly", "noaccess"), name
    for definition in found.values():
        row = rows.get(definition.oid[1:].rpartition(".")[0])
        if row is not None:
            definition.index = [found[name] for name in row]
    return found


# The IETF's --------------------------------------------------------------------------------------

# Below a root: the object's number, its type, what is allowed; how many numbers an index has (none:
# a scalar).
ENTITY_TABLE = """
1.1.1.1.2   STRING    0..255          1  entPhysicalDescr
1.1.1.1.3   OID       -               1  entPhysicalVendorType
1.1.1.1.4   INTEGER   0..2147483647   1  entPhysicalContainedIn
1.1.1.1.5   INTEGER   1..15           1  entPhysicalClass
1.1.1.1.6   INTEGER   -1..2147483647  1  entPhysicalParentRelPos
1.1.1.1.7   STRING    0..255          1  entPhysicalName
1.1.1.1.8   STRING    0..255          1  entPhysicalHardwareRev
1.1.1.1.9   STRING    0..255          1  entPhysicalFirmwareRev
1.1.1.1.10  STRING    0..255          1  entPhysicalSoftwareRev
1.1.1.1.11  STRING    0..32           1  entPhysicalSerialNum
1.1.1.1.12  STRING    0..255          1  entPhysicalMfgName
1.1.1.1.13  STRING    0..255          1  entPhysicalModelName
1.1.1.1.14  STRING    0..32           1  entPhysicalAlias
1.1.1.1.15  STRING    0..32           1  entPhysicalAssetID
1.1.1.1.16  INTEGER   1..2            1  entPhysicalIsFRU
1.1.1.1.17  STRING    8,11            1  entPhysicalMfgDate
1.1.1.1.18  STRING    0..255          1  entPhysicalUris
1.3.3.1.1   INTEGER   1..2147483647   2  entPhysicalChildIndex
1.4.1       Timeticks -               -  entLastChangeTime
"""
SENSOR_TABLE = """
1.1.1.1  INTEGER   1..12                     1  entPhySensorType
1.1.1.2  INTEGER   1..17                     1  entPhySensorScale
1.1.1.3  INTEGER   -8..9                     1  entPhySensorPrecision
1.1.1.4  INTEGER   -1000000000..1000000000   1  entPhySensorValue
1.1.1.5  INTEGER   1..3                      1  entPhySensorOperStatus
1.1.1.6  STRING    0..255                    1  entPhySensorUnitsDisplay
1.1.1.7  Timeticks -                         1  entPhySensorValueTimeStamp
1.1.1.8  Gauge32   -                         1  entPhySensorValueUpdateRate
"""
SYSTEM_TABLE = """
1      STRING    0..255  -  sysDescr
2      OID       -       -  sysObjectID
3      Timeticks -       -  sysUpTime
4      STRING    0..255  -  sysContact
5      STRING    0..255  -  sysName
6      STRING    0..255  -  sysLocation
7      INTEGER   0..127  -  sysServices
8      Timeticks -       -  sysORLastChange
9.1.2  OID       -       1  sysORID
9.1.3  STRING    0..255  1  sysORDescr
9.1.4  Timeticks -       1  sysORUpTime
"""
UPS_TABLE = """
1.1.1      STRING    0..31                    -  upsIdentManufacturer
1.1.2      STRING    0..63                    -  upsIdentModel
1.1.3      STRING    0..63                    -  upsIdentUPSSoftwareVersion
1.1.4      STRING    0..63                    -  upsIdentAgentSoftwareVersion
1.1.5      STRING    0..63                    -  upsIdentName
1.1.6      STRING    0..63                    -  upsIdentAttachedDevices
1.2.1      INTEGER   1..4                     -  upsBatteryStatus
1.2.2      INTEGER   0..2147483647            -  upsSecondsOnBattery
1.2.3      INTEGER   1..2147483647            -  upsEstimatedMinutesRemaining
1.2.4      INTEGER   0..100                   -  upsEstimatedChargeRemaining
1.2.5      INTEGER   0..2147483647            -  upsBatteryVoltage
1.2.6      INTEGER   -                        -  upsBatteryCurrent
1.2.7      INTEGER   -                        -  upsBatteryTemperature
1.3.1      Counter32 -                        -  upsInputLineBads
1.3.2      INTEGER   0..2147483647            -  upsInputNumLines
1.3.3.1.2  INTEGER   0..2147483647            1  upsInputFrequency
1.3.3.1.3  INTEGER   0..2147483647            1  upsInputVoltage
1.3.3.1.4  INTEGER   0..2147483647            1  upsInputCurrent
1.3.3.1.5  INTEGER   0..2147483647            1  upsInputTruePower
1.4.1      INTEGER   1..7                     -  upsOutputSource
1.4.2      INTEGER   0..2147483647            -  upsOutputFrequency
1.4.3      INTEGER   0..2147483647            -  upsOutputNumLines
1.4.4.1.2  INTEGER   0..2147483647            1  upsOutputVoltage
1.4.4.1.3  INTEGER   0..2147483647            1  upsOutputCurrent
1.4.4.1.4  INTEGER   0..2147483647            1  upsOutputPower
1.4.4.1.5  INTEGER   0..200                   1  upsOutputPercentLoad
1.5.1      INTEGER   0..2147483647            -  upsBypassFrequency
1.5.2      INTEGER   0..2147483647            -  upsBypassNumLines
1.5.3.1.2  INTEGER   0..2147483647            1  upsBypassVoltage
1.5.3.1.3  INTEGER   0..2147483647            1  upsBypassCurrent
1.5.3.1.4  INTEGER   0..2147483647            1  upsBypassPower
1.6.1      Gauge32   -                        -  upsAlarmsPresent
1.6.2.1.2  OID       -                        1  upsAlarmDescr
1.6.2.1.3  Timeticks -                        1  upsAlarmTime
1.7.1      OID       -                        -  upsTestId
1.7.2      INTEGER   0..2147483647            -  upsTestSpinLock
1.7.3      INTEGER   1..6                     -  upsTestResultsSummary
1.7.4      STRING    0..255                   -  upsTestResultsDetail
1.7.5      Timeticks -                        -  upsTestStartTime
1.7.6      INTEGER   0..2147483647            -  upsTestElapsedTime
1.8.1      INTEGER   1..2                     -  upsShutdownType
1.8.2      INTEGER   -1..2147483647           -  upsShutdownAfterDelay
1.8.3      INTEGER   -1..2147483647           -  upsStartupAfterDelay
1.8.4      INTEGER   -1..300                  -  upsRebootWithDuration
1.8.5      INTEGER   1..2                     -  upsAutoRestart
1.9.1      INTEGER   0..2147483647            -  upsConfigInputVoltage
1.9.2      INTEGER   0..2147483647            -  upsConfigInputFreq
1.9.3      INTEGER   0..2147483647            -  upsConfigOutputVoltage
1.9.4      INTEGER   0..2147483647            -  upsConfigOutputFreq
1.9.5      INTEGER   0..2147483647            -  upsConfigOutputVA
1.9.6      INTEGER   0..2147483647            -  upsConfigOutputPower
1.9.7      INTEGER   0..2147483647            -  upsConfigLowBattTime
1.9.8      INTEGER   1..3                     -  upsConfigAudibleStatus
1.9.9      INTEGER   0..2147483647            -  upsConfigLowVoltageTransferPoint
1.9.10     INTEGER   0..2147483647            -  upsConfigHighVoltageTransferPoint
"""


def read_allowed(text):
    """"0..255", "8,11"; "-": whatever the type allows."""
    if text == "-":
        return None
    bounds = (re.fullmatch(r"(-?\d+)(?:\.\.(-?\d+))?", part) for part in text.split(","))
    return [(int(match[1]), int(match[2] or match[1])) for match in bounds]


def table_definitions(root, text):
    anything = Definition("index", None, "INTEGER", [(1, INTEGER_MAX)])
    found = {}
    for line in text.strip().splitlines():
        number, kind, allowed, index, name = line.split()
        found[name] = Definition(name, f"{root}.{number}", kind, read_allowed(allowed),
                                 None if index == "-" else [anything] * int(index))
    return found


def standard_definitions():
    """{name: Definition} of the IETF's modules."""
    return {**table_definitions(".1.3.6.1.2.1.1", SYSTEM_TABLE),
            **table_definitions(".1.3.6.1.2.1.33", UPS_TABLE),
            **table_definitions(ENTITY_MIB, ENTITY_TABLE),
            **table_definitions(SENSOR_MIB, SENSOR_TABLE)}


# Checking ----------------------------------------------------------------------------------------

def find(definitions, oid):
    """The definition of an instance, and what follows the object's identifier."""
    arcs = numbers(oid)
    for definition in definitions.values():
        root = numbers(definition.oid)
        if arcs[:len(root)] == root:
            return definition, arcs[len(root):]
    return None, arcs


def violations(definitions, walk):
    """Lines that say what in a walk [(oid, (type, value))] is not as the modules have it."""
    found = []
    for oid, (kind, value) in walk:
        definition, rest = find(definitions, oid)
        if definition is None:
            found.append(f"{oid}: no such object")
        elif not definition.accessible:
            found.append(f"{oid}: {definition.name} is not accessible")
        elif kind != definition.kind:
            found.append(f"{oid}: {definition.name} is {definition.kind}, told {kind}")
        elif not definition.is_instance(rest):
            found.append(f"{oid}: {definition.name} has no instance {rest}")
        elif not definition.allows(value):
            found.append(f"{oid}: {definition.name} cannot be {value!r}")
    return found


def column(walk, definition):
    """{index: value} of a column; the index is a number, or a tuple of several."""
    found = {}
    root = numbers(definition.oid)
    for oid, (_, value) in walk:
        arcs = numbers(oid)
        if arcs[:len(root)] == root:
            rest = arcs[len(root):]
            found[rest[0] if len(rest) == 1 else rest] = value
    return found


def fnv(name, modulus):
    """The number that belongs to a name, as UPSBRIDGE-MIB has it."""
    state = 2166136261
    for byte in name.lower().encode():
        state = (state ^ byte) * 16777619 & UNSIGNED_MAX
    return state % modulus + 1
