/* Layers by the longest way from the top, an order within them that few arrows cross, places near to the neighbours'.
 * [Sugiyama, Tagawa & Toda 1981] */
#include <math.h>
#include <string.h>

#include "result/dag.h"
#include "result/markup.h"
#include "result/page.h"

static const double GAP = 14, PORT = 16, BESIDE = 6, ABOVE = 46,
                    PASS = 5; /* pixels; PORT: half the distance of two arrows */
enum { SWEEPS = 40, ROUNDS = 60 };

typedef struct placing {
    const gr_dag *d;
    gr_dag_layout *l;
    int order[GR_DAG_NODES][GR_DAG_ITEMS], n[GR_DAG_NODES]; /* items of a layer from the left */
    int at[GR_DAG_ITEMS];                                   /* where an item stands in it */
    int up[GR_DAG_ITEMS][GR_DAG_INTO], n_up[GR_DAG_ITEMS];  /* items that lead to it */
} placing;

/* ---- layers, and what passes them ---- */

static bool layers(placing *p)
{
    bool again = true;
    for (int round = 0; again; round++) {
        again = false;
        for (int i = 0; i < p->d->n_edges; i++) {
            const gr_dag_edge *e = &p->d->edge[i];
            int below = p->l->item[e->from].layer + 1;
            if (p->l->item[e->to].layer < below) p->l->item[e->to].layer = below, again = true;
        }
        if (round > p->d->n_nodes) return false; /* a cycle */
    }
    for (int i = 0; i < p->d->n_nodes; i++) p->l->n_layers = GR_MAX(p->l->n_layers, p->l->item[i].layer + 1);
    return true;
}

static bool lead(placing *p, int from, int to)
{
    if (p->n_up[to] == GR_DAG_INTO) return false;
    p->up[to][p->n_up[to]++] = from;
    return true;
}

static bool chains(placing *p)
{
    gr_dag_layout *l = p->l;
    for (int i = 0; i < p->d->n_edges; i++) {
        const gr_dag_edge *e = &p->d->edge[i];
        int *chain = l->chain[i], n = 0;
        chain[n++] = e->from;
        for (int layer = l->item[e->from].layer + 1; layer < l->item[e->to].layer; layer++) {
            if (l->n_items == GR_DAG_ITEMS) return false;
            l->item[l->n_items] = (gr_dag_item){.node = -1, .edge = i, .layer = layer, .left = PASS, .right = PASS};
            chain[n++] = l->n_items++;
        }
        chain[n++] = e->to;
        l->length[i] = n;
        for (int k = 1; k < n; k++)
            if (!lead(p, chain[k - 1], chain[k])) return false;
    }
    return true;
}

/* ---- the order within layers ---- */

static void number(placing *p, int layer)
{
    for (int k = 0; k < p->n[layer]; k++) p->at[p->order[layer][k]] = k;
}

/* Arrows that cross between the layer and the one above. */
static int crossings(const placing *p, int layer)
{
    int count = 0;
    for (int a = 0; a < p->n[layer]; a++)
        for (int b = a + 1; b < p->n[layer]; b++) {
            int i = p->order[layer][a], k = p->order[layer][b];
            for (int u = 0; u < p->n_up[i]; u++)
                for (int v = 0; v < p->n_up[k]; v++) count += p->at[p->up[i][u]] > p->at[p->up[k][v]];
        }
    return count;
}

static int all_crossings(const placing *p)
{
    int count = 0;
    for (int layer = 1; layer < p->l->n_layers; layer++) count += crossings(p, layer);
    return count;
}

/* The mean place of an item's neighbours above or below; its own where it has none. x: in pixels, else in numbers. */
static double mean_place(const placing *p, int item, bool above, bool below, bool x)
{
    double sum = 0;
    int n = 0, layer = p->l->item[item].layer;
    for (int u = 0; above && u < p->n_up[item]; u++, n++)
        sum += x ? p->l->item[p->up[item][u]].x : p->at[p->up[item][u]];
    for (int k = 0; below && layer + 1 < p->l->n_layers && k < p->n[layer + 1]; k++) {
        int other = p->order[layer + 1][k];
        for (int u = 0; u < p->n_up[other]; u++)
            if (p->up[other][u] == item) sum += x ? p->l->item[other].x : k, n++;
    }
    return n ? sum / n : x ? p->l->item[item].x : p->at[item];
}

