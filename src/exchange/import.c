/* Weights of other software in a network of ours: held against it by name, shape and type, all of them, before any is
 * read. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "exchange/exchange.h"
#include "exchange/onnx_read.h"
#include "graph/shape.h"
#include "plan/store.h"
#include "train/train.h"

const char *const gr__misfit_words[] = {"missing", "unused", "another shape", "another type", "given twice", NULL};

typedef struct importing {
    gr_context *ctx;
    gr__bump *memory;
    gr_foreign file;
    gr_names *names;
    gr_named_as *named; /* one a tensor of the file */
    gr_store *store;
    int *from; /* of each entry, the tensor; -1: none */
    gr_imported *out;
    size_t capacity;
} importing;

/* ---- held against each other ---- */

static gr_status misfit(importing *m, gr_misfit_kind kind, const char *name, const char *has, const char *wants)
{
    gr_imported *o = m->out;
    if (o->n_misfits == m->capacity) {
        size_t more = GR_MAX(2 * m->capacity, 16);
        gr_misfit *all = gr__bump_alloc(m->memory, sizeof *all * more);
        if (!all) return GR_E_MEMORY;
        if (o->n_misfits) memcpy(all, o->misfit, sizeof *all * o->n_misfits);
        o->misfit = all;
        m->capacity = more;
    }
    gr_misfit *x = &o->misfit[o->n_misfits];
    *x = (gr_misfit){kind, gr__bump_strdup(m->memory, name), has ? gr__bump_strdup(m->memory, has) : NULL,
                     wants ? gr__bump_strdup(m->memory, wants) : NULL};
    if (!x->name || (has && !x->has) || (wants && !x->wants)) return GR_E_MEMORY;
    o->n_misfits++;
    return GR_OK;
}

static gr_shape turned(const gr_named_as *as, gr_shape s)
{
    gr_shape t = s;
    for (int i = 0; i < s.rank && as->turned; i++) t.dim[i] = s.dim[as->axes[i]];
    return t;
}

static gr_status hold(importing *m, int i, int e)
{
    const gr_foreign_tensor *t = &m->file.tensor[i];
    const gr_entry_spec *s = &gr_store_entry(m->store, e)->spec;
    gr_shape has = turned(&m->named[i], t->shape), wants = gr__file_shape(s);
    char a[96], b[96];
    gr_status st = GR_OK;
    if (m->from[e] >= 0) return misfit(m, GR_MISFIT_TWICE, s->name, t->name, m->file.tensor[m->from[e]].name);
    m->from[e] = i;
    if (!t->real) st = misfit(m, GR_MISFIT_TYPE, s->name, t->type, "F16, BF16, F32 or F64");
    if (st == GR_OK && !gr__shape_equal(has, wants))
        st = misfit(m, GR_MISFIT_SHAPE, s->name, gr__shape_text(has, a), gr__shape_text(wants, b));
    return st;
}

static int entry_named(const gr_store *s, const char *name)
{
    for (int e = 0; e < gr_store_count(s); e++) {
        const gr_entry_spec *spec = &gr_store_entry(s, e)->spec;
        if (gr__model_holds(spec) && strcmp(spec->name, name) == 0) return e;
    }
    return -1;
}

static gr_status compare(importing *m)
{
    int n = gr_store_count(m->store);
    char text[96];
    gr_status st = GR_OK;
    m->named = gr__bump_alloc(m->memory, sizeof *m->named * (size_t)(m->file.n + 1));
    m->from = gr__bump_alloc(m->memory, sizeof *m->from * (size_t)(n + 1));
    if (!m->named || !m->from) return GR_E_MEMORY;
    for (int e = 0; e < n; e++) m->from[e] = -1;
    for (int i = 0; i < m->file.n && st == GR_OK; i++) {
        const gr_foreign_tensor *t = &m->file.tensor[i];
        st = gr__names_of(m->names, t, &m->named[i]);
        const char *name = m->named[i].name;
        int e = st == GR_OK && name ? entry_named(m->store, name) : -1;
        m->out->left_out += !name;
        if (e >= 0)
            st = hold(m, i, e);
        else if (st == GR_OK && name && !t->fixed && !gr__model_ignores(t->name))
            st = misfit(m, GR_MISFIT_UNUSED, t->name, gr__shape_text(t->shape, text), NULL);
    }
    if (st == GR_OK) st = gr__names_used(m->names);
    for (int e = 0; e < n && st == GR_OK; e++) {
        const gr_entry_spec *s = &gr_store_entry(m->store, e)->spec;
        if (!gr__model_holds(s)) continue;
        m->out->tensors++;
        if (m->from[e] < 0) st = misfit(m, GR_MISFIT_MISSING, s->name, NULL, gr__shape_text(gr__file_shape(s), text));
    }
    return st;
}

