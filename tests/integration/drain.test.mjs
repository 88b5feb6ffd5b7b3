/* drain.test.mjs - SIGTERM: clients leave over the window and come back, a call goes on, nobody is refused */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { callWithCredentials, Client } from './lib/client.mjs';
import { Daemon } from './lib/daemon.mjs';
import { RawWs } from './lib/echo.mjs';
import { readJournal } from './lib/journal.mjs';
import { Stack, startStack } from './lib/stack.mjs';
import { freePort, program, sleep, until, within } from './lib/suite.mjs';
import { selfSigned } from './lib/swarm.mjs';
import { allocation, udpPeer } from './lib/turn_client.mjs';

const options = { timeout: 120000 };
const BACK = { reconnection: true, reconnectionDelay: 200, reconnectionDelayMax: 1000 };

/* signald alone: it serves without a turnserver. REST goes to rest, where it has an address without TLS. */
async function start(t, signald, { plain } = {}) {
	const stack = new Stack({ signald: { 'log-level': 'info', ...signald } });

	t.after(() => stack.stop());
	await stack.init();
	if (plain) {
		stack.url = stack.url.replace('http:', 'https:');
		stack.rest.url = `http://127.0.0.1:${plain}`;
	}
	await stack.startSignald();
	return stack;
}

/* n clients of each kind that come back by themselves; each notes when and why it was cut off. */
async function crowd(t, stack, n) {
	const clients = [];

	for (const [transport, transports] of [['websocket', ['websocket']], ['polling', ['polling']], ['websocket', undefined]])
		for (let i = 0; i < n; i++) {
			const c = new Client(stack, `u${clients.length}`, { transports, rejectUnauthorized: false, ...BACK });

			clients.push(Object.assign(c, { transport }));
		}
	t.after(() => clients.forEach((c) => c.close()));
	for (const c of clients) {
		c.socket.on('disconnect', (reason) => { c.gone = { reason, at: Date.now() }; });
		c.socket.on('connect', () => { c.here = Date.now(); });
	}
	/* In the middle of an upgrade the client's library has no request under way, and hears of no end. */
	await until('all are connected', () => clients.every((c) => c.socket.connected && c.transport === c.socket.io.engine.transport.name), 60000);
	return clients;
}

const handshake = (stack) => stack.rest.get('/socket.io/?EIO=4&transport=polling');

test('clients of all transports leave over the window and come back to the next signald', options, async (t) => {
	const WINDOW_S = 3;
	const stack = await start(t, { 'drain-window': WINDOW_S });
	const clients = await crowd(t, stack, 100);
	const begin = Date.now();

	stack.daemons.signald.process.kill('SIGTERM');
	await until('the drain has begun', () => /stopping: clients leave within 3 s/.test(stack.daemons.signald.logText()));
	const refused = await handshake(stack);

	assert.equal(refused.status, 503, 'nobody new comes in');
	assert.ok(Number(refused.headers['retry-after']) >= 1);
	assert.equal((await stack.rest.get('/api/health')).status, 200, 'who is in is served');

	const end = await within('signald ends', stack.daemons.signald.ended);
	const took_ms = Date.now() - begin;

	assert.deepEqual(end, { code: 0, signal: null });
	assert.ok(took_ms >= WINDOW_S * 1000 - 300, `it took ${took_ms} ms`);
	assert.match(stack.daemons.signald.logText(), /stopping: all clients have left/);
	await until('all have noticed', () => clients.every((c) => c.gone));

	const times = clients.map((c) => c.gone.at - begin).sort((x, y) => x - y);
	const spread_ms = times.at(clients.length * 9 / 10) - times.at(clients.length / 10);

	for (const c of clients)
		assert.match(c.gone.reason, /^transport (close|error)$/, 'so that it comes back');
	assert.ok(spread_ms >= WINDOW_S * 250, `eight in ten left within ${spread_ms} ms`);

	await stack.startSignald();
	await until('all are back', () => clients.every((c) => c.socket.connected && c.here > c.gone.at), 30000);
});

test('few clients do not make anybody wait for the window', options, async (t) => {
	const stack = await start(t, { 'drain-window': 60 });
	const clients = await crowd(t, stack, 3);

	assert.deepEqual(await stack.daemons.signald.kill('SIGTERM'), { code: 0, signal: null }); /* which waits for less */
	await until('all have noticed', () => clients.every((c) => c.gone));
});

