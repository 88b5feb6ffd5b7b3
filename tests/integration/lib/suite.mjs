/* suite.mjs - what all tests share: where things are, waiting with a limit, and the list of secrets
 *
 * BUILD_DIR  where the programs were built (several places below it are tried)
 * SUITE_DIR  logs and states of the whole run; run.sh makes it, else a temporary folder
 * ARTIFACTS  where pictures go */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import dgram from 'node:dgram';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';

export const SOURCE_DIR = fileURLToPath(new URL('../../..', import.meta.url));
export const BUILD_DIR = path.resolve(process.env.BUILD_DIR ?? path.join(SOURCE_DIR, 'build', 'gcc'));
export const SUITE_DIR = process.env.SUITE_DIR ?? fs.mkdtempSync(path.join(os.tmpdir(), 'sit-'));
export const ARTIFACTS = process.env.ARTIFACTS ?? SUITE_DIR;
export const IS_ROOT = process.getuid() === 0;

const SECRETS = path.join(SUITE_DIR, 'secrets');
const LOG_DIR = path.join(SUITE_DIR, 'logs');
const PORT_DIR = path.join(SUITE_DIR, 'ports');

/* A file run without run.sh: what it leaves is kept only if it failed. */
if (!process.env.SUITE_DIR)
	process.once('exit', (code) => code === 0 && fs.rmSync(SUITE_DIR, { recursive: true, force: true }));

/* A test that failed may have left sockets and daemons open, which would keep its file from ending: it has this long. */
const LEFT_OVER_MS = 5000;

after(() => { setTimeout(() => process.exit(), LEFT_OVER_MS).unref(); });

fs.mkdirSync(LOG_DIR, { recursive: true, mode: 0o700 });
fs.mkdirSync(PORT_DIR, { recursive: true, mode: 0o700 });
fs.mkdirSync(ARTIFACTS, { recursive: true });

export function program(name) {
	const found = ['', 'signald', 'signalctl', 'coturn', 'bin']
		.map((dir) => path.join(BUILD_DIR, dir, name))
		.find((p) => fs.existsSync(p) && fs.statSync(p).isFile());

	if (!found)
		throw new Error(`${name} is not built: looked below ${BUILD_DIR} (set BUILD_DIR)`);
	return found;
}

export function command(...names) {
	for (const name of names) {
		try {
			return execFileSync('sh', ['-c', 'command -v "$1"', 'sh', name], { encoding: 'utf8' }).trim();
		} catch {
			/* the next name */
		}
	}
	return null;
}

/* Remember something that no log may ever hold; the last test of the suite looks. */
export function confide(value) {
	fs.appendFileSync(SECRETS, `${value}\n`, { mode: 0o600 });
	return value;
}

export function secretsUsed() {
	const text = fs.existsSync(SECRETS) ? fs.readFileSync(SECRETS, 'utf8') : '';

	return [...new Set(text.split('\n').filter(Boolean))];
}

export const logFiles = () => fs.readdirSync(LOG_DIR).map((f) => path.join(LOG_DIR, f));
export const marker = (what) => confide(`${what}-${randomBytes(9).toString('hex')}`);

let logs = 0;

export const newLogFile = (name) => path.join(LOG_DIR, `${process.pid}-${++logs}-${name}.log`);
export const newStateDir = () => fs.mkdtempSync(path.join(SUITE_DIR, 'st-'));
export const turnPassword = (secret, name) => createHmac('sha1', secret).update(name).digest('base64');
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export const now = () => Math.floor(Date.now() / 1000);

/* Ask until the answer is true enough. Errors of the last try are told. */
export async function until(what, ask, limit_ms = 20000, pause_ms = 50) {
	const end = Date.now() + limit_ms;
	let last;

	for (;;) {
		try {
			const answer = await ask();

			if (answer)
				return answer;
			last = undefined;
		} catch (err) {
			last = err;
		}
		if (Date.now() >= end)
			throw new Error(`not within ${limit_ms} ms: ${what}`, { cause: last });
		await sleep(pause_ms);
	}
}

/* How late our own timers came within the last while: how long the machine lets a process wait that has something to
 * do. What is promised within a time is promised by a machine that has it. */
