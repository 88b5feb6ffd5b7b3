/* backend.test.mjs - signald asks the messenger's own server: what it says is done, and when it says nothing, calls
 * go on as far as they can */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { Backend, backendLines, PHP, startExample } from './lib/backend.mjs';
import { Client, fakeSdp, initiate, join, newRoom } from './lib/client.mjs';
import { Stack } from './lib/stack.mjs';
import { assertSoon, freePort, IS_ROOT, newStateDir, sleep, SOURCE_DIR, until, within } from './lib/suite.mjs';

const options = { timeout: 120000 };
const CONNECT_MAX_MS = 60000; /* a thousand come at once */

/* A signald alone; no turnserver is needed here. */
async function startSignald(t, url, more = {}) {
	const { token, file, lines } = backendLines(url, more);
	const stack = new Stack({ signald: { 'relay-socket': undefined, ...lines } });

	t.after(() => stack.stop());
	await stack.init();
	await stack.startSignald();
	stack.backendToken = token;
	stack.backendTokenFile = file;
	return stack;
}

const blocks = { 'block-list': 'backend' };
const allow = () => [200, { allowed: true }];

/* --- the examples ---------------------------------------------------------- */

const data = {
	tokens: {
		'token-of-ann': { userId: 'ann', name: 'Ann', avatar: 'https://chat.example/ann.jpg' },
		'token-of-77': { userId: 77, name: 'Seven' },
		'token-of-bob': { userId: 'bob', expiresAt: 4102444800 },
		'token-that-ran-out': { userId: 'cat', expiresAt: 1700000000 },
	},
	groups: { friends: ['ann', 'bob', 'cat'], 7: ['ann', 'cat'] },
	blocks: { bob: ['cat'] },
};

for (const kind of ['node', 'php']) {
	test(`groups and blocks are those of the ${kind} example`,
		{ ...options, skip: kind === 'php' && !PHP ? 'no php here' : false }, async (t) => {
			const { token, file, lines } = backendLines('', { ...blocks, members: 'backend' });
			const example = await startExample(t, kind, { data, token });
			const stack = new Stack({ signald: { 'relay-socket': undefined, ...lines, 'backend-url': example.url } });

			assert.ok(file);
			t.after(() => stack.stop());
			await stack.init();
			await stack.startSignald();
			const ann = await join(t, stack, 'ann');
			const bob = await join(t, stack, 'bob');
			const cat = await join(t, stack, 'cat');
			const dan = await join(t, stack, 'dan');

			/* may "from" call "to"? */
			initiate(cat, 'bob');
			assert.equal((await cat.next('call:error')).code, 'offline');
			await bob.none('call:incoming');
			await cat.next('call:ended');
			const room = initiate(bob, 'cat');

			assert.equal((await cat.next('call:incoming')).roomName, room);
			bob.emit('call:end', { roomName: room });
			await cat.next('call:ended');

			/* who is in the group? */
			const call = { groupId: 'friends', initiatedBy: 'ann', callType: 'audio', roomName: newRoom(), sdpOffer: fakeSdp('g') };

			ann.emit('group_call:initiate', call);
			for (const member of [bob, cat])
				assert.equal((await member.next('call:incoming')).groupId, 'friends');
			await dan.none('call:incoming');
			ann.emit('call:end', { roomName: call.roomName });

			/* not of theirs */
			dan.emit('group_call:initiate', { ...call, initiatedBy: 'dan', roomName: newRoom() });
			assert.equal((await dan.next('call:error')).code, 'forbidden');
			bob.emit('group_call:initiate', { ...call, groupId: '7', initiatedBy: 'bob', roomName: newRoom() });
			assert.equal((await bob.next('call:error')).code, 'forbidden');
		});
}

