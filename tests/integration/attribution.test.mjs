/* attribution.test.mjs - which call an allocation belongs to, with real allocations */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { candidate, establish, join, sendCandidate, turnServer } from './lib/client.mjs';
import { startStack } from './lib/stack.mjs';
import { assertSoon, until } from './lib/suite.mjs';
import { allocation, TurnError, udpPeer } from './lib/turn_client.mjs';

const options = { timeout: 120000 };
const SIZE = 100;

let stack;
const cleanups = [];

before(async () => { stack = await startStack({ after: (f) => cleanups.push(f) }); });
after(async () => { for (const f of cleanups.reverse()) await f(); });

/* Users of one test are nobody in the next: calls of theirs may still wait for them to come back. */
let tests = 0;

function joinAll(t, ...names) {
	tests++;
	return Promise.all(names.map((name) => join(t, stack, `${name}-${tests}`)));
}

const text = ({ address, port }) => `${address}:${port}`;

/* Where the stats show the allocation: { where: roomName or 'unattributed', by, sentBytes }, or null. */
async function find(relayed) {
	const { calls, endedCalls, relay } = await stack.rest.stats();
	const here = (a) => a.relayed === text(relayed) && a.live;
	const free = relay.unattributed.allocations.find(here);

	if (free)
		return { where: 'unattributed', sentBytes: free.sentBytes };
	for (const call of [...calls, ...endedCalls])
		for (const p of call.relay.participants)
			for (const a of p.allocations.filter(here))
				return { where: call.roomName, user: p.userId, by: a.by, sentBytes: a.sentBytes };
	return null;
}

const becomes = async (what, relayed, wanted) => {
	let last;

	await until(what, async () => {
		last = await find(relayed);
		return last && Object.entries(wanted).every(([key, value]) => last[key] === value);
	}).catch((err) => {
		throw new Error(`${err.message}; it is ${JSON.stringify(last)}, not ${JSON.stringify(wanted)}`);
	});
};

async function stays(relayed, wanted) {
	await becomes('seen', relayed, wanted);
	await new Promise((resolve) => setTimeout(resolve, 1500)); /* longer than a sample */
	await becomes('unchanged', relayed, wanted);
}

const relayCandidate = ({ address, port }) => candidate(1, { ip: address, port, type: 'relay' });

async function send(client, peer, count) {
	await client.permit(peer);
	await client.sendTo(peer, count, SIZE);
}

async function end(call, who, other) {
	who.emit('call:end', { roomName: call.roomName });
	await other.next('call:ended');
}

async function goneSoon(relayed) {
	const began_ms = Date.now();

	await until('its relay is gone', async () => !(await find(relayed)));
	assertSoon(began_ms, 1000);
}

/* A call whose caller has credentials made for it. */
async function callWithCredentials(caller, callee) {
	const { iceServers } = await caller.request('ice:request', { userId: caller.userId });
	const call = await establish(caller, callee);
	const { username, credential } = turnServer(iceServers);

	return { ...call, credentials: { username, password: credential } };
}

async function twoCalls(t) {
	const [alice, alice2, bob, carol] = await joinAll(t, 'alice', 'alice', 'bob', 'carol');
	const one = await callWithCredentials(alice, bob);
	const two = await callWithCredentials(alice2, carol);

	return { alice, alice2, bob, carol, one, two };
}

test('rule 1: the call in the name, for a user in two calls', options, async (t) => {
	const { alice, one, two } = await twoCalls(t);
	const peer = await udpPeer(t);
	const a = await allocation(t, stack, one.credentials);
	const b = await allocation(t, stack, two.credentials);

	await send(a, peer, 10);
	await send(b, peer, 20);
	const alices = { user: alice.userId, by: 'name' };

	await becomes('first call', a.relayed, { ...alices, where: one.roomName, sentBytes: 10 * SIZE });
	await becomes('second call', b.relayed, { ...alices, where: two.roomName, sentBytes: 20 * SIZE });
});

