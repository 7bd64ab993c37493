#include "mail/mailbox.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/utf8.h"
#include "mail/encoded_word.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * Real address lists seldom follow the grammar, so this does not either: the
 * text is cut into operators and what stands between them, and of each entry
 * the address is what stands in <>, or else looks like one.
 */

enum token_kind { TOKEN_TEXT, TOKEN_OPERATOR };

struct token {
	enum token_kind kind;
	char sign;
	bool no_break; /* of an operator: the next text joins the one before */
	struct slice text;
};

struct tokens {
	struct token *list;
	size_t count, size;
};

struct piece {
	struct slice text;
	bool quoted;
	bool glued; /* to the piece before */
};

/* What an entry is made of. */
enum place { PLACE_TEXT, PLACE_ADDRESS, PLACE_COMMENT, PLACE_GROUP, PLACES };

struct pieces {
	struct piece *list;
	size_t count, size;
};

struct mailbox {
	struct mailbox *next;
	struct slice name, address;
	bool is_group;
	struct mailbox *members;
};

static struct token *add_token(struct tokens *tokens, enum token_kind kind)
{
	struct token *token;

	if (tokens->count == tokens->size) {
		tokens->size = tokens->size == 0 ? 16 : tokens->size * 2;
		tokens->list = xrealloc(
		    tokens->list, tokens->size * sizeof(*tokens->list));
	}
	token = &tokens->list[tokens->count++];
	*token = (struct token){.kind = kind};
	return token;
}

/* Whether it is an operator, and the character that ends what it begins, or
 * 0. Inside a group no other one begins: there a ':' ends what may have been
 * its name. */
static bool is_operator(char c, bool in_group, char *closing)
{
	static const char begin[] = "\"(<,:;";
	static const char end[] = "\")>\0;\0";
	const char *at = c == '\0' ? NULL : strchr(begin, c);

	if (at == NULL)
		return false;
	*closing = c == ':' && in_group ? '\0' : end[at - begin];
	return true;
}

/* Text up to an operator, without control characters and backslashes. */
static size_t take_text(struct slice text, char expected, bool in_group,
    struct arena *arena, struct slice *out)
{
	char *copy, unused;
	size_t at = 0, len = 0, end = 0;

	while (end < text.len) {
		if (expected == '"' && text.data[end] == '\\' &&
		    end + 1 < text.len) {
			end += 2;
			continue;
		}
		if (expected != 0
			? text.data[end] == expected
			: is_operator(text.data[end], in_group, &unused))
			break;
		end++;
	}
	copy = arena_alloc(arena, end + 1);
	for (; at < end; at++) {
		if (expected == '"' && text.data[at] == '\\' && ++at == end)
			break;
		if ((unsigned char)text.data[at] >= ' ' ||
		    text.data[at] == '\t')
			copy[len++] = text.data[at];
	}
	*out = slice_trim((struct slice){copy, len});
	return end;
}

static bool breaks(struct slice rest)
{
	return rest.len == 0 || slice_is_space(rest.data[0]) ||
	       rest.data[0] == ',' || rest.data[0] == ';';
}

static void tokenize(struct slice text, bool in_group, struct arena *arena,
    struct tokens *tokens)
{
	char expected = 0, closing = 0;
	struct token *token;
	struct slice piece;
	bool ends;

	while (text.len > 0) {
		ends = expected != 0 && text.data[0] == expected;
		if (ends || (expected == 0 && is_operator(text.data[0],
						  in_group, &closing))) {
			token = add_token(tokens, TOKEN_OPERATOR);
			token->sign = text.data[0];
			text = slice_from(text, 1);
			token->no_break = ends && !breaks(text);
			expected = ends ? 0 : closing;
			continue;
		}
		text = slice_from(
		    text, take_text(text, expected, in_group, arena, &piece));
		if (piece.len > 0)
			add_token(tokens, TOKEN_TEXT)->text = piece;
	}
}

static struct slice join(
    const struct pieces *pieces, const char *separator, struct arena *arena)
{
	size_t len = 0, gap = strlen(separator), at = 0;
	char *text;

	if (pieces->count == 1)
		return pieces->list[0].text;
	for (size_t i = 0; i < pieces->count; i++)
		len += pieces->list[i].text.len + gap;
	text = arena_alloc(arena, len + 1);
	for (size_t i = 0; i < pieces->count; i++) {
		struct slice piece = pieces->list[i].text;

		if (i > 0) {
			memcpy(text + at, separator, gap);
			at += gap;
		}
		memcpy(text + at, piece.data, piece.len);
		at += piece.len;
	}
	return (struct slice){text, at};
}

