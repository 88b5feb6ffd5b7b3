/* client.mjs - npm's socket.io-client with a memory: events are kept until somebody asks for them */
import { io } from 'socket.io-client';

import { Inbox } from './inbox.mjs';
import { confide, marker, within } from './suite.mjs';

export const TRANSPORTS = {
	'polling only': ['polling'],
	'WebSocket only': ['websocket'],
	'default transports': undefined,
};

export class Client extends Inbox {
	/* options go to io(): transports, localAddress, query ... */
	constructor(stack, userId, options = {}) {
		const given = Object.fromEntries(Object.entries(options).filter(([, v]) => v !== undefined));

		super(userId);
		this.socket = io(stack.url, {
			forceNew: true,
			reconnection: false,
			/* As the Android and the Windows app bring their tokens along. */
			query: { access_token: marker('query-token') },
			auth: { token: marker('auth-token') },
			...given,
		});
		this.socket.onAny((event, ...args) => this.keep(event, args[0]));
	}

	emit(event, ...args) {
		this.socket.emit(event, ...args);
	}

	async request(event, payload) {
		const reply = await this.socket.timeout(10000).emitWithAck(event, payload);

		for (const s of reply.iceServers ?? [])
			if (s.credential)
				confide(s.credential);
		return reply;
	}

	close() {
		this.socket.disconnect();
	}
}

/* Connected and joined as userId; closed when test t ends. */
export async function join(t, stack, userId, options) {
	const c = new Client(stack, userId, options);

	t.after(() => c.close());
	await within(`${userId} connects`, new Promise((resolve, reject) => {
		c.socket.once('connect', resolve);
		c.socket.once('connect_error', reject);
	}));
	c.emit('user:join', userId);
	/* Events are dealt with in order: this answer proves that user:join has been. */
	await c.request('ice:request', { userId });
	return c;
}

let rooms = 0;

export const newRoom = () => `room_${Date.now()}_${++rooms}`;
export const fakeSdp = (what) =>
	`v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=ice-pwd:${marker(what)}\r\n`;

export const candidate = (n, { ip = '127.0.0.1', port = 9, type = 'host' } = {}) =>
	`candidate:${n} 1 udp 2113937151 ${ip} ${port} typ ${type}${type === 'host' ? '' : ' raddr 0.0.0.0 rport 0'}`;

export function sendCandidate(client, roomName, text) {
	client.emit('ice:candidate', { roomName, candidate: text, sdpMLineIndex: 0, sdpMid: '0' });
}

/* The caller calls. Returns the call's roomName. */
export function initiate(caller, toId, more = {}) {
	const payload = {
		fromId: caller.userId, toId, callType: 'video', roomName: newRoom(), sdpOffer: fakeSdp('offer'), ...more,
	};

	caller.emit('call:initiate', payload);
	return payload.roomName;
}

/* An answered call of two clients. Returns { roomName, callId, incoming, answer }. */
export async function establish(caller, callee, more) {
	const roomName = initiate(caller, callee.userId, more);
	const incoming = await callee.next('call:incoming');

	callee.emit('call:accept', { roomName, fromId: caller.userId, sdpAnswer: fakeSdp('answer') });
	const answer = await caller.next('call:answer');

	return { roomName, callId: incoming.callId, incoming, answer };
}

export const turnServer = (iceServers) => iceServers.find((s) => s.username);

/* A call of alice and bob, and what alice may allocate with. */
export async function callWithCredentials(t, stack) {
	const alice = await join(t, stack, 'alice');
	const bob = await join(t, stack, 'bob');
	const { iceServers } = await alice.request('ice:request', { userId: 'alice' });
	const call = await establish(alice, bob);
	const { username, credential } = turnServer(iceServers);

	return { alice, bob, ...call, credentials: { username, password: credential } };
}
