#include "smtpd/listen.h"

#include <assert.h>
#include <string.h>

bool smtpd_listen_needs_tls(const struct config *config)
{
	const struct list *names = &config->smtp_listen;
	struct listen_address address;

	for (size_t i = 0; i < names->count; i++)
		if (listen_address_parse(names->items[i],
			strlen(names->items[i]), &address, NULL) &&
		    address.tls)
			return true;
	return false;
}

bool smtpd_listen(
    const struct config *config, struct listeners *listeners, struct error *err)
{
	const struct list *names = &config->smtp_listen;
	struct listen_address addresses[LISTENERS_MAX];

	assert(names->count <= LISTENERS_MAX); /* says config_rules.c */
	for (size_t i = 0; i < names->count; i++)
		if (!listen_address_parse(names->items[i],
			strlen(names->items[i]), &addresses[i], err))
			return false;
	return listeners_open(listeners, addresses, names->count, err);
}
