/* control.test.mjs - turnserver under command: every command of the admin socket, and what clients see of it */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';

import { Stack } from './lib/stack.mjs';
import { sleep } from './lib/suite.mjs';
import { allocation, TurnClient, TurnError, udpPeer } from './lib/turn_client.mjs';
import { CALL, IS_ROOT, REALM, tempDir, Turnserver, until, writeSecrets } from './lib/turnserver.mjs';

const SECRET = 'the-control-secret';
const PUBLIC = 'the-public-control-secret';
const OTHER_CALL = 'zyxwvutsrqponmlkjihg_-';
const IN_AN_HOUR = () => Math.floor(Date.now() / 1000) + 3600;
const CHUNK = 1000, CHUNKS = 300;

async function serve(t, args = []) {
	const server = new Turnserver(t, ['--auth-secret-file={dir}/auth-secrets', ...args]);

	server.secretsFile = writeSecrets(path.join(server.dir, 'auth-secrets'),
		[`k1 ${SECRET}`, `apk ${PUBLIC} tag=android users=android_user`]);
	await server.start();
	return server;
}

const watch = async (server) => (await server.connect()).subscribe();

function credentials(name, secret = SECRET) {
	const username = `${Math.floor(Date.now() / 1000) + 7200}:${name}`;

	return { username, password: createHmac('sha1', secret).update(username).digest('base64') };
}

const stackOf = (server) => ({ turnPort: server.port, host: '127.0.0.1', realm: REALM });

function turn(t, server, name, secret, localAddress) {
	return allocation(t, stackOf(server), credentials(name, secret), localAddress);
}

/* A client of this name that has allocated nothing. */
function stranger(t, server, name, secret) {
	const c = new TurnClient(stackOf(server), credentials(name, secret));

	t.after(() => c.close());
	return c;
}

async function refusal(promise) {
	try {
		await promise;
	} catch (err) {
		if (err instanceof TurnError)
			return err;
		throw err;
	}
	throw new Error('not refused');
}

const bornOf = (admin, client) => admin.wait((l) => l.e === 'new' && Number(l.relayed.split(':').pop()) === client.relayed.port);
const endOf = (admin, born) => admin.wait((l) => l.e === 'end' && l.id === born.id);

describe('kill', { concurrency: 2 }, () => {
	test('by allocation, call and user, and nobody else', async (t) => {
		const server = await serve(t);
		const admin = await watch(server);
		const clients = {};

		for (const name of [`alice:${CALL}`, `bob:${CALL}`, `alice:${OTHER_CALL}`, 'carol', 'dave'])
			clients[name] = await turn(t, server, name);
		const born = {};

		for (const [name, c] of Object.entries(clients))
			born[name] = await bornOf(admin, c);
		assert.equal((await admin.command({ c: 'kill', alloc: born.carol.id })).count, 1);
		assert.equal((await endOf(admin, born.carol)).reason, 'kill');
		assert.equal((await admin.command({ c: 'kill', call: CALL, reason: 'call ended' })).count, 2);
		for (const name of [`alice:${CALL}`, `bob:${CALL}`])
			assert.equal((await endOf(admin, born[name])).reason, 'kill: call ended');
		assert.equal((await admin.command({ c: 'kill', user: 'alice' })).count, 1);
		await endOf(admin, born[`alice:${OTHER_CALL}`]);
		assert.equal(admin.all('end').length, 4);
		await clients.dave.refresh(600);
	});

	test('an end says all a ledger needs', async (t) => {
		const server = await serve(t);
		const admin = await watch(server);
		const born = await bornOf(admin, await turn(t, server, `alice:${CALL}`));

		await admin.command({ c: 'kill', call: CALL });
		const end = await endOf(admin, born);

		assert.equal(end.epoch, admin.hello.epoch);
		assert.equal(end.seq, 2);
		assert.ok(Math.abs(end.ended_ms - Date.now()) < 5000);
		assert.equal(end.exact, true);
		assert.equal(end.totals.length, 11);
		for (const key of ['name', 'user', 'call', 'realm', 'secret', 'shared', 'client'])
			assert.equal(end[key], born[key], key);
	});
});