const PROBE_MS = 20;
const LATE_KEPT_MS = 15000;
let late = [];
let probed_ms = Date.now();

setInterval(() => {
	const now_ms = Date.now();

	late = late.filter((l) => now_ms - l.at_ms < LATE_KEPT_MS);
	if (now_ms - probed_ms > 2 * PROBE_MS)
		late.push({ at_ms: now_ms, by_ms: now_ms - probed_ms - PROBE_MS });
	probed_ms = now_ms;
}, PROBE_MS).unref();

export const busy_ms = () => Math.max(0, Date.now() - probed_ms - PROBE_MS, ...late.map((l) => l.by_ms));

/* It is no longer since began_ms than limit_ms, and as long as the machine made us wait: ourselves, and the daemon. */
export function assertSoon(began_ms, limit_ms, what = 'it took too long') {
	const took_ms = Date.now() - began_ms;
	const waited_ms = busy_ms();

	assert.ok(took_ms < limit_ms + 2 * waited_ms, `${what}: ${took_ms} ms, with timers ${waited_ms} ms late`);
}

export function within(what, promise, limit_ms = 20000) {
	let timer;
	const late = new Promise((_, reject) => {
		timer = setTimeout(() => reject(new Error(`not within ${limit_ms} ms: ${what}`)), limit_ms);
	});

	return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

const bindTcp = (port, host) => new Promise((resolve, reject) => {
	const s = net.createServer();

	s.once('error', reject);
	s.listen({ port, host }, () => s.close(resolve));
});

const bindUdp = (port, host) => new Promise((resolve, reject) => {
	const s = dgram.createSocket('udp4');

	s.once('error', (err) => { s.close(); reject(err); });
	s.bind(port, host, () => s.close(resolve));
});

/* The first of count UDP ports, above those of freePort() and below the ephemeral ones: of some places the one
 * where a sample finds the fewest taken. */
export async function freeRange(count, host = '127.0.0.1') {
	const places = Math.max(1, Math.floor(10000 / count));
	let best = { free: -1 };

	for (let tries = 0; tries < 10 && best.free < 20; tries++) {
		const first = 22000 + count * Math.floor(Math.random() * places);
		const sample = [...Array(20).keys()].map((i) => bindUdp(first + Math.floor(i * count / 20), host));
		const free = (await Promise.allSettled(sample)).filter((r) => r.status === 'fulfilled').length;

		if (free > best.free)
			best = { first, free };
	}
	return best.first;
}

/* The first of count UDP ports that are all free now; who asks while test t runs gets others: a socket
 * sits on the one before them. */
export async function reserveRange(t, count, host = '127.0.0.1') {
	for (let tries = 0; tries < 100; tries++) {
		const before = 22000 + (count + 1) * Math.floor(Math.random() * Math.floor(10000 / (count + 1)));
		const guard = dgram.createSocket('udp4');

		try {
			await new Promise((resolve, reject) => guard.once('error', reject).bind(before, host, resolve));
			await Promise.all([...Array(count).keys()].map((i) => bindUdp(before + 1 + i, host)));
			t.after(() => guard.close());
			return before + 1;
		} catch {
			guard.close();
		}
	}
	throw new Error(`no ${count} free ports found`);
}

/* Nobody else of this run has got it, or will. */
function isOurs(port) {
	try {
		fs.closeSync(fs.openSync(path.join(PORT_DIR, String(port)), 'wx'));
		return true;
	} catch (err) {
		if (err.code === 'EEXIST')
			return false;
		throw err;
	}
}

/* A port free for TCP and UDP, below the ephemeral ones and given once in a run, so that nobody gets it in between.
 * host 0.0.0.0 serves for addresses of another namespace. */
export async function freePort(host = '127.0.0.1') {
	for (let tries = 0; tries < 100; tries++) {
		const port = 10000 + Math.floor(Math.random() * 12000);

		if (!isOurs(port))
			continue;
		try {
			await bindTcp(port, host);
			await bindUdp(port, host);
			return port;
		} catch {
			/* taken: another */
		}
	}
	throw new Error('no free port found');
}
