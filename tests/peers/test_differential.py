# SPDX-License-Identifier: BSD-2-Clause
"""
The referee: NUT's own upsd with dummy-ups, and upsbridged, read the same files and get the same
bytes; what they answer must be the same, answer by answer. Everything allowed to differ is in one
table, DIFFERENCES, with its reason.

Both servers live as long as the module, so that state which a test leaves behind (a variable set, a
forced shutdown) is the same in both. Tests that force a shutdown use the device "doomed".
"""

import difflib
import itertools
import random
import re
import signal
import string
from concurrent import futures

import pytest

from harness import DATA, ON_LINE, Device, wait_until

pytestmark = pytest.mark.peers("upsd", "dummy-ups")

UUID = r"[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}"


# What may differ ------------------------------------------------------------------------------

# why, lines of answers it is about (each as a whole), what they are compared as
DIFFERENCES = [
    ("the program tells its own name and version",
     r'Network UPS Tools upsd .*', "<version>"),
    ("the program tells its own name and version",
     r'(VAR \S* server\.(?:info|version)) ".+"', r"\1 <version>"),
    ("versions of drivers are the program's own",
     r'((?:VAR|RW) \S+ driver\.version\S*) ".+"', r"\1 <version>"),
    ("descriptions are worded by each program itself; see test_no_description_is_missing",
     r'((?:DESC|CMDDESC) .*) "[^"]+"', r"\1 <description>"),
    ("identifiers of tracked requests are random",
     rf"(.*\b){UUID}", r"\1<uuid>"),
    ("upsd puts FSD before a status even if the device's own has it already: once is enough",
     r'(VAR \S+ ups\.status) "FSD FSD (.*)"', r'\1 "FSD \2"'),
    ("dummy-ups shows ups.alarm without the word ALARM in ups.status, which NUT's drivers for real "
     "devices add, and with them upsbridge for all",
     r'((?:VAR|RW) \S+ ups\.status) "ALARM (.*)"', r'\1 "\2"'),
]


def comparable(answer):
    for _, pattern, replacement in DIFFERENCES:
        answer = re.sub(f"^{pattern}$", replacement, answer, flags=re.M | re.I)
    return answer


# The two servers ------------------------------------------------------------------------------

THRESHOLDS = ON_LINE.replace("battery.charge: 100", "battery.charge: 15")

ODD = r'''
battery.charge: 055.0
battery.date: ""
battery.type: "PbAc"
device.type: ups
device.part: a=b
device.location: "shelf = 3"
device.contact: \"quoted\" and back\\slashed \#1
device.description: many   blanks	and tabs
ups.id: x
ups.mfr: Ünïcode Wërks
ups.type: al"pha
ups.serial: "  padded  "
ups.status: OL   CHRG
ups.test.result: Done and passed # a comment
Ups.Display.Language: E
'''

# Not in these texts, because NUT 2.8.0 itself goes wrong: a value right behind the colon, or none
# at all (dummy-ups then publishes what an earlier line left behind), a line of ALARM (it becomes a
# variable of that name), and a quote in ups.model (it is escaped twice on its way to device.model).
# What upsbridge makes of them is in the unit tests.


def both_devices():
    return [
        Device("eaton", DATA / "eaton-5sc-750.dev", "Eaton 5SC"),
        Device("apc", DATA / "apc-back-ups-es-850g2.dev"),
        Device("innova", DATA / "innova-rt-3-1-20k.dev", r"three to one \"phases\" \\ \#2"),
        Device("Alpha", ON_LINE + "ups.id: rack\n", "upper case"),
        Device("odd", ODD, ""),
        Device("alarms", DATA / "alarms.dev", "in trouble"),
        Device("fixed", THRESHOLDS, "with overrides", override__ups__mfr="Fixed",
               default__ups__id="by default", override__battery__charge__low="30",
               default__battery__charge="1"),
        Device("ignored", ON_LINE.replace("ups.status: OL", "ups.status: OB LB"), "ignorelb",
               ignorelb=True, override__battery__runtime__low="60"),
        Device("low", THRESHOLDS.replace("ups.status: OL", "ups.status: OB"), "ignorelb, low",
               ignorelb=True),
        Device("doomed", ON_LINE, "to be shut down"),
        Device("dead", None, "no driver can open it"),
        Device("mortal", ON_LINE, "falls silent"),
    ]


