/* stack.mjs - a turnserver and a signald with configurations of their own, on free ports */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';

import { Daemon, endsSomehow } from './daemon.mjs';
import { confide, freePort, freeRange, newStateDir, program, SOURCE_DIR, turnPassword, until } from './suite.mjs';
import { Rest } from './rest.mjs';
import { allSocketsOpen } from './turnserver.mjs';

export const REALM = 'signald.test';
const RELAY_PORTS = 400;

function write(dir, name, text) {
	const file = path.join(dir, name);

	fs.writeFileSync(file, text, { mode: 0o600 });
	return file;
}

/* What is undefined is left out. */
const given = (o) => Object.entries(o).filter(([, value]) => value !== undefined);

/* true: the key alone; false: no such line; a list: a line for each. */
const lines = (o) => given(o)
	.flatMap(([key, value]) => [value].flat().map((v) => [key, v]))
	.filter(([, value]) => value !== false)
	.map(([key, value]) => (value === true ? `${key}\n` : `${key}=${value}\n`))
	.join('');

const answersTcp = (port, host) => new Promise((resolve, reject) => {
	const s = net.connect({ port, host });

	s.once('connect', () => { s.destroy(); resolve(true); });
	s.once('error', reject);
});

export class Stack {
	/* host: where both listen; prefix: what runs them; transports: of the TURN addresses given to
	 * clients; tls: { port, cert, pkey } of one more address that speaks it; turnPort: else any free
	 * one; relayPorts: how many; turnserver, signald: further lines of their configurations; shipped:
	 * turnserver.conf is the one we ship, filled in, instead of the tests' own; env: of both programs. */
	constructor(options = {}) {
		this.host = options.host ?? '127.0.0.1';
		this.prefix = options.prefix ?? [];
		this.transports = options.transports ?? ['udp', 'tcp'];
		this.relayPorts = options.relayPorts ?? RELAY_PORTS;
		this.turnPort = options.turnPort;
		this.turnserverOptions = options.turnserver ?? {};
		this.signaldOptions = options.signald ?? {};
		this.tls = options.tls;
		this.env = options.env ?? {};
		this.shipped = options.shipped ?? false;
		this.dir = newStateDir();
		this.secret = confide(randomBytes(32).toString('hex'));
		this.sharedUser = 'android_user';
		this.sharedSecret = confide(randomBytes(32).toString('hex'));
		this.adminToken = confide(randomBytes(24).toString('hex'));
		this.adminSocket = path.join(this.dir, 'admin.sock');
		this.daemons = {};
	}

	async init() {
		/* Another namespace's ports cannot be tried from here: any of ours will do. */
		const here = this.prefix.length ? '0.0.0.0' : this.host;

		this.port = await freePort(here);
		this.turnPort ??= await freePort(here);
		this.relayPort = await freeRange(this.relayPorts, here);
		this.url = `http://${this.host}:${this.port}`;
		this.rest = new Rest(this.url, this.adminToken);
		this.secretsFile = write(this.dir, 'auth-secrets',
			`# id secret\nmain ${this.secret}\napk ${this.sharedSecret} tag=apk users=${this.sharedUser}\n`);
		write(this.dir, 'admin-token', `${this.adminToken}\n`);
		if (this.shipped)
			this.#setUp();
		else
			write(this.dir, 'turnserver.conf', this.#turnserverConf());
		write(this.dir, 'signald.conf', this.#signaldConf());
	}

	#turnserverConf() {
		return lines({
			'log-file': 'stdout', /* first: stock complains of options that are not its own */
			'simple-log': true,
			'listening-ip': this.host,
			'relay-ip': this.host,
			'listening-port': this.turnPort,
			'min-port': this.relayPort,
			'max-port': this.relayPort + this.relayPorts - 1,
			'relay-threads': 2,
			'realm': REALM,
			'use-auth-secret': true,
			'auth-secret-file': this.secretsFile,
			'admin-socket': this.adminSocket,
			'admin-interval': 1,
			'no-cli': true,
			'no-tls': true,
			'no-dtls': true,
			'userdb': path.join(this.dir, 'turndb'),
			'pidfile': path.join(this.dir, 'turnserver.pid'),
			...(this.host.startsWith('127.') ? { 'allow-loopback-peers': true } : {}),
			...this.turnserverOptions,
		});
	}

	/* As signalctl setup makes it for a host that serves on loopback alone. */
	#setUp() {
		const file = path.join(this.dir, 'turnserver.conf');

		execFileSync(program('signalctl'), ['setup', '--dir', this.dir, '--realm', REALM, '--host', this.host,
			'--listen', this.host, '--port', this.port, '--turn-port', this.turnPort,
			'--relay-ports', `${this.relayPort}-${this.relayPort + this.relayPorts - 1}`].map(String));
		this.adminSocket = path.join(this.dir, 'turn-admin.sock');
		fs.appendFileSync(file, '# The tests have peers on this host.\nallow-loopback-peers\n');
	}

