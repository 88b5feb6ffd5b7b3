/* limits.test.mjs - each limit of signald.conf reached over the wire: refused as it should be, counted, and nobody
 * else notices
 *
 * Not here: namespaces-max, rooms-max, acks-max and queue-soft, which signald's own events cannot reach; the tests of
 * sio-echo and of sio_server do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Client } from './lib/client.mjs';
import { frame, raw, RawSocket, RawWs } from './lib/echo.mjs';
import { Stack } from './lib/stack.mjs';
import { sleep, until, within } from './lib/suite.mjs';

const options = { timeout: 60000 };
const HOSTILE = { from: '127.0.0.2' };
const OTHER = { from: '127.0.0.3' };
const WS = '/socket.io/?EIO=4&transport=websocket';
const POLL = '/socket.io/?EIO=4&transport=polling';

const get = (path) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
const post = (path, body) => `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const gone = (s, limit_ms = 10000) => within('the connection is closed', s.ended, limit_ms);

/* A WebSocket, joined unless told otherwise. */
async function websocket(stack, { join = true, ...options } = HOSTILE) {
	const ws = await new RawWs(stack.port, options).open(WS);

	assert.match(await ws.text(), /^0\{/);
	if (join) {
		ws.send('40');
		assert.match(await ws.text(), /^40\{/);
	}
	return ws;
}

/* A polling session: { get(), post(body) }, joined. */
async function polling(stack, options = HOSTILE) {
	const hello = await raw(stack.port, get(POLL), options);

	assert.equal(hello.status, 200);
	const path = `${POLL}&sid=${JSON.parse(hello.body.slice(1)).sid}`;
	const session = {
		get: () => raw(stack.port, get(path), options),
		post: (body) => raw(stack.port, post(path, body), options),
	};

	await session.post('40');
	assert.match((await session.get()).body, /^40\{/);
	return session;
}

const handshake = (stack, options = HOSTILE) => raw(stack.port, get(POLL), options);

/* What a client that knows no limit does, from its first byte to an answer. */
async function served(stack, { from }) {
	const c = new Client(stack, 'other', { transports: ['websocket'], localAddress: from });

	try {
		await within('others connect', new Promise((resolve, reject) => {
			c.socket.once('connect', resolve);
			c.socket.once('connect_error', reject);
		}));
		c.emit('user:join', 'other');
		await c.request('ice:request', { userId: 'other' });
	} finally {
		c.close();
	}
}

function refused(answer) {
	assert.equal(answer.status, 503);
	assert.ok(Number(answer.headers['retry-after']) >= 1, JSON.stringify(answer.headers));
}

/* The first handshake above n that is refused: on a slow machine a few more may pass, a second brings new ones. */
async function oneTooMany(stack, n, who = () => HOSTILE) {
	for (let i = 1; i <= n + 20; i++) {
		const answer = await handshake(stack, who(i));

		if (i > n && answer.status !== 200) {
			refused(answer);
			return answer;
		}
		assert.equal(answer.status, 200);
	}
	throw new Error(`${n + 20} handshakes and none is refused`);
}

const small = { 'max-payload': 1024, 'queue-soft': 1024, 'queue-hard': 2048, 'events-per-s': 0 };
const ask = '420["ice:request",{"userId":"u1"}]'; /* its answer is some 400 bytes */

/* keys: lines of signald.conf; reach: up to the limit and beyond; counted: what the log says of it;
 * everybody: the limit is on all together */
const limits = [
	{
		keys: { 'connections-per-address': 3 },
		counted: /admission\.address_connections_refused \+[1-9]/,
		reach: async (stack) => {
			const held = [1, 2, 3].map(() => new RawSocket(stack.port, HOSTILE));

			await raw(stack.port, get('/api/health'), OTHER); /* accepted after those */
			const more = new RawSocket(stack.port, HOSTILE);

			await gone(more);
			assert.ok(held.every((s) => !s.closed));
			held[0].destroy();
			await until('one may come for one that went', async () =>
				(await raw(stack.port, get('/api/health'), HOSTILE)).status === 200);
			held.forEach((s) => s.destroy());
		},
	}, {
		keys: { 'connections-max': 8 },
		counted: /entry\.no_room \+|http\.connections_refused \+[1-9]/,
		everybody: true,
		reach: async (stack) => {
			const held = [...Array(100)].map(() => new RawSocket(stack.port, HOSTILE));

			await until('some are closed', () => held.some((s) => s.closed));
			held.forEach((s) => s.destroy());
			await until('others are served again', () => stack.rest.health());
		},
	}, {
		keys: { 'sessions-per-address': 2 },
		counted: /admission\.address_sessions_refused \+[1-9]/,
		reach: async (stack) => {
			const ws = await websocket(stack);

			assert.equal((await handshake(stack)).status, 200);
			refused(await handshake(stack));
			refused(await raw(stack.port, get(WS).replace('\r\n\r\n', '\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'
				+ 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'), HOSTILE));
			ws.destroy();
			await until('one may come for one that went', async () => (await handshake(stack)).status === 200);
		},
	}, {
		keys: { 'handshakes-per-address': 1, 'handshakes-burst': 3 },
		counted: /admission\.address_handshakes_refused \+[1-9]/,
		reach: async (stack) => {
			const no = await oneTooMany(stack, 3);
			await sleep(Number(no.headers['retry-after']) * 1000);
			assert.equal((await handshake(stack)).status, 200);
		},
	}, {
		keys: { 'handshakes-per-s': 2 },
		counted: /admission\.handshakes_refused \+[1-9]/,
		everybody: true,
		reach: async (stack) => {
			const no = await oneTooMany(stack, 2, (i) => ({ from: `127.0.1.${i}` }));

			await sleep(Number(no.headers['retry-after']) * 1000);
		},
	}, {
		keys: { 'unjoined-max': 3 },
		counted: /sio\.unjoined_refused \+[1-9]/,
		reach: async (stack) => {
			const joined = await websocket(stack);
			const waiting = [];

			for (let i = 0; i < 4; i++)
				waiting.push(await websocket(stack, { ...HOSTILE, join: false }));
			await gone(waiting[0]);
			assert.deepEqual(waiting.map((s) => s.closed), [true, false, false, false]);
			assert.equal(joined.closed, false);
		},
	}, {
		keys: { 'header-timeout': 1 },
		counted: /(entry\.late|http\.slow) \+[1-9]/,
		reach: async (stack) => {
			const silent = new RawSocket(stack.port, HOSTILE);
			const slow = new RawSocket(stack.port, HOSTILE).write('GET / HTTP/1.1\r\nHost: local');
			const begin = Date.now();

			await Promise.all([gone(silent), gone(slow)]);
			assert.ok(Date.now() - begin >= 900, `closed after ${Date.now() - begin} ms`);
		},
	}, {
		keys: { 'body-timeout': 1 },
		counted: /http\.slow \+[1-9]/,
		reach: async (stack) => {
			const s = new RawSocket(stack.port, HOSTILE)
				.write('POST /api/turn-credentials HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"use');
			const begin = Date.now();

			await gone(s);
			assert.ok(Date.now() - begin >= 900, `closed after ${Date.now() - begin} ms`);
		},
	}, {
		keys: { 'keep-alive': 4 },
		reach: async (stack) => {
			const s = new RawSocket(stack.port, HOSTILE).write(get('/api/health'));

			assert.equal((await s.answer()).status, 200);
			s.write(get('/api/health'));
			assert.equal((await s.answer()).status, 200);
			await gone(s);
		},
	}, {
		keys: { 'connect-timeout': 3 },
		counted: /sio\.connect_timeouts \+[1-9]/,
		reach: async (stack) => {
			const joined = await websocket(stack);

			await gone(await websocket(stack, { ...HOSTILE, join: false }));
			assert.equal(joined.closed, false);
		},
	}, {
		keys: { 'upgrade-timeout': 1 },
		counted: /eio\.upgrade_failures \+[1-9]/,
		reach: async (stack) => {
			const hello = await handshake(stack);
			const { sid } = JSON.parse(hello.body.slice(1));

			await raw(stack.port, post(`${POLL}&sid=${sid}`, '40'), HOSTILE);
			await gone(await new RawWs(stack.port, HOSTILE).open(`${WS}&sid=${sid}`));
			const answer = await raw(stack.port, get(`${POLL}&sid=${sid}`), HOSTILE);

			assert.match(answer.body, /^40\{/, 'polling goes on');
		},
	}, {
		keys: { 'max-payload': 2000 },
		counted: /ws\.failed \+[1-9]/,
		reach: async (stack) => {
			const ws = await websocket(stack);
			const session = await polling(stack);

			ws.send(`42["x","${'y'.repeat(3000)}"]`);
			assert.equal(await ws.closeCode(), 1009);
			await gone(ws);
			assert.equal((await session.post(`42["x","${'y'.repeat(3000)}"]`)).status, 413);
		},
	}, {
		keys: small,
		name: 'queue-hard',
		counted: /eio\.queue_closed \+[1-9]/,
		reach: async (stack) => {
			const session = await polling(stack);

			for (let i = 0; i < 10; i++)
				await session.post(ask);
			await until('it is closed', async () => (await session.get()).status === 400);
		},
	}, {
		keys: { ...small, 'queue-total': 4096 },
		name: 'queue-total',
		counted: /queues\.must_refused \+[1-9]/,
		everybody: true,
		reach: async (stack) => {
			const sessions = [];

			for (let i = 0; i < 5; i++)
				sessions.push(await polling(stack));
			for (const s of sessions)
				for (let i = 0; i < 3; i++)
					await s.post(ask);
			const answers = await Promise.all(sessions.map((s) => s.get()));

			assert.ok(answers.some((a) => a.status === 400), 'one of them is closed');
			assert.ok(answers.some((a) => a.status === 200), 'and not all');
		},
	}, {
		keys: { 'attachments-max': 1 },
		counted: /sio\.attachments_refused \+[1-9]/,
		reach: async (stack) => {
			const ws = await websocket(stack);

			ws.send('452-["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
			await gone(ws);
		},
	}, {
		keys: { 'events-burst': 5, 'events-per-s': 1 },
		counted: /sio\.rate_limited \+[1-9]/,
		reach: async (stack) => {
			const ws = await websocket(stack);

			for (let i = 0; i < 10; i++)
				ws.send('42["call:end",{"roomName":"r"}]');
			await gone(ws);
			assert.match(ws.bytes.toString(), /42\["call:error",\{[^}]*"code":"rate_limited"/);
		},
	}, {
		keys: { 'json-depth': 8 },
		counted: /sio\.json_refused \+[1-9]/,
		reach: async (stack) => {
			const ws = await websocket(stack);

			ws.send(`42["x",${'['.repeat(7)}${']'.repeat(7)}]`);
			ws.send('420["ice:request",{"userId":"u1"}]');
			assert.match(await ws.text(), /^430\[/, 'so deep it may be');
			ws.send(`42["x",${'['.repeat(8)}${']'.repeat(8)}]`);
			await gone(ws);
		},
	}, {
		keys: { 'json-nodes': 16 },
		counted: /sio\.json_refused \+[1-9]/,
		reach: async (stack) => {
			const ws = await websocket(stack);

			ws.send(`42["x",[${Array(10).fill(1)}]]`);
			ws.send(`42["x",[${Array(20).fill(1)}]]`);
			await gone(ws);
		},
	}, {
		keys: { 'ping-interval': 1000, 'ping-timeout': 1000 },
		reach: async (stack) => {
			const ws = await websocket(stack);

			assert.equal(await ws.text(), '2');
			await gone(ws);
		},
	},
];

for (const limit of limits) {
	test(limit.name ?? Object.keys(limit.keys).join(', '), options, async (t) => {
		const stack = new Stack({ signald: { 'log-level': 'info', 'relay-socket': undefined, ...limit.keys } });

		t.after(() => stack.stop());
		await stack.init();
		await stack.startSignald();
		if (!limit.everybody)
			await served(stack, OTHER);
		await limit.reach(stack);
		if (!limit.everybody)
			await served(stack, OTHER);
		stack.daemons.signald.assertAlive();
		/* Its last words have all that was counted; before, a line comes once a minute. */
		await stack.stop();
		if (limit.counted)
			assert.match(stack.daemons.signald.logText().split('\n').filter((line) => line.includes('counters')).join('\n'), limit.counted);
	});
}

test('a frame that announces more than max-payload is refused by its header', options, async (t) => {
	const stack = new Stack({ signald: { 'relay-socket': undefined } });

	t.after(() => stack.stop());
	await stack.init();
	await stack.startSignald();
	const ws = await websocket(stack);

	ws.write(frame(1, '', { length: 1000001 }));
	assert.equal(await ws.closeCode(), 1009);
});
