/* A smaller model: the recipe with other numbers of filters, and of every tensor what is left. */
#include "model/edit/thin.h"

#include <string.h>

#include "model/edit/prune.h"
#include "plan/store.h"

typedef struct thinning {
    gr_context *ctx;
    const gr_model *m;
    gr__bump *b;
    gr_network *network, *small;
    gr_store *store, *smaller;
    gr_recipe *recipe; /* the new one */
    gr_tracing f;
    const char *const *masked;
    int n_masked;
} thinning;

/* ---- the stores ---- */

static gr_status open_store(const thinning *t, const gr_network *n, gr_store **out)
{
    size_t count;
    const gr_param_info *p = gr__network_params(n, &count);
    gr_status st = gr_store_create(t->ctx, gr_backend_get(t->m->recipe->device), out);
    if (st == GR_OK) st = gr__network_declare(n, *out);
    for (size_t i = 0; i < count && st == GR_OK; i++)
        for (int k = 0; k < t->n_masked && st == GR_OK; k++)
            if (strcmp(t->masked[k], p[i].entry.name) == 0) st = gr__mask_add(*out, &p[i].entry);
    return st == GR_OK ? gr_store_seal(*out) : st;
}

static gr_status open_old(thinning *t)
{
    gr_status st = GR_OK;
    GR_TRY(gr__masks_listed(t->b, t->m->file, &t->masked, &t->n_masked));
    GR_TRY(gr__network_make(t->ctx, t->m->recipe, NULL, &t->network));
    GR_TRY(open_store(t, t->network, &t->store));
    GR_TRY(gr__model_load(t->ctx, t->m->file, t->m->path, t->store));
done:
    return st;
}

/* ---- the recipe ---- */

/* So many filters; where each channel has its own, and the recipe says how many groups these are, so many groups. */
static bool put_sizes(const thinning *t, gr_tree *layer, int index)
{
    gr__bump *b = t->b;
    const gr_settings *s = &t->m->recipe->stack->layer[index].settings;
    const gr_flow *flow = &t->f.flow[index];
    const gr_tree *groups = gr__setting_tree(s, "groups");
    int64_t kept = gr__flow_kept(&t->f, flow), n;
    if (kept == flow->n) return true;
    if (groups && gr__tree_int(groups, &n) && n > 1 &&
        !gr__tree_put_number(b, layer, "groups", (double)(kept / (flow->n / n))))
        return false;
    return gr__tree_put_number(b, layer, "filters", (double)kept);
}

/* {conv1: 16} of blocks whose convolutions have lost filters. */
static bool put_inside(const thinning *t, gr_tree *layers)
{
    for (int i = 0; i < t->f.n_banks; i++) {
        const gr_bank *bank = &t->f.bank[i];
        gr_tree *layer = layers->child[bank->layer], *map = gr__tree_get(layer, "inside");
        if (!bank->inside || !bank->removed) continue;
        if (gr__tree_none(map)) {
            map = gr__tree_map(t->b);
            if (!gr__tree_put(t->b, layer, "inside", map)) return false;
        }
        if (!gr__tree_put_number(t->b, map, bank->inside, (double)(bank->filters - bank->removed))) return false;
    }
    return true;
}

static gr_status make_recipe(thinning *t)
{
    const gr_recipe *r = t->m->recipe;
    gr__bump *own = gr__bump_create(t->ctx);
    gr_tree *tree = own ? gr__tree_copy(own, r->resolved) : NULL;
    gr_tree *layers = tree ? gr__tree_get(gr__tree_get(tree, "model"), "layers") : NULL;
    gr_status st = layers && layers->n == r->stack->n ? GR_OK : tree ? GR_E_INTERNAL : GR_E_MEMORY;
    gr__bump *before = t->b;
    t->b = own; /* what is put into the tree */
    for (int i = 0; i < r->stack->n && st == GR_OK; i++)
        if (r->stack->layer[i].member->channels == GR_CHANNELS_FILTERED && !put_sizes(t, layers->child[i], i))
            st = GR_E_MEMORY;
    if (st == GR_OK && !put_inside(t, layers)) st = GR_E_MEMORY;
    t->b = before;
    gr__log_mute(t->ctx, true);
    if (st == GR_OK) st = gr__recipe_from_tree(t->ctx, own, tree, r->path, ".", &t->recipe);
    gr__log_mute(t->ctx, false);
    if (st != GR_OK && own) gr__bump_destroy(own);
    return st;
}

/* ---- what is left of tensors ---- */

/* Places along an axis that are left; NULL: all. */
static gr_status places_of(const thinning *t, const char *name, int axis, const int64_t **out)
{
    *out = NULL;
    for (size_t i = 0; i < t->f.n_cuts; i++) {
        const gr_cut_axis *c = &t->f.cut[i];
        if (c->axis != axis || strcmp(c->name, name) != 0) continue;
        int64_t *list = gr__bump_alloc(t->b, sizeof *list * (size_t)GR_MAX(c->by.n, 1)), n = 0;
        if (!list) return GR_E_MEMORY;
        for (int64_t k = 0; k < c->by.n; k++)
            if (gr__channel_stays(&t->f, &c->by, k)) list[n++] = k;
        *out = list;
    }
    return GR_OK;
}

