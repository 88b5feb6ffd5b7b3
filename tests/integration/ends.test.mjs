/* ends.test.mjs - no end is lost: stops, signals, the ledger, the spool, kill -9 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import zlib from 'node:zlib';

import { REALM } from './lib/stack.mjs';
import { assertSoon } from './lib/suite.mjs';
import { TurnClient, udpPeer } from './lib/turn_client.mjs';
import { allocate, Turnserver, until, writeSecrets } from './lib/turnserver.mjs';

const SECRET = 'the-secret-of-ends';
const STOP_MAX_MS = 10000; /* of a busy machine */
const STOP_WAIT_MS = 2400; /* coturn-ext/stop.h: for ends that do not come */
/* Where the totals stand in their array. */
const PEER_RECEIVED_BYTES = 5, PEER_SENT_BYTES = 7;

async function serve(t, { args = [], dir } = {}) {
	const server = new Turnserver(t, ['--auth-secret-file={dir}/auth-secrets', `--realm=${REALM}`, ...args]);

	if (dir)
		Object.assign(server, { dir, adminSocket: path.join(dir, 'admin.sock') });
	writeSecrets(path.join(server.dir, 'auth-secrets'), [`k1 ${SECRET}`]);
	return server.start();
}

/* A second server with the first one's folder: its successor. */
const successor = (t, server) => serve(t, { dir: server.dir });

const spoolFile = (server) => path.join(server.dir, 'ends.spool');

/* What the spool holds; a damaged line fails the test. */
function spooled(server) {
	const lines = fs.readFileSync(spoolFile(server), 'utf8').split('\n');

	assert.equal(lines.pop(), '', 'the last line is whole');
	assert.match(lines.shift(), /^[0-9a-f]{8} spool 1 /);
	return lines.map((line) => {
		if (zlib.crc32) /* Node 20.15 and newer */
			assert.equal(line.slice(0, 8), zlib.crc32(line.slice(9)).toString(16).padStart(8, '0'));
		return JSON.parse(line.slice(9));
	});
}

async function client(t, server, name) {
	const username = `${Math.floor(Date.now() / 1000) + 3600}:${name}`;
	const password = createHmac('sha1', SECRET).update(username).digest('base64');
	const c = new TurnClient({ host: '127.0.0.1', turnPort: server.port }, { username, password });

	t.after(() => c.close());
	await c.allocate();
	return c;
}

/* n clients, each with its own echoing peer and its own number of bytes. Waits until all came back. */
async function relayed(t, server, n) {
	const all = [];

	for (let i = 0; i < n; i++) {
		const c = await client(t, server, `user${i}`);
		const peer = await udpPeer(t, { echo: true });

		await c.permit(peer);
		all.push({ c, peer, bytes: (10 + i) * 100 });
	}
	await Promise.all(all.map(({ c, peer }, i) => c.sendTo(peer, 10 + i, 100)));
	await until('all came back', () => all.every(({ c, bytes }) => c.received === bytes));
	return all;
}

function assertExact(ends, all, reason) {
	assert.equal(ends.length, all.length);
	assert.equal(new Set(ends.map((e) => e.id)).size, all.length, 'each allocation once');
	for (const [i, { peer, bytes }] of all.entries()) {
		const end = ends.find((e) => e.user === `user${i}`);

		assert.equal(end.reason, reason);
		assert.equal(end.exact, true);
		assert.equal(end.totals[PEER_SENT_BYTES], peer.received);
		assert.equal(end.totals[PEER_RECEIVED_BYTES], bytes);
		assert.ok(Math.abs(Date.now() - end.ended_ms) < 60000);
	}
	const seqs = ends.map((e) => e.seq);

	assert.deepEqual(seqs, [...seqs].sort((a, b) => a - b), 'numbers rise');
}

