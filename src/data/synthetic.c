/* Synthetic data: small problems whose answer is known. Every row has random numbers of its own, so the first rows are
 * the same for any n. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "data/fields.h"

#define PI 3.14159265358979323846

enum { USES_CLASSES = 1, USES_FEATURES = 2, USES_SIZE = 4 };

typedef struct problem {
    int64_t n, classes, features, size, vocabulary;
    double noise;
    uint64_t seed;
    gr_target_kind want;
    const struct kind *kind;
    gr__rng common; /* what all rows share: centres, weights */
    double *shared; /* drawn from it; of kind->shared numbers */
} problem;

typedef struct kind {
    const char *name;
    int uses;
    int64_t classes, features; /* defaults */
    double noise;
    gr_element element; /* F32 stands for reals */
    bool values;        /* targets are values; else classes */
    gr_shape (*sample)(const problem *p);
    int64_t (*shared)(const problem *p);  /* NULL: none */
    int64_t (*symbols)(const problem *p); /* inputs are indices below this; NULL: they are numbers */
    /* Fills the inputs of one row; gives its class, or its value. */
    double (*row)(const problem *p, int64_t i, gr__rng *r, double *x, double *targets);
} kind;

static gr_shape plane(const problem *p)
{
    (void)p;
    return GR_SHAPE(2);
}

static gr_shape features(const problem *p)
{
    return GR_SHAPE(p->features);
}

static double xor_row(const problem *p, int64_t i, gr__rng *r, double *x, double *targets)
{
    (void)targets;
    int a = (int)(i >> 1 & 1), b = (int)(i & 1);
    x[0] = a + p->noise * gr__rng_normal(r);
    x[1] = b + p->noise * gr__rng_normal(r);
    return a ^ b;
}

static double spirals_row(const problem *p, int64_t i, gr__rng *r, double *x, double *targets)
{
    (void)targets;
    int64_t arm = i % p->classes;
    double t = gr__rng_uniform(r), angle = 3 * PI * t + 2 * PI * (double)arm / (double)p->classes,
           radius = 0.1 + 0.9 * t;
    x[0] = radius * cos(angle) + p->noise * gr__rng_normal(r);
    x[1] = radius * sin(angle) + p->noise * gr__rng_normal(r);
    return (double)arm;
}

static int64_t blobs_shared(const problem *p)
{
    return p->classes * p->features;
}

static double blobs_row(const problem *p, int64_t i, gr__rng *r, double *x, double *targets)
{
    (void)targets;
    int64_t c = i % p->classes;
    for (int64_t k = 0; k < p->features; k++) x[k] = 4 * p->shared[c * p->features + k] + p->noise * gr__rng_normal(r);
    return (double)c;
}

static double moons_row(const problem *p, int64_t i, gr__rng *r, double *x, double *targets)
{
    (void)targets;
    bool lower = i & 1;
    double angle = PI * gr__rng_uniform(r);
    x[0] = (lower ? 1 - cos(angle) : cos(angle)) + p->noise * gr__rng_normal(r);
    x[1] = (lower ? 0.5 - sin(angle) : sin(angle)) + p->noise * gr__rng_normal(r);
    return lower;
}

static int64_t regression_shared(const problem *p)
{
    return p->features + 1;
}

static double regression_row(const problem *p, int64_t i, gr__rng *r, double *x, double *targets)
{
    (void)i, (void)targets;
    double y = p->shared[p->features];
    for (int64_t k = 0; k < p->features; k++) {
        x[k] = gr__rng_normal(r);
        y += p->shared[k] * x[k];
    }
    return y + p->noise * gr__rng_normal(r);
}

static gr_shape copy_sample(const problem *p)
{
    return GR_SHAPE(2 * p->features);
}

/* Symbols, then as many blanks (0); to be answered by as many blanks, then the symbols. */
static double copy_row(const problem *p, int64_t i, gr__rng *r, double *x, double *targets)
{
    (void)i;
    for (int64_t k = 0; k < p->features; k++) {
        double symbol = 1 + (double)gr__rng_below(r, (uint64_t)p->classes - 1);
        x[k] = targets[p->features + k] = symbol;
        x[p->features + k] = targets[k] = 0;
    }
    return 0;
}

static int64_t copy_symbols(const problem *p)
{
    return p->classes;
}

/* The first symbol is one of the classes and is asked for at the end; those after it are others and tell nothing.
 * [Bengio, Simard & Frasconi 1994] */
static double latch_row(const problem *p, int64_t i, gr__rng *r, double *x, double *targets)
{
    (void)i, (void)targets;
    for (int64_t k = 0; k < p->features; k++)
        x[k] = (double)gr__rng_below(r, (uint64_t)p->classes) + (k ? (double)p->classes : 0);
    return x[0];
}

