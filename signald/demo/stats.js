/* stats.js - what a peer connection says of the way its media takes */

/* report: anything Map-like with the entries of getStats().
 * Returns null before a pair is selected, else candidate types, the protocol
 * spoken to the relay, and the pair's bytes in both directions. */
export function selectedPair(report) {
	let pair = null;

	report.forEach((s) => {
		if (s.type === 'transport' && s.selectedCandidatePairId)
			pair = report.get(s.selectedCandidatePairId) ?? pair;
	});
	/* Firefox has no transport entry but marks the pair. */
	report.forEach((s) => {
		if (!pair && s.type === 'candidate-pair' && s.nominated && s.state === 'succeeded')
			pair = s;
	});
	const local = pair && report.get(pair.localCandidateId);
	const remote = pair && report.get(pair.remoteCandidateId);

	if (!local || !remote)
		return null;
	return {
		local: local.candidateType,
		remote: remote.candidateType,
		relayProtocol: local.relayProtocol ?? '',
		bytesSent: pair.bytesSent ?? 0,
		bytesReceived: pair.bytesReceived ?? 0,
	};
}

/* Does the media of this pair pass through our own allocation? */
export function isRelayed(pair) {
	return pair.local === 'relay';
}

/* Which way the media of all connections take, for call:media; '' when there is none. */
export function pathOf(pairs) {
	if (!pairs.length)
		return '';
	return pairs.every((p) => p.local !== 'relay' && p.remote !== 'relay') ? 'direct' : 'relay';
}

export function describePair(pair) {
	const via = isRelayed(pair) && pair.relayProtocol ? `, TURN over ${pair.relayProtocol.toUpperCase()}` : '';

	return `${pair.local} to ${pair.remote}${via}`;
}

/* What passed through the relay in one call, over connections that come and go. */
export class Traffic {
	#last = new Map();	/* key of a connection -> its pair's last numbers */

	sent = 0;
	received = 0;

	/* pairs: key -> pair, all that there are now. Returns what was added since the last look. */
	add(pairs) {
		const added = { sent: 0, received: 0 };

		for (const [key, pair] of pairs) {
			if (!isRelayed(pair))
				continue;
			const last = this.#last.get(key) ?? { bytesSent: 0, bytesReceived: 0 };

			/* Another pair counts from zero. */
			added.sent += Math.max(0, pair.bytesSent - last.bytesSent);
			added.received += Math.max(0, pair.bytesReceived - last.bytesReceived);
			this.#last.set(key, pair);
		}
		this.sent += added.sent;
		this.received += added.received;
		return added;
	}
}

/* The ways of all connections, equal ones together; '' when there is none. */
export function describePairs(pairs) {
	const ways = new Map();

	for (const way of pairs.map(describePair))
		ways.set(way, (ways.get(way) ?? 0) + 1);
	return [...ways].map(([way, n]) => (n > 1 ? `${n} × ${way}` : way)).join('; ');
}

export function formatBytes(n) {
	const units = ['B', 'kB', 'MB', 'GB', 'TB'];
	let i = 0;

	for (; n >= 1000 && i < units.length - 1; i++)
		n /= 1000;
	return `${i === 0 ? Math.round(n) : n.toFixed(2)} ${units[i]}`;
}
