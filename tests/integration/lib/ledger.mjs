/* ledger.mjs - rows of the security ledger: each is a check that stock coturn fails and ours passes
 *
 *	row('S-WORD', 'what must be true', { args: ['--option'] }, async (server, t) => { assert... });
 *
 * makes two tests: "S-WORD: what must be true (stock fails)" against turnserver-stock, and "... (ours)". On stock the
 * check has to end with an AssertionError, or with turnserver killed by a signal or stopped by a sanitizer: any other
 * error is a broken test. On ours it has to pass, and turnserver to live on.
 *
 * options: args     for both servers
 *          ours     more, for ours only: what stock does not know
 *          stock    more, for stock only
 *          without  of the options that every server gets, those that these do not: ['--allow-loopback-peers']
 *          tls      they serve TLS as well, at server.tlsPort
 *          admin    ours has an admin socket: the hook is on
 *          auth     false: no secret is given; args say who may allocate
 *          files    { name: text } for {dir}, which stands for the server's folder in args
 *          ends     true: the check ends the server, and looks how
 *          because  a pattern for what the check says on stock, where the check could fail of something else
 *
 * Rows of one file with equal options share one server of each kind, which starts when the first of them runs and
 * again after one that killed it. Rows run one after the other.
 *
 * LEDGER=ours  only the halves of ours (what stock does is known from another build) */
import assert, { AssertionError } from 'node:assert/strict';
import dgram from 'node:dgram';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, test } from 'node:test';
import tls from 'node:tls';

import { busy_ms, confide, marker, now, program, sleep, turnPassword, until } from './suite.mjs';
import { TurnClient, TurnStreamClient } from './turn_client.mjs';
import { REALM, Turnserver } from './turnserver.mjs';

const HOST = '127.0.0.1';
const STOCK = 'turnserver-stock';
const OURS = 'turnserver';
/* What is not there within this long is not coming, on a machine that has the time. */
const SILENCE_MS = 400;
const CONNECT_MAX_MS = 5000;
const SETTLE_MS = 150;
/* From a crash to the end of the process as we see it; a sanitizer writes its report in between. */
const CRASH_MS = 5000;
const SECRET = marker('ledger');
const SANITIZER = /AddressSanitizer|runtime error:|ThreadSanitizer/;

/* True once so long has passed, and as long as the machine made us wait: ourselves, and the server. */
function silence(limit_ms) {
	const began_ms = Date.now();

	return () => Date.now() - began_ms >= limit_ms + 2 * busy_ms();
}

/* Its threads serve a moment before the last word of its start is said: until it says no more. */
async function settled(p) {
	for (let said = -1; said !== p.out.length + p.err.length && !p.end;) {
		said = p.out.length + p.err.length;
		for (const over = silence(SETTLE_MS); !over() && !p.end;)
			await sleep(10);
	}
}

/* --- a server as a row sees it ---------------------------------------------------- */

class LedgerServer {
	#started;

	constructor(kind, options) {
		const { args = [], ours = [], stock = [], without = [], files = {}, tls: serveTls = false, admin = false, auth = true } = options;

		this.kind = kind;
		this.isStock = kind === STOCK;
		this.host = HOST;
		this.secret = SECRET;
		this.cleanups = [];
		this.server = new Turnserver({ after: (f) => this.cleanups.push(f) },
			[...(auth ? ['--use-auth-secret', `--static-auth-secret=${SECRET}`] : []), ...args, ...(this.isStock ? stock : ours)],
			{ name: kind, admin: admin && !this.isStock, tls: serveTls, without });
		for (const [name, text] of Object.entries(files))
			fs.writeFileSync(path.join(this.server.dir, name), text, { mode: 0o600 });
	}

	/* Started at the first row, and after a crash. */
	async ready() {
		if (this.server.program?.end)
			this.#started = null;
		this.#started ??= this.server.start();
		await this.#started;
		return this;
	}

