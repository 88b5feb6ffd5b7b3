/* scenarios_ends.test.mjs - calls nobody answers, busy people, lost phones, several devices: as Android lives through them */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { initiate, join } from './lib/client.mjs';
import { android, androidCall, ANSWER, candidateLine, OFFER } from './lib/shipped.mjs';
import { startStack } from './lib/stack.mjs';
import { assertSoon, sleep, until, within } from './lib/suite.mjs';

const RING_S = 4;
const GRACE_S = 5;
const LEG_WAIT_MS = 3000;

let stack;
let lastUser = 2000;
const cleanups = [];

before(async () => {
	stack = await startStack({ after: (f) => cleanups.push(f) },
		{ signald: { 'ring-timeout': RING_S, 'leg-grace': GRACE_S } });
});
after(async () => { for (const f of cleanups.reverse()) await f(); });

const users = (n) => [...Array(n)].map(() => ++lastUser);
const ended = async (room) => (await stack.rest.stats()).endedCalls.findLast((c) => c.roomName === room);

test('S11: nobody answers, and echoes later change nothing', async (t) => {
	const [a, b] = users(2);
	const ringing = await android(t, stack, b);
	const caller = (await android(t, stack, a)).echo();
	const started = Date.now();
	const roomName = await caller.call(b);

	await ringing.next('call:incoming');
	/* Its user declines: Android's ringing screen sends nothing. */
	const got = await caller.next('call:ended');

	assert.ok(Date.now() - started >= (RING_S - 1) * 1000, 'not before its time');
	assert.equal(got.code, 'no_answer');
	assert.equal(got.reason, 'no_answer');
	assert.equal((await ringing.next('call:ended')).code, 'no_answer');
	await caller.quiet();
	await ringing.quiet(0);
	assert.ok(caller.screenClosed, 'the echoes were sent');
	const record = await ended(roomName);

	assert.equal(record.endReason, 'no_answer');
	assert.equal(record.duration, 0);
});

test('S12: a callee without a call socket is offline, and the caller knows within a second', async (t) => {
	const [a, b, nobody] = users(3);
	const chats = await android(t, stack, b, { registers: false }); /* joined, not registered */
	const phone = await android(t, stack, a);
	const fresh = await join(t, stack, a);

	for (const to of [b, nobody]) {
		await phone.call(to);
		const called_ms = Date.now();
		const got = await phone.next('call:ended');
		const error = await phone.next('call:error');

		assertSoon(called_ms, 1000);
		assert.equal(got.code, 'offline');
		assert.equal(got.roomName, phone.words.ROOM);
		assert.equal(error.code, 'offline');
		assert.equal(error.status, 'missed');
		assert.equal((await ended(phone.words.ROOM)).endReason, 'offline');
	}
	const roomName = initiate(fresh, nobody);

	assert.equal((await fresh.next('call:ended')).roomName, roomName);
	assert.equal((await fresh.next('call:error')).code, 'offline');
	await chats.quiet();
	await phone.quiet(0);
});

test('S13: who is in a call is busy, and the call goes on untouched', async (t) => {
	const [a, b, c] = users(3);
	const { caller, callee, ringing, roomName } = await androidCall(t, stack, c, b);

	await ringing.next('call:ended');
	caller.echo();
	callee.echo();
	const third = (await android(t, stack, a)).echo();
	const refused = await third.call(b);
	const got = await third.next('call:rejected');

	assert.equal(got.roomName, refused);
	assert.equal(got.code, 'busy');
	assert.equal(got.reason, 'busy');
	assert.equal((await third.next('call:error')).code, 'busy');
	await third.quiet();
	for (const s of [callee, ringing])
		await s.quiet(0);
	await caller.none('call:ended', 0);
	assert.equal((await stack.rest.call(roomName)).state, 'active');
	callee.candidate(9, c);
	assert.equal((await caller.next('ice:candidate')).candidate, candidateLine(9));
	caller.send('call:end');
	await callee.next('call:ended');
});

test('S18: a phone that died ends the call after the grace time', async (t) => {
	const { caller, callee, ringing, roomName } = await androidCall(t, stack, ...users(2));

	ringing.vanish();
	callee.vanish();
	const gone = Date.now();

	await caller.none('call:ended', (GRACE_S - 2) * 1000);
	const got = await caller.next('call:ended');

	assert.ok(Date.now() - gone >= (GRACE_S - 1) * 1000);
	assert.equal(got.code, 'failed');
	assert.equal(await stack.rest.call(roomName), undefined);
});

