/* scenarios_connect.test.mjs - the ways in: Android's WebSocket and polling, tokens, ICE servers that work, restarts */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Client, initiate } from './lib/client.mjs';
import { RawWs, tlsConnect } from './lib/echo.mjs';
import { AndroidSocket, android, androidCall } from './lib/shipped.mjs';
import { startStack } from './lib/stack.mjs';
import { selfSigned } from './lib/swarm.mjs';
import { startTokenStack } from './lib/tokens.mjs';
import { Certificates } from './lib/tls.mjs';
import { assertSoon, freePort, turnPassword, until, within } from './lib/suite.mjs';
import { TurnClient, TurnStreamClient, udpPeer } from './lib/turn_client.mjs';

const turn = (iceServers) => {
	const { username, credential } = iceServers.find((s) => s.username);

	return { username, password: credential };
};

test('S1: what Android sends in one go behind its way in is dealt with in order, over TLS', async (t) => {
	const certificates = new Certificates().make('site', 'ec');
	const port = await freePort();
	const stack = await startStack(t, { tls: { port, cert: certificates.file('site.crt'), pkey: certificates.file('site.key') } });
	const phone = new AndroidSocket(stack, 77, { port, connect: (to) => tlsConnect({ ...to, ca: certificates.ca }) });

	t.after(() => phone.vanish());
	await phone.open();
	assert.deepEqual(phone.hello.upgrades, []);
	phone.words.ACK = phone.acks++;
	phone.sendAll('join', 'call:register', 'ice:request');
	const reply = await phone.next('ack 0');

	assert.equal(reply.success, true);
	assert.equal(turn(reply.iceServers).username.split(':')[1], '77');
	/* Registered, so it rings. */
	const caller = new AndroidSocket(stack, 78, {});

	t.after(() => caller.vanish());
	await caller.open();
	caller.sendAll('join', 'call:register');
	await caller.call(77);
	assert.equal((await phone.next('call:incoming')).fromId, 78);
});

