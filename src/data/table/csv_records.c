/* CSV records: splitting by RFC 4180 (and by blanks), and numbers. */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "data/table/csv.h"

#define WINDOW_BYTES ((size_t)256 << 10)

void gr__csv_start(gr__csv_reader *r, gr_context *ctx, const char *name, const char *data, size_t bytes, char delimiter)
{
    *r = (gr__csv_reader){.ctx = ctx,
                          .name = name,
                          .at = data,
                          .end = data + bytes,
                          .base = data,
                          .delimiter = delimiter,
                          .line = 1,
                          .whole = true};
    if (bytes >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0) r->at += 3;
}

/* Moves what is left of the window to its front and reads on behind it; a record that fills it makes it grow. */
static gr_status refill(gr__csv_reader *r)
{
    size_t kept = (size_t)(r->end - r->at), got, room = GR_MAX(2 * r->room, WINDOW_BYTES);
    char *window = (char *)r->base;
    if (kept == r->room) {
        window = gr__alloc(r->ctx, room);
        if (!window) return GR_E_MEMORY;
        if (kept) memcpy(window, r->at, kept);
        if (r->base) gr__free(r->ctx, (char *)r->base, r->room);
        r->room = room;
    } else {
        r->before += (uint64_t)(r->at - r->base);
        memmove(window, r->at, kept);
    }
    gr_status st = gr__stream_read(r->stream, window + kept, r->room - kept, &got);
    r->whole = st == GR_OK && got < r->room - kept;
    r->base = r->at = window;
    r->end = window + kept + got;
    return st;
}

uint64_t gr__csv_place(const gr__csv_reader *r, const char *at)
{
    return r->before + (uint64_t)(at - r->base);
}

void gr__csv_open(gr__csv_reader *r, const gr__blob *blob, char delimiter)
{
    if (blob->fd < 0 && blob->packing == GR__PLAIN) {
        gr__csv_start(r, blob->ctx, blob->name, (const char *)blob->data, (size_t)blob->bytes, delimiter);
        return;
    }
    *r = (gr__csv_reader){.ctx = blob->ctx, .name = blob->name, .delimiter = delimiter, .line = 1};
    r->st = gr__stream_open(blob, &r->stream);
    if (r->st == GR_OK) r->st = refill(r);
    if (r->st == GR_OK && r->end - r->at >= 3 && memcmp(r->at, "\xEF\xBB\xBF", 3) == 0) r->at += 3;
}

