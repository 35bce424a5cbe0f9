/* Samples that training would refuse. */
#include "study/data/inspect.h"

static const char *const kinds[GR_FAULT_KINDS] = {[GR_FAULT_UNDECODABLE] = "undecodable",
                                                  [GR_FAULT_NONFINITE] = "nonfinite",
                                                  [GR_FAULT_SHAPE] = "shape",
                                                  [GR_FAULT_LABEL_RANGE] = "label_range",
                                                  [GR_FAULT_NO_LABEL] = "missing_label",
                                                  [GR_FAULT_NO_SAMPLE] = "empty_class"};

/* left: of those that training leaves out by itself, or of those that it would stop at. */
static gr_status tell_kind(gr_inspection *s, gr_part p, gr_fault_kind kind, bool left)
{
    gr_faults *faults = &s->task.faults[p];
    gr_data_finding *f = NULL;
    gr_status st = GR_OK;
    gr_severity severity = left ? GR_SEVERITY_WARNING : GR_SEVERITY_ERROR;
    for (size_t i = 0; i < faults->n && st == GR_OK; i++) {
        const gr_fault *one = &faults->fault[i];
        if (one->kind != kind || one->left != left) continue;
        if (!f && !(f = gr__found(s, kinds[kind], severity, p))) return gr__error_code(s->ctx);
        if (!f->text[0] && one->text) gr__found_text(s, f, "%s", one->text);
        if (one->row < 0) { /* which a list of rows cannot name */
            gr__found_file(s, f, p, one);
            continue;
        }
        gr__found_sample(s, f, s->first[p] + one->row);
        st = gr__leave_out(s, s->first[p] + one->row, kinds[kind], false);
    }
    return st;
}

gr_status gr__inspect_faults(gr_inspection *s)
{
    gr_status st = GR_OK;
    for (int p = 0; p < GR_PARTS; p++) {
        gr__faults_sort(&s->task.faults[p]);
        for (int k = 0; k < 2 * GR_FAULT_KINDS && st == GR_OK; k++)
            st = tell_kind(s, (gr_part)p, (gr_fault_kind)(k / 2), k % 2);
    }
    return st;
}