	#signaldConf() {
		const turn = this.transports.map((t) => `turn:${this.host}:${this.turnPort}?transport=${t}`);

		this.turnUrls = turn;
		this.stunUrl = `stun:${this.host}:${this.turnPort}`;
		return given({
			...(this.tls ? {
				'listen': `${this.host}:${this.tls.port}`,
				'listen-plain': `${this.host}:${this.port}`,
				'cert': this.tls.cert,
				'pkey': this.tls.pkey,
			} : { 'listen': `${this.host}:${this.port}` }),
			'relay-socket': this.adminSocket,
			'state-dir': this.dir,
			'auth-secret-file': this.secretsFile,
			'admin-token-file': path.join(this.dir, 'admin-token'),
			'turn-urls': turn.join(', '),
			'stun-urls': this.stunUrl,
			'demo-dir': path.join(SOURCE_DIR, 'signald', 'demo'),
			'log-level': 'debug',
			'calls-per-minute': 0, /* tests are in a hurry */
			'ice-requests-per-minute': 0,
			...this.signaldOptions,
		}).map(([key, value]) => `${key} = ${value}\n`).join('');
	}

	async startTurnserver(name = 'turnserver') {
		const argv = [program(name), '-c', path.join(this.dir, 'turnserver.conf')];
		const d = new Daemon('turnserver', argv, {
			prefix: this.prefix,
			env: { ...this.env, ASAN_OPTIONS: 'detect_leaks=0' }, /* coturn's own at exit are not ours to judge */
		});

		this.daemons.turnserver = d;
		await until('turnserver answers', () => {
			d.assertAlive();
			return answersTcp(this.turnPort, this.host);
		}, 30000);
		await allSocketsOpen(() => d.logText());
	}

	async startSignald() {
		const argv = [program('signald'), '-c', path.join(this.dir, 'signald.conf'),
			...(this.host.startsWith('127.') ? [] : ['--open-to-network'])];
		const d = new Daemon('signald', argv, { prefix: this.prefix, env: this.env });

		this.daemons.signald = d;
		await until('signald answers', () => {
			d.assertAlive();
			return this.rest.health();
		}, 30000);
	}

	/* Both daemons, speaking to each other; or signald alone. */
	async start({ turnserver = true } = {}) {
		await this.init();
		if (turnserver)
			await this.startTurnserver();
		await this.startSignald();
		if (turnserver)
			await until('signald has the admin socket', async () => (await this.rest.health()).turn.connected, 30000);
	}

	/* As signald makes them, for what REST does not give. */
	credentials(user, { call, secret = this.secret, ttl_s = 600 } = {}) {
		const username = [Math.floor(Date.now() / 1000) + ttl_s, user, call].filter((p) => p !== undefined).join(':');

		return { username, password: confide(turnPassword(secret, username)) };
	}

	async stop() {
		await this.daemons.signald?.stop();
		await this.daemons.turnserver?.stop({ exits: endsSomehow });
	}
}

/* Both daemons up and speaking to each other; stopped when test t ends. */
export async function startStack(t, options) {
	const stack = new Stack(options);

	t.after(() => stack.stop());
	await stack.start();
	return stack;
}
