/* Every layer as C source: the program of each case of its evidence, compiled by the C compiler with all warnings as
 * errors, gives what the evidence has. [interface 11, Export] */
#include <dlfcn.h>
#include <unistd.h>

#include "backend/source/source.h"
#include "nn/layer.h"
#include "support/evidence.h"

enum { MOST = 600, INPUTS = 6 };

typedef void predict_fn(const float *input, float *output, float *scratch);

typedef struct program {
    char name[24], what[100];
    float *input, *want;
    int64_t inputs, outputs, scratch;
} program;

static program programs[MOST];
static int n_programs;
static char folder[] = "/tmp/gradus-source-XXXXXX";
static bool covered; /* the layer at hand has a program */

/* ---- writing ---- */

static void add_feed(program *p, gr__csource_feed *feed, int *n, const char *name, const ev_tensor *t)
{
    p->input = realloc(p->input, (size_t)(p->inputs + t->n + 1) * sizeof *p->input);
    assert_non_null(p->input);
    for (int64_t i = 0; i < t->n; i++) p->input[p->inputs + i] = (float)t->v[i];
    feed[(*n)++] = (gr__csource_feed){.name = name, .offset = p->inputs};
    p->inputs += t->n;
}

/* Parameters and states stand under their names, without what tells the layer. */
static void fill(const gr_store *store, const ev_case *c)
{
    for (int i = 0; i < gr_store_count(store); i++) {
        const gr_entry *e = gr_store_entry(store, i);
        const ev_tensor *t = ev_find(c, e->spec.name + 2);
        assert_non_null(t);
        for (int64_t k = 0; k < e->count; k++) ((float *)e->data)[k] = (float)t->v[k];
    }
}

static void write_program(ev_bench *b, gr_val y, const gr__csource_feed *feed, int n_feeds, const ev_case *c)
{
    program *p = &programs[n_programs];
    gr_store *store;
    gr_plan *plan;
    gr__writer *w;
    char path[80];
    const gr__csource_result result = {.name = "y"};
    gr_output(b->g, "y", y);
    test_ok(b->ctx, gr_store_create(b->ctx, &gr__backend_source, &store));
    for (uint32_t i = 0; i < gr__graph_nodes(b->g); i++) {
        const gr_node *n = gr__node(b->g, i);
        const gr_entry_spec spec = {
            .name = n->attr.name, .shape = gr_shape_of(b->g, n->out), .slot = n->op->code == GR_OP_SLOT};
        if (n->op->kept == GR__KEPT_STORE) test_ok(b->ctx, gr_store_add(store, &spec, NULL));
    }
    test_ok(b->ctx, gr_plan_compile(b->ctx, b->g, store, &(gr_plan_options){.backend = &gr__backend_source}, &plan));
    test_ok(b->ctx, gr_store_seal(store));
    fill(store, c);
    snprintf(p->name, sizeof p->name, "case_%d", n_programs);
    snprintf(path, sizeof path, "%s/%s.c", folder, p->name);
    test_ok(b->ctx, gr__writer_open(b->ctx, path, &w));
    static const char head[] = "#include <math.h>\n#include <stddef.h>\n#include <string.h>\n";
    gr__writer_put(w, head, sizeof head - 1);
    const gr__csource_program how = {p->name, feed, n_feeds, &result, 1};
    test_ok(b->ctx, gr__csource_write(plan, &how, w));
    test_ok(b->ctx, gr__writer_commit(w));
    p->scratch = gr__csource_scratch(plan);
    gr_plan_destroy(plan);
    gr_store_destroy(store);
    n_programs++;
}