test('an example that was not told who signald is answers nobody', options, async (t) => {
	const env = { ...process.env, BACKEND_TOKEN: '' };

	assert.throws(() => execFileSync(process.execPath, [path.join(SOURCE_DIR, 'examples', 'backend', 'answer.mjs'), '0'],
		{ env, stdio: 'pipe', timeout: 20000 }), (e) => e.status === 2 && /BACKEND_TOKEN/.test(e.stderr));
	if (!PHP)
		return;
	const example = await startExample(t, 'php', { data, token: '' });
	const reply = await fetch(example.url, { method: 'POST', body: '{"ask":"authenticate","token":"token-of-ann"}' });

	assert.equal(reply.status, 400);
});

/* --- who a client is ---------------------------------------------------------- */

const auth = { auth: 'backend' };

/* With nothing but what is given. Refused: { code, message } of the refusal; cut off: code 'cut'. */
async function connect(t, stack, given = {}) {
	const c = new Client(stack, given.userId, { query: {}, auth: {}, transports: ['websocket'], timeout: CONNECT_MAX_MS, ...given });

	t.after(() => c.close());
	return within('it is let in or not', new Promise((resolve) => {
		c.socket.once('connect', () => resolve(c));
		c.socket.once('connect_error', (err) => resolve({ message: err.message, code: err.data?.code }));
		c.socket.io.once('close', (reason) => resolve({ message: reason, code: 'cut' }));
	}), CONNECT_MAX_MS);
}

const isUser = async (c, userId) => {
	const reply = await c.request('ice:request', { userId });

	assert.equal(reply.success, true, `${JSON.stringify(reply.error)} for ${userId}`);
};

for (const kind of ['node', 'php']) {
	test(`a client is who the ${kind} example says`,
		{ ...options, skip: kind === 'php' && !PHP ? 'no php here' : false }, async (t) => {
			const { token, lines } = backendLines('', auth);
			const example = await startExample(t, kind, { data, token });
			const stack = new Stack({ signald: { 'relay-socket': undefined, ...lines, 'backend-url': example.url } });

			t.after(() => stack.stop());
			await stack.init();
			await stack.startSignald();
			/* wherever the token stands */
			const ann = await connect(t, stack, { auth: { token: 'token-of-ann' } });
			const seven = await connect(t, stack, { query: { access_token: 'token-of-77', user_id: '77' } });
			const bob = await connect(t, stack, { extraHeaders: { Authorization: 'Bearer token-of-bob' } });

			await isUser(ann, 'ann');
			await isUser(seven, 77);
			await isUser(bob, 'bob');
			assert.equal((await ann.request('ice:request', { userId: 'bob' })).success, false);

			/* what is known of them is shown */
			seven.emit('call:register', { userId: 77, user_id: 77 });
			await isUser(seven, 77); /* answered behind it; a call comes another way */
			initiate(Object.assign(ann, { userId: 'ann' }), 77);
			const incoming = await seven.next('call:incoming');

			assert.equal(incoming.fromName, 'Ann');
			assert.equal(incoming.fromAvatar, 'https://chat.example/ann.jpg');
			assert.equal(incoming.toId, 77);

			/* nobody */
			for (const bad of ['token-of-nobody', 'token-that-ran-out'])
				assert.notEqual((await connect(t, stack, { auth: { token: bad } })).message, undefined, `${bad} was let in`);

			/* in-band, as Android does it, and REST */
			const late = await connect(t, stack);

			assert.deepEqual(await late.request('join', { user_id: 'token-of-77' }), { status: 200, user_id: 77 });
			await isUser(late, 77);
			const lost = await connect(t, stack);
			const ended = once(lost.socket, 'disconnect');

			lost.emit('join', { user_id: 'token-of-nobody' });
			assert.equal((await within('a bad token ends it', ended))[0], 'io server disconnect');
			const rest = (user, tok) => fetch(`${stack.url}/api/ice-servers/${user}`, { headers: { Authorization: `Bearer ${tok}` } });

			assert.equal((await rest('bob', 'token-of-bob')).status, 200);
			assert.equal((await rest('ann', 'token-of-bob')).status, 403);
			assert.equal((await rest('ann', 'token-of-nobody')).status, 401);
		});
}

