/* The recipe of a fine-tuning, from a model and a recipe. */
#include "study/finetune/finetune.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "graph/shape.h"
#include "model/model.h"
#include "model/stack.h"
#include "schedule/span.h"

typedef struct making {
    gr_tuning tuning;
    gr_context *ctx;
    gr__bump *b;
    const gr_finetune *o;
    const char *path, *folder;
    gr_st *file;     /* the source's tensors */
    gr_model source; /* recipe NULL: the file holds weights alone */
    gr_tree *root;
    bool own_model; /* the recipe has layers of its own */
} making;

/* ---- the source ---- */

static gr_status open_source(making *m)
{
    gr_status st = gr__st_open(m->ctx, m->o->model, &m->file);
    if (st == GR_OK) st = gr__model_refuse_checkpoint(m->ctx, m->file, m->o->model);
    if (st != GR_OK || (!gr__st_meta(m->file, "gradus.recipe") && !gr__st_meta(m->file, "gradus.prepare"))) return st;
    return gr__model_open(m->ctx, m->o->model, &m->source);
}

static const gr_recipe *source_recipe(const making *m)
{
    return m->source.recipe;
}

static const gr_tree *source_part(const making *m, const char *key)
{
    return source_recipe(m) ? gr__tree_get(source_recipe(m)->resolved, key) : NULL;
}

/* ---- the recipe's tree ---- */

static gr_status put_copy(making *m, gr_tree *map, const char *key, const gr_tree *value)
{
    return gr__tree_put(m->b, map, key, gr__tree_copy(m->b, value)) ? GR_OK : GR_E_MEMORY;
}

static gr_status need_source(const making *m, const char *what)
{
    gr__fail(m->ctx, GR_E_MISSING, "%s: the recipe has no %s, and %s holds weights alone", m->path, what, m->o->model);
    gr__error_hint(m->ctx, "write %s into the recipe", what);
    return GR_E_MISSING;
}

static gr_status read_tree(making *m, const char *const *sets, int n_sets)
{
    gr_status st = GR_OK;
    GR_TRY(gr__recipe_read(m->ctx, m->b, m->path, &m->root, &m->folder));
    m->own_model = gr__tree_get(m->root, "model") != NULL;
    if (!m->own_model && !source_recipe(m)) GR_TRY(need_source(m, "model"));
    if (!m->own_model) GR_TRY(put_copy(m, m->root, "model", source_part(m, "model")));
    GR_TRY(gr__recipe_settings(m->ctx, m->b, m->root, m->folder, sets, n_sets));
    const gr_tree *start = gr__tree_get(m->root, "start");
    if (!gr__tree_none(start))
        GR_TRY(gr__tree_fail(m->ctx, start, GR_E_CONFLICT, "leave it out; gradus train trains the recipe as it is",
                             "finetune says itself what training starts from"));
    gr_tree *data = gr__tree_get(m->root, "data");
    const gr_tree *steps = gr__tree_get(source_part(m, "data"), "prepare");
    if (data && data->kind == GR_TREE_MAP && !gr__tree_get(data, "prepare") && !gr__tree_none(steps))
        GR_TRY(put_copy(m, data, "prepare", steps));
done:
    return st;
}

/* The tree as a recipe of its own. */
static gr_status make_recipe(making *m, gr_recipe **out)
{
    gr__bump *b = gr__bump_create(m->ctx);
    gr_tree *root = b ? gr__tree_copy(b, m->root) : NULL;
    gr_status st = root ? gr__recipe_from_tree(m->ctx, b, root, m->path, m->folder, out) : GR_E_MEMORY;
    if (st != GR_OK && b) gr__bump_destroy(b);
    return st;
}

/* ---- a last layer for the new data ---- */

/* The layer that a lone head's output is the sum of, and the row that says how wide it is; NULL: none says it. */
static const char *last_width(const gr_recipe *r, int *layer)
{
    static const char *const rows[] = {"units", "filters"};
    int i = r->stack->n - 1;
    while (i >= 0 && !r->stack->layer[i].last) i--;
    for (size_t k = 0; k < GR_COUNT(rows) && i >= 0; k++)
        if (gr__member_has(&r->stack->layer[i].member->head, rows[k])) return *layer = i, rows[k];
    return NULL;
}

