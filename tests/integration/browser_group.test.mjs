/* browser_group.test.mjs - four demo pages in a relay-only group call */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import {
	assertNoPicture, assertPictureMoves, confideSdp, cutSignaling, demoPage, launch, neverClose, stateOf,
	whyNoBrowser,
} from './lib/browser.mjs';
import { assertRelayStops } from './lib/relay_call.mjs';
import { startStack } from './lib/stack.mjs';
import { ARTIFACTS, until } from './lib/suite.mjs';

const options = { skip: whyNoBrowser, timeout: 600000 };
const NAMES = ['Ann', 'Bob', 'Carol', 'Dan'];
const idOf = (name) => name.toLowerCase();

/* Everybody of names sees the others, through the relay. */
async function assertAllSee(pages, names) {
	await Promise.all(names.map(async (name) => {
		const page = pages[name];
		const others = names.filter((n) => n !== name);

		await until(`${name} is connected to ${others}`, () => page.evaluate((n) =>
			window.demo.pcs.filter((pc) => pc.connectionState === 'connected').length === n, others.length), 60000, 200);
		await confideSdp(page);
		for (const other of others)
			await assertPictureMoves(page, idOf(other));
	}));
}

const waysOf = (page) => page.evaluate(async () => {
	const ways = [];

	for (const pc of window.demo.pcs) {
		const stats = await pc.getStats();
		const transport = [...stats.values()].find((s) => s.type === 'transport');
		const pair = stats.get(transport.selectedCandidatePairId);

		ways.push(`${stats.get(pair.localCandidateId).candidateType}-${stats.get(pair.remoteCandidateId).candidateType}`);
	}
	return ways;
});

async function accept(page) {
	await page.waitForSelector('#incoming[open]');
	await page.click('#answer');
}