test('what follows a join is handled in order, however long the answer takes', options, async (t) => {
	const backend = await new Backend(async () => { await sleep(500); return [200, { userId: 'ann' }]; }).start(t);
	const stack = await startSignald(t, backend.url, auth);
	const ann = await connect(t, stack);
	const began = Date.now();
	const order = [];
	const note = (what) => (reply) => { order.push(what); return reply; };

	const all = [
		ann.request('join', { user_id: 'T' }).then(note('join')),
		(ann.emit('call:register', { userId: 'ann' }), ann.request('ice:request', { userId: 'ann' }).then(note('ice'))),
		ann.request('join', { user_id: 'T' }).then(note('again')),
		ann.request('ice:request', { userId: 'bob' }).then(note('foreign')),
	];
	const [joined, ice, again, foreign] = await Promise.all(all);

	assert.ok(Date.now() - began >= 500);
	assert.deepEqual(order, ['join', 'ice', 'again', 'foreign']);
	assert.equal(joined.status, 200);
	assert.equal(ice.success, true);
	assert.equal(again.status, 200);
	assert.equal(foreign.success, false);
	assert.equal(backend.asked.length, 1);
});

test('a backend that does not answer refuses nobody for good', options, async (t) => {
	const backend = await new Backend(({ token }) => (token.startsWith('T') ? [200, { userId: token }] : [503, {}])).start(t);
	const stack = await startSignald(t, backend.url, auth);
	const ann = await connect(t, stack);

	assert.equal((await connect(t, stack, { auth: { token: 'broken' } })).code, 'cut');
	assert.equal((await ann.request('join', { user_id: 'broken2' })).status, 503);
	assert.equal((await ann.next('call:error')).code, 'unavailable');
	assert.equal((await ann.request('join', { user_id: 'T1' })).status, 200);
	assert.equal((await fetch(`${stack.url}/api/ice-servers/x?access_token=broken3`)).status, 503);

	/* left alone, then asked again */
	for (let i = 0; i < 4; i++)
		await connect(t, stack, { auth: { token: `broken${i + 4}` } });
	const asked = backend.asked.length;

	assert.equal((await connect(t, stack, { auth: { token: 'T2' } })).code, 'cut');
	assert.equal(backend.asked.length, asked);
	await isUser(await connect(t, stack, { auth: { token: 'T1' } }), 'T1'); /* known */
	await until('it is asked again', async () => !(await connect(t, stack, { auth: { token: 'T3' } })).code, 10000);
});

test('stock clients come in by themselves when the backend answers again', options, async (t) => {
	const backend = await new Backend(({ token }) => [200, { userId: token }]).start(t);
	const stack = await startSignald(t, backend.url, auth);
	const refusals = [];

	await backend.stop();
	const clients = [['polling'], ['websocket'], undefined].map((transports, i) => {
		const c = new Client(stack, `u${i}`, {
			query: {}, auth: { token: `u${i}` }, transports, reconnection: true, reconnectionDelay: 200, reconnectionDelayMax: 1000,
		});

		t.after(() => c.close());
		c.socket.on('connect_error', (err) => { if (err.data) refusals.push(err.data.code); });
		return c;
	});

	await Promise.all(clients.map((c) => within('it is cut off', new Promise((resolve) => { c.socket.io.once('reconnect_attempt', resolve); }))));
	await backend.start();
	await Promise.all(clients.map((c) => within('it comes back', new Promise((resolve) => { c.socket.once('connect', resolve); }), 20000)));
	for (const [i, c] of clients.entries())
		await isUser(c, `u${i}`);
	assert.deepEqual(refusals, []);
});

const CROWD = 1000;
const roomy = {
	...auth, 'user-sockets-max': 2000, 'connections-per-address': 0, 'sessions-per-address': 0, 'handshakes-per-address': 0,
};

