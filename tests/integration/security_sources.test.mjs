/* security_sources.test.mjs - rows of the security ledger: sources that have not authenticated */
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { randomBytes } from 'node:crypto';

import { row } from './lib/ledger.mjs';
import { sleep } from './lib/suite.mjs';
import { METHOD as METHODS, attribute, ATTR } from './lib/turn_client.mjs';

const METHOD = { ...METHODS, binding: 0x001 };
const SOURCES = 400;
const MIB = 1024 * 1024;

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

	assert.ok(grown < MIB, `${SOURCES} sources took ${grown} bytes`);
}

row('S-SOURCE-SESSION', 'an Allocate from an address not seen before leaves no session', {},
	(server) => leavesNoSession(server, allocate));

row('S-SOURCE-SESSION', 'a Binding from an address not seen before leaves no session', {},
	(server) => leavesNoSession(server, () => request(METHOD.binding)));

row('S-SOURCE-SESSION', 'a byte from an address not seen before leaves no session', {},
	(server) => leavesNoSession(server, () => Buffer.from('?')));
