/* turnserver.mjs - turnserver alone: its options, its admin socket, and coturn's own client against it */
import { spawn, spawnSync } from 'node:child_process';
import { createHash, createHmac, randomBytes } from 'node:crypto';
import dgram from 'node:dgram';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { confide, freePort, newLogFile, reserveRange } from './suite.mjs';
import { selfSigned } from './swarm.mjs';

const SOURCE_DIR = fileURLToPath(new URL('../../..', import.meta.url));
export const BUILD_DIR = path.resolve(process.env.BUILD_DIR ?? path.join(SOURCE_DIR, 'build', 'gcc'));
const HOST = '127.0.0.1';
const START_MAX_MS = 30000; /* of a busy machine */
const STOP_MAX_MS = 20000;
const SOCKETS_MAX_MS = 1000;
const RELAY_PORTS = 100;

export const REALM = 'hook.test';
export const CALL = 'abcdefghijklmnopqrst-_';
export const IS_ROOT = process.getuid() === 0;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const program = (name) => path.join(BUILD_DIR, name);

export async function until(what, ask, limit_ms = 30000) {
	for (const end = Date.now() + limit_ms; Date.now() < end; await sleep(30)) {
		const answer = await ask();

		if (answer)
			return answer;
	}
	throw new Error(`timed out: ${what}`);
}

/* turnserver takes TCP connections before it has sockets for UDP, and answers over UDP before each of its threads has
 * one: a client's second request might then come to another thread than the first. said() is its log so far, in which
 * a line tells that all are there; a log that goes elsewhere gets a moment. */
export async function allSocketsOpen(said) {
	for (const end = Date.now() + SOCKETS_MAX_MS; !said().includes('Total General servers') && Date.now() < end;)
		await sleep(10);
}

export function tempDir(t) {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'hook-'));

	t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
	return dir;
}

/* As writers of the file must: a new one, renamed over the old. */
export function writeSecrets(file, lines, mode = 0o600) {
	for (const [, secret] of lines.map((l) => l.split(' ')).filter((l) => l[1]?.length >= 8))
		confide(secret);
	fs.writeFileSync(`${file}.new`, lines.map((l) => `${l}\n`).join(''), { mode });
	fs.chmodSync(`${file}.new`, mode);
	fs.renameSync(`${file}.new`, file);
	return file;
}

/* coturn's programs run by root leave a log of their own behind. */
function removeOwnLog(pid) {
	for (const dir of ['/var/log', '/var/tmp', '/tmp'])
		for (const f of IS_ROOT ? fs.readdirSync(dir) : [])
			if (f.startsWith(`turn_${pid}_`) && f.endsWith('.log'))
				fs.rmSync(path.join(dir, f), { force: true });
}

class Program {
	constructor(name, args) {
		this.name = name;
		this.out = '';
		this.err = '';
		this.process = spawn(program(name), args, {
			stdio: ['ignore', 'pipe', 'pipe'],
			env: { ...process.env, ASAN_OPTIONS: 'detect_leaks=0:disable_coredump=0' }, /* its own ban would hide ours */
		});
		this.process.stdout.on('data', (d) => { this.out += d; });
		this.process.stderr.on('data', (d) => { this.err += d; });
		const onExit = () => this.process.kill('SIGKILL');

		process.once('exit', onExit);
		this.ended = new Promise((resolve, reject) => {
			this.process.once('error', reject);
			this.process.once('close', (code, signal) => {
				process.off('exit', onExit);
				removeOwnLog(this.process.pid);
				fs.writeFileSync(newLogFile(name), this.out + this.err); /* looked through at the end */
				this.end = { code, signal };
				resolve(this.end);
			});
		});
	}

	async stop(signal = 'SIGTERM') {
		if (!this.end)
			this.process.kill(signal);
		const late = setTimeout(() => this.process.kill('SIGKILL'), STOP_MAX_MS);

		await this.ended;
		clearTimeout(late);
		if (/AddressSanitizer|runtime error:|ThreadSanitizer/.test(this.err))
			throw new Error(`${this.name}: ${this.err}`);
	}
}

export class Turnserver {
	/* args: options beside those every server gets; {dir} stands for its folder. tls: it serves that, too.
	 * without: of those every server gets, the ones this one does not. */
	constructor(t, args = [], { admin = true, name = 'turnserver', tls = false, without = [] } = {}) {
		this.t = t;
		this.args = args;
		this.name = name;
		this.dir = tempDir(t);
		this.adminSocket = path.join(this.dir, 'admin.sock');
		this.admin = admin;
		this.tls = tls;
		this.without = without;
	}

