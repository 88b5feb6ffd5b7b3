/* scenarios_call.test.mjs - the shipped Android client and the README's new apps make calls
 *
 * Android sends its own packets, byte for byte (tests/vectors/clients). */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { candidate, establish, fakeSdp, initiate, join, newRoom, sendCandidate } from './lib/client.mjs';
import { ANSWER, android, androidCall, candidateLine, OFFER, roomNow } from './lib/shipped.mjs';
import { startStack } from './lib/stack.mjs';
import { sleep, turnPassword, until, within } from './lib/suite.mjs';

let stack;
let lastUser = 1000;
const cleanups = [];

before(async () => { stack = await startStack({ after: (f) => cleanups.push(f) }); });
after(async () => { for (const f of cleanups.reverse()) await f(); });

/* Ids nobody else in this file has. */
const users = (n) => [...Array(n)].map(() => ++lastUser);

function assertIceServers(iceServers, user, callId) {
	const { username, credential } = iceServers.find((s) => s.username);

	assert.deepEqual(username.split(':').slice(1), [String(user), callId]);
	assert.equal(credential, turnPassword(stack.secret, username));
}

const ended = async (room) => (await stack.rest.stats()).endedCalls.findLast((c) => c.roomName === room);

describe('Android', () => {
	test('S5: every call socket of the callee rings once, no other one and not the caller\'s', async (t) => {
		const [a, b] = users(2);
		const chats = await android(t, stack, b, { registers: false });
		const screens = [await android(t, stack, b), await android(t, stack, b)];
		const caller = await android(t, stack, a);
		const other = await android(t, stack, a);
		const roomName = await caller.call(b);

		for (const s of screens) {
			const got = await s.next('call:incoming');
			const { callId } = got;

			assertIceServers(got.iceServers, b, callId);
			delete got.iceServers;
			assert.deepEqual(got, {
				callId, fromId: a, fromName: `Користувач ${a}`, fromAvatar: `https://worldmates.example/u/${a}.jpg`,
				toId: b, callType: 'video', roomName, sdpOffer: OFFER,
			});
		}
		for (const s of [chats, ...screens, caller, other])
			await s.quiet(50);
		caller.send('call:end').send('call:leave_room');
		for (const s of screens)
			assert.equal((await s.next('call:ended')).code, 'cancelled');
	});

	test('S6: accepted on a new connection, the calling socket alone gets the answer', async (t) => {
		const [a, b] = users(2);
		const second = await android(t, stack, a);
		const { caller, callee, ringing, roomName, incoming, answer } = await androidCall(t, stack, a, b);

		assertIceServers(answer.iceServers, a, incoming.callId);
		assert.equal(answer.roomName, roomName);
		assert.equal(answer.sdpAnswer, ANSWER);
		assert.equal(answer.acceptedBy, b);
		assert.equal((await ringing.next('call:ended')).code, 'answered_elsewhere');
		await callee.none('call:answer');
		assert.equal(caller.got('call:answer'), 1);
		await second.quiet(0);
		assert.equal((await stack.rest.call(roomName)).state, 'active');
		caller.send('call:end').send('call:leave_room');
		await callee.next('call:ended');
	});

	test('S7: early candidates follow to the accepting socket, in order and once', async (t) => {
		const [a, b] = users(2);
		const ringing = await android(t, stack, b);
		const caller = await android(t, stack, a);

		await caller.call(b);
		for (let i = 1; i <= 10; i++)
			caller.candidate(i, b);
		const incoming = await ringing.next('call:incoming');
		const callee = await android(t, stack, b);

		await callee.none('ice:candidate');
		await callee.accept(incoming);
		for (let i = 1; i <= 10; i++) {
			const got = await callee.next('ice:candidate');

			assert.deepEqual(got, {
				roomName: incoming.roomName, fromUserId: a, candidate: candidateLine(i), sdpMLineIndex: 0, sdpMid: '0',
			});
		}
		await callee.none('ice:candidate');
		await ringing.none('ice:candidate', 0);
		await caller.none('ice:candidate', 0);
	});

	test('S8: the caller sees the answer, then candidates, then the renegotiation', async (t) => {
		const [a, b] = users(2);
		const ringing = await android(t, stack, b);
		const caller = await android(t, stack, a);

		await caller.call(b);
		const incoming = await ringing.next('call:incoming');
		const callee = await android(t, stack, b);

		Object.assign(callee.words, { ROOM: incoming.roomName, PEER: a });
		callee.send('call:join_room');
		for (let i = 1; i <= 3; i++)
			callee.candidate(i, a);
		callee.send('call:renegotiate').send('call:accept').candidate(4, a);
		await caller.next('call:answer');
		const heard = () => caller.events.filter((e) => e !== 'user:joined_call');
		const wanted = ['call:answer', 'ice:candidate', 'ice:candidate', 'ice:candidate', 'call:renegotiate', 'ice:candidate'];

		await until('all of it', () => heard().length >= wanted.length).catch(() => {});
		await sleep(150);
		assert.deepEqual(heard(), wanted);
		const { fromUserId, sdpOffer, type } = await caller.next('call:renegotiate');

		assert.deepEqual({ fromUserId, sdpOffer, type }, { fromUserId: b, sdpOffer: OFFER, type: 'renegotiate' });
	});

	test('S14: a late accept of a cancelled call closes the screen at once', async (t) => {
		const [a, b] = users(2);
		const ringing = await android(t, stack, b);
		const caller = await android(t, stack, a);

		await caller.call(b);
		const incoming = await ringing.next('call:incoming');

		caller.send('call:end').send('call:leave_room');
		assert.equal((await ringing.next('call:ended')).code, 'cancelled');
		const callee = await android(t, stack, b);

		await callee.accept(incoming); /* call:join_room, then call:accept */
		assert.equal((await callee.next('call:ended')).code, 'cancelled');
		await callee.quiet();
		await caller.quiet(0);
	});

	test('S15: a reject is told to the caller, and its echoes do nothing', async (t) => {
		const [a, b] = users(2);
		const ringing = await android(t, stack, b);
		const caller = (await android(t, stack, a)).echo();
		const roomName = await caller.call(b);
		const incoming = await ringing.next('call:incoming');

		ringing.send('call:reject', { ROOM: incoming.roomName });
		const got = await caller.next('call:rejected');

		assert.equal(got.code, 'rejected');
		assert.equal(got.rejectedBy, b);
		await caller.quiet();
		await ringing.quiet(0);
		assert.ok(caller.screenClosed, 'the echoes were sent');
		const record = await ended(roomName);

		assert.equal(record.endReason, 'User rejected the call');
		assert.equal('answerTime' in record, false);
	});

	test('S16: one call:ended to the peer, whose echo goes nowhere', async (t) => {
		const { caller, callee, ringing, roomName } = await androidCall(t, stack, ...users(2));

		callee.echo();
		await ringing.next('call:ended');
		await sleep(1200);
		caller.send('call:end').send('call:leave_room');
		const got = await callee.next('call:ended');

		assert.equal(got.roomName, roomName);
		assert.equal(got.reason, 'user_ended');
		assert.equal(got.endedBy, caller.userId);
		assert.equal(got.code, 'completed');
		await callee.quiet();
		assert.ok(callee.screenClosed);
			await caller.quiet(0);
		await ringing.quiet(0);
		const record = await ended(roomName);

		assert.equal(record.duration, Math.floor((record.endTime - record.answerTime) / 1000), 'counted from the answer');
		assert.equal((await stack.rest.get('/api/calls/active-count')).json.activeCallsCount,
			(await stack.rest.stats()).calls.length);
	});

	test('S17: the socket of one call hears nothing of another one\'s end', async (t) => {
		const [a, b, c] = users(3);
		const { caller, callee, roomName } = await androidCall(t, stack, a, b);
		const third = await android(t, stack, c);
		const other = await android(t, stack, a); /* the app's list of chats, say */

		caller.echo();
		callee.echo();
		await third.call(a); /* busy: refused */
		assert.equal((await third.next('call:rejected')).code, 'busy');
		third.send('call:end').send('call:leave_room');
		await caller.none('call:ended');
		await other.none('call:incoming', 0);
		assert.equal((await stack.rest.call(roomName)).state, 'active');
		caller.send('call:end');
		assert.equal((await callee.next('call:ended')).roomName, roomName);
	});

	test('S20: renegotiation goes to the peer alone, and its answer back to who asked', async (t) => {
		const [a, b] = users(2);
		const idle = await android(t, stack, a);
		const { caller, callee, ringing, roomName } = await androidCall(t, stack, a, b);

		await ringing.next('call:ended');
		caller.send('call:renegotiate');
		assert.deepEqual(await callee.next('call:renegotiate'),
			{ roomName, fromUserId: a, sdpOffer: OFFER, type: 'renegotiate' });
		callee.send('call:renegotiate_answer');
		assert.deepEqual(await caller.next('call:renegotiate_answer'),
			{ roomName, fromUserId: b, sdpAnswer: ANSWER, type: 'renegotiate_answer' });
		await ringing.quiet();
		await idle.quiet(0);
		await callee.quiet(0);
	});

	test('a new app and Android meet in one call', async (t) => {
		const [a, b] = users(2);
		const fresh = await join(t, stack, a);
		const phone = await android(t, stack, b);
		const roomName = initiate(fresh, b);
		const incoming = await phone.next('call:incoming');

		await phone.accept(incoming);
		assert.equal((await fresh.next('call:answer')).acceptedBy, b);
		sendCandidate(fresh, roomName, candidate(1));
		assert.equal((await phone.next('ice:candidate')).candidate, candidate(1));
		phone.candidate(2, a);
		assert.equal((await fresh.next('ice:candidate')).candidate, candidateLine(2));
		fresh.emit('call:end', { roomName, reason: 'bye' });
		assert.equal((await phone.next('call:ended')).reason, 'bye');
	});
});

