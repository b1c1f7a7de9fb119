/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/datagrams.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Room for what the kernel tells of a datagram, and is told of one. */
union control {
    struct cmsghdr aligned;
    char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
};

static struct in_pktinfo *packet_info(struct cmsghdr *header)
{
    return (struct in_pktinfo *)(void *)CMSG_DATA(header);
}

/* The port is the socket's, whatever the address. */
static in_port_t local_port(const netsnmp_transport *transport)
{
    struct sockaddr_in local = { .sin_port = 0 };

    if (transport->local != NULL && transport->local_length == sizeof local)
        memcpy(&local, transport->local, sizeof local);
    return local.sin_port;
}

/* Where it came to. */
static void note_destination(const netsnmp_transport *transport, struct msghdr *message,
                             netsnmp_indexed_addr_pair *pair)
{
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL;
         header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level != IPPROTO_IP || header->cmsg_type != IP_PKTINFO)
            continue;
        pair->local_addr.sin.sin_family = AF_INET;
        pair->local_addr.sin.sin_port = local_port(transport);
        pair->local_addr.sin.sin_addr = packet_info(header)->ipi_addr;
        pair->if_index = packet_info(header)->ipi_ifindex;
    }
}

static int receive(netsnmp_transport *transport, void *buffer, int size, void **opaque,
                   int *opaque_length)
{
    netsnmp_indexed_addr_pair *pair = calloc(1, sizeof *pair);
    union control control;
    struct iovec data = { .iov_base = buffer, .iov_len = (size_t)size };
    struct msghdr message = { .msg_name = pair == NULL ? NULL : &pair->remote_addr.sin,
                              .msg_namelen = sizeof pair->remote_addr.sin,
                              .msg_iov = &data,
                              .msg_iovlen = 1,
                              .msg_control = &control,
                              .msg_controllen = sizeof control };
    ssize_t got = -1;

    *opaque = NULL;
    *opaque_length = 0;
    if (pair == NULL)
        return -1;
    do
        got = recvmsg(transport->sock, &message, MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got < 0) {
        free(pair);
        return -1;
    }
    note_destination(transport, &message, pair);
    *opaque = pair;
    *opaque_length = sizeof *pair;
    return (int)got;
}

static int transmit(netsnmp_transport *transport, const void *buffer, int size, void **opaque,
                    int *opaque_length)
{
    netsnmp_indexed_addr_pair *pair =
        opaque == NULL || *opaque == NULL || *opaque_length != sizeof *pair ? NULL : *opaque;
    union control control = { 0 };
    struct iovec data = { .iov_base = (void *)(uintptr_t)buffer, .iov_len = (size_t)size };
    ssize_t sent;

    if (pair == NULL) {
        errno = EDESTADDRREQ;
        return -1;
    }
    struct msghdr message = { .msg_name = &pair->remote_addr.sin,
                              .msg_namelen = sizeof pair->remote_addr.sin,
                              .msg_iov = &data,
                              .msg_iovlen = 1 };
    if (pair->local_addr.sin.sin_family == AF_INET) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);

        header->cmsg_level = IPPROTO_IP;
        header->cmsg_type = IP_PKTINFO;
        header->cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo));
        packet_info(header)->ipi_spec_dst = pair->local_addr.sin.sin_addr;
        packet_info(header)->ipi_ifindex = pair->if_index;
    }
    do
        sent = sendmsg(transport->sock, &message, MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return (int)sent;
}

void datagrams_take_over(netsnmp_transport *transport)
{
    static const int on = 1;
    struct sockaddr_storage local;
    socklen_t length = sizeof local;

    if ((transport->flags & NETSNMP_TRANSPORT_FLAG_STREAM) != 0 ||
        getsockname(transport->sock, (struct sockaddr *)&local, &length) != 0 ||
        local.ss_family != AF_INET ||
        setsockopt(transport->sock, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) != 0)
        return;
    transport->f_recv = receive;
    transport->f_send = transmit;
}
