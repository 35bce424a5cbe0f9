/* Low-rank adapters.                                                                          [Hu et al. 2021,
 * section 4.1] */
#include "nn/adapter.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "graph/shape.h"

bool gr__adapter_has(const gr_adapter *a, const char *weight)
{
    for (int i = 0; a && a->rank && i < a->n_match; i++)
        if (gr__glob(a->match[i], weight)) return true;
    return false;
}

const char *gr__adapter_down(const char *weight, char name[GR_ADAPTER_NAME])
{
    snprintf(name, GR_ADAPTER_NAME, "%.500s_lora_a", weight);
    return name;
}

const char *gr__adapter_up(const char *weight, char name[GR_ADAPTER_NAME])
{
    snprintf(name, GR_ADAPTER_NAME, "%.500s_lora_b", weight);
    return name;
}

bool gr__adapter_part(const gr_adapter *a, const char *parameter)
{
    char weight[GR_ADAPTER_NAME], whole[GR_ADAPTER_NAME];
    const char *tail = strrchr(parameter, '_');
    size_t n = tail && tail - parameter > 5 ? (size_t)(tail - parameter) - 5 : 0; /* without "_lora" */
    if (n == 0 || n >= sizeof weight) return false;
    snprintf(weight, sizeof weight, "%.*s", (int)n, parameter);
    return gr__adapter_has(a, weight) && (strcmp(gr__adapter_down(weight, whole), parameter) == 0 ||
                                          strcmp(gr__adapter_up(weight, whole), parameter) == 0);
}

static gr_val times(gr_graph *g, const gr_adapter *s, gr_val x)
{
    return gr_mul(g, x, gr_const(g, s->alpha / (double)s->rank));
}

gr_val gr__adapter_merge(gr_graph *g, const gr_adapter *s, gr_val w, gr_val down, gr_val up)
{
    return gr_add(g, w, times(g, s, gr_matmul(g, up, down, false, false)));
}

/* The weight as it was declared; NULL: it is no parameter of this layer's own. */
static gr_param_info *declared(gr_build *b, const char *suffix)
{
    size_t n = strlen(b->layer);
    for (size_t i = 0; i < b->n_params; i++) {
        const char *name = b->params[i].entry.name;
        if (strncmp(name, b->layer, n) == 0 && name[n] == '.' && strcmp(name + n + 1, suffix) == 0)
            return &b->params[i];
    }
    return NULL;
}

/* A is drawn so that x A^T is about as large as x, B starts at 0, whatever `init` says of weights. */
static gr_val declare(gr_build *b, const char *suffix, gr_shape shape, const char *start)
{
    const gr_build outer = *b;
    b->init = NULL;
    b->usual = start;
    b->settled = true;
    b->last = false;
    gr_val leaf = gr__build_param(b, suffix, shape, GR_ROLE_WEIGHT, GR_LAYOUT_PLAIN, shape.dim[1], shape.dim[0]);
    b->init = outer.init;
    b->usual = outer.usual;
    b->settled = outer.settled;
    b->last = outer.last;
    return leaf;
}

gr_val gr__adapter_multiply(gr_build *b, const char *suffix, gr_val x, gr_val w, int64_t at)
{
    gr_graph *g = b->g;
    const gr_adapter *s = b->adapter;
    gr_param_info *p = b->maker ? NULL : declared(b, suffix);
    char down_name[GR_ADAPTER_NAME], up_name[GR_ADAPTER_NAME];
    if (p) p->adaptable = true;
    if (!p || !gr__adapter_has(s, p->entry.name)) return gr_matmul(g, x, w, false, true);
    gr_shape whole = p->entry.shape, part = gr_shape_of(g, w);
    int64_t units = whole.dim[0], inputs = whole.dim[1];
    const char *start = gr__bump_format(b->memory, "{type: normal, std: %.17g}", 1 / sqrt((double)GR_MAX(inputs, 1)));
    if (!start) return gr_graph_fail(g, GR_E_MEMORY, "no memory for an adapter");
    gr_val down = declare(b, gr__adapter_down(suffix, down_name), GR_SHAPE(s->rank, inputs), start);
    gr_val up = declare(b, gr__adapter_up(suffix, up_name), GR_SHAPE(units, s->rank), "{type: zeros}");
    if (!down || !up) return GR_NONE;
    if (part.dim[0] != units) up = gr_slice(g, up, 0, at, part.dim[0]);
    if (b->mode != GR_MODE_TRAIN) return gr_matmul(g, x, gr__adapter_merge(g, s, w, down, up), false, true);
    gr_val thin = gr_matmul(g, gr_matmul(g, x, down, false, true), up, false, true);
    return gr_add(g, gr_matmul(g, x, w, false, true), times(g, s, thin));
}
