#include "smtpd/command.h"

#include "base/slice.h"
#include "base/utf8.h"
#include "bounds.h"

#include <string.h>

/* What is left of the line. */
struct line {
	const char *at, *end;
};

/* False with command->fault set. */
typedef bool arguments_fn(struct line *line, struct command *command);

static bool fault(struct command *command, enum reply reply)
{
	command->fault = reply;
	return false;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void skip_blanks(struct line *line)
{
	while (line->at < line->end && is_blank(*line->at))
		line->at++;
}

/* Takes the next word, up to a blank or the end; empty at the end. */
static struct slice take_word(struct line *line)
{
	const char *start = line->at;

	while (line->at < line->end && !is_blank(*line->at))
		line->at++;
	return (struct slice){start, (size_t)(line->at - start)};
}

/* 1*20DIGIT (RFC 1870 section 4). What passes 64 bits is the largest
 * number. */
static bool parse_size(struct slice text, uint64_t *size)
{
	uint64_t digit;

	*size = 0;
	if (text.len == 0 || text.len > 20)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		digit = (uint64_t)(text.data[i] - '0');
		if (*size > (UINT64_MAX - digit) / 10)
			*size = UINT64_MAX;
		else
			*size = *size * 10 + digit;
	}
	return true;
}

/* --- arguments -------------------------------------------------------- */

static bool read_nothing(struct line *line, struct command *command)
{
	return line->at == line->end ||
	       fault(command, REPLY_NO_ARGUMENT_ALLOWED);
}

static bool read_anything(struct line *line, struct command *command)
{
	(void)line;
	(void)command;
	return true;
}

/* RFC 5321 asks for a domain or an address literal; whether a name is a good
 * one is for policy to say. */
static bool read_name(struct line *line, struct command *command)
{
	command->name = take_word(line);
	if (command->name.len == 0 || command->name.len > LIMIT_DOMAIN ||
	    line->at != line->end ||
	    !utf8_valid(command->name.data, command->name.len))
		return fault(command, REPLY_NAME_WANTED);
	return true;
}

/* A parameter of MAIL; its value is NULL without "=". */
struct parameter {
	const char *name;
	bool (*read)(struct slice value, struct command *command);
};

static bool read_size(struct slice value, struct command *command)
{
	return parse_size(value, &command->size);
}

static bool read_body(struct slice value, struct command *command)
{
	command->eight_bit = slice_is(value, "8BITMIME");
	return command->eight_bit || slice_is(value, "7BIT");
}

static bool read_smtputf8(struct slice value, struct command *command)
{
	command->smtputf8 = true;
	return value.data == NULL;
}

static const struct parameter mail_parameters[] = {
    {"SIZE", read_size},
    {"BODY", read_body},
    {"SMTPUTF8", read_smtputf8},
};

#define MAIL_PARAMETERS (sizeof(mail_parameters) / sizeof(mail_parameters[0]))

/* One "NAME" or "NAME=value". Of one that comes twice the last counts: some
 * clients add what their caller gave already. */
static bool read_parameter(struct slice word, struct command *command)
{
	size_t equals = slice_find(word, '=');
	struct slice name = slice_first(word, equals), value = {NULL, 0};

	if (equals < word.len)
		value = slice_from(word, equals + 1);
	for (size_t i = 0; i < MAIL_PARAMETERS; i++)
		if (slice_is(name, mail_parameters[i].name))
			return mail_parameters[i].read(value, command) ||
			       fault(command, REPLY_BAD_PARAMETER);
	return fault(command, REPLY_UNKNOWN_PARAMETER);
}

/* "FROM:<path>" or "TO:<path>". A blank before the path is common, and
 * harmless. */
static bool read_path(
    struct line *line, const char *keyword, struct command *command)
{
	struct slice rest = {line->at, (size_t)(line->end - line->at)};
	size_t used;

	if (!slice_starts(rest, keyword))
		return false;
	line->at += strlen(keyword);
	skip_blanks(line);
	if (!address_parse_path(line->at, (size_t)(line->end - line->at),
		&command->address, &used))
		return false;
	line->at += used;
	return line->at == line->end || is_blank(*line->at);
}

