/* control_socket.test.mjs - admins see and end calls, send users away and rotate the secret, on signald's own socket */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { callWithCredentials, establish, initiate, join, turnServer } from './lib/client.mjs';
import { Control } from './lib/control.mjs';
import { Stack } from './lib/stack.mjs';
import { assertSoon, confide, newStateDir, now, program, turnPassword, until, within } from './lib/suite.mjs';
import { TurnClient } from './lib/turn_client.mjs';

const options = { timeout: 180000 };
const SLOW_BYTES = 1 << 20;

/* signald with a control socket; alone unless a turnserver is asked for. */
async function start(t, { turnserver = false, signald = {} } = {}) {
	const file = path.join(newStateDir(), 'control.sock');
	const stack = new Stack({ signald: { 'control-socket': file, ...(turnserver ? {} : { 'relay-socket': undefined }), ...signald } });

	t.after(() => stack.stop());
	await stack.start({ turnserver });
	stack.controlFile = file;
	stack.log = () => stack.daemons.signald.logText();
	return stack;
}

test('calls are listed, shown and ended, and their relay with them', options, async (t) => {
	const stack = await start(t, { turnserver: true });
	const admin = new Control(t, stack.controlFile);
	const { alice, bob, roomName, callId, credentials } = await callWithCredentials(t, stack);
	const relay = new TurnClient(stack, credentials);

	t.after(() => relay.close());
	await relay.allocate();
	const call = await until('its allocation is known', async () => {
		const [line] = await admin.ask('calls', { user: 'alice' });

		return line.relay?.live === 1 && line;
	});

	assert.equal(call.call, callId);
	assert.equal(call.room, roomName);
	assert.equal(call.state, 'active');
	assert.deepEqual(call.members.map((m) => [m.user, m.state, m.address]), [['alice', 'in', '127.0.0.1'], ['bob', 'in', '127.0.0.1']]);
	assert.deepEqual((await admin.ask('call', { call: callId }))[0].members, call.members);
	const begin = Date.now();

	assert.equal((await admin.done('end', { call: callId, reason: 'asked to' })).count, 1);
	for (const c of [alice, bob]) {
		const ended = await c.next('call:ended');

		assert.equal(ended.code, 'server');
		assert.equal(ended.reason, 'server');
		assert.equal(ended.roomName, roomName);
	}
	await until('its relay is gone', async () => (await admin.ask('call', { call: callId }))[0].relay.live === 0);
	assertSoon(begin, 1500);
	assert.equal(await admin.refused('end', { call: callId }), 'no such live call');
	assert.equal((await admin.done('calls')).count, 0);
	const [ended] = await admin.ask('calls', { ended: true });

	assert.equal(ended.code, 'server');
	const status = await admin.done('status');

	assert.equal(status.relay, true);
	assert.equal(status.secret, 'main');
	assert.equal(status.auth, 'open');
	assert.equal(status.users, 2);
	assert.match(stack.log(), new RegExp(`uid ${process.getuid()}, pid ${process.pid}: .*"c":"end".*"reason":"asked to"`));
});

test('who is kicked loses calls and connections, and may come back', options, async (t) => {
	const stack = await start(t);
	const admin = new Control(t, stack.controlFile);
	const alice = await join(t, stack, 'alice');
	const phone = await join(t, stack, 'bob', { reconnection: true, reconnectionDelay: 100 });
	const tablet = await join(t, stack, 'bob');
	const { roomName } = await establish(alice, phone);
	const reasons = [phone, tablet].map((c) => new Promise((resolve) => c.socket.once('disconnect', resolve)));

	assert.equal((await admin.ask('users')).length, 3);
	const bob = await admin.ask('user', { user: 'bob' });

	assert.deepEqual(bob.map((l) => l.e), ['user', 'socket', 'socket', 'call', 'reply']);
	assert.equal((await admin.done('kick', { user: 'bob', reason: 'rude' })).count, 2);
	/* Not 41 ("io server disconnect"), after which a client stays away. */
	for (const reason of await within('both are cut', Promise.all(reasons)))
		assert.match(reason, /^transport (close|error)$/);
	const ended = await alice.next('call:ended');

	assert.equal(ended.roomName, roomName);
	assert.equal(ended.code, 'server');
	await within('bob is back', phone.socket.connected ? null : once(phone.socket, 'connect'));
	phone.emit('user:join', 'bob');
	await phone.request('ice:request', { userId: 'bob' });
	assert.equal((await admin.ask('user', { user: 'bob' }))[0].sockets, 1);
	assert.equal((await admin.done('kick', { user: 'nobody' })).count, 0);
});