test('clients over TLS come back as well', options, async (t) => {
	const { cert, pkey } = selfSigned();
	const plain = await freePort();
	const stack = await start(t, { cert, pkey, 'listen-plain': `127.0.0.1:${plain}`, 'drain-window': 1 }, { plain });
	const clients = await crowd(t, stack, 20);

	assert.deepEqual(await stack.daemons.signald.kill('SIGTERM'), { code: 0, signal: null });
	await until('all have noticed', () => clients.every((c) => c.gone));
	assert.ok(clients.every((c) => /^transport (close|error)$/.test(c.gone.reason)), JSON.stringify(clients.map((c) => c.gone)));
	await stack.startSignald();
	await until('all are back', () => clients.every((c) => c.socket.connected && c.here > c.gone.at), 30000);
});

/* Some hundred a second would not be done when the drain is broken off, five seconds later. */
test('2,500 clients leave within a second, when that is the window', options, async (t) => {
	const stack = await start(t, { 'drain-window': 1, 'handshakes-per-address': 0, 'connections-per-address': 0, 'sessions-per-address': 0 });
	const clients = [];

	t.after(() => clients.forEach((c) => c.destroy()));
	while (clients.length < 2500) {
		const more = [...Array(50)].map(() => new RawWs(stack.port));

		clients.push(...more);
		await Promise.all(more.map((c) => c.open('/socket.io/?EIO=4&transport=websocket')));
	}
	assert.deepEqual(await stack.daemons.signald.kill('SIGTERM'), { code: 0, signal: null });
	assert.match(stack.daemons.signald.logText(), /stopping: all clients have left/);
	await Promise.all(clients.map((c) => c.ended));
});

for (const signal of ['SIGTERM', 'SIGINT']) {
	test(`a second ${signal} ends the window`, options, async (t) => {
		const stack = await start(t, { 'drain-window': 60 });
		const clients = await crowd(t, stack, 100); /* a hundred a second: three seconds */

		/* in the middle of it the client would hear of the end by its ping timeout alone */
		await until('nobody upgrades any more', () => clients.every(({ socket: { io } }) => io.opts.transports?.length === 1 || io.engine.transport.name === 'websocket'));
		const { signald } = stack.daemons;

		signald.process.kill(signal);
		await until('the drain has begun', () => /clients leave within 60 s/.test(signald.logText()));
		assert.deepEqual(await signald.kill(signal), { code: 0, signal: null });
		assert.match(signald.logText(), /stopping at once/);
		assert.doesNotMatch(signald.logText(), /clients have left/);
		await until('all have noticed', () => clients.every((c) => c.gone));
	});
}

/* As the kernel lists it: an IPv4 address as the number that it is in this machine's order, and the port. */
function isUdpBound({ address, port }) {
	const bytes = Buffer.from(address.split('.').map(Number));
	const ip = os.endianness() === 'LE' ? bytes.readUInt32LE() : bytes.readUInt32BE();
	const local = [[ip, 8], [port, 4]].map(([n, digits]) => n.toString(16).toUpperCase().padStart(digits, '0')).join(':');

	return fs.readFileSync('/proc/net/udp', 'utf8').split('\n').some((line) => line.trim().split(/\s+/)[1] === local);
}

test('a call that goes on is neither ended nor revoked, and its record is not lost', options, async (t) => {
	const stack = await startStack(t, { signald: { 'drain-window': 2, 'leg-grace': 0 } });
	const peer = await udpPeer(t, { echo: true });

	await crowd(t, stack, 100); /* the call's two are somewhere among them */
	const { alice, bob, roomName, callId, credentials } = await callWithCredentials(t, stack);
	const relay = await allocation(t, stack, credentials);

	await relay.permit(peer);
	await relay.sendTo(peer, 10, 100);
	await until('media passes', () => relay.received === 1000);
	await until('its relay is known', async () => (await stack.rest.call(roomName)).relay.sentBytes === 1000);
	const left = Promise.all([alice, bob].map((c) => within(`${c.userId} leaves`,
		new Promise((resolve) => { c.socket.once('disconnect', resolve); }))));

	assert.deepEqual(await stack.daemons.signald.kill('SIGTERM'), { code: 0, signal: null });
	assert.deepEqual((await left).map((reason) => reason.startsWith('transport ')), [true, true]);
	assert.deepEqual([alice, bob].flatMap((c) => c.seen.filter((s) => s.event === 'call:ended')), []);

	await relay.sendTo(peer, 10, 100);
	await until('media passes without signald', () => relay.received === 2000);
	const another = await allocation(t, stack, credentials); /* the call's name is not refused */

	const relays = [another, relay].map((r) => r.relayed);

	assert.ok(relays.every(isUdpBound));
	await another.release();
	await relay.release();
	/* A second later, that is; a signald there before would end the call with its relay, as nobody came back to it. */
	await until('turnserver has let go of both', () => !relays.some(isUdpBound));
	await stack.startSignald();
	const ends = await until('both ends are in the journal', () => {
		const found = readJournal(path.join(stack.dir, 'usage.journal')).filter((line) => line.call === callId);

		return found.length >= 2 && found;
	});

	assert.equal(ends.length, 2);
	assert.ok(ends.every((line) => line.exact && !/revoked|admin/.test(line.reason)), JSON.stringify(ends));
	assert.equal(Math.max(...ends.map((line) => line.totals[7])), 2000);
});

