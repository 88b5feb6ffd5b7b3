/* uclient_flows.test.mjs - coturn's own client, whatever it can do, against ours as against stock coturn
 *
 * Each flow runs against a server of each kind at the same time: same exit status, as many messages sent and dropped, and
 * no fewer of them back. The client sleeps most of the time, so many flows run side by side; those that take long are first.
 * Not among them: -R, and -M over TLS and DTLS, where the client hangs or crashes now and then, on stock too; and -J
 * (OAuth), -b (SCTP), -E and -F, for which the servers are not set up. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { BUILD_DIR, marker, reserveRange } from './lib/suite.mjs';
import { Turnserver, uclient } from './lib/turnserver.mjs';
import { startPeer } from './lib/uclient.mjs';

const KINDS = ['turnserver-stock', 'turnserver'];
const SECRET = marker('flows');
const PORTS = 400; /* of a server: the client leaves some allocations to expire */
const AT_ONCE = 18;
/* What the client does by chance it does on either side: -O throws dice whether it waits for an answer, over DTLS it hangs
 * now and then, over TLS it leaves records unread. So any try of one side may stand beside any try of the other. */
const TRIES = 5;
const LIMIT_MS = 45000; /* the longest takes 16 s of an idle machine */
const BURST = ['-n', 10, '-m', 1, '-l', 170, '-z', 5];

/* What stands for the peer of the family, and the server's address where it is not IPv4's. */
const PEER = 'peer', PEER6 = 'peer6', SERVER6 = '::1';

const FLOWS = [
	['a relay of TCP, the peer connects', '-P'],
	['TLS, channels, an echoing peer', '-t', '-S', PEER],
	['TLS, client to client', '-t', '-S', '-y'],
	['UDP, channels, an echoing peer', PEER],
	['UDP, Send', '-s', PEER],
	['UDP, client to client', '-y'],
	['UDP, client to client, Send', '-y', '-s'],
	['UDP, without RTCP', '-y', '-c'],
	['UDP, 1,400 bytes', '-y', '-l', 1400],
	['UDP, several clients', '-y', '-m', 3],
	['TCP, channels, an echoing peer', '-t', PEER],
	['TCP, Send', '-t', '-s', PEER],
	['TCP, client to client', '-t', '-y'],
	['TLS, Send', '-t', '-S', '-s', PEER],
	['DTLS, channels, an echoing peer', '-S', PEER],
	['DTLS, Send', '-S', '-s', PEER],
	['DTLS, client to client', '-S', '-y'],
	['an IPv4 relay, asked for', '-X', '-y'],
	['an IPv6 relay', '-x', '-y'],
	['an IPv6 relay and peer', '-x', PEER6],
	['IPv6 alone', PEER6, SERVER6],
	['IPv6, TCP', '-x', '-t', '-y', SERVER6],
	['IPv6, TLS', '-x', '-t', '-S', PEER6, SERVER6],
	['IPv6, DTLS', '-S', '-y', SERVER6],
	['two relays, IPv4 and IPv6', '-Z', '-y'],
	['two relays, an IPv6 peer', '-Z', PEER6],
	['mobility, UDP', '-M', '-y'],
	['mobility, UDP, Send', '-M', '-s', '-y'],
	['mobility, an echoing peer', '-M', PEER],
	['mobility, TCP', '-M', '-t', '-y'],
	['a relay of TCP', '-T'],
	['a relay of TCP, over TLS', '-T', '-S'],
	['DONT-FRAGMENT', '-g', PEER],
	['padded channels', '-D', '-y'],
	['padded channels over TCP', '-t', '-D', '-y'],
	['extra requests', '-G', '-y'],
	['extra requests over TCP', '-G', '-t', '-y'],
	['requests that are wrong', '-N', '-y'],
	['connect and go', '-O', '-y'],
	['disconnect now and then', '-B', '-y'],
	['no permissions', '-I', '-y'],
	['a bandwidth asked for', '-a', 100000, '-y'],
	['an origin', '-o', 'http://example.org', '-y'],
];

let servers, peer;

const number = (out, pattern) => {
	const found = [...out.matchAll(pattern)].at(-1);

	return found ? Number(found[1]) : null;
};

async function flow(server, args) {
	const where = { [PEER]: ['-e', peer.host, '-r', peer.port], [PEER6]: ['-e', SERVER6, '-r', peer.port], [SERVER6]: ['-L', SERVER6, SERVER6] };
	const overTls = args.includes('-S') ? ['-p', server.tlsPort] : [];
	const run = uclient(server, 'flow', SECRET, [...overTls, ...BURST, ...args.flatMap((a) => where[a] ?? [a])]);
	const late = setTimeout(() => run.process.kill('SIGKILL'), LIMIT_MS);
	const { code, signal } = await run.ended;

	clearTimeout(late);
	return {
		code, signal,
		sent: number(run.out, /tot_send_msgs=(\d+)/g),
		received: number(run.out, /tot_recv_msgs=(\d+)/g),
		dropped: number(run.out, /total send dropped (\d+)/g),
	};
}

const ended = ({ code }) => code !== null; /* without a signal */

const asGood = (ours, stock) => ended(ours) && ours.code === stock.code && ours.sent === stock.sent &&
	ours.dropped === stock.dropped && ours.received >= stock.received;

async function sameAsOnStock(args) {
	const tries = { stock: [], ours: [] };

	for (let i = 0; i < TRIES; i++) {
		const [stock, ours] = await Promise.all(servers.map((s) => flow(s, args)));

		tries.stock.push(stock);
		tries.ours.push(ours);
		if (tries.ours.some((o) => tries.stock.some((s) => asGood(o, s))))
			return;
	}
	assert.fail(`never as good as on stock: ${JSON.stringify(tries)}`);
}

const needs = KINDS.every((name) => fs.existsSync(path.join(BUILD_DIR, name))) ? {} : { skip: 'turnserver-stock is not built here' };

describe('turnutils_uclient, ours as stock', { concurrency: AT_ONCE, ...needs }, () => {
	const cleanups = [];
	const t = { after: (f) => cleanups.push(f) };

	before(async () => {
		peer = await startPeer(t, '127.0.0.1', [SERVER6]);
		servers = await Promise.all(KINDS.map(async (name) => {
			const low = await reserveRange(t, PORTS);

			/* With SOFTWARE stock's answer to a resume cannot be read (S-MOBILE-GARBLED). */
			return new Turnserver(t, ['-L', SERVER6, '-E', SERVER6, `--min-port=${low}`, `--max-port=${low + PORTS - 1}`,
				'--use-auth-secret', `--static-auth-secret=${SECRET}`, '--mobility', '--no-software-attribute'], { name, admin: false, tls: true, without: ['--no-dtls'] }).start();
		}));
	});
	after(async () => {
		for (const f of cleanups.reverse())
			await f();
	});
	for (const [name, ...args] of FLOWS)
		test(name, () => sameAsOnStock(args));
});
