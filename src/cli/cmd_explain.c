/* gradus explain: the members of every family, from their descriptors. */
#include <stdlib.h>
#include <string.h>

#include "cli/explain.h"
#include "cost/cost.h"
#include "data/data.h"
#include "init/init.h"
#include "metric/metric.h"
#include "nn/layer.h"
#include "optim/optim.h"
#include "study/derivative.h"
#include "study/lab.h"

enum { MAX_MEMBERS = 512 };

typedef struct listing {
    const gr_member *at[MAX_MEMBERS];
    int n;
} listing;

/* The order in which they are listed. */
static const gr_family *const families[] = {
    &gr__family_layer, &gr__family_cost,   &gr__family_optimizer, &gr__family_penalty, &gr__family_schedule,
    &gr__family_init,  &gr__family_metric, &gr__family_source,    &gr__family_prepare, &gr__family_figure};

static void add(listing *l, const gr_member *m)
{
    for (int i = 0; i < l->n; i++)
        if (l->at[i] == m) return;
    if (l->n < MAX_MEMBERS) l->at[l->n++] = m;
}

/* Rows that stand beside members, of this family or of any (NULL); those that each member of a family has are shown
 * with it. */
static void add_commons(listing *l, const char *family)
{
    int n;
    const gr_member *const *all = gr__commons(&n);
    for (int i = 0; i < n; i++) {
        bool shown = family && strcmp(all[i]->family, family) != 0;
        for (size_t f = 0; f < GR_COUNT(families); f++) shown |= all[i] == families[f]->common;
        if (!shown) add(l, all[i]);
    }
}

static void collect(listing *l)
{
    int sections;
    const gr_member *const *section = gr__recipe_sections(&sections);
    l->n = 0;
    for (int i = 0; i < sections; i++) add(l, section[i]);
    for (size_t f = 0; f < GR_COUNT(families); f++) {
        for (int i = 0; i < families[f]->n; i++) add(l, families[f]->head[i]);
        if (families[f]->n) add_commons(l, families[f]->head[0]->family);
    }
    add_commons(l, NULL);
}

/* `adam`, or `optimizer.adam` where a name is in several families. */
static bool named(const gr_member *m, const char *name)
{
    size_t n = strlen(m->family);
    if (strncmp(name, m->family, n) == 0 && name[n] == '.') return strcmp(name + n + 1, m->name) == 0;
    return strcmp(name, m->name) == 0;
}

static const gr_family *family_of(const gr_member *m)
{
    for (size_t f = 0; f < GR_COUNT(families); f++)
        for (int i = 0; i < families[f]->n; i++)
            if (families[f]->head[i] == m) return families[f];
    return NULL;
}

/* The rows that every member of its family has beside its own; NULL: none. */
static const gr_member *common_of(const gr_member *m)
{
    return family_of(m) ? family_of(m)->common : NULL;
}

static int count_rows(const gr_member *m)
{
    return m->n_rows + (common_of(m) ? common_of(m)->n_rows : 0);
}

static const gr_row *row_at(const gr_member *m, int i)
{
    return i < m->n_rows ? &m->rows[i] : &common_of(m)->rows[i - m->n_rows];
}

/* Defaults of `decay` and `weight_decay` are the member's own: the common rows cannot know them. */
static const char *default_of(const gr_member *m, const gr_row *r)
{
    if (family_of(m) != &gr__family_optimizer) return r->value;
    const gr_optimizer *o = (const gr_optimizer *)m;
    if (strcmp(r->name, "decay") == 0) return o->decay == GR_DECAY_OWN ? "(refused)" : gr__decay_name(o->decay);
    if (strcmp(r->name, "weight_decay") == 0 && o->weight_decay) return o->weight_decay;
    return r->value;
}

/* The schedule that a member is, or NULL. */
static const gr_schedule *schedule_of(const gr_member *m)
{
    return family_of(m) == &gr__family_schedule ? (const gr_schedule *)m : NULL;
}

