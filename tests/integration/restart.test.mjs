/* restart.test.mjs - each daemon restarted in turn, while a call goes on */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { callWithCredentials, candidate, establish, fakeSdp, initiate, join, sendCandidate, turnServer } from './lib/client.mjs';
import { startStack } from './lib/stack.mjs';
import { assertSoon, busy_ms, sleep, until, within } from './lib/suite.mjs';
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
		const { alice, bob, roomName, callId, credentials } = await callWithCredentials(t, stack);
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

		await t.test('its members are told where to begin again', async () => {
			for (const c of [alice, bob]) {
				const told = await c.next('ice:servers');

				assert.equal(told.roomName, roomName);
				assert.equal(told.callId, callId);
				assert.ok(turnServer(told.iceServers).username.endsWith(`:${c.userId}:${callId}`));
			}
		});

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

for (const signal of ['SIGTERM', 'SIGKILL']) {
	test(`turnserver goes (${signal}) and a call gets no media any more: it fails after the grace time`, options, async (t) => {
		const stack = await startStack(t, { signald: { 'leg-grace': 3 } });
		const { alice, bob, roomName, credentials } = await callWithCredentials(t, stack);
		const relay = await allocation(t, stack, credentials);
		const [carol, dave, erin, frank] = await Promise.all(['carol', 'dave', 'erin', 'frank']
			.map((name) => join(t, stack, name)));
		const without = await establish(carol, dave); /* never had a relay */
		const direct = await establish(erin, frank);
		const spare = await allocation(t, stack, stack.credentials('erin', { call: direct.callId }));

		erin.emit('call:media', { roomName: direct.roomName, path: 'direct' });
		await until('both relays are known',
			async () => (await stack.rest.call(roomName)).relay.liveAllocations === 1 &&
				(await stack.rest.call(direct.roomName)).relay.liveAllocations === 1);
		await stack.daemons.turnserver.kill(signal);
		[relay, spare].forEach((r) => { r.relayed = null; });
		await connected(stack, false);
		/* Noted when it comes, which may be before turnserver serves. */
		const told = bob.next('ice:servers', 40000).then(() => Date.now());

		await stack.startTurnserver();
		const told_ms = await told;

		/* One without traffic is no media. */
		await allocation(t, stack, credentials);
		for (const c of [alice, bob])
			assert.equal((await c.next('call:ended', 20000)).code, 'failed');
		assert.ok(Date.now() - told_ms >= 2500 - busy_ms(), 'not before the grace time');
		const ended_ms = Date.now();

		await until('its relay is gone', async () => (await stack.rest.stats()).relay.liveAllocations === 0);
		assertSoon(ended_ms, 1000);

		await t.test('others go on', async () => {
			assert.equal((await stack.rest.call(without.roomName)).state, 'active');
			assert.equal((await stack.rest.call(direct.roomName)).state, 'active');
			await carol.none('ice:servers');
			await frank.next('ice:servers');
			assert.equal((await stack.rest.endedCall(roomName)).endReason, 'failed');
		});
	});
}

/* Signaling comes back: the client's new socket, or somebody who never was there before. */
async function comeBack(t, stack, userId) {
	const c = await join(t, stack, userId);

	t.after(() => c.close());
	return c;
}

/* What the file says of a live call has all these words in it. Without words: that it has ended. A slow disk takes its time. */
const saved = (stack, callId, ...words) => until(`the file of calls has ${words} of ${callId}`, () => {
	const line = fs.readFileSync(path.join(stack.dir, 'calls'), 'utf8').split('\n').findLast((l) => l.slice(10).startsWith(callId));

	return line && (words.length ? line[9] === '+' && words.every((word) => line.includes(word)) : line[9] === '-');
});

