/* call.js - one call: its peer connection and what it says to the other side
 *
 * Knows the events of a call, not the page and not the socket: it is given
 * send(event, payload) and tells what happens through the handlers. */

export class Call {
	/* peer, self: { id, name }; handlers: onStream(stream), onState(connectionState), onProblem(text). */
	constructor({ roomName, self, peer, relayOnly, send, handlers }) {
		this.roomName = roomName;
		this.self = self;
		this.peer = peer;
		this.relayOnly = relayOnly;
		this.send = send;
		this.handlers = handlers;
		this.pc = null;
		this.closed = false;
		this.announced = false; /* the other side knows of the call: candidates may go */
		this.unsent = [];
		this.early = []; /* the other side's candidates, before its description */
	}

	#open(iceServers, stream) {
		const pc = new RTCPeerConnection({
			iceServers,
			iceTransportPolicy: this.relayOnly ? 'relay' : 'all',
		});

		this.pc = pc;
		pc.onicecandidate = ({ candidate }) => candidate?.candidate && this.#sendCandidate(candidate);
		pc.ontrack = ({ streams, track }) => this.handlers.onStream(streams[0] ?? new MediaStream([track]));
		pc.onconnectionstatechange = () => this.handlers.onState(pc.connectionState);
		pc.onicecandidateerror = (e) => this.handlers.onProblem(`${e.url}: ${e.errorCode} ${e.errorText}`);
		stream.getTracks().forEach((track) => pc.addTrack(track, stream));
		return pc;
	}

	#sendCandidate({ candidate, sdpMLineIndex, sdpMid }) {
		const payload = { roomName: this.roomName, candidate, sdpMLineIndex, sdpMid };

		if (this.announced)
			this.send('ice:candidate', payload);
		else
			this.unsent.push(payload);
	}

	#announce(event, payload) {
		this.send(event, payload);
		this.announced = true;
		this.unsent.splice(0).forEach((p) => this.send('ice:candidate', p));
	}

	async initiate(iceServers, stream) {
		const pc = this.#open(iceServers, stream);

		await pc.setLocalDescription(await pc.createOffer());
		if (this.closed)
			return;
		this.#announce('call:initiate', {
			fromId: this.self.id,
			fromName: this.self.name,
			toId: this.peer.id,
			callType: 'video',
			roomName: this.roomName,
			sdpOffer: pc.localDescription.sdp,
		});
	}

	async accept(iceServers, stream, sdpOffer) {
		const pc = this.#open(iceServers, stream);

		await pc.setRemoteDescription({ type: 'offer', sdp: sdpOffer });
		await this.#useEarly();
		await pc.setLocalDescription(await pc.createAnswer());
		if (this.closed)
			return;
		this.#announce('call:accept', {
			roomName: this.roomName,
			fromId: this.peer.id, /* the one who called */
			sdpAnswer: pc.localDescription.sdp,
		});
	}

	async answered(sdpAnswer) {
		await this.pc.setRemoteDescription({ type: 'answer', sdp: sdpAnswer });
		await this.#useEarly();
	}

	async addCandidate({ candidate, sdpMLineIndex, sdpMid }) {
		const init = { candidate, sdpMLineIndex, sdpMid };

		if (this.pc?.remoteDescription)
			await this.pc.addIceCandidate(init);
		else
			this.early.push(init);
	}

	async #useEarly() {
		for (const init of this.early.splice(0))
			await this.pc.addIceCandidate(init);
	}

	close() {
		this.closed = true;
		if (!this.pc)
			return;
		this.pc.onconnectionstatechange = null;
		this.pc.onicecandidateerror = null;
		this.pc.close();
	}
}
