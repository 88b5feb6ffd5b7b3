/* restart.test.mjs - each daemon restarted in turn, while a call goes on */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { callWithCredentials, candidate, join, sendCandidate } from './lib/client.mjs';
import { startStack } from './lib/stack.mjs';
import { until, within } from './lib/suite.mjs';
import { allocation, udpPeer } from './lib/turn_client.mjs';

const options = { timeout: 60000 };
const SIZE = 100;

const connected = (stack, wanted) => until(`turn.connected is ${wanted}`,
	async () => (await stack.rest.health()).turn.connected === wanted, 30000);

const sentBytes = (stack, roomName, n) => until(`${n} bytes of the call are known`, async () => {
	const call = await stack.rest.call(roomName);

	return call.relay.sentBytes === n && call;
});

for (const signal of ['SIGTERM', 'SIGKILL']) {
	test(`turnserver goes (${signal}) and comes back: the call goes on`, options, async (t) => {
		const stack = await startStack(t);
		const peer = await udpPeer(t);
		const { alice, bob, roomName, credentials } = await callWithCredentials(t, stack);
		const before = await allocation(t, stack, credentials);

		await before.permit(peer);
		await before.sendTo(peer, 10, SIZE);
		const { relay } = await sentBytes(stack, roomName, 10 * SIZE);

		assert.equal(relay.exact, true);
		await stack.daemons.turnserver.kill(signal);
		await connected(stack, false);

		await t.test('signaling works without it', async () => {
			sendCandidate(alice, roomName, candidate(3));
			assert.equal((await bob.next('ice:candidate')).candidate, candidate(3));
			assert.equal((await stack.rest.call(roomName)).state, 'active');
			assert.equal((await stack.rest.stats()).relay.connected, false);
			assert.equal((await stack.rest.get('/api/ice-servers/9')).status, 200);
		});

		await stack.startTurnserver();
		await connected(stack, true);
		const gone = await until('what ended meanwhile is known to have', async () => {
			const call = await stack.rest.call(roomName);

			return call.relay.liveAllocations === 0 && call;
		});

		assert.equal(gone.relay.sentBytes, 10 * SIZE, 'nothing is lost');
		assert.equal(gone.relay.exact, true, 'the end was told, if by the successor');

		const again = await allocation(t, stack, credentials);

		await again.permit(peer);
		await again.sendTo(peer, 5, SIZE);
		const both = await sentBytes(stack, roomName, 15 * SIZE);

		assert.equal(both.relay.liveAllocations, 1);
		bob.emit('call:end', { roomName });
		await alice.next('call:ended');
	});
}

test('signald restarts: the relay goes on, and live totals are right at once', options, async (t) => {
	const stack = await startStack(t);
	const peer = await udpPeer(t, { echo: true });
	const { credentials } = await callWithCredentials(t, stack);
	const relay = await allocation(t, stack, credentials);

	await relay.permit(peer);
	await relay.sendTo(peer, 10, SIZE);
	await until('the echo is back', () => relay.received === 10 * SIZE);
	await stack.daemons.signald.stop();

	await relay.sendTo(peer, 10, SIZE);
	await until('media passes without signald', () => relay.received === 20 * SIZE);
	await new Promise((resolve) => setTimeout(resolve, 1500)); /* a sample */

	await stack.startSignald();
	await connected(stack, true);
	const { relay: { liveAllocations, unattributed } } = await stack.rest.stats();

	assert.equal(liveAllocations, 1);
	assert.equal(unattributed.sentBytes, 20 * SIZE);
	assert.equal(unattributed.receivedBytes, 20 * SIZE);
	assert.deepEqual((await stack.rest.stats()).calls, []);

	await t.test('clients come back and call again', async () => {
		const call = await callWithCredentials(t, stack);

		assert.equal((await stack.rest.call(call.roomName)).state, 'active');
		const a = await allocation(t, stack, call.credentials);

		await a.permit(peer);
		await a.sendTo(peer, 3, SIZE);
		await sentBytes(stack, call.roomName, 3 * SIZE);
	});
});

test('npm\'s client comes back by itself after a restart of signald', options, async (t) => {
	const stack = await startStack(t);
	const often = { reconnection: true, reconnectionDelay: 100, reconnectionDelayMax: 300 };
	const alice = await join(t, stack, 'alice', often);
	const again = new Promise((resolve) => alice.socket.once('connect', resolve));

	await stack.daemons.signald.stop();
	await stack.startSignald();
	await within('it is connected again', again, 30000);
	alice.emit('user:join', 'alice');
	assert.equal((await alice.request('ice:request', { userId: 'alice' })).success, true);
});
