/* turn_client.mjs - as much of a TURN client (RFC 8656 over UDP, TCP and TLS; RFC 8016) as the tests need
 *
 * turnutils_uclient measures; this one holds one allocation open, says its relayed address,
 * and sends exactly the bytes it is told to, from an address of choice. */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import dgram from 'node:dgram';
import net from 'node:net';
import tls from 'node:tls';

import { REALM } from './stack.mjs';
import { sleep, within } from './suite.mjs';
import { untilRead } from './udp_queue.mjs';

const MAGIC = 0x2112a442;
export const METHOD = { allocate: 0x003, refresh: 0x004, send: 0x016, permission: 0x008, channel: 0x009, connect: 0x00a, connectionBind: 0x00b };
export const ATTR = {
	username: 0x0006, integrity: 0x0008, error: 0x0009, channel: 0x000c, lifetime: 0x000d, peer: 0x0012, data: 0x0013,
	realm: 0x0014, nonce: 0x0015, relayed: 0x0016, family: 0x0017, transport: 0x0019, connection: 0x002a, fingerprint: 0x8028, ticket: 0x8030,
};
const INDICATION = 0x0010;

export function attribute(type, value) {
	const b = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4);

	b.writeUInt16BE(type, 0);
	b.writeUInt16BE(value.length, 2);
	value.copy(b, 4);
	return b;
}

function header(type, length, id) {
	const b = Buffer.alloc(20);

	b.writeUInt16BE(type, 0);
	b.writeUInt16BE(length, 2);
	b.writeUInt32BE(MAGIC, 4);
	id.copy(b, 8);
	return b;
}

/* XOR with the magic cookie, in IPv6 with the transaction's id behind it: RFC 8489 section 14.2. */
function xorAddress({ address, port }, id) {
	const v6 = net.isIPv6(address);
	const ip = v6 ? v6Bytes(address) : Buffer.from(address.split('.').map(Number));
	const key = Buffer.concat([uint32(MAGIC), id]);
	const b = Buffer.from([0, v6 ? 2 : 1, 0, 0, ...ip.map((byte, i) => byte ^ key[i])]);

	b.writeUInt16BE(port ^ (MAGIC >>> 16), 2);
	return b;
}

/* "::" stands for as many zeros as are missing; the last two groups may be written as an IPv4 address. */
function v6Bytes(text) {
	const groups = (part) => part.split(':').filter(Boolean).flatMap((g) => (g.includes('.')
		? g.split('.').map(Number) : [parseInt(g, 16) >> 8, parseInt(g, 16) & 255]));
	const [head, tail = ''] = text.split('::');

	return [...groups(head), ...Buffer.alloc(16 - groups(head).length - groups(tail).length), ...groups(tail)];
}

/* Of a request that has not got its id yet. */
export const peerAddress = (peer) => (id) => attribute(ATTR.peer, xorAddress(peer, id));

/* Of an IPv6 address only the port: no test needs more. */
function unxorAddress(b) {
	const ip = (b.readUInt32BE(4) ^ MAGIC) >>> 0;

	return {
		address: b[1] === 2 ? null : [24, 16, 8, 0].map((shift) => (ip >>> shift) & 255).join('.'),
		port: b.readUInt16BE(2) ^ (MAGIC >>> 16),
	};
}

/* One by itself, unsigned. */
export function stunMessage(type, attrs, id = randomBytes(12)) {
	const body = Buffer.concat(attrs.map((a) => (typeof a === 'function' ? a(id) : a)));

	return Buffer.concat([header(type, body.length, id), body]);
}

function uint32(n) {
	const b = Buffer.alloc(4);

	b.writeUInt32BE(n, 0);
	return b;
}

function parse(msg) {
	const attrs = new Map();

	for (let i = 20; i + 4 <= msg.length;) {
		const n = msg.readUInt16BE(i + 2);

		attrs.set(msg.readUInt16BE(i), msg.subarray(i + 4, i + 4 + n));
		i += 4 + Math.ceil(n / 4) * 4;
	}
	return { type: msg.readUInt16BE(0), id: msg.toString('hex', 8, 20), attrs, raw: msg };
}

export class TurnError extends Error {
	/* signed: with the key of the credential, which only the server knows beside us. */
	constructor(code, reason, signed) {
		super(`TURN error ${code} ${reason}`);
		this.code = code;
		this.reason = reason;
		this.signed = signed;
	}
}

/* What a request is answered: 0, or the error's code. */
export async function errorOf(request) {
	try {
		await request;
		return 0;
	} catch (err) {
		if (!(err instanceof TurnError))
			throw err;
		return err.code;
	}
}

export class TurnClient {
	constructor(stack, { username, password }, localAddress = '127.0.0.1') {
		this.stack = stack;
		this.username = username;
		this.key = createHash('md5').update(`${username}:${stack.realm ?? REALM}:${password}`).digest();
		this.localAddress = localAddress;
		this.pending = new Map();
		this.received = 0;	/* payload bytes of Data indications */
		this.packets = 0;
		this.channelBytes = 0;	/* of ChannelData */
	}

