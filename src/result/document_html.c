/* A document as one page, for a screen of any width, light or dark, and for paper. */
#include <stdlib.h>
#include <string.h>

#include "result/document.h"
#include "result/html.h"
#include "result/marks.h"
#include "result/markup.h"
#include "result/page.h"

static const char style[] =
    ":root{--good:0,114,178;--bad:213,94,0;--mark:#fff3d6}\n"
    "body{margin:0 auto;max-width:1560px;box-sizing:border-box}\n"
    "h1{font-size:24px;overflow-wrap:anywhere}\n"
    "header p:first-of-type{font-size:16px;color:var(--ink)}\n"
    "nav{margin:14px 0 4px;display:flex;flex-wrap:wrap;gap:4px 14px}\n"
    "a{color:inherit;text-decoration:underline;text-decoration-color:var(--dim);text-underline-offset:3px}\n"
    "section{background:var(--card);border:1px solid var(--edge);border-radius:8px;padding:14px 18px;margin:14px 0}\n"
    "section>h2{margin:0 0 8px;font-size:18px}\n"
    "h3{margin:16px 0 6px;font-size:15px;overflow-wrap:anywhere}\n"
    "section>p,section>ul{margin:6px 0;max-width:100ch;overflow-wrap:anywhere}\n"
    "ul{padding-left:20px}\n"
    "li{margin:3px 0;overflow-wrap:anywhere}\n"
    ".strong{font-weight:600}\n"
    ".missing{color:var(--dim);border-left:3px solid var(--edge);padding-left:10px}\n"
    "dl{display:grid;grid-template-columns:repeat(auto-fill,145px 196px);gap:4px 12px;margin:6px 0}\n"
    "dt{color:var(--dim);overflow-wrap:anywhere}\n"
    "dd{margin:0;overflow-wrap:anywhere}\n"
    ".table{display:inline-block;vertical-align:top;overflow-x:auto;margin:8px 36px 8px 0;max-width:100%}\n"
    ".table:focus-visible{outline:2px solid rgb(var(--good))}\n"
    "table{font-size:13px;font-variant-numeric:tabular-nums}\n"
    "caption{text-align:left;color:var(--dim);font-size:12.5px;padding-bottom:4px}\n"
    "th,td{padding:3px 10px 3px 0;border-bottom:1px solid var(--edge);vertical-align:top;text-align:left}\n"
    "thead th{font-weight:600;vertical-align:bottom}\n"
    "tbody th{font-weight:400;white-space:nowrap}\n"
    "td.n{text-align:right;white-space:nowrap}\n"
    ".upright td{text-align:right;padding:3px 6px;min-width:20px;border:1px solid var(--card)}\n"
    ".upright thead th{padding:0 2px 4px;text-align:center;border:0}\n"
    ".upright thead span{writing-mode:vertical-rl;transform:rotate(180deg);white-space:nowrap;max-height:140px;"
    "overflow:hidden}\n"
    ".upright tbody th{text-align:right;border:0;max-width:150px;overflow:hidden;text-overflow:ellipsis}\n"
    ".plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,350px),1fr));gap:12px;margin:10px 0}\n"
    ".plots.small{grid-template-columns:repeat(auto-fill,minmax(min(100%,240px),1fr))}\n"
    ".plots figure{min-width:0;max-width:720px}\n"
    ".plots.small figure{max-width:360px}\n"
    ".plots figure:only-child{grid-column:1/-1;max-width:900px}\n"
    "svg{display:block;width:100%;height:auto}\n"
    ".cards{display:flex;flex-wrap:wrap;gap:10px;align-items:flex-start;margin:10px 0}\n"
    ".cards article{padding:8px 10px}\n"
    ".cards article p{max-width:30ch}\n"
    ".lines{overflow-x:auto;margin:8px 0;max-width:100%}\n"
    ".lines code{display:block;white-space:pre-wrap;overflow-wrap:anywhere;font-size:12px;padding:0 6px;"
    "color:var(--dim)}\n"
    ".lines code.strong{background:var(--mark);color:var(--ink);font-weight:600}\n"
    "footer{color:var(--dim);font-size:12px;margin:14px 2px}\n"
    "@media screen and (max-width:700px){body{padding:10px}section{padding:10px 12px}h1{font-size:20px}"
    "table{font-size:12px}th,td{padding-right:7px}.upright td{padding:3px 4px}.table{margin-right:0}\n"
    ".cards article:has(img){width:calc(50% - 5px);box-sizing:border-box}}\n";

