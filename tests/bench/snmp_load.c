/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loads an SNMP agent (v2c over UDP) with as little work of its own as can be: a request is a
 * prepared datagram whose request-id changes. WINDOW requesters work side by side on one socket.
 *
 *   snmp_load PORT SECONDS WINDOW COMMUNITY get OID
 *   snmp_load PORT SECONDS WINDOW COMMUNITY walk OID
 *   snmp_load PORT SECONDS WINDOW COMMUNITY echo OID
 *
 * get asks for one object; its value must stay the same. walk goes through a subtree by GETBULK;
 * each walk must meet the same number of objects. echo is get without a look at the answer, for a
 * server that only sends datagrams back. Prints how many gets or walks there were in how many
 * seconds. OID: numbers, each below 2^28.
 */
#include "bench.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define DATAGRAM_SIZE 65536
#define REQUEST_SIZE 512
#define OID_SIZE 128 /* encoded */
#define WINDOW_MAX 256u
#define REPETITIONS 20
#define TIMEOUT_NS (5 * UINT64_C(1000000000))

enum tag {
    TAG_INTEGER = 0x02,
    TAG_STRING = 0x04,
    TAG_NULL = 0x05,
    TAG_OID = 0x06,
    TAG_SEQUENCE = 0x30,
    TAG_NO_OBJECT = 0x80,
    TAG_END_OF_VIEW = 0x82,
    TAG_GET = 0xa0,
    TAG_RESPONSE = 0xa2,
    TAG_BULK = 0xa5,
};

struct bytes {
    const unsigned char *at;
    size_t length;
};

struct oid {
    unsigned char bytes[OID_SIZE];
    size_t length;
};

/* A request under construction, from its end to its beginning. */
struct request {
    unsigned char bytes[REQUEST_SIZE];
    size_t start;
    size_t id; /* where the four bytes of the request-id are */
};

struct requester {
    struct request request;
    uint32_t id;     /* of the request under way; its low byte names the requester */
    unsigned passed; /* objects met on this walk */
};

struct load {
    int descriptor;
    const char *community;
    bool walk, echo;
    struct oid root;
    unsigned window;
    struct requester requesters[WINDOW_MAX];
    unsigned objects;   /* of a whole walk; 0: not known yet */
    struct bytes value; /* of the first answer to get */
    uint64_t answered;
};

/* Encoding ----------------------------------------------------------------------------------- */

static void put(struct request *request, const void *bytes, size_t length)
{
    if (length > request->start)
        fail("the request is too long");
    request->start -= length;
    memcpy(request->bytes + request->start, bytes, length);
}

/* The head of what reaches from here to `end`. */
static void put_head(struct request *request, enum tag tag, size_t end)
{
    size_t length = end - request->start;
    unsigned char head[] = { (unsigned char)tag, 0x82, (unsigned char)(length >> 8),
                             (unsigned char)length };

    if (length < 128) {
        head[1] = (unsigned char)length;
        put(request, head, 2);
    } else {
        put(request, head, 4);
    }
}

static void put_integer(struct request *request, unsigned char value)
{
    put(request, &(unsigned char[]){ TAG_INTEGER, 1, value }, 3);
}

static void make_request(const struct load *load, struct request *request, struct bytes oid)
{
    size_t end = request->start = sizeof request->bytes;

    put(request, &(unsigned char[]){ TAG_NULL, 0 }, 2);
    size_t after_oid = request->start;
    put(request, oid.at, oid.length);
    put_head(request, TAG_OID, after_oid);
    put_head(request, TAG_SEQUENCE, end);
    put_head(request, TAG_SEQUENCE, end);
    put_integer(request, load->walk ? REPETITIONS : 0);
    put_integer(request, 0);
    put(request, &(unsigned char[]){ TAG_INTEGER, 4, 0, 0, 0, 0 }, 6);
    request->id = request->start + 2;
    put_head(request, load->walk ? TAG_BULK : TAG_GET, end);
    size_t before_pdu = request->start;
    put(request, load->community, strlen(load->community));
    put_head(request, TAG_STRING, before_pdu);
    put_integer(request, 1); /* the version: v2c */
    put_head(request, TAG_SEQUENCE, end);
}

