/* First values of a network's parameters, by the text of an `init:`. */
#include "api/net.h"
#include "api/text.h"
#include "init/init.h"
#include "plan/store.h"

typedef struct taker {
    gr_store *store;
    const gr_entry *entry;
} taker;

static void take(void *user, int64_t first, int64_t stride, int64_t n, const double *values)
{
    const taker *t = user;
    gr__store_put(t->store, t->entry, first, stride, n, values);
}

static gr_status fill_one(const gr_net *net, gr__bump *b, const gr_init_from *from, const gr_param_info *p)
{
    taker t = {.store = net->store, .entry = gr_store_find(net->store, p->entry.name)};
    gr_init_choice c;
    void *work = NULL;
    uint64_t bytes = 0;
    gr_status st = GR_OK;
    GR_TRY(gr__init_choose(net->ctx, b, from, p, &c));
    bytes = gr__init_work(&c, p);
    if (bytes && !(work = gr__tensor_alloc(net->ctx, (size_t)bytes))) GR_TRY(gr__error_code(net->ctx));
    GR_TRY(gr__init_fill(net->ctx, from, p, &c, work, &(gr_init_sink){take, &t}));
done:
    gr__tensor_free(net->ctx, work, (size_t)bytes);
    return st;
}

/* What would be made from training targets, which nobody has told. */
static gr_status refuse_auto(gr_context *ctx, const gr_tree *init)
{
    const gr_tree *at = gr__init_last_bias_auto(init);
    return at ? gr__tree_fail(ctx, at, GR_E_UNSUPPORTED, "leave it out, and write the biases with gr_store_write",
                              "the training targets are not known here")
              : GR_OK;
}

gr_status gr_net_init(const gr_net *net, const char *settings, uint64_t seed)
{
    gr_tree *init = NULL, *full = NULL;
    gr_status st = GR_OK;
    if (!gr__store_sealed(net->store))
        return gr__fail(net->ctx, GR_E_USAGE, "values go to a store that is sealed: gr_store_seal");
    if (net->n_declared < net->b.n_params)
        return gr__fail(net->ctx, GR_E_USAGE, "the layer of \"%s\" has failed: the store has no such parameter",
                        net->b.params[net->n_declared].entry.name);
    gr__bump *b = gr__bump_create(net->ctx);
    if (!b) return GR_E_MEMORY;
    GR_TRY(gr__api_settings(net->ctx, b, "init", NULL, settings, &init));
    GR_TRY(gr__init_resolve(net->ctx, b, init, GR_PRESET_CHAPTER, &full));
    GR_TRY(refuse_auto(net->ctx, init));
    const gr_init_from from = {.tree = init, .preset = GR_PRESET_CHAPTER, .seed = seed};
    for (size_t i = 0; i < net->b.n_params && st == GR_OK; i++) st = fill_one(net, b, &from, &net->b.params[i]);
done:
    gr__bump_destroy(b);
    return st;
}
