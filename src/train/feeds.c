/* Feeds of plans: found once a plan is bound, filled before it runs. */
#include <string.h>

#include "train/train.h"

static void find_field(gr_feeds *f, gr_plan *p, gr_field_role role, const char *name)
{
    char feed[GR_FEED_TEXT];
    f->field[f->n] = gr_plan_feed(p, gr__feed_of(role, name, feed), &f->bytes[f->n]);
    f->n++;
}

gr_feeds gr__feeds_find(const gr_task *t, gr_plan *p)
{
    const gr_recipe *r = t->recipe;
    gr_feeds f = {.weight = -1, .wide = gr_backend_real_bytes(t->backend) == sizeof(double)};
    for (int i = 0; i < r->n_inputs; i++) find_field(&f, p, GR_FIELD_INPUT, r->input[i].name);
    for (int h = 0; h < r->n_heads; h++) find_field(&f, p, GR_FIELD_TARGET, r->head[h].name);
    if (t->weighted) {
        f.weight = f.n;
        find_field(&f, p, GR_FIELD_WEIGHT, NULL);
    }
    f.lr = gr_plan_feed(p, GR_FEED_LR, NULL);
    f.seed = gr_plan_feed(p, GR_FEED_SEED, NULL);
    f.update = gr_plan_feed(p, GR_FEED_UPDATE, NULL);
    f.position = gr_plan_feed(p, GR_FEED_POSITION, NULL);
    f.first = gr_plan_feed(p, GR_FEED_FIRST, NULL);
    f.share = gr_plan_feed(p, GR_FEED_SHARE, NULL);
    return f;
}

/* Samples whose source gives them no weights. */
static void weigh_alike(const gr_feeds *f)
{
    float *single = f->field[f->weight];
    double *wide = f->field[f->weight];
    size_t n = f->bytes[f->weight] / (f->wide ? sizeof *wide : sizeof *single);
    for (size_t i = 0; i < n; i++) {
        if (f->wide)
            wide[i] = 1;
        else
            single[i] = 1;
    }
}

void gr__feeds_put(const gr_feeds *f, const gr_batch *b)
{
    for (int i = 0; i < f->n; i++) {
        if (!f->field[i] || b->field[i] == f->field[i]) continue;
        if (b->field[i])
            memcpy(f->field[i], b->field[i], f->bytes[i]);
        else if (i == f->weight)
            weigh_alike(f);
    }
}
