/* rest.test.mjs - every REST endpoint's shape, and what is answered to those who ask wrongly */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { initiate, join } from './lib/client.mjs';
import { startStack } from './lib/stack.mjs';
import { marker, now, turnPassword } from './lib/suite.mjs';

const APP = 'https://app.example';
const TTL_MAX = 86400;
const ENDPOINTS = {
	'/api/health': 'GET',
	'/api/ice-servers/7': 'GET',
	'/api/turn-credentials': 'POST',
	'/api/calls/active-count': 'GET',
	'/api/admin/calls/stats': 'GET',
};

let stack, rest;
const cleanups = [];

before(async () => {
	stack = await startStack({ after: (f) => cleanups.push(f) }, { signald: { origins: APP, 'admin-failures-per-minute': 0 } });
	rest = stack.rest;
});
after(async () => { for (const f of cleanups.reverse()) await f(); });

const keys = (o) => Object.keys(o).sort();

function assertNow(timestamp_ms) {
	assert.ok(Number.isInteger(timestamp_ms) && Math.abs(timestamp_ms - Date.now()) < 5000);
}

function assertError(res, status) {
	assert.equal(res.status, status, res.text);
	assert.equal(typeof res.json?.error, 'string', res.text);
	assert.match(res.headers['content-type'], /^application\/json/);
}

