/* A model as C source: its network for one sample, preparation and the cost's reading of the outputs included, compiled
 * for the backend whose plans are programs (backend/source), with its weights. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "backend/source/source.h"
#include "exchange/exchange.h"
#include "exchange/quantize.h"

typedef struct exporting {
    gr_context *ctx;
    const gr_model *m;
    bool raw;
    gr__csource_codes *codes;
    int n_codes;
    const gr_backend *backend;
    gr__bump *memory;
    gr_network *network;
    gr_store *store;
    gr_plan *plan;
    char *stem, *capitals; /* of the file's name, as C may have it */
    gr__csource_feed feed[2 * GR_MAX_INPUTS];
    gr__csource_result result[GR_MAX_TARGETS];
    int n_feeds;
    gr_shape takes[GR_MAX_INPUTS], gives[GR_MAX_TARGETS];
    bool lengths[GR_MAX_INPUTS];
    int64_t inputs, outputs;
} exporting;

/* ---- names ---- */

/* "runs/my-net.c": my_net. Names of C begin with a letter. */
static gr_status find_stem(exporting *x, const char *path)
{
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path, *dot = strrchr(name, '.');
    size_t n = dot ? (size_t)(dot - name) : strlen(name);
    bool letter = n > 0 && isalpha((unsigned char)name[0]);
    x->stem = gr__bump_format(x->memory, "%s%.*s", letter ? "" : "net_", (int)n, name);
    if (!x->stem) return GR_E_MEMORY;
    for (char *c = x->stem; *c; c++)
        if (!isalnum((unsigned char)*c) || (unsigned char)*c > 127) *c = '_';
    x->capitals = gr__bump_strdup(x->memory, x->stem);
    for (char *c = x->capitals; c && *c; c++) *c = (char)toupper((unsigned char)*c);
    return x->capitals ? GR_OK : GR_E_MEMORY;
}

/* ---- the plan ---- */

/* Do its samples have lengths? Lines of text, which are told from running text by their labels, have without a word. */
static bool measured(const gr_model *m, const char *input)
{
    const gr_tree *source = m->recipe->data.train;
    bool lines = m->meaning.schema.unit && source && !gr__tree_none(gr__tree_get(source, "labels"));
    return lines || gr__source_has_lengths(source, input);
}

static gr_status make_network(exporting *x)
{
    const gr_model *m = x->m;
    gr_network_data d = {.targets = m->meaning.targets};
    for (int i = 0; i < m->recipe->n_inputs; i++) {
        const gr_model_input *in = &m->recipe->input[i];
        x->lengths[i] = d.lengths[i] = measured(m, in->name);
        d.input_as[i] = GR_EL_F32;
        d.prepared[i] = x->raw ? NULL : m->meaning.prepared[i];
        d.n_prepared[i] = x->raw ? 0 : m->meaning.n_prepared[i];
        x->takes[i] = gr__prepare_takes(d.prepared[i], d.n_prepared[i], in->sample);
    }
    return gr__network_make(x->ctx, m->recipe, &d, &x->network);
}

static gr_status compile(exporting *x)
{
    const gr_recipe *r = x->m->recipe;
    gr_graph *g = NULL;
    gr_network_values v;
    char name[GR_FEED_TEXT];
    gr_status st = GR_OK;
    GR_TRY(gr_graph_create(x->ctx, &g));
    GR_TRY(gr__network_build(x->network, g, GR_MODE_EVALUATE, 1, false, &v));
    for (int h = 0; h < r->n_heads; h++) {
        gr_output(g, gr__output_of(r->head[h].name, "prediction", name), v.head[h].prediction);
        x->gives[h] = gr_shape_of(g, v.head[h].prediction);
    }
    GR_TRY(
        gr_plan_compile(x->ctx, g, x->store, &(gr_plan_options){.backend = x->backend, .name = "predict"}, &x->plan));
done:
    gr_graph_destroy(g);
    return st;
}

static gr_status make_plan(exporting *x)
{
    gr_status st = GR_OK;
    GR_TRY(make_network(x));
    GR_TRY(gr_store_create(x->ctx, x->backend, &x->store));
    GR_TRY(gr__network_declare(x->network, x->store));
    GR_TRY(compile(x));
    GR_TRY(gr_store_seal(x->store));
    st = gr__model_load(x->ctx, x->m->file, x->m->path, x->store);
done:
    return st;
}

/* ---- what goes in and comes out ---- */

static const char *text_of(exporting *x, const char *text)
{
    return gr__bump_strdup(x->memory, text);
}

