/* sio_http.test.mjs - HTTP's dark corners, and who may talk to us */
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';

import { PoorEcho, RawSocket, RawWs, frame, handshake, raw, sleep, startEcho } from './lib/echo.mjs';
import { until } from './lib/suite.mjs';

const LIMIT = { timeout: 60000 };
const PATH = '/engine.io/?EIO=4&transport=polling';

describe('strictness', LIMIT, () => {
	let echo;

	before(async () => { echo = await startEcho(); });
	after(() => echo.stop());

	for (const [name, request] of [
		['two differing Content-Length', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
		['two equal ones', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab'],
		['Content-Length and chunks', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
		['a strange encoding', 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n'],
		['two encodings', 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
		['two Hosts', 'GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n'],
		['no Host', 'GET / HTTP/1.1\r\n\r\n'],
		['two Origins', 'GET / HTTP/1.1\r\nHost: x\r\nOrigin: http://a\r\nOrigin: http://b\r\n\r\n'],
		['a broken escape in the path', 'GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n'],
		['a NUL in the path', 'GET /a%00b HTTP/1.1\r\nHost: x\r\n\r\n'],
	]) {
		test(`${name}: 400`, async () => {
			assert.equal((await raw(echo.port, request)).status, 400);
		});
	}

	test('an upgrade may be asked for in several lines, but not with HTTP/1.0', async () => {
		const lines = (version) => `GET /ws/ HTTP/${version}\r\nHost: x\r\nConnection: keep-alive\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
			'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n';

		assert.equal((await raw(echo.port, lines('1.1'))).status, 101);
		assert.equal((await raw(echo.port, lines('1.0'))).status, 426);
	});

	test('an unknown path is named in the answer, escaped', async () => {
		const r = await raw(echo.port, 'GET /a"b\\?secret=1 HTTP/1.1\r\nHost: x\r\n\r\n');

		assert.equal(r.status, 404);
		assert.equal(r.headers['content-type'], 'application/json; charset=utf-8');
		assert.deepEqual(JSON.parse(r.body), { error: 'Not Found', path: '/a"b\\' });
		assert.equal(r.headers.server, undefined);
	});

	test('a target that names the server is understood', async () => {
		assert.equal((await raw(echo.port, `GET http://any.example${PATH} HTTP/1.1\r\nHost: any.example\r\n\r\n`)).status, 200);
		assert.equal(JSON.parse((await raw(echo.port, 'GET http://any.example HTTP/1.1\r\nHost: any.example\r\n\r\n')).body).path, '/');
	});

	test('one connection, many requests', async () => {
		const s = new RawSocket(echo.port);

		for (let i = 0; i < 50; i++) {
			s.write(`GET ${PATH} HTTP/1.1\r\nHost: x\r\n\r\n`);
			assert.equal((await s.answer()).status, 200);
		}
		s.destroy();
	});

	test('more query arguments than fit: the connection goes, and nothing stays behind', async () => {
		for (let i = 0; i < 5; i++) {
			const s = new RawSocket(echo.port).write(`GET /x?${'&'.repeat(2000)} HTTP/1.1\r\nHost: x\r\n\r\n`);

			await s.ended;
		}
		assert.equal((await fetch(echo.url + PATH)).status, 200);
	});

	test('a folded header, and more behind it than the buffer holds', async () => {
		const folded = (head) => head.replace('\r\n\r\n', '\r\nX-Folded: a\r\n b\r\n\r\n');
		const behind = Buffer.concat([frame(2, '', { length: 60000 }), Buffer.alloc(50000)]).toString('latin1');

		for (const head of [handshake('/ws/'), handshake('/engine.io/?EIO=4&transport=websocket'),
			`POST ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n`, `GET ${PATH} HTTP/1.1\r\nHost: x\r\n\r\n`]) {
			const s = new RawSocket(echo.port).write(Buffer.from(folded(head) + behind, 'latin1'));

			await sleep(100);
			s.destroy();
			assert.equal((await fetch(echo.url + PATH)).status, 200);
		}
	});

	test('garbage, half requests and half frames break nothing', async () => {
		const wild = [];

		for (const bytes of ['\x00\xff\x13', 'GET', 'GET / HTTP/9.9\r\n\r\n', `POST ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n4`,
			`GET /${'x'.repeat(30000)} HTTP/1.1\r\nHost: x\r\n\r\n`, `GET / HTTP/1.1\r\n${'H: x\r\n'.repeat(5000)}\r\n`, `${handshake('/ws/')}\x81`, `${handshake('/ws/')}\x81\xff`])
			wild.push(new RawSocket(echo.port).write(Buffer.from(bytes, 'latin1')));
		await sleep(200);
		for (const s of wild)
			s.destroy();
		assert.equal((await fetch(echo.url + PATH)).status, 200);
	});
});

describe('origins', LIMIT, () => {
	let echo;

	before(async () => { echo = await startEcho('--origin', 'https://app.example', '--origin', 'loopback'); });
	after(() => echo.stop());

	const ask = (origin, { method = 'GET', path = PATH, more = '' } = {}) =>
		raw(echo.port, `${method} ${path} HTTP/1.1\r\nHost: signal.example:449\r\n${origin ? `Origin: ${origin}\r\n` : ''}${more}\r\n`);

	for (const origin of [null, 'https://app.example', 'http://localhost:3000', 'https://127.1.2.3', 'http://[::1]:80', 'file://']) {
		test(`${origin ?? 'no origin'} is fine`, async () => {
			const r = await ask(origin);

			assert.equal(r.status, 200);
			assert.equal(r.headers['access-control-allow-origin'], origin ?? undefined);
			assert.equal(r.headers.vary, 'Origin');
		});
	}

	for (const origin of ['null', 'https://evil.example', 'http://app.example', 'https://app.example.evil', 'http://localhost.evil', 'http://127.0.0.1.evil', 'x', 'https://app.example/', 'https://signal.example', 'https://signal.example:449']) {
		test(`${origin} is refused everywhere, and the log says so`, async () => {
			const polling = await ask(origin);

			assert.deepEqual([polling.status, polling.body], [403, '{"code":4,"message":"Forbidden"}']);
			assert.equal(polling.headers['access-control-allow-origin'], undefined);
			assert.equal((await ask(origin, { path: '/' })).status, 403);
			assert.equal((await ask(origin, { method: 'OPTIONS' })).status, 403);
			assert.equal((await raw(echo.port, handshake('/ws/', `Origin: ${origin}\r\n`))).status, 403);
			assert.ok(echo.logText().includes(`"${origin}"`));
			assert.match(echo.logText(), /origins/);
		});
	}

	test('OPTIONS is answered before anything else is looked at', async () => {
		const r = await ask('https://app.example', { method: 'OPTIONS', path: '/engine.io/?sid=x', more: 'Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type,x-y\r\n' });

		assert.equal(r.status, 204);
		assert.equal(r.headers['access-control-allow-origin'], 'https://app.example');
		assert.equal(r.headers['access-control-allow-headers'], 'content-type,x-y');
		assert.match(r.headers['access-control-allow-methods'], /POST/);
		assert.match(r.headers['access-control-max-age'], /^\d+$/);
	});

	test('errors carry the headers, too', async () => {
		for (const path of ['/nowhere', '/engine.io/?transport=polling&sid=x'])
			assert.equal((await ask('https://app.example', { path })).headers['access-control-allow-origin'], 'https://app.example');
	});
});

/* A refused one is not left behind. */
async function webSocket(echo) {
	const ws = new RawWs(echo.port);

	return ws.open('/ws/').catch((err) => { ws.destroy(); throw err; });
}

describe('too many', LIMIT, () => {
	test('WebSockets above the limit are refused, the others go on', async () => {
		const echo = await startEcho('--connections', 3);
		const open = [];

		for (let i = 0; i < 3; i++)
			open.push(await new RawWs(echo.port).open('/ws/'));
		assert.equal((await raw(echo.port, handshake('/ws/'))).status, 503);
		open.pop().destroy();
		open.push(await until('there is room again', () => webSocket(echo)));
		for (const ws of open) {
			ws.send('x');
			assert.equal(await ws.text(), 'x');
			ws.destroy();
		}
		await echo.stop();
	});

	test('connections count, WebSockets or not; far above the limit they are cut', async () => {
		const echo = await startEcho('--connections', 3);
		const idle = [];

		for (let i = 0; i < 3; i++) {
			idle.push(new RawSocket(echo.port).write(`GET ${PATH} HTTP/1.1\r\nHost: x\r\n\r\n`));
			assert.equal((await idle[i].answer()).status, 200);
		}
		assert.equal((await raw(echo.port, handshake('/ws/'))).status, 503);
		for (let i = 0; i < 40; i++)
			idle.push(new RawSocket(echo.port));
		await until('some are cut', () => idle.filter((s) => !s.closed).length <= 3 + 16);
		await sleep(200);
		assert.equal(idle.filter((s) => !s.closed).length, 3 + 16, 'and no more of them');
		idle.forEach((s) => s.destroy());
		(await until('there is room again', () => webSocket(echo))).destroy();
		await echo.stop();
	});

	test('a byte now and then does not keep a connection', async () => {
		const echo = await startEcho('--step', 1000);
		const slow = ['GET /', `POST ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n`, 'GET /x HTTP/1.1\r\nHost: x\r\n\r\nGET /']
			.map((start) => new RawSocket(echo.port).write(start));
		const poll = new RawSocket(echo.port).write(`GET ${PATH} HTTP/1.1\r\nHost: x\r\n\r\n`);
		const { sid } = JSON.parse((await poll.answer()).body.slice(1));

		poll.write(`GET ${PATH}&sid=${sid} HTTP/1.1\r\nHost: x\r\n\r\n`);
		for (let i = 0; i < 100 && !slow.every((s) => s.closed); i++) {
			slow.forEach((s) => s.write('x'));
			await sleep(100);
		}
		assert.deepEqual(slow.map((s) => s.closed), [true, true, true]);
		assert.equal(poll.closed, false, 'one that waits for us has its time');
		poll.destroy();
		await echo.stop();
	});

	test('a client that asks without end leaves the others their turn', async () => {
		const echo = await startEcho();
		const ws = await new RawWs(echo.port).open('/ws/');
		const flood = Array.from({ length: 2 }, () => net.connect(echo.port, '127.0.0.1'));
		const many = Buffer.from('GET /x HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(5000));
		const more = (s) => { while (s.write(many)); };

		for (const s of flood) {
			s.on('error', () => {}).on('drain', () => more(s)).resume();
			more(s);
		}
		for (let i = 0; i < 10; i++) {
			await sleep(100);
			ws.send('x');
			assert.equal(await ws.text(), 'x');
		}
		flood.forEach((s) => s.destroy());
		ws.destroy();
		await echo.stop();
	});

	test('a process out of descriptors answers again once there are some', async () => {
		const poor = await new PoorEcho(30).ready();
		const many = Array.from({ length: 60 }, () => new RawSocket(poor.port).write(handshake('/ws/')));

		await sleep(300);
		for (const s of many)
			s.destroy();
		for (let i = 0; ; i++) {
			const r = await fetch(poor.url + PATH, { signal: AbortSignal.timeout(1000) }).catch(() => null);

			if (r?.status === 200)
				break;
			assert.ok(i < 15, 'still deaf');
		}
		const ws = await new RawWs(poor.port).open('/ws/');

		ws.send('x');
		assert.equal(await ws.text(), 'x');
		ws.destroy();
		await poor.stop();
	});
});
