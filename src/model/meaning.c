/* What classes are called, as other data is read by it. */
#include "model/meaning.h"

#include <string.h>

#include "model/recipe.h"

/* The schema's place for a head's classes; made where the data was no table. */
static gr_schema_target *place_of(gr_schema *s, const gr_recipe *r, int head)
{
    const char *name = r->heads_named ? r->head[head].name : NULL;
    for (int i = 0; i < s->n_targets; i++)
        if (!name || !s->target[i].name || strcmp(s->target[i].name, name) == 0) return &s->target[i];
    s->target[s->n_targets] = (gr_schema_target){.name = name};
    return &s->target[s->n_targets++];
}

void gr__meaning_tell(gr_meaning *m, const gr_recipe *r)
{
    for (int h = 0; h < r->n_heads; h++) {
        if (!m->class_names[h]) continue;
        gr_schema_target *at = place_of(&m->schema, r, h);
        at->class_names = m->class_names[h];
        at->n_class_names = m->classes[h];
    }
}