def difference(theirs, ours):
    """What differs, for a person to read: of lists only the lines that do."""
    if "\n" not in theirs.strip("\n") or "\n" not in ours.strip("\n"):
        return f"  upsd:      {theirs!r}\n  upsbridge: {ours!r}"
    lines = difflib.unified_diff(theirs.split("\n"), ours.split("\n"), "upsd", "upsbridge",
                                 lineterm="", n=0)
    return "\n".join(f"  {line!r}" for line in lines if not line.startswith(("---", "+++", "@@")))


class Pair:
    """The same to both; the answers compared."""

    def __init__(self, theirs, ours):
        self.servers = [theirs, ours]
        self.compared = 0
        self.problems = []

    def compare(self, request, theirs, ours):
        self.compared += 1
        theirs, ours = comparable(theirs), comparable(ours)
        if theirs != ours:
            self.problems.append(f"{request!r}\n{difference(theirs, ours)}")

    def verdict(self, at_least=1):
        problems, self.problems = self.problems, []
        compared, self.compared = self.compared, 0
        assert compared >= at_least, f"only {compared} answers compared"
        assert not problems, (f"{len(problems)} of {compared} answers differ:\n"
                              + "\n".join(problems[:40]))

    def ask_all(self, requests, user=None, password=None):
        """Each request on one connection to each server, one after another."""
        clients = [server.client() for server in self.servers]
        try:
            if user is not None:
                for client in clients:
                    client.authenticate(user, password)
            for request in requests:
                self.compare(request, *[client.ask(request) for client in clients])
        finally:
            for client in clients:
                client.close()

    def ask_apart(self, requests, user, password):
        """Each request on connections of its own, all at once: for what a server delays."""
        def ask(request):
            answers = []
            for server in self.servers:
                with server.client() as client:
                    answers.append(client.authenticate(user, password).ask(request))
            return answers

        with futures.ThreadPoolExecutor(len(requests)) as pool:
            for request, answers in zip(requests, pool.map(ask, requests)):
                self.compare(request, *answers)

    def ask_bytes(self, data):
        """Raw bytes on a connection of their own; everything that comes back is one answer."""
        answers = []
        for server in self.servers:
            with server.client() as client:
                answers.append(client.ask_to_the_end(data).decode("latin-1"))
        self.compare(data.decode("latin-1"), *answers)

    def play(self, script):
        """
        A scene of several connections: (who, request). "close" closes the connection; a request
        "who?" compares until both have settled, for what follows from the closing of another.
        """
        clients = {}
        try:
            for who, request in script:
                if who not in clients:
                    clients[who] = [server.client() for server in self.servers]
                if request == "close":
                    for client in clients.pop(who):
                        client.close()
                elif request.endswith("?"):
                    self.settle(clients[who], request[:-1])
                else:
                    self.compare(request, *[client.ask(request) for client in clients[who]])
        finally:
            for client in itertools.chain.from_iterable(clients.values()):
                client.close()

    def settle(self, clients, request):
        answers = []

        def same():
            answers[:] = [comparable(client.ask(request)) for client in clients]
            return answers[0] == answers[1]

        try:
            wait_until(same, f"the same answers to {request!r}", timeout=10)
        except AssertionError:
            pass  # compare() tells it, with both answers
        self.compare(request, *answers)


@pytest.fixture(scope="module")
def servers(module_stage):
    devices = both_devices()
    theirs = module_stage.nut_server(devices)
    ours = module_stage.bridge(devices)
    return theirs, ours


@pytest.fixture
def pair(servers):
    return Pair(*servers)


def names_of(pair, ups):
    """Variables both servers have (that they have the same is a test of its own)."""
    names = []
    for server in pair.servers:
        with server.client() as client:
            names.append(client.variables(ups))
    return [name for name in names[0] if name in names[1]]


DEVICES = [device.name for device in both_devices()]
LIVING = [device.name for device in both_devices() if device.readings is not None]


# What there is --------------------------------------------------------------------------------

@pytest.mark.parametrize("ups", DEVICES)
def test_everything_listed(pair, ups):
    pair.ask_all([f"LIST {what} {ups}" for what in ("VAR", "RW", "CMD", "CLIENT")])
    pair.verdict(4)


def test_list_of_devices(pair):
    requests = ["LIST UPS"] + [f"GET UPSDESC {ups}" for ups in DEVICES]
    pair.ask_all(requests)
    pair.verdict(len(requests))