describe('revoke', { concurrency: 2 }, () => {
	test('ends what lives and refuses every request, signed', async (t) => {
		const server = await serve(t);
		const admin = await watch(server);
		const peer = await udpPeer(t);
		const alice = await turn(t, server, `alice:${CALL}`), bob = await turn(t, server, `bob:${OTHER_CALL}`);
		const born = await bornOf(admin, alice);
		const reply = await admin.command({ c: 'revoke', call: CALL, until: IN_AN_HOUR() });

		assert.equal(reply.ok, true);
		assert.equal(reply.count, 1);
		assert.equal((await endOf(admin, born)).reason, 'revoked');
		alice.relayed = null;
		const requests = {
			allocate: (c) => c.allocate(),
			refresh: (c) => c.refresh(600),
			'create permission': (c) => c.permit(peer),
			'channel bind': (c) => c.bindChannel(peer),
		};

		for (const [what, ask] of Object.entries(requests)) {
			const c = stranger(t, server, `alice:${CALL}`);

			await c.open();
			const err = await refusal(ask(c));

			assert.equal(err.code, 403, what);
			assert.equal(err.signed, true, what);
		}
		const denied = await admin.wait((l) => l.e === 'denied');

		assert.deepEqual([denied.user, denied.call, denied.reason, denied.client], ['alice', CALL, 'revoked', '127.0.0.1']);
		await bob.permit(peer);
		assert.equal((await admin.command({ c: 'unrevoke', call: CALL })).count, 1);
		await turn(t, server, `alice:${CALL}`);
	});

	test('of a user survives a crash and a restart', async (t) => {
		const server = await serve(t);
		const before = await server.connect();

		assert.equal((await before.command({ c: 'revoke', user: 'alice', until: IN_AN_HOUR(), reason: 'banned' })).ok, true);
		for (const signal of ['SIGKILL', 'SIGTERM']) {
			await server.stop(signal);
			await server.start();
			assert.equal((await refusal(stranger(t, server, 'alice').allocate())).code, 403, signal);
		}
		const after = await server.connect();

		assert.equal((await after.command({ c: 'stats' })).revocations, 1);
		await turn(t, server, 'bob');
		await after.command({ c: 'unrevoke', user: 'alice' });
		await server.stop('SIGKILL');
		await server.start();
		await turn(t, server, 'alice');
	});

	test('has a time at which it is over', async (t) => {
		const server = await serve(t);
		const admin = await server.connect();

		await admin.command({ c: 'revoke', user: 'alice', until: Math.floor(Date.now() / 1000) + 4 });
		assert.equal((await refusal(stranger(t, server, 'alice').allocate())).code, 403);
		await until('it is over', () => stranger(t, server, 'alice').allocate().then(() => true, () => false), 10000);
		assert.equal((await admin.command({ c: 'revoke', user: 'alice', until: 1000 })).error, 'until has passed');
	});

	test('of a name that many share reaches nobody', async (t) => {
		const server = await serve(t);
		const admin = await watch(server);

		await turn(t, server, `android_user:${CALL}`, PUBLIC);
		for (const what of [{ user: 'android_user' }, { call: CALL }])
			assert.equal((await admin.command({ c: 'revoke', ...what, until: IN_AN_HOUR() })).count, 0);
		await turn(t, server, `android_user:${CALL}`, PUBLIC);
		assert.equal(admin.all('end').length, 0);
	});
});

describe('limit', { concurrency: 2 }, () => {
	test('allocations of a user, of a call, and of one client of a shared name', async (t) => {
		const server = await serve(t);
		const admin = await watch(server);

		await turn(t, server, `alice:${CALL}`);
		assert.equal((await admin.command({ c: 'limit', each: 'user', allocations: 1 })).ok, true);
		const err = await refusal(stranger(t, server, `alice:${OTHER_CALL}`).allocate());

		assert.equal(err.code, 486);
		assert.equal(err.signed, true);
		assert.match(err.reason, /user/);
		const denied = await admin.wait((l) => l.e === 'denied');

		assert.deepEqual([denied.user, denied.call, denied.reason], ['alice', OTHER_CALL, 'user-limit']);
		await admin.command({ c: 'limit', user: 'alice', allocations: 2 });
		await turn(t, server, `alice:${OTHER_CALL}`);
		await admin.command({ c: 'limit', each: 'call', allocations: 1 });
		assert.equal((await refusal(stranger(t, server, `bob:${CALL}`).allocate())).code, 486);
		await admin.command({ c: 'limit', each: 'client', allocations: 1 });
		await turn(t, server, 'android_user', PUBLIC);
		assert.equal((await refusal(stranger(t, server, 'android_user', PUBLIC).allocate())).code, 486);
		await turn(t, server, 'android_user', PUBLIC, '127.0.0.2');
	});

	test('bytes a second of what lives already, and off again', async (t) => {
		const server = await serve(t);
		const admin = await watch(server);
		const peer = await udpPeer(t);
		const alice = await turn(t, server, 'alice');
		const born = await bornOf(admin, alice);

		await alice.permit(peer);
		assert.equal((await admin.command({ c: 'limit', user: 'alice', bytes_per_s: 10 * CHUNK })).count, 1);
		await sleep(2500);
		await alice.sendTo(peer, CHUNKS, CHUNK);
		await sleep(500);
		assert.ok(peer.received > 0);
		assert.ok(peer.received < CHUNKS * CHUNK / 2, `${peer.received} bytes passed`);
		const limited = peer.received;

		await admin.command({ c: 'limit', user: 'alice', bytes_per_s: 0 });
		await sleep(2500);
		await alice.sendTo(peer, CHUNKS, CHUNK);
		await until('all of it', () => peer.received === limited + CHUNKS * CHUNK, 5000);
		await admin.command({ c: 'kill', alloc: born.id });
		const { totals } = await endOf(admin, born);

		assert.equal(totals[7], peer.received, 'what was dropped is not counted as relayed');
		assert.equal(totals[8], (2 * CHUNKS * CHUNK - peer.received) / CHUNK, 'dropped packets');
	});
});

