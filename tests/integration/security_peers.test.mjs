/* security_peers.test.mjs - rows of the security ledger: whom a client may reach through the relay, and how many
 *
 * This host's own addresses: security_own_addresses.test.mjs. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';

import { row } from './lib/ledger.mjs';
import { marker, now, sleep, turnPassword, until } from './lib/suite.mjs';
import { allocation, ATTR, attribute, errorOf, METHOD, peerAddress, udpPeer } from './lib/turn_client.mjs';
import { REALM, Turnserver } from './lib/turnserver.mjs';

const HOOK = { admin: true };

async function codesOf(addresses, ask) {
	const codes = {};

	for (const address of addresses)
		codes[address] = await errorOf(ask(address));
	return codes;
}

const all = (addresses, c) => Object.fromEntries(addresses.map((a) => [a, c]));
const permissions = (client, addresses) => codesOf(addresses, (address) => client.permit({ address, port: 0 }));
const publicAddress = (i) => ({ address: `8.8.${i >> 8}.${i & 255}`, port: 4000 });
const several = (from, count) => Array.from({ length: count }, (_, i) => publicAddress(from + i));
const permitAll = (client, peers) => errorOf(client.transaction(METHOD.permission, peers.map(peerAddress)));

const ELSEWHERE = [
	'10.0.0.1', '172.16.0.1', '192.168.255.255', '100.64.0.1', '169.254.1.1', '169.254.169.254', '100.100.100.200',
	'224.0.0.1', '255.255.255.255', '0.1.2.3', '192.0.0.8', '198.18.0.1', '203.0.113.1', '240.0.0.1',
];
const ELSEWHERE_V6 = [
	'fc00::1', 'fd12:3456::1', 'fe80::1', 'fec0::1', 'fd00:ec2::254', 'ff02::1', '100::1', '2001:db8::1', '2002:a00:1::',
	'64:ff9b::a9fe:a9fe', '::ffff:10.0.0.1', '4000::1',
];

row('S-PEERS-OPEN', 'a peer that is not on the public Internet is refused', HOOK, async (server) => {
	const client = server.client();

	await client.allocate();
	assert.deepEqual(await permissions(client, [...ELSEWHERE, '9.9.9.9']), { ...all(ELSEWHERE, 403), '9.9.9.9': 0 });
	let channel = 0x4000;

	assert.deepEqual(await codesOf(ELSEWHERE, (address) => client.bindChannel({ address, port: 80 }, channel++)),
		all(ELSEWHERE, 403));
	assert.ok((await server.guard()).peerDenied >= 2 * ELSEWHERE.length);
});

row('S-PEERS-OPEN', 'nor is one of IPv6', { admin: true, args: ['-E', '::1'] }, async (server) => {
	const client = server.client();

	await client.allocate({ ipv6: true });
	assert.deepEqual(await permissions(client, [...ELSEWHERE_V6, '2620:fe::9']), { ...all(ELSEWHERE_V6, 403), '2620:fe::9': 0 });
});

/* The option takes away permissions, and with them the look at the peer. */
for (const [what, options] of [
	['what is not on the public Internet', HOOK],
	['what denied-peer-ip names', { args: ['--denied-peer-ip=127.0.0.0-127.255.255.255'] }],
])
	row('S-SERVER-RELAY', `with server-relay, Send does not reach ${what}`,
		{ ...options, args: ['--server-relay', ...options.args ?? []], without: ['--allow-loopback-peers'] }, async (server, t) => {
			const client = server.client();
			const service = await udpPeer(t);

			await client.allocate();
			await client.sendTo({ address: '127.0.0.1', port: service.port }, 3, 50);
			/* It was read when what comes behind it is answered. */
			await errorOf(client.permit({ address: '127.0.0.1', port: 0 }));
			await sleep(100);
			assert.equal(service.packets, 0);
		});

row('S-PEERS-UNBOUND', 'an allocation has 256 permissions and no more', HOOK, async (server) => {
	const client = server.client();

	await client.allocate();
	for (let i = 0; i < 256; i += 32)
		assert.equal(await permitAll(client, several(i, 32)), 0);
	assert.equal(await permitAll(client, several(256, 1)), 508);
	assert.equal(await errorOf(client.bindChannel(publicAddress(256))), 508);
	/* One that is there is refreshed; one too many makes none of its request. */
	assert.equal(await permitAll(client, several(224, 32)), 0);
	assert.equal(await errorOf(client.bindChannel(publicAddress(0))), 0);
	assert.ok((await server.guard()).permissionsFull >= 2);
});

