/* What registrations of members from outside the tree share: a descriptor is copied, and refused where it says
 * nonsense. Floor 8. */
#ifndef GR_API_EXT_H
#define GR_API_EXT_H

#include "base/member.h"
#include "gradus/settings.h"

/* What every descriptor has. */
typedef struct gr__ext_head {
    const gr_family *family;
    const char *noun; /* "layer" */
    unsigned version, known;
    const char *name, *title, *cite, *equations;
    const gr_setting *settings;
    int n_settings;
    bool complete; /* the functions that it must have are there */
    /* What recipes read as something else where a member is named, and where it has its settings; the last NULL. NULL:
     * nothing beside what every family has. */
    const char *const *taken, *const *taken_settings;
} gr__ext_head;

/* Room for a member of `bytes`, whose head comes first and is filled in, within the context's memory. GR_E_UNSUPPORTED,
 * GR_E_USAGE, GR_E_EXISTS in words. */
gr_status gr__ext_make(gr_context *ctx, const gr__ext_head *h, size_t bytes, void **out);
/* Small letters, digits and _, at most 60, a letter first. */
bool gr__ext_is_name(const char *name);

#endif
