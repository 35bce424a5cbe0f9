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

static uint64_t line_of(const char *s, size_t at)
{
    uint64_t line = 1;
    for (size_t i = 0; i < at; i++) line += s[i] == '\n' || (s[i] == '\r' && s[i + 1] != '\n');
    return line;
}

/* The column that byte `at` stands in, from 1; 0: the records before it are broken. */
static size_t column_of(const gr__table *t, const char *at)
{
    gr__csv_reader r;
    bool more = true;
    size_t column = 0;
    gr__table_start(t, &r);
    gr_status st = GR_OK;
    while (st == GR_OK && more && r.at <= at) st = gr__csv_next(&r, &more);
    while (st == GR_OK && column < r.n && r.field[column].s <= at) column++;
    gr__csv_stop(&r);
    if (st == GR_E_FORMAT) gr_context_clear_error(t->ctx);
    return column;
}

gr_status gr__table_text(const gr__table *t)
{
    const unsigned char *s = t->blob->data;
    const char *name = t->blob->name;
    size_t n = (size_t)t->blob->bytes, at = first_wrong(s, n);
    if (at == n) return GR_OK;
    if (n >= 2 && (memcmp(s, "\xFF\xFE", 2) == 0 || memcmp(s, "\xFE\xFF", 2) == 0)) {
        gr__fail(t->ctx, GR_E_DATA, "\"%s\": line 1, column 1: the text is UTF-16, but a table is UTF-8", name);
        gr__error_hint(t->ctx, "iconv -f UTF-16 -t UTF-8 OLD >NEW");
        return GR_E_DATA;
    }
    unsigned long long line = line_of((const char *)s, at);
    size_t column = column_of(t, (const char *)s + at);
    if (gr__error_code(t->ctx) != GR_OK) return gr__error_code(t->ctx);
    char place[64] = "";
    if (column) snprintf(place, sizeof place, ", column %zu", column);
    if (s[at] == 0) {
        gr__fail(t->ctx, GR_E_DATA, "\"%s\": line %llu%s: a NUL byte is no text", name, line, place);
        gr__error_hint(t->ctx, "is this a table of text? UTF-16 looks so too: iconv -f UTF-16 -t UTF-8 OLD >NEW");
    } else {
        gr__fail(t->ctx, GR_E_DATA, "\"%s\": line %llu%s: the byte 0x%02x is not UTF-8", name, line, place, s[at]);
        gr__error_hint(t->ctx, "if it is Latin-1 or Windows's: iconv -f WINDOWS-1252 -t UTF-8 OLD >NEW");
    }
    return GR_E_DATA;
}