@pytest.mark.parametrize("ups", LIVING)
def test_every_variable(pair, ups):
    requests = []
    for name in names_of(pair, ups):
        requests += [f"GET VAR {ups} {name}", f"GET TYPE {ups} {name}", f"GET DESC {ups} {name}",
                     f"LIST ENUM {ups} {name}", f"LIST RANGE {ups} {name}"]
    pair.ask_all(requests)
    pair.verdict(len(requests))


def test_no_description_is_missing(pair):
    """Where upsd has a description, so have we."""
    with pair.servers[0].client() as theirs, pair.servers[1].client() as ours:
        for ups in LIVING:
            for name in names_of(pair, ups):
                request = f"GET DESC {ups} {name}"
                if not theirs.ask(request).endswith('"Description unavailable"'):
                    assert not ours.ask(request).endswith('"Description unavailable"'), name


# Words and arity ------------------------------------------------------------------------------

COMMANDS = ["VER", "NETVER", "PROTVER", "HELP", "STARTTLS", "GET", "LIST", "USERNAME", "PASSWORD",
            "LOGIN", "LOGOUT", "PRIMARY", "MASTER", "FSD", "SET", "INSTCMD", "ATTACH", "DETACH",
            "REQ", "QUIT", "LISTEN", "GETVAR", ""]
SUBCOMMANDS = ["VAR", "TYPE", "DESC", "CMDDESC", "NUMLOGINS", "UPSDESC", "TRACKING", "UPS", "RW",
               "CMD", "ENUM", "RANGE", "CLIENT", "CLIENTS", "NOSUCH", '""']


@pytest.mark.parametrize("command", [c for c in COMMANDS if c != "LOGOUT"])
def test_every_number_of_arguments(pair, command):
    """On a fresh connection each, as some of them change its state."""
    arguments = ["", " eaton", " eaton ups.status", " eaton ups.status x", " a b c d e",
                 ' ""', ' "" ""', " 1", " ON", " TRACKING", " TRACKING ON", " VAR", " VAR eaton"]
    for words in arguments:
        pair.ask_bytes(f"{command}{words}\n".encode())
    pair.verdict(len(arguments))


@pytest.mark.parametrize("command", ["GET", "LIST"])
def test_sub_commands(pair, command):
    devices = ["", "eaton", "EATON", "Eaton", "nosuch", '""', "eaton@localhost", "Alpha", "alpha"]
    last = ["", "ups.status", "UPS.Status", "no.such", '""', "load.off", "ups.status extra words",
            "server.version", "server.info", "SERVER.INFO", "server.nosuch", "server.", "driver.name",
            "battery.charge"]
    requests = [f"{command} {sub} {ups} {name}".rstrip()
                for sub in SUBCOMMANDS for ups in devices for name in last if ups or not name]
    # LIST VAR and RW answer with dozens of lines each, which upsd sends 40 ms late.
    requests = [r for r in requests if not re.match(r"LIST (VAR|RW) (eaton|alpha)\b.* .* \S", r, re.I)]
    pair.ask_all(requests)
    pair.verdict(1000)


def test_case_of_everything(pair):
    requests = [variant
                for request in ["GET VAR eaton ups.status", "GET TYPE eaton ups.status", "NETVER",
                                "GET VAR eaton server.version",
                                "GET DESC eaton battery.charge", "GET UPSDESC eaton", "LIST UPS",
                                "GET NUMLOGINS eaton", "LIST ENUM eaton ups.status",
                                "LIST CMD eaton", "GET TRACKING", "LIST CLIENT eaton", "HELP",
                                "GET CMDDESC eaton load.off", "LIST RW apc", "LIST VAR apc"]
                for variant in (request.lower(), request.upper(), request.title(),
                                request.swapcase(), request.capitalize())]
    pair.ask_all(requests)
    pair.verdict(len(requests))


# Words, quotes, escapes -----------------------------------------------------------------------

