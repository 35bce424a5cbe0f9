/* Opening, binding and feeding plans of a task's network. */
#include "train/runner.h"

#include <string.h>

#include "model/model.h"
#include "train/start.h"
#include "train/train.h"

/* ---- opening ---- */

gr_status gr__runner_open(const gr_task *t, gr_runner *out)
{
    *out = (gr_runner){.task = t};
    gr_status st = gr_store_create(t->ctx, t->backend, &out->store);
    return st == GR_OK ? gr__network_declare(t->network, out->store) : st;
}

void gr__runner_close(gr_runner *r)
{
    if (!r->task) return;
    for (size_t i = 0; i < r->n; i++) gr_plan_destroy(r->plan[i]);
    gr__free(r->task->ctx, r->plan, r->room * sizeof *r->plan);
    gr_arena_destroy(r->arena);
    gr_store_destroy(r->store);
    *r = (gr_runner){0};
}

static gr_status compile(gr_runner *r, const char *name, gr_graph_maker *make, void *user, gr_plan **out)
{
    const gr_task *t = r->task;
    const gr_plan_options o = {.backend = t->backend,
                               .name = name,
                               .unfused = t->unfused,
                               .release = r->release,
                               .algorithm = t->recipe->algorithm,
                               .remat = r->remat,
                               .budget = r->budget};
    gr_graph *g = NULL;
    gr_status st = GR_OK;
    GR_TRY(gr_graph_create(t->ctx, &g));
    GR_TRY(make(user, g));
    GR_TRY(gr_plan_compile(t->ctx, g, r->store, &o, out));
done:
    gr_graph_destroy(g);
    return st;
}

static void find_largest(gr_runner *r)
{
    r->arena_bytes = 0;
    for (size_t i = 0; i < r->n; i++) r->arena_bytes = GR_MAX(r->arena_bytes, gr_plan_bytes(r->plan[i]).arena);
}

gr_status gr__runner_add(gr_runner *r, const char *name, gr_graph_maker *make, void *user, gr_plan **out)
{
    if (!GR_ROOM(r->task->ctx, r->plan, r->room, r->n + 1)) return GR_E_MEMORY;
    gr_status st = compile(r, name, make, user, &r->plan[r->n]);
    if (st != GR_OK) return st;
    if (out) *out = r->plan[r->n];
    r->n++;
    find_largest(r);
    return GR_OK;
}

gr_status gr__runner_replace(gr_runner *r, gr_plan **plan, const char *name, gr_graph_maker *make, void *user)
{
    size_t at = 0;
    while (r->plan[at] != *plan) at++;
    gr_plan_destroy(*plan);
    r->plan[at] = *plan = NULL;
    gr_status st = compile(r, name, make, user, plan);
    r->plan[at] = *plan;
    if (st == GR_OK) find_largest(r);
    return st;
}

gr_status gr__runner_rival(gr_runner *r, gr_plan **plan, const char *name, gr_graph_maker *make, void *user)
{
    size_t at = 0;
    gr_plan *other = NULL;
    while (r->plan[at] != *plan) at++;
    gr_status st = compile(r, name, make, user, &other);
    bool better = st == GR_OK && gr_plan_bytes(other).arena < gr_plan_bytes(*plan).arena;
    gr_plan_destroy(better ? *plan : other);
    if (better) r->plan[at] = *plan = other;
    find_largest(r);
    return st;
}

gr_status gr__runner_fill(gr_runner *r, const gr_model *m)
{
    gr_status st = gr_store_seal(r->store);
    if (st != GR_OK) return st;
    return m ? gr__model_load(r->task->ctx, m->file, m->path, r->store) : gr__start_weights(r->task, r->store);
}

gr_status gr__runner_bind(gr_runner *r)
{
    gr_status st = gr_arena_create(r->task->ctx, r->arena_bytes, &r->arena);
    for (size_t i = 0; i < r->n && st == GR_OK; i++) st = gr_plan_bind(r->plan[i], r->arena);
    return st;
}

/* ---- feeding ---- */

static void find_field(gr_feeds *f, gr_plan *p, gr_field_role role, const char *name)
{
    char feed[GR_FEED_TEXT];
    f->field[f->n] = gr_plan_feed(p, gr__feed_of(role, name, feed), &f->bytes[f->n]);
    f->role[f->n++] = role;
}