test('the secret is rotated, and credentials of both authenticate', options, async (t) => {
	const stack = await start(t, { turnserver: true, signald: { 'credential-ttl-max': 3600 } });
	const admin = new Control(t, stack.controlFile);
	const before = fs.statSync(stack.secretsFile);
	const allocate = async (username, password) => {
		const c = new TurnClient(stack, { username, password });

		await c.allocate();
		await c.release();
		c.close();
	};
	const rotation = await admin.done('rotate');
	const text = fs.readFileSync(stack.secretsFile, 'utf8');
	const line = text.split('\n').find((l) => l.startsWith(`${rotation.secret} `)).split(' ');
	const secret = confide(line[1]);

	assert.equal(Number(line[2]), rotation.not_before_s);
	assert.ok(rotation.not_before_s - now() >= 20 && rotation.not_before_s - now() <= 30);
	assert.equal(rotation.not_after_s, rotation.not_before_s + 3660);
	assert.equal(rotation.count, 1);
	assert.ok(text.includes(`main ${stack.secret} - ${rotation.not_after_s}\n`));
	assert.ok(text.includes(`apk ${stack.sharedSecret} tag=apk users=${stack.sharedUser}\n`));
	const after = fs.statSync(stack.secretsFile);

	assert.deepEqual([after.mode, after.uid, after.gid], [before.mode, before.uid, before.gid]);
	assert.notEqual(after.ino, before.ino);
	assert.match(await admin.refused('rotate'), /waits for its time already$/);
	const signer = async () => {
		const { username, credential } = turnServer((await stack.rest.get('/api/ice-servers/7')).json.iceServers);

		await allocate(username, credential); /* whoever signs, turnserver accepts it */
		return credential === turnPassword(secret, username) ? 'new' : 'old';
	};

	assert.equal(await signer(), 'old');
	await until('the new one signs', async () => await signer() === 'new', 60000, 500);
	assert.ok(now() >= rotation.not_before_s);
	const old = stack.credentials('8');

	await allocate(old.username, old.password);
	assert.ok(!stack.log().includes(secret));
});

test('what a script asks behind a rotation is answered behind it', options, async (t) => {
	const stack = await start(t);
	const script = new Control(t, stack.controlFile);

	script.socket.end(['rotate', 'status', 'rotate', 'users'].map((c, id) => `${JSON.stringify({ c, id })}\n`).join(''));
	await within('all answers', script.closed);
	assert.deepEqual(script.lines.map((l) => [l.id, l.ok]), [[0, true], [1, true], [2, false], [3, true]]);
	await t.test('and nobody need wait for it', async () => {
		const gone = new Control(t, stack.controlFile);

		fs.writeFileSync(stack.secretsFile, `main ${stack.secret}\n`);
		gone.say({ c: 'rotate' });
		await until('the file has a new one', () => fs.readFileSync(stack.secretsFile, 'utf8').split('\n').length === 3);
		gone.socket.destroy();
		await new Control(t, stack.controlFile).done('status');
	});
});

test('a file that cannot be used is said, and stays', options, async (t) => {
	const stack = await start(t);
	const admin = new Control(t, stack.controlFile);
	const text = fs.readFileSync(stack.secretsFile, 'utf8');

	fs.writeFileSync(stack.secretsFile, `${text}broken\n`);
	assert.match(await admin.refused('rotate'), /no secret after the id$/);
	assert.equal(fs.readFileSync(stack.secretsFile, 'utf8'), `${text}broken\n`);
	fs.rmSync(stack.secretsFile);
	assert.match(await admin.refused('rotate'), /No such file or directory$/);
	assert.deepEqual(fs.readdirSync(stack.dir).filter((f) => f.startsWith('auth-secrets')), []);
});

test('the socket is for its group, and a stale one is replaced, a served one is not', options, async (t) => {
	const stack = await start(t);
	const admin = new Control(t, stack.controlFile);

	assert.equal(fs.statSync(stack.controlFile).mode & 0o777, 0o660);
	await admin.done('status');
	const second = execFails(stack);

	assert.match(second, /control-socket: .* is in use by a running server/);
	await admin.done('status'); /* the first goes on */
	await stack.daemons.signald.kill('SIGKILL');
	assert.ok(fs.existsSync(stack.controlFile));
	await stack.startSignald();
	await new Control(t, stack.controlFile).done('status');
	await stack.daemons.signald.stop();
	assert.ok(!fs.existsSync(stack.controlFile));
	fs.writeFileSync(stack.controlFile, 'mine');
	assert.match(execFails(stack), /exists and is no socket/);
	assert.equal(fs.readFileSync(stack.controlFile, 'utf8'), 'mine');
	fs.rmSync(stack.controlFile);
	await stack.startSignald();
});

