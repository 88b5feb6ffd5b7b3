/* turn_test.js - does the relay answer? Gathers candidates for a connection nobody joins */

import { $, element } from './dom.js';

const GATHER_MAX_MS = 10000;

/* onCandidate(text) is called for each candidate found.
 * Returns { relay, errors }: the relay candidate or null, and what the servers complained of. */
async function testTurn(iceServers, onCandidate) {
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

function showTurnResult(text, kind) {
	$('turn-result').textContent = text;
	$('turn-result').dataset.kind = kind;
}

/* With credentials of this user, as the page shows it. */
export async function runTurnTest(userId) {
	$('test-turn').disabled = true;
	$('turn-candidates').replaceChildren();
	showTurnResult('Gathering candidates…', '');
	try {
		const reply = await fetch(`/api/ice-servers/${encodeURIComponent(userId)}`);
		const { iceServers, error } = await reply.json();

		if (!reply.ok)
			throw new Error(error ?? `HTTP ${reply.status}`);
		const { relay, errors } = await testTurn(iceServers,
			(text) => $('turn-candidates').append(element('li', '', text)));

		if (relay)
			showTurnResult(`TURN works: relay candidate ${relay.address}:${relay.port}`, 'ok');
		else
			showTurnResult(`TURN does not work: no relay candidate came. ${errors.join('; ')}`, 'error');
	} catch (err) {
		showTurnResult(`TURN could not be tested: ${err.message}`, 'error');
	}
	$('test-turn').disabled = false;
}
