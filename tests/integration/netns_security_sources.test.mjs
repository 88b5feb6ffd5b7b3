/* netns_security_sources.test.mjs - rows of the security ledger: datagrams with forged sources
 *
 * In a network namespace: turnserver on 198.18.0.1, and a cable on which everything leaves that is not for
 * the host itself. Its counters are the measure of what turnserver sends; nothing answers at the other end. */
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { row } from './lib/ledger.mjs';
import { command, IS_ROOT, now, sleep, turnPassword, until, within } from './lib/suite.mjs';
import { ATTR, METHOD, TurnClient } from './lib/turn_client.mjs';
import { BUILD_DIR, REALM, Turnserver } from './lib/turnserver.mjs';

const SERVER = '198.18.0.1';
const INSIDE = 'SIGNALD_TEST_FORGED_NS'; /* set: we already run in the namespace */
const SECRET = 'forged-sources';
const FORGE = `${BUILD_DIR}/tests/tools/forge`;
const MIB = 1024 * 1024;
const HEADERS = 14 + 20 + 8; /* of Ethernet, IPv4 and UDP */
const RELAY_THREADS = 2;
const LISTENS = ['-L', SERVER, `--relay-threads=${RELAY_THREADS}`];

function ip(...args) {
	return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/* What it sent. The servers' logs are read meanwhile. */
async function forge(port, { kinds = 'a', first = '198.18.1.0', sources = 1, count, rate = 20000 }) {
	const args = ['-k', kinds, '-f', first, '-s', sources, '-n', count, '-r', rate, SERVER, port].map(String);
	const { stdout } = await promisify(execFile)(FORGE, args, { timeout: 60000 });

	return JSON.parse(stdout);
}

/* Payload that left on the cable. */
function sentBytes() {
	const [{ stats64: { tx } }] = JSON.parse(ip('-j', '-s', 'link', 'show', 'cable'));

	return tx.bytes - tx.packets * HEADERS;
}

/* The same once all is answered that waits in the sockets of any server here. */
async function settledBytes() {
	let sent = sentBytes();

	await until('the cable is quiet', async () => {
		const before = sent;

		await sleep(100);
		sent = sentBytes();
		return sent === before;
	});
	return sent;
}

/* Datagrams that found no room in a socket. */
function lostDatagrams() {
	const [names, values] = fs.readFileSync('/proc/self/net/snmp', 'utf8').split('\n').filter((l) => l.startsWith('Udp:')).map((l) => l.split(' '));

	return Number(values[names.indexOf('RcvbufErrors')]);
}

const rssBytes = (pid) => Number(/^VmRSS:\s*(\d+) kB/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;

async function started(t, args = []) {
	return new Turnserver(t, [...LISTENS, '--use-auth-secret', `--static-auth-secret=${SECRET}`, ...args]).start();
}

/* Asks again and sooner than RFC 8489 section 6.2.1 has it: the tests do not wait for its doubling. */
class PatientClient extends TurnClient {
	write(msg) {
		const key = msg.toString('hex', 8, 20);
		const again = setInterval(() => {
			if (this.socket && this.pending.has(key))
				super.write(msg);
			else
				clearInterval(again);
		}, 250);

		super.write(msg);
	}
}

function client(t, Kind, server, localAddress, name) {
	const username = `${now() + 3600}:${name}`;
	const c = new Kind({ host: SERVER, turnPort: server.port, realm: REALM },
		{ username, password: turnPassword(SECRET, username) }, localAddress);

	t.after(() => c.close());
	return c;
}

function attributeOf(msg, type) {
	for (let i = 20; i + 4 <= msg.length; i += 4 + Math.ceil(msg.readUInt16BE(i + 2) / 4) * 4)
		if (msg.readUInt16BE(i) === type)
			return msg.subarray(i + 4, i + 4 + msg.readUInt16BE(i + 2));
	return null;
}

/* Gives it the nonce of a 401, and no session. Asked again, because several of one address may be more than its budget. */
async function challenge(c) {
	await c.open();
	const refused = within('a 401', new Promise((resolve) => c.socket.once('message', resolve)));
	const ask = () => c.say(METHOD.refresh, []);
	const again = setInterval(ask, 250);

	ask();
	const msg = await refused.finally(() => clearInterval(again));

	c.nonce = Buffer.from(attributeOf(msg, ATTR.nonce));
	c.realm = Buffer.from(attributeOf(msg, ATTR.realm));
}

/* Requests in the name of this address, of this host, until the test ends. */
async function floodFrom(t, server, address, rate = 4000) {
	ip('address', 'add', `${address}/32`, 'dev', 'far');
	const flood = spawn(FORGE, ['-f', address, '-n', 4 * rate, '-r', rate, SERVER, server.port].map(String), { stdio: 'ignore' });

	t.after(() => flood.kill());
	await sleep(300);
	return () => assert.equal(flood.exitCode, null, 'the flood ended too early');
}

async function isNotAmplified(server, kinds, first) {
	/* Its budget, which fills up while it lasts. */
	await forge(server.port, { kinds, first, count: 2000, rate: 10000 });
	const before = await settledBytes(), begun_ms = Date.now();
	const { payloadBytes } = await forge(server.port, { kinds, first, count: 4000, rate: 8000 });
	const sent = await settledBytes() - before;
	const seconds = (Date.now() - begun_ms) / 1000;

	assert.ok(sent > 0, 'no answer at all');
	assert.ok(sent <= payloadBytes + RELAY_THREADS * (50 + 2) * (seconds + 1) * 150, `${sent} bytes for ${payloadBytes}`);
}

function inside() {
	row('S-SOURCE-SESSION', 'forged sources leave memory as it was', { args: LISTENS }, async (server) => {
		await forge(server.port, { sources: 15000, count: 15000, kinds: 'abg' });
		const before = server.rss_bytes();

		await forge(server.port, { first: '198.19.0.0', sources: 15000, count: 15000, kinds: 'abg' });
		const grown = server.rss_bytes() - before;

		assert.ok(grown <= MIB, `${grown} bytes for 15000 sources`);
	});

	row('S-SOURCE-REFLECTION', 'beyond its budget a source of Allocate is sent no more bytes than it sends', { args: LISTENS },
		(server) => isNotAmplified(server, 'a', '198.18.1.1'));

	row('S-SOURCE-REFLECTION', 'beyond its budget a source of Binding is sent no more bytes than it sends', { args: LISTENS },
		(server) => isNotAmplified(server, 'b', '198.18.1.2'));

	test('forged sources: 100000 of them cost no memory, and each is counted', async (t) => {
		const server = await started(t);
		const { pid } = server.program.process;

		await forge(server.port, { count: 1000, sources: 1000, kinds: 'abg' });
		await settledBytes();
		const before = rssBytes(pid), counted = await server.guard(), lost = lostDatagrams();

		await forge(server.port, { sources: 100000, count: 100000, kinds: 'abg', rate: 40000 });
		await settledBytes();
		const grown = rssBytes(pid) - before, guard = await server.guard();
		const of = (name) => guard[name] - counted[name];

		const received = 100000 - (lostDatagrams() - lost);

		t.diagnostic(`resident memory grew by ${Math.round(grown / 1024)} kB with ${received} datagrams`);
		assert.ok(grown <= 5 * MIB, `${grown} bytes`);
		assert.equal(of('sourceNonce') + of('sourceBinding') + of('sourceDropped') + of('sourceIndication') + of('sourceLimited'), received);
		assert.equal(of('sourceLimited'), 0, 'one datagram each is within any budget');
		assert.ok(received > 30000, `only ${received} datagrams came in`);
	});

	test('forged sources: a client whose address is forged still gets in', async (t) => {
		const server = await started(t, ['--source-answers-per-s=1']);
		const stillGoing = await floodFrom(t, server, '198.18.2.1');
		const c = client(t, PatientClient, server, '198.18.2.1', 'forged');

		assert.ok(await c.allocate());
		stillGoing();
	});

	test('forged sources: who has a nonce is answered at once, however much comes in his name', async (t) => {
		const server = await started(t, ['--source-answers-per-s=1']);
		const clients = Array.from({ length: 8 }, (_, i) => client(t, TurnClient, server, '198.18.2.2', `n${i}`));

		ip('address', 'add', '198.18.2.2/32', 'dev', 'far');
		for (const c of clients)
			await challenge(c);
		ip('address', 'del', '198.18.2.2/32', 'dev', 'far');
		const stillGoing = await floodFrom(t, server, '198.18.2.2');

		for (const c of clients)
			assert.ok(await c.allocate(), 'no answer');
		stillGoing();
		assert.ok((await server.guard()).sourceLimited > 100, 'there was no flood');
	});
}

if (process.env[INSIDE]) {
	ip('link', 'set', 'lo', 'up');
	ip('link', 'add', 'cable', 'type', 'veth', 'peer', 'name', 'far');
	ip('link', 'set', 'cable', 'arp', 'off'); /* nobody is there to be asked */
	ip('address', 'add', `${SERVER}/15`, 'dev', 'cable');
	ip('link', 'set', 'cable', 'up');
	ip('link', 'set', 'far', 'up');
	inside();
} else {
	const skip = !IS_ROOT ? 'only root can make network namespaces' : !command('ip') ? 'no ip command (iproute2)'
		: !command('unshare') ? 'no unshare command (util-linux)' : false;

	test('rows and tests with forged sources', { skip, timeout: 120000 }, () => {
		const env = { ...process.env, [INSIDE]: '1' };

		delete env.NODE_TEST_CONTEXT; /* a run of its own, not a part of this one's report */
		const run = spawnSync('unshare', ['--net', process.execPath, fileURLToPath(import.meta.url)], { env, encoding: 'utf8', timeout: 110000 });

		assert.equal(run.status, 0, `${run.stdout}\n${run.stderr}`);
	});
}
