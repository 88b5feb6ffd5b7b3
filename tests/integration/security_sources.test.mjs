/* security_sources.test.mjs - rows of the security ledger: sources that have not authenticated */
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { randomBytes } from 'node:crypto';

import { row } from './lib/ledger.mjs';
import { sleep } from './lib/suite.mjs';
import { REALM } from './lib/turnserver.mjs';
import { METHOD as METHODS, attribute, ATTR } from './lib/turn_client.mjs';

const METHOD = { ...METHODS, binding: 0x001 };
const SOURCES = 400;
const MIB = 1024 * 1024;
/* A sanitizer keeps what was freed for a while. */
const ROOM = process.env.LEDGER === 'ours' ? 16 * MIB : MIB;

function request(method, attrs = []) {
	const body = Buffer.concat(attrs);
	const head = Buffer.alloc(20);

	head.writeUInt16BE(method, 0);
	head.writeUInt16BE(body.length, 2);
	head.writeUInt32BE(0x2112a442, 4);
	randomBytes(12).copy(head, 8);
	return Buffer.concat([head, body]);
}

const allocate = () => request(METHOD.allocate, [attribute(ATTR.transport, Buffer.from([17, 0, 0, 0]))]);

/* A datagram from each of so many ports; the server has had time to read them. */
async function fromManySources(server, datagram) {
	const sockets = Array.from({ length: SOURCES }, () => dgram.createSocket('udp4'));

	try {
		await Promise.all(sockets.map((s) => new Promise((resolve, reject) => {
			s.send(datagram(), server.port, server.host, (err) => (err ? reject(err) : resolve()));
		})));
		await sleep(200);
	} finally {
		for (const s of sockets)
			s.close();
	}
}

async function leavesNoSession(server, datagram) {
	await fromManySources(server, datagram);
	const before = server.rss_bytes();

	await fromManySources(server, datagram);
	const grown = server.rss_bytes() - before;

	assert.ok(grown < ROOM, `${SOURCES} sources took ${grown} bytes`);
}

row('S-SOURCE-SESSION', 'an Allocate from an address not seen before leaves no session', {},
	(server) => leavesNoSession(server, allocate));

row('S-SOURCE-SESSION', 'a Binding from an address not seen before leaves no session', {},
	(server) => leavesNoSession(server, () => request(METHOD.binding)));

row('S-SOURCE-SESSION', 'a byte from an address not seen before leaves no session', {},
	(server) => leavesNoSession(server, () => Buffer.from('?')));

/* RFC 8489 section 14.3: not what a name may be, which is an ERROR line without verbose, too. */
const badName = () => request(METHOD.allocate, [attribute(ATTR.username, Buffer.from('a"b')), attribute(ATTR.realm, Buffer.from(REALM)),
	attribute(ATTR.nonce, Buffer.from('x')), attribute(ATTR.integrity, Buffer.alloc(20))]);

row('S-SOURCE-LOG', 'what sources without a session send is logged ten times a second and thread, not each time', { args: ['--relay-threads=1'] }, async (server) => {
	const before = server.log.split('\n').length, began_ms = Date.now();

	await fromManySources(server, allocate);
	await fromManySources(server, badName);
	const lines = server.log.split('\n').length - before, seconds = (Date.now() - began_ms) / 1000;

	assert.ok(lines > 0 && lines <= SOURCES / 8 + 30 * seconds, `${lines} lines for ${2 * SOURCES} datagrams`);
});

/* --- DTLS --------------------------------------------------------------------------- */

const DTLS = { tls: true, without: ['--no-dtls'] };

/* RFC 6347 section 4.2: a record with a whole ClientHello, without a cookie. */
function clientHello() {
	const hello = Buffer.concat([
		Buffer.from('fefd', 'hex'), randomBytes(32), Buffer.from([0, 0]),	/* no session, no cookie */
		Buffer.from('0002c02f', 'hex'), Buffer.from([1, 0]),			/* one cipher, no compression */
	]);
	const length = hello.length.toString(16).padStart(6, '0');
	const handshake = Buffer.concat([Buffer.from(`01${length}0000000000${length}`, 'hex'), hello]);
	const head = Buffer.from('16fefd00000000000000000000', 'hex');

	head.writeUInt16BE(handshake.length, 11);
	return Buffer.concat([head, handshake]);
}

row('GHSA-5x2p-4vqj-f6m4', 'a ClientHello without a cookie leaves nothing', DTLS, async (server) => {
	const answer = await server.exchange(clientHello());

	assert.equal(answer?.[13], 3, 'no HelloVerifyRequest');
	assert.ok(answer.length < clientHello().length, `${answer.length} bytes for ${clientHello().length}`);
	await leavesNoSession(server, clientHello);
});

row('GHSA-5x2p-4vqj-f6m4', 'a handshake record that is no ClientHello leaves nothing', DTLS,
	(server) => leavesNoSession(server, () => Buffer.from('16fefd0000000000000000000000', 'hex')));
