/* Numbers as a person can look at them. */
#include "train/manner.h"

#include <math.h>
#include <string.h>

#include "data/text/text.h"

enum {
    MOST_SIDE = 1024,   /* pixels: of longer sides each stands for the mean of several numbers */
    MOST_CHANNELS = 16, /* that are shown, each by itself */
    FEW = 64,           /* numbers that are rows */
    MOST_INDICES = 2000,
    CURVE_WIDTH = 256,
    CURVE_HEIGHT = 64,
};

static const gr_colour missing = {0xD0, 0x20, 0xD0}, beyond = {0x80, 0x80, 0x80}, paper = {0xEC, 0xEE, 0xF1},
                       ink = {0x1F, 0x5A, 0x96};

/* Lightness rises evenly (in OKLab), so that it reads without colours too. */
static const gr_colour heat[] = {{8, 10, 34},     {24, 13, 61},   {45, 15, 81},   {69, 17, 96},   {95, 19, 106},
                                 {122, 22, 109},  {150, 28, 107}, {175, 39, 101}, {198, 55, 92},  {217, 75, 81},
                                 {231, 99, 70},   {240, 125, 66}, {245, 151, 74}, {245, 177, 96}, {244, 202, 128},
                                 {242, 225, 167}, {246, 244, 206}};

/* ---- which manner ---- */

/* As the source has it, or the network where that says more: [28,28,1] of a file's [28,28]. */
static gr_shape shape_of(const gr_field *x, gr_shape input)
{
    return gr__sample_fits(x->sample, input) && input.rank >= x->sample.rank ? input : x->sample;
}

static gr__manner_kind kind_of(const gr_field *x, gr_shape s, gr_shape input, bool named)
{
    bool flat = gr_shape_count(s) == (s.rank ? s.dim[0] : 1);
    if (x->vocabulary && !named) return GR__MANNER_INDICES;
    if (s.rank == 3) return x->timed ? GR__MANNER_MAP : GR__MANNER_PICTURE;
    if (s.rank == 2 && !flat && s.dim[0] > 1)
        return x->element == GR_EL_U8 || input.rank == 1 ? GR__MANNER_PICTURE : GR__MANNER_MAP;
    return named || gr_shape_count(s) <= FEW ? GR__MANNER_ROWS : GR__MANNER_CURVE;
}

/* Where the columns of input i begin among those of all inputs; -1: they are not known. */
static int64_t columns_from(const gr_task *t, int i, int64_t numbers)
{
    const gr_schema *s = &t->meaning.schema;
    int64_t first = 0;
    if (!s->table || !s->name) return -1;
    if (s->n_of_inputs == 0) return s->n_inputs == numbers ? 0 : -1;
    for (int k = 0; k < s->n_of_inputs; first += s->of_input[k++].n)
        if (!s->of_input[k].name || strcmp(s->of_input[k].name, t->recipe->input[i].name) == 0)
            return s->of_input[k].n == numbers ? first : -1;
    return -1;
}

gr__manner gr__manner_of_source(const gr_task *t, gr_part p, int input)
{
    const gr_field *x = gr__set_input(t->set_of[p], input);
    const gr_schema *schema = &t->meaning.schema;
    const gr_shape as_delivered = gr__task_sample(t, input);
    gr__manner m = {.name = t->recipe->inputs_named ? t->recipe->input[input].name : NULL,
                    .shape = shape_of(x, as_delivered),
                    .as = x->element,
                    .bytes = x->element == GR_EL_U8,
                    .schema = x->vocabulary && schema->unit ? schema : NULL};
    int64_t first = columns_from(t, input, gr_shape_count(x->sample));
    if (first >= 0) m.column = schema->name + first;
    if (first >= 0 && schema->category) m.category = schema->category + first;
    m.kind = kind_of(x, m.shape, t->recipe->input[input].sample, m.column != NULL);
    return m;
}

/* ---- what steps that change a sample's shape call its numbers ---- */

typedef struct naming {
    gr_sheet *sheet;
    const gr__manner *source;
    const char **name;
    int32_t *category; /* as gr__fitting has it */
    int64_t n;
} naming;

/* "colour=red": number i is whether its column is of one of the categories, that which stands so far behind the first.
 */
