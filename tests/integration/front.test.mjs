/* front.test.mjs - the way in, as signald.conf says: TLS and its certificates, proxies, cookies, files, the log */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { test } from 'node:test';
import tls from 'node:tls';

import { Client } from './lib/client.mjs';
import { raw, RawSocket } from './lib/echo.mjs';
import { Stack } from './lib/stack.mjs';
import { assertSoon, confide, freePort, program, until, within } from './lib/suite.mjs';

const options = { timeout: 60000 };
const POLL = '/socket.io/?EIO=4&transport=polling';

const get = (target, more = '') => `GET ${target} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`;

/* A certificate of this name and its key, in place of what is there. */
function certificate(stack, name, { kind = 'ec', file = kind } = {}) {
	const key = path.join(stack.dir, `${file}.key`);
	const cert = path.join(stack.dir, `${file}.pem`);
	const how = kind === 'ec' ? ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'] : ['rsa:2048'];

	execFileSync('openssl', ['req', '-x509', '-newkey', ...how, '-nodes', '-days', '30', '-subj', `/CN=${name}`,
		'-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', `${key}.new`, '-out', `${cert}.new`], { stdio: 'ignore' });
	fs.chmodSync(`${key}.new`, 0o600);
	fs.renameSync(`${key}.new`, key);
	fs.renameSync(`${cert}.new`, cert);
	return { cert, key };
}

/* signald alone, with what prepare(stack) returns in its configuration. */
/* auth = open does without proxies. */
function withTokens(stack) {
	const key = path.join(stack.dir, 'token.key');

	fs.writeFileSync(key, `${confide(randomBytes(32).toString('hex'))}\n`, { mode: 0o600 });
	return { 'auth': 'token', 'token-key': `HS256::${key}` };
}

async function start(t, prepare, { scheme = 'http' } = {}) {
	const stack = new Stack({ signald: { 'relay-socket': undefined } });

	t.after(() => stack.stop());
	Object.assign(stack.signaldOptions, await prepare(stack));
	await stack.init();
	stack.url = `${scheme}://127.0.0.1:${stack.port}`;
	if (scheme === 'https')
		stack.rest.health = () => secure(stack, '/api/health');
	await stack.startSignald();
	return stack;
}

const secure = (stack, target) => new Promise((resolve, reject) => {
	https.get(stack.url + target, { rejectUnauthorized: false, agent: false }, (res) => {
		let body = '';

		res.on('data', (d) => { body += d; });
		res.on('end', () => resolve({ status: res.statusCode, body }));
	}).on('error', reject);
});

/* One TLS connection: who answers, and whether it was resumed. */
function shake(stack, more = {}) {
	return within('TLS handshake', new Promise((resolve, reject) => {
		const s = tls.connect({ port: stack.port, host: '127.0.0.1', rejectUnauthorized: false, ...more });
		let session;

		s.on('session', (given) => { session = given; });
		s.once('error', reject);
		s.once('secureConnect', () => {
			const seen = { name: s.getPeerCertificate().subject?.CN, resumed: s.isSessionReused() };

			s.write(get('/api/health', 'Connection: close\r\n'));
			s.resume();
			s.once('close', () => resolve({ ...seen, session }));
		});
	}));
}

const logged = (stack, what) => until(`the log has ${what}`, () => what.test(stack.daemons.signald.logText()), 20000);

