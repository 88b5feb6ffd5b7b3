/* tls.test.mjs - HTTP, polling and WebSocket over TLS on one port */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { io } from 'socket.io-client';
import WebSocket from 'ws';

import { frame, handshake, raw, sleep, startEcho } from './lib/echo.mjs';
import { Certificates, TlsRaw, sClient, shake, startTlsEcho } from './lib/tls.mjs';
import { until } from './lib/suite.mjs';

const LIMIT = { timeout: 120000 };
const certs = new Certificates().make('ec', 'ec').make('rsa', 'rsa').make('other', 'ec');
const trust = { ca: certs.ca, servername: 'localhost' };
const descriptors = (echo) => fs.readdirSync(`/proc/${echo.process.pid}/fd`).length;

function connect(url, options = {}) {
	const socket = io(url, { forceNew: true, reconnection: false, rejectUnauthorized: false, ...options });

	return new Promise((resolve, reject) => {
		socket.once('connect', () => resolve(socket));
		socket.once('connect_error', reject);
	});
}

const ack = (socket, event, ...args) => new Promise((resolve) => { socket.emit(event, ...args, (...answer) => resolve(answer)); });

function openWs(echo, path = '/ws/') {
	const ws = new WebSocket(`wss://127.0.0.1:${echo.port}${path}`, { rejectUnauthorized: false, perMessageDeflate: false });

	return new Promise((resolve, reject) => {
		ws.once('open', () => resolve(ws));
		ws.once('error', reject);
	});
}

const message = (ws) => new Promise((resolve) => {
	ws.once('message', resolve);
});

/* One request; agent: https.Agent. */
function request(echo, path, { method = 'GET', body, agent, signal } = {}) {
	return new Promise((resolve, reject) => {
		const r = https.request(`${echo.url}${path}`, { method, agent, signal, rejectUnauthorized: false }, (answer) => {
			const parts = [];

			answer.on('data', (d) => parts.push(d));
			answer.on('end', () => resolve({ status: answer.statusCode, body: Buffer.concat(parts).toString() }));
			answer.on('error', reject);
		});

		r.on('error', reject);
		r.end(body);
	});
}

const polling = (extra = '') => `/engine.io/?EIO=4&transport=polling${extra}`;
const openSession = async (echo, options) => JSON.parse((await request(echo, polling(), options)).body.slice(1)).sid;

