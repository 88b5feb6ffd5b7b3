/* calls.mjs - the flow of events of a call on npm socket.io, as the README's server had it: a room of a user, a room
 * of a call, TURN credentials with the invitation and the answer; nothing is kept but who is in a room */
import { createHmac } from 'node:crypto';

const SECRET = 'a secret of this benchmark alone';
const TTL_S = 86400;

function iceServers(user) {
	const username = `${Math.floor(Date.now() / 1000) + TTL_S}:${user}`;

	return [{
		urls: ['turn:127.0.0.1:3478?transport=udp'], username,
		credential: createHmac('sha1', SECRET).update(username).digest('base64'),
	}];
}

export function serveCalls(io, socket) {
	const active = serveCalls.active ??= new Map();

	socket.on('user:join', (userId) => { socket.join(`user_${userId}`); });
	socket.on('ice:request', ({ userId }, ack) => {
		ack({ success: true, iceServers: iceServers(userId), timestamp: Date.now() });
	});
	socket.on('call:initiate', ({ fromId, toId, callType, roomName, sdpOffer }) => {
		active.set(roomName, { fromId, toId, callType, startTime: Date.now() });
		socket.join(roomName);
		io.to(`user_${toId}`).emit('call:incoming', {
			callId: roomName, fromId, fromName: String(fromId), toId, callType, roomName, sdpOffer, iceServers: iceServers(toId),
		});
	});
	socket.on('call:accept', ({ roomName, fromId, sdpAnswer }) => {
		socket.join(roomName);
		io.to(roomName).emit('call:answer', { roomName, sdpAnswer, iceServers: iceServers(fromId) });
	});
	socket.on('ice:candidate', ({ roomName, ...candidate }) => {
		socket.to(roomName).emit('ice:candidate', candidate);
	});
	socket.on('call:end', ({ roomName, reason = 'Call ended' }) => {
		active.delete(roomName);
		io.to(roomName).emit('call:ended', { reason });
		io.in(roomName).socketsLeave(roomName);
	});
}
