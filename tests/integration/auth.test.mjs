/* auth.test.mjs - auth = token: where tokens come from, what they prove, and what they do not */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHmac, generateKeyPairSync, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { Client, initiate, newRoom } from './lib/client.mjs';
import { mint } from '../../examples/token/mint.mjs';
import { AndroidSocket, WindowsSocket } from './lib/shipped.mjs';
import { Stack } from './lib/stack.mjs';
import { command, confide, now, sleep, SOURCE_DIR, until, within } from './lib/suite.mjs';

const options = { timeout: 60000 };
const EXAMPLES = path.join(SOURCE_DIR, 'examples', 'token');

/* signald with an HS256, an RS256 and an ES256 key; no turnserver. */
async function start(t, more = {}) {
	const stack = new Stack({ signald: { 'relay-socket': undefined } });
	const file = (name) => path.join(stack.dir, name);
	const pair = (name, type, how) => {
		const { privateKey, publicKey } = generateKeyPairSync(type, {
			...how, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
		});

		fs.writeFileSync(file(`${name}.pem`), privateKey, { mode: 0o600 });
		fs.writeFileSync(file(`${name}.pub`), publicKey, { mode: 0o644 });
	};

	t.after(() => stack.stop());
	stack.tokenKey = confide(randomBytes(32).toString('hex'));
	fs.writeFileSync(file('hs.key'), `${stack.tokenKey}\n`, { mode: 0o600 });
	pair('rs', 'rsa', { modulusLength: 2048 });
	pair('es', 'ec', { namedCurve: 'prime256v1' });
	Object.assign(stack.signaldOptions, {
		'auth': 'token',
		'token-key': `HS256:one:${file('hs.key')}, RS256:two:${file('rs.pub')}, ES256:three:${file('es.pub')}`,
		...more,
	});
	await stack.init();
	await stack.startSignald();
	stack.keyFile = file;
	stack.token = (sub, claims = {}, more2 = {}) => confide(mint({ sub, ...claims }, {
		alg: 'HS256', key: stack.tokenKey, kid: 'one', ...more2,
	}));
	return stack;
}

/* Resolves to null, or to the error it is refused with. */
const outcome = (c) => within('an answer to CONNECT', new Promise((resolve) => {
	c.socket.once('connect', () => resolve(null));
	c.socket.once('connect_error', (err) => resolve({ message: err.message, code: err.data?.code }));
}));

async function come(t, stack, userId, how = {}) {
	const c = new Client(stack, userId, { query: {}, auth: {}, ...how });

	t.after(() => c.close());
	return [c, await outcome(c)];
}

/* Who the server says this socket is. */
const whoami = async (c, userId) => (await c.request('ice:request', { userId })).success;

async function arrive(t, stack, userId, claims) {
	const [c, refused] = await come(t, stack, userId, { auth: { token: stack.token(userId, claims) } });

	assert.equal(refused, null);
	c.emit('call:register', { userId });
	assert.equal(await whoami(c, userId), true);
	return c;
}

test('a token comes with the payload, the query or a header, over both transports', options, async (t) => {
	const stack = await start(t);

	for (const transports of [['polling'], ['websocket'], undefined]) {
		for (const how of [
			{ auth: { token: stack.token('7') } },
			{ auth: { access_token: stack.token('7') } },
			{ query: { access_token: stack.token('7') } },
			{ query: { token: stack.token('7') } },
			{ extraHeaders: { Authorization: `Bearer ${stack.token('7')}` } },
			{ auth: { token: stack.token('7') }, query: { access_token: 'bad' } },
		]) {
			const [c, refused] = await come(t, stack, '7', { transports, ...how });

			assert.equal(refused, null);
			assert.equal(await whoami(c, '7'), true);
			assert.equal(await whoami(c, '8'), false, 'and it is nobody else');
			c.close();
		}
	}
});