/* One text of all, as far as there is room; the list is for whoever asked. */
static gr_status refuse(const importing *m)
{
    char text[800] = "";
    size_t n = 0;
    for (size_t i = 0; i < m->out->n_misfits && n < sizeof text - 1; i++) {
        const gr_misfit *x = &m->out->misfit[i];
        int more = snprintf(text + n, sizeof text - n, "%s%s is %s", i ? ", " : "", x->name, gr__misfit_words[x->kind]);
        n = GR_MIN(n + (size_t)GR_MAX(more, 0), sizeof text - 1);
    }
    gr__fail(m->ctx, GR_E_DATA, "\"%s\" does not fit the network, %zu tensor%s: %s", m->file.path, m->out->n_misfits,
             m->out->n_misfits == 1 ? "" : "s", text);
    gr__error_hint(m->ctx,
                   "--map names.tsv gives tensors of the file other names, a line NAME<TAB>NAME, or leaves them "
                   "out, NAME<TAB>-; maps that come with this are %s",
                   gr__names_known(m->memory));
    return GR_E_DATA;
}

/* ---- numbers ---- */

typedef struct filling {
    gr_store *store;
    const gr_entry *entry;
    gr_shape shape;              /* of the file's tensor */
    int64_t stride[GR_MAX_RANK]; /* of its axes, in the order that the recipe has them */
    bool alike;                  /* memory has its numbers in the same order */
    bool wide, beyond;           /* memory holds float64; else: a number that it cannot hold was met */
} filling;

static int64_t place_of(const filling *f, int64_t at)
{
    int64_t place = 0;
    for (int i = f->shape.rank - 1; i >= 0; i--) {
        place += at % f->shape.dim[i] * f->stride[i];
        at /= f->shape.dim[i];
    }
    return place;
}

static void take(void *user, int64_t at, const double *x, size_t n)
{
    filling *f = user;
    for (size_t i = 0; i < n && !f->wide; i++) f->beyond |= isfinite(x[i]) && !isfinite((float)x[i]);
    if (f->alike) {
        gr__store_put(f->store, f->entry, at, 1, (int64_t)n, x);
        return;
    }
    for (size_t i = 0; i < n; i++)
        gr__store_put(f->store, f->entry, gr__offset_in_memory(&f->entry->spec, place_of(f, at + (int64_t)i)), 1, 1,
                      &x[i]);
}

static gr_status fill(importing *m, int e)
{
    int i = m->from[e];
    const gr_foreign_tensor *t = &m->file.tensor[i];
    const gr_named_as *as = &m->named[i];
    const gr_entry *entry = gr_store_entry(m->store, e);
    filling f = {.store = m->store,
                 .entry = entry,
                 .shape = t->shape,
                 .alike = !as->turned && entry->spec.layout == GR_LAYOUT_PLAIN,
                 .wide = gr_backend_real_bytes(gr__store_backend(m->store)) == 8};
    int64_t stride = 1;
    for (int k = t->shape.rank - 1; k >= 0; k--) {
        int axis = as->turned ? as->axes[k] : k;
        f.stride[axis] = stride;
        stride *= t->shape.dim[axis];
    }
    gr_status st = gr__foreign_read(&m->file, i, take, &f);
    if (st == GR_OK && f.beyond)
        st = gr__fail(m->ctx, GR_E_DATA, "\"%s\": tensor \"%s\" holds a number that float32 cannot", m->file.path,
                      t->name);
    return st;
}

/* The file's numbers in a store of the network. */
static gr_status take_weights(importing *m, const gr_network *network, const gr_backend *backend)
{
    gr_status st = GR_OK;
    GR_TRY(gr_store_create(m->ctx, backend, &m->store));
    GR_TRY(gr__network_declare(network, m->store));
    GR_TRY(gr_store_seal(m->store));
    GR_TRY(compare(m));
    if (m->out->n_misfits) GR_TRY(refuse(m));
    for (int e = 0; e < gr_store_count(m->store); e++)
        if (gr__model_holds(&gr_store_entry(m->store, e)->spec)) GR_TRY(fill(m, e));
done:
    return st;
}

