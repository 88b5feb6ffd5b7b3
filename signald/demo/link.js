/* link.js - the socket: what is said while it is away is said when it is back
 *
 * Socket.IO would send what waited before the page can say who it is again, so it waits here. */

const ACK_MAX_MS = 5000;
const WAITING_MAX = 500; /* candidates of a few connections; beyond, the oldest is worth nothing */

export class Link {
	#socket = null;
	#waiting = [];
	#lostAt = 0;

	/* hello(awayMs): the socket is there, for the first time or again; events: name -> handler(data). */
	open({ hello, lost, unreachable, events }) {
		const socket = window.io();

		this.#socket = socket;
		socket.on('connect', () => {
			hello(this.#lostAt ? Date.now() - this.#lostAt : 0);
			this.#lostAt = 0;
			this.#waiting.splice(0).forEach(([event, payload]) => socket.emit(event, payload));
		});
		socket.on('disconnect', (reason) => {
			this.#lostAt = Date.now();
			lost(reason);
		});
		socket.on('connect_error', unreachable);
		Object.entries(events).forEach(([event, handler]) => socket.on(event, handler));
	}

	send(event, payload) {
		if (this.#socket.connected) {
			this.#socket.emit(event, payload);
			return;
		}
		this.#waiting.push([event, payload]);
		if (this.#waiting.length > WAITING_MAX)
			this.#waiting.shift();
	}

	/* What waits for this room was said by connections that are no more. */
	forget(roomName) {
		this.#waiting = this.#waiting.filter(([, payload]) => payload.roomName !== roomName);
	}

	/* Resolves to the ack. */
	request(event, payload) {
		if (!this.#socket.connected)
			return Promise.reject(new Error('the server cannot be reached at the moment'));
		return this.#socket.timeout(ACK_MAX_MS).emitWithAck(event, payload);
	}

	/* For tests: lose the connection below Socket.IO, as a network does. */
	cut() {
		this.#socket.io.engine.close();
	}
}