/* Which entry of `model.layers` it is written as; -1: it stands within another. */
static int entry_of(const gr_recipe *r, int layer)
{
    for (int i = 0; i < r->layers->n; i++)
        if (r->layers->child[i] == r->stack->layer[layer].at) return i;
    return -1;
}

static gr_status widen(making *m, const gr_recipe *r)
{
    int64_t width[GR_MAX_TARGETS];
    int layer = 0, entry;
    char text[32];
    gr_status st = gr__task_outputs(m->ctx, r, width);
    if (st != GR_OK) return st;
    gr_shape output = r->head[0].output;
    if (r->n_heads == 1 && output.rank && output.dim[output.rank - 1] == width[0]) return GR_OK;
    const char *row = r->n_heads == 1 ? last_width(r, &layer) : NULL;
    if (!row || (entry = entry_of(r, layer)) < 0) {
        gr__fail(m->ctx, GR_E_CONFLICT,
                 "%s: the data wants %lld outputs, and no layer of %s can be given so many by itself", m->path,
                 (long long)width[0], m->o->model);
        gr__error_hint(m->ctx, "write the network into the recipe: model: ...");
        return GR_E_CONFLICT;
    }
    snprintf(text, sizeof text, "%lld", (long long)width[0]);
    gr_tree *map = gr__tree_get(gr__tree_get(m->root, "model"), "layers")->child[entry];
    return gr__tree_put(m->b, map, row, gr__tree_scalar(m->b, text)) ? GR_OK : GR_E_MEMORY;
}

static gr_status fit_outputs(making *m)
{
    gr_recipe *r = NULL;
    if (m->own_model) return GR_OK;
    gr_status st = make_recipe(m, &r);
    if (st == GR_OK) st = widen(m, r);
    gr__recipe_close(m->ctx, r);
    return st;
}

/* ---- the tensors of both sides ---- */

/* One a layer of the stack, 0. */
static int *marks(making *m, const gr_recipe *r)
{
    return gr__bump_alloc(m->b, sizeof(int) * (size_t)GR_MAX(r->stack->n, 1));
}

/* Marks of layers with parameters become how many of these come after; others -1. */
static void number_layers(int *has, int n, int *n_layers)
{
    int k = 0;
    for (int i = n - 1; i >= 0; i--) has[i] = has[i] ? k++ : -1;
    *n_layers = k;
}

static gr_status list_network(making *m, const gr_recipe *r, const gr_network *n)
{
    size_t n_params, n_states;
    gr_tuning *t = &m->tuning;
    const gr_param_info *params = gr__network_params(n, &n_params);
    const gr_entry_spec *states = gr__network_states(n, &n_states);
    int *number = marks(m, r);
    t->tensor = gr__bump_alloc(m->b, sizeof *t->tensor * (n_params + n_states + (size_t)gr__st_count(m->file) + 1));
    if (!t->tensor || !number) return GR_E_MEMORY;
    for (size_t i = 0; i < n_params; i++)
        t->tensor[t->n++] = (gr_tuned){.name = params[i].entry.name,
                                       .adapter = gr__adapter_part(&r->adapter, params[i].entry.name),
                                       .adaptable = params[i].adaptable};
    for (size_t i = 0; i < n_states; i++) t->tensor[t->n++].name = states[i].name;
    for (size_t i = 0; i < n_params; i++) {
        int layer = gr__layer_of(r, params[i].entry.name);
        if (layer >= 0) number[layer] = 1;
    }
    number_layers(number, r->stack->n, &t->n_layers);
    for (size_t i = 0; i < t->n; i++) {
        int layer = gr__layer_of(r, t->tensor[i].name);
        t->tensor[i].layer = layer < 0 ? -1 : number[layer];
    }
    return GR_OK;
}

static bool in_network(const gr_tuning *t, const char *name)
{
    for (size_t i = 0; i < t->n && !t->tensor[i].absent; i++)
        if (strcmp(t->tensor[i].name, name) == 0) return true;
    return false;
}

