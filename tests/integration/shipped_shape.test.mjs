/* shipped_shape.test.mjs - calls as shipped phones make them: one TURN name for everybody, six allocations
 * each, and the configuration we ship */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { candidate, establish, join, sendCandidate } from './lib/client.mjs';
import { startStack } from './lib/stack.mjs';
import { assertSoon, sleep, until } from './lib/suite.mjs';
import { TurnClient, udpPeer } from './lib/turn_client.mjs';

const CALLS = 50;
const ALLOCATIONS = 6; /* a phone with two networks, over UDP, TCP and TLS */
const SIZE = 100;
const AT_ONCE = 10;

/* fn for each item, a few at a time. */
async function each(items, fn) {
	const results = [];

	for (let i = 0; i < items.length; i += AT_ONCE)
		results.push(...await Promise.all(items.slice(i, i + AT_ONCE).map(fn)));
	return results;
}

async function phone(t, stack, userId, address) {
	const client = await join(t, stack, userId, { transports: ['websocket'], localAddress: address });
	const relays = [];

	t.after(() => relays.forEach((r) => r.close()));
	return { client, address, relays };
}

async function gather(stack, p, roomName, credentials) {
	for (let i = 0; i < ALLOCATIONS; i++) {
		const relay = new TurnClient(stack, credentials, p.address);

		p.relays.push(relay);
		const { address: ip, port } = await relay.allocate(); /* throws on 486 */

		sendCandidate(p.client, roomName, candidate(i, { ip, port, type: 'relay' }));
	}
}

async function makeCall(t, stack, n, credentials) {
	const caller = await phone(t, stack, `caller${n}`, `127.0.1.${n + 1}`);
	const callee = await phone(t, stack, `callee${n}`, `127.0.2.${n + 1}`);
	const { roomName } = await establish(caller.client, callee.client);

	await Promise.all([caller, callee].map((p) => gather(stack, p, roomName, credentials)));
	return { roomName, caller, relays: [...caller.relays, ...callee.relays] };
}

/* Ping the echo through an allocation until it comes back, as a datagram may be lost. */
const relays = (relay, peer) => until('the allocation relays', async () => {
	const before = relay.received;

	await relay.sendTo(peer, 1, SIZE);
	await sleep(20);
	return relay.received > before;
}, 20000, 0);

const claimed = (call) => call.relay.participants
	.reduce((n, p) => n + p.allocations.filter((a) => a.by === 'candidate').length, 0);

test('50 calls with one name: none is refused, and the end of one ends no other', { timeout: 60000 }, async (t) => {
	const stack = await startStack(t, { shipped: true, host: '127.0.3.1', relayPorts: 2000 });
	const peer = await udpPeer(t, { echo: true, host: stack.host });
	const credentials = stack.credentials(stack.sharedUser, { secret: stack.sharedSecret });
	const calls = await each([...Array(CALLS).keys()], (n) => makeCall(t, stack, n, credentials));

	await until('each allocation has found its call', async () => {
		const stats = await stack.rest.stats();

		return stats.calls.length === CALLS &&
			stats.calls.every((c) => claimed(c) === 2 * ALLOCATIONS);
	});
	await each(calls, (c) => Promise.all(c.relays.map((r) => r.permit(peer))));
	await each(calls, (c) => Promise.all(c.relays.map((r) => relays(r, peer))));

	const [ended, ...others] = calls;

	const ended_ms = Date.now();

	ended.caller.client.emit('call:end', { roomName: ended.roomName });
	await until('the relay of the ended call is gone', async () => {
		const { relay } = await stack.rest.endedCall(ended.roomName);

		return relay.liveAllocations === 0 && relay;
	});
	assertSoon(ended_ms, 2000);

	await t.test('it relays no more', async () => {
		const before = ended.relays.map((r) => r.received);

		await Promise.all(ended.relays.map((r) => r.sendTo(peer, 2, SIZE)));
		await sleep(200);
		assert.deepEqual(ended.relays.map((r) => r.received), before);
	});

	await t.test('the 49 others relay', async () => {
		await each(others, (c) => Promise.all(c.relays.map((r) => relays(r, peer))));
		assert.equal((await stack.rest.stats()).relay.liveAllocations, 2 * ALLOCATIONS * (CALLS - 1));
	});

	await t.test('the name is as good as before', async () => {
		const again = new TurnClient(stack, credentials, ended.caller.address);

		ended.caller.relays.push(again);
		await again.allocate();
		await again.permit(peer);
		await relays(again, peer);
	});
});