test('cert and pkey: https and wss on listen, http on listen-plain', options, async (t) => {
	let plain;
	const stack = await start(t, async (s) => {
		const ec = certificate(s, 'ec.test');
		const rsa = certificate(s, 'rsa.test', { kind: 'rsa' });

		plain = await freePort();
		return {
			'cert': `${ec.cert}, ${rsa.cert}`, 'pkey': `${ec.key}, ${rsa.key}`, 'listen-plain': `127.0.0.1:${plain}`,
		};
	}, { scheme: 'https' });

	assert.equal((await shake(stack)).name, 'ec.test');
	assert.equal((await shake(stack, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' })).name, 'rsa.test');
	await assert.rejects(shake(stack, { maxVersion: 'TLSv1.1', minVersion: 'TLSv1' }));
	for (const transports of [['polling'], ['websocket'], undefined]) {
		const c = new Client(stack, 'u', { transports, rejectUnauthorized: false });

		await within('it connects', new Promise((resolve, reject) => {
			c.socket.once('connect', resolve).once('connect_error', reject);
		}));
		c.emit('user:join', 'u');
		assert.ok((await c.request('ice:request', { userId: 'u' })).iceServers);
		c.close();
	}
	assert.equal((await raw(stack.port, get('/api/health'))).status, 400, 'http to an https port');
	assert.equal((await raw(plain, get('/api/health'))).status, 200);
});

test('certificates are read again on SIGHUP and when they change, and running connections stay', options, async (t) => {
	const stack = await start(t, (s) => {
		const { cert, key } = certificate(s, 'first.test');

		return { cert, pkey: key };
	}, { scheme: 'https' });
	const c = new Client(stack, 'u', { transports: ['websocket'], rejectUnauthorized: false });

	await within('it connects', new Promise((resolve) => { c.socket.once('connect', resolve); }));
	t.after(() => c.close());
	certificate(stack, 'second.test');
	const hangup = Date.now();

	stack.daemons.signald.process.kill('SIGHUP');
	await until('the second one is there', async () => (await shake(stack)).name === 'second.test');
	assertSoon(hangup, 2000); /* it looks by itself, too, every 5 s */
	certificate(stack, 'third.test');
	await until('the third one is there', async () => (await shake(stack)).name === 'third.test');
	fs.writeFileSync(path.join(stack.dir, 'ec.pem'), 'nonsense\n');
	await logged(stack, /error tls: .*ec\.pem/);
	assert.equal((await shake(stack)).name, 'third.test', 'what cannot be used changes nothing');
	await logged(stack, /tls\.reloads_refused \+/);
	c.emit('user:join', 'u');
	assert.ok((await c.request('ice:request', { userId: 'u' })).iceServers);
});

test('a session resumes after a restart', options, async (t) => {
	const stack = await start(t, (s) => {
		const { cert, key } = certificate(s, 'x.test');

		return { 'cert': cert, 'pkey': key, 'state-dir': path.join(s.dir, 'state') };
	}, { scheme: 'https' });

	for (const maxVersion of ['TLSv1.2', 'TLSv1.3']) {
		const { session } = await shake(stack, { maxVersion });

		await stack.daemons.signald.stop();
		await stack.startSignald();
		assert.equal((await shake(stack, { maxVersion, session })).resumed, true, maxVersion);
	}
	assert.equal(fs.statSync(path.join(stack.dir, 'state', 'tls-tickets')).mode & 0o777, 0o600);
});

test('X-Forwarded-For counts only from trusted-proxies', options, async (t) => {
	const stack = await start(t, (s) => ({
		...withTokens(s), 'trusted-proxies': '127.0.0.2, 192.0.2.0/24', 'sessions-per-address': 1, 'access-log': 'yes',
	}));
	const from = async (address, chain) => (await raw(stack.port, get(POLL, `X-Forwarded-For: ${chain}\r\n`), { from: address })).status;

	assert.equal(await from('127.0.0.2', '198.51.100.1'), 200);
	assert.equal(await from('127.0.0.2', '198.51.100.2'), 200);
	assert.equal(await from('127.0.0.2', '203.0.113.9, 198.51.100.2, 192.0.2.7'), 503, 'the same client again');
	assert.equal(await from('127.0.0.3', '198.51.100.3'), 200);
	assert.equal(await from('127.0.0.3', '198.51.100.4'), 503, 'nobody believes this one');
	await logged(stack, /access: 198\.51\.100\.2 GET \/socket\.io\/ 503/);
	await logged(stack, /access: 127\.0\.0\.3 GET \/socket\.io\/ 503/);
});

test('a PROXY header is due from proxy-protocol-from, and from nobody else', options, async (t) => {
	const stack = await start(t, (s) => ({ ...withTokens(s), 'proxy-protocol-from': '127.0.0.2', 'access-log': 'yes' }));
	const header = 'PROXY TCP4 198.51.100.7 127.0.0.1 5000 449\r\n';
	const cut = async (text, from) => {
		const s = new RawSocket(stack.port, { from }).write(text);

		await within('it is closed', s.ended, 15000);
		return s.bytes.toString();
	};

	assert.equal((await raw(stack.port, header + get('/api/health'), { from: '127.0.0.2' })).status, 200);
	await logged(stack, /access: 198\.51\.100\.7 GET \/api\/health 200/);
	assert.doesNotMatch(await cut(get('/api/health'), '127.0.0.2'), /200 OK/);
	assert.doesNotMatch(await cut(header + get('/api/health'), '127.0.0.3'), /200 OK/);
	assert.equal((await raw(stack.port, get('/api/health'), { from: '127.0.0.3' })).status, 200);
});

test('auth = open: what a proxy forwarded is refused, and counted', options, async (t) => {
	const stack = await start(t, () => ({}));

	for (const header of ['X-Forwarded-For: 198.51.100.1', 'x-forwarded-host: chat.example.org', 'X-Forwarded-Proto: https',
		'Forwarded: for=198.51.100.1', 'Via: 1.1 proxy', 'X-Real-IP: 198.51.100.1'])
		for (const target of [POLL, '/api/health', '/api/ice-servers/1'])
			assert.equal((await raw(stack.port, get(target, `${header}\r\n`))).status, 403, `${header} ${target}`);
	assert.equal((await raw(stack.port, get(POLL))).status, 200);
	await logged(stack, /http\.forwarded_refused \+/);
	assert.equal(stack.daemons.signald.logText().match(/refused a request that a proxy forwarded/g).length, 1);
});

test('io-cookie, client-bundle and access-log', options, async (t) => {
	const stack = await start(t, (s) => {
		const dir = path.join(s.dir, 'bundle');

		fs.mkdirSync(dir);
		fs.writeFileSync(path.join(dir, 'socket.io.js'), '/* the client */\n');
		fs.writeFileSync(path.join(dir, 'other.js'), 'no\n');
		return { 'io-cookie': 'io', 'client-bundle': dir, 'access-log': 'yes' };
	});
	const secret = confide('not-for-the-log-0123456789');
	const hello = await stack.rest.get(`${POLL}&access_token=${secret}`);
	const { sid } = JSON.parse(hello.text.slice(1));

	assert.match(String(hello.headers['set-cookie']), new RegExp(`^io=${sid};.*HttpOnly`));
	const bundle = await stack.rest.get('/socket.io/socket.io.js');

	assert.equal(bundle.text, '/* the client */\n');
	assert.equal((await stack.rest.get('/socket.io/socket.io.js', { headers: { 'If-None-Match': bundle.headers.etag } })).status, 304);
	assert.equal((await stack.rest.get('/socket.io/other.js')).status, 404);
	await logged(stack, /access: 127\.0\.0\.1 GET \/socket\.io\/ 200/);
	assert.ok(!stack.daemons.signald.logText().includes(secret));
});

test('cors-credentials and cors-private-network', options, async (t) => {
	const stack = await start(t, () => ({
		'origins': 'https://chat.example', 'cors-credentials': 'yes', 'cors-private-network': 'yes',
	}));
	const preflight = (origin) => stack.rest.request('OPTIONS', POLL, {
		headers: {
			'Origin': origin, 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Private-Network': 'true',
		},
	});
	const yes = await preflight('https://chat.example');

	assert.equal(yes.status, 204);
	assert.equal(yes.headers['access-control-allow-origin'], 'https://chat.example');
	assert.equal(yes.headers['access-control-allow-credentials'], 'true');
	assert.equal(yes.headers['access-control-allow-private-network'], 'true');
	const no = await preflight('https://other.example');

	assert.equal(no.headers['access-control-allow-origin'], undefined);
	assert.equal(no.headers['access-control-allow-private-network'], undefined);
});

test('what is wrong is said before anything is served', options, async (t) => {
	const stack = new Stack({ signald: { 'relay-socket': undefined } });

	await stack.init();
	const good = fs.readFileSync(path.join(stack.dir, 'signald.conf'), 'utf8');
	const { cert, key } = certificate(stack, 'x.test');
	const open = path.join(stack.dir, 'open.key');

	fs.copyFileSync(key, open);
	fs.chmodSync(open, 0o644);
	const tokens = 'auth = token\ntoken-key = HS256::/nowhere\n';
	const wrong = [
		['trusted-proxies = 127.0.0.1', /auth = open asks nobody who he is, and trusted-proxies/],
		['proxy-protocol-from = 127.0.0.1', /auth = open asks nobody who he is, and proxy-protocol-from/],
		['auth = token', /auth = token needs a token-key/],
		['token-key = HS256::/nowhere', /token-key: no token is verified with it/],
		['auth = backend\nbackend-url = https://a/\nbackend-ca = /nowhere', /backend-ca \/nowhere: No such file/],
		[`auth = backend\nbackend-url = https://a/\nbackend-ca = ${open}`, /backend-ca .*open\.key: there is no certificate/],
		['auth = maybe', /auth: 'maybe' is none of open\|token\|backend/],
		['listen = 0.0.0.0:3000', /auth = open asks nobody who he is, and 0\.0\.0\.0:3000 is not loopback/],
		['listen = [::]:3000', /\[::\]:3000 is not loopback/],
		['listen = [::ffff:127.0.0.1]:3000', /is not loopback/],
		[`${tokens}trusted-proxies = 10.0.0.1/8`, /trusted-proxies: '10\.0\.0\.1\/8' is no address/],
		[`${tokens}proxy-protocol-from = balancer`, /proxy-protocol-from: 'balancer' is no address/],
		['origins = *\ncors-credentials = yes', /cors-credentials: not for everybody/],
		[`client-bundle = ${path.join(stack.dir, 'nowhere')}`, /client-bundle .*nowhere/],
		['client-bundle = /proc', /client-bundle \/proc: there is no socket\.io\.js/],
		[`cert = ${cert}\npkey = ${path.join(stack.dir, 'missing.key')}`, /missing\.key/],
		[`cert = ${cert}\npkey = ${open}`, /open\.key/],
		[`cert = ${key}\npkey = ${key}`, /ec\.key/],
		[`listen = ${[...Array(17)].map((_, i) => `127.0.0.1:${3000 + i}`)}`, /more than 16 addresses/],
	];

	const run = (args, lines) => {
		const file = path.join(stack.dir, 'other.conf');

		fs.writeFileSync(file, lines.startsWith('listen') ? good.replace(/^listen = .*$/m, lines) : `${good}${lines}\n`);
		return spawnSync(program('signald'), [...args, '-c', file], { encoding: 'utf8', timeout: 10000 });
	};

	for (const args of [['-n'], []]) {
		for (const [lines, says] of wrong) {
			const r = run(args, lines);

			assert.notEqual(r.status, 0, lines);
			assert.match(r.stderr, says);
			assert.doesNotMatch(r.stderr, /listening/);
		}
		if (args.length)
			assert.equal(run(args, `cert = ${cert}\npkey = ${key}`).status, 0);
		if (args.length)
			assert.ok(!fs.existsSync(path.join(stack.dir, 'tls-tickets')), '-n writes nothing');
	}
});
