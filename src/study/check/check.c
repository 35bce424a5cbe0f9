/* All checks of a recipe: which rules are asked, in which order, and where their answers stand. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "result/sheet.h"
#include "study/check/trial.h"

/* The chapter's design checks, its steps of debugging, what it says of a design, and what of initial weights and
 * gradients. */
const char *const gr__check_ids[] = {"T3",  "T4", "T5",  "T6",  "T7",  "X1",  "X2",  "X3",  "X4",  "X5",  "X6",
                                     "X7",  "X8", "X9",  "X10", "X11", "X12", "X13", "X14", "X15", "X16", "X17",
                                     "X18", "T9", "T15", "T16", "T18", "I1",  "I2",  "P4",  NULL};

void gr__finding_worse(const gr_recipe *r, int head, const gr_finding *one, gr_finding *out)
{
    if (head > 0 && one->verdict <= out->verdict) return;
    const char *named = r->heads_named ? r->head[head].name : "";
    gr__finding_set(out, one->verdict, one->figure, one->limit, "%.100s%s%s", named, *named ? ": " : "", one->message);
    memcpy(out->fix, one->fix, sizeof out->fix);
}

void gr__finding_fix_scale(const gr_recipe *r, gr_finding *f)
{
    bool prepared = true;
    for (int i = 0; i < r->n_inputs; i++) prepared &= r->input[i].vocabulary > 0 || !gr__tree_none(r->input[i].prepare);
    if (!prepared) gr__finding_fix(f, "data.prepare: [standardize]");
    if (prepared || (r->init && gr__tree_get(r->init, "weights"))) gr__finding_fix(f, "init.weights: kaiming");
}

/* ---- rules and their ids ---- */

const char *gr__rule_reads_name(gr_rule_reads r)
{
    static const char *const names[] = {"the recipe", "data and initial weights", "short trainings"};
    return names[r];
}

static const char *name_under(const gr_rule *r, const char *id)
{
    for (int k = 0; k < GR_RULE_IDS; k++)
        if (r->as[k].id && strcmp(r->as[k].id, id) == 0) return r->as[k].name;
    return NULL;
}

const gr_rule *gr__rule_of(const char *id)
{
    int n;
    const gr_rule *const *all = gr__rules(&n);
    for (int i = 0; i < n; i++)
        if (name_under(all[i], id)) return all[i];
    return NULL;
}

/* ---- what is written ---- */

gr_status gr__check_write(const gr_check *c, const char *name, const gr__text *text)
{
    if (!c->o->sheets) return GR_OK;
    gr_status st = text->failed ? GR_E_MEMORY : gr__make_folder(c->ctx, c->o->sheets);
    const char *path = gr__bump_format(c->memory, "%s/%s", c->o->sheets, name);
    if (st != GR_OK || !path) return st != GR_OK ? st : GR_E_MEMORY;
    return gr__file_write(c->ctx, path, text->s, text->n);
}

gr_status gr__check_write_sheet(const gr_check *c, const char *name, const gr_sheet *s)
{
    gr__text t;
    if (!c->o->sheets) return GR_OK;
    gr__text_init(&t, c->ctx);
    gr_status st = gr__sheet_html(s, &t);
    if (st == GR_OK) st = gr__check_write(c, name, &t);
    gr__text_free(&t);
    return st;
}

/* ---- which of them ---- */

static int place_of(const char *id, size_t n)
{
    for (int i = 0; i < GR_CHECKS; i++)
        if (strlen(gr__check_ids[i]) == n && strncmp(gr__check_ids[i], id, n) == 0) return i;
    return -1;
}

static gr_status unknown(gr_context *ctx, const char *option, const char *id, size_t n)
{
    char text[32];
    snprintf(text, sizeof text, "%.*s", (int)GR_MIN(n, sizeof text - 1), id);
    gr__fail(ctx, GR_E_NAME, "--%s: there is no check \"%s\"", option, text);
    const char *near = gr__nearest(text, gr__check_ids, GR_CHECKS);
    gr__error_hint(
        ctx, near ? "did you mean %s? `gradus explain checks` lists them" : "`gradus explain checks` lists them", near);
    return GR_E_NAME;
}

