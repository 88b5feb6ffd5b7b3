/* security_server.test.mjs - rows of the security ledger: what turnserver makes of requests, options and TLS */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';

import { row, startRow } from './lib/ledger.mjs';
import { marker, until } from './lib/suite.mjs';
import { ATTR, attribute, errorOf, METHOD, peerAddress, udpPeer } from './lib/turn_client.mjs';

const HTTP_GET = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';
const UDP_RELAY = attribute(ATTR.transport, Buffer.from([17, 0, 0, 0]));
const ORIGIN = 0x802f;

/* --- HTTP ----------------------------------------------------------------------------- */

const WEB = { args: ['--web-admin', '--web-admin-listen-on-workers'] };

row('S-HTTP-FORMAT', 'an HTTP request over TCP does not end turnserver', WEB, async (server) => {
	const c = await server.connect();

	await c.write(HTTP_GET);
	assert.match((await c.read(15, 10000)).toString(), /^HTTP\/1\.0 200 OK/);
});

row('S-HTTP-FORMAT', 'nor does one over TLS', { ...WEB, tls: true }, async (server) => {
	const c = await server.connect({ tls: true });

	await c.write(HTTP_GET);
	assert.match((await c.read(15, 10000)).toString(), /^HTTP\/1\.[01] 200 OK/);
});

/* --- before a client has authenticated --------------------------------------------------- */

row('S-ORIGIN-PINNED', 'the origin of an Allocate that nobody authenticated binds nobody', { args: ['--check-origin-consistency'] }, async (server) => {
	const client = server.client();

	await client.open();
	/* It has a session, but not an allocation. */
	assert.equal(await errorOf(client.refresh(600)), 437);
	/* As if somebody had forged it. */
	client.say(METHOD.allocate, [UDP_RELAY, attribute(ORIGIN, Buffer.from('https://forged.example'))]);
	assert.equal(await errorOf(client.allocate()), 0);
});

row('S-USERNAME-PINNED', 'nor does its user name', {}, async (server) => {
	const client = server.client();

	await client.open();
	client.say(METHOD.allocate, [
		UDP_RELAY, attribute(ATTR.username, Buffer.from('forged')), attribute(ATTR.realm, Buffer.from('hook.test')),
		attribute(ATTR.nonce, Buffer.from('0123456789abcdef')), attribute(ATTR.integrity, Buffer.alloc(20)),
	]);
	assert.equal(await errorOf(client.allocate()), 0);

	/* What binds nobody is no way to be somebody else: a key that is known signs for its own name only. */
	const [thief, victim] = [server.client('thief'), server.client('victim')];

	await thief.open();
	assert.equal(await errorOf(thief.refresh(600)), 437);
	thief.username = victim.username;
	assert.notEqual(await errorOf(thief.allocate()), 0);
});

const USERS = ['thief', 'victim'];
const passwordOf = Object.fromEntries(USERS.map((name) => [name, marker(name)]));
const LONG_TERM = { args: ['--lt-cred-mech', ...USERS.map((name) => `--user=${name}:${passwordOf[name]}`)], auth: false };

row('S-USERNAME-PINNED', 'and no key signs for another name', LONG_TERM, async (server) => {
	const client = server.client();
	const calls = (username, key) => Object.assign(client, { username, key });
	const keyOf = (name) => createHash('md5').update(`${name}:hook.test:${passwordOf[name]}`).digest();

	await client.open();
	/* A wrong key lets the server look up the right one. */
	assert.equal(await errorOf(calls('thief', Buffer.alloc(16)).refresh(600)), 401);
	assert.notEqual(await errorOf(calls('victim', keyOf('thief')).allocate()), 0);
	assert.equal(await errorOf(calls('victim', keyOf('victim')).allocate()), 0);
});

/* --- peers ---------------------------------------------------------------------------------- */

