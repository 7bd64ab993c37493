#include "smtpd/review.h"

#include "base/alloc.h"
#include "base/pool.h"
#include "smtpd/policy.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct review {
	struct subject subject;
	struct settings *settings; /* held */
	struct address recipient;
	struct content_facts content;
	struct draft *draft;
	struct loop *loop;
	struct pool_job *job; /* NULL: done */
	void (*done)(void *arg);
	void *arg;
};

/* On the session's thread or, when it was forgotten at work, the pool's. */
static void free_review(void *arg)
{
	struct review *review = arg;

	findings_free(&review->subject.findings);
	arena_free(&review->subject.arena);
	spool_discard(&review->draft);
	settings_release(&review->settings);
	free(review);
}

static const char *copy(struct arena *arena, const char *text)
{
	return text == NULL ? NULL : arena_strdup(arena, text);
}

static void copy_recipients(struct arena *arena, struct subject *subject)
{
	struct recipient *copies;

	if (subject->recipient_count == 0)
		return;
	copies = arena_alloc(arena, subject->recipient_count * sizeof(*copies));
	for (size_t i = 0; i < subject->recipient_count; i++)
		copies[i] = (struct recipient){
		    .address =
			arena_strdup(arena, subject->recipients[i].address),
		    .lane = subject->recipients[i].lane};
	subject->recipients = copies;
}

static void copy_results(struct arena *arena, struct results *results)
{
	struct check_results *checks = &results->checks;

	results->client_name = copy(arena, results->client_name);
	results->spf_domain = copy(arena, results->spf_domain);
	results->spf_explanation = copy(arena, results->spf_explanation);
	checks->spam_report = copy(arena, checks->spam_report);
	checks->spam_status_header = copy(arena, checks->spam_status_header);
	for (size_t i = 0; i < results->authentication_count; i++)
		results->authentication[i] =
		    arena_strdup(arena, results->authentication[i]);
}

/* Everything that belongs to the session or its transaction. */
static void copy_borrowed(struct review *review)
{
	struct subject *subject = &review->subject;
	struct arena *arena = check_arena(subject);
	struct address *recipient = &review->recipient;

	subject->session = copy(arena, subject->session);
	subject->ip_text = copy(arena, subject->ip_text);
	subject->helo = copy(arena, subject->helo);
	subject->id = copy(arena, subject->id);
	subject->sender = copy(arena, subject->sender);
	copy_recipients(arena, subject);
	copy_results(arena, &subject->results);
	if (subject->recipient != NULL) {
		*recipient = *subject->recipient;
		recipient->local = arena_strndup(
		    arena, recipient->local, recipient->local_len);
		recipient->domain = arena_strndup(
		    arena, recipient->domain, recipient->domain_len);
		subject->recipient = recipient;
	}
	if (subject->content != NULL) {
		review->content = *subject->content;
		subject->content = &review->content;
	}
}

/* On a thread of the service's pool. */
static void make_blocking(void *arg)
{
	struct review *review = arg;

	policy_make(&review->subject);
}

static void on_made(void *arg);

/* False, with a refusal, if nobody is free to make it and too many wait. */
static bool start(struct review *review, enum service service)
{
	struct subject *subject = &review->subject;

	review->job = pool_start(services_pool(subject->services, service),
	    review->loop, make_blocking, on_made, review);
	if (review->job != NULL)
		return true;
	check_refuse(subject, 451, "4.3.2", "checks_busy",
	    "Too busy to check this, try again later");
	return false;
}

static void on_made(void *arg)
{
	struct review *review = arg;
	enum service service;

	review->job = NULL;
	service = policy_advance(&review->subject);
	if (service == SERVICE_NONE || !start(review, service))
		review->done(review->arg);
}

struct review *review_begin(struct loop *loop, struct subject *subject,
    enum service service, struct draft **draft, void (*done)(void *arg),
    void *arg)
{
	struct review *review = xcalloc(1, sizeof(*review));

	review->subject = *subject;
	review->settings = settings_hold(subject->settings);
	review->loop = loop;
	review->done = done;
	review->arg = arg;
	copy_borrowed(review);
	if (start(review, service)) {
		review->draft = *draft;
		*draft = NULL;
		return review;
	}
	/* All but the subject's own memory is still the caller's. */
	subject->arena = review->subject.arena;
	subject->verdict = review->subject.verdict;
	settings_release(&review->settings);
	free(review);
	return NULL;
}

struct subject *review_subject(struct review *review)
{
	return &review->subject;
}

struct draft *review_take_draft(struct review *review)
{
	struct draft *draft = review->draft;

	review->draft = NULL;
	return draft;
}

int64_t review_deadline_ms(const struct review *review)
{
	return review->subject.deadline_ms;
}

void review_forget(struct review **review)
{
	struct review *gone = *review;

	if (gone == NULL)
		return;
	*review = NULL;
	atomic_store(&gone->subject.forgotten, true);
	if (gone->job != NULL)
		pool_forget(&gone->job, free_review);
	else
		free_review(gone);
}
