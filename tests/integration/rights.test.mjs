/* rights.test.mjs - who may have credentials over REST, how often somebody may, and what the site key is good for */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { test } from 'node:test';

import { mint } from '../../examples/token/mint.mjs';
import { Backend, backendLines } from './lib/backend.mjs';
import { establish, initiate, join, turnServer } from './lib/client.mjs';
import { Stack } from './lib/stack.mjs';
import { confide, now, sleep, turnPassword, until } from './lib/suite.mjs';
import { TurnClient } from './lib/turn_client.mjs';

const options = { timeout: 120000 };
const APP = 'https://app.example';
const bearer = (token) => ({ headers: { Authorization: `Bearer ${token}` } });

/* signald with a site key and, unless they are given, keys for tokens; a turnserver where asked for. */
async function start(t, { signald = {}, turnserver } = {}) {
	const stack = new Stack({ signald: { ...(turnserver ? {} : { 'relay-socket': undefined }), origins: APP, ...signald }, turnserver });
	const write = (name, text) => {
		fs.writeFileSync(path.join(stack.dir, name), `${text}\n`, { mode: 0o600 });
		return path.join(stack.dir, name);
	};

	t.after(() => stack.stop());
	stack.tokenKey = confide(randomBytes(32).toString('hex'));
	stack.siteKey = confide(randomBytes(12).toString('hex'));
	Object.assign(stack.signaldOptions, { 'site-key-file': write('site-key', stack.siteKey) },
		signald.auth ? {} : { 'auth': 'token', 'token-key': `HS256:one:${write('hs.key', stack.tokenKey)}` });
	await stack.start({ turnserver: !!turnserver });
	stack.token = (sub, claims = {}) => confide(mint({ sub, ...claims }, { alg: 'HS256', key: stack.tokenKey, kid: 'one' }));
	stack.ice = (user, how = {}) => stack.rest.get(`/api/ice-servers/${user}`, how);
	stack.post = (user, ttl, headers) => stack.rest.postJson('/api/turn-credentials', { userId: user, ttl }, headers);
	return stack;
}

function assertError(res, status) {
	assert.equal(res.status, status, res.text);
	assert.equal(typeof res.json?.error, 'string', res.text);
}

/* Credentials in that name, good for so long. */
function assertGrant(stack, res, name, ttl_s) {
	assert.equal(res.status, 200, res.text);
	assert.equal(res.json.success, true);
	const { username, credential } = turnServer(res.json.iceServers ?? res.json.turnServers);
	const [expiry, ...rest] = username.split(':');

	assert.deepEqual(rest, [name]);
	assert.ok(Math.abs(Number(expiry) - now() - ttl_s) < 10, `good for ${Number(expiry) - now()} s`);
	assert.equal(credential, turnPassword(stack.secret, username));
}

/* --- by token -------------------------------------------------------------- */

test('a token is good for the credentials of its owner, wherever it stands', options, async (t) => {
	const stack = await start(t);
	const token = stack.token('7');

	assertGrant(stack, await stack.ice('7', bearer(token)), '7', 86400);
	for (const name of ['access_token', 'token'])
		assertGrant(stack, await stack.rest.get(`/api/ice-servers/7?${name}=${token}`), '7', 86400);
	assertGrant(stack, await stack.post(7, 600, bearer(token).headers), '7', 600);
	for (const res of [
		await stack.ice('8', bearer(token)), await stack.ice('07', bearer(token)),
		await stack.post('8', 600, bearer(token).headers),
	])
		assertError(res, 403);
	assertError(await stack.ice('7e', bearer(token)), 403);
	assertError(await stack.ice('~7', bearer(token)), 400);
});

