/* Settings as texts: a member's name and "{filters: 16}" become the tree that a recipe would have. Floor 8. */
#ifndef GR_API_TEXT_H
#define GR_API_TEXT_H

#include "base/tree.h"

/* type: the member's name; NULL: the text alone is a section, such as init. text: NULL or "" for nothing; otherwise a
 * map without `type`. label: what errors call the text. The tree always is a map, with `type` first where there is
 * one. */
gr_status gr__api_settings(gr_context *ctx, gr__bump *b, const char *label, const char *type, const char *text,
                           gr_tree **out);

#endif
