/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/display.h"

#define TEXT_MAX 255

void display_text(struct subtree_builder *builder, const char *text)
{
    char shown[TEXT_MAX];
    size_t length = 0;

    for (; text != NULL && *text != '\0' && length < TEXT_MAX; text++)
        shown[length++] = *text >= ' ' && *text <= '~' ? *text : '?';
    subtree_text(builder, shown, length);
}