test('rule 2: the relayed address in a candidate, for a user in two calls', options, async (t) => {
	const { alice, alice2, one, two } = await twoCalls(t);
	const peer = await udpPeer(t);
	const a = await allocation(t, stack, stack.credentials(alice.userId));
	const b = await allocation(t, stack, stack.credentials(alice.userId));

	await send(a, peer, 10);
	await becomes('nobody\'s at first', a.relayed, { where: 'unattributed' });
	sendCandidate(alice, one.roomName, relayCandidate(a.relayed));
	sendCandidate(alice2, two.roomName, relayCandidate(b.relayed));
	await send(b, peer, 20);
	await becomes('first call', a.relayed, { where: one.roomName, by: 'candidate', sentBytes: 10 * SIZE });
	await becomes('second call', b.relayed, { where: two.roomName, by: 'candidate', sentBytes: 20 * SIZE });
});

test('rule 2: the first claim stands among equals', options, async (t) => {
	const { alice, alice2, one, two } = await twoCalls(t);
	const a = await allocation(t, stack, stack.credentials(alice.userId));

	sendCandidate(alice, one.roomName, relayCandidate(a.relayed));
	await becomes('first call', a.relayed, { where: one.roomName });
	sendCandidate(alice2, two.roomName, relayCandidate(a.relayed));
	await stays(a.relayed, { where: one.roomName, by: 'candidate' });
});

test('rule 3: the user in exactly one call; in two calls no call', options, async (t) => {
	const [alice, alice2, bob, carol] = await joinAll(t, 'alice', 'alice', 'bob', 'carol');
	const peer = await udpPeer(t);
	const one = await establish(alice, bob);
	const a = await allocation(t, stack, stack.credentials(alice.userId));

	await send(a, peer, 10);
	await becomes('the one call', a.relayed, {
		where: one.roomName, user: alice.userId, by: 'user', sentBytes: 10 * SIZE,
	});

	const two = await establish(alice2, carol);
	const b = await allocation(t, stack, stack.credentials(alice.userId));

	await send(b, peer, 20);
	await becomes('its bytes are known', b.relayed, { sentBytes: 20 * SIZE });
	await stays(b.relayed, { where: 'unattributed' });

	await t.test('a stronger rule takes the whole totals along', async () => {
		sendCandidate(alice2, two.roomName, relayCandidate(a.relayed));
		await becomes('moved', a.relayed, { where: two.roomName, by: 'candidate', sentBytes: 10 * SIZE });
		assert.equal((await stack.rest.call(one.roomName)).relay.sentBytes, 0);
	});
});

test('candidate first, allocation after: its address is found all the same', options, async (t) => {
	/* So few relay ports that its address can be said before it is made. */
	const few = await startStack(t, { relayPorts: 4 });
	const alice = await join(t, few, 'alice');
	const alice2 = await join(t, few, 'alice');
	const [bob, carol] = [await join(t, few, 'bob'), await join(t, few, 'carol')];
	const one = await establish(alice, bob);

	await establish(alice2, carol); /* so that rule 3 says nothing */
	for (let i = 0; i < few.relayPorts; i++)
		sendCandidate(alice, one.roomName, relayCandidate({ address: few.host, port: few.relayPort + i }));
	await bob.next('ice:candidate');
	await allocation(t, few, few.credentials('alice'));
	const call = await until('claimed', async () => {
		const c = await few.rest.call(one.roomName);

		return c.relay.liveAllocations === 1 && c;
	});

	assert.equal(call.relay.participants[0].allocations[0].by, 'candidate');
});

