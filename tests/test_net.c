#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/net.h"
#include "base/proxy_header.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

static struct ip ip_of(const char *text)
{
	struct ip ip;

	assert_true(ip_parse(text, strlen(text), &ip));
	return ip;
}

static void ip_reads_and_writes_both_families(void **state)
{
	static const struct {
		const char *in, *out;
		bool four, loopback;
	} rows[] = {
	    {"192.0.2.1", "192.0.2.1", true, false},
	    {"127.8.0.1", "127.8.0.1", true, true},
	    {"::ffff:127.0.0.1", "127.0.0.1", true, true},
	    {"::1", "::1", false, true},
	    {"2001:DB8:0:0::1", "2001:db8::1", false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip ip = ip_of(rows[i].in);
		char text[IP_TEXT];

		ip_format(&ip, text);
		assert_string_equal(text, rows[i].out);
		assert_int_equal(ip_is_v4(&ip), rows[i].four);
		assert_int_equal(ip_is_loopback(&ip), rows[i].loopback);
	}
}

static void ip_refuses_what_is_none(void **state)
{
	static const char *const rows[] = {"", "1.2.3", "1.2.3.4.5",
	    "256.1.1.1", "::g", "[::1]", "fe80::1%eth0", "1.2.3.4 ",
	    "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa"};
	struct ip ip;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_false(ip_parse(rows[i], strlen(rows[i]), &ip));
	assert_false(ip_parse("1.2.3.4\0", 8, &ip));
}

static void ip_of_a_socket_unmaps(void **state)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	struct sockaddr_storage storage = {0};
	struct ip want = ip_of("192.0.2.7"), got;

	(void)state;
	assert_int_equal(
	    inet_pton(AF_INET6, "::ffff:192.0.2.7", &v6.sin6_addr), 1);
	memcpy(&storage, &v6, sizeof(v6));
	got = ip_of_socket(&storage);
	assert_true(ip_equal(&got, &want));
}

static void cidr_set_finds_networks_of_both_families(void **state)
{
	static const struct {
		const char *ip;
		bool in;
	} rows[] = {
	    {"192.0.2.0", true}, {"192.0.2.127", true}, {"192.0.2.128", false},
	    {"203.0.113.7", true}, {"203.0.113.8", false},
	    {"198.18.239.255", true}, {"198.18.240.0", false},
	    {"2001:db8:ffff::1", true}, {"2001:db9::1", false},
	    {"::c000:201", false}, /* not the mapped form */
	};
	struct cidr_set *set = cidr_set_new();
	struct error err;

	(void)state;
	assert_true(cidr_set_add(set,
	    "192.0.2.5/25, 198.18.224.0/20, 2001:db8::/32 # ours\n"
	    "# one more\n203.0.113.7\t",
	    &err));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip ip = ip_of(rows[i].ip);

		assert_int_equal(cidr_set_has(set, &ip), rows[i].in);
	}
	cidr_set_free(&set);
	assert_null(set);
}

static void cidr_set_knows_nothing_and_everything(void **state)
{
	struct ip ip = ip_of("198.51.100.1"), six = ip_of("2001:db8::1");
	struct cidr_set *set = cidr_set_new();

	(void)state;
	assert_false(cidr_set_has(NULL, &ip));
	assert_true(cidr_set_add(set, " \n", NULL));
	assert_false(cidr_set_has(set, &ip));
	assert_true(cidr_set_add(set, "0.0.0.0/0", NULL));
	assert_true(cidr_set_has(set, &ip));
	assert_false(cidr_set_has(set, &six));
	assert_true(cidr_set_add(set, "::/0", NULL));
	assert_true(cidr_set_has(set, &six));
	cidr_set_free(&set);

	/* Nobody who writes IPv6 means IPv4. */
	set = cidr_set_new();
	assert_true(cidr_set_add(set, "::/0, ::/64", NULL));
	assert_true(cidr_set_has(set, &six));
	assert_false(cidr_set_has(set, &ip));
	cidr_set_free(&set);
}

static void cidr_set_names_the_bad_entry(void **state)
{
	static const char *const rows[] = {"192.0.2.0/33", "192.0.2.0/",
	    "2001:db8::/129", "example.com", "1.2.3.4/x", "/8"};
	struct cidr_set *set = cidr_set_new();
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_false(cidr_set_add(set, rows[i], &err));
		assert_int_equal(err.kind, ERROR_CONFIG);
		assert_non_null(strstr(err.text, rows[i]));
	}
	cidr_set_free(&set);
}