async function ledger(server, from) {
	const admin = await server.connect();

	admin.send({ c: 'sub', role: 'ledger', ...(from && { from }) });
	await admin.wait((l) => l.e === 'synced' || l.e === 'reply');
	return admin;
}

const identity = ({ epoch, seq }) => ({ epoch, seq });

describe('a stop', { concurrency: 2 }, () => {
	for (const [signal, ...args] of [['SIGTERM'], ['SIGINT'], ['SIGTERM', '--relay-threads=0']])
		test(`${[signal, ...args].join(' with ')} ends every allocation, exactly, and the server`, async (t) => {
			const server = await serve(t, { args });
			const all = await relayed(t, server, 20);
			const watcher = await (await server.connect()).subscribe();
			const before = Date.now();

			server.program.process.kill(signal);
			assert.deepEqual(await server.program.ended, { code: 0, signal: null });
			assertSoon(before, STOP_MAX_MS);
			assertExact(spooled(server), all, 'server-stop');
			await until('the watcher heard them', () => watcher.closed);
			assert.equal(watcher.all('end').length, 20);
			assert.equal(watcher.all('drain').length, 1);
			assert.equal(fs.existsSync(server.adminSocket), false);
			assert.equal(fs.existsSync(`${server.adminSocket}.live`), false);
		});

	test('an empty server stops at once', async (t) => {
		const server = await serve(t);

		await server.connect(); /* before the hook serves, a signal is nobody's */
		const before = Date.now();

		await server.stop();
		assert.deepEqual(server.program.end, { code: 0, signal: null });
		assertSoon(before, STOP_WAIT_MS);
		assert.deepEqual(spooled(server), []);
	});

	test('what the ledger took before the end is not kept', async (t) => {
		const server = await serve(t);
		const all = await relayed(t, server, 5);
		const admin = await ledger(server);
		const acks = setInterval(() => {
			for (const end of admin.all('end').splice(0))
				admin.socket.writable && admin.send({ c: 'ack', ...identity(end) });
		}, 5);

		t.after(() => clearInterval(acks));
		server.program.process.kill('SIGTERM');
		assert.equal((await server.program.ended).code, 0);
		await until('the end of the connection', () => admin.closed);
		assertExact(admin.all('end'), all, 'server-stop');
		assert.deepEqual(spooled(server), []);
	});

	test('drain refuses what is new, and ends the server when it is empty', async (t) => {
		const server = await serve(t);
		const c = await client(t, server, 'alice');
		const admin = await (await server.connect()).subscribe();

		assert.equal((await admin.command({ c: 'drain' })).ok, true);
		assert.equal(await allocate(server, 'bob', SECRET).catch((e) => e), 508);
		assert.equal(server.program.end, undefined);
		await c.release();
		assert.deepEqual(await server.program.ended, { code: 0, signal: null });
		assert.equal(spooled(server).length, 1);
	});

	test('drain refuses also who need not authenticate', async (t) => {
		const server = await new Turnserver(t, ['--no-auth']).start();
		const admin = await (await server.connect()).subscribe();
		const [c, d] = [0, 1].map(() => new TurnClient({ host: '127.0.0.1', turnPort: server.port },
			{ username: 'anybody', password: '' }));

		t.after(() => [c, d].forEach((x) => x.close()));
		await c.allocate();
		assert.equal((await admin.command({ c: 'drain' })).ok, true);
		await assert.rejects(d.allocate(), { code: 486 });
		assert.equal((await admin.wait((l) => l.e === 'denied')).reason, 'draining');
		await c.release();
		assert.deepEqual(await server.program.ended, { code: 0, signal: null });
	});
});

