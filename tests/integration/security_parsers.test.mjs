/* security_parsers.test.mjs - rows of the security ledger: messages and addresses, as they are read */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';

import { row } from './lib/ledger.mjs';
import { until } from './lib/suite.mjs';
import { ATTR, METHOD, attribute, errorOf, peerAddress, udpPeer } from './lib/turn_client.mjs';

const permission = (client, address) => errorOf(client.permit({ address, port: 4000 }));

/* The same of several, asked by one client that relays IPv6. */
async function permissions(server, addresses) {
	const client = server.client();
	const codes = {};

	await client.allocate({ ipv6: true });
	for (const address of addresses)
		codes[address] = await permission(client, address);
	return codes;
}

const all = (addresses, code) => Object.fromEntries(addresses.map((a) => [a, code]));

/* --- addresses ---------------------------------------------------------------------- */

const IPV6_RELAY = ['-E', '::1'];
const AS_SHIPPED = { args: [...IPV6_RELAY, '--no-multicast-peers'], without: ['--allow-loopback-peers'] };

row('CVE-2026-27624', 'an IPv4-mapped address is refused like the address it maps', AS_SHIPPED, async (server) => {
	const refused = ['::ffff:127.0.0.2', '::ffff:0.0.0.0', '::ffff:224.0.0.1'];

	assert.deepEqual(await permissions(server, refused), all(refused, 403));
});

row('GHSA-w4hf-cr3w-6h79', 'a mapped address that ends in .1 is not taken for ::1 and let through', AS_SHIPPED, async (server) => {
	const refused = ['::ffff:127.0.0.1', '::1'];

	assert.deepEqual(await permissions(server, refused), all(refused, 403));
});

row('S-EMBEDDED-IPV4', 'so is an address with an IPv4 address in any other form inside', AS_SHIPPED, async (server) => {
	const refused = ['::127.0.0.1', '::ffff:0:127.0.0.1', '2002:7f00:1::1', '64:ff9b::127.0.0.1', '2002:e000:1::1'];

	assert.deepEqual(await permissions(server, refused), all(refused, 403));
});

row('S-EMBEDDED-IPV4', 'denied-peer-ip of IPv4 covers IPv6 addresses that carry one', {
	args: [...IPV6_RELAY, '--denied-peer-ip=10.0.0.0-10.255.255.255'],
}, async (server) => {
	const refused = ['::ffff:10.0.0.1', '::10.0.0.1', '2002:a00:1::1', '64:ff9b::10.1.2.3'];

	assert.deepEqual(await permissions(server, [...refused, '::ffff:11.0.0.1']), { ...all(refused, 403), '::ffff:11.0.0.1': 0 });
});

row('S-IPV6-RANGE', 'all addresses of a denied IPv6 range are refused', {
	args: [...IPV6_RELAY, '--denied-peer-ip=fd00::ff-fd00::1ff'],
}, async (server) => {
	assert.deepEqual(await permissions(server, ['fd00::fe', 'fd00::ff', 'fd00::100', 'fd00::1ff', 'fd00::200']),
		{ 'fd00::fe': 0, 'fd00::ff': 403, 'fd00::100': 403, 'fd00::1ff': 403, 'fd00::200': 0 });
});

row('S-RANGE-FAMILY', 'an allowed IPv6 range lifts no denied IPv4 range', {
	args: ['--allowed-peer-ip=::-fdff:ffff::', '--denied-peer-ip=10.0.0.0-10.255.255.255'],
}, async (server) => {
	const client = server.client();

	await client.allocate();
	assert.equal(await permission(client, '10.0.0.1'), 403);
	assert.equal(await permission(client, '11.0.0.1'), 0);
});

/* --- messages ----------------------------------------------------------------------- */

