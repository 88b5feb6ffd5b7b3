/* call.js - a call of two: what is said to the other side, and what is heard from it
 *
 * Knows the events of a call, not the page and not the socket: it is given send(event, payload) and
 * tells what happens through the handlers. */

import { Peer } from './peer.js';

export class Call {
	#send;
	#handlers;
	#peer = null;
	#said = false;	/* call:initiate, or call:accept: from then on the other side knows of the call */
	#unsent = [];	/* candidates, until then */
	#early = [];	/* what the other side sent before we answered */
	#callType = 'video';

	/* self, other: { id, name }; handlers: stream(stream), state(connectionState), problem(what). */
	constructor({ roomName, self, other, relayOnly, send, handlers }) {
		this.roomName = roomName;
		this.self = self;
		this.other = other;
		this.relayOnly = relayOnly;
		this.closed = false;
		this.#send = send;
		this.#handlers = handlers;
	}

	get peers() {
		return this.#peer ? [this.#peer] : [];
	}

	#open(iceServers, stream, offering) {
		this.#callType = stream.getVideoTracks().length ? 'video' : 'audio';
		this.#peer = new Peer({
			iceServers,
			stream,
			offering,
			relayOnly: this.relayOnly,
			polite: !offering,
			say: (kind, content) => !this.closed && this.#say(kind, content),
			on: this.#handlers,
		});
	}

	initiate(iceServers, stream) {
		this.#open(iceServers, stream, true);
	}

	async accept(iceServers, stream, sdpOffer) {
		this.#open(iceServers, stream, false);
		await this.#peer.offered(sdpOffer);
		for (const candidate of this.#early.splice(0))
			await this.#peer.addCandidate(candidate);
	}

	#say(kind, content) {
		if (kind === 'candidate')
			this.#sayCandidate(content);
		else if (this.#said)
			this.#renegotiate(kind, content);
		else
			this.#introduce(kind, content);
	}

	#sayCandidate(candidate) {
		const payload = { roomName: this.roomName, ...candidate };

		if (this.#said)
			this.#send('ice:candidate', payload);
		else
			this.#unsent.push(payload);
	}

	#introduce(kind, sdp) {
		if (kind === 'offer')
			this.#send('call:initiate', {
				fromId: this.self.id,
				fromName: this.self.name,
				toId: this.other.id,
				callType: this.#callType,
				roomName: this.roomName,
				sdpOffer: sdp,
			});
		else
			this.#send('call:accept', {
				roomName: this.roomName,
				fromId: this.other.id, /* the one who called */
				sdpAnswer: sdp,
			});
		this.#said = true;
		this.#unsent.splice(0).forEach((payload) => this.#send('ice:candidate', payload));
	}

	/* A camera that is switched on or off, or another way for the media. */
	#renegotiate(kind, sdp) {
		const ids = { roomName: this.roomName, fromUserId: this.self.id, toUserId: this.other.id };

		if (kind === 'offer')
			this.#send('call:renegotiate', { ...ids, sdpOffer: sdp, type: 'renegotiate' });
		else
			this.#send('call:renegotiate_answer', { ...ids, sdpAnswer: sdp, type: 'renegotiate_answer' });
	}

	/* What came of this call. */
	heard(event, data) {
		if (event === 'ice:candidate' && !this.#peer)
			this.#early.push(data);
		else if (event === 'ice:candidate')
			this.#peer.addCandidate(data);
		else if (event === 'call:renegotiate')
			this.#peer?.offered(data.sdpOffer);
		else if (event === 'call:answer' || event === 'call:renegotiate_answer')
			this.#peer?.answered(data.sdpAnswer);
		else if (event === 'ice:servers')
			this.#peer?.restart(data.iceServers);
	}

	addTrack(track) {
		this.#peer?.addTrack(track);
	}

	removeTrack(track) {
		this.#peer?.removeTrack(track);
	}

	restart() {
		this.#peer?.restart();
	}

	leave(reason) {
		this.#send('call:end', { roomName: this.roomName, reason });
		this.close();
	}

	close() {
		this.closed = true;
		this.#peer?.close();
	}
}