static void listen_addresses_are_read(void **state)
{
	static const struct {
		const char *in, *ip;
		unsigned port;
		bool tls;
	} rows[] = {
	    {"[::]:2490", "::", 2490, false},
	    {"tls:[::]:465", "::", 465, true},
	    {"127.0.0.1:0", "127.0.0.1", 0, false},
	    {"[2001:db8::1]:65535", "2001:db8::1", 65535, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct listen_address address;
		struct ip ip = ip_of(rows[i].ip);
		struct error err;

		assert_true(listen_address_parse(
		    rows[i].in, strlen(rows[i].in), &address, &err));
		assert_true(ip_equal(&address.ip, &ip));
		assert_int_equal(address.port, rows[i].port);
		assert_int_equal(address.tls, rows[i].tls);
	}
}

static void listen_addresses_are_checked(void **state)
{
	static const char *const rows[] = {"", "25", ":25", "::1:25", "[::]",
	    "[::]:", "[::]:65536", "[127.0.0.1]:25", "localhost:25",
	    "tls:", "[::]:25x"};
	struct listen_address address;
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_false(listen_address_parse(
		    rows[i], strlen(rows[i]), &address, &err));
		assert_int_equal(err.kind, ERROR_CONFIG);
	}
}

static void connects(int family, uint16_t port)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
	    .sin6_port = htons(port),
	    .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int fd = socket(family, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	if (family == AF_INET)
		assert_int_equal(
		    connect(fd, (struct sockaddr *)&v4, sizeof(v4)), 0);
	else
		assert_int_equal(
		    connect(fd, (struct sockaddr *)&v6, sizeof(v6)), 0);
	(void)close(fd);
}

static void net_listens_on_both_families(void **state)
{
	struct listen_address any = {.port = 0}, taken;
	struct error err;
	struct ip ip;
	uint16_t port;
	int fd, second;
	bool six;

	(void)state;
	assert_true(net_listen(&any, &fd, &err));
	assert_true(net_local_address(fd, &ip, &port, &err));
	assert_int_not_equal(port, 0);
	connects(AF_INET, port);
	six = !ip_is_v4(&ip);
	if (six)
		connects(AF_INET6, port);
	taken = (struct listen_address){.port = port};
	assert_false(net_listen(&taken, &second, &err));
	assert_int_equal(err.kind, ERROR_BUSY);
	assert_int_equal(second, -1);
	(void)close(fd);
}

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define ADDRESS_6 "\x20\1\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\7"
#define ROW(bytes) (bytes), sizeof(bytes) - 1

