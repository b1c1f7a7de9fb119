# SPDX-License-Identifier: BSD-2-Clause
"""
Clients that are broken, hostile or many. Whatever they do, the daemon's memory stays bounded and
the others are answered.
"""

import random
import selectors
import socket
import struct
import threading

import pytest

from harness import DATA, ON_LINE, Device, wait_until

# Kilobytes: above this a daemon has kept what it should not. What it works with is far below.
GROWTH_MAX = 8 * 1024
MEGABYTE = 1 << 20


class Neighbour:
    """Another client, which must be answered whatever happens next door."""

    def __init__(self, bridge):
        self.bridge = bridge
        self.before = bridge.memory()
        self.client = bridge.client()

    def check(self):
        assert self.client.ask("GET VAR ups ups.status") == 'VAR ups ups.status "OL"'
        growth = self.bridge.memory() - self.before
        assert growth < self.bridge.memory_limit(GROWTH_MAX), f"memory grew by {growth} kB"


@pytest.fixture
def neighbour(bridge):
    with bridge.client() as client:
        client.ask("LIST VAR ups")
    neighbour = Neighbour(bridge)
    yield neighbour
    neighbour.check()
    neighbour.client.close()
    with bridge.client() as client:
        assert client.ask("NETVER") == "1.3"


# Input without measure ------------------------------------------------------------------------