for (const [what, tokenOf, questions] of [['the same token', () => 'T', 1], ['a token each', (i) => `T${i}`, CROWD]]) {
	test(`${CROWD} clients come at once with ${what}`, options, async (t) => {
		let now = 0, most = 0;
		const backend = await new Backend(async ({ token }) => {
			most = Math.max(most, ++now);
			await sleep(5);
			now--;
			return [200, { userId: token }];
		}).start(t);
		const stack = await startSignald(t, backend.url, { ...roomy, 'backend-timeout-ms': 20000 });
		const all = await Promise.all(Array.from({ length: CROWD }, (_, i) => connect(t, stack, { auth: { token: tokenOf(i) } })));

		assert.deepEqual(all.filter((c) => !(c instanceof Client)).slice(0, 3), []);
		assert.equal(backend.asked.length, questions);
		assert.ok(most <= 16, `${most} questions at once`);
		assert.ok(backend.connections <= 16);
		await isUser(all.at(-1), tokenOf(CROWD - 1));
	});
}

/* --- how it is asked --------------------------------------------------------- */

test('questions are POSTed with the token, over connections that are used again', options, async (t) => {
	const backend = await new Backend(allow).start(t);
	const stack = await startSignald(t, backend.url, blocks);
	const ann = await join(t, stack, 'ann');

	await join(t, stack, 'bob');
	for (let i = 0; i < 5; i++) {
		initiate(ann, `nobody${i}`);
		assert.equal((await ann.next('call:error')).code, 'offline');
		await ann.next('call:ended');
	}
	const [first] = backend.requests;

	assert.equal(first.method, 'POST');
	assert.equal(first.url, '/ask');
	assert.equal(first.headers['content-type'], 'application/json');
	assert.equal(first.headers.authorization, `Bearer ${stack.backendToken}`);
	assert.equal(first.headers.expect, undefined);
	assert.deepEqual(backend.asked[0], { ask: 'may_call', from: 'ann', to: 'nobody0' });
	assert.equal(backend.connections, 1);

	/* known already */
	initiate(ann, 'nobody0');
	await ann.next('call:error');
	assert.equal(backend.asked.length, 5);

	/* a new token, as soon as it is read */
	fs.writeFileSync(stack.backendTokenFile, `${stack.backendToken}-new\n`);
	stack.daemons.signald.process.kill('SIGHUP');
	await until('the new token is used', async () => {
		initiate(ann, newRoom());
		await ann.next('call:error');
		return backend.requests.at(-1).headers.authorization === `Bearer ${stack.backendToken}-new`;
	});
});

function certificate(dir, name, ip) {
	const [key, cert] = [path.join(dir, `${name}.key`), path.join(dir, `${name}.pem`)];

	execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
		'-subj', `/CN=${name}`, '-addext', `subjectAltName=IP:${ip}`, '-keyout', key, '-out', cert], { stdio: 'ignore' });
	return { key: fs.readFileSync(key), cert: fs.readFileSync(cert), file: cert };
}

const outcome = async (caller, to) => {
	initiate(caller, to);
	const { code } = await caller.next('call:error');

	await caller.next('call:ended');
	return code;
};

test('over https the certificate must be right', options, async (t) => {
	const dir = newStateDir();
	const good = certificate(dir, 'good', '127.0.0.1');
	const other = certificate(dir, 'other', '127.0.0.1');
	const elsewhere = certificate(dir, 'elsewhere', '192.0.2.1');

	for (const [tls, ca, expected] of [[good, good, 'offline'], [other, good, 'unavailable'], [elsewhere, elsewhere, 'unavailable'],
		[good, undefined, 'unavailable']]) {
		const backend = await new Backend(allow).start(t, { tls });
		const stack = await startSignald(t, backend.url, { ...blocks, 'backend-ca': ca?.file });
		const ann = await join(t, stack, 'ann');

		assert.equal(await outcome(ann, 'bob'), expected);
		assert.equal(backend.asked.length, expected === 'offline' ? 1 : 0);
		await stack.stop();
	}
});

