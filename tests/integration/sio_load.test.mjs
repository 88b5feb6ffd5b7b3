/* sio_load.test.mjs - the benchmarks' loader does what it says: everything sent arrives, once and in order */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';

import { startEcho } from './lib/echo.mjs';
import { startStack } from './lib/stack.mjs';
import { freePort, program, sleep } from './lib/suite.mjs';
import { selfSigned } from './lib/swarm.mjs';

const LIMIT = { timeout: 60000 };
const QUICK = ['--settle-ms', 50, '--warmup-ms', 50, '--duration-ms', 400, '--limit-ms', 30000];

async function load(port, ...args) {
	const { stdout } = await promisify(execFile)(program('tests/bench/sio/sio-load'), ['--port', port, ...QUICK, ...args].map(String));

	return JSON.parse(stdout.trim().split('\n').at(-1));
}

function allArrived({ events }) {
	assert.ok(events.n > 0);
	assert.equal(events.received, events.sent);
	assert.deepEqual([events.missed, events.disorder, events.skipped], [0, 0, 0]);
}

describe('the loader', LIMIT, () => {
	let plain, tls;

	before(async () => {
		plain = await startEcho();
		tls = await startEcho('--cert', selfSigned().cert, '--pkey', selfSigned().pkey);
	});
	after(async () => {
		await plain.stop();
		await tls.stop();
	});

	for (const [where, echo, args] of [['plain', () => plain, []], ['TLS', () => tls, ['--tls']]]) {
		test(`relays as much as goes (${where})`, async () => {
			allArrived(await load(echo().port, ...args, '--pairs', 3, '--window', 8, '--server-pid', echo().process.pid));
		});

		test(`relays at a rate, among idle clients and a reader who stopped (${where})`, async () => {
			const r = await load(echo().port, ...args, '--pairs', 2, '--rate', 1000, '--idle', 40, '--stalled', 1);

			allArrived(r);
			assert.ok(r.events.sent >= 350, `${r.events.sent} of 450 ms at 1000 a second`);
			assert.equal(r.clients, 45);
		});

		for (const via of ['websocket', 'polling', 'upgrade']) {
			test(`joins and leaves by ${via} (${where})`, async () => {
				const { joins } = await load(echo().port, ...args, '--churn', 4, '--via', via, '--count', 20);

				assert.ok(joins.n >= 20);
				assert.equal(joins.failed, 0);
			});
		}

		test(`polls and pushes (${where})`, async () => {
			const r = await load(echo().port, ...args, '--cycles', 4);

			assert.ok(r.cycles.n > 0);
			assert.equal(r.lost, 0);
		});
	}

	test('clients come back after the server has gone', async () => {
		const port = await freePort(); /* none that the kernel gives a client meanwhile */
		const first = await startEcho('--port', port); /* the last one counts */
		const child = spawn(program('tests/bench/sio/sio-load'), ['--port', port, ...QUICK, '--storm', '--idle', 60, '--pairs', 2,
			'--rate', 200].map(String), { stdio: ['ignore', 'pipe', 'inherit'] });
		const ended = new Promise((resolve) => { child.once('exit', resolve); });
		let out = '';

		await new Promise((resolve) => { child.stdout.on('data', (d) => { out += d; resolve(); }); });
		await sleep(300);
		await first.kill('SIGKILL');
		const second = await startEcho('--port', port);

		assert.equal(await ended, 0);
		const r = JSON.parse(out.trim().split('\n').at(-1));

		assert.equal(r.storm.back, 64);
		assert.equal(r.events.disorder, 0);
		assert.ok(r.events.received > 0);
		await second.stop();
	});
});

test('calls of signald, their candidates, and their statistics', LIMIT, async (t) => {
	const stack = await startStack(t);
	const r = await load(stack.port, '--calls', 5, '--pairs', 2, '--rate', 60, '--stalled', 1, '--get', '/api/admin/calls/stats',
		'--token', stack.adminToken, '--get-every-ms', 50);

	allArrived(r);
	assert.ok(r.get.n > 0);
	assert.equal(r.get.failed, 0);
	assert.equal((await stack.rest.health()).status, 'ok');
});