static bool layer_case(ev_bench *b, const void *member, const ev_case *c, verdict *v)
{
    const gr_layer *m = member;
    gr_settings s;
    program *p = &programs[n_programs];
    gr__csource_feed feed[INPUTS];
    gr_val in[INPUTS];
    int n_in = 0, n_feeds = 0;
    static const char *const names[] = {"in0", "in1", "in2", "in3"};
    gr_build build = {.ctx = b->ctx, .g = b->g, .mode = GR_MODE_EVALUATE, .memory = b->memory, .layer = "l"};
    if (strcmp(ev_word(c, "mode"), "train") == 0) return true; /* a program predicts */
    assert_true(n_programs < MOST);
    *p = (program){.outputs = 0};
    snprintf(p->what, sizeof p->what, "%s, case %s", m->head.name, c->name);
    const ev_tensor *lengths = ev_find(c, "lengths"), *out = ev_find(c, "out");
    if (lengths) {
        build.lengths = gr_feed(b->g, "lengths", GR_I32, lengths->shape);
        add_feed(p, feed, &n_feeds, "lengths", lengths);
    }
    for (const ev_tensor *t; n_in < (int)GR_COUNT(names) && (t = ev_find(c, names[n_in])); n_in++) {
        in[n_in] = gr_feed(b->g, names[n_in], m->vocabulary ? GR_I32 : GR_REAL, t->shape);
        add_feed(p, feed, &n_feeds, names[n_in], t);
    }
    if (gr__settings_make(b->ctx, b->memory, &m->head, b->tree, GR_PRESET_CHAPTER, gr__layer_common_keys, &s) != GR_OK)
        return ev_failed(v, b->ctx, c, "settings");
    gr_val y = m->build(&build, &s, in, n_in);
    if (!out || gr_graph_status(b->g) != GR_OK) return ev_failed(v, b->ctx, c, "out");
    p->outputs = out->n;
    p->want = malloc((size_t)(out->n + 1) * sizeof *p->want);
    assert_non_null(p->want);
    for (int64_t i = 0; i < out->n; i++) p->want[i] = (float)out->v[i];
    write_program(b, y, feed, n_feeds, c);
    covered = true;
    return true;
}

static void write_all(void)
{
    int n;
    const gr_layer *const *all = gr__layers(&n);
    for (int i = 0; i < n; i++) {
        verdict v = {""};
        evidence *e = ev_open("layer", all[i]->head.name);
        assert_non_null(e);
        covered = false;
        if (!ev_check(layer_case, all[i], e, NULL, 0, &v)) fail_msg("%s: %s", all[i]->head.name, v.why);
        if (!covered) fail_msg("%s: no case of its evidence predicts", all[i]->head.name);
        ev_free(e);
    }
}

/* ---- running ---- */

static void run_one(void *library, const program *p)
{
    union {
        void *object;
        predict_fn *function;
    } found = {.object = dlsym(library, p->name)};
    float *got = malloc((size_t)(p->outputs + 1) * sizeof *got), most = 1;
    float *scratch = malloc((size_t)(p->scratch + 1) * sizeof *scratch);
    assert_non_null(found.object);
    assert_true(got && scratch);
    memset(scratch, 0xff, (size_t)p->scratch * sizeof *scratch); /* NaN: nothing is there before it is written */
    found.function(p->input, got, scratch);
    for (int64_t i = 0; i < p->outputs; i++)
        if (isfinite(p->want[i])) most = fmaxf(most, fabsf(p->want[i]));
    for (int64_t i = 0; i < p->outputs; i++) {
        bool same = isfinite(p->want[i]) ? fabsf(got[i] - p->want[i]) <= 1e-5f * most
                                         : (isnan(got[i]) && isnan(p->want[i])) || got[i] == p->want[i];
        if (!same)
            fail_msg("%s: number %lld is %.9g, not %.9g", p->what, (long long)i, (double)got[i], (double)p->want[i]);
    }
    free(got);
    free(scratch);
}

static void a_program_of_every_layer_gives_its_evidence(void **state)
{
    (void)state;
    char command[300], path[80];
    const char *cc = getenv("CC") ? getenv("CC") : "cc";
    assert_non_null(mkdtemp(folder));
    write_all();
    assert_true(n_programs > 100);
    snprintf(command, sizeof command, "cd %s && %s -std=c11 -Wall -Wextra -Werror -O0 -fPIC -shared -o all.so *.c -lm",
             folder, cc);
    assert_int_equal(system(command), 0);
    snprintf(path, sizeof path, "%s/all.so", folder);
    void *library = dlopen(path, RTLD_NOW);
    if (!library) fail_msg("%s", dlerror());
    for (int i = 0; i < n_programs; i++) {
        run_one(library, &programs[i]);
        free(programs[i].input);
        free(programs[i].want);
    }
    dlclose(library);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_program_of_every_layer_gives_its_evidence)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
