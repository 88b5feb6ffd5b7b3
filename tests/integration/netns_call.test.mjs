/* netns_call.test.mjs - the relay-only call where nothing is on loopback
 *
 * Two network namespaces joined by a cable: one with both daemons on a public-looking address, or on a
 * private one behind external-ip, one with the browser and this test. turnserver's peers are what they
 * are by default: none is on loopback or on a private network, and both relays are the server's own.
 * The page is then on plain http and may not have a camera: it sends its drawn picture. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { whyNoBrowser } from './lib/browser.mjs';
import { relayCall } from './lib/relay_call.mjs';
import { startStack } from './lib/stack.mjs';
import { command, IS_ROOT } from './lib/suite.mjs';

const SECONDS = Number(process.env.CALL_SECONDS ?? 20);
const INSIDE = 'SIGNALD_TEST_SERVER_NS'; /* set: we already run in the client's namespace */
const SETUP = 'SIGNALD_TEST_SETUP';
const setups = {
	public: { server: '203.0.113.5', client: '203.0.113.77', relayed: '203.0.113.5', turnserver: {}, seconds: SECONDS },
	nat: {
		server: '192.168.7.5', client: '192.168.7.77', relayed: '203.0.113.5',
		turnserver: { 'external-ip': '203.0.113.5/192.168.7.5' }, seconds: Math.min(SECONDS, 5),
	},
};

function ip(...args) {
	execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

function whySkip() {
	if (!IS_ROOT)
		return 'only root can make network namespaces';
	if (!command('ip'))
		return 'no ip command (iproute2)';
	return whyNoBrowser;
}

function makeNamespaces(t, server, client, addresses) {
	t.after(() => {
		for (const ns of [server, client])
			spawnSync('ip', ['netns', 'del', ns]);
	});
	for (const ns of [server, client]) {
		ip('netns', 'add', ns);
		ip('-n', ns, 'link', 'set', 'lo', 'up');
	}
	ip('-n', server, 'link', 'add', 'cable', 'type', 'veth', 'peer', 'name', 'cable', 'netns', client);
	for (const [ns, address] of [[server, addresses.server], [client, addresses.client]]) {
		ip('-n', ns, 'address', 'add', `${address}/24`, 'dev', 'cable');
		ip('-n', ns, 'link', 'set', 'cable', 'up');
		ip('-n', ns, 'route', 'add', 'default', 'dev', 'cable');
	}
}

if (process.env[INSIDE]) {
	test('the call', { timeout: 100000 }, async (t) => {
		const { server, client, relayed, turnserver, seconds } = setups[process.env[SETUP]];
		const stack = await startStack(t, {
			host: server, transports: ['udp'], turnserver, prefix: ['ip', 'netns', 'exec', process.env[INSIDE]],
		});
		const { call, alice } = await relayCall(t, stack, { transport: 'udp', seconds });

		for (const p of call.relay.participants)
			for (const a of p.allocations) {
				assert.ok(a.relayed.startsWith(`${relayed}:`), a.relayed);
				assert.ok(a.client.startsWith(`${client}:`), a.client);
			}
		assert.match(await alice.textContent('#status'), /You hung up/);
	});
} else {
	const options = { skip: whySkip(), timeout: 120000 };
	const call = (t, setup) => {
		const server = `sits${process.pid}`;
		const client = `sitc${process.pid}`;

		makeNamespaces(t, server, client, setups[setup]);
		const env = { ...process.env, [INSIDE]: server, [SETUP]: setup };

		delete env.NODE_TEST_CONTEXT; /* a run of its own, not a part of this one's report */
		const run = spawnSync('ip', ['netns', 'exec', client, process.execPath, fileURLToPath(import.meta.url)],
			{ env, encoding: 'utf8', timeout: 110000 });

		assert.equal(run.status, 0, `${run.stdout}\n${run.stderr}`);
	};

	test('a call through a public-looking relay, without loopback peers', options, (t) => call(t, 'public'));
	test('a call through a relay behind external-ip', options, (t) => call(t, 'nat'));
}
