/* scenarios_windows.test.mjs - what the shipped Windows client does: REST, one call_signal, and many connections (S23) */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { join } from './lib/client.mjs';
import { android, OFFER, windows } from './lib/shipped.mjs';
import { startStack } from './lib/stack.mjs';
import { startTokenStack } from './lib/tokens.mjs';
import { until } from './lib/suite.mjs';
import { TurnClient } from './lib/turn_client.mjs';

let stack;
const cleanups = [];

before(async () => { stack = await startStack({ after: (f) => cleanups.push(f) }); });
after(async () => { for (const f of cleanups.reverse()) await f(); });

test('S23: ICE servers come over REST and relay', async (t) => {
	const { status, json } = await stack.rest.get('/api/ice-servers/41?s=a-site-key');

	assert.equal(status, 200);
	assert.equal(json.success, true);
	const { username, credential } = json.iceServers.find((s) => s.username);
	const relay = new TurnClient(stack, { username, password: credential });

	t.after(() => relay.close());
	await relay.allocate();
});

test('S23: a call_signal offer rings an Android phone', async (t) => {
	const phone = await android(t, stack, 43);
	const desk = await windows(t, stack, 42);

	desk.send('call_signal', { PEER: 43 });
	const incoming = await phone.next('call:incoming');

	assert.equal(incoming.fromId, 42);
	assert.equal(incoming.toId, 43);
	assert.equal(incoming.callType, 'video');
	assert.equal(incoming.sdpOffer, OFFER);
	assert.equal(incoming.roomName, `signal_${incoming.callId}`);
	await desk.quiet();
	await phone.accept(incoming);
	const answer = await desk.next('call_signal');

	assert.equal(answer.type, 'answer');
	assert.equal(answer.from, 43);
	assert.equal(answer.to, 42);
	phone.candidate(1, 42);
	assert.equal((await desk.next('call_signal')).type, 'candidate');
	phone.send('call:end').send('call:leave_room');
	assert.equal((await desk.next('call_signal')).type, 'end');
});

test('S23: an offer to nobody is answered, and no error but that', async (t) => {
	const desk = await windows(t, stack, 44);

	desk.send('call_signal', { PEER: 999999 });
	assert.equal((await desk.next('call:error')).code, 'offline');
	assert.equal((await desk.next('call:ended')).code, 'offline');
});

test('S23: with tokens and the site key, two Windows clients hear each other\'s offer', async (t) => {
	const guarded = await startTokenStack(t);
	const [desk, other] = [await windows(t, guarded, 47, { words: { TOKEN: guarded.token(47) } }),
		await windows(t, guarded, 48, { words: { TOKEN: guarded.token(48) } })];
	const [method, url] = desk.packet('ice-servers', { KEY: guarded.siteKey }).split(' ');
	const { status, json } = await guarded.rest.request(method, url);
	const { username, credential } = json.iceServers.find((s) => s.username);
	const relay = new TurnClient(guarded, { username, password: credential });

	t.after(() => relay.close());
	assert.equal(status, 200);
	assert.equal(json.success, true);
	assert.equal(username.split(':')[1], '~47', 'nobody has proved to be 47');
	await relay.allocate();
	assert.notEqual((await guarded.rest.request(method, url.replace(guarded.siteKey, 'another-key'))).status, 200);

	desk.send('call_signal', { PEER: 48 });
	assert.deepEqual(await other.next('call_signal'),
		{ type: 'offer', to: 48, from: 47, sdp: { type: 'offer', sdp: OFFER } }, 'as it came');
	await desk.quiet();
	await other.quiet(0);
	desk.send('call_signal', { USER: 48, PEER: 47 });
	assert.equal((await desk.next('call:error')).code, 'forbidden');
	desk.vanish();
});

test('S23: a new connection for each chat leaks nothing', async (t) => {
	const alice = await join(t, stack, 45);

	for (let i = 0; i < 50; i++) {
		const s = await windows(t, stack, 46);

		s.vanish();
	}
	await until('only alice is there', async () => {
		const { json } = await stack.rest.get('/api/health');

		return json.status === 'ok';
	});
	await alice.request('ice:request', { userId: 45 });
});
