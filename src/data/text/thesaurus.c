/* A thesaurus: words of a file in a hash table. */
#include "data/text/thesaurus.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* ---- letters ---- */

typedef struct range {
    int32_t first, last;
} range;

static bool is_within(int32_t c, const range *r, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (c >= r[i].first && c <= r[i].last) return true;
    return false;
}

bool gr__is_letter(bool chars, int32_t c)
{
    static const range ascii[] = {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}};
    static const range others[] = {/* signs, marks and pictures among what is no ASCII */
                                   {0x80, 0xa9},     {0xab, 0xb4},     {0xb6, 0xb9},      {0xbb, 0xbf},
                                   {0xd7, 0xd7},     {0xf7, 0xf7},     {0x2000, 0x206f},  {0x20a0, 0x20cf},
                                   {0x2190, 0x2bff}, {0x2e00, 0x2e7f}, {0x3000, 0x303f},  {0xfe00, 0xfe0f},
                                   {0xff00, 0xff0f}, {0xfff0, 0xffff}, {0x1f000, 0x1faff}};
    if (c < 0x80) return is_within(c, ascii, GR_COUNT(ascii));
    return !chars || !is_within(c, others, GR_COUNT(others));
}

static bool is_apostrophe(bool chars, int32_t c)
{
    return c == '\'' || (chars && c == 0x2019);
}

int64_t gr__word_length(bool chars, const int32_t *t, int64_t n)
{
    int64_t i = 0;
    while (i < n) {
        bool between = i > 0 && is_apostrophe(chars, t[i]) && i + 1 < n && gr__is_letter(chars, t[i + 1]);
        if (!between && !gr__is_letter(chars, t[i])) break;
        i++;
    }
    return i;
}

/* Capitals, and how far behind them their small letters stand. */
static const struct {
    range capitals;
    int32_t apart;
} cases[] = {{{'A', 'Z'}, 32},     {{0xc0, 0xd6}, 32},   {{0xd8, 0xde}, 32},  {{0x391, 0x3a1}, 32},
             {{0x3a3, 0x3a9}, 32}, {{0x400, 0x40f}, 80}, {{0x410, 0x42f}, 32}};

int32_t gr__lower(bool chars, int32_t c)
{
    for (size_t i = 0; i < (chars ? GR_COUNT(cases) : 1); i++)
        if (c >= cases[i].capitals.first && c <= cases[i].capitals.last) return c + cases[i].apart;
    return c;
}

int32_t gr__upper(bool chars, int32_t c)
{
    for (size_t i = 0; i < (chars ? GR_COUNT(cases) : 1); i++) {
        int32_t capital = c - cases[i].apart;
        if (capital >= cases[i].capitals.first && capital <= cases[i].capitals.last) return capital;
    }
    return c;
}

/* ---- the table ---- */

static gr__headword **slot_of(const gr__thesaurus *t, const int32_t *unit, int64_t n)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (int64_t i = 0; i < n; i++) hash = (hash ^ (uint64_t)gr__lower(t->chars, unit[i])) * UINT64_C(1099511628211);
    for (size_t at = (size_t)(hash ^ hash >> 32) & (t->slots - 1);; at = (at + 1) & (t->slots - 1)) {
        const gr__headword *e = t->slot[at];
        if (!e) return &t->slot[at];
        int64_t same = 0;
        while (e->word.n == n && same < n && e->word.unit[same] == gr__lower(t->chars, unit[same])) same++;
        if (e->word.n == n && same == n) return &t->slot[at];
    }
}

/* Words that carry no meaning of their own: what stands for them would be noise. */
static bool is_common(const gr__thesaurus *t, const int32_t *unit, int64_t n)
{
    static const char words[] =
        " a about after all also an and any are as at be because been before being but by can could did do does for "
        "from had has have he her here hers him his how i if in into is it its just me more most my no nor not of on "
        "or other our out over she should so some such than that the their them then there these they this those to "
        "too under up us very was we were what when where which while who whom why will with would you your ";
    char word[16] = " ";
    if (n > 10) return false;
    for (int64_t i = 0; i < n; i++) {
        int32_t c = gr__lower(t->chars, unit[i]);
        if (c < 'a' || c > 'z') return false;
        word[i + 1] = (char)c;
    }
    word[n + 1] = ' ';
    return strstr(words, word) != NULL;
}

const gr__headword *gr__thesaurus_find(const gr__thesaurus *t, const int32_t *unit, int64_t n)
{
    return t->n == 0 || n > t->longest || is_common(t, unit, n) ? NULL : *slot_of(t, unit, n);
}

static gr_status grow(gr_context *ctx, gr__bump *b, gr__thesaurus *t)
{
    gr__thesaurus more = *t;
    more.slots = GR_MAX(2 * t->slots, 64);
    more.slot = gr__bump_alloc(b, more.slots * sizeof(gr__headword *));
    if (!more.slot) return gr__error_code(ctx);
    for (size_t i = 0; i < t->slots; i++)
        if (t->slot[i]) *slot_of(&more, t->slot[i]->word.unit, t->slot[i]->word.n) = t->slot[i];
    *t = more;
    return GR_OK;
}