static void oid_add(struct oid *oid, unsigned long number)
{
    int bits = 0;

    if (number >= 1ul << 28 || oid->length > OID_SIZE - 4)
        fail("the OID is too long");
    while (number >> bits >= 128)
        bits += 7;
    for (; bits >= 0; bits -= 7)
        oid->bytes[oid->length++] =
            (unsigned char)((number >> bits & 0x7f) | (bits > 0 ? 0x80u : 0));
}

static struct oid parse_oid(const char *text)
{
    struct oid oid = { 0 };
    char *end;

    if (strncmp(text, ".1.3.", 5) != 0)
        fail("the OID must begin with .1.3.");
    oid_add(&oid, 43);
    for (text += 4; *text == '.'; text = end) {
        unsigned long number = strtoul(text + 1, &end, 10);

        if (end == text + 1)
            fail("the OID is not a row of numbers");
        oid_add(&oid, number);
    }
    return oid;
}

/* Decoding ----------------------------------------------------------------------------------- */

/* Takes one element off; returns its content. */
static struct bytes take(struct bytes *from, unsigned char *tag)
{
    size_t head = 2;

    if (from->length < 2)
        fail("an answer is cut short");
    size_t length = from->at[1];
    *tag = from->at[0];
    if (length >= 0x80) {
        size_t count = length & 0x7f;

        length = 0;
        head += count;
        for (size_t i = 0; i < count && 2 + i < from->length; i++)
            length = length << 8 | from->at[2 + i];
    }
    if (head > from->length || length > from->length - head)
        fail("an answer is cut short");
    struct bytes content = { from->at + head, length };
    from->at += head + length;
    from->length -= head + length;
    return content;
}

static struct bytes expect(struct bytes *from, enum tag wanted)
{
    unsigned char tag;
    struct bytes content = take(from, &tag);

    if (tag != wanted)
        fail("an answer is not of the form expected");
    return content;
}

static uint32_t number_of(struct bytes content)
{
    uint32_t number = 0;

    for (size_t i = 0; i < content.length; i++)
        number = number << 8 | content.at[i];
    return number;
}

/* The variable bindings of an answer without error, and the request it answers. */
static struct bytes bindings_of(struct bytes datagram, uint32_t *id)
{
    struct bytes message = expect(&datagram, TAG_SEQUENCE);

    expect(&message, TAG_INTEGER);
    expect(&message, TAG_STRING);
    struct bytes pdu = expect(&message, TAG_RESPONSE);
    *id = number_of(expect(&pdu, TAG_INTEGER));
    if (number_of(expect(&pdu, TAG_INTEGER)) != 0)
        fail("the agent answered with an error");
    expect(&pdu, TAG_INTEGER);
    return expect(&pdu, TAG_SEQUENCE);
}

/* Load --------------------------------------------------------------------------------------- */

static struct bytes root_of(const struct load *load)
{
    return (struct bytes){ load->root.bytes, load->root.length };
}

static void ask(struct load *load, struct requester *requester)
{
    struct request *request = &requester->request;

    /* Never negative, so that four bytes always hold it. */
    requester->id = (requester->id + 0x100) & 0x7fffffff;
    for (int i = 0; i < 4; i++)
        request->bytes[request->id + (size_t)i] = (unsigned char)(requester->id >> (24 - 8 * i));
    size_t length = sizeof request->bytes - request->start;
    if (send(load->descriptor, request->bytes + request->start, length, 0) != (ssize_t)length)
        fail_errno("send");
}

