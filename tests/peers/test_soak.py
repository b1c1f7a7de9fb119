# SPDX-License-Identifier: BSD-2-Clause
"""The soak of soak.py for a minute; `make soak` and tests/soak --hours are longer ones."""

import pytest

from soak import Soak

MINUTE = 60


@pytest.mark.peers("snmpbulkwalk")
@pytest.mark.snmp_face
@pytest.mark.tls
def test_a_minute_of_everything_leaves_nothing_behind(stage):
    soak = Soak(stage.binary, stage.directory, MINUTE)
    stage.add(soak, soak.bridge.program)
    soak.start()
    soak.run()
    # AddressSanitizer keeps what was freed for a while, to see it used.
    sanitized = soak.bridge.memory("VmSize") > 1 << 30
    soak.assert_flat(memory=not sanitized)
    soak.assert_quiet_in_the_end()
    assert soak.sessions.value and soak.vanishing.connections and soak.reloads and soak.refused