static void add_piece(
    struct pieces *pieces, struct slice text, bool quoted, bool glued)
{
	if (pieces->count == pieces->size) {
		pieces->size = pieces->size == 0 ? 8 : pieces->size * 2;
		pieces->list = xrealloc(
		    pieces->list, pieces->size * sizeof(*pieces->list));
	}
	pieces->list[pieces->count] =
	    (struct piece){text, quoted, glued && pieces->count > 0};
	pieces->count++;
}

/* Makes one piece of each run that is glued together. */
static void unite_glued(struct pieces *pieces, struct arena *arena)
{
	struct piece *list = pieces->list;
	size_t count = 0, next;

	for (size_t i = 0; i < pieces->count; i = next) {
		struct piece one = list[i];

		for (next = i + 1; next < pieces->count && list[next].glued;
		     next++)
			one.quoted |= list[next].quoted;
		one.text =
		    join(&(struct pieces){.list = &list[i], .count = next - i},
			"", arena);
		list[count++] = one;
	}
	pieces->count = count;
}

/* Everything before an unexpected '<' in an address goes. */
static struct slice after_bracket(struct slice text)
{
	size_t at = slice_find(text, '<');

	return at == text.len ? text : slice_trim(slice_from(text, at + 1));
}

static enum place place_after(char sign, bool *in_quotes)
{
	if (sign == '"') {
		*in_quotes = !*in_quotes;
		return PLACE_TEXT;
	}
	*in_quotes = false;
	switch (sign) {
	case '<':
		return PLACE_ADDRESS;
	case '(':
		return PLACE_COMMENT;
	case ':':
		return PLACE_GROUP;
	default:
		return PLACE_TEXT;
	}
}

static void sort_pieces(const struct token *tokens, size_t count,
    struct pieces pieces[PLACES], bool *is_group, struct arena *arena)
{
	enum place place = PLACE_TEXT;
	bool in_quotes = false, glue;
	struct slice text;

	for (size_t i = 0; i < count; i++) {
		if (tokens[i].kind == TOKEN_OPERATOR) {
			place = place_after(tokens[i].sign, &in_quotes);
			*is_group |= place == PLACE_GROUP;
			continue;
		}
		text = tokens[i].text;
		if (place == PLACE_ADDRESS)
			text = after_bracket(text);
		glue = i > 0 && tokens[i - 1].no_break;
		add_piece(&pieces[place], text,
		    in_quotes && place == PLACE_TEXT, glue);
	}
	for (int i = 0; i < PLACES; i++)
		unite_glued(&pieces[i], arena);
}

static bool is_word(struct slice text, size_t at)
{
	return at < text.len &&
	       (isalnum((unsigned char)text.data[at]) || text.data[at] == '_');
}

static bool is_edge(struct slice text, size_t at)
{
	return is_word(text, at) != (at > 0 && is_word(text, at - 1));
}

static size_t skip(struct slice text, size_t at, bool space, char stop)
{
	while (at < text.len && slice_is_space(text.data[at]) == space &&
	       (stop == 0 || text.data[at] != stop))
		at++;
	return at;
}

/* Something like an address in the middle of other text. */
static bool find_address(struct slice text, size_t *from, size_t *to)
{
	size_t at = skip(text, 0, true, 0), sign, end;

	while (at < text.len) {
		if (!is_edge(text, at)) {
			at++;
			continue;
		}
		sign = skip(text, at, false, '@');
		end = sign < text.len && text.data[sign] == '@'
			  ? skip(text, sign + 1, false, 0)
			  : 0;
		while (end > sign + 1 && !is_edge(text, end))
			end--;
		if (sign > at && end > sign + 1) {
			*from = at;
			*to = end;
			return true;
		}
		at = skip(text, sign > at ? sign : at + 1, true, 0);
	}
	return false;
}

static bool is_address(struct slice text)
{
	size_t at = slice_find(text, '@');
	struct slice domain;

	if (at == 0 || at + 1 >= text.len)
		return false;
	domain = slice_from(text, at + 1);
	return slice_find(domain, '@') == domain.len &&
	       skip(text, 0, false, 0) == text.len;
}

static void remove_piece(struct pieces *pieces, size_t at)
{
	pieces->count--;
	memmove(&pieces->list[at], &pieces->list[at + 1],
	    (pieces->count - at) * sizeof(pieces->list[0]));
}

/* An address without brackets: a word that is one, or has one inside. What
 * was quoted is none: "a@b"@example.com must not lead elsewhere. */
static void find_bare_address(
    struct pieces *text, struct pieces *address, struct arena *arena)
{
	struct piece halves[2];
	size_t from, to;