test('neither redirects nor proxies of the environment are followed', options, async (t) => {
	const trap = await new Backend(allow).start(t);
	const proxy = await new Backend(allow).start(t);
	const backend = await new Backend(allow).start(t);

	backend.write = (res) => { res.writeHead(307, { Location: trap.url }); res.end(); };
	for (const name of ['http_proxy', 'HTTP_PROXY', 'ALL_PROXY', 'all_proxy'])
		process.env[name] = `http://127.0.0.1:${proxy.port}`;
	t.after(() => ['http_proxy', 'HTTP_PROXY', 'ALL_PROXY', 'all_proxy'].forEach((name) => delete process.env[name]));
	const stack = await startSignald(t, backend.url, blocks);
	const ann = await join(t, stack, 'ann');

	assert.equal(await outcome(ann, 'bob'), 'unavailable');
	assert.equal(backend.asked.length, 1);
	assert.equal(trap.asked.length + proxy.asked.length, 0);
});

/* --- what it may say --------------------------------------------------------- */

/* Each leaves the call unmade, and signald well. */
const faults = {
	garbage: (res) => res.end('<html>'),
	'another shape': (res) => res.end('{"allowed":"yes"}'),
	'an error': (res) => { res.writeHead(500); res.end('{"allowed":true}'); },
	'a status without a body': (res) => { res.writeHead(204); res.end(); },
	'a huge answer': (res) => res.end(`{"allowed":true,"more":"${'x'.repeat(1 << 20)}"}`),
	'a huge answer without a length': (res) => {
		res.write('{"allowed":true,"more":"');
		res.write('x'.repeat(1 << 20));
		res.end('"}');
	},
	'headers without end': (res) => {
		for (let i = 0; i < 100; i++)
			res.setHeader(`X-${i}`, 'x'.repeat(1000));
		res.end('{"allowed":true}');
	},
	'a torn answer': (res) => { res.writeHead(200, { 'Content-Length': 100 }); res.write('{"allowed":'); res.socket.destroy(); },
	'no answer': (res) => res.socket.destroy(),
	silence: () => {},
	'a slow trickle': (res) => {
		const drip = setInterval(() => res.write(' '), 50);

		res.once('close', () => clearInterval(drip));
	},
	'no HTTP': (res) => res.socket.end('SMTP ready\r\n\r\n'),
	'headers without end': (res) => {
		const drip = setInterval(() => res.socket?.write(`X-More: ${'y'.repeat(5000)}\r\n`), 2);

		res.socket.write('HTTP/1.1 200 OK\r\n');
		res.socket.once('close', () => clearInterval(drip));
		res.socket.on('error', () => {});
	},
};

test('what is no answer is none, whatever it is', options, async (t) => {
	for (const [what, write] of Object.entries(faults)) {
		await t.test(what, async (st) => {
			const backend = await new Backend(allow).start(st);
			const stack = await startSignald(st, backend.url, { ...blocks, 'backend-timeout-ms': 1500 });
			const ann = await join(st, stack, 'ann');
			const began = Date.now();

			backend.write = write;
			assert.equal(await outcome(ann, 'bob'), 'unavailable');
			assertSoon(began, 3000);
			backend.write = null;
			assert.equal(await outcome(ann, 'bob'), 'offline');
			await stack.stop();
		});
	}
});

test('a connection refused is known at once', options, async (t) => {
	const stack = await startSignald(t, `http://127.0.0.1:${await freePort()}/`, blocks);
	const ann = await join(t, stack, 'ann');
	const began = Date.now();

	assert.equal(await outcome(ann, 'bob'), 'unavailable');
	assertSoon(began, 1000);
});

