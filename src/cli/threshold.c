/* Thresholds between two classes: given as a number, or chosen on the validation data. */
#include <math.h>
#include <string.h>

#include "cli/evaluation.h"

/* ---- a pass ---- */

gr_status cli_pass_run(cli *c, gr_pass *p, gr_evaluation *ev)
{
    cli_catch_signals();
    return gr__pass_run(c->ctx, p, &cli_stop, ev);
}

/* ---- thresholds ---- */

static bool means(const gr_model *m, int head, bool best)
{
    const gr_metric_scope *scope = &m->recipe->head[head].metric_scope;
    return gr__threshold_means(scope->form, scope->classes) && !(best && scope->form != GR_FORM_CLASS);
}

/* The heads that it is for, with `at`. */
static gr_status spread(cli *c, const gr_model *m, double at, bool best, cli_threshold out[GR_MAX_TARGETS])
{
    int n = 0;
    for (int h = 0; h < m->recipe->n_heads; h++) {
        if (!means(m, h, best)) continue;
        out[h] = (cli_threshold){
            .is = {.at = at, .positive = gr__targets_positive(&m->meaning.targets[h])}, .given = true, .figure = NAN};
        n++;
    }
    if (n) return GR_OK;
    gr__fail(c->ctx, GR_E_USAGE, "--threshold%s is for two classes%s, which this model does not tell apart",
             best ? " best" : "", best ? "" : " or for labels");
    return GR_E_USAGE;
}

gr_status cli_threshold_parse(cli *c, const gr_model *m, const char *text, cli_threshold out[GR_MAX_TARGETS])
{
    double at;
    memset(out, 0, sizeof *out * GR_MAX_TARGETS);
    if (!text) return GR_OK;
    if (!gr__parse_number(text, &at) || !(at >= 0 && at <= 1)) {
        gr__fail(c->ctx, GR_E_RANGE, "--threshold: %s is not a probability, a number of [0,1]", text);
        gr__error_hint(c->ctx, "gradus eval MODEL --threshold best chooses one on the validation data");
        return GR_E_RANGE;
    }
    return spread(c, m, at, false, out);
}

/* The metric that chooses for a head: the one said, or what a recipe of unbalanced classes reports. */
static gr_status read_by(cli *c, const gr_model *m, int head, const char *by, gr_metric_use *out)
{
    const gr_metric_scope *scope = &m->recipe->head[head].metric_scope;
    gr_metrics list = {0};
    gr_tree *tree = NULL;
    gr_status st = GR_OK;
    if (by) {
        st = gr__yaml_parse(c->ctx, c->memory, "--threshold-by", by, strlen(by), &tree);
        if (st == GR_OK) st = gr__metrics_add(c->ctx, c->memory, scope, tree, &list);
    } else {
        st = gr__metrics_add_defaults(c->ctx, c->memory, scope, true, &list);
    }
    if (st != GR_OK) return st;
    *out = list.use[0];
    return out->member->counted
               ? GR_OK
               : gr__tree_fail(c->ctx, tree, GR_E_CONFLICT, "f1, precision, recall or mcc, for example",
                               "%s is the same for any threshold", out->name);
}

/* The recipe whose validation data chooses. */
static gr_status chooser(cli *c, const gr_model *m, const gr_recipe *r, const gr_recipe **out)
{
    const gr_recipe *const from[] = {r, m->recipe};
    for (size_t i = 0; i < GR_COUNT(from); i++) {
        *out = from[i];
        if ((*out)->data.validation || (*out)->data.split_validation > 0) return GR_OK;
    }
    gr__fail(c->ctx, GR_E_USAGE, "--threshold best: there is no validation data to choose by");
    gr__error_hint(c->ctx, "--data names a recipe that has some; or give a number");
    return GR_E_USAGE;
}

static gr_status choose(cli *c, const gr_model *m, const gr_recipe *r, const char *by, cli_threshold *out)
{
    gr_choice choice[GR_MAX_TARGETS] = {0};
    gr_pass p = {0};
    gr_evaluation ev = {0};
    gr_status st = GR_OK;
    for (int h = 0; h < m->recipe->n_heads; h++)
        if (out[h].given) GR_TRY(read_by(c, m, h, by, &choice[h].by));
    GR_TRY(gr__pass_open(c->ctx, m, r, GR_PART_VALIDATION, true, &p));
    for (int h = 0; h < m->recipe->n_heads; h++) {
        if (!out[h].given) continue;
        p.engine.threshold[h] = &out[h].is;
        p.engine.choice[h] = &choice[h];
    }
    GR_TRY(cli_pass_run(c, &p, &ev));
    for (int h = 0; h < m->recipe->n_heads; h++) {
        if (!out[h].given) continue;
        if (isnan(choice[h].figure))
            GR_TRY(gr__fail(c->ctx, GR_E_DATA, "--threshold best: %s has no value on the validation data",
                            choice[h].by.name));
        out[h].is = choice[h].best;
        out[h].by = choice[h].by.name;
        out[h].figure = choice[h].figure;
    }
done:
    gr__evaluation_free(c->ctx, &ev);
    gr__pass_close(&p);
    return st;
}

gr_status cli_threshold_choose(cli *c, const gr_model *m, const gr_recipe *r, const cli_threshold_options *o,
                               cli_threshold out[GR_MAX_TARGETS])
{
    const gr_recipe *from;
    bool best = o->threshold && strcmp(o->threshold, "best") == 0;
    if (o->by && !best) return gr__fail(c->ctx, GR_E_USAGE, "--threshold-by %s: it goes with --threshold best", o->by);
    if (!best) return cli_threshold_parse(c, m, o->threshold, out);
    memset(out, 0, sizeof *out * GR_MAX_TARGETS);
    gr_status st = spread(c, m, 0.5, true, out);
    if (st == GR_OK) st = chooser(c, m, r, &from);
    return st == GR_OK ? choose(c, m, from, o->by, out) : st;
}
