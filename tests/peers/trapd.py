# SPDX-License-Identifier: BSD-2-Clause
"""
net-snmp's snmptrapd as what notifications are sent to, and a reader of what it has received.
"""

import re
from pathlib import Path

import upsmib
from harness import LOOPBACK, UPS_MIB, Program, free_udp_port, wait_until, write

UP_TIME = ".1.3.6.1.2.1.1.3.0"
TRAP_OID = ".1.3.6.1.6.3.1.1.4.1.0"
TRAPS = UPS_MIB + ".2."
BRIDGE_MIB = ".1.3.6.1.4.1.8072.9999.9999.1628"
BRIDGE_TRAPS = BRIDGE_MIB + ".0."
NAMES = {TRAPS + "1": "OnBattery", TRAPS + "2": "TestCompleted", TRAPS + "3": "Added",
         TRAPS + "4": "Removed", BRIDGE_TRAPS + "1": "CommsLost",
         BRIDGE_TRAPS + "2": "CommsRestored", BRIDGE_TRAPS + "3": "OnLine"}
IDENT_NAME = upsmib.OBJECTS + "1.5.0"
DEVICE_NAME = BRIDGE_MIB + ".1.2.1.2."
ALARM_ID, ALARM_DESCR = upsmib.OBJECTS + "6.2.1.1.", upsmib.OBJECTS + "6.2.1.2."

# The engines of senders of SNMPv3 traps have to be known here.
ENGINE = "0x80001f8804746573742d656e67696e65"
USER = ["-u", "teller", "-l", "authPriv", "-a", "SHA", "-A", "teller-auth-pass", "-x", "AES", "-X",
        "teller-priv-pass"]


def is_object(oid):
    return re.fullmatch(r"(\.\d+)+", oid)


class Received:
    """A notification: how it came, and its variables in order."""

    def __init__(self, security, variables):
        self.security = security
        self.variables = [tuple(pair.split(" = ", 1)) for pair in variables.split("\x1f")]
        assert all(is_object(oid) for oid, _ in self.variables), self.variables
        values = dict(self.variables)
        self.oid = values[TRAP_OID].removeprefix("OID: ")
        self.name = NAMES.get(self.oid)
        # What comes behind sysUpTime.0 and snmpTrapOID.0.
        self.objects = self.variables[2:]
        assert [oid for oid, _ in self.variables[:2]] == [UP_TIME, TRAP_OID], self.variables

    def value(self, oid):
        return dict(self.variables).get(oid)

    def ups(self):
        """The device it tells of, by its own word."""
        named = [value for oid, value in self.objects
                 if oid == IDENT_NAME or oid.startswith(DEVICE_NAME)]
        return named[0].removeprefix("STRING: ").strip('"')

    def alarm(self):
        """The kind of an alarm: the last number of its description."""
        named = [value for oid, value in self.objects if oid.startswith(ALARM_DESCR)]
        return int(named[0].rsplit(".", 1)[1]) if named else None

    def context(self):
        found = re.search(r"context ([^,\s]+)", self.security)
        return found[1] if found else None

    def what(self):
        """For comparisons: the UPS, the notification and the alarm."""
        return (self.ups(), self.name) + ((self.alarm(),) if self.alarm() else ())

    def __repr__(self):
        return f"<{self.name} {self.security} {self.objects}>"


class Trapd:
    """snmptrapd on a port of its own."""

    def __init__(self, directory, engine=ENGINE, port=None, name="snmptrapd"):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = port or free_udp_port()
        words = ' '.join(f'"{word}"' for word in ("teller-auth-pass", "AES", "teller-priv-pass"))
        conf = write(self.directory / "snmptrapd.conf",
                     "disableAuthorization yes\ndoNotRetainNotificationLogs yes\n"
                     f"createUser -e {engine} teller SHA {words}\n"
                     f"createUser teller SHA {words}\n"
                     r"format2 TRAP|%P|%v|END\n" "\n"
                     r"format1 TRAP1|%P|%N|%w|%q|%A|%v|END\n" "\n")
        self.program = Program(name, self.directory,
                               ["/usr/sbin/snmptrapd", "-f", "-Lo", "-C", "-c", conf, "-m", "",
                                "-On", "-Oe", "-OU", "-n", "-p", self.directory / "snmptrapd.pid",
                                f"udp:{LOOPBACK}:{self.port}"],
                               {"MIBS": "", "SNMPCONFPATH": str(self.directory),
                                "SNMP_PERSISTENT_DIR": str(self.directory / "persistent")})

    @property
    def address(self):
        return f"udp:{LOOPBACK}:{self.port}"

    def start(self):
        self.program.start()
        self.program.wait_log("NET-SNMP version")
        return self

    def received(self):
        """All notifications of version 2c and 3 so far."""
        found = re.findall(r"^TRAP\|(.*?)\|(.*?)\|END$", self.program.log(), re.M | re.S)
        received = [Received(security, variables.replace("\t", "\x1f"))
                    for security, variables in found]
        # Others are snmpd's own, such as coldStart.
        return [one for one in received if one.name is not None]

    def received_v1(self):
        """Of version 1: (enterprise, generic, specific, variables)."""
        found = re.findall(r"^TRAP1\|.*?\|(.*?)\|(.*?)\|(.*?)\|.*?\|(.*?)\|END$",
                           self.program.log(), re.M | re.S)
        return [(enterprise, int(generic), int(specific.lstrip(".")), variables.split("\t"))
                for enterprise, generic, specific, variables in found]

    def wait(self, condition, what, **options):
        """The notifications that fulfil a condition, once there is one."""
        return wait_until(lambda: [one for one in self.received() if condition(one)],
                          f"{what}, received: {self.received()}", **options)

    def wait_what(self, *what, **options):
        """Until a notification of this kind is there: ("ups", "Added", 6)."""
        return self.wait(lambda one: one.what() == what, what, **options)

    def stop(self):
        self.program.stop()
