/* gradus explain, of members: what a descriptor says, as members of an answer, as text, as a part of the reference. */
#include <string.h>

#include "cli/explain.h"
#include "cost/cost.h"
#include "data/augment.h"
#include "data/balance.h"
#include "init/init.h"
#include "metric/metric.h"
#include "nn/layer.h"
#include "optim/optim.h"
#include "study/check/rule.h"
#include "study/tune/tuner.h"
#include "study/lab/lab.h"

/* The order in which they are listed. */
const gr_family *const cli_families[] = {
    &gr__family_layer,   &gr__family_cost,   &gr__family_optimizer, &gr__family_penalty, &gr__family_schedule,
    &gr__family_init,    &gr__family_metric, &gr__family_source,    &gr__family_prepare, &gr__family_augment,
    &gr__family_balance, &gr__family_figure, &gr__family_rule,      &gr__family_tuner};
const size_t cli_n_families = GR_COUNT(cli_families);

const gr_family *cli_family_of(const gr_member *m)
{
    for (size_t f = 0; f < cli_n_families; f++)
        for (int i = 0; i < cli_families[f]->n; i++)
            if (cli_families[f]->head[i] == m) return cli_families[f];
    return NULL;
}

/* The rows that every member of its family has beside its own; NULL: none. */
static const gr_member *common_of(const gr_member *m)
{
    return cli_family_of(m) ? cli_family_of(m)->common : NULL;
}

static int count_rows(const gr_member *m)
{
    return m->n_rows + (common_of(m) ? common_of(m)->n_rows : 0);
}

static const gr_row *row_at(const gr_member *m, int i)
{
    return i < m->n_rows ? &m->rows[i] : &common_of(m)->rows[i - m->n_rows];
}

static const char *default_of(const gr_member *m, const gr_row *r)
{
    bool optimizes = cli_family_of(m) == &gr__family_optimizer;
    return optimizes ? gr__optimizer_default((const gr_optimizer *)m, r) : r->value;
}

/* The metric that a member is, or NULL. */
static const gr_metric *metric_of(const gr_member *m)
{
    return cli_family_of(m) == &gr__family_metric ? (const gr_metric *)m : NULL;
}

/* What a metric is for, and which way it is better: "classes, labels; the higher the better". */
static const char *metric_text(const gr_metric *m, char *text, size_t n)
{
    size_t at = 0;
    for (int form = 0; form <= GR_FORM_VALUES; form++)
        if (m->forms & 1u << form)
            at += (size_t)snprintf(text + at, n - at, "%s%s", at ? ", " : "", gr__target_form_name(form));
    snprintf(text + at, n - at, "; the %s the better%s", m->lower ? "lower" : "higher",
             m->named ? "; eval tells it where the recipe names it" : "");
    return text;
}

/* ---- parameters ---- */

typedef struct key {
    gr_row copy;
    const char *value, *shown, *help; /* the default, as text tells it; help with unit and presets */
} key;

static const gr_column key_columns[] = {
    GR_COLUMN(key, copy.name, TEXT, "name", GR_SHOWN("key", -18), .gap = 2),
    GR_COLUMN(key, value, TEXT, "default"),
    GR_COLUMN(key, shown, TEXT, NULL, GR_SHOWN("default", -12)),
    GR_COLUMN(key, copy.range, TEXT, "range", GR_SHOWN("allowed", -28)),
    GR_COLUMN(key, copy.unit, TEXT, "unit"),
    GR_COLUMN(key, copy.help, TEXT, "help"),
    GR_COLUMN(key, help, TEXT, NULL, GR_SHOWN("", 0)),
    GR_COLUMN(key, copy.paper, TEXT, "paper", .optional = true),
    GR_COLUMN(key, copy.torch, TEXT, "torch", .optional = true),
};

/* The defaults that presets have in place of the row's. */
static const char *presets(gr_result *r, const gr_row *row)
{
    return gr__result_text(r, "%s%s%s%s%s%s", row->paper ? " (paper: " : "", row->paper ? row->paper : "",
                           row->paper ? ")" : "", row->torch ? " (torch: " : "", row->torch ? row->torch : "",
                           row->torch ? ")" : "");
}

