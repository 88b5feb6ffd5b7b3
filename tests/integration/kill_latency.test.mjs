/* kill_latency.test.mjs - the last relayed packet of a killed call leaves within a second
 *
 * Measured where it hurts: by the kernel's time of arrival at the peer and at the client. Stock
 * turnserver is the control: nobody can tell it that a call is over, so it relays on. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { Stack } from './lib/stack.mjs';
import { BUILD_DIR, sleep } from './lib/suite.mjs';
import { everyTransport, Swarm, userOf } from './lib/swarm.mjs';
import { Admin } from './lib/turnserver.mjs';

const ALLOCATIONS = 72; /* 6 of each transport, family and way of sending */
const PER_CALL = 4;
const RATE = 100;
const LAST_MAX_MS = 1000;
const MEDIAN_MAX_MS = 200;
const AFTERWARDS_MS = 1500;
const STOCK = path.join(BUILD_DIR, 'turnserver-stock');
const options = { timeout: 180000 };

const wall_ms = () => performance.timeOrigin + performance.now();
const callOf = (allocation) => allocation.name.split(':')[2];
const last_ms = ({ toPeer, toClient }) => Math.max(toPeer.last_ms, toClient.last_ms);

async function relay(t, { more = {}, mobility = false, program } = {}) {
	const { stack: stackOptions, swarm } = await everyTransport();
	const stack = new Stack({ ...stackOptions, turnserver: { ...stackOptions.turnserver, ...more } });

	t.after(() => stack.stop());
	/* Stock knows no file of secrets, and goes past the lines it does not know. */
	stack.turnserverOptions['static-auth-secret'] = stack.secret;
	await stack.init();
	await stack.startTurnserver(program);
	const s = new Swarm(t, {
		...swarm, secret: stack.secret, allocations: ALLOCATIONS, ramp: 500, rate: RATE, ends: 'stay', mobility,
		call: 'kill', perCall: PER_CALL,
	});
	const { relaying } = await s.ready;

	assert.equal(relaying, ALLOCATIONS);
	await sleep(300);
	return { stack, swarm: s };
}

/* All calls but each third, in no hurry. Returns when each was killed, by call. */
async function killMost(admin, calls) {
	const killedAt = new Map();

	for (const [i, call] of calls.entries()) {
		if (i % 3 === 2)
			continue;
		killedAt.set(call, wall_ms());
		const reply = await admin.command({ c: 'kill', call, reason: 'call ended' });

		assert.equal(reply.count, PER_CALL);
		await sleep(20);
	}
	return killedAt;
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];

function report(what, allocations, killedAt) {
	for (const transport of ['udp', 'tcp', 'tls']) {
		const took = allocations.filter((a) => a.transport === transport && killedAt.has(callOf(a)))
			.map((a) => last_ms(a) - killedAt.get(callOf(a)));

		console.log(`${what}, ${transport}: last packet ${median(took).toFixed(1)} ms after the kill (median of ` +
			`${took.length}), at most ${Math.max(...took).toFixed(1)} ms`);
		assert.ok(took.length > 10);
		assert.ok(Math.max(...took) < LAST_MAX_MS, `${transport}: ${took.map(Math.round)}`);
		assert.ok(median(took) < MEDIAN_MAX_MS, `${transport}: ${took.map(Math.round)}`);
	}
}

for (const mobility of [false, true]) {
	const what = mobility ? 'with mobility' : 'without mobility';

	test(`a killed call falls silent within a second, ${what}`, options, async (t) => {
		const { stack, swarm } = await relay(t, { more: { mobility }, mobility });
		const admin = await Admin.connect(t, stack.adminSocket);

		await admin.subscribe();
		const calls = [...new Set(admin.all('snap').map((s) => s.call))].sort();

		assert.equal(calls.length, ALLOCATIONS / PER_CALL);
		const killedAt = await killMost(admin, calls);

		await sleep(AFTERWARDS_MS);
		const stopped_ms = wall_ms();
		const { allocations } = await swarm.finish();

		report(what, allocations, killedAt);
		for (const a of allocations.filter((x) => !killedAt.has(callOf(x))))
			for (const flow of [a.toPeer, a.toClient])
				assert.ok(flow.last_ms > stopped_ms - 500, `${userOf(a.name)}, whose call goes on, is silent`);
	});
}

const skip = !fs.existsSync(STOCK) && 'turnserver-stock is not built (make stock)';

test('stock relays on, whatever became of the call', { ...options, skip }, async (t) => {
	const { swarm } = await relay(t, { program: 'turnserver-stock' });

	await sleep(AFTERWARDS_MS);
	const stopped_ms = wall_ms();
	const { allocations } = await swarm.finish();

	for (const a of allocations)
		for (const flow of [a.toPeer, a.toClient])
			assert.ok(flow.last_ms > stopped_ms - 500, userOf(a.name));
});
