/* ends_matrix.test.mjs - every way in which an allocation ends, on every transport: one record, exact */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';

import { assertSoon, sleep } from './lib/suite.mjs';
import { TurnClient, TurnStreamClient, udpPeer } from './lib/turn_client.mjs';
import { CALL, REALM, Turnserver, until, writeSecrets } from './lib/turnserver.mjs';
import { untilRead } from './lib/udp_queue.mjs';

const SECRET = 'the-secret-of-the-matrix';
const IN_AN_HOUR = () => Math.floor(Date.now() / 1000) + 3600;
const EXPIRY = IN_AN_HOUR(); /* of a session that moves the same one */
/* Stock's answer to a client that resumes is damaged where it names the software. */
const MOBILITY = ['--mobility', '--no-software-attribute'];
const PACKETS = 20, SIZE = 100;
const END_MAX_MS = 1000; /* of a kill */
/* Where the totals stand in their array. */
const FROM_PEER = [4, 6], TO_PEER = [6, 8], DROPPED = [8, 10], WIRE = 10;

const transports = {
	udp: (server) => [TurnClient, { turnPort: server.port }],
	tcp: (server) => [TurnStreamClient, { turnPort: server.port }],
	tls: (server) => [TurnStreamClient, { tlsPort: server.tlsPort }],
};

async function serve(t, ...args) {
	const server = new Turnserver(t, ['--auth-secret-file={dir}/auth-secrets', '--relay-threads=1', ...args], { tls: true });

	writeSecrets(path.join(server.dir, 'auth-secrets'), [`k1 ${SECRET}`]);
	return server.start();
}

const watch = async (server) => (await server.connect()).subscribe();

function client(t, server, transport, name, localAddress) {
	const username = `${EXPIRY}:${name}`;
	const password = createHmac('sha1', SECRET).update(username).digest('base64');
	const [Client, where] = transports[transport](server);
	const c = new Client({ host: '127.0.0.1', realm: REALM, ...where }, { username, password }, localAddress);

	t.after(() => c.close());
	return c;
}

/* There and back again. */
async function relay(c, peer) {
	const before = c.packets;

	await c.permit(peer);
	await c.sendTo(peer, PACKETS, SIZE);
	await until('all came back', () => c.packets === before + PACKETS);
}

/* One allocation on each transport that has relayed, by user name. */
async function relayed(t, server, names = Object.keys(transports)) {
	const all = {};

	for (const name of names) {
		const c = client(t, server, name, `${name}:${CALL}`);
		const peer = await udpPeer(t, { echo: true });

		await c.allocate();
		await relay(c, peer);
		all[name] = { clients: [c], peer };
	}
	return all;
}

const sum = (clients, what) => clients.reduce((n, c) => n + c[what], 0);

/* What the far ends got is what the record says. */
function assertExact(end, { clients, peer, dropped = [0, 0] }) {
	assert.equal(end.exact, true);
	assert.deepEqual(end.totals.slice(...TO_PEER), [peer.packets, peer.received]);
	assert.deepEqual(end.totals.slice(...FROM_PEER), [sum(clients, 'packets'), sum(clients, 'received')]);
	assert.deepEqual(end.totals.slice(...DROPPED), dropped);
	assert.ok(end.totals[WIRE] > end.totals.slice(0, 8).filter((_, i) => i % 2).reduce((a, b) => a + b));
}

async function assertEnds(admin, all, reason) {
	const n = Object.keys(all).length;

	await until('they end', () => admin.all('end').length >= n);
	assert.equal(admin.all('end').length, n);
	for (const [user, truth] of Object.entries(all)) {
		const end = admin.all('end').find((e) => e.user === user);

		assert.equal(end.reason, reason);
		assertExact(end, truth);
	}
}

function spooled(server) {
	const lines = fs.readFileSync(path.join(server.dir, 'ends.spool'), 'utf8').trimEnd().split('\n').slice(1);

	return lines.map((line) => JSON.parse(line.slice(9)));
}

const each = (all, what) => Promise.all(Object.values(all).map(({ clients }) => what(clients[0])));

describe('ends on every transport', { concurrency: 2 }, () => {
	const streams = ['tcp', 'tls'];

	for (const [what, { args = [], names, act, reason }] of Object.entries({
		'a Refresh with lifetime 0': { act: ({ all }) => each(all, (c) => c.release()), reason: 'timeout' },
		'a timeout': { args: ['--max-allocate-lifetime=2'], act: () => {}, reason: 'timeout' },
		'the client\'s close': { names: streams, act: ({ all }) => each(all, (c) => c.close()), reason: 'closed' },
		'kill of the call': { act: ({ admin }) => admin.command({ c: 'kill', call: CALL, reason: 'over' }), reason: 'kill: over' },
		'revoke of the call': { act: ({ admin }) => admin.command({ c: 'revoke', call: CALL, until: IN_AN_HOUR() }), reason: 'revoked' },
		'a stop of the server': { act: ({ server }) => { server.program.process.kill('SIGTERM'); }, reason: 'server-stop' },
	}))
		test(what, async (t) => {
			const server = await serve(t, ...args);
			const admin = await watch(server);
			const all = await relayed(t, server, names);

			await act({ server, admin, all });
			await assertEnds(admin, all, reason);
			await server.stop();
			assert.equal(spooled(server).length, Object.keys(all).length, 'nothing is told twice');
		});
});