describe('over TLS', LIMIT, () => {
	let echo;

	before(async () => { echo = await startTlsEcho(...certs.args('ec', 'rsa')); });
	after(() => echo.stop());

	for (const [name, options, expected] of [
		['polling only', { transports: ['polling'] }, 'polling'],
		['WebSocket only', { transports: ['websocket'] }, 'websocket'],
		['default, with upgrade', {}, 'websocket'],
	]) {
		test(`socket.io-client, ${name}: events, binary, large ones both ways`, async () => {
			const s = await connect(echo.url, options);
			const args = [1, 'ї'.repeat(200000), { 3: [true, null, 1.5e300] }, Buffer.alloc(300000, 5)];

			assert.deepEqual(await ack(s, 'message-with-ack', ...args), args);
			await until('the transport is there', () => s.io.engine.transport.name === expected);
			assert.deepEqual(await ack(s, 'message-with-ack', ...args), args);
			s.close();
		});
	}

	test('a certificate is trusted by its chain, RSA and ECDSA side by side', () => {
		for (const [algorithm, key] of [['RSA-PSS+SHA256', 'rsa'], ['ECDSA+SHA256', 'ec']]) {
			const text = sClient(echo.port, '-CAfile', certs.file('root.crt'), '-sigalgs', algorithm, '-verify_return_error', '-verify_hostname', 'localhost');

			assert.match(text, /Verify return code: 0 \(ok\)/);
			assert.match(text, new RegExp(`subject=CN ?= ?${key}\n`));
		}
	});

	for (const [args, ok, expected] of [
		[['-tls1_3'], true, /TLSv1\.3, Cipher is TLS_/],
		[['-tls1_2'], true, /TLSv1\.2, Cipher is ECDHE-ECDSA-(AES128-GCM|CHACHA20)/],
		[['-tls1_1', '-cipher', 'DEFAULT@SECLEVEL=0'], false],
		[['-tls1_2', '-cipher', 'AES128-GCM-SHA256'], false],
		[['-tls1_2', '-cipher', 'ECDHE-RSA-AES128-SHA'], false],
		[['-alpn', 'h2,http/1.1'], true, /ALPN protocol: http\/1\.1/],
		[['-alpn', 'h2'], false],
	]) {
		test(`openssl s_client ${args.join(' ')}: ${ok ? 'served' : 'refused'}`, () => {
			const text = sClient(echo.port, ...args);

			if (ok)
				assert.match(text, expected);
			assert[ok ? 'doesNotMatch' : 'match'](text, /Cipher is \(NONE\)/);
			assert.doesNotMatch(text, /Compression: (?!NONE)/);
		});
	}

	test('a plain request is told to speak https', async () => {
		const r = await raw(echo.port, 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');

		assert.equal(r.status, 400);
		assert.equal(r.body, 'this port speaks https\n');
	});

	test('TLS to a plain port ends at once', async () => {
		const plain = await startEcho();

		await assert.rejects(shake(plain.port));
		await plain.stop();
	});

	test('many requests on one connection', async () => {
		const agent = new https.Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
		const sid = await openSession(echo, { agent });
		let sockets = 0;

		agent.on('free', (s) => { sockets = new Set([...(agent.seen ?? []), s]).size; agent.seen = [s]; });
		for (let i = 0; i < 100; i++) {
			const got = request(echo, polling(`&sid=${sid}`), { agent });

			assert.equal((await request(echo, polling(`&sid=${sid}`), { method: 'POST', body: `4n${i}` })).body, 'ok');
			assert.equal((await got).body, `4n${i}`);
		}
		assert.equal(sockets, 1);
		agent.destroy();
	});

	test('a body to the limit, and one above it', async () => {
		const sid = await openSession(echo);
		const text = `4${'x'.repeat(999999)}`;

		assert.equal((await request(echo, polling(`&sid=${sid}`), { method: 'POST', body: text })).body, 'ok');
		assert.equal((await request(echo, polling(`&sid=${sid}`))).body.length, 1000000);
		assert.equal((await request(echo, polling(`&sid=${sid}`), { method: 'POST', body: `${text}x` })).status, 413);
	});

	test('who goes away from an open GET is gone at once', async () => {
		const sid = await openSession(echo);
		const abort = new AbortController();
		const got = request(echo, polling(`&sid=${sid}`), { signal: abort.signal }).catch(() => 'aborted');

		await sleep(150);
		abort.abort();
		assert.equal(await got, 'aborted');
		await until('the session is gone', async () => (await request(echo, polling(`&sid=${sid}`), { method: 'POST', body: '4' })).status === 400);
	});

	test('a client that ends its side gets its answer', async () => {
		const s = new TlsRaw(echo.port);

		s.write(`GET ${polling()} HTTP/1.1\r\nHost: localhost\r\n\r\n`).socket.end();
		assert.equal((await s.answer()).status, 200);
		await s.ended;
	});

	test('pipelined requests, an upgrade behind them, frames behind that, all in one write', async () => {
		const s = new TlsRaw(echo.port);
		const get = `GET ${polling()} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
		const texts = ['first', 'z'.repeat(9000), 'last'];

		s.write(Buffer.concat([Buffer.from(get + get + handshake('/ws/')), ...texts.map((t) => frame(1, t))]));
		assert.equal((await s.answer()).status, 200);
		assert.equal((await s.answer()).status, 200);
		const head = await s.until((b) => b.indexOf('\r\n\r\n') >= 0 && b, 'a handshake');

		assert.match(head.toString('latin1'), /^HTTP\/1.1 101 /);
		s.bytes = s.bytes.subarray(head.indexOf('\r\n\r\n') + 4);
		for (const t of texts)
			assert.equal(await s.text(), t);
		s.destroy();
	});

	test('frames behind the upgrade request, more than the way to HTTP holds', async () => {
		const texts = Array.from({ length: 40 }, (_, i) => `${i}`.padEnd(9000, 'w'));
		const s = await new TlsRaw(echo.port).open('/ws/', { behind: Buffer.concat(texts.map((t) => frame(1, t))) });

		for (const t of texts)
			assert.equal(await s.text(), t);
		s.destroy();
	});

	test('ws: a million bytes and ten thousand messages, both ways', async () => {
		const ws = await openWs(echo);
		const big = Buffer.alloc(1000000, 7);
		let n = 0;

		ws.send(big);
		assert.deepEqual(await message(ws), big);
		const done = new Promise((resolve) => { ws.on('message', () => { if (++n === 10000) resolve(); }); });

		for (let i = 0; i < 10000; i++)
			ws.send(`message ${i}`);
		await done;
		const closed = new Promise((resolve) => { ws.once('close', resolve); });

		ws.close(1000);
		assert.equal(await closed, 1000);
	});

	test('descriptors are given back: handshakes broken off anywhere, WebSockets cut, requests left', async () => {
		const before = descriptors(echo);
		const hello = await new Promise((resolve) => {
			const server = net.createServer((s) => s.once('data', (d) => { resolve(d); s.destroy(); server.close(); }));

			server.listen(0, '127.0.0.1', () => shake(server.address().port).catch(() => {}));
		});

		for (let i = 0; i < 200; i++) {
			const s = net.connect(echo.port, '127.0.0.1');

			s.on('error', () => {});
			s.write(hello.subarray(0, 1 + i * 3 % hello.length), () => (i % 2 ? s.destroy() : s.end()));
		}
		for (let i = 0; i < 20; i++)
			(await openWs(echo)).terminate();
		for (let i = 0; i < 20; i++) {
			const s = await shake(echo.port);

			s.write(i % 2 ? 'GET / HT' : 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', () => s.destroy());
		}
		await until('descriptors are back', () => descriptors(echo) <= before);
	});

	test('garbage inside a connection ends that one only', async () => {
		const ws = await openWs(echo);
		const s = net.connect(echo.port, '127.0.0.1');
		const closed = new Promise((resolve) => { s.once('close', resolve); });

		s.on('error', () => {});
		s.resume();
		s.write(Buffer.concat([Buffer.from([0x16, 3, 1, 0, 200]), Buffer.alloc(400, 0xff)]));
		await closed;
		ws.send('still here');
		assert.equal(String(await message(ws)), 'still here');
		ws.terminate();
	});
});

describe('clients that do not go on', LIMIT, () => {
	let echo;

	before(async () => { echo = await startTlsEcho(...certs.args('ec'), '--step', '1000', '--queue-hard', '2000000'); });
	after(() => echo.stop());

	for (const [name, begin] of [
		['nothing at all', () => net.connect(echo.port, '127.0.0.1')],
		['a byte of a handshake', () => net.connect(echo.port, '127.0.0.1').setNoDelay().on('connect', function () { this.write(Buffer.from([0x16])); })],
		['a handshake and no request', () => shake(echo.port)],
		['half a request', async () => (await shake(echo.port)).on('secure', () => {}).setNoDelay()],
	]) {
		test(`${name}: cut after its time`, async () => {
			const begun = Date.now();
			const s = await begin();

			if (name === 'half a request')
				s.write('GET / HTTP/1.1\r\nHo');
			s.on('error', () => {});
			s.resume();
			await new Promise((resolve) => { s.once('close', resolve); });
			assert.ok(Date.now() - begun > 700);
		});
	}

	test('a handshake a byte at a time has no more time than one at once', async () => {
		const s = net.connect(echo.port, '127.0.0.1');
		let closed = false;

		s.on('error', () => {});
		s.once('close', () => { closed = true; });
		s.resume();
		for (const byte of [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, ...Buffer.alloc(200)]) {
			if (closed)
				break;
			s.write(Buffer.from([byte]));
			await sleep(50);
		}
		assert.ok(closed, 'before the last byte');
	});

	test('a WebSocket that never reads is cut, others are served meanwhile', async () => {
		const dead = await openWs(echo);
		const alive = await openWs(echo);
		const gone = new Promise((resolve) => { dead.once('close', resolve); });
		let over = false;

		gone.then(() => { over = true; });
		dead.on('error', () => {});
		dead._socket.pause();
		for (let i = 0; i < 100; i++)
			dead.send(Buffer.alloc(500000, i), () => {});
		for (let i = 0; i < 50; i++) {
			alive.send(`${i}`);
			assert.equal(String(await message(alive)), `${i}`);
		}
		await sleep(500);
		dead._socket.resume();
		await gone;
		assert.ok(over);
		alive.terminate();
	});

	test('a client that never takes its answer is cut', async () => {
		const before = descriptors(echo);
		const sid = await openSession(echo);

		for (let i = 0; i < 9; i++)
			await request(echo, polling(`&sid=${sid}`), { method: 'POST', body: `4${'x'.repeat(200000)}` });
		const s = await shake(echo.port);

		s.on('error', () => {});
		s.pause();
		s.write(`GET ${polling(`&sid=${sid}`)} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
		await until('the connection is cut', () => descriptors(echo) <= before);
		s.destroy();
	});
});

describe('tickets and new certificates', LIMIT, () => {
	for (const version of ['TLSv1.2', 'TLSv1.3']) {
		test(`${version}: a session is resumed after a restart, and not without the kept keys`, async () => {
			const dir = new Certificates().make('ec', 'ec');
			const args = [...dir.args('ec'), '--state-dir', dir.dir];
			const options = { minVersion: version, maxVersion: version };
			let echo = await startTlsEcho(...args);
			const first = await shake(echo.port, options);
			const session = version === 'TLSv1.2' ? first.getSession() : await new Promise((resolve) => { first.once('session', resolve); });

			assert.equal(first.isSessionReused(), false);
			first.destroy();
			await echo.stop();
			assert.equal(fs.statSync(dir.file('tls-tickets')).mode & 0o777, 0o600);
			for (const reused of [true, false]) {
				echo = await startTlsEcho(...args);
				const again = await shake(echo.port, { ...options, session });

				assert.equal(again.isSessionReused(), reused);
				again.destroy();
				await echo.stop();
				fs.rmSync(dir.file('tls-tickets'));
			}
		});
	}

	for (const [name, ask] of [['SIGHUP', (echo) => echo.process.kill('SIGHUP')], ['themselves', () => {}]]) {
		test(`new certificates are served on ${name}; who is connected stays`, async () => {
			const dir = new Certificates().make('ec', 'ec').make('new', 'ec');
			const echo = await startTlsEcho(...dir.args('ec'));
			const ws = await openWs(echo);
			const subject = async () => {
				const s = await shake(echo.port);
				const { CN } = s.getPeerCertificate().subject;

				s.destroy();
				return CN;
			};

			assert.equal(await subject(), 'ec');
			dir.replace('new', 'ec');
			ask(echo);
			await until('the new one is served', async () => await subject() === 'new');
			ws.send('still here');
			assert.equal(String(await message(ws)), 'still here');
			fs.chmodSync(dir.file('ec.key'), 0o644);
			ask(echo);
			await until('the log says why not', () => /ec\.key: others may read or write this key/.test(echo.logText()));
			await sleep(2500);
			assert.equal(await subject(), 'new');
			assert.ok(echo.logText().match(/stay in force/g).length <= 2);
			ws.terminate();
			await echo.stop();
		});
	}

	test('a browser-like client with a name to check is content', async () => {
		const echo = await startTlsEcho(...certs.args('ec', 'rsa'));
		const s = await shake(echo.port, { ...trust, rejectUnauthorized: true });

		assert.equal(s.authorized, true);
		s.destroy();
		await echo.stop();
	});
});
