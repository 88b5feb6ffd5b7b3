/* mesh.js - a group call: a peer connection to everybody who is in it
 *
 * Whoever joins offers to all who were in before, so two never offer to each other at first. Who
 * joins again (a page that was reloaded) has begun anew, and so do the others towards them. */

import { Peer } from './peer.js';

export class Mesh {
	#send;
	#request;
	#handlers;
	#stream = null;
	#iceServers = [];
	#members = new Map();	/* id -> { id, name, peer or null } */
	#joined = false;	/* false: what comes, or is said, is of our life before */

	/* self: { id, name }; request(event, payload) resolves to the ack.
	 * handlers: came(member), left(member, code), stream(member, stream), state(member, state),
	 * problem(what). */
	constructor({ roomName, self, relayOnly, send, request, handlers }) {
		this.roomName = roomName;
		this.self = self;
		this.relayOnly = relayOnly;
		this.closed = false;
		this.#send = send;
		this.#request = request;
		this.#handlers = handlers;
	}

	get peers() {
		return [...this.#members.values()].map((m) => m.peer).filter(Boolean);
	}

	/* All that were there are there still. */
	get isConnected() {
		return this.peers.every((peer) => peer.pc.connectionState === 'connected');
	}

	get members() {
		return [...this.#members.values()];
	}

	/* make: { callType, memberIds } when there is no such call yet. Returns the ack. */
	async join(stream, make = {}) {
		this.#stream = stream;
		this.#joined = false;
		const reply = await this.#request('group_call:join',
			{ roomName: this.roomName, fromName: this.self.name, ...make });

		if (this.closed || !reply.success)
			return reply;
		this.#dropAll();
		this.#joined = true;
		this.#iceServers = reply.iceServers;
		for (const { userId, name } of reply.members)
			this.#offerTo(this.#admit(userId, name));
		return reply;
	}

	#dropAll() {
		for (const member of this.members) {
			member.peer?.close();
			this.#members.delete(member.id);
		}
	}

	#admit(userId, name) {
		const id = String(userId);
		const known = this.#members.get(id);
		const member = { id, name: name ?? known?.name ?? id, peer: null };

		known?.peer?.close();
		this.#members.set(id, member);
		this.#handlers.came(member);
		return member;
	}

	#offerTo(member) {
		member.peer = this.#newPeer(member, true);
	}

	#newPeer(member, offering) {
		const on = (what) => (...args) => this.#members.get(member.id) === member && this.#handlers[what](member, ...args);

		return new Peer({
			iceServers: this.#iceServers,
			stream: this.#stream,
			relayOnly: this.relayOnly,
			offering,
			polite: this.self.id < member.id,
			say: (kind, content) => this.#say(member, kind, content),
			on: { stream: on('stream'), state: on('state'), problem: (what) => this.#handlers.problem(what) },
		});
	}

	/* An answer to an offer of before would be taken for one to the offer that follows. */
	#say(member, kind, content) {
		if (!this.#joined)
			return;
		const to = { roomName: this.roomName, toUserId: member.id };

		if (kind === 'candidate')
			this.#send('group_call:candidate', { ...to, ...content });
		else
			this.#send(`group_call:${kind}`, { ...to, [kind === 'offer' ? 'sdpOffer' : 'sdpAnswer']: content });
	}

	/* What came of this call. */
	heard(event, data) {
		if (!this.#joined)
			return;
		const member = this.#members.get(String(data.userId ?? data.fromUserId));

		if (event === 'group_call:participant_joined')
			this.#admit(data.userId, data.name);
		else if (event === 'group_call:participant_left')
			this.#remove(member, data.code);
		else if (event === 'ice:servers')
			this.#useServers(data.iceServers);
		else if (event === 'group_call:offer')
			this.#offered(member, data.sdpOffer);
		else if (event === 'group_call:answer')
			member?.peer?.answered(data.sdpAnswer);
		else if (event === 'group_call:candidate')
			member?.peer?.addCandidate(data);
	}

	#offered(member, sdp) {
		/* Our own first offer is under way: theirs was made before they saw that we have begun anew. */
		if (!member || member.peer?.isNew)
			return;
		if (member.peer?.isFromAnother(sdp)) {
			member.peer.close();
			member.peer = null;
		}
		member.peer ??= this.#newPeer(member, false);
		member.peer.offered(sdp);
	}

	#remove(member, code) {
		if (!member)
			return;
		this.#members.delete(member.id);
		member.peer?.close();
		this.#handlers.left(member, code);
	}

	#useServers(iceServers) {
		this.#iceServers = iceServers;
		this.peers.forEach((peer) => peer.restart(iceServers));
	}

	addTrack(track) {
		this.peers.forEach((peer) => peer.addTrack(track));
	}

	removeTrack(track) {
		this.peers.forEach((peer) => peer.removeTrack(track));
	}

	leave(reason) {
		this.#send('group_call:leave', { roomName: this.roomName, reason });
		this.close();
	}

	close() {
		this.closed = true;
		this.peers.forEach((peer) => peer.close());
	}
}
