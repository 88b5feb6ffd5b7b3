/* hook.test.mjs - the patched turnserver: what its admin socket tells and does, its secrets, its options */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { describe, test } from 'node:test';

import { assertSoon } from './lib/suite.mjs';
import { allocate, BUILD_DIR, CALL, IS_ROOT, peerSide, tempDir, Turnserver, uclient, until, writeSecrets } from './lib/turnserver.mjs';

const SECRET = 'the-first-secret';
const SECOND = 'the-second-secret';
const STATIC = 'a-static-secret';
const PUBLIC = 'a-public-secret';
const PUBLIC_LINE = `apk ${PUBLIC} tag=android users=android_user`;

/* 100 messages of 170 bytes, 10 ms apart: so few that the socket of a relay holds them all, however late it is read. */
const BURST = ['-n', 100, '-m', 1, '-l', 170, '-z', 10];
/* More than a test will wait for. */
const ENDLESS = ['-n', 100000, '-m', 1, '-l', 170, '-z', 20, '-y'];

/* A server whose auth-secrets hold these lines. */
async function serve(t, { secrets = [`k1 ${SECRET}`], args = [], mode = 0o600, ...options } = {}) {
	const server = new Turnserver(t, ['--auth-secret-file={dir}/auth-secrets', ...args], options);

	server.secretsFile = writeSecrets(path.join(server.dir, 'auth-secrets'), secrets, mode);
	return server.start();
}

function background(t, server, ...rest) {
	const u = uclient(server, ...rest);

	t.after(() => u.stop('SIGKILL'));
	return u;
}

describe('what was relayed, to the byte', { concurrency: 3 }, () => {
	test('UDP, two clients of one server', async (t) => {
		const server = await serve(t);
		const admin = await (await server.connect()).subscribe();
		const { code } = await uclient(server, `alice:${CALL}`, SECRET, [...BURST, '-y']).ended;

		assert.equal(code, 0);
		/* Four allocations (RTP and RTCP of both); the probe before them is left to expire. */
		await until('the ends', () => admin.all('end').length === 4);
		for (const end of admin.all('end')) {
			assert.deepEqual(peerSide(end.totals), [100, 17000, 100, 17000]);
			assert.equal(end.reason, 'timeout'); /* a Refresh with lifetime 0 */
			const born = admin.all('new').find((n) => n.id === end.id);

			assert.equal(born.call, CALL);
			assert.equal(born.user, 'alice');
			assert.equal(born.secret, 'k1');
			assert.equal(born.shared, false);
			assert.equal(born.transport, 'udp');
			assert.equal(born.relay_transport, 'udp');
			assert.match(born.client, /^127\.0\.0\.1:\d+$/);
			assert.match(born.relayed, /^127\.0\.0\.1:\d+$/);
			const samples = admin.all('usage').flatMap((u) => u.s).filter((row) => row[0] === end.id);

			assert.ok(samples.length > 0, 'samples while it lived');
			for (const [i, row] of samples.entries())
				for (let k = 1; k <= 8; k++) {
					assert.ok(row[k] <= end.totals[k - 1]);
					assert.ok(i === 0 || row[k] >= samples[i - 1][k], 'samples only grow');
				}
		}
		const seqs = admin.lines.filter((l) => l.e === 'new' || l.e === 'end').map((l) => l.seq);

		assert.deepEqual(seqs, seqs.map((_, i) => i + 1));
	});

	test('TCP to the server, UDP to the peer', async (t) => {
		const server = await serve(t);
		const admin = await (await server.connect()).subscribe();
		const { code } = await uclient(server, 'alice', SECRET, [...BURST, '-t', '-y']).ended;

		assert.equal(code, 0);
		await until('the ends', () => admin.all('end').filter((e) => e.totals[7]).length === 4);
		for (const end of admin.all('end').filter((e) => e.totals[7])) {
			assert.deepEqual(peerSide(end.totals), [100, 17000, 100, 17000]);
			assert.equal(admin.all('new').find((n) => n.id === end.id).transport, 'tcp');
		}
	});

	test('TCP to the peer, RFC 6062', async (t) => {
		const server = await serve(t);
		const admin = await (await server.connect()).subscribe();
		const { code } = await uclient(server, 'alice', SECRET, ['-n', 50, '-m', 2, '-l', 170, '-T', '-t', '-y']).ended;

		assert.equal(code, 0);
		const relayed = await until('ends that relayed', () => {
			const ends = admin.all('end').filter((e) => e.totals[7]);

			return ends.length >= 2 && ends;
		});
		for (const end of relayed) {
			const [, received, , sent] = peerSide(end.totals);

			assert.equal(received % 170, 0);
			assert.equal(sent % 170, 0);
			assert.equal(admin.all('new').find((n) => n.id === end.id).relay_transport, 'tcp');
		}
	});

	test('all on one thread (relay-threads=0)', async (t) => {
		const server = await serve(t, { args: ['--relay-threads=0'] });
		const admin = await (await server.connect()).subscribe();
		const { code } = await uclient(server, 'alice', SECRET, [...BURST, '-y']).ended;

		assert.equal(code, 0);
		await until('the ends', () => admin.all('end').length === 4);
		for (const end of admin.all('end'))
			assert.deepEqual(peerSide(end.totals), [100, 17000, 100, 17000]);
	});

	test('the relayed address is the one given to the client', async (t) => {
		const server = await serve(t, { args: ['-X', '192.0.2.77/127.0.0.1'] });
		const admin = await (await server.connect()).subscribe();

		background(t, server, 'alice', SECRET, ENDLESS);
		const born = await admin.wait((l) => l.e === 'new');

		assert.match(born.relayed, /^192\.0\.2\.77:\d+$/);
	});
});

