/* shipped.mjs - the Android and the Windows app on a raw WebSocket, with the bytes they send
 *
 * The packets are those of tests/vectors/clients; here is what the apps do around them. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';

import { frame, parseFrame } from './echo.mjs';
import { Inbox } from './inbox.mjs';
import { marker, SOURCE_DIR, within } from './suite.mjs';

const VECTORS = path.join(SOURCE_DIR, 'tests', 'vectors', 'clients');
const read = (name) => fs.readFileSync(path.join(VECTORS, name), 'utf8');

const packets = (name) => new Map(read(name).split('\n')
	.filter((line) => line && !line.startsWith('#'))
	.map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]));

const ANDROID = packets('android.packets');
const WINDOWS = packets('windows.packets');

export const OFFER = read('offer.sdp');
export const ANSWER = read('answer.sdp');

/* Inside a JSON string, as JavaScript writes it and as Android does. */
const escaped = (text) => JSON.stringify(text).slice(1, -1);
const androidEscaped = (text) => escaped(text).replaceAll('/', '\\/');

const filled = (template, words) => template.replace(/@([A-Z]+)@/g, (_, word) => {
	assert.ok(words[word] !== undefined, `nothing for @${word}@ in ${template}`);
	return words[word];
});

/* One connection. Everything it is sent is in its inbox; acks under the name "ack N". */
class ShippedSocket extends Inbox {
	constructor(stack, userId, words, { connect = net.connect, port = stack.port } = {}) {
		super(userId);
		this.stack = stack;
		this.words = { USER: userId, TOKEN: marker('token'), ...words };
		this.acks = 0;
		this.bytes = Buffer.alloc(0);
		this.events = [];
		this.stream = connect({ host: stack.host, port });
		this.stream.setNoDelay?.(true);
		this.stream.on('error', () => {});
		this.ended = new Promise((resolve) => { this.stream.once('close', resolve); });
		this.closeFrame = false;
	}

	get all() {
		return this.constructor.packets;
	}

	escape(text) {
		return escaped(text);
	}

	packet(name, words = {}) {
		return filled(this.all.get(name), { ...this.words, ...words });
	}

	/* Something that is in no file of theirs. */
	sendRaw(text) {
		this.stream.write(frame(1, text));
		return this;
	}

	/* A template by its name, as one message. */
	send(name, words) {
		return this.sendRaw(this.packet(name, words));
	}

	/* One packet per name, in one write: what a client emits in the same tick. */
	sendAll(...names) {
		const texts = names.map((n) => this.packet(n));

		this.stream.write(Buffer.concat(texts.map((text) => frame(1, text))));
		return this;
	}

	/* From the TCP connection to the namespace. */
	async open() {
		const [method, url] = this.packet('upgrade').split(' ');
		const headers = (this.all.get('headers') ?? '').replace(/; (?=[A-Z][A-Za-z-]*: )/g, '\r\n');

		await within('the handshake', new Promise((resolve, reject) => {
			this.stream.once('close', () => reject(new Error(`closed: ${this.bytes.toString('latin1').slice(0, 300)}`)));
			this.stream.on('data', (d) => {
				this.bytes = Buffer.concat([this.bytes, d]);
				const end = this.bytes.indexOf('\r\n\r\n');

				if (!this.upgraded && end >= 0) {
					const head = this.bytes.subarray(0, end).toString('latin1');

					if (!head.startsWith('HTTP/1.1 101 '))
						return reject(new Error(head));
					this.upgraded = true;
					this.bytes = this.bytes.subarray(end + 4);
					resolve();
				}
				if (this.upgraded)
					this.#frames();
			});
			this.stream.write(`${method} ${url} HTTP/1.1\r\nHost: ${this.stack.host}:${this.stack.port}\r\n${headers}\r\n`
				+ 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'
				+ 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
		}));
		this.hello = await this.next('open');
		this.send('connect');
		this.sid = (await this.next('connect')).sid;
		assert.match(this.sid, /^.{20}$/);
		return this;
	}

	#frames() {
		for (let f; (f = parseFrame(this.bytes));) {
			this.bytes = this.bytes.subarray(f.length);
			if (f.opcode === 1)
				this.#message(f.payload.toString());
			else if (f.opcode === 8)
				this.closeFrame = true;
		}
	}

	#message(text) {
		const [, type, id, json] = /^(4[0-4]|\d)(\d*)(.*)$/s.exec(text);

