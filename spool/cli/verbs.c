#include "spool/cli/verbs.h"

#include <stddef.h>

#define FILTERS                                                                \
	"  --lane L       webhook or smtp\n"                                   \
	"  --rcpt A       this recipient\n"                                    \
	"  --from A       this sender; \"\" is the null sender\n"              \
	"  --older D      received longer ago: 90s, 5m, 4h, 7d\n"
#define ALL "  --all          every message to which it applies\n"

const struct verb cli_verbs[] = {
    {"status", "", "What is in the spool: counts, age, room, circuits", NULL,
	verb_status},
    {"list",
	"[--state S] [--lane L] [--rcpt A] [--from A] [--older D] [--limit N]",
	"Deliveries, oldest first",
	"  --state S      queued, deferred, claimed, held, dead, delivered,\n"
	"                 cancelled (the last two only while their message "
	"has\n"
	"                 other recipients)\n" FILTERS
	"  --limit N      at most so many\n",
	verb_list},
    {"show", "ID [--raw] [--headers] [--envelope]",
	"One message and its deliveries",
	"  --raw          the message itself, byte for byte\n"
	"  --headers      its header\n"
	"  --envelope     what came with it: client, checks, parameters\n",
	verb_show},
    {"trace", "ID | MESSAGE-ID | ADDRESS [--limit N]",
	"The whole story of a message, from connection to last answer",
	"Finished messages are remembered for HISTORY_RETENTION.\n"
	"\n"
	"  --limit N      the latest N messages (100)\n",
	verb_trace},
    {"payload", "ID | FILE [--rcpt A] [--from A]",
	"The JSON that is or would be posted",
	"  --rcpt A       for this recipient (the first one)\n"
	"  --from A       as from this sender\n",
	verb_payload},
    {"explain", "--ip A --helo H --from F --rcpt R [FILE]",
	"What the checks would say of a mail, step by step",
	"Nothing is sent. Exits 1 if it would be refused.\n"
	"\n"
	"  --ip A         the client's address\n"
	"  --helo H       what it calls itself\n"
	"  --from F       the sender; \"\" is the null sender\n"
	"  --rcpt R       the recipient\n",
	verb_explain},
    {"retry", "ID... | --all [--lane L] [--rcpt A] [--from A] [--older D]",
	"Try again now", ALL FILTERS, verb_retry},
    {"hold", "ID... | --all [--lane L] [--rcpt A] [--from A] [--older D]",
	"Try no more until it is released", ALL FILTERS, verb_hold},
    {"release", "ID... | --all [--lane L] [--rcpt A] [--from A] [--older D]",
	"Let go what was held", ALL FILTERS, verb_release},
    {"cancel", "ID... [--lane L] [--rcpt A]",
	"Never deliver it: the message is discarded",
	"  --lane L       only what goes this way\n"
	"  --rcpt A       only for this recipient\n",
	verb_cancel},
    {"replay",
	"ID... | --since T [--until T] [--rcpt A] [--lane L] [--dry-run]",
	"Post again what was delivered",
	"With the message ids and idempotency keys that it had. Messages are "
	"kept for that\n"
	"for KEEP_DELIVERED, each hour as a whole.\n"
	"\n"
	"  --since T      all that ended from then on, to the hour: "
	"2026-01-31T12:00\n"
	"                 (UTC), or so long ago: 90m, 4h, 7d\n"
	"  --until T      and before\n"
	"  --rcpt A       only for this recipient\n"
	"  --lane L       webhook (by itself) or smtp\n"
	"  --dry-run      only tell what would be posted\n",
	verb_replay},
    {"dead", "list | show | requeue | drop | export ...", "Dead letters",
	"  list [--reason R] [--lane L] [--rcpt A] [--from A] [--older D] "
	"[--limit N]\n"
	"  show ID [--raw] [--headers] [--envelope]\n"
	"  requeue ID... | --all [--reason R] [--lane L] [--rcpt A] [--from "
	"A] [--older D]\n"
	"                 put back into the queue, as if it had just come\n"
	"  drop ID... | --all [--reason R] [--lane L] [--rcpt A] [--from A] "
	"[--older D]\n"
	"                 discard\n"
	"  export ID | --to DIR (ID... | --all [--reason R] ...)\n"
	"                 as RFC 5322 message, to standard output or "
	"DIR/ID.eml\n",
	verb_dead},
    {"fsck", "[--repair]", "Check everything, hashes too",
	"Beside the running programs. Nothing that could be mail is deleted: "
	"what has no\n"
	"record is set aside in SPOOL_DIR/orphan, what cannot be delivered "
	"becomes a\n"
	"dead letter.\n"
	"\n"
	"  --repair       also put right what is wrong\n",
	verb_fsck},
    {"rebuild", "", "Make the index anew from the files",
	"Wants the programs stopped. Files that are not what was stored are "
	"set aside in\n"
	"SPOOL_DIR/orphan and never delivered.\n",
	verb_rebuild},
    {"check-queues", "",
	"For monitoring: 0 ok, 1 warning, 2 critical, 3 cannot tell",
	"Warning at QUEUE_WARN_THRESHOLD waiting deliveries, critical at\n"
	"DLQ_CRIT_THRESHOLD dead letters.\n",
	verb_check_queues},
    {NULL, NULL, NULL, NULL, NULL},
};