	async open() {
		this.socket = dgram.createSocket('udp4');
		this.socket.on('message', (msg) => this.read(msg));
		await new Promise((resolve) => this.socket.bind(0, this.localAddress, resolve));
	}

	read(raw) {
		if (raw[0] >> 6 === 1) { /* RFC 8656 section 12 */
			this.channelBytes += raw.readUInt16BE(2);
			return;
		}
		const msg = parse(raw);

		if ((msg.type & 0x0110) === INDICATION) {
			this.received += msg.attrs.get(ATTR.data)?.length ?? 0;
			this.packets++;
		} else {
			this.pending.get(msg.id)?.(msg);
		}
	}

	/* behind: attributes that follow MESSAGE-INTEGRITY, which it says nothing of. */
	#send(type, attrs, id, sign, behind = []) {
		let body = Buffer.concat(attrs.map((a) => (typeof a === 'function' ? a(id) : a)));

		if (sign) { /* RFC 8489 section 14.5: over the header with the length as if already there */
			const head = header(type, body.length + 24, id);
			const mac = createHmac('sha1', this.key).update(head).update(body).digest();

			body = Buffer.concat([body, attribute(ATTR.integrity, mac)]);
		}
		body = Buffer.concat([body, ...behind.map((a) => (typeof a === 'function' ? a(id) : a))]);
		this.write(Buffer.concat([header(type, body.length, id), body]));
	}

	write(msg) {
		this.socket.send(msg, this.stack.turnPort, this.stack.host);
	}

	async #request(method, attrs, behind, last) {
		const id = randomBytes(12);
		const key = id.toString('hex');
		const reply = new Promise((resolve) => this.pending.set(key, resolve));
		const auth = this.nonce ? [
			attribute(ATTR.username, Buffer.from(this.username)),
			attribute(ATTR.realm, this.realm),
			attribute(ATTR.nonce, this.nonce),
			...last,
		] : [];

		this.#send(method, [...attrs, ...auth], id, auth.length > 0, auth.length > 0 ? behind : []);
		try {
			return await within('TURN answers', reply);
		} finally {
			this.pending.delete(key);
		}
	}

	/* RFC 8489 section 14.5: the length counts up to the MESSAGE-INTEGRITY, with it. */
	#isSigned({ raw, attrs }) {
		const mac = attrs.get(ATTR.integrity);

		if (!mac)
			return false;
		const at = mac.byteOffset - raw.byteOffset - 4;
		const text = Buffer.from(raw.subarray(0, at));

		text.writeUInt16BE(at + 24 - 20, 2);
		return createHmac('sha1', this.key).update(text).digest().equals(mac);
	}

	/* With a nonce learnt from the first refusal, RFC 8489 section 9.2. Answers the attributes of the response.
	 * last: attributes that follow the credentials, before MESSAGE-INTEGRITY; behind: those behind that one. */
	async transaction(method, attrs, { last = [], behind = [] } = {}) {
		for (let tries = 0; ; tries++) {
			const answer = await this.#request(method, attrs, behind, last);

			if (!answer)
				throw new TurnError(null, 'the connection was closed', false);
			const got = answer.attrs;
			const error = got.get(ATTR.error);

			if (!error)
				return got;
			const code = error[2] * 100 + error[3];
			/* coturn pads it with zeros, and counts them. */
			const reason = error.toString('utf8', 4).replace(/\0+$/, '');

			if (tries > 0 || (code !== 401 && code !== 438) || (code === 401 && this.nonce))
				throw new TurnError(code, reason, this.#isSigned(answer));
			this.nonce = Buffer.from(got.get(ATTR.nonce));
			this.realm = Buffer.from(got.get(ATTR.realm) ?? REALM);
		}
	}

	/* lifetime_s: instead of the server's; mobile: ask for a ticket (RFC 8016); ipv6: a relayed address of that family. */
	async allocate({ lifetime_s, mobile = false, ipv6 = false } = {}) {
		if (!this.socket)
			await this.open();
		const got = await this.transaction(METHOD.allocate, [
			attribute(ATTR.transport, Buffer.from([17, 0, 0, 0])),
			...(lifetime_s ? [attribute(ATTR.lifetime, uint32(lifetime_s))] : []),
			...(mobile ? [attribute(ATTR.ticket, Buffer.alloc(0))] : []),
			...(ipv6 ? [attribute(ATTR.family, Buffer.from([2, 0, 0, 0]))] : []),
		]);

		this.ticket = got.get(ATTR.ticket);
		this.lifetime_s = got.get(ATTR.lifetime).readUInt32BE(0);
		this.relayed = unxorAddress(got.get(ATTR.relayed));
		return this.relayed;
	}

	async permit(peer) {
		await this.transaction(METHOD.permission, [peerAddress(peer)]);
	}

	async bindChannel(peer, channel = 0x4000) {
		const number = Buffer.alloc(4);

		number.writeUInt16BE(channel, 0);
		await this.transaction(METHOD.channel, [attribute(ATTR.channel, number), peerAddress(peer)]);
	}

	sendChannel(channel, data) {
		const head = Buffer.alloc(4);

		head.writeUInt16BE(channel, 0);
		head.writeUInt16BE(data.length, 2);
		this.write(Buffer.concat([head, data]));
	}

	/* So that no queue overflows. */
	async pause() {
		await sleep(5);
		await untilRead(this.stack.turnPort);
	}

	/* count payloads of size bytes to the peer, slowly enough for no queue to overflow. */
	async sendTo(peer, count, size) {
		const data = attribute(ATTR.data, Buffer.alloc(size, 0x5a));
		const to = peerAddress(peer);

		for (let i = 0; i < count; i++) {
			this.#send(METHOD.send | INDICATION, [to, data], randomBytes(12), false);
			if (i % 10 === 9)
				await this.pause();
		}
	}

	/* What gets no answer, or one that nobody waits for. */
	indicate(method, attrs) {
		this.#send(method | INDICATION, attrs, randomBytes(12), false);
	}

	say(method, attrs) {
		this.#send(method, attrs, randomBytes(12), false);
	}

	async refresh(lifetime_s) {
		await this.transaction(METHOD.refresh, [attribute(ATTR.lifetime, uint32(lifetime_s))]);
	}

	/* Take over what another client allocated, from here. */
	async resume(from, lifetime_s = 600) {
		if (!this.socket)
			await this.open();
		Object.assign(this, { nonce: from.nonce, realm: from.realm, relayed: from.relayed });
		const got = await this.transaction(METHOD.refresh,
			[attribute(ATTR.ticket, from.ticket), attribute(ATTR.lifetime, uint32(lifetime_s))]);

		this.ticket = got.get(ATTR.ticket);
	}

	async release() {
		await this.refresh(0);
		this.relayed = null;
	}

	close() {
		this.socket?.close();
		this.socket = null;
	}
}

