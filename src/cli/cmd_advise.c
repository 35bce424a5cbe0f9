/* gradus advise: the chapter's rules, alone or held against a recipe. */
#include <math.h>
#include <string.h>

#include "cli/cli.h"
#include "study/advice/advice.h"
#include "train/train.h"

typedef struct options {
    int phase; /* of gr__phase_words; -1: not given */
    bool markdown;
    double data_x; /* 0: not given */
    int similar;   /* 0 yes, 1 no; -1: not given */
    const char *src, *dst;
} options;

enum { WIDTH = 110, WHY = 256 };

/* ---- text ---- */

/* Words of `text` in lines of WIDTH, each after `indent` blanks; a '\n' begins a new one. */
static void note_wrapped(gr_result *r, const char *text, int indent)
{
    int column = 0;
    for (const char *s = text; *s;) {
        size_t n = strcspn(s, " \n");
        if (column > 0 && column + 1 + (int)n > WIDTH) gr__result_note(r, "\n"), column = 0;
        gr__result_note(r, "%*s%.*s", column > 0 ? 1 : indent, "", (int)n, s);
        column += (column > 0 ? 1 : indent) + (int)n;
        s += n;
        if (*s == '\n') gr__result_note(r, "\n"), column = 0;
        if (*s) s++;
    }
    gr__result_note(r, "\n");
}

static void note_topic(gr_result *r, const gr_topic *t)
{
    gr__result_note(r, "%s\n\nThe chapter is " GR_CHAPTER ".\n\n", t->title);
    for (int i = 0; i < t->n; i++) {
        const gr_rule *rule = &t->rules[i];
        gr__result_note(r, "%s: if %s\n    choose %s\n", rule->id, rule->when, rule->choose);
        note_wrapped(r, rule->write, 8);
        note_wrapped(r, rule->sentence, 4);
        gr__result_note(r, "    [chapter 4, section %s]\n\n", rule->section);
    }
    if (t->note[0]) note_wrapped(r, t->note, 0);
}

static void note_advice(gr_result *r, const gr_topic *t, const gr_advised *a)
{
    static const char *const words[] = {"followed", "APPLIES", "open", "-"};
    char why[WHY];
    int applies = 0;
    for (int fit = GR_FIT_FOLLOWED; fit <= GR_FIT_NOT; fit++)
        for (int i = 0; i < t->n; i++) {
            const gr_rule *rule = &t->rules[i];
            if ((int)rule->judge(a, why, sizeof why) != fit) continue;
            gr__result_note(r, "%-9s %-12s %s: %s\n%-22s here: %s\n", words[fit], rule->id, rule->when, rule->choose,
                            "", why);
            if (fit == GR_FIT_APPLIES || fit == GR_FIT_OPEN) note_wrapped(r, rule->write, 27);
            applies += fit == GR_FIT_APPLIES;
        }
    gr__result_note(r, "\n%d of %d rules ask for a change%s\n", applies, t->n,
                    a->phase == GR_PHASE_UNKNOWN ? "; --phase design, new or established says where the work stands"
                                                 : "");
    if (t->note[0]) note_wrapped(r, t->note, 0);
}

/* Markdown: docs/advice.md. */
static void note_page(gr_result *r, const gr_topic *t)
{
    gr__result_note(
        r,
        "# %s\n\nWritten by `gradus advise %s --markdown`. `gradus advise %s RECIPE` holds the rules against a "
        "recipe.\n\nThe chapter is 'Training a Model', chapter 4 of *Deep Learning Systems* (Rodriguez). %s\n\n"
        "| rule | if | choose | write | the chapter's sentence | section |\n| --- | --- | --- | --- | --- | --- |\n",
        t->title, t->name, t->name, t->note);
    for (int i = 0; i < t->n; i++) {
        const gr_rule *rule = &t->rules[i];
        gr__result_note(r, "| %s | %s | %s | `", rule->id, rule->when, rule->choose);
        for (const char *s = rule->write; *s; s++) gr__result_note(r, *s == '\n' ? "`, `" : "%c", *s);
        gr__result_note(r, "` | %s | %s |\n", rule->sentence, rule->section);
    }
}

/* ---- members ---- */

typedef struct held {
    gr_rule rule;
    gr_list optimizers, schedules;
    const char *verdict, *because;
} held;

static const gr_column rule_columns[] = {
    GR_COLUMN(held, rule.id, TEXT, "id"),
    GR_COLUMN(held, rule.when, TEXT, "if"),
    GR_COLUMN(held, rule.choose, TEXT, "choose"),
    GR_COLUMN(held, rule.write, TEXT, "write"),
    GR_COLUMN(held, optimizers, LIST, "optimizers"),
    GR_COLUMN(held, schedules, LIST, "schedules"),
    GR_COLUMN(held, rule.sentence, TEXT, "sentence"),
    GR_COLUMN(held, rule.section, TEXT, "section"),
    GR_COLUMN(held, verdict, TEXT, "verdict"), /* against a recipe */
    GR_COLUMN(held, because, TEXT, "because"),
};

