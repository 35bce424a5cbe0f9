/* The loader inside: what a batch is gathered from and with (gather.c). Floor 5. */
#ifndef GR_DATA_LOADER_H
#define GR_DATA_LOADER_H

#include <pthread.h>

#include "base/pool.h"
#include "data/augment.h"
#include "data/buckets.h"
#include "data/sample.h"

/* How a field comes from the set to a batch. */
typedef struct gr__way {
    const gr_field *field;
    gr_element as;
    int64_t apart;                  /* numbers of a sample in the set */
    int place;                      /* in a batch */
    int64_t whole;                  /* steps of a sample, where batches may have fewer; 0: they never have */
    bool read;                      /* INPUT: samples come one by one, from a reader or to be changed */
    bool told;                      /* LENGTH: of an input whose changes may alter it, written with that */
    int length;                     /* INPUT: the place of its lengths in a batch; -1: it has none */
    const gr_augmentation *augment; /* INPUT: NULL: none */
    const gr_delivery *delivery;    /* INPUT */
    const gr_made *made;            /* samples of the set that no source has; NULL: none */
} gr__way;

/* What is needed by whoever reads and changes samples: one a thread. */
typedef struct gr__room {
    gr_context *errors; /* of its own: threads do not share one */
    gr__samples from[GR_MAX_INPUTS];
    float *numbers; /* of a sample that is changed; of indices as int32 */
    void *scratch;
    gr_status status; /* of its first failure */
} gr__room;

/* Rows of a batch that is being made. */
typedef struct gr__gathering {
    const gr__way *way;
    int n_ways;
    void *const *field;   /* where to, by place; NULL: not wanted */
    const uint32_t *row;  /* of the set */
    const uint32_t *draw; /* what changes are keyed by beside the row; NULL: `epoch` for all */
    uint32_t epoch;
    int64_t steps; /* of fields that are cut; 0: all */
} gr__gathering;

/* Bytes of tensor memory that a room takes of what it is given, for these ways. */
size_t gr__room_bytes(const gr_loader_options *o);
/* block: gr__room_bytes of tensor memory. Room for readers' scratch is taken beside it. */
gr_status gr__room_open(gr_context *ctx, const gr_loader_options *o, char *block, gr__room *out);
void gr__room_close(gr__room *r);
/* Rows first .. first + n of the batch; a failure is kept in the room, and nothing is gathered after it. */
void gr__gather(const gr__gathering *g, gr__room *room, int64_t first, int64_t n);
/* The first copy of a materialised list: samples as they are. */
#define GR__UNCHANGED UINT32_MAX

/* ---- the loader ---- */

typedef enum gr__slot_state { GR__SLOT_EMPTY, GR__SLOT_BEGUN, GR__SLOT_FULL, GR__SLOT_LENT } gr__slot_state;

typedef struct gr__slot {
    gr__slot_state state; /* under the lock where there are threads; so are shards: */
    int shards, taken, done;
    gr_batch batch;
    void *field[GR_MAX_FIELDS]; /* by place; NULL: not gathered */
    uint32_t *row, *draw;       /* draw: NULL: the epoch's */
} gr__slot;

typedef struct gr__position {
    int64_t epoch, index;
} gr__position;

struct gr_loader {
    gr_context *ctx;
    gr_loader_options o;
    gr_rows rows;               /* a copy of where they stand; the numbers are the caller's */
    int64_t batch, batches;     /* rows in a full one; batches in an epoch */
    gr__way way[GR_MAX_FIELDS]; /* of the set, in its order */
    int n_fields;
    size_t input_bytes; /* of one sample as delivered, all inputs */
    bool heavy;         /* samples are read or changed */

    uint32_t *order; /* permutation of 0..rows-1, of the epoch that is being filled; NULL: rows as they come */
    gr__bucket_room room;
    int64_t order_epoch; /* -1: not made yet; whoever begins a slot owns all three */

    char *block; /* tensor memory of all slots, then of the order, buckets and workers */
    size_t block_bytes;
    gr__slot slot[2], elsewhere; /* elsewhere: not the loader's own memory */
    int n_slots, take;           /* take: the slot the caller gets next */
    gr__room *worker;            /* of heavy loaders one a thread; else one, of which nothing is needed */
    int n_workers;

    gr__pool *pool; /* of loaders without threads; NULL: whoever takes fills alone */
    pthread_t *thread;
    int n_threads; /* that run; 0: it has none */
    int seats;     /* of workers, that threads have taken */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a slot was begun, filled or given back, the position was set, the end is near */
    gr__position next;      /* of the next batch to fill */
    int fill;               /* the slot it goes to */
    int busy;               /* threads at work outside the lock */
    bool held, stop;        /* held: nothing new is begun */
    const gr__room *failed; /* the first worker that was seen to fail; it works no more */
};

/* The threads of a loader that has its own: gr__loader_threads many, which fill slots until the end. */
int gr__loader_threads(const gr_loader *l);
gr_status gr__loader_start(gr_loader *l);
void gr__loader_stop(gr_loader *l);

#endif
