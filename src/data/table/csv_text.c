/* CSV text: UTF-8 without NUL bytes, or refused where it stands, before a name or label of it means anything. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "data/table/csv_table.h"

/* The first byte that is no text, or n. */
static size_t first_wrong(const char *text, size_t n)
{
    const unsigned char *s = (const unsigned char *)text;
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

/* Line ends within the record before byte `at` of a field: quoted ones may hold some. */
static uint64_t lines_before(const gr__csv_reader *r, size_t field, size_t at)
{
    uint64_t lines = 0;
    for (size_t k = 0; k <= field; k++) {
        const gr__cell *f = &r->cell[k];
        size_t n = k == field ? at : f->n;
        for (size_t i = 0; i < n; i++)
            lines += f->s[i] == '\n' || (f->s[i] == '\r' && (i + 1 == f->n || f->s[i + 1] != '\n'));
    }
    return lines;
}

static gr_status refuse(const gr__table *t, const gr__csv_reader *r, size_t field, size_t at)
{
    const char *s = r->cell[field].s, *name = t->blob->name;
    unsigned long long line = r->record_line + lines_before(r, field, at);
    bool marked = r->cell[field].n >= 2 && (memcmp(s, "\xFF\xFE", 2) == 0 || memcmp(s, "\xFE\xFF", 2) == 0);
    char place[64];
    snprintf(place, sizeof place, "line %llu, column %zu", line, field + 1);
    if (marked && field == 0 && line == 1) {
        gr__fail(t->ctx, GR_E_DATA, "\"%s\": %s: the text is UTF-16, but a table is UTF-8", name, place);
        gr__error_hint(t->ctx, "iconv -f UTF-16 -t UTF-8 OLD >NEW");
    } else if (s[at] == 0) {
        gr__fail(t->ctx, GR_E_DATA, "\"%s\": %s: a NUL byte is no text", name, place);
        gr__error_hint(t->ctx, "is this a table of text? UTF-16 looks so too: iconv -f UTF-16 -t UTF-8 OLD >NEW");
    } else {
        gr__fail(t->ctx, GR_E_DATA, "\"%s\": %s: the byte 0x%02x is not UTF-8", name, place, (unsigned char)s[at]);
        gr__error_hint(t->ctx, "if it is Latin-1 or Windows's: iconv -f WINDOWS-1252 -t UTF-8 OLD >NEW");
    }
    return GR_E_DATA;
}

gr_status gr__table_text(const gr__table *t, const gr__csv_reader *r)
{
    for (size_t i = 0; i < r->n; i++) {
        size_t at = first_wrong(r->cell[i].s, r->cell[i].n);
        if (at < r->cell[i].n) return refuse(t, r, i, at);
    }
    return GR_OK;
}

gr_status gr__table_next(const gr__table *t, gr__csv_reader *r, bool *more)
{
    gr_status st = gr__csv_next(r, more);
    return st == GR_OK && *more ? gr__table_text(t, r) : st;
}
