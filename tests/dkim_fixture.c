#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dkim_fixture.h"
#include "forge.h"

#include <string.h>

int fixture_set_up(void **state)
{
	static struct fixture fixture;

	fixture = (struct fixture){.arena = arena_new(), .zone = zone_new()};
	fixture.dns = zone_lookup(fixture.zone);
	fixture.keys = (struct key_source){&fixture.dns, NOW};
	*state = &fixture;
	return 0;
}

int fixture_tear_down(void **state)
{
	struct fixture *fixture = *state;

	zone_free(&fixture->zone);
	arena_free(&fixture->arena);
	return 0;
}

void publish(struct fixture *fixture, const char *name, const char *record)
{
	const char *text = forge_record(record, fixture->arena);

	assert_true(zone_add_text(fixture->zone,
	    arena_printf(fixture->arena, "%s TXT %s", name, text)));
}

const struct signature_verdict *verify(
    struct fixture *fixture, const char *message)
{
	struct source *source = arena_alloc(fixture->arena, sizeof(*source));
	struct signed_mail *mail;
	struct error err;

	*source = source_memory(message, strlen(message));
	assert_true(signed_mail_open(source, fixture->arena, &mail, &err));
	assert_true(dkim_verify(mail, &fixture->keys, &fixture->dkim, &err));
	assert_true(arc_validate(mail, &fixture->keys, &fixture->arc, &err));
	return fixture->dkim.signatures->list;
}

char *signed_with(struct fixture *fixture, const char *tags,
    const char *message, const char *key)
{
	const char *field = forge_field(
	    arena_printf(fixture->arena, "DKIM-Signature: %s", tags), message,
	    key, fixture->arena);

	return arena_printf(fixture->arena, "%s%s", field, message);
}

void check_verdict(const struct signature_verdict *one, enum auth_result want,
    const char *why, const char *what)
{
	if (one->result != want || strstr(one->why, why) == NULL)
		fail_msg("%s: %d (%s), not %d (%s)", what, (int)one->result,
		    one->why, (int)want, why);
}

void check_rows(struct fixture *fixture, const struct row *rows, size_t count)
{
	publish(fixture, "sel._domainkey.example.com", RECORD);
	publish(fixture, "s.2._domainkey.sub.example.com", RECORD);
	publish(fixture, "ed._domainkey.example.com",
	    "v=DKIM1; k=ed25519; p=@ED25519");
	for (size_t i = 0; i < count; i++) {
		bool edwards = strstr(rows[i].tags, "s=ed") != NULL;

		check_verdict(
		    verify(fixture, signed_with(fixture, rows[i].tags, MESSAGE,
					edwards ? "ed25519" : "rsa1024")),
		    rows[i].want, rows[i].why, rows[i].tags);
	}
}
