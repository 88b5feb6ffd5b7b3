/* relay_follows.test.mjs - however a call ends, its relay is silent within a second; and nobody else's is
 *
 * Measured at the peer: the last packet that came through the relay after the end. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';

import { candidate, establish, initiate, join, sendCandidate, turnServer } from './lib/client.mjs';
import { startStack } from './lib/stack.mjs';
import { assertSoon, busy_ms, newStateDir, sleep, until } from './lib/suite.mjs';
import { allocation, udpPeer } from './lib/turn_client.mjs';

const options = { timeout: 60000 };
const SIZE = 100;
const LAST_MAX_MS = 1000;
const AFTERWARDS_MS = 1500;

/* A client that relays to a peer of its own, 50 packets a second. */
async function relaying(t, stack, credentials) {
	const peer = await udpPeer(t);
	const relay = await allocation(t, stack, credentials);

	peer.socket.on('message', () => { peer.last_ms = Date.now(); });
	await relay.permit(peer);
	const media = setInterval(() => relay.sendTo(peer, 1, SIZE), 20);

	t.after(() => clearInterval(media));
	await until('it relays', () => peer.packets > 2);
	return { relay, peer, packets: () => peer.packets };
}

const credentialsOf = ({ username, credential }) => ({ username, password: credential });
const relayCandidate = ({ address, port }) => candidate(1, { ip: address, port, type: 'relay' });

/* What ice:request gives, before the call. */
const ask = async (client) => credentialsOf(turnServer((await client.request('ice:request', { userId: client.userId })).iceServers));

const known = (stack, n) => until(`${n} allocations are known`,
	async () => (await stack.rest.stats()).relay.liveAllocations === n);

async function claimed(stack, roomName, by) {
	await until(`one is claimed by ${by}`, async () => (await stack.rest.call(roomName)).relay.participants
		.some((p) => p.allocations.some((a) => a.by === by && a.live)));
}

/* Silent since 1 s after this moment at the latest. */
async function fallsSilent(relays, since_ms) {
	await sleep(AFTERWARDS_MS);
	const took = relays.map(({ peer }) => peer.last_ms - since_ms);
	const before = relays.map((r) => r.packets());

	console.log(`last packet ${took.map((ms) => Math.max(0, ms)).join(', ')} ms after the end`);
	assert.ok(took.every((ms) => ms < LAST_MAX_MS + 2 * busy_ms()), `${took}, with timers ${busy_ms()} ms late`);
	await sleep(200);
	assert.deepEqual(relays.map((r) => r.packets()), before);
}

async function goesOn(relays) {
	const before = relays.map((r) => r.packets());

	await sleep(400);
	await until('each of them relays', () => relays.every((r, i) => r.packets() > before[i]));
}

async function command(file, line) {
	const socket = net.connect(file);

	await once(socket, 'connect');
	socket.write(`${JSON.stringify({ id: 1, ...line })}\n`);
	await once(socket, 'data');
	socket.destroy();
}

let stack;
let control;
const cleanups = [];

test.before(async () => {
	control = path.join(newStateDir(), 'control.sock');
	stack = await startStack({ after: (f) => cleanups.push(f) },
		{ signald: { 'leg-grace': 2, 'leg-wait': 1, 'ring-timeout': 3, 'control-socket': control } });
});
test.after(async () => { for (const f of cleanups.reverse()) await f(); });

let tests = 0;

const joinAll = (t, ...names) => {
	tests++;
	return Promise.all(names.map((name) => join(t, stack, `${name}-${tests}`)));
};

/* An active call with three relays: by name, by candidate, by user. */
async function callWithRelays(t) {
	const [alice, bob] = await joinAll(t, 'alice', 'bob');
	const named = await ask(alice);
	const call = await establish(alice, bob);
	const relays = [
		await relaying(t, stack, named),
		await relaying(t, stack, stack.credentials(alice.userId)),
		await relaying(t, stack, stack.credentials(bob.userId)),
	];

	sendCandidate(alice, call.roomName, relayCandidate(relays[1].relay.relayed));
	for (const by of ['name', 'candidate', 'user'])
		await claimed(stack, call.roomName, by);
	return { alice, bob, relays, ...call };
}

const endings = {
	'call:end': async ({ alice, roomName }) => { alice.emit('call:end', { roomName }); return Date.now(); },
	'control end': async ({ callId }) => { await command(control, { c: 'end', call: callId }); return Date.now(); },
	'control kick': async ({ bob }) => { await command(control, { c: 'kick', user: bob.userId }); return Date.now(); },
	'a leg that does not come back': async ({ alice, bob }) => {
		alice.close();
		await bob.next('call:ended');
		return Date.now();
	},
};

for (const [what, end] of Object.entries(endings))
	test(`the relay ends with the call: ${what}`, options, async (t) => {
		const call = await callWithRelays(t);

		await fallsSilent(call.relays, await end(call));
		assert.equal((await stack.rest.endedCall(call.roomName)).relay.liveAllocations, 0);
	});

