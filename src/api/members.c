/* What members there are, and what each says of itself. */
#include <string.h>

#include "base/text.h"
#include "cost/cost.h"
#include "data/augment.h"
#include "gradus/settings.h"
#include "init/init.h"
#include "metric/metric.h"
#include "optim/optim.h"

static const struct {
    const char *name;
    const gr_family *family;
} families[] = {{"layer", &gr__family_layer},         {"cost", &gr__family_cost},
                {"optimizer", &gr__family_optimizer}, {"schedule", &gr__family_schedule},
                {"init", &gr__family_init},           {"penalty", &gr__family_penalty},
                {"metric", &gr__family_metric},       {"source", &gr__family_source},
                {"prepare", &gr__family_prepare},     {"augment", &gr__family_augment}};

static const gr_family *family_called(const char *name)
{
    for (size_t i = 0; name && i < GR_COUNT(families); i++)
        if (strcmp(families[i].name, name) == 0) return families[i].family;
    return NULL;
}

int gr_member_count(gr_context *ctx, const char *family)
{
    const gr_family *f = family_called(family);
    return f ? gr__family_count(ctx, f) : 0;
}

const char *gr_member_name(gr_context *ctx, const char *family, int index)
{
    const gr_family *f = family_called(family);
    const gr_member *m = f ? gr__family_at(ctx, f, index) : NULL;
    return m ? m->name : NULL;
}

/* rows: the member's own, or those of its family; NULL: none. */
static void put_rows(gr__text *t, const gr_family *f, const gr_member *m, const gr_member *rows)
{
    for (int i = 0; rows && i < rows->n_rows; i++) {
        const gr_row *r = &rows->rows[i];
        const char *usual = f == &gr__family_optimizer ? gr__optimizer_default((const gr_optimizer *)m, r) : r->value;
        bool unit = r->unit && r->unit[0] && strcmp(r->unit, "1") != 0;
        gr__text_add(t, "  %-20s %-12s %-28s %s%s%s%s\n", r->name, usual ? usual : "(required)",
                     r->range ? r->range : "", r->help, unit ? " [" : "", unit ? r->unit : "", unit ? "]" : "");
    }
}

static void put_equations(gr__text *t, const char *lines)
{
    for (const char *end; *lines; lines = *end ? end + 1 : end) {
        end = lines + strcspn(lines, "\n");
        gr__text_add(t, "    %.*s\n", (int)(end - lines), lines);
    }
}

static gr_status unknown_family(gr_context *ctx, const char *name)
{
    const char *names[GR_COUNT(families)];
    for (size_t i = 0; i < GR_COUNT(families); i++) names[i] = families[i].name;
    gr__fail(ctx, GR_E_NAME, "unknown family \"%s\"", name ? name : "");
    gr__hint_name(ctx, name ? name : "", names, GR_COUNT(names));
    return GR_E_NAME;
}

gr_status gr_member_explain(gr_context *ctx, const char *family, const char *name, char **text)
{
    const gr_family *f = family_called(family);
    const gr_member *m = NULL;
    gr__text t;
    if (!f) return unknown_family(ctx, family);
    gr_status st = gr__family_named(ctx, f, family, name ? name : "", NULL, &m);
    if (st != GR_OK) return st;
    gr__text_init(&t, ctx);
    gr__text_add(&t, "%s (%s)\n  %s\n", m->name, family, m->title);
    if (m->cite && m->cite[0]) gr__text_add(&t, "  source: %s\n", m->cite);
    if (m->equations) put_equations(&t, m->equations);
    put_rows(&t, f, m, m);
    put_rows(&t, f, m, f->common);
    char *copy = t.failed ? NULL : gr__strdup(ctx, t.s);
    gr__text_free(&t);
    if (!copy) return GR_E_MEMORY;
    *text = copy;
    return GR_OK;
}