static gr_list names(const char *const *list)
{
    gr_list l = {.text = list};
    while (l.n < GR_RULE_NAMES && list[l.n]) l.n++;
    return l;
}

static void add_rules(gr_result *r, const gr_topic *t, const gr_advised *a)
{
    held *all = gr__result_alloc(r, sizeof *all * (size_t)t->n);
    for (int i = 0; i < t->n && all; i++) {
        char why[WHY];
        const gr_rule *rule = &t->rules[i];
        all[i] = (held){.rule = *rule, .optimizers = names(rule->optimizers), .schedules = names(rule->schedules)};
        if (a) all[i].verdict = gr__fit_name(rule->judge(a, why, sizeof why));
        if (a) all[i].because = gr__result_text(r, "%s", why);
    }
    gr__result_put(r, "topic=%s title=%s chapter=%s note=%s", t->name, t->title, GR_CHAPTER, t->note);
    gr__result_table(r, "rules", rule_columns, (int)GR_COUNT(rule_columns) - (a ? 0 : 2), all, (size_t)t->n,
                     sizeof *all);
    if (a) gr__result_put(r, "phase=%s", gr__phase_name(a->phase));
}

/* ---- the command ---- */

static gr_status list(cli *c)
{
    static const gr_column columns[] = {
        GR_COLUMN(gr_topic, name, TEXT, "topic"),
        GR_COLUMN(gr_topic, title, TEXT, "title"),
        GR_COLUMN(gr_topic, n, INT, "rules"),
    };
    int n;
    const gr_topic *const *all = gr__topics(&n);
    gr_result *r = cli_result(c);
    gr_topic *topics = gr__result_alloc(r, sizeof *topics * (size_t)n);
    for (int i = 0; i < n && topics; i++) {
        topics[i] = *all[i];
        gr__result_note(r, "%-12s %s (%d rules)\n", all[i]->name, all[i]->title, all[i]->n);
    }
    GR_TABLE(r, "topics", columns, topics, n);
    return cli_list(c, r);
}

static gr_status find(cli *c, const char *name, const gr_topic **out)
{
    const char *names[64];
    int n;
    const gr_topic *const *all = gr__topics(&n);
    for (int i = 0; i < n && i < (int)GR_COUNT(names); i++) {
        names[i] = all[i]->name;
        if (strcmp(name, names[i]) == 0) return *out = all[i], GR_OK;
    }
    return cli_unknown(c, "there is no topic", name, names, (size_t)n, "gradus advise lists them");
}

/* What would be ignored is refused. */
static gr_status check_flags(cli *c)
{
    bool data_x = cli_given(c, "data-x"), size = c->n_arguments > 0 && strcmp(c->argument[0], "size") == 0;
    bool recipe = c->n_arguments > 1, markdown = ((const options *)c->options)->markdown;
    if (!recipe && cli_given(c, "phase")) return gr__fail(c->ctx, GR_E_USAGE, "advise: --phase goes with a recipe");
    if (!recipe && c->sets.n) return gr__fail(c->ctx, GR_E_USAGE, "advise: --set %s goes with a recipe", c->sets.at[0]);
    if (data_x && !size) return gr__fail(c->ctx, GR_E_USAGE, "advise: --data-x goes with the topic size");
    if (data_x && markdown) return gr__fail(c->ctx, GR_E_USAGE, "advise: --markdown goes with a topic alone");
    bool tuned = cli_given(c, "similar") || cli_given(c, "src") || cli_given(c, "dst");
    if (tuned && (markdown || c->n_arguments == 0 || strcmp(c->argument[0], "finetune") != 0))
        return gr__fail(c->ctx, GR_E_USAGE, "advise: --similar, --src and --dst go with the topic finetune");
    if (markdown && (recipe || c->json || c->n_arguments == 0))
        return gr__fail(c->ctx, GR_E_USAGE, "advise: --markdown goes with a topic alone");
    return GR_OK;
}

/* With a recipe: how many that would be. */
static gr_status add_size(cli *c, gr_result *r, const gr_recipe *recipe)
{
    double times = ((const options *)c->options)->data_x, by = gr__parameters_for_data(times);
    gr_task task = {0};
    if (times == 0) return GR_OK;
    gr__result_put(r, "data_x=%g parameters_x=%g", times, by);
    gr__result_note(r, "%g times the data: %.4g times the parameters, N^(1/0.74)\n", times, by);
    gr_status st = recipe ? gr__task_estimate(c->ctx, recipe, &task) : GR_OK;
    if (recipe && st == GR_OK) {
        int64_t now = gr__network_parameter_count(task.network);
        gr__result_put(r, "parameters=%jd parameters_then=%g", now, round((double)now * by));
        gr__result_note(r, "this recipe has %lld parameters: %.0f then\n", (long long)now, (double)now * by);
    }
    gr__result_note(r, "\n");
    gr__task_close(&task);
    return st;
}

/* ---- figure 4.11 for two data sets ---- */

