/* sio_websocket.test.mjs - WebSocket frames by hand (RFC 6455), and Socket.IO packets no client would send */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import WebSocket from 'ws';

import { RawWs, frame, handshake, raw, sleep, startEcho } from './lib/echo.mjs';

const LIMIT = { timeout: 60000 };
const b = (...bytes) => Buffer.from(bytes);

describe('WebSocket', LIMIT, () => {
	let echo;

	before(async () => { echo = await startEcho('--max-payload', 100000); });
	after(() => echo.stop());

	const open = (options) => new RawWs(echo.port).open('/ws/', options);

	test('the accept value is that of RFC 6455 section 1.3; nothing is negotiated', async () => {
		const ws = await open({ extra: 'Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Protocol: a, b\r\n' });

		assert.match(ws.head, /Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/i);
		assert.doesNotMatch(ws.head, /Sec-WebSocket-(Extensions|Protocol)/i);
		ws.destroy();
	});

	test('messages of every length class come back', async () => {
		const ws = await open();

		for (const n of [0, 1, 125, 126, 127, 65535, 65536, 100000]) {
			for (const opcode of [1, 2]) {
				ws.write(frame(opcode, 'x'.repeat(n)));
				const f = await ws.frame();

				assert.equal(f.opcode, opcode);
				assert.equal(f.payload.length, n);
			}
		}
		ws.destroy();
	});

	test('frames that come with the handshake, and byte by byte', async () => {
		const ws = await open({ behind: frame(1, 'early') });

		assert.equal(await ws.text(), 'early');
		for (const byte of Buffer.concat([frame(1, 'slo', { fin: false }), frame(9, 'p'), frame(0, 'w')])) {
			ws.write(b(byte));
			await sleep(1);
		}
		const pong = await ws.frame();

		assert.deepEqual([pong.opcode, pong.payload.toString()], [10, 'p']);
		assert.equal(await ws.text(), 'slow');
		ws.destroy();
	});

	test('a character may be cut by fragments', async () => {
		const ws = await open();

		ws.write(frame(1, b(0xd1), { fin: false }));
		ws.write(frame(0, b(0x97)));
		assert.equal(await ws.text(), 'ї');
		ws.destroy();
	});

	for (const [name, bytes, code] of [
		['unmasked', frame(1, 'x', { masked: false }), 1002],
		['RSV1', frame(1, 'x', { head: 0xc1 }), 1002],
		['opcode 3', frame(3, 'x'), 1002],
		['opcode 11', frame(11, 'x'), 1002],
		['a fragmented ping', frame(9, 'x', { fin: false }), 1002],
		['a ping of 126 bytes', frame(9, 'x'.repeat(126)), 1002],
		['a stray continuation', frame(0, 'x'), 1002],
		['a message inside a message', Buffer.concat([frame(1, 'x', { fin: false }), frame(1, 'y')]), 1002],
		['a length not in its shortest form', b(0x81, 0xfe, 0, 1, 0, 0, 0, 0, 1), 1002],
		['a close code of 1005', frame(8, b(3, 0xed)), 1002],
		['a close of one byte', frame(8, b(3)), 1002],
		['a close reason that is no UTF-8', frame(8, b(3, 0xe8, 0xff)), 1007],
		['text that is no UTF-8', frame(1, b(0xc0, 0x80)), 1007],
		['text that ends in a character', frame(1, b(0xe2, 0x82)), 1007],
		['too big by its header', frame(1, 'x', { length: 100001 }), 1009],
		['too big by the sum', Buffer.concat([frame(2, Buffer.alloc(60000), { fin: false }), frame(0, Buffer.alloc(60000))]), 1009],
		['a close without code', frame(8), 1005],
		['a close', frame(8, b(3, 0xe8, 0x62)), 1000],
		['a close with a code of its own', frame(8, b(0x0f, 0xa0)), 4000],
	]) {
		test(`${name}: ${code}`, async () => {
			const ws = await open();

			ws.write(bytes);
			assert.equal(await ws.closeCode(), code);
			await ws.ended;
		});
	}

	for (const [name, change, status] of [
		['version 8', (h) => h.replace('Version: 13', 'Version: 8'), 400],
		['no version', (h) => h.replace('Sec-WebSocket-Version: 13\r\n', ''), 400],
		['no key', (h) => h.replace(/Sec-WebSocket-Key.*\r\n/, ''), 400],
		['a short key', (h) => h.replace('dGhlIHNhbXBsZSBub25jZQ==', 'dGhlIA=='), 400],
		['no Connection: Upgrade', (h) => h.replace('Connection: Upgrade', 'Connection: keep-alive'), 400],
		['a body', (h) => h.replace('\r\n\r\n', '\r\nContent-Length: 1\r\n\r\nx'), 400],
	]) {
		test(`a handshake with ${name}: ${status}`, async () => {
			const r = await raw(echo.port, change(handshake('/ws/')));

			assert.equal(r.status, status);
			assert.equal(r.headers['sec-websocket-version'], '13');
			assert.equal(r.headers.connection?.toLowerCase(), 'close');
		});
	}

	for (const [name, path, message] of [
		['polling', '/engine.io/?EIO=4&transport=polling', 'Bad request'],
		['protocol 3', '/engine.io/?EIO=3&transport=websocket', 'Unsupported protocol version'],
		['an unknown session', '/engine.io/?EIO=4&transport=websocket&sid=x', 'Session ID unknown'],
		['no transport', '/engine.io/?EIO=4', 'Transport unknown'],
	]) {
		test(`an upgrade for ${name} is refused before it happens`, async () => {
			const r = await raw(echo.port, handshake(path));

			assert.deepEqual([r.status, r.body], [400, message]);
		});
	}

	test("npm's ws: fragments, pings, a polite close", async () => {
		const ws = new WebSocket(`${echo.url.replace('http', 'ws')}/ws/`);
		const messages = [];

		await new Promise((resolve) => { ws.on('open', resolve); });
		ws.on('message', (m) => messages.push(m.toString()));
		ws.send('a', { fin: false });
		ws.send('b', { fin: true });
		ws.ping('p');
		assert.equal((await new Promise((resolve) => { ws.once('pong', resolve); })).toString(), 'p');
		assert.deepEqual(messages, ['ab']);
		ws.close(4001, 'bye');
		assert.equal(await new Promise((resolve) => { ws.on('close', resolve); }), 4001);
	});

	test('many small messages in one segment', async () => {
		const ws = await open();

		ws.write(Buffer.concat(Array.from({ length: 5000 }, (_, i) => frame(1, String(i)))));
		for (let i = 0; i < 5000; i++)
			assert.equal(await ws.text(), String(i));
		ws.destroy();
	});
});