row('S-PEERS-UNBOUND', 'an allocation has 256 channels and no more', HOOK, async (server) => {
	const client = server.client();
	const peer = (i) => ({ address: '8.8.8.8', port: 5000 + i });

	await client.allocate();
	for (let i = 0; i < 256; i += 32)
		assert.deepEqual(await Promise.all(Array.from({ length: 32 }, (_, n) =>
			errorOf(client.bindChannel(peer(i + n), 0x4000 + i + n)))), Array(32).fill(0));
	assert.equal(await errorOf(client.bindChannel(peer(256), 0x4100)), 508);
	assert.equal(await errorOf(client.bindChannel(peer(0), 0x4000)), 0);
	assert.ok((await server.guard()).channelsFull >= 1);
});

row('S-PEERS-UNBOUND', 'connections to TCP peers are bounded like channels', { ours: ['--channels-max=2'] }, async (server, t) => {
	const client = server.streamClient();
	const peers = await Promise.all([0, 1, 2].map(async () => {
		const listener = net.createServer((socket) => t.after(() => socket.destroy())).listen(0, '127.0.0.1');

		t.after(() => listener.close());
		await once(listener, 'listening');
		return { address: '127.0.0.1', port: listener.address().port };
	}));

	await client.open();
	await client.transaction(METHOD.allocate, [attribute(ATTR.transport, Buffer.from([6, 0, 0, 0]))]);
	assert.deepEqual([await errorOf(client.transaction(METHOD.connect, [peerAddress(peers[0])])),
		await errorOf(client.transaction(METHOD.connect, [peerAddress(peers[1])])),
		await errorOf(client.transaction(METHOD.connect, [peerAddress(peers[2])]))], [0, 0, 508]);
});

row('S-PEERS-UNBOUND', 'a permission that has expired counts no more',
	{ args: ['--permission-lifetime=1'], ours: ['--permissions-max=2'] }, async (server) => {
		const client = server.client();

		await client.allocate();
		assert.equal(await permitAll(client, several(0, 2)), 0);
		assert.equal(await permitAll(client, several(2, 1)), 508);
		await until('they expire', async () => await permitAll(client, several(2, 1)) === 0);
	});

/* --- what opens them again: ours alone ------------------------------------------------- */

const SECRET = marker('peers');

async function clientOf(t, args) {
	const server = await new Turnserver(t, ['--use-auth-secret', `--static-auth-secret=${SECRET}`, ...args]).start();
	const username = `${now() + 3600}:peers`;

	return allocation(t, { host: '127.0.0.1', turnPort: server.port, realm: REALM },
		{ username, password: turnPassword(SECRET, username) });
}

for (const [args, opened] of [
	[['--allow-peers=private,multicast'], ['10.0.0.1', '172.16.0.1', '192.168.255.255', '224.0.0.1']],
	[['--allow-peers=link-local', '--allow-peers=shared'], ['169.254.1.1', '100.64.0.1']],
	[['--allowed-peer-ip=169.254.169.254', '--allowed-peer-ip=10.0.0.0-10.0.0.1'], ['169.254.169.254', '10.0.0.1']],
])
	test(`${args.join(' ')} opens what it names and nothing else`, async (t) => {
		const client = await clientOf(t, args);

		assert.deepEqual(await permissions(client, ELSEWHERE), { ...all(ELSEWHERE, 403), ...all(opened, 0) });
	});

for (const [option, why] of [
	['--allow-peers=privat', /allow-peers: there is no range "privat" \(--help lists them\)/],
	['--permissions-max=0', /permissions-max: "0" is not a number from 1 to/],
	['--channels-max=16385', /channels-max: "16385" is not a number from 1 to 16384/],
])
	test(`${option} is an error at the start`, async (t) => {
		const run = await new Turnserver(t, [option]).fails();

		assert.match(run.err, why);
		assert.notEqual(run.code, 0);
	});
