/* Metrics: the figure of every case, in float and double, whatever the batches. */
#include "support/case_metric.h"

#include "support/evidence.h"

typedef struct metric_case {
    const ev_case *c;
    gr_target_form form;
    int64_t n, outputs, classes, per_target; /* numbers of a sample's target */
} metric_case;

static metric_case mc_of(const ev_case *c)
{
    static const char *const forms[] = {"class", "labels", "distribution", "values"};
    const ev_tensor *p = ev_find(c, "prediction"), *y = ev_find(c, "target");
    metric_case m = {.c = c, .n = p->shape.dim[0], .outputs = p->shape.dim[1], .per_target = y->n / p->shape.dim[0]};
    for (int f = 0; f < 4; f++)
        if (strcmp(ev_word(c, "form"), forms[f]) == 0) m.form = (gr_target_form)f;
    m.classes = *ev_word(c, "classes") ? atoi(ev_word(c, "classes")) : m.outputs;
    return m;
}

/* The numbers of v from `from` on, as the tally takes them. */
static void mc_deliver(void *to, const double *v, int64_t n, bool classes, bool wide)
{
    for (int64_t i = 0; i < n; i++) {
        if (classes)
            ((int32_t *)to)[i] = (int32_t)v[i];
        else if (wide)
            ((double *)to)[i] = v[i];
        else
            ((float *)to)[i] = (float)v[i];
    }
}

/* Counts the case in batches of `batch` samples. scores: with room for them. */
static void mc_count(gr_context *ctx, const metric_case *m, const gr_targets *targets, bool wide, int64_t batch,
                     gr_tally *t, void **scores)
{
    const double *p = ev_find(m->c, "prediction")->v, *y = ev_find(m->c, "target")->v;
    gr_tally_spec is = {.form = m->form,
                        .outputs = m->outputs,
                        .classes = m->classes,
                        .wide = wide,
                        .targets = targets,
                        .samples = m->n};
    void *a = malloc(sizeof(double) * (size_t)(batch * m->outputs)),
         *b = malloc(sizeof(double) * (size_t)(batch * m->per_target));
    is.scores = *scores = malloc(gr__tally_score_bytes(&is, m->n));
    assert_true(a && b && *scores);
    test_ok(ctx, gr__tally_begin(ctx, &is, t));
    for (int64_t at = 0; at < m->n; at += batch) {
        int64_t n = GR_MIN(batch, m->n - at);
        mc_deliver(a, p + at * m->outputs, n * m->outputs, false, wide);
        mc_deliver(b, y + at * m->per_target, n * m->per_target, m->form == GR_FORM_CLASS, wide);
        gr__tally_add(t, n, b, a);
    }
    gr__tally_finish(t);
    free(a);
    free(b);
}

static double mc_value(gr_context *ctx, const gr_metric *m, const metric_case *k, const gr_settings *s, bool wide,
                       int64_t batch)
{
    const ev_tensor *counts = ev_find(k->c, "counts");
    int64_t count[2] = {0};
    gr_targets targets = {.classes = 2, .count = count};
    for (int i = 0; counts && i < 2; i++) targets.n += count[i] = (int64_t)counts->v[i];
    gr_tally t;
    void *scores;
    mc_count(ctx, k, &targets, wide, batch, &t, &scores);
    double value = m->value(s, &t);
    gr__tally_end(&t);
    free(scores);
    return value;
}

static bool mc_equal(double is, double want, double within)
{
    return isnan(want) ? isnan(is) : fabs(is - want) <= within * fmax(1, fabs(want));
}

bool metric_agrees(const gr_metric *m, const char *evidence_of)
{
    static const int64_t batches[] = {1, 7, 1000};
    evidence *e = ev_open("metric", evidence_of);
    bool good = e != NULL;
    if (!e) print_error("metric %s has no evidence\n", evidence_of);
    for (int i = 0; good && i < e->n; i++) { /* the first figure that is wrong is told */
        ev_bench b;
        gr_settings s;
        metric_case k = mc_of(&e->c[i]);
        double want = ev_number(&e->c[i], "value");
        assert_true(ev_begin(&b, e->c[i].set));
        test_ok(b.ctx, gr__settings_make(b.ctx, b.memory, &m->head, b.tree, GR_PRESET_CHAPTER, NULL, &s));
        if (!(m->forms & 1u << k.form)) print_error("%s: %s is no form of it\n", e->path, e->c[i].name), good = false;
        for (int way = 0; good && way < 6; way++) {
            double is = mc_value(b.ctx, m, &k, &s, way % 2, batches[way / 2]);
            if (mc_equal(is, want, way % 2 ? 1e-13 : 2e-6)) continue;
            print_error("%s, %s: %.17g, not %.17g (%s, batches of %lld)\n", e->path, e->c[i].name, is, want,
                        way % 2 ? "double" : "float", (long long)batches[way / 2]);
            good = false;
        }
        ev_end(&b);
    }
    ev_free(e);
    return good;
}
