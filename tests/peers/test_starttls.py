# SPDX-License-Identifier: BSD-2-Clause
"""
STARTTLS as clients live with it: what goes over the wire, who may say what in clear, and that
nobody waits for a client that does not get on with its handshake. Certificates of every kind are in
test_certificates.py and test_tls_clients.py.
"""

import contextlib
import socket
import ssl
import threading
import time

import pytest

import pki
from harness import (LOOPBACK, ON_LINE, Device, NutClient, free_port, run, wait_for_port,
                     wait_until, write)

pytestmark = pytest.mark.tls


@pytest.fixture(scope="module")
def server():
    return pki.Identity("localhost", names=["localhost", LOOPBACK])


@pytest.fixture
def bridge(stage, server):
    bridge = stage.bridge([Device("ups", ON_LINE, "A test UPS")], start=False,
                          upsd_conf="CERTFILE upsd.pem\n")
    write(bridge.directory / "upsd.pem", server.pem(), 0o600)
    return bridge


def require(bridge, *rules):
    bridge.snmp = "SNMP off\n" + "".join(f"REQUIRE_TLS {rule}\n" for rule in rules)
    bridge.write_configuration()
    return bridge


def client_context(server, minimum=ssl.TLSVersion.TLSv1_2):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = minimum
    context.load_verify_locations(cadata=server.certificate_pem().decode())
    return context


class TlsClient(NutClient):
    def __init__(self, port, context, session=None):
        super().__init__(port)
        assert self.ask("STARTTLS") == "OK STARTTLS"
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost", session=session)


# Python's ssl ---------------------------------------------------------------------------------

@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session(bridge, server, version):
    bridge.start()
    context = client_context(server)
    context.minimum_version = context.maximum_version = version
    with TlsClient(bridge.port, context) as client:
        assert client.socket.version() == version.name.replace("v1_", "v1.")
        assert client.ask("STARTTLS") == "ERR ALREADY-SSL-MODE"
        client.authenticate("primary", "prpw")
        assert client.ask("LOGIN ups") == "OK"
        assert client.value("ups", "ups.status") == "OL"
        assert client.ask("LOGOUT") == "OK Goodbye"
        # The end of a TLS connection is told, not just cut.
        assert client.socket.recv(1) == b""


def test_sixty_requests_in_one_record(bridge, server):
    bridge.start()
    with TlsClient(bridge.port, client_context(server)) as client:
        client.send("GET VAR ups ups.status\n" * 60)
        assert [client.line() for _ in range(60)] == ['VAR ups ups.status "OL"'] * 60


def test_many_long_answers(bridge, server):
    """More than any buffer on the way holds, asked for without reading meanwhile."""
    bridge.start()
    count = 20000
    with TlsClient(bridge.port, client_context(server)) as client:
        expected = client.ask("LIST VAR ups")
        sender = threading.Thread(target=client.send, args=("LIST VAR ups\n" * count,))
        sender.start()
        for _ in range(count):
            assert client.answer() == expected
        sender.join()
        assert client.ask("NETVER") == "1.3"


def test_sessions_are_resumed(bridge, server):
    bridge.start()
    context = client_context(server)
    with TlsClient(bridge.port, context) as first:
        assert first.ask("NETVER") == "1.3"
        assert not first.socket.session_reused
        session = first.socket.session
    with TlsClient(bridge.port, context, session) as second:
        assert second.ask("NETVER") == "1.3"
        assert second.socket.session_reused


def test_what_is_sent_behind_starttls_is_not_heard(bridge):
    bridge.start()
    with bridge.client() as client:
        client.send("STARTTLS\nNETVER\n")
        with pytest.raises(EOFError):
            client.line()
    bridge.program.wait_log("Dropping client 127.0.0.1: it sent more in clear behind STARTTLS")


# The wire -------------------------------------------------------------------------------------

class Wire:
    """A relay that keeps what passes, in both directions."""

    def __init__(self, port):
        self.listener = socket.create_server((LOOPBACK, 0))
        self.port = self.listener.getsockname()[1]
        self.sent, self.received = bytearray(), bytearray()
        self.server_port = port
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client = self.listener.accept()[0]
                server = socket.create_connection((LOOPBACK, self.server_port))
                for source, target, kept in ((client, server, self.sent),
                                             (server, client, self.received)):
                    threading.Thread(target=self.relay, args=(source, target, kept),
                                     daemon=True).start()

    @staticmethod
    def relay(source, target, kept):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                kept += data
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def stop(self):
        self.listener.close()


def records(data):
    """The kinds of the TLS records that data consists of, and of nothing else."""
    kinds, at = [], 0
    while at < len(data):
        assert data[at] in (20, 21, 22, 23) and data[at + 1] == 3, bytes(data[at:at + 20])
        kinds.append(data[at])
        at += 5 + int.from_bytes(data[at + 3:at + 5], "big")
    assert at == len(data)
    return kinds


@pytest.mark.peers("upsc")
def test_only_starttls_is_in_clear(stage, bridge):
    """NUT's own client, and every byte it exchanges with us."""
    bridge.start()
    wire = stage.add(Wire(bridge.port))
    assert "ups.status: OL" in run("upsc", f"ups@{LOOPBACK}:{wire.port}").out
    for data, greeting in ((wire.sent, b"STARTTLS\n"), (wire.received, b"OK STARTTLS\n")):
        assert bytes(data).startswith(greeting)
        wait_until(lambda seen=data, skip=len(greeting): 23 in records(seen[skip:]),
                   "application data in TLS records")


# REQUIRE_TLS ----------------------------------------------------------------------------------