static const char *const yes_no[] = {"yes", "no", NULL};

/* 60000, 5k, 1.2M. */
static gr_status read_samples(cli *c, const char *option, const char *text, double *out)
{
    static const char letters[] = "kMG";
    size_t n = text ? strlen(text) : 0;
    const char *at = n ? strchr(letters, text[n - 1]) : NULL;
    const char *number = at ? gr__bump_format(c->memory, "%.*s", (int)n - 1, text) : text;
    if (!text) return gr__fail(c->ctx, GR_E_USAGE, "advise finetune: --similar, --src and --dst go together");
    if (!number) return GR_E_MEMORY;
    if (!gr__parse_number(number, out) || !(*out >= 1 && *out < 1e15))
        return gr__fail(c->ctx, GR_E_RANGE, "--%s: %s is no number of samples, such as 60000, 5k or 1M", option, text);
    if (at) *out *= pow(1000, (double)(at - letters) + 1);
    return GR_OK;
}

static gr_status add_choice(cli *c, gr_result *r)
{
    const options *o = c->options;
    double source, target;
    if (o->similar < 0 && !o->src && !o->dst) return GR_OK;
    gr_status st = read_samples(c, "src", o->src, &source);
    if (st == GR_OK) st = read_samples(c, "dst", o->dst, &target);
    if (st == GR_OK && o->similar < 0) st = read_samples(c, "similar", NULL, &target);
    if (st != GR_OK) return st;
    const gr_rule *rule = gr__finetune_rule(o->similar == 0, source, target);
    gr__result_put(r, "similar=%u src=%g dst=%g choice=%s", (unsigned)(o->similar == 0), source, target, rule->id);
    gr__result_note(r, "%s data, %g samples after %g: %s\n    choose %s\n        %s\n\n",
                    o->similar == 0 ? "similar" : "different", target, source, rule->id, rule->choose, rule->write);
    return GR_OK;
}

static gr_status run(cli *c)
{
    const gr_topic *t = NULL;
    gr_recipe *recipe = NULL;
    const options *o = c->options;
    gr_advised a;
    gr_status st = GR_OK;
    GR_TRY(check_flags(c));
    if (c->n_arguments == 0) return list(c);
    GR_TRY(find(c, c->argument[0], &t));
    if (c->n_arguments > 1) GR_TRY(cli_recipe(c, c->argument[1], &recipe));
    if (recipe) a = gr__advised(recipe, (gr_phase)(o->phase + 1));
    gr_result *r = cli_result(c);
    GR_TRY(add_size(c, r, recipe));
    GR_TRY(add_choice(c, r));
    add_rules(r, t, recipe ? &a : NULL);
    if (recipe)
        note_advice(r, t, &a);
    else if (o->markdown)
        note_page(r, t);
    else
        note_topic(r, t);
    st = o->markdown ? cli_list(c, r) : cli_show(c, r);
done:
    if (recipe) gr__recipe_close(c->ctx, recipe);
    return st;
}

static const cli_option rows[] = {
    CLI_OPTION(
        options, phase, WORD, "phase", "PHASE",
        "where the work stands: design (the topology still changes), new (it is settled) or established (a known one)",
        .usual = -1, .words = gr__phase_words),
    CLI_OPTION(options, data_x, REAL, "data-x", "N",
               "size: with N times the data, so many times the parameters; with a recipe, how many", .low = 1e-9,
               .high = 1e12),
    CLI_OPTION(options, similar, WORD, "similar", "yes|no",
               "finetune: whether the new data is like the source's; with --src and --dst", .usual = -1,
               .words = yes_no),
    CLI_OPTION(options, src, TEXT, "src", "N", "finetune: samples that the source was trained on, such as 1M"),
    CLI_OPTION(options, dst, TEXT, "dst", "N", "finetune: samples of the new data, such as 5k"),
    CLI_OPTION(options, markdown, SWITCH, "markdown", NULL, "a topic's rules as a page, as docs/advice.md is"),
};

GR_COMMAND(advise) = {
    .name = "advise",
    .place = 27,
    .usage = "[TOPIC [RECIPE]] [--phase PHASE] [--data-x N] [--similar yes|no --src N --dst N]",
    .summary = "The chapter's rules of choice, alone or held against a recipe",
    .help = "The chapter is " GR_CHAPTER
            ".\n\nWithout a topic: the list. With one: its rules, each with the sentence behind it. With a recipe: "
            "which rules apply to it, and what to write.\n"
            "  followed  the rule applies and the recipe does so\n"
            "  APPLIES   the rule applies and the recipe does otherwise\n"
            "  open      it depends on what no recipe tells\n"
            "  -         the rule does not apply\n\n"
            "Examples\n  gradus advise optimizer\n  gradus advise size --data-x 2\n  gradus advise finetune --similar "
            "yes --src 1M --dst 5k\n  gradus advise optimizer "
            "recipe.yaml --phase design\n",
    CLI_OPTIONS(options, rows),
    .min_arguments = 0,
    .max_arguments = 2,
    .run = run};