describe('commands', { concurrency: 3 }, () => {
	test('kill ends the allocations of a call, and only those', async (t) => {
		const server = await serve(t);
		const admin = await (await server.connect()).subscribe();

		background(t, server, `alice:${CALL}`, SECRET, ENDLESS);
		background(t, server, 'bob', SECRET, ENDLESS);
		await until('both have allocated', () => admin.all('new').length === 10);
		await until('bytes flow', () => admin.all('usage').some((u) => u.s.some((row) => row[8] > 0)));
		const killedAt = Date.now();
		const reply = await admin.command({ c: 'kill', call: CALL, reason: 'call ended' });

		assert.equal(reply.ok, true);
		assert.equal(reply.count, 5);
		await until('the ends', () => admin.all('end').length === 5);
		assertSoon(killedAt, 1000);
		for (const end of admin.all('end')) {
			assert.equal(end.reason, 'kill: call ended');
			assert.equal(admin.all('new').find((n) => n.id === end.id).user, 'alice');
		}
		const stats = await admin.command({ c: 'stats' });

		assert.equal(stats.live, 5);
		assert.equal((await admin.command({ c: 'kill', user: 'bob' })).count, 5);
		await until('the ends', () => admin.all('end').length === 10);
		assert.equal((await admin.command({ c: 'kill', user: 'bob' })).count, 0);
	});

	test('kill ends a session with mobility, too', async (t) => {
		const server = await serve(t, { args: ['--mobility'] });
		const admin = await (await server.connect()).subscribe();

		background(t, server, 'alice', SECRET, [...ENDLESS, '-M']);
		const born = await admin.wait((l) => l.e === 'new');

		assert.equal((await admin.command({ c: 'kill', alloc: born.id })).count, 1);
		const end = await admin.wait((l) => l.e === 'end' && l.id === born.id);

		assert.equal(end.reason, 'kill');
	});

	test('list answers by user; a second reader gets a snapshot', async (t) => {
		const server = await serve(t);
		const first = await (await server.connect()).subscribe();

		background(t, server, `alice:${CALL}`, SECRET, ENDLESS);
		await until('allocated', () => first.all('new').length === 5);
		await until('bytes flow', () => first.all('usage').some((u) => u.s.some((row) => row[8] > 0)));
		const second = await (await server.connect()).subscribe();

		assert.equal(second.all('snap').length, 5);
		assert.deepEqual(second.all('snap').map((s) => s.id), first.all('new').map((n) => n.id));
		assert.ok(second.all('snap').some((s) => s.totals[7] > 0), 'totals at once');
		assert.equal(second.hello.epoch, first.hello.epoch);
		const third = await server.connect();

		assert.equal((await third.command({ c: 'list', user: 'alice' })).count, 5);
		assert.equal(third.all('snap').length, 5);
		assert.equal((await third.command({ c: 'list', user: 'bob' })).count, 0);
	});

	test('malformed lines are answered, then the connection closes', async (t) => {
		const server = await serve(t);
		const admin = await server.connect();

		for (let i = 0; i < 8; i++)
			admin.socket.write('{"c":\n');
		await until('closed', () => admin.closed);
		assert.equal(admin.all('reply').filter((r) => !r.ok).length, 8);
		assert.equal((await (await server.connect()).command({ c: 'stats' })).malformed, 8);
	});

	test('each start has an epoch of its own, and a stale socket is no obstacle', async (t) => {
		const server = await serve(t);
		const before = (await server.connect()).hello.epoch;

		await server.stop('SIGKILL');
		assert.ok(fs.existsSync(server.adminSocket));
		await server.start();
		const { hello } = await server.connect();

		assert.match(hello.epoch, /^[0-9a-f]{16}$/);
		assert.notEqual(hello.epoch, before);
		assert.equal(hello.seq, 0);
		assert.equal(hello.v, 1);
		assert.match(hello.version, /^4\.6\.1-2\+signald\d/);
	});
});