@pytest.mark.parametrize("start, filling, ending, answer", [
    (b"", b"x", b"\n", "ERR UNKNOWN-COMMAND"),
    (b"", b" ", b"NETVER\n", "1.3"),
    (b"NETVER ", b"word ", b"\n", "ERR INVALID-ARGUMENT"),
    (b'GET VAR ups "', b"y\n", b'"\n', "ERR VAR-NOT-SUPPORTED"),
    (b"NETVER #", b"comment ", b"\n", "1.3"),
    (b"", b"\\\n", b"\n", "ERR UNKNOWN-COMMAND"),
    (b"NETVER", b"\x00", b"\n", "1.3"),
], ids=["word", "blanks", "words", "quoted lines", "comment", "continuations", "zeros"])
def test_a_line_of_many_megabytes(bridge, neighbour, start, filling, ending, answer):
    chunk = filling * (MEGABYTE // len(filling))
    with bridge.client(timeout=60) as client:
        client.send(start)
        for _ in range(16):
            client.send(chunk)
            neighbour.check()
        client.send(ending)
        assert client.answer() == answer
        # The session has not suffered.
        assert client.ask("GET VAR ups ups.load") == 'VAR ups ups.load "23"'


def test_many_lines_without_end(bridge, neighbour):
    """Each of a hundred clients has a line going that is as long as a line can be."""
    clients = [bridge.client() for _ in range(100)]
    for client in clients:
        client.send(b"GET " + b"w" * 600 + b" " + (b"x" * 511 + b" ") * 40)
    neighbour.check()
    for client in clients:
        client.send("\n")
        assert client.answer() == "ERR INVALID-ARGUMENT"
    for client in clients:
        client.close()


@pytest.mark.parametrize("seed", range(8))
def test_bytes_at_random(bridge, neighbour, seed):
    dice = random.Random(seed)
    alphabets = [bytes(range(256)), b"\"\\#=\n \tGETVAR", b"GET VAR ups LIST \"\\\n", b"\x80\xff\x00\n"]
    for _ in range(20):
        alphabet = dice.choice(alphabets)
        with bridge.client() as client:
            try:
                client.send(bytes(dice.choices(alphabet, k=dice.randrange(1, 20000))))
                if dice.random() < 0.5:
                    client.socket.shutdown(socket.SHUT_WR)
                    assert client.at_end()
            except OSError:
                pass  # LOGOUT may be among it, and closes
        neighbour.check()


# Input in pieces, and all at once -------------------------------------------------------------

def test_byte_by_byte(bridge, neighbour):
    with bridge.client() as client:
        for request, answer in (("GET VAR ups ups.status", 'VAR ups ups.status "OL"'),
                                ('  GET "VAR" ups \\ups.load # x', 'VAR ups ups.load "23"'),
                                ("NETVER\r", "1.3")):
            for byte in request + "\n":
                client.send(byte)
            assert client.answer() == answer
    neighbour.check()


def test_thousands_of_requests_at_once(bridge, neighbour):
    """More than sockets hold on their way there and back, so both sides have to wait."""
    names = ["ups.status", "ups.load", "no.such", "battery.charge"]
    answers = ['VAR ups ups.status "OL"', 'VAR ups ups.load "23"', "ERR VAR-NOT-SUPPORTED",
               'VAR ups battery.charge "100"']
    count = 40_000
    data = "".join(f"GET VAR ups {names[i % 4]}\n" for i in range(count)).encode()
    with bridge.client(timeout=60) as client:
        writer = threading.Thread(target=client.socket.sendall, args=(data,))
        writer.start()
        for number in range(count):
            assert client.line() == answers[number % 4], number
            if number % 4000 == 0:
                neighbour.check()
        writer.join()


def test_lists_asked_for_without_reading_arrive_whole(bridge, neighbour):
    """Half-closed with thousands of lists due: every one arrives, then the end."""
    with bridge.client(timeout=60) as client:
        wanted = client.ask("LIST VAR ups")
        client.send("LIST VAR ups\n" * 20_000)
        client.socket.shutdown(socket.SHUT_WR)
        neighbour.check()
        for number in range(20_000):
            assert client.answer() == wanted, number
        assert client.at_end()


def test_half_closed(bridge, neighbour):
    with bridge.client() as client:
        assert client.ask_to_the_end(b"NETVER\nGET VAR ups ups.load\nNETV") == (
            b'1.3\nVAR ups ups.load "23"\n')
    with bridge.client() as client:
        client.authenticate("secondary", "sepw")
        assert client.ask("LOGIN ups") == "OK"
        assert neighbour.client.ask("GET NUMLOGINS ups") == "NUMLOGINS ups 1"
        client.socket.shutdown(socket.SHUT_WR)
        wait_until(lambda: neighbour.client.ask("GET NUMLOGINS ups") == "NUMLOGINS ups 0",
                   "who has closed its half is logged out")


def reset(client):
    """Closes with RST, as a crashed host or a firewall does."""
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def test_connections_that_are_torn_off(bridge, neighbour):
    for number in range(300):
        client = bridge.client()
        if number % 3 == 1:
            client.send("LIST VAR ups\n" * 50)
        elif number % 3 == 2:
            client.authenticate("secondary", "sepw")
            assert client.ask("LOGIN ups") == "OK"
        reset(client)
    neighbour.check()
    wait_until(lambda: neighbour.client.ask("GET NUMLOGINS ups") == "NUMLOGINS ups 0",
               "all are logged out")


# Clients that do not read ---------------------------------------------------------------------

def fill(client, data):
    """Sends for as long as the other side takes it; how many bytes it took."""
    client.socket.setblocking(False)
    taken = 0
    with selectors.DefaultSelector() as selector:
        selector.register(client.socket, selectors.EVENT_WRITE)
        while selector.select(timeout=0.5):
            try:
                taken += client.socket.send(data[taken % len(data):])
            except BlockingIOError:
                continue
            assert taken < 256 * MEGABYTE, "everything is taken, and nothing read"
    client.socket.settimeout(60)
    return taken


def test_who_never_reads_is_no_longer_read_from(bridge, neighbour):
    request = b"LIST VAR ups\n"
    with bridge.client() as client:
        wanted = client.ask("LIST VAR ups")
        taken = fill(client, request * 1000)
        neighbour.check()
        # It may change its mind: then nothing is missing.
        for number in range(taken // len(request)):
            assert client.answer() == wanted, number
            if number % 2000 == 0:
                neighbour.check()


def test_many_who_never_read(bridge, neighbour):
    clients = [bridge.client() for _ in range(40)]
    for client in clients:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.socket.setblocking(False)
    for _ in range(200):
        for client in clients:
            try:
                client.socket.send(b"LIST VAR ups\n" * 100)
            except BlockingIOError:
                pass
        assert neighbour.client.ask("NETVER") == "1.3"
    # What the daemon may hold of each: answers of one wake-up, and requests of one.
    assert bridge.memory() - neighbour.before < bridge.memory_limit(GROWTH_MAX + 40 * 256)
    for client in clients:
        client.close()
    neighbour.before = max(neighbour.before, bridge.memory() - GROWTH_MAX // 2)


# Many clients ---------------------------------------------------------------------------------

def test_two_hundred_clients(stage):
    """Each with a life of its own, all at once; every answer is the right one."""
    bridge = stage.bridge([Device("ups", ON_LINE), Device("eaton", DATA / "eaton-5sc-750.dev")])
    with bridge.client() as client:
        lists = {ups: client.ask(f"LIST VAR {ups}") for ups in ("ups", "eaton")}
    problems = []
    all_in = threading.Barrier(200, timeout=120)

    def live(number):
        dice = random.Random(number)
        ups = ("ups", "eaton")[number % 2]
        script = {
            "NETVER": "1.3",
            f"GET VAR {ups} no.such{number}": "ERR VAR-NOT-SUPPORTED",
            f"GET VAR nosuch{number} ups.load": "ERR UNKNOWN-UPS",
            f"GET DESC {ups} x{number}": f'DESC {ups} x{number} "Description unavailable"',
            f"LIST VAR {ups}": lists[ups],
            f"SET VAR {ups} ups.load {number}": "ERR ACCESS-DENIED",
        }
        try:
            with bridge.client(timeout=60) as client:
                client.authenticate("secondary", "sepw")
                assert client.ask(f"LOGIN {ups}") == "OK"
                all_in.wait()
                assert client.ask(f"GET NUMLOGINS {ups}") == f"NUMLOGINS {ups} 100"
                for _ in range(60):
                    requests = dice.choices(list(script), k=dice.randrange(1, 6))
                    client.send("".join(f"{request}\n" for request in requests))
                    for request in requests:
                        answer = client.answer()
                        assert answer == script[request], (request, answer)
                all_in.wait()
                assert client.ask("LOGOUT") == "OK Goodbye"
                assert client.at_end()
        except Exception as problem:  # told below, in the test's own thread
            problems.append(f"client {number}: {problem!r}")
            all_in.abort()

    threads = [threading.Thread(target=live, args=(number,)) for number in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems, "\n".join(problems[:5])
    for ups in ("ups", "eaton"):
        bridge.wait_answer(f"GET NUMLOGINS {ups}", f"NUMLOGINS {ups} 0")


def test_a_thousand_idle_clients(bridge, neighbour):
    clients = [bridge.client() for _ in range(1000)]
    neighbour.check()
    for client in clients[::100]:
        assert client.ask("NETVER") == "1.3"
    for client in clients:
        client.close()


def test_requests_beyond_the_queue_of_a_device(bridge, neighbour):
    """Far more settings than a device takes at a time: each is done, or says that it is not."""
    with bridge.client(timeout=60) as client:
        client.authenticate("admin", "secret")
        client.send("".join(f"SET VAR ups battery.charge.low {n}\n" for n in range(5000)))
        answers = [client.line() for _ in range(5000)]
        assert set(answers) <= {"OK", "ERR SET-FAILED"}
        assert answers[0] == "OK"
        last = max(n for n, answer in enumerate(answers) if answer == "OK")
        wait_until(lambda: client.value("ups", "battery.charge.low") == str(last),
                   "the last setting that was taken shows")