describe('a start that is refused', { concurrency: 2 }, () => {
	test('leaves no mapping behind, and the next one starts', async (t) => {
		const server = new Turnserver(t, ['--no-auth']);
		const inTheWay = path.join(server.dir, 'revoked');

		fs.mkdirSync(inTheWay);
		await server.launch();
		assert.notEqual((await server.program.ended).code, 0);
		assert.match(server.program.err, /revoked: /);
		assert.deepEqual(fs.readdirSync(server.dir).filter((f) => f.startsWith('admin.sock')), []);
		fs.rmdirSync(inTheWay);
		await server.start();
		assert.equal(fs.existsSync(`${server.adminSocket}.live`), true);
	});

	test('one that was killed at once may: the next one copes', async (t) => {
		const server = await new Turnserver(t, ['--no-auth']).start();
		const live = `${server.adminSocket}.live`;

		server.program.process.kill('SIGKILL');
		await server.program.ended;
		assert.equal(fs.existsSync(live), true);
		await server.start();
		assert.equal((await (await server.connect()).command({ c: 'stats' })).recovered, 0);
		await server.stop();
		fs.writeFileSync(live, '', { mode: 0o600 }); /* not even begun */
		await server.start();
		assert.equal((await (await server.connect()).command({ c: 'stats' })).recovered, 0);
	});
});

describe('SIGHUP', { concurrency: 2 }, () => {
	for (const args of [[], ['--syslog'], ['--log-file={dir}/ts.log']])
		test(`twice with ${args[0] ?? 'a log to stdout'}: the secrets are read, nothing ends`, async (t) => {
			const server = await serve(t, { args });
			const admin = await (await server.connect()).subscribe();

			for (const n of [2, 3]) {
				writeSecrets(path.join(server.dir, 'auth-secrets'),
					[`k1 ${SECRET}`, `k${n} another-secret-${n}`]);
				const hangup = Date.now();

				server.program.process.kill('SIGHUP');
				await admin.wait((l) => l.e === 'secrets' && l.ids.some(([id]) => id === `k${n}`));
				assertSoon(hangup, 2000);
			}
			assert.equal(server.program.end, undefined);
			assert.equal((await admin.command({ c: 'stats' })).ok, true);
		});

	test('opens the log anew', async (t) => {
		const server = await serve(t, { args: ['--log-file={dir}/ts.log'] });
		const log = path.join(server.dir, 'ts.log');

		for (const n of [1, 2]) {
			/* The signal is ours, which STUN does not wait for, and the hang-up before is over. */
			await (await server.connect()).command({ c: 'stats' });
			fs.renameSync(log, `${log}.${n}`);
			server.program.process.kill('SIGHUP');
			await until('a new log', () => fs.existsSync(log), 10000);
		}
	});
});

describe('the ledger', { concurrency: 2 }, () => {
	test('there is one', async (t) => {
		const server = await serve(t);
		const first = await ledger(server);
		const second = await ledger(server);

		assert.equal(second.all('reply')[0].error, 'ledger-taken');
		first.socket.destroy();
		await until('the role is free', async () => {
			const third = await ledger(server);

			return third.all('synced').length === 1;
		});
	});

	test('gets what it has not acknowledged again, and nothing else', async (t) => {
		const server = await serve(t);
		const first = await ledger(server);

		for (const name of ['a', 'b', 'c'])
			await (await client(t, server, name)).release();
		await until('three ends', () => first.all('end').length === 3);
		const [a, b, c] = first.all('end');

		assert.deepEqual(spooled(server).map(identity), [a, b, c].map(identity));
		first.send({ c: 'ack', ...identity(a) });
		assert.equal((await first.command({ c: 'stats' })).ok, true); /* so the ack was read */
		first.socket.destroy();
		await until('it is gone', async () => (await ledger(server)).all('synced').length === 1);

		const again = await successor(t, await stopped(server));
		const second = await ledger(again, identity(b));

		assert.deepEqual(second.all('end').map(identity), [identity(c)]);
		assert.ok(second.lines.findIndex((l) => l.e === 'end') < second.lines.findIndex((l) => l.e === 'synced'));
		assert.notEqual(second.hello.epoch, first.hello.epoch);
	});

	test('a limit of file sizes loses the end it has no room for, and nothing else', async (t) => {
		const server = await serve(t);
		const limitFiles = (bytes) =>
			execFileSync('prlimit', ['--pid', `${server.program.process.pid}`, `--fsize=${bytes}:`]);
		const [a, b] = [await client(t, server, 'a'), await client(t, server, 'b')];
		const admin = await (await server.connect()).subscribe();

		limitFiles(fs.statSync(spoolFile(server)).size + 50);
		await a.release();
		await admin.wait((l) => l.e === 'end' && l.user === 'a');
		assert.equal((await admin.command({ c: 'stats' })).lostEnds, 1);
		limitFiles('unlimited');
		await b.release();
		await admin.wait((l) => l.e === 'end' && l.user === 'b');
		assert.deepEqual(spooled(server).map((e) => e.user), ['b']);
	});

	test('what it acknowledges leaves the disk', async (t) => {
		const server = await serve(t);
		const admin = await ledger(server);

		for (const name of ['a', 'b', 'c'])
			await (await client(t, server, name)).release();
		await until('three ends', () => admin.all('end').length === 3);
		assert.equal(spooled(server).length, 3);
		admin.send({ c: 'ack', ...identity(admin.all('end')[2]) });
		await until('an empty spool', () => spooled(server).length === 0, 5000);
	});
});

