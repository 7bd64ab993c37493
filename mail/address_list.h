/* Lists of addresses as an application writes them: `Ada <ada@example.com>,
 * "Lovelace, A." <al@example.com>, b@example.com` (RFC 5322 section 3.4), read
 * strictly. Pure. (What a person should read of such a list in a received mail
 * is mail/mailbox.h.) */
#ifndef MAIL_ADDRESS_LIST_H
#define MAIL_ADDRESS_LIST_H

#include "base/arena.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

struct named_address {
	/* Plain text without quotes, UTF-8; or as it was written if it has
	 * encoded words (RFC 2047). Empty: no name. */
	struct slice name;
	bool encoded;        /* the name has encoded words, and is ASCII */
	const char *address; /* as address_format() spells it */
};

struct address_list {
	struct named_address *items;
	size_t count, room;
};

/* Appends the addresses of the text, copied into the arena. On failure *fault
 * ends a sentence that begins with the name of the field: "is not an address".
 * An empty text adds nothing. */
bool address_list_parse(struct address_list *list, struct slice text,
    struct arena *arena, const char **fault);

#endif
