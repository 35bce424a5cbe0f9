/* Initial weights: does every layer keep the scale of what runs through it, forward and backward, and do its units
 * differ?            [mission I1, I2] */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/stack.h"
#include "study/study.h"

static const double FADED = 10; /* a variance this far from 1, up or down, is worth a warning */
static const double LOST = 1e4; /* and this far nothing gets through */
enum { ENOUGH = 32 };           /* values, for a variance that says anything */

/* ---- [I1] ---- */

/* Are all rows (one a unit, the first axis) of a weight equal? */
static bool rows_equal(const gr_probe *p, const gr_entry *e)
{
    int64_t units = e->spec.shape.dim[0], row = units ? e->count / units : 0;
    size_t bytes = (size_t)row * gr_backend_real_bytes(p->task.backend);
    for (int64_t i = 1; i < units; i++)
        if (memcmp((const char *)e->data + (size_t)i * bytes, e->data, bytes) != 0) return false;
    return units > 1 && row > 0;
}

gr_status gr__check_symmetry(gr_probe *p, gr_finding *out)
{
    size_t n;
    int equal = 0, weights = 0;
    const char *first = "";
    const gr_param_info *all = gr__network_params(p->task.network, &n);
    for (size_t i = 0; i < n; i++) {
        const gr_entry *e = gr_store_find(p->store, all[i].entry.name);
        if (all[i].is_bias || e->spec.shape.rank < 2) continue;
        weights++;
        if (!rows_equal(p, e)) continue;
        if (!equal++) first = e->spec.name;
    }
    if (equal)
        gr__finding_set(out, GR_VERDICT_WARNING, equal, 0,
                        "%d of %d weights (%s) start with all units equal: equal units get equal gradients and stay "
                        "equal for ever; start from a random init.weights",
                        equal, weights, first);
    else
        gr__finding_set(out, GR_VERDICT_OK, 0, 0, "the units of every weight start different");
    return GR_OK;
}

/* ---- [I2] ---- */

static gr_spread spread_of(const gr_probe *p, const char *prefix, int i)
{
    char name[32];
    gr_shape shape;
    snprintf(name, sizeof name, "%s%d", prefix, i);
    const void *data = gr_plan_output(p->train, name, &shape);
    int64_t n = gr_shape_count(shape);
    gr_spread s = {.count = n};
    for (int64_t k = 0; k < n; k++) s.mean += gr__probe_real(p, data, k) / (double)n;
    for (int64_t k = 0; k < n; k++) {
        double x = gr__probe_real(p, data, k);
        s.variance += (x - s.mean) * (x - s.mean) / (double)n;
        s.square += x * x / (double)n;
    }
    return s;
}

static bool has_weights(const gr_probe *p, const char *layer)
{
    size_t n;
    const gr_param_info *all = gr__network_params(p->task.network, &n);
    for (size_t i = 0; i < n; i++)
        if (!all[i].is_bias && gr__is_of_layer(all[i].entry.name, layer)) return true;
    return false;
}

/* Does a layer that keeps statistics read it, and nothing else? It gives the same whatever the scale of what it reads.
 */
static bool is_normalised(const gr_probe *p, int i)
{
    const gr_stack *s = p->recipe->stack;
    size_t n;
    const gr_entry_spec *states = gr__network_states(p->task.network, &n);
    int readers = 0, normalising = 0;
    for (int k = 0; k < s->n; k++) {
        bool keeps = false, reads = false;
        for (int j = 0; j < s->layer[k].n_from; j++) reads |= s->layer[k].from[j] == i;
        for (size_t j = 0; j < n; j++) keeps |= gr__is_of_layer(states[j].name, s->layer[k].name);
        readers += reads;
        normalising += reads && keeps;
    }
    return readers > 0 && readers == normalising;
}

static double away(double variance)
{
    return variance > 0 && isfinite(variance) ? fmax(variance, 1 / variance) : INFINITY;
}

static void judge(const gr_init_row *rows, size_t n, gr_finding *out)
{
    const gr_init_row *worst = NULL;
    bool silent = false;
    for (size_t i = 0; i < n; i++) {
        bool judged = rows[i].weighted && !rows[i].last && !rows[i].normalised &&
                      rows[i].activation.count >= ENOUGH; /* what the last layer gives is the initial cost's matter */
        if (judged && (!worst || away(rows[i].activation.variance) > away(worst->activation.variance)))
            worst = &rows[i];
        silent |= rows[i].weighted && !(rows[i].gradient.square > 0 && isfinite(rows[i].gradient.square));
    }
    if (!worst) {
        gr__finding_set(out, silent ? GR_VERDICT_FAILED : GR_VERDICT_OK, NAN, FADED,
                        silent ? "no gradient reaches the weights" : "no hidden layer large enough to tell");
        return;
    }
    double v = worst->activation.variance, factor = away(v);
    gr_verdict verdict = factor > LOST || silent ? GR_VERDICT_FAILED
                         : factor > FADED        ? GR_VERDICT_WARNING
                                                 : GR_VERDICT_OK;
    if (verdict == GR_VERDICT_OK)
        gr__finding_set(out, verdict, v, FADED,
                        "activations keep their scale: the variance farthest from 1 is %.3g, in layer \"%s\"", v,
                        worst->name);
    else if (silent && factor <= LOST)
        gr__finding_set(
            out, verdict, v, FADED,
            "no gradient reaches some layers with weights; gradus check --init shows which: try init.weights kaiming");
    else
        gr__finding_set(out, verdict, v, FADED,
                        "activations %s: layer \"%s\" gives a variance of %.3g where 1 is wanted; prepare the data "
                        "(standardize) and try init.weights kaiming, or xavier before tanh and sigmoid",
                        v > 1 ? "explode" : "fade", worst->name, v);
}

gr_status gr__check_init(gr_probe *p, gr__bump *memory, gr_init_row **rows, size_t *n, gr_finding *out)
{
    const gr_stack *s = p->recipe->stack;
    gr_batch b;
    gr_init_row *r = gr__bump_alloc(memory, sizeof *r * (size_t)GR_MAX(s->n, 1));
    if (!r) return GR_E_MEMORY;
    gr__loader_seek(p->loader, 0, 0);
    gr_status st = p->next(p->source, &b);
    if (st == GR_OK) st = gr__probe_run(p, p->train, &b);
    if (st != GR_OK) return st;
    for (int i = 0; i < s->n; i++)
        r[i] = (gr_init_row){s->layer[i].name,        s->layer[i].member->head.name, has_weights(p, s->layer[i].name),
                             s->layer[i].last,        is_normalised(p, i),           spread_of(p, "layer", i),
                             spread_of(p, "slope", i)};
    judge(r, (size_t)s->n, out);
    *rows = r;
    *n = (size_t)s->n;
    return GR_OK;
}
