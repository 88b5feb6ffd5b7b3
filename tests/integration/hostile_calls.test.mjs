/* hostile_calls.test.mjs - every event of calls with fields that are missing, of a wrong type, huge or somebody
 * else's: nobody is told anything, signald stays up, and who sends it is counted and limited
 *
 * Two pairs are in calls all the while. Whatever the outsider sends, their sockets get nothing, and both calls go on
 * as if nobody had knocked. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Client, establish, fakeSdp, initiate, join, newRoom, sendCandidate } from './lib/client.mjs';
import { RawWs } from './lib/echo.mjs';
import { startStack } from './lib/stack.mjs';
import { until, within } from './lib/suite.mjs';
import { startTokenStack } from './lib/tokens.mjs';

const options = { timeout: 120000 };
const HUGE = 200000; /* bytes: below max-payload, above what any field may have */
const GHOST = 'ghost'; /* a user who is not there */
const REPLIES = ['call:error', 'call:ended', 'call:rejected', 'ice:response', 'group_call:joined'];

let stack;
let cast; /* alice and bob in a call, carl rings dora */
const cleanups = [];

/* What a field holds instead: of no type that any field has, or of no sane size. */
const WRONG = {
	'null': null,
	'an array': [[['x']]],
	'an object': { a: { b: {} } },
	'a boolean': true,
	'a fraction': 1.5,
	'a negative number': -1,
	'a huge number': 1e300,
	'an empty text': '',
	'control characters': 'a\u0000b\nc',
	'a huge text': 'x'.repeat(HUGE),
	'a long array': Array(300).fill(7),
	'__proto__': JSON.parse('{"__proto__":{"roomName":"room"},"constructor":1}'),
};

/* must: without these there is no such event; may: what it can have besides; ack: it answers. */
const about = (room) => ({ roomName: room });
const EVENTS = (room, self) => ({
	'user:join': { bare: true },
	'call:register': { must: { userId: self } },
	'join': { may: { user_id: 'token', access_token: 'token' } },
	'call:initiate': {
		must: { fromId: self, toId: 'alice', callType: 'video', roomName: room, sdpOffer: 'v=0' },
		may: { fromName: 'E', fromAvatar: 'http://x/y.png' },
	},
	'call:accept': { must: { ...about(room), sdpAnswer: 'v=0' }, may: { userId: self, fromId: 'alice' } },
	'call:reject': { must: about(room), may: { userId: self, reason: 'no' } },
	'call:end': { must: about(room), may: { userId: self, reason: 'over' } },
	'call:join_room': { must: about(room), may: { userId: self } },
	'call:leave_room': { must: about(room), may: { userId: self } },
	'ice:candidate': {
		must: { ...about(room), candidate: 'candidate:1 1 udp 1 192.0.2.1 9 typ host' },
		may: { fromUserId: self, toUserId: 'bob', sdpMLineIndex: 0, sdpMid: '0' },
	},
	'ice:request': { may: { userId: self }, ack: true },
	'call:renegotiate': {
		must: { ...about(room), sdpOffer: 'v=0' }, may: { fromUserId: self, toUserId: 'bob', type: 'renegotiate' },
	},
	'call:renegotiate_answer': {
		must: { ...about(room), sdpAnswer: 'v=0' }, may: { fromUserId: self, toUserId: 'bob', type: 'renegotiate_answer' },
	},
	'call:toggle_audio': { must: { ...about(room), audioEnabled: false }, may: { userId: self } },
	'call:toggle_video': { must: { ...about(room), videoEnabled: false }, may: { userId: self } },
	'call:toggle_media': { must: { ...about(room), audio: false, video: true }, may: { userId: self } },
	'call:screen_share': { must: { ...about(room), action: 'start' }, may: { userId: self } },
	'call:noise_cancellation': { must: { ...about(room), enabled: true }, may: { userId: self } },
	'call:recording': { must: { ...about(room), action: 'start' }, may: { userId: self, userName: 'E' } },
	'call:media': { must: { ...about(room), path: 'relay' }, may: { userId: self } },
	'call_signal': { must: { type: 'offer', to: 'alice', from: self, sdp: { type: 'offer', sdp: 'v=0' } } },
	'group_call:initiate': {
		must: { groupId: 7, initiatedBy: self, callType: 'audio', roomName: room, memberIds: ['alice', 'bob'] },
		may: { sdpOffer: 'v=0' },
	},
	'group_call:join': { must: { roomName: room, callType: 'video', memberIds: ['alice', 'bob'] }, may: { userId: self, groupId: 7 }, ack: true },
	'group_call:leave': { must: about(room), may: { reason: 'bye', userId: self } },
	'group_call:offer': { must: { ...about(room), toUserId: 'alice', sdpOffer: 'v=0' } },
	'group_call:answer': { must: { ...about(room), toUserId: 'alice', sdpAnswer: 'v=0' } },
	'group_call:candidate': { must: { ...about(room), toUserId: 'alice', candidate: 'x' } },
});

