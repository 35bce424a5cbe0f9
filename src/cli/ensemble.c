/* Models that predict together. Each reads the file as its own training's data was read. */
#include "cli/ensemble.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "graph/shape.h"

/* ---- whether they agree ---- */

bool cli_is_model(const char *path)
{
    unsigned char front[9];
    struct stat about;
    bool file = stat(path, &about) == 0 && S_ISREG(about.st_mode); /* a pipe can be read once */
    FILE *f = file ? fopen(path, "rb") : NULL;
    bool is = f && fread(front, 1, sizeof front, f) == sizeof front && front[8] == '{';
    uint64_t header = 0;
    for (int i = 7; i >= 0 && is; i--) header = header << 8 | front[i];
    is = is && header < (uint64_t)1 << 32 && fseek(f, 0, SEEK_END) == 0 && header + 8 <= (uint64_t)ftell(f);
    if (f) fclose(f);
    return is;
}

static gr_status disagree(cli *c, const gr_model *a, const gr_model *b, const char *what, const char *of_a,
                          const char *of_b)
{
    gr__fail(c->ctx, GR_E_DATA, "%s and %s do not predict together: %s %s in the one and %s in the other", a->path,
             b->path, what, of_a, of_b);
    gr__error_hint(c->ctx, "models of an ensemble have the same inputs, outputs and classes, in the same order");
    return GR_E_DATA;
}

static gr_status disagree_count(cli *c, const gr_model *a, const gr_model *b, const char *what, int64_t of_a,
                                int64_t of_b)
{
    char x[24], y[24];
    snprintf(x, sizeof x, "%lld", (long long)of_a);
    snprintf(y, sizeof y, "%lld", (long long)of_b);
    return disagree(c, a, b, what, x, y);
}

static gr_status agree_inputs(cli *c, const gr_model *a, const gr_model *b)
{
    const gr_recipe *p = a->recipe, *q = b->recipe;
    char x[96], y[96];
    if (p->n_inputs != q->n_inputs) return disagree_count(c, a, b, "inputs are", p->n_inputs, q->n_inputs);
    for (int i = 0; i < p->n_inputs; i++) {
        const gr_model_input *m = &p->input[i], *n = &q->input[i];
        if (strcmp(m->name, n->name) != 0) return disagree(c, a, b, "an input is called", m->name, n->name);
        if (!gr__shape_equal(m->sample, n->sample))
            return disagree(c, a, b, "the input is", gr__shape_text(m->sample, x), gr__shape_text(n->sample, y));
    }
    return GR_OK;
}

static gr_status agree_classes(cli *c, const gr_model *a, const gr_model *b, int head)
{
    const gr_meaning *m = &a->meaning, *n = &b->meaning;
    char x[24], y[24];
    if (!m->class_names[head] && !n->class_names[head]) return GR_OK;
    for (int k = 0; k < GR_MAX(m->classes[head], n->classes[head]); k++) {
        const char *of_a = cli_class_name(a, head, k, x, sizeof x), *of_b = cli_class_name(b, head, k, y, sizeof y);
        if (strcmp(of_a, of_b) != 0) return disagree(c, a, b, gr__bump_format(c->memory, "class %d is", k), of_a, of_b);
    }
    return GR_OK;
}

static gr_status agree_heads(cli *c, const gr_model *a, const gr_model *b)
{
    const gr_recipe *p = a->recipe, *q = b->recipe;
    char x[96], y[96];
    if (p->n_heads != q->n_heads) return disagree_count(c, a, b, "outputs are", p->n_heads, q->n_heads);
    for (int h = 0; h < p->n_heads; h++) {
        const gr_head *m = &p->head[h], *n = &q->head[h];
        if (strcmp(m->name, n->name) != 0) return disagree(c, a, b, "an output is called", m->name, n->name);
        if (m->reading.target != n->reading.target)
            return disagree(c, a, b, "targets are", gr__target_form_name(m->reading.target),
                            gr__target_form_name(n->reading.target));
        if (m->metric_scope.classes != n->metric_scope.classes)
            return disagree_count(c, a, b, "classes are", m->metric_scope.classes, n->metric_scope.classes);
        if (!gr__shape_equal(m->output, n->output) && gr_shape_count(m->output) + gr_shape_count(n->output) != 3)
            return disagree(c, a, b, "the output is", gr__shape_text(m->output, x), gr__shape_text(n->output, y));
        gr_status st = agree_classes(c, a, b, h);
        if (st != GR_OK) return st;
    }
    return GR_OK;
}

