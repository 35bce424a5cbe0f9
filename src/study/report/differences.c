/* What the recipes of several runs differ in. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "study/report/parts.h"

enum { MOST_ROWS = 80 };

/* A setting, and what it is in each run. */
typedef struct setting {
    const char *path, *value[GR_REPORT_RUNS]; /* NULL: the run has none */
} setting;

typedef struct list {
    gr_report *r;
    setting *at;
    size_t n, room;
    size_t next; /* where the setting after the last one is sought first: recipes are written in one order */
} list;

static setting *find(list *l, const char *path)
{
    for (size_t k = 0; k < l->n; k++) {
        size_t i = (l->next + k) % l->n;
        if (strcmp(l->at[i].path, path) == 0) return l->next = i + 1, &l->at[i];
    }
    if (!GR_ROOM(l->r->ctx, l->at, l->room, l->n + 1)) return NULL;
    l->at[l->n] = (setting){.path = gr__document_text(&l->r->document, "%s", path)};
    return &l->at[l->n++];
}

static gr_status add(list *l, int run, const gr_tree *t)
{
    char path[512];
    gr_document *d = &l->r->document;
    bool leaf = t->n == 0;
    for (int i = 0; i < t->n; i++) {
        gr_status st = add(l, run, t->child[i]);
        if (st != GR_OK) return st;
    }
    if (!leaf) return GR_OK;
    gr__tree_path(t, path, sizeof path);
    if (strcmp(path, "name") == 0) return GR_OK;
    setting *s = find(l, path);
    if (!s) return gr__error_code(l->r->ctx);
    s->value[run] = gr__tree_none(t) ? "none" : gr__document_text(d, "%s", t->text ? t->text : "[]");
    return GR_OK;
}

static bool differs(const gr_report *r, const setting *s)
{
    const char *first = NULL;
    bool any = false;
    for (int i = 0; i < r->n_runs; i++) {
        const char *is = s->value[i] ? s->value[i] : "";
        if (!r->run[i].recipe) continue;
        if (any && strcmp(first, is) != 0) return true;
        first = is;
        any = true;
    }
    return false;
}

static void put(gr_report *r, const list *l)
{
    gr_document *d = &r->document;
    int rows = 0;
    gr_written_table *t =
        gr__document_table(d, "Settings of the resolved recipes that are not the same in all runs", r->n_runs + 1);
    if (t->heading) t->heading[0] = "setting";
    for (int i = 0; i < r->n_runs && t->heading; i++) t->heading[i + 1] = r->run[i].label;
    for (size_t k = 0; k < l->n; k++) {
        if (!differs(r, &l->at[k]) || rows++ >= MOST_ROWS) continue;
        gr__document_cell(d, t, GR_CELL_HEAD, "%s", l->at[k].path);
        for (int i = 0; i < r->n_runs; i++)
            gr__document_cell(d, t, GR_CELL_WORDS, "%s", l->at[k].value[i] ? l->at[k].value[i] : "\xE2\x80\x93");
    }
    if (rows == 0) gr__document_words(d, "The recipes differ in nothing but their names.");
    if (rows > MOST_ROWS) gr__document_words(d, "And %d more.", rows - MOST_ROWS);
}

gr_status gr__report_differences(gr_report *r)
{
    list l = {.r = r};
    gr_status st = GR_OK;
    gr__document_section(&r->document, "differences", "What differs");
    for (int i = 0; i < r->n_runs && st == GR_OK; i++) {
        if (!r->run[i].recipe)
            gr__report_miss(r, gr__document_text(&r->document, "The recipe of %s", r->run[i].label),
                            r->run[i].no_recipe);
        else
            st = add(&l, i, r->run[i].recipe->resolved);
    }
    if (st == GR_OK) put(r, &l);
    gr__free(r->ctx, l.at, l.room * sizeof *l.at);
    return st;
}