async function stopped(server) {
	await server.stop();
	return server;
}

describe('kill -9', { concurrency: 2 }, () => {
	test('the successor writes the ends, exactly, once', async (t) => {
		const server = await serve(t);
		const all = await relayed(t, server, 10);
		const { hello } = await server.connect();

		server.program.process.kill('SIGKILL');
		await server.program.ended;
		const second = await successor(t, server);

		assertExact(spooled(second), all, 'crash');
		assert.ok(spooled(second).every((e) => e.epoch === hello.epoch));
		second.program.process.kill('SIGKILL');
		await second.program.ended;
		const third = await successor(t, second);
		const admin = await ledger(third);

		assertExact(admin.all('end'), all, 'crash');
	});

	test('with the disk full the successor serves, and leaves the ends to the next one', async (t) => {
		const disk = fs.mkdtempSync('/tmp/ends-disk-');
		const args = [`--admin-state-dir=${disk}`];
		const on = (server) => Object.assign(Object.create(server), { dir: disk });
		const filler = path.join(disk, 'filler');

		t.after(() => {
			try {
				execFileSync('umount', [disk], { stdio: 'ignore' });
			} catch { /* was not mounted */ }
			fs.rmdirSync(disk);
		});
		try {
			execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk], { stdio: 'ignore' });
		} catch {
			return t.skip('needs the right to mount');
		}
		const server = await serve(t, { args });
		const all = await relayed(t, server, 20);
		const { hello } = await server.connect();

		server.program.process.kill('SIGKILL');
		await server.program.ended;
		const fd = fs.openSync(filler, 'w');

		assert.throws(() => { for (;;) fs.writeSync(fd, Buffer.alloc(4096)); }, { code: 'ENOSPC' });
		fs.closeSync(fd);
		const second = await serve(t, { args, dir: server.dir });
		const kept = spooled(on(second)).length;

		assert.ok(kept < all.length, `${kept} were kept`);
		assert.equal(second.program.out.match(/ends of a killed server do not fit/g)?.length, 1);
		assert.equal((await (await second.connect()).command({ c: 'stats' })).lostEnds, 0);
		await client(t, second, 'somebody');
		fs.rmSync(filler);
		await second.stop();
		assert.equal(second.program.end.code, 0);
		const third = await serve(t, { args, dir: server.dir });
		const recovered = spooled(on(third)).filter((e) => e.epoch === hello.epoch);

		assertExact(recovered, all, 'crash');
		assert.equal(spooled(on(third)).length, all.length + 1);
		await third.stop();
		assert.equal(fs.existsSync(`${server.adminSocket}.live`), false);
	});
});
