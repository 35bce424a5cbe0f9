/* Floor 4: rows that are no member of a family. */
#ifndef GR_NN_COMMON_H
#define GR_NN_COMMON_H

#include "base/member.h"

/* Rows that stand beside those of members: what a whole family takes, or a section of a recipe with one form only.
 * `GR_COMMON(clip_common) = {...}` at the start of a line defines gr__clip_common and enters it in this table. */
#define GR_COMMON(name) const gr_member gr__##name
const gr_member *const *gr__commons(int *n); /* generated, sorted by name */

#endif
