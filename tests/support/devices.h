/* The devices that there are, and what a suite that runs on every one of them has to know of it. A new device is a row
 * here; a test of the model floor holds the list against what a recipe may name. */
#ifndef GR_TESTS_DEVICES_H
#define GR_TESTS_DEVICES_H

#include "plan/backend.h"

typedef struct device {
    const gr_backend *backend;
    double members;    /* how near members come to their evidence */
    double steps;      /* how near random steps come to the evaluator */
    bool smooth;       /* those steps may not jump: where it rounds more than the evaluator, it may jump elsewhere */
    int rows;          /* of a batch: enough for several shards, where it has them, and no more than it runs fast */
    bool by_reference; /* runs whatever operation by its reference, those of the tests among them */
} device;

extern const device devices[];
extern const int n_devices;

#endif
