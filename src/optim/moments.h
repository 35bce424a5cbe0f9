/* What the methods of Adam's family share. */
#ifndef GR_OPTIM_MOMENTS_H
#define GR_OPTIM_MOMENTS_H

#include "optim/optimizer.h"

gr_val gr__first_moment(gr_step *s, gr_val g);             /* m <- beta1 m + (1 - beta1) g, slot "m" */
gr_first_moment gr__averaged_moment(const gr_settings *s); /* as a descriptor says it: {"m", beta1} */
gr_val gr__second_moment(gr_step *s, gr_val g);            /* v <- beta2 v + (1 - beta2) g^2, slot "v" */
gr_val gr__unbias_of(gr_step *s, const char *beta);        /* rank 0: 1 - beta^t */
/* factor m / (sqrt(v / c) + eps) for rank-0 factor and c, with c taken out of the root: what is left for each number is
 * a root, a sum and a quotient. */
gr_val gr__over_root(gr_step *s, gr_val m, gr_val factor, gr_val v, gr_val c);
/* Adam's update; hat: eps is added to the uncorrected root. */
gr_val gr__adam_update(gr_step *s, gr_val w, gr_val g, bool hat);
/* RAdam's direction times a rank-0 rate: m^ r_t / v^ where the variance of the adaptive rate is known well enough, else
 * m^ alone, or nothing. Reads rows beta1, beta2, eps, eps_mode, rho_threshold, unrectified. */
gr_val gr__rectified(gr_step *s, gr_val g, gr_val rate);
/* Rank 0: 1 in updates that step, 0 in those that are skipped. */
gr_val gr__rectified_steps(gr_step *s);
/* The rows that it reads beside lr and the betas. */
#define GR_RECTIFIED_ROWS                                                                                         \
    GR_ROW("eps_mode", CHOICE, "raw", "raw|corrected", "",                                                        \
           "to which root eps is added: the uncorrected or the corrected one"),                                   \
        GR_ROW("rho_threshold", REAL, "5", "[4,100]", "1", "rectified where rho_t is above it; the paper has 4"), \
        GR_ROW("unrectified", CHOICE, "sgdm", "sgdm|skip", "",                                                    \
               "what is done before: a step with the first moment, or nothing at all")
/* w - lr |w| / |u| u for a weight or an embedding, with |w| limited to [low, high]; w - lr u for others. */
gr_val gr__trust_step(gr_step *s, gr_val w, gr_val u, double low, double high);

#endif