/* What the network lacks: the source's last layer is replaced by the network's, whatever that is called. */
static gr_status list_source(making *m)
{
    gr_tuning *t = &m->tuning;
    const gr_recipe *r = source_recipe(m);
    int n_layers, *number = r ? marks(m, r) : NULL;
    if (r && !number) return GR_E_MEMORY;
    for (int i = 0; r && i < gr__st_count(m->file); i++) {
        int layer = gr__layer_of(r, gr__st_at(m->file, i)->name);
        if (layer >= 0) number[layer] = 1;
    }
    if (r) number_layers(number, r->stack->n, &n_layers);
    for (int i = 0; i < gr__st_count(m->file); i++) {
        const char *name = gr__st_at(m->file, i)->name;
        int layer = r ? gr__layer_of(r, name) : -1;
        if (in_network(t, name)) continue;
        t->tensor[t->n++] = (gr_tuned){.name = name, .layer = layer < 0 ? -1 : number[layer], .absent = true};
    }
    return GR_OK;
}

/* ---- what is asked of them ---- */

static gr_status refuse_shape(const making *m, const gr_param_info *p)
{
    char a[96], b[96];
    const gr_st_tensor *t = gr__st_find(m->file, p->entry.name);
    gr_shape mine = gr__file_shape(&p->entry);
    if (t && gr__shape_equal(t->shape, mine)) return GR_OK;
    gr_status st = t ? gr__fail(m->ctx, GR_E_DATA, "\"%s\": tensor \"%s\" has shape %s, the network's has %s",
                                m->o->model, t->name, gr__shape_text(t->shape, a), gr__shape_text(mine, b))
                     : gr__fail(m->ctx, GR_E_DATA, "\"%s\" has no tensor \"%s\", which the network has with shape %s",
                                m->o->model, p->entry.name, gr__shape_text(mine, b));
    gr__error_hint(m->ctx, "--reinit keeps shapes; --replace may change them");
    return st;
}

static gr_status choose_fresh(making *m, const gr_network *n, bool *chosen)
{
    size_t n_params;
    gr_tuning *t = &m->tuning;
    const gr_param_info *params = gr__network_params(n, &n_params);
    gr_status st = GR_OK;
    GR_TRY(gr__tuning_choose(t, "replace", m->o->replace ? m->o->replace : "last", chosen));
    for (size_t i = 0; i < t->n; i++) t->tensor[i].fresh = chosen[i];
    memset(chosen, 0, t->n);
    GR_TRY(gr__tuning_choose(t, "reinit", m->o->reinit, chosen));
    for (size_t i = 0; i < n_params; i++)
        if (chosen[i] && !t->tensor[i].fresh && !t->tensor[i].adapter) GR_TRY(refuse_shape(m, &params[i]));
    for (size_t i = 0; i < t->n; i++) t->tensor[i].fresh |= chosen[i] || t->tensor[i].adapter;
done:
    return st;
}

static gr_status choose_frozen(making *m, const gr_recipe *r, bool *chosen)
{
    gr_tuning *t = &m->tuning;
    const char *freeze = m->o->freeze;
    bool but = freeze && strcmp(freeze, "all-but-last") == 0;
    memset(chosen, 0, t->n);
    gr_status st = but ? GR_OK : gr__tuning_choose(t, "freeze", freeze, chosen);
    for (size_t i = 0; i < t->n && st == GR_OK; i++) {
        gr_tuned *x = &t->tensor[i];
        const gr_group *group = gr__groups_find(&r->groups, x->name);
        x->frozen = m->o->adapter ? !x->fresh : but ? x->layer != 0 : chosen[i];
        if (!group) continue;
        x->frozen |= group->freeze;
        if (group->unfreeze.n) x->thaws = gr__span_tree(m->b, group->unfreeze);
    }
    return st;
}

static gr_status fail_unfreeze(const making *m, const char *given, const char *why)
{
    gr__fail(m->ctx, GR_E_RANGE, "--unfreeze %s: %s", given, why);
    gr__error_hint(m->ctx, "such as --freeze all-but-last --unfreeze \"c4.*@2 epochs\" --unfreeze \"c3.*@500 steps\"");
    return GR_E_RANGE;
}