/* The metric that a member is, or NULL. */
static const gr_metric *metric_of(const gr_member *m)
{
    return family_of(m) == &gr__family_metric ? (const gr_metric *)m : NULL;
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

static json_t *targets_json(const gr_metric *m)
{
    json_t *list = json_array();
    for (int form = 0; form <= GR_FORM_VALUES; form++)
        if (m->forms & 1u << form) json_array_append_new(list, json_string(gr__target_form_name(form)));
    return list;
}

/* rates: an example of a schedule, or NULL. */
static gr_status print_json(cli *c, const gr_member *m, const cli_rates *rates)
{
    json_t *rows = json_array();
    for (int i = 0; i < count_rows(m); i++) {
        const gr_row *r = row_at(m, i);
        json_t *row = json_pack("{s:s, s:s?, s:s, s:s, s:s}", "name", r->name, "default", default_of(m, r), "range",
                                r->range, "unit", r->unit, "help", r->help);
        if (r->paper) json_object_set_new(row, "paper", json_string(r->paper));
        if (r->torch) json_object_set_new(row, "torch", json_string(r->torch));
        json_array_append_new(rows, row);
    }
    json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:o, s:s}", "name", m->name, "family", m->family, "title", m->title,
                          "cite", m->cite, "parameters", rows, "equations", m->equations);
    if (o && rates) json_object_set_new(o, "example", cli_rates_json(rates));
    if (o && metric_of(m)) json_object_set_new(o, "targets", targets_json(metric_of(m)));
    if (o && metric_of(m)) json_object_set_new(o, "better", json_string(metric_of(m)->lower ? "lower" : "higher"));
    return cli_json(c, o);
}

/* The defaults that presets have in place of the row's. */
static void print_presets(const gr_row *r)
{
    if (r->paper) printf(" (paper: %s)", r->paper);
    if (r->torch) printf(" (torch: %s)", r->torch);
}

static void print_text(const gr_member *m)
{
    printf("%s (%s)\n  %s\n", m->name, m->family, m->title);
    char text[160];
    if (m->cite[0]) printf("  source: %s\n", m->cite);
    if (metric_of(m)) printf("  for %s\n", metric_text(metric_of(m), text, sizeof text));
    if (m->equations[0]) printf("\n");
    for (const char *line = m->equations; *line;) {
        size_t n = strcspn(line, "\n");
        printf("    %.*s\n", (int)n, line);
        line += n + (line[n] == '\n');
    }
    if (count_rows(m)) printf("\n  %-18s %-12s %-28s %s\n", "key", "default", "allowed", "");
    for (int i = 0; i < count_rows(m); i++) {
        const gr_row *r = row_at(m, i);
        printf("  %-18s %-12s %-28s %s", r->name, default_of(m, r) ? default_of(m, r) : "(required)", r->range,
               r->help);
        if (r->unit[0] && strcmp(r->unit, "1") != 0) printf(" [%s]", r->unit);
        print_presets(r);
        printf("\n");
    }
    printf("\n");
}

/* Text within a table cell: '|' would end it. */
static void cell_text(const char *text)
{
    for (; *text; text++) printf(*text == '|' ? "\\|" : "%c", *text);
}

static void cell(const char *text)
{
    printf(" ");
    cell_text(text);
    printf(" |");
}

static void help_cell(const gr_row *r)
{
    printf(" ");
    cell_text(r->help);
    print_presets(r);
    printf(" |");
}

