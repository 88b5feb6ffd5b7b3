/* sio_frames.test.mjs - RFC 6455 case by case, in the order of its sections: what an echo server answers, and how it ends */
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';

import { RawWs, frame, sleep, startEcho, tlsConnect, tlsOptions } from './lib/echo.mjs';

const LIMIT = { timeout: 120000 };
const MAX = 2000000;
const [CONT, TEXT, BINARY, CLOSE, PING, PONG] = [0, 1, 2, 8, 9, 10];
const b = (...bytes) => Buffer.from(bytes);
const code = (n, reason = '') => Buffer.concat([b(n >> 8, n & 255), Buffer.from(reason)]);
const part = (opcode, payload) => frame(opcode, payload, { fin: false });

/* A message in fragments of size bytes, an empty last one included when it divides. */
function fragments(opcode, payload, size) {
	const data = Buffer.from(payload);
	const out = [];

	for (let at = 0; at < data.length; at += size)
		out.push(part(out.length ? CONT : opcode, data.subarray(at, at + size)));
	out.push(frame(out.length ? CONT : opcode, ''));
	return Buffer.concat(out);
}

for (const [over, connect] of [['TCP', net.connect], ['TLS', tlsConnect]]) describe(`RFC 6455 over ${over}`, LIMIT, () => {
	const describeCodec = over === 'TCP' ? describe : () => {}; /* what a stream cannot change */
	let echo;

	before(async () => { echo = await startEcho('--max-payload', MAX, ...(over === 'TLS' ? tlsOptions() : [])); });
	after(() => echo.stop());

	const open = () => new RawWs(echo.port, { connect }).open('/ws/');

	/* [name, bytes out, frames that come back: [opcode, payload] ..., close code or null, how the bytes are cut] */
	async function run(out, back, ends, chop = out.length) {
		const ws = await open();

		for (let at = 0; at < out.length; at += chop) {
			ws.write(out.subarray(at, at + chop));
			if (chop < out.length)
				await new Promise(setImmediate);
		}
		for (const [opcode, payload] of back) {
			const f = await ws.frame();

			assert.equal(f.opcode, opcode);
			assert.ok(f.payload.equals(Buffer.from(payload)), `${f.payload.length} bytes, not ${Buffer.from(payload).length}`);
		}
		if (ends) {
			assert.equal(await ws.closeCode(), ends);
			await ws.ended;
		} else {
			ws.write(frame(CLOSE, code(1000))); /* it still works, and nothing else was said */
			assert.equal(await ws.closeCode(), 1000);
			await ws.ended;
		}
	}

	/* Whole, and byte by byte. */
	function both(name, out, back, ends = null) {
		const bytes = Buffer.concat([out].flat());

		test(`${name}`, async () => {
			await run(bytes, back, ends);
			if (bytes.length < 300)
				await run(bytes, back, ends, 1);
		});
	}

	describe('framing (5.2)', () => {
		for (const n of [0, 1, 125, 126, 127, 128, 65535, 65536]) {
			both(`a text of ${n} bytes`, frame(TEXT, '*'.repeat(n)), [[TEXT, '*'.repeat(n)]]);
			both(`binary of ${n} bytes`, frame(BINARY, Buffer.alloc(n, 0xfe)), [[BINARY, Buffer.alloc(n, 0xfe)]]);
		}
		test('65536 bytes in pieces of 997', () => run(frame(TEXT, '*'.repeat(65536)), [[TEXT, '*'.repeat(65536)]], null, 997));
		both('a length of 16 bits that needs 7', [b(0x82, 0xfe, 0, 125, 0, 0, 0, 0), Buffer.alloc(125)], [], 1002);
		both('a length of 64 bits that needs 16', [b(0x82, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0)], [], 1002);
		both('a length with the highest bit', b(0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0), [], 1002);
		both('a length of 2^62', b(0x82, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), [], 1009);
		both('a frame that is not masked', frame(TEXT, 'x', { masked: false }), [], 1002);
		both('a ping that is not masked', frame(PING, '', { masked: false }), [], 1002);
	});

	describe('pings and pongs (5.5.2, 5.5.3)', () => {
		both('an empty ping', frame(PING), [[PONG, '']]);
		both('a ping with text', frame(PING, 'Hello'), [[PONG, 'Hello']]);
		both('a ping with binary', frame(PING, b(0, 255, 254, 253)), [[PONG, b(0, 255, 254, 253)]]);
		both('a ping of 125 bytes', frame(PING, Buffer.alloc(125, 0xfe)), [[PONG, Buffer.alloc(125, 0xfe)]]);
		both('a ping of 126 bytes', frame(PING, Buffer.alloc(126)), [], 1002);
		both('a pong nobody asked for', frame(PONG), []);
		both('a pong with data, then a ping', [frame(PONG, 'x'), frame(PING, 'y')], [[PONG, 'y']]);
		test('ten pings one after the other have ten pongs', async () => {
			const ws = await open();

			for (let i = 0; i < 10; i++) {
				ws.write(frame(PING, `ping ${i}`));
				assert.equal((await ws.frame()).payload.toString(), `ping ${i}`);
			}
			ws.destroy();
		});
		test('of ten at once the last is answered (5.5.3)', async () => {
			const ws = await open();
			let last;

			ws.write(Buffer.concat(Array.from({ length: 10 }, (_, i) => frame(PING, String(i)))));
			do {
				const f = await ws.frame();

				assert.equal(f.opcode, PONG);
				last = f.payload.toString();
			} while (last !== '9');
			ws.destroy();
		});
	});

	describeCodec('reserved bits (5.2)', () => {
		for (const rsv of [1, 2, 3, 4, 5, 6, 7]) {
			for (const opcode of [TEXT, PING, CLOSE])
				both(`RSV ${rsv} on opcode ${opcode}`, frame(opcode, '', { head: 0x80 | rsv << 4 | opcode }), [], 1002);
			both(`RSV ${rsv} after a good message`, [frame(TEXT, 'ok'), frame(TEXT, 'x', { head: 0x81 | rsv << 4 }), frame(PING)], [[TEXT, 'ok']], 1002);
		}
	});

	describeCodec('opcodes (5.2)', () => {
		for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
			both(`${opcode}`, frame(opcode), [], 1002);
			both(`${opcode} with data, behind a good message`, [frame(TEXT, 'ok'), frame(opcode, 'x'), frame(TEXT, 'no')], [[TEXT, 'ok']], 1002);
		}
	});

	describe('fragments (5.4)', () => {
		both('a ping in two', [part(PING, 'a'), frame(CONT, 'b')], [], 1002);
		both('a pong in two', [part(PONG, 'a'), frame(CONT, 'b')], [], 1002);
		both('a close in two', [part(CLOSE, code(1000)), frame(CONT, 'b')], [], 1002);
		both('a text in two', [part(TEXT, 'ab'), frame(CONT, 'cd')], [[TEXT, 'abcd']]);
		both('an empty text in three', [part(TEXT, ''), part(CONT, ''), frame(CONT, '')], [[TEXT, '']]);
		both('only the middle holds something', [part(BINARY, ''), part(CONT, 'x'), frame(CONT, '')], [[BINARY, 'x']]);
		both('pings between', [part(TEXT, 'a'), frame(PING, '1'), frame(CONT, 'b')], [[PONG, '1'], [TEXT, 'ab']]);
		both('a pong between', [part(TEXT, 'a'), frame(PONG, '1'), frame(CONT, 'b')], [[TEXT, 'ab']]);
		both('a close between', [part(TEXT, 'a'), frame(CLOSE, code(1000)), frame(CONT, 'b')], [], 1000);
		for (const fin of [true, false]) {
			both(`a continuation of nothing, FIN ${fin}`, frame(CONT, 'x', { fin }), [], 1002);
			both(`a continuation after a message, FIN ${fin}`, [frame(TEXT, 'ok'), frame(CONT, 'x', { fin })], [[TEXT, 'ok']], 1002);
			both(`a text inside a text, FIN ${fin}`, [part(TEXT, 'x'), frame(TEXT, 'y', { fin })], [], 1002);
			both(`binary inside a text, FIN ${fin}`, [part(TEXT, 'x'), frame(BINARY, 'y', { fin })], [], 1002);
		}
		both('two messages in fragments', [part(TEXT, 'a'), frame(CONT, 'b'), part(BINARY, 'c'), frame(CONT, 'd')], [[TEXT, 'ab'], [BINARY, 'cd']]);
		both('a hundred empty fragments', [part(TEXT, ''), ...Array(100).fill(part(CONT, '')), frame(CONT, 'x')], [[TEXT, 'x']]);
	});

	describeCodec('UTF-8 (8.1)', () => {
		const good = {
			Greek: 'κόσμε', Ukrainian: 'Дзвінок ґанок їжак єнот', 'four bytes': '𐍈😀', noncharacters: '\ufffe\uffff\ufdd0', 'U+0000': 'a\0b',
			'the last of each length': '\x7f\u07ff\uffff\u{10ffff}', 'the first of each length': '\x01\x80\u0800\u{10000}', 'around the surrogates': '\ud7ff\ue000',
		};
		const bad = {
			'a continuation': [0x80], 'a continuation in front': [0xbf, 0x41], '64 continuations': Array.from({ length: 64 }, (_, i) => 0x80 + i), 'two bytes cut': [0xc3],
			'three bytes cut': [0xe2, 0x82], 'four bytes cut': [0xf0, 0x9f, 0x98], 'a lead byte, then a space': [0xe2, 0x20], 'three bytes for two': [0xe0, 0x80, 0xaf],
			'two bytes for one': [0xc0, 0xaf], 'four for three': [0xf0, 0x8f, 0xbf, 0xbf], 'the largest overlong two': [0xc1, 0xbf], 'five bytes': [0xf8, 0x88, 0x80, 0x80, 0x80],
			'six bytes': [0xfc, 0x84, 0x80, 0x80, 0x80, 0x80], 'U+D800': [0xed, 0xa0, 0x80], 'U+DFFF': [0xed, 0xbf, 0xbf], 'a pair of surrogates': [0xed, 0xa0, 0xb5, 0xed, 0xb0, 0x80],
			'U+110000': [0xf4, 0x90, 0x80, 0x80], 'FE': [0xfe], 'FF': [0xff], 'a good word, then a bad byte': [...Buffer.from('κόσμε'), 0xed, 0xa0, 0x80, 0x65],
		};

		for (const [name, text] of Object.entries(good)) {
			both(`good: ${name}`, frame(TEXT, text), [[TEXT, text]]);
			both(`good: ${name}, each byte a fragment`, fragments(TEXT, text, 1), [[TEXT, text]]);
			both(`good: ${name}, behind 64 of ASCII`, frame(TEXT, `${'a'.repeat(61)}${text}`), [[TEXT, `${'a'.repeat(61)}${text}`]]);
		}
		for (const [name, bytes] of Object.entries(bad)) {
			both(`bad: ${name}`, frame(TEXT, b(...bytes)), [], 1007);
			both(`bad: ${name}, each byte a fragment`, fragments(TEXT, b(...bytes), 1), [], 1007);
			both(`bad: ${name}, behind 64 of ASCII`, frame(TEXT, Buffer.concat([Buffer.alloc(61, 97), b(...bytes)])), [], 1007);
			both(`binary may be: ${name}`, frame(BINARY, b(...bytes)), [[BINARY, b(...bytes)]]);
			both(`a reason: ${name}`, frame(CLOSE, Buffer.concat([code(1000), b(...bytes)])), [], 1007);
		}
		test('what cannot become text is refused before the frame is complete', async () => {
			const ws = await open();

			ws.write(frame(TEXT, 'x'.repeat(100), { length: 70000 }));
			ws.write(b(1 ^ 0xff));
			assert.equal(await ws.closeCode(), 1007);
			await ws.ended;
		});
		test('and before the message is', async () => {
			const ws = await open();

			ws.write(part(TEXT, b(0xf4, 0x90)));
			assert.equal(await ws.closeCode(), 1007);
			await ws.ended;
		});
	});

	describe('the end (5.5.1, 7)', () => {
		both('no code', frame(CLOSE), [], 1005);
		both('half a code', frame(CLOSE, b(3)), [], 1002);
		both('a reason', frame(CLOSE, code(1000, 'bye')), [], 1000);
		both('a reason of 123 bytes', frame(CLOSE, code(1000, 'x'.repeat(123))), [], 1000);
		both('a close of 126 bytes', frame(CLOSE, code(1000, 'x'.repeat(124))), [], 1002);
		both('behind a message', [frame(TEXT, 'last'), frame(CLOSE, code(1000))], [[TEXT, 'last']], 1000);
		both('a message behind it is not read', [frame(CLOSE, code(1000)), frame(TEXT, 'no'), frame(PING)], [], 1000);
		both('a second one', [frame(CLOSE, code(1000)), frame(CLOSE, code(1001))], [], 1000);
		for (const n of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999])
			both(`code ${n} is echoed`, frame(CLOSE, code(n)), [], n);
		for (const n of [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535])
			both(`code ${n} is refused`, frame(CLOSE, code(n)), [], 1002);
		test('our Close frame stays unanswered: reset after two seconds', async () => {
			const ws = await open();

			ws.socket.pause(); /* it sees neither the Close frame nor the end */
			ws.write(frame(3));
			await sleep(2800);
			ws.socket.resume();
			await ws.ended;
		});
		test('the client is gone without a word', async () => {
			for (let i = 0; i < 20; i++) {
				const ws = await open();

				ws.write(frame(TEXT, 'x'.repeat(i * 1000), { fin: i % 2 === 0, length: i * 1500 }));
				if (over === 'TCP')
					ws.socket.resetAndDestroy();
				else
					ws.destroy();
			}
			await run(frame(TEXT, 'still there'), [[TEXT, 'still there']], null);
		});
	});

	describe('limits and sizes (10.4)', () => {
		both('a frame that says it is too big', frame(BINARY, '', { length: MAX + 1 }), [], 1009);
		test('fragments that are too big together, small as each is', () => run(Buffer.concat([fragments(BINARY, Buffer.alloc(MAX), 65536), frame(TEXT, 'x')]), [[BINARY, Buffer.alloc(MAX)], [TEXT, 'x']], null));
		test('one byte more', () => run(Buffer.concat([part(BINARY, Buffer.alloc(MAX)), frame(CONT, 'x')]), [], 1009));
		for (const kB of [64, 256, 1024]) {
			const text = 'a€'.repeat(kB * 256);

			test(`a text of ${kB} kB`, () => run(frame(TEXT, text), [[TEXT, text]], null));
			for (const size of [64, 1024, 65536])
				test(`the same in fragments of ${size}`, () => run(fragments(TEXT, text, size), [[TEXT, text]], null));
			test(`the same in pieces of ${kB * 16 + 1} bytes`, () => run(frame(TEXT, text), [[TEXT, text]], null, kB * 16 + 1));
		}
		for (const n of [0, 16, 125, 126, 1024]) {
			test(`two hundred messages of ${n} bytes, one after the other`, async () => {
				const ws = await open();

				for (let i = 0; i < 200; i++) {
					ws.write(frame(i & 1 ? TEXT : BINARY, 'x'.repeat(n)));
					assert.equal((await ws.frame()).payload.length, n);
				}
				ws.destroy();
			});
		}
		test('twenty thousand small ones at once, while another client is served', async () => {
			const [flood, other] = [await open(), await open()];

			flood.write(Buffer.concat(Array.from({ length: 20000 }, (_, i) => frame(TEXT, String(i)))));
			for (let i = 0; i < 20; i++) {
				other.write(frame(TEXT, 'x'));
				assert.equal(await other.text(), 'x');
			}
			for (let at = 0, i = 0; i < 20000; i++) { /* one look at a time would be slow */
				const expected = String(i);

				await flood.until((bytes) => bytes.length >= at + 2 + expected.length);
				assert.equal(flood.bytes.subarray(at + 2, at + 2 + expected.length).toString(), expected);
				at += 2 + expected.length;
			}
			flood.destroy();
			other.destroy();
		});
	});
});