before(async () => {
	stack = await startStack({ after: (f) => cleanups.push(f) }, { signald: { 'events-per-s': 0, 'ring-timeout': 3600 } });
	const t = { after: (f) => cleanups.push(f) };
	const [alice, bob, carl, dora] = await Promise.all(['alice', 'bob', 'carl', 'dora'].map((u) => join(t, stack, u)));
	const live = await establish(alice, bob);
	const ringing = initiate(carl, 'dora');

	await dora.next('call:incoming');
	cast = { alice, bob, carl, dora, live: live.roomName, ringing };
});
after(async () => { for (const f of cleanups.reverse()) await f(); });

const members = () => [cast.alice, cast.bob, cast.carl, cast.dora];

/* Events are dealt with in order: once this is answered, all before it have been. */
const settled = (c) => c.request('ice:request', { userId: c.userId });

/* Nobody of the cast heard anything, and the offender only of what it did itself. */
async function nothingHappened(eve, rooms = []) {
	await settled(eve);
	for (const c of members())
		await settled(c);
	for (const c of members())
		assert.deepEqual(c.seen.splice(0), [], `${c.userId} was told of it`);
	for (const { event, data } of eve.seen.splice(0)) {
		assert.ok(REPLIES.includes(event), `the offender got ${event}`);
		assert.ok(!rooms.includes(data?.roomName) || event !== 'call:ended' || data.callId === undefined,
			`the offender learned of ${JSON.stringify(data)}`);
	}
	stack.daemons.signald.assertAlive();
}

function send(client, event, payload, ack) {
	const args = payload === undefined ? [] : [payload];

	client.emit(event, ...args, ...(ack ? [() => {}] : []));
}

const isOpaque = (value) => value === WRONG['control characters'] || Object.prototype.toString.call(value) === '[object Object]';

/* Each field in turn, with each wrong value and without. */
function* spoiled(fields, whole) {
	for (const name of Object.keys(fields)) {
		const { [name]: _, ...without } = whole;

		yield without;
		for (const value of Object.values(WRONG))
			/* A description or a candidate is passed on as it came: any text, or the browser's object. */
			if (!/^sdp|^candidate$/.test(name) || !isOpaque(value))
				yield { ...whole, [name]: value };
	}
}

for (const name of Object.keys(EVENTS('', '')))
	test(`${name}: no field, and every field wrong`, options, async (t) => {
		const eve = await join(t, stack, 'eve');
		const { must = {}, may = {}, bare, ack } = EVENTS(newRoom(), 'eve')[name];

		send(eve, name, undefined, ack);
		for (const value of Object.values(WRONG))
			send(eve, name, value, ack);
		eve.emit(name, Buffer.from('binary'), { roomName: cast.live });
		if (!bare) {
			for (const payload of spoiled(must, { ...must, ...may }))
				send(eve, name, payload, ack);
			/* What is only decoration may be wrong and the event go through: to nobody then. */
			const alone = { ...must, ...may, ...('toId' in must && { toId: GHOST }), ...('to' in must && { to: GHOST }),
				...('memberIds' in must && { memberIds: [GHOST] }) };

			for (const payload of spoiled(may, alone))
				send(eve, name, payload, ack);
		}
		/* A wrong id may be a good one, of somebody else: a number, a boolean's text. */
		eve.emit('user:join', 'eve');
		await nothingHappened(eve, [cast.live, cast.ringing]);
	});

