/* relay_bytes.test.mjs - turnutils_uclient with credentials from REST: the stats count each byte it sent */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { establish, join, turnServer } from './lib/client.mjs';
import { startStack } from './lib/stack.mjs';
import { until } from './lib/suite.mjs';
import { startPeer, uclient } from './lib/uclient.mjs';

const options = { timeout: 60000 };
const MESSAGES = 100;
const CLIENTS = 2;
const SIZE = 170;
const TOTAL = MESSAGES * CLIENTS * SIZE;

/* Ordinary REST credentials: the user, and no call. */
async function restCredentials(stack, userId) {
	const { json } = await stack.rest.postJson('/api/turn-credentials', { userId, ttl: 600 });

	return json.credentials;
}

function load(stack, credentials, extra, peer) {
	const target = peer ? ['-e', peer.host, '-r', peer.port] : ['-y'];

	return uclient(stack, credentials, ['-c', '-n', MESSAGES, '-m', CLIENTS, '-l', SIZE, ...target, ...extra]);
}

/* Nothing was lost on the way, else there is nothing to compare. */
function assertWhole(run) {
	assert.equal(run.sentBytes, TOTAL, run.out);
	assert.equal(run.receivedBytes, TOTAL, run.out);
}

const unattributed = async (stack) => (await stack.rest.stats()).relay.unattributed;

/* The probes that uclient leaves behind have relayed nothing; what ended is final. */
async function unattributedBecomes(stack, sent, received) {
	let last;

	await until(`${sent} bytes sent, ${received} received, by what has ended`, async () => {
		last = await unattributed(stack);
		return last.allocations.every((a) => !a.live || a.sentBytes + a.receivedBytes === 0) &&
			last.sentBytes >= sent && last.receivedBytes >= received;
	}).catch((err) => {
		throw new Error(`${err.message}; stats say ${last.sentBytes}, ${last.receivedBytes}`);
	});
	assert.equal(last.sentBytes, sent);
	assert.equal(last.receivedBytes, received);
	return last;
}

for (const [transport, flags] of [['udp', []], ['tcp', ['-t']]]) {
	test(`over ${transport.toUpperCase()} every byte to and from a peer is counted`, options, async (t) => {
		const stack = await startStack(t);
		const peer = await startPeer(t);
		const run = await load(stack, await restCredentials(stack, 'load'), flags, peer);

		assertWhole(run);
		const { allocations } = await unattributedBecomes(stack, TOTAL, TOTAL);

		assert.ok(allocations.every((a) => a.transport === transport));
		assert.equal(allocations.reduce((n, a) => n + a.sentBytes, 0), TOTAL);
		assert.deepEqual((await stack.rest.stats()).calls, []);
	});
}

test('from relay to relay each byte is counted at both allocations', options, async (t) => {
	const stack = await startStack(t);
	const run = await load(stack, await restCredentials(stack, 'load'), []);

	assertWhole(run);
	await unattributedBecomes(stack, TOTAL, TOTAL);
});

test('over TCP to a TCP relay (RFC 6062) every byte is counted', options, async (t) => {
	const stack = await startStack(t, { turnserver: {} });
	const run = await load(stack, await restCredentials(stack, 'load'), ['-T', '-t']);

	/* Of a stream uclient reports what it read; the relay must have carried at least that. */
	assert.ok(run.receivedBytes > 0, run.out);
	const { sentBytes, receivedBytes } = await until('bytes are there', async () => {
		const u = await unattributed(stack);

		return u.sentBytes >= run.sentBytes && u.receivedBytes >= run.receivedBytes && u;
	});

	assert.equal(sentBytes, run.sentBytes);
	assert.equal(receivedBytes, run.receivedBytes);
});

test('bytes of a participant are the call\'s, others\' are nobody\'s', options, async (t) => {
	const stack = await startStack(t);
	const peer = await startPeer(t);
	const alice = await join(t, stack, 'alice');
	const bob = await join(t, stack, 'bob');
	const { roomName, incoming } = await establish(alice, bob);
	const { username, credential } = turnServer(incoming.iceServers);

	assertWhole(await load(stack, { username, password: credential }, [], peer));
	assertWhole(await load(stack, await restCredentials(stack, 'stranger'), [], peer));
	const { relay } = await until('the call has its bytes', async () => {
		const call = await stack.rest.call(roomName);

		return call.relay.sentBytes >= TOTAL && call.relay.receivedBytes >= TOTAL && call;
	});

	assert.equal(relay.sentBytes, TOTAL);
	assert.equal(relay.receivedBytes, TOTAL);
	assert.equal(relay.sentPackets, MESSAGES * CLIENTS);
	assert.equal(relay.receivedPackets, MESSAGES * CLIENTS);
	assert.equal(relay.exact, true);
	const users = relay.participants.filter((p) => p.sentBytes > 0);

	assert.deepEqual(users.map((p) => [p.userId, p.sentBytes, p.receivedBytes]), [['bob', TOTAL, TOTAL]]);
	await unattributedBecomes(stack, TOTAL, TOTAL);

	bob.emit('call:end', { roomName });
	await alice.next('call:ended');
	const ended = await until('nothing of the call is live', async () => {
		const call = await stack.rest.endedCall(roomName);

		return call.relay.liveAllocations === 0 && call;
	});

	assert.equal(ended.relay.sentBytes, TOTAL);
});