static void sort_layer(placing *p, int layer, bool above)
{
    double key[GR_DAG_ITEMS];
    int *order = p->order[layer];
    for (int k = 0; k < p->n[layer]; k++) key[k] = mean_place(p, order[k], above, !above, false);
    for (int k = 1; k < p->n[layer]; k++)
        for (int i = k; i > 0 && key[i - 1] > key[i]; i--) {
            double x = key[i];
            int o = order[i];
            key[i] = key[i - 1], key[i - 1] = x;
            order[i] = order[i - 1], order[i - 1] = o;
        }
    number(p, layer);
}

static void swap(placing *p, int layer, int k)
{
    int *order = p->order[layer], o = order[k];
    order[k] = order[k + 1];
    order[k + 1] = o;
    number(p, layer);
}

/* Neighbours change places where that saves a crossing. */
static void transpose(placing *p)
{
    bool better = true;
    for (int least = all_crossings(p); better;) {
        better = false;
        for (int layer = 0; layer < p->l->n_layers; layer++)
            for (int k = 0; k + 1 < p->n[layer]; k++) {
                swap(p, layer, k);
                int now = all_crossings(p);
                if (now < least)
                    least = now, better = true;
                else
                    swap(p, layer, k);
            }
    }
}

static void start_order(placing *p)
{
    for (int i = 0; i < p->l->n_items; i++) {
        int layer = p->l->item[i].layer;
        p->order[layer][p->n[layer]++] = i;
    }
    for (int layer = 0; layer < p->l->n_layers; layer++) number(p, layer);
}

static void order(placing *p, placing *best)
{
    start_order(p);
    int least = all_crossings(p), layers = p->l->n_layers;
    *best = *p;
    for (int i = 0; i < SWEEPS && least > 0; i++) {
        bool down = i % 2 == 0;
        for (int k = 1; k < layers; k++) sort_layer(p, down ? k : layers - 1 - k, down);
        transpose(p);
        int now = all_crossings(p);
        if (now < least) least = now, *best = *p;
    }
}

/* ---- places from left to right ---- */

static double label_width(const char *s, int *lines)
{
    size_t skip;
    double wide = 0;
    *lines = 0;
    for (; *s; ++*lines) {
        size_t n = gr__markup_line(s, GR_DAG_LABEL, &skip);
        wide = fmax(wide, GR_PAGE_WIDE * GR_PAGE_SMALL * (double)gr__markup_length(s, n));
        s += n + skip;
    }
    return wide;
}

/* What a node takes with the labels of its arrows: one stands to the right of its arrow, two on the outer sides of
 * theirs. */
static void measure(placing *p, int lines[GR_DAG_NODES])
{
    for (int i = 0; i < p->d->n_nodes; i++) {
        gr_dag_item *it = &p->l->item[i];
        it->left = it->right = gr__dag_box(&p->d->node[i]) / 2;
    }
    for (int i = 0; i < p->d->n_edges; i++) {
        int to = p->d->edge[i].to, n;
        gr_dag_item *it = &p->l->item[to];
        double wide = label_width(p->d->edge[i].label, &n) + BESIDE + (p->n_up[to] > 1 ? PORT : 0);
        it->right = fmax(it->right, wide);
        if (p->n_up[to] > 1) it->left = fmax(it->left, wide); /* whichever side its label comes to stand on */
        lines[it->layer] = GR_MAX(lines[it->layer], n);
    }
}

/* The places nearest to those wanted, in order and far enough apart: least squares by pooling neighbours that violate
 * it. */