describe('the name of somebody else\'s call', () => {
	for (const name of Object.keys(EVENTS('', '')))
		for (const which of ['live', 'ringing'])
			test(`${name}, of one that is ${which}`, options, async (t) => {
				const eve = await join(t, stack, 'eve');
				const { must = {}, may = {}, bare, ack } = EVENTS(cast[which], 'eve')[name];

				if (bare || name === 'call:register') /* with auth = open anybody may be anybody */
					return;
				const whole = { ...must, ...may };

				/* An outsider may have a call of that name too, but not with those who have one already. */
				const pair = which === 'live' ? ['alice', 'bob'] : ['carl', 'dora'];
				const aimed = { ...whole, ...('toId' in must && { toId: pair[1] }), ...('to' in must && { to: GHOST }),
					...('memberIds' in must && { memberIds: pair }) };

				send(eve, name, aimed, ack);
				/* In somebody's name. */
				for (const victim of ['alice', 'bob', 'carl', 'dora'])
					for (const [key, value] of Object.entries(whole))
						if (value === 'eve')
							send(eve, name, { ...aimed, [key]: victim }, ack);
				eve.emit('user:join', 'eve');
				await nothingHappened(eve);
			});
});

test('who has not said who he is starts, answers, ends and hears nothing', options, async (t) => {
	const eve = new Client(stack, 'eve');

	t.after(() => eve.close());
	await within('connects', new Promise((resolve) => { eve.socket.once('connect', resolve); }));
	for (const [name, { must = {}, may = {}, bare, ack }] of Object.entries(EVENTS(cast.live, 'eve')))
		if (!bare && !['call:initiate', 'call:register', 'join', 'ice:request', 'call_signal'].includes(name))
			send(eve, name, { ...must, ...may, ...('userId' in may && { userId: 'alice' }) }, ack);
	await nothingHappened(eve);
});

test('other events are nobody\'s business', options, async (t) => {
	const eve = await join(t, stack, 'eve');

	for (const name of ['call:answer', 'call:incoming', 'call:ended', 'call:rejected', 'call:error', 'typing', 'user:joined_call',
		'participant:audio_changed', 'group_call:participant_left', 'call:', 'x'.repeat(128), '__proto__', 'constructor'])
		eve.emit(name, { roomName: cast.live, toUserId: 'alice', userId: 'bob', reason: 'x' });
	await nothingHappened(eve);
});

for (const [what, payload] of [
	['half a character', '{"roomName":"\\ud800"}'], ['no JSON', '{"roomName":'], ['too deep', '['.repeat(600) + ']'.repeat(600)],
	['too many values', `[${'7,'.repeat(20000)}7]`],
])
	test(`${what} ends the connection that sent it`, options, async (t) => {
		const ws = await new RawWs(stack.port).open('/socket.io/?EIO=4&transport=websocket');

		t.after(() => ws.destroy());
		await ws.text();
		ws.send('40');
		await ws.text();
		ws.send(`42["call:end",${payload}]`);
		await within('it is cut off', ws.ended);
		for (const c of members())
			assert.deepEqual(c.seen, []);
	});

test('the calls that were there all the while go on', options, async () => {
	const { alice, bob, carl, dora, live, ringing } = cast;

	sendCandidate(alice, live, 'candidate:7 1 udp 1 192.0.2.7 9 typ host');
	assert.match((await bob.next('ice:candidate')).candidate, /^candidate:7 /);
	dora.emit('call:accept', { roomName: ringing, sdpAnswer: fakeSdp('answer') });
	assert.equal((await carl.next('call:answer')).acceptedBy, 'dora');
	alice.emit('call:end', { roomName: live });
	assert.equal((await bob.next('call:ended')).code, 'completed');
	carl.emit('call:end', { roomName: ringing });
	assert.equal((await dora.next('call:ended')).code, 'completed');
});

