/* sio_polling.test.mjs - Engine.IO over HTTP by hand: what clients send, and what no client would */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Polling, RawSocket, RawWs, handshake, raw, sleep, startEcho } from './lib/echo.mjs';
import { until } from './lib/suite.mjs';

const RS = '\x1e';
const LIMIT = { timeout: 60000 };
const error = (code, message) => JSON.stringify({ code, message });

/* Before a heartbeat could have found out. */
const gone = (p) => until('the session is gone', async () => (await p.post('4')).body === error(1, 'Session ID unknown'));

describe('requests', LIMIT, () => {
	let echo;

	before(async () => { echo = await startEcho('--max-payload', 20000); });
	after(() => echo.stop());

	test('the open packet has its five keys, the answer its headers', async () => {
		const r = await fetch(`${echo.url}/engine.io/?EIO=4&transport=polling`);
		const body = await r.text();
		const hello = JSON.parse(body.slice(1));

		assert.equal(r.status, 200);
		assert.equal(r.headers.get('content-type'), 'text/plain; charset=UTF-8');
		assert.equal(r.headers.get('cache-control'), 'no-store');
		assert.equal(r.headers.get('set-cookie'), null);
		assert.deepEqual(Object.keys(hello), ['sid', 'upgrades', 'pingInterval', 'pingTimeout', 'maxPayload']);
		assert.match(hello.sid, /^[A-Za-z0-9_-]{20}$/);
		assert.deepEqual([hello.upgrades, hello.pingInterval, hello.pingTimeout, hello.maxPayload], [['websocket'], 25000, 20000, 20000]);
	});

	for (const [name, query, init, status, body] of [
		['no transport', 'EIO=4', {}, 400, error(0, 'Transport unknown')],
		['a strange transport', 'EIO=4&transport=abc', {}, 400, error(0, 'Transport unknown')],
		['an unknown sid', 'EIO=4&transport=polling&sid=abc', {}, 400, error(1, 'Session ID unknown')],
		['an unknown sid in a POST', 'EIO=4&transport=polling&sid=abc', { method: 'POST', body: '4x' }, 400, error(1, 'Session ID unknown')],
		['a POST as handshake', 'EIO=4&transport=polling', { method: 'POST', body: '4x' }, 400, error(2, 'Bad handshake method')],
		['a PUT as handshake', 'EIO=4&transport=polling', { method: 'PUT', body: '4x' }, 400, error(2, 'Bad handshake method')],
		['websocket without Upgrade', 'EIO=4&transport=websocket', {}, 400, error(3, 'Bad request')],
		['protocol 3', 'EIO=3&transport=polling', {}, 400, error(5, 'Unsupported protocol version')],
		['no protocol', 'transport=polling', {}, 400, error(5, 'Unsupported protocol version')],
		['a broken escape', 'EIO=4&transport=%zz', {}, 400, error(0, 'Transport unknown')],
		['an empty sid is none, the last of two keys wins', 'EIO=3&EIO=4&transport=%70olling&sid=', {}, 200, null],
		['a broken escape in the sid is no handshake', 'EIO=4&transport=polling&sid=%zz', {}, 400, error(1, 'Session ID unknown')],
		['a broken escape in the protocol', 'EIO=%zz&transport=polling', {}, 400, error(5, 'Unsupported protocol version')],
		['protocol 42', 'EIO=42&transport=polling', {}, 400, error(5, 'Unsupported protocol version')],
		['the last of two keys loses', 'EIO=4&EIO=3&transport=polling', {}, 400, error(5, 'Unsupported protocol version')],
		['a plus is a space', 'EIO=4&transport=pol+ling', {}, 400, error(0, 'Transport unknown')],
		['b64, j, t and an application\'s own keys', 'EIO=4&transport=polling&b64=1&j=0&t=Abc123&user_id=7&a%20b=%26', {}, 200, null],
		['the transport is looked at before the sid', 'EIO=4&transport=x&sid=abc', {}, 400, error(0, 'Transport unknown')],
		['the sid before the method', 'EIO=4&transport=polling&sid=abc', { method: 'DELETE' }, 400, error(1, 'Session ID unknown')],
		['the sid before the Upgrade', 'EIO=4&transport=websocket&sid=abc', {}, 400, error(1, 'Session ID unknown')],
		['the method before the Upgrade', 'EIO=4&transport=websocket', { method: 'POST', body: '4x' }, 400, error(2, 'Bad handshake method')],
		['the method before the protocol', 'EIO=3&transport=polling', { method: 'POST', body: '4x' }, 400, error(2, 'Bad handshake method')],
		['a sid longer than any', `EIO=4&transport=polling&sid=${'x'.repeat(2000)}`, {}, 400, error(1, 'Session ID unknown')],
	]) {
		test(`${name}: ${status}`, async () => {
			const r = await fetch(`${echo.url}/engine.io/?${query}`, init);

			assert.equal(r.status, status);
			const text = await r.text();

			if (body) {
				assert.equal(text, body);
				assert.equal(r.headers.get('content-type'), 'application/json');
			} else {
				assert.match(text, /^0\{/);
			}
		});
	}

	for (const [name, query, body] of [
		['no transport', 'EIO=4', 'Transport unknown'],
		['polling', 'EIO=4&transport=polling', 'Bad request'],
		['an unknown sid', 'EIO=4&transport=websocket&sid=abc', 'Session ID unknown'],
		['protocol 3', 'EIO=3&transport=websocket', 'Unsupported protocol version'],
		['no protocol', 'transport=websocket', 'Unsupported protocol version'],
	]) {
		test(`an Upgrade with ${name}: 400 and the end`, async () => {
			const s = new RawSocket(echo.port).write(handshake(`/engine.io/?${query}`));
			const r = await s.answer();

			assert.deepEqual([r.status, r.headers.connection, r.body], [400, 'close', body]);
			await s.ended;
		});
	}

	test('the path, with and without a slash, and nothing else', async () => {
		for (const [path, status] of [['/engine.io', 200], ['/engine.io/', 200], ['/engine.io/x', 404], ['/engine.iox', 404]])
			assert.equal((await fetch(`${echo.url}${path}?EIO=4&transport=polling`)).status, status);
		(await new RawWs(echo.port).open('/engine.io?EIO=4&transport=websocket')).destroy();
	});

	test('a sid may be escaped', async () => {
		const p = await new Polling(echo).open();
		const sid = [...p.hello.sid].map((c) => `%${c.charCodeAt(0).toString(16)}`).join('');

		await p.post('4x');
		assert.equal(await (await fetch(`${p.base}&sid=${sid}`)).text(), '4x');
	});

	test('methods that mean nothing do nothing to a session', async () => {
		const p = await new Polling(echo).open();

		await p.post('4x');
		for (const method of ['PUT', 'DELETE', 'PATCH', 'HEAD'])
			assert.equal((await fetch(p.url, { method })).status, 400, method);
		assert.deepEqual(await p.get(), { status: 200, body: '4x' });
	});

	test('every answer says what it is', async () => {
		const p = await new Polling(echo).open();
		const posted = await fetch(p.url, { method: 'POST', body: '4ї' });
		const got = await fetch(p.url);

		assert.match(posted.headers.get('content-type'), /^text\/html/);
		assert.equal(got.headers.get('content-type'), 'text/plain; charset=UTF-8');
		assert.deepEqual([posted.headers.get('content-length'), got.headers.get('content-length')], ['2', '3']);
	});

	test('a POST that does not say what it is', async () => {
		const p = await new Polling(echo).open();
		const target = new URL(p.url);
		const r = await raw(echo.port, `POST ${target.pathname}${target.search} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n4x`);

		assert.deepEqual([r.status, r.body], [200, 'ok']);
		assert.equal((await p.get()).body, '4x');
	});

	test('a HEAD is no handshake', async () => {
		const r = await fetch(`${echo.url}/engine.io/?EIO=4&transport=polling`, { method: 'HEAD' });

		assert.equal(r.status, 400);
	});

	test('messages come back, text and binary, several at once', async () => {
		const p = await new Polling(echo).open();

		assert.deepEqual(await p.post(`4one${RS}bAQIDBA==${RS}4ї${RS}4`), { status: 200, body: 'ok' });
		assert.deepEqual(await p.get(), { status: 200, body: `4one${RS}bAQIDBA==${RS}4ї${RS}4` });
	});

	test('binary of the Java client: base64 in lines of 76, each with its end', async () => {
		const p = await new Polling(echo).open();
		const bytes = Buffer.from(Array.from({ length: 200 }, (_, i) => i));
		const lines = bytes.toString('base64').replace(/.{1,76}/g, '$&\n');

		assert.equal((await p.post(`4one${RS}b${lines}${RS}b${RS}bYWI=\n${RS}4two`)).status, 200);
		assert.equal((await p.get()).body, `4one${RS}b${bytes.toString('base64')}${RS}b${RS}bYWI=${RS}4two`);
	});

	test('a GET waits for what comes', async () => {
		const p = await new Polling(echo).open();
		const got = p.get();

		await sleep(100);
		await p.post('4late');
		assert.deepEqual(await got, { status: 200, body: '4late' });
	});

	test('open, upgrade and noop packets from a client mean nothing', async () => {
		const p = await new Polling(echo).open();

		assert.equal((await p.post(`0${RS}5${RS}6${RS}3${RS}4x`)).status, 200);
		assert.equal((await p.get()).body, '4x');
	});

	for (const [name, body] of [
		['an unknown type', '4first\x1eabc'], ['nothing', ''], ['a trailing separator', '4first\x1e'], ['a ping', '2'],
		['bad base64', 'bAQID*A=='], ['stray bits in base64', 'bAR=='], ['no UTF-8', Buffer.from([0x34, 0xff])],
	]) {
		test(`${name} ends the session`, async () => {
			const p = await new Polling(echo).open();

			assert.equal((await p.post(body)).status, 400);
			assert.equal((await p.get()).body, error(1, 'Session ID unknown'));
		});
	}

	test('a payload of protocol 3 ends the session', async () => {
		const p = await new Polling(echo).open();

		assert.equal((await p.post('x', { headers: { 'content-type': 'application/octet-stream' } })).status, 400);
		assert.equal((await p.get()).status, 400);
	});

	test('exactly the maximum passes; more is 413 and the session stays', async () => {
		const p = await new Polling(echo).open();

		assert.equal((await p.post(`4${'x'.repeat(19999)}`)).status, 200);
		assert.equal((await p.get()).body.length, 20000);
		assert.equal((await p.post(`4${'x'.repeat(20000)}`)).status, 413);
		assert.equal((await p.post('4still')).status, 200);
		assert.equal((await p.get()).body, '4still');
	});

	test('a body without a length is taken, and bounded', async () => {
		const chunks = (list) => new ReadableStream({ start(c) { list.forEach((x) => c.enqueue(Buffer.from(x))); c.close(); } });
		const p = await new Polling(echo).open();

		assert.equal((await p.post(chunks(['4a', 'b', '\x1e4c']), { duplex: 'half' })).status, 200);
		assert.equal((await p.get()).body, '4ab\x1e4c');
		assert.equal((await p.post(chunks(Array(30).fill('4'.repeat(1000))), { duplex: 'half' })).status, 413);
		assert.equal((await p.post('4still')).status, 200);
		assert.equal((await p.get()).body, '4still');
	});

	test('an announced flood is refused before it is sent', async () => {
		const p = await new Polling(echo).open();
		const target = new URL(p.url);
		const r = await raw(echo.port, `POST ${target.pathname}${target.search} HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n`);

		assert.equal(r.status, 413);
	});

	test('a client that closes gets its GET back, and is gone', async () => {
		const p = await new Polling(echo).open();
		const got = p.get();

		await sleep(50);
		assert.equal((await p.post(`1${RS}4ignored`)).status, 200);
		assert.equal((await got).body, '6');
		assert.equal((await p.get()).body, error(1, 'Session ID unknown'));
	});

	test('a second GET ends both and the session', async () => {
		const p = await new Polling(echo).open();
		const first = p.get();

		await sleep(50);
		assert.equal((await p.get()).status, 400);
		assert.deepEqual(await first, { status: 200, body: '1' });
		assert.equal((await p.get()).body, error(1, 'Session ID unknown'));
	});

	test('a second POST while one is under way ends the session', async () => {
		const p = await new Polling(echo).open();
		const target = new URL(p.url);
		const slow = new RawSocket(echo.port).write(`POST ${target.pathname}${target.search} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n4a`);

		await sleep(50);
		assert.equal((await p.post('4b')).status, 400);
		slow.write('bcd');
		assert.equal((await slow.answer()).status, 400);
		slow.destroy();
		assert.equal((await p.get()).status, 400);
	});

	test('who goes away from an open GET is gone at once', async () => {
		const p = await new Polling(echo).open();
		const abort = new AbortController();
		const got = p.get({ signal: abort.signal }).catch(() => 'aborted');

		await sleep(50);
		abort.abort();
		assert.equal(await got, 'aborted');
		await gone(p);
	});

	test('who resets the connection of an open GET, too', async () => {
		const p = await new Polling(echo).open();
		const target = new URL(p.url);
		const s = new RawSocket(echo.port).write(`GET ${target.pathname}${target.search} HTTP/1.1\r\nHost: x\r\n\r\n`);

		await sleep(50);
		s.socket.resetAndDestroy();
		await gone(p);
	});

	test('a request sent ahead behind an open GET is answered after it', async () => {
		const p = await new Polling(echo).open();
		const target = new URL(p.url);
		const request = `GET ${target.pathname}${target.search} HTTP/1.1\r\nHost: x\r\n\r\n`;
		const s = new RawSocket(echo.port).write(request);

		await sleep(50);
		s.write(request);
		await sleep(50);
		await p.post('4one');
		assert.equal((await s.answer()).body, '4one');
		await sleep(50);
		await p.post('4two');
		assert.equal((await s.answer()).body, '4two');
		s.destroy();
	});

	test('an upload that breaks ends the session', async () => {
		const p = await new Polling(echo).open();
		const target = new URL(p.url);
		const s = new RawSocket(echo.port).write(`POST ${target.pathname}${target.search} HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n4a`);

		await sleep(50);
		s.destroy();
		assert.ok(['1', error(1, 'Session ID unknown')].includes((await p.get()).body)); /* this GET may be there first */
	});

	test('polling a WebSocket session is a bad request', async () => {
		const ws = await new RawWs(echo.port).open('/engine.io/?EIO=4&transport=websocket');
		const hello = JSON.parse((await ws.text()).slice(1));

		assert.deepEqual(hello.upgrades, []);
		for (const init of [{}, { method: 'POST', body: '4x' }]) {
			const r = await fetch(`${echo.url}/engine.io/?EIO=4&transport=polling&sid=${hello.sid}`, init);

			assert.equal(await r.text(), error(3, 'Bad request'));
		}
		ws.destroy();
	});
});

describe('heartbeats', LIMIT, () => {
	let echo;

	before(async () => { echo = await startEcho('--ping-interval', 300, '--ping-timeout', 2500); });
	after(() => echo.stop());

	test('a ping comes after the interval; a pong asks for the next', async () => {
		let from = Date.now();
		const p = await new Polling(echo).open();

		for (let i = 0; i < 3; i++) {
			assert.equal((await p.get()).body, '2');
			assert.ok(Date.now() - from >= 290, `after ${Date.now() - from} ms`);
			from = Date.now();
			assert.equal((await p.post('3')).status, 200);
		}
	});

	test('who answers no ping is gone after interval and timeout, with and without an open GET', async () => {
		const silent = await new Polling(echo).open();
		const from = Date.now();
		const waiting = await new Polling(echo).open();

		assert.equal((await waiting.get()).body, '2');
		assert.deepEqual(await waiting.get(), { status: 200, body: '1' });
		assert.ok(Date.now() - from >= 2790, `after ${Date.now() - from} ms`);
		assert.equal((await silent.get()).status, 400);
	});

	test('an error on WebSocket closes it, so does a client that says so', async () => {
		for (const packet of ['1', '2', '2probe', '', 'x', '7', 'b*', 'bAR==']) {
			const ws = await new RawWs(echo.port).open('/engine.io/?EIO=4&transport=websocket');

			await ws.text();
			ws.send(packet);
			assert.equal(await ws.closeCode(), 1000, packet);
			ws.destroy();
		}
	});

	test('open, pong, upgrade and noop packets on WebSocket mean nothing; base64 is binary', async () => {
		const ws = await new RawWs(echo.port).open('/engine.io/?EIO=4&transport=websocket');

		await ws.text();
		for (const packet of ['0', '3', '3data', '5', '6', 'bAQID'])
			ws.send(packet);
		const f = await ws.frame();

		assert.deepEqual([f.opcode, [...f.payload]], [2, [1, 2, 3]]);
		ws.destroy();
	});

	test('the same on WebSocket', async () => {
		const ws = await new RawWs(echo.port).open('/engine.io/?EIO=4&transport=websocket');

		await ws.text();
		for (let i = 0; i < 3; i++) {
			assert.equal(await ws.text(), '2');
			ws.send('3');
		}
		assert.equal(await ws.text(), '2');
		await ws.ended;
	});
});

describe('upgrade', LIMIT, () => {
	let echo;

	before(async () => { echo = await startEcho(); });
	after(() => echo.stop());

	const probe = (p) => new RawWs(echo.port).open(`/engine.io/?EIO=4&transport=websocket&sid=${p.hello.sid}`);

	/* One wake-up has it all, in this order. */
	async function heldBack(daemon, steps) {
		process.kill(daemon.process.pid, 'SIGSTOP');
		try {
			for (const step of steps) {
				step();
				await sleep(50);
			}
		} finally {
			process.kill(daemon.process.pid, 'SIGCONT');
		}
	}

	test('probe, release, switch; what is queued follows in order', async () => {
		const p = await new Polling(echo).open();
		const got = p.get();
		const ws = await probe(p);

		await sleep(30);
		ws.send('2probe');
		assert.equal(await ws.text(), '3probe');
		assert.equal((await got).body, '6');
		await p.post('4a');
		await p.post('4b');
		ws.send('5');
		assert.equal(await ws.text(), '4a');
		assert.equal(await ws.text(), '4b');
		ws.send('4c');
		assert.equal(await ws.text(), '4c');
		assert.equal((await p.get()).body, error(3, 'Bad request'));
		ws.destroy();
	});

	test('a switch without waiting, in one segment, or without a probe', async () => {
		for (const packets of [['2probe', '5', '4x'], ['5', '4x']]) {
			const p = await new Polling(echo).open();
			const got = p.get();
			const ws = await probe(p);

			await sleep(30);
			for (const packet of packets)
				ws.send(packet);
			if (packets.length === 3)
				assert.equal(await ws.text(), '3probe');
			assert.equal(await ws.text(), '4x');
			assert.equal((await got).body, '6');
			ws.destroy();
		}
	});

	test('a request right behind the switch finds the session upgraded, whatever is handled first', async () => {
		for (let round = 0; round < 3; round++) {
			const p = await new Polling(echo).open();
			const ws = await probe(p);
			const [early, late] = [new RawSocket(echo.port), new RawSocket(echo.port)];
			const ask = (s, path) => s.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);

			for (const s of [early, late]) { /* HTTP knows them: they are no new connections */
				ask(s, '/nothing');
				await s.answer();
			}
			await heldBack(echo, [
				() => ask(early, '/nothing'),
				() => ws.send('2probe').send('5'),
				() => ask(late, `/engine.io/?EIO=4&transport=polling&sid=${p.hello.sid}`),
			]);
			assert.equal((await late.answer()).body, error(3, 'Bad request'));
			assert.equal(await ws.text(), '3probe');
			ws.send('4x');
			assert.equal(await ws.text(), '4x');
			for (const s of [early, late, ws])
				s.destroy();
		}
	});

	test('polls are released no more often than every 100 ms', async () => {
		const p = await new Polling(echo).open();
		const ws = await probe(p);
		const from = Date.now();

		ws.send('2probe');
		assert.equal(await ws.text(), '3probe');
		for (let i = 0; i < 4; i++)
			assert.equal((await p.get()).body, '6');
		assert.ok(Date.now() - from >= 290, `4 polls in ${Date.now() - from} ms`);
		ws.destroy();
	});

	test('anything else, or a lost probe, leaves the session on polling', async () => {
		const p = await new Polling(echo).open();

		for (const wrong of ['40', '4x', '3', '']) {
			const ws = await probe(p);

			ws.send(wrong);
			await ws.closeCode();
			ws.destroy();
		}
		const lost = await probe(p);

		lost.destroy();
		await sleep(30);
		await p.post('4still');
		assert.equal((await p.get()).body, '4still');
		const good = await probe(p);

		good.send('5');
		good.send('4y');
		assert.equal(await good.text(), '4y');
		good.destroy();
	});

	test('a probe of another protocol is refused', async () => {
		const p = await new Polling(echo).open();
		const s = new RawSocket(echo.port).write(handshake(`/engine.io/?EIO=3&transport=websocket&sid=${p.hello.sid}`));

		assert.equal((await s.answer()).status, 400);
		await p.post('4still');
		assert.equal((await p.get()).body, '4still');
	});

	test('what comes meanwhile goes by the open GET', async () => {
		const p = await new Polling(echo).open();
		const ws = await probe(p);
		const got = p.get();

		await sleep(30);
		await p.post('4meanwhile');
		assert.equal((await got).body, '4meanwhile');
		ws.send('5');
		ws.send('4x');
		assert.equal(await ws.text(), '4x');
		ws.destroy();
	});

	test('a second probe is refused, the first goes on', async () => {
		const p = await new Polling(echo).open();
		const ws = await probe(p);

		await assert.rejects(probe(p), /400|closed/);
		ws.send('5');
		ws.send('4x');
		assert.equal(await ws.text(), '4x');
		await assert.rejects(probe(p), /400|closed/);
		ws.send('4y');
		assert.equal(await ws.text(), '4y');
		ws.destroy();
	});
});