static const char paper[] =
    "@media print{:root{color-scheme:light;--ground:#fff;--card:#fff;--edge:#c9ced5;--ink:#000;--dim:#444;"
    "--mark:#fff3d6;--good:0,114,178;--bad:213,94,0}\n"
    "body{padding:0;max-width:none;font-size:11px;print-color-adjust:exact;-webkit-print-color-adjust:exact}\n"
    "nav{display:none}section{border:0;padding:0;margin:12px 0}\n"
    "figure,article,tr,li,dd{break-inside:avoid}h2,h3{break-after:avoid}\n"
    ".cards article:has(img){width:calc(25% - 8px);box-sizing:border-box}\n"
    ".table,.lines{overflow:visible}table,.lines code{font-size:9.5px}\n"
    ".plots{grid-template-columns:repeat(2,1fr)}.plots.small{grid-template-columns:repeat(3,1fr)}}\n"
    "@page{margin:14mm}\n";

static void put_style(gr__text *out)
{
    gr__text_add(out, "%s", style);
    for (int i = 1; i <= GR_SHADES; i++)
        gr__text_add(out, ".g%d{background:rgba(var(--good),%.2f)}.b%d{background:rgba(var(--bad),%.2f)}\n", i,
                     0.07 * i, i, 0.1 * i);
    gr__text_add(out, "@media screen and (prefers-color-scheme:dark){:root{--good:77,169,224;--bad:240,138,75;"
                      "--mark:#3a3320}\n");
    gr__page_dark(out);
    gr__plot_dark(out);
    gr__text_add(out, "}\n%s", paper);
}

/* ---- tables ---- */

static bool has_headings(const gr_written_table *t)
{
    for (int i = 0; i < t->n_columns; i++)
        if (t->heading[i][0]) return true;
    return false;
}

static bool is_number(const gr_written *c)
{
    return c && c->style != GR_CELL_WORDS && c->style != GR_CELL_HEAD;
}

static void put_headings(gr__text *out, const gr_written_table *t)
{
    const gr_written *c = t->cell;
    gr__text_add(out, "<thead><tr>");
    for (int i = 0; i < t->n_columns; i++, c = c ? c->next : NULL) {
        if (!t->heading[i][0]) {
            gr__text_add(out, "<td></td>");
            continue;
        }
        gr__html_words(
            out, is_number(c) && !t->upright ? "<th scope=\"col\" style=\"text-align:right\">" : "<th scope=\"col\">",
            "", "");
        gr__html_words(out, t->upright ? "<span>" : "", t->heading[i], t->upright ? "</span></th>" : "</th>");
    }
    gr__text_add(out, "</tr></thead>\n");
}

static void put_cell(gr__text *out, const gr_written *c)
{
    if (c->style == GR_CELL_HEAD)
        gr__html_words(out, "<th scope=\"row\">", c->text, "</th>");
    else if (c->style == GR_CELL_WORDS)
        gr__html_words(out, "<td>", c->text, "</td>");
    else if (c->style > GR_CELL_BAD)
        gr__text_add(out, "<td class=\"n b%d\">", c->style - GR_CELL_BAD);
    else if (c->style > GR_CELL_GOOD && c->style <= GR_CELL_GOOD_END)
        gr__text_add(out, "<td class=\"n g%d\">", c->style - GR_CELL_GOOD);
    else
        gr__text_add(out, "<td class=\"n\">");
    if (is_number(c)) gr__html_words(out, "", c->text, "</td>");
}

static void put_table(gr__text *out, const gr_written_table *t)
{
    int64_t i = 0;
    gr__text_add(out, "<div class=\"table%s\" tabindex=\"0\" role=\"region\" aria-label=\"",
                 t->upright ? " upright" : "");
    gr__markup_add(out, t->caption);
    gr__html_words(out, "\"><table>\n<caption>", t->caption, "</caption>\n");
    if (has_headings(t)) put_headings(out, t);
    gr__text_add(out, "<tbody>\n");
    for (const gr_written *c = t->cell; c; c = c->next, i++) {
        if (i % t->n_columns == 0) gr__text_add(out, "<tr>");
        put_cell(out, c);
        if ((i + 1) % t->n_columns == 0) gr__text_add(out, "</tr>\n");
    }
    gr__text_add(out, "</tbody>\n</table></div>\n");
}

/* ---- passages ---- */

/* What stands around those of a kind that follow each other. */
static const char *before(const gr_passage *p)
{
    switch (p->kind) {
    case GR_PASSAGE_ITEM:
        return "<ul>\n";
    case GR_PASSAGE_TERM:
        return "<dl>\n";
    case GR_PASSAGE_PLOT:
        return p->small ? "<div class=\"plots small\">\n" : "<div class=\"plots\">\n";
    case GR_PASSAGE_LINE:
        return "<div class=\"lines\">\n";
    default:
        return "";
    }
}

