/* The backends there are. */
#include <string.h>

#include "plan/backend.h"

const gr_backend *gr_backend_get(const char *name)
{
    static const gr_backend *const all[] = {&gr__backend_ref, &gr__backend_cpu};
    for (size_t i = 0; i < GR_COUNT(all); i++)
        if (strcmp(all[i]->name, name) == 0) return all[i];
    return NULL;
}

const char *gr_backend_name(const gr_backend *b)
{
    return b->name;
}

size_t gr_backend_real_bytes(const gr_backend *b)
{
    return gr__element_bytes(b->real);
}
