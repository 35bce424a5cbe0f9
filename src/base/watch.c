/* Watches of works and of their parts. */
#include "base/watch.h"

#include <stddef.h>

void gr__watch(const gr_watch *w, const char *what, double share)
{
    if (w) w->say(w->user, what, share);
}

static void say_part(void *user, const char *what, double share)
{
    const gr_watch_part *p = user;
    gr__watch(p->to, what, p->from + p->by * share);
}

const gr_watch *gr__watch_part(gr_watch_part *p, const gr_watch *to, double from, double by)
{
    *p = (gr_watch_part){.watch = {say_part, p}, .to = to, .from = from, .by = by};
    return to ? &p->watch : NULL;
}
