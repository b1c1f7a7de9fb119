/* SPDX-License-Identifier: BSD-2-Clause */
#include "nutproto/answers.h"

#include <strings.h>

static const char *const listing_words[LISTINGS] = {
    [LISTING_VARIABLES] = "VAR",
    [LISTING_WRITABLE] = "RW",
    [LISTING_COMMANDS] = "CMD",
};

void answer_error(struct output *output, const char *token)
{
    output_bytes(output, "ERR ", 4);
    output_text(output, token);
    output_character(output, '\n');
}

static void open_value(struct output *output, const char *word, const char *first,
                       const char *second)
{
    output_text(output, word);
    output_character(output, ' ');
    output_text(output, first);
    if (second != NULL) {
        output_character(output, ' ');
        output_text(output, second);
    }
    output_bytes(output, " \"", 2);
}

static void close_value(struct output *output)
{
    output_bytes(output, "\"\n", 2);
}

void answer_quoted(struct output *output, const char *word, const char *first, const char *second,
                   const char *text)
{
    open_value(output, word, first, second);
    output_escaped(output, text);
    close_value(output);
}

void answer_variable(struct output *output, const struct ups *ups, const char *ups_name,
                     const char *variable_name, const struct ups_variable *variable)
{
    open_value(output, "VAR", ups_name, variable_name);
    if (ups->forced_shutdown && strcasecmp(variable->name, "ups.status") == 0 &&
        (status_parse(variable->value) & STATUS_FSD) == 0)
        output_bytes(output, "FSD ", 4);
    output_escaped(output, variable->value);
    close_value(output);
}

static void frame(struct output *output, const char *edge, const char *word, const char *first,
                  const char *second)
{
    output_text(output, edge);
    output_text(output, word);
    if (first != NULL) {
        output_character(output, ' ');
        output_text(output, first);
    }
    if (second != NULL) {
        output_character(output, ' ');
        output_text(output, second);
    }
    output_character(output, '\n');
}

void answer_begin(struct output *output, const char *word, const char *first, const char *second)
{
    frame(output, "BEGIN LIST ", word, first, second);
}

void answer_end(struct output *output, const char *word, const char *first, const char *second)
{
    frame(output, "END LIST ", word, first, second);
}

static void render_variables(struct output *output, const struct ups *ups, const char *ups_name)
{
    for (size_t i = 0; i < ups->variable_count; i++)
        answer_variable(output, ups, ups_name, ups->variables[i].name, &ups->variables[i]);
}

static void render_writable(struct output *output, const struct ups *ups, const char *ups_name)
{
    for (size_t i = 0; i < ups->variable_count; i++) {
        const struct ups_variable *variable = &ups->variables[i];

        if ((variable->flags & VARIABLE_RW) != 0)
            answer_quoted(output, "RW", ups_name, variable->name, variable->value);
    }
}

static void render_commands(struct output *output, const struct ups *ups, const char *ups_name)
{
    for (size_t i = 0; i < ups->command_count; i++) {
        output_bytes(output, "CMD ", 4);
        output_text(output, ups_name);
        output_character(output, ' ');
        output_text(output, ups->commands[i]);
        output_character(output, '\n');
    }
}

static void render(struct output *output, const struct ups *ups, enum listing listing,
                   const char *ups_name)
{
    answer_begin(output, listing_words[listing], ups_name, NULL);
    if (listing == LISTING_VARIABLES)
        render_variables(output, ups, ups_name);
    else if (listing == LISTING_WRITABLE)
        render_writable(output, ups, ups_name);
    else
        render_commands(output, ups, ups_name);
    answer_end(output, listing_words[listing], ups_name, NULL);
}

void answer_listing(struct output *output, const struct ups *ups, struct exhibit *exhibit,
                    enum listing listing, const char *ups_name)
{
    if (exhibit == NULL || strcmp(ups_name, ups->name) != 0) {
        render(output, ups, listing, ups_name);
        return;
    }
    struct rendering *rendering = &exhibit->renderings[listing];
    if (rendering->generation != ups->generation) {
        size_t start = output->used;

        render(output, ups, listing, ups_name);
        if (!output->failed)
            rendering_keep(rendering, ups->generation, output->bytes + start, output->used - start);
        return;
    }
    output_bytes(output, rendering->bytes, rendering->length);
}
