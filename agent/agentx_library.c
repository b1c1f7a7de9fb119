/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/agentx_library.h"

#include "agent/transport.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLOSE_SHUTDOWN 5 /* reasonShutdown */
/* What a master may send at once; far above what SNMP has a use for. */
#define RECEIVED_SIZE_MAX (1024 * 1024)

/* Exported by the agent library. */
int agentx_parse(netsnmp_session *session, netsnmp_pdu *pdu, u_char *data, size_t length);
int agentx_realloc_build(netsnmp_session *session, netsnmp_pdu *pdu, u_char **buffer,
                         size_t *buffer_length, size_t *out_length);
int agentx_check_packet(u_char *packet, size_t length);

const char *agentx_error_text(long error)
{
    static const struct {
        enum agentx_error error;
        const char *text;
    } texts[] = {
        { AGENTX_OPEN_FAILED, "openFailed" },
        { AGENTX_NOT_OPEN, "notOpen" },
        { AGENTX_UNSUPPORTED_CONTEXT, "unsupportedContext" },
        { AGENTX_DUPLICATE_REGISTRATION, "duplicateRegistration" },
        { AGENTX_PARSE_FAILED, "parseFailed" },
        { AGENTX_REQUEST_DENIED, "requestDenied" },
        { AGENTX_PROCESSING_ERROR, "processingError" },
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i].error == error)
            return texts[i].text;
    }
    return "an error of its own";
}

/* The library's transport, reduced to a socket that never blocks. ---------------------------- */

static int receive(netsnmp_transport *transport, void *buffer, int size, void **opaque,
                   int *opaque_length)
{
    *opaque = NULL;
    *opaque_length = 0;
    ssize_t received = recv(transport->sock, buffer, (size_t)size, MSG_DONTWAIT);
    if (received >= 0 || (errno != EAGAIN && errno != EINTR))
        return (int)received;
    /* Nothing there after all: the library would take it for the end. */
    transport->flags |= NETSNMP_TRANSPORT_FLAG_EMPTY_PKT;
    return 0;
}

/* A master that lets its socket fill up is as good as gone: half a PDU could never be mended. */
static int transmit(netsnmp_transport *transport, const void *buffer, int size, void **opaque,
                    int *opaque_length)
{
    ssize_t sent = send(transport->sock, buffer, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL);

    (void)opaque;
    (void)opaque_length;
    if (sent == size)
        return size;
    if (sent >= 0)
        errno = EMSGSIZE;
    return -1;
}

/*
 * The length of the PDU that begins here; 0: not known yet. The library would wait for one of 2 GB,
 * and for one whose length overflows for ever; what is above its own limit ends the session.
 */
static int check_packet(u_char *packet, size_t length)
{
    int size = agentx_check_packet(packet, length);

    if (length < AGENTX_HEADER_SIZE)
        return 0;
    return size < AGENTX_HEADER_SIZE || size > RECEIVED_SIZE_MAX ? -1 : size;
}

static uint32_t header_number(const u_char *bytes, bool network_byte_order)
{
    uint32_t number = 0;

    for (size_t i = 0; i < 4; i++)
        number = number << 8 | bytes[network_byte_order ? i : 3 - i];
    return number;
}

/*
 * The library drops what it cannot decode, and every PDU above 64 KB, which a manager can cause by
 * naming many instances. The master would wait for the answer, then end the session.
 */
static int parse(netsnmp_session *session, netsnmp_pdu *pdu, u_char *data, size_t length)
{
    int result = agentx_parse(session, pdu, data, length);

    if (result == SNMP_ERR_NOERROR || length < AGENTX_HEADER_SIZE || data[0] != 1 ||
        data[1] == AGENTX_RESPONSE)
        return result;
    bool network_byte_order = (data[2] & AGENTX_NETWORK_BYTE_ORDER) != 0;
    snmp_free_varbind(pdu->variables);
    pdu->variables = NULL;
    pdu->version = AGENTX_VERSION_1;
    pdu->command = AGENTX_UNREADABLE;
    pdu->flags = data[2] & AGENTX_NETWORK_BYTE_ORDER;
    pdu->sessid = (long)header_number(data + 4, network_byte_order);
    pdu->transid = (long)header_number(data + 8, network_byte_order);
    pdu->reqid = (long)header_number(data + 12, network_byte_order);
    return SNMP_ERR_NOERROR;
}

void *agentx_library_open(netsnmp_session *session, int descriptor)
{
    netsnmp_transport *transport =
        transport_new(descriptor, AGENTX_PDU_SIZE_MAX, receive, transmit);

    if (transport == NULL)
        return NULL;
    transport->flags = NETSNMP_TRANSPORT_FLAG_STREAM | NETSNMP_TRANSPORT_FLAG_OPENED;
    return snmp_sess_add_ex(session, transport, NULL, parse, NULL, NULL, agentx_realloc_build,
                            check_packet, NULL);
}

static int ignore(int operation, netsnmp_session *session, int request, netsnmp_pdu *pdu,
                  void *magic)
{
    (void)operation;
    (void)session;
    (void)request;
    (void)pdu;
    (void)magic;
    return 1;
}

void agentx_library_say_goodbye(void *session)
{
    netsnmp_pdu *pdu = snmp_pdu_create(AGENTX_CLOSE);

    if (pdu == NULL)
        return;
    pdu->version = AGENTX_VERSION_1;
    pdu->sessid = snmp_sess_session(session)->sessid;
    pdu->errstat = CLOSE_SHUTDOWN;
    if (snmp_sess_async_send(session, pdu, ignore, NULL) == 0)
        snmp_free_pdu(pdu);
}