static void proxy_headers_are_read(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *client; /* NULL: the proxy itself; "": bad */
	} rows[] = {
	    {ROW("PROXY TCP4 192.0.2.1 192.0.2.2 65535 25\r\n"), "192.0.2.1"},
	    {ROW("PROXY TCP6 2001:db8::1 ::1 1 25\r\n"), "2001:db8::1"},
	    {ROW("PROXY TCP4 192.0.2.1 192.0.2.2 0 49090\r\n"), "192.0.2.1"},
	    {ROW("PROXY UNKNOWN\r\n"), NULL},
	    {ROW("PROXY UNKNOWN a b c d e f\r\n"), NULL},
	    {ROW("PROXY TCP4 192.0.2.1 192.0.2.2 65536 25\r\n"), ""},
	    {ROW("PROXY TCP4 192.0.2.1 192.0.2.2 025 25\r\n"), ""},
	    {ROW("PROXY TCP4 192.0.2.1 192.0.2.2 1: 25\r\n"), ""},
	    {ROW("PROXY TCP4 192.0.2.1 192.0.2.2 1 2/\r\n"), ""},
	    {ROW("PROXY TCP4 192.0.2.1 192.0.2.2 25 25 \r\n"), ""},
	    {ROW("PROXY TCP4 192.0.2.1  192.0.2.2 25 25\r\n"), ""},
	    {ROW("PROXY TCP4 192.0.2.1 192.0.2.2 25\r\n"), ""},
	    {ROW("PROXY TCP4 2001:db8::1 ::1 1 25\r\n"), ""},
	    {ROW("PROXY TCP6 192.0.2.1 192.0.2.2 1 25\r\n"), ""},
	    {ROW("PROXY TCP4 192.0.2.1 192.0.2.2 1 25\n"), ""},
	    {ROW("PROXY UDP4 192.0.2.1 192.0.2.2 1 25\r\n"), ""},
	    {ROW("EHLO x\r\n"), ""},
	    {ROW("\r\nQ"), ""},
	    {ROW(SIGNATURE "\x21\x11\0\x0C\xC0\0\2\1\1\2\3\4\0\1\0\2"),
		"192.0.2.1"},
	    {ROW(SIGNATURE "\x21\x11\0\x10\xC0\0\2\1\1\2\3\4\0\1\0\2"
			   "\4\0\1x"),
		"192.0.2.1"},
	    {ROW(SIGNATURE "\x21\x21\0\x24" ADDRESS_6 ADDRESS_6 "\0\1\0\2"),
		"2001:db8::7"},
	    {ROW(SIGNATURE "\x21\x21\0\x23" ADDRESS_6 ADDRESS_6 "\0\1\0"), ""},
	    {ROW(SIGNATURE "\x20\0\0\0"), NULL},
	    {ROW(SIGNATURE "\x21\0\0\0"), NULL},
	    {ROW(SIGNATURE "\x21\x31\0\0"), NULL},
	    {ROW(SIGNATURE "\x21\x11\0\4\xC0\0\2\1"), ""},
	    {ROW(SIGNATURE "\x11\x11\0\0"), ""},
	    {ROW(SIGNATURE "\x22\x11\0\0"), ""},
	    {ROW(SIGNATURE "\x21\x11\xFF\xFF"), ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct proxy_header header;
		enum proxy_parse result = PROXY_MORE;
		size_t used, len = 0;
		char text[IP_TEXT];

		/* Byte by byte. */
		while (result == PROXY_MORE && len < rows[i].len)
			result = proxy_header_parse(
			    rows[i].bytes, ++len, &header, &used);
		if (rows[i].client != NULL && rows[i].client[0] == '\0') {
			assert_int_equal(result, PROXY_BAD);
			continue;
		}
		assert_int_equal(result, PROXY_DONE);
		assert_int_equal(used, rows[i].len);
		assert_int_equal(header.has_client, rows[i].client != NULL);
		if (rows[i].client == NULL)
			continue;
		ip_format(&header.client, text);
		assert_string_equal(text, rows[i].client);
	}
}

static void proxy_headers_may_be_so_long_and_no_longer(void **state)
{
	char line[108] = "PROXY UNKNOWN ";
	char binary[PROXY_HEADER_MAX + 1] = SIGNATURE "\x21\x11";
	const size_t most = PROXY_HEADER_MAX - 16;
	struct proxy_header header;
	size_t used;

	(void)state;
	memset(line + 14, 'x', sizeof(line) - 14);
	memcpy(line + 105, "\r\n", 2);
	assert_int_equal(
	    proxy_header_parse(line, 107, &header, &used), PROXY_DONE);
	assert_int_equal(used, 107);
	memcpy(line + 105, "x\r\n", 3);
	assert_int_equal(
	    proxy_header_parse(line, 106, &header, &used), PROXY_MORE);
	assert_int_equal(
	    proxy_header_parse(line, 107, &header, &used), PROXY_BAD);
	assert_int_equal(
	    proxy_header_parse(line, 108, &header, &used), PROXY_BAD);

	binary[14] = (char)(most >> 8);
	binary[15] = (char)most;
	assert_int_equal(
	    proxy_header_parse(binary, 16, &header, &used), PROXY_MORE);
	assert_int_equal(
	    proxy_header_parse(binary, PROXY_HEADER_MAX, &header, &used),
	    PROXY_DONE);
	assert_int_equal(used, PROXY_HEADER_MAX);
	binary[14] = (char)((most + 1) >> 8);
	binary[15] = (char)(most + 1);
	assert_int_equal(
	    proxy_header_parse(binary, 16, &header, &used), PROXY_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ip_reads_and_writes_both_families),
	    cmocka_unit_test(ip_refuses_what_is_none),
	    cmocka_unit_test(ip_of_a_socket_unmaps),
	    cmocka_unit_test(cidr_set_finds_networks_of_both_families),
	    cmocka_unit_test(cidr_set_knows_nothing_and_everything),
	    cmocka_unit_test(cidr_set_names_the_bad_entry),
	    cmocka_unit_test(listen_addresses_are_read),
	    cmocka_unit_test(listen_addresses_are_checked),
	    cmocka_unit_test(net_listens_on_both_families),
	    cmocka_unit_test(proxy_headers_are_read),
	    cmocka_unit_test(proxy_headers_may_be_so_long_and_no_longer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
