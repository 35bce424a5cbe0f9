/* Boxes and arrows as SVG and as DOT. */
#include "result/dag.h"

#include <math.h>
#include <string.h>

#include "result/markup.h"
#include "result/marks.h"
#include "result/page.h"

static const double NAME = 13, HEAD = 6;

double gr__dag_box(const gr_dag_node *n)
{
    return fmax(fmax(1.1 * gr__page_width(n->name, NAME), gr__page_width(n->note, GR_PAGE_SMALL)) + 20, 64);
}

/* ---- SVG ---- */

typedef struct drawing {
    const gr_dag *d;
    const gr_dag_layout *l;
    gr__text *out;
} drawing;

static void text(drawing *w, double x, double y, double size, const char *style, const char *s, size_t n)
{
    gr__text_add(w->out, "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%.1f\" %s>", x, y, size, style);
    gr__markup_put(w->out, s, n);
    gr__text_add(w->out, "</text>\n");
}

static void box(drawing *w, int i)
{
    const gr_dag_node *n = &w->d->node[i];
    const gr_dag_item *it = &w->l->item[i];
    const char *colour = gr__plot_colour(n->group + 1);
    double wide = gr__dag_box(n), y = w->l->boxes[it->layer];
    gr__text_add(w->out,
                 "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" rx=\"6\" fill=\"%s\" fill-opacity=\"0.12\" "
                 "stroke=\"%s\" "
                 "stroke-width=\"1.5\"/>\n",
                 it->x - wide / 2, y, wide, GR_DAG_BOX, colour, colour);
    text(w, it->x, y + (n->note[0] ? 17 : 25), NAME, "text-anchor=\"middle\" font-weight=\"600\"", n->name,
         strlen(n->name));
    text(w, it->x, y + 32, GR_PAGE_SMALL, "text-anchor=\"middle\" fill=\"#444b54\"", n->note, strlen(n->note));
}

/* Bent between two layers, straight down through them: nothing else stands there. */
static void line(drawing *w, int i)
{
    const gr_dag_layout *l = w->l;
    const int *chain = l->chain[i], n = l->length[i];
    const gr_dag_item *from = &l->item[chain[0]];
    double x = from->x, y = l->below[from->layer], end = l->boxes[l->item[chain[n - 1]].layer] - 1.5;
    gr__text_add(w->out, "<path fill=\"none\" stroke=\"#7d8894\" stroke-width=\"1.4\" d=\"M%.1f %.1f", x, y);
    for (int k = 1; k < n; k++) {
        const gr_dag_item *it = &l->item[chain[k]];
        bool last = k + 1 == n;
        double to = last ? l->port[i].x : it->x, under = l->labels[it->layer], middle = (y + under) / 2;
        gr__text_add(w->out, "C%.1f %.1f %.1f %.1f %.1f %.1f", x, middle, to, middle, to, under);
        x = to;
        y = l->below[it->layer];
        gr__text_add(w->out, "V%.1f", last ? end - HEAD : y);
    }
    gr__text_add(w->out, "\"/>\n<path fill=\"#7d8894\" d=\"M%.1f %.1fl%.1f %.1fh%.1fz\"/>\n", x, end, -0.65 * HEAD,
                 -HEAD - 1, 1.3 * HEAD);
}

static void label(drawing *w, int i)
{
    const gr_dag_port *port = &w->l->port[i];
    const gr_dag_edge *e = &w->d->edge[i];
    double y = w->l->labels[w->l->item[e->to].layer] + GR_PAGE_SMALL;
    size_t skip;
    for (const char *s = e->label; *s; y += 1.2 * GR_PAGE_SMALL) {
        size_t n = gr__markup_line(s, GR_DAG_LABEL, &skip);
        text(w, port->x + 6 * port->side, y, GR_PAGE_SMALL,
             port->side < 0 ? "text-anchor=\"end\" fill=\"#444b54\"" : "fill=\"#444b54\"", s, n);
        s += n + skip;
    }
}

