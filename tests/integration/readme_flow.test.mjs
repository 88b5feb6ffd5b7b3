/* readme_flow.test.mjs - the calls of the README, with npm's own client over each transport */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import {
	candidate, Client, establish, fakeSdp, initiate, join, newRoom, sendCandidate, TRANSPORTS, turnServer,
} from './lib/client.mjs';
import { startStack } from './lib/stack.mjs';
import { now, turnPassword, until, within } from './lib/suite.mjs';

let stack;
const cleanups = [];

before(async () => { stack = await startStack({ after: (f) => cleanups.push(f) }); });
after(async () => { for (const f of cleanups.reverse()) await f(); });

/* STUN and TURN servers whose credentials are of this user and this call. */
function assertIceServers(iceServers, user, callId) {
	assert.deepEqual(iceServers.map((s) => s.urls), [stack.stunUrl, stack.turnUrls]);
	const { username, credential } = turnServer(iceServers);
	const [expiry, ...rest] = username.split(':');

	assert.deepEqual(rest, [String(user), callId]);
	assert.ok(Number(expiry) > now(), 'not expired');
	assert.equal(credential, turnPassword(stack.secret, username));
}

async function activeCalls() {
	return (await stack.rest.get('/api/calls/active-count')).json.activeCallsCount;
}

for (const [name, transports] of Object.entries(TRANSPORTS)) {
	describe(name, () => {
		test('a call is made, answered and ended', async (t) => {
			const alice = await join(t, stack, 101, { transports });
			const bob = await join(t, stack, 'bob', { transports });
			const offer = fakeSdp('offer');
			const answer = fakeSdp('answer');
			const roomName = initiate(alice, 'bob', { sdpOffer: offer });
			const incoming = await bob.next('call:incoming');
			const { callId } = incoming;

			assert.match(callId, /^[A-Za-z0-9_-]{22}$/);
			assertIceServers(incoming.iceServers, 'bob', callId);
			delete incoming.iceServers;
			assert.deepEqual(incoming, {
				callId, fromId: 101, fromName: '101', toId: 'bob', callType: 'video', roomName, sdpOffer: offer,
			});
			assert.equal(await activeCalls(), 1);
			assert.equal((await stack.rest.call(roomName)).state, 'ringing');

			bob.emit('call:accept', { roomName, fromId: 101, sdpAnswer: answer });
			const got = await alice.next('call:answer');

			assertIceServers(got.iceServers, 101, callId);
			assert.equal(got.sdpAnswer, answer);
			assert.equal(got.roomName, roomName);
			assert.equal(got.acceptedBy, 'bob');
			assert.equal(got.callId, callId);
			await bob.none('call:answer');

			const live = await stack.rest.call(roomName);

			assert.equal(live.state, 'active');
			assert.equal(live.callId, callId);
			assert.deepEqual(live.participants, [101, 'bob']);
			assert.equal(live.initiator, 101);
			assert.ok(live.answerTime >= live.startTime);

			bob.emit('call:end', { roomName, reason: 'user_ended' });
			const ended = await alice.next('call:ended');

			assert.equal(ended.roomName, roomName);
			assert.equal(ended.reason, 'user_ended');
			assert.equal(await activeCalls(), 0);
			const record = await stack.rest.endedCall(roomName);

			assert.equal(record.state, 'ended');
			assert.ok(record.endTime >= record.answerTime);
			assert.equal(record.endReason, 'user_ended');
		});

		test('candidates go both ways, early ones after the answer and in order', async (t) => {
			const alice = await join(t, stack, 'alice', { transports });
			const bob = await join(t, stack, 'bob', { transports });
			const roomName = initiate(alice, 'bob', { callType: 'audio' });

			for (let i = 1; i <= 5; i++)
				sendCandidate(alice, roomName, candidate(i));
			await bob.next('call:incoming');
			await bob.none('ice:candidate');
			bob.emit('call:accept', { roomName, fromId: 'alice', sdpAnswer: fakeSdp('answer') });
			await alice.next('call:answer');
			for (let i = 1; i <= 5; i++)
				assert.equal((await bob.next('ice:candidate')).candidate, candidate(i));

			sendCandidate(bob, roomName, candidate(7));
			const toAlice = await alice.next('ice:candidate');

			assert.equal(toAlice.candidate, candidate(7));
			assert.equal(toAlice.sdpMLineIndex, 0);
			assert.equal(toAlice.sdpMid, '0');
			sendCandidate(alice, roomName, candidate(8));
			assert.equal((await bob.next('ice:candidate')).candidate, candidate(8));
			await alice.none('ice:candidate');
			await bob.none('ice:candidate', 0);
			alice.emit('call:end', { roomName });
			assert.equal((await bob.next('call:ended')).reason, 'Call ended');
		});

		test('a rejected call is told to the caller and is over', async (t) => {
			const alice = await join(t, stack, 'alice', { transports });
			const bob = await join(t, stack, 'bob', { transports });
			const roomName = initiate(alice, 'bob', { fromName: 'Аліса' });

			assert.equal((await bob.next('call:incoming')).fromName, 'Аліса');
			bob.emit('call:reject', { roomName });
			assert.equal((await alice.next('call:rejected')).reason, 'User rejected the call');
			assert.equal(await activeCalls(), 0);
			const record = await stack.rest.endedCall(roomName);

			assert.equal(record.state, 'ended');
			assert.equal(record.duration, 0);
			assert.equal('answerTime' in record, false);
		});
	});
}