describe('drain', { concurrency: 2 }, () => {
	test('lets what lives go on, and ends turnserver when it is empty', async (t) => {
		const server = await serve(t);
		const admin = await watch(server);
		const alice = await turn(t, server, 'alice');

		assert.equal((await admin.command({ c: 'drain' })).count, 1);
		await admin.wait((l) => l.e === 'drain' && l.on);
		const err = await refusal(stranger(t, server, 'bob').allocate());

		assert.equal(err.code, 508);
		assert.equal(err.signed, true);
		await alice.refresh(600);
		assert.equal((await admin.command({ c: 'stats' })).draining, true);
		await alice.release();
		assert.deepEqual(await server.program.ended, { code: 0, signal: null });
		assert.ok(!fs.existsSync(server.adminSocket));
	});

	test('each refusal is told, those of a second as one', async (t) => {
		const server = await serve(t);
		const admin = await watch(server);
		const bob = stranger(t, server, 'bob');

		await turn(t, server, 'alice');
		await admin.command({ c: 'drain' });
		for (let i = 0; i < 5; i++)
			await refusal(bob.allocate());
		const told = () => admin.lines.filter((l) => l.e === 'denied').reduce((sum, l) => sum + l.n, 0);

		await until('all five', () => told() === 5, 4000);
		assert.ok(admin.lines.filter((l) => l.e === 'denied').length < 5);
	});

	test('can be taken back', async (t) => {
		const server = await serve(t);
		const admin = await watch(server);
		const alice = await turn(t, server, 'alice');

		await admin.command({ c: 'drain' });
		assert.equal((await admin.command({ c: 'drain', off: true })).ok, true);
		await admin.wait((l) => l.e === 'drain' && !l.on);
		await turn(t, server, 'bob');
		await alice.release();
		assert.equal((await admin.command({ c: 'stats' })).draining, false);
	});

	test('of an empty server ends it at once', async (t) => {
		const server = await serve(t);
		const admin = await watch(server);

		admin.send({ c: 'drain' });
		assert.deepEqual(await server.program.ended, { code: 0, signal: null });
	});
});

describe('reload', { concurrency: 2 }, () => {
	test('takes a new file at once, and announces it', async (t) => {
		const server = await serve(t);
		const admin = await watch(server);
		const ids = () => admin.all('secrets').at(-1).ids.map(([id]) => id);

		await until('the first announcement', () => admin.all('secrets').length);
		assert.deepEqual(ids(), ['k1', 'apk']);
		writeSecrets(server.secretsFile, ['k2 another-control-secret']);
		assert.equal((await admin.command({ c: 'reload' })).count, 1);
		assert.deepEqual(ids(), ['k2']);
		await turn(t, server, 'alice', 'another-control-secret');
		assert.equal((await refusal(stranger(t, server, 'alice').allocate())).code, 401);
	});

	test('of a broken file names file and line, and keeps the old', async (t) => {
		const server = await serve(t);
		const admin = await watch(server);

		writeSecrets(server.secretsFile, ['# fine', 'broken']);
		for (let i = 0; i < 2; i++) {
			const { ok, error } = await admin.command({ c: 'reload' });

			assert.equal(ok, false);
			assert.match(error, /auth-secrets line 2: /);
		}
		await turn(t, server, 'alice');
	});
});