for (const signal of ['SIGTERM', 'SIGKILL']) {
	test(`signald goes (${signal}) in mid-call and comes back: media and call go on`, options, async (t) => {
		const stack = await startStack(t, { signald: { 'leg-grace': 20 } });
		const peer = await udpPeer(t, { echo: true });
		const { alice, bob, roomName, callId, credentials } = await callWithCredentials(t, stack);
		const relay = await allocation(t, stack, credentials);
		let sent = 0;

		await relay.permit(peer);
		await relay.sendTo(peer, 10, SIZE);
		await until('the echo is back', () => relay.received === 10 * SIZE);
		const before = await stack.rest.call(roomName);
		const media = setInterval(() => { relay.sendTo(peer, 1, SIZE); sent++; }, 20);

		t.after(() => clearInterval(media));
		await saved(stack, callId, '"state":"active"');
		await stack.daemons.signald.kill(signal);
		await stack.startSignald();
		const after = await until('the call is there', () => stack.rest.call(roomName));

		await t.test('it is the call it was', async () => {
			assert.equal(after.callId, callId);
			assert.equal(after.state, 'active');
			assert.deepEqual(after.participants, before.participants);
			assert.equal(after.startTime, before.startTime);
			assert.equal(after.answerTime, before.answerTime);
			assert.ok(after.duration >= before.duration);
			await connected(stack, true);
			const { relay: { liveAllocations, participants } } = await stack.rest.call(roomName);

			assert.equal(liveAllocations, 1);
			assert.equal(participants.find((p) => p.userId === 'alice').allocations[0].by, 'name');
		});

		const alice2 = await comeBack(t, stack, 'alice');
		const bob2 = await comeBack(t, stack, 'bob');

		await t.test('candidates reach the other side', async () => {
			sendCandidate(alice2, roomName, candidate(7));
			assert.equal((await bob2.next('ice:candidate')).candidate, candidate(7));
			sendCandidate(bob2, roomName, candidate(8));
			assert.equal((await alice2.next('ice:candidate')).candidate, candidate(8));
		});

		await t.test('media were not interrupted', async () => {
			clearInterval(media);
			await until('the last echo is back', () => relay.received >= (10 + sent) * SIZE).catch(() => {});
			assert.ok(sent > 2);
			assert.equal(relay.received, (10 + sent) * SIZE);
		});

		await t.test('its end reaches the other side, and its relay', async () => {
			alice2.emit('call:end', { roomName });
			assert.equal((await bob2.next('call:ended')).code, 'completed');
			const ended_ms = Date.now();

			await until('the relay is gone', async () => (await stack.rest.stats()).relay.liveAllocations === 0);
			assertSoon(ended_ms, 1000);
			assert.equal((await stack.rest.endedCall(roomName)).endReason, 'Call ended');
		});
		[alice, bob].forEach((c) => c.close());
	});
}

test('who does not come back after a restart of signald: the call fails after the grace time, with its relay', options, async (t) => {
	const stack = await startStack(t, { signald: { 'leg-grace': 4 } });
	const { roomName, callId, credentials } = await callWithCredentials(t, stack);

	await allocation(t, stack, credentials);
	await saved(stack, callId, '"state":"active"');
	await stack.daemons.signald.kill('SIGKILL');
	await stack.startSignald();
	const started_ms = Date.now();
	const alice = await comeBack(t, stack, 'alice');
	const ended = await alice.next('call:ended', 20000);

	assert.equal(ended.code, 'failed');
	assert.ok(Date.now() - started_ms > 1000, 'not before the grace time');
	const ended_ms = Date.now();

	await until('the relay is gone', async () => (await stack.rest.stats()).relay.liveAllocations === 0);
	assertSoon(ended_ms, 1000);
	assert.equal((await stack.rest.endedCall(roomName)).endReason, 'failed');

	await saved(stack, callId);
	await t.test('and it stays ended', async () => {
		await stack.daemons.signald.kill('SIGKILL');
		await stack.startSignald();
		assert.deepEqual((await stack.rest.stats()).calls, []);
	});
});

test('a ringing call outlives signald: each socket is rung once, the answer and what waited come through', options, async (t) => {
	const stack = await startStack(t, { signald: { 'leg-grace': 20, 'ring-timeout': 60 } });
	const alice = await join(t, stack, 'alice');
	const bob = await join(t, stack, 'bob');
	const roomName = initiate(alice, 'bob');
	const first = await bob.next('call:incoming');

	sendCandidate(alice, roomName, candidate(1));
	sendCandidate(alice, roomName, candidate(2));
	await saved(stack, first.callId, '"state":"ringing"', candidate(1), candidate(2));
	await stack.daemons.signald.kill('SIGKILL');
	await stack.startSignald();
	assert.equal((await stack.rest.call(roomName)).state, 'ringing');

	const bob2 = await comeBack(t, stack, 'bob');
	const again = await bob2.next('call:incoming');

	assert.equal(again.callId, first.callId);
	assert.equal(again.sdpOffer, first.sdpOffer);
	bob2.emit('user:join', 'bob');
	await bob2.request('ice:request', { userId: 'bob' });
	await bob2.none('call:incoming');

	bob2.emit('call:accept', { roomName, fromId: 'alice', sdpAnswer: fakeSdp('answer') });
	assert.equal((await bob2.next('ice:candidate')).candidate, candidate(1));
	assert.equal((await bob2.next('ice:candidate')).candidate, candidate(2));

	const alice2 = await comeBack(t, stack, 'alice');

	assert.equal((await alice2.next('call:answer')).callId, first.callId);
});

