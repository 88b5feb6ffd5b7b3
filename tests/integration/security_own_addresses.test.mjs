/* security_own_addresses.test.mjs - rows of the security ledger: this host as a peer
 *
 * Two clients of one server meet at its relayed transport addresses, so those must be allowed; what else listens at
 * that address must not be reached. It takes addresses that are not loopback: the rows run in a network namespace,
 * where this file is run once more, with one address that looks public, one that is private, and one more interface. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import net from 'node:net';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { row } from './lib/ledger.mjs';
import { command, IS_ROOT, marker, now, sleep, turnPassword, until } from './lib/suite.mjs';
import { ATTR, attribute, errorOf, METHOD, peerAddress, TurnClient, udpPeer } from './lib/turn_client.mjs';
import { Turnserver } from './lib/turnserver.mjs';

const INSIDE = 'SECURITY_OWN_NS';
const PUBLIC = '198.41.0.4';
const PRIVATE = '192.168.7.1';
const OTHER = '193.0.14.129';
const PUBLIC_V6 = '2a00:1450:4001::7';
const CONNECT = 0x00a;
const TCP = Buffer.from([6, 0, 0, 0]);
const ARRIVES_MS = 200;

/* Listening at loopback, where the clients are; relaying at one of the others. */
const relayAt = (address, ...more) => ({
	admin: true,
	args: ['-L', '127.0.0.1', '-E', address, ...more],
	without: ['-L', '-E', '127.0.0.1', '--allow-loopback-peers'],
});
const setups = [
	{ where: 'of a public address', options: relayAt(PUBLIC), told: PUBLIC, bound: PUBLIC },
	{ where: 'behind external-ip', options: relayAt(PRIVATE, `--external-ip=${PUBLIC}/${PRIVATE}`), told: PUBLIC, bound: PRIVATE },
	{ where: 'behind an external-ip for all', options: relayAt(PRIVATE, `--external-ip=${PUBLIC}`), told: PUBLIC, bound: PRIVATE },
];

/* --- what a host runs beside turnserver ---------------------------------------------- */

async function tcpService(t, host) {
	const service = { address: host, connections: 0 };
	const listener = net.createServer((s) => { service.connections++; s.destroy(); });

	await new Promise((resolve) => listener.listen(0, host, resolve));
	t.after(() => listener.close());
	service.port = listener.address().port;
	return service;
}

const said = (peer, count = 1) => until(`${count} packets arrive`, () => peer.packets >= count);

/* --- rows ------------------------------------------------------------------------------ */

function reaching({ where, options, told, bound }) {
	row('S-OWN-PORTS', `a UDP service ${where} is not reached by Send`, options, async (server, t) => {
		const [client, friend] = [server.client('a'), server.client('b')];
		const service = await udpPeer(t, { host: bound });

		await client.allocate();
		await friend.allocate();
		await friend.permit({ address: told, port: 0 });
		assert.equal(await errorOf(client.permit({ address: told, port: service.port })), 0);
		await client.sendTo({ address: told, port: service.port }, 3, 50);
		await client.sendTo({ address: bound, port: service.port }, 3, 50);
		/* What is sent after them to another client shows that they were read. */
		await client.sendTo({ address: told, port: friend.relayed.port }, 1, 50);
		await said(friend);
		await sleep(ARRIVES_MS);
		assert.equal(service.packets, 0);
		assert.ok((await server.guard()).peerOwnPort >= 6);
	});

	row('S-OWN-PORTS', `a UDP service ${where} is not reached by ChannelBind`, options, async (server, t) => {
		const client = server.client();
		const service = await udpPeer(t, { host: bound });

		await client.allocate();
		assert.equal(await errorOf(client.bindChannel({ address: told, port: service.port })), 403);
		assert.equal(await errorOf(client.bindChannel({ address: bound, port: service.port }, 0x4001)), 403);
	});

	row('S-OWN-PORTS', `a TCP service ${where} is not reached by Connect`, options, async (server, t) => {
		const client = server.streamClient();
		const service = await tcpService(t, bound);
		const peer = { address: told, port: service.port };

		await client.open();
		await client.transaction(METHOD.allocate, [attribute(ATTR.transport, TCP)]);
		await client.permit(peer);
		assert.equal(await errorOf(client.transaction(CONNECT, [peerAddress(peer)])), 403);
		assert.equal(service.connections, 0);
	});

	row('S-OWN-PORTS', `a UDP service ${where} sends nothing to a client`, options, async (server, t) => {
		const [client, friend] = [server.client('a'), server.client('b')];
		const service = await udpPeer(t, { host: bound });

		await client.allocate();
		await friend.allocate();
		for (const c of [client, friend])
			await c.permit({ address: told, port: 0 });
		service.socket.send('to whom it may concern', client.relayed.port, bound);
		await friend.sendTo({ address: told, port: client.relayed.port }, 1, 33);
		await until('the friend is heard', () => client.received >= 33);
		assert.equal(client.received, 33);
	});

	row('S-OWN-PORTS', `a TCP service ${where} does not connect to a client`, options, async (server, t) => {
		const client = server.streamClient();

		await client.open();
		const got = await client.transaction(METHOD.allocate, [attribute(ATTR.transport, TCP)]);
		const port = got.get(ATTR.relayed).readUInt16BE(2) ^ 0x2112;

		await client.permit({ address: told, port: 0 });
		const s = net.connect({ port, host: bound, localAddress: bound });

		t.after(() => s.destroy());
		s.on('error', () => {});
		s.on('close', () => { s.gone = true; });
		await until('it is closed or the client hears of it', () => s.gone || client.packets > 0, server.isStock ? 1000 : 10000).catch(() => {});
		assert.equal(client.packets, 0); /* no ConnectionAttempt */
		assert.ok(s.gone);
	});

	/* Stock does this as well: it must go on. */
	test(`two clients ${where} meet at relayed addresses`, { timeout: 20000 }, async (t) => {
		await meet(t, options, told);
	});
}

