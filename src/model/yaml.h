/* Reading YAML: shared by yaml.c, which walks the document, and expand.c, which replaces ${NAME}. */
#ifndef GR_MODEL_YAML_H
#define GR_MODEL_YAML_H

#include "model/recipe.h"

enum {
    GR_YAML_BYTES = 1 << 20,      /* a document */
    GR_YAML_DEPTH = 64,           /* of lists and maps, aliases followed */
    GR_YAML_NODES = 50000,        /* with what aliases repeat */
    GR_YAML_TEXT_BYTES = 8 << 20, /* of all scalars, with what aliases and variables repeat */
    GR_YAML_KEYS = 1000,          /* of one map */
};

typedef struct gr_place {
    const char *file;
    int line, column;
} gr_place;

/* Fails with a place; hint may be NULL. */
gr_status gr__place_fail(gr_context *ctx, gr_place at, gr_status code, const char *hint, const char *format, ...)
    GR_PRINTF(5, 6);
/* Replaces ${NAME} and ${NAME:-default} by the environment; *out is text itself where there is none. GR_E_NAME where a
 * variable is undefined. */
gr_status gr__expand(gr_context *ctx, gr__bump *b, gr_place at, const char *text, const char **out);

#endif