static void print_markdown(const gr_member *m)
{
    printf("### %s\n\n%s.%s%s%s\n", m->name, m->title, m->cite[0] ? " Source: " : "", m->cite, m->cite[0] ? "." : "");
    char text[160];
    if (metric_of(m)) printf("\nFor %s.\n", metric_text(metric_of(m), text, sizeof text));
    if (m->equations[0]) printf("\n");
    for (const char *line = m->equations; *line;) {
        size_t n = strcspn(line, "\n");
        printf("    %.*s\n", (int)n, line);
        line += n + (line[n] == '\n');
    }
    if (count_rows(m)) printf("\n| key | default | allowed | unit | |\n| --- | --- | --- | --- | --- |\n");
    for (int i = 0; i < count_rows(m); i++) {
        const gr_row *r = row_at(m, i);
        printf("|");
        cell(r->name);
        cell(default_of(m, r) ? default_of(m, r) : "(required)");
        cell(r->range);
        cell(r->unit);
        help_cell(r);
        printf("\n");
    }
    printf("\n");
}

static gr_status list(cli *c, const listing *l)
{
    const char *family = "";
    gr_status st = GR_OK;
    if (cli_value(c, "markdown"))
        printf("# Reference: every member of every family\n\nWritten by `gradus explain --markdown`.\n\n");
    for (int i = 0; i < l->n && st == GR_OK; i++) {
        const gr_member *m = l->at[i];
        if (c->json) {
            st = print_json(c, m, NULL);
            continue;
        }
        if (cli_value(c, "markdown")) {
            if (strcmp(family, m->family) != 0) printf("## %s\n\n", family = m->family);
            print_markdown(m);
            continue;
        }
        if (strcmp(family, m->family) != 0) printf("%s%s\n", i ? "\n" : "", family = m->family);
        printf("  %-18s %s\n", m->name, m->title);
    }
    return st;
}

/* One member; a schedule with its rates over an example run. */
static gr_status explain(cli *c, const gr_member *m)
{
    const gr_schedule *schedule = schedule_of(m);
    cli_rates rates;
    gr_status st = schedule ? cli_rates_example(c, schedule, &rates) : GR_OK;
    if (st != GR_OK) return st;
    if (c->json) return print_json(c, m, schedule ? &rates : NULL);
    print_text(m);
    return schedule ? cli_rates_print(c, &rates) : GR_OK;
}

/* A path rather than a name: `my.yaml`, `recipes/my`. */
static bool is_path(const char *s)
{
    const char *dot = strrchr(s, '.');
    return strchr(s, '/') || (dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0));
}

static gr_status explain_recipe(cli *c, const char *path)
{
    cli_rates rates;
    gr_status st = cli_rates_recipe(c, path, &rates);
    if (st != GR_OK) return st;
    return c->json ? cli_json(c, cli_rates_json(&rates)) : cli_rates_print(c, &rates);
}

static gr_status unknown(cli *c, const listing *l)
{
    const char *names[MAX_MEMBERS];
    for (int i = 0; i < l->n; i++) names[i] = l->at[i]->name;
    const char *near = gr__nearest(c->argument[0], names, (size_t)l->n);
    gr__fail(c->ctx, GR_E_NAME, "there is no member %s", c->argument[0]);
    if (near)
        gr__error_hint(c->ctx, "did you mean %s?", near);
    else
        gr__error_hint(c->ctx, "gradus explain lists them all");
    return GR_E_NAME;
}

/* The setting that only what is drawn can take; NULL: none was given. */
static const char *setting(const cli *c)
{
    for (int i = 0; i < c->n_sets; i++)
        if (!cli_is_run_flag(c->set[i])) return c->set[i];
    return NULL;
}

/* What belongs to derivatives alone is refused elsewhere, and the other way round. */
static gr_status check_flags(cli *c, bool derivative)
{
    static const char *const own[] = {"sample", "batch", "terms", "evaluate"};
    for (size_t i = 0; i < GR_COUNT(own) && !derivative; i++)
        if (cli_value(c, own[i]))
            return gr__fail(c->ctx, GR_E_USAGE, "explain: --%s goes with a derivative, such as 'dL/dw[0][3,2]'",
                            own[i]);
    if (derivative && cli_value(c, "markdown"))
        return gr__fail(c->ctx, GR_E_USAGE, "explain: --markdown goes with the whole list alone");
    if (!derivative && c->n_arguments > 1)
        return gr__fail(c->ctx, GR_E_USAGE,
                        "explain: too many arguments; only a derivative, such as 'dL/dw[0][3,2]', takes a recipe");
    return GR_OK;
}