static const char *after(const gr_passage *p)
{
    switch (p->kind) {
    case GR_PASSAGE_ITEM:
        return "</ul>\n";
    case GR_PASSAGE_TERM:
        return "</dl>\n";
    case GR_PASSAGE_PLOT:
    case GR_PASSAGE_LINE:
        return "</div>\n";
    default:
        return "";
    }
}

static bool together(const gr_passage *a, const gr_passage *b)
{
    return a && b && a->kind == b->kind && a->small == b->small;
}

static gr_status put_plot(gr__text *out, const gr_plot *p)
{
    gr__text_add(out, "<figure>\n");
    gr_status st = gr__plot_svg(p, out);
    gr__text_add(out, "</figure>\n");
    return st;
}

static gr_status put_cards(gr__text *out, const gr_sheet *s)
{
    gr_status st = s->failed;
    for (const gr_line *l = s->note; l; l = l->next) gr__html_words(out, "<p>", l->text, "</p>\n");
    gr__text_add(out, "<div class=\"cards\">\n");
    for (const gr_card *c = s->card; c && st == GR_OK; c = c->next) st = gr__html_card(out, c, 4);
    gr__text_add(out, "</div>\n");
    return st;
}

/* A line's spaces at its beginning stay: its style keeps them. */
static gr_status put_passage(gr__text *out, const gr_passage *p)
{
    gr_status st = GR_OK;
    const char *strong = p->strong ? " class=\"strong\"" : "";
    switch (p->kind) {
    case GR_PASSAGE_HEADING:
        gr__html_words(out, "<h3>", p->text, "</h3>\n");
        break;
    case GR_PASSAGE_WORDS:
        gr__html_words(out, "<p>", p->text, "</p>\n");
        break;
    case GR_PASSAGE_MISSING:
        gr__html_words(out, "<p class=\"missing\">", p->text, "</p>\n");
        break;
    case GR_PASSAGE_ITEM:
        gr__text_add(out, "<li%s>", strong);
        gr__html_words(out, "", p->text, "</li>\n");
        break;
    case GR_PASSAGE_TERM:
        gr__html_words(out, "<dt>", p->name, "</dt>");
        gr__html_words(out, "<dd>", p->text, "</dd>\n");
        break;
    case GR_PASSAGE_TABLE:
        if (p->table->n) put_table(out, p->table);
        break;
    case GR_PASSAGE_PLOT:
        st = put_plot(out, p->plot);
        break;
    case GR_PASSAGE_CARDS:
        st = put_cards(out, p->sheet);
        break;
    case GR_PASSAGE_LINE:
        gr__text_add(out, "<code%s>", strong);
        gr__html_words(out, "", p->text, "</code>\n");
        break;
    }
    return st;
}

static gr_status put_section(gr__text *out, const gr_section *s)
{
    gr_status st = GR_OK;
    const gr_passage *last = NULL;
    gr__text_add(out, "<section id=\"%s\">\n", s->id);
    gr__html_words(out, "<h2>", s->title, "</h2>\n");
    for (const gr_passage *p = s->passage; p && st == GR_OK; last = p, p = p->next) {
        if (!together(last, p)) gr__text_add(out, "%s", before(p));
        st = put_passage(out, p);
        if (!together(p, p->next)) gr__text_add(out, "%s", after(p));
    }
    gr__text_add(out, "</section>\n");
    return st;
}

static void put_head(gr__text *out, const gr_document *d)
{
    gr__html_words(out, "<header>\n<h1>", d->title, "</h1>\n");
    for (const gr_line *l = d->lead; l; l = l->next) gr__html_words(out, "<p>", l->text, "</p>\n");
    gr__text_add(out, "</header>\n<nav aria-label=\"Sections\">\n");
    for (const gr_section *s = d->section; s; s = s->next) {
        gr__text_add(out, "<a href=\"#%s\">", s->id);
        gr__html_words(out, "", s->title, "</a>\n");
    }
    gr__text_add(out, "</nav>\n<main>\n");
}

gr_status gr__document_html(const gr_document *d, gr__text *out)
{
    gr_status st = d->failed;
    gr__text rules;
    gr__text_init(&rules, out->ctx);
    put_style(&rules);
    if (rules.failed)
        st = GR_E_MEMORY;
    else
        gr__html_open(out, d->title, rules.s);
    gr__text_free(&rules);
    put_head(out, d);
    for (const gr_section *s = d->section; s && st == GR_OK; s = s->next) st = put_section(out, s);
    gr__text_add(out, "</main>\n");
    gr__html_close(out);
    return st == GR_OK && out->failed ? gr__error_code(out->ctx) : st;
}
