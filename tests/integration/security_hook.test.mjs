/* security_hook.test.mjs - rows of the security ledger that the hook group fixed
 *
 * What coturn counts is read from its log, which stock and ours write alike. */
import assert from 'node:assert/strict';

import { row } from './lib/ledger.mjs';
import { until } from './lib/suite.mjs';
import { udpPeer } from './lib/turn_client.mjs';

/* Packets that came from peers, as the server logged them at the end of a user's session. */
function fromPeers(server, username) {
	const line = server.log.split('\n').find((l) => l.includes('peer usage:') && l.includes(`username=<${username}>`));

	return line && Number(/ rp=(\d+)/.exec(line)[1]);
}

/* One that the client permitted sends behind the strangers: what arrives of it shows that they were read. */
row('S-STRANGER-COUNTED', 'a stranger\'s packets are not counted as relayed', {}, async (server, t) => {
	const client = server.client('stranger');
	const relayed = await client.allocate();
	const stranger = await udpPeer(t, { host: '127.0.0.2' });
	const friend = await udpPeer(t);

	await client.permit(friend);
	for (let i = 0; i < 20; i++)
		await new Promise((resolve) => stranger.socket.send(Buffer.alloc(100), relayed.port, relayed.address, resolve));
	friend.socket.send(Buffer.alloc(100), relayed.port, relayed.address);
	await until('the friend\'s packet', () => client.packets === 1);
	await client.release();
	const counted = await until('the log of the session', () => fromPeers(server, client.username));

	assert.equal(counted, 1);
});
