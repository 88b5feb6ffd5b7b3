/* wire_bytes.test.mjs - what the network carried, as the interface counted it
 *
 * turnserver alone in a network namespace, its clients and their peers in another: every byte on
 * the cable between them belongs to an allocation. The cable takes no packets larger than its MTU
 * (gso_max_segs 1), so that the interface counts what a wire would carry. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { Daemon, endsSomehow } from './lib/daemon.mjs';
import { relayed } from './lib/journal.mjs';
import { Stack } from './lib/stack.mjs';
import { command, IS_ROOT, program, sleep, until } from './lib/suite.mjs';
import { everyTransport, Swarm, userOf } from './lib/swarm.mjs';
import { Admin } from './lib/turnserver.mjs';

const SERVER = { 4: '203.0.113.5', 6: 'fd5c:113::5' };
const CLIENT = { 4: '203.0.113.77', 6: 'fd5c:113::77' };
const ALLOCATIONS = 8;
const COUNT = 400; /* packets, each way */
const RATE = 200;
const TOLERANCE = 0.01;
const options = { timeout: 60000 };

function ip(...args) {
	return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function makeNamespaces(server, client) {
	for (const ns of [server, client]) {
		ip('netns', 'add', ns);
		ip('-n', ns, 'link', 'set', 'lo', 'up');
	}
	ip('-n', server, 'link', 'add', 'cable', 'type', 'veth', 'peer', 'name', 'cable', 'netns', client);
	for (const [ns, address] of [[server, SERVER], [client, CLIENT]]) {
		ip('-n', ns, 'link', 'set', 'cable', 'gso_max_segs', '1');
		ip('-n', ns, 'address', 'add', `${address[4]}/24`, 'dev', 'cable');
		ip('-n', ns, '-6', 'address', 'add', `${address[6]}/64`, 'dev', 'cable', 'nodad');
		ip('-n', ns, 'link', 'set', 'cable', 'up');
	}
}

const cableBytes = (ns) => {
	const [{ stats64 }] = JSON.parse(ip('-n', ns, '-s', '-j', 'link', 'show', 'dev', 'cable'));

	return stats64.rx.bytes + stats64.tx.bytes;
};

function whySkip() {
	if (!IS_ROOT)
		return 'only root can make network namespaces';
	return !command('ip') && 'no ip command (iproute2)';
}

describe('wireBytes against the interface', { skip: whySkip() }, () => {
	const server = `wits${process.pid}`, client = `witc${process.pid}`;
	const inside = ['ip', 'netns', 'exec', server];
	let stack, swarmOptions;

	before(async () => {
		makeNamespaces(server, client);
		const every = await everyTransport({ host: SERVER[4], host6: SERVER[6], prefix: inside });

		swarmOptions = { ...every.swarm, peer4: CLIENT[4], peer6: CLIENT[6], prefix: ['ip', 'netns', 'exec', client] };
		/* No allocation is to expire here, however late a busy machine renews it. */
		stack = new Stack({ ...every.stack, turnserver: { ...every.stack.turnserver, 'max-allocate-lifetime': 600 } });
		await stack.init();
		/* The server is out of our reach: only its Unix socket is not. */
		stack.daemons.turnserver = new Daemon('turnserver',
			[program('turnserver'), '-c', path.join(stack.dir, 'turnserver.conf')], { prefix: inside });
		await until('turnserver has its socket', () => {
			stack.daemons.turnserver.assertAlive();
			return fs.existsSync(stack.adminSocket);
		});
		await sleep(500);
	});
	after(async () => {
		await stack?.daemons.turnserver?.stop({ exits: endsSomehow });
		for (const ns of [server, client])
			spawnSync('ip', ['netns', 'del', ns]);
	});

	for (const transport of ['udp', 'tcp', 'tls'])
		for (const family of [4, 6])
			for (const size of [60, 1000])
				test(`${transport}, IPv${family}, ${size} bytes`, options, (t) => compare(t, transport, family, size));

	async function compare(t, transport, family, size) {
		const admin = await Admin.connect(t, stack.adminSocket);

		await admin.subscribe();
		const from = cableBytes(server);
		const swarm = new Swarm(t, {
			...swarmOptions, transports: transport, families: family, secret: stack.secret, allocations: ALLOCATIONS,
			rate: RATE, count: COUNT, size, durationMs: COUNT / RATE * 1000 + 1000, user: `${transport}${family}s${size}n`,
		});
		const { allocations, summary } = await swarm.done();

		/* On a busy machine fewer leave in the time there is; of those none may be missing. */
		for (const { sent, packets } of [summary.toPeer, summary.toClient])
			assert.ok(packets === sent && sent > ALLOCATIONS * COUNT / 2, JSON.stringify(summary));
		const users = new Set(allocations.map((a) => userOf(a.name)));
		const ends = await until('the ends', () => {
			const ours = admin.all('end').filter((e) => users.has(userOf(e.name)));

			return ours.length === ALLOCATIONS && ours;
		});
		const carried = cableBytes(server) - from;
		const counted = ends.reduce((n, e) => n + relayed(e.totals).wireBytes, 0);
		const off = counted / carried - 1;

		console.log(`${transport}, IPv${family}, ${size} bytes: the interface ${carried}, wireBytes ${counted}, ` +
			`${(off * 100).toFixed(2)} %`);
		assert.ok(Math.abs(off) <= TOLERANCE, `${(off * 100).toFixed(2)} % apart`);
	}
});