test('who does not answer is left alone, and asked again later', options, async (t) => {
	const backend = await new Backend(allow).start(t);
	const stack = await startSignald(t, backend.url, { ...blocks, 'backend-timeout-ms': 1000, 'backend-cache': 1 });
	const ann = await join(t, stack, 'ann');

	/* known before, and good enough meanwhile */
	backend.answer = ({ to }) => [200, { allowed: to !== 'blocked' }];
	await join(t, stack, 'known');
	assert.equal(await outcome(ann, 'blocked'), 'offline');
	const room = initiate(ann, 'known');

	ann.emit('call:end', { roomName: room });
	await sleep(1100);
	await backend.stop();
	for (let i = 0; i < 5; i++)
		assert.equal(await outcome(ann, `n${i}`), 'unavailable');
	const asked = backend.asked.length;

	await backend.start();
	const open = Date.now();

	assert.equal(await outcome(ann, 'n6'), 'unavailable');
	assert.equal(backend.asked.length, asked, 'it was asked while left alone');
	const again = initiate(ann, 'known');

	assert.equal((await within('known is called', ann.request('ice:request', { userId: 'ann' }))).success, true);
	ann.emit('call:end', { roomName: again });
	await until('it is asked again', async () => (await outcome(ann, `m${Date.now()}`)) === 'offline', 20000);
	assert.ok(Date.now() - open > 1000);
	assert.match(stack.daemons.signald.logText(), /backend: does not answer \(.*\); asked again in 2 s/);
	assert.match(stack.daemons.signald.logText(), /backend: answers again/);
	t.after(() => backend.stop());
});

/* A name server that says nothing, in a world where signald asks it for the backend's name. */
const whyNoWorld = IS_ROOT ? false : 'only root can have another resolv.conf';

test('a name that nobody resolves holds nobody up', { ...options, skip: whyNoWorld }, async (t) => {
	const mute = dgram.createSocket('udp4').bind(53, '127.0.0.99');

	t.after(() => mute.close());
	await once(mute, 'listening');
	const file = path.join(newStateDir(), 'resolv.conf');

	fs.writeFileSync(file, 'nameserver 127.0.0.99\n', { mode: 0o644 });
	const script = `mount --bind ${file} /etc/resolv.conf && exec "$@"`;
	const { lines } = backendLines('http://backend.chat.example:8080/', { ...blocks, 'backend-timeout-ms': 700 });
	const stack = new Stack({
		prefix: ['unshare', '-m', 'sh', '-c', script, 'sh'],
		signald: { 'relay-socket': undefined, 'drain-window': 0, ...lines },
	});

	t.after(() => stack.stop());
	await stack.init();
	await stack.startSignald();
	const ann = await join(t, stack, 'ann');
	let asked = 0;

	mute.on('message', () => { asked++; });
	const told = outcome(ann, 'bob');

	for (let i = 0; i < 5; i++) {
		const asking = Date.now();

		await stack.rest.health();
		assertSoon(asking, 300, 'the loop was held');
		await sleep(100);
	}
	assert.equal(await within('it gives up', told), 'unavailable');
	assert.ok(asked > 0);
	initiate(ann, 'cat');
	await sleep(200);
	const began = Date.now();

	await stack.stop();
	assertSoon(began, 3000, 'the end was held');
});

/* --- order -------------------------------------------------------------------- */

test('what a client sends while its call waits for an answer follows in order', options, async (t) => {
	const backend = await new Backend(async () => { await sleep(500); return [200, { allowed: true }]; }).start(t);
	const stack = await startSignald(t, backend.url, blocks);
	const ann = await join(t, stack, 'ann');
	const bob = await join(t, stack, 'bob');
	const began = Date.now();
	const room = initiate(ann, 'bob');

	for (let i = 0; i < 10; i++)
		ann.emit('ice:candidate', { roomName: room, candidate: `candidate:${i} 1 udp 1 127.0.0.1 9 typ host`, sdpMLineIndex: 0 });
	const acked = ann.request('ice:request', { userId: 'ann' });

	const incoming = await bob.next('call:incoming');

	assert.ok(Date.now() - began >= 500);
	assert.equal((await acked).callId, incoming.callId, 'ice:request was handled before call:initiate');
	bob.emit('call:accept', { roomName: room, userId: 'bob', sdpAnswer: fakeSdp('answer') });
	for (let i = 0; i < 10; i++)
		assert.match((await bob.next('ice:candidate')).candidate, new RegExp(`^candidate:${i} `));
});