static const char *name_of(const naming *a, int64_t i)
{
    int64_t first = i, numbers = gr_shape_count(a->source->shape);
    if (a->category[i] >= 0 || !a->source->category) return a->name[i];
    while (first > 0 && a->category[first - 1] < 0 && a->name[first - 1] == a->name[i]) first--;
    for (int64_t k = 0; k < numbers; k++) {
        const gr_schema_category *c = &a->source->category[k];
        if (a->source->column[k] == a->name[i] && i - first < c->n)
            return gr__sheet_text(a->sheet, "%s=%s", a->name[i], c->name[i - first]);
    }
    return a->name[i];
}

static bool make_room(naming *a, gr_shape sample)
{
    gr_sheet *s = a->sheet;
    a->n = gr_shape_count(sample);
    a->name = s->failed == GR_OK ? gr__bump_alloc(s->memory, sizeof *a->name * (size_t)a->n) : NULL;
    a->category = a->name ? gr__bump_alloc(s->memory, sizeof *a->category * (size_t)a->n) : NULL;
    if (!a->category) s->failed = GR_E_MEMORY;
    return a->category != NULL;
}

/* NULL: not known, or no memory. */
static const char *const *names_after(const gr_task *t, const gr_field *x, int input, const gr__manner *source,
                                      gr_sheet *s)
{
    naming now = {.sheet = s, .source = source}, then = now;
    gr_shape sample = x->sample;
    if (!source->column || !make_room(&now, sample)) return NULL;
    for (int64_t i = 0; i < now.n; i++) now.name[i] = source->column[i];
    for (int64_t i = 0; i < now.n && x->category; i++) now.category[i] = x->category[i];
    for (int k = 0; k < t->delivery[input].n_prepared; k++) {
        const gr_prepared *p = &t->delivery[input].prepared[k];
        const gr__fitting as = {
            .ctx = t->ctx, .b = s->memory, .x = x, .sample = sample, .category = now.category, .name = now.name};
        if (!p->gives.rank) continue;
        if (!p->step->tell || !make_room(&then, p->gives)) return NULL;
        if (p->step->tell(&as, p, then.category, then.name) != GR_OK) return NULL;
        sample = p->gives;
        now = then;
    }
    const char **all = s->failed == GR_OK ? gr__bump_alloc(s->memory, sizeof *all * (size_t)now.n) : NULL;
    for (int64_t i = 0; i < now.n && all; i++) all[i] = name_of(&now, i);
    return (const char *const *)all;
}

gr__manner gr__manner_of(const gr_task *t, gr_part p, int input, gr_sheet *s)
{
    const gr_field *x = gr__set_input(t->set_of[p], input);
    const gr_delivery *d = &t->delivery[input];
    gr__manner source = gr__manner_of_source(t, p, input), m = source;
    m.as = d->as;
    m.prepared = t->meaning.prepared[input];
    m.n_prepared = t->meaning.n_prepared[input];
    m.n_delivered = d->n_prepared;
    if (!d->n_prepared) return m;
    m.category = NULL;
    if (d->width) {
        m.shape = gr__task_sample(t, input);
        m.column = names_after(t, x, input, &source, s);
        m.kind = kind_of(x, m.shape, t->recipe->input[input].sample, m.column != NULL);
    }
    return m;
}

void gr__manner_widen(gr__manner *m, double x)
{
    m->low = m->any ? fmin(m->low, x) : x;
    m->high = m->any ? fmax(m->high, x) : x;
    m->any = true;
}

void gr__manner_take(gr__manner *m, const void *numbers, int64_t n)
{
    if (m->bytes || m->kind == GR__MANNER_INDICES || m->kind == GR__MANNER_ROWS) return;
    for (int64_t i = 0; i < n; i++) {
        double v = gr__element_at(m->as, numbers, i);
        if (isfinite(v)) gr__manner_widen(m, v);
    }
}

/* ---- what is to be known ---- */

static void note_preparation(const gr__manner *m, gr_sheet *s, const char *of)
{
    const char *steps = "";
    for (int i = 0; i < m->n_prepared; i++)
        steps = gr__sheet_text(s, "%s%s%s", steps, i ? ", " : "", m->prepared[i].step->head.name);
    if (m->n_prepared && m->n_delivered)
        gr__sheet_note(s, "%sprepared before delivery, as shown: %s", of, steps);
    else if (m->n_prepared)
        gr__sheet_note(s, "%sas delivered, before what the training graph prepares: %s", of, steps);
}

