/* sio_protocol.test.mjs - Socket.IO packet by packet on a raw WebSocket, and what takes both ends of a real client */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { io } from 'socket.io-client';

import { frame, RawWs, sleep, startEcho } from './lib/echo.mjs';

const LIMIT = { timeout: 60000 };
const PLACEHOLDER = (num) => ({ _placeholder: true, num });

const next = (socket, event) => new Promise((resolve) => { socket.once(event, (...args) => resolve(args)); });

/* A session whose open packet has been read. */
async function open(echo) {
	const began_ms = Date.now();
	const ws = await new RawWs(echo.port).open('/socket.io/?EIO=4&transport=websocket');

	ws.began_ms = began_ms;
	assert.match(await ws.text(), /^0\{/);
	return ws;
}

/* Joined: the answer and "auth" have been read, too. */
async function join(echo, nsp = '') {
	const ws = await open(echo);

	ws.send(`40${nsp}`);
	assert.ok((await ws.text()).startsWith(`40${nsp}{"sid":"`));
	assert.equal(await ws.text(), `42${nsp}["auth",{}]`);
	return ws;
}

/* The server says so; whether the socket closes at once is WebSocket's business. */
async function ended(ws) {
	assert.ok([1000, 1005].includes(await ws.closeCode()));
	ws.destroy();
}

async function binary(ws) {
	const f = await ws.frame();

	assert.equal(f.opcode, 2);
	return f.payload.toString();
}

describe('on the wire', LIMIT, () => {
	let echo;

	before(async () => { echo = await startEcho(); });
	after(() => echo.stop());

	for (const [nsp, payload] of [['', ''], ['', '{"token":"123"}'], ['/custom,', ''], ['/custom,', '{"token":"abc"}']]) {
		test(`40${nsp}${payload} is answered, "auth" follows`, async () => {
			const ws = await open(echo);

			ws.send(`40${nsp}${payload}`);
			const answer = await ws.text();
			const { sid, ...more } = JSON.parse(answer.slice(2 + nsp.length));

			assert.ok(answer.startsWith(`40${nsp}{`));
			assert.match(sid, /^[\w-]{20}$/);
			assert.deepEqual(more, {});
			assert.equal(await ws.text(), `42${nsp}["auth",${payload || '{}'}]`);
			ws.destroy();
		});
	}

	for (const wrong of ['4abc', '42{}', '42abc["message-with-ack",1]', '42', '42[]', '42["message"', '42[null]', '45["a"]', '450-["a"]', '4511-["a"]', '451e1-["a"]',
		'451-["message",{"_placeholder":true,"num":1}]', '42["connect"]', '42/custom,["message"]', '40', '41{}', '43{}', '44{}', '4', '2', 'x']) {
		test(`${wrong} after CONNECT ends the connection`, async () => {
			const ws = await join(echo);

			ws.send(wrong);
			await ended(ws);
		});
	}

	for (const wrong of ['42["message"]', '41', '43[]', '40[]', '40"x"', '4abc']) {
		test(`${wrong} instead of CONNECT ends the connection`, async () => {
			const ws = await open(echo);

			ws.send(wrong);
			await ended(ws);
		});
	}

	test('a namespace is left, the other goes on', async () => {
		const ws = await join(echo);

		ws.send('40/custom');
		assert.match(await ws.text(), /^40\/custom,\{/);
		assert.equal(await ws.text(), '42/custom,["auth",{}]');
		ws.send('41/custom');
		ws.send('42["message","to main"]');
		assert.equal(await ws.text(), '42["message-back","to main"]');
		ws.destroy();
	});

	test('what is echoed is what was said, byte for byte', async () => {
		const ws = await join(echo);
		const args = '1,"2",{"3":[true]},12345678901234567890,1e400,-0.0,{"a":1,"a":2},"\\u0000\\/\\u00e9é"';

		ws.send(`42["message",${args}]`);
		assert.equal(await ws.text(), `42["message-back",${args}]`);
		ws.send(`42456["message-with-ack",${args}]`);
		assert.equal(await ws.text(), `43456[${args}]`);
		ws.send('4200["message-with-ack"]');
		assert.equal(await ws.text(), '430[]');
		ws.destroy();
	});

	test('attachments are echoed in the order of their placeholders', async () => {
		const ws = await join(echo);
		const [p0, p1, p2] = [0, 1, 2].map((n) => JSON.stringify(PLACEHOLDER(n)));

		ws.send(`452-["message",${p0},${p1}]`).write(frame(2, 'one')).write(frame(2, ''));
		assert.equal(await ws.text(), `452-["message-back",${p0},${p1}]`);
		assert.deepEqual([await binary(ws), await binary(ws)], ['one', '']);
		ws.send(`453-789["message-with-ack",${p2},[${p0},${p2}]]`).write(frame(2, 'a')).write(frame(2, 'b')).write(frame(2, 'c'));
		assert.equal(await ws.text(), `463-789[${p0},[${p1},${p2}]]`);
		assert.deepEqual([await binary(ws), await binary(ws), await binary(ws)], ['c', 'a', 'c']);
		ws.destroy();
	});
});

describe('in time', LIMIT, () => {
	let echo;

	before(async () => { echo = await startEcho('--ping-interval', 500, '--ping-timeout', 3000, '--connect-timeout', 2000); });
	after(() => echo.stop());

	/* Pongs until the server ends it, which may take a busy one longer, but not for ever. */
	async function timeToEnd(ws, atLeast, since = ws.began_ms, end = () => ws.quietEnd()) {
		const pong = setInterval(() => ws.send('3'), 100);

		await end();
		clearInterval(pong);
		assert.ok(Date.now() - since >= atLeast, `${Date.now() - since} ms`);
	}

	test('an unknown namespace is refused, and the time to join goes on', async () => {
		const ws = await open(echo);

		ws.send('40/random');
		assert.equal(await ws.text(), '44/random,{"message":"Invalid namespace"}');
		await timeToEnd(ws, 1900);
	});

	test('nothing at all ends the connection', async () => {
		await timeToEnd(await open(echo), 1900);
	});

	test('after 41 the connection stays, and may join again', async () => {
		const ws = await join(echo);

		ws.send('41');
		assert.equal(await ws.text(), '2');
		ws.send('3');
		ws.send('40');
		assert.match(await ws.text(), /^40\{/);
		ws.destroy();
	});

	test('the rest of an event does not come: the connection ends after a ping interval', async () => {
		const ws = await join(echo);
		const since = Date.now();

		ws.send('452-["message",0]').write(frame(2, 'one'));
		await timeToEnd(ws, 450, since, () => ended(ws));
	});
});

describe('both ways', LIMIT, () => {
	let echo;

	before(async () => { echo = await startEcho(); });
	after(() => echo.stop());

	for (const transports of [['polling'], ['websocket']]) {
		test(`${transports}: a client acknowledges with text, with bytes, too late, or not at all`, async () => {
			const s = io(echo.url, { transports, forceNew: true, reconnection: false });
			const late = [];

			await next(s, 'connect');
			s.on('question', (timeout, how, payload, done) => {
				if (how === 'back')
					done(payload, { again: [payload] });
				else if (how === 'late')
					late.push(done);
			});
			for (const payload of ['text', { deep: [1.5] }, Buffer.from([0, 1, 255]), Buffer.alloc(0)]) {
				const answer = next(s, 'answer');

				s.emit('ask', 5000, 'back', payload);
				assert.deepEqual(await answer, [payload, { again: [payload] }]);
			}
			const answers = [];

			s.on('answer', (a) => answers.push(a));
			s.emit('ask', 50, 'never', 0);
			s.emit('ask', 50, 'late', 0);
			while (answers.length < 2)
				await sleep(10);
			assert.deepEqual(answers, [null, null]);
			late[0]('too late');
			await new Promise((resolve) => { s.emit('message-with-ack', resolve); });
			assert.equal(answers.length, 2);
			assert.ok(s.connected);
			s.close();
		});
	}

	for (const transports of [['polling'], ['websocket']]) {
		test(`${transports}: a refusal brings a message and data`, async () => {
			const auth = { token: 'x', list: [1, null] };
			const s = io(echo.url, { transports, forceNew: true, reconnection: false, auth, extraHeaders: { 'X-Refuse': 'yes' } });
			const [err] = await next(s, 'connect_error');

			assert.equal(err.message, 'refused as asked');
			assert.deepEqual(err.data, auth);
			s.close();
		});
	}

	for (const transport of ['polling', 'websocket']) {
		test(`${transport}: who is not allowed has no session`, async () => {
			const s = io(echo.url, { transports: [transport], forceNew: true, reconnection: false, extraHeaders: { 'X-Forbid': 'yes' } });
			const [err] = await next(s, 'connect_error');

			assert.equal(err.message, transport === 'polling' ? 'xhr poll error' : 'websocket error');
			s.close();
		});
	}

	test('the application says why', async () => {
		const res = await fetch(`${echo.url}/socket.io/?EIO=4&transport=polling`, { headers: { 'X-Forbid': 'yes' } });

		assert.equal(res.status, 403);
		assert.deepEqual(await res.json(), { code: 4, message: 'forbidden as asked' });
	});

	test('ten attachments come back, in an answer and in an event', async () => {
		const s = io(echo.url, { transports: ['websocket'], forceNew: true });
		const ten = [...Array(10).keys()].map((i) => Buffer.from([i]));
		const back = new Promise((resolve) => { s.on('message-back', (...args) => resolve(args)); });

		s.emit('message', ...ten);
		assert.deepEqual(await back, ten);
		assert.deepEqual(await new Promise((resolve) => { s.emit('message-with-ack', ten, resolve); }), ten);
		s.close();
	});

	test('who left a room hears nothing of it', async () => {
		const [a, b] = await Promise.all([0, 1].map(async () => {
			const s = io(echo.url, { transports: ['websocket'], forceNew: true });

			await next(s, 'connect');
			assert.equal(await s.emitWithAck('join', 'room'), 'ok');
			return s;
		}));
		const heard = [];

		b.on('relay', (m) => heard.push(m.n));
		a.emit('relay', { room: 'room', n: 1 });
		await a.emitWithAck('message-with-ack');
		await b.emitWithAck('leave', 'room');
		a.emit('relay', { room: 'room', n: 2 });
		await a.emitWithAck('message-with-ack');
		await b.emitWithAck('message-with-ack');
		assert.deepEqual(heard, [1]);
		a.close();
		b.close();
	});
});

describe('limits', LIMIT, () => {
	test('too many events: an error event, then the end; others go on', async () => {
		const echo = await startEcho('--events-burst', 50, '--events-per-s', 10);

		try {
			for (const transports of [['websocket'], ['polling']]) {
				const [loud, calm] = await Promise.all([0, 1].map(async () => {
					const s = io(echo.url, { transports, forceNew: true, reconnection: false });

					await next(s, 'connect');
					return s;
				}));
				let limited = 0;
				const gone = next(loud, 'disconnect');

				loud.on('limit', () => { limited++; });
				for (let i = 0; i < 100; i++)
					loud.emit('message', i);
				assert.match((await gone)[0], /^transport (close|error)$/);
				assert.equal(limited, 1);
				assert.deepEqual(await new Promise((resolve) => { calm.emit('message-with-ack', 1, (...a) => resolve(a)); }), [1]);
				calm.close();
			}
		} finally {
			await echo.stop();
		}
	});

	test('what is queued comes before the end, which is one without a Close frame', async () => {
		const echo = await startEcho('--events-burst', 5, '--events-per-s', 1);
		const ws = await join(echo);

		for (let i = 0; i < 100; i++)
			ws.send(`42["message","${'x'.repeat(1000)}"]`);
		while (await ws.text() !== '42["limit"]');
		await ws.quietEnd();
		await echo.stop();
	});

	test('sessions that join nothing make room for those that do', async () => {
		const echo = await startEcho('--unjoined-max', 5);
		const idle = [];

		try {
			for (let i = 0; i < 20; i++)
				idle.push(await open(echo));
			await Promise.all(idle.slice(0, 15).map((ws) => ws.ended));
			assert.ok(idle.slice(15).every((ws) => !ws.closed));
			const s = io(echo.url, { transports: ['polling'], forceNew: true, reconnection: false });

			await next(s, 'connect');
			s.close();
		} finally {
			for (const ws of idle)
				ws.destroy();
			await echo.stop();
		}
	});
});