test('ice:request reserves the id of the next call', async (t) => {
	const alice = await join(t, stack, 'alice');
	const bob = await join(t, stack, 'bob');
	const reply = await alice.request('ice:request', { userId: 'alice' });

	assert.equal(reply.success, true);
	assert.ok(Math.abs(reply.timestamp - Date.now()) < 5000);
	assertIceServers(reply.iceServers, 'alice', reply.callId);
	const first = await establish(alice, bob);

	assert.equal(first.callId, reply.callId);
	alice.emit('call:end', { roomName: first.roomName });
	await bob.next('call:ended');
	const second = await establish(alice, bob);

	assert.notEqual(second.callId, reply.callId, 'an id is used once');
	alice.emit('call:end', { roomName: second.roomName });
	await bob.next('call:ended');
});

test('two calls with the same roomName do not meet', async (t) => {
	const [alice, bob, carol, dave] = await Promise.all(
		['alice', 'bob', 'carol', 'dave'].map((id) => join(t, stack, id)));
	const roomName = newRoom();
	const one = await establish(alice, bob, { roomName });
	const two = await establish(carol, dave, { roomName });

	assert.notEqual(one.callId, two.callId);
	sendCandidate(carol, roomName, candidate(1));
	assert.equal((await dave.next('ice:candidate')).candidate, candidate(1));
	await alice.none('ice:candidate');
	await bob.none('ice:candidate', 0);
	carol.emit('call:end', { roomName });
	await dave.next('call:ended');
	await alice.none('call:ended');
	assert.equal(await activeCalls(), 1);
	alice.emit('call:end', { roomName });
	await bob.next('call:ended');
});

test('a guessed roomName is worth nothing', async (t) => {
	const [alice, bob, mallory] = await Promise.all(['alice', 'bob', 'mallory'].map((id) => join(t, stack, id)));
	const { roomName } = await establish(alice, bob);

	sendCandidate(mallory, roomName, candidate(66));
	mallory.emit('call:accept', { roomName, fromId: 'alice', sdpAnswer: fakeSdp('evil') });
	mallory.emit('call:end', { roomName, reason: 'evil' });
	await alice.none('call:ended', 300);
	await alice.none('call:answer', 0);
	await alice.none('ice:candidate', 0);
	await bob.none('call:ended', 0);
	assert.equal((await stack.rest.call(roomName)).state, 'active');
	bob.emit('call:end', { roomName });
	await alice.next('call:ended');
});

test('a caller is told when the other user is not there', async (t) => {
	const alice = await join(t, stack, 'alice');
	const roomName = initiate(alice, 'nobody');

	assert.equal((await alice.next('call:ended')).roomName, roomName);
	await until('no call is left', async () => await activeCalls() === 0);
});

test('a page of another origin is refused, over polling and WebSocket', async () => {
	const answers = {
		'https://evil.example': 'connect_error', 'null': 'connect_error', [stack.url]: 'connect', 'file://': 'connect',
	};

	for (const transports of [['polling'], ['websocket']]) {
		for (const [origin, event] of Object.entries(answers)) {
			const c = new Client(stack, 'page', { transports, extraHeaders: { Origin: origin } });
			const happened = new Promise((resolve) => {
				for (const name of ['connect', 'connect_error'])
					c.socket.once(name, () => resolve(name));
			});

			assert.equal(await within('an answer', happened), event, `${origin} over ${transports}`);
			c.close();
		}
	}
});

test('ids compare as text: 7 and "7" are one user', async (t) => {
	const alice = await join(t, stack, 'alice');
	const seven = await join(t, stack, 7);
	const roomName = initiate(alice, '7');

	await seven.next('call:incoming');
	seven.emit('call:reject', { roomName });
	await alice.next('call:rejected');
});
