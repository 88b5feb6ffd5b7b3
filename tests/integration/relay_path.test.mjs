/* relay_path.test.mjs - bursts arrive in order and are counted; a peer that is not there costs nothing */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import dgram from 'node:dgram';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { REALM } from './lib/stack.mjs';
import { now, sleep } from './lib/suite.mjs';
import { TurnClient } from './lib/turn_client.mjs';
import { Turnserver, until, writeSecrets } from './lib/turnserver.mjs';

const SECRET = 'the-secret-of-the-path';
const CHANNEL = 0x4000;
const PEER = '127.0.0.9'; /* not an address that is relayed from */
const SENT = [4, 8]; /* received, sent: where a peer's totals stand */
const TICKS_A_SECOND = 100;
const options = { timeout: 30000 };

class ChannelClient extends TurnClient {
	channelData = [];

	read(raw) {
		if (raw[0] & 0x40)
			this.channelData.push(raw.subarray(4, 4 + raw.readUInt16BE(2)));
		else
			super.read(raw);
	}

	tell(data, channel = CHANNEL) {
		const head = Buffer.alloc(4);

		head.writeUInt16BE(channel, 0);
		head.writeUInt16BE(data.length, 2);
		this.write(Buffer.concat([head, data]));
	}
}

async function serve(t) {
	const server = new Turnserver(t, ['--auth-secret-file={dir}/auth-secrets', `--realm=${REALM}`]);

	writeSecrets(path.join(server.dir, 'auth-secrets'), [`k1 ${SECRET}`]);
	return server.start();
}

async function allocated(t, server) {
	const username = `${now() + 3600}:alice`;
	const password = createHmac('sha1', SECRET).update(username).digest('base64');
	const c = new ChannelClient({ host: '127.0.0.1', turnPort: server.port }, { username, password });

	t.after(() => c.close());
	await c.allocate();
	return c;
}

async function peerSocket(t) {
	const s = dgram.createSocket({ type: 'udp4', recvBufferSize: 1 << 20 });

	t.after(() => s.close());
	await new Promise((resolve) => s.bind(0, PEER, resolve));
	s.heard = [];
	s.on('message', (msg) => s.heard.push(msg));
	return s;
}

/* Number n of a flow; what follows the number is made from it. */
function packet(n, size) {
	const b = Buffer.alloc(size, n & 255);

	if (size >= 4)
		b.writeUInt32BE(n, 0);
	return b;
}

/* Frames of a video and words between them: runs of one size, and every size after every other. */
const SIZES = [1200, 1200, 1200, 1200, 1200, 300, 172, 172, 1200, 1200, 50, 51, 50, 4, 1200, 0, 1200, 1200, 1, 700, 700, 700];
const ROUNDS = 30;
const UNDER_WAY_MAX = 2 * SIZES.length;
const ROOM_MAX_MS = 500; /* what is lost is not waited for each time */

/* A burst at once, as long as the sockets between have room: on a busy machine the next one waits for those before. */
async function sendBursts(send, heard) {
	const all = [];

	for (let i = 0; i < ROUNDS; i++) {
		for (const size of SIZES) {
			all.push(packet(all.length, size));
			send(all.at(-1));
		}
		await sleep(4);
		await until('there is room', () => heard.length >= all.length - UNDER_WAY_MAX, ROOM_MAX_MS).catch(() => {});
	}
	return all;
}

function assertSame(got, sent, where) {
	const at = got.findIndex((b, i) => !b.equals(sent[i]));

	assert.equal(at, -1, `${where}: packet ${at} is another one`);
	assert.equal(got.length, sent.length, where);
}

test('bursts arrive whole and in order, both ways, and are counted', options, async (t) => {
	const server = await serve(t);
	const admin = await (await server.connect()).subscribe();
	const c = await allocated(t, server);
	const peer = await peerSocket(t);

	await c.bindChannel(peer.address());
	const [toPeer, toClient] = await Promise.all([
		sendBursts((b) => c.tell(b), peer.heard),
		sendBursts((b) => peer.send(b, c.relayed.port, c.relayed.address), c.channelData),
	]);

	await until('all have come', () => peer.heard.length >= toPeer.length && c.channelData.length >= toClient.length, 10000).catch(() => {});
	assertSame(peer.heard, toPeer, 'at the peer');
	assertSame(c.channelData, toClient, 'at the client');
	await c.release();
	const { totals } = await admin.wait((l) => l.e === 'end');
	const bytes = toPeer.reduce((n, b) => n + b.length, 0);

	assert.deepEqual(totals.slice(...SENT), [toClient.length, bytes, toPeer.length, bytes]);
	/* The client's side: all of that in ChannelData, and the server's own answers. */
	assert.ok(totals[2] >= toClient.length && totals[3] >= bytes + 4 * toClient.length, `${totals}`);
});

function cpuTicks(pid) {
	const fields = fs.readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ');

	return Number(fields[11]) + Number(fields[12]);
}

test('a peer that is not there costs nothing, and others are relayed meanwhile', options, async (t) => {
	const server = await serve(t);
	const c = await allocated(t, server);
	const peer = await peerSocket(t), gone = await peerSocket(t);
	const closed = gone.address();
	const pid = server.program.process.pid;

	await new Promise((resolve) => gone.close(resolve));
	gone.close = () => {};
	await c.bindChannel(peer.address());
	await c.bindChannel(closed, CHANNEL + 1);
	for (let i = 0; i < 100; i++) {
		c.tell(packet(i, 100), CHANNEL + 1); /* each is answered by an ICMP error */
		c.tell(packet(i, 100));
		peer.send(packet(i, 100), c.relayed.port, c.relayed.address);
		if (i % 5 === 0)
			await sleep(2);
	}
	await until('the others have come', () => peer.heard.length === 100 && c.channelData.length === 100, 10000);
	const before = cpuTicks(pid);

	await sleep(500);
	assert.ok(cpuTicks(pid) - before <= 0.1 * TICKS_A_SECOND, 'the loop sleeps');
	c.tell(packet(100, 100));
	await until('it is relayed still', () => peer.heard.length === 101, 10000);
});