/* Sets `named` of each id in a list like "T3,X9". */
static gr_status read_ids(gr_context *ctx, const char *option, const char *list, bool named[GR_CHECKS])
{
    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        size_t n = strcspn(at, ",");
        int i = place_of(at, n);
        if (i < 0) return unknown(ctx, option, at, n);
        named[i] = true;
    }
    return GR_OK;
}

static gr_status choose(gr_context *ctx, const gr_check_options *o, gr_checked *out)
{
    bool only[GR_CHECKS] = {false}, skip[GR_CHECKS] = {false};
    gr_status st = read_ids(ctx, "only", o->only, only);
    if (st == GR_OK) st = read_ids(ctx, "skip", o->skip, skip);
    for (int i = 0; i < GR_CHECKS; i++) out->left_out[i] = skip[i] || (o->only && !only[i]);
    return st;
}

static void name_all(gr_checked *out)
{
    for (int i = 0; i < GR_CHECKS; i++) {
        const gr_rule *r = gr__rule_of(gr__check_ids[i]);
        gr_finding *f = &out->finding[i];
        *f = (gr_finding){.id = gr__check_ids[i], .name = name_under(r, gr__check_ids[i])};
        gr__finding_set(f, GR_VERDICT_SKIPPED, NAN, NAN, "not asked for");
        out->with[i] = i;
        for (int k = i; k-- > 0;)
            if (gr__rule_of(gr__check_ids[k]) == r) out->with[i] = k;
    }
}

static bool wanted(const gr_rule *r, const gr_checked *out)
{
    for (int i = 0; i < GR_CHECKS; i++)
        if (!out->left_out[i] && name_under(r, gr__check_ids[i])) return true;
    return false;
}

/* ---- asking ---- */

uint64_t gr__check_seed(uint64_t seed, int draw)
{
    return seed + (uint64_t)draw * 100003;
}

static bool is_amiss(const gr_finding *f)
{
    return f->verdict == GR_VERDICT_WARNING || f->verdict == GR_VERDICT_FAILED;
}

/* How many further draws must say that all is well before what another said was chance. */
static int enough_for_chance(const gr_rule *r)
{
    return r->draws >= GR_DRAWS_OF_WEIGHTS ? GR_CHANCE_OF_WEIGHTS : 1;
}

/* Takes what a further draw says, the n-th that says `ok`, where it does: the mildest of all holds, but `ok` only once
 * there are enough of them. The figure stays the recipe's own. */
static void soften(const gr_rule *r, const gr_finding *other, int draw, int n, gr_finding *f)
{
    if (other->verdict >= f->verdict || other->verdict == GR_VERDICT_SKIPPED) return;
    const gr_finding own = *f;
    if (other->verdict != GR_VERDICT_OK)
        f->verdict = other->verdict;
    else if (n >= enough_for_chance(r))
        gr__finding_set(f, GR_VERDICT_OK, own.figure, own.limit,
                        "by chance, for with another seed (draw %d) all is well: %.120s. With this one: %.240s", draw,
                        other->message, own.message);
}

/* Asks with other seeds until enough say that all is well. */
static gr_status ask_again(gr_check *c, const gr_rule *r, gr_finding *f)
{
    gr_status st = GR_OK;
    bool probe = r->reads == GR_READS_PROBE;
    int n = 0;
    if (r->draws == 0 || !is_amiss(f)) return GR_OK;
    for (int draw = 1; draw <= r->draws && is_amiss(f) && st == GR_OK; draw++) {
        gr_finding other = {.name = r->as[0].name};
        c->draw = draw;
        if (probe) st = gr__probe_draw(&c->probe, draw);
        if (st == GR_OK) st = r->judge(c, &other);
        if (st != GR_OK) break;
        n += other.verdict == GR_VERDICT_OK;
        soften(r, &other, draw, n, f);
    }
    c->draw = 0;
    if (probe && st == GR_OK) st = gr__probe_draw(&c->probe, 0);
    return st;
}