test('the admin token is good for anybody\'s, and nothing is good for nobody\'s', options, async (t) => {
	const stack = await start(t);

	assertGrant(stack, await stack.ice('7', bearer(stack.adminToken)), '7', 86400);
	assertGrant(stack, await stack.post('ann', 86400 * 9, bearer(stack.adminToken).headers), 'ann', 86400);
	for (const res of [
		await stack.ice('7'), await stack.post('7', 60), await stack.ice('7', bearer('x.y.z')),
		await stack.ice('7', bearer(stack.token('7', { exp: now() - 60 }))),
		await stack.rest.get('/api/ice-servers/7?token='), await stack.rest.get(`/api/ice-servers/7?token=${'x'.repeat(9000)}`),
	]) {
		assertError(res, 401);
		assert.equal(res.headers['www-authenticate'], 'Bearer');
	}
	assertError(await stack.ice('a%20b', bearer(stack.adminToken)), 400);
	/* What needs no right goes on without. */
	assert.equal((await stack.rest.get('/api/health')).status, 200);
	assert.equal((await stack.rest.get('/api/calls/active-count')).status, 200);
});

/* --- by the site key ------------------------------------------------------- */

test('the site key is good for ~ID, for an hour, thirty times a minute and address', options, async (t) => {
	const stack = await start(t);
	const ask = (user, how) => stack.rest.get(`/api/ice-servers/${user}?s=${stack.siteKey}`, how);

	assertGrant(stack, await ask('7'), '~7', 3600);
	assertGrant(stack, await ask('x'.repeat(63)), `~${'x'.repeat(63)}`, 3600);
	assertError(await ask('x'.repeat(64)), 400);
	assertGrant(stack, await stack.rest.postJson(`/api/turn-credentials?s=${stack.siteKey}`, { userId: 7, ttl: 60 }), '~7', 60);
	assertGrant(stack, await stack.rest.postJson(`/api/turn-credentials?s=${stack.siteKey}`, { userId: 7, ttl: 86400 }), '~7', 3600);
	/* A page of ours may; another one may not. */
	const ours = await ask('7', { headers: { Origin: APP } });

	assertGrant(stack, ours, '~7', 3600);
	assert.equal(ours.headers['access-control-allow-origin'], APP);
	assert.equal((await ask('7', { headers: { Origin: 'https://evil.example' } })).status, 403);
	assertError(await stack.rest.get(`/api/ice-servers/7?s=${stack.siteKey}x`), 403);
	assertError(await stack.rest.get('/api/ice-servers/7?s=x'), 403);
	/* A token proves more. */
	assertGrant(stack, await stack.rest.get(`/api/ice-servers/7?s=${stack.siteKey}&token=${stack.token('7')}`), '7', 86400);

	let limited;

	for (let i = 0; i < 40; i++) {
		limited = await ask('7');
		if (limited.status === 429)
			break;
		assert.equal(limited.status, 200);
	}
	assertError(limited, 429);
	assert.ok(Number(limited.headers['retry-after']) >= 1);
	assertGrant(stack, await ask('7', { localAddress: '127.0.0.2' }), '~7', 3600);
	assertGrant(stack, await stack.ice('7', bearer(stack.token('7'))), '7', 86400);
});

test('~7 has a quota of its own at turnserver, and is never counted as 7', options, async (t) => {
	const stack = await start(t, { turnserver: { 'user-quota': 1 } });
	const unproven = async () => {
		const { username, credential } = turnServer((await stack.rest.get(`/api/ice-servers/7?s=${stack.siteKey}`)).json.iceServers);

		return { username, password: credential };
	};
	const allocate = async (credentials) => {
		const c = new TurnClient(stack, credentials);

		t.after(() => c.close());
		await c.allocate();
		return c;
	};
	const how = (userId) => ({ query: {}, auth: { token: stack.token(String(userId)) } });
	const seven = await join(t, stack, 7, how(7));
	const eight = await join(t, stack, 8, how(8));
	const { roomName } = await establish(seven, eight);

	await allocate(await unproven());
	await assert.rejects(allocate(await unproven()), { code: 486 });
	const stats = await until('the allocation is told', async () => {
		const s = (await stack.rest.get('/api/admin/calls/stats', bearer(stack.adminToken))).json.stats;

		return s.relay.liveAllocations === 1 && s;
	});

	assert.equal(stats.calls.find((c) => c.roomName === roomName).relay.allocations, 0);
	assert.equal(stats.relay.unattributed.allocations.length, 1);
	await allocate(stack.credentials('7')); /* the quota of 7 is still there */
});

