/* Sources from outside the tree: one input, one target, read in pieces. */
#include <math.h>
#include <string.h>

#include "gradus/ext/source.h"
#include "api/ext.h"
#include "data/fields.h"

typedef struct custom {
    gr_source source; /* its head first: what settings know of their member */
    gr_status (*describe)(void *user, const gr_source_call *c, gr_source_shape *out);
    gr_status (*read)(void *user, const gr_source_call *c, int64_t first, int64_t n, double *inputs, double *targets);
    void *user;
} custom;

typedef struct asked { /* one request, and what the source says of itself */
    gr_context *ctx;
    const custom *c;
    gr_source_call call;
    gr_source_shape shape;
    const gr_source_options *o;
} asked;

/* What a function did not say itself. */
static gr_status told(const asked *a, gr_status st, const char *what)
{
    if (gr__error_code(a->ctx) != GR_OK) return gr__error_code(a->ctx);
    return st == GR_OK ? GR_OK : gr__fail(a->ctx, st, "source %s cannot be %s", a->c->source.head.name, what);
}

static gr_status check_shape(const asked *a)
{
    const gr_source_shape *s = &a->shape;
    const char *name = a->c->source.head.name;
    bool values = s->classes == 0;
    gr_target_kind want = GR_TARGET_NONE;
    if (s->n < 1 || s->n > UINT32_MAX)
        return gr__fail(a->ctx, GR_E_DATA, "source %s has %lld samples", name, (long long)s->n);
    if (s->input.rank < 0 || s->input.rank >= GR_MAX_RANK || gr_shape_count(s->input) < 1 || s->target.rank < 0 ||
        s->target.rank >= GR_MAX_RANK || gr_shape_count(s->target) < 1)
        return gr__fail(a->ctx, GR_E_SHAPE, "source %s has samples of a shape that is none", name);
    if (s->classes < 0 || s->classes == 1 || s->classes > INT32_MAX)
        return gr__fail(a->ctx, GR_E_RANGE, "source %s has %lld classes", name, (long long)s->classes);
    if (gr__wanted_fields(a->o, GR_FIELD_TARGET) == 1) {
        gr__entry target = {0};
        gr__entry_want(&target, a->o->wants, a->o->want, 0);
        want = target.want;
    }
    if (want == (values ? GR_TARGET_CLASS : GR_TARGET_VALUE))
        return gr__fail(a->ctx, GR_E_CONFLICT, "%s has %s as targets, but the cost wants %s", name,
                        values ? "values" : "classes", values ? "classes" : "values");
    return GR_OK;
}

static gr_status ask(gr_context *ctx, const gr_settings *s, const gr_source_options *o, asked *a)
{
    const custom *c = (const custom *)s->member;
    *a = (asked){.ctx = ctx, .c = c, .call = {s, o->folder ? o->folder : ".", o->seed}, .o = o};
    gr_status st = gr__entries_lone(ctx, s, o);
    if (st == GR_OK) st = told(a, c->describe(c->user, &a->call, &a->shape), "described");
    return st == GR_OK ? check_shape(a) : st;
}

static gr_status name_classes(const asked *a, gr__bump *b, gr_field *y)
{
    if (!a->shape.class_names || !b) return GR_OK;
    const char **names = gr__bump_alloc(b, sizeof *names * (size_t)a->shape.classes);
    if (!names) return GR_E_MEMORY;
    for (int64_t k = 0; k < a->shape.classes; k++)
        if (!(names[k] = gr__bump_strdup(b, a->shape.class_names[k] ? a->shape.class_names[k] : "")))
            return GR_E_MEMORY;
    y->class_names = names;
    return GR_OK;
}

static gr_status fill(const asked *a, gr__bump *b, gr_set *out)
{
    const gr_source_options *o = a->o;
    gr_element real = o->keep_float64 ? GR_EL_F64 : GR_EL_F32;
    gr__entries e = {.n_inputs = 1, .n_targets = gr__wanted_fields(o, GR_FIELD_TARGET)};
    e.entry[0] = (gr__entry){.name = gr__wanted_name(o, GR_FIELD_INPUT, 0), .role = GR_FIELD_INPUT};
    if (e.n_targets) e.entry[1] = (gr__entry){.name = gr__wanted_name(o, GR_FIELD_TARGET, 0), .role = GR_FIELD_TARGET};
    gr_status st = gr__entries_begin(a->ctx, &e, b, out);
    gr_field *x = &out->field[0], *y = &out->field[1];
    out->n = a->shape.n;
    x->sample = a->shape.input;
    x->element = o->keep_float64 || o->exact ? GR_EL_F64 : GR_EL_F32;
    if (e.n_targets) {
        bool values = a->shape.classes == 0;
        y->kind = values ? GR_TARGET_VALUE : GR_TARGET_CLASS;
        y->sample = values ? a->shape.target : GR_SCALAR;
        y->element = values ? real : GR_EL_I32;
        y->classes = (int)a->shape.classes;
        if (st == GR_OK) st = name_classes(a, b, y);
    }
    for (int i = 0; i < gr__set_fields(out); i++) {
        gr_field *f = &out->field[i];
        f->bytes = (uint64_t)(out->n * gr_shape_count(f->sample)) * gr__element_bytes(f->element);
    }
    return st;
}

