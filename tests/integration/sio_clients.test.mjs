/* sio_clients.test.mjs - npm's socket.io-client against the protocol layers: every transport, every kind of message */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { io } from 'socket.io-client';

import { startEcho, sleep, RawWs } from './lib/echo.mjs';

const LIMIT = { timeout: 60000 };

function connect(url, options = {}) {
	const socket = io(url, { forceNew: true, reconnection: false, ...options });

	return new Promise((resolve, reject) => {
		socket.once('connect', () => resolve(socket));
		socket.once('connect_error', reject);
	});
}

const next = (socket, event) => new Promise((resolve) => { socket.once(event, (...args) => resolve(args)); });
const ack = (socket, event, ...args) => new Promise((resolve) => { socket.emit(event, ...args, (...answer) => resolve(answer)); });

describe('socket.io-client', LIMIT, () => {
	let echo;

	before(async () => { echo = await startEcho(); });
	after(() => echo.stop());

	for (const [name, options, expected] of [
		['polling only', { transports: ['polling'] }, 'polling'],
		['WebSocket only', { transports: ['websocket'] }, 'websocket'],
		['default, with upgrade', {}, 'websocket'],
		['without the last slash', { addTrailingSlash: false }, 'websocket'],
	]) {
		test(`${name}: connects, events, binary and acks`, async () => {
			const s = await connect(echo.url, options);
			const args = [1, '2 і ще 𐍈', { 3: [true, null, 1.5e300] }, Buffer.from([0, 1, 255]), { deep: [Buffer.alloc(0)] }];
			const back = next(s, 'message-back');

			assert.equal(s.id.length, 20);
			s.emit('message', ...args);
			assert.deepEqual(await back, args);
			assert.deepEqual(await ack(s, 'message-with-ack', ...args), args);
			assert.deepEqual(await ack(s, 'message-with-ack'), []);
			for (let i = 0; s.io.engine.transport.name !== expected && i < 1000; i++)
				await sleep(20);
			assert.equal(s.io.engine.transport.name, expected);
			s.close();
		});
	}

	test('the CONNECT payload comes back, in another namespace too', async () => {
		const s = io(`${echo.url}/custom`, { auth: { token: 'a"b' }, forceNew: true });

		assert.deepEqual(await next(s, 'auth'), [{ token: 'a"b' }]);
		s.close();
	});

	test('an unknown namespace is refused, the connection stays', async () => {
		const manager = (await connect(echo.url)).io;
		const bad = manager.socket('/nowhere');
		const [err] = await next(bad, 'connect_error');

		assert.equal(err.message, 'Invalid namespace');
		const good = manager.socket('/custom');

		await next(good, 'connect');
		manager._close();
	});

	test('16 namespaces at most is far above one client that joins two and leaves one', async () => {
		const a = await connect(echo.url);
		const b = a.io.socket('/custom');

		await next(b, 'connect');
		b.disconnect();
		assert.deepEqual(await ack(a, 'message-with-ack', 'still here'), ['still here']);
		b.connect();
		await next(b, 'connect');
		a.io._close();
	});

	test('a broadcast reaches everyone in the room but its sender', async () => {
		const all = await Promise.all([['polling'], ['websocket'], ['polling', 'websocket'], ['websocket']].map((transports) => connect(echo.url, { transports })));
		const [from, ...to] = all;
		const outsider = await connect(echo.url);
		const wrong = [];

		for (const s of all)
			assert.deepEqual(await ack(s, 'join', 'room-1'), ['ok']);
		from.on('relay', (m) => wrong.push(m));
		outsider.on('relay', (m) => wrong.push(m));
		const got = to.map((s) => next(s, 'relay'));
		const message = { room: 'room-1', sdp: 'v=0\r\n\u2028"', big: 9007199254740991, bin: Buffer.from('xyz') };

		from.emit('relay', message);
		for (const g of await Promise.all(got))
			assert.deepEqual(g, [message]);
		await ack(from, 'message-with-ack');
		await ack(outsider, 'message-with-ack');
		assert.deepEqual(wrong, []);
		for (const s of [...all, outsider])
			s.close();
	});

	test('both sides know a socket by the same id', async () => {
		const [a, b] = await Promise.all([connect(echo.url), connect(echo.url, { transports: ['websocket'] })]);

		for (const s of [a, b])
			assert.deepEqual(await ack(s, 'whoami'), [s.id]);
		a.close();
		b.close();
	});

	test('nothing is lost, doubled or reordered while the transport changes', async () => {
		for (let round = 0; round < 8; round++) {
			const [a, b] = await Promise.all([connect(echo.url), connect(echo.url, { transports: ['websocket'] })]);
			const room = `upgrade-${round}`;
			const atA = [];
			const atB = [];
			const echoed = [];
			const upgraded = () => a.io.engine.transport.name === 'websocket';

			a.on('relay', (m) => atA.push(m.i));
			b.on('relay', (m) => atB.push(m.i));
			a.on('message-back', (i) => echoed.push(i));
			await Promise.all([ack(a, 'join', room), ack(b, 'join', room)]);
			let n = 0;

			for (const until = Date.now() + 400; Date.now() < until || (!upgraded() && Date.now() < until + 20000); n++) {
				a.emit('relay', { room, i: n });
				b.emit('relay', { room, i: n });
				a.emit('message', n);
				if (n % 7 === 0)
					await sleep(1);
			}
			await ack(a, 'message-with-ack');
			await ack(b, 'message-with-ack');
			await ack(a, 'message-with-ack');
			const wanted = [...Array(n).keys()];

			assert.ok(upgraded());
			assert.deepEqual(echoed, wanted);
			assert.deepEqual(atA, wanted);
			assert.deepEqual(atB, wanted);
			a.close();
			b.close();
		}
	});

	test('a message of the maximum size passes, one byte more ends the connection', async () => {
		for (const transports of [['polling'], ['websocket']]) {
			const s = await connect(echo.url, { transports });
			const frame = '42["message-with-ack",""]'.length + 1; /* and the id's digit */

			const [text] = await ack(s, 'message-with-ack', 'x'.repeat(1000000 - frame));

			assert.equal(text.length, 1000000 - frame);
			const gone = next(s, 'disconnect');

			s.emit('message', 'x'.repeat(1000000));
			await gone;
		}
	});

	test('a kicked client does not come back, with and without its connection', async () => {
		for (const transports of [['polling'], ['websocket']]) {
			for (const close of [false, true]) {
				const s = await connect(echo.url, { transports, reconnection: true });
				const [reason] = await (s.emit('kick', close), next(s, 'disconnect'));

				assert.equal(reason, 'io server disconnect');
				assert.equal(s.active, false);
				s.close();
			}
		}
	});
});