describe('secrets', { concurrency: 3 }, () => {
	test('every active one is accepted, beside static-auth-secret, and nothing else', async (t) => {
		const server = await serve(t, {
			secrets: [`k1 ${SECRET}`, `k2 ${SECOND} 1000`, `past expired-secret 1000 2000`, `next future-secret 99999999999`],
			args: [`--static-auth-secret=${STATIC}`],
		});

		assert.equal(await allocate(server, 'alice', SECRET), 0);
		assert.equal(await allocate(server, 'alice', SECOND), 0);
		assert.equal(await allocate(server, `alice:${CALL}`, SECOND), 0);
		assert.equal(await allocate(server, 'alice', STATIC), 0);
		assert.equal(await allocate(server, 'alice', 'expired-secret'), 401);
		assert.equal(await allocate(server, 'alice', 'future-secret'), 401);
		assert.equal(await allocate(server, 'alice', 'wrong-secret'), 401);
		assert.equal(await allocate(server, 'alice', SECRET, { ttl_s: -10 }), 401);
	});

	test('a public secret opens the door for its names only, and they are nobody', async (t) => {
		const server = await serve(t, { secrets: [`k1 ${SECRET}`, PUBLIC_LINE] });
		const admin = await (await server.connect()).subscribe();

		assert.equal(await allocate(server, 'android_user', PUBLIC), 0);
		assert.equal(await allocate(server, `android_user:${CALL}`, PUBLIC), 0);
		assert.equal(await allocate(server, 'alice', PUBLIC), 401);
		assert.equal(await allocate(server, `alice:${CALL}`, PUBLIC), 401);
		assert.ok(admin.all('new').length > 0);
		for (const born of admin.all('new')) {
			assert.equal(born.secret, 'apk');
			assert.equal(born.shared, true);
		}
		assert.equal((await admin.command({ c: 'kill', user: 'android_user' })).count, 0);
		assert.equal((await admin.command({ c: 'kill', call: CALL })).count, 0);
	});

	test('no core file holds them; without the file core dumps are as they were', async (t) => {
		const softLimit = (pid) => /Max core file size +(\S+)/.exec(fs.readFileSync(`/proc/${pid}/limits`, 'utf8'))[1];

		execFileSync('prlimit', ['--pid', process.pid, '--core=unlimited:']); /* what a child inherits */
		const server = await serve(t);
		const plain = await new Turnserver(t, ['--use-auth-secret', `--static-auth-secret=${STATIC}`]).start();

		assert.equal(softLimit(server.program.process.pid), '0');
		assert.equal(softLimit(plain.program.process.pid), softLimit('self'));
	});

	test('a public secret stays public when turnserver.conf has it, too', async (t) => {
		const server = await serve(t, { secrets: [`k1 ${SECRET}`, PUBLIC_LINE], args: [`--static-auth-secret=${PUBLIC}`] });

		assert.equal(await allocate(server, 'android_user', PUBLIC), 0);
		assert.equal(await allocate(server, 'alice', PUBLIC), 401);
		assert.equal(await allocate(server, `alice:${CALL}`, PUBLIC), 401);
		assert.equal(await allocate(server, 'alice', SECRET), 0);
	});

	test('a changed file counts within seconds; a broken one changes nothing', async (t) => {
		const server = await serve(t);

		assert.equal(await allocate(server, 'alice', SECOND), 401);
		writeSecrets(server.secretsFile, [`k2 ${SECOND}`]);
		await until('read again', () => server.program.out.includes('read again'), 20000);
		assert.equal(await allocate(server, 'alice', SECOND), 0);
		assert.equal(await allocate(server, 'alice', SECRET), 401);
		writeSecrets(server.secretsFile, ['# fine', 'broken']);
		await until('told', () => /auth-secrets line 2: .*stay in force/.test(server.program.out), 20000);
		assert.equal(await allocate(server, 'alice', SECOND), 0);
		for (const secret of [SECRET, SECOND])
			assert.ok(!server.program.out.includes(secret), 'no secret in the log');
	});

	test('a database that cannot be read voids no secret', async (t) => {
		const server = await serve(t, {
			args: [`--static-auth-secret=${STATIC}`, '--userdb={dir}/no/such/folder/turndb'],
		});

		assert.equal(await allocate(server, 'alice', STATIC), 0);
		assert.equal(await allocate(server, 'alice', SECRET), 0);
	});
});