/* "2 epochs", "500 steps", "500". */
static gr_status read_moment(making *m, const char *given, const char *text, const gr_tree **out)
{
    gr_span span;
    size_t digits = strspn(text, "0123456789");
    bool steps = strcmp(text + digits, " steps") == 0 || strcmp(text + digits, " step") == 0;
    *out = gr__tree_scalar(m->b, steps ? gr__bump_format(m->b, "%.*s", (int)digits, text) : text);
    if (!*out) return GR_E_MEMORY;
    if (gr__span_read(m->ctx, *out, false, &span) == GR_OK) return GR_OK;
    gr_context_clear_error(m->ctx);
    return fail_unfreeze(m, given, "after @ stands a number of steps or epochs");
}

static gr_status unfreeze_one(making *m, const char *given, bool *chosen)
{
    gr_tuning *t = &m->tuning;
    const char *at = strrchr(given, '@');
    const gr_tree *moment = NULL;
    size_t said = 0, named = 0;
    if (!at || at == given) return fail_unfreeze(m, given, "it wants a pattern and a moment, PATTERN@WHEN");
    const char *list = gr__bump_format(m->b, "%.*s", (int)(at - given), given);
    gr_status st = list ? read_moment(m, given, at + 1, &moment) : GR_E_MEMORY;
    memset(chosen, 0, t->n);
    if (st == GR_OK) st = gr__tuning_choose(t, "unfreeze", list, chosen);
    for (size_t i = 0; i < t->n && st == GR_OK; i++) {
        gr_tuned *x = &t->tensor[i];
        if (!chosen[i] || x->absent) continue;
        named++;
        if (!x->frozen || x->thaws) continue; /* the first that names it counts */
        x->thaws = moment;
        said++;
    }
    if (st != GR_OK || said) return st;
    return fail_unfreeze(m, given,
                         named ? "none of it is frozen and not yet unfrozen; --freeze says what is frozen"
                               : "the network has no such tensor");
}

/* The rate of kept layers goes by the source's own, where the file tells it. */
static double kept_scale(const making *m, const gr_recipe *r)
{
    const char *trained = gr__st_meta(m->file, "gradus.trained");
    bool known = source_recipe(m) && !(trained && strstr(trained, "\"imported\""));
    double mine = r->optim.method[0].lr;
    return m->o->lr_scale * (known && mine > 0 ? source_recipe(m)->optim.method[0].lr / mine : 1);
}

static void set_rates(making *m, const gr_recipe *r)
{
    gr_tuning *t = &m->tuning;
    double scale = kept_scale(m, r);
    for (size_t i = 0; i < t->n; i++) {
        gr_tuned *x = &t->tensor[i];
        const gr_group *group = gr__groups_find(&r->groups, x->name);
        bool rests = x->frozen && !x->thaws;
        x->lr_scale = rests ? 1 : (group ? group->lr_scale : 1) * (x->fresh ? 1 : scale);
        x->weight_decay = group && !rests ? group->weight_decay : (double)NAN;
    }
}

/* ---- start and groups ---- */

typedef struct written {
    const making *m;
    gr_tree *list;
} written;

static bool add_fresh(void *user, const char *pattern, size_t tensor)
{
    const written *w = user;
    (void)tensor;
    return gr__tree_push(w->m->b, w->list, gr__tree_text(w->m->b, pattern));
}

static gr_status put_start(making *m)
{
    const gr_tuning *t = &m->tuning;
    gr__bump *b = m->b;
    gr_tree *start = gr__tree_map(b), *fresh = gr__tree_list(b);
    int *class = gr__bump_alloc(b, sizeof *class * (t->n + 1));
    char *path = gr__path_absolute(m->ctx, m->o->model);
    bool ok = start && fresh && class && gr__tree_put(b, start, "from", path ? gr__tree_text(b, path) : NULL);
    gr__strfree(m->ctx, path);
    if (!ok) return GR_E_MEMORY;
    for (size_t i = 0; i < t->n; i++) class[i] = t->tensor[i].fresh;
    gr_status st = gr__tuning_patterns(t, class, 0, add_fresh, &(written){m, fresh});
    if (st != GR_OK) return st;
    ok = gr__tree_put(b, start, "new", fresh) &&
         gr__tree_put(b, start, "force", gr__tree_scalar(b, m->o->force ? "true" : "false")) &&
         gr__tree_put(b, m->root, "start", start);
    return ok ? GR_OK : GR_E_MEMORY;
}

