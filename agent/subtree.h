/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: all objects one SNMP context shows, as a sorted array that never changes once it is
 * built, and the search in it for GET and GETNEXT. What moves with the clock (seconds on battery,
 * sysUpTime) is kept as its starting point and told anew with each answer, so that a snapshot holds
 * as long as its device's generation.
 * Source: RFC 3416 section 4.2 (which instance a request names), RFC 2578 (types).
 */
#ifndef UPSBRIDGE_AGENT_SUBTREE_H
#define UPSBRIDGE_AGENT_SUBTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An object identifier's numbers, as net-snmp keeps them. */
typedef unsigned long arc;

/* Numbers of an instance below 1.3.6.1, which all have in common. */
#define SUBTREE_ARCS_MAX 15

/* What answers are reckoned against. */
struct moment {
    uint64_t now;    /* clock_ms() */
    int64_t epoch;   /* clock_ms() when sysUpTime was 0; a remote master's may be below 0 */
    uint32_t uptime; /* sysUpTime: hundredths of a second */
};

struct moment moment_at(uint64_t now, int64_t epoch);
/* sysUpTime when something happened; 0 if that was before the epoch, or never. */
uint32_t moment_timestamp(const struct moment *moment, uint64_t happened);

struct subtree;

/* The number and meaning of types is BER's, so that they need no translation (RFC 3416). */
enum subtree_type {
    SUBTREE_INTEGER = 0x02,
    SUBTREE_TEXT = 0x04,
    SUBTREE_OBJECT_ID = 0x06,
    SUBTREE_COUNTER = 0x41,
    SUBTREE_GAUGE = 0x42,
    SUBTREE_TIMETICKS = 0x43,
    SUBTREE_COUNTER64 = 0x46,
};

/* The value of an instance as it is now. bytes live as long as the subtree. */
struct subtree_value {
    enum subtree_type type;
    long number;       /* INTEGER, COUNTER, GAUGE, TIMETICKS */
    uint64_t counter;  /* COUNTER64 */
    const void *bytes; /* TEXT: octets; OBJECT_ID: arcs */
    size_t size;       /* of bytes */
};

/* Building: append in ascending order of object identifiers. ---------------------------------- */

struct subtree_builder;

/* The builder remembers that memory was short; subtree_finish() then says so. */
struct subtree_builder *subtree_begin(void);
/* The next instance: numbers below 1.3.6.1. */
void subtree_name(struct subtree_builder *builder, const arc *arcs, size_t count);
/* Exactly one of these for each subtree_name(): */
void subtree_integer(struct subtree_builder *builder, enum subtree_type type, long number);
void subtree_counter64(struct subtree_builder *builder, uint64_t number);
void subtree_text(struct subtree_builder *builder, const char *text, size_t length);
/* arcs must outlive the subtree: they are not copied. */
void subtree_object_id(struct subtree_builder *builder, const arc *arcs, size_t count);
/* INTEGER: whole seconds since an event; 0 if it never was. */
void subtree_seconds_since(struct subtree_builder *builder, uint64_t happened);
/* INTEGER: whole seconds until something happens, at least 1; -1 when it has. */
void subtree_seconds_until(struct subtree_builder *builder, uint64_t happens);
/* INTEGER: hundredths of a second since an event. */
void subtree_interval_since(struct subtree_builder *builder, uint64_t happened);
/* TIMETICKS: sysUpTime when an event happened. */
void subtree_timestamp(struct subtree_builder *builder, uint64_t happened);
/* The same for the latest of recurring events, whose place must outlive the subtree. */
void subtree_latest(struct subtree_builder *builder, const uint64_t *happened);
/* TIMETICKS: sysUpTime. */
void subtree_uptime(struct subtree_builder *builder);
/* Frees the builder. NULL: out of memory. The result is freed by free(). */
struct subtree *subtree_finish(struct subtree_builder *builder);

/* Joining: several subtrees that are shown as one, each fetched only when it is needed. -------- */

#define SUBTREE_PARTS_MAX 16

/* What a subtree has from one object identifier (1.3.6.1 included) on, up to the next part's. */
struct subtree_part {
    const arc *from;
    size_t length;
    /* NULL: there is nothing here. The result must live until the next subtree_renew(). */
    const struct subtree *(*fetch)(void *owner, unsigned slice);
    unsigned slice; /* for fetch: which, if it has several */
};

/* parts, in ascending order, must outlive the result, which is freed by free(). NULL: no memory. */
struct subtree *subtree_join(const struct subtree_part *parts, size_t count);
/* Forgets what was fetched: to be called before each use, and positions do not outlive it. */
void subtree_renew(struct subtree *joint, void *owner);

/* Searching. --------------------------------------------------------------------------------- */

#define SUBTREE_NONE SIZE_MAX

enum subtree_match { SUBTREE_INSTANCE, SUBTREE_NO_INSTANCE, SUBTREE_NO_OBJECT };

/*
 * GET: looks for the instance named (the whole object identifier, 1.3.6.1 included). NO_INSTANCE:
 * the object is one we know, or know for other devices, but not this instance of it.
 */
enum subtree_match subtree_get(const struct subtree *subtree, const arc *name, size_t length,
                               size_t *position);
/* Where a search ends: before this object identifier. NULL, or without length: nowhere. */
struct subtree_end {
    const arc *name;
    size_t length;
};

/*
 * GETNEXT: the first instance behind name (or at it, if inclusive) and before the end; SUBTREE_NONE
 * if there is none. Parts that begin at the end or behind it are not fetched.
 */
size_t subtree_next(const struct subtree *subtree, const arc *name, size_t length, bool inclusive,
                    const struct subtree_end *end);
/* The position behind one, in the same way. */
size_t subtree_after(const struct subtree *subtree, size_t position, const struct subtree_end *end);

/* Of one that is not joined. */
size_t subtree_count(const struct subtree *subtree);
/* The instance at a position: its whole object identifier; returns its length. */
#define SUBTREE_NAME_MAX (4 + SUBTREE_ARCS_MAX)
size_t subtree_name_at(const struct subtree *subtree, size_t position, arc name[SUBTREE_NAME_MAX]);
void subtree_value_at(const struct subtree *subtree, size_t position, const struct moment *moment,
                      struct subtree_value *value);

/* Compares two object identifiers as SNMP orders them: < 0, 0, > 0. */
int arcs_compare(const arc *a, size_t a_length, const arc *b, size_t b_length);

#endif
