/* CSV text: UTF-8 without NUL bytes, or refused where it stands, before a name or label of it means anything. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "data/csv_table.h"

/* The first byte that is no text, or n. */
static size_t first_wrong(const unsigned char *s, size_t n)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    for (size_t i = 0; i < n;) {
        uint64_t x;
        if (n - i >= sizeof x) { /* eight bytes of ASCII, none of them 0 */
            memcpy(&x, s + i, sizeof x);
            if (!((x | (x - ones)) & tops)) {
                i += sizeof x;
                continue;
            }
        }
        size_t length = s[i] ? gr__utf8_bytes(s + i, n - i) : 0;
        if (length == 0) return i;
        i += length;
    }
    return n;
}

/* A look through the text, front to back in pieces. */
enum { PIECE = 64 << 10, MOST_OF_ONE = 4 }; /* bytes of a character */

typedef struct search {
    uint64_t at, line;      /* of the first byte that is no text, or the end */
    unsigned char front[2]; /* of the text */
    unsigned char wrong;
    bool found, after_cr;
} search;

static void count_lines(search *f, const unsigned char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        f->line += s[i] == '\r' || (s[i] == '\n' && !f->after_cr);
        f->after_cr = s[i] == '\r';
    }
}

static gr_status look(gr__stream *s, unsigned char *piece, search *f)
{
    size_t held = 0, got = 1;
    while (got && !f->found) {
        gr_status st = gr__stream_read(s, piece + held, PIECE, &got);
        if (st != GR_OK) return st;
        size_t n = held + got, good = first_wrong(piece, n);
        if (f->at == 0) memcpy(f->front, piece, GR_MIN(n, sizeof f->front));
        count_lines(f, piece, good);
        f->at += good;
        held = n - good;
        if (held && (held >= MOST_OF_ONE || !got)) f->found = true, f->wrong = piece[good];
        memmove(piece, piece + good, held); /* a character that the piece cut off, unless it is found wrong */
    }
    return GR_OK;
}

static gr_status search_text(const gr__table *t, search *f)
{
    gr__stream *s;
    unsigned char *piece = gr__alloc(t->ctx, PIECE + MOST_OF_ONE);
    gr_status st = piece ? gr__stream_open(t->blob, &s) : GR_E_MEMORY;
    *f = (search){.line = 1};
    if (st == GR_OK) {
        st = look(s, piece, f);
        gr__stream_close(s);
    }
    gr__free(t->ctx, piece, PIECE + MOST_OF_ONE);
    return st;
}

/* The column that byte `at` stands in, from 1; 0: the records before it are broken. */
static size_t column_of(const gr__table *t, uint64_t at)
{
    gr__csv_reader r;
    bool more = true;
    size_t column = 0;
    gr__table_start(t, &r);
    gr_status st = GR_OK;
    while (st == GR_OK && more && gr__csv_place(&r, r.at) <= at) st = gr__csv_next(&r, &more);
    while (st == GR_OK && column < r.n && gr__csv_place(&r, r.field[column].s) <= at) column++;
    gr__csv_stop(&r);
    if (st == GR_E_FORMAT) gr_context_clear_error(t->ctx);
    return column;
}

gr_status gr__table_text(const gr__table *t)
{
    const char *name = t->blob->name;
    search f;
    gr_status st = search_text(t, &f);
    if (st != GR_OK || !f.found) return st;
    if (memcmp(f.front, "\xFF\xFE", 2) == 0 || memcmp(f.front, "\xFE\xFF", 2) == 0) {
        gr__fail(t->ctx, GR_E_DATA, "\"%s\": line 1, column 1: the text is UTF-16, but a table is UTF-8", name);
        gr__error_hint(t->ctx, "iconv -f UTF-16 -t UTF-8 OLD >NEW");
        return GR_E_DATA;
    }
    size_t column = column_of(t, f.at);
    if (gr__error_code(t->ctx) != GR_OK) return gr__error_code(t->ctx);
    char place[64] = "";
    if (column) snprintf(place, sizeof place, ", column %zu", column);
    if (f.wrong == 0) {
        gr__fail(t->ctx, GR_E_DATA, "\"%s\": line %llu%s: a NUL byte is no text", name, (unsigned long long)f.line,
                 place);
        gr__error_hint(t->ctx, "is this a table of text? UTF-16 looks so too: iconv -f UTF-16 -t UTF-8 OLD >NEW");
    } else {
        gr__fail(t->ctx, GR_E_DATA, "\"%s\": line %llu%s: the byte 0x%02x is not UTF-8", name,
                 (unsigned long long)f.line, place, f.wrong);
        gr__error_hint(t->ctx, "if it is Latin-1 or Windows's: iconv -f WINDOWS-1252 -t UTF-8 OLD >NEW");
    }
    return GR_E_DATA;
}