void gr__manner_note(const gr__manner *m, gr_sheet *s)
{
    const char *of = m->name ? gr__sheet_text(s, "%s: ", m->name) : "";
    note_preparation(m, s, of);
    if (m->any && m->kind == GR__MANNER_PICTURE)
        gr__sheet_note(s, "%sblack is %.6g, white %.6g", of, m->low, m->high);
    else if (m->any && m->kind == GR__MANNER_MAP)
        gr__sheet_note(s, "%sdark is %.6g, light %.6g; steps to the right, features upwards", of, m->low, m->high);
    else if (m->any)
        gr__sheet_note(s, "%scurves reach from %.6g to %.6g", of, m->low, m->high);
    if (m->shape.rank == 3 && m->shape.dim[2] > MOST_CHANNELS && m->kind == GR__MANNER_PICTURE)
        gr__sheet_note(s, "%sthe first %d of %lld channels", of, MOST_CHANNELS, (long long)m->shape.dim[2]);
}

/* ---- pixels ---- */

/* Where a number stands in its range, 0 to 1; NaN where it is none. */
static double level_of(const gr__manner *m, double v)
{
    double low = m->bytes ? 0 : m->low, high = m->bytes ? 255 : m->high;
    if (isnan(v)) return v;
    return high > low ? fmin(fmax((v - low) / (high - low), 0), 1) : 0.5;
}

static uint8_t grey_of(double level)
{
    return (uint8_t)lround(255 * level);
}

static gr_colour heat_of(double level)
{
    enum { LAST = GR_COUNT(heat) - 1 };
    double at = level * LAST;
    int i = (int)fmin(floor(at), LAST - 1);
    double part = at - i;
    const gr_colour *a = &heat[i], *b = &heat[i + 1];
    return (gr_colour){(uint8_t)lround(a->r + part * (b->r - a->r)), (uint8_t)lround(a->g + part * (b->g - a->g)),
                       (uint8_t)lround(a->b + part * (b->b - a->b))};
}

/* Numbers that stand for pixels: `step` apart along each side. */
typedef struct grid {
    const gr__manner *m;
    const void *numbers;
    int64_t across, down, step_across, step_down; /* numbers to the right and down */
    int width, height;                            /* pixels */
} grid;

static grid grid_of(const gr__manner *m, const void *numbers)
{
    const int64_t *d = m->shape.dim;
    grid g = {.m = m, .numbers = numbers, .across = d[1], .down = d[0], .step_across = 1, .step_down = d[1]};
    if (m->kind == GR__MANNER_PICTURE && m->shape.rank == 3) g.step_across = d[2], g.step_down = d[1] * d[2];
    if (m->kind == GR__MANNER_MAP) g.across = d[0], g.down = d[1], g.step_across = d[1], g.step_down = 1;
    bool keeps_form = m->kind == GR__MANNER_PICTURE; /* steps and features have no common measure */
    int64_t longest = GR_MAX(g.across, g.down), most = GR_MAX(longest, MOST_SIDE);
    g.width = (int)(keeps_form ? GR_MAX(g.across * MOST_SIDE / most, 1) : GR_MIN(g.across, MOST_SIDE));
    g.height = (int)(keeps_form ? GR_MAX(g.down * MOST_SIDE / most, 1) : GR_MIN(g.down, MOST_SIDE));
    return g;
}

/* The mean of the numbers of a pixel, `first` numbers further. */
static double number_at(const grid *g, int x, int y, int64_t first)
{
    double sum = 0, n = 0;
    int64_t right = g->across * (x + 1) / g->width, bottom = g->down * (y + 1) / g->height;
    for (int64_t j = g->down * y / g->height; j < bottom; j++)
        for (int64_t i = g->across * x / g->width; i < right; i++, n++)
            sum += gr__element_at(g->m->as, g->numbers, first + j * g->step_down + i * g->step_across);
    return sum / n;
}

