/* An SMTP load generator that costs little enough to share two cores with what it measures.
 *
 *   load HOST PORT FILE FIRST COUNT SESSIONS keep|reconnect RATE
 *
 * FILE holds prepared messages: a line "sender recipient octets", then that many octets, which are
 * what DATA sends: dots stuffed, the final dot included. Messages FIRST to FIRST+COUNT-1 are sent
 * once each. RATE 0 sends as fast as the server takes them; else message i falls due at i/RATE
 * seconds. Commands wait for their replies, as nearly every mail tool does it.
 *
 * Prints one JSON object. "accept_ms" is from the final dot to the reply, "transaction_ms" from
 * MAIL, or from the moment a paced message fell due (with its wait for a session, and with the
 * connection where each message has its own), to the reply. Times of day are CLOCK_MONOTONIC.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum state { CLOSED, GREETING, EHLO, IDLE, MAIL, RCPT, DATA, DOT, RSET, QUIT };

struct message { const char *sender, *recipient, *data; int sender_len, recipient_len; size_t len; };

struct session {
	int fd;
	enum state state;
	long current;              /* message under way, -1 for none */
	int64_t begun, dotted;
	const char *out;           /* what is still to be written */
	size_t out_len;
	char command[1200], in[4096];
	size_t in_len;
	int waits_writable;
};

static struct message *messages;
static struct session *sessions;
static int *idle, idle_count;
static long count, next, finished;
static int session_count, reconnect, epoll_fd, failures;
static double rate;
static int64_t started, ended;
static struct sockaddr_in server;
static long accepted, held, rejected, deferred, broken;
static float *accept_ms, *transaction_ms;
static long timed;
static char odd_reply[256];

static int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(2);
}

static const char *word(const char **at, const char *end, char stop, int *len)
{
	const char *start = *at, *found = memchr(start, stop, end - start);
	if (!found) { errno = EINVAL; die("the message file is malformed"); }
	*len = found - start;
	*at = found + 1;
	return start;
}

static void read_messages(const char *path, long first)
{
	struct stat info;
	int fd = open(path, O_RDONLY);
	if (fd < 0 || fstat(fd, &info) < 0) die(path);
	const char *at = mmap(NULL, info.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (at == MAP_FAILED) die("mmap");
	const char *end = at + info.st_size;
	messages = calloc(count, sizeof *messages);
	for (long i = 0; i < first + count; i++) {
		struct message m;
		int digits;
		if (at >= end) { errno = ENODATA; die("the message file has fewer messages than asked for"); }
		m.sender = word(&at, end, ' ', &m.sender_len);
		m.recipient = word(&at, end, ' ', &m.recipient_len);
		m.len = atol(word(&at, end, '\n', &digits));
		m.data = at;
		at += m.len;
		if (m.sender_len + m.recipient_len > 1000) { errno = EINVAL; die("an address is too long"); }
		if (i >= first) messages[i - first] = m;
	}
}

static void watch(struct session *s, int operation, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = s };
	if (epoll_ctl(epoll_fd, operation, s->fd, &e) < 0) die("epoll_ctl");
}

static void begin(struct session *s);

/* Give up the message under way; the next one gets a new connection. */
static void drop(struct session *s)
{
	if (s->current >= 0) { broken++; finished++; s->current = -1; }
	if (s->fd >= 0) close(s->fd);
	s->fd = -1;
	s->state = CLOSED;
	if (++failures > 1000) { errno = ECONNABORTED; die("too many lost connections"); }
}

static void rest(struct session *s)
{
	idle[idle_count++] = s - sessions;
}

