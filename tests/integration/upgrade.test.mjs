/* upgrade.test.mjs - signald is replaced in mid-call: no call is lost, clients attach again by themselves, relays run on, totals are whole
 *
 * What a restart keeps of calls in each of their states is restart.test.mjs's, how clients leave drain.test.mjs's. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';

import { candidate, establish, join, sendCandidate } from './lib/client.mjs';
import { Daemon } from './lib/daemon.mjs';
import { readJournal } from './lib/journal.mjs';
import { Stack } from './lib/stack.mjs';
import { program, until } from './lib/suite.mjs';
import { allocation } from './lib/turn_client.mjs';

const options = { timeout: 180000 };
const ROUNDS = 2;
const SIZE = 160;
const TRANSPORTS = [['websocket'], ['polling'], undefined];

/* Comes back by itself, and says who it is each time, as the apps do. */
async function person(t, stack, userId, transports) {
	const c = await join(t, stack, userId, { transports, reconnection: true, reconnectionDelay: 100, reconnectionDelayMax: 500 });

	c.came = 1;
	c.socket.on('connect', () => { c.came++; c.emit('user:join', userId); });
	return c;
}

/* A call both of whose sides relay: a packet passes two allocations. */
async function call(t, stack, n) {
	const transports = TRANSPORTS[n % TRANSPORTS.length];
	const people = [await person(t, stack, `caller${n}`, transports), await person(t, stack, `callee${n}`, transports)];
	const { roomName, callId } = await establish(...people);
	const relays = await Promise.all(people.map((p) => allocation(t, stack, stack.credentials(p.userId, { call: callId }))));

	await relays[0].permit(relays[1].relayed);
	await relays[1].permit(relays[0].relayed);
	return { people, roomName, callId, relays, sent: [0, 0] };
}

/* Both speak all the time. Returns what makes them stop. */
function talk(calls) {
	const timer = setInterval(() => {
		for (const c of calls)
			for (const i of [0, 1]) {
				c.relays[i].sendTo(c.relays[1 - i].relayed, 1, SIZE);
				c.sent[i]++;
			}
	}, 20);

	return () => clearInterval(timer);
}

/* The two ways to run signald: replace() returns when the next one serves. */
const ways = {
	'its socket is held (LISTEN_FDS)': async (t, stack) => {
		const held = new Daemon('held', [program('tests/tools/hold-socket'), '127.0.0.1', String(stack.port),
			program('signald'), '-c', path.join(stack.dir, 'signald.conf')]);
		const pids = () => [...held.logText().matchAll(/^started (\d+)$/gm)].map((m) => Number(m[1]));
		const serving = () => (held.logText().match(/is serving$/gm) ?? []).length;

		t.after(() => held.stop());
		await until('signald serves', () => serving() === 1, 30000);
		return async () => {
			const before = serving();

			process.kill(pids().at(-1), 'SIGTERM');
			await until('the next one serves', () => serving() === before + 1, 60000);
		};
	},
	'it listens itself': async (t, stack) => {
		await stack.startSignald();
		return async () => {
			assert.deepEqual(await stack.daemons.signald.kill('SIGTERM'), { code: 0, signal: null });
			await stack.startSignald();
		};
	},
};

async function assertSignaling({ people: [caller, callee], roomName }, n) {
	sendCandidate(caller, roomName, candidate(n));
	assert.equal((await callee.next('ice:candidate')).candidate, candidate(n));
	sendCandidate(callee, roomName, candidate(n + 1));
	assert.equal((await caller.next('ice:candidate')).candidate, candidate(n + 1));
}

const connected = (stack) => until('signald has the admin socket', async () => (await stack.rest.health()).turn.connected, 30000);

for (const [how, run] of Object.entries(ways))
	test(`signald is upgraded in mid-call, twice; ${how}`, options, async (t) => {
		const stack = new Stack({ signald: { 'drain-window': 2, 'leg-grace': 30 } });

		t.after(() => stack.stop());
		await stack.init();
		await stack.startTurnserver();
		const replace = await run(t, stack);

		await connected(stack);
		const calls = [];

		for (let n = 0; n < 6; n++)
			calls.push(await call(t, stack, n));
		const everybody = calls.flatMap((c) => c.people);
		const before = [];

		for (const c of calls) /* one by one: few long answers are given at once */
			before.push(await stack.rest.call(c.roomName));
		const hush = talk(calls);

		t.after(hush);
		for (let round = 1; round <= ROUNDS; round++) {
			await replace();
			await until('all are back', () => everybody.every((p) => p.socket.connected && p.came > round), 60000);
			await connected(stack);
			for (const c of calls)
				await assertSignaling(c, 10 * round);
		}

		await t.test('the calls are the ones they were', async () => {
			for (const [i, c] of calls.entries()) {
				const now = await stack.rest.call(c.roomName);

				assert.equal(now.callId, c.callId);
				assert.equal(now.state, 'active');
				assert.equal(now.startTime, before[i].startTime);
				assert.equal(now.answerTime, before[i].answerTime);
				assert.equal(now.relay.liveAllocations, 2);
			}
			for (const p of everybody)
				for (const event of ['call:ended', 'call:error', 'call:rejected', 'ice:servers', 'call:incoming'])
					await p.none(event, 1);
		});

		await t.test('not a packet of media was lost', async () => {
			hush();
			await until('the last packets are there', () => calls.every((c) => [0, 1].every((i) =>
				c.relays[1 - i].received >= c.sent[i] * SIZE))).catch(() => {});
			for (const c of calls)
				for (const i of [0, 1]) {
					assert.ok(c.sent[i] > 20);
					assert.equal(c.relays[1 - i].received, c.sent[i] * SIZE);
				}
		});

		await t.test('the calls end with their relays, and every byte of them is in the journal, once', async () => {
			for (const { people: [caller, callee], roomName } of calls) {
				caller.emit('call:end', { roomName });
				assert.equal((await callee.next('call:ended')).code, 'completed');
			}
			const ends = await until('all ends are in the journal', () => {
				const found = readJournal(path.join(stack.dir, 'usage.journal')).filter((line) => line.e === 'end');

				return found.length >= 2 * calls.length && found;
			}, 30000);

			assert.equal(ends.length, 2 * calls.length);
			for (const c of calls)
				for (const i of [0, 1]) {
					const end = ends.find((e) => e.call === c.callId && e.user === c.people[i].userId);

					assert.equal(end.exact, true);
					assert.match(end.reason, /^revoked/);
					assert.equal(end.totals[7], c.sent[i] * SIZE, 'to the peer');
					assert.equal(end.totals[5], c.sent[1 - i] * SIZE, 'from it');
				}
			for (const c of calls) {
				const { relay } = await stack.rest.endedCall(c.roomName);

				assert.equal(relay.exact, true);
				assert.equal(relay.sentBytes, (c.sent[0] + c.sent[1]) * SIZE);
				assert.equal(relay.receivedBytes, (c.sent[0] + c.sent[1]) * SIZE);
			}
			const checked = execFileSync(program('signald'), ['--check-journal', path.join(stack.dir, 'usage.journal')], { encoding: 'utf8' });

			assert.match(checked, /"damaged":0,"duplicates":0/);
			calls.flatMap((c) => c.relays).forEach((r) => { r.relayed = null; });
		});
	});
