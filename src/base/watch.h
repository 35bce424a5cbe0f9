/* Who is told how far a long work has come. */
#ifndef GR_BASE_WATCH_H
#define GR_BASE_WATCH_H

/* Of `what` the share done, 0 to 1. NULL: nobody is told. */
typedef struct gr_watch {
    void (*say)(void *user, const char *what, double share);
    void *user;
} gr_watch;
void gr__watch(const gr_watch *w, const char *what, double share);

/* A watch for a part of a work: its 0 to 1 are `from` to `from + by` of the whole. It stays where it was made; to NULL:
 * nobody is told. Returns what to hand on. */
typedef struct gr_watch_part {
    gr_watch watch;
    const gr_watch *to;
    double from, by;
} gr_watch_part;
const gr_watch *gr__watch_part(gr_watch_part *p, const gr_watch *to, double from, double by);

#endif