test('the relay ends with the call: nobody answers', options, async (t) => {
	const [alice, bob] = await joinAll(t, 'alice', 'bob');
	const relays = [await relaying(t, stack, await ask(alice))];

	initiate(alice, bob.userId);
	assert.equal((await alice.next('call:ended')).code, 'no_answer');
	await fallsSilent(relays, Date.now());
});

test('who leaves a mesh takes its relay along, and no other', options, async (t) => {
	const [alice, bob] = await joinAll(t, 'alice', 'bob');
	const roomName = `mesh_${Date.now()}`;
	const enter = async (c) => {
		const { iceServers, success } = await c.request('group_call:join',
			{ roomName, callType: 'audio', memberIds: [alice.userId, bob.userId] });

		assert.equal(success, true);
		c.credentials = credentialsOf(turnServer(iceServers));
		return relaying(t, stack, c.credentials);
	};
	const alices = await enter(alice);
	const bobs = await enter(bob);

	await until('both are known', async () => (await stack.rest.call(roomName)).relay.liveAllocations === 2);
	alice.emit('group_call:leave', { roomName });
	await fallsSilent([alices], Date.now());
	await goesOn([bobs]);

	await t.test('what it allocates with the credentials it has is ended at once', async () => {
		await allocation(t, stack, alice.credentials);
		const allocated_ms = Date.now();

		await until('it was there, and is gone', async () => {
			const { participants } = (await stack.rest.call(roomName)).relay;
			const its = participants.find((p) => p.userId === alice.userId).allocations;

			return its.length === 2 && its.every((a) => !a.live);
		}, 20000, 20);
		assertSoon(allocated_ms, 1000);
		await goesOn([bobs]);
	});

	await t.test('it may come back, and relay', async () => {
		const again = await enter(alice);

		await goesOn([again, bobs]);
		for (const c of [alice, bob])
			c.emit('group_call:leave', { roomName });
		await fallsSilent([again, bobs], Date.now());
	});
});

test('what may serve another call of the user goes with that', options, async (t) => {
	const [alice, alice2, bob, carol] = await joinAll(t, 'alice', 'alice', 'bob', 'carol');
	const one = await establish(alice, bob);
	const relays = [await relaying(t, stack, stack.credentials(alice.userId))];

	await claimed(stack, one.roomName, 'user');
	const two = await establish(alice2, carol);

	alice.emit('call:end', { roomName: one.roomName });
	await bob.next('call:ended');
	await goesOn(relays);
	alice2.emit('call:end', { roomName: two.roomName });
	await fallsSilent(relays, Date.now());
});

/* The victim relays outside of any call of signald's, under its own name and under a shared one; and in a
 * call of its own. Mallory is behind the same address. */
test('nobody can claim a stranger\'s relay and have it cut', options, async (t) => {
	const [mallory, victim, friend, accomplice] = await joinAll(t, 'mallory', 'victim', 'friend', 'accomplice');
	const shared = () => stack.credentials(stack.sharedUser, { secret: stack.sharedSecret });
	const named = await ask(victim);
	const own = await establish(victim, friend);
	const theirs = [
		await relaying(t, stack, named),
		await relaying(t, stack, stack.credentials(friend.userId)),
		await relaying(t, stack, stack.credentials('somebody')),
		await relaying(t, stack, shared()),
	];

	await known(stack, theirs.length);
	await t.test('by saying its address as an own candidate', async () => {
		const { roomName } = await establish(mallory, accomplice);

		for (const who of [mallory, accomplice])
			for (const r of theirs)
				sendCandidate(who, roomName, relayCandidate(r.relay.relayed));
		await sleep(300);
		mallory.emit('call:end', { roomName });
		await accomplice.next('call:ended');
		await goesOn(theirs);
	});

	await t.test('by calling it, and giving up', async () => {
		const roomName = initiate(mallory, 'somebody');

		await mallory.next('call:ended');
		sendCandidate(mallory, roomName, relayCandidate(theirs[2].relay.relayed));
		initiate(mallory, victim.userId);
		await mallory.next('call:rejected'); /* busy */
		await goesOn(theirs);
	});

	await t.test('by taking its name, or its call\'s', async () => {
		mallory.emit('call:end', { roomName: own.roomName });
		mallory.emit('call:leave_room', { roomName: own.roomName, userId: victim.userId });
		mallory.emit('group_call:join', { roomName: own.roomName, callType: 'audio', memberIds: [victim.userId] });
		sendCandidate(mallory, own.roomName, relayCandidate(theirs[0].relay.relayed));
		mallory.emit('group_call:leave', { roomName: own.roomName });
		await sleep(300);
		await goesOn(theirs);
		assert.equal((await stack.rest.call(own.roomName)).state, 'active');
	});

	await t.test('its own end does', async () => {
		victim.emit('call:end', { roomName: own.roomName });
		await friend.next('call:ended');
		await fallsSilent(theirs.slice(0, 2), Date.now());
		await goesOn(theirs.slice(2, 3));
	});
});