static int64_t latch_symbols(const problem *p)
{
    return 2 * p->classes;
}

static gr_shape picture(const problem *p)
{
    return GR_SHAPE(p->size, p->size, 1);
}

/* A pixel of a 5 x 7 glyph, 0 outside. */
static double glyph(int64_t digit, int column, int row)
{
    static const char font[10][8] = {
        "\x0E\x11\x13\x15\x19\x11\x0E", "\x04\x0C\x04\x04\x04\x04\x0E", "\x0E\x11\x01\x02\x04\x08\x1F",
        "\x1F\x02\x04\x02\x01\x11\x0E", "\x02\x06\x0A\x12\x1F\x02\x02", "\x1F\x10\x1E\x01\x01\x11\x0E",
        "\x06\x08\x10\x1E\x11\x11\x0E", "\x1F\x01\x02\x04\x08\x08\x08", "\x0E\x11\x11\x0E\x11\x11\x0E",
        "\x0E\x11\x11\x0F\x01\x02\x0C",
    };
    return column < 0 || column > 4 || row < 0 || row > 6 ? 0 : font[digit][row] >> (4 - column) & 1;
}

/* A glyph turned, scaled and shifted a little, sampled bilinearly. */
static double digits_row(const problem *p, int64_t i, gr__rng *r, double *x, double *targets)
{
    (void)targets;
    int64_t digit = i % p->classes;
    double size = (double)p->size, angle = 0.4 * (gr__rng_uniform(r) - 0.5),
           scale = 9 / size * (0.9 + 0.35 * gr__rng_uniform(r));
    double dx = size * 0.15 * (gr__rng_uniform(r) - 0.5), dy = size * 0.15 * (gr__rng_uniform(r) - 0.5),
           light = 160 + 95 * gr__rng_uniform(r);
    for (int64_t row = 0; row < p->size; row++) {
        for (int64_t column = 0; column < p->size; column++) {
            double px = (double)column + 0.5 - size / 2 - dx, py = (double)row + 0.5 - size / 2 - dy;
            double u = scale * (cos(angle) * px + sin(angle) * py) + 2,
                   v = scale * (cos(angle) * py - sin(angle) * px) + 3;
            int u0 = (int)floor(u), v0 = (int)floor(v);
            double a = u - u0, b = v - v0;
            double ink = (1 - b) * ((1 - a) * glyph(digit, u0, v0) + a * glyph(digit, u0 + 1, v0)) +
                         b * ((1 - a) * glyph(digit, u0, v0 + 1) + a * glyph(digit, u0 + 1, v0 + 1));
            double level = light * ink + 255 * p->noise * gr__rng_normal(r);
            x[row * p->size + column] = floor(GR_MIN(GR_MAX(level, 0), 255) + 0.5);
        }
    }
    return (double)digit;
}

static const kind kinds[] = {
    {"xor", 0, 2, 2, 0.1, GR_EL_F32, false, plane, NULL, NULL, xor_row},
    {"spirals", USES_CLASSES, 2, 2, 0.02, GR_EL_F32, false, plane, NULL, NULL, spirals_row},
    {"blobs", USES_CLASSES | USES_FEATURES, 3, 2, 1, GR_EL_F32, false, features, blobs_shared, NULL, blobs_row},
    {"moons", 0, 2, 2, 0.1, GR_EL_F32, false, plane, NULL, NULL, moons_row},
    {"regression", USES_FEATURES, 0, 4, 0.1, GR_EL_F32, true, features, regression_shared, NULL, regression_row},
    {"copy", USES_CLASSES | USES_FEATURES, 8, 4, 0, GR_EL_I32, false, copy_sample, NULL, copy_symbols, copy_row},
    {"latch", USES_CLASSES | USES_FEATURES, 4, 16, 0, GR_EL_I32, false, features, NULL, latch_symbols, latch_row},
    {"digits", USES_CLASSES | USES_SIZE, 10, 0, 0.05, GR_EL_U8, false, picture, NULL, NULL, digits_row},
};

/* ---- settings ---- */

static gr_status unused(gr_context *ctx, const gr_settings *s, const char *row, bool used, const kind *k)
{
    const gr_tree *t = gr__setting_tree(s, row);
    if (used || !t) return GR_OK;
    return gr__tree_fail(ctx, t, GR_E_CONFLICT, NULL, "%s has no \"%s\" to choose", k->name, row);
}

