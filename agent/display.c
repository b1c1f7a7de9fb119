/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/display.h"

void display_text(struct subtree_builder *builder, const char *text, size_t maximum)
{
    char shown[DISPLAY_MAX];
    size_t length = 0;

    for (; text != NULL && *text != '\0' && length < maximum; text++)
        shown[length++] = *text >= ' ' && *text <= '~' ? *text : '?';
    subtree_text(builder, shown, length);
}