/* Inputs and outputs stand one after the other, in the recipe's order. */
static gr_status name_values(exporting *x)
{
    const gr_recipe *r = x->m->recipe;
    char name[GR_FEED_TEXT];
    bool fine = true;
    for (int i = 0; i < r->n_inputs; i++) {
        int64_t count = gr_shape_count(x->takes[i]);
        gr__csource_feed f = {.name = text_of(x, gr__feed_of(GR_FIELD_INPUT, r->input[i].name, name)),
                              .offset = x->inputs};
        fine = fine && f.name;
        x->feed[x->n_feeds++] = f;
        if (x->lengths[i]) {
            f.name = text_of(x, gr__feed_of(GR_FIELD_LENGTH, r->input[i].name, name));
            f.steps = x->takes[i].dim[0];
            f.width = count / f.steps;
            f.indices = r->input[i].vocabulary > 0;
            f.zeros = x->m->meaning.schema.unit != NULL;
            fine = fine && f.name;
            x->feed[x->n_feeds++] = f;
        }
        x->inputs += count;
    }
    for (int h = 0; h < r->n_heads; h++) {
        x->result[h] = (gr__csource_result){text_of(x, gr__output_of(r->head[h].name, "prediction", name)), x->outputs};
        x->outputs += gr_shape_count(x->gives[h]);
        fine = fine && x->result[h].name;
    }
    return fine ? GR_OK : GR_E_MEMORY;
}

/* ---- files ---- */

static void put(gr__writer *w, gr__text *t)
{
    if (t->n) gr__writer_put(w, t->s, t->n);
    t->n = 0;
}

/* What others wrote, within a comment: it cannot end there. */
static void put_word(gr__text *t, const char *word)
{
    for (const char *c = word; *c; c++)
        gr__text_add(t, "%c", strchr("*/\\?", *c) || (unsigned char)*c < ' ' || *c == 127 ? '_' : *c);
}

static const gr__csource_feed *length_of(const exporting *x, int64_t offset)
{
    for (int k = 0; k < x->n_feeds; k++)
        if (x->feed[k].steps && x->feed[k].offset == offset) return &x->feed[k];
    return NULL;
}

/* Columns of a table, where the numbers that go in are they. */
static void put_columns(const exporting *x, int64_t first, int64_t count, gr__text *t)
{
    const gr_schema *s = &x->m->meaning.schema;
    if (!s->table || x->raw || s->n_inputs != x->inputs) return;
    for (int64_t i = first; i < first + count && (s->name || s->category); i++) {
        gr__text_add(t, " *       input[%lld]", (long long)i);
        if (s->name) put_word(t, ": "), put_word(t, s->name[i]);
        for (int k = 0; s->category && k < s->category[i].n; k++) {
            gr__text_add(t, "%s %d ", k ? "," : ";", k);
            put_word(t, s->category[i].name[k]);
        }
        gr__text_add(t, "\n");
    }
}

static void put_inputs(const exporting *x, gr__text *t)
{
    const gr_recipe *r = x->m->recipe;
    char shape[96];
    int64_t at = 0;
    for (int i = 0; i < r->n_inputs; i++) {
        int64_t count = gr_shape_count(x->takes[i]);
        const gr__csource_feed *length = length_of(x, at);
        gr__text_add(t, " *   input + %lld: %s %s%s\n", (long long)at, r->input[i].name,
                     gr__shape_text(x->takes[i], shape),
                     r->input[i].vocabulary        ? ", indices"
                     : x->raw                      ? ", as the layers take it"
                     : x->m->meaning.n_prepared[i] ? ", raw: it is prepared here as in the training"
                                                   : "");
        if (length && length->zeros) gr__text_add(t, " *       shorter ones are filled up with 0\n");
        if (length && !length->zeros)
            gr__text_add(t, " *       shorter ones are filled up with %s\n", r->input[i].vocabulary ? "-1" : "NaN");
        put_columns(x, at, count, t);
        at += count;
    }
}

static void put_outputs(const exporting *x, gr__text *t)
{
    const gr_recipe *r = x->m->recipe;
    const gr_meaning *m = &x->m->meaning;
    char text[96];
    for (int h = 0; h < r->n_heads; h++) {
        gr_shape shape = {.rank = x->gives[h].rank - 1};
        for (int i = 0; i < shape.rank; i++) shape.dim[i] = x->gives[h].dim[i + 1];
        gr__text_add(t, " *   output + %lld: %s %s%s\n", (long long)x->result[h].offset, r->head[h].name,
                     gr__shape_text(shape, text),
                     r->head[h].reading.prediction == GR_PREDICT_VALUES ? "" : ", probabilities");
        for (int k = 0; m->class_names[h] && k < m->classes[h]; k++) {
            gr__text_add(t, " *       %d ", k);
            put_word(t, m->class_names[h][k]);
            gr__text_add(t, "\n");
        }
    }
}