static void take(const thinning *t, const gr_entry *from, const gr_entry *to, const int64_t *const *places)
{
    gr_shape s = to->spec.shape, whole = from->spec.shape;
    for (int64_t i = 0; i < to->count; i++) {
        int64_t at = 0, rest = i, step = 1;
        double x;
        for (int a = s.rank - 1; a >= 0; a--) {
            int64_t k = rest % s.dim[a];
            at += (places[a] ? places[a][k] : k) * step;
            step *= whole.dim[a];
            rest /= s.dim[a];
        }
        gr__store_get(t->store, from, at, 1, &x);
        gr__store_put(t->smaller, to, i, 1, 1, &x);
    }
}

/* name: of the parameter, or statistic, whose axes they are; a mask has its weight's. */
static gr_status take_entry(const thinning *t, const gr_entry *to, const char *name)
{
    const gr_entry *from = gr_store_find(t->store, to->spec.name);
    const int64_t *places[GR_MAX_RANK];
    if (!from || from->spec.shape.rank != to->spec.shape.rank) return GR_E_INTERNAL;
    for (int a = 0; a < to->spec.shape.rank; a++) {
        gr_status st = places_of(t, name, a, &places[a]);
        int64_t left = 0;
        if (st != GR_OK) return st;
        for (size_t i = 0; i < t->f.n_cuts; i++)
            if (t->f.cut[i].axis == a && strcmp(t->f.cut[i].name, name) == 0)
                left = gr__flow_kept(&t->f, &t->f.cut[i].by);
        if (to->spec.shape.dim[a] != (places[a] ? left : from->spec.shape.dim[a]))
            return gr__fail(t->ctx, GR_E_INTERNAL, "%s does not become as small as its network", to->spec.name);
    }
    take(t, from, to, places);
    return GR_OK;
}

static gr_status take_all(const thinning *t)
{
    gr_status st = GR_OK;
    for (int i = 0; i < gr_store_count(t->smaller) && st == GR_OK; i++) {
        const gr_entry *e = gr_store_entry(t->smaller, i);
        const char *name = e->spec.name;
        if (e->spec.slot && !e->spec.saved) continue;
        if (e->spec.role == GR_ROLE_MASK)
            name = gr__bump_format(t->b, "%.*s", (int)(strlen(name) - (sizeof GR_MASK - 1)), name);
        st = name ? take_entry(t, e, name) : GR_E_MEMORY;
    }
    return st;
}

/* ---- all of it ---- */

/* Of every convolution, in the order of the layers. */
static gr_status tell(const thinning *t, gr_thinning *told)
{
    const gr_stack *stack = t->m->recipe->stack;
    int bank = 0;
    told->layer = gr__bump_alloc(t->b, sizeof *told->layer * (size_t)(stack->n + t->f.n_banks + 1));
    if (!told->layer) return GR_E_MEMORY;
    told->n = 0;
    for (int i = 0; i < stack->n; i++) {
        const gr_flow *flow = &t->f.flow[i];
        bool any = false;
        for (; bank < t->f.n_banks && t->f.bank[bank].layer == i; bank++, any = true) {
            const gr_bank *of = &t->f.bank[bank];
            told->layer[told->n++] = (gr_thinned){gr__bump_strdup(t->b, of->name), of->filters, of->removed, of->held};
        }
        if (any || stack->layer[i].member->channels != GR_CHANNELS_FILTERED) continue;
        told->layer[told->n++] = (gr_thinned){gr__bump_strdup(t->b, stack->layer[i].name), flow->n,
                                              flow->n - gr__flow_kept(&t->f, flow), "its filters go with its channels"};
    }
    for (size_t i = 0; i < told->n; i++)
        if (!told->layer[i].layer) return GR_E_MEMORY;
    told->before = gr__network_parameter_count(t->network);
    told->after = gr__network_parameter_count(t->small);
    return GR_OK;
}

gr_status gr__thin_model(gr_context *ctx, const gr_model *m, double share, const char *out, gr__bump *b,
                         gr_thinning *told)
{
    thinning t = {.ctx = ctx, .m = m, .b = b};
    gr_model_about about = {.meaning = &m->meaning, .trained = gr__st_meta(m->file, "gradus.trained")};
    gr_status st = GR_OK;
    GR_TRY(open_old(&t));
    GR_TRY(gr__tracing_make(ctx, b, m->recipe, t.network, &t.f));
    if (t.f.n_banks == 0)
        GR_TRY(gr__fail(ctx, GR_E_CONFLICT, "%s has no convolutions of which filters could be removed", m->path));
    GR_TRY(gr__tracing_choose(&t.f, t.store, share));
    GR_TRY(make_recipe(&t));
    GR_TRY(gr__network_make(ctx, t.recipe, NULL, &t.small));
    GR_TRY(open_store(&t, t.small, &t.smaller));
    GR_TRY(take_all(&t));
    GR_TRY(tell(&t, told));
    about.recipe = t.recipe;
    st = gr__model_write(ctx, out, t.smaller, &about);
done:
    gr_store_destroy(t.smaller);
    gr_store_destroy(t.store);
    gr__network_destroy(t.small);
    gr__network_destroy(t.network);
    gr__tracing_close(&t.f);
    if (t.recipe) gr__recipe_close(ctx, t.recipe);
    return st;
}
