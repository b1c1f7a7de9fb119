# SPDX-License-Identifier: BSD-2-Clause
"""
A long life in a short time: clients come and go, well-bred and not, UPSes vanish and come back, the
configuration changes all the time, managers walk; and at the end upsbridged holds no more memory,
descriptors or threads than near the beginning. The rates are those of 1,000,000 sessions, 10,000
reconnects and 10,000 reloads in ten minutes.
"""

import argparse
import asyncio
import multiprocessing
import re
import socket
import ssl
import struct
import tempfile
import threading
import time
from pathlib import Path
from statistics import median

from harness import (LOOPBACK, ON_LINE, Bridge, Device, NutClient, find_program, free_port,
                     free_udp_port, run, wait_until)

SESSIONS_PER_SECOND = 1_000_000 / 600
FLAPPING = 30  # each opened anew about each other second
STEADY = 20
RELOADS_PER_SECOND = 10_000 / 600
WARM_UP = 0.25  # of the time: what is kept for reuse has been kept once
ANSWER = b"(230.1 230.1 229.9 023 50.0 27.2 25.0 00001000\r"


class Vanishing:
    """UPSes that speak Megatec by TCP and hang up after a few answers, in a thread of their own."""

    def __init__(self):
        self.connections = 0
        self.port = free_port()
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self.serve, LOOPBACK, self.port), self.loop).result()

    async def serve(self, reader, writer):
        self.connections += 1
        try:
            for _ in range(2):
                query = await reader.readuntil(b"\r")
                if query == b"Q1\r":
                    writer.write(ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)


class VanishingSection:
    """A section of ups.conf for one of them."""

    readings = None  # it may be away at any moment: nobody waits for it

    def __init__(self, name, port):
        self.name, self.port = name, port

    def place(self, directory):
        pass

    def section(self):
        return (f"[{self.name}]\n\tdriver = nutdrv_qx\n\tprotocol = q1\n\tnorating\n\tnovendor\n"
                f"\tport = tcp:{LOOPBACK}:{self.port}\n\tpollinterval = 1\n\n")


# Sessions ---------------------------------------------------------------------------------------

def polls(port, tls):
    with NutClient(port) as client:
        assert client.ask("GET VAR steady-1 ups.load") == 'VAR steady-1 ups.load "23"'
        assert client.ask("LOGOUT") == "OK Goodbye"


def lists_and_goes(port, tls):
    with NutClient(port) as client:
        assert client.ask("LIST VAR steady-2").endswith("END LIST VAR steady-2")


def monitors(port, tls):
    with NutClient(port) as client:
        client.authenticate("secondary", "sepw")
        assert client.ask("LOGIN steady-3") == "OK"
        assert client.ask("GET VAR steady-3 ups.status").startswith("VAR steady-3 ups.status")


def resets_in_mid_line(port, tls):
    with NutClient(port) as client:
        client.send("GET VAR steady-1 \"ups")
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def asks_nonsense(port, tls):
    with NutClient(port) as client:
        assert client.ask("LIST VAR nothing").startswith("ERR ")
        client.send(b"\x00\xff" * 500 + b"\n")


def asks_much_and_reads_nothing(port, tls):
    with NutClient(port) as client:
        client.send("LIST VAR steady-4\n" * 50)


def speaks_tls(port, tls):
    with NutClient(port) as client:
        assert client.ask("STARTTLS") == "OK STARTTLS"
        client.socket = tls.wrap_socket(client.socket)
        assert client.ask("GET VAR steady-1 ups.load") == 'VAR steady-1 ups.load "23"'


# Of thirty sessions in a row.
HABITS = ([polls] * 14 + [lists_and_goes] * 5 + [monitors] * 4 + [resets_in_mid_line] * 2
          + [asks_nonsense] * 2 + [asks_much_and_reads_nothing] * 2 + [speaks_tls])