		if (type === '2')
			this.stream.write(frame(1, '3'));
		else if (type === '0')
			this.keep('open', JSON.parse(json));
		else if (type === '40')
			this.keep('connect', JSON.parse(json));
		else if (type === '41')
			this.keep('disconnect');
		else if (type === '44')
			this.keep('connect_error', JSON.parse(json));
		else if (type === '43')
			this.keep(`ack ${id}`, JSON.parse(json)[0]);
		else if (type === '42')
			this.#event(JSON.parse(json));
		else
			assert.fail(`the client does not know ${text}`);
	}

	#event([event, data]) {
		assert.ok(!JSON.stringify(data ?? {}).includes('null'), `null in ${event}`);
		this.events.push(event);
		this.keep(event, data);
		this.onEvent?.(event, data);
	}

	/* As when the app is killed or the network goes: no packet says so. */
	vanish() {
		this.stream.destroy();
	}

	/* How often it got this event, taken or not. */
	got(event) {
		return this.events.filter((e) => e === event).length;
	}
}

export class AndroidSocket extends ShippedSocket {
	static packets = ANDROID;

	constructor(stack, userId, { words, ...options } = {}) {
		super(stack, userId, { OFFER: androidEscaped(OFFER), ANSWER: androidEscaped(ANSWER), TYPE: 'video',
			NAME: `Користувач ${userId}`, AVATAR: androidEscaped(`https://worldmates.example/u/${userId}.jpg`), ...words }, options);
	}

	/* The app asks before it calls and before it accepts. */
	async iceRequest() {
		const id = this.acks++;

		this.send('ice:request', { ACK: id });
		return this.next(`ack ${id}`);
	}

	candidate(n, peer, room = this.words.ROOM) {
		return this.send('ice:candidate', { ROOM: room, PEER: peer, MID: '0', INDEX: 0, CANDIDATE: androidEscaped(candidateLine(n)) });
	}

	/* CallsViewModel ends whatever call it is in, whichever call the event names. */
	echo() {
		this.onEvent = (event) => {
			if ((event !== 'call:ended' && event !== 'call:rejected') || !this.words.ROOM || this.screenClosed)
				return;
			this.screenClosed = true;
			this.send('call:end').send('call:leave_room');
		};
		return this;
	}

	async call(peer, words = {}) {
		Object.assign(this.words, { PEER: peer, ROOM: roomNow() }, words);
		await this.iceRequest();
		this.send('call:initiate').send('call:join_room');
		return this.words.ROOM;
	}

	/* From the ringing screen: always on a connection of its own. */
	async accept(incoming) {
		Object.assign(this.words, { ROOM: incoming.roomName, PEER: incoming.fromId });
		await this.iceRequest();
		this.send('call:join_room').send('call:accept');
	}
}

export class WindowsSocket extends ShippedSocket {
	static packets = WINDOWS;

	constructor(stack, userId, { words, ...options } = {}) {
		super(stack, userId, { OFFER: escaped(OFFER), ...words }, options);
	}
}

export const candidateLine = (n) => `candidate:${n} 1 udp 2122260223 192.0.2.${n} ${40000 + n} typ host generation 0 ufrag Gk4x network-id 3 network-cost 10`;

let lastRoom = 0;

/* Android's own way: two calls in a millisecond would have the same name, so here they wait their turn. */
export function roomNow() {
	lastRoom = Math.max(lastRoom + 1, Date.now());
	return `room_${lastRoom}`;
}

/* What a fresh connection of the app sends as soon as it is let in; a call screen registers too. */
export async function android(t, stack, userId, { registers = true, ...options } = {}) {
	const s = new AndroidSocket(stack, userId, options);

	t.after(() => s.vanish());
	await s.open();
	s.sendAll('join', ...(registers ? ['call:register'] : []));
	/* Events are dealt with in order: its answer says that those in front have been. */
	if (registers)
		await s.iceRequest();
	return s;
}

export async function windows(t, stack, userId, options = {}) {
	const s = new WindowsSocket(stack, userId, options);

	t.after(() => s.vanish());
	await s.open();
	return s.send('join');
}

/* An answered call as the app makes it: the one who answers does so on a new connection.
 * Returns { caller, callee, roomName, incoming, answer }; ringing: what rang at the callee. */
export async function androidCall(t, stack, from, to) {
	const ringing = await android(t, stack, to);
	const caller = await android(t, stack, from);
	const roomName = await caller.call(to);
	const incoming = await ringing.next('call:incoming');
	const callee = await android(t, stack, to);

	await callee.next('call:incoming'); /* its user is being rung; the app knows that room and passes over it */
	await callee.accept(incoming);
	await caller.next('user:joined_call'); /* nobody listens to that */
	const answer = await caller.next('call:answer');

	return { caller, callee, ringing, roomName, incoming, answer };
}
