/* Synonyms: some words of a text give way to others of a file.
 * n = max(1, round(rate words)) of those that have an entry; case and punctuation stay. */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "data/augment.h"
#include "data/fields.h"
#include "data/text/thesaurus.h"

typedef struct synonyms {
    double rate;
    bool chars;
    gr__thesaurus words;
    gr__alphabet alphabet; /* chars */
} synonyms;

typedef struct found { /* a word of the sample that has an entry */
    int32_t at, n;
    const gr__headword *entry;
    bool replaced;
} found;

typedef struct scratch { /* for T units */
    found *word;         /* at most every second unit begins one */
    int32_t *unit, *out; /* the sample as characters, and as it becomes, in indices */
} scratch;

static size_t most_words(int64_t units)
{
    return (size_t)units / 2 + 1;
}

static gr_status make(gr_context *ctx, gr__bump *b, const gr_augment_make *m, void **state, size_t *bytes)
{
    const gr_schema *schema = m->schema;
    const gr_settings *s = m->settings;
    gr__blob blob;
    if (!schema || !schema->unit || !schema->lines)
        return gr__tree_fail(ctx, s->tree, GR_E_CONFLICT, "data.train: {type: text, file: ..., labels: tab}",
                             "synonym changes words of lines of text, of which \"%s\" holds none", m->x->name);
    synonyms *y = gr__bump_alloc(b, sizeof *y);
    if (!y) return gr__error_code(ctx);
    const gr_source_options folder = {.folder = m->folder};
    y->rate = gr__setting_real(s, "rate");
    y->chars = schema->symbol != NULL;
    gr_status st = y->chars ? gr__alphabet_begin(&y->alphabet, ctx, b) : GR_OK;
    if (st == GR_OK && y->chars) st = gr__alphabet_take(&y->alphabet, ctx, schema->symbol, schema->n_symbols);
    const char *path = st == GR_OK ? gr__source_path(b, s, "file", &folder) : NULL;
    if (st == GR_OK) st = path ? gr__blob_open(ctx, path, &blob) : gr__error_code(ctx);
    if (st == GR_OK) {
        st = gr__thesaurus_read(&blob, b, y->chars, &y->words);
        gr__blob_close(&blob);
    }
    int64_t units = gr_shape_count(m->shape);
    *bytes = most_words(units) * sizeof(found) + 2 * (size_t)units * sizeof(int32_t);
    *state = y;
    return gr__source_place(ctx, s, "file", st);
}

/* Characters of a sample; what has no index of its own is none. */
static void decode(const synonyms *y, const gr_augment_sample *s, int32_t *unit)
{
    for (int64_t i = 0; i < s->counts; i++)
        unit[i] = !y->chars                      ? s->index[i]
                  : s->index[i] < GR__TEXT_FIRST ? 0
                                                 : y->alphabet.symbol[s->index[i] - GR__TEXT_FIRST];
}

/* All words of the sample, and those that have an entry. The last may have been cut: then nobody knows which it is. */
static int64_t find_words(const synonyms *y, const int32_t *unit, int64_t n, bool cut, found *out, int64_t *n_found)
{
    int64_t words = 0;
    *n_found = 0;
    for (int64_t i = 0; i < n;) {
        int64_t length = gr__word_length(y->chars, unit + i, n - i);
        const gr__headword *e =
            length && !(cut && i + length == n) ? gr__thesaurus_find(&y->words, unit + i, length) : NULL;
        words += length > 0;
        if (e) out[(*n_found)++] = (found){.at = (int32_t)i, .n = (int32_t)length, .entry = e};
        i += GR_MAX(length, 1);
    }
    return words;
}

/* Marks m of n, each as likely as another. */
static void choose(gr__rng *r, found *word, int64_t n, int64_t m)
{
    for (int64_t i = 0; i < n && m > 0; i++) {
        word[i].replaced = gr__rng_below(r, (uint64_t)(n - i)) < (uint64_t)m;
        m -= word[i].replaced;
    }
}

typedef enum letter_case { AS_WRITTEN, CAPITALISED, CAPITALS } letter_case;

static letter_case case_of(bool chars, const int32_t *unit, int64_t n)
{
    int64_t capitals = 0, cased = 0;
    for (int64_t i = 0; i < n; i++) {
        capitals += gr__lower(chars, unit[i]) != unit[i];
        cased += gr__lower(chars, unit[i]) != unit[i] || gr__upper(chars, unit[i]) != unit[i];
    }
    if (cased > 1 && capitals == cased) return CAPITALS;
    return gr__lower(chars, unit[0]) != unit[0] ? CAPITALISED : AS_WRITTEN;
}

static int64_t put_synonym(const synonyms *y, gr__rng *r, const found *f, const int32_t *unit, int32_t *out,
                           int64_t room)
{
    const gr__variant *s = f->entry->list;
    for (uint64_t k = gr__rng_below(r, (uint64_t)f->entry->n); k > 0; k--) s = s->next;
    letter_case as = case_of(y->chars, unit + f->at, f->n);
    int64_t n = GR_MIN(s->word.n, room);
    for (int64_t i = 0; i < n; i++) {
        int32_t c = s->word.unit[i];
        if (as == CAPITALS || (as == CAPITALISED && i == 0)) c = gr__upper(y->chars, c);
        out[i] = y->chars ? gr__alphabet_index(&y->alphabet, c) : c;
    }
    return n;
}

static void apply(const void *state, gr__rng *r, gr_augment_sample *s)
{
    const synonyms *y = state;
    int64_t room = gr_shape_count(s->shape), n_found, n = 0, from = 0;
    scratch k = {.word = s->scratch};
    k.unit = (int32_t *)(k.word + most_words(room));
    k.out = k.unit + room;
    decode(y, s, k.unit);
    int64_t words = find_words(y, k.unit, s->counts, s->counts == room, k.word, &n_found);
    if (n_found == 0 || y->rate <= 0) return;
    choose(r, k.word, n_found, GR_MIN(n_found, GR_MAX(1, llround(y->rate * (double)words))));
    for (int64_t i = 0; i <= n_found; i++) { /* what stands before each, then what takes its place */
        if (i < n_found && !k.word[i].replaced) continue;
        int64_t until = i < n_found ? k.word[i].at : s->counts, kept = GR_MIN(until - from, room - n);
        memcpy(k.out + n, s->index + from, (size_t)kept * sizeof *k.out);
        n += kept;
        if (i == n_found) break;
        n += put_synonym(y, r, &k.word[i], k.unit, k.out + n, room - n);
        from = until + k.word[i].n;
    }
    memcpy(s->index, k.out, (size_t)n * sizeof *k.out);
    memset(s->index + n, 0, (size_t)(room - n) * sizeof *k.out); /* GR__TEXT_PAD */
    s->counts = n;
}

static const gr_row rows[] = {
    {.name = "file",
     .kind = GR_ROW_PATH,
     .range = "",
     .unit = "",
     .help = "lines of a word and what may stand for it, with tabs between; # begins a remark"},
    {.name = "rate", .kind = GR_ROW_REAL, .value = "0.1", .range = "[0,1]", .unit = "1", .help = "share of the words"},
};

GR_AUGMENT(synonym) = {
    .head = {.family = "augment",
             .name = "synonym",
             .title = "Words give way to synonyms",
             .cite = "",
             .equations = "n = max(1, round(rate words)), of the words that have an entry and are none of the most "
                          "common; each becomes one of its\nsynonyms, in its case; what stands between words stays. "
                          "The text is cut again where it got longer than samples are",
             GR_ROWS(rows)},
    .indices = true,
    .make = make,
    .apply = apply,
};
