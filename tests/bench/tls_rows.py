# SPDX-License-Identifier: BSD-2-Clause
"""
The rows of `run` on TLS: ours beside a server that does nothing but OpenSSL's work, and NUT's upsd
as Debian builds it, with NSS. All have the same certificate, of a P-256 key.
"""

import contextlib
import ssl
import statistics
import time

import harness
import pki

STALLED = 500
IDLE_TLS = 1000
ROUND_TRIPS = 3000


def missing():
    for program in ("certutil", "pk12util"):
        if harness.find_program(program) is None:
            return f"{program} is not installed"
    return None


class TlsServers:
    """The limit, ours, theirs, and what each answers to a request."""

    def __init__(self, bench, stack, device, request):
        self.bench, self.request = bench, request
        directory = bench.folder("tls")
        identity = pki.Identity("localhost", names=["localhost"])
        pem = harness.write(directory / "server.pem", identity.pem(), 0o600)
        database = directory / "nss"
        options = pki.nss_database(database)
        pki.nss_identity(database, options, identity, "server")
        self.upsd = harness.NutServer(
            directory / "upsd", [device],
            upsd_conf=f'CERTPATH {database}\nCERTIDENT "server" "dbpass"\n')
        self.ours = harness.Bridge(bench.build / "upsbridged", directory / "ours", [device],
                                   upsd_conf=f"CERTFILE {pem}\nMAXCONN 10000\n")
        for server in (self.upsd, self.ours):
            stack.callback(server.stop)
            server.start()
        self.answers = {}
        for name, server in (("upsd", self.upsd), ("ours", self.ours)):
            with server.client() as client:
                answer = client.ask(request).encode("latin-1") + b"\n"
            assert not answer.startswith(b"ERR"), answer
            self.answers[name] = harness.write(directory / f"answer-{name}", answer)
        self.answers["limit"] = self.answers["ours"]
        port = harness.free_port()
        limit = bench.program(stack, "tls-limit",
                              [bench.tool("tls_server"), port, pem, self.answers["limit"]])
        harness.wait_for_port(port, limit)
        self.ports = {"limit": port, "ours": self.ours.port, "upsd": self.upsd.port}
        self.pids = {"limit": [limit.pid], "ours": [self.ours.program.pid],
                     "upsd": [self.upsd.program.pid]}
        for pids in self.pids.values():
            bench.pin(pids)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.load_verify_locations(cadata=identity.certificate_pem().decode())

    def load(self, server, *words):
        return lambda: self.bench.load("tls_load", self.ports[server], *words, self.request,
                                       self.answers[server], pids=self.pids[server])

    def plain(self, depth):
        return lambda: self.bench.load("nut_load", self.ports["ours"], 1, depth, 0, self.request,
                                       self.answers["ours"], pids=self.pids["ours"])

    def connect(self):
        """A client of ours with TLS."""
        client = self.ours.client()
        assert client.ask("STARTTLS") == "OK STARTTLS"
        client.socket = self.context.wrap_socket(client.socket, server_hostname="localhost")
        assert client.ask("NETVER") == "1.3"
        return client

    def stall(self):
        """Clients that stop in the middle of their handshakes, behind half of their first word."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.context.wrap_bio(incoming, outgoing, server_hostname="localhost")
        with contextlib.suppress(ssl.SSLWantReadError):
            tls.do_handshake()
        hello = outgoing.read()
        clients = [self.ours.client() for _ in range(STALLED)]
        for number, client in enumerate(clients):
            assert client.ask("STARTTLS") == "OK STARTTLS"
            client.send(hello if number % 2 else hello[:100])
        return clients


def ninety_ninth(client, request):
    """
    Microseconds within which 99 of 100 requests are answered, once the coming or going of others
    before is over and the processors are awake.
    """
    taken = []
    for _ in range(2 * ROUND_TRIPS):
        begun = time.perf_counter_ns()
        client.ask(request)
        taken.append(time.perf_counter_ns() - begun)
    return statistics.quantiles(taken[ROUND_TRIPS:], n=100)[98] / 1000


def stalled_latency(servers, rounds):
    """Medians of the 99th hundredth: alone, and among stalled handshakes; and of their ratio."""
    alone, among = [], []
    with servers.ours.client() as client:
        for _ in range(rounds):
            alone.append(ninety_ninth(client, servers.request))
            stalled = servers.stall()
            among.append(ninety_ninth(client, servers.request))
            for other in stalled:
                other.close()
    ratio = statistics.median(b / a for a, b in zip(alone, among))
    return statistics.median(alone), statistics.median(among), ratio


def idle_memory(servers, private_mb):
    """Kilobytes of private memory a session, once those that are used again were filled."""
    def hold(count):
        return [servers.connect() for _ in range(count)]
    first = hold(100)
    before = private_mb(servers.pids["ours"])
    more = hold(IDLE_TLS)
    kilobytes = (private_mb(servers.pids["ours"]) - before) * 1024 / IDLE_TLS
    for client in first + more:
        client.close()
    return kilobytes


def tls_rows(bench, device, request, rows):
    """rows: the module that has the figures."""
    with contextlib.ExitStack() as stack:
        servers = TlsServers(bench, stack, device, request)
        # First: what anything else used and gave back would be used again.
        yield rows.limit_row("memory of an idle TLS session", None,
                             idle_memory(servers, rows.private_mb), 15, "kB")
        for case, words, wanted in (
                ("GET VAR over TLS, 1 connection, one in flight", ("get", 1), 0.75),
                ("GET VAR over TLS, pipelined 16 deep", ("get", 16), 0.5)):
            limit, ours, theirs, plain = bench.alternate(
                *(servers.load(name, *words) for name in ("limit", "ours", "upsd")),
                servers.plain(words[1]))
            note = (f"limit {rows.median_rate(limit):,.0f}/s, ours {rows.median_rate(ours):,.0f}/s, "
                    f"in clear {rows.median_rate(plain):,.0f}/s; "
                    + rows.costs(limit=limit, ours=ours, upsd=theirs, clear=plain))
            yield rows.ratio_row(case, rows.median_ratio(theirs, limit),
                                 rows.median_ratio(ours, limit), wanted, note)
        limit, ours, theirs = bench.alternate(
            *(servers.load(name, "connect") for name in ("limit", "ours", "upsd")))
        note = (f"limit {rows.median_rate(limit):,.0f}/s, ours {rows.median_rate(ours):,.0f}/s, "
                f"upsd {rows.median_rate(theirs):,.0f}/s; "
                + rows.costs(limit=limit, ours=ours, upsd=theirs))
        yield rows.ratio_row("connect, TLS handshake and GET VAR: CPU, against the limit",
                             rows.median_saving(theirs, limit), rows.median_saving(ours, limit),
                             0.8, note)
        yield rows.ratio_row("connect, TLS handshake and GET VAR: rate, against NUT's upsd", 1,
                             rows.median_ratio(ours, theirs), 1, "")
        alone, among, ratio = stalled_latency(servers, bench.rounds)
        yield rows.limit_row(f"p99 of GET VAR, {STALLED} handshakes stalled, against none", None,
                             ratio, 1.5, "x", f"{alone:.0f} us alone, {among:.0f} us among them")