gr_status cli_ensemble_open(cli *c, const char *const *path, int n, cli_ensemble *e)
{
    gr_status st = GR_OK;
    *e = (cli_ensemble){.voice = gr__bump_alloc(c->memory, sizeof *e->voice * (size_t)n)};
    if (!e->voice) return GR_E_MEMORY;
    for (int i = 0; i < n && st == GR_OK; i++) {
        gr_model *m = &e->voice[i].model;
        st = gr__model_open(c->ctx, path[i], m);
        e->n += st == GR_OK;
        if (st == GR_OK && i) st = agree_inputs(c, &e->voice[0].model, m);
        if (st == GR_OK && i) st = agree_heads(c, &e->voice[0].model, m);
    }
    if (st != GR_OK) cli_ensemble_close(c, e);
    return st;
}

void cli_ensemble_close(cli *c, cli_ensemble *e)
{
    cli_ensemble_unload(c, e);
    for (int i = 0; i < e->n; i++) {
        gr__predictor_destroy(e->voice[i].ready.predictor);
        gr__model_close(&e->voice[i].model);
    }
    *e = (cli_ensemble){0};
}

/* ---- how they are mixed ---- */

const char *const cli_average_words[] = {"probabilities", "logits", NULL};
enum { AVERAGE_LOGITS = 1 };

gr_status cli_ensemble_check(cli *c, const cli_ensemble_options *o)
{
    if (o->several || (!cli_given(c, "average") && !o->weights)) return GR_OK;
    return gr__fail(c->ctx, GR_E_USAGE, "--%s goes with --ensemble", o->weights ? "weights" : "average");
}

gr_status cli_ensemble_arguments(cli *c, const char **model, int *n_models, const char **other, int *n_others)
{
    *n_models = *n_others = 0;
    for (int i = 0; i < c->n_arguments; i++) {
        bool is = i == 0 || cli_is_model(c->argument[i]); /* opening the first says why it is none */
        if (is)
            model[(*n_models)++] = c->argument[i];
        else
            other[(*n_others)++] = c->argument[i];
    }
    if (*n_models > 1) return GR_OK;
    return gr__fail(c->ctx, GR_E_USAGE, "--ensemble: %s is the only model among the arguments", model[0]);
}

const gr_model *const *cli_ensemble_models(cli *c, const cli_ensemble *e)
{
    const gr_model **list = gr__bump_alloc(c->memory, sizeof *list * (size_t)e->n);
    for (int i = 0; i < e->n && list; i++) list[i] = &e->voice[i].model;
    return list;
}

/* "3,2,1": a number a model. */
static gr_status read_weights(cli *c, const char *text, int n, double *weight)
{
    char *numbers = gr__bump_strdup(c->memory, text);
    int count = 0;
    if (!numbers) return GR_E_MEMORY;
    for (char *at = numbers; at; count++) {
        char *comma = strchr(at, ',');
        double x;
        if (comma) *comma++ = 0;
        if (!gr__parse_number(at, &x))
            return gr__fail(c->ctx, GR_E_USAGE, "--weights %s: \"%s\" is no number", text, at);
        if (count < n) weight[count] = x;
        at = comma;
    }
    if (count != n) return gr__fail(c->ctx, GR_E_USAGE, "--weights %s: %d weights for %d models", text, count, n);
    return gr__mix_weights(c->ctx, weight, n);
}

/* On the validation data, by which the models may have been chosen, but not against each other. */
static gr_status choose_weights(cli *c, const gr_recipe *r, cli_ensemble *e, double *weight)
{
    const gr_model *const *models = cli_ensemble_models(c, e);
    gr_together *t = NULL;
    gr_status st = models ? cli_has_part(c, r, GR_PART_VALIDATION, "--weights A,B,... needs none") : GR_E_MEMORY;
    if (st == GR_OK) st = gr__together_open(c->ctx, models, e->n, r, GR_PART_VALIDATION, &t);
    cli_catch_signals();
    if (st == GR_OK) st = gr__together_weigh(t, e->mixing.logits, &cli_stop, weight);
    gr__together_close(t);
    return st;
}

gr_status cli_ensemble_mix(cli *c, const cli_ensemble_options *o, const gr_recipe *r, cli_ensemble *e)
{
    gr_status st;
    e->mixing = (gr_mixing){.n = e->n, .logits = o->average == AVERAGE_LOGITS};
    if (!o->weights) return GR_OK;
    double *weight = gr__bump_alloc(c->memory, sizeof *weight * (size_t)e->n);
    if (!weight) return GR_E_MEMORY;
    st = strcmp(o->weights, "validation") == 0 ? choose_weights(c, r, e, weight)
                                               : read_weights(c, o->weights, e->n, weight);
    e->mixing.weight = weight;
    return st;
}