static void settle(placing *p, int layer)
{
    double value[GR_DAG_ITEMS], offset[GR_DAG_ITEMS];
    int first[GR_DAG_ITEMS], n = 0, count = p->n[layer];
    for (int k = 0; k < count; k++) {
        const gr_dag_item *it = &p->l->item[p->order[layer][k]],
                          *before = k ? &p->l->item[p->order[layer][k - 1]] : NULL;
        offset[k] = before ? offset[k - 1] + before->right + GAP + it->left : 0;
        value[n] = mean_place(p, p->order[layer][k], true, true, true) - offset[k];
        first[n++] = k;
        for (; n > 1 && value[n - 2] > value[n - 1]; n--) {
            double a = first[n - 1] - first[n - 2], b = k + 1 - first[n - 1];
            value[n - 2] = (a * value[n - 2] + b * value[n - 1]) / (a + b);
        }
    }
    for (int i = 0; i < n; i++)
        for (int k = first[i]; k < (i + 1 < n ? first[i + 1] : count); k++)
            p->l->item[p->order[layer][k]].x = value[i] + offset[k];
}

static void across(placing *p)
{
    double low = INFINITY, high = -INFINITY;
    for (int i = 0; i < ROUNDS; i++)
        for (int k = 0; k < p->l->n_layers; k++) settle(p, i % 2 ? p->l->n_layers - 1 - k : k);
    for (int i = 0; i < p->l->n_items; i++) {
        low = fmin(low, p->l->item[i].x - p->l->item[i].left);
        high = fmax(high, p->l->item[i].x + p->l->item[i].right);
    }
    for (int i = 0; i < p->l->n_items; i++) p->l->item[i].x += GR_PAGE_MARGIN + 4 - low;
    p->l->width = high - low + 2 * (GR_PAGE_MARGIN + 4);
}

static void down(placing *p, double top, const int lines[GR_DAG_NODES])
{
    gr_dag_layout *l = p->l;
    for (int k = 0; k < l->n_layers; k++) {
        l->labels[k] = k ? l->below[k - 1] + ABOVE : top;
        l->boxes[k] = l->labels[k] + (k ? 12 + GR_PAGE_SMALL * 1.2 * lines[k] : 0);
        l->below[k] = l->boxes[k] + GR_DAG_BOX;
    }
    l->height = l->n_layers ? l->below[l->n_layers - 1] : top;
}

static void ports(placing *p)
{
    gr_dag_layout *l = p->l;
    for (int i = 0; i < p->d->n_edges; i++) {
        int to = p->d->edge[i].to, last = l->chain[i][l->length[i] - 2], other = last;
        for (int u = 0; u < p->n_up[to]; u++)
            if (p->up[to][u] != last) other = p->up[to][u];
        int side = p->n_up[to] < 2 || l->item[last].x > l->item[other].x ? 1 : -1;
        l->port[i] = (gr_dag_port){l->item[to].x + (p->n_up[to] < 2 ? 0 : side * PORT), side};
    }
}

static bool place(placing *p, placing *best, double top)
{
    int lines[GR_DAG_NODES] = {0};
    p->l->n_items = p->d->n_nodes;
    for (int i = 0; i < p->d->n_nodes; i++) p->l->item[i] = (gr_dag_item){.node = i, .edge = -1};
    if (!layers(p) || !chains(p)) return false;
    order(p, best);
    measure(best, lines);
    across(best);
    down(best, top, lines);
    ports(best);
    return true;
}

gr_status gr__dag_place(gr_context *ctx, const gr_dag *d, double top, gr_dag_layout **out)
{
    placing *p = gr__alloc(ctx, 2 * sizeof *p);
    gr_dag_layout *l = gr__alloc(ctx, sizeof *l);
    gr_status st = p && l ? GR_OK : GR_E_MEMORY;
    if (st == GR_OK) {
        *p = (placing){.d = d, .l = l};
        if (d->n_nodes > GR_DAG_NODES || d->n_edges > GR_DAG_EDGES || !place(p, p + 1, top))
            st = gr__fail(ctx, GR_E_INTERNAL, "boxes and arrows that cannot be drawn: a cycle, or too many");
    }
    gr__free(ctx, p, 2 * sizeof *p);
    if (st != GR_OK) gr__free(ctx, l, sizeof *l);
    *out = st == GR_OK ? l : NULL;
    return st;
}