void gr__csv_stop(gr__csv_reader *r)
{
    if (r->stream && r->base) gr__free(r->ctx, (char *)r->base, r->room);
    gr__stream_close(r->stream);
    r->stream = NULL;
    gr__free(r->ctx, r->cell, r->capacity * sizeof *r->cell);
    r->cell = NULL;
    r->capacity = r->n = 0;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool line_end(const gr__csv_reader *r)
{
    return r->at == r->end || *r->at == '\n' || *r->at == '\r';
}

static void step_over_line_end(gr__csv_reader *r)
{
    if (r->at == r->end) return;
    bool cr = *r->at++ == '\r';
    if (cr && r->at < r->end && *r->at == '\n') r->at++;
    r->line++;
}

static gr_status quoted(gr__csv_reader *r, gr__cell *f)
{
    const char *start = ++r->at;
    f->quoted = true;
    for (;; r->at++) {
        if (r->at == r->end)
            return gr__fail(r->ctx, GR_E_FORMAT, "\"%s\": the quote in the record at line %llu is never closed",
                            r->name, (unsigned long long)r->record_line);
        if (*r->at == '\n' || (*r->at == '\r' && (r->at + 1 == r->end || r->at[1] != '\n'))) r->line++;
        if (*r->at != '"') continue;
        if (r->at + 1 == r->end || r->at[1] != '"') break;
        f->doubled = true;
        r->at++;
    }
    f->s = start;
    f->n = (size_t)(r->at - start);
    r->at++;
    while (r->at < r->end && *r->at == ' ' && r->delimiter != ' ') r->at++;
    if (line_end(r) || *r->at == r->delimiter || (r->delimiter == ' ' && blank(*r->at))) return GR_OK;
    return gr__fail(r->ctx, GR_E_FORMAT, "\"%s\": text follows a closing quote in line %llu", r->name,
                    (unsigned long long)r->line);
}

static void unquoted(gr__csv_reader *r, gr__cell *f)
{
    const char *start = r->at;
    char delimiter = r->delimiter;
    if (delimiter == ' ') {
        while (r->at < r->end && !blank(*r->at) && *r->at != '\n' && *r->at != '\r') r->at++;
    } else {
        while (r->at < r->end && *r->at != delimiter && *r->at != '\n' && *r->at != '\r') r->at++;
    }
    const char *stop = r->at;
    while (start < stop && blank(*start)) start++;
    while (stop > start && blank(stop[-1])) stop--;
    f->s = start;
    f->n = (size_t)(stop - start);
}

static bool starts_quoted(gr__csv_reader *r)
{
    const char *p = r->at;
    while (p < r->end && *p == ' ' && r->delimiter != ' ') p++;
    if (p == r->end || *p != '"') return false;
    r->at = p;
    return true;
}

/* The next record of what the window holds. */
static gr_status next_record(gr__csv_reader *r, bool *more)
{
    bool blanks = r->delimiter == ' ';
    for (;;) {
        if (blanks)
            while (r->at < r->end && blank(*r->at)) r->at++;
        if (r->at == r->end || !line_end(r)) break;
        step_over_line_end(r);
    }
    r->n = 0;
    *more = r->at < r->end;
    r->record_line = r->line;
    r->record = r->at;
    for (bool field = *more; field;) {
        if (r->n == r->capacity && !GR_ROOM(r->ctx, r->cell, r->capacity, r->n + 1)) return GR_E_MEMORY;
        gr__cell *f = &r->cell[r->n++];
        *f = (gr__cell){0};
        if (!starts_quoted(r)) {
            unquoted(r, f);
        } else {
            gr_status st = quoted(r, f);
            if (st != GR_OK) return st;
        }
        field = !line_end(r);
        if (!field) break;
        r->at++; /* the delimiter */
        if (!blanks) continue;
        while (r->at < r->end && blank(*r->at)) r->at++;
        field = !line_end(r);
    }
    if (*more) step_over_line_end(r);
    return GR_OK;
}

/* A quote that is broken is so in one line: reading goes on behind that. */
static void step_over_broken(gr__csv_reader *r)
{
    r->n = 0;
    r->at = r->record;
    r->line = r->record_line;
    while (!line_end(r)) r->at++;
    step_over_line_end(r);
}

/* Whatever reached the window's end may go on behind it, and is read again with more. */
gr_status gr__csv_next(gr__csv_reader *r, bool *more)
{
    *more = false;
    while (r->st == GR_OK) {
        const char *at = r->at;
        uint64_t line = r->line;
        gr_status st = next_record(r, more);
        if (r->whole || r->at < r->end || st == GR_E_MEMORY) {
            if (st == GR_E_FORMAT) step_over_broken(r);
            return st;
        }
        if (st != GR_OK) gr_context_clear_error(r->ctx);
        r->at = at;
        r->line = line;
        r->st = refill(r);
    }
    return r->st;
}

/* Fields of the first records under a delimiter if all have as many, else 0. */
static size_t regular(gr_context *ctx, const char *name, const char *data, size_t bytes, char delimiter, gr_status *st)
{
    gr__csv_reader r;
    gr__csv_start(&r, ctx, name, data, bytes, delimiter);
    size_t n = 0;
    for (int i = 0; i < 10; i++) {
        bool more;
        *st = gr__csv_next(&r, &more);
        if (*st != GR_OK || !more) break;
        if (r.at == r.end && r.end[-1] != '\n' && i > 0) break; /* maybe cut in the middle */
        if (i && r.n != n) {
            n = 0;
            break;
        }
        n = r.n;
    }
    gr__csv_stop(&r);
    return n;
}

char gr__csv_guess(gr_context *ctx, const char *name, const char *data, size_t bytes, char otherwise)
{
    static const char candidates[] = {',', ';', '\t', '|', ' '};
    char best = otherwise;
    size_t most = 1;
    for (size_t i = 0; i < GR_COUNT(candidates) && gr__error_code(ctx) == GR_OK; i++) {
        gr_status st = GR_OK;
        size_t n = regular(ctx, name, data, bytes, candidates[i], &st);
        if (st == GR_E_FORMAT)
            gr_context_clear_error(ctx); /* broken quotes under this delimiter only count against it */
        if (st != GR_OK || n <= most) continue;
        most = n;
        best = candidates[i];
    }
    return best;
}

/* ---- fields ---- */

bool gr__cell_is(const gr__cell *f, const char *text)
{
    if (f->doubled) {
        size_t i = 0;
        for (; *text && i < f->n; text++, i++) {
            if (f->s[i] != *text) return false;
            if (f->s[i] == '"') i++;
        }
        return !*text && i == f->n;
    }
    return strlen(text) == f->n && memcmp(f->s, text, f->n) == 0;
}

bool gr__cell_whole(const gr__cell *f, int64_t *out)
{
    if (f->n == 0 || (f->s[0] == '0' && f->n > 1)) return false;
    int64_t x = 0;
    for (size_t i = 0; i < f->n; i++) {
        if (f->s[i] < '0' || f->s[i] > '9') return false;
        x = i < 18 ? x * 10 + (f->s[i] - '0') : INT64_MAX;
    }
    *out = x;
    return true;
}

const char *gr__cell_text(gr__bump *b, const gr__cell *f)
{
    char *text = gr__bump_alloc(b, f->n + 1);
    if (!text) return NULL;
    size_t used = 0;
    for (size_t i = 0; i < f->n; i++) {
        text[used++] = f->s[i];
        if (f->doubled && f->s[i] == '"') i++;
    }
    return text;
}

/* inf, infinity, nan in any case. */
static bool special(const char *s, size_t n, double sign, double *out)
{
    static const char *const words[] = {"inf", "infinity", "nan"};
    for (size_t w = 0; w < GR_COUNT(words); w++) {
        if (strlen(words[w]) != n) continue;
        size_t i = 0;
        while (i < n && (s[i] | 0x20) == words[w][i]) i++;
        if (i < n) continue;
        *out = w == 2 ? (double)NAN : sign * (double)INFINITY;
        return true;
    }
    return false;
}

/* Beyond 19 digits or 22 powers of ten: the slow reader, which rounds correctly. Overflow gives infinity. */
static bool slow_number(const char *s, size_t n, double *out)
{
    char text[800];
    if (n >= sizeof text) return false;
    memcpy(text, s, n);
    text[n] = '\0';
    if (gr__parse_number(text, out)) return true;
    *out = *s == '-' ? -(double)INFINITY : (double)INFINITY;
    return true;
}

bool gr__cell_number(const gr__cell *f, double *out)
{
    static const double tens[] = {1,    1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                  1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const char *s = f->s, *end = s + f->n;
    if (s == end) return false;
    double sign = *s == '-' ? -1 : 1;
    if (*s == '-' || *s == '+') s++;
    uint64_t digits = 0;
    int n = 0, exponent = 0;
    bool any = false, exact = true;
    for (bool point = false; s < end; s++) {
        if (*s == '.' && !point) {
            point = true;
            continue;
        }
        if (*s < '0' || *s > '9') break;
        any = true;
        if (n < 19) {
            digits = digits * 10 + (uint64_t)(*s - '0');
            n += digits != 0; /* leading zeros are no digits */
            exponent -= point;
        } else {
            exact = false;
        }
    }
    if (!any) return special(s, (size_t)(end - s), sign, out);
    if (s < end && (*s == 'e' || *s == 'E')) {
        bool down = ++s < end && *s == '-';
        if (s < end && (*s == '-' || *s == '+')) s++;
        int power = 0;
        if (s == end || *s < '0' || *s > '9') return false;
        for (; s < end && *s >= '0' && *s <= '9'; s++) power = GR_MIN(power * 10 + (*s - '0'), 100000);
        exponent += down ? -power : power;
    }
    if (s != end) return false;
    /* Both numbers are exact doubles, so their product or quotient is rounded once. */
    if (!exact || digits > (UINT64_C(1) << 53) || exponent < -22 || exponent > 22) return slow_number(f->s, f->n, out);
    *out = sign * (exponent < 0 ? (double)digits / tens[-exponent] : (double)digits * tens[exponent]);
    return true;
}