const uint32 = (n) => Buffer.from([n >>> 24, n >>> 16, n >>> 8, n].map((b) => b & 255));
const lifetime = (s) => attribute(ATTR.lifetime, uint32(s));
const sent = (peer, bytes, to) => new Promise((resolve) => peer.socket.send(bytes, to.port, to.address, resolve));

row('S-BEHIND-INTEGRITY', 'a LIFETIME behind MESSAGE-INTEGRITY is ignored', {}, async (server) => {
	const client = server.client();

	await client.allocate();
	const got = await client.transaction(METHOD.refresh, [lifetime(700)], { behind: [lifetime(800)] });

	assert.equal(got.get(ATTR.lifetime).readUInt32BE(0), 700);
	/* Nor does one end the allocation. */
	await client.transaction(METHOD.refresh, [lifetime(700)], { behind: [lifetime(0)] });
	await client.refresh(700);
});

row('S-BEHIND-INTEGRITY', 'a peer behind MESSAGE-INTEGRITY gets no permission', {}, async (server, t) => {
	const client = server.client();
	const relayed = await client.allocate();
	const friend = await udpPeer(t);
	const stranger = await udpPeer(t, { host: '127.0.0.2' });

	await client.transaction(METHOD.permission, [peerAddress(friend)], { behind: [peerAddress(stranger)] });
	await sent(stranger, Buffer.alloc(100), relayed);
	await sent(friend, Buffer.alloc(10), relayed);
	await until('what the friend sent', () => client.received === 10 || client.packets > 1);
	assert.equal(client.received, 10);
});

row('S-BEHIND-INTEGRITY', 'so is whatever else is behind it in Allocate and ChannelBind', {}, async (server, t) => {
	const client = server.client();
	const transport = attribute(ATTR.transport, Buffer.from([17, 0, 0, 0]));
	const unknown = attribute(0x7777, Buffer.alloc(4));

	const number = attribute(ATTR.channel, Buffer.from([0x40, 0, 0, 0]));
	const peer = peerAddress(await udpPeer(t));

	await client.open();
	assert.equal(await errorOf(client.transaction(METHOD.allocate, [transport], { behind: [transport, lifetime(1000), unknown] })), 0);
	assert.equal(await errorOf(client.transaction(METHOD.channel, [number, peer], { behind: [number, unknown] })), 0);
});

/* Of two USERNAMEs the first is whose key signs; stock charged the last. */
row('S-SECOND-USERNAME', 'an allocation is charged to whom its request is signed by', { args: ['--user-quota=1'] }, async (server) => {
	const transport = attribute(ATTR.transport, Buffer.from([17, 0, 0, 0]));
	const codes = [];

	for (const other of ['1:nobody', '1:somebody']) {
		const client = server.client('charged');

		await client.open();
		codes.push(await errorOf(client.transaction(METHOD.allocate, [transport],
			{ last: [attribute(ATTR.username, Buffer.from(other))] })));
	}
	assert.deepEqual(codes, [0, 486]);
});

/* What follows is in the middle of the message before it: nobody answers. */
const BINDING = Buffer.from('000100002112a442000102030405060708090a0b', 'hex');

async function answersAfter(server, bytes, limit_ms = 300) {
	const c = await server.connect();

	await c.write(Buffer.concat([bytes, BINDING]));
	return (await c.read(1, limit_ms)).length > 0;
}

row('S-LENGTH-WRAP', 'what is inside of a ChannelData message of 65535 bytes is no message', {}, async (server) => {
	assert.equal(await answersAfter(server, Buffer.alloc(0), 10000), true, 'a Binding request is answered');
	assert.equal(await answersAfter(server, Buffer.from([0x40, 0, 0xff, 0xff])), false);
});

row('S-LENGTH-WRAP', 'what is inside of a STUN message of 65532 bytes is no message', {}, async (server) => {
	assert.equal(await answersAfter(server, Buffer.from('0001fffc2112a4420001020304050607', 'hex')), false);
});