describe('start', { concurrency: 3 }, () => {
	/* It ends before it serves, with one line that says why, on stderr and in the log. */
	async function refuses(t, args, why, prepare = () => {}, options = {}) {
		const server = new Turnserver(t, args, options);

		await prepare(server);
		const { code, err, out } = await server.fails();

		assert.notEqual(code, 0);
		assert.match(err.trim(), /^turnserver: [^\n]+$/);
		assert.match(err, why);
		assert.match(out, why);
		assert.doesNotMatch(out, /opened on/);
		return server;
	}
	const onSocket = (make) => (server) => make(server.adminSocket, server);
	const onSecrets = (lines, mode) => (server) => writeSecrets(path.join(server.dir, 'auth-secrets'), lines, mode);
	const FILE = '--auth-secret-file={dir}/auth-secrets';
	const cases = {
		'a live socket': [[], /in use/, onSocket((p, server) => new Promise((resolve) => {
			const s = net.createServer();

			server.t.after(() => s.close());
			s.listen(p, resolve);
		}))],
		'a path that is no socket': [[], /no socket/, onSocket((p) => fs.writeFileSync(p, ''))],
		'a path too long for sun_path': [[`--admin-socket=/tmp/${'a'.repeat(120)}`], /longer than/],
		'a folder that is not there': [['--admin-socket={dir}/none/admin.sock'], /none\/admin\.sock/],
		'an unknown group': [['--admin-socket-group=no-such-group-x'], /no-such-group-x/],
		'a wait that is no number': [['--stop-wait=soon'], /stop-wait/],
		'an interval of 0': [['--admin-interval=0'], /admin-interval/],
		'an interval beyond an hour': [['--admin-interval=3601'], /admin-interval/],
		'an interval that is no number': [['--admin-interval=soon'], /admin-interval/],
		'another separator with a policy': [['--strict-expiry=5', '--rest-api-separator=|'], /rest-api-separator/],
		'a missing secrets file': [[FILE], /auth-secrets/],
		'a broken secrets file': [[FILE], /auth-secrets line 2/, onSecrets([`k1 ${SECRET}`, 'k2'])],
		'a secrets file others may read': [[FILE], /auth-secrets/, onSecrets([`k1 ${SECRET}`], 0o644)],
	};

	for (const [name, [args, why, prepare]] of Object.entries(cases))
		test(`is refused: ${name}`, (t) => refuses(t, args, why, prepare));

	test('is refused: another separator where only the file of secrets says who is let in', (t) =>
		refuses(t, [FILE, '--rest-api-separator=|'], /rest-api-separator/, onSecrets([`k1 ${SECRET}`]), { admin: false }));

	test('the options work in turnserver.conf', async (t) => {
		const dir = tempDir(t);
		const secrets = writeSecrets(path.join(dir, 'secrets'), [`k1 ${SECRET}`]);
		const socket = path.join(dir, 'conf.sock');
		const group = execFileSync('id', ['-gn'], { encoding: 'utf8' }).trim();

		fs.writeFileSync(path.join(dir, 'turnserver.conf'), [
			`admin-socket=${socket}`, `admin-socket-group=${group}`, 'admin-socket-user=nobody',
			'admin-socket-user=root', 'admin-interval=7', `auth-secret-file=${secrets}`, '',
		].join('\n'));
		const server = new Turnserver(t, ['-c', path.join(dir, 'turnserver.conf')], { admin: false });

		server.adminSocket = socket;
		await server.start();
		const { hello } = await server.connect();

		assert.equal(hello.interval_ms, 7000);
		assert.equal(fs.statSync(socket).mode & 0o7777, 0o660);
		assert.equal(await allocate(server, 'alice', SECRET), 0);
	});

	test('as root: the socket is there before privileges go, commands and secrets work after', { skip: !IS_ROOT && 'not root' }, async (t) => {
		const server = new Turnserver(t, ['--proc-user=nobody', '--proc-group=nogroup',
			'--admin-socket-group=nogroup', '--auth-secret-file={dir}/auth-secrets']);
		const nogroup = Number(execFileSync('getent', ['group', 'nogroup'], { encoding: 'utf8' }).split(':')[2]);
		const write = (line) => {
			const file = path.join(server.dir, 'auth-secrets');

			fs.writeFileSync(`${file}.new`, `${line}\n`, { mode: 0o640 });
			fs.chownSync(`${file}.new`, 0, nogroup);
			fs.renameSync(`${file}.new`, file);
		};

		fs.chmodSync(server.dir, 0o755);
		write(`k1 ${SECRET}`);
		await server.start();
		assert.equal(fs.statSync(server.adminSocket).gid, nogroup);
		const admin = await (await server.connect()).subscribe();

		assert.equal(await allocate(server, 'alice', SECRET), 0);
		assert.ok((await admin.command({ c: 'kill', user: 'alice' })).ok);
		write(`k2 ${SECOND}`);
		await until('read again', () => server.program.out.includes('read again'), 20000);
		assert.equal(await allocate(server, 'alice', SECOND), 0);
	});

	test('as a daemon: errors are told before it detaches, and the socket is served after', async (t) => {
		await refuses(t, ['-o', '--admin-interval=0'], /admin-interval/);
		const server = await new Turnserver(t, ['-o']).launch();
		const pidFile = path.join(server.dir, 'ts.pid');
		const pid = await until('the pid file', () => fs.existsSync(pidFile) && Number(fs.readFileSync(pidFile, 'utf8')));

		t.after(() => process.kill(pid, 'SIGKILL'));
		assert.equal((await server.program.ended).code, 0);
		assert.ok((await (await server.connect()).command({ c: 'stats' })).ok);
		assert.ok(fs.existsSync(server.adminSocket));
	});

	test('--help names the options', (t) => {
		const out = execFileSync(path.join(BUILD_DIR, 'turnserver'), ['-h'], { cwd: tempDir(t), encoding: 'utf8' });

		for (const option of ['admin-socket', 'admin-socket-group', 'admin-socket-user', 'admin-interval', 'auth-secret-file'])
			assert.ok(out.includes(`--${option}`), option);
	});

	test('without the options turnserver is as stock', async (t) => {
		const server = new Turnserver(t, ['--use-auth-secret', `--static-auth-secret=${STATIC}`, '--rest-api-separator=:'], { admin: false });

		await server.start();
		assert.equal(await allocate(server, 'alice', STATIC), 0);
		assert.equal(await allocate(server, 'alice', SECRET), 401);
		assert.deepEqual(fs.readdirSync(server.dir).sort(), ['ts.pid', 'turndb']);
		assert.doesNotMatch(server.program.out, /admin-socket|auth-secret-file/);
		await server.stop();
		const odd = await new Turnserver(t, ['--static-auth-secret=x', '--rest-api-separator=|'], { admin: false }).start();

		assert.ok(odd.program);
	});
});
