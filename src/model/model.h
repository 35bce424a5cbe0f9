/* A trained model as a file: everything that predicting from raw input needs. Floor 6. */
#ifndef GR_MODEL_MODEL_H
#define GR_MODEL_MODEL_H

#include "model/file.h"
#include "base/text.h"
#include "model/meaning.h"
#include "model/network.h"

/* What goes into a model file beside the weights. */
typedef struct gr_model_about {
    const gr_recipe *recipe;
    const gr_tree *resolved;   /* becomes gradus.recipe (JSON); NULL: the recipe's */
    const gr_meaning *meaning; /* gradus.prepare (JSON, through gr__prepare_tree); where there are names or counts,
                                  gradus.classes and gradus.class_counts (JSON lists); of a table gradus.table (JSON)
                                  and gradus.columns (a JSON list of the inputs' names), of a text gradus.text (JSON);
                                  gradus.traits (JSON) where samples are known.
                                  Of named inputs or heads maps of such by name */
    const char
        *slot; /* weights are those of slot PARAMETER/slot, where there is one; NULL: the parameters themselves */
    const char *trained;     /* gradus.trained: JSON text */
    const gr_computed *made; /* what stands in no store; NULL: nothing */
} gr_model_about;
/* Parameters and saved slots of a sealed store, under PyTorch's names and layouts, F64 when the recipe's precision is
 * float64, else F32. Atomic. */
gr_status gr__model_write(gr_context *ctx, const char *path, const gr_store *s, const gr_model_about *about);

/* gradus.table: what a schema holds beside the names of inputs and classes. gr__table_parse takes those two lists from
 * `out`, and checks all it reads; GR_E_FORMAT. */
void gr__table_json(gr__text *out, const gr_schema *s);
gr_status gr__table_parse(gr_context *ctx, gr__bump *b, const char *json, gr_schema *out);

/* gradus.text: what units the training's text was of, and which characters had an index. Likewise. */
void gr__units_json(gr__text *out, const gr_schema *s);
gr_status gr__units_parse(gr_context *ctx, gr__bump *b, const char *json, gr_schema *out);

/* gradus.traits: what is kept of training samples, as meaning.h has it. json: GR_E_FORMAT where it is no such thing. */
struct json_t;
void gr__traits_json(gr__text *out, const gr_kept_traits *t, int n_inputs);
gr_status gr__traits_parse(gr_context *ctx, gr__bump *b, const struct json_t *json, int n_inputs, gr_kept_traits *out);

typedef struct gr_model {
    gr_context *ctx;
    gr__bump *memory;
    const char *path;
    gr_st *file;       /* the tensors; gr__model_load puts them into a store */
    gr_recipe *recipe; /* from gradus.recipe */
    gr_meaning meaning;
} gr_model;
/* Reads and checks a model file. GR_E_FILE, GR_E_FORMAT. Metadata that is missing is said by name. */
gr_status gr__model_open(gr_context *ctx, const char *path, gr_model *out);
/* GR_E_FORMAT where the file is a run's checkpoint. */
gr_status gr__model_refuse_checkpoint(gr_context *ctx, const gr_st *file, const char *path);
/* Is this the metadata of a model? GR_E_FORMAT. */
gr_status gr__model_check(gr_context *ctx, const char *path, const gr_st_pair *meta, int n);
/* The recipe of a model's metadata; gr__recipe_close. GR_E_FORMAT where it is none. */
gr_status gr__model_recipe(gr_context *ctx, const char *path, const char *text, gr_recipe **out);
void gr__model_close(gr_model *m); /* a zeroed model is fine */

#endif