/* A new connection every few milliseconds, each with a request; what went wrong, by kind. */
function knock(port) {
	const seen = { answered: 0, refused: 0, cut: 0 };
	const timer = setInterval(() => {
		const s = net.connect(port, '127.0.0.1', () => s.write('GET /api/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'));
		let text = '';

		s.on('data', (d) => { text += d; });
		s.on('error', (err) => { seen[err.code === 'ECONNREFUSED' ? 'refused' : 'cut']++; });
		s.on('close', () => { seen[/^HTTP\/1.1 200/.test(text) ? 'answered' : 'cut']++; });
	}, 5);

	return { seen, stop: () => clearInterval(timer) };
}

test('with a socket that was handed over a restart refuses no connection', options, async (t) => {
	const stack = new Stack({ signald: { 'drain-window': 0 } });

	await stack.init();
	const held = new Daemon('held', [program('tests/tools/hold-socket'), '127.0.0.1', String(stack.port),
		program('signald'), '-c', path.join(stack.dir, 'signald.conf')]);
	const started = () => [...held.logText().matchAll(/^started (\d+)$/gm)].map((m) => Number(m[1]));
	const serving = () => held.logText().match(/is serving$/gm).length; /* before that a SIGTERM is but the end */

	t.after(() => held.stop());
	await until('signald answers', () => stack.rest.health(), 30000);
	assert.match(held.logText(), /listening on 127.0.0.1:\d+, a socket handed over/);
	const knocking = knock(stack.port);

	t.after(knocking.stop);
	for (let round = 1; round <= 5; round++) {
		const before = knocking.seen.answered;

		process.kill(started().at(-1), 'SIGTERM');
		await until('the next one runs', () => serving() === round + 1);
		await until('and answers', () => knocking.seen.answered > before + 20);
	}
	knocking.stop();
	await sleep(300);
	assert.equal(knocking.seen.refused, 0, JSON.stringify(knocking.seen));
	assert.ok(knocking.seen.answered > 100, JSON.stringify(knocking.seen));
	assert.ok(knocking.seen.cut <= knocking.seen.answered / 4, JSON.stringify(knocking.seen));
	assert.ok(!fs.readFileSync(`/proc/${started().at(-1)}/environ`, 'latin1').includes('LISTEN_FDNAMES'));
});

test('a socket that was handed over is for loopback too, where nobody is asked who he is', options, async () => {
	const stack = new Stack();

	await stack.init();
	const r = spawnSync(program('tests/tools/hold-socket'), ['0.0.0.0', String(await freePort('0.0.0.0')),
		program('signald'), '-c', path.join(stack.dir, 'signald.conf')], { encoding: 'utf8', timeout: 10000 });

	assert.notEqual(r.status, 0);
	assert.match(r.stderr, /auth = open asks nobody who he is, and 0\.0\.0\.0:\d+ is not loopback/);
});

test('a socket that was handed over is all there is to listen on', options, async (t) => {
	const stack = new Stack();

	await stack.init();
	const other = await freePort();
	const held = new Daemon('held', [program('tests/tools/hold-socket'), '127.0.0.1', String(other),
		program('signald'), '-c', path.join(stack.dir, 'signald.conf')]);

	t.after(() => held.stop());
	await until('signald answers there', async () => (await fetch(`http://127.0.0.1:${other}/api/health`)).ok, 30000);
	await assert.rejects(fetch(`http://127.0.0.1:${stack.port}/api/health`), 'and not where listen says');
});
