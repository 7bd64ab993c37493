/* The verbs: each does what its name says (struct verb, run). */
#ifndef SPOOL_CLI_VERBS_H
#define SPOOL_CLI_VERBS_H

#include "spool/cli/cli.h"

int verb_status(struct cli *cli, int argc, char **argv);
int verb_list(struct cli *cli, int argc, char **argv);
int verb_show(struct cli *cli, int argc, char **argv);
int verb_trace(struct cli *cli, int argc, char **argv);
int verb_payload(struct cli *cli, int argc, char **argv);
int verb_explain(struct cli *cli, int argc, char **argv);
int verb_retry(struct cli *cli, int argc, char **argv);
int verb_hold(struct cli *cli, int argc, char **argv);
int verb_release(struct cli *cli, int argc, char **argv);
int verb_cancel(struct cli *cli, int argc, char **argv);
int verb_replay(struct cli *cli, int argc, char **argv);
int verb_dead(struct cli *cli, int argc, char **argv);
int verb_fsck(struct cli *cli, int argc, char **argv);
int verb_rebuild(struct cli *cli, int argc, char **argv);
int verb_check_queues(struct cli *cli, int argc, char **argv);

/* Acts, and says what was done: retry and its kin, dead requeue and drop. */
int act_and_tell(struct cli *cli, const struct operator_order *order);

#endif