async function meet(t, options, told) {
	const secret = marker('meet');
	const server = await new Turnserver(t, ['--use-auth-secret', `--static-auth-secret=${secret}`, ...options.args], options).start();
	const clients = ['a', 'b'].map((name) => {
		const username = `${now() + 3600}:${name}`;

		return new TurnClient({ host: '127.0.0.1', turnPort: server.port, realm: 'hook.test' },
			{ username, password: turnPassword(secret, username) });
	});
	const [a, b] = clients;

	t.after(() => clients.forEach((c) => c.close()));
	for (const c of clients)
		assert.equal((await c.allocate()).address, told);
	await b.permit(a.relayed);
	await a.bindChannel(b.relayed, 0x4000);
	await b.sendTo(a.relayed, 10, 40);
	await until('a hears b over its channel', () => a.channelBytes === 400);
	a.sendChannel(0x4000, Buffer.alloc(50));
	await until('b hears a', () => b.received === 50);
}

function elsewhere() {
	const options = relayAt(PUBLIC);

	row('S-OWN-PORTS', 'nor is one at another interface', options, async (server, t) => {
		const client = server.client();
		const service = await udpPeer(t, { host: OTHER });

		await client.allocate();
		assert.equal(await errorOf(client.bindChannel({ address: OTHER, port: service.port })), 403);
		assert.equal(await errorOf(client.permit({ address: PRIVATE, port: 0 })), 403);
	});

	row('S-OWN-PORTS', 'nor is one of IPv6, nor one of IPv4 by an IPv6 address', relayAt(PUBLIC, '-E', PUBLIC_V6), async (server) => {
		const client = server.client();

		await client.allocate({ ipv6: true });
		for (const [i, address] of [PUBLIC_V6, `::ffff:${PUBLIC}`, `64:ff9b::${PUBLIC}`].entries()) {
			assert.equal(await errorOf(client.permit({ address, port: 0 })), 0);
			assert.equal(await errorOf(client.bindChannel({ address, port: 5353 }, 0x4000 + i)), 403, address);
		}
		assert.equal(await errorOf(client.bindChannel({ address: PUBLIC_V6, port: client.relayed.port }, 0x4010)), 0);
	});

	row('S-OWN-PORTS', 'allowed-peer-ip opens no port of an own address', relayAt(PUBLIC, `--allowed-peer-ip=${PUBLIC}`),
		async (server, t) => {
			const client = server.client();
			const service = await udpPeer(t, { host: PUBLIC });

			await client.allocate();
			assert.equal(await errorOf(client.bindChannel({ address: PUBLIC, port: service.port })), 403);
		});

	row('S-OWN-PORTS', 'an address that comes later is own within seconds', options, async (server) => {
		const client = server.client();
		const later = '193.0.14.130';
		let channel = 0x4000;
		const asked = () => errorOf(client.bindChannel({ address: later, port: 1000 + channel }, channel++));

		const refreshed = () => errorOf(client.bindChannel({ address: later, port: 999 }, 0x4fff));

		await client.allocate();
		assert.equal(await asked(), 0);
		assert.equal(await refreshed(), 0);
		spawnSync('ip', ['address', 'add', `${later}/32`, 'dev', 'lo']);
		try {
			await until('it is own', async () => await asked() === 403, server.isStock ? 300 : 15000, 200)
				.catch((err) => assert.fail(err.message));
			assert.equal(await refreshed(), 403, 'a channel of before is refreshed');
		} finally {
			spawnSync('ip', ['address', 'del', `${later}/32`, 'dev', 'lo']);
		}
	});
}

/* --- the namespace ----------------------------------------------------------------------- */

function whySkip() {
	if (!IS_ROOT)
		return 'only root can make network namespaces';
	return ['ip', 'unshare'].map((c) => !command(c) && `no ${c} command`).find(Boolean) ?? false;
}

if (process.env[INSIDE]) {
	setups.forEach(reaching);
	elsewhere();
} else {
	test('this host as a peer', { skip: whySkip(), timeout: 120000 }, () => {
		const script = ['ip link set lo up',
			...[PUBLIC, PRIVATE, OTHER, PUBLIC_V6].map((a) => `ip address add ${a} dev lo`), 'exec "$0" "$1"'].join(' && ');
		const env = { ...process.env, [INSIDE]: '1' };

		delete env.NODE_TEST_CONTEXT; /* a run of its own, not a part of this one's report */
		const run = spawnSync('unshare', ['-n', 'sh', '-c', script, process.execPath, fileURLToPath(import.meta.url)],
			{ env, encoding: 'utf8', timeout: 110000 });

		assert.equal(run.status, 0, `${run.stdout}\n${run.stderr}`);
	});
}
