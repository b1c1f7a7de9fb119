/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: what net-snmp's libraries lend to AgentX: the encoding of its PDUs, on a connected
 * socket of ours. The constants and the codec are not in the library's installed headers. Source:
 * RFC 2741 sections 6.1 and 6.2 (PDU types, flags, errors).
 */
#ifndef UPSBRIDGE_AGENT_AGENTX_LIBRARY_H
#define UPSBRIDGE_AGENT_AGENTX_LIBRARY_H

#include "agent/netsnmp.h"

/* The library's name for the protocol among versions of SNMP. */
#define AGENTX_VERSION_1 (192 | 1)

/* What is sent at most, and the header before a PDU's payload (RFC 2741 section 6.1). */
#define AGENTX_PDU_SIZE_MAX 65536
#define AGENTX_HEADER_SIZE 20

enum agentx_pdu {
    AGENTX_UNREADABLE, /* none of the RFC's: a request the library could not decode */
    AGENTX_OPEN = 1,
    AGENTX_CLOSE,
    AGENTX_REGISTER,
    AGENTX_UNREGISTER,
    AGENTX_GET,
    AGENTX_GETNEXT,
    AGENTX_GETBULK,
    AGENTX_TESTSET,
    AGENTX_COMMITSET,
    AGENTX_UNDOSET,
    AGENTX_CLEANUPSET,
    AGENTX_NOTIFY,
    AGENTX_PING,
    AGENTX_ADD_AGENT_CAPABILITIES = 16,
    AGENTX_RESPONSE = 18,
};

enum agentx_flag { AGENTX_NON_DEFAULT_CONTEXT = 0x08, AGENTX_NETWORK_BYTE_ORDER = 0x10 };

enum agentx_error {
    AGENTX_OPEN_FAILED = 256,
    AGENTX_NOT_OPEN = 257,
    AGENTX_UNSUPPORTED_CONTEXT = 262,
    AGENTX_DUPLICATE_REGISTRATION = 263,
    AGENTX_PARSE_FAILED = 266,
    AGENTX_REQUEST_DENIED = 267,
    AGENTX_PROCESSING_ERROR = 268,
};

const char *agentx_error_text(long error);

/*
 * A session of the library's single-session kind over a connected, non-blocking stream socket,
 * which is then the session's. Closed by snmp_sess_close(). NULL: out of memory, the socket is
 * closed.
 */
void *agentx_library_open(netsnmp_session *session, int descriptor);

/* Sends a Close PDU without waiting for an answer. */
void agentx_library_say_goodbye(void *session);

#endif