	for (size_t i = text->count; i > 0; i--) {
		if (text->list[i - 1].quoted ||
		    !is_address(text->list[i - 1].text))
			continue;
		add_piece(address, text->list[i - 1].text, false, false);
		remove_piece(text, i - 1);
		return;
	}
	for (size_t i = text->count; i > 0; i--) {
		struct piece *piece = &text->list[i - 1];

		if (piece->quoted || !find_address(piece->text, &from, &to))
			continue;
		add_piece(address,
		    (struct slice){piece->text.data + from, to - from}, false,
		    false);
		halves[0].text = slice_trim(slice_first(piece->text, from));
		halves[1].text = slice_trim(slice_from(piece->text, to));
		piece->text = slice_trim(join(
		    &(struct pieces){.list = halves, .count = 2}, " ", arena));
		if (piece->text.len == 0)
			remove_piece(text, i - 1);
		return;
	}
}

/* Where there is no other text a comment is it. */
static void use_comment(struct pieces pieces[PLACES])
{
	struct pieces unused = pieces[PLACE_TEXT];

	pieces[PLACE_TEXT] = pieces[PLACE_COMMENT];
	pieces[PLACE_COMMENT] = unused;
	pieces[PLACE_COMMENT].count = 0;
}

/* Where name and address are the same, or there is one of them, a sign of an
 * address tells which it is. */
static void tell_apart(struct mailbox *mailbox)
{
	struct slice name = mailbox->name, address = mailbox->address;
	struct slice only = address.len > 0 ? address : name;

	if (name.len > 0 && address.len > 0 &&
	    (name.len != address.len ||
		memcmp(name.data, address.data, name.len) != 0))
		return;
	if (slice_find(only, '@') < only.len) {
		mailbox->address = only;
		mailbox->name.len = 0;
	} else {
		mailbox->name = only;
		mailbox->address.len = 0;
	}
}

static void fill_single(
    struct mailbox *mailbox, struct pieces pieces[PLACES], struct arena *arena)
{
	struct pieces *text = &pieces[PLACE_TEXT];
	struct pieces *address = &pieces[PLACE_ADDRESS];

	if (address->count == 0)
		find_bare_address(text, address, arena);
	if (text->count == 0)
		use_comment(pieces);
	/* Only the first address is one. */
	for (size_t i = 1; i < address->count; i++)
		add_piece(text, address->list[i].text, false, false);
	if (address->count > 1)
		address->count = 1;
	mailbox->name = join(text, " ", arena);
	mailbox->address = join(address, " ", arena);
	tell_apart(mailbox);
}

static bool is_separator(const struct token *token)
{
	return token->kind == TOKEN_OPERATOR &&
	       (token->sign == ',' || token->sign == ';');
}

/* The lists are used again for each entry. */
static void take_pieces(const struct token *tokens, size_t count,
    struct pieces pieces[PLACES], bool *is_group, struct arena *arena)
{
	for (int i = 0; i < PLACES; i++)
		pieces[i].count = 0;
	sort_pieces(tokens, count, pieces, is_group, arena);
}

static void free_pieces(struct pieces pieces[PLACES])
{
	for (int i = 0; i < PLACES; i++)
		free(pieces[i].list);
}

/* One address, appended to the list; returns its new end. */
static struct mailbox **parse_single(
    struct pieces pieces[PLACES], struct arena *arena, struct mailbox **end)
{
	struct mailbox *mailbox = arena_zalloc(arena, sizeof(*mailbox));

	if (pieces[PLACE_TEXT].count == 0 && pieces[PLACE_ADDRESS].count == 0)
		use_comment(pieces);
	fill_single(mailbox, pieces, arena);
	*end = mailbox;
	return &mailbox->next;
}

/* The members of a group. A group inside it is not allowed: its members
 * become those of the outer one, and its name is lost. */
static void parse_members(
    struct slice text, struct arena *arena, struct mailbox **end)
{
	struct pieces pieces[PLACES] = {{.count = 0}};
	struct tokens tokens = {.count = 0};
	size_t start = 0;
	bool unused = false;

	tokenize(text, true, arena, &tokens);
	for (size_t i = 1; i <= tokens.count; i++) {
		const struct token *last = &tokens.list[i - 1];

		if (last->kind == TOKEN_OPERATOR && last->sign == ':')
			start = i;
		if (i < tokens.count && !is_separator(last + 1))
			continue;
		if (i > start) {
			take_pieces(&tokens.list[start], i - start, pieces,
			    &unused, arena);
			end = parse_single(pieces, arena, end);
		}
		start = i + 1;
	}
	free_pieces(pieces);
	free(tokens.list);
}

