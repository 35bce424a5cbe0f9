/* Networks trained on a source. */
#include "study/lab/transfer.h"

#include <string.h>

typedef struct taking {
    gr_sources *s;
    int64_t k;
} taking;

static bool is_handed_on(const gr_sources *s, const gr_entry_spec *e)
{
    return (!e->slot || e->saved) && strncmp(e->name, s->except, strlen(s->except)) != 0;
}

/* What a model would hold of it. */
static gr_status take(gr_lab *lab, const gr_recipe *r, gr_steps *trained, void *user)
{
    const taking *t = user;
    gr_store **to = &t->s->store[t->k];
    gr_status st = GR_OK;
    (void)r;
    GR_TRY(gr_store_create(lab->ctx, trained->task.backend, to));
    GR_TRY(gr__network_declare(trained->task.network, *to));
    GR_TRY(gr_store_seal(*to));
    for (int i = 0; i < gr_store_count(*to); i++)
        GR_TRY(gr__lab_copy(lab, trained->engine.store, *to, gr_store_entry(*to, i)->spec.name));
done:
    return st;
}

gr_status gr__sources_train(gr_lab *lab, const char *(*recipe)(gr_lab *lab, int64_t k), gr_sources *out)
{
    gr_status st = GR_OK;
    out->n = GR_MIN(gr__setting_int(&lab->settings, "seeds"), GR_MOST_SEEDS);
    for (int64_t k = 0; k < out->n && st == GR_OK; k++) {
        gr_trained end;
        taking t = {out, k};
        st = gr__lab_train(lab, &(gr_training){.recipe = recipe(lab, k), .look = take, .user = &t}, &end);
        out->error[k] = 100 * end.error;
        if (st == GR_OK && !out->store[k])
            st = gr__fail(lab->ctx, GR_E_DIVERGED, "%s: a source diverged", lab->figure->head.name);
    }
    return st;
}

void gr__sources_close(gr_sources *s)
{
    for (int64_t k = 0; k < s->n; k++) gr_store_destroy(s->store[k]);
    s->n = 0;
}

gr_status gr__sources_give(gr_lab *lab, const gr_sources *s, int64_t k, gr_steps *to)
{
    gr_status st = GR_OK;
    for (int i = 0; i < gr_store_count(s->store[k]) && st == GR_OK; i++) {
        const gr_entry_spec *e = &gr_store_entry(s->store[k], i)->spec;
        if (is_handed_on(s, e)) st = gr__lab_copy(lab, s->store[k], to->engine.store, e->name);
    }
    return st;
}