test('S22: the README\'s flow works end to end, media toggles and all', async (t) => {
	const [a, b] = users(2);
	const [alice, bob] = [await join(t, stack, a), await join(t, stack, b)];
	const { roomName } = await establish(alice, bob); /* call:accept {roomName, fromId, sdpAnswer} */

	sendCandidate(alice, roomName, candidate(1)); /* no toUserId */
	assert.equal((await bob.next('ice:candidate')).candidate, candidate(1));
	alice.emit('call:toggle_audio', { roomName, userId: a, audioEnabled: false });
	assert.deepEqual(await bob.next('participant:audio_changed'), { userId: a, audioEnabled: false, roomName });
	bob.emit('call:toggle_video', { roomName, userId: b, videoEnabled: true });
	assert.deepEqual(await alice.next('participant:video_changed'), { userId: b, videoEnabled: true, roomName });
	bob.emit('call:toggle_media', { roomName, userId: b, audio: true, video: false });
	assert.deepEqual(await alice.next('user:media_changed'), { userId: b, audio: true, video: false, roomName });
	alice.emit('call:screen_share', { roomName, userId: a, action: 'start' });
	assert.deepEqual(await bob.next('call:screen_share'), { userId: a, action: 'start', roomName });
	alice.emit('call:noise_cancellation', { roomName, userId: a, enabled: true });
	assert.deepEqual(await bob.next('call:noise_cancellation'), { userId: a, enabled: true, roomName });
	alice.emit('call:recording', { roomName, userId: a, userName: 'Аня', action: 'start' });
	for (const c of [alice, bob]) {
		const { timestamp, ...rest } = await c.next('call:recording');

		assert.deepEqual(rest, { userId: a, userName: 'Аня', action: 'start', roomName });
		assert.ok(Math.abs(timestamp - Date.now()) < 5000);
	}
	await alice.quiet();
	alice.emit('call:end', { roomName, reason: 'done' });
	assert.equal((await bob.next('call:ended')).reason, 'done');
	await alice.none('call:answer');
	await bob.none('call:answer', 0);
});