test('a mesh outlives signald: who is in, who was and who is invited', options, async (t) => {
	const stack = await startStack(t, { signald: { 'leg-grace': 3 } });
	const names = ['alice', 'bob', 'carol', 'dave'];
	const [alice, bob, , dave] = await Promise.all(names.map((name) => join(t, stack, name)));
	const roomName = `mesh_${Date.now()}`;
	const enter = (c) => c.request('group_call:join', { roomName, callType: 'audio', memberIds: names });
	const offer = async (from, to) => {
		from.emit('group_call:offer', { roomName, toUserId: to.userId, sdpOffer: fakeSdp('offer') });
		assert.equal((await to.next('group_call:offer')).fromUserId, from.userId);
	};
	const { callId, iceServers } = await enter(alice);
	const { username, credential } = turnServer(iceServers);
	const peer = await udpPeer(t);
	const relay = await allocation(t, stack, { username, password: credential });

	await relay.permit(peer);
	await enter(bob);
	await enter(dave);
	dave.emit('group_call:leave', { roomName });
	await bob.next('group_call:participant_left');
	await saved(stack, callId, '"id":"dave","state":"out"');
	await stack.daemons.signald.kill('SIGKILL');
	await stack.startSignald();

	const [alice2, bob2] = [await comeBack(t, stack, 'alice'), await comeBack(t, stack, 'bob')];

	await offer(alice2, bob2);
	await sleep(3500); /* the grace time, for whoever has to come back */

	const carol2 = await comeBack(t, stack, 'carol');

	assert.equal((await carol2.next('group_call:incoming')).callId, callId);
	assert.deepEqual((await enter(carol2)).members.map((m) => m.userId).sort(), ['alice', 'bob']);
	await alice2.next('group_call:participant_joined');
	await offer(carol2, alice2);
	assert.equal((await enter(await comeBack(t, stack, 'dave'))).callId, callId);
	for (const c of [alice2, bob2])
		await c.none('group_call:participant_left');

	await t.test('media and its figures go on', async () => {
		await relay.sendTo(peer, 5, SIZE);
		await sentBytes(stack, roomName, 5 * SIZE);
	});
});

test('a group that rings outlives signald: the first answer binds', options, async (t) => {
	const stack = await startStack(t, { signald: { 'leg-grace': 20, 'ring-timeout': 60 } });
	const [alice] = await Promise.all(['alice', 'bob', 'carol'].map((name) => join(t, stack, name)));
	const roomName = `group_${Date.now()}`;

	alice.emit('group_call:initiate', { groupId: 'g', initiatedBy: 'alice', callType: 'audio', roomName,
		sdpOffer: fakeSdp('offer'), memberIds: ['bob', 'carol'] });
	await until('it rings', async () => (await stack.rest.call(roomName))?.state === 'ringing');
	await saved(stack, (await stack.rest.call(roomName)).callId, '"state":"ringing"');
	await stack.daemons.signald.kill('SIGKILL');
	await stack.startSignald();

	const [alice2, bob2, carol2] = [await comeBack(t, stack, 'alice'), await comeBack(t, stack, 'bob'), await comeBack(t, stack, 'carol')];

	for (const c of [bob2, carol2])
		assert.equal((await c.next('call:incoming')).roomName, roomName);
	carol2.emit('call:accept', { roomName, fromId: 'alice', sdpAnswer: fakeSdp('answer') });
	await alice2.next('call:answer');
	assert.equal((await bob2.next('call:ended')).code, 'answered_elsewhere');
	alice2.emit('call:end', { roomName });
	await carol2.next('call:ended');
});

test('a ringing call whose ring time is over at the start ends as not answered', options, async (t) => {
	const stack = await startStack(t, { signald: { 'leg-grace': 10, 'ring-timeout': 2 } });
	const alice = await join(t, stack, 'alice');

	await join(t, stack, 'bob');
	const roomName = initiate(alice, 'bob');

	await until('it rings', () => stack.rest.call(roomName));
	await stack.daemons.signald.kill('SIGTERM');
	await sleep(2500);
	await stack.startSignald();
	const ended = await until('it has ended', () => stack.rest.endedCall(roomName));

	assert.equal(ended.endReason, 'no_answer');
});

test('the file of calls is nobody else\'s and holds no credential', options, async (t) => {
	const stack = await startStack(t);
	const { alice, bob, roomName } = await callWithCredentials(t, stack);
	const roomName2 = initiate(bob, 'alice'); /* busy: ends at once */

	await bob.next('call:rejected').catch(() => {});
	alice.close();
	await sleep(300);
	bob.emit('call:renegotiate', { roomName, toUserId: 'alice', sdpOffer: fakeSdp('again') });
	await sleep(300);
	const file = path.join(stack.dir, 'calls');
	const text = fs.readFileSync(file, 'utf8');

	assert.equal(fs.statSync(file).mode & 0o777, 0o600);
	assert.ok(text.includes(roomName) && !text.split('\n').at(-2).includes(roomName2));
	assert.ok(!/"credential"|"username"/.test(text));
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
