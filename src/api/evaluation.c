/* What programs ask of an evaluation. */
#include "api/evaluation.h"

#include <math.h>
#include <string.h>

typedef struct owned { /* the evaluation first: what programs hold points to it */
    gr_evaluation ev;
    gr_context *ctx;
    gr__bump *memory;
    gr_metrics metrics[GR_MAX_TARGETS];
} owned;

gr_status gr__evaluation_keep(gr_context *ctx, gr_evaluation *ev, gr_evaluation **out)
{
    gr__bump *b = gr__bump_create(ctx);
    owned *o = b ? gr__bump_alloc(b, sizeof *o) : NULL;
    if (!o) {
        gr__evaluation_free(ctx, ev);
        gr__bump_destroy(b);
        return gr__error_code(ctx);
    }
    *o = (owned){.ev = *ev, .ctx = ctx, .memory = b};
    for (int h = 0; h < ev->n_heads; h++) {
        gr_metrics *m = &o->metrics[h];
        m->n = ev->metrics[h].n;
        o->ev.head[h].hits = NULL; /* the engine's */
        for (int i = 0; i < m->n; i++)
            if (!(m->use[i].name = gr__bump_strdup(b, ev->metrics[h].use[i].name))) {
                gr_evaluation_destroy(&o->ev);
                return gr__error_code(ctx);
            }
    }
    o->ev.metrics = o->metrics;
    *out = &o->ev;
    return GR_OK;
}

void gr_evaluation_destroy(gr_evaluation *e)
{
    owned *o = (owned *)e;
    if (!o) return;
    gr__evaluation_free(o->ctx, e);
    gr__bump_destroy(o->memory);
}

/* ---- figures ---- */

static const gr_head_evaluation *head_of(const gr_evaluation *e, int head)
{
    return head >= 0 && head < e->n_heads ? &e->head[head] : NULL;
}

int64_t gr_evaluation_samples(const gr_evaluation *e)
{
    return e->samples;
}

double gr_evaluation_cost(const gr_evaluation *e)
{
    return e->cost_mean;
}

int gr_evaluation_heads(const gr_evaluation *e)
{
    return e->n_heads;
}

const char *gr_evaluation_head(const gr_evaluation *e, int head)
{
    return head_of(e, head) ? e->recipe->head[head].name : NULL;
}

double gr_evaluation_head_cost(const gr_evaluation *e, int head)
{
    const gr_head_evaluation *h = head_of(e, head);
    return h ? h->cost_mean : (double)NAN;
}

double gr_evaluation_error(const gr_evaluation *e, int head)
{
    const gr_head_evaluation *h = head_of(e, head);
    return h ? h->error : (double)NAN;
}

int gr_evaluation_metrics(const gr_evaluation *e, int head)
{
    return head_of(e, head) ? e->metrics[head].n : 0;
}

const char *gr_evaluation_metric_name(const gr_evaluation *e, int head, int index)
{
    return index >= 0 && index < gr_evaluation_metrics(e, head) ? e->metrics[head].use[index].name : NULL;
}

double gr_evaluation_metric(const gr_evaluation *e, int head, const char *name)
{
    const gr_head_evaluation *h = head_of(e, head);
    int i = h && name ? gr__metrics_find(&e->metrics[head], name) : -1;
    return i >= 0 ? h->metric[i] : (double)NAN;
}

const int64_t *gr_evaluation_confusion(const gr_evaluation *e, int head, int *classes)
{
    const gr_head_evaluation *h = head_of(e, head);
    if (!h || !h->confusion) return NULL;
    if (classes) *classes = h->classes;
    return h->confusion;
}