test('nobody can claim a stranger\'s relay', options, async (t) => {
	const [mallory, victim, bob, carol] = await joinAll(t, 'mallory', 'victim', 'bob', 'carol');
	const call = await callWithCredentials(mallory, victim);
	const other = await callWithCredentials(bob, carol);
	const peer = await udpPeer(t);
	const free = await allocation(t, stack, stack.credentials('stranger'));
	const owned = await allocation(t, stack, other.credentials);

	await send(free, peer, 10);
	await send(owned, peer, 10);
	sendCandidate(mallory, call.roomName, relayCandidate(free.relayed));
	sendCandidate(mallory, call.roomName, relayCandidate(owned.relayed));
	await stays(free.relayed, { where: 'unattributed', sentBytes: 10 * SIZE });
	await becomes('still its own', owned.relayed, { where: other.roomName, by: 'name' });
	assert.equal((await stack.rest.call(call.roomName)).relay.sentBytes, 0);

	await t.test('and ending the call ends nobody else\'s relay', async () => {
		await end(call, mallory, victim);
		await stays(free.relayed, { where: 'unattributed' });
		await becomes('still its own', owned.relayed, { where: other.roomName });
	});
});

test('a name with another call is not claimed by a candidate', options, async (t) => {
	const { alice2, one, two } = await twoCalls(t);
	const a = await allocation(t, stack, one.credentials);

	sendCandidate(alice2, two.roomName, relayCandidate(a.relayed));
	await stays(a.relayed, { where: one.roomName, by: 'name' });
});

test('a shared name is claimed from the member\'s own address only', options, async (t) => {
	const alice = await join(t, stack, 'alice', { transports: ['websocket'], localAddress: '127.0.0.2' });
	const [bob] = await joinAll(t, 'bob');
	const call = await establish(alice, bob);
	const shared = () => stack.credentials(stack.sharedUser, { secret: stack.sharedSecret });
	const mine = await allocation(t, stack, shared(), '127.0.0.2');
	const others = await allocation(t, stack, shared(), '127.0.0.4');

	sendCandidate(alice, call.roomName, relayCandidate(mine.relayed));
	sendCandidate(alice, call.roomName, relayCandidate(others.relayed));
	await becomes('mine', mine.relayed, { where: call.roomName, user: 'alice', by: 'candidate' });
	await stays(others.relayed, { where: 'unattributed' });
});

test('a shared name never counts by rule 3, nor by a call in it', options, async (t) => {
	const user = await join(t, stack, stack.sharedUser);
	const [bob] = await joinAll(t, 'bob');
	const call = await establish(user, bob);
	const shared = (part) => stack.credentials(stack.sharedUser, { call: part, secret: stack.sharedSecret });
	const plain = await allocation(t, stack, shared());
	const named = await allocation(t, stack, shared(call.callId));

	await stays(plain.relayed, { where: 'unattributed' });
	await becomes('its call is ignored', named.relayed, { where: 'unattributed' });
});

test('a shared secret authenticates nobody else', options, async (t) => {
	for (const user of ['anybody', undefined])
		await assert.rejects(allocation(t, stack, stack.credentials(user, { secret: stack.sharedSecret })),
			(err) => err instanceof TurnError && err.code === 401);
});

test('expired and foreign credentials are refused', options, async (t) => {
	const refused = (err) => err instanceof TurnError && err.code === 401;

	await assert.rejects(allocation(t, stack, stack.credentials('anybody', { ttl_s: -60 })), refused);
	await assert.rejects(allocation(t, stack, stack.credentials('anybody', { secret: 'x'.repeat(32) })), refused);
});

test('call:end ends the relay of its call; what may serve another call of the user\'s goes with that', options, async (t) => {
	const { alice, alice2, bob, carol, one, two } = await twoCalls(t);
	const named = await allocation(t, stack, one.credentials);
	const claimed = await allocation(t, stack, stack.credentials(alice.userId));

	sendCandidate(alice, one.roomName, relayCandidate(claimed.relayed));
	await becomes('claimed', claimed.relayed, { where: one.roomName });
	await becomes('named', named.relayed, { where: one.roomName });
	await end(one, alice, bob);
	await goneSoon(named.relayed);
	await stays(claimed.relayed, { where: one.roomName });
	await end(two, alice2, carol);
	await goneSoon(claimed.relayed);
});