def test_no_password_in_clear(bridge, server):
    require(bridge, "logins").start()
    with bridge.client() as client:
        assert client.value("ups", "ups.status") == "OL"
        assert client.ask("LOGIN ups") == "ERR ACCESS-DENIED"
        client.send("USERNAME primary\n")
        assert client.at_end()
    bridge.program.wait_log("Client on 127.0.0.1 was denied LOGIN without TLS")
    with TlsClient(bridge.port, client_context(server)) as client:
        client.authenticate("primary", "prpw")
        assert client.ask("LOGIN ups") == "OK"


def test_rules_for_one_listen(bridge):
    """A rule for all, an exception for one port; a reload turns them round."""
    other = free_port()
    bridge.extra_upsd_conf += f"LISTEN {LOOPBACK} {other}\n"
    require(bridge, f"no {LOOPBACK} {bridge.port}", "all").start()
    with bridge.client() as client, NutClient(other) as strict:
        assert client.ask("USERNAME primary") == "OK"
        assert strict.ask("GET VAR ups ups.status") == "ERR ACCESS-DENIED"
        require(bridge, f"no {LOOPBACK} {other}", "logins").reload()
        wait_until(lambda: strict.value("ups", "ups.status") == "OL", "the rule is turned round")
        assert client.value("ups", "ups.status") == "OL"
        assert client.ask("LOGIN ups") == "ERR ACCESS-DENIED"
        assert strict.ask("USERNAME primary") == "OK"


def test_tls_required_without_certificate(bridge):
    bridge.extra_upsd_conf = ""
    require(bridge, "logins")
    done = bridge.check()
    assert done.returncode == 1
    assert "upsbridge.conf:2: REQUIRE_TLS needs a certificate: see CERTFILE in upsd.conf" in \
        done.err


@pytest.mark.peers("upsc", "upsmon")
def test_nuts_own_clients_where_tls_is_required(stage, bridge):
    """They ask for TLS of themselves."""
    require(bridge, "all").program.start()
    wait_for_port(bridge.port, bridge.program)
    wait_until(lambda: run("upsc", f"ups@{LOOPBACK}:{bridge.port}", "ups.status",
                           check=False).out == "OL\n", "upsc sees the UPS")
    stage.upsmon("upsmon", f"ups@{LOOPBACK}:{bridge.port} 1 primary prpw primary")
    bridge.program.wait_log(r"User primary@127.0.0.1 logged into UPS \[ups\]")


@pytest.mark.peers("upsmon")
def test_upsmon_that_does_not_get_tls(stage, bridge):
    """Between them somebody says that there is no TLS: the password stays with upsmon."""
    require(bridge, "logins").start()

    class Stripper(Wire):
        @staticmethod
        def relay(source, target, kept):
            with contextlib.suppress(OSError):
                while data := source.recv(65536):
                    kept += data
                    if data == b"STARTTLS\n":
                        source.sendall(b"ERR FEATURE-NOT-CONFIGURED\n")
                    else:
                        target.sendall(data)

    wire = stage.add(Stripper(bridge.port))
    upsmon = stage.upsmon("upsmon", f"ups@{LOOPBACK}:{wire.port} 1 primary prpw primary")
    upsmon.program.wait_log("Set username on .* failed: Server disconnected")
    assert b"USERNAME primary\n" in wire.sent
    assert b"prpw" not in wire.sent


# Handshakes that do not end -------------------------------------------------------------------


def half_a_hello(server):
    """The first part of what a client says in its handshake."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = client_context(server).wrap_bio(incoming, outgoing, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


def stall(bridge, server, count):
    """Connections that stop in the middle: a third at once, a third in, and one behind its hello."""
    hello = half_a_hello(server)
    stalled = []
    for number in range(count):
        client = bridge.client()
        assert client.ask("STARTTLS") == "OK STARTTLS"
        client.send((b"", hello[:100], hello)[number % 3])
        stalled.append(client)
    return stalled


def test_stalled_handshakes_delay_nobody(bridge, server):
    bridge.start()
    context = client_context(server)
    stalled = stall(bridge, server, 300)
    begun = time.monotonic()
    for _ in range(20):
        with TlsClient(bridge.port, context) as client:
            assert client.value("ups", "ups.status") == "OL"
        with bridge.client() as client:
            assert client.value("ups", "ups.status") == "OL"
    # One that waits for any of them waits for seconds each time.
    assert time.monotonic() - begun < 20
    for client in stalled:
        client.close()


def test_stalled_handshakes_are_ended(bridge, server):
    bridge.start()
    stalled = stall(bridge, server, 6)
    with TlsClient(bridge.port, client_context(server)) as established:
        for client in stalled:
            with contextlib.suppress(EOFError), client:
                while True:
                    client.line()
        assert established.ask("NETVER") == "1.3"


@pytest.mark.parametrize("data", [b"NETVER\n" * 10, b"\0" * 5000, b"\x16\x03\x01\x3f\xff" + b"x" * 20,
                                  b"GET / HTTP/1.0\r\n\r\n", b"\xff" * 70000],
                         ids=["clear text", "zeros", "half a record", "http", "much"])
def test_no_handshake_at_all(bridge, server, data):
    bridge.start()
    with bridge.client() as client:
        assert client.ask("STARTTLS") == "OK STARTTLS"
        with contextlib.suppress(OSError):
            client.send(data)
            client.socket.shutdown(socket.SHUT_WR)
            while client.socket.recv(65536):
                pass
    with TlsClient(bridge.port, client_context(server)) as client:
        assert client.ask("NETVER") == "1.3"