test('a bad token is 44 with CONNECT, and the client hears why', options, async (t) => {
	const stack = await start(t);
	const rsaText = fs.readFileSync(stack.keyFile('rs.pub'));
	const b64 = (o) => Buffer.from(JSON.stringify(o)).toString('base64url');
	const forged = (header, secret = rsaText) => {
		const text = `${b64(header)}.${b64({ sub: '7', exp: now() + 60 })}`;

		return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
	};
	const good = stack.token('7');
	const bad = [
		['nonsense', 'bad_token'],
		[`${good}x`, 'bad_token'],
		[good.slice(0, -4), 'bad_token'],
		[stack.token('7', { exp: now() - 60 }), 'token_expired'],
		[stack.token('7', { exp: String(now() + 60) }), 'bad_token'],
		[stack.token('7', { nbf: now() + 60 }), 'bad_token'],
		[stack.token(undefined), 'bad_token'],
		[stack.token('7', {}, { kid: 'two' }), 'bad_token'],
		[stack.token('7', {}, { kid: 'unknown' }), 'bad_token'],
		[stack.token('7', {}, { key: randomBytes(32).toString('hex') }), 'bad_token'],
		/* An HMAC with the text of the RSA public key, which everybody has. */
		[forged({ alg: 'HS256', kid: 'two' }), 'bad_token'],
		[forged({ alg: 'HS256', kid: 'one' }), 'bad_token'],
		[forged({ alg: 'HS256' }), 'bad_token'],
		[`${b64({ alg: 'none' })}.${b64({ sub: '7', exp: now() + 60 })}.`, 'bad_token'],
	];

	for (const [token, code] of bad) {
		for (const how of [{ auth: { token } }, { query: { access_token: token }, transports: ['polling'] }]) {
			const [c, refused] = await come(t, stack, '7', how);

			assert.equal(refused?.code, code, token);
			c.close();
		}
	}
	for (const auth of [{ token: 7 }, { token: { a: good } }, { token: [good] }])
		assert.equal((await come(t, stack, '7', { auth }))[1]?.code, 'bad_token');
	await stack.stop(); /* and its last words have all that was counted */
	for (const counter of [/auth\.signature \+/, /calls\.bad_token \+/])
		assert.match(stack.daemons.signald.logText(), counter);
});

test('who brings nothing is let in, is nobody, and is cut off in time', options, async (t) => {
	const stack = await start(t, { 'connect-timeout': 4 });
	const [c, refused] = await come(t, stack, '7');
	const ended = new Promise((resolve) => { c.socket.once('disconnect', resolve); });

	assert.equal(refused, null);
	c.emit('user:join', '7');
	assert.equal((await c.next('call:error')).code, 'not_joined');
	initiate(c, '8');
	assert.equal((await c.next('call:error')).code, 'not_joined');
	assert.equal(await whoami(c, '7'), false);
	const known = await arrive(t, stack, '8');

	assert.notEqual(await within('it is cut off', ended), 'io server disconnect', 'that is for bad tokens');
	assert.equal(await whoami(known, '8'), true);
});

test('a join in-band identifies, renews, and is 41 with a bad token', options, async (t) => {
	const stack = await start(t);

	for (const shape of ['user_id', 'access_token', 'token']) {
		const [c] = await come(t, stack, '7');
		const join = (token) => c.socket.timeout(20000).emitWithAck('join', { [shape]: token });

		assert.deepEqual(await join(stack.token(7)), { status: 200, user_id: 7 });
		assert.equal(await whoami(c, 7), true);
		assert.deepEqual(await join(stack.token(7, { name: 'Ann' })), { status: 200, user_id: 7 }, 'a fresh one of the same user');
		assert.deepEqual(await join(stack.token(8)), { status: 403 }, 'never of another');
		assert.equal((await c.next('call:error')).code, 'forbidden');
		assert.equal(await whoami(c, 7), true);
		const ended = new Promise((resolve) => { c.socket.once('disconnect', resolve); });

		assert.deepEqual(await join('bad'), { status: 401 });
		assert.equal(await within('41', ended), 'io server disconnect');
	}
});

