/* Samples that training would refuse. */
#include "study/data/inspect.h"

static const char *const kinds[GR_FAULT_KINDS] = {[GR_FAULT_UNDECODABLE] = "undecodable",
                                                  [GR_FAULT_NONFINITE] = "nonfinite",
                                                  [GR_FAULT_SHAPE] = "shape",
                                                  [GR_FAULT_LABEL_RANGE] = "label_range",
                                                  [GR_FAULT_NO_LABEL] = "missing_label"};

static gr_status tell_kind(gr_inspection *s, gr_part p, gr_fault_kind kind)
{
    gr_faults *faults = &s->task.faults[p];
    gr_data_finding *f = NULL;
    gr_status st = GR_OK;
    for (size_t i = 0; i < faults->n && st == GR_OK; i++) {
        const gr_fault *one = &faults->fault[i];
        if (one->kind != kind) continue;
        int64_t at = s->first[p] + one->row;
        if (!f && !(f = gr__found(s, kinds[kind], GR_SEVERITY_ERROR, p))) return gr__error_code(s->ctx);
        if (!f->text[0] && one->text) gr__found_text(s, f, "%s", one->text);
        if (one->row < 0) {
            gr__found_file(f, p, one->file);
            continue;
        }
        gr__found_sample(s, f, at);
        st = gr__leave_out(s, at, kinds[kind], false);
    }
    return st;
}

gr_status gr__inspect_faults(gr_inspection *s)
{
    gr_status st = GR_OK;
    for (int p = 0; p < GR_PARTS; p++) {
        gr__faults_sort(&s->task.faults[p]);
        for (int k = 0; k < GR_FAULT_KINDS && st == GR_OK; k++) st = tell_kind(s, (gr_part)p, (gr_fault_kind)k);
    }
    return st;
}