static gr_colour grey_at(const grid *g, int x, int y, int64_t first)
{
    double level = level_of(g->m, number_at(g, x, y, first));
    uint8_t v = isnan(level) ? 0 : grey_of(level);
    return isnan(level) ? missing : (gr_colour){v, v, v};
}

static gr_colour colour_at(const grid *g, int x, int y)
{
    gr_colour r = grey_at(g, x, y, 0), green = grey_at(g, x, y, 1), b = grey_at(g, x, y, 2);
    return (gr_colour){r.r, green.g, b.b};
}

static gr_raster make_raster(gr_sheet *s, int width, int height)
{
    gr_raster r = {0};
    if (s->failed == GR_OK) s->failed = gr__raster_make(s->memory, width, height, &r);
    return r;
}

static void paint(gr_raster *r, int x, int y, gr_colour c)
{
    r->at[(size_t)y * (size_t)r->width + (size_t)x] = c;
}

/* Channels that are no colours stand beside each other. */
static void show_picture(const gr__manner *m, const void *numbers, gr_sheet *s, gr_face *f)
{
    grid g = grid_of(m, numbers);
    int64_t channels = m->shape.rank == 3 ? m->shape.dim[2] : 1;
    int tiles = channels == 3 ? 1 : (int)GR_MIN(channels, MOST_CHANNELS), columns = (int)ceil(sqrt(tiles)),
        rows = (tiles + columns - 1) / columns;
    gr_raster r = make_raster(s, columns * (g.width + 1) - 1, rows * (g.height + 1) - 1);
    if (!r.at) return;
    gr__raster_fill(&r, 0, 0, r.width, r.height, paper);
    for (int k = 0; k < tiles; k++)
        for (int y = 0; y < g.height; y++)
            for (int x = 0; x < g.width; x++)
                paint(&r, k % columns * (g.width + 1) + x, k / columns * (g.height + 1) + y,
                      channels == 3 ? colour_at(&g, x, y) : grey_at(&g, x, y, k));
    f->picture = r;
    f->smooth = g.width > 256 || g.height > 256;
}

static void show_map(const gr__manner *m, const void *numbers, int64_t steps, gr_sheet *s, gr_face *f)
{
    grid g = grid_of(m, numbers);
    gr_raster r = make_raster(s, g.width, g.height);
    if (!r.at) return;
    for (int y = 0; y < g.height; y++)
        for (int x = 0; x < g.width; x++) {
            bool counts = g.across * x / g.width < steps;
            double level = counts ? level_of(m, number_at(&g, x, y, 0)) : 0;
            paint(&r, x, g.height - 1 - y, !counts ? beyond : isnan(level) ? missing : heat_of(level));
        }
    f->picture = r;
}

static void show_curve(const gr__manner *m, const void *numbers, int64_t n, gr_sheet *s, gr_face *f)
{
    gr_raster r = make_raster(s, CURVE_WIDTH, CURVE_HEIGHT);
    int last = -1;
    if (!r.at) return;
    gr__raster_fill(&r, 0, 0, r.width, r.height, paper);
    for (int x = 0; x < CURVE_WIDTH; x++) {
        int64_t from = n * x / CURVE_WIDTH, to = GR_MAX(n * (x + 1) / CURVE_WIDTH, from + 1);
        int top = CURVE_HEIGHT, bottom = -1;
        for (int64_t i = from; i < GR_MIN(to, n); i++) {
            double level = level_of(m, gr__element_at(m->as, numbers, i));
            int y = isnan(level) ? -1 : (int)lround((1 - level) * (CURVE_HEIGHT - 1));
            if (y < 0) continue;
            top = GR_MIN(top, y), bottom = GR_MAX(bottom, y);
        }
        if (bottom < 0) {
            last = -1;
            continue;
        }
        int high = last >= 0 ? GR_MIN(top, last) : top, low = last >= 0 ? GR_MAX(bottom, last) : bottom;
        gr__raster_fill(&r, x, high, 1, low - high + 1, ink);
        last = (top + bottom) / 2;
    }
    f->picture = r;
}

/* ---- words ---- */

static const char *value_of(const gr__manner *m, double x, int64_t i, gr_sheet *s)
{
    const gr_schema_category *c = m->category ? &m->category[i] : NULL;
    if (isnan(x)) return "missing";
    return c && x >= 0 && x < c->n ? c->name[(int)x] : gr__sheet_text(s, "%.7g", x);
}