/* engine.io-client neither polls nor listens for a moment then; what it misses costs it a ping timeout. */
test('whoever is refused in the middle of an upgrade hears of it', options, async (t) => {
	const stack = await start(t);

	for (let pause = 0; pause < 40; pause++) {
		const [c, refused] = await come(t, stack, '7');

		assert.equal(refused, null);
		const gone = new Promise((resolve) => c.socket.once('disconnect', resolve));

		await sleep(pause / 4);
		c.socket.emit('join', { user_id: 'rubbish' });
		assert.equal(await within(`the end, ${pause / 4} ms after CONNECT`, gone), 'io server disconnect');
	}
});

test('what Android sends in one go is dealt with in order', options, async (t) => {
	const stack = await start(t);

	/* By its query, and by its join alone. */
	for (const query of [true, false]) {
		const phone = new AndroidSocket(stack, 77, { words: { TOKEN: stack.token(77) } });

		t.after(() => phone.vanish());
		if (!query)
			phone.words.TOKEN = '';
		await phone.open();
		phone.words.TOKEN = stack.token(77);
		phone.words.ACK = phone.acks++;
		phone.sendAll('join', 'call:register', 'ice:request');
		assert.equal((await phone.next('ack 0')).success, true);
		const caller = await arrive(t, stack, '8');

		initiate(caller, 77);
		assert.equal((await phone.next('call:incoming')).fromId, '8');
		phone.vanish();
		caller.close();
	}
	const bad = new AndroidSocket(stack, 77, { words: { TOKEN: '' } });

	await bad.open();
	bad.words.TOKEN = 'bad';
	bad.words.ACK = 0;
	bad.sendAll('join', 'call:register', 'ice:request');
	await bad.next('disconnect');
	await within('the connection ends', bad.ended);
});

