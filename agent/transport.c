/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/transport.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int shut(netsnmp_transport *transport)
{
    if (transport->sock >= 0)
        close(transport->sock);
    transport->sock = -1;
    return 0;
}

static char *format_address(netsnmp_transport *transport, const void *data, int length)
{
    (void)transport;
    (void)data;
    (void)length;
    return strdup("the peer of a session of ours");
}

netsnmp_transport *transport_new(int descriptor, size_t size, transport_receive *receive,
                                 transport_transmit *transmit)
{
    static const oid domain[] = { 0, 0 };
    netsnmp_transport *transport = calloc(1, sizeof *transport);

    if (transport == NULL) {
        int saved_errno = errno;

        close(descriptor);
        errno = saved_errno;
        return NULL;
    }
    transport->domain = domain;
    transport->domain_length = OID_LENGTH(domain);
    transport->sock = descriptor;
    transport->msgMaxSize = size;
    transport->f_recv = receive;
    transport->f_send = transmit;
    transport->f_close = shut;
    transport->f_fmtaddr = format_address;
    return transport;
}