/* ---- the file ---- */

typedef struct parser {
    gr_context *ctx;
    gr__bump *b;
    gr__units u;
    gr__thesaurus t;
    uint64_t line;
    int32_t *field; /* bookkeeping memory */
    size_t n, room;
    gr__headword *entry; /* of the line; NULL: its word is still to come */
} parser;

static gr_status wrong(const parser *p, const char *what)
{
    return gr__fail(p->ctx, GR_E_DATA, "\"%s\": line %llu: %s", p->u.name, (unsigned long long)p->line, what);
}

static gr_status keep(const parser *p, const int32_t *unit, size_t n, bool lower, gr__word *out)
{
    int32_t *own = gr__bump_alloc(p->b, n * sizeof *own);
    if (!own) return gr__error_code(p->ctx);
    for (size_t i = 0; i < n; i++) own[i] = lower ? gr__lower(p->t.chars, unit[i]) : unit[i];
    *out = (gr__word){own, (int)n};
    return GR_OK;
}

static gr_status take_word(parser *p, const int32_t *unit, size_t n)
{
    gr_status st = 2 * p->t.n >= p->t.slots ? grow(p->ctx, p->b, &p->t) : GR_OK;
    if (n == 0) return wrong(p, "it has no word before the tab");
    if ((size_t)gr__word_length(p->t.chars, unit, (int64_t)n) != n)
        return wrong(p, "what stands before the tab is not one word");
    gr__headword **slot = st == GR_OK ? slot_of(&p->t, unit, (int64_t)n) : NULL;
    if (slot && !*slot) {
        if (!(*slot = gr__bump_alloc(p->b, sizeof **slot))) return gr__error_code(p->ctx);
        st = keep(p, unit, n, true, &(*slot)->word);
        p->t.n++;
        p->t.longest = GR_MAX(p->t.longest, (int)n);
    }
    p->entry = slot ? *slot : NULL;
    return st;
}

static gr_status take_synonym(parser *p, const int32_t *unit, size_t n)
{
    if (n == 0) return wrong(p, "a synonym is empty");
    gr__variant *s = gr__bump_alloc(p->b, sizeof *s);
    gr_status st = s ? keep(p, unit, n, false, &s->word) : gr__error_code(p->ctx);
    if (st != GR_OK) return st;
    s->next = p->entry->list;
    p->entry->list = s;
    p->entry->n++;
    return GR_OK;
}

static gr_status end_field(parser *p)
{
    const int32_t *from = p->field;
    size_t n = p->n;
    while (n && (from[n - 1] == ' ' || from[n - 1] == '\r')) n--;
    while (n && *from == ' ') from++, n--;
    p->n = 0;
    return p->entry ? take_synonym(p, from, n) : take_word(p, from, n);
}

static gr_status end_line(parser *p)
{
    size_t n = p->n;
    bool comment = !p->entry && n && p->field[0] == '#';
    while (!p->entry && n && (p->field[n - 1] == ' ' || p->field[n - 1] == '\r')) n--;
    if (!p->entry && (n == 0 || comment)) return p->n = 0, GR_OK;
    if (!p->entry) return wrong(p, "it has no tab between a word and its synonyms");
    gr_status st = end_field(p);
    p->entry = NULL;
    return st;
}

static gr_status add_unit(parser *p, int32_t unit)
{
    bool comment = !p->entry && p->n && p->field[0] == '#';
    if (unit == '\n') {
        gr_status st = end_line(p);
        p->line++;
        return st;
    }
    if (unit == '\t' && !comment) return end_field(p);
    if (!GR_ROOM(p->ctx, p->field, p->room, p->n + 1)) return GR_E_MEMORY;
    p->field[p->n++] = unit;
    return GR_OK;
}

gr_status gr__thesaurus_read(const gr__blob *file, gr__bump *b, bool chars, gr__thesaurus *out)
{
    int32_t unit;
    parser p = {.ctx = file->ctx, .b = b, .t = {.chars = chars}, .line = 1};
    gr__units_open(&p.u, file, chars, true);
    while (gr__units_next(&p.u, &unit) && p.u.st == GR_OK)
        p.u.st = unit == GR__UNIT_BROKEN ? gr__units_broken(&p.u, p.u.broken) : add_unit(&p, unit);
    gr_status st = p.u.st == GR_OK ? end_line(&p) : p.u.st;
    if (st == GR_OK && p.t.n == 0)
        st = gr__fail(file->ctx, GR_E_DATA, "\"%s\" has no words: lines are `word<TAB>synonym<TAB>...`", file->name);
    gr__free(file->ctx, p.field, p.room * sizeof *p.field);
    gr__units_close(&p.u);
    if (st == GR_OK) *out = p.t;
    return st;
}
