/* eio_clients.test.mjs - npm's engine.io-client against the Engine.IO layer alone */
import assert from 'node:assert/strict';
import https from 'node:https';
import { after, before, describe, test } from 'node:test';
import { Socket } from 'engine.io-client';

import { startEcho, sleep } from './lib/echo.mjs';
import { until } from './lib/suite.mjs';
import { selfSigned } from './lib/swarm.mjs';

const LIMIT = { timeout: 60000 };

/* An open client; what it hears is in s.heard. */
function connect(echo, options = {}) {
	const s = new Socket(echo.url, options);

	s.heard = [];
	s.on('message', (m) => s.heard.push(m));
	return new Promise((resolve, reject) => {
		s.once('open', () => resolve(s));
		s.once('error', reject);
	});
}

const closed = (s) => new Promise((resolve) => { s.once('close', (reason) => resolve(reason)); });

async function heard(s, n) {
	for (let i = 0; s.heard.length < n; i++) {
		assert.ok(i < 1000, `${s.heard.length} of ${n} messages`);
		await sleep(10);
	}
	return s.heard;
}

async function on(s, transport) {
	for (let i = 0; s.transport.name !== transport; i++) {
		assert.ok(i < 500, `still on ${s.transport.name}`);
		await sleep(10);
	}
}

/* What was sent before this is at the server: it takes connections and reads them in turn. */
async function comeAfter(echo, fetchOne = (path) => fetch(`${echo.url}${path}`).then((r) => r.text())) {
	for (let i = 0; i < 3; i++)
		await fetchOne('/engine.io/');
}

describe('engine.io-client', LIMIT, () => {
	let echo;

	before(async () => { echo = await startEcho(); });
	after(() => echo.stop());

	for (const [name, options] of [
		['polling', { transports: ['polling'] }],
		['WebSocket', { transports: ['websocket'] }],
		['polling, then WebSocket', {}],
		['without the last slash', { addTrailingSlash: false }],
		['with a buster in the query', { timestampRequests: true, query: { user_id: '7', b64: '1' } }],
	]) {
		test(`${name}: text and binary come back in order`, async () => {
			const s = await connect(echo, options);
			const sent = ['one', 'два 𐍈', Buffer.from([0, 1, 255]), Buffer.alloc(0), 'x'.repeat(70000)];

			sent.forEach((m) => s.send(m));
			assert.deepEqual(await heard(s, sent.length), sent);
			s.close();
		});
	}

	test('a thousand messages during the upgrade: none lost, none twice, in order', async () => {
		for (let round = 0; round < 5; round++) {
			const s = await connect(echo);
			const sent = [];

			for (let i = 0; i < 1000; i++) {
				s.send(String(i));
				sent.push(String(i));
				if (i % 50 === 0)
					await sleep(1);
			}
			await on(s, 'websocket');
			assert.deepEqual(await heard(s, 1000), sent);
			s.close();
		}
	});

	test('many clients at once', async () => {
		const all = await Promise.all(Array.from({ length: 100 }, (_, i) => connect(echo, i % 3 ? {} : { transports: ['polling'] })));

		all.forEach((s, i) => s.send(String(i)));
		for (const [i, s] of all.entries()) {
			assert.deepEqual(await heard(s, 1), [String(i)]);
			s.close();
		}
	});

	test('a message of exactly the maximum', async (t) => {
		const small = await startEcho('--max-payload', 20000);

		t.after(() => small.stop());
		const text = 'x'.repeat(19999);

		for (const transports of [['polling'], ['websocket']]) {
			const s = await connect(small, { transports });

			s.send(text);
			assert.deepEqual(await heard(s, 1), [text]);
			s.send(`${text}${text}`);
			assert.match(await closed(s), /transport/);
		}
	});
});

describe('time', LIMIT, () => {
	test('heartbeats keep a client on either transport', async (t) => {
		const echo = await startEcho('--ping-interval', 300, '--ping-timeout', 2000);

		t.after(() => echo.stop());
		const all = await Promise.all([connect(echo, { transports: ['polling'] }), connect(echo, { transports: ['websocket'] }), connect(echo)]);

		await sleep(3000);
		for (const s of all) {
			assert.equal(s.readyState, 'open');
			s.send('still');
			assert.deepEqual(await heard(s, 1), ['still']);
			s.close();
		}
	});

	test('a client whose server goes is told so', async (t) => {
		const echo = await startEcho();

		t.after(() => echo.stop());
		const all = await Promise.all([connect(echo, { transports: ['polling'] }), connect(echo, { transports: ['websocket'] })]);
		const reasons = Promise.all(all.map(closed));

		await sleep(100);
		await comeAfter(echo); /* so the GET is open */
		await echo.stop();
		assert.deepEqual(await reasons, ['transport close', 'transport close']);
	});
});

describe('over TLS', LIMIT, () => {
	let echo;

	before(async () => {
		const { cert, pkey } = selfSigned();

		echo = await startEcho('--cert', cert, '--pkey', pkey);
		echo.url = `https://localhost:${echo.port}`;
	});
	after(() => echo.stop());

	const ask = (path, options = {}) => new Promise((resolve, reject) => {
		const r = https.request(`${echo.url}${path}`, { rejectUnauthorized: false, agent: false, ...options }, (answer) => {
			let body = '';

			answer.on('data', (d) => { body += d; }).on('end', () => resolve({ status: answer.statusCode, body }));
		});

		r.on('error', reject);
		r.end(options.body);
		options.signal?.addEventListener('abort', () => r.destroy());
	});

	for (const [name, options] of [['polling', { transports: ['polling'] }], ['WebSocket', { transports: ['websocket'] }], ['polling, then WebSocket', {}]]) {
		test(`${name}: text and binary come back in order`, async () => {
			const s = await connect(echo, { ...options, rejectUnauthorized: false });
			const sent = ['one', 'два 𐍈', Buffer.from([0, 1, 255]), 'x'.repeat(200000), 'last'];

			sent.forEach((m) => s.send(m));
			assert.deepEqual(await heard(s, sent.length), sent);
			s.close();
		});
	}

	test('who goes away from an open GET, or in the middle of a POST, is gone at once', async () => {
		for (const method of ['GET', 'POST']) {
			const hello = JSON.parse((await ask('/engine.io/?EIO=4&transport=polling')).body.slice(1));
			const path = `/engine.io/?EIO=4&transport=polling&sid=${hello.sid}`;
			const abort = new AbortController();
			const open = ask(path, { method, signal: abort.signal, headers: method === 'POST' ? { 'content-length': 50 } : {}, body: method === 'POST' ? '4a' : undefined }).catch(() => 'aborted');

			await sleep(100);
			await comeAfter(echo, ask);
			abort.abort();
			assert.equal(await open, 'aborted');
			if (method === 'POST') /* this GET may be there first */
				assert.match((await ask(path)).body, /^1$|"Session ID unknown"/);
			await until('the session is gone', async () =>
				(await ask(path, { method: 'POST', body: '4' })).body === '{"code":1,"message":"Session ID unknown"}');
		}
	});
});
