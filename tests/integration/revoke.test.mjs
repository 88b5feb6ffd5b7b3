/* revoke.test.mjs - the relay of a call ends with it and stays ended: credentials that are good for hours are refused */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { establish, join, turnServer } from './lib/client.mjs';
import { startStack } from './lib/stack.mjs';
import { sleep, until } from './lib/suite.mjs';
import { TurnClient, allocation, udpPeer } from './lib/turn_client.mjs';

const options = { timeout: 60000 };

const connected = (stack, wanted) => until(`turn.connected is ${wanted}`,
	async () => (await stack.rest.health()).turn.connected === wanted, 30000);

/* An answered call and what its two members sign in with. */
async function callOf(t, stack, name) {
	const caller = await join(t, stack, `${name}-caller`);
	const callee = await join(t, stack, `${name}-callee`);
	const { iceServers } = await caller.request('ice:request', { userId: caller.userId });
	const call = await establish(caller, callee);
	const credentials = [iceServers, call.incoming.iceServers].map((servers) => {
		const { username, credential } = turnServer(servers);

		return { username, password: credential };
	});

	return { caller, callee, credentials, ...call };
}

/* What the answer to an Allocate is: 0, or an error code. */
async function answer(t, stack, credentials) {
	const c = new TurnClient(stack, credentials);

	t.after(() => c.close());
	try {
		await c.allocate();
		return 0;
	} catch (err) {
		return err.code;
	}
}

test('a call that ended cannot be relayed for again, and no other call is hit', options, async (t) => {
	const stack = await startStack(t, { host: '127.0.3.2' });
	const peer = await udpPeer(t, { echo: true, host: stack.host });
	const one = await callOf(t, stack, 'one');
	const two = await callOf(t, stack, 'two');
	const relays = await Promise.all([...one.credentials, ...two.credentials].map((c) => allocation(t, stack, c)));

	for (const r of relays)
		await r.permit(peer);
	await until('all are known', async () => (await stack.rest.stats()).relay.liveAllocations === 4);
	one.caller.emit('call:end', { roomName: one.roomName });
	await until('the relay is gone', async () => (await stack.rest.stats()).relay.liveAllocations === 2);

	await t.test('its members are refused', async () => {
		for (const c of one.credentials)
			assert.equal(await answer(t, stack, c), 403);
	});

	await t.test('the other call goes on, also over a new allocation', async () => {
		for (const r of relays.slice(2)) {
			await r.sendTo(peer, 1, 100);
			await until('it relays', () => r.received >= 100);
		}
		for (const c of two.credentials)
			assert.equal(await answer(t, stack, c), 0);
	});

	await t.test('the same two call again under the same name', async () => {
		const roomName = one.roomName;
		const { iceServers } = await one.caller.request('ice:request', { userId: one.caller.userId });
		const { username, credential } = turnServer(iceServers);

		await establish(one.caller, one.callee, { roomName });
		assert.equal(await answer(t, stack, { username, password: credential }), 0);
	});
});

test('a call that ends without turnserver is revoked when that is back', options, async (t) => {
	const stack = await startStack(t, { host: '127.0.3.2' });
	const call = await callOf(t, stack, 'one');

	await stack.daemons.turnserver.kill('SIGKILL');
	await connected(stack, false);
	call.caller.emit('call:end', { roomName: call.roomName });
	await call.callee.next('call:ended');
	await stack.startTurnserver();
	await connected(stack, true);
	await until('it is refused', async () => await answer(t, stack, call.credentials[0]) === 403);
	await sleep(100);
	assert.equal(await answer(t, stack, call.credentials[1]), 403);
});
