/* check_facts.c - files, the kernel's tables, the control socket */
#include "check_facts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <ifaddrs.h>
#include <limits.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "places.h"
#include "talk.h"

#define TEXT_BYTES_MAX (1 << 20)
#define ROWS_MAX 1000000 /* of a table of the kernel */

const char *check_turn_value(const struct check_facts *f, const char *key)
{
	static const struct {
		const char *key, *value;
	} unit[] = { { "auth-secret-file", CHECK_AUTH_SECRETS },
		     { "admin-socket", CHECK_ADMIN_SOCKET } };
	const char *value = f->turn ? turnserver_conf_get(f->turn, key) : NULL;

	for (size_t i = 0; !value && f->packaged && i < sizeof(unit) / sizeof(unit[0]); i++)
		if (!strcmp(unit[i].key, key))
			value = unit[i].value;
	return value;
}

bool check_static_signs(const struct check_facts *f)
{
	return f->control_status == SIGNALCTL_DONE && f->status.has_secret && !f->status.secret[0];
}

/* --- files ------------------------------------------------------------------------- */

/* A file's text with a NUL behind it, for the caller to free; NULL: errno says why. */
static char *read_whole(const char *path, size_t max, size_t *n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *text = fd < 0 ? NULL : malloc(max + 1);
	ssize_t got = 0;

	*n = 0;
	while (text && *n < max && (got = read(fd, text + *n, max - *n)) > 0)
		*n += (size_t)got;
	if (text)
		text[*n] = '\0';
	if (text && got < 0) {
		free(text);
		text = NULL;
	}
	if (fd >= 0)
		close(fd);
	return text;
}

static bool is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* --- who may read what ------------------------------------------------------------- */

bool check_may(const struct check_user *u, uid_t owner, gid_t group, mode_t mode, int what)
{
	mode_t bit = what == X_OK ? 1 : 4;

	if (u->uid == 0)
		return true;
	if (u->uid == owner)
		return mode & (bit << 6);
	for (size_t i = 0; i < u->gids_n; i++)
		if (u->gid[i] == group)
			return mode & (bit << 3);
	return mode & bit;
}

/* Why the user may not read a file: "" when it may. Walks the folders down to it. */
static void why_unreadable(const char *path, const struct check_user *u, char *why, size_t size)
{
	char part[PATH_MAX], real[PATH_MAX];
	struct stat st;
	char *slash;

	*why = '\0';
	if (!u->known || !realpath(path, real))
		return; /* that it is not there is said elsewhere */
	for (slash = strchr(real + 1, '/');; slash = slash ? strchr(slash + 1, '/') : NULL) {
		size_t n = slash ? (size_t)(slash - real) : strlen(real);

		memcpy(part, real, n);
		part[n] = '\0';
		if (stat(part, &st))
			return;
		if (!check_may(u, st.st_uid, st.st_gid, st.st_mode, slash ? X_OK : R_OK)) {
			snprintf(why, size, "user %s may not %s %.180s", u->name,
				 slash ? "enter" : "read", part);
			return;
		}
		if (!slash)
			return;
	}
}

/* more: a group that a unit adds; NULL: none. */
static void find_user(struct check_user *u, const char *name, const char *more)
{
	const struct passwd *p = getpwnam(name);
	const struct group *g = more ? getgrnam(more) : NULL;
	int n = CHECK_GROUPS_MAX - 1;

	memset(u, 0, sizeof(*u));
	u->name = name;
	if (!p)
		return;
	u->known = true;
	u->uid = p->pw_uid;
	if (getgrouplist(name, p->pw_gid, u->gid, &n) < 0)
		n = CHECK_GROUPS_MAX - 1;
	u->gids_n = (size_t)n;
	if (g)
		u->gid[u->gids_n++] = g->gr_gid;
}

/* --- certificates ------------------------------------------------------------------ */

