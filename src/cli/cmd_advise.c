/* gradus advise: the chapter's rules, alone or held against a recipe. */
#include <stdlib.h>
#include <string.h>

#include "cli/json.h"
#include "study/advice.h"

enum { WIDTH = 110, WHY = 256 };

/* ---- text ---- */

/* Words of `text` in lines of WIDTH, each after `indent` blanks; a '\n' begins a new one. */
static void print_wrapped(const char *text, int indent)
{
    int column = 0;
    for (const char *s = text; *s;) {
        size_t n = strcspn(s, " \n");
        if (column > 0 && column + 1 + (int)n > WIDTH) printf("\n"), column = 0;
        column += column > 0 ? printf(" %.*s", (int)n, s) : printf("%*s%.*s", indent, "", (int)n, s);
        s += n;
        if (*s == '\n') printf("\n"), column = 0;
        if (*s) s++;
    }
    printf("\n");
}

static void print_rule(const gr_rule *r)
{
    printf("%s: if %s\n", r->id, r->when);
    printf("    choose %s\n", r->choose);
    print_wrapped(r->write, 8);
    print_wrapped(r->sentence, 4);
    printf("    [chapter 4, section %s]\n\n", r->section);
}

static void print_judged(const gr_rule *r, gr_fit fit, const char *why)
{
    static const char *const words[] = {"followed", "APPLIES", "open", "-"};
    printf("%-9s %-12s %s: %s\n", words[fit], r->id, r->when, r->choose);
    printf("%-22s here: %s\n", "", why);
    if (fit == GR_FIT_APPLIES || fit == GR_FIT_OPEN) print_wrapped(r->write, 27);
}

static void print_topic(const gr_topic *t)
{
    printf("%s\n\nThe chapter is " GR_CHAPTER ".\n\n", t->title);
    for (int i = 0; i < t->n; i++) print_rule(&t->rules[i]);
    if (t->note[0]) print_wrapped(t->note, 0);
}

static void print_advice(const gr_topic *t, const gr_advised *a)
{
    char why[WHY];
    int applies = 0;
    for (int fit = GR_FIT_FOLLOWED; fit <= GR_FIT_NOT; fit++)
        for (int i = 0; i < t->n; i++) {
            if ((int)t->rules[i].judge(a, why, sizeof why) != fit) continue;
            print_judged(&t->rules[i], (gr_fit)fit, why);
            applies += fit == GR_FIT_APPLIES;
        }
    printf("\n%d of %d rules ask for a change%s\n", applies, t->n,
           a->phase == GR_PHASE_UNKNOWN ? "; --phase design, new or established says where the work stands" : "");
    if (t->note[0]) print_wrapped(t->note, 0);
}

/* ---- markdown: docs/advice.md ---- */

static void print_code(const char *text)
{
    printf("`");
    for (; *text; text++) printf(*text == '\n' ? "`, `" : "%c", *text);
    printf("`");
}

static void print_markdown(const gr_topic *t)
{
    printf("# %s\n\nWritten by `gradus advise %s --markdown`. `gradus advise %s RECIPE` holds the rules against a "
           "recipe.\n\nThe chapter is 'Training a Model', chapter 4 of *Deep Learning Systems* (Rodriguez). %s\n\n",
           t->title, t->name, t->name, t->note);
    printf(
        "| rule | if | choose | write | the chapter's sentence | section |\n| --- | --- | --- | --- | --- | --- |\n");
    for (int i = 0; i < t->n; i++) {
        const gr_rule *r = &t->rules[i];
        printf("| %s | %s | %s | ", r->id, r->when, r->choose);
        print_code(r->write);
        printf(" | %s | %s |\n", r->sentence, r->section);
    }
}

/* ---- JSON ---- */

static json_t *names_json(const char *const *names)
{
    json_t *list = json_array();
    for (int i = 0; i < GR_RULE_NAMES && names[i]; i++) json_array_append_new(list, json_string(names[i]));
    return list;
}

static json_t *rule_json(const gr_rule *r, const gr_advised *a)
{
    json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:s, s:s}", "id", r->id, "if", r->when, "choose", r->choose,
                          "write", r->write, "optimizers", names_json(r->optimizers), "schedules",
                          names_json(r->schedules), "sentence", r->sentence, "section", r->section);
    if (o && a) {
        char why[WHY];
        json_object_set_new(o, "verdict", json_string(gr__fit_name(r->judge(a, why, sizeof why))));
        json_object_set_new(o, "because", json_string(why));
    }
    return o;
}