LINES = [
    b"", b" ", b"\t", b" \t\v\f\r ", b"\r", b"# comment", b"   # comment", b"#", b"NETVER # comment",
    b"NETVER# comment", b"NETVER#", b"NETVER \\#", b"NETVER\\#", b"NETVER\r", b"  NETVER  ",
    b"\tNETVER\t", b"NETVER\v", b"NETVER\f", b"\r\rNETVER", b"NET VER",
    b'"NETVER"', b'"NETVER"x', b'"NETVER" x', b'"NET"VER', b'NET"VER"', b'NET"VER', b'"NET VER"',
    b'""', b'"" ""', b'NETVER ""', b'""NETVER', b'NETVER""', b"'NETVER'", b"NETVER ''",
    b"\\NETVER", b"N\\ETVER", b"NETVE\\R", b'\\"NETVER\\"', b'"N\\ETVER"', b'"NET\\"VER"',
    b"NET\\ VER", b"NETVER \\", b"GET\\ VAR eaton ups.status",
    b"=", b"NETVER=", b"=NETVER", b"NETVER = ", b"GET=VAR", b"GET = VAR eaton ups.status", b"\\=",
    b'"="', b"GET VAR eaton=ups.status", b'GET "VAR" "eaton" "ups.status"',
    b'GET VAR eaton "ups.status"', b'GET VAR eaton ups\\.status', b'GET VAR "eaton ups.status"',
    b'GET "VAR"eaton ups.status', b'GET VAR "eaton"ups.status', b'"GET""VAR""eaton""ups.status"',
    b'GET VAR al"pha ups.status', b'GET DESC eaton "a b"', b'GET DESC eaton "a \\" b"',
    b'GET DESC eaton "a \\\\ b"', b'GET DESC eaton "a \\# b"', b"GET DESC eaton a\\ b",
    b'GET CMDDESC eaton "x y"', b'GET CMDDESC eaton a#b', b"GET DESC eaton \\#",
    b'GET VAR eaton "a b"', b'GET UPSDESC "a b"', b"GET UPSDESC eat\\on", b'LIST VAR "eat\\on"',
    b'LIST ENUM "alpha" "ups.id"', b'GET TYPE "Alpha" "Ups.Id"',
    b"NET\x00VER", b"\xffNETVER", b"NETVER\xff", b"\x01\x02\x03", b"\x00", b"NET\x7fVER", b"\x7f",
    b"NET\x80VER", b"\xc3\xa9", b"NETVER \xc3\xa9", b"NETVER \x00", b"\x1b[A", b"\b\bNETVER",
    b"GET VAR eaton ups.status\x00\x00", b"GET\x00 VAR eaton ups.status",
    b"GET\xa0VAR eaton ups.status", b"NETVER\x85", b"NET\\\x00VER", b"NET\\\xffVER", b"NETVER \\\x01",
    b"NETVER \\\r", b"NETVER\\\r", b"\\", b"\\\\", b"NETVER\\\\",
    b"USERNAME \"\"", b"PASSWORD \\", b"USERNAME a b", b'USERNAME "a b"', b"USERNAME a\\ b",
    b"GET VAR eaton " + b"x" * 511, b"GET VAR eaton " + b"x" * 512, b"GET VAR eaton " + b"x" * 600,
    b"x" * 511, b"x" * 512, b"x" * 513, b"x" * 5000, b"NETVER" + b"x" * 600,
    b'"' + b"x" * 600 + b'"', b'GET VAR eaton "' + b"x " * 400 + b'"', b"\\x" * 600,
    b"NETVER" + b" " * 600, b" " * 5000 + b"NETVER", b"\t" * 511 + b"NETVER",
    b"GET VAR eaton ups.status " + b"a " * 28, b"GET VAR eaton ups.status " + b"a " * 29,
    b"GET VAR eaton ups.status " + b"a " * 100, b"NETVER " + b'"" ' * 31, b"a " * 33, b"a=" * 40,
    b'GET TYPE eaton "ups.status', b'"NETVER', b'"',
]