test('a line is not endless', options, async (t) => {
	const backend = await new Backend(async () => { await sleep(700); return [200, { allowed: true }]; }).start(t);
	const stack = await startSignald(t, backend.url, blocks);
	const ann = await join(t, stack, 'ann');
	const bob = await join(t, stack, 'bob');
	const room = initiate(ann, 'bob');

	for (let i = 0; i < 60; i++)
		ann.emit('ice:candidate', { roomName: room, candidate: `candidate:${i} 1 udp 1 127.0.0.1 9 typ host`, sdpMLineIndex: 0 });
	assert.equal((await ann.next('call:error')).code, 'rate_limited');
	await bob.next('call:incoming');
	await stack.stop();
	const refused = [...stack.daemons.signald.logText().matchAll(/calls\.refused_waiting \+(\d+)/g)];

	assert.equal(refused.reduce((sum, [, n]) => sum + Number(n), 0), 29);
});

test('a client that leaves while its call waits makes none', options, async (t) => {
	let answer;
	const gone = new Promise((resolve) => { answer = resolve; });
	const backend = await new Backend(async () => { await gone; return [200, { allowed: true }]; }).start(t);
	const stack = await startSignald(t, backend.url, { ...blocks, 'backend-timeout-ms': 20000 });
	const ann = await join(t, stack, 'ann');
	const bob = await join(t, stack, 'bob');

	initiate(ann, 'bob');
	await until('it is asked', () => backend.asked.length === 1);
	ann.close();
	await until('it has left', () => ann.socket.io.engine.readyState === 'closed');
	await stack.rest.health(); /* what comes after it is answered: signald knows */
	answer();
	await bob.none('call:incoming', 800);
});

test('signald ends at once while it is asking', options, async (t) => {
	const backend = await new Backend().start(t);
	const stack = await startSignald(t, backend.url, { ...blocks, 'backend-timeout-ms': 30000, 'drain-window': 0 });
	const ann = await join(t, stack, 'ann');

	backend.write = () => {};
	for (let i = 0; i < 40; i++)
		initiate(ann, `n${i}`);
	await until('it is asked', () => backend.asked.length > 0);
	const began = Date.now();

	await stack.stop();
	assertSoon(began, 3000);
});

test('signald ends at once while clients and requests wait to be known', options, async (t) => {
	const backend = await new Backend().start(t);
	const stack = await startSignald(t, backend.url, { ...auth, 'backend-timeout-ms': 30000, 'drain-window': 0 });
	const joining = await connect(t, stack);

	backend.write = () => {};
	joining.emit('join', { user_id: 'in-band' });
	const connecting = new Client(stack, 'x', { query: {}, auth: { token: 'connect' }, transports: ['websocket'] });
	const requests = ['a', 'b'].map((token) => fetch(`${stack.url}/api/ice-servers/x?access_token=${token}`).catch((err) => err));

	t.after(() => connecting.close());
	await until('all of them are asked about', () => backend.asked.length === 4);
	const began = Date.now();

	await stack.stop();
	assertSoon(began, 3000);
	await Promise.all(requests);
});

test('those who leave before it is known who they are, leave nothing behind', options, async (t) => {
	const backend = await new Backend(async ({ token }) => { await sleep(300); return [200, { userId: token }]; }).start(t);
	const stack = await startSignald(t, backend.url, auth);
	const leaving = new AbortController();
	const joining = await connect(t, stack);
	const connecting = new Client(stack, 'x', { query: {}, auth: { token: 'A' }, transports: ['websocket'] });
	const request = fetch(`${stack.url}/api/ice-servers/x?access_token=B`, { signal: leaving.signal }).catch((err) => err.name);

	joining.emit('join', { user_id: 'C' });
	await until('all of them are asked about', () => backend.asked.length === 3);
	joining.close();
	connecting.close();
	leaving.abort();
	assert.equal(await request, 'AbortError');
	await sleep(500);
	await isUser(await connect(t, stack, { auth: { token: 'A' } }), 'A');
	assert.equal(backend.asked.length, 3, 'the answer was not kept');
	await stack.stop();
});
