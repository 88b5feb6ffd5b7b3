/* demo_modules.test.mjs - the demo page's modules that need no browser */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { describePair, describePairs, formatBytes, isRelayed, pathOf, selectedPair, Traffic } from '../../signald/demo/stats.js';
import { userIdFromName } from '../../signald/demo/userid.js';

test('names become user ids of the grammar', () => {
	const cases = {
		'Alice': 'alice',
		' Bob  Smith ': 'bob-smith',
		'Олена Ґалаґан': 'olena-galagan',
		'Юрій Щербак': 'iurii-shcherbak',
		'Марʼяна': 'mariana',
		'José Núñez': 'jose-nunez',
		'me@home.org': 'me@home.org',
		'42': '42',
		'<b>x</b>': 'bxb',
		'--a--': 'a',
		'': '',
		'   ': '',
		'日本': '',
		'💥': '',
	};

	for (const [name, id] of Object.entries(cases))
		assert.equal(userIdFromName(name), id, name);
	assert.equal(userIdFromName('щ'.repeat(64)).length, 64);
});

function report(...entries) {
	return new Map(entries.map((e) => [e.id, e]));
}

const relay = { id: 'L', type: 'local-candidate', candidateType: 'relay', relayProtocol: 'tcp' };
const host = { id: 'R', type: 'remote-candidate', candidateType: 'host' };
const pair = {
	id: 'P', type: 'candidate-pair', localCandidateId: 'L', remoteCandidateId: 'R', bytesSent: 5, bytesReceived: 6,
};
const transport = { id: 'T', type: 'transport', selectedCandidatePairId: 'P' };

test('the selected pair is the one the transport names', () => {
	const other = { ...pair, id: 'Q', bytesSent: 1, nominated: true, state: 'succeeded' };
	const found = selectedPair(report(other, transport, pair, relay, host));

	assert.deepEqual(found, {
		local: 'relay', remote: 'host', relayProtocol: 'tcp', bytesSent: 5, bytesReceived: 6,
	});
	assert.equal(isRelayed(found), true);
	assert.equal(describePair(found), 'relay to host, TURN over TCP');
});

test('without a transport entry the nominated pair counts, and before that none', () => {
	assert.equal(selectedPair(report({ ...pair, nominated: true, state: 'succeeded' }, relay, host)).bytesSent, 5);
	assert.equal(selectedPair(report(pair, relay, host)), null);
	assert.equal(selectedPair(report()), null);
});

test('equal ways of several connections are told together', () => {
	const direct = { local: 'host', remote: 'host', relayProtocol: '', bytesSent: 1, bytesReceived: 2 };
	const relayed = { local: 'relay', remote: 'relay', relayProtocol: 'udp', bytesSent: 3, bytesReceived: 4 };

	assert.equal(describePairs([]), '');
	assert.equal(describePairs([direct]), 'host to host');
	assert.equal(describePairs([relayed, direct, relayed]), '2 × relay to relay, TURN over UDP; host to host');
});

test('traffic of connections that come and go is summed, and only what is relayed', () => {
	const traffic = new Traffic();
	const pair = (local, bytesSent, bytesReceived) => ({ local, bytesSent, bytesReceived });

	assert.deepEqual(traffic.add(new Map([['a', pair('relay', 10, 20)], ['b', pair('host', 5, 5)]])),
		{ sent: 10, received: 20 });
	assert.deepEqual(traffic.add(new Map([['a', pair('relay', 15, 20)], ['c', pair('relay', 1, 2)]])),
		{ sent: 6, received: 2 });
	/* a has left, and c has another pair */
	assert.deepEqual(traffic.add(new Map([['c', pair('relay', 0, 9)]])), { sent: 0, received: 7 });
	assert.deepEqual([traffic.sent, traffic.received], [16, 29]);
});

test('bytes are told in units of a thousand', () => {
	assert.equal(formatBytes(0), '0 B');
	assert.equal(formatBytes(999), '999 B');
	assert.equal(formatBytes(1000), '1.00 kB');
	assert.equal(formatBytes(1234567), '1.23 MB');
	assert.equal(formatBytes(5e15), '5000.00 TB');
});

test('which way media take is direct only if no connection has a relay at either end', () => {
	const pair = (local, remote) => ({ local, remote });

	assert.equal(pathOf([]), '');
	assert.equal(pathOf([pair('host', 'srflx'), pair('prflx', 'host')]), 'direct');
	assert.equal(pathOf([pair('host', 'host'), pair('host', 'relay')]), 'relay');
	assert.equal(pathOf([pair('relay', 'host')]), 'relay');
});
