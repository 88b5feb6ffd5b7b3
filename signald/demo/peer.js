/* peer.js - one peer connection: offers, answers and candidates, in whatever order they come
 *
 * "Perfect negotiation" (WebRTC 1.0, section 10.7): either side may offer at any time, and when both
 * do at once the polite one takes its own back. Knows nothing of calls: what is for the other side
 * goes out through say(kind, content), kind being 'offer', 'answer' or 'candidate'. */

/* RFC 8829, section 5.2.1: a peer connection has one session id for life. So an offer with another
 * one comes from another connection: the other side has begun anew. */
const sessionOf = (sdp) => /^o=\S+ (\d+) /m.exec(sdp)?.[1] ?? '';

export class Peer {
	#say;
	#on;
	#stream;
	#polite;
	#relayOnly;
	#session = '';		/* of the other side; '': nothing was heard of it yet */
	#offers;		/* whether we may offer: the answering side begins with an answer */
	#wanted = false;	/* an offer, as soon as we may */
	#making = false;	/* an offer, right now */
	#settling = false;	/* an answer is being taken: an offer behind it is no collision */
	#ignoring = false;	/* the offer we did not take, and its candidates */
	#early = [];		/* the other side's candidates, before its description */

	/* on: stream(stream), state(connectionState), problem(text or Error).
	 * offering: ours is the first offer; it is made at once. */
	constructor({ iceServers, relayOnly, stream, offering, polite, say, on }) {
		this.pc = new RTCPeerConnection({ iceServers, iceTransportPolicy: relayOnly ? 'relay' : 'all' });
		this.closed = false;
		this.#say = say;
		this.#on = on;
		this.#stream = stream;
		this.#polite = polite;
		this.#relayOnly = relayOnly;
		this.#offers = offering;
		this.#listen();
		if (offering)
			this.#addTracks();
	}

	/* Nothing is known of the other side yet. */
	get isNew() {
		return this.#session === '';
	}

	#listen() {
		const { pc } = this;

		pc.onicecandidate = ({ candidate: c }) => c?.candidate
			&& this.#say('candidate', { candidate: c.candidate, sdpMLineIndex: c.sdpMLineIndex, sdpMid: c.sdpMid });
		pc.ontrack = ({ streams, track }) => this.#on.stream(streams[0] ?? new MediaStream([track]));
		pc.onconnectionstatechange = () => this.#on.state(pc.connectionState);
		pc.onicecandidateerror = (e) => this.#on.problem(`${e.url}: ${e.errorCode} ${e.errorText}`);
		pc.onnegotiationneeded = () => this.#offer();
	}

	/* Of the answering side only now, so that they go where the offer has a place for them. */
	#addTracks() {
		const sent = this.pc.getSenders().map((sender) => sender.track);

		this.#stream.getTracks().filter((track) => !sent.includes(track)).forEach((track) => this.addTrack(track));
	}

	async #offer() {
		this.#wanted = !this.#offers;
		if (this.#wanted)
			return;
		this.#making = true;
		try {
			await this.pc.setLocalDescription();
			if (this.pc.localDescription?.type === 'offer')
				this.#say('offer', this.pc.localDescription.sdp);
		} catch (err) {
			this.#problem(err);
		}
		this.#making = false;
	}

	/* What fails because the connection was closed meanwhile is no problem. */
	#problem(err) {
		if (!this.closed)
			this.#on.problem(err);
	}

	async offered(sdp) {
		const { pc } = this;
		const collision = this.#making || (pc.signalingState !== 'stable' && !this.#settling);

		this.#ignoring = collision && !this.#polite;
		if (this.#ignoring)
			return;
		this.#session = sessionOf(sdp);
		try {
			await pc.setRemoteDescription({ type: 'offer', sdp });
			this.#addTracks();
			await this.#useEarly();
			await pc.setLocalDescription();
			this.#say('answer', pc.localDescription.sdp);
			this.#offers = true;
			if (this.#wanted)
				this.#offer();
		} catch (err) {
			this.#problem(err);
		}
	}

	async answered(sdp) {
		/* Late for an offer that was taken back. */
		if (this.pc.signalingState !== 'have-local-offer')
			return;
		this.#session = sessionOf(sdp);
		this.#settling = true;
		try {
			await this.pc.setRemoteDescription({ type: 'answer', sdp });
			await this.#useEarly();
		} catch (err) {
			this.#problem(err);
		}
		this.#settling = false;
	}

	async addCandidate({ candidate, sdpMLineIndex, sdpMid }) {
		const init = { candidate, sdpMLineIndex, sdpMid };

		try {
			if (this.pc.remoteDescription)
				await this.pc.addIceCandidate(init);
			else
				this.#early.push(init);
		} catch (err) {
			if (!this.#ignoring)
				this.#problem(err);
		}
	}

	async #useEarly() {
		for (const init of this.#early.splice(0))
			await this.pc.addIceCandidate(init);
	}

	addTrack(track) {
		this.pc.addTrack(track, this.#stream);
	}

	removeTrack(track) {
		const sender = this.pc.getSenders().find((s) => s.track === track);

		if (sender)
			this.pc.removeTrack(sender);
	}

	/* Look for a way anew, with other servers if there are any. Both sides are told to; one offers. */
	restart(iceServers) {
		if (iceServers)
			this.pc.setConfiguration({ iceServers, iceTransportPolicy: this.#relayOnly ? 'relay' : 'all' });
		if (!this.#polite)
			this.pc.restartIce();
	}

	/* Is this offer of another connection than the one we know? */
	isFromAnother(sdp) {
		return !this.isNew && this.#session !== sessionOf(sdp);
	}

	close() {
		this.closed = true;
		this.pc.onnegotiationneeded = this.pc.onicecandidate = this.pc.ontrack = null;
		this.pc.onconnectionstatechange = this.pc.onicecandidateerror = null;
		this.pc.close();
	}
}