/* ---- a file ---- */

/* What one takes for several samples another may take for one. */
static gr_status agree_samples(cli *c, const cli_ensemble *e, const char *file)
{
    for (int i = 1; i < e->n; i++) {
        const cli_voice *a = &e->voice[0], *b = &e->voice[i];
        if (a->set.n == b->set.n && a->set.one == b->set.one) continue;
        return gr__fail(c->ctx, GR_E_DATA, "%s is %lld samples to %s and %lld to %s", file, (long long)a->set.n,
                        a->model.path, (long long)b->set.n, b->model.path);
    }
    return GR_OK;
}

/* Room for means, once it is known how many numbers a sample has. */
static gr_status take_width(cli *c, cli_ensemble *e)
{
    for (int h = 0; h < e->voice[0].model.recipe->n_heads; h++) {
        e->width[h] = gr__predictor_width(e->voice[0].ready.predictor, h);
        if (e->n == 1 || e->mean[h]) continue;
        size_t bytes = sizeof(double) * GR_RAW_BATCH * (size_t)e->width[h];
        e->mean[h] = gr__bump_alloc(c->memory, bytes);
        if (!e->mean[h]) return GR_E_MEMORY;
        const gr_reading reading = e->voice[0].model.recipe->head[h].reading;
        if (reading.prediction != GR_PREDICT_VALUES || reading.target != GR_FORM_VALUES) continue;
        if (!(e->deviation[h] = gr__bump_alloc(c->memory, bytes))) return GR_E_MEMORY;
    }
    return GR_OK;
}

gr_status cli_ensemble_load(cli *c, cli_ensemble *e, const char *file, const char *const *keep, int n_keep)
{
    gr_status st = GR_OK;
    for (int i = 0; i < e->n && st == GR_OK; i++) {
        cli_voice *v = &e->voice[i];
        st = gr__raw_load(c->ctx, &v->model, file, i ? NULL : keep, i ? 0 : n_keep, &v->set);
        if (st != GR_OK) break;
        gr__raw_warn(c->ctx, &v->model, file, &v->set);
        st = gr__raw_ready(c->ctx, &v->model, &v->set, &v->ready);
    }
    if (st == GR_OK) st = agree_samples(c, e, file);
    return st == GR_OK ? take_width(c, e) : st;
}

void cli_ensemble_unload(cli *c, cli_ensemble *e)
{
    for (int i = 0; i < e->n; i++) {
        gr__set_free(c->ctx, &e->voice[i].set);
        e->voice[i].set = (gr_set){0};
    }
}

/* n samples of a head, row by row; values: of every model. */
static void mix_head(cli_ensemble *e, int h, int64_t n, const double *(*values)[GR_MAX_TARGETS])
{
    const gr_head *head = &e->voice[0].model.recipe->head[h];
    const double *v[CLI_MAX_GIVEN];
    gr_prediction_form form = head->reading.prediction;
    bool rows = form == GR_PREDICT_SHARES && head->output.rank > 1;
    int64_t width = rows ? head->output.dim[head->output.rank - 1] : e->width[h];
    if (form == GR_PREDICT_LABELS && gr_shape_count(head->output) == 1) form = GR_PREDICT_SHARES; /* p and 1 - p */
    for (int64_t at = 0; at < n * e->width[h]; at += width) {
        for (int i = 0; i < e->n; i++) v[i] = values[i][h] + at;
        gr__mix(&e->mixing, form, width, v, e->mean[h] + at);
        for (int64_t k = 0; k < width && e->deviation[h]; k++)
            e->deviation[h][at + k] = gr__mix_deviation(&e->mixing, v, k, e->mean[h][at + k]);
    }
}

gr_status cli_ensemble_run(cli_ensemble *e, int64_t first, int64_t n, const double *v[GR_MAX_TARGETS])
{
    const double *values[CLI_MAX_GIVEN][GR_MAX_TARGETS];
    for (int i = 0; i < e->n; i++) {
        gr_status st = gr__predictor_run(e->voice[i].ready.predictor, &e->voice[i].set, first, n, values[i]);
        if (st != GR_OK) return st;
    }
    for (int h = 0; h < e->voice[0].model.recipe->n_heads; h++) {
        if (e->n > 1) mix_head(e, h, n, values);
        v[h] = e->n > 1 ? e->mean[h] : values[0][h];
    }
    return GR_OK;
}