	async #tlsOptions() {
		if (!this.tls)
			return ['--no-tls'];
		const { cert, pkey } = selfSigned();

		this.tlsPort ??= await freePort();
		return ['--tls-listening-port', this.tlsPort, `--cert=${cert}`, `--pkey=${pkey}`];
	}

	async launch() {
		this.port ??= await freePort();
		this.relayPort ??= await reserveRange(this.t, RELAY_PORTS);
		const own = [
			'-L', HOST, '-E', HOST, '-p', this.port, `--min-port=${this.relayPort}`,
			`--max-port=${this.relayPort + RELAY_PORTS - 1}`, ...await this.#tlsOptions(), '--no-dtls', `--realm=${REALM}`,
			'--no-cli', '--allow-loopback-peers', '--log-file=stdout', '--simple-log', '-v',
			`--pidfile=${this.dir}/ts.pid`, `--userdb=${this.dir}/turndb`,
			...(this.admin ? [`--admin-socket=${this.adminSocket}`, '--admin-interval=1'] : []),
		];
		const args = this.args.map((a) => a.replaceAll('{dir}', this.dir));
		const config = args.includes('-c') ? [] : ['-n'];

		this.program = new Program(this.name, [...config, ...own.map(String).filter((a) => !this.without.includes(a)), ...args]);
		return this;
	}

	async start() {
		await this.launch();
		this.t.after(() => this.stop());
		await until('turnserver serves', async () => {
			if (this.program.end)
				throw new Error(`turnserver ended: ${this.program.err} ${this.program.out.slice(-2000)}`);
			return this.serves();
		}, START_MAX_MS);
		/* What it said before it served may still wait in the pipe. */
		await new Promise((resolve) => setImmediate(resolve));
		await allSocketsOpen(() => this.program.out);
		return this;
	}

	serves() {
		return stunAnswers(this.port);
	}

	stop(signal) {
		return this.program.stop(signal);
	}

	/* A run that is to fail: how it ended, and what it said. */
	async fails() {
		await this.launch();
		const late = setTimeout(() => this.program.process.kill('SIGKILL'), START_MAX_MS);

		await this.program.ended;
		clearTimeout(late);
		return { ...this.program.end, err: this.program.err, out: this.program.out };
	}

	connect() {
		return Admin.connect(this.t, this.adminSocket);
	}

	/* What ours has refused so far, by counter. */
	async guard() {
		const admin = await this.connect();

		return (await admin.command({ c: 'stats' })).guard;
	}
}

/* One datagram there, one back; null when none comes. */
async function exchange(port, request, limit_ms) {
	const s = dgram.createSocket('udp4');

	try {
		return await new Promise((resolve, reject) => {
			const late = setTimeout(resolve, limit_ms, null);

			s.once('message', (m) => { clearTimeout(late); resolve(m); });
			s.once('error', (err) => { clearTimeout(late); reject(err); });
			s.send(request, port, HOST);
		});
	} finally {
		s.close();
	}
}

/* RFC 8489 sections 5 and 14, as far as an Allocate needs it. */
const ATTR = { username: 0x0006, integrity: 0x0008, error: 0x0009, realm: 0x0014, nonce: 0x0015, transport: 0x0019 };
const BINDING = 0x0001, ALLOCATE = 0x0003, SUCCESS = 0x0100;

function attribute(type, value) {
	const b = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4);

	b.writeUInt16BE(type, 0);
	b.writeUInt16BE(value.length, 2);
	Buffer.from(value).copy(b, 4);
	return b;
}

function message(type, attributes, key) {
	const body = Buffer.concat(attributes);
	const head = Buffer.concat([Buffer.alloc(4), Buffer.from('2112a442', 'hex'), randomBytes(12)]);

	head.writeUInt16BE(type, 0);
	head.writeUInt16BE(body.length + (key ? 24 : 0), 2);
	const text = Buffer.concat([head, body]);

	return key ? Buffer.concat([text, attribute(ATTR.integrity, createHmac('sha1', key).update(text).digest())]) : text;
}

function attributeOf(msg, type) {
	for (let i = 20; i + 4 <= msg.length; i += 4 + Math.ceil(msg.readUInt16BE(i + 2) / 4) * 4)
		if (msg.readUInt16BE(i) === type)
			return msg.subarray(i + 4, i + 4 + msg.readUInt16BE(i + 2));
	return null;
}

