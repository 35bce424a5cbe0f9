/* Windows of running text: a sample is `window` units, its target the unit after each of them. No window and no text
 * is held meanwhile: each unit goes to wherever it stands. */
#include <stdio.h>

#include "data/text/text.h"

/* How many windows N units give: all that have a unit after them; for prediction, all there are, the last as it is. */
static int64_t windows_of(const gr__text_options *o, int64_t units)
{
    if (o->raw) return (units + o->window - 1) / o->window;
    return units > o->window ? (units - o->window - 1) / o->stride + 1 : 0;
}

typedef struct filling {
    gr__corpus *c;
    int64_t first; /* row */
    int64_t n;     /* rows that there are from the first on */
    int64_t window, stride;
    int32_t *x, *y; /* of the first row; y NULL: no targets */
    bool last;
} filling;

static filling filling_of(gr__corpus *c, int64_t first, int64_t n)
{
    const gr__text_options *o = c->o;
    return (filling){
        .c = c, .first = first, .n = n, .window = o->window, .stride = o->raw ? o->window : o->stride, .last = o->last};
}

/* After the failure st of unit p, whether all windows let it through that it is in, as the unit after them too. */
static gr_status let(const filling *f, int64_t p, gr_status st)
{
    char why[600] = "";
    gr_context *ctx = f->c->ctx;
    int64_t from = p <= f->window ? 0 : (p - f->window - 1) / f->stride + 1, until = GR_MIN(p / f->stride, f->n - 1);
    if (st != GR_E_DATA && st != GR_E_FORMAT) return st;
    if (f->c->o->raw) from = p < f->window ? 0 : (p - f->window) / f->stride + 1;
    for (int64_t i = from; i <= until; i++) {
        if (why[0])
            gr__fail(ctx, st, "%s", why);
        else
            snprintf(why, sizeof why, "%s", gr_context_error(ctx)->message);
        if (!gr__fault_let(f->c->o->faults, GR_FAULT_UNDECODABLE, f->first + i, ctx)) return st;
    }
    gr_context_clear_error(ctx); /* it may be in none */
    return GR_OK;
}

static gr_status count_units(gr__corpus *c, const gr__blob *b, int64_t *out)
{
    gr__units u;
    int32_t unit;
    uint64_t content = c->o->chars ? 0 : gr__blob_content(b);
    *out = (int64_t)content;
    if (content) return GR_OK; /* that many bytes */
    gr__units_open(&u, b, c->o->chars, c->o->chars);
    bool counts = c->o->chars && !c->alphabet.symbol, noted = c->o->faults && c->o->faults->note;
    const filling f = filling_of(c, c->rows, INT64_MAX);
    for (; gr__units_next(&u, &unit); ++*out) {
        if (unit == GR__UNIT_BROKEN && !noted) u.st = let(&f, *out, gr__units_broken(&u, u.broken));
        if (counts && unit != GR__UNIT_BROKEN && u.st == GR_OK) u.st = gr__alphabet_count(&c->alphabet, unit);
    }
    gr_status st = u.st;
    gr__units_close(&u);
    return st;
}

gr_status gr__windows_count(gr__corpus *c, const gr__blob *b)
{
    int64_t units;
    const gr__text_options *o = c->o;
    const char *noun = o->chars ? "character" : "byte";
    gr_status st = count_units(c, b, &units);
    if (st != GR_OK) return st;
    int64_t n = windows_of(o, units);
    c->cut |= o->raw && units % o->window != 0;
    c->rows += n;
    if (n > 0) return GR_OK;
    if (units == 0) return gr__fail(c->ctx, GR_E_DATA, "\"%s\" is empty", b->name);
    return gr__fail(
        c->ctx, GR_E_DATA, "\"%s\" has %lld %s%s, but a window of %lld and the %s after it take %lld: it is too short",
        b->name, (long long)units, noun, units == 1 ? "" : "s", (long long)o->window, noun, (long long)o->window + 1);
}

/* Unit p of the text, to the same place of all windows that it is in. */
static void put(const filling *f, int32_t *to, int64_t p, int32_t index)
{
    int64_t from = p < f->window ? 0 : (p - f->window) / f->stride + 1, until = GR_MIN(p / f->stride, f->n - 1);
    for (int64_t i = from; i <= until; i++) to[i * f->window + p - i * f->stride] = index;
}

static void put_answer(const filling *f, int64_t p, int32_t index)
{
    int64_t begin = p - f->window;
    if (!f->last && p > 0)
        put(f, f->y, p - 1, index);
    else if (f->last && begin >= 0 && begin % f->stride == 0 && begin / f->stride < f->n)
        f->y[begin / f->stride] = index;
}

gr_status gr__windows_fill(gr__corpus *c, const gr__blob *b, gr_set *s, int64_t *row)
{
    gr__units u;
    const gr__text_options *o = c->o;
    int32_t unit, index;
    int64_t p = 0, rows = c->rows - *row;
    int32_t *length = s->n_lengths ? s->field[gr__set_fields(s) - 1].data : NULL;
    filling f = filling_of(c, *row, rows);
    f.x = (int32_t *)s->field[0].data + *row * o->window;
    if (s->n_targets) f.y = (int32_t *)s->field[1].data + *row * (o->last ? 1 : o->window);
    gr__units_open(&u, b, o->chars, o->chars);
    for (; gr__units_next(&u, &unit); p++) {
        u.st = let(&f, p, gr__corpus_index(c, &u, unit, &index));
        if (u.st != GR_OK) break;
        put(&f, f.x, p, index);
        if (f.y) put_answer(&f, p, index);
    }
    gr_status st = u.st;
    gr__units_close(&u);
    int64_t n = windows_of(o, p);
    for (int64_t i = 0; i < GR_MIN(n, rows) && length; i++)
        length[*row + i] = (int32_t)GR_MIN(o->window, p - i * o->window);
    *row += n;
    return st;
}
