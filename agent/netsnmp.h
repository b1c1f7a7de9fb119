/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: net-snmp's headers in the order they need. They define PACKAGE_NAME and its like for
 * themselves, so files that include this leave out our config.h.
 */
#ifndef UPSBRIDGE_AGENT_NETSNMP_H
#define UPSBRIDGE_AGENT_NETSNMP_H

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <net-snmp/agent/net-snmp-agent-includes.h>
#include <net-snmp/library/large_fd_set.h>
#include <net-snmp/library/snmp_transport.h>

#endif