function errorCode(msg) {
	const v = attributeOf(msg, ATTR.error);

	return v ? (v[2] & 7) * 100 + v[3] : 0;
}

const stunAnswers = async (port) => !!await exchange(port, message(BINDING, []), 200);

/* Allocate over UDP with the long-term credential of RFC 8489 section 9.2. The server ties nonces
 * to a client's address, so both requests leave from one socket.
 * Returns the error code of the answer, 0 for success. */
export async function allocate(server, name, secret, { ttl_s = 3600 } = {}) {
	const user = `${Math.floor(Date.now() / 1000) + ttl_s}:${name}`;
	const password = createHmac('sha1', secret).update(user).digest('base64');
	const transport = attribute(ATTR.transport, Buffer.from([17, 0, 0, 0]));
	const s = dgram.createSocket('udp4');
	const ask = (request) => new Promise((resolve, reject) => {
		const late = setTimeout(() => reject(new Error('Allocate: no answer')), 15000);

		s.once('message', (m) => { clearTimeout(late); resolve(m); });
		s.send(request, server.port, HOST);
	});

	try {
		const first = await ask(message(ALLOCATE, [transport]));
		const realm = attributeOf(first, ATTR.realm), nonce = attributeOf(first, ATTR.nonce);
		const key = createHash('md5').update(`${user}:${realm}:${password}`).digest();
		const answer = await ask(message(ALLOCATE, [transport, attribute(ATTR.username, user),
			attribute(ATTR.realm, realm), attribute(ATTR.nonce, nonce)], key));

		return answer.readUInt16BE(0) === (ALLOCATE | SUCCESS) ? 0 : errorCode(answer);
	} finally {
		s.close();
	}
}

export class Admin {
	static async connect(t, socketPath) {
		const a = new Admin();

		a.lines = [];
		a.rest = '';
		a.socket = net.createConnection(socketPath);
		a.socket.setEncoding('utf8');
		a.socket.on('data', (d) => a.#take(d));
		a.socket.on('error', (err) => { a.error = err; });
		a.socket.on('close', () => { a.closed = true; });
		t.after(() => a.socket.destroy());
		a.hello = await a.wait((l) => l.e === 'hello');
		return a;
	}

	#take(data) {
		const parts = (this.rest + data).split('\n');

		this.rest = parts.pop();
		this.lines.push(...parts.map((p) => JSON.parse(p)));
	}

	send(command) {
		this.socket.write(`${JSON.stringify(command)}\n`);
	}

	all(e) {
		return this.lines.filter((l) => l.e === e);
	}

	wait(what, limit_ms) {
		return until(`a line ${what}`, () => this.lines.find(what), limit_ms);
	}

	async subscribe() {
		this.send({ c: 'sub' });
		await this.wait((l) => l.e === 'synced');
		return this;
	}

	async command(command) {
		this.id = (this.id ?? 0) + 1;
		this.send({ ...command, id: this.id });
		const id = this.id;

		return this.wait((l) => l.e === 'reply' && l.id === id);
	}
}

/* Totals as the protocol lists them. */
export const peerSide = (totals) => totals.slice(4, 8);

/* turnutils_uclient under way; .ended tells how it went. name is all but the expiry. */
export function uclient(server, name, secret, args, { ttl_s = 3600 } = {}) {
	const user = `${Math.floor(Date.now() / 1000) + ttl_s}:${name}`;
	const password = createHmac('sha1', secret).update(user).digest('base64');

	return new Program('turnutils_uclient', ['-u', user, '-w', password, '-L', HOST, '-p', String(server.port),
		...args.map(String), HOST]);
}

/* coturn's own client with these credentials as they are: what it ended with. */
export async function uclientAs(server, credentials, args) {
	return (await new Program('turnutils_uclient', [...credentials, '-L', HOST, '-p', String(server.port),
		...args.map(String), HOST]).ended).code;
}

/* turnserver is turnadmin under that name; it works on the database of a server that need not run. */
export function turnadmin(t, server, args) {
	const link = path.join(tempDir(t), 'turnadmin');

	fs.symlinkSync(program('turnserver'), link);
	const { pid, status, stderr } = spawnSync(link, [...args, '-r', REALM, '-b', `${server.dir}/turndb`], { encoding: 'utf8' });

	removeOwnLog(pid);
	if (status !== 0)
		throw new Error(`turnadmin: ${stderr}`);
}