static gr_status info(gr_context *ctx, const gr_settings *s, const gr_source_options *o, gr_set *out)
{
    asked a;
    gr_status st = ask(ctx, s, o, &a);
    return st == GR_OK ? fill(&a, o->memory, out) : st;
}

/* ---- reading ---- */

/* Numbers into a field, from sample `first` on; refused where they are none that it can hold. */
static gr_status store(const asked *a, gr_field *f, int64_t first, int64_t n, const double *from)
{
    int64_t each = gr_shape_count(f->sample), at = first * each;
    for (int64_t i = 0; i < n * each; i++) {
        double x = from[i];
        bool fits = f->element == GR_EL_I32   ? x >= 0 && x < (double)a->shape.classes && x == floor(x)
                    : f->element == GR_EL_F64 ? isfinite(x)
                                              : isfinite((float)x);
        if (!fits)
            return gr__fail(a->ctx, GR_E_DATA, "source %s, sample %lld: %s %g is %s", a->c->source.head.name,
                            (long long)(first + i / each), f->role == GR_FIELD_INPUT ? "input" : "target", x,
                            f->element == GR_EL_I32 ? "no class that it has" : "not finite");
        if (f->element == GR_EL_I32)
            ((int32_t *)f->data)[at + i] = (int32_t)x;
        else if (f->element == GR_EL_F64)
            ((double *)f->data)[at + i] = x;
        else
            ((float *)f->data)[at + i] = (float)x;
    }
    return GR_OK;
}

enum { PIECE = 256 }; /* samples at a time */

static gr_status read_all(const asked *a, gr__bump *b, gr_set *s)
{
    gr_field *x = &s->field[0], *y = s->n_targets ? &s->field[1] : NULL;
    int64_t answers = a->shape.classes ? 1 : gr_shape_count(a->shape.target), piece = GR_MIN(s->n, (int64_t)PIECE);
    double *in = gr__bump_alloc(b, sizeof *in * (size_t)(piece * gr_shape_count(x->sample))),
           *out = gr__bump_alloc(b, sizeof *out * (size_t)(piece * answers));
    gr_status st = in && out ? GR_OK : GR_E_MEMORY;
    for (int64_t first = 0; first < s->n && st == GR_OK; first += piece) {
        int64_t n = GR_MIN(piece, s->n - first);
        st = told(a, a->c->read(a->c->user, &a->call, first, n, in, out), "read");
        if (st == GR_OK) st = store(a, x, first, n, in);
        if (st == GR_OK && y) st = store(a, y, first, n, out);
    }
    return st;
}

static gr_status load_set(const asked *a, gr_set *set)
{
    gr__bump *memory = gr__bump_create(a->ctx), *scratch;
    if (!memory) return GR_E_MEMORY;
    gr_status st = fill(a, memory, set);
    set->memory = memory; /* the set's now, whatever comes */
    if (st != GR_OK) return st;
    if (!(set->file = gr__bump_strdup(set->memory, a->c->source.head.name))) return GR_E_MEMORY;
    for (int i = 0; i < gr__set_fields(set); i++) {
        set->field[i].data = gr__tensor_alloc(a->ctx, (size_t)set->field[i].bytes);
        if (!set->field[i].data) return gr__error_code(a->ctx);
    }
    if (!(scratch = gr__bump_create(a->ctx))) return GR_E_MEMORY;
    st = read_all(a, scratch, set);
    gr__bump_destroy(scratch);
    return st;
}

static gr_status load(gr_context *ctx, const gr_settings *s, const gr_source_options *o, gr_set *out)
{
    asked a;
    gr_set set = {0};
    gr_status st = ask(ctx, s, o, &a);
    if (st == GR_OK) st = load_set(&a, &set);
    if (st == GR_OK)
        *out = set;
    else
        gr__set_free(ctx, &set);
    return st;
}

gr_status gr_source_register(gr_context *ctx, const gr_source_descriptor *d)
{
    void *room = NULL;
    if (!d) return gr__fail(ctx, GR_E_USAGE, "there is no descriptor");
    const gr__ext_head h = {.family = &gr__family_source,
                            .noun = "source",
                            .version = d->version,
                            .known = GR_SOURCE_VERSION,
                            .name = d->name,
                            .title = d->title,
                            .cite = d->cite,
                            .equations = d->equations,
                            .settings = d->settings,
                            .n_settings = d->n_settings,
                            .complete = d->describe && d->read};
    gr_status st = gr__ext_make(ctx, &h, sizeof(custom), &room);
    if (st != GR_OK) return st;
    custom *c = room;
    c->source.info = info;
    c->source.load = load;
    c->describe = d->describe;
    c->read = d->read;
    c->user = d->user;
    return gr__family_add(ctx, &gr__family_source, &c->source.head);
}