test('four pages in a group call over the relay', options, async (t) => {
	const stack = await startStack(t, { signald: { 'leg-grace': 5 } });
	const browser = await launch(t);
	const pages = {};

	for (const name of NAMES)
		pages[name] = await demoPage(browser, stack, name, { camera: name !== 'Dan' });
	const { Ann: ann, Bob: bob, Carol: carol, Dan: dan } = pages;
	let callId;

	await t.test('one invites three, and one after the other joins', async () => {
		await ann.waitForFunction(() => document.querySelectorAll('#people li').length === 3);
		await ann.click('#group');
		for (const name of ['bob', 'carol', 'dan'])
			await ann.check(`#choices input[value="${name}"]`);
		await ann.click('#group-start');
		for (const page of [bob, carol, dan]) {
			await page.waitForSelector('#incoming[open]');
			assert.match(await page.textContent('#incoming-title'), /Ann invites you to a group call/);
		}
		await Promise.all([bob, carol].map(accept));
		await assertAllSee(pages, ['Ann', 'Bob', 'Carol']);
	});

	await t.test('the fourth comes without a camera, and switches it on', async () => {
		await accept(dan);
		for (const name of ['Ann', 'Bob', 'Carol'])
			await assertPictureMoves(dan, idOf(name));
		await assertNoPicture(ann, 'dan');
		await dan.click('#camera');
		await assertAllSee(pages, NAMES);
		await ann.screenshot({ path: path.join(ARTIFACTS, 'group.png') });
	});

	await t.test('all of it passes through the relay, and counts for the call', async () => {
		for (const name of NAMES)
			assert.deepEqual(await waysOf(pages[name]), Array(3).fill('relay-relay'));
		/* turnserver tells what it counted once a second. */
		const call = await until('all have relayed', async () => {
			const [c] = (await stack.rest.stats()).calls;

			return c.relay.participants.length === NAMES.length &&
				c.relay.participants.every((p) => p.sentBytes > 20000 && p.receivedBytes > 20000) && c;
		});

		callId = call.callId;
		assert.equal(call.state, 'active');
		assert.deepEqual(call.participants, NAMES.map(idOf));
		assert.deepEqual(call.relay.participants.map((p) => p.userId).sort(), NAMES.map(idOf));
		for (const p of call.relay.participants)
			assert.ok(p.allocations.every((a) => a.by === 'name'), 'with credentials of the call');
	});

	await t.test('a socket is cut and comes back: media goes on, and so does what is said', async () => {
		await Promise.all([cutSignaling(dan), assertPictureMoves(ann, 'dan'), assertPictureMoves(dan, 'ann')]);
		await dan.click('#camera');
		await Promise.all(['Ann', 'Bob', 'Carol'].map((name) => assertNoPicture(pages[name], 'dan')));
		await dan.click('#camera');
		await assertAllSee(pages, NAMES);
	});

	await t.test('a page is reloaded, and is in the call again', async () => {
		await bob.reload();
		await assertAllSee(pages, NAMES);
		assert.match(await bob.textContent('#call-title'), /4 people/);
	});

	await t.test('one whose socket is away for too long has left, and comes back by itself', async () => {
		await carol.route('**/socket.io/**', (route) => route.abort());
		await carol.evaluate(() => window.demo.cut());
		for (const page of [ann, bob, dan])
			await page.waitForSelector('.tile[data-user="carol"]', { state: 'detached' });
		assert.match(await ann.textContent('#status'), /Carol is gone/);
		/* What her connections say until she is back, as nothing comes any more, is worth nothing then. */
		await carol.waitForFunction(() => window.demo.pcs.some((pc) => pc.connectionState !== 'connected'));
		await carol.evaluate(() => window.demo.pcs.forEach((pc) => pc.restartIce()));
		await carol.waitForFunction(() => window.demo.pcs.every((pc) => pc.signalingState === 'have-local-offer'));
		await carol.unroute('**/socket.io/**');
		carol.faults = []; /* the requests that came to nothing */
		await until('all see carol', () => ann.$('.tile[data-user="carol"]'), 90000);
		await assertAllSee(pages, NAMES);
	});

	await t.test('one leaves: the others see it, its relay stops, theirs does not', async () => {
		await neverClose(carol);
		await assertRelayStops(stack, callId, async () => {
			await carol.click('#hangup');
			await ann.waitForSelector('.tile[data-user="carol"]', { state: 'detached' });
		}, 'carol');
		assert.equal(await stateOf(carol), 'idle');
		for (const name of ['Ann', 'Bob', 'Dan'])
			await pages[name].waitForSelector('.tile[data-user="carol"]', { state: 'detached' });
		assert.match(await ann.textContent('#status'), /Carol has left/);
		await assertAllSee(pages, ['Ann', 'Bob', 'Dan']);
	});

	await t.test('and comes back', async () => {
		await carol.click('#invitations button');
		await until('all see carol', () => ann.$('.tile[data-user="carol"]'), 60000);
		for (const name of ['Ann', 'Bob', 'Dan'])
			await assertPictureMoves(pages[name], 'carol');
	});

	await t.test('one who is gone without a word has left after a while', async () => {
		await dan.close();
		for (const page of [ann, bob, carol])
			await page.waitForSelector('.tile[data-user="dan"]', { state: 'detached' });
		assert.match(await ann.textContent('#status'), /Dan is gone/);
	});

	await t.test('the last one ends the call, and the relay is empty', async () => {
		await ann.click('#hangup');
		await carol.click('#hangup');
		await bob.waitForFunction(() => /You are alone/.test(document.getElementById('status').textContent));
		await neverClose(bob);
		await assertRelayStops(stack, callId, () => bob.click('#hangup'));
		const { calls, endedCalls, relay } = await stack.rest.stats();

		assert.deepEqual(calls, []);
		assert.equal(endedCalls.find((c) => c.callId === callId).endReason, 'completed');
		assert.equal(relay.liveAllocations, 0);
	});
	assert.deepEqual(NAMES.flatMap((name) => pages[name].faults), []);
});