PAYLOADS = [
    # Continuations: a backslash takes the LF with it, quotes swallow it.
    b"NETVER\\\n\n", b"NET\\\nVER\n", b"NETVER \\\n\n", b"NETVER \\\nx\n", b"\\\nNETVER\n",
    b'"NET\nVER"\n', b'GET VAR eaton "ups\n.status"\n', b'"NETVER\n"\n', b'"\n\n\n"\n',
    b'NETVER "\n" x\n', b"NETVER # comment \\\nNETVER\n", b"# comment \\\nNETVER\n",
    b"NETVER\\\r\nNETVER\n", b'"NETVER\\\n"\n', b"\\\n\\\n\\\nNETVER\n", b"\\\n\n",
    # Several requests at once.
    b"NETVER\nNETVER\n", b"NETVER\n\n\nNETVER\n", b"NETVER\r\nPROTVER\r\n",
    b"NETVER\n# nothing\nVER\n", b"GET VAR eaton ups.status\nGET VAR apc ups.status\nLIST UPS\n",
    b"NETVER\n" * 300, b"GET VAR eaton battery.charge\n" * 200, b"LIST UPS\n" * 20,
    # Unfinished last lines vanish.
    b"NETVER", b"NETVER\nNETVER", b"NETVER\n\"unfinished", b"NETVER\nunfinished\\", b"\n",
    b"", b"NETVER\n\\\n",
    # '#' inside quotes is the one thing that gets no answer.
    b'"NET#VER"\n', b'GET VAR "eaton # x"\n', b'NETVER "#"\n', b'"#', b'"\\#"\n', b'"a\n#"\n',
    b'NETVER\n"#"\n',
    # Talk that ends itself.
    b"LOGOUT\n", b"LOGOUT now\n", b"logout\n", b'LOGOUT ""\n', b"NETVER\nLOGOUT\n",
    # Credentials: neither verified nor changeable.
    b"USERNAME a\nUSERNAME a\n", b"PASSWORD a\nPASSWORD b\n", b"USERNAME\nUSERNAME a\n",
    b"USERNAME a b\nUSERNAME a\nUSERNAME b c\n", b"PASSWORD\nPASSWORD a b\nPASSWORD a\nPASSWORD\n",
    b"PASSWORD a\nLOGIN eaton\n", b"USERNAME a\nLOGIN eaton\n", b"LOGIN eaton\n", b"LOGIN\n",
    b"FSD\n", b"FSD nosuch\n", b"SET\n", b"INSTCMD\n", b"PRIMARY\n", b"MASTER\n",
    b"SET TRACKING ON\n", b"USERNAME a\nSET TRACKING ON\n", b"PASSWORD a\nSET TRACKING ON\n",
    # A list that is asked for and a list that is not.
    b"STARTTLS\nNETVER\n", b"STARTTLS now\n", b"starttls\nSTARTTLS\n",
]


@pytest.mark.parametrize("line", LINES, ids=range(len(LINES)))
def test_a_line(pair, line):
    pair.ask_bytes(line + b"\n")
    pair.verdict()


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_a_conversation(pair, payload):
    pair.ask_bytes(payload)
    pair.verdict()


@pytest.mark.parametrize("seed", range(4))
def test_requests_made_at_random(pair, seed):
    """Requests that are right, nearly right and wrong, in all spellings. The seed repeats them."""
    dice = random.Random(seed)
    pool = ([c for c in COMMANDS if c not in ("LOGOUT", "FSD", "STARTTLS", "USERNAME", "PASSWORD")]
            + SUBCOMMANDS + DEVICES
            + ["ups.status", "battery.charge", "ups.id", "load.off", "server.version", "x", "1.5"])
    likely = ["GET VAR", "GET TYPE", "GET DESC", "LIST ENUM", "LIST RANGE", "LIST CLIENT",
              "GET NUMLOGINS", "GET UPSDESC", "GET CMDDESC", "LIST CMD"]

    def spell(word):
        style = dice.randrange(12)
        if style == 0:
            return word.swapcase()
        if style == 1 and '"' not in word:
            return f'"{word}"'
        if style == 2 and word and word[0] not in '"\\':
            return "\\" + word
        if style == 3:
            return word + dice.choice(["x", "\\#", "=", "\\\\", ".", "\x01", "\xe9", '"', ""])
        return word

    def request():
        if dice.random() < 0.7:
            words = [dice.choice(likely), dice.choice(DEVICES)]
            words += [dice.choice(["ups.status", "battery.charge", "ups.id", "no.such", "load.off"])]
            words = " ".join(words).split(" ")
        else:
            words = [dice.choice(pool) for _ in range(dice.randrange(1, 6))]
        blanks = dice.choice([" ", " ", "  ", "\t"])
        return blanks.join(spell(word) for word in words).encode("latin-1")

    requests = [r for r in (request() for _ in range(900)) if not unquoted_end(r)]
    pair.ask_all([r.decode("latin-1") for r in requests])
    pair.verdict(700)


def unquoted_end(line):
    """Does a line not end where it ends: in quotes, after a backslash, or in a parse error?"""
    state = "blank"
    quoted = False
    escaped = False
    for byte in line.decode("latin-1"):
        if escaped:
            escaped, state = False, "word"
        elif byte == "\\":
            escaped = True
        elif quoted:
            if byte == "#":
                return True
            if byte == '"':
                quoted, state = False, "blank"
        elif byte == "#":
            return False
        elif byte == '"' and state == "blank":
            quoted = True
        else:
            state = "blank" if byte in string.whitespace or byte == "=" else "word"
    return quoted or escaped


# Rights ---------------------------------------------------------------------------------------