static bool same_moment(const gr_tree *a, const gr_tree *b)
{
    return a && b ? gr__tree_equal(a, b) : a == b;
}

static bool treated_alike(const gr_tuned *a, const gr_tuned *b)
{
    bool decay = a->weight_decay == b->weight_decay || (isnan(a->weight_decay) && isnan(b->weight_decay));
    return a->frozen == b->frozen && same_moment(a->thaws, b->thaws) && a->lr_scale == b->lr_scale && decay;
}

static bool push_group(const making *m, gr_tree *list, const char *pattern, const gr_tuned *x)
{
    gr__bump *b = m->b;
    gr_tree *t = gr__tree_map(b);
    bool ok = t && gr__tree_put_text(b, t, "match", pattern) && gr__tree_put_number(b, t, "lr_scale", x->lr_scale) &&
              gr__tree_put(b, t, "freeze", gr__tree_scalar(b, x->frozen ? "true" : "false"));
    if (ok && x->thaws) ok = gr__tree_put(b, t, "unfreeze", gr__tree_copy(b, x->thaws));
    if (ok && !isnan(x->weight_decay)) ok = gr__tree_put_number(b, t, "weight_decay", x->weight_decay);
    return ok && gr__tree_push(b, list, t);
}

static bool add_group(void *user, const char *pattern, size_t tensor)
{
    const written *w = user;
    return push_group(w->m, w->list, pattern, &w->m->tuning.tensor[tensor]);
}

/* Classes of tensors that are treated alike; the largest is that of the last group, `*`. */
static int classify(gr_tuning *t, int *class)
{
    int n = 0, largest = 0;
    size_t most = 0;
    for (size_t i = 0; i < t->n; i++) {
        size_t k = 0, count = 0;
        while (k < i && !treated_alike(&t->tensor[k], &t->tensor[i])) k++;
        class[i] = k < i ? class[k] : n++;
        for (size_t j = 0; j <= i; j++) count += class[j] == class[i];
        if (count > most) most = count, largest = class[i];
    }
    return largest;
}

static gr_status put_groups(making *m)
{
    gr_tuning *t = &m->tuning;
    gr_tree *list = gr__tree_list(m->b);
    int *class = gr__bump_alloc(m->b, sizeof *class * (t->n + 1));
    size_t i = 0;
    if (!list || !class) return GR_E_MEMORY;
    while (t->n && t->tensor[t->n - 1].absent) t->n--; /* groups are of the network's */
    int usual = classify(t, class);
    gr_status st = gr__tuning_patterns(t, class, usual, add_group, &(written){m, list});
    while (i < t->n && class[i] != usual) i++;
    if (st == GR_OK && i < t->n && !push_group(m, list, "*", &t->tensor[i])) st = GR_E_MEMORY;
    return st == GR_OK && gr__tree_put(m->b, m->root, "groups", list) ? GR_OK : GR_E_MEMORY;
}

/* ---- adapters ---- */

static bool add_match(void *user, const char *pattern, size_t tensor)
{
    const written *w = user;
    (void)tensor;
    return gr__tree_push(w->m->b, w->list, gr__tree_text(w->m->b, pattern));
}

