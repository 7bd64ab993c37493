#include "mail/dmarc_walk.h"

#include "bounds.h"
#include "mail/domain.h"
#include "mail/public_suffix.h"

/* Section 4.10, steps 1 and 2: several records are as good as none. */
static void ask(struct dmarc_tree *tree, struct dmarc_node *node)
{
	const char *name = arena_printf(tree->arena, "_dmarc.%s", node->name);
	const struct lookup_record *record;
	enum lookup_status status;
	unsigned count = 0;

	if (!domain_is_valid(name))
		return;
	status =
	    lookup_find(tree->lookup, LOOKUP_TXT, name, tree->arena, &record);
	node->error = status == LOOKUP_TEMPERROR;
	if (status != LOOKUP_FOUND)
		return;
	for (; record != NULL; record = record->next) {
		if (!dmarc_record_is(record->text))
			continue;
		dmarc_record_parse(record->text, &node->record);
		count++;
	}
	node->found = count == 1;
}

const struct dmarc_node *dmarc_tree_node(
    struct dmarc_tree *tree, const char *name)
{
	struct dmarc_node *node;

	for (node = tree->nodes; node != NULL; node = node->next)
		if (domain_equal(node->name, name))
			return node;
	node = arena_zalloc(tree->arena, sizeof(*node));
	node->name = name;
	node->next = tree->nodes;
	tree->nodes = node;
	ask(tree, node);
	return node;
}

/* The domain below a suffix. A registry that published before there was a psd
 * tag means no less; but it may have other suffixes below it, and only the list
 * knows them. NULL: the record is not that of a suffix. */
static const char *below_suffix(
    const struct dmarc_node *node, const char *start)
{
	if (domain_equal(node->name, start))
		return NULL;
	if (node->record.psd == DMARC_PSD_YES)
		return domain_suffix(start, domain_labels(node->name) + 1);
	if (node->record.psd == DMARC_PSD_UNKNOWN &&
	    public_suffix_is_registry(node->name))
		return public_suffix_registered(start);
	return NULL;
}

/* Section 4.10.2: `last` is the record with the fewest labels, and the walk
 * ended there if it has a psd tag. */
static void choose(struct dmarc_tree *tree, const char *start,
    const struct dmarc_node *last, struct dmarc_walk *walk)
{
	const struct dmarc_node *node;
	unsigned labels;

	walk->organisation = below_suffix(last, start);
	if (walk->organisation == NULL) {
		walk->organisation = last->name;
		walk->policy = last;
		return;
	}
	node = dmarc_tree_node(tree, walk->organisation);
	walk->error = node->error;
	/* Section 4.10.1: the suffix speaks for those who do not. */
	for (labels = domain_labels(node->name); !node->found; labels--)
		node = dmarc_tree_node(tree, domain_suffix(start, labels - 1));
	walk->policy = node;
}

struct dmarc_walk dmarc_tree_walk(struct dmarc_tree *tree, const char *name)
{
	const struct dmarc_node *last = NULL;
	struct dmarc_walk walk = {.organisation = name};
	unsigned labels = domain_labels(name);
	const char *at = name;

	for (;;) {
		const struct dmarc_node *node = dmarc_tree_node(tree, at);

		if (node->error) {
			walk.error = true;
			return walk;
		}
		if (node->found)
			last = node;
		if (node->found && node->record.psd != DMARC_PSD_UNKNOWN)
			break;
		if (labels == 1)
			break;
		labels = labels >= LIMIT_DMARC_WALK ? LIMIT_DMARC_WALK - 1
						    : labels - 1;
		at = domain_suffix(name, labels);
	}
	walk.any = last != NULL;
	if (walk.any)
		choose(tree, name, last, &walk);
	else
		walk.organisation = public_suffix_registered(name);
	return walk;
}