ACCOUNTS = [("admin", "secret"), ("setter", "setpw"), ("commander", "compw"), ("primary", "prpw"),
            ("secondary", "sepw"), ("master", "mapw"), ("slave", "slpw"), ("nobody", "nopw")]
# Each guess is answered late by us, by intent.
GUESSES = [("nopassword", "x"), ("nopassword", '""'), ("admin", "wrong"), ("admin", '""'),
           ("admin", "SECRET"), ("Admin", "secret"), ("nosuch", "x"), ('""', '""'),
           ("admin", "secretx"), ("admin", "secre")]


def requests_with_rights(user):
    requests = [
        "PRIMARY eaton", "MASTER eaton", "PRIMARY nosuch", "MASTER nosuch", "PRIMARY", "MASTER a b",
        "primary EATON", "LOGIN nosuch", "LOGIN", "LOGIN eaton apc", "LOGIN eaton", "LOGIN eaton",
        "LOGIN nosuch", "LOGIN apc", "GET NUMLOGINS eaton", "LIST CLIENT eaton", "LIST CLIENT Eaton",
        "SET", "SET VAR", "SET VAR eaton", "SET VAR eaton ups.id", "SET VAR nosuch ups.id x",
        "SET VAR eaton no.such x", "SET VAR eaton driver.name x", "SET VAR eaton device.type x",
        "SET VAR eaton server.version 1", "SET NOSUCH eaton ups.id x", "SET TRACKING",
        "SET TRACKING maybe", "SET TRACKING on", "GET TRACKING", "SET TRACKING OFF", "GET TRACKING",
        "INSTCMD", "INSTCMD eaton", "INSTCMD nosuch load.off", "INSTCMD eaton no.such",
        "INSTCMD eaton no.such 5", "INSTCMD eaton Load.Off", "INSTCMD eaton load.off 5",
        "INSTCMD eaton load.off 5 6", "FSD", "FSD nosuch", "FSD a b",
        "USERNAME again", "PASSWORD again", "VER", "LOGOUT now",
    ]
    if user not in ("admin", "primary", "master"):
        requests.append("FSD eaton")
    return requests


@pytest.mark.parametrize("user, password", ACCOUNTS)
def test_rights(pair, user, password):
    requests = requests_with_rights(user)
    pair.ask_all(requests, user, password)
    pair.verdict(len(requests))


@pytest.mark.parametrize("user, password", GUESSES)
def test_rights_of_guesses(pair, user, password):
    requests = requests_with_rights(user)
    pair.ask_apart(requests, user, password)
    pair.verdict(len(requests))


def test_rights_before_credentials(pair):
    for first in ([], ["USERNAME admin"], ["PASSWORD secret"]):
        for command in ("LOGIN eaton", "LOGIN", "LOGIN a b", "PRIMARY eaton", "MASTER eaton", "FSD eaton",
                        "FSD", "SET VAR eaton ups.id x", "SET", "SET TRACKING ON", "INSTCMD eaton x",
                        "INSTCMD", "LOGOUT x"):
            pair.ask_bytes("".join(f"{line}\n" for line in [*first, command]).encode())
    pair.verdict(39)


# Settings -------------------------------------------------------------------------------------

def test_setting_values(pair):
    """Each is asked back until both say the same: OK means no more than "handed over"."""
    values = [
        ("battery.charge.low", "25"), ("battery.charge.low", "25.5"), ("battery.charge.low", "-3"),
        ("battery.charge.low", "text"), ("Battery.Charge.Low", "77"), ("ups.id", "short"),
        ("ups.id", "1234567890123456"), ("ups.id", "12345678901234567"), ("ups.id", '"two words"'),
        ("ups.id", '"x y z" extra words'), ("ups.id", "a=b"), ("ups.status", '"OL CHRG"'),
        ("ups.mfr", "x" * 32), ("ups.mfr", "x" * 33), ("ups.mfr", "y" * 600), ("ups.model", "z"),
        ("device.type", "pdu"), ("driver.name", "x"), ("driver.version", "x"), ("ups.status", "OL"),
    ]
    script = [("a", "USERNAME admin"), ("a", "PASSWORD secret")]
    for name, value in values:
        script += [("a", f"SET VAR Alpha {name} {value}"), ("a", f"GET VAR Alpha {name}?"),
                   ("b", f"GET TYPE Alpha {name}")]
    script += [("b", "LIST RW Alpha?"), ("b", "LIST VAR Alpha?")]
    pair.play(script)
    pair.verdict(3 * len(values))


