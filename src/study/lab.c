/* What figures share: their settings, tables, claims. */
#include "study/lab.h"

#include <math.h>
#include <string.h>

#include "base/text.h"

static const gr_row common_rows[] = {
    GR_ROW("seed", INT, "1", "[0,9007199254740991]", "", "of everything random in the figure"),
    GR_ROW("threads", INT, "none", "[1,1024]", "threads",
           "as many as the machine has unless given; never changes a bit of the result"),
};
GR_COMMON(figure_common) = {
    .family = "figure",
    .name = "common",
    .title = "What every figure takes",
    .cite = "",
    .equations = "",
    GR_ROWS(common_rows),
};

/* ---- results ---- */

static void note(gr_lab *lab, gr_status st)
{
    if (lab->failed == GR_OK) lab->failed = st;
}

gr_table *gr__lab_table(gr_lab *lab, const char *name, const char *title, const gr_column *columns, int n_columns)
{
    if (lab->n_tables == GR_LAB_TABLES) {
        note(lab, gr__fail(lab->ctx, GR_E_INTERNAL, "figure %s has more than %d tables", lab->figure->head.name,
                           GR_LAB_TABLES));
        return &lab->table[0];
    }
    gr_table *t = &lab->table[lab->n_tables++];
    *t = (gr_table){.name = name, .title = title, .columns = columns, .n_columns = n_columns};
    return t;
}

void gr__lab_row(gr_lab *lab, gr_table *t, const double *cells)
{
    size_t n = (size_t)t->n_columns;
    if (lab->failed != GR_OK) return;
    if (!GR_ROOM(lab->ctx, t->cells, t->capacity, t->n + n)) {
        note(lab, GR_E_MEMORY);
        return;
    }
    memcpy(t->cells + t->n, cells, n * sizeof *cells);
    t->n += n;
}

void gr__lab_panel(gr_lab *lab, const gr_panel *panel)
{
    if (lab->n_panels == GR_LAB_PANELS)
        note(lab, gr__fail(lab->ctx, GR_E_INTERNAL, "figure %s has more than %d drawings", lab->figure->head.name,
                           GR_LAB_PANELS));
    else
        lab->panel[lab->n_panels++] = *panel;
}

static void claim(gr_lab *lab, gr_claim c, const char *quantity, va_list args)
{
    gr__print_cut(c.quantity, sizeof c.quantity, quantity, args);
    if (lab->n_claims == GR_LAB_CLAIMS)
        note(lab, gr__fail(lab->ctx, GR_E_INTERNAL, "figure %s has more than %d claims", lab->figure->head.name,
                           GR_LAB_CLAIMS));
    else
        lab->claim[lab->n_claims++] = c;
}

void gr__lab_equal(gr_lab *lab, double predicted, double measured, double tolerance, const char *quantity, ...)
{
    va_list args;
    double off = predicted == 0 ? tolerance : tolerance * fabs(predicted);
    va_start(args, quantity);
    claim(lab,
          (gr_claim){.predicted = predicted, .measured = measured, .low = predicted - off, .high = predicted + off},
          quantity, args);
    va_end(args);
}

void gr__lab_within(gr_lab *lab, double low, double high, double measured, const char *quantity, ...)
{
    va_list args;
    va_start(args, quantity);
    claim(lab, (gr_claim){.predicted = NAN, .measured = measured, .low = low, .high = high}, quantity, args);
    va_end(args);
}

bool gr__claim_holds(const gr_claim *c)
{
    return c->measured >= c->low && c->measured <= c->high;
}

double gr__claim_error(const gr_claim *c)
{
    double off = fabs(c->measured - c->predicted);
    return c->predicted == 0 ? off : off / fabs(c->predicted);
}

const char *gr__lab_text(gr_lab *lab, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    gr__print_cut(text, sizeof text, format, args);
    va_end(args);
    const char *kept = gr__bump_strdup(lab->memory, text);
    if (!kept) note(lab, GR_E_MEMORY);
    return kept ? kept : "";
}

/* ---- running ---- */

static gr_status find(gr_context *ctx, const char *name, const gr_figure **out)
{
    const gr_family *f = &gr__family_figure;
    const gr_member *found;
    gr_status st = gr__member_find(ctx, "figure", f->head, f->n, name, NULL, &found);
    if (st == GR_OK) *out = (const gr_figure *)found;
    return st;
}

static gr_status settle(gr_lab *lab, const gr_tree *given)
{
    gr_settings rest;
    gr_status st = gr__settings_both(lab->ctx, lab->memory, &lab->figure->head, gr__family_figure.common, given,
                                     GR_PRESET_CHAPTER, &lab->settings, &rest);
    if (st != GR_OK) return st;
    lab->seed = (uint64_t)gr__setting_int(&rest, "seed");
    int64_t threads = gr__setting_int(&rest, "threads");
    lab->threads = threads == INT64_MIN ? 0 : (int)threads;
    return GR_OK;
}

gr_status gr__lab_open(gr_context *ctx, const char *name, const gr_tree *given, gr_lab **out)
{
    gr_lab *lab = gr__alloc(ctx, sizeof *lab);
    gr_status st = GR_OK;
    if (!lab) return GR_E_MEMORY;
    lab->ctx = ctx;
    lab->memory = gr__bump_create(ctx);
    if (!lab->memory) GR_TRY(GR_E_MEMORY);
    GR_TRY(find(ctx, name, &lab->figure));
    GR_TRY(settle(lab, given));
    *out = lab;
    return GR_OK;
done:
    gr__lab_close(ctx, lab);
    return st;
}

gr_status gr__lab_run(gr_lab *lab)
{
    gr_status st = lab->figure->run(lab);
    return st == GR_OK ? lab->failed : st;
}

void gr__lab_close(gr_context *ctx, gr_lab *lab)
{
    if (!lab) return;
    for (int i = 0; i < lab->n_tables; i++)
        gr__free(ctx, lab->table[i].cells, lab->table[i].capacity * sizeof *lab->table[i].cells);
    gr__bump_destroy(lab->memory);
    gr__free(ctx, lab, sizeof *lab);
}
