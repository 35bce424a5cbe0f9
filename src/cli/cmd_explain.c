/* gradus explain: the members of every family, from their descriptors. */
#include <stdlib.h>
#include <string.h>

#include "cli/explain.h"
#include "nn/common.h"
#include "schedule/schedule.h"
#include "study/derivative/derivative.h"

enum { MAX_MEMBERS = 512 };

typedef struct listing {
    const gr_member *at[MAX_MEMBERS];
    int n;
} listing;

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
        for (size_t f = 0; f < cli_n_families; f++) shown |= all[i] == cli_families[f]->common;
        if (!shown) add(l, all[i]);
    }
}

static void collect(listing *l)
{
    int sections;
    const gr_member *const *section = gr__recipe_sections(&sections);
    l->n = 0;
    for (int i = 0; i < sections; i++) add(l, section[i]);
    for (size_t f = 0; f < cli_n_families; f++) {
        for (int i = 0; i < cli_families[f]->n; i++) add(l, cli_families[f]->head[i]);
        if (cli_families[f]->n) add_commons(l, cli_families[f]->head[0]->family);
    }
    add_commons(l, NULL);
}

/* `adam`, or `optimizer.adam` where a name is in several families; `X9` of the rule that answers it. */
static bool named(const gr_member *m, const char *name)
{
    size_t n = strlen(m->family);
    if (strncmp(name, m->family, n) == 0 && name[n] == '.') return strcmp(name + n + 1, m->name) == 0;
    return strcmp(name, m->name) == 0 || cli_rule_is(m, name);
}

/* The schedule that a member is, or NULL. */
static const gr_schedule *schedule_of(const gr_member *m)
{
    return cli_family_of(m) == &gr__family_schedule ? (const gr_schedule *)m : NULL;
}

/* One member; a schedule with its rates over an example run. */
static gr_status explain(cli *c, const gr_member *m, bool with_rates)
{
    const gr_schedule *schedule = with_rates ? schedule_of(m) : NULL;
    cli_rates rates;
    gr_status st = schedule ? cli_rates_example(c, schedule, &rates) : GR_OK;
    if (st != GR_OK) return st;
    gr_result *r = cli_result(c);
    cli_member_add(r, m);
    r->within = "example/";
    if (schedule) cli_rates_add(r, &rates);
    r->within = NULL;
    if (schedule) cli_rates_note(c, r, &rates);
    cli_member_rest(r, m);
    return cli_list(c, r);
}

/* The names; under --json and --markdown all of them. */
static gr_status list(cli *c, const listing *l)
{
    bool markdown = ((const cli_explain_options *)c->options)->markdown;
    const char *family = "";
    gr_status st = GR_OK;
    if (c->json) {
        for (int i = 0; i < l->n && st == GR_OK; i++) st = explain(c, l->at[i], false);
        return st;
    }
    gr_result *r = cli_result(c);
    if (markdown)
        gr__result_note(r, "# Reference: every member of every family\n\nWritten by `gradus explain --markdown`.\n\n");
    for (int i = 0; i < l->n; i++) {
        const gr_member *m = l->at[i];
        if (strcmp(family, m->family) != 0)
            gr__result_note(r, markdown ? "%.0s## %s\n\n" : "%s%s\n", i ? "\n" : "", family = m->family);
        if (markdown)
            cli_member_page(r, m);
        else
            gr__result_note(r, "  %-18s %s\n", m->name, m->title);
    }
    return cli_list(c, r);
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
    gr_result *r = cli_result(c);
    cli_rates_add(r, &rates);
    cli_rates_note(c, r, &rates);
    return cli_list(c, r);
}

static gr_status unknown(cli *c, const listing *l)
{
    const char *names[MAX_MEMBERS];
    for (int i = 0; i < l->n; i++) names[i] = l->at[i]->name;
    return cli_unknown(c, "there is no member", c->argument[0], names, (size_t)l->n, "gradus explain lists them all");
}

/* The setting that only what is drawn can take; NULL: none was given. */
static const char *setting(const cli *c)
{
    for (int i = 0; i < c->sets.n; i++)
        if (!cli_is_run_flag(c->sets.at[i])) return c->sets.at[i];
    return NULL;
}

/* What belongs to derivatives alone is refused elsewhere, and the other way round. */
static gr_status check_flags(cli *c, bool derivative)
{
    static const char *const own[] = {"sample", "batch", "terms", "evaluate"};
    for (size_t i = 0; i < GR_COUNT(own) && !derivative; i++)
        if (cli_given(c, own[i]))
            return gr__fail(c->ctx, GR_E_USAGE, "explain: --%s goes with a derivative, such as 'dL/dw[0][3,2]'",
                            own[i]);
    if (derivative && cli_given(c, "markdown"))
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
    if (c->n_arguments && strcmp(c->argument[0], "checks") == 0 && !setting(c)) return cli_explain_rules(c);
    if (c->n_arguments && is_path(c->argument[0])) return explain_recipe(c, c->argument[0]);
    if (c->n_arguments == 0 && !setting(c)) return list(c, &l);
    for (int i = 0; c->n_arguments && i < l.n && st == GR_OK; i++) {
        if (!named(l.at[i], c->argument[0])) continue;
        found++;
        if (setting(c) && !schedule_of(l.at[i])) continue; /* `constant` is an initialiser as well */
        explained++;
        st = explain(c, l.at[i], true);
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

static const cli_option rows[] = {
    CLI_OPTION(cli_explain_options, markdown, SWITCH, "markdown", NULL, "all of it as one page, docs/reference.md"),
    CLI_OPTION(cli_explain_options, sample, WHOLE, "sample", "I",
               "derivatives: the first sample, counted from 0 as the training part lists them (default 0)",
               .high = INT32_MAX),
    CLI_OPTION(cli_explain_options, batch, WHOLE, "batch", "N",
               "derivatives: so many samples, the cost as the recipe reduces it (default 1)", .low = 1,
               .high = INT32_MAX, .usual = 1),
    CLI_OPTION(cli_explain_options, terms, WHOLE, "terms", "N",
               "derivatives: how many terms of a sum, and elements of a layer, are shown (default 4)", .low = 1,
               .high = 64, .usual = 4),
    CLI_OPTION(cli_explain_options, evaluate, SWITCH, "evaluate", NULL,
               "derivatives: as in evaluation: without dropout and label smoothing"),
};

GR_COMMAND(explain) = {
    .name = "explain",
    .place = 26,
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
            "`checks` lists what `gradus check` asks; X9, or another id of these, is one of them.\n\n"
            "Examples\n  gradus explain adam\n  gradus explain X9\n  gradus explain schedule.constant\n"
            "  gradus explain cyclic --set half_cycle=100 --set shape=triangular2 --set warmup=0.1\n"
            "  gradus explain my.yaml --set schedule.tail.cycles=2\n"
            "  gradus explain 'dL/dw[0][3,2]' recipe.yaml\n  gradus explain 'dL/dc1.weight[3,0,1,2]' "
            "runs/digits/best.safetensors --sample 7\n",
    CLI_OPTIONS(cli_explain_options, rows),
    .max_arguments = 2,
    .run = run};
