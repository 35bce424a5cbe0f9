/* A training as commands run one: shown while it goes on, told at its end. */
#ifndef GR_CLI_TRAINING_H
#define GR_CLI_TRAINING_H

#include "cli/cli.h"
#include "cli/progress.h"
#include "gradus/trainer.h"

typedef gr_status cli_follower(cli *c, const gr_recipe *r, const gr_trainer_options *o, gr_train_result *out);
/* Without telling of the end. */
gr_status cli_train_shown(cli *c, const gr_recipe *r, const gr_trainer_options *o, cli_follower *run,
                          gr_train_result *out);
/* The rest of the options is seen to. run: what trains; NULL: a trainer of the library. */
gr_status cli_train(cli *c, const gr_recipe *r, const gr_trainer_options *o, cli_follower *run);

#endif