describe('an allocation that was refused', { concurrency: 2 }, () => {
	for (const quota of ['--user-quota=1', '--call-quota=1', '--total-quota=1'])
		test(`by ${quota} leaves nothing`, async (t) => {
			const server = await serve(t, quota);
			const admin = await watch(server);
			const [first, second] = ['udp', 'tcp'].map((transport) => client(t, server, transport, `alice:${CALL}`));

			await first.allocate();
			for (let i = 0; i < 3; i++)
				await assert.rejects(second.allocate(), { code: 486 });
			await first.release();
			await admin.wait((l) => l.e === 'end');
			await second.allocate(); /* nothing was held for it */
			await second.release();
			await until('both ended', () => admin.all('end').length === 2);
			await server.stop();
			assert.equal(spooled(server).length, 2);
			assert.equal(admin.all('new').length, 2);
		});
});

describe('mobility', { concurrency: 2 }, () => {
	test('a client that moves while it relays has one end, with all of it', async (t) => {
		const server = await serve(t, ...MOBILITY);
		const admin = await watch(server);
		const peer = await udpPeer(t, { echo: true });
		const clients = ['127.0.0.1', '127.0.0.2', '127.0.0.3'].map((ip) => client(t, server, 'udp', 'alice', ip));

		await clients[0].allocate({ mobile: true });
		await relay(clients[0], peer);
		for (const i of [1, 2]) {
			await clients[i].resume(clients[i - 1]);
			await relay(clients[i], peer);
		}
		await clients[2].release();
		await assertEnds(admin, { alice: { clients, peer } }, 'timeout');
		assert.equal(admin.all('end')[0].client.split(':')[0], '127.0.0.3');
		await server.stop();
		assert.equal(spooled(server).length, 1);
	});

	for (const [how, end] of [
		['a kill', { reason: 'kill', act: ({ admin }) => admin.command({ c: 'kill', user: 'alice' }) }],
		['a stop', { reason: 'server-stop', act: ({ server }) => { server.program.process.kill('SIGTERM'); } }],
		['a return', {
			reason: 'timeout',
			act: async ({ clients, peer, dropped, server, t }) => {
				clients.push(client(t, server, 'udp', 'alice', '127.0.0.2'));
				await clients[1].resume(clients[0]);
				await relay(clients[1], peer);
				await clients[1].release();
				return dropped;
			},
		}],
	])
		test(`what comes while a client is away was not relayed, and ${how} tells so`, async (t) => {
			const server = await serve(t, ...MOBILITY);
			const admin = await watch(server);
			const peer = await udpPeer(t, { echo: true });
			const clients = [client(t, server, 'tcp', 'alice')];
			const truth = { clients, peer, dropped: [PACKETS, PACKETS * SIZE] };

			await clients[0].allocate({ mobile: true });
			await relay(clients[0], peer);
			clients[0].close();
			await until('the server saw it', () => /1st stage/.test(server.program.out));
			for (let i = 0; i < PACKETS; i++)
				peer.socket.send(Buffer.alloc(SIZE), clients[0].relayed.port, clients[0].relayed.address);
			await untilRead(clients[0].relayed.port);
			await sleep(300);
			assert.equal(admin.all('end').length, 0);
			await end.act({ t, server, admin, ...truth });
			await assertEnds(admin, { alice: truth }, end.reason);
			await server.stop();
			assert.equal(spooled(server).length, 1);
		});
});

/* More than both kernels' buffers and turnserver's own hold, so that much of it is dropped. */
async function flood(peer, to) {
	const payload = Buffer.alloc(1000);

	for (let i = 0; i < 20000; i++) {
		peer.socket.send(payload, to.port, to.address);
		if (i % 100 === 99)
			await sleep(2);
	}
	await sleep(300);
}

describe('a client that reads no more', { concurrency: 2 }, () => {
	for (const transport of ['tcp', 'tls'])
		for (const [how, act] of [
			['is killed', ({ admin }) => admin.command({ c: 'kill', user: 'alice' })],
			['is there at a stop', ({ server }) => { server.program.process.kill('SIGTERM'); }],
			['has no more to say', ({ c }) => c.socket.end()],
		])
			test(`over ${transport} and ${how} holds up nobody; what arrives in the end is counted`, async (t) => {
				const server = await serve(t);
				const admin = await watch(server);
				const peer = await udpPeer(t);
				const c = client(t, server, transport, 'alice');

				await c.allocate();
				await c.permit(peer);
				c.socket.pause();
				await flood(peer, c.relayed);
				const before = Date.now();

				await act({ server, admin, c });
				const { totals } = await admin.wait((l) => l.e === 'end');

				assertSoon(before, END_MAX_MS);
				c.socket.resume();
				await c.ended;
				assert.ok(totals[DROPPED[0]] > 0, 'it was more than fits');
				assert.deepEqual(totals.slice(...FROM_PEER), [c.packets, c.received]);
				assert.deepEqual(totals.slice(...TO_PEER), [0, 0]);
				assert.equal(totals[DROPPED[0]] * 1000, totals[DROPPED[0] + 1]);
			});
});
