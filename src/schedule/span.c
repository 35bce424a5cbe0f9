/* Lengths of time and curves of schedules. */
#include "schedule/span.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static const double longest = 9007199254740992.0; /* 2^53: updates are counted exactly up to here */

/* `30 epochs` and the like; false for any other text. */
static bool parse_text(const char *text, gr_span *out)
{
    static const struct {
        const char *word;
        int unit;
    } units[] = {{"epoch", GR_SPAN_EPOCHS},
                 {"epochs", GR_SPAN_EPOCHS},
                 {"update", GR_SPAN_UPDATES},
                 {"updates", GR_SPAN_UPDATES}};
    char number[32];
    size_t digits = strspn(text, "0123456789.");
    if (digits == 0 || digits >= sizeof number || text[digits] != ' ') return false;
    memcpy(number, text, digits);
    number[digits] = 0;
    if (!gr__parse_number(number, &out->n) || !(out->n > 0)) return false;
    const char *unit = text + digits + strspn(text + digits, " ");
    for (size_t i = 0; i < GR_COUNT(units); i++) {
        if (strcmp(unit, units[i].word) != 0) continue;
        out->unit = units[i].unit;
        return out->unit == GR_SPAN_EPOCHS || out->n == floor(out->n);
    }
    return false;
}

static gr_status read_number(gr_context *ctx, const gr_tree *t, bool run, gr_span *out)
{
    const char *hint = "a whole number is updates, another a fraction of the run";
    bool whole = t->kind == GR_TREE_INT;
    *out = (gr_span){t->number, whole ? GR_SPAN_UPDATES : GR_SPAN_RUN};
    if (!run && !(whole && t->number > 0))
        return gr__tree_fail(ctx, t, GR_E_RANGE, "write 1000 or 30 epochs", "%s is no number of updates or epochs",
                             t->text);
    if (!(t->number >= 0)) return gr__tree_fail(ctx, t, GR_E_RANGE, hint, "%s is not in [0, inf)", t->text);
    if (t->number > longest) return gr__tree_fail(ctx, t, GR_E_RANGE, hint, "%s is beyond 2^53 updates", t->text);
    if (!whole && t->number > 1)
        return gr__tree_fail(ctx, t, GR_E_RANGE, hint, "%s is more than the whole run", t->text);
    return GR_OK;
}

gr_status gr__span_read(gr_context *ctx, const gr_tree *t, bool run, gr_span *out)
{
    char shown[200];
    if (gr__tree_is_number(t) && !isnan(t->number)) return read_number(ctx, t, run, out);
    if (t->kind == GR_TREE_TEXT && parse_text(t->text, out)) return GR_OK;
    return gr__tree_fail(ctx, t, GR_E_RANGE,
                         run ? "write 1000, 5 epochs, or 0.1 of the run" : "write 1000 or 30 epochs",
                         "%s is no number of updates or epochs", gr__tree_show(t, shown, sizeof shown));
}

double gr__span_updates(gr_span s, int64_t total, double updates_per_epoch)
{
    if (s.unit == GR_SPAN_RUN) return round(s.n * (double)total);
    return s.unit == GR_SPAN_EPOCHS ? s.n * updates_per_epoch : s.n;
}

double gr__span_of(const gr_tree *t, const gr_rate *r)
{
    gr_span span = {.n = t->number, .unit = t->kind == GR_TREE_REAL ? GR_SPAN_RUN : GR_SPAN_UPDATES};
    if (t->kind == GR_TREE_TEXT && !parse_text(t->text, &span)) return NAN; /* what was checked is no other text */
    return gr__span_updates(span, r->total, r->updates_per_epoch);
}

double gr__setting_span(const gr_settings *s, const char *name, const gr_rate *r)
{
    return gr__span_of(gr__setting_tree(s, name), r);
}

const char *gr__span_text(gr_span s, char buffer[48])
{
    char number[32];
    const char *unit = s.unit == GR_SPAN_EPOCHS                     ? s.n == 1 ? " epoch" : " epochs"
                       : s.unit == GR_SPAN_RUN && s.n == floor(s.n) ? ".0" /* 1.0 is all of the run, 1 an update */
                                                                    : "";
    snprintf(buffer, 48, "%s%s", gr__double_text(s.n, number), unit);
    return buffer;
}

gr_tree *gr__span_tree(gr__bump *b, gr_span s)
{
    char text[48];
    return gr__tree_scalar(b, gr__span_text(s, text));
}

double gr__triangle(double t, double half)
{
    return 1 - fabs(fmod(t, 2 * half) / half - 1); /* fmod is exact, however large t is */
}

double gr__between(double from, double to, double part, bool cosine)
{
    const double pi = 3.14159265358979323846;
    return cosine ? to + (from - to) * (1 + cos(pi * part)) / 2 : from + (to - from) * part;
}
