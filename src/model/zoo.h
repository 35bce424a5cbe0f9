/* The zoo: ready recipes embedded in the library, from recipes/zoo. Floor 6. */
#ifndef GR_MODEL_ZOO_H
#define GR_MODEL_ZOO_H

typedef struct gr_zoo_recipe {
    const char *name;  /* "simple-cnn": the file's name */
    const char *title; /* the text of its first comment line */
    const char *text;  /* the whole recipe, comments included */
} gr_zoo_recipe;

const gr_zoo_recipe *gr__zoo(int *n);                /* sorted by name; generated */
const gr_zoo_recipe *gr__zoo_find(const char *name); /* NULL: no such recipe */
/* Its parameters: gr__recipe_from_text, gr__network_make, gr__network_parameter_count. */

#endif