static void put_header(const exporting *x, uint64_t weights, gr__text *t)
{
    gr__text_add(t, "/* ");
    put_word(t, x->m->recipe->name);
    gr__text_add(t, ", as gradus exported it: predicts one sample.\n *\n");
    put_inputs(x, t);
    put_outputs(x, t);
    gr__text_add(
        t,
        " *\n * Nothing is kept from call to call, nothing is allocated: threads may call it at once, each with "
        "a scratch of its\n * own. Weights take %llu bytes, the scratch %lld. */\n",
        (unsigned long long)weights, 4 * (long long)gr__csource_scratch(x->plan));
    gr__text_add(t, "#ifndef %s_H\n#define %s_H\n\n", x->capitals, x->capitals);
    gr__text_add(t, "#define %s_INPUTS %lld\n", x->capitals, (long long)x->inputs);
    gr__text_add(t, "#define %s_OUTPUTS %lld\n", x->capitals, (long long)x->outputs);
    gr__text_add(t, "#define %s_SCRATCH %lld\n\n", x->capitals, (long long)gr__csource_scratch(x->plan));
    gr__text_add(t, "#ifdef __cplusplus\nextern \"C\" {\n#endif\n");
    gr__text_add(t, "void %s_predict(const float *input, float *output, float *scratch);\n", x->stem);
    gr__text_add(t, "#ifdef __cplusplus\n}\n#endif\n#endif\n");
}

static gr_status write_files(exporting *x, const char *header, gr__writer *h, gr__writer *c)
{
    const gr__csource_program program = {gr__bump_format(x->memory, "%s_predict", x->stem),
                                         x->feed,
                                         x->n_feeds,
                                         x->result,
                                         x->m->recipe->n_heads,
                                         x->codes,
                                         x->n_codes};
    const char *name = strrchr(header, '/') ? strrchr(header, '/') + 1 : header;
    uint64_t weights = 0;
    gr__text t;
    gr__text_init(&t, x->ctx);
    gr__text_add(&t, "#include \"%s\"\n\n#include <math.h>\n#include <stddef.h>\n#include <string.h>\n", name);
    gr_status st = t.failed || !program.name ? gr__error_code(x->ctx) : GR_OK;
    if (st == GR_OK) put(c, &t);
    if (st == GR_OK) st = gr__csource_write(x->plan, &program, c, &weights);
    put_header(x, weights, &t);
    if (st == GR_OK && t.failed) st = gr__error_code(x->ctx);
    if (st == GR_OK) put(h, &t);
    gr__text_free(&t);
    return st;
}

/* Both files, or neither. */
static gr_status write(exporting *x, const char *path)
{
    gr_status st = GR_OK;
    gr__writer *h = NULL, *c = NULL;
    const char *header = gr__bump_format(x->memory, "%.*sh", (int)strlen(path) - 1, path);
    if (!header) return GR_E_MEMORY;
    GR_TRY(gr__writer_open(x->ctx, path, &c));
    GR_TRY(gr__writer_open(x->ctx, header, &h));
    GR_TRY(write_files(x, header, h, c));
    st = gr__writer_commit(h);
    h = NULL;
    if (st == GR_OK) {
        st = gr__writer_commit(c);
        c = NULL;
    }
done:
    gr__writer_abort(h);
    gr__writer_abort(c);
    return st;
}

gr_status gr__export_c(gr_context *ctx, gr_model *m, const char *path, const gr_export_options *o)
{
    exporting x = {.ctx = ctx, .m = m, .raw = o->raw, .memory = gr__bump_create(ctx)};
    gr_int8 told;
    x.backend = o->int8 ? &gr__backend_source_codes : &gr__backend_source;
    gr_status st = x.memory ? GR_OK : GR_E_MEMORY;
    if (st == GR_OK) st = find_stem(&x, path);
    if (st == GR_OK && o->int8)
        st = gr__quantize(ctx, x.memory, m, o, false, &x.codes, &x.n_codes, o->quantized ? o->quantized : &told);
    if (st == GR_OK) st = make_plan(&x);
    if (st == GR_OK) st = name_values(&x);
    if (st == GR_OK) st = write(&x, path);
    gr_plan_destroy(x.plan);
    gr_store_destroy(x.store);
    gr__network_destroy(x.network);
    gr__bump_destroy(x.memory);
    return st;
}
