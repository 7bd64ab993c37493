#include "smtpd/listen.h"

#include "base/errors.h"

#include <string.h>

bool smtpd_listen(
    const struct config *config, struct listeners *listeners, struct error *err)
{
	const struct list *names = &config->smtp_listen;
	struct listen_address addresses[LISTENERS_MAX];

	if (names->count > LISTENERS_MAX)
		return error_set(err, ERROR_CONFIG,
		    "SMTP_LISTEN has more than %d addresses", LISTENERS_MAX);
	for (size_t i = 0; i < names->count; i++)
		if (!listen_address_parse(names->items[i],
			strlen(names->items[i]), &addresses[i], err))
			return false;
	return listeners_open(listeners, addresses, names->count, err);
}