/* One answer, under each of its ids that is asked for. */
static gr_status ask(gr_check *c, const gr_rule *r)
{
    gr_finding f = {.name = r->as[0].name};
    gr_status st = r->judge(c, &f);
    if (st == GR_OK) st = ask_again(c, r, &f);
    if (st == GR_E_BUDGET) { /* the run itself may fit: it keeps less than who looks inside */
        gr_context_clear_error(c->ctx);
        gr__finding_set(&f, GR_VERDICT_SKIPPED, NAN, NAN, "looking at this takes more than `memory` allows");
        st = GR_OK;
    }
    for (int i = 0; i < GR_CHECKS && st == GR_OK; i++) {
        gr_finding *to = &c->out->finding[i];
        const char *name = name_under(r, gr__check_ids[i]);
        if (!name || c->out->left_out[i]) continue;
        *to = f;
        to->id = gr__check_ids[i];
        to->name = name;
    }
    return st;
}

static gr_status ask_all(gr_check *c, gr_rule_reads what)
{
    gr_status st = GR_OK;
    for (int i = 0; i < GR_CHECKS && st == GR_OK; i++) {
        const gr_rule *r = gr__rule_of(gr__check_ids[i]);
        if (r->reads == what && c->out->with[i] == i && wanted(r, c->out)) st = ask(c, r);
    }
    return st;
}

static bool any_wanted(const gr_check *c, gr_rule_reads from)
{
    int n;
    const gr_rule *const *all = gr__rules(&n);
    for (int i = 0; i < n; i++)
        if (all[i]->reads >= from && wanted(all[i], c->out)) return true;
    return false;
}

/* Which parameters a gradient reaches, of the first batch, before the probe rests. */
static gr_status note_reached(gr_check *c)
{
    gr_probe *p = &c->probe;
    gr_batch b;
    size_t n;
    gr__network_params(p->task.network, &n);
    c->reached = gr__bump_alloc(c->memory, sizeof *c->reached * GR_MAX(n, 1));
    if (!c->reached) return GR_E_MEMORY;
    gr__loader_seek(p->loader, 0, 0);
    gr_status st = gr__loader_next(p->loader, &b);
    if (st == GR_OK && b.n == p->batch) st = gr__probe_run(p, p->train, &b);
    for (size_t i = 0; i < n && st == GR_OK; i++) c->reached[i] = b.n == p->batch && gr__probe_reached(p, i);
    return st;
}

gr_status gr__check_all(gr_context *ctx, const gr_recipe *r, const gr_check_options *o, gr__bump *memory,
                        gr_checked *out)
{
    static const gr_check_options none = {0};
    gr_check c = {.ctx = ctx, .recipe = r, .o = o ? o : &none, .memory = memory, .out = out};
    gr_status st = GR_OK;
    *out = (gr_checked){0};
    name_all(out);
    GR_TRY(choose(ctx, c.o, out));
    GR_TRY(ask_all(&c, GR_READS_RECIPE));
    if (any_wanted(&c, GR_READS_PROBE)) {
        gr__watch(c.o->watch, "reading", 0);
        GR_TRY(gr__probe_open(ctx, r, &c.probe));
        c.probe.watch = c.o->watch;
        GR_TRY(ask_all(&c, GR_READS_PROBE));
    }
    if (any_wanted(&c, GR_READS_TRAINING)) {
        GR_TRY(note_reached(&c));
        gr__probe_rest(&c.probe);
        GR_TRY(gr__trials_open(&c, &c.trials));
        GR_TRY(ask_all(&c, GR_READS_TRAINING));
    }
done:
    gr__trials_close(&c.trials);
    gr__probe_close(&c.probe);
    return st;
}