static void read_pair(const struct check_facts *f, const char *cert_path, const char *key_path,
		      struct check_pair *p)
{
	size_t cert_n, key_n = 0;
	char *cert = read_whole(cert_path, PEM_BYTES_MAX, &cert_n), *key = NULL;

	if (!cert) {
		snprintf(p->fault, sizeof(p->fault), "%s", strerror(errno));
		return;
	}
	key = read_whole(key_path, PEM_BYTES_MAX, &key_n);
	if (!key) {
		snprintf(p->fault, sizeof(p->fault), "its key %.180s: %s", key_path,
			 strerror(errno));
		free(cert);
		return;
	}
	p->read = true;
	pem_pair_check(cert, cert_n, key, key_n, *p->name ? p->name : NULL, f->now_s, &p->pair,
		       p->fault, sizeof(p->fault));
	explicit_bzero(key, key_n);
	free(key);
	free(cert);
}

static void add_pair(struct check_facts *f, const char *daemon, const char *name, const char *cert,
		     const char *pkey, const struct check_user *u)
{
	struct check_pair *p = &f->pair[f->pairs_n];

	if (f->pairs_n == CHECK_PAIRS_MAX)
		return;
	f->pairs_n++;
	p->daemon = daemon;
	p->name = name;
	snprintf(p->cert, sizeof(p->cert), "%s", cert);
	snprintf(p->pkey, sizeof(p->pkey), "%s", pkey);
	read_pair(f, cert, pkey, p);
	why_unreadable(cert, u, p->unreadable, sizeof(p->unreadable));
	if (!*p->unreadable)
		why_unreadable(pkey, u, p->unreadable, sizeof(p->unreadable));
}

static void gather_pairs(struct check_facts *f)
{
	struct check_user signald = { .name = "signald" }, turnserver = { .name = "turnserver" };
	const char *cert, *pkey;

	if (f->packaged) {
		find_user(&signald, "signald", "turnserver");
		find_user(&turnserver, "turnserver", NULL);
	}
	for (size_t i = 0; i < f->config->cert.n && i < f->config->pkey.n; i++)
		add_pair(f, "signald", f->name, f->config->cert.v[i], f->config->pkey.v[i],
			 &signald);
	cert = f->turn ? turnserver_conf_get(f->turn, "cert") : NULL;
	pkey = f->turn ? turnserver_conf_get(f->turn, "pkey") : NULL;
	if (cert && pkey && !turnserver_conf_flag(f->turn, "no-tls"))
		add_pair(f, "turnserver", *f->turn_name ? f->turn_name : f->name, cert, pkey,
			 &turnserver);
}

/* --- secrets ----------------------------------------------------------------------- */

static bool same_file(const char *a, const char *b)
{
	struct stat one, two;

	if (!a || !b)
		return false;
	if (!strcmp(a, b))
		return true;
	return !stat(a, &one) && !stat(b, &two) && one.st_dev == two.st_dev &&
	       one.st_ino == two.st_ino;
}

static void gather_secrets(struct check_facts *f)
{
	const char *ours = f->config->auth_secret_file;
	struct secret_error err = { .line = 0 };
	struct secret_set *set;
	int r;

	f->static_secret = f->turn && turnserver_conf_get(f->turn, "static-auth-secret");
	f->same_secret_file = same_file(ours, check_turn_value(f, "auth-secret-file"));
	if (!ours)
		return;
	r = secret_set_load(ours, &set, &err);
	if (!r) {
		f->secret_active = secret_set_signing(set, f->now_s) != NULL;
		secret_set_free(set);
	} else if (err.line) {
		snprintf(f->secret_fault, sizeof(f->secret_fault), "%.120s:%u: %s", ours, err.line,
			 err.text);
	} else {
		snprintf(f->secret_fault, sizeof(f->secret_fault), "%.120s: %s", ours,
			 *err.text ? err.text : strerror(-r));
	}
}

/* --- the host ---------------------------------------------------------------------- */