/* --- by the messenger's server --------------------------------------------- */

test('the messenger\'s server is asked whose a token is, and the answer waits for it', options, async (t) => {
	const backend = await new Backend().start(t);
	const { lines } = backendLines(backend.url, { auth: 'backend', 'backend-cache': 0 });
	const stack = await start(t, { signald: lines });
	let release;

	backend.answer = (q) => (q.token === 'good' ? [200, { userId: 7 }] : [401, {}]);
	assertGrant(stack, await stack.ice('7', bearer('good')), '7', 86400);
	assertError(await stack.ice('8', bearer('good')), 403);
	assertError(await stack.ice('7', bearer('bad')), 401);
	assertError(await stack.ice('7'), 401);
	assertGrant(stack, await stack.post('7', 600, bearer('good').headers), '7', 600);

	/* Slow: others are served meanwhile, and one who has had enough does no harm. */
	backend.answer = () => new Promise((resolve) => { release = () => resolve([200, { userId: 7 }]); });
	const asked = stack.ice('7', bearer('slow'));

	await until('it is asked', () => release);
	assert.equal((await stack.rest.get('/api/health')).status, 200);
	release();
	assertGrant(stack, await asked, '7', 86400);
	release = null;
	const left = http.get(`${stack.url}/api/ice-servers/7`, { ...bearer('slow too'), agent: false });

	left.on('error', () => {});
	await until('it is asked again', () => release);
	left.destroy();
	await sleep(100);
	release();

	backend.answer = () => [500, {}];
	const down = await stack.ice('7', bearer('good'));

	assertError(down, 503);
	assert.ok(Number(down.headers['retry-after']) >= 1);
	/* Who needs no answer gets one. */
	assertGrant(stack, await stack.ice('7', bearer(stack.adminToken)), '7', 86400);
	assertGrant(stack, await stack.rest.get(`/api/ice-servers/7?s=${stack.siteKey}`), '~7', 3600);
});

test('who waits for the messenger\'s server when signald stops is told', options, async (t) => {
	const backend = await new Backend(() => new Promise(() => {})).start(t);
	const { lines } = backendLines(backend.url, { auth: 'backend' });
	const stack = await start(t, { signald: lines });
	const asked = stack.ice('7', bearer('slow'));

	await until('it is asked', () => backend.asked.length);
	await stack.daemons.signald.stop();
	assert.equal((await asked).status, 503);
});

/* --- limits ---------------------------------------------------------------- */

test('with auth = open everybody may have anybody\'s, but not without end', options, async (t) => {
	const stack = await start(t, { signald: { 'auth': 'open', 'credentials-per-minute': 10 } });

	assertGrant(stack, await stack.ice('7'), '7', 86400);
	assertGrant(stack, await stack.rest.get('/api/ice-servers/7?s=whatever'), '7', 86400);
	assertGrant(stack, await stack.ice('8', bearer('whatever')), '8', 86400);
	for (let i = 3; i < 10; i++)
		assert.equal((await stack.post(7, 60)).status, 200);
	assertError(await stack.post(7, 60), 429);
	assertError(await stack.ice('7'), 429);
	assert.equal((await stack.ice('7', { localAddress: '127.0.0.2' })).status, 200);
});

