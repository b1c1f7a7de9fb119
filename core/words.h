/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Purpose: NUT's word syntax, shared by its configuration files and its network protocol, as a
 * state machine fed any number of bytes at a time.
 *
 * - Blanks separate words; LF ends a line, except in quotes and after a backslash, where it
 * vanishes.
 * - `"` opens a quoted word only where a word starts, and its closing mate ends the word at once.
 * - `\` takes the next byte literally. `#` outside quotes ends the line; inside quotes it is an
 * error.
 * - `=` outside quotes is a word of its own.
 * - Bytes below 0x20 and above 0x7f vanish; words are cut at WORD_LENGTH_MAX bytes and lines at
 *   WORDS_MAX words, so memory is bounded whatever is fed.
 *
 * Source: RFC 9271 section 4 and the behaviour of upsd 2.8.0.
 */
#ifndef UPSBRIDGE_CORE_WORDS_H
#define UPSBRIDGE_CORE_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORDS_MAX 32
#define WORD_LENGTH_MAX 512

enum words_result {
    WORDS_MORE,     /* all bytes taken, the line is not complete */
    WORDS_LINE,     /* a line is complete: count words (perhaps 0) */
    WORDS_ERROR,    /* '#' inside quotes: the line so far is void, the state is as new */
    WORDS_NO_MEMORY /* as WORDS_ERROR, for want of memory */
};

/* All zero is a valid fresh state. Read count and words_at(); the rest is private. */
struct words {
    unsigned count;         /* words of the completed line */
    uint16_t at[WORDS_MAX]; /* offset of each word in text */
    char *text;             /* the words, each ended by NUL */
    uint16_t used, size;
    uint16_t length; /* of the open word */
    uint8_t state;
    bool complete; /* a line was reported; the next byte starts afresh */
    bool keep;     /* the open word is among the first WORDS_MAX */
};

/*
 * Takes bytes up to the end of a line at most; *consumed says how many. Words stay valid until the
 * next call on the same state.
 */
enum words_result words_feed(struct words *words, const char *bytes, size_t length,
                             size_t *consumed);

/* Ends the input: an unfinished last line is reported as WORDS_LINE, WORDS_MORE if there is none.
 */
enum words_result words_finish(struct words *words);

/* Has a line been begun but not completed? Would a quote have to be closed first? */
bool words_pending(const struct words *words);
bool words_in_quotes(const struct words *words);

/* Word number i < count of the completed line. The string may be changed in place. */
static inline char *words_at(const struct words *words, unsigned i)
{
    return words->text + words->at[i];
}

/* Frees the buffer; the state is then fresh again. */
void words_clear(struct words *words);

/*
 * The inverse: writes value with a backslash before each `#`, `\` and `"`, as inside quotes.
 * Returns the length written without the ending NUL; the result is cut to fit size.
 */
size_t words_escape(const char *value, char *out, size_t size);

#endif