test('an Android phone on polling: join, register and ask in one POST', options, async (t) => {
	const stack = await start(t);
	const base = `${stack.url}/socket.io/?EIO=4&transport=polling`;
	const hello = await (await fetch(base)).text();
	const url = `${base}&sid=${JSON.parse(hello.slice(1)).sid}`;
	const post = (...packets) => fetch(url, { method: 'POST', body: packets.join('\x1e') });

	await post('40');
	assert.match(await (await fetch(url)).text(), /^40\{/);
	await post(`42["join",{"user_id":"${stack.token(77)}"}]`, '42["call:register",{"userId":77,"user_id":77}]', '420["ice:request",{"userId":77}]');
	const answer = await (await fetch(url)).text();

	confide(JSON.parse(answer.slice(3))[0].iceServers.find((s) => s.credential).credential);
	assert.match(answer, /^430\[\{"success":true/);
});

test('the Windows client comes with a token in its payload and again in its join', options, async (t) => {
	const stack = await start(t);
	const pc = new WindowsSocket(stack, 5, { words: { TOKEN: stack.token(5) } });

	t.after(() => pc.vanish());
	await pc.open();
	pc.send('join');
	await pc.quiet();
	assert.equal(pc.stream.destroyed, false);
});

test('a socket is one user: nobody joins, registers or calls as somebody else', options, async (t) => {
	const stack = await start(t);
	const ann = await arrive(t, stack, '7', { name: 'Ann', picture: 'https://chat.example/7.png' });
	const bob = await arrive(t, stack, '8');
	const refused = async (...event) => {
		ann.emit(...event);
		assert.equal((await ann.next('call:error')).code, 'forbidden', event[0]);
	};

	await refused('user:join', '8');
	await refused('call:register', { userId: '8' });
	await refused('call:initiate', { fromId: '8', toId: '9', callType: 'audio', roomName: newRoom(), sdpOffer: 'v=0' });
	assert.equal(await whoami(ann, '8'), false);
	initiate(ann, '8', { fromName: 'The Bank', fromAvatar: 'https://bank.example/logo.png' });
	const incoming = await bob.next('call:incoming');

	assert.equal(incoming.fromName, 'Ann');
	assert.equal(incoming.fromAvatar, 'https://chat.example/7.png');
	assert.equal(incoming.fromId, '7');
});

test('an expired token ends the right to start calls, not a running call', options, async (t) => {
	const stack = await start(t, { 'token-leeway': 0 });
	const bob = await arrive(t, stack, '8');
	const ann = await arrive(t, stack, '7', { exp: now() + 6 });
	initiate(ann, '8');
	const incoming = await bob.next('call:incoming');

	bob.emit('call:accept', { roomName: incoming.roomName, userId: '8', sdpAnswer: 'v=0' });
	await ann.next('call:answer');
	await until('it expires', async () => {
		initiate(ann, '9');
		return (await ann.next('call:error')).code === 'token_expired';
	}, 20000, 500);
	bob.emit('ice:candidate', { roomName: incoming.roomName, candidate: 'candidate:1 1 udp 1 127.0.0.1 9 typ host' });
	await ann.next('ice:candidate');
	assert.deepEqual(await ann.socket.timeout(20000).emitWithAck('join', { token: stack.token('7') }), { status: 200, user_id: '7' });
	ann.seen.length = 0;
	initiate(ann, '9');
	assert.equal((await ann.next('call:error')).code, 'offline', 'a fresh one gives it back');
	ann.emit('call:end', { roomName: incoming.roomName });
	assert.equal((await bob.next('call:ended')).code, 'completed');
});

test('who comes back into a call with a token that ran out meanwhile is let in for that call', options, async (t) => {
	const stack = await start(t, { 'token-leeway': 0, busy: 'ring' });
	const exp = now() + 6;
	const token = stack.token('7', { exp });
	const other = stack.token('9', { exp });
	const [ann] = await come(t, stack, '7', { auth: { token } });
	const bob = await arrive(t, stack, '8');
	const join = (c, tok) => c.socket.timeout(20000).emitWithAck('join', { token: tok });

	ann.emit('call:register', { userId: '7' });
	const roomName = initiate(ann, '8');

	await bob.next('call:incoming');
	bob.emit('call:accept', { roomName, userId: '8', sdpAnswer: 'v=0' });
	await ann.next('call:answer');
	await until('it expires', () => now() > exp, 20000, 200);
	ann.socket.io.engine.close();
	const [back, refused] = await come(t, stack, '7', { auth: { token } });

	assert.equal(refused, null);
	const early = await back.request('ice:request', { userId: '7' });

	back.emit('call:register', { userId: '7' });
	bob.emit('ice:candidate', { roomName, candidate: 'candidate:1 1 udp 1 127.0.0.1 9 typ host' });
	await back.next('ice:candidate');
	assert.equal(early.success, true, 'credentials for the call');
	assert.equal((await back.request('ice:request', { userId: '7' })).callId, early.callId);
	initiate(back, '8');
	assert.equal((await back.next('call:error')).code, 'token_expired');
	const carl = await arrive(t, stack, '6');

	initiate(carl, '7');
	assert.equal((await carl.next('call:error')).code, 'offline', 'it does not ring there');
	await back.none('call:incoming');

	/* in-band likewise; and nobody else with such a token */
	const [second] = await come(t, stack, '7');

	assert.equal((await join(second, token)).status, 200);
	assert.equal((await come(t, stack, '9', { auth: { token: other } }))[1].code, 'token_expired');
	const [stranger] = await come(t, stack, '9');

	assert.equal((await join(stranger, other)).status, 401);

	/* no call, no way in; a fresh token makes it whole */
	bob.emit('call:end', { roomName });
	await back.next('call:ended');
	assert.equal((await come(t, stack, '7', { auth: { token } }))[1].code, 'token_expired');
	assert.equal((await back.request('ice:request', { userId: '7' })).success, false);
	assert.equal((await join(back, stack.token('7'))).status, 200);
	initiate(carl, '7');
	await back.next('call:incoming');
});

test('iss and aud are asked for where configured; keys are read again', options, async (t) => {
	const stack = await start(t, { 'token-issuer': 'chat', 'token-audience': 'calls', 'token-claim-id': 'uid' });
	const enter = async (claims, more) => (await come(t, stack, '7', { auth: { token: stack.token('x', claims, more) } }))[1];
	const good = { uid: 7, iss: 'chat', aud: ['shop', 'calls'] };

	assert.equal(await enter(good), null);
	assert.equal((await enter({ ...good, aud: 'shop' })).code, 'bad_token');
	assert.equal((await enter({ ...good, iss: undefined })).code, 'bad_token');
	assert.equal((await enter({ iss: 'chat', aud: 'calls' })).code, 'bad_token', 'no uid');
	const next = confide(randomBytes(32).toString('hex'));

	fs.writeFileSync(stack.keyFile('hs.new'), next, { mode: 0o600 });
	fs.renameSync(stack.keyFile('hs.new'), stack.keyFile('hs.key'));
	stack.daemons.signald.process.kill('SIGHUP');
	await until('the new key is in force', async () => await enter(good, { key: next }) === null, 10000);
	assert.equal((await enter(good)).code, 'bad_token', 'and the old one is not');
	fs.writeFileSync(stack.keyFile('hs.key'), 'short', { mode: 0o600 });
	await until('a broken one is told', () => /error auth: token-key .*hs\.key: not a secret/.test(stack.daemons.signald.logText()), 10000);
	assert.equal(await enter(good, { key: next }), null, 'and changes nothing');
});

test('a user has so many sockets, and the next one is cut off until one of them goes', options, async (t) => {
	const stack = await start(t, { 'user-sockets-max': 2 });

	const first = await arrive(t, stack, '7');

	await arrive(t, stack, '7');
	const third = new Client(stack, '7', { query: {}, auth: { token: stack.token('7') }, reconnection: true, reconnectionDelay: 200 });
	const refusals = [];

	t.after(() => third.close());
	third.socket.on('connect_error', (err) => refusals.push(err.data ?? {}));
	await within('it is cut off', new Promise((resolve) => { third.socket.io.once('reconnect_attempt', resolve); }));
	assert.equal(third.socket.connected, false);
	await arrive(t, stack, '8');
	first.close();
	await within('it comes in by itself', new Promise((resolve) => { third.socket.once('connect', resolve); }));
	assert.deepEqual(refusals, [], 'a refusal would have kept it away');
	const unknown = await come(t, stack, '7', { query: {}, auth: {} });

	assert.equal((await unknown[0].socket.timeout(20000).emitWithAck('join', { token: stack.token('7') })).status, 429);
	assert.equal((await unknown[0].next('call:error')).code, 'too_many_sockets');
});

test('examples/token: what Node and PHP mint is taken', options, async (t) => {
	const php = command('php');
	const stack = await start(t);
	const keys = { HS256: ['one', 'hs.key'], RS256: ['two', 'rs.pem'], ES256: ['three', 'es.pem'] };
	const args = (alg) => Object.entries({
		alg, key: stack.keyFile(keys[alg][1]), kid: keys[alg][0], sub: '77', name: 'Ann О\'Neill', picture: 'https://x/7.png', ttl: '60',
	}).map(([key, value]) => `--${key}=${value}`);
	const minters = [[process.execPath, 'mint.mjs'], ...(php ? [[php, 'mint.php']] : [])];

	for (const [program, script] of minters) {
		for (const alg of Object.keys(keys)) {
			/* A signature with leading zeros is one of 128: several, so that one is there now and then. */
			for (let i = 0; i < (alg === 'ES256' ? 5 : 1); i++) {
				const token = confide(execFileSync(program, [path.join(EXAMPLES, script), ...args(alg)], { encoding: 'utf8' }).trim());
				const [c, refused] = await come(t, stack, '77', { auth: { token } });

				assert.equal(refused, null, `${script} ${alg}`);
				assert.equal(await whoami(c, '77'), true);
				c.close();
			}
		}
		assert.throws(() => execFileSync(program, [path.join(EXAMPLES, script)], { stdio: 'pipe' }), (e) => e.status === 2 && /usage/.test(e.stderr));
		const wrongKey = args('RS256').map((arg) => arg.startsWith('--key=') ? `--key=${stack.keyFile('es.pem')}` : arg);

		assert.throws(() => execFileSync(program, [path.join(EXAMPLES, script), ...wrongKey], { stdio: 'pipe' }),
			(e) => /no rsa key|no private key for RS256/.test(`${e.stdout}${e.stderr}`));
	}
	if (!php)
		t.diagnostic('no php: its example was not run');
});
