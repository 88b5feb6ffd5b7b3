/* security_parsers.test.mjs - rows of the security ledger: messages and addresses, as they are read */
import assert from 'node:assert/strict';

import { row } from './lib/ledger.mjs';
import { TurnError } from './lib/turn_client.mjs';

/* What the server says to a permission for this peer: 0 or the error's code. */
async function permission(client, address) {
	try {
		await client.permit({ address, port: 4000 });
		return 0;
	} catch (err) {
		if (!(err instanceof TurnError))
			throw err;
		return err.code;
	}
}

/* The same of several, asked by one client that relays IPv6. */
async function permissions(server, addresses) {
	const client = server.client();
	const codes = {};

	await client.allocate({ ipv6: true });
	for (const address of addresses)
		codes[address] = await permission(client, address);
	return codes;
}

const all = (addresses, code) => Object.fromEntries(addresses.map((a) => [a, code]));

/* --- addresses ---------------------------------------------------------------------- */

const IPV6_RELAY = ['-E', '::1'];
const AS_SHIPPED = { args: [...IPV6_RELAY, '--no-multicast-peers'], without: ['--allow-loopback-peers'] };

row('CVE-2026-27624', 'an IPv4-mapped address is refused like the address it maps', AS_SHIPPED, async (server) => {
	const refused = ['::ffff:127.0.0.2', '::ffff:0.0.0.0', '::ffff:224.0.0.1'];

	assert.deepEqual(await permissions(server, refused), all(refused, 403));
});

row('GHSA-w4hf-cr3w-6h79', 'a mapped address that ends in .1 is not taken for ::1 and let through', AS_SHIPPED, async (server) => {
	const refused = ['::ffff:127.0.0.1', '::1'];

	assert.deepEqual(await permissions(server, refused), all(refused, 403));
});

row('S-EMBEDDED-IPV4', 'so is an address with an IPv4 address in any other form inside', AS_SHIPPED, async (server) => {
	const refused = ['::127.0.0.1', '::ffff:0:127.0.0.1', '2002:7f00:1::1', '64:ff9b::127.0.0.1', '2002:e000:1::1'];

	assert.deepEqual(await permissions(server, refused), all(refused, 403));
});

row('S-EMBEDDED-IPV4', 'denied-peer-ip of IPv4 covers IPv6 addresses that carry one', {
	args: [...IPV6_RELAY, '--denied-peer-ip=10.0.0.0-10.255.255.255'],
}, async (server) => {
	const refused = ['::ffff:10.0.0.1', '::10.0.0.1', '2002:a00:1::1', '64:ff9b::10.1.2.3'];

	assert.deepEqual(await permissions(server, [...refused, '::ffff:11.0.0.1']), { ...all(refused, 403), '::ffff:11.0.0.1': 0 });
});

row('S-IPV6-RANGE', 'all addresses of a denied IPv6 range are refused', {
	args: [...IPV6_RELAY, '--denied-peer-ip=fd00::ff-fd00::1ff'],
}, async (server) => {
	assert.deepEqual(await permissions(server, ['fd00::fe', 'fd00::ff', 'fd00::100', 'fd00::1ff', 'fd00::200']),
		{ 'fd00::fe': 0, 'fd00::ff': 403, 'fd00::100': 403, 'fd00::1ff': 403, 'fd00::200': 0 });
});

row('S-RANGE-FAMILY', 'an allowed IPv6 range lifts no denied IPv4 range', {
	args: ['--allowed-peer-ip=::-fdff:ffff::', '--denied-peer-ip=10.0.0.0-10.255.255.255'],
}, async (server) => {
	const client = server.client();

	await client.allocate();
	assert.equal(await permission(client, '10.0.0.1'), 403);
	assert.equal(await permission(client, '11.0.0.1'), 0);
});