static gr_status topic_json(cli *c, const gr_topic *t, const gr_advised *a)
{
    json_t *rules = json_array();
    for (int i = 0; i < t->n; i++) json_array_append_new(rules, rule_json(&t->rules[i], a));
    json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:o}", "topic", t->name, "title", t->title, "chapter", GR_CHAPTER,
                          "note", t->note, "rules", rules);
    if (o && a) json_object_set_new(o, "phase", json_string(gr__phase_name(a->phase)));
    return cli_json(c, o);
}

/* ---- the command ---- */

static gr_status list(cli *c)
{
    int n;
    const gr_topic *const *all = gr__topics(&n);
    if (c->json) {
        json_t *topics = json_array();
        for (int i = 0; i < n; i++)
            json_array_append_new(topics, json_pack("{s:s, s:s, s:i}", "topic", all[i]->name, "title", all[i]->title,
                                                    "rules", all[i]->n));
        return cli_json(c, json_pack("{s:o}", "topics", topics));
    }
    for (int i = 0; i < n; i++) printf("%-12s %s (%d rules)\n", all[i]->name, all[i]->title, all[i]->n);
    return GR_OK;
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
    const char *near = gr__nearest(name, names, (size_t)n);
    gr__fail(c->ctx, GR_E_NAME, "there is no topic %s", name);
    if (near)
        gr__error_hint(c->ctx, "did you mean %s?", near);
    else
        gr__error_hint(c->ctx, "gradus advise lists them");
    return GR_E_NAME;
}

static gr_status read_phase(cli *c, gr_phase *out)
{
    const char *name = cli_value(c, "phase");
    *out = GR_PHASE_UNKNOWN;
    if (!name || gr__phase_parse(name, out)) return GR_OK;
    gr__fail(c->ctx, GR_E_RANGE, "--phase: %s is none of design, new and established", name);
    gr__error_hint(
        c->ctx, "design: the topology still changes; new: it is settled; established: a known one, with a known error");
    return GR_E_RANGE;
}

/* What would be ignored is refused. */
static gr_status check_flags(cli *c)
{
    bool recipe = c->n_arguments > 1, markdown = cli_value(c, "markdown");
    if (!recipe && cli_value(c, "phase")) return gr__fail(c->ctx, GR_E_USAGE, "advise: --phase goes with a recipe");
    if (!recipe && c->n_sets) return gr__fail(c->ctx, GR_E_USAGE, "advise: --set %s goes with a recipe", c->set[0]);
    if (markdown && (recipe || c->json || c->n_arguments == 0))
        return gr__fail(c->ctx, GR_E_USAGE, "advise: --markdown goes with a topic alone");
    return GR_OK;
}

static gr_status run(cli *c)
{
    const gr_topic *t;
    gr_recipe *r = NULL;
    gr_phase phase;
    gr_status st = GR_OK;
    GR_TRY(check_flags(c));
    GR_TRY(read_phase(c, &phase));
    if (c->n_arguments == 0) return list(c);
    GR_TRY(find(c, c->argument[0], &t));
    if (c->n_arguments > 1) {
        GR_TRY(cli_recipe(c, c->argument[1], &r));
        gr_advised a = gr__advised(r, phase);
        if (c->json)
            st = topic_json(c, t, &a);
        else if (!c->quiet)
            print_advice(t, &a);
    } else if (c->json) {
        st = topic_json(c, t, NULL);
    } else if (cli_value(c, "markdown")) {
        print_markdown(t);
    } else if (!c->quiet) {
        print_topic(t);
    }
done:
    if (r) gr__recipe_close(c->ctx, r);
    return st;
}

static const cli_flag flags[] = {
    {"phase", "PHASE",
     "where the work stands: design (the topology still changes), new (it is settled) or established (a known one)", 0},
    {"markdown", NULL, "a topic's rules as a page, docs/advice.md", 0},
    {0},
};

const cli_command cmd_advise = {
    .name = "advise",
    .usage = "[TOPIC [RECIPE]] [--phase PHASE]",
    .summary = "The chapter's rules of choice, alone or held against a recipe",
    .help = "The chapter is " GR_CHAPTER
            ".\n\nWithout a topic: the list. With one: its rules, each with the sentence behind it. With a recipe: "
            "which rules apply to it, and what to write.\n"
            "  followed  the rule applies and the recipe does so\n"
            "  APPLIES   the rule applies and the recipe does otherwise\n"
            "  open      it depends on what no recipe tells\n"
            "  -         the rule does not apply\n\n"
            "Examples\n  gradus advise optimizer\n  gradus advise optimizer recipe.yaml --phase design\n",
    .flags = flags,
    .min_arguments = 0,
    .max_arguments = 2,
    .run = run};