test('S24: a guessed roomName, foreign ids and a huge SDP reach nobody, and a flood is stopped', async (t) => {
	const { caller, callee, ringing, roomName } = await androidCall(t, stack, ...users(2));
	const [id] = users(1);
	const mallory = await android(t, stack, id);
	const everything = ['call:join_room', 'call:accept', 'call:reject', 'call:renegotiate', 'call:renegotiate_answer', 'call:end', 'call:leave_room'];

	await ringing.next('call:ended');
	Object.assign(mallory.words, { ROOM: roomName, PEER: callee.userId });
	for (const name of everything)
		mallory.send(name);
	mallory.candidate(66, callee.userId);
	mallory.words.USER = caller.userId; /* and in the caller's name */
	for (const name of ['call:initiate', ...everything])
		mallory.send(name);
	mallory.candidate(67, callee.userId);
	mallory.words.USER = id;
	mallory.send('call:initiate', { ROOM: roomNow(), PEER: callee.userId, OFFER: 'v'.repeat(900000) });
	for (const event of ['join', 'call:register', 'call:initiate', 'call:accept', 'call:end', 'ice:candidate', 'group_call:initiate', 'call_signal'])
		for (const payload of ['', ',null', ',7', ',[]', ',{"roomName":{}}'])
			mallory.sendRaw(`42["${event}"${payload}]`);
	for (const s of [caller, callee, ringing])
		await s.quiet();
	assert.equal(mallory.got('call:incoming') + mallory.got('ice:candidate') + mallory.got('call:answer'), 0);
	assert.equal((await stack.rest.call(roomName)).state, 'active');
	for (let i = 0; i < 400; i++)
		mallory.sendRaw('42["call:end",{}]');
	await within('the flood is stopped', mallory.ended);
	assert.equal((await stack.rest.health()).status, 'ok');
	caller.send('call:end');
	assert.equal((await callee.next('call:ended')).roomName, roomName);
});

test('chat and other events beside calls change nothing', async (t) => {
	const [a, b] = users(2);
	const [alice, bob] = [await join(t, stack, a), await join(t, stack, b)];

	for (const event of ['typing', 'private_message', 'ping_for_lastseen', 'channel:subscribe', 'story:subscribe', 'decline_call', 'user:register'])
		alice.emit(event, { user_id: 'x', to: b });
	const { roomName } = await establish(alice, bob, { roomName: newRoom(), sdpOffer: fakeSdp('offer') });

	await bob.quiet();
	alice.emit('call:end', { roomName });
	await bob.next('call:ended');
});