static gr_status explain_members(cli *c)
{
    listing l;
    int found = 0, explained = 0;
    gr_status st = GR_OK;
    collect(&l);
    if (c->n_arguments && is_path(c->argument[0])) return explain_recipe(c, c->argument[0]);
    if (c->n_arguments == 0 && !setting(c)) return list(c, &l);
    for (int i = 0; c->n_arguments && i < l.n && st == GR_OK; i++) {
        if (!named(l.at[i], c->argument[0])) continue;
        found++;
        if (setting(c) && !schedule_of(l.at[i])) continue; /* `constant` is an initialiser as well */
        explained++;
        st = explain(c, l.at[i]);
    }
    if (st != GR_OK || explained) return st;
    if (c->n_arguments && !found) return unknown(c, &l);
    st = gr__fail(c->ctx, GR_E_USAGE, "explain --set %s: there is no schedule to set it in", setting(c));
    gr__error_hint(c->ctx, "explain draws schedules and recipes: gradus explain cyclic --set half_cycle=100");
    return st;
}

static gr_status run(cli *c)
{
    bool derivative = c->n_arguments > 0 && gr__derivative_is(c->argument[0]);
    gr_status st = check_flags(c, derivative);
    if (st != GR_OK) return st;
    return derivative ? cli_explain_derivative(c) : explain_members(c);
}

static const cli_flag flags[] = {
    {"markdown", NULL, "all of it as one page, docs/reference.md", 0},
    {"sample", "I", "derivatives: the first sample, counted from 0 as the training part lists them (default 0)", 0},
    {"batch", "N", "derivatives: so many samples, the cost as the recipe reduces it (default 1)", 0},
    {"terms", "N", "derivatives: how many terms of a sum, and elements of a layer, are shown (default 4)", 0},
    {"evaluate", NULL, "derivatives: as in evaluation: without dropout and label smoothing", 0},
    {0},
};

const cli_command cmd_explain = {
    .name = "explain",
    .usage = "[NAME | RECIPE.yaml | dL/dw[LAYER][OUT,IN] RECIPE-or-MODEL] [--set KEY=VALUE]... [--markdown]",
    .summary = "Every layer, cost, optimizer, ...: equations, parameters, source; one derivative with its numbers",
    .help = "Without a name: the list. With one: its equations and parameters with default, range and unit.\n\n"
            "A schedule is drawn too: its rate over an example run. --set changes its settings (warmup and tail among "
            "them) and\n"
            "the run: lr (0.1), updates (1000), updates_per_epoch (50). A recipe (a path, or a name that ends in "
            ".yaml) draws the\n"
            "recipe's own schedule over its own run; --set then takes the recipe's keys. With --json the rates are an "
            "array.\n\n"
            "With a derivative: the chain rule from the cost back to one element of a tensor, with the numbers of a "
            "sample, beside the compiled\n"
            "gradient and a central difference; exit code 1 unless the three agree. w[K] is the K-th tensor of weights "
            "in the order of use, from 0,\n"
            "b[K] the bias of its layer; a tensor's own name does too. Indices are those of model files (PyTorch's "
            "order).\n\n"
            "Examples\n  gradus explain adam\n  gradus explain schedule.constant\n"
            "  gradus explain cyclic --set half_cycle=100 --set shape=triangular2 --set warmup=0.1\n"
            "  gradus explain my.yaml --set schedule.tail.cycles=2\n"
            "  gradus explain 'dL/dw[0][3,2]' recipe.yaml\n  gradus explain 'dL/dc1.weight[3,0,1,2]' "
            "runs/digits/best.safetensors --sample 7\n",
    .flags = flags,
    .max_arguments = 2,
    .run = run};