static gr_status settle(gr_context *ctx, const gr_settings *s, const gr_source_options *o, problem *p)
{
    const kind *k = kinds;
    while (!gr__setting_is(s, "kind", k->name)) k++;
    int64_t classes = gr__setting_int(s, "classes"), wide = gr__setting_int(s, "features"),
            size = gr__setting_int(s, "size"), seed = gr__setting_int(s, "seed");
    double noise = gr__setting_real(s, "noise");
    gr__entry target = {0};
    gr_status st;
    GR_TRY(gr__entries_lone(ctx, s, o));
    GR_TRY(unused(ctx, s, "classes", k->uses & USES_CLASSES, k));
    GR_TRY(unused(ctx, s, "features", k->uses & USES_FEATURES, k));
    GR_TRY(unused(ctx, s, "size", k->uses & USES_SIZE, k));
    GR_TRY(unused(ctx, s, "noise", k->element != GR_EL_I32, k));
    *p = (problem){.n = gr__setting_int(s, "n"),
                   .classes = classes == INT64_MIN ? k->classes : classes,
                   .features = wide == INT64_MIN ? k->features : wide,
                   .size = size == INT64_MIN ? 16 : size,
                   .noise = isnan(noise) ? k->noise : noise,
                   .seed = seed == INT64_MIN ? o->seed : (uint64_t)seed,
                   .kind = k};
    p->vocabulary = o->wants && k->symbols ? o->wants->vocabulary[0] : 0;
    if (gr__wanted_fields(o, GR_FIELD_TARGET) == 1) gr__entry_want(&target, o->wants, o->want, 0);
    p->want = target.want;
    if (k->row == digits_row && p->classes > 10)
        st = gr__tree_fail(ctx, gr__setting_tree(s, "classes"), GR_E_RANGE, NULL,
                           "%lld is not in [2, 10], the digits there are", (long long)p->classes);
    else if (p->vocabulary && p->vocabulary < k->symbols(p))
        st = gr__tree_fail(ctx, gr__setting_tree(s, "kind"), GR_E_CONFLICT, NULL,
                           "%s has the symbols 0 to %lld, but the layer that looks them up has a vocabulary of %lld",
                           k->name, (long long)k->symbols(p) - 1, (long long)p->vocabulary);
    else if (k->values && p->want == GR_TARGET_CLASS)
        st = gr__tree_fail(ctx, gr__setting_tree(s, "kind"), GR_E_CONFLICT, NULL,
                           "regression has values as targets, but the cost wants classes");
done:
    return st;
}

/* b: where names live; NULL: where they are. */
static gr_status describe(gr_context *ctx, const problem *p, const gr_source_options *o, gr__bump *b, gr_set *out)
{
    const kind *k = p->kind;
    bool values = k->values || p->want == GR_TARGET_VALUE;
    gr__entries e = {.n_inputs = 1, .n_targets = gr__wanted_fields(o, GR_FIELD_TARGET)};
    e.entry[0] = (gr__entry){.name = gr__wanted_name(o, GR_FIELD_INPUT, 0), .role = GR_FIELD_INPUT};
    if (e.n_targets) e.entry[1] = (gr__entry){.name = gr__wanted_name(o, GR_FIELD_TARGET, 0), .role = GR_FIELD_TARGET};
    gr_status st = gr__entries_begin(ctx, &e, b, out);
    gr_field *x = &out->field[0], *y = &out->field[1];
    out->n = p->n;
    x->sample = k->sample(p);
    x->vocabulary = p->vocabulary;
    x->element = k->element == GR_EL_F32 && o->keep_float64 ? GR_EL_F64 : k->element;
    if (e.n_targets) {
        y->kind = values ? GR_TARGET_VALUE : GR_TARGET_CLASS;
        y->sample = k->row == copy_row ? x->sample : GR_SCALAR;
        y->element = !values ? GR_EL_I32 : o->keep_float64 ? GR_EL_F64 : GR_EL_F32;
        y->classes = values ? 0 : (int)p->classes;
    }
    for (int i = 0; i < gr__set_fields(out); i++) {
        gr_field *f = &out->field[i];
        f->bytes = (uint64_t)(p->n * gr_shape_count(f->sample)) * gr__element_bytes(f->element);
    }
    return st;
}

static gr_status info(gr_context *ctx, const gr_settings *s, const gr_source_options *o, gr_set *out)
{
    problem p;
    gr_status st = settle(ctx, s, o, &p);
    return st == GR_OK ? describe(ctx, &p, o, o->memory, out) : st;
}

/* ---- making ---- */

static void store(gr_element e, void *to, int64_t at, const double *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        if (e == GR_EL_U8)
            ((uint8_t *)to)[at + i] = (uint8_t)x[i];
        else if (e == GR_EL_I32)
            ((int32_t *)to)[at + i] = (int32_t)x[i];
        else if (e == GR_EL_F64)
            ((double *)to)[at + i] = x[i];
        else
            ((float *)to)[at + i] = (float)x[i];
    }
}