/* The buffers that packets are read into are used again, the last first. */
row('S-CHANNEL-PADDING', 'the padding of ChannelData says nothing of other packets', {}, async (server, t) => {
	const client = server.streamClient();
	const peer = await udpPeer(t);
	const relayed = await client.allocate();

	await client.bindChannel(peer);
	for (let i = 1; i <= 6; i++) {
		await sent(peer, Buffer.alloc(i % 2 ? 400 : 5, 0x5a), relayed);
		await until('ChannelData', () => client.channelData.length === i);
	}
	for (const msg of client.channelData.filter((m) => m.length < 20)) {
		assert.equal(msg.length, 12);
		assert.deepEqual([...msg.subarray(9)], [0, 0, 0]);
	}
});

/* --- RFC 6062 ------------------------------------------------------------------------- */

row('S-CONNECTION-TAKEN', 'a ConnectionBind of a stranger takes no connection from its owner', {}, async (server, t) => {
	const client = server.streamClient();
	const stranger = server.streamClient('stranger');
	const data = server.streamClient();
	const peer = net.createServer().listen(0, '127.0.0.1');

	t.after(() => peer.close());
	peer.on('connection', (socket) => t.after(() => socket.destroy()));
	await once(peer, 'listening');
	await client.open();
	await client.transaction(METHOD.allocate, [attribute(ATTR.transport, Buffer.from([6, 0, 0, 0]))]);
	const to = { address: '127.0.0.1', port: peer.address().port };
	const connection = attribute(ATTR.connection, (await client.transaction(METHOD.connect, [peerAddress(to)])).get(ATTR.connection));

	await stranger.open();
	Object.assign(stranger, { nonce: client.nonce, realm: client.realm });
	assert.notEqual(await errorOf(stranger.transaction(METHOD.connectionBind, [connection])), 0);
	await data.open();
	Object.assign(data, { username: client.username, key: client.key, nonce: client.nonce, realm: client.realm });
	assert.equal(await errorOf(data.transaction(METHOD.connectionBind, [connection])), 0);
});

/* --- the log ------------------------------------------------------------------------- */

const FORGED = '0: : INFO: forged';
const ORIGIN = 0x802f;
const linesOf = (server) => server.log.split('\n');

/* An Allocate of nobody; what is said to it does not matter. */
async function allocateWith(server, attrs) {
	const client = server.client();

	await client.open();
	await errorOf(client.transaction(METHOD.allocate, [attribute(ATTR.transport, Buffer.from([17, 0, 0, 0])), ...attrs]));
}

row('S-LOG-FORGERY', 'an ORIGIN makes no line of the log', {}, async (server) => {
	await allocateWith(server, [attribute(ORIGIN, Buffer.from(`no origin\n${FORGED}\n\x1b[2J`))]);
	await until('the origin is logged', () => server.log.includes('Wrong origin format'));
	assert.equal(linesOf(server).includes(FORGED), false);
	assert.equal(server.log.includes('\x1b'), false);
});

row('S-LOG-FORGERY', 'nor does a USERNAME', {}, async (server) => {
	const client = server.client(`mallory\n${FORGED}\n`);

	await errorOf(client.allocate());
	await until('the name is logged', () => server.log.includes('mallory'));
	assert.equal(linesOf(server).includes(FORGED), false);
});

row('S-LOG-FORGERY', 'a line that is cut off ends all the same', {}, async (server) => {
	for (let i = 0; i < 3; i++)
		await allocateWith(server, [attribute(ORIGIN, Buffer.alloc(1200, 0x61))]);
	const origins = await until('the origins are logged', () => {
		const lines = linesOf(server).filter((l) => l.includes('Wrong origin format: aaaa'));

		return server.log.match(/Wrong origin format: aaaa/g)?.length >= 3 && lines;
	});

	for (const line of origins)
		assert.match(line, /: Wrong origin format: a+$/, 'the next line is behind it');
	assert.equal(server.log.includes('\0'), false);
});
