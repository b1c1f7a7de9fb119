# SPDX-License-Identifier: BSD-2-Clause
"""How upsbridged ends."""

import signal
import time

import pytest

from harness import STOP_DEADLINE


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_does_not_cut_the_stop_short(bridge, number):
    """What must be cleared away at the end would stay: a pid file, the demo's directory."""
    program = bridge.program
    deadline = time.monotonic() + STOP_DEADLINE
    while program.running() and time.monotonic() < deadline:
        program.signal(number)
    assert program.wait() == 0
    bridge.program.process = None
