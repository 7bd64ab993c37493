#include "spool/announced.h"

bool announced_spool_open(const struct config *config, const char *figures,
    struct announcer **announcer, struct spool **spool, struct error *err)
{
	struct spool_options options = spool_options_of(config);

	if (!announcer_open(config->redis_url, config->elektrine_queue_name,
		config->elektrine_dlq_name, announcer, err))
		return false;
	options.figures = figures;
	options.announce = announcer_announce;
	options.announce_arg = *announcer;
	if (spool_open(&options, spool, err))
		return true;
	announcer_close(announcer);
	return false;
}

void announced_spool_close(struct announcer **announcer, struct spool **spool)
{
	spool_close(spool);
	announcer_close(announcer);
}