static bool read_mail(struct line *line, struct command *command)
{
	const struct address *address = &command->address;

	/* Only <postmaster> may lack a domain, and it does not send. */
	if (!read_path(line, "FROM:", command) ||
	    (address->domain_len == 0 && !address_is_null(address)))
		return fault(command, REPLY_BAD_SENDER);
	for (skip_blanks(line); line->at < line->end; skip_blanks(line))
		if (!read_parameter(take_word(line), command))
			return false;
	if (address->utf8 && !command->smtputf8)
		return fault(command, REPLY_NEEDS_SMTPUTF8);
	return true;
}

static bool read_rcpt(struct line *line, struct command *command)
{
	if (!read_path(line, "TO:", command) ||
	    !address_is_recipient(&command->address))
		return fault(command, REPLY_BAD_RECIPIENT);
	skip_blanks(line);
	return line->at == line->end || fault(command, REPLY_UNKNOWN_PARAMETER);
}

/* RFC 3030 section 2. */
static bool read_bdat(struct line *line, struct command *command)
{
	struct slice word;

	if (!parse_size(take_word(line), &command->size))
		return fault(command, REPLY_BAD_CHUNK);
	skip_blanks(line);
	word = take_word(line);
	command->last = slice_is(word, "LAST");
	if ((word.len > 0 && !command->last) || line->at != line->end)
		return fault(command, REPLY_BAD_CHUNK);
	return true;
}

/* --- verbs ------------------------------------------------------------ */

static const struct {
	const char *name;
	enum verb verb;
	arguments_fn *read;
} verbs[] = {
    {"MAIL", VERB_MAIL, read_mail},
    {"RCPT", VERB_RCPT, read_rcpt},
    {"DATA", VERB_DATA, read_nothing},
    {"EHLO", VERB_EHLO, read_name},
    {"STARTTLS", VERB_STARTTLS, read_nothing},
    {"QUIT", VERB_QUIT, read_nothing},
    {"BDAT", VERB_BDAT, read_bdat},
    {"HELO", VERB_HELO, read_name},
    {"RSET", VERB_RSET, read_nothing},
    {"NOOP", VERB_NOOP, read_anything},
    {"VRFY", VERB_VRFY, read_anything},
    {"HELP", VERB_HELP, read_anything},
    {"EXPN", VERB_ABSENT, read_anything},
    {"AUTH", VERB_ABSENT, read_anything},
    {"ETRN", VERB_ABSENT, read_anything},
    {"TURN", VERB_ABSENT, read_anything},
    {"GET", VERB_FOREIGN, read_anything},
    {"POST", VERB_FOREIGN, read_anything},
    {"PUT", VERB_FOREIGN, read_anything},
    {"CONNECT", VERB_FOREIGN, read_anything},
};

static bool is_text(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)bytes[i] < ' ' && bytes[i] != '\t') ||
		    bytes[i] == 0x7F)
			return false;
	return true;
}

/* The line without its CRLF. */
static bool read_line(struct line *line, struct command *command)
{
	struct slice name;

	while (line->end > line->at && is_blank(line->end[-1]))
		line->end--;
	name = take_word(line);
	skip_blanks(line);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (!slice_is(name, verbs[i].name))
			continue;
		command->verb = verbs[i].verb;
		return verbs[i].read(line, command);
	}
	return fault(command, REPLY_UNKNOWN_COMMAND);
}

enum parse command_parse(
    const char *bytes, size_t len, struct command *command, size_t *used)
{
	size_t window = len < LIMIT_COMMAND_LINE ? len : LIMIT_COMMAND_LINE;
	const char *newline = memchr(bytes, '\n', window);
	struct line line = {.at = bytes};

	*command = (struct command){.verb = VERB_UNKNOWN};
	*used = 0;
	if (newline == NULL && len < LIMIT_COMMAND_LINE)
		return PARSE_MORE;
	if (newline == NULL) {
		*used = window;
		command->fault = REPLY_LINE_TOO_LONG;
		return PARSE_BAD;
	}
	*used = (size_t)(newline - bytes) + 1;
	if (newline == bytes || newline[-1] != '\r' ||
	    !is_text(bytes, *used - 2)) {
		command->fault = REPLY_BAD_LINE;
		return PARSE_BAD;
	}
	line.end = newline - 1;
	return read_line(&line, command) ? PARSE_DONE : PARSE_BAD;
}