/* One entry, an address or a group. */
static struct mailbox **parse_entry(const struct token *tokens, size_t count,
    struct pieces pieces[PLACES], struct arena *arena, struct mailbox **end)
{
	struct mailbox *mailbox;
	bool is_group = false;

	if (count == 0)
		return end;
	take_pieces(tokens, count, pieces, &is_group, arena);
	if (!is_group)
		return parse_single(pieces, arena, end);
	mailbox = arena_zalloc(arena, sizeof(*mailbox));
	mailbox->is_group = true;
	mailbox->name = join(&pieces[PLACE_TEXT], " ", arena);
	parse_members(
	    join(&pieces[PLACE_GROUP], ",", arena), arena, &mailbox->members);
	*end = mailbox;
	return &mailbox->next;
}

static struct mailbox **parse_list(
    struct slice text, struct arena *arena, struct mailbox **end)
{
	struct pieces pieces[PLACES] = {{.count = 0}};
	struct tokens tokens = {.count = 0};
	size_t start = 0;

	tokenize(text, false, arena, &tokens);
	for (size_t i = 0; i < tokens.count; i++) {
		if (!is_separator(&tokens.list[i]))
			continue;
		end = parse_entry(
		    &tokens.list[start], i - start, pieces, arena, end);
		start = i + 1;
	}
	if (tokens.count > start)
		end = parse_entry(&tokens.list[start], tokens.count - start,
		    pieces, arena, end);
	free_pieces(pieces);
	free(tokens.list);
	return end;
}

static struct slice decode(struct slice text, struct arena *arena)
{
	struct buf out = buf_new(SIZE_MAX / 2);
	struct slice result;

	if (text.len == 0 || (memmem(text.data, text.len, "=?", 2) == NULL &&
				 utf8_valid(text.data, text.len)))
		return text;
	(void)encoded_words_decode(text, &out);
	result = (struct slice){
	    arena_strndup(arena, buf_text(&out), out.len), out.len};
	buf_free(&out);
	return result;
}

static bool is_encoded_list(const struct mailbox *mailbox)
{
	return !mailbox->is_group && mailbox->address.len == 0 &&
	       encoded_words_base64_only(mailbox->name);
}

/* Not the address: what an encoded word hides there is no part of it (RFC
 * 2047 section 5), and must not make another one. */
static void decode_single(struct mailbox *mailbox, struct arena *arena)
{
	mailbox->name = decode(mailbox->name, arena);
}

/* Some encode the whole list, addresses included: such an entry is taken out
 * and what it says goes to the end. */
static void decode_list(struct mailbox **list, struct arena *arena)
{
	struct mailbox *extra = NULL, **extra_end = &extra, **at = list;

	while (*at != NULL) {
		struct mailbox *mailbox = *at;

		if (is_encoded_list(mailbox)) {
			extra_end = parse_list(
			    decode(mailbox->name, arena), arena, extra_end);
			*at = mailbox->next;
			continue;
		}
		decode_single(mailbox, arena);
		for (struct mailbox *member = mailbox->members; member != NULL;
		     member = member->next)
			decode_single(member, arena);
		at = &mailbox->next;
	}
	*at = extra;
}

static bool append(struct buf *out, struct slice text)
{
	size_t used;

	return utf8_append_clean(out, text.data, text.len, true, &used);
}

static bool format_single(const struct mailbox *mailbox, struct buf *out)
{
	if (mailbox->name.len == 0)
		return append(out, mailbox->address);
	if (!buf_append_char(out, '"') || !append(out, mailbox->name) ||
	    !buf_append_char(out, '"'))
		return false;
	if (mailbox->address.len == 0)
		return true;
	return buf_append_text(out, " <") && append(out, mailbox->address) &&
	       buf_append_char(out, '>');
}

static bool format_group(const struct mailbox *group, struct buf *out)
{
	if (!append(out, group->name) || !buf_append_text(out, ": "))
		return false;
	for (const struct mailbox *member = group->members; member != NULL;
	     member = member->next)
		if (!format_single(member, out) ||
		    (member->next != NULL && !buf_append_text(out, ", ")))
			return false;
	return buf_append_char(out, ';');
}

static bool format_list(const struct mailbox *list, struct buf *out)
{
	for (; list != NULL; list = list->next)
		if (!(list->is_group ? format_group(list, out)
				     : format_single(list, out)) ||
		    (list->next != NULL && !buf_append_text(out, ", ")))
			return false;
	return true;
}

bool mailbox_list_format(struct slice value, struct buf *out)
{
	struct arena *arena = arena_new();
	struct mailbox *list = NULL;
	bool done;

	(void)parse_list(value, arena, &list);
	decode_list(&list, arena);
	done = format_list(list, out);
	arena_free(&arena);
	return done;
}
