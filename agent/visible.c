/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/visible.h"

#include "agent/objects.h"

#include <string.h>

/* VACM_SUCCESS, VACM_SUBTREE_UNKNOWN (some of it) or why not. */
static int look_at(netsnmp_pdu *request, const arc *root, size_t length)
{
    oid copy[MAX_OID_LEN];

    memcpy(copy, root, length * sizeof copy[0]);
    return netsnmp_acm_check_subtree(request, copy, length);
}

bool visible_wholly(netsnmp_pdu *request, const arc *root, size_t length)
{
    return look_at(request, root, length) == VACM_SUCCESS;
}

static size_t first_visible(netsnmp_pdu *request, const struct subtree *subtree, size_t position,
                            const struct subtree_end *end)
{
    oid name[SUBTREE_NAME_MAX];

    for (; position != SUBTREE_NONE; position = subtree_after(subtree, position, end)) {
        size_t length = subtree_name_at(subtree, position, name);

        if (in_a_view(name, &length, request, ASN_NULL) == VACM_SUCCESS)
            break;
    }
    return position;
}

static size_t next_in_region(netsnmp_pdu *request, const struct subtree *subtree,
                             const struct region *region, const arc *name, size_t length,
                             bool inclusive)
{
    arc behind[REGION_LENGTH_MAX];
    const struct subtree_end end = { .name = behind, .length = region->length };

    memcpy(behind, region->root, region->length * sizeof behind[0]);
    behind[region->length - 1]++;
    if (arcs_compare(name, length, behind, region->length) >= 0)
        return SUBTREE_NONE;
    int visible = look_at(request, region->root, region->length);
    if (visible != VACM_SUCCESS && visible != VACM_SUBTREE_UNKNOWN)
        return SUBTREE_NONE;
    if (arcs_compare(name, length, region->root, region->length) < 0) {
        name = region->root;
        length = region->length;
        inclusive = true;
    }
    return first_visible(request, subtree, subtree_next(subtree, name, length, inclusive, &end),
                         &end);
}

size_t visible_next(netsnmp_pdu *request, const struct subtree *subtree, const arc *name,
                    size_t length, bool inclusive)
{
    size_t position = SUBTREE_NONE;

    for (size_t i = 0; i < OBJECTS_REGIONS && position == SUBTREE_NONE; i++)
        position = next_in_region(request, subtree, &objects_regions[i], name, length, inclusive);
    return position;
}

size_t visible_after(netsnmp_pdu *request, const struct subtree *subtree, size_t position)
{
    arc name[SUBTREE_NAME_MAX];
    size_t length = subtree_name_at(subtree, position, name);

    return visible_next(request, subtree, name, length, false);
}