row('S-SEVERAL-PEERS', 'Send with two peer addresses sends nothing', {}, async (server, t) => {
	const client = server.client();
	const [first, second] = [await udpPeer(t), await udpPeer(t)];
	const data = attribute(ATTR.data, Buffer.alloc(100));

	await client.allocate();
	await client.permit(first);
	client.indicate(METHOD.send, [peerAddress(first), peerAddress(second), data]);
	/* Behind it on the same sockets. */
	client.indicate(METHOD.send, [peerAddress(first), data]);
	client.indicate(METHOD.send, [peerAddress(second), data]);
	await until('what was sent alone', () => first.packets > 0 && second.packets > 0);
	assert.deepEqual([first.packets, second.packets], [1, 1]);
});

row('S-SEVERAL-PEERS', 'ChannelBind with two peer addresses is refused', {}, async (server, t) => {
	const client = server.client();
	const [first, second] = [await udpPeer(t), await udpPeer(t)];
	const number = attribute(ATTR.channel, Buffer.from([0x40, 0, 0, 0]));

	await client.allocate();
	assert.equal(await errorOf(client.transaction(METHOD.channel, [number, peerAddress(first), peerAddress(second)])), 400);
	assert.equal(await errorOf(client.transaction(METHOD.channel, [number, peerAddress(first)])), 0);
});

const WRONG_RANGES = ['10.0.0.0/8', '10.0.0.0-', '-10.0.0.1', '10.0.0.9-10.0.0.1', '10.0.0.1-::1', '10.0', '10.0.0.0-10.0.256.0', '',
	'fd00::/8', 'fd00::2-fd00::1'];

for (const range of WRONG_RANGES)
	startRow('S-PEER-RANGE', `denied-peer-ip=${range} is an error at the start`, { args: [`--denied-peer-ip=${range}`] }, (run) => {
		assert.ok(!run.served, 'it serves without the rule');
		assert.notEqual(run.code, 0);
		assert.match(run.err, /denied-peer-ip=.*neither an address nor a range/);
	});

startRow('S-PEER-RANGE', 'so is allowed-peer-ip=10.0.0.0/8', { args: ['--allowed-peer-ip=10.0.0.0/8'] }, (run) => {
	assert.ok(!run.served, 'it serves without the rule');
	assert.match(run.err, /allowed-peer-ip=.*neither an address nor a range/);
});

/* --- TLS --------------------------------------------------------------------------------------- */

const TLS = { tls: true };
const TLS_1_3 = { tls: true, minVersion: 'TLSv1.3' };
const SUITES = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];

async function assertTls(server, options, protocol) {
	const c = await server.connect({ tls: true, ...options });

	assert.equal(c.error?.message ?? null, null);
	assert.equal(c.socket.getProtocol(), protocol);
	return c;
}

row('S-TLS-1.3', 'a client allocates and relays over TLS 1.3', TLS, async (server, t) => {
	await assertTls(server, TLS_1_3, 'TLSv1.3');
	const client = server.streamClient('tls13', TLS_1_3);
	const peer = await udpPeer(t, { echo: true });

	await client.allocate();
	await client.permit(peer);
	await client.sendTo(peer, 50, 1000);
	await until('the echoes', () => client.packets === 50);
	await client.release();
});

for (const ciphers of SUITES)
	row('S-TLS-1.3', `it speaks ${ciphers}`, TLS, async (server) => {
		const c = await assertTls(server, { ...TLS_1_3, ciphers }, 'TLSv1.3');

		assert.equal(c.socket.getCipher().name, ciphers);
	});

row('S-TLS-1.3', 'a ticket resumes a session', TLS, async (server) => {
	const first = await assertTls(server, TLS_1_3, 'TLSv1.3');
	const [session] = await once(first.socket, 'session', { signal: AbortSignal.timeout(20000) });
	const again = await assertTls(server, { ...TLS_1_3, session }, 'TLSv1.3');

	assert.equal(again.socket.isSessionReused(), true);
});

row('S-TLS-1.3', 'without TLS 1.2 there is TLS 1.3, and no TLS 1.2', { ...TLS, args: ['--no-tlsv1', '--no-tlsv1_1', '--no-tlsv1_2'] }, async (server) => {
	await assertTls(server, {}, 'TLSv1.3');
	const old = await server.connect({ tls: true, maxVersion: 'TLSv1.2' });

	assert.notEqual(old.error, null);
});