test('health says status, time, uptime and whether turnserver is connected', async () => {
	const res = await rest.get('/api/health');

	assert.equal(res.status, 200);
	assert.match(res.headers['content-type'], /^application\/json; *charset=utf-8$/i);
	assert.deepEqual(keys(res.json), ['status', 'timestamp', 'turn', 'uptime']);
	assert.equal(res.json.status, 'ok');
	assert.match(res.json.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
	assertNow(Date.parse(res.json.timestamp));
	assert.ok(res.json.uptime >= 0 && res.json.uptime < 600);
	assert.deepEqual(res.json.turn, { connected: true });
});

test('ice-servers gives STUN and TURN with credentials of the user', async () => {
	const longest = 'x'.repeat(64);

	for (const [path, user] of [['123', '123'], ['a%40b.c+d-e_f', 'a@b.c+d-e_f'], [longest, longest]]) {
		const res = await rest.get(`/api/ice-servers/${path}`);

		assert.equal(res.status, 200, res.text);
		assert.deepEqual(keys(res.json), ['iceServers', 'success', 'timestamp']);
		assert.equal(res.json.success, true);
		assertNow(res.json.timestamp);
		const [stun, turn, ...more] = res.json.iceServers;

		assert.deepEqual(more, []);
		assert.deepEqual(stun, { urls: stack.stunUrl });
		assert.deepEqual(keys(turn), ['credential', 'urls', 'username']);
		assert.deepEqual(turn.urls, stack.turnUrls);
		const expiry = turn.username.slice(0, turn.username.indexOf(':'));

		assert.equal(turn.username, `${expiry}:${user}`);
		assert.ok(Math.abs(Number(expiry) - now() - TTL_MAX) < 5);
		assert.equal(turn.credential, turnPassword(stack.secret, turn.username));
	}
});

test('ice-servers ignores the Host header and an unknown query', async () => {
	const headers = { Host: 'evil.example' };
	const res = await rest.get(`/api/ice-servers/7?s=${marker('site-key')}`, { headers });

	assert.equal(res.status, 200);
	assert.deepEqual(res.json.iceServers[1].urls, stack.turnUrls);
});

test('ice-servers refuses ids outside the grammar', async () => {
	for (const path of ['a%20b', 'a%3Ab', '%D1%84', 'x'.repeat(65), 'a%00b', '%0d%0aSet-Cookie'])
		assertError(await rest.get(`/api/ice-servers/${path}`), 400);
	assertError(await rest.get('/api/ice-servers/a/b'), 404);
	assertError(await rest.get('/api/ice-servers'), 404);
});

function assertCredentials(res, user, ttl_s) {
	assert.equal(res.status, 200, res.text);
	assert.deepEqual(keys(res.json), ['credentials', 'success', 'turnServers']);
	assert.equal(res.json.success, true);
	const { credentials, turnServers } = res.json;

	assert.deepEqual(keys(credentials), ['password', 'ttl', 'username']);
	assert.ok(Math.abs(credentials.ttl - now() - ttl_s) < 5, `ttl is ${credentials.ttl - now()}`);
	assert.equal(credentials.username, `${credentials.ttl}:${user}`);
	assert.equal(credentials.password, turnPassword(stack.secret, credentials.username));
	assert.deepEqual(turnServers, [
		{ urls: stack.turnUrls, username: credentials.username, credential: credentials.password },
	]);
}

const ask = (value) => rest.postJson('/api/turn-credentials', value);

const form = (text) => rest.request('POST', '/api/turn-credentials', {
	headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: text,
});

test('turn-credentials takes JSON and forms', async () => {
	assertCredentials(await ask({ userId: '123', ttl: 3600 }), '123', 3600);
	assertCredentials(await ask({ userId: 123, ttl: 3600, other: [{}] }), '123', 3600);
	assertCredentials(await form('userId=me%40home&ttl=600'), 'me@home', 600);
});

test('turn-credentials clamps the time to live', async () => {
	assertCredentials(await ask({ userId: 'a', ttl: 1 }), 'a', 60);
	assertCredentials(await ask({ userId: 'a', ttl: 0.5 }), 'a', 60);
	assertCredentials(await ask({ userId: 'a', ttl: 315360000 }), 'a', TTL_MAX);
	assertCredentials(await ask({ userId: 'a', ttl: 1e300 }), 'a', TTL_MAX);
});

test('turn-credentials refuses a missing or unusable userId or ttl', async () => {
	const bodies = [
		'', 'null', '[]', '"a"', '{', '{"userId":"a","ttl":60}x', '{"userId"}', '\u0000',
		'['.repeat(30000), {}, { ttl: 60 }, { userId: 'a' },
		...[null, '', {}, ['a'], true, 1.5, 'a b', 'a:b', 'x'.repeat(65), 'a\u0000'].map((userId) => ({ userId, ttl: 60 })),
		...[0, -5, 'soon', '', null, true, {}, [60]].map((ttl) => ({ userId: 'a', ttl })),
	];
	const forms = [
		'', 'ttl=60', 'userId=a', 'userId=&ttl=60', 'userId=a%zz&ttl=60', 'userId=a&ttl=-1', 'userId=a&ttl=x', 'userId=a&ttl=nan',
	];

	for (const body of bodies)
		assertError(await ask(body), 400);
	for (const body of forms)
		assertError(await form(body), 400);
});

test('bodies over 64 kB are refused', async () => {
	const pad = (n) => JSON.stringify({ userId: 'a', ttl: 60, pad: 'x'.repeat(n) });

	assert.equal((await ask(pad(60000))).status, 200);
	assertError(await ask(pad(70000)), 413);
	const chunked = await rest.request('POST', '/api/turn-credentials', {
		headers: { 'Content-Type': 'application/json', 'Transfer-Encoding': 'chunked' }, body: pad(70000),
	});

	assertError(chunked, 413);
});

test('stats need the admin token', async () => {
	const token = stack.adminToken;
	const withToken = (authorization) => rest.get('/api/admin/calls/stats', {
		headers: authorization === undefined ? {} : { Authorization: authorization },
	});
	const wrong = [
		undefined, '', 'Bearer', 'Bearer ', marker('token'), `Bearer ${marker('token')}`,
		`Bearer ${token}x`, `Bearer ${token.slice(0, -1)}`, `Basic ${token}`,
	];

	for (const good of [`Bearer ${token}`, token])
		assert.equal((await withToken(good)).status, 200);
	for (const bad of wrong) {
		const res = await withToken(bad);

		assert.equal(res.status, 401, bad);
		assert.deepEqual(res.json, { error: 'Unauthorized' });
	}
	assert.equal((await rest.get(`/api/admin/calls/stats?token=${token}`)).status, 401);
});

test('stats and the count have their shape, without and with a call', async (t) => {
	const count = async () => {
		const { status, json } = await rest.get('/api/calls/active-count');

		assert.equal(status, 200);
		assert.deepEqual(keys(json), ['activeCallsCount', 'success', 'timestamp']);
		assert.equal(json.success, true);
		assertNow(json.timestamp);
		return json.activeCallsCount;
	};
	const stats = async () => {
		const { json } = await rest.get('/api/admin/calls/stats', { headers: { Authorization: stack.adminToken } });

		assert.deepEqual(keys(json), ['stats', 'success', 'timestamp']);
		assert.equal(json.success, true);
		assertNow(json.timestamp);
		assert.deepEqual(keys(json.stats), ['calls', 'endedCalls', 'relay', 'totalCalls']);
		assert.equal(json.stats.totalCalls, json.stats.calls.length);
		return json.stats;
	};
	const none = await stats();

	assert.equal(await count(), 0);
	assert.deepEqual(none.calls, []);
	assert.deepEqual(none.relay, {
		connected: true, liveAllocations: 0,
		unattributed: {
			allocations: [], sentBytes: 0, receivedBytes: 0, wireBytes: 0, droppedPackets: 0, droppedBytes: 0,
		},
		ledger: { written: 0, unacknowledged: 0, duplicates: 0, corrupt: 0, bytes: 0, failing: false },
	});

	const alice = await join(t, stack, 1);
	const bob = await join(t, stack, 'bob');
	const roomName = initiate(alice, 'bob', { callType: 'audio' });

	await bob.next('call:incoming');
	assert.equal(await count(), 1);
	const { calls: [call] } = await stats();
	const { callId, startTime, relay, ...others } = call;

	assert.match(callId, /^[A-Za-z0-9_-]{22}$/);
	assertNow(startTime);
	assert.deepEqual(others, {
		roomName, participants: [1, 'bob'], callType: 'audio', state: 'ringing', initiator: 1, duration: 0,
	});
	assert.equal(relay.exact, true);
	assert.deepEqual(keys(relay), [
		'allocations', 'droppedBytes', 'droppedPackets', 'exact', 'liveAllocations', 'participants',
		'receivedBytes', 'receivedPackets', 'sentBytes', 'sentPackets', 'wireBytes',
	]);
	bob.emit('call:reject', { roomName });
	await alice.next('call:rejected');
	const { calls, endedCalls } = await stats();

	assert.deepEqual(calls, []);
	assert.equal(endedCalls[0].roomName, roomName);
	assertNow(endedCalls[0].endTime);
	assert.equal(await count(), 0);
});

test('the demo page is served with its policy, and nothing beside it', async () => {
	for (const file of ['', 'index.html', 'demo.js', 'demo.css', 'socket.io.min.js']) {
		const res = await rest.get(`/demo/${file}`);
		const policy = res.headers['content-security-policy'];

		assert.equal(res.status, 200, file);
		assert.match(policy, /default-src 'self'/);
		assert.doesNotMatch(policy, /unsafe/);
	}
	for (const file of ['package.json', '.npmrc', 'node_modules', '../app.c', '..%2fapp.c', 'nothing.js']) {
		const res = await rest.get(`/demo/${file}`);

		assertError(res, 404);
		assert.deepEqual(res.json, { error: 'Not Found', path: `/demo/${file}` });
	}
});

test('unknown paths are 404 and name the path without its query', async () => {
	const paths = ['/', '/api', '/api/', '/api/health/', '/api/nothing', '/admin', '/../etc/passwd', '/api/calls'];

	for (const path of paths) {
		const res = await rest.get(`${path}?key=${marker('query')}`);

		if (path === '/' && res.status === 302)
			continue; /* to the demo page, where there is one */
		assertError(res, 404);
		assert.equal(res.json.error, 'Not Found');
		assert.equal(res.json.path, path);
	}
});

test('a wrong method is 405 and Allow names the right one', async () => {
	for (const [path, method] of Object.entries(ENDPOINTS)) {
		for (const wrong of ['PUT', 'DELETE', 'PATCH', method === 'GET' ? 'POST' : 'GET']) {
			const res = await rest.request(wrong, path);

			assertError(res, 405);
			assert.match(res.headers.allow, new RegExp(`\\b${method}\\b`));
		}
	}
});

test('HEAD answers like GET without a body', async () => {
	for (const path of ['/api/health', '/api/ice-servers/7', '/api/calls/active-count']) {
		const res = await rest.request('HEAD', path);

		assert.equal(res.status, 200, path);
		assert.equal(res.text, '');
		assert.ok(Number(res.headers['content-length']) > 10);
	}
	assert.equal((await rest.request('HEAD', '/api/nothing')).status, 404);
	assert.equal((await rest.request('HEAD', '/api/admin/calls/stats')).status, 401);
});

test('OPTIONS answers a preflight', async () => {
	for (const [path, method] of Object.entries(ENDPOINTS)) {
		const res = await rest.request('OPTIONS', path, {
			headers: {
				'Origin': APP,
				'Access-Control-Request-Method': method,
				'Access-Control-Request-Headers': 'content-type,authorization',
			},
		});

		assert.equal(res.status, 204, path);
		assert.equal(res.text, '');
		assert.equal(res.headers['access-control-allow-origin'], APP);
		assert.match(res.headers['access-control-allow-methods'], new RegExp(method));
		assert.match(res.headers['access-control-allow-headers'], /content-type/i);
		assert.match(res.headers['access-control-allow-headers'], /authorization/i);
	}
});

test('allowed origins get CORS headers, on errors too', async () => {
	const statuses = {
		'/api/health': 200,
		'/api/nothing': 404,
		'/api/admin/calls/stats': 401,
		'/api/ice-servers/a%20b': 400,
		'/api/turn-credentials': 405,
	};

	for (const origin of [APP, 'file://', stack.url]) {
		for (const [path, status] of Object.entries(statuses)) {
			const res = await rest.get(path, { headers: { Origin: origin } });

			assert.equal(res.status, status, `${origin} ${path}`);
			assert.equal(res.headers['access-control-allow-origin'], origin);
			assert.match(res.headers.vary, /origin/i);
		}
	}
	assert.equal((await rest.get('/api/health')).headers['access-control-allow-origin'], undefined);
});

test('other origins are refused, "null" among them', async () => {
	const origins = [
		'null', 'https://evil.example', `${APP}.evil.example`, 'http://app.example', `${APP}:8443`, 'http://localhost:1',
	];

	for (const origin of origins) {
		for (const method of ['GET', 'OPTIONS']) {
			const headers = { 'Origin': origin, 'Access-Control-Request-Method': 'GET' };
			const res = await rest.request(method, '/api/health', { headers });

			assert.equal(res.status, 403, `${method} ${origin}`);
			assert.equal(res.headers['access-control-allow-origin'], undefined);
		}
	}
	assert.match(stack.daemons.signald.logText(), /evil\.example.*origins/, 'the log names origin and key');
});
