/* What a sample's predictions are: said by costs of the outputs that they read, by layers of what they give, and used
 * by whoever starts, reads or checks outputs. */
#ifndef GR_NN_PREDICTION_H
#define GR_NN_PREDICTION_H

typedef enum gr_prediction_form {
    GR_PREDICT_VALUES, /* any numbers */
    GR_PREDICT_LABELS, /* from 0 to 1 each; of a single output that and its complement: a sigmoid's */
    GR_PREDICT_SHARES, /* from 0 to 1 each, summing to 1: a softmax's */
} gr_prediction_form;

#endif
