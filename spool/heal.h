/* Opening the index again after a failed sync or commit. */
#ifndef SPOOL_HEAL_H
#define SPOOL_HEAL_H

/* How often a broken spool is looked at again. */
#define HEAL_INTERVAL_S 5

struct spool;

/* Closes and re-opens the index, reads all of it, repairs what our own
 * unfinished groups left, and tries the disk with a synced file; if all that
 * works the spool is healthy again. On the committer's thread. */
void spool_heal(struct spool *spool);

#endif