static key *keys(gr_result *r, const gr_member *m)
{
    key *all = gr__result_alloc(r, sizeof *all * (size_t)(count_rows(m) + 1));
    for (int i = 0; i < count_rows(m) && all; i++) {
        const gr_row *row = row_at(m, i);
        bool unit = row->unit[0] && strcmp(row->unit, "1") != 0;
        all[i] = (key){.copy = *row, .value = default_of(m, row)};
        all[i].shown = all[i].value ? all[i].value : "(required)";
        all[i].help = gr__result_text(r, "%s%s%s%s%s", row->help, unit ? " [" : "", unit ? row->unit : "",
                                      unit ? "]" : "", presets(r, row));
    }
    return all;
}

/* ---- as an answer ---- */

void cli_member_add(gr_result *r, const gr_member *m)
{
    char text[160];
    const gr_metric *metric = metric_of(m);
    int n = count_rows(m);
    gr__result_put(r, "name=%s family=%s title=%s cite=%s", m->name, m->family, m->title, m->cite);
    gr__result_note(r, "%s (%s)\n  %s\n", m->name, m->family, m->title);
    if (m->cite[0]) gr__result_note(r, "  source: %s\n", m->cite);
    if (metric) gr__result_note(r, "  for %s\n", metric_text(metric, text, sizeof text));
    cli_rule_add(r, m);
    if (m->equations[0]) gr__result_note(r, "\n");
    cli_lines(r, "    ", m->equations);
    if (n) gr__result_note(r, "\n");
    GR_TABLE(r, "parameters", key_columns, keys(r, m), n);
    gr__result_note(r, "\n");
    gr__result_put(r, "equations=%s", m->equations);
}

void cli_member_rest(gr_result *r, const gr_member *m)
{
    const gr_metric *metric = metric_of(m);
    const char **forms = gr__result_alloc(r, sizeof *forms * (GR_FORM_VALUES + 1));
    size_t n = 0;
    if (!metric || !forms) return;
    for (int form = 0; form <= GR_FORM_VALUES; form++)
        if (metric->forms & 1u << form) forms[n++] = gr__target_form_name(form);
    gr__result_list(r, "targets", (gr_list){.text = forms, .n = n});
    gr__result_put(r, "better=%s", metric->lower ? "lower" : "higher");
}

/* ---- as a part of the reference page ---- */

/* Within a cell of a table '|' would end it. */
static const char *cell(gr_result *r, const char *text)
{
    char *out = gr__result_alloc(r, 2 * strlen(text) + 1);
    size_t n = 0;
    for (const char *s = text; *s && out; s++) {
        if (*s == '|') out[n++] = '\\';
        out[n++] = *s;
    }
    return out ? out : "";
}

void cli_member_page(gr_result *r, const gr_member *m)
{
    char text[160];
    const key *all = keys(r, m);
    gr__result_note(r, "### %s\n\n%s.%s%s%s\n", m->name, m->title, m->cite[0] ? " Source: " : "", m->cite,
                    m->cite[0] ? "." : "");
    if (metric_of(m)) gr__result_note(r, "\nFor %s.\n", metric_text(metric_of(m), text, sizeof text));
    cli_rule_page(r, m);
    if (m->equations[0]) gr__result_note(r, "\n");
    cli_lines(r, "    ", m->equations);
    if (count_rows(m)) gr__result_note(r, "\n| key | default | allowed | unit | |\n| --- | --- | --- | --- | --- |\n");
    for (int i = 0; i < count_rows(m) && all; i++) {
        const gr_row *row = &all[i].copy;
        gr__result_note(r, "| %s | %s | %s | %s | %s%s |\n", cell(r, row->name), cell(r, all[i].shown),
                        cell(r, row->range), cell(r, row->unit), cell(r, row->help), presets(r, row));
    }
    gr__result_note(r, "\n");
}
