/* What the feeds and outputs of a network's graphs are called: a room for each kind, so that no field can be taken for
 * another's. Nobody else spells these names. Floor 6. */
#ifndef GR_MODEL_FEEDS_H
#define GR_MODEL_FEEDS_H

#include <stdio.h>

#include "data/field.h"

enum { GR_FEED_TEXT = 128 }; /* names of inputs and heads have at most 100 characters */

/* The feed of a field: "input/image", "target/kind", "weight", "length/image". */
static inline const char *gr__feed_of(gr_field_role role, const char *name, char text[GR_FEED_TEXT])
{
    static const char *const rooms[] = {"input/", "target/", "weight", "length/"};
    snprintf(text, GR_FEED_TEXT, "%s%s", rooms[role], role == GR_FIELD_WEIGHT ? "" : name);
    return text;
}

/* What an evaluation gives of a head: "main/prediction". */
static inline const char *gr__output_of(const char *head, const char *what, char text[GR_FEED_TEXT])
{
    snprintf(text, GR_FEED_TEXT, "%s/%s", head, what);
    return text;
}

/* What an update depends on beside its batch, rank 0 each. */
#define GR_FEED_LR "run/lr"             /* the learning rate */
#define GR_FEED_SEED "run/seed"         /* of the recipe */
#define GR_FEED_UPDATE "run/update"     /* number of the update, from 0 */
#define GR_FEED_POSITION "run/position" /* the first sample's place in the update: of several micro-batches */
#define GR_FEED_FIRST "run/first"       /* 1 in the first micro-batch of an update */
#define GR_FEED_SHARE "run/share"       /* of statistics: what this batch is of all so far */

/* What a batch is mixed by (gr_mixture_draw), rank 0 each but for the partners, [B]. */
#define GR_FEED_MIX_PARTNER "mix/partner"
#define GR_FEED_MIX_SHARE "mix/share"
#define GR_FEED_MIX_TOP "mix/top"
#define GR_FEED_MIX_LEFT "mix/left"
#define GR_FEED_MIX_BOTTOM "mix/bottom"
#define GR_FEED_MIX_RIGHT "mix/right"

#endif