	async stop() {
		try {
			await this.server.program?.stop('SIGKILL');
		} catch (err) {
			if (!this.isStock)
				throw err;
		} finally {
			for (const f of this.cleanups.splice(0).reverse())
				await Promise.resolve(f()).catch((err) => { if (!this.isStock) throw err; });
		}
	}

	get port() {
		return this.server.port;
	}

	get tlsPort() {
		return this.server.tlsPort;
	}

	get pid() {
		return this.server.program.process.pid;
	}

	/* What it has logged since it started. */
	get log() {
		return this.server.program.out + this.server.program.err;
	}

	/* Resident memory. */
	rss_bytes() {
		return Number(/^VmRSS:\s*(\d+) kB/m.exec(fs.readFileSync(`/proc/${this.pid}/status`, 'utf8'))[1]) * 1024;
	}

	/* How it ended, a text, or null while it serves. A crash takes its time to be seen: wait for it where one is likely. */
	async crash(limit_ms = CRASH_MS) {
		const { program: p } = this.server;

		for (const end = Date.now() + limit_ms; !p.end && Date.now() < end;)
			await sleep(20);
		if (p.end)
			return `ended: ${JSON.stringify(p.end)} ${p.err.slice(0, 400)}`;
		const report = SANITIZER.exec(p.err);

		return report ? p.err.slice(report.index, report.index + 400) : null;
	}

	/* A signal to it. */
	kill(signal) {
		this.server.program.process.kill(signal);
	}

	async assertAlive() {
		assert.equal(await this.crash(80), null);
	}

	/* --- clients; each ends with the row --- */

	stack(more = {}) {
		return { host: HOST, turnPort: this.port, realm: REALM, ...more };
	}

	credentials(name = 'row', { ttl_s = 3600, secret = SECRET } = {}) {
		const username = `${now() + ttl_s}:${name}`;

		return { username, password: turnPassword(secret, username) };
	}

	client(name, options) {
		return this.#kept(new TurnClient(this.stack(), this.credentials(name, options)));
	}

	/* tlsOptions: for tls.connect(). */
	streamClient(name, { tls: overTls = false, ...tlsOptions } = {}) {
		const stack = this.stack(overTls ? { tlsPort: this.tlsPort, tlsOptions } : {});

		return this.#kept(new TurnStreamClient(stack, this.credentials(name)));
	}

	/* One datagram, from a port of its own; the first answer, or null. */
	async exchange(request, limit_ms = SILENCE_MS) {
		const s = dgram.createSocket('udp4');

		try {
			const over = silence(limit_ms);
			let answer = null, failure = null;

			s.on('error', (err) => { failure = err; });
			s.on('message', (m) => { answer ??= m; });
			s.send(request, this.port, HOST);
			while (!answer && !failure && !over())
				await sleep(10);
			if (failure)
				throw failure;
			return answer;
		} finally {
			s.close();
		}
	}

	/* A connection as it is: .received collects, .ended is true after the server closed it, .error tells why there is none. */
	async connect({ tls: overTls = false, ...more } = {}) {
		const socket = overTls ? tls.connect({ host: HOST, port: this.tlsPort, rejectUnauthorized: false, ...more })
			: net.connect({ host: HOST, port: this.port, ...more });
		const c = { socket, received: Buffer.alloc(0), ended: false, error: null };

		socket.on('data', (d) => { c.received = Buffer.concat([c.received, d]); });
		socket.on('close', () => { c.ended = true; });
		socket.on('error', (err) => { c.error ??= err; });
		await new Promise((resolve) => {
			const late = setTimeout(() => { c.error = new Error('no connection'); resolve(); }, CONNECT_MAX_MS);
			const done = () => { clearTimeout(late); resolve(); };

			socket.once(overTls ? 'secureConnect' : 'connect', done).once('close', done);
		});
		c.write = (bytes) => new Promise((resolve) => socket.write(bytes, resolve));
		/* What has come by then, or once there are count bytes. */
		c.read = async (count = Infinity, limit_ms = SILENCE_MS) => {
			for (const over = silence(limit_ms); c.received.length < count && !c.ended && !over();)
				await sleep(10);
			return c.received;
		};
		c.close = () => socket.destroy();
		return this.#kept(c);
	}