test('S18: a phone that comes back in time goes on where it was', async (t) => {
	const [a, b] = users(2);
	const { caller, callee, ringing, roomName } = await androidCall(t, stack, a, b);

	await ringing.next('call:ended');
	ringing.vanish();
	callee.vanish();
	await sleep(300);
	caller.candidate(1, b); /* while nobody is there */
	const back = await android(t, stack, b);

	Object.assign(back.words, { ROOM: roomName, PEER: a });
	assert.notEqual(back.sid, callee.sid);
	assert.equal((await back.next('ice:candidate')).candidate, candidateLine(1));
	caller.send('call:renegotiate');
	assert.equal((await back.next('call:renegotiate')).sdpOffer, OFFER);
	back.send('call:renegotiate_answer');
	assert.equal((await caller.next('call:renegotiate_answer')).sdpAnswer, ANSWER);
	caller.candidate(2, b);
	assert.equal((await back.next('ice:candidate')).candidate, candidateLine(2));
	await caller.none('call:ended', (GRACE_S + 1) * 1000);
	caller.send('call:end');
	const got = await back.next('call:ended');

	assert.equal(got.roomName, roomName);
	assert.equal(got.code, 'completed');
});

test('S18: a phone whose call screen alone lost its connection goes on over another one', async (t) => {
	const [a, b] = users(2);
	const { caller, callee, ringing, roomName } = await androidCall(t, stack, a, b);

	await ringing.next('call:ended');
	const started = Date.now();

	callee.vanish(); /* ringing stays: after a while it is the best there is */
	await stack.rest.health(); /* seen: what was sent to it before would be lost */
	caller.candidate(1, b);
	assert.equal((await ringing.next('ice:candidate')).candidate, candidateLine(1));
	assert.ok(Date.now() - started >= LEG_WAIT_MS - 500, 'a new connection has the first say');
	caller.send('call:end');
	assert.equal((await ringing.next('call:ended')).roomName, roomName);
});

test('S19: two devices ring; the second one to answer is told, and the call goes on', async (t) => {
	const [a, b] = users(2);
	const caller = await android(t, stack, a);
	const devices = [await android(t, stack, b), await android(t, stack, b)];
	const roomName = await caller.call(b);
	const [incoming] = await Promise.all(devices.map((d) => d.next('call:incoming')));
	const winner = await android(t, stack, b);

	await winner.accept(incoming);
	await caller.next('call:answer');
	for (const d of devices)
		assert.equal((await d.next('call:ended')).code, 'answered_elsewhere');
	const late = await android(t, stack, b);

	await late.accept(incoming); /* call:join_room and call:accept: told once */
	const got = await late.next('call:ended');

	assert.equal(got.code, 'answered_elsewhere');
	assert.equal(got.roomName, roomName);
	late.send('call:end').send('call:leave_room'); /* Android's echo */
	await late.quiet();
	await caller.none('call:ended', 0);
	await winner.none('call:ended', 0);
	assert.equal(caller.got('call:answer'), 1);
	assert.equal((await stack.rest.call(roomName)).state, 'active');
	winner.candidate(5, a);
	assert.equal((await caller.next('ice:candidate')).candidate, candidateLine(5));
});

test('a phone that registers while its user is rung rings too, once', async (t) => {
	const [a, b] = users(2);
	const caller = await android(t, stack, a);
	const first = await android(t, stack, b);
	const roomName = await caller.call(b);

	await first.next('call:incoming');
	const second = await android(t, stack, b);

	assert.equal((await second.next('call:incoming')).roomName, roomName);
	second.send('call:register');
	await second.none('call:incoming');
	caller.send('call:end');
	await second.next('call:ended');
});

test('both call each other: one call comes of it', async (t) => {
	const [a, b] = users(2);
	const [one, two] = [await android(t, stack, a), await android(t, stack, b)];
	const roomName = await one.call(b);
	const incoming = await two.next('call:incoming');
	const own = await two.call(a);

	assert.equal((await two.next('call:ended')).roomName, own);
	assert.equal((await two.next('call:error')).code, 'glare');
	await one.none('call:incoming');
	const answering = await android(t, stack, b);

	await answering.accept(incoming);
	assert.equal((await one.next('call:answer')).roomName, roomName);
	const calls = (await stack.rest.stats()).calls.filter((c) => c.participants.includes(a));

	assert.equal(calls.length, 1);
	await within('nothing else', until('it is quiet', () => one.got('call:ended') === 0));
});