/* Over a stream: messages one after the other; .channelData are whole ChannelData messages, with padding. */
export class TurnStreamClient extends TurnClient {
	async open() {
		const { host, turnPort, tlsPort, tlsOptions } = this.stack;

		this.socket = tlsPort ? tls.connect({ host, port: tlsPort, rejectUnauthorized: false, ...tlsOptions })
			: net.connect({ host, port: turnPort });
		this.rest = Buffer.alloc(0);
		this.channelData = [];
		this.socket.on('data', (data) => this.#take(data));
		this.socket.on('error', (err) => { this.error = err; });
		this.ended = new Promise((resolve) => this.socket.once('close', resolve));
		this.socket.once('close', () => {
			for (const giveUp of this.pending.values())
				giveUp(null);
		});
		await new Promise((resolve) => this.socket.once(tlsPort ? 'secureConnect' : 'connect', resolve));
	}

	/* The length of the first message if all of it is there, else 0. RFC 8656 section 12.5: padded in a stream. */
	#whole() {
		if (this.rest.length < 4)
			return 0;
		const says = this.rest.readUInt16BE(2);
		const n = this.rest[0] & 0xc0 ? 4 + Math.ceil(says / 4) * 4 : 20 + says;

		return n <= this.rest.length ? n : 0;
	}

	#take(data) {
		this.rest = Buffer.concat([this.rest, data]);
		for (let n = this.#whole(); n > 0; n = this.#whole()) {
			const msg = this.rest.subarray(0, n);

			if (msg[0] & 0xc0)
				this.channelData.push(msg);
			else
				this.read(msg);
			this.rest = this.rest.subarray(n);
		}
	}

	write(msg) {
		this.socket.write(msg);
	}

	/* A stream waits by itself. */
	async pause() {
		await sleep(5);
	}

	close() {
		this.socket?.end(); /* destroying it would cut TLS off */
		this.socket = null;
	}
}

/* An allocation that ends with test t. */
export async function allocation(t, stack, credentials, localAddress) {
	const c = new TurnClient(stack, credentials, localAddress);

	t.after(async () => {
		/* One that was killed, or whose server is gone, gets no answer. */
		if (c.relayed)
			await Promise.race([c.release().catch(() => {}), sleep(200)]);
		c.close();
	});
	await c.allocate();
	return c;
}

/* A UDP peer that counts and, when asked to, echoes. */
export async function udpPeer(t, { echo = false, host = '127.0.0.1' } = {}) {
	const socket = dgram.createSocket('udp4');
	const peer = { address: host, port: 0, received: 0, packets: 0, socket };

	socket.on('message', (msg, from) => {
		peer.received += msg.length;
		peer.packets++;
		if (echo)
			socket.send(msg, from.port, from.address);
	});
	await new Promise((resolve) => socket.bind(0, host, resolve));
	peer.port = socket.address().port;
	t.after(() => socket.close());
	return peer;
}
