/* gradus explain, of rules: which ids one answers, what it looks at, what is sound. */
#include <string.h>

#include "cli/explain.h"
#include "study/check/rule.h"

static const gr_rule *rule_of(const gr_member *m)
{
    return cli_family_of(m) == &gr__family_rule ? (const gr_rule *)m : NULL;
}

bool cli_rule_is(const gr_member *m, const char *id)
{
    const gr_rule *rule = rule_of(m);
    for (int k = 0; rule && k < GR_RULE_IDS; k++)
        if (rule->as[k].id && strcmp(rule->as[k].id, id) == 0) return true;
    return false;
}

/* "T5 and X8" */
static const char *ids_of(gr_result *r, const gr_rule *rule, const char *between)
{
    return rule->as[1].id ? gr__result_text(r, "%s%s%s", rule->as[0].id, between, rule->as[1].id) : rule->as[0].id;
}

void cli_rule_add(gr_result *r, const gr_member *m)
{
    const gr_rule *rule = rule_of(m);
    if (!rule) return;
    const char **ids = gr__result_alloc(r, sizeof *ids * GR_RULE_IDS);
    size_t n = 0;
    for (int k = 0; ids && k < GR_RULE_IDS; k++)
        if (rule->as[k].id) ids[n++] = rule->as[k].id;
    gr__result_list(r, "ids", (gr_list){.text = ids, .n = n});
    gr__result_put(r, "reads=%s limit=%s unit=%s", gr__rule_reads_name(rule->reads), rule->limit, rule->unit);
    gr__result_note(r, "  answers %s of `gradus check`; looks at %s\n  sound: %s (%s)\n", ids_of(r, rule, " and "),
                    gr__rule_reads_name(rule->reads), rule->limit, rule->unit);
}

void cli_rule_page(gr_result *r, const gr_member *m)
{
    const gr_rule *rule = rule_of(m);
    if (!rule) return;
    gr__result_note(r, "\nAnswers %s; looks at %s. Sound: %s (%s).\n", ids_of(r, rule, " and "),
                    gr__rule_reads_name(rule->reads), rule->limit, rule->unit);
}

/* ---- all of them ---- */

typedef struct line {
    const char *ids, *name, *title, *reads, *limit, *unit, *source, *sound;
} line;
static const gr_column columns[] = {
    GR_COLUMN(line, ids, TEXT, "ids", GR_SHOWN("ids", -8)),
    GR_COLUMN(line, name, TEXT, "name"),
    GR_COLUMN(line, title, TEXT, "title", GR_SHOWN("what is looked at", -56)),
    GR_COLUMN(line, reads, TEXT, "reads", GR_SHOWN("in", -26)),
    GR_COLUMN(line, limit, TEXT, "limit"),
    GR_COLUMN(line, unit, TEXT, "unit"),
    GR_COLUMN(line, source, TEXT, "cite"),
    GR_COLUMN(line, sound, TEXT, NULL, GR_SHOWN("sound", 0)),
};

gr_status cli_explain_rules(cli *c)
{
    gr_result *r = cli_result(c);
    line *lines = gr__result_alloc(r, sizeof *lines * GR_CHECKS);
    size_t n = 0;
    for (int i = 0; i < GR_CHECKS && lines; i++) {
        const gr_rule *rule = gr__rule_of(gr__check_ids[i]);
        if (strcmp(rule->as[0].id, gr__check_ids[i]) != 0) continue;
        lines[n++] = (line){ids_of(r, rule, " "), rule->head.name,
                            rule->head.title,     gr__rule_reads_name(rule->reads),
                            rule->limit,          rule->unit,
                            rule->head.cite,      gr__result_text(r, "%s (%s)", rule->limit, rule->unit)};
    }
    GR_TABLE(r, "rules", columns, lines, n);
    return cli_list(c, r);
}
