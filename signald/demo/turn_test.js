/* turn_test.js - does the relay answer? Gathers candidates for a connection nobody joins */

const GATHER_MAX_MS = 10000;

/* onCandidate(text) is called for each candidate found.
 * Returns { relay, errors }: the relay candidate or null, and what the servers complained of. */
export async function testTurn(iceServers, onCandidate) {
	const pc = new RTCPeerConnection({ iceServers });
	const errors = new Set();
	let relay = null;

	try {
		const gathered = new Promise((resolve) => {
			setTimeout(resolve, GATHER_MAX_MS);
			pc.onicegatheringstatechange = () => pc.iceGatheringState === 'complete' && resolve();
		});

		pc.onicecandidateerror = (e) => errors.add(`${e.url}: ${e.errorCode} ${e.errorText}`);
		pc.onicecandidate = ({ candidate: c }) => {
			if (!c?.candidate)
				return;
			onCandidate(`${c.type} ${c.protocol} ${c.address}:${c.port}`);
			if (c.type === 'relay')
				relay ??= c;
		};
		pc.createDataChannel('test'); /* without any medium nothing is gathered */
		await pc.setLocalDescription(await pc.createOffer());
		await gathered;
	} finally {
		pc.close();
	}
	return { relay, errors: [...errors] };
}
