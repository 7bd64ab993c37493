/* Asks the DNS what its standard input says, for tests: each line is a group
 * of questions "TYPE NAME[=WAIT_MS] ...", asked at the same time, one thread
 * each. Prints a line of JSON for each answer, in the order of the questions.
 *
 *   dns_ask SERVER[,SERVER] [trust]
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/dns.h"
#include "base/json_text.h"
#include "base/log.h"
#include "bounds.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUP 200

struct question {
	char *name;
	enum dns_type type;
	int64_t wait_ms, took_ms;
	struct arena *arena;
	struct dns_answer answer;
	pthread_t thread;
};

static struct dns *dns;

static void *ask(void *arg)
{
	struct question *question = arg;
	int64_t began_ms = clock_mono_ms();

	dns_ask(dns, question->name, question->type, question->wait_ms,
	    question->arena, &question->answer);
	question->took_ms = clock_mono_ms() - began_ms;
	return NULL;
}

static enum dns_type type_of(const char *name)
{
	static const struct {
		const char *name;
		enum dns_type type;
	} types[] = {{"A", DNS_A}, {"PTR", DNS_PTR}, {"MX", DNS_MX},
	    {"TXT", DNS_TXT}, {"AAAA", DNS_AAAA}, {"TLSA", DNS_TLSA}};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].name, name) == 0)
			return types[i].type;
	(void)fprintf(stderr, "no type %s\n", name);
	exit(2);
}

static void print_record(
    struct buf *out, const struct dns_record *record, enum dns_type type)
{
	char ip[IP_TEXT];

	if (type == DNS_A || type == DNS_AAAA) {
		ip_format(&record->ip, ip);
		(void)buf_printf(out, "\"%s\"", ip);
		return;
	}
	if (type == DNS_MX)
		(void)buf_printf(out, "[%u,", record->preference);
	if (type == DNS_TLSA)
		(void)buf_printf(out, "\"%u %u %u %zu bytes\"", record->usage,
		    record->selector, record->matching, record->len);
	else
		(void)json_text_append(out, record->text, record->len);
	if (type == DNS_MX)
		(void)buf_append_char(out, ']');
}

static void print_answer(struct question *question)
{
	const struct dns_answer *answer = &question->answer;
	struct buf out = buf_new((size_t)1 << 20);

	(void)buf_printf(&out,
	    "{\"status\":\"%s\",\"authentic\":%s,\"ttl\":%" PRId64
	    ",\"took_ms\":%" PRId64 ",\"records\":[",
	    dns_status_name(answer->status),
	    answer->authentic ? "true" : "false", answer->ttl_s,
	    question->took_ms);
	for (size_t i = 0; i < answer->count; i++) {
		if (i > 0)
			(void)buf_append_char(&out, ',');
		print_record(&out, &answer->records[i], question->type);
	}
	(void)buf_append_text(&out, "]}");
	(void)puts(buf_text(&out));
	buf_free(&out);
}

static void read_question(struct question *question, char **rest)
{
	char *equals;

	question->type = type_of(strsep(rest, " "));
	question->name = strsep(rest, " ");
	question->wait_ms = LIMIT_DNS_QUERY_MS;
	equals = strchr(question->name, '=');
	if (equals != NULL) {
		*equals = '\0';
		question->wait_ms = strtol(equals + 1, NULL, 10);
	}
	question->arena = arena_new();
}

static void ask_group(char *line)
{
	static struct question group[GROUP];
	size_t count = 0;
	char *rest = line;

	line[strcspn(line, "\n")] = '\0';
	for (; rest != NULL && *rest != '\0' && count < GROUP; count++)
		read_question(&group[count], &rest);
	for (size_t i = 0; i < count; i++)
		if (pthread_create(&group[i].thread, NULL, ask, &group[i]) != 0)
			exit(1);
	for (size_t i = 0; i < count; i++) {
		(void)pthread_join(group[i].thread, NULL);
		print_answer(&group[i]);
		arena_free(&group[i].arena);
	}
	(void)fflush(stdout);
}

int main(int argc, char **argv)
{
	const char *items[4];
	struct config config = {
	    .dns_trust_ad = argc > 2, .dns_servers = {.items = items}};
	static char line[64 * 1024];
	struct error err;
	char *rest = argc > 1 ? argv[1] : NULL;

	log_open("dns_ask", LOG_INFO);
	log_to_fd(2);
	for (char *at; (at = strsep(&rest, ",")) != NULL;)
		items[config.dns_servers.count++] = at;
	if (!dns_new(&config, &dns, &err)) {
		(void)fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	while (fgets(line, sizeof(line), stdin) != NULL)
		ask_group(line);
	dns_free(&dns);
	return 0;
}