test('S2: an Android phone on a poor line polls first and upgrades, and no event is lost', async (t) => {
	const stack = await startStack(t);
	const phone = new AndroidSocket(stack, 79, {});

	t.after(() => phone.vanish());
	const base = `${stack.url}${phone.packet('poll').split(' ')[1]}`;
	const hello = await (await fetch(base)).text();

	assert.equal(hello[0], '0');
	const { sid, upgrades } = JSON.parse(hello.slice(1));

	assert.deepEqual(upgrades, ['websocket']);
	const url = `${base}&sid=${sid}`;
	const post = async (...packets) => assert.equal(await (await fetch(url, { method: 'POST', body: packets.join('\x1e') })).text(), 'ok');
	const poll = async () => (await (await fetch(url)).text()).split('\x1e');

	await post(phone.packet('connect'));
	assert.match((await poll())[0], /^40\{"sid":"/);
	await post(phone.packet('join'), phone.packet('call:register'));

	/* The upgrade; events go on over polling while it is under way. */
	const polled = poll();
	const ws = await new RawWs(stack.port).open(`${phone.packet('upgrade').split(' ')[1]}&sid=${sid}`);

	t.after(() => ws.destroy());
	ws.send('2probe');
	assert.equal(await ws.text(), '3probe');
	await post(phone.packet('ice:request', { ACK: 0 }));
	const early = (await polled).filter((p) => p !== '6'); /* what it is let go with: a noop, or the answer */

	ws.send('5').send(phone.packet('ice:request', { ACK: 1 }));
	const answers = [...early];

	while (answers.length < 2)
		answers.push(await ws.text());
	assert.deepEqual(answers.map((p) => /^43(\d)/.exec(p)?.[1]), ['0', '1'], 'in order, none lost');
	const caller = await android(t, stack, 80);

	await caller.call(79);
	assert.match(await ws.text(), /^42\["call:incoming",/);
});

test('S3: a token makes a client its user; a bad one is refused and hears of nothing', async (t) => {
	const stack = await startTokenStack(t);
	const phone = await android(t, stack, 92, { words: { TOKEN: stack.token(92) } });
	const desk = new Client(stack, 93, { query: {}, auth: { token: stack.token(93) } });

	t.after(() => desk.close());
	await within('it connects', new Promise((resolve) => desk.socket.once('connect', resolve)));
	const joined = await desk.request('join', { access_token: stack.token(93) });

	assert.equal(joined.status, 200);
	assert.equal(String(joined.user_id), '93');
	assert.equal((await desk.request('ice:request', { userId: 93 })).success, true);
	assert.equal((await desk.request('ice:request', { userId: 92 })).success, false, 'it is nobody else');
	const room = initiate(desk, 92);

	assert.equal((await phone.next('call:incoming')).roomName, room);
	desk.emit('call:end', { roomName: room });
	await phone.next('call:ended');

	/* 44 for CONNECT, 41 for join. */
	const early = new Client(stack, 94, { query: {}, auth: { token: 'bad' } });
	const late = new Client(stack, 94, { query: {}, auth: {} });

	const first = (c, event) => within(event, new Promise((resolve) => c.socket.once(event, resolve)));

	t.after(() => [early, late].forEach((c) => c.close()));
	await Promise.all([first(early, 'connect_error'), first(late, 'connect')]);
	late.emit('call:register', { userId: 92 });
	assert.equal((await late.next('call:error')).code, 'not_joined');
	const gone = new Promise((resolve) => late.socket.once('disconnect', resolve));

	late.emit('join', { access_token: 'bad' });
	assert.equal(await within('41', gone), 'io server disconnect');
	initiate(desk, 92);
	await phone.next('call:incoming');
	await late.quiet();
});

test('S4: ice:request is answered at once with servers that relay, over UDP, TCP and TLS', async (t) => {
	const tlsPort = await freePort();
	const stack = await startStack(t, { turnserver: { 'no-tls': false, 'tls-listening-port': tlsPort, ...selfSigned() } });
	const phone = await android(t, stack, 81);
	const started = Date.now();
	const reply = await phone.iceRequest();

	assertSoon(started, 200);
	assert.equal(reply.success, true);
	assert.ok(Array.isArray(reply.iceServers));
	const server = reply.iceServers.find((s) => s.username);

	assert.deepEqual(server.urls, stack.turnUrls);
	assert.equal(server.credential, turnPassword(stack.secret, server.username));
	for (const relay of [new TurnClient(stack, turn(reply.iceServers)), new TurnStreamClient(stack, turn(reply.iceServers)),
		new TurnStreamClient({ ...stack, tlsPort }, turn(reply.iceServers))]) {
		t.after(() => relay.close());
		await relay.allocate();
	}
});

test('S9: both sides of an Android call relay, and media goes through turnserver', async (t) => {
	const stack = await startStack(t);
	const { caller, callee, roomName, incoming, answer } = await androidCall(t, stack, 82, 83);
	const [ours, theirs] = [answer, incoming].map((e) => new TurnClient(stack, turn(e.iceServers)));

	t.after(() => [ours, theirs].forEach((r) => r.close()));
	for (const [relay, from, to] of [[ours, caller, 83], [theirs, callee, 82]]) {
		const { address, port } = await relay.allocate();

		from.send('ice:candidate', { PEER: to, INDEX: 0, MID: '0',
			CANDIDATE: `candidate:1 1 udp 41885439 ${address} ${port} typ relay raddr 0.0.0.0 rport 0` });
	}
	await ours.permit(theirs.relayed);
	await theirs.permit(ours.relayed);
	await until('media flows both ways', async () => {
		await ours.sendTo(theirs.relayed, 5, 100);
		await theirs.sendTo(ours.relayed, 5, 100);
		return ours.received > 0 && theirs.received > 0;
	});
	const call = await until('the call\'s relay is known', async () => {
		const c = await stack.rest.call(roomName);

		return c.relay.liveAllocations === 2 && c;
	});

	assert.deepEqual(call.relay.participants.map((p) => p.userId).sort(), [82, 83]);
	const ended_ms = Date.now();

	caller.send('call:end').send('call:leave_room');
	await callee.next('call:ended');
	await until('the relay stops with the call', async () => (await stack.rest.endedCall(roomName)).relay.liveAllocations === 0);
	assertSoon(ended_ms, 1000);
});

test('S10: the secret inside the app and ours relay side by side; what is expired or forged does not', async (t) => {
	const stack = await startStack(t);
	const tries = [
		[stack.credentials(stack.sharedUser, { secret: stack.sharedSecret }), 0],
		[stack.credentials('84'), 0],
		[stack.credentials(stack.sharedUser, { secret: stack.sharedSecret, ttl_s: -10 }), 401],
		[stack.credentials(stack.sharedUser, { secret: 'not-the-one-of-the-app-at-all' }), 401],
	];

	for (const [credentials, wanted] of tries) {
		const relay = new TurnClient(stack, credentials);
		const got = await relay.allocate().then(() => 0, (err) => err.code);

		t.after(() => relay.close());
		assert.equal(got, wanted, credentials.username);
	}
});

test('S25: signald restarts under Android phones: no Close frame, all are back, media went on', { timeout: 60000 }, async (t) => {
	const PHONES = 20;
	const stack = await startStack(t);
	const peer = await udpPeer(t, { echo: true });
	const { answer, roomName } = await androidCall(t, stack, 90, 91);
	const relay = new TurnClient(stack, turn(answer.iceServers));

	t.after(() => relay.close());
	await relay.allocate();
	await relay.permit(peer);
	const phones = await Promise.all([...Array(PHONES).keys()].map((i) => android(t, stack, 100 + i)));

	await stack.daemons.signald.stop();
	for (const p of phones) {
		await within('the TCP connection ends', p.ended);
		assert.equal(p.closeFrame, false, 'OkHttp would not notice');
		assert.equal(p.got('call:ended'), 0);
	}
	const before = relay.received;

	await until('media flows without signald', async () => {
		await relay.sendTo(peer, 5, 100);
		return relay.received > before;
	});
	await stack.startSignald();
	const back = await Promise.all(phones.map((p) => android(t, stack, p.userId)));

	await back[0].call(back[1].userId);
	assert.equal((await back[1].next('call:incoming')).fromId, back[0].userId);

	/* The call is where it was, for phones that do no more than register. */
	const [caller, callee] = [await android(t, stack, 90), await android(t, stack, 91)];

	Object.assign(caller.words, { ROOM: roomName, PEER: 91 });
	caller.send('call:renegotiate');
	assert.equal((await callee.next('call:renegotiate')).roomName, roomName);
	const after = relay.received;

	await until('media flows on', async () => {
		await relay.sendTo(peer, 5, 100);
		return relay.received > after;
	});
	caller.send('call:end').send('call:leave_room');
	assert.equal((await callee.next('call:ended')).code, 'completed');
});