static void legend(drawing *w, double y)
{
    double x = GR_PAGE_MARGIN;
    for (int i = 0; w->d->groups && w->d->groups[i]; i++) {
        const char *colour = gr__plot_colour(i + 1);
        gr__text_add(w->out,
                     "<rect x=\"%.1f\" y=\"%.1f\" width=\"18\" height=\"12\" rx=\"3\" fill=\"%s\" "
                     "fill-opacity=\"0.12\" stroke=\"%s\" "
                     "stroke-width=\"1.5\"/>\n",
                     x + 1, y + 4, colour, colour);
        text(w, x + 26, y + 14, GR_PAGE_TEXT, "", w->d->groups[i], strlen(w->d->groups[i]));
        x += 26 + gr__page_width(w->d->groups[i], GR_PAGE_TEXT) + 14;
    }
}

static double legend_width(const gr_dag *d)
{
    double x = 2 * GR_PAGE_MARGIN;
    for (int i = 0; d->groups && d->groups[i]; i++) x += 26 + gr__page_width(d->groups[i], GR_PAGE_TEXT) + 14;
    return x;
}

gr_status gr__dag_svg(gr_context *ctx, const gr_dag *d, gr__text *out)
{
    gr_dag_layout *l;
    double under_title =
        GR_PAGE_MARGIN + GR_PAGE_TITLE * 1.25 + 2; /* a title of one line: the drawing is made wide enough */
    gr_status st = gr__dag_place(ctx, d, under_title + 38, &l);
    if (st != GR_OK) return st;
    double title = d->title ? gr__page_width(d->title, GR_PAGE_TITLE) + 2 * GR_PAGE_MARGIN + GR_PAGE_TITLE : 0;
    double width = fmax(fmax(l->width, title), fmax(legend_width(d), 320)), shift = (width - l->width) / 2;
    double height = l->height + 22 + gr__page_caption(width, d->caption);
    drawing w = {d, l, out};
    gr__page_open(out, width, height, d->title, NULL);
    legend(&w, under_title);
    gr__text_add(out, "<g transform=\"translate(%.1f 0)\">\n", shift);
    for (int i = 0; i < d->n_edges; i++) line(&w, i);
    for (int i = 0; i < d->n_nodes; i++) box(&w, i);
    for (int i = 0; i < d->n_edges; i++) label(&w, i);
    gr__text_add(out, "</g>\n");
    gr__page_close(out, width, height, d->caption);
    gr__free(ctx, l, sizeof *l);
    return out->failed ? GR_E_MEMORY : GR_OK;
}

/* ---- DOT [Graphviz] ---- */

static void quoted(gr__text *out, const char *s)
{
    gr__text_put(out, "\"", 1);
    for (; *s; s++) {
        if (*s == '"' || *s == '\\') gr__text_put(out, "\\", 1);
        gr__text_put(out, *s == '\n' ? " " : s, 1);
    }
    gr__text_put(out, "\"", 1);
}

static void attribute(gr__text *out, const char *name, const char *value)
{
    gr__text_add(out, "%s=", name);
    quoted(out, value);
}

gr_status gr__dag_dot(const gr_dag *d, gr__text *out)
{
    gr__text_add(out, "digraph {\n  ");
    attribute(out, "label", d->title ? d->title : "");
    gr__text_add(out, ";\n  labelloc=t;\n  node [shape=box, style=rounded];\n");
    for (int i = 0; i < d->n_nodes; i++) {
        gr__text_add(out, "  n%d [", i);
        attribute(out, "label", d->node[i].name);
        gr__text_add(out, ", ");
        attribute(out, "xlabel", d->node[i].note);
        gr__text_add(out, ", color=\"%s\"];\n", gr__plot_colour(d->node[i].group + 1));
    }
    for (int i = 0; i < d->n_edges; i++) {
        gr__text_add(out, "  n%d -> n%d [", d->edge[i].from, d->edge[i].to);
        attribute(out, "label", d->edge[i].label);
        gr__text_add(out, "];\n");
    }
    gr__text_add(out, "}\n");
    return out->failed ? GR_E_MEMORY : GR_OK;
}