static void take_get(struct load *load, struct bytes bindings)
{
    unsigned char tag;
    struct bytes binding = expect(&bindings, TAG_SEQUENCE);

    expect(&binding, TAG_OID);
    struct bytes value = binding;
    take(&binding, &tag);
    if (tag >= TAG_NO_OBJECT && tag <= TAG_END_OF_VIEW)
        fail("there is no such object");
    if (load->value.at == NULL) {
        load->value = (struct bytes){ malloc(value.length), value.length };
        if (load->value.at == NULL)
            fail_errno("value");
        memcpy((void *)(uintptr_t)load->value.at, value.at, value.length);
    }
    if (value.length != load->value.length || memcmp(value.at, load->value.at, value.length) != 0)
        fail("the object's value has changed");
    load->answered++;
}

static void end_walk(struct load *load, struct requester *requester)
{
    if (requester->passed == 0 || (load->objects > 0 && requester->passed != load->objects))
        fail("the walk did not meet the objects it should have");
    load->objects = requester->passed;
    requester->passed = 0;
    load->answered++;
    make_request(load, &requester->request, root_of(load));
}

static void take_bulk(struct load *load, struct requester *requester, struct bytes bindings)
{
    struct bytes root = root_of(load);
    struct bytes last = { 0 };
    unsigned char tag;

    while (bindings.length > 0) {
        struct bytes binding = expect(&bindings, TAG_SEQUENCE);

        last = expect(&binding, TAG_OID);
        take(&binding, &tag);
        if (tag == TAG_END_OF_VIEW || last.length < root.length ||
            memcmp(last.at, root.at, root.length) != 0) {
            end_walk(load, requester);
            return;
        }
        requester->passed++;
    }
    if (last.at == NULL)
        fail("an answer to GETBULK is empty");
    make_request(load, &requester->request, last);
}

/*
 * Waits without sleeping: an answer to a sleeper would cost the server the waking too, which on the
 * same machine is as much as the rest.
 */
static size_t receive(const struct load *load, unsigned char *datagram)
{
    uint64_t end = now_ns() + TIMEOUT_NS;
    ssize_t got;

    while ((got = recv(load->descriptor, datagram, DATAGRAM_SIZE, MSG_DONTWAIT)) < 0) {
        if (errno != EAGAIN || now_ns() > end)
            fail_errno("no answer");
    }
    return (size_t)got;
}

/* Takes one answer in and asks the next. */
static void turn(struct load *load, unsigned echoed)
{
    static unsigned char datagram[DATAGRAM_SIZE];
    struct bytes received = { datagram, receive(load, datagram) };
    uint32_t id;

    if (load->echo) {
        load->answered++;
        ask(load, &load->requesters[echoed % load->window]);
        return;
    }
    struct bytes bindings = bindings_of(received, &id);
    struct requester *requester = &load->requesters[id & 0xff];
    if ((id & 0xff) >= load->window || id != requester->id)
        fail("an answer to nothing asked");
    if (load->walk)
        take_bulk(load, requester, bindings);
    else
        take_get(load, bindings);
    ask(load, requester);
}

static int connected_socket(unsigned port)
{
    struct sockaddr_in address = loopback(port);
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (descriptor < 0 || connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0)
        fail_errno("connect");
    return descriptor;
}

int main(int argc, char **argv)
{
    static struct load load;

    if (argc != 7)
        fail("usage: snmp_load PORT SECONDS WINDOW COMMUNITY get|walk|echo OID");
    load.descriptor = connected_socket(number_argument(argv[1], 1));
    double seconds = seconds_argument(argv[2]);
    load.window = number_argument(argv[3], 1);
    load.community = argv[4];
    load.walk = strcmp(argv[5], "walk") == 0;
    load.echo = strcmp(argv[5], "echo") == 0;
    load.root = parse_oid(argv[6]);
    if (load.window > WINDOW_MAX)
        fail("the window is too wide");
    uint64_t begun = now_ns();
    uint64_t end = begun + (uint64_t)(seconds * 1e9);
    for (unsigned i = 0; i < load.window; i++) {
        load.requesters[i].id = i;
        make_request(&load, &load.requesters[i].request, root_of(&load));
        ask(&load, &load.requesters[i]);
    }
    for (unsigned turns = 0; now_ns() < end; turns++)
        turn(&load, turns);
    print_result(load.answered, begun);
    return 0;
}