describe('who asks, and for what', { concurrency: 2 }, () => {
	test('list by client and by secret', async (t) => {
		const server = await serve(t);
		const admin = await server.connect();

		await turn(t, server, 'alice');
		await turn(t, server, 'alice', SECRET, '127.0.0.2');
		await turn(t, server, 'android_user', PUBLIC);
		for (const [filter, count] of [
			[{}, 3], [{ client: '127.0.0.1' }, 2], [{ client: '127.0.0.2' }, 1], [{ client: '127.0.0.22' }, 0],
			[{ secret: 'apk' }, 1], [{ secret: 'k1', client: '127.0.0.1' }, 1], [{ user: 'alice' }, 2], [{ user: 'android_user' }, 0],
		])
			assert.equal((await admin.command({ c: 'list', ...filter })).count, count, JSON.stringify(filter));
		assert.equal((await admin.command({ c: 'kill', user: 'alice', client: '127.0.0.2' })).ok, false);
	});

	test('only root, turnserver and the listed may command', { skip: !IS_ROOT && 'not root' }, async (t) => {
		const server = await serve(t);
		const admin = await watch(server);

		await turn(t, server, 'alice');
		fs.chmodSync(server.dir, 0o711);
		fs.chmodSync(server.adminSocket, 0o666);
		const commands = [
			{ c: 'kill', user: 'alice' }, { c: 'revoke', user: 'alice', until: IN_AN_HOUR() }, { c: 'unrevoke', user: 'alice' },
			{ c: 'limit', each: 'user', allocations: 1 }, { c: 'drain' }, { c: 'reload' },
			{ c: 'ack', epoch: admin.hello.epoch, seq: 1 }, { c: 'sub', role: 'ledger' },
		];
		const asking = [...commands, { c: 'stats' }].map((c, i) => `${JSON.stringify({ ...c, id: i + 1 })}\n`).join('');
		const nobody = spawn(process.execPath, ['-e', `
			const s = require('node:net').connect(process.argv[1], () => s.end(process.argv[2]));
			s.pipe(process.stdout);`, server.adminSocket, asking], { cwd: '/', uid: 65534, gid: 65534, stdio: ['ignore', 'pipe', 'inherit'] });
		let out = '';

		nobody.stdout.on('data', (d) => { out += d; });
		await new Promise((resolve, reject) => nobody.once('error', reject).once('close', resolve));
		const replies = out.trim().split('\n').map(JSON.parse).filter((l) => l.e === 'reply');

		for (const i of commands.keys())
			assert.deepEqual(replies[i], { e: 'reply', id: i + 1, ok: false, error: 'not permitted' }, commands[i].c);
		assert.equal(replies.at(-1).ok, true);
		assert.equal(replies.at(-1).commandsRefused, commands.length);
		assert.equal(admin.all('end').length, 0);
	});

	/* In a mount namespace of its own, in which the list of users is ours. */
	test('a user that is made after turnserver was started may command, without a restart', { skip: !IS_ROOT && 'not root' }, async (t) => {
		const passwd = path.join(tempDir(t), 'passwd');

		fs.copyFileSync('/etc/passwd', passwd);
		const stack = new Stack({
			prefix: ['unshare', '-m', '--propagation', 'private', 'sh', '-c', 'mount --bind "$0" /etc/passwd && exec "$@"', passwd],
			turnserver: { 'admin-socket-user': 'made-later' },
		});

		t.after(() => stack.stop());
		await stack.init();
		await stack.startTurnserver();
		fs.chmodSync(stack.dir, 0o711);
		fs.chmodSync(path.dirname(stack.dir), 0o711);
		t.after(() => fs.chmodSync(path.dirname(stack.dir), 0o700));
		fs.chmodSync(stack.adminSocket, 0o666);
		const log = () => stack.daemons.turnserver.logText();
		const ask = async () => {
			const s = spawn(process.execPath, ['-e', `
				const s = require('node:net').connect(process.argv[1], () => s.end('{"c":"kill","user":"x"}\\n'));
				s.pipe(process.stdout);`, stack.adminSocket], { cwd: '/', uid: 64321, gid: 64321, stdio: ['ignore', 'pipe', 'inherit'] });
			let out = '';

			s.stdout.on('data', (d) => { out += d; });
			await new Promise((resolve, reject) => s.once('error', reject).once('close', resolve));
			return out.trim().split('\n').map(JSON.parse).find((l) => l.e === 'reply');
		};

		await until('it is said', () => /WARNING: admin-socket: admin-socket-user: there is no user "made-later" yet/.test(log()));
		assert.equal((await ask()).error, 'not permitted');
		fs.appendFileSync(passwd, 'made-later:x:64321:64321::/:/usr/sbin/nologin\n');
		assert.deepEqual(await ask(), { e: 'reply', id: 0, ok: true, count: 0 });
		await until('it is said, too', () => /"made-later" is there now, uid 64321/.test(log()));
	});
});