static gr_status make(gr__bump *b, problem *p, gr_set *s)
{
    gr_field *inputs = &s->field[0], *targets = s->n_targets ? &s->field[1] : NULL;
    int64_t width = gr_shape_count(inputs->sample), answers = targets ? gr_shape_count(targets->sample) : width,
            shared = p->kind->shared ? p->kind->shared(p) : 0;
    double *x = gr__bump_alloc(b, (size_t)width * sizeof *x), *y = gr__bump_alloc(b, (size_t)answers * sizeof *y);
    p->shared = gr__bump_alloc(b, (size_t)shared * sizeof *p->shared);
    if (!x || !y || !p->shared) return GR_E_MEMORY;
    char stream[40] = "synthetic/";
    strcat(stream, p->kind->name);
    gr__rng common = gr__rng_make(p->seed, stream, UINT32_MAX, 1);
    for (int64_t i = 0; i < shared; i++) p->shared[i] = gr__rng_normal(&common);
    for (int64_t i = 0; i < p->n; i++) {
        gr__rng r = gr__rng_make(p->seed, stream, (uint32_t)i, 0);
        double answer = p->kind->row(p, i, &r, x, y);
        store(inputs->element, inputs->data, i * width, x, width);
        if (targets) store(targets->element, targets->data, i * answers, targets->sample.rank ? y : &answer, answers);
    }
    return GR_OK;
}

static gr_status load(gr_context *ctx, const gr_settings *s, const gr_source_options *o, gr_set *out)
{
    problem p;
    gr_set set = {0};
    gr_status st = settle(ctx, s, o, &p);
    if (st != GR_OK) return st;
    gr__bump *memory = gr__bump_create(ctx);
    st = memory ? describe(ctx, &p, o, memory, &set) : GR_E_MEMORY;
    set.memory = memory;
    if (st == GR_OK) set.file = gr__bump_format(memory, "synthetic %s", p.kind->name);
    if (st == GR_OK && !set.file) st = gr__error_code(ctx);
    for (int i = 0; i < gr__set_fields(&set) && st == GR_OK; i++) {
        set.field[i].data = gr__tensor_alloc(ctx, (size_t)set.field[i].bytes);
        if (!set.field[i].data) st = gr__error_code(ctx);
    }
    if (st == GR_OK) st = make(memory, &p, &set);
    if (st == GR_OK)
        *out = set;
    else
        gr__set_free(ctx, &set);
    return st;
}

static const gr_row rows[] = {
    {.name = "kind",
     .kind = GR_ROW_CHOICE,
     .range = "xor|spirals|blobs|moons|regression|copy|latch|digits",
     .unit = "",
     .help = "which problem"},
    {.name = "n",
     .kind = GR_ROW_INT,
     .value = "1000",
     .range = "[1,100000000]",
     .unit = "samples",
     .help = "how many samples"},
    {.name = "noise",
     .kind = GR_ROW_REAL,
     .value = "none",
     .range = "[0,1000]",
     .unit = "",
     .help = "standard deviation of what is added to the inputs (digits: in units of full white; regression: to the "
             "target)"},
    {.name = "classes",
     .kind = GR_ROW_INT,
     .value = "none",
     .range = "[2,1000]",
     .unit = "classes",
     .help = "spirals: arms; blobs: clusters; copy: symbols and the blank; latch: what is to be remembered; digits: 0 "
             "to classes - 1"},
    {.name = "features",
     .kind = GR_ROW_INT,
     .value = "none",
     .range = "[1,100000]",
     .unit = "values",
     .help = "blobs, regression: inputs; copy: symbols to copy, half the length; latch: the length"},
    {.name = "size",
     .kind = GR_ROW_INT,
     .value = "none",
     .range = "[8,256]",
     .unit = "pixels",
     .help = "digits: height and width, 16 unless given"},
    {.name = "seed",
     .kind = GR_ROW_INT,
     .value = "none",
     .range = "[0,inf)",
     .unit = "",
     .help = "of the data; the recipe's unless given"},
};

GR_SOURCE(synthetic) = {
    .head =
        {.family = "source",
         .name = "synthetic",
         .title = "Small problems with a known answer",
         .cite = "",
         .equations =
             "xor: corners of a square; spirals: arms one within the other; blobs: clusters; moons: two half circles\n"
             "regression: y = x w + b; copy: symbols answered after a pause\n"
             "latch: the first symbol is asked for after others that tell nothing; digits: drawn pictures",
         GR_ROWS(rows)},
    .info = info,
    .load = load,
};
