/* A sheet as one page. */
#include "result/html.h"

gr_status gr__sheet_html(const gr_sheet *s, gr__text *out)
{
    gr_status st = s->failed;
    gr__html_open(out, s->title, "main{display:flex;flex-wrap:wrap;gap:14px;margin-top:18px;align-items:flex-start}\n");
    gr__html_words(out, "<header>\n<h1>", s->title, "</h1>\n");
    for (const gr_line *l = s->note; l; l = l->next) gr__html_words(out, "<p>", l->text, "</p>\n");
    gr__text_add(out, "</header>\n<main>\n");
    for (const gr_card *c = s->card; c && st == GR_OK; c = c->next) st = gr__html_card(out, c, 2);
    gr__text_add(out, "</main>\n");
    gr__html_close(out);
    return st == GR_OK && out->failed ? gr__error_code(out->ctx) : st;
}
