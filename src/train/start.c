/* What training starts from. */
#include "train/start.h"

#include <string.h>

#include "base/text.h"
#include "graph/shape.h"
#include "model/file.h"
#include "model/model.h"
#include "model/stack.h"
#include "schedule/span.h"

/* ---- weights ---- */

static bool is_kept(const void *user, const char *tensor)
{
    return !gr__start_anew(user, tensor);
}

static gr_status check_patterns(const gr_task *t, const gr_st *file)
{
    const gr_recipe_start *s = &t->recipe->start;
    for (int i = 0; i < s->n_fresh; i++) {
        bool any = gr__network_matches(t->network, s->fresh[i]);
        for (int k = 0; k < gr__st_count(file) && !any; k++) any = gr__glob(s->fresh[i], gr__st_at(file, k)->name);
        if (!any)
            return gr__tree_fail(t->ctx, gr__tree_get(s->at, "new"), GR_E_NAME, "`gradus plan --parameters` lists them",
                                 "neither the network nor %s has a tensor \"%s\"", s->from, s->fresh[i]);
    }
    return GR_OK;
}

static gr_status load_kept(const gr_task *t, gr_store *s)
{
    const gr_recipe_start *start = &t->recipe->start;
    gr_st *model = NULL;
    gr_status st = gr__st_open(t->ctx, start->from, &model);
    if (st == GR_OK) st = gr__st_verify(model, start->from);
    if (st == GR_OK) st = check_patterns(t, model);
    if (st == GR_OK) st = gr__model_load_some(t->ctx, model, start->from, s, is_kept, start);
    if (st == GR_E_DATA)
        gr__error_hint(t->ctx,
                       "what is to start anew is named in start.new; finetune --replace does so for whole layers");
    gr__st_close(model);
    return st;
}

gr_status gr__start_weights(const gr_task *t, gr_store *s)
{
    gr_status st = gr__network_init(t->network, s);
    return st == GR_OK && t->recipe->start.from ? load_kept(t, s) : st;
}

/* ---- layers ---- */

int gr__layer_of(const gr_recipe *r, const char *tensor)
{
    int best = -1;
    size_t longest = 0;
    for (int i = 0; i < r->stack->n; i++) {
        size_t n = strlen(r->stack->layer[i].name);
        if (n > longest && strncmp(r->stack->layer[i].name, tensor, n) == 0 && tensor[n] == '.') best = i, longest = n;
    }
    return best;
}

static void begin_layer(const gr_recipe *r, int i, gr_layer_start *out)
{
    *out = (gr_layer_start){.name = r->stack->layer[i].name, .from = "init", .frozen = true};
}

static bool add_tensor(gr__bump *b, const gr_recipe *r, const gr_param_info *p, gr_layer_start *out)
{
    const char *name = p->entry.name;
    const gr_group *group = gr__groups_find(&r->groups, name);
    char text[48];
    out->parameters += gr_shape_count(p->entry.shape);
    if (!gr__start_anew(&r->start, name)) out->from = "source";
    out->adapter |= gr__adapter_part(&r->adapter, name);
    out->frozen &= gr__groups_frozen(&r->groups, name, NULL);
    if (!gr__groups_freeze(&r->groups, name))
        out->lr = GR_MAX(out->lr, r->optim.method[0].lr * (group ? group->lr_scale : 1));
    if (!group || !group->freeze || !group->unfreeze.n || out->thaws) return true;
    out->thaws = gr__bump_strdup(b, gr__span_text(group->unfreeze, text));
    return out->thaws != NULL;
}

gr_status gr__layer_starts(gr__bump *b, const gr_recipe *r, const gr_network *n, gr_layer_start **out, size_t *count)
{
    size_t n_params;
    const gr_param_info *params = gr__network_params(n, &n_params);
    gr_layer_start *all = gr__bump_alloc(b, sizeof *all * (size_t)GR_MAX(r->stack->n, 1));
    if (!all) return GR_E_MEMORY;
    *count = 0;
    for (int i = 0; i < r->stack->n; i++) {
        gr_layer_start *l = &all[*count];
        bool any = false;
        for (size_t k = 0; k < n_params; k++) {
            if (gr__layer_of(r, params[k].entry.name) != i) continue;
            if (!any) begin_layer(r, i, l);
            any = true;
            if (!add_tensor(b, r, &params[k], l)) return GR_E_MEMORY;
        }
        *count += any;
    }
    *out = all;
    return GR_OK;
}

/* ---- what outputs stood for ---- */

static bool same_classes(const gr_meaning *a, const gr_meaning *b)
{
    const char *const *x = a->class_names[0], *const *y = b->class_names[0];
    if (!x || !y) return true; /* numbers mean what they say */
    if (a->classes[0] != b->classes[0]) return false;
    for (int k = 0; k < a->classes[0]; k++)
        if (strcmp(x[k], y[k]) != 0) return false;
    return true;
}

static gr_status last_is_kept(gr__bump *b, const gr_task *t, bool *kept)
{
    gr_layer_start *all;
    size_t n = 0;
    gr_status st = gr__layer_starts(b, t->recipe, t->network, &all, &n);
    *kept = st == GR_OK && n > 0 && strcmp(all[n - 1].from, "source") == 0;
    return st;
}

gr_status gr__start_check(const gr_task *t)
{
    const char *from = t->recipe->start.from;
    gr_model m = {0};
    gr_st *file = NULL;
    bool kept = false;
    if (!from || t->recipe->n_heads > 1) return GR_OK;
    gr_status st = gr__st_open(t->ctx, from, &file);
    bool says = st == GR_OK && gr__st_meta(file, "gradus.recipe");
    gr__st_close(file);
    if (says) st = last_is_kept(t->memory, t, &kept);
    if (st == GR_OK && kept) st = gr__model_open(t->ctx, from, &m);
    if (st == GR_OK && kept && !same_classes(&m.meaning, &t->meaning))
        gr__log(t->ctx, GR_LOG_WARNING,
                "the last layer is kept, whose outputs stood for other classes in %s: finetune --replace last starts "
                "it anew",
                from);
    gr__model_close(&m);
    return st;
}