def keep_coming(port, rate, count, stopping, problems):
    """Sessions one after another, at this rate at most."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    begun = time.monotonic()
    done = 0
    try:
        while not stopping.is_set():
            HABITS[done % len(HABITS)](port, tls)
            done += 1
            with count.get_lock():
                count.value += 1
            time.sleep(max(0.0, begun + done / rate - time.monotonic()))
    except Exception as problem:  # another process's: told to the one that judges
        problems.put(f"{HABITS[done % len(HABITS)].__name__}: {problem!r}")


# The run ----------------------------------------------------------------------------------------

class Soak:
    """The daemon, its crowd, and what was measured of it."""

    def __init__(self, binary, directory, seconds, say=lambda text: None):
        self.say, self.seconds, self.directory = say, seconds, Path(directory)
        self.vanishing = Vanishing()
        self.certificate = self.directory / "certificate.pem"
        run(binary, "--make-certificate", self.certificate, "localhost")
        self.udp_port = free_udp_port()
        steady = [Device(f"steady-{number}", ON_LINE, "0", pollinterval=1)
                  for number in range(1, STEADY + 1)]
        flapping = [VanishingSection(f"flapping-{number}", self.vanishing.port)
                    for number in range(1, FLAPPING + 1)]
        self.bridge = Bridge(
            binary, self.directory / "bridge", steady + flapping,
            upsd_conf=f"MAXCONN 4096\nCERTFILE {self.certificate}\n",
            snmp=f"SNMP listen udp:{LOOPBACK}:{self.udp_port}\n",
            snmp_conf="rocommunity public 127.0.0.1\n")
        self.stopping = multiprocessing.Event()
        self.sessions = multiprocessing.Value("L", 0)
        self.problems = multiprocessing.Queue()
        self.reloads = self.refused = self.walks = 0
        self.samples = []

    def start(self):
        self.bridge.start()

    def stop(self):
        self.stopping.set()
        self.bridge.stop()
        self.vanishing.stop()

    # What goes on all the time ----------------------------------------------------------------

    def reload_once(self):
        """Another description (clients see it), a device restarted, or a file that is refused."""
        turn = self.reloads + self.refused
        device = self.bridge.devices[turn % STEADY]
        if turn % 10 == 9:
            before = self.log_size()
            good = (self.bridge.directory / "ups.conf").read_text()
            (self.bridge.directory / "ups.conf").write_text(good + "[broken\n")
            self.bridge.reload()
            wait_until(lambda: b"the old one stays in force" in self.log_from(before),
                       "a broken file is refused")
            self.refused += 1
            return
        device.description = str(turn + 1)
        if turn % 10 == 4:
            device.options["pollinterval"] = 1 + turn % 2
        self.bridge.write_configuration()
        self.bridge.reload()
        self.bridge.wait_answer(f"GET UPSDESC {device.name}",
                                f'UPSDESC {device.name} "{turn + 1}"')
        self.reloads += 1

    # Of a log of hours only the end is read.
    def log_size(self):
        return self.bridge.program.log_path.stat().st_size

    def log_from(self, place):
        with open(self.bridge.program.log_path, "rb") as log:
            log.seek(place)
            return log.read()

    def keep_reloading(self):
        begun = time.monotonic()
        try:
            while not self.stopping.is_set():
                self.reload_once()
                due = begun + (self.reloads + self.refused) / RELOADS_PER_SECOND
                time.sleep(max(0.0, due - time.monotonic()))
        except Exception as problem:  # a thread's: told to the one that judges
            self.problems.put(f"reload: {problem!r}")

    def keep_walking(self):
        walk = [find_program("snmpbulkwalk"), "-v2c", "-c", "public", "-On",
                f"udp:{LOOPBACK}:{self.udp_port}", ".1.3.6.1.2.1"]
        try:
            while not self.stopping.is_set():
                done = run(*walk, env={"MIBS": ""}, check=False)
                assert ".1.3.6.1.2.1.33.1.2.1.0 = INTEGER: 2" in done.out, done.out + done.err
                self.walks += 1
                self.stopping.wait(0.5)
        except Exception as problem:  # a thread's: told to the one that judges
            self.problems.put(f"walk: {problem!r}")

    # What it costs --------------------------------------------------------------------------------

    def sample(self):
        process = Path(f"/proc/{self.bridge.program.pid}")
        memory = sum(int(kilobytes) for kilobytes in re.findall(
            r"^Private_(?:Clean|Dirty):\s+(\d+)", (process / "smaps_rollup").read_text(), re.M))
        self.samples.append((time.monotonic(), memory, len(list((process / "fd").iterdir())),
                             self.bridge.memory("Threads")))

    def report(self):
        _, memory, descriptors, threads = self.samples[-1]
        self.say(f"{self.sessions.value} sessions, {self.vanishing.connections} reconnects, "
                 f"{self.reloads} reloads and {self.refused} refused ones, {self.walks} walks: "
                 f"{memory} kB private, {descriptors} descriptors, {threads} threads")

    def run(self):
        processes = [multiprocessing.Process(
            target=keep_coming, args=(self.bridge.port, SESSIONS_PER_SECOND / 2, self.sessions,
                                      self.stopping, self.problems), daemon=True)
            for _ in range(2)]
        threads = [threading.Thread(target=task, daemon=True)
                   for task in (self.keep_reloading, self.keep_walking)]
        for task in processes + threads:
            task.start()
        end = time.monotonic() + self.seconds
        told = time.monotonic()
        while time.monotonic() < end and self.problems.empty():
            self.bridge.program.assert_running()
            self.sample()
            if time.monotonic() - told >= self.seconds / 10:
                self.report()
                told = time.monotonic()
            time.sleep(self.seconds / 300)
        self.stopping.set()
        for task in processes + threads:
            task.join(60)
        self.report()
        assert self.problems.empty(), self.problems.get()

    def assert_flat(self, memory=True):
        """
        Each figure goes up and down with what is under way; what must not grow is its median over
        a stretch of time.
        """
        begun = self.samples[0][0]
        early = [sample for sample in self.samples
                 if WARM_UP <= (sample[0] - begun) / self.seconds < 2 * WARM_UP]
        late = [sample for sample in self.samples
                if (sample[0] - begun) / self.seconds >= 1 - WARM_UP]
        for column, what, slack in ((1, "kB of private memory", 400), (2, "descriptors", 5),
                                    (3, "threads", 0)):
            before, after = (median(sample[column] for sample in part) for part in (early, late))
            self.say(f"{what}: {before}, later {after}")
            if column != 1 or memory:
                assert after <= before + slack, f"{what}: {before} have become {after}"

    def assert_quiet_in_the_end(self):
        """Nobody is there any more, and nothing is held for anybody."""
        self.bridge.wait_answer("GET NUMLOGINS steady-3", "NUMLOGINS steady-3 0")
        with self.bridge.client() as client:
            for number in range(1, STEADY + 1):
                assert client.value(f"steady-{number}", "ups.status") == "OL"


def main():
    parser = argparse.ArgumentParser(prog="soak", description=__doc__.split("\n\n", maxsplit=1)[0])
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--hours", type=float)
    length.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("upsbridged")
    given = parser.parse_args()
    seconds = given.hours * 3600 if given.hours else given.minutes * 60
    with tempfile.TemporaryDirectory() as directory:
        soak = Soak(given.upsbridged, directory, seconds, lambda text: print(text, flush=True))
        try:
            soak.start()
            soak.run()
            soak.assert_flat()
            soak.assert_quiet_in_the_end()
            soak.stop()
        except AssertionError:
            print(soak.bridge.program.log()[-5000:])
            soak.bridge.kill()
            raise


if __name__ == "__main__":
    main()
