/* many_calls.test.mjs - thousands of calls through real sockets: all of them end, and nothing of them is left
 *
 * In a build with sanitizers a leak is told when signald ends, and the daemon's helper looks for that; in a normal one
 * its memory has to come back to what it was. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

import { startStack } from './lib/stack.mjs';
import { program, sleep, until } from './lib/suite.mjs';

const options = { timeout: 240000 };
const CALLS = 2000;
const ROUNDS = 4;
const GROWTH_MAX = 1 << 19; /* bytes in each round: a quarter kB of each call */
const NO_LIMIT = 1000000;
const cleanups = [];
let stack;

before(async () => {
	stack = await startStack({ after: (f) => cleanups.push(f) }, {
		signald: {
			'leg-grace': 2, 'leg-wait': 1, 'log-level': 'warn', 'connections-max': 8000, 'connections-per-address': NO_LIMIT,
			'sessions-per-address': NO_LIMIT, 'handshakes-per-address': NO_LIMIT, 'events-per-s': 0, 'unjoined-max': 8000,
			'calls-per-minute': 0, 'ice-requests-per-minute': 0,
		},
	});
});
after(async () => { for (const f of cleanups.reverse()) await f(); });

async function load(...args) {
	const argv = ['--port', stack.port, '--settle-ms', 50, '--warmup-ms', 0, '--limit-ms', 120000, ...args].map(String);
	const { stdout } = await promisify(execFile)(program('tests/bench/sio/sio-load'), argv, { env: { ...process.env, ASAN_OPTIONS: 'detect_leaks=0' } });

	return JSON.parse(stdout.trim().split('\n').at(-1));
}

const live = async () => (await stack.rest.get('/api/calls/active-count')).json.activeCallsCount;
const pid = () => stack.daemons.signald.process.pid;
const hasSanitizer = () => /lib(clang_rt\.)?asan/.test(fs.readFileSync(`/proc/${pid()}/maps`, 'utf8')) ||
	/__asan_init/.test(fs.readFileSync(program('signald'), 'latin1'));

function privateBytes() {
	const text = fs.readFileSync(`/proc/${pid()}/smaps_rollup`, 'utf8');

	return 1024 * Number(/^Private_Dirty:\s+(\d+) kB/m.exec(text)[1]);
}

/* The same work over and over. Where the machine was busy in between, a round needs more at once and the heap keeps it;
 * what is lost is lost in every round, so the round that took least tells. */
async function rounds(work) {
	const seen = [];

	for (let i = 0; i < ROUNDS; i++) {
		await work();
		await until('all calls are over', async () => await live() === 0, 60000);
		await sleep(500); /* connections that end */
		seen.push(privateBytes());
	}
	const growth = Math.min(...seen.slice(1).map((bytes, i) => bytes - seen[i]));

	if (!hasSanitizer()) /* what those keep of freed memory is not ours */
		assert.ok(growth < GROWTH_MAX, `${seen.join(', ')} bytes after each round`);
	stack.daemons.signald.assertAlive();
}

test(`${CALLS} calls, one after the other in 100 pairs, ${ROUNDS} times`, options, () => rounds(async () => {
	const { dials } = await load('--dials', 100, '--count', CALLS);

	assert.ok(dials.n >= CALLS, `${dials.n} calls`);
	assert.equal(dials.done, dials.began, 'each one was answered, heard and ended');
}));

test(`${CALLS} calls at once, whose ${2 * CALLS} sockets then are gone without a word, ${ROUNDS} times`, options, () => rounds(async () => {
	const all = load('--calls', CALLS, '--duration-ms', 3000);

	await until('they are all up', async () => await live() === CALLS, 60000);
	assert.equal((await all).clients, 2 * CALLS);
}));