def test_tracking(pair):
    tracked = []
    for server in pair.servers:
        with server.client() as client, server.client() as other:
            client.authenticate("admin", "secret")
            other.authenticate("nosuch", "wrong")
            answers = [client.ask("GET TRACKING")]
            answers.append(client.ask("GET TRACKING 11111111-1111-4111-8111-111111111111"))
            answers.append(client.ask("SET TRACKING ON"))
            answers.append(client.ask("GET TRACKING"))
            for request in ("INSTCMD Alpha load.off", "SET VAR Alpha ups.id tracked",
                            "INSTCMD Alpha load.off 7"):
                done = client.ask(request)
                assert re.fullmatch(rf"OK TRACKING {UUID}", done), (request, done)
                number = done.split()[2]
                wait_until(lambda: client.ask(f"GET TRACKING {number}") != "PENDING",
                           f"the outcome of {request}")
                answers += [done, client.ask(f"GET TRACKING {number}"),
                            client.ask(f"GET TRACKING {number.lower()}"),
                            other.ask(f"GET TRACKING {number}"), other.ask("SET TRACKING on"),
                            other.ask(f"GET TRACKING {number} extra"), other.ask("SET TRACKING off")]
            answers += client.ask_all([
                "GET TRACKING 11111111-1111-4111-8111-111111111111", "GET TRACKING x",
                'GET TRACKING ""', "INSTCMD Alpha no.such", "SET VAR Alpha no.such 1",
                "SET VAR nosuch ups.id 1", "SET TRACKING", "SET TRACKING x", "SET TRACKING off",
                "GET TRACKING", "INSTCMD Alpha load.off"])
            tracked.append(answers)
    for theirs, ours in zip(*tracked):
        pair.compare("tracking", theirs, ours)
    pair.verdict(30)


# Logins and forced shutdown -------------------------------------------------------------------

def test_logins_are_counted(pair):
    login = [("USERNAME secondary"), ("PASSWORD sepw"), ("LOGIN apc")]
    script = [("watch", "GET NUMLOGINS apc?")]
    for who in ("a", "b", "c"):
        script += [(who, line) for line in login]
        script += [("watch", "GET NUMLOGINS apc"), ("watch", "LIST CLIENT APC")]
    script += [("a", "LOGIN eaton"), ("a", "LOGIN apc"), ("a", "LOGIN nosuch"),
               ("b", "close"), ("watch", "GET NUMLOGINS apc?"), ("watch", "LIST CLIENT apc?"),
               ("c", "LOGOUT"), ("c", "close"), ("watch", "GET NUMLOGINS apc?"),
               ("a", "close"), ("watch", "GET NUMLOGINS apc?"), ("watch", "LIST CLIENT apc?"),
               ("watch", "GET NUMLOGINS nosuch"), ("watch", "LIST CLIENT nosuch")]
    pair.play(script)
    pair.verdict(len(script) - 3)


def test_newest_client_is_listed_first(pair):
    """All come from one address, so it is the count that shows here."""
    script = []
    for number in range(5):
        script += [(number, "USERNAME primary"), (number, "PASSWORD prpw"), (number, "LOGIN apc"),
                   (number, "LIST CLIENT apc"), (number, "PRIMARY apc")]
    pair.play(script)
    pair.verdict(25)


def test_forced_shutdown(pair):
    script = [
        ("w", "GET VAR doomed ups.status"), ("w", "LIST RW doomed"),
        ("s", "USERNAME secondary"), ("s", "PASSWORD sepw"), ("s", "LOGIN doomed"), ("s", "FSD doomed"),
        ("p", "USERNAME primary"), ("p", "PASSWORD prpw"), ("p", "LOGIN doomed"),
        ("p", "PRIMARY doomed"), ("p", "FSD Doomed"), ("w", "GET VAR doomed ups.status"),
        ("w", "GET VAR Doomed Ups.Status"), ("p", "FSD doomed"), ("w", "LIST VAR doomed"),
        ("w", "LIST RW doomed"), ("w", "GET TYPE doomed ups.status"), ("w", "GET NUMLOGINS doomed"),
        ("w", "GET VAR eaton ups.status"), ("s", "GET VAR doomed ups.status"),
        ("s", "close"), ("w", "GET NUMLOGINS doomed?"), ("p", "close"),
        ("w", "GET NUMLOGINS doomed?"), ("w", "GET VAR doomed ups.status"),
        ("x", "USERNAME admin"), ("x", "PASSWORD secret"), ("x", "FSD doomed"),
        ("x", "SET VAR doomed ups.status OB"), ("x", "GET VAR doomed ups.status?"),
        ("x", "LIST RW doomed?"), ("x", "SET VAR doomed ups.status \"FSD OB LB\""),
        ("x", "GET VAR doomed ups.status?"), ("x", "SET VAR doomed ups.status OL"),
        ("x", "GET VAR doomed ups.status?"),
    ]
    pair.play(script)
    pair.verdict(len(script) - 2)