/* ---- with a recipe ---- */

static gr_status by_recipe(importing *m, const gr_recipe *r, const char *to)
{
    char trained[200];
    gr_task task = {0};
    gr_status st = GR_OK;
    GR_TRY(gr__task_open(m->ctx, r, 1u << GR_PART_TRAIN, NULL, &task));
    GR_TRY(take_weights(m, task.network, task.backend));
    snprintf(trained, sizeof trained, "{\"steps\": 0, \"samples\": 0, \"imported\": \"%s\", \"version\": \"%s\"}",
             m->file.form->title, GR_VERSION);
    const gr_model_about about = {.recipe = r, .meaning = &task.meaning, .trained = trained};
    st = gr__model_write(m->ctx, to, m->store, &about);
done:
    gr__task_close(&task);
    return st;
}

/* ---- without: an export of ours says all of its model ---- */

static const char *said(const gr_foreign *f, const char *key)
{
    for (int i = 0; i < f->n_meta; i++)
        if (strcmp(f->meta[i].key, key) == 0) return f->meta[i].value;
    return NULL;
}

/* A graph of ONNX that is made of layers of ours: nothing is known of what it was trained on. */
static gr_status by_graph(importing *m, const char *to)
{
    gr__text json;
    gr_recipe *r = NULL;
    gr_network *network = NULL;
    const gr_meaning meaning = {0};
    gr_status st = GR_OK;
    gr__text_init(&json, m->ctx);
    GR_TRY(gr__onnx_recipe(&m->file, m->names, &json));
    GR_TRY(gr__model_recipe(m->ctx, m->file.path, json.s, &r));
    GR_TRY(gr__network_make(m->ctx, r, NULL, &network));
    GR_TRY(take_weights(m, network, gr_backend_get(r->device)));
    const gr_model_about about = {
        .recipe = r,
        .meaning = &meaning,
        .trained = "{\"steps\": 0, \"samples\": 0, \"imported\": \"ONNX\", \"version\": \"" GR_VERSION "\"}"};
    st = gr__model_write(m->ctx, to, m->store, &about);
done:
    gr__text_free(&json);
    gr__network_destroy(network);
    if (r) gr__recipe_close(m->ctx, r);
    return st;
}

static gr_status by_itself(importing *m, const char *to)
{
    gr_recipe *r = NULL;
    gr_network *network = NULL;
    gr_status st = GR_OK;
    const char *text = said(&m->file, "gradus.recipe");
    if (!text && m->file.form == &gr__foreign_onnx) return by_graph(m, to);
    if (!text || !said(&m->file, "gradus.prepare")) {
        st = gr__fail(m->ctx, GR_E_USAGE, "import: \"%s\" does not say which network it is: --recipe RECIPE is missing",
                      m->file.path);
        gr__error_hint(m->ctx, "exports to ONNX without --raw do; of others a recipe says it");
        return st;
    }
    GR_TRY(gr__model_check(m->ctx, m->file.path, m->file.meta, m->file.n_meta));
    GR_TRY(gr__model_recipe(m->ctx, m->file.path, text, &r));
    GR_TRY(gr__network_make(m->ctx, r, NULL, &network));
    GR_TRY(take_weights(m, network, gr_backend_get(r->device)));
    st = gr__model_save(m->ctx, to, m->store, NULL, r->float64, NULL, m->file.meta, m->file.n_meta);
done:
    gr__network_destroy(network);
    if (r) gr__recipe_close(m->ctx, r);
    return st;
}

gr_status gr__import(gr_context *ctx, gr__bump *b, const char *file, const char *to, const gr_import_options *o,
                     gr_imported *out)
{
    importing m = {.ctx = ctx, .memory = b, .out = out};
    gr_status st = GR_OK;
    *out = (gr_imported){0};
    GR_TRY(gr__names_open(ctx, b, o->map, &m.names));
    GR_TRY(gr__foreign_open(ctx, file, &m.file));
    out->format = m.file.form->title;
    st = o->recipe ? by_recipe(&m, o->recipe, to) : by_itself(&m, to);
done:
    gr_store_destroy(m.store);
    gr__foreign_close(&m.file);
    if (m.names) gr__names_close(m.names);
    return st;
}