static void gather_addresses(struct check_facts *f)
{
	struct ifaddrs *list, *i;
	const void *p;

	if (getifaddrs(&list))
		return;
	for (i = list; i && f->local_n < CHECK_LOCAL_MAX; i = i->ifa_next) {
		if (!i->ifa_addr)
			continue;
		if (i->ifa_addr->sa_family == AF_INET)
			p = &((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr;
		else if (i->ifa_addr->sa_family == AF_INET6)
			p = &((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr;
		else
			continue;
		if (inet_ntop(i->ifa_addr->sa_family, p, f->local[f->local_n], CHECK_ADDRESS_MAX))
			f->local_n++;
	}
	freeifaddrs(list);
}

/* One row: "0: ADDRESS:PORT PEER STATE ...". A UDP socket waits in state 07, TCP listens in 0A. */
static bool listener_row(const char *line, bool tcp, uint16_t *port)
{
	unsigned p, state;

	if (sscanf(line, " %*u: %*32[0-9A-Fa-f]:%4x %*32[0-9A-Fa-f]:%*4x %2x", &p, &state) != 2)
		return false;
	*port = (uint16_t)p;
	return p && state == (tcp ? 0x0a : 0x07);
}

void check_listeners_add(struct check_listeners *l, const char *row, bool tcp)
{
	uint8_t *ports = tcp ? l->tcp : l->udp;
	uint16_t port;

	if (!listener_row(row, tcp, &port))
		return;
	l->any = true;
	ports[port / 8] |= (uint8_t)(1u << port % 8);
}

bool check_listens(const struct check_facts *f, uint16_t port, bool tcp)
{
	const uint8_t *ports = tcp ? f->listeners.tcp : f->listeners.udp;

	return ports[port / 8] >> port % 8 & 1;
}

static void gather_listeners(struct check_facts *f)
{
	static const struct {
		const char *path;
		bool tcp;
	} tables[] = { { "/proc/net/tcp", true },
		       { "/proc/net/tcp6", true },
		       { "/proc/net/udp", false },
		       { "/proc/net/udp6", false } };
	char row[512];
	FILE *table;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		table = fopen(tables[i].path, "re");
		for (size_t n = 0; table && n < ROWS_MAX && fgets(row, sizeof(row), table); n++)
			check_listeners_add(&f->listeners, row, tables[i].tcp);
		if (table)
			fclose(table);
	}
}

/* --- ufw --------------------------------------------------------------------------- */

/* Is the port in "22", "49152:65535", or several of them with commas between? */
static bool in_ports(const char *list, uint16_t port)
{
	unsigned from, to;
	char *end;

	if (!strcmp(list, "any"))
		return true;
	for (const char *p = list; *p; p = end + (*end == ',')) {
		from = to = (unsigned)strtoul(p, &end, 10);
		if (end == p)
			return false;
		if (*end == ':')
			to = (unsigned)strtoul(end + 1, &end, 10);
		if (port >= from && port <= to)
			return true;
		if (*end && *end != ',')
			return false;
	}
	return false;
}

/* "### tuple ### allow udp 3478 0.0.0.0/0 any 0.0.0.0/0 in": action, protocol, ports, to, ports
 * from, from */
static bool ufw_row(const char *line, uint16_t port, bool tcp)
{
	char action[16], protocol[8], ports[256], from[64];

	if (sscanf(line, "### tuple ### %15s %7s %255s %*63s %*255s %63s", action, protocol, ports,
		   from) != 4)
		return false;
	return (!strcmp(action, "allow") || !strcmp(action, "limit")) &&
	       (!strcmp(protocol, "any") || !strcmp(protocol, tcp ? "tcp" : "udp")) &&
	       (!strcmp(from, "0.0.0.0/0") || !strcmp(from, "::/0")) && in_ports(ports, port);
}

bool check_ufw_allows(const char *rules, uint16_t port, bool tcp)
{
	for (const char *p = rules; *p; p += strcspn(p, "\n"), p += *p == '\n')
		if (ufw_row(p, port, tcp))
			return true;
	return false;
}

static void gather_ufw(struct check_facts *f)
{
	size_t n;
	char *text = read_whole("/etc/ufw/ufw.conf", TEXT_BYTES_MAX, &n);

	f->ufw_enabled =
		text && (!strncmp(text, "ENABLED=yes", 11) || strstr(text, "\nENABLED=yes"));
	free(text);
	if (!f->ufw_enabled)
		return;
	text = read_whole("/etc/default/ufw", TEXT_BYTES_MAX, &n);
	f->ufw_open = text && strstr(text, "\nDEFAULT_INPUT_POLICY=\"ACCEPT\"");
	free(text);
	f->ufw_rules = read_whole("/etc/ufw/user.rules", TEXT_BYTES_MAX, &n);
	f->ufw_readable = f->ufw_rules;
}

/* --- signald, turnserver ----------------------------------------------------------- */

static int connect_error(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd, e = 0;

	if (strlen(path) >= sizeof(a.sun_path))
		return ENAMETOOLONG;
	strcpy(a.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&a, sizeof(a)))
		e = errno == EAGAIN ? 0 : errno;
	if (fd >= 0)
		close(fd);
	return e;
}

static void gather_words(struct check_facts *f)
{
	struct control_command what = { .type = CONTROL_STATUS };
	struct json_slice reply;
	struct talk *t;

	f->control_status = SIGNALCTL_UNREACHABLE;
	if (f->config->relay_socket)
		f->relay_socket_error = connect_error(f->config->relay_socket);
	if (!f->config->control_socket)
		return;
	f->control_status = talk_open(&t, f->ctl, true);
	if (f->control_status)
		return;
	f->control_status = talk_ask(t, &what, NULL, NULL, &reply);
	if (!f->control_status && answer_status(reply, &f->status))
		f->control_status = SIGNALCTL_UNREACHABLE;
	talk_close(t);
}

static void gather_units(struct check_facts *f)
{
	static const char wants[] = "/etc/systemd/system/multi-user.target.wants";
	char path[128];

	f->systemd = is_there("/run/systemd/system");
	snprintf(path, sizeof(path), "%s/coturn.service", wants);
	f->coturn_enabled = is_there(path);
	snprintf(path, sizeof(path), "%s/signald.service", wants);
	f->signald_enabled = is_there(path);
}

static int gather_turn(struct check_facts *f, const char *path)
{
	struct secret_error err = { .line = 0 };
	struct turnserver_conf *turn;
	int r;

	f->turn_path = path;
	f->packaged = !strcmp(path, CHECK_TURNSERVER_CONF) &&
		      !strcmp(f->ctl->config_path, SIGNALCTL_CONFIG);
	r = turnserver_conf_load(path, &turn, &err);
	if (r == -ENOMEM)
		return r;
	if (r)
		snprintf(f->turn_fault, sizeof(f->turn_fault), "%.180s: %s%s", path,
			 *err.text ? err.text : strerror(-r), r == -EACCES ? "; use sudo" : "");
	else
		f->turn = turn;
	return 0;
}

int check_facts_gather(struct check_facts *f, struct signalctl *ctl, const char *turn_path)
{
	int r;

	f->ctl = ctl;
	f->config = &ctl->config;
	f->now_s = time(NULL);
	r = gather_turn(f, turn_path);
	if (r)
		return r;
	place_name(f->config, f->name);
	place_turns_name(f->config, f->turn_name);
	gather_addresses(f);
	gather_listeners(f);
	gather_units(f);
	gather_ufw(f);
	gather_secrets(f);
	gather_pairs(f);
	gather_words(f);
	return 0;
}

void check_facts_deinit(struct check_facts *f)
{
	turnserver_conf_free((struct turnserver_conf *)f->turn);
	free(f->ufw_rules);
}
