#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
Modbus devices made of register dumps (tests/data/modbus), served by pymodbus.

  modbus_device.py tcp:PORT|gateway:PORT|card:PORT|rtu:DEVICE UNIT=DUMP...

A gateway answers for units that are not there, with exception 11; a card has one unit, whatever its
number. Says "ready" when it listens. Lines on its standard input change and ask, and each is answered by a
line:

  set UNIT TABLE ADDRESS VALUE    a register or bit of TABLE (holding, input, coil, discrete)
  get UNIT TABLE ADDRESS          its value
  remove UNIT TABLE ADDRESS       it answers with exception 2 from now on
  silent UNIT yes|no              answers nothing, as if it were off
  requests                        how many requests have come, by function: "3:17 4:2"
"""

import asyncio
import collections
import sys

import pymodbus.mei_message
from pymodbus.datastore import ModbusServerContext, ModbusSlaveContext
from pymodbus.datastore.store import BaseModbusDataBlock
from pymodbus.device import ModbusDeviceIdentification
from pymodbus.mei_message import ReadDeviceInformationResponse
from pymodbus.server import StartAsyncSerialServer, StartAsyncTcpServer
from pymodbus.transaction import ModbusRtuFramer

TABLES = {"coil": "c", "discrete": "d", "input": "i", "holding": "h"}


class Block(BaseModbusDataBlock):
    """
    The registers of one table. Gaps read as zero in a request that starts on a register, where the
    device is like that; else they are refused.
    """

    def __init__(self, gaps_are_zero, longest):
        self.values = {}
        self.address = self.default_value = 0
        self.gaps_are_zero = gaps_are_zero
        self.longest = longest

    def validate(self, address, count=1):
        if count > self.longest or address not in self.values:
            return False
        return self.gaps_are_zero or all(address + i in self.values for i in range(count))

    def getValues(self, address, count=1):
        return [self.values.get(address + i, 0) for i in range(count)]

    def setValues(self, address, values):
        for i, value in enumerate(values if isinstance(values, list) else [values]):
            self.values[address + i] = value


def words_of(text):
    """What stands behind an address: a number, or a text of two bytes a register."""
    if not text.startswith('"'):
        return [int(text, 0) & 0xFFFF]
    data = text[1:text.rindex('"')].encode()
    data += b"\0" * (len(data) % 2)
    return [data[i] << 8 | data[i + 1] for i in range(0, len(data), 2)]


class Dump:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            lines = [line.strip() for line in file]
        told = dict(line[1:].strip().split(": ", 1) for line in lines
                    if line.startswith("#") and ": " in line)
        zero, longest = told.get("gaps") == "zero", int(told.get("max-read", 125))
        self.blocks = {name: Block(zero, longest if name in ("holding", "input") else 2000)
                       for name in TABLES}
        self.objects = {}
        both = told.get("table", "both")
        sections = ["holding", "input"] if both == "both" else [both]
        for line in lines:
            if line.startswith("["):
                sections = [line.strip("[]")]
            elif line and line[0] not in "#=!":
                self.add(sections, *line.split(None, 1))

    def add(self, sections, address, text):
        for section in sections:
            if section == "object":
                self.objects[int(address, 0)] = text.strip('"')
            else:
                self.blocks[section].setValues(int(address, 0), words_of(text))


class Identification(ReadDeviceInformationResponse):
    """Of a unit that tells its objects in streams, and none of them alone."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.conformity = self.read_code


class Unit(ModbusSlaveContext):
    def __init__(self, dump, counts):
        super().__init__(zero_mode=True)
        self.store = {letter: dump.blocks[name] for name, letter in TABLES.items()}
        self.counts = counts
        self.is_silent = False

    def validate(self, fc_as_hex, address, count=1):
        self.counts[fc_as_hex] += 1
        return super().validate(fc_as_hex, address, count)


class Units(ModbusServerContext):
    """A silent unit is not there: with ignore_missing_slaves nothing is answered for it."""

    def __contains__(self, number):
        return super().__contains__(number) and not super().__getitem__(number).is_silent

    def __getitem__(self, number):
        from pymodbus.exceptions import NoSuchSlaveException
        unit = super().__getitem__(number)
        if unit.is_silent:
            raise NoSuchSlaveException("silent")
        return unit

    def slaves(self):
        """Whose requests are looked at."""
        return list(range(1, 248)) if self.is_gateway else super().slaves()

    def even_silent(self, number):
        return super().__getitem__(number)


class Controls:
    def __init__(self, units, counts):
        self.units = units
        self.counts = counts

    def obey(self, words):
        if words[0] == "requests":
            return " ".join(f"{code}:{count}" for code, count in sorted(self.counts.items()))
        unit = self.units.even_silent(int(words[1]))
        if words[0] == "silent":
            unit.is_silent = words[2] == "yes"
            return "ok"
        block, address = unit.store[TABLES[words[2]]], int(words[3], 0)
        if words[0] == "set":
            block.setValues(address, words_of(words[4]))
            return "ok"
        if words[0] == "remove":
            del block.values[address]
            return "ok"
        return str(int(block.values[address]))

    async def run(self):
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            print(self.obey(line.split()), flush=True)


async def main(where, *units):
    pymodbus.mei_message.ReadDeviceInformationResponse = Identification
    counts = collections.Counter()
    dumps = {int(number): Dump(path) for number, path in (unit.split("=", 1) for unit in units)}
    kind, place = where.split(":", 1)
    slaves = {number: Unit(dump, counts) for number, dump in dumps.items()}
    if kind == "card":
        context = ModbusServerContext(slaves=next(iter(slaves.values())), single=True)
    else:
        context = Units(slaves=slaves, single=False)
        context.is_gateway = kind == "gateway"
    identity = ModbusDeviceIdentification()
    for dump in dumps.values():
        for number, text in dump.objects.items():
            identity[number] = text
            if number == 0x88:  # a list of UPSes, Huawei's: 0x87 counts them
                identity[0x87] = bytes([0, 0, 0, 1])
    if kind != "rtu":
        server = StartAsyncTcpServer(context, identity=identity, address=("127.0.0.1", int(place)),
                                     ignore_missing_slaves=kind == "tcp",
                                     allow_reuse_address=True)
    else:
        server = StartAsyncSerialServer(context, identity=identity, port=place, baudrate=115200,
                                        framer=ModbusRtuFramer, ignore_missing_slaves=True)
    serving = asyncio.ensure_future(server)
    await asyncio.sleep(0.2)
    print("ready", flush=True)
    await Controls(context, counts).run()
    serving.cancel()


asyncio.run(main(*sys.argv[1:]))