test('all of it is counted', options, async () => {
	await stack.daemons.signald.stop();
	const log = stack.daemons.signald.logText();

	for (const counter of ['malformed', 'forbidden', 'foreign', 'not_joined'])
		assert.match(log, new RegExp(`calls\\.${counter} \\+[1-9]`), counter);
});

test('who sends too much of it is told, then cut off, alone', options, async (t) => {
	const limited = await startStack(t, { signald: { 'events-per-s': 10, 'events-burst': 30 } });
	const alice = await join(t, limited, 'alice'), bob = await join(t, limited, 'bob');
	const call = await establish(alice, bob);
	const eve = await join(t, limited, 'eve');
	const cut = new Promise((resolve) => { eve.socket.once('disconnect', resolve); });

	for (let i = 0; i < 500; i++)
		eve.emit('call:end', { roomName: call.roomName, userId: 'alice' });
	await within('the offender is cut off', cut);
	assert.ok(eve.seen.some((s) => s.event === 'call:error' && s.data.code === 'rate_limited'));
	alice.emit('call:end', { roomName: call.roomName });
	assert.equal((await bob.next('call:ended')).code, 'completed');
});

/* signald that takes tokens, a call that is up, one that rings, and eve, who has a token of her own. */
async function authenticated(t) {
	const strict = await startTokenStack(t, { 'events-per-s': 0 });
	const arrive = async (userId) => {
		const c = new Client(strict, userId, { query: {}, auth: { token: strict.token(userId) } });

		t.after(() => c.close());
		await within(`${userId} connects`, new Promise((resolve) => { c.socket.once('connect', resolve); }));
		c.emit('call:register', { userId });
		await settled(c);
		return c;
	};

	const [alice, bob, carl, dora, eve] = await Promise.all(['alice', 'bob', 'carl', 'dora', 'eve'].map(arrive));
	const call = await establish(alice, bob);
	const ringing = initiate(carl, 'dora');

	await dora.next('call:incoming');
	return { strict, eve, others: [alice, bob, carl, dora], live: call.roomName, ringing };
}

test('with auth = token nobody is anybody else, whatever the event says', options, async (t) => {
	const { strict, eve, others, live, ringing } = await authenticated(t);

	for (const victim of ['alice', 'bob', 'carl', 'dora', 7, 'ghost'])
		for (const room of [live, ringing, newRoom()])
			for (const [name, { must = {}, may = {}, bare, ack }] of Object.entries(EVENTS(room, 'eve'))) {
				const whole = { ...must, ...may };

				if (bare)
					eve.emit(name, victim);
				for (const [key, value] of Object.entries(whole))
					if (value === 'eve')
						send(eve, name, { ...whole, [key]: victim }, ack);
			}
	await settled(eve);
	for (const c of others) {
		await settled(c);
		assert.deepEqual(c.seen, [], `${c.userId} was told of it`);
	}
	for (const { event, data } of eve.seen)
		assert.deepEqual([event, data.code ?? data.error], [event, event === 'call:error' ? 'forbidden' : data.error]);
	assert.ok(eve.seen.every(({ event }) => ['call:error', 'ice:response'].includes(event)), 'nothing but refusals');
	assert.equal((await strict.rest.get('/api/calls/active-count')).json.activeCallsCount, 2);
	others[0].emit('call:end', { roomName: live });
	assert.equal((await others[1].next('call:ended')).code, 'completed');
});

test('an SDP of a megabyte', options, async (t) => {
	const big = await startStack(t, {});
	const alice = await join(t, big, 'alice'), eve = await join(t, big, 'eve');
	const cut = new Promise((resolve) => { eve.socket.once('disconnect', resolve); });

	eve.emit('call:initiate', { fromId: 'eve', toId: 'alice', callType: 'video', roomName: newRoom(), sdpOffer: 'x'.repeat(1 << 20) });
	await within('the offender is cut off', cut);
	await alice.quiet();
	await until('others are served', () => big.rest.health());
});