# Changes of the file --------------------------------------------------------------------------

@pytest.mark.parametrize("status", ["OB", "OB LB", "OL CHRG", "OL", "OB DISCHRG LB RB", "OL"])
def test_changed_files_are_seen_alike(pair, servers, status):
    device = next(d for d in servers[0].devices if d.name == "ignored")
    device.change(ups__status=status, battery__charge="50")
    pair.play([("a", "GET VAR ignored ups.status?"), ("a", "LIST VAR ignored?")])
    pair.verdict(2)


def test_values_that_come_and_go(pair, servers):
    device = next(d for d in servers[0].devices if d.name == "low")
    texts = [THRESHOLDS + more
             for more in ("ups.temperature: 40\n", 'ups.temperature: ""\n', "ups.temperature: 41\n",
                          "ups.alarm: [Hot] [Loud]\n", 'ups.alarm: ""\n')]
    texts.append(THRESHOLDS.replace("battery.charge: 15", "battery.charge: 80"))
    texts.append(THRESHOLDS.replace("ups.status: OL", "ups.status: OB"))
    for text in texts:
        device.write(text)
        pair.play([("a", "LIST VAR low?")])
    pair.verdict(len(texts))


# Devices without readings ---------------------------------------------------------------------

def gated(ups):
    """Everything that can be asked of a device, by one who may do all of it."""
    script = [("w", f"{request} {ups} {name}".strip())
              for request, names in [
                  ("GET VAR", ["ups.status", "no.such", "server.version", ""]),
                  ("GET TYPE", ["ups.status", "no.such"]), ("GET DESC", ["ups.status"]),
                  ("GET CMDDESC", ["load.off"]), ("GET UPSDESC", [""]), ("GET NUMLOGINS", [""]),
                  ("LIST VAR", [""]), ("LIST RW", [""]), ("LIST CMD", [""]), ("LIST CLIENT", [""]),
                  ("LIST ENUM", ["ups.status", "no.such", ""]), ("LIST RANGE", ["ups.status"])]
              for name in names]
    for who, user, password in (("a", "admin", "secret"), ("p", "primary", "prpw"),
                                ("n", "nobody", "nopw")):
        script += [(who, f"USERNAME {user}"), (who, f"PASSWORD {password}")]
        script += [(who, request.format(ups)) for request in (
            "SET VAR {} ups.id x", "SET VAR {} no.such x", "SET VAR {}", "INSTCMD {} load.off",
            "INSTCMD {} no.such", "INSTCMD {}", "PRIMARY {}", "MASTER {}", "LOGIN {}",
            "GET NUMLOGINS {}", "LIST CLIENT {}", "FSD {}", "GET VAR {} ups.status")]
    return script + [("w", "LIST UPS")]


def test_a_device_without_a_driver(pair):
    script = gated("dead") + gated("DEAD")
    pair.play(script)
    pair.verdict(len(script))


def test_a_device_that_falls_silent(pair, servers):
    """NUT's driver is stopped; ours gets a file it cannot read. Then both come back."""
    theirs, ours = servers
    device = next(d for d in ours.devices if d.name == "mortal")
    driver = theirs.driver("mortal")
    driver.signal(signal.SIGSTOP)
    try:
        device.write("\x01 no text\n")
        for server in servers:
            with server.client() as client:
                wait_until(lambda: client.ask("GET VAR mortal ups.load") == "ERR DATA-STALE",
                           "the readings grow stale", 60)
        script = gated("mortal")
        pair.play(script)
        pair.verdict(len(script))
        device.write(ON_LINE.replace("ups.load: 23", "ups.load: 77"))
    finally:
        driver.signal(signal.SIGCONT)
    for server in servers:
        with server.client() as client:
            wait_until(lambda: client.value("mortal", "ups.load") == "77", "it is back", 60)
    script = [("w", f"{request} mortal") for request in ("LIST VAR", "LIST RW", "LIST CMD",
                                                         "GET NUMLOGINS", "LIST CLIENT")]
    pair.play(script)
    pair.verdict(len(script))