	/* Ours with the hook on. */
	admin() {
		return this.server.connect();
	}

	guard() {
		return this.server.guard();
	}

	#kept(client) {
		this.t.after(() => client.close());
		return client;
	}
}

/* --- rows --------------------------------------------------------------------------- */

const servers = new Map();

function serverFor(kind, options) {
	const { because, ...started } = options;
	const key = JSON.stringify([kind, started]);

	if (!servers.has(key))
		servers.set(key, new LedgerServer(kind, started));
	return servers.get(key);
}

after(async () => {
	const ends = await Promise.allSettled([...servers.values()].map((s) => s.stop()));

	servers.clear();
	for (const end of ends)
		if (end.status === 'rejected')
			throw end.reason;
});

async function run(kind, options, check, t) {
	const server = serverFor(kind, options);

	server.t = t;
	await server.ready();
	await check(server, t);
	return server;
}

/* The check's AssertionError, or a crash: anything else is told as it is. */
async function stockFails(options, check, t) {
	let failure = null;

	try {
		await run(STOCK, options, check, t);
	} catch (err) {
		failure = err;
	}
	if (failure instanceof AssertionError) {
		if (options.because)
			assert.match(failure.message, options.because);
		return;
	}
	const server = serverFor(STOCK, options);
	const crash = server.server.program && await server.crash();

	if (crash)
		return;
	throw failure ?? new Error('stock passes: the row proves nothing');
}

async function oursPasses(options, check, t) {
	try {
		const server = await run(OURS, options, check, t);

		if (!options.ends)
			await server.assertAlive();
	} catch (err) {
		const { program: p } = serverFor(OURS, options).server;

		if (p?.end && !(err instanceof AssertionError))
			throw new Error(`turnserver ended: ${JSON.stringify(p.end)} ${p.err}${p.out.slice(-1000)}`, { cause: err });
		throw err;
	}
}

export function row(id, sentence, options, check) {
	if (process.env.LEDGER !== 'ours')
		test(`${id}: ${sentence} (stock fails)`, (t) => stockFails(options, check, t));
	test(`${id}: ${sentence} (ours)`, (t) => oursPasses(options, check, t));
}

/* For what shows at the start, or must end it: a run of each kind that is waited for, told as { code, signal, out, err }.
 * A turnserver that serves instead is stopped, with code null. */
export function startRow(id, sentence, { args = [], ours = [], without = [], tls: serveTls = false, because }, check) {
	const started = async (kind, t) => {
		const s = new Turnserver(t, [...args, ...(kind === OURS ? ours : [])], { name: kind, admin: false, tls: serveTls, without });

		await s.launch();
		const p = s.program;

		t.after(() => p.stop('SIGKILL').catch(() => {}));
		await until('it serves or ends', () => p.end || s.serves(), 10000);
		await settled(p);
		if (!p.end)
			p.process.kill('SIGKILL');
		const served = !p.end;

		await p.ended;
		return { code: served ? null : p.end.code, signal: served ? null : p.end.signal, served, out: p.out, err: p.err };
	};
	const half = (kind, expectFailure) => async (t) => {
		const how = await started(kind, t);

		if (!expectFailure)
			return check(how);
		await assert.rejects(async () => check(how), (err) => err instanceof AssertionError && (!because || because.test(err.message)));
	};

	if (process.env.LEDGER !== 'ours')
		test(`${id}: ${sentence} (stock fails)`, half(STOCK, true));
	test(`${id}: ${sentence} (ours)`, half(OURS, false));
}

confide(SECRET);
program(OURS);
