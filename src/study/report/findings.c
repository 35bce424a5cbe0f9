/* Findings that were kept in the run folder: check.json and diagnose.json, as the two commands print them. */
#include <math.h>
#include <string.h>

#include "study/report/parts.h"

static const char *text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

/* A number for reading. */
static const char *number_of(gr_report *r, const json_t *o, const char *key)
{
    const json_t *x = json_object_get(o, key);
    return json_is_number(x)   ? gr__document_text(&r->document, "%.4g", json_number_value(x))
           : json_is_string(x) ? json_string_value(x)
                               : "";
}

/* What is not as it should be comes first, then the rest of what was looked at. */
static void put_checks(gr_report *r, const json_t *all, bool fine)
{
    static const char *const heading[] = {"check", "verdict", "figure", "limit", "what was found", "what helps"};
    gr_document *d = &r->document;
    size_t i;
    json_t *one;
    gr_written_table *t = gr__document_table(
        d, fine ? "Checks that are fine, or were left out" : "Checks that warn or fail", GR_COUNT(heading));
    for (size_t k = 0; k < GR_COUNT(heading) && t->heading; k++) t->heading[k] = heading[k];
    json_array_foreach(all, i, one)
    {
        const char *verdict = text_of(one, "verdict");
        bool is_fine = strcmp(verdict, "warning") != 0 && strcmp(verdict, "failed") != 0;
        if (is_fine != fine) continue;
        gr__document_cell(d, t, GR_CELL_HEAD, "%s %s", text_of(one, "id"), text_of(one, "name"));
        gr__document_cell(d, t, GR_CELL_WORDS, "%s", verdict);
        gr__document_cell(d, t, GR_CELL_NUMBER, "%s", number_of(r, one, "figure"));
        gr__document_cell(d, t, GR_CELL_NUMBER, "%s", number_of(r, one, "limit"));
        gr__document_cell(d, t, GR_CELL_WORDS, "%s", text_of(one, "message"));
        gr__document_cell(d, t, GR_CELL_WORDS, "%s", text_of(one, "fix"));
    }
}

static void put_check(gr_report *r, const json_t *o)
{
    gr_document *d = &r->document;
    const json_t *all = json_object_get(o, "checks"), *one;
    size_t i, bad = 0;
    if (!json_is_array(all)) {
        gr__report_miss(r, "Findings of check", "check.json has no list of checks, as gradus check --json prints it");
        return;
    }
    json_array_foreach((json_t *)all, i, one) bad +=
        strcmp(text_of(one, "verdict"), "warning") == 0 || strcmp(text_of(one, "verdict"), "failed") == 0;
    gr__document_heading(d, "Check");
    gr__document_words(d, bad ? "%zu of %zu checks warn or fail." : "None of the checks warns or fails.", bad,
                       json_array_size(all));
    put_checks(r, all, false);
    put_checks(r, all, true);
}

/* Texts, or figures with what bounds them. */
static void put_evidence(gr_report *r, const json_t *list)
{
    static const char *const heading[] = {"evidence", "figure", "from", "to", "limit", ""};
    static const char *const key[] = {"figure", "low", "high", "limit"};
    gr_document *d = &r->document;
    size_t i;
    json_t *one;
    gr_written_table *t = gr__document_table(d, "What the verdict rests on", GR_COUNT(heading));
    for (size_t k = 0; k < GR_COUNT(heading) && t->heading; k++) t->heading[k] = heading[k];
    json_array_foreach((json_t *)list, i, one)
    {
        if (json_is_string(one)) gr__document_item(d, false, "%s", json_string_value(one));
        if (!json_is_object(one)) continue;
        gr__document_cell(d, t, GR_CELL_HEAD, "%s", text_of(one, "what"));
        for (size_t k = 0; k < GR_COUNT(key); k++)
            gr__document_cell(d, t, GR_CELL_NUMBER, "%s", number_of(r, one, key[k]));
        gr__document_cell(d, t, GR_CELL_WORDS, "%s", text_of(one, "text"));
    }
}

static void put_texts(gr_report *r, const json_t *list, const char *title)
{
    size_t i;
    const json_t *one;
    if (json_array_size(list) == 0) return;
    gr__document_words(&r->document, "%s:", title);
    json_array_foreach((json_t *)list, i, one)
    {
        const char *remedy = text_of(one, "remedy"), *text = text_of(one, "text");
        if (json_is_string(one)) text = json_string_value(one);
        gr__document_item(&r->document, false, "%s%s%s", remedy, *remedy ? ": " : "", text);
    }
}

static void put_diagnosis(gr_report *r, const json_t *o)
{
    static const char *const key[] = {"verdict", "train_error", "validation_error", "bias", "gap"};
    gr__document_heading(&r->document, "Diagnosis");
    for (size_t i = 0; i < GR_COUNT(key); i++) {
        const char *is = number_of(r, o, key[i]);
        if (*is) gr__document_term(&r->document, key[i], "%s", is);
    }
    put_evidence(r, json_object_get(o, "evidence"));
    put_texts(r, json_object_get(o, "advice"), "What helps, in this order");
}

gr_status gr__report_findings(gr_report *r, const gr_read_run *run)
{
    static const struct {
        const char *file, *what, *command;
        bool recipe; /* what it is given; else the run */
        void (*put)(gr_report *, const json_t *);
    } kept[] = {{"check.json", "What check finds", "check", true, put_check},
                {"diagnose.json", "What diagnose finds", "diagnose", false, put_diagnosis}};
    gr_document *d = &r->document;
    gr__document_section(d, "findings", "Findings");
    for (size_t i = 0; i < GR_COUNT(kept); i++) {
        const char *why;
        json_t *o = gr__run_json(r->ctx, r->memory, run->folder, kept[i].file, &why);
        if (gr__error_code(r->ctx) != GR_OK) return gr__error_code(r->ctx);
        if (o)
            kept[i].put(r, o);
        else if (why)
            gr__report_miss(r, kept[i].what, why);
        else
            gr__document_missing(d, "%s: not kept. gradus %s %s%s --json > %s/%s keeps it for this page.", kept[i].what,
                                 kept[i].command, run->folder, kept[i].recipe ? "/recipe.yaml" : "", run->folder,
                                 kept[i].file);
        json_decref(o);
    }
    return GR_OK;
}
