/* What a recipe says of keeping activations: `store`, a word or a map. */
#include <string.h>

#include "model/reader.h"
#include "model/section.h"

#define FORMS "store: float32, bfloat16, float16, lossless or {type: quantized, bits: 8, group: 256}"

static const char *const words[] = {"float32", "bfloat16", "float16", "lossless", "quantized"};
static const gr_keep_form forms[] = {GR_KEEP_FLOAT32, GR_KEEP_BFLOAT16, GR_KEEP_FLOAT16, GR_KEEP_LOSSLESS,
                                     GR_KEEP_QUANTISED};

static gr_status read_word(gr__recipe_reader *k, const gr_tree *t, gr_keep *out)
{
    char shown[200];
    if (t->kind != GR_TREE_TEXT)
        return gr__tree_fail(k->ctx, t, GR_E_TYPE, FORMS, "%s is no form to keep activations in",
                             gr__tree_show(t, shown, sizeof shown));
    for (size_t i = 0; i < GR_COUNT(words); i++)
        if (strcmp(t->text, words[i]) == 0) {
            *out = (gr_keep){.form = forms[i], .bits = 8, .group = 256};
            return GR_OK;
        }
    gr_status st =
        gr__tree_fail(k->ctx, t, GR_E_NAME, NULL, "there is no form to keep activations in called \"%s\"", t->text);
    gr__hint_name(k->ctx, t->text, words, GR_COUNT(words));
    return st;
}

static gr_status read_map(gr__recipe_reader *k, const gr_tree *t, gr_keep *out)
{
    gr_settings s;
    const gr_tree *type = gr__tree_get(t, "type");
    if (!type) return gr__tree_fail(k->ctx, t, GR_E_KEY, FORMS, "the key \"type\" is missing");
    gr_tree *rest = gr__tree_without(k->b, t, "type"), *above = gr__tree_map(k->b); /* for what errors call it */
    if (!gr__tree_put(k->b, above, "store", rest)) return GR_E_MEMORY;
    gr_status st = gr__section_make(k->ctx, k->b, &gr__section_store, rest, k->r->preset, &s);
    if (st != GR_OK) return st;
    const gr_tree *bits = gr__tree_get(t, "bits"), *group = gr__tree_get(t, "group"), *other = bits ? bits : group;
    st = read_word(k, type, out);
    if (st != GR_OK) return st;
    out->bits = gr__setting_int(&s, "bits");
    out->group = gr__setting_int(&s, "group");
    if (out->form != GR_KEEP_QUANTISED && other)
        return gr__tree_fail(k->ctx, other, GR_E_CONFLICT, "write type: quantized, or leave it out",
                             "only quantized values have it");
    if (out->bits != 8 && out->bits != 4 && out->bits != 2)
        return gr__tree_fail(k->ctx, bits, GR_E_RANGE, NULL, "%s is not 8, 4 or 2", bits->text);
    return GR_OK;
}

/* Words stay words; what is quantized is told in full. */
static gr_tree *resolved(gr__bump *b, const gr_keep *store)
{
    size_t i = 0;
    while (forms[i] != store->form) i++;
    if (store->form != GR_KEEP_QUANTISED) return gr__tree_text(b, words[i]);
    gr_tree *t = gr__tree_map(b);
    bool told = t && gr__tree_put_text(b, t, "type", words[i]) &&
                gr__tree_put_number(b, t, "bits", (double)store->bits) &&
                gr__tree_put_number(b, t, "group", (double)store->group);
    return told ? t : NULL;
}

gr_status gr__recipe_store(gr__recipe_reader *k)
{
    const gr_tree *t = gr__setting_tree(&k->top, "store");
    gr_keep *store = &k->r->store;
    gr_status st = !t                       ? (*store = (gr_keep){.form = GR_KEEP_FLOAT32}, GR_OK)
                   : t->kind == GR_TREE_MAP ? read_map(k, t, store)
                                            : read_word(k, t, store);
    return st == GR_OK ? gr__recipe_part(k, "store", resolved(k->b, store)) : st;
}
