# SPDX-License-Identifier: BSD-2-Clause
# ufw(8): copy to /etc/ufw/applications.d/upsbridge, then for the hosts that run upsmon
#   ufw allow from 192.0.2.0/24 to any app upsbridge
# and for SNMP managers, unless snmpd(8) has the port
#   ufw allow from 192.0.2.7 to any app upsbridge-snmp
# and for controllers, with MODBUS listen
#   ufw allow from 192.0.2.8 to any app upsbridge-modbus

[upsbridge]
title=UPS bridge, NUT clients
description=Network UPS Tools clients such as upsmon and upsc
ports=3493/tcp

[upsbridge-snmp]
title=UPS bridge, SNMP managers
description=SNMP managers, where upsbridged is an agent of its own
ports=161/udp

[upsbridge-modbus]
title=UPS bridge, Modbus clients
description=Controllers and building management, with MODBUS listen
ports=502/tcp