test('wrong tokens are limited by address, and logged with it', options, async (t) => {
	const stack = await start(t);
	const stats = (token, localAddress = '127.0.0.3') => stack.rest.get('/api/admin/calls/stats', { ...bearer(token), localAddress });

	for (let i = 0; i < 10; i++)
		assertError(await stats('not-the-admins-token'), 401);
	const res = await stats(stack.adminToken);

	assertError(res, 429);
	assert.ok(Number(res.headers['retry-after']) >= 1);
	assert.equal((await stats(stack.adminToken, '127.0.0.4')).status, 200);
	/* Nor is it a way in through the other door; users' own tokens are. */
	assertError(await stack.ice('7', { ...bearer(stack.adminToken), localAddress: '127.0.0.3' }), 401);
	assertGrant(stack, await stack.ice('7', { ...bearer(stack.token('7')), localAddress: '127.0.0.3' }), '7', 86400);
	const lines = stack.daemons.signald.logText().split('\n').filter((l) => l.includes('127.0.0.3: a wrong token for the admin API'));

	assert.equal(lines.length, 10);
});

test('each admin has a token of a name; the log says whose, and a line that is taken out is worth nothing', options, async (t) => {
	const tokens = Object.fromEntries(['ops', 'bot'].map((name) => [name, confide(randomBytes(16).toString('hex'))]));
	const stack = await start(t, { signald: { 'admin-failures-per-minute': 0 } });
	const file = path.join(stack.dir, 'admin-token');
	const log = () => stack.daemons.signald.logText();
	const stats = async (token) => (await stack.rest.get('/api/admin/calls/stats', bearer(token))).status;
	const write = (...names) => fs.writeFileSync(file, names.map((name) => `${name} ${tokens[name]}\n`).join(''));

	assert.equal(await stats(stack.adminToken), 200);
	assert.match(log(), /127\.0\.0\.1: the admin API, with the token of admin\n/);
	write('ops', 'bot');
	await until('the file is read again by itself', async () => await stats(tokens.ops) === 200, 15000);
	assert.equal(await stats(tokens.bot), 200);
	assert.equal(await stats(stack.adminToken), 401);
	assertGrant(stack, await stack.ice('7', bearer(tokens.bot)), '7', 86400);
	assert.match(log(), /the admin API, with the token of ops\n/);
	assert.match(log(), /credentials, with the token of bot\n/);

	write('bot');
	stack.daemons.signald.process.kill('SIGHUP');
	await until('it is read', async () => await stats(tokens.ops) === 401);
	assert.equal(await stats(tokens.bot), 200);

	fs.writeFileSync(file, `bot ${tokens.bot}\nbot ${tokens.ops}\n`);
	stack.daemons.signald.process.kill('SIGHUP');
	await until('it is refused', () => log().includes(`admin-token-file ${file}:2: a second token of bot\n`));
	assert.equal(await stats(tokens.bot), 200, 'the tokens there were');
	for (let i = 0; i < 20; i++)
		await stats(tokens.bot);
	assert.ok(log().split('the admin API, with the token of bot').length - 1 <= 8);
});

test('a user makes so many calls a minute, and asks so often for ice servers', options, async (t) => {
	const stack = await start(t, { signald: { 'auth': 'open', 'calls-per-minute': 3, 'ice-requests-per-minute': 5 } });
	const ann = await join(t, stack, 'ann'); /* one ice:request */

	await join(t, stack, 'bob');
	for (let i = 0; i < 3; i++)
		ann.emit('call:end', { roomName: initiate(ann, 'bob') });
	const roomName = initiate(ann, 'bob');
	const error = await ann.next('call:error');

	assert.equal(error.code, 'rate_limited');
	assert.equal(error.roomName, roomName);
	assert.equal((await ann.next('call:ended')).roomName, roomName);
	for (let i = 1; i < 5; i++)
		assert.equal((await ann.request('ice:request', { userId: 'ann' })).success, true);
	assert.deepEqual(await ann.request('ice:request', { userId: 'ann' }), { success: false, error: 'Too many requests' });
});