describe('a reader that sleeps', LIMIT, () => {
	let echo;

	before(async () => { echo = await startEcho('--queue-hard', 3000000); });
	after(() => echo.stop());

	test('is cut at the hard mark; others go on', async () => {
		const sleeper = await new RawWs(echo.port).open('/socket.io/?EIO=4&transport=websocket');
		const talker = await connect(echo.url, { transports: ['websocket'] });
		const text = 'x'.repeat(200000);

		await sleeper.text();
		sleeper.send('40');
		await sleeper.until((b) => b.includes('40{'));
		sleeper.send('421["join","s"]');
		await sleeper.until((b) => b.includes('431["ok"]'));
		await ack(talker, 'join', 's');
		sleeper.socket.pause();
		for (let i = 0; i < 80; i++) {
			talker.emit('relay', { room: 's', text });
			await ack(talker, 'message-with-ack', i);
		}
		sleeper.socket.resume();
		await sleeper.ended;
		assert.ok(sleeper.bytes.length < 80 * text.length);
		assert.deepEqual(await ack(talker, 'message-with-ack', 'fine'), ['fine']);
		talker.close();
	});
});

describe('heartbeats', LIMIT, () => {
	let echo;

	before(async () => { echo = await startEcho('--ping-interval', 200, '--ping-timeout', 2000); });
	after(() => echo.stop());

	test('clients that answer stay', async () => {
		const all = await Promise.all([['polling'], ['websocket'], ['polling', 'websocket']].map((transports) => connect(echo.url, { transports })));

		await sleep(2600);
		for (const s of all) {
			assert.ok(s.connected);
			assert.deepEqual(await ack(s, 'message-with-ack', 1), [1]);
			s.close();
		}
	});
});

describe('shutdown', LIMIT, () => {
	test('the connection is cut and the client tries again', async () => {
		const echo = await startEcho();
		const all = await Promise.all([['polling'], ['websocket']].map((transports) => connect(echo.url, { transports, reconnection: true })));
		const gone = all.map((s) => next(s, 'disconnect'));

		await echo.stop();
		for (const [reason] of await Promise.all(gone))
			assert.match(reason, /^transport (close|error)$/);
		for (const s of all) {
			assert.equal(s.active, true);
			s.close();
		}
	});
});
