/* relay_call.mjs - two demo pages in a relay-only call, and what must be true of it */
import assert from 'node:assert/strict';
import path from 'node:path';

import {
	assertPictureMoves, callAndAnswer, demoPage, launch, pathBytes, selectedPair, silence,
} from './browser.mjs';
import { ARTIFACTS, assertSoon, sleep, until } from './suite.mjs';

const TOLERANCE = 0.02;

function assertClose(ours, theirs, what) {
	assert.ok(theirs > 0, `${what}: the page counted nothing`);
	const off = Math.abs(ours - theirs) / theirs;

	assert.ok(off <= TOLERANCE,
		`${what}: stats say ${ours}, the page ${theirs}, ${(off * 100).toFixed(2)} % apart`);
}

/* The stats once both sides have stopped sending: two looks a sample apart that hardly differ. */
async function settledCall(stack, callId) {
	let before = -1;

	return until('the totals stand still', async () => {
		const call = (await stack.rest.stats()).calls.find((c) => c.callId === callId);
		const total = call.relay.sentBytes + call.relay.receivedBytes;
		const still = total - before < 2000;

		before = total;
		return still && call;
	}, 30000, 1200);
}

/* What Chromium counts for a pair is the payload of RTP, RTCP and DTLS packets; the connectivity
 * checks beside them pass through the relay too: some hundred bytes a second, far below the
 * tolerance. What went over a first pair before ICE settled counts as well, and is little. */
async function assertBytesAgree(call, userId, page) {
	const relay = call.relay.participants.find((p) => p.userId === userId);
	const pair = await selectedPair(page);
	const all = await pathBytes(page);

	assertClose(relay.sentBytes, all.sent, `${userId} sent`);
	assertClose(relay.receivedBytes, all.received, `${userId} received`);
	assert.ok(pair.bytesSent > all.sent / 2 && pair.bytesReceived > all.received / 2,
		'the selected pair carries most of the call');
}

/* What is left of a call's relay: allocations that live, of the whole call or of one user. */
const liveAllocations = (call, userId) => (userId
	? call.relay.participants.find((p) => p.userId === userId)?.allocations.filter((a) => a.live).length ?? 0
	: call.relay.liveAllocations);

async function callOf(stack, callId) {
	const { calls, endedCalls } = await stack.rest.stats();

	return [...calls, ...endedCalls].find((c) => c.callId === callId);
}

/* hangUp() ends the call, or userId's part in it and others know: within 1 s its relay is gone, and the bytes stand still. */
export async function assertRelayStops(stack, callId, hangUp, userId) {
	assert.ok(liveAllocations(await callOf(stack, callId), userId) > 0, 'there is something to be stopped');
	await hangUp();
	/* A browser with pictures takes its time to say so. */
	if (!userId)
		await until('the end is known', async () => 'endTime' in await callOf(stack, callId), undefined, 10);
	const before = Date.now();
	const call = await until('the relay has stopped', async () => {
		const c = await callOf(stack, callId);

		return liveAllocations(c, userId) === 0 && c;
	}, undefined, 20);

	assertSoon(before, 1000, 'the relay has stopped');
	const bytesOf = (c) => {
		const sums = userId ? c.relay.participants.find((p) => p.userId === userId) : c.relay;

		return sums.sentBytes + sums.receivedBytes;
	};

	await sleep(1500);
	assert.equal(bytesOf(await callOf(stack, callId)), bytesOf(call), 'nothing is relayed any more');
}

export async function relayCall(t, stack, { transport, seconds, picture, fakeCamera = false, prefix = [] }) {
	const browser = await launch(t, { fakeCamera, prefix });
	const alice = await demoPage(browser, stack, 'Alice');
	const bob = await demoPage(browser, stack, 'Bob');

	await callAndAnswer(alice, bob, 'bob');
	const startedAt = Date.now();

	for (const page of [alice, bob]) {
		const pair = await selectedPair(page);

		assert.equal(pair.local, 'relay');
		assert.equal(pair.remote, 'relay');
		assert.equal(pair.relayProtocol, transport);
		await assertPictureMoves(page);
	}
	const [live] = (await stack.rest.stats()).calls;

	assert.equal(live.state, 'active');
	assert.deepEqual(live.participants, ['alice', 'bob']);
	await sleep(Math.max(0, startedAt + seconds * 1000 - Date.now()));
	assert.match(await alice.textContent('#connection'), new RegExp(`relay to relay, TURN over ${transport}`, 'i'));
	assert.match(await alice.textContent('#bytes-sent'), /[kMG]B \(\d/);
	if (picture)
		await alice.screenshot({ path: path.join(ARTIFACTS, picture) });

	await Promise.all([silence(alice), silence(bob)]);
	const call = await settledCall(stack, live.callId);

	await assertBytesAgree(call, 'alice', alice);
	await assertBytesAgree(call, 'bob', bob);
	assert.ok(call.relay.liveAllocations >= 2);
	for (const p of call.relay.participants)
		for (const a of p.allocations)
			assert.equal(a.by, 'name', 'both sides had credentials of the call');

	await alice.click('#hangup');
	await bob.waitForFunction(() => window.demo.state === 'idle');
	await until('the relay is gone', async () => {
		const stats = await stack.rest.stats();

		return stats.relay.liveAllocations === 0 && stats.calls.length === 0;
	});
	const ended = (await stack.rest.stats()).endedCalls.find((c) => c.callId === live.callId);

	assert.equal(ended.state, 'ended');
	assert.equal(ended.relay.liveAllocations, 0);
	assert.ok(ended.relay.sentBytes >= call.relay.sentBytes, 'nothing is lost at the end');
	assert.ok(ended.duration >= seconds);
	assert.deepEqual([...alice.faults, ...bob.faults], []);
	return { call, alice, bob };
}
