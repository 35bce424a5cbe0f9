/* Snapshots: the model at the ends of cycles.                                             [Huang et al. 2017, section
 * 3] */
#include "train/snapshots.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#define FOLDER "snapshots"

static double rate_after(const gr_loop *l, int64_t step)
{
    gr_clock clock = gr__stepper_clock(&l->stepper, step);
    return gr__engine_rate(l->recipe, &clock, l->schedule);
}

static bool cycle_ends(const gr_loop *l)
{
    if (l->step < 2) return false;
    double before = rate_after(l, l->step - 2), now = rate_after(l, l->step - 1);
    return now < before && (l->step == l->total || rate_after(l, l->step) > now);
}

bool gr__snapshot_due(const gr_loop *l)
{
    const gr_recipe *r = l->recipe;
    return r->snapshot_cycles ? cycle_ends(l) : gr__loop_due(l, r->snapshots);
}

gr_status gr__snapshot_keep(gr_loop *l)
{
    char name[64];
    gr_status st = gr__make_folder(l->ctx, gr__run_path(l->run, FOLDER));
    if (st == GR_OK) st = gr__loop_measure(l, 0);
    snprintf(name, sizeof name, FOLDER "/step-%lld.safetensors", (long long)l->step);
    return st == GR_OK ? gr__loop_save_model(l, name, 0) : st;
}

void gr__snapshots_remove(gr_run *r)
{
    DIR *d = opendir(gr__run_path(r, FOLDER));
    char name[320];
    if (!d) return;
    for (struct dirent *e; (e = readdir(d));) {
        const char *dot = strrchr(e->d_name, '.');
        if (strncmp(e->d_name, "step-", 5) != 0 || !dot || strcmp(dot, ".safetensors") != 0) continue;
        snprintf(name, sizeof name, FOLDER "/%s", e->d_name);
        unlink(gr__run_path(r, name));
    }
    closedir(d);
    rmdir(gr__run_path(r, FOLDER)); /* where others have put files of theirs it stays */
}
