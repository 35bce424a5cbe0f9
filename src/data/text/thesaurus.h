/* Words and what may stand for them, from a file of lines `word<TAB>synonym<TAB>synonym...`. */
#ifndef GR_DATA_TEXT_THESAURUS_H
#define GR_DATA_TEXT_THESAURUS_H

#include "data/text/text.h"

typedef struct gr__word { /* in units: bytes, or code points */
    const int32_t *unit;
    int n;
} gr__word;

typedef struct gr__variant {
    gr__word word;
    struct gr__variant *next;
} gr__variant;

typedef struct gr__headword {
    gr__word word;     /* in small letters */
    gr__variant *list; /* as written; the last one first */
    int n;
} gr__headword;

typedef struct gr__thesaurus {
    bool chars;
    gr__headword **slot; /* a hash table */
    size_t slots, n;
    int longest; /* units of a word */
} gr__thesaurus;

/* Letters and digits; of bytes, also all that are no ASCII. A word is as many of them as stand together, with
 * apostrophes between them. */
bool gr__is_letter(bool chars, int32_t unit);
/* How many units of a word stand at the front of t; 0: none. */
int64_t gr__word_length(bool chars, const int32_t *t, int64_t n);
int32_t gr__lower(bool chars, int32_t unit); /* of ASCII, Latin-1, Greek and Cyrillic; others have no case */
int32_t gr__upper(bool chars, int32_t unit);

/* Empty lines and lines that begin with # mean nothing; a word may have several lines. GR_E_DATA, GR_E_FORMAT with the
 * line; all of it lives in b. */
gr_status gr__thesaurus_read(const gr__blob *file, gr__bump *b, bool chars, gr__thesaurus *out);
/* The entry of a word, whatever its case; NULL: none, or one of those that every text is full of (the, of, and). */
const gr__headword *gr__thesaurus_find(const gr__thesaurus *t, const int32_t *unit, int64_t n);

#endif