static void find_mixture(gr_feeds *f, const gr_recipe *r, gr_plan *p)
{
    size_t bytes = 0;
    f->mixture = &r->mixture;
    f->partner = gr_plan_feed(p, GR_FEED_MIX_PARTNER, &bytes);
    f->partners = (int64_t)(bytes / sizeof *f->partner);
    f->mix_share = gr_plan_feed(p, GR_FEED_MIX_SHARE, NULL);
    f->mix_top = gr_plan_feed(p, GR_FEED_MIX_TOP, NULL);
    f->mix_left = gr_plan_feed(p, GR_FEED_MIX_LEFT, NULL);
    f->mix_bottom = gr_plan_feed(p, GR_FEED_MIX_BOTTOM, NULL);
    f->mix_right = gr_plan_feed(p, GR_FEED_MIX_RIGHT, NULL);
}

gr_feeds gr__feeds_find(const gr_task *t, gr_plan *p)
{
    const gr_recipe *r = t->recipe;
    gr_feeds f = {.wide = gr_backend_real_bytes(t->backend) == sizeof(double)};
    for (int i = 0; i < r->n_inputs; i++) find_field(&f, p, GR_FIELD_INPUT, r->input[i].name);
    for (int h = 0; h < r->n_heads; h++) find_field(&f, p, GR_FIELD_TARGET, r->head[h].name);
    find_field(&f, p, GR_FIELD_WEIGHT, NULL);
    for (int i = 0; i < r->n_inputs; i++) {
        f.steps[f.n] = r->input[i].sample.rank ? r->input[i].sample.dim[0] : 1;
        find_field(&f, p, GR_FIELD_LENGTH, r->input[i].name);
    }
    f.lr = gr_plan_feed(p, GR_FEED_LR, NULL);
    f.seed = gr_plan_feed(p, GR_FEED_SEED, NULL);
    f.update = gr_plan_feed(p, GR_FEED_UPDATE, NULL);
    f.position = gr_plan_feed(p, GR_FEED_POSITION, NULL);
    f.first = gr_plan_feed(p, GR_FEED_FIRST, NULL);
    f.share = gr_plan_feed(p, GR_FEED_SHARE, NULL);
    find_mixture(&f, r, p);
    return f;
}

/* Samples whose source gives them no weights. */
static void weigh_alike(const gr_feeds *f, int at)
{
    float *single = f->field[at];
    double *wide = f->field[at];
    size_t n = f->bytes[at] / (f->wide ? sizeof *wide : sizeof *single);
    for (size_t i = 0; i < n; i++) {
        if (f->wide)
            wide[i] = 1;
        else
            single[i] = 1;
    }
}

/* Samples whose source gives them no lengths. */
static void count_all(const gr_feeds *f, int at)
{
    int32_t *length = f->field[at];
    for (size_t i = 0; i < f->bytes[at] / sizeof *length; i++) length[i] = (int32_t)f->steps[at];
}

void gr__feeds_put(const gr_feeds *f, const gr_batch *b)
{
    for (int i = 0; i < f->n; i++) {
        if (!f->field[i] || b->field[i] == f->field[i]) continue;
        if (b->field[i])
            memcpy(f->field[i], b->field[i], f->bytes[i]);
        else if (f->role[i] == GR_FIELD_WEIGHT)
            weigh_alike(f, i);
        else if (f->role[i] == GR_FIELD_LENGTH)
            count_all(f, i);
    }
}

static void mix(const gr_feeds *f, uint64_t seed, int64_t step, int64_t position)
{
    gr_mixture_draw d;
    gr__mixture_draw(f->mixture, seed, step, position, f->partners, &d, f->partner);
    *f->mix_share = d.share;
    if (f->mix_top) *f->mix_top = d.top;
    if (f->mix_left) *f->mix_left = d.left;
    if (f->mix_bottom) *f->mix_bottom = d.bottom;
    if (f->mix_right) *f->mix_right = d.right;
}

void gr__feeds_moment(const gr_feeds *f, uint64_t seed, int64_t step, int64_t position)
{
    if (f->partner) mix(f, seed, step, position);
    if (f->seed) *f->seed = (double)seed;
    if (f->update) *f->update = (double)step;
    if (f->position) *f->position = (double)position;
    if (f->first) *f->first = position == 0;
}

gr_status gr__runner_run(const gr_runner *r, gr_plan *p, const gr_batch *b)
{
    gr_feeds f = gr__feeds_find(r->task, p);
    if (b) gr__feeds_put(&f, b);
    gr__feeds_moment(&f, r->task->recipe->seed, 0, 0);
    return gr_plan_run(p);
}