/* Of weights that are kept alone: what starts anew is trained as a whole. */
static gr_status put_adapters(making *m, const gr_recipe *r)
{
    const gr_tuning *t = &m->tuning;
    int *class = gr__bump_alloc(m->b, sizeof *class * (t->n + 1)), any = 0;
    gr_tree *match = gr__tree_list(m->b), *adapter = gr__tree_get(m->root, "adapter");
    if (!class || !match) return GR_E_MEMORY;
    for (size_t i = 0; i < t->n; i++) {
        const gr_tuned *x = &t->tensor[i];
        any |= class[i] = x->adaptable && !x->fresh && gr__adapter_has(&r->adapter, x->name);
    }
    if (!any) {
        gr__fail(m->ctx, GR_E_CONFLICT, "--adapter %s: no weight that is kept can have one", m->o->adapter);
        gr__error_hint(m->ctx, "weights of dense and attention layers can; --replace starts layers anew");
        return GR_E_CONFLICT;
    }
    gr_status st = gr__tuning_patterns(t, class, 0, add_match, &(written){m, match});
    return st == GR_OK && !gr__tree_put(m->b, adapter, "match", match) ? GR_E_MEMORY : st;
}

/* The network's tensors as the tree is now, and which of them start anew. */
static gr_status survey(making *m, gr_recipe **r, gr_network **n, bool **chosen)
{
    gr_status st = GR_OK;
    gr__network_destroy(*n);
    gr__recipe_close(m->ctx, *r);
    *n = NULL, *r = NULL;
    m->tuning.n = 0;
    GR_TRY(make_recipe(m, r));
    GR_TRY(gr__network_make(m->ctx, *r, NULL, n));
    GR_TRY(list_network(m, *r, *n));
    GR_TRY(list_source(m));
    if (!(*chosen = gr__bump_alloc(m->b, m->tuning.n + 1))) GR_TRY(GR_E_MEMORY);
    GR_TRY(choose_fresh(m, *n, *chosen));
done:
    return st;
}

static gr_status read_adapter(making *m)
{
    const char *set = gr__bump_format(m->b, "adapter=%s", m->o->adapter);
    if (m->o->n_unfreeze)
        return gr__fail(m->ctx, GR_E_CONFLICT,
                        "--adapter and --unfreeze: beside adapters the weights rest for the whole run");
    gr_status st = set ? gr__recipe_set(m->ctx, m->b, m->root, "--adapter", set) : GR_E_MEMORY;
    const gr_tree *t = gr__tree_get(m->root, "adapter");
    if (st == GR_OK && t->kind != GR_TREE_MAP)
        st = gr__tree_fail(m->ctx, t, GR_E_TYPE, "such as --adapter \"{rank: 8}\"", "it is no map of keys");
    return st;
}

static gr_status settle(making *m)
{
    gr_recipe *r = NULL;
    gr_network *n = NULL;
    bool *chosen = NULL;
    gr_status st = GR_OK;
    if (m->o->adapter) GR_TRY(read_adapter(m));
    GR_TRY(survey(m, &r, &n, &chosen));
    if (m->o->adapter) GR_TRY(put_adapters(m, r));
    if (m->o->adapter) GR_TRY(survey(m, &r, &n, &chosen));
    GR_TRY(choose_frozen(m, r, chosen));
    for (int i = 0; i < m->o->n_unfreeze; i++) GR_TRY(unfreeze_one(m, m->o->unfreeze[i], chosen));
    set_rates(m, r);
    GR_TRY(put_start(m));
    GR_TRY(put_groups(m));
done:
    gr__network_destroy(n);
    gr__recipe_close(m->ctx, r);
    return st;
}

gr_status gr__finetune_recipe(gr_context *ctx, const char *path, const char *const *sets, int n_sets,
                              const gr_finetune *o, gr_recipe **out)
{
    making m = {.ctx = ctx, .b = gr__bump_create(ctx), .o = o, .path = path};
    gr_status st = m.b ? GR_OK : GR_E_MEMORY;
    if (st != GR_OK) return st;
    m.tuning = (gr_tuning){.ctx = ctx, .b = m.b, .o = o};
    GR_TRY(open_source(&m));
    GR_TRY(read_tree(&m, sets, n_sets));
    GR_TRY(fit_outputs(&m));
    GR_TRY(settle(&m));
    st = make_recipe(&m, out);
done:
    gr__model_close(&m.source);
    gr__st_close(m.file);
    gr__bump_destroy(m.b);
    return st;
}