describe('Engine.IO on WebSocket', LIMIT, () => {
	let echo;

	before(async () => { echo = await startEcho(); });
	after(() => echo.stop());

	for (const wrong of ['', 'abc', '2', '1', 'b@', '9']) {
		test(`"${wrong}" ends the session`, async () => {
			const ws = await new RawWs(echo.port).open('/engine.io/?EIO=4&transport=websocket');

			await ws.text();
			ws.send(wrong);
			await ws.closeCode();
			ws.write(frame(8, b(3, 0xe8)));
			await ws.ended;
		});
	}

	test('binary is a message as it is, and as base64', async () => {
		const ws = await new RawWs(echo.port).open('/engine.io/?EIO=4&transport=websocket');

		await ws.text();
		ws.write(frame(2, b(1, 2, 3)));
		assert.deepEqual((await ws.frame()).payload, b(1, 2, 3));
		ws.send('bAQID');
		assert.deepEqual((await ws.frame()).payload, b(1, 2, 3));
		ws.destroy();
	});
});

describe('Socket.IO packets', LIMIT, () => {
	let echo, hasty;

	before(async () => {
		echo = await startEcho();
		hasty = await startEcho('--ping-interval', 400, '--ping-timeout', 5000, '--connect-timeout', 300);
	});
	after(() => Promise.all([echo, hasty].map((e) => e?.stop())));

	async function open(connect = '40', at = echo) {
		const ws = await new RawWs(at.port).open('/socket.io/?EIO=4&transport=websocket');

		assert.equal((await ws.text())[0], '0');
		if (connect) {
			ws.send(connect);
			assert.match(await ws.text(), /^40(\/custom,)?{"sid":"[A-Za-z0-9_-]{20}"}$/);
			assert.match(await ws.text(), /^42(\/custom,)?\["auth",/);
		}
		return ws;
	}

	for (const [name, packet] of [
		['no type', '4'], ['an unknown type', '49'], ['broken JSON', '42{'], ['trailing bytes', '42["a"]x'], ['an EVENT that is no array', '42{}'],
		['an EVENT without a name', '42[]'], ['an EVENT with a null name', '42[null]'], ['an EVENT without payload', '42'],
		['an ACK that is no array', '431{}'], ['a DISCONNECT with payload', '41{}'], ['a CONNECT_ERROR', '44{"message":"x"}'],
		['a second CONNECT', '40'], ['a namespace that was not joined', '42/custom,["a"]'], ['an ACK in one', '43/custom,1[]'],
		['a reserved event', '42["disconnect"]'], ['connect as an event', '42["connect"]'], ['newListener', '42["newListener"]'],
		['no attachments', '450-["a"]'], ['too many attachments', '4511-["a"]'], ['a sign', '45-1-["a"]'], ['an exponent', '451e1-["a"]'],
		['a placeholder out of range', '451-["a",{"_placeholder":true,"num":1}]'], ['a placeholder without a number', '451-["a",{"_placeholder":true}]'],
		['a long id', '4212345678901234567["a"]'], ['an id above 2^53-1', '429007199254740992["a"]'], ['JSON too deep', `42["a",${'['.repeat(70)}${']'.repeat(70)}]`],
		['a lone surrogate', '42["a","\\ud800"]'], ['binary when none is due', Buffer.from('x')],
		['text while binary is due', ['451-["a",{"_placeholder":true,"num":0}]', '42["a"]']],
		['an event name of 129 bytes', `42["${'n'.repeat(129)}"]`], ['a long namespace', `40/${'n'.repeat(128)}`],
	]) {
		test(`${name} ends the connection`, async () => {
			const ws = await open();

			for (const p of [packet].flat())
				ws.write(Buffer.isBuffer(p) ? frame(2, p) : frame(1, p));
			await ws.closeCode();
			ws.destroy();
		});
	}

	for (const [name, packet] of [
		['an EVENT', '42["message"]'], ['a DISCONNECT', '41'], ['a CONNECT with an array', '40[]'], ['binary', Buffer.from('x')],
	]) {
		test(`${name} before CONNECT ends the connection`, async () => {
			const ws = await open(null);

			ws.write(Buffer.isBuffer(packet) ? frame(2, packet) : frame(1, packet));
			await ws.closeCode();
			ws.destroy();
		});
	}

	for (const [name, packet, answer] of [
		['an id with zeros in front', '42007["message-with-ack",1]', '437[1]'],
		['the largest id', '429007199254740991["message-with-ack"]', '439007199254740991[]'],
		['an event name as a number, one nobody knows', '42[5]', null],
		['an event called error', '42["error"]', null],
		['an ACK nobody asked for', '4399["x"]', null],
		['exact numbers, key order and doubled keys', '42["message",{"b":1,"a":12345678901234567890,"a":1e400}]', '42["message-back",{"b":1,"a":12345678901234567890,"a":1e400}]'],
		['ten arguments', '42["message",1,2,3,4,5,6,7,8,9,10]', '42["message-back",1,2,3,4,5,6,7,8,9,10]'],
		['a placeholder that is only data', '42["message",{"_placeholder":true,"num":9}]', '42["message-back",{"_placeholder":true,"num":9}]'],
	]) {
		test(`${name} is fine`, async () => {
			const ws = await open();

			ws.send(packet);
			ws.send('421["message-with-ack","end"]');
			if (answer)
				assert.equal(await ws.text(), answer);
			assert.equal(await ws.text(), '431["end"]');
			ws.destroy();
		});
	}

	test('attachments, also empty, twice named or not named', async () => {
		const ws = await open('40/custom,{"a":1}');

		ws.send('40');
		await ws.text();
		await ws.text();
		ws.send('453-["message",{"_placeholder":true,"num":1},{"x":{"_placeholder":true,"num":1}}]');
		for (const bytes of [b(1), b(), b(3)])
			ws.write(frame(2, bytes));
		/* numbered anew, as often as they are named */
		assert.equal(await ws.text(), '452-["message-back",{"_placeholder":true,"num":0},{"x":{"_placeholder":true,"num":1}}]');
		assert.deepEqual([(await ws.frame()).payload, (await ws.frame()).payload], [b(), b()]);
		ws.destroy();
	});

	test('attachments that never come end the connection', async () => {
		const ws = await open('40', hasty);

		ws.send('451-["a",{"_placeholder":true,"num":0}]');
		await ws.closeCode();
		ws.destroy();
	});

	test('who joins nothing is gone after the connect timeout; a refusal does not count', async () => {
		const ws = await open(null, hasty);

		ws.send('40/nowhere,');
		assert.equal(await ws.text(), '44/nowhere,{"message":"Invalid namespace"}');
		await ws.quietEnd();
	});

	test('who leaves the last namespace may stay', async () => {
		const ws = await open();

		ws.send('41');
		await sleep(100);
		ws.send('40');
		assert.match(await ws.text(), /^40{"sid"/);
		ws.destroy();
	});
});