static void flush(struct session *s)
{
	while (s->out_len) {
		ssize_t n = send(s->fd, s->out, s->out_len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR) continue;
		if (n < 0 && errno == EAGAIN) {
			if (!s->waits_writable) watch(s, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
			s->waits_writable = 1;
			return;
		}
		if (n < 0) { drop(s); rest(s); return; }
		s->out += n;
		s->out_len -= n;
	}
	if (s->waits_writable) watch(s, EPOLL_CTL_MOD, EPOLLIN);
	s->waits_writable = 0;
}

static void say(struct session *s, enum state then, const char *verb, const char *argument, int len)
{
	int n = len < 0 ? snprintf(s->command, sizeof s->command, "%s\r\n", verb)
	                : snprintf(s->command, sizeof s->command, "%s:<%.*s>\r\n", verb, len, argument);
	s->state = then;
	s->out = s->command;
	s->out_len = n;
	flush(s);
}

static void dial(struct session *s)
{
	int one = 1;
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (s->fd < 0) die("socket");
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	s->in_len = s->out_len = s->waits_writable = 0;
	s->state = GREETING;
	if (connect(s->fd, (struct sockaddr *)&server, sizeof server) < 0 && errno != EINPROGRESS) die("connect");
	watch(s, EPOLL_CTL_ADD, EPOLLIN);
}

static void mail(struct session *s)
{
	struct message *m = &messages[s->current];
	say(s, MAIL, "MAIL FROM", m->sender, m->sender_len);
}

static int64_t due(long i) { return rate > 0 ? started + (int64_t)(i / rate * 1e9) : 0; }

/* Start the next message on this session, or let it wait for one to fall due. */
static void begin(struct session *s)
{
	int64_t now = now_ns();
	if (next >= count || due(next) > now) { rest(s); return; }
	s->begun = rate > 0 ? due(next) : now;
	s->current = next++;
	if (s->state == CLOSED) dial(s);
	else mail(s);
}

static void finish(struct session *s, int code, const char *text)
{
	int64_t now = now_ns();
	if (s->state == DOT) {
		accept_ms[timed] = (now - s->dotted) / 1e6;
		transaction_ms[timed++] = (now - s->begun) / 1e6;
	}
	if (code / 100 == 2 && strstr(text, " held ")) held++;
	else if (code / 100 == 2) accepted++;
	else if (code / 100 == 4) deferred++;
	else rejected++;
	if ((code / 100 != 2 || strstr(text, " held ")) && !odd_reply[0])
		snprintf(odd_reply, sizeof odd_reply, "%s", text);
	failures = 0;
	finished++;
	ended = now;
	int whole = s->state == DOT;
	s->current = -1;
	if (!whole) say(s, RSET, "RSET", NULL, -1);
	else if (reconnect) say(s, QUIT, "QUIT", NULL, -1);
	else { s->state = IDLE; begin(s); }
}

static void reply(struct session *s, int code, const char *text)
{
	struct message *m = s->current >= 0 ? &messages[s->current] : NULL;
	int good = code / 100 == 2;
	switch (s->state) {
	case GREETING:
		if (!good) { drop(s); rest(s); return; }
		say(s, EHLO, "EHLO load.example", NULL, -1);
		return;
	case EHLO:
		if (m) { mail(s); return; }
		s->state = IDLE;
		begin(s);
		return;
	case MAIL:
		if (good) say(s, RCPT, "RCPT TO", m->recipient, m->recipient_len);
		else finish(s, code, text);
		return;
	case RCPT:
		if (good) say(s, DATA, "DATA", NULL, -1);
		else finish(s, code, text);
		return;
	case DATA:
		if (code != 354) { finish(s, code, text); return; }
		s->state = DOT;
		s->out = m->data;
		s->out_len = m->len;
		s->dotted = now_ns();
		flush(s);
		return;
	case DOT:
		finish(s, code, text);
		return;
	case RSET:
		if (reconnect) { say(s, QUIT, "QUIT", NULL, -1); return; }
		s->state = IDLE;
		begin(s);
		return;
	case QUIT:
		close(s->fd);
		s->fd = -1;
		s->state = CLOSED;
		begin(s);
		return;
	default:                   /* a word nobody asked for, such as 421 while idle */
		drop(s);
	}
}

/* Take whole lines; only the last line of a reply counts. */
static void readable(struct session *s)
{
	ssize_t n = recv(s->fd, s->in + s->in_len, sizeof s->in - 1 - s->in_len, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
	if (n <= 0) {
		int was_idle = s->state == IDLE;
		if (s->state == QUIT) { reply(s, 221, ""); return; }
		drop(s);
		if (!was_idle) rest(s);
		return;
	}
	s->in_len += n;
	s->in[s->in_len] = 0;
	char *line = s->in, *end;
	while (s->fd >= 0 && (end = memchr(line, '\n', s->in + s->in_len - line))) {
		*end = 0;
		char *text = line;
		line = end + 1;
		if (end - text > 3 && text[3] == '-') continue;
		if (end > text && end[-1] == '\r') end[-1] = 0;
		reply(s, atoi(text), text);
		if (s->state == GREETING) return;      /* a new connection: nothing of the old one counts */
	}
	s->in_len -= line - s->in;
	memmove(s->in, line, s->in_len);
}

static void wake_idle(void)
{
	while (idle_count && next < count && due(next) <= now_ns())
		begin(&sessions[idle[--idle_count]]);
}

static void run(void)
{
	struct epoll_event events[256];
	started = ended = now_ns();
	for (int i = 0; i < session_count; i++) begin(&sessions[i]);
	while (finished < count) {
		struct timespec wait = { 30, 0 };
		if (idle_count && next < count) {
			int64_t left = due(next) - now_ns();
			if (left < 0) left = 0;
			wait.tv_sec = left / 1000000000;
			wait.tv_nsec = left % 1000000000;
		}
		int n = epoll_pwait2(epoll_fd, events, 256, &wait, NULL);
		if (n < 0 && errno != EINTR) die("epoll_wait");
		if (n == 0 && !(idle_count && next < count)) { errno = ETIMEDOUT; die("no reply for 30 seconds"); }
		for (int i = 0; i < n; i++) {
			struct session *s = events[i].data.ptr;
			if (s->fd >= 0 && events[i].events & EPOLLOUT) flush(s);
			if (s->fd >= 0 && events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP)) readable(s);
		}
		wake_idle();
	}
}

static int by_value(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;
	return (x > y) - (x < y);
}

static void print_times(const char *name, float *v)
{
	double sum = 0;
	qsort(v, timed, sizeof *v, by_value);
	for (long i = 0; i < timed; i++) sum += v[i];
#define AT(q) (timed ? v[(long)((timed - 1) * (q))] : 0.0)
	printf("\"%s\": {\"p50\": %.3f, \"p90\": %.3f, \"p99\": %.3f, \"max\": %.3f, \"mean\": %.3f}, ", name,
	       AT(.5), AT(.9), AT(.99), AT(1), timed ? sum / timed : 0.0);
}

static void print_text(const char *name, const char *text)
{
	printf("\"%s\": \"", name);
	for (; *text; text++)
		if (*text >= ' ' && *text < 127 && *text != '"' && *text != '\\') putchar(*text);
	printf("\"}\n");
}

int main(int argc, char **argv)
{
	if (argc != 9) {
		fprintf(stderr, "usage: load HOST PORT FILE FIRST COUNT SESSIONS keep|reconnect RATE\n");
		return 2;
	}
	server.sin_family = AF_INET;
	server.sin_port = htons(atoi(argv[2]));
	if (inet_pton(AF_INET, argv[1], &server.sin_addr) != 1) { errno = EINVAL; die(argv[1]); }
	count = atol(argv[5]);
	session_count = atoi(argv[6]);
	reconnect = !strcmp(argv[7], "reconnect");
	rate = atof(argv[8]);
	if (count < 1 || session_count < 1) { errno = EINVAL; die("COUNT and SESSIONS are at least 1"); }
	read_messages(argv[3], atol(argv[4]));
	sessions = calloc(session_count, sizeof *sessions);
	idle = calloc(session_count, sizeof *idle);
	accept_ms = calloc(count, sizeof *accept_ms);
	transaction_ms = calloc(count, sizeof *transaction_ms);
	epoll_fd = epoll_create1(0);
	for (int i = 0; i < session_count; i++) {
		sessions[i].fd = -1;
		sessions[i].current = -1;
	}
	struct rusage before, after;
	getrusage(RUSAGE_SELF, &before);
	run();
	getrusage(RUSAGE_SELF, &after);
	double cpu = (after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec - before.ru_stime.tv_sec) * 1e6
	           + after.ru_utime.tv_usec - before.ru_utime.tv_usec + after.ru_stime.tv_usec - before.ru_stime.tv_usec;
	double seconds = (ended - started) / 1e9;
	printf("{\"messages\": %ld, \"accepted\": %ld, \"held\": %ld, \"rejected\": %ld, \"deferred\": %ld, \"broken\": %ld, ",
	       count, accepted, held, rejected, deferred, broken);
	printf("\"started\": %.6f, \"ended\": %.6f, \"seconds\": %.6f, \"rate\": %.1f, \"cpu_us\": %.2f, ", started / 1e9,
	       ended / 1e9, seconds, seconds > 0 ? count / seconds : 0, cpu / count);
	print_times("accept_ms", accept_ms);
	print_times("transaction_ms", transaction_ms);
	print_text("odd_reply", odd_reply);
	return 0;
}
