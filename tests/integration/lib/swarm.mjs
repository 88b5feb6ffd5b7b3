/* swarm.mjs - allocations of known traffic, and what their far ends received (tests/tools/turn_swarm) */
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';

import { BUILD_DIR, freePort, newLogFile, SUITE_DIR, within } from './suite.mjs';

const PROGRAM = path.join(BUILD_DIR, 'tests', 'tools', 'turn-swarm');
const END_MAX_MS = 60000;
const RELAY_PORTS = 2000;

/* { perCall: 4, ends: ['stay'], mobility: true } as --per-call 4 --ends stay --mobility. */
function commandLine(options) {
	return Object.entries(options).flatMap(([key, value]) => {
		const name = `--${key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`).replace(/([a-z])([46])$/, '$1$2')}`;

		if (value === true)
			return [name];
		return value === undefined || value === false ? [] : [name, String(value)];
	});
}

export class Swarm {
	/* secret: of the credentials; prefix: what runs it ("ip netns exec NAME"). */
	constructor(t, { secret, password, prefix = [], ...options }) {
		const [file, ...args] = [...prefix, PROGRAM, ...commandLine(options)];
		const env = { ...process.env, ...(secret ? { TURN_SECRET: secret } : {}) };

		if (password)
			env.TURN_PASSWORD = password;
		this.log = newLogFile('turn-swarm');
		const fd = fs.openSync(this.log, 'a', 0o600);

		this.process = spawn(file, args, { stdio: ['ignore', 'pipe', fd], env });
		fs.closeSync(fd);
		this.allocations = [];
		this.ready = new Promise((resolve) => { this.onReady = resolve; });
		this.lines = readline.createInterface({ input: this.process.stdout });
		this.lines.on('line', (line) => this.#take(JSON.parse(line)));
		const onExit = () => this.process.kill('SIGKILL');

		process.once('exit', onExit);
		this.ended = new Promise((resolve, reject) => {
			this.process.once('error', reject);
			this.process.once('close', (code, signal) => {
				process.off('exit', onExit);
				this.end = { code, signal };
				this.onReady(null);
				resolve(this.end);
			});
		});
		this.ended.catch(() => {});
		t.after(async () => {
			if (!this.end)
				this.process.kill('SIGKILL');
			await this.ended;
		});
	}

	#take(line) {
		if (line.e === 'ready')
			this.onReady(line);
		else if (line.e === 'allocation')
			this.allocations.push(line);
		else
			this.summary = line;
	}

	async #report() {
		await within('the swarm reports', this.ended, END_MAX_MS);
		if (!this.summary)
			throw new Error(`turn-swarm: ${JSON.stringify(this.end)}: ${fs.readFileSync(this.log, 'utf8')}`);
		return this;
	}

	/* It stops by itself, after durationMs. */
	async done() {
		return this.#report();
	}

	/* Silence, the rest arrives, and each allocation ends as it was to. */
	async finish() {
		this.process.kill('SIGTERM');
		return this.#report();
	}

	/* There is no server any more: read what the sockets hold. */
	async serverGone() {
		this.process.kill('SIGUSR1');
		return this.#report();
	}
}

/* The user in expiry:user[:call]. */
export const userOf = (name) => name.split(':')[1];

let certificate;

/* A certificate for localhost; nobody checks it. */
export function selfSigned() {
	if (!certificate) {
		const at = path.join(SUITE_DIR, `tls-${process.pid}`);

		certificate = { cert: `${at}.crt`, pkey: `${at}.key` };
		execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
			'-subj', '/CN=localhost', '-days', '2', '-keyout', certificate.pkey, '-out', certificate.cert], { stdio: 'ignore' });
		fs.chmodSync(certificate.pkey, 0o600);
	}
	return certificate;
}

/* An address of 127/8 that is this test's alone: nobody else's ports are in its way. */
export const ownLoopback = () => `127.${50 + Math.floor(Math.random() * 200)}.${process.pid >> 8 & 255}.${process.pid & 255 || 1}`;

/* Options of Stack for a turnserver that serves UDP, TCP and TLS on IPv4 and IPv6, and those of a swarm for it. */
export async function everyTransport({ host = ownLoopback(), host6 = '::1', prefix } = {}) {
	const port = await freePort(prefix ? '0.0.0.0' : host), tlsPort = await freePort(prefix ? '0.0.0.0' : host);
	const minPort = 22000 + RELAY_PORTS * (process.pid % 5); /* all below the ephemeral ones */
	const stack = {
		host,
		turnPort: port,
		...(prefix ? { prefix } : {}),
		turnserver: {
			'listening-ip': [host, host6],
			'relay-ip': [host, host6],
			'no-tls': false,
			'tls-listening-port': tlsPort,
			...selfSigned(),
			'min-port': minPort,
			'max-port': minPort + RELAY_PORTS - 1,
			'max-allocate-lifetime': 4, /* seconds: an allocation that is left alone ends within the test */
			...(prefix ? { 'allow-peers': 'private,reserved' } : { 'allow-loopback-peers': true }),
		},
	};
	const swarm = {
		port, tlsPort, server4: host, server6: host6, transports: 'udp,tcp,tls', families: '4,6',
		...(prefix ? {} : { peer4: host }),
	};

	return { stack, swarm };
}
