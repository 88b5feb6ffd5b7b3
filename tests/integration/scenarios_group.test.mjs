/* scenarios_group.test.mjs - a group is rung as the shipped Android client does it: the first answer is the call (S21) */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Backend, backendLines } from './lib/backend.mjs';
import { fakeSdp, join, newRoom } from './lib/client.mjs';
import { ANSWER, android, candidateLine, OFFER, roomNow } from './lib/shipped.mjs';
import { startStack } from './lib/stack.mjs';

const GROUP = 500;
const OTHER_GROUP = 501;

let stack;
let lastUser = 5000;
let members = [];
const cleanups = [];

before(async () => {
	const t = { after: (f) => cleanups.push(f) };
	const backend = await new Backend(({ ask, group }) => (ask === 'members' && String(group) === String(GROUP)
		? [200, { members }] : [404, {}])).start(t);

	stack = await startStack(t, { signald: backendLines(backend.url, { 'members': 'backend', 'backend-cache': 0 }).lines });
});
after(async () => { for (const f of cleanups.reverse()) await f(); });

/* A group of new users, the only one there is. */
function group(n) {
	members = [...Array(n)].map(() => ++lastUser);
	return members;
}

async function callGroup(caller, words = {}) {
	Object.assign(caller.words, { GROUP, ROOM: roomNow() }, words);
	await caller.iceRequest();
	caller.send('group_call:initiate');
	return caller.words.ROOM;
}

test('S21: without memberIds the provider says who rings; the first answer is the call', async (t) => {
	const [a, b, c, away] = group(4);
	const stranger = await android(t, stack, ++lastUser);
	const phones = [await android(t, stack, b), await android(t, stack, c)];
	const caller = await android(t, stack, a);
	const roomName = await callGroup(caller);

	for (const phone of phones) {
		const got = await phone.next('call:incoming');

		assert.deepEqual([got.fromId, String(got.groupId), got.isGroupCall, got.roomName, got.sdpOffer],
			[a, String(GROUP), true, roomName, OFFER]);
	}
	assert.ok(away);
	caller.send('ice:candidate(group)', { CANDIDATE: candidateLine(1), INDEX: 0, MID: '0' });
	const winner = await android(t, stack, c);
	const incoming = await winner.next('call:incoming');

	await winner.accept(incoming);
	const answer = await caller.next('call:answer');

	assert.equal(answer.sdpAnswer, ANSWER);
	assert.equal(answer.acceptedBy, c);
	assert.equal((await winner.next('ice:candidate')).candidate, candidateLine(1));
	for (const phone of phones)
		assert.equal((await phone.next('call:ended')).code, 'answered_elsewhere');

	/* Too late. */
	const late = await android(t, stack, b);

	await late.accept(incoming);
	assert.equal((await late.next('call:ended')).code, 'answered_elsewhere');
	late.send('call:end').send('call:leave_room');
	await late.quiet();
	await caller.none('call:ended', 0);
	assert.equal(caller.got('call:answer'), 1);
	await stranger.quiet(0);
	winner.send('ice:candidate(group)', { CANDIDATE: candidateLine(2), INDEX: 0, MID: '0' });
	assert.equal((await caller.next('ice:candidate')).candidate, candidateLine(2));
	caller.send('call:end').send('call:leave_room');
	assert.equal((await winner.next('call:ended')).code, 'completed');
});

test('S21: memberIds, as in the README, are cut down to real members', async (t) => {
	const [a, b, c] = group(3);
	const stranger = await join(t, stack, ++lastUser);
	const [alice, bob, carol] = [await join(t, stack, a), await join(t, stack, b), await join(t, stack, c)];
	const roomName = newRoom();

	alice.emit('group_call:initiate', { groupId: GROUP, initiatedBy: a, callType: 'video', roomName, sdpOffer: fakeSdp('group'),
		memberIds: [a, b, stranger.userId] });
	assert.equal((await bob.next('call:incoming')).isGroupCall, true);
	await stranger.none('call:incoming');
	await carol.none('call:incoming', 0);
	await alice.none('call:incoming', 0);
	bob.emit('call:accept', { roomName, fromId: a, sdpAnswer: fakeSdp('answer') });
	assert.equal((await alice.next('call:answer')).acceptedBy, b);
	bob.emit('call:end', { roomName });
	assert.equal((await alice.next('call:ended')).endedBy, b);
});

test('one member\'s reject leaves the others ringing; the last one\'s is the caller\'s', async (t) => {
	const [a, b, c] = group(3);
	const [first, second] = [await android(t, stack, b), await android(t, stack, c)];
	const caller = await android(t, stack, a);
	const roomName = await callGroup(caller);

	for (const phone of [first, second]) {
		await phone.next('call:incoming');
		phone.words.ROOM = roomName;
	}
	first.send('call:reject');
	await caller.quiet();
	await second.quiet(0);
	second.send('call:reject');
	const got = await caller.next('call:rejected');

	assert.equal(got.code, 'rejected');
	assert.equal(got.rejectedBy, c);
});

test('a group that is not the caller\'s is not rung', async (t) => {
	const [, b] = group(2);
	const phone = await android(t, stack, b);
	const outsider = await android(t, stack, ++lastUser);

	for (const GROUP_ID of [GROUP, OTHER_GROUP]) {
		await callGroup(outsider, { GROUP: GROUP_ID });
		assert.equal((await outsider.next('call:ended')).roomName, outsider.words.ROOM);
		assert.equal((await outsider.next('call:error')).code, 'forbidden');
	}
	await phone.quiet();
});
