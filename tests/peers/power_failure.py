#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
The exercise that all of this is for: a site's power fails, again and again. One upsbridged, one
upsmon that is primary, many that are secondaries, all of them NUT's own programs; a UPS that goes
from on line to battery to low battery to off and comes back. Each host must be shut down exactly
once, none before the battery is low, the primary last of all; and none at all when the power
returns in time, whatever happens to upsbridged meanwhile.

Times and mishaps are drawn from a seed, so that a run can be repeated:

    power_failure.py [--rounds N] [--secondaries N] [--seed N] UPSBRIDGED
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from harness import LOOPBACK, ON_LINE, Bridge, Device, Upsmon, wait_until

# Fifty upsmons on a busy machine.
DEADLINE = 120


class Exercise:
    """A site of hosts that hang on one UPS."""

    def __init__(self, binary, directory, seed, secondaries, say=lambda text: None):
        self.say = say
        self.chance = random.Random(seed)
        self.bridge = Bridge(binary, Path(directory) / "bridge", [Device("ups", ON_LINE)])
        server = f"ups@{LOOPBACK}:{self.bridge.port} 1"
        # No host gives up waiting for another within a round.
        self.primary = Upsmon("primary", directory, f"{server} primary prpw primary",
                              "HOSTSYNC 300\n")
        self.secondaries = [
            Upsmon(f"secondary-{number}", directory, f"{server} secondary sepw secondary",
                   "HOSTSYNC 300\n") for number in range(1, secondaries + 1)]
        self.hosts = [self.primary, *self.secondaries]
        self.mishaps = {
            "a reload": self.bridge.reload,
            "a restart": self.restart,
            "a crash": self.crash,
            "a secondary that starts anew": self.secondary_starts_anew,
            "a client in a hurry": self.client_in_a_hurry,
            "nothing": lambda: None,
        }

    def programs(self):
        return [self.bridge.program, *(host.program for host in self.hosts)]

    def start(self):
        self.bridge.start()
        self.boot_hosts()

    def stop(self):
        for host in self.hosts:
            host.stop()
        self.bridge.stop()

    def boot_hosts(self):
        for host in self.hosts:
            host.start()
        self.wait_logins(len(self.hosts))

    def wait_logins(self, count):
        self.bridge.wait_answer("GET NUMLOGINS ups", f"NUMLOGINS ups {count}", DEADLINE)

    def become(self, status):
        self.bridge.device("ups").change(ups__status=status)
        self.bridge.wait_value("ups", "ups.status", status)

    # A host notices what lasts longer than a second: both sides of that are drawn.
    def a_while(self):
        time.sleep(self.chance.uniform(0.0, 2.5))

    def nobody_is_down(self):
        for host in self.hosts:
            host.program.assert_running()
            assert not host.shutdowns(), f"{host.program.name} was shut down early"
            assert "FSD" not in host.notices(), f"{host.program.name} was told FSD"

    # What may happen in the midst of an outage ------------------------------------------------

    def restart(self):
        self.bridge.stop()
        self.bridge.start()
        self.wait_logins(len(self.hosts))

    def crash(self):
        self.bridge.kill()
        self.bridge.start()
        self.wait_logins(len(self.hosts))

    def secondary_starts_anew(self):
        host = self.chance.choice(self.secondaries)
        host.program.kill()
        self.wait_logins(len(self.hosts) - 1)
        host.start()
        self.wait_logins(len(self.hosts))

    def client_in_a_hurry(self):
        for _ in range(200):
            with self.bridge.client() as client:
                assert client.ask("GET VAR ups ups.status").startswith("VAR ups ups.status")

    def mishap(self):
        name = self.chance.choice(list(self.mishaps))
        self.say(f"on battery, {name}")
        self.mishaps[name]()

    # A round ------------------------------------------------------------------------------------

    def power_returns_in_time(self):
        self.become("OB DISCHRG")
        self.a_while()
        self.mishap()
        self.a_while()
        self.become("OL CHRG")
        self.nobody_is_down()

    def battery_runs_low(self):
        self.become("OB DISCHRG")
        self.a_while()
        self.mishap()
        self.a_while()
        self.nobody_is_down()
        self.say("battery low")
        low = time.time()
        self.bridge.device("ups").change(ups__status="OB DISCHRG LB")
        wait_until(lambda: all(host.shutdown_ordered() for host in self.hosts),
                   "every host orders its shutdown", DEADLINE)
        for host in self.hosts:
            host.program.wait(DEADLINE)
        self.bridge.wait_value("ups", "ups.status", "FSD OB DISCHRG LB")
        self.wait_logins(0)
        for host in self.hosts:
            assert len(host.shutdowns()) == 1, f"{host.program.name}: {host.shutdowns()}"
            assert host.shutdowns()[0] >= low, f"{host.program.name} did not wait for LB"
        last = max(host.shutdowns()[0] for host in self.secondaries)
        assert self.primary.shutdowns()[0] >= last, "the primary did not wait for a secondary"

    def dark_and_back(self):
        """The primary's host goes down with upsbridged on it, and all boot when power is back."""
        if self.chance.random() < 0.5:
            self.bridge.stop()
        else:
            self.bridge.kill()
        self.bridge.device("ups").change(ups__status="OL CHRG")
        for host in self.hosts:
            host.forget()
        self.bridge.start()
        self.bridge.wait_value("ups", "ups.status", "OL CHRG")
        self.boot_hosts()

    def round(self):
        for _ in range(self.chance.randrange(3)):
            self.power_returns_in_time()
        self.battery_runs_low()
        self.dark_and_back()
        self.nobody_is_down()


def main():
    parser = argparse.ArgumentParser(description="Power failures with NUT's upsmon as hosts")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--secondaries", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("upsbridged")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        exercise = Exercise(given.upsbridged, directory, given.seed, given.secondaries,
                            lambda text: print("   ", text, flush=True))
        try:
            exercise.start()
            for number in range(1, given.rounds + 1):
                print(f"round {number} of {given.rounds}", flush=True)
                exercise.round()
            exercise.stop()
        except AssertionError:
            for program in exercise.programs():
                print(f"-- log of {program.name}\n{program.log()[-3000:]}", file=sys.stderr)
                program.kill()
            raise
    print(f"{given.rounds} power failures, {given.secondaries + 1} hosts: each was shut down once "
          "in each, and none early")


if __name__ == "__main__":
    main()