static void show_rows(const gr__manner *m, const void *numbers, int64_t n, gr_sheet *s, gr_face *f)
{
    int64_t shown = GR_MIN(n, FEW), rows = shown + (shown < n);
    f->row = s->failed == GR_OK ? gr__bump_alloc(s->memory, sizeof *f->row * (size_t)rows) : NULL;
    if (!f->row && s->failed == GR_OK) s->failed = GR_E_MEMORY;
    if (!f->row) return;
    for (int64_t i = 0; i < shown; i++)
        f->row[i] = (gr_sheet_row){m->column ? m->column[i] : gr__sheet_text(s, "%lld", (long long)i),
                                   value_of(m, gr__element_at(m->as, numbers, i), i, s)};
    if (shown < n) f->row[shown] = (gr_sheet_row){gr__sheet_text(s, "and %lld more", (long long)(n - shown)), ""};
    f->n_rows = rows;
}

/* Bytes of UTF-8 as they may be shown. */
static void put_shown(gr__text *out, const char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        const unsigned char *u = (const unsigned char *)s + i;
        size_t length = gr__utf8_bytes(u, n - i);
        if (*u == '\n' || (length && gr__is_shown(u, length)))
            gr__text_put(out, s + i, GR_MAX(length, 1));
        else if (*u == '\t' || *u == '\r')
            gr__text_add(out, "\\%c", *u == '\t' ? 't' : 'r');
        else
            for (size_t k = 0; k < GR_MAX(length, 1); k++) gr__text_add(out, "\\x%02x", u[k]);
        i += GR_MAX(length, 1);
    }
}

void gr__manner_text(const gr_schema *text, const int32_t *index, int64_t n, gr__text *out)
{
    gr__text bytes;
    gr__text_init(&bytes, out->ctx);
    for (int64_t i = 0; i < n; i++) {
        char utf8[4] = {(char)index[i]};
        int64_t k = (int64_t)index[i] - GR__TEXT_FIRST;
        if (!text->symbol)
            gr__text_put(&bytes, utf8, 1);
        else if (k >= 0 && k < text->n_symbols)
            gr__text_put(&bytes, utf8, gr__utf8_write(text->symbol[k], utf8));
        else
            gr__text_put(&bytes, "\xEF\xBF\xBD", 3); /* the character that stands for those that are not known */
    }
    if (bytes.s) put_shown(out, bytes.s, bytes.n);
    gr__text_free(&bytes);
}

static void show_indices(const gr__manner *m, const void *numbers, int64_t n, gr_sheet *s, gr_face *f)
{
    gr__text t;
    gr__text_init(&t, s->ctx);
    if (m->schema) gr__manner_text(m->schema, numbers, GR_MIN(n, MOST_INDICES), &t);
    for (int64_t i = 0; i < GR_MIN(n, MOST_INDICES) && !m->schema; i++)
        gr__text_add(&t, "%s%d", i ? " " : "", ((const int32_t *)numbers)[i]);
    if (n > MOST_INDICES) gr__text_add(&t, "\nand %lld more", (long long)(n - MOST_INDICES));
    f->text = t.s ? gr__sheet_text(s, "%s", t.s) : "";
    f->text_bytes = strlen(f->text);
    gr__text_free(&t);
}

void gr__manner_show(const gr__manner *m, const void *numbers, int64_t steps, gr_sheet *s, gr_face *f)
{
    int64_t all = gr_shape_count(m->shape), whole = m->shape.rank ? m->shape.dim[0] : 1;
    if (steps == GR__MANNER_ALL) steps = whole;
    int64_t counts = all / whole * steps;
    switch (m->kind) {
    case GR__MANNER_PICTURE:
        show_picture(m, numbers, s, f);
        break;
    case GR__MANNER_MAP:
        show_map(m, numbers, steps, s, f);
        break;
    case GR__MANNER_CURVE:
        show_curve(m, numbers, counts, s, f);
        break;
    case GR__MANNER_ROWS:
        show_rows(m, numbers, counts, s, f);
        break;
    case GR__MANNER_INDICES:
        show_indices(m, numbers, counts, s, f);
        break;
    }
}