/* What a second signald on the same socket says when it gives up. */
function execFails(stack) {
	const conf = path.join(newStateDir(), 'signald.conf');

	fs.writeFileSync(conf, fs.readFileSync(path.join(stack.dir, 'signald.conf'), 'utf8')
		.replace(/^listen = .*$/m, 'listen = 127.0.0.1:0').replace(/^state-dir = .*$/m, `state-dir = ${newStateDir()}`));
	try {
		execFileSync(program('signald'), ['-c', conf], { timeout: 20000, stdio: 'pipe' });
	} catch (err) {
		assert.notEqual(err.code, 'ETIMEDOUT', 'it serves');
		return String(err.stderr);
	}
	throw new Error('it has ended without an error');
}

test('what is no command is refused, and too much of it ends the connection', options, async (t) => {
	const stack = await start(t);
	const admin = new Control(t, stack.controlFile);

	assert.match(await admin.refused('reboot'), /^unknown command/);
	assert.equal(await admin.refused('end'), 'end needs call');
	assert.equal(await admin.refused('users', { user: '7' }), 'this command does not take one of its members');
	admin.say(`{"c":"help","x":"${'x'.repeat(20000)}"}\n`);
	await until('it is too long', () => admin.lines.some((l) => l.error === 'line too long'));
	await admin.done('help');
	for (let i = 0; i < 10; i++)
		admin.say('nonsense\n');
	await within('it is closed', admin.closed);
	/* A script's way: all at once, and the end of its output; every answer comes, in order. */
	const script = new Control(t, stack.controlFile);

	script.socket.end(Array.from({ length: 50 }, (_, i) => `{"c":"${i % 2 ? 'calls' : 'status'}","id":${i}}\n`).join(''));
	await within('it is done', script.closed);
	assert.deepEqual(script.lines.map((l) => l.id), Array.from({ length: 50 }, (_, i) => i));
});

test('connections are bounded, and one that goes makes room', options, async (t) => {
	const stack = await start(t);
	const admins = Array.from({ length: 8 }, () => new Control(t, stack.controlFile));

	await Promise.all(admins.map((a) => a.done('status')));
	const ninth = new Control(t, stack.controlFile);

	await within('it is turned away', ninth.closed);
	assert.deepEqual(ninth.lines.map((l) => l.error), ['too many connections']);
	admins[0].socket.destroy();
	await until('there is room', async () => {
		const a = new Control(t, stack.controlFile);
		const served = await Promise.race([a.done('status').catch(() => false), a.closed.then(() => false)]);

		a.socket.destroy();
		return served;
	});
});

test('a reader that does not read holds up nobody, and a list goes on when it does', options, async (t) => {
	const stack = await start(t, { signald: { 'events-per-s': 0, 'connections-max': 1000 } });
	const caller = await join(t, stack, 'caller');
	const names = Array.from({ length: 60 }, (_, i) => `callee-${i}-${'x'.repeat(40)}`);
	const slow = new Control(t, stack.controlFile);
	const quick = new Control(t, stack.controlFile);

	for (const name of names)
		await join(t, stack, name);
	for (const name of names.slice(0, 5))
		initiate(caller, name);
	await caller.request('ice:request', { userId: 'caller' });
	slow.socket.pause();
	/* Each list is some 10 kB: what is asked for is far more than anybody keeps for it. */
	const asked = Math.ceil(4 * SLOW_BYTES / 6000);

	for (let i = 0; i < asked; i++)
		slow.say(`{"c":"users","id":${i}}\n`);
	for (let i = 0; i < 20; i++)
		assert.equal((await quick.done('calls')).count, 5);
	assert.equal((await stack.rest.get('/api/health')).status, 200);
	slow.socket.resume();
	await until('all is there', () => slow.lines.filter((l) => l.e === 'reply').length === asked, 60000);
	assert.ok(slow.lines.filter((l) => l.e === 'reply').every((l, i) => l.id === i && l.ok && l.count === names.length + 1));
});

test('a reader that asks and asks and does not read is cut', options, async (t) => {
	const stack = await start(t);
	const slow = new Control(t, stack.controlFile);

	slow.socket.pause();
	slow.say('{"c":"help"}\n'.repeat(8 * SLOW_BYTES / 800));
	await until('it is cut', () => /control: a reader is \d+ bytes behind, closed/.test(stack.log()));
	slow.socket.resume();
	await within('and knows', slow.closed);
	await new Control(t, stack.controlFile).done('status');
});
