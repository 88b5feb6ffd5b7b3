/* signalctl.test.mjs - the admin's tool against both daemons, and against what only pretends to be signald */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { io } from 'socket.io-client';

import { callWithCredentials, establish, join, turnServer } from './lib/client.mjs';
import { Stack } from './lib/stack.mjs';
import { confide, IS_ROOT, newStateDir, now, program, turnPassword, until, within } from './lib/suite.mjs';
import { startTokenStack } from './lib/tokens.mjs';
import { TurnClient } from './lib/turn_client.mjs';

const options = { timeout: 180000 };
const FAILED = 1;
const USAGE = 2;
const UNREACHABLE = 3;
const NOT_FOUND = 4;
const WAIT_S = 2; /* for a line, in the test of that; 15 without */

/* Runs it to its end: { status, out, err }; err is without "signalctl: ", a line for each. */
function ctl(conf, ...args) {
	const env = { ...process.env, SIGNALCTL_WAIT_S: WAIT_S };

	return new Promise((resolve, reject) => {
		execFile(program('signalctl'), ['-c', conf, ...args.map(String)], { timeout: 60000, maxBuffer: 1 << 26, env }, (failure, out, err) => {
			if (failure && typeof failure.code !== 'number') {
				reject(failure);
				return;
			}
			const lines = err.split('\n').filter(Boolean);

			for (const l of lines)
				assert.match(l, /^signalctl: [\x20-\x7e]+$/);
			resolve({ status: failure?.code ?? 0, out, err: lines.map((l) => l.slice('signalctl: '.length)).join('\n') });
		});
	});
}

/* One that shall succeed without a word of complaint. */
async function done(conf, ...args) {
	const r = await ctl(conf, ...args);

	assert.deepEqual([r.status, r.err], [0, ''], args.join(' '));
	return r.out;
}

const json = async (conf, ...args) => JSON.parse(await done(conf, '--json', ...args));

/* One that shall fail so, and print nothing else. */
async function fails(status, error, conf, ...args) {
	const r = await ctl(conf, ...args);

	assert.equal(r.status, status, `${args.join(' ')}: ${r.err}`);
	assert.match(r.err, error);
	return r.out;
}

async function start(t, { turnserver = false, signald = {} } = {}) {
	const file = path.join(newStateDir(), 'control.sock');
	const stack = new Stack({ signald: { 'control-socket': file, ...(turnserver ? {} : { 'relay-socket': undefined }), ...signald } });

	t.after(() => stack.stop());
	await stack.start({ turnserver });
	stack.conf = path.join(stack.dir, 'signald.conf');
	return stack;
}

/* --- calls and users --------------------------------------------------------------- */

test('status, calls and users show what there is, and what to do next', options, async (t) => {
	const stack = await start(t, { turnserver: true });

	assert.equal(await done(stack.conf, 'calls'), 'CALL                    KIND    STATE      DURATION   RELAYED  MEMBERS\n');
	assert.deepEqual(await json(stack.conf, 'calls'), []);
	const { callId, credentials, bob } = await callWithCredentials(t, stack);
	const turn = new TurnClient(stack, credentials);

	await turn.allocate();
	await until('the relay is seen', async () => (await json(stack.conf, 'call', callId)).relay?.allocations === 1);
	const status = await done(stack.conf, 'status');

	assert.match(status, /^signald: +\S+, up \S+, auth = open$/m);
	assert.match(status, /^turnserver: +connected; /m);
	assert.match(status, /^Base: +coturn base 4\.6\.1-2 \(Debian\), security ledger checked up to \S.* on \d{4}-\d\d-\d\d$/m);
	assert.match(status, /^Secret: +main$/m);
	assert.match(status, /^Sessions: +2, with 2 Socket.IO sockets of 2 users$/m);
	assert.match(status, /^Calls: +1$/m);
	assert.match(status, /^Next: +sudo signalctl setup /m); /* the tests' signald serves loopback alone */
	assert.equal((await json(stack.conf, 'status')).calls, 1);
	assert.match(await done(stack.conf, 'calls'), new RegExp(`\\n${callId}  direct  active +\\d+s +0 B  alice, bob\\n$`));
	assert.match(await done(stack.conf, 'users'), /^SOCKETS  REGISTERED  CALLS  USER\n( +1 +1 +1 {2}(alice|bob)\n){2}$/);
	assert.deepEqual((await json(stack.conf, 'users')).map((u) => u.user).sort(), ['alice', 'bob']);
	assert.deepEqual((await json(stack.conf, 'calls', '--user', 'bob')).map((c) => c.call), [callId]);
	assert.deepEqual(await json(stack.conf, 'calls', '--user', 'carol'), []);

	const one = await done(stack.conf, 'call', callId.startsWith('-') ? callId : callId.slice(0, 6));

	assert.match(one, new RegExp(`^Call: +${callId}$`, 'm'));
	assert.match(one, /^Relay: +1 allocations, 1 live$/m);
	assert.match(one, /^ {2}in +\d+ {2}127\.0\.0\.1 +alice$/m);

	await fails(NOT_FOUND, /^no call whose id begins with zzz$/, stack.conf, 'call', 'zzz');
	await fails(NOT_FOUND, /^no such call$/, stack.conf, 'call', 'z'.repeat(22));
	await fails(USAGE, /^--reason takes a line of up to 64 bytes/, stack.conf, 'end', callId, '--reason', 'x'.repeat(65));
	assert.equal(await done(stack.conf, 'end', callId, '--reason', 'asked by the bank'), `Ended ${callId}\n`);
	assert.equal((await bob.next('call:ended')).code, 'server');
	await fails(NOT_FOUND, /^no such live call$/, stack.conf, 'end', callId);
	assert.deepEqual(await json(stack.conf, 'calls'), []);
	assert.deepEqual((await json(stack.conf, 'calls', '--ended')).map((c) => [c.call, c.code]), [[callId, 'server']]);
	assert.match(await done(stack.conf, 'call', callId), /^End code: +server$/m);
	assert.ok(stack.daemons.signald.logText().includes('asked by the bank'));
	turn.close();
});

test('a user is sent away, one who is not there is a mistake', options, async (t) => {
	const stack = await start(t);
	const alice = await join(t, stack, 'alice');
	const gone = new Promise((resolve) => alice.socket.once('disconnect', resolve));

	assert.equal(await done(stack.conf, 'kick', 'alice', '--reason', 'rude'), 'Closed 1 connection of alice\n');
	await within('alice is cut', gone);
	await fails(NOT_FOUND, /^this user is neither connected nor in a call$/, stack.conf, 'kick', 'alice');
	await fails(USAGE, /^a\/b is no user id /, stack.conf, 'kick', 'a/b');
});

test('an id that is the beginning of several is told with its candidates', options, async (t) => {
	const stack = await start(t);
	const names = Array.from({ length: 200 }, (_, i) => `u${i}`);
	const clients = [];

	for (const name of names.slice(0, 130))
		clients.push(await join(t, stack, name));
	const ids = [];

	for (let i = 0; i < 65; i++) /* 65 ids, 64 letters to begin with */
		ids.push((await establish(clients[2 * i], clients[2 * i + 1])).callId);
	const letters = ids.map((id) => id[0]).sort();
	const twice = letters.find((l, i) => letters[i + 1] === l);

	await fails(USAGE, /^\d+ calls begin with .: \S{22}, /, stack.conf, 'call', '--', twice);
	assert.equal((await json(stack.conf, 'calls')).length, 65);
	assert.equal((await done(stack.conf, 'calls')).trim().split('\n').length, 66);
});

/* --- secrets, tokens, credentials -------------------------------------------------- */

test('a token is what clients come in with, and no secret shows', options, async (t) => {
	const stack = await startTokenStack(t, (s) => ({ 'control-socket': path.join(s.dir, 'control.sock') }));
	const conf = path.join(stack.dir, 'signald.conf');
	const token = confide((await done(conf, 'token', 'carol', '--ttl', 600, '--name', 'Carol')).trim());
	const socket = io(stack.url, { forceNew: true, reconnection: false, auth: { token } });

	t.after(() => socket.disconnect());
	await within('carol connects', new Promise((resolve, reject) => socket.once('connect', resolve).once('connect_error', reject)));
	const { success, iceServers } = await socket.timeout(10000).emitWithAck('ice:request', {});

	assert.ok(success);
	confide(turnServer(iceServers).credential);
	assert.match(turnServer(iceServers).username, /^\d+:carol/);
	assert.equal((await json(conf, 'users'))[0].user, 'carol');
	const told = await json(conf, 'token', '7');

	confide(told.token);
	assert.ok(Math.abs(told.expires_s - now() - 3600) < 60);
	assert.equal(told.user, '7');
	const claims = JSON.parse(Buffer.from(told.token.split('.')[1], 'base64url'));

	assert.equal(claims.sub, '7');
	await fails(USAGE, /has no token-key HS256:two:/, conf, 'token', '7', '--key', 'two');
	await fails(USAGE, /^--ttl must be a whole number from 1 to /, conf, 'token', '7', '--ttl', '0');
});

/* A configuration that signald takes, without one that runs. */
function configuration(lines) {
	const dir = newStateDir();
	const secrets = path.join(dir, 'auth-secrets');
	const conf = path.join(dir, 'signald.conf');

	fs.writeFileSync(secrets, `main ${confide(randomBytes(16).toString('hex'))}\n`, { mode: 0o600 });
	fs.writeFileSync(conf, Object.entries({ 'listen': '127.0.0.1:1', 'auth': 'open', 'auth-secret-file': secrets, 'turn-urls': 'turn:127.0.0.1', ...lines })
		.map(([key, value]) => `${key} = ${value}\n`).join(''));
	return { dir, conf, secrets };
}

test('where no token can be made it is said why', options, async () => {
	const { dir, conf } = configuration({});

	await fails(USAGE, /: auth = open asks nobody for a token$/, conf, 'token', '7');
	const key = path.join(dir, 'key');
	const open = path.join(dir, 'open');

	fs.writeFileSync(key, 'x'.repeat(40), { mode: 0o600 });
	fs.writeFileSync(open, 'x'.repeat(40), { mode: 0o644 });
	fs.writeFileSync(path.join(dir, 'pem'), spawnSync('openssl', ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256']).stdout);
	fs.writeFileSync(path.join(dir, 'pub'), spawnSync('openssl', ['pkey', '-in', path.join(dir, 'pem'), '-pubout']).stdout);
	const of = (...keys) => configuration({ 'auth': 'token', 'token-key': keys.join(', ') }).conf;

	await fails(USAGE, /has public keys alone \(RS256, ES256\)/, of(`ES256::${dir}/pub`), 'token', '7');
	await fails(FAILED, /^token-key \S+\/open: /, of(`HS256::${open}`), 'token', '7');
	await fails(FAILED, /^token-key \S+\/missing: No such file or directory$/, of(`HS256::${dir}/missing`), 'token', '7');
	assert.match(await done(of(`ES256::${dir}/pub`, `HS256::${key}`), 'token', '7'), /^ey[\w-]+\.[\w-]+\.[\w-]+\n$/);
	/* Of two, one without a name is none that signald would find. */
	const token = (await done(of(`HS256::${key}`, `HS256:b:${key}`), 'token', '7')).split('.');

	assert.equal(JSON.parse(Buffer.from(token[0], 'base64url')).kid, 'b');
});

test('credentials authenticate, and the line that tries them does', options, async (t) => {
	const stack = await start(t, { turnserver: true });
	const text = await done(stack.conf, 'credentials', '7', '--ttl', 600);
	const [, username] = /^Username: (\S+)$/m.exec(text);
	const [, password] = /^Password: (\S+)$/m.exec(text);
	const line = text.trim().split('\n').at(-1);

	confide(password);
	assert.equal(password, turnPassword(stack.secret, username));
	assert.match(text, /^TURN Credentials Generated:\nUsername: \d+:7\nPassword: \S+\nExpires: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z\n\niceServers: /);
	const ice = JSON.parse(/^iceServers: (.*)$/m.exec(text)[1]);

	assert.deepEqual(turnServer(ice), { urls: stack.turnUrls, username, credential: password });
	assert.match(line, /^turnutils_uclient -y -c -n 10 -u /);
	const run = spawnSync('sh', ['-c', line.replace('turnutils_uclient', `${program('turnutils_uclient')} -L ${stack.host}`)], { encoding: 'utf8', timeout: 60000 });

	assert.equal(run.status, 0, run.stdout + run.stderr);
	assert.match(run.stdout, /Total lost packets 0 /);
	const callId = 'AbCdEfGhIjKlMnOpQrStUv';
	const forCall = await json(stack.conf, 'credentials', '8', '--call', callId);

	confide(forCall.password);
	assert.match(forCall.username, new RegExp(`^\\d+:8:${callId}$`));
	const turn = new TurnClient(stack, forCall);

	await turn.allocate();
	turn.close();
	await fails(NOT_FOUND, /^no call whose id begins with Abc$/, stack.conf, 'credentials', '8', '--call', 'Abc');
	await fails(USAGE, /^--ttl must be a whole number from 60 to 86400$/, stack.conf, 'credentials', '8', '--ttl', '59');

	await t.test('also with a rotation under way, and without signald', async () => {
		const table = await done(stack.conf, 'secrets', 'list');

		assert.match(table, /^SECRET +FROM +UNTIL +STATE +USERS {2}TAG\nmain +- +- +signs +all {2}-\napk +- +- +active +1 {2}apk\n$/);
		assert.match(await done(stack.conf, 'secrets', 'rotate'), /^New secret: \S+, which signs from \S+ on\n1 before it authenticates until \S+\n$/);
		await fails(FAILED, /waits for its time already$/, stack.conf, 'secrets', 'rotate');
		const list = await json(stack.conf, 'secrets', 'list');

		assert.deepEqual(list.map((s) => s.state).sort(), ['active', 'signs', 'waits']);
		assert.equal(list.find((s) => s.state === 'signs').secret, 'main');
		for (const secret of fs.readFileSync(stack.secretsFile, 'utf8').matchAll(/^\w\S* (\S+)/gm))
			assert.ok(!(table + JSON.stringify(list)).includes(confide(secret[1])));
		await stack.daemons.signald.stop();
		const alone = await json(stack.conf, 'credentials', '7');

		assert.equal(confide(alone.password), turnPassword(stack.secret, alone.username));
		const client = new TurnClient(stack, alone);

		await client.allocate();
		client.close();
	});
});

test('without a file of secrets turnserver.conf signs, and what cannot be read is said', options, async () => {
	const { dir, conf, secrets } = configuration({});
	const fixed = confide(randomBytes(16).toString('hex'));
	const turnserver = path.join(dir, 'turnserver.conf');

	fs.writeFileSync(turnserver, `static-auth-secret=${fixed}\n`, { mode: 0o600 });
	const other = configuration({ 'auth-secret-file': secrets, 'turnserver-conf': turnserver }).conf;

	assert.equal((await json(other, 'secrets', 'list')).at(-1).state, 'active');
	fs.writeFileSync(secrets, 'old 0123456789abcdef - 2020-01-01\n', { mode: 0o600 });
	const list = await json(other, 'secrets', 'list');

	assert.deepEqual(list.map((s) => [s.secret, s.state]), [['old', 'over'], ['static-auth-secret', 'signs']]);
	const given = await json(other, 'credentials', '7');

	assert.equal(confide(given.password), turnPassword(fixed, given.username));
	await fails(FAILED, /^no secret is active to sign with$/, conf, 'credentials', '7');
	fs.writeFileSync(secrets, 'broken\n');
	await fails(FAILED, /auth-secrets:1: no secret after the id$/, conf, 'credentials', '7');
	fs.chmodSync(secrets, 0o644);
	await fails(FAILED, /auth-secrets: /, conf, 'secrets', 'list');
	if (!IS_ROOT)
		return;
	for (const f of [dir, conf, secrets])
		fs.chmodSync(f, f === secrets ? 0o600 : 0o755);
	const nobody = spawnSync('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', program('signalctl'), '-c', conf, 'secrets', 'list'], { encoding: 'utf8' });

	/* The way there may be closed to nobody, too: the sentence is the same. */
	assert.notEqual(nobody.status, 0);
	assert.match(nobody.stderr, /Permission denied; use sudo\n$/);
});

/* --- what pretends to be signald --------------------------------------------------- */

/* serve(connection) is the whole of its manners. */
async function pretend(t, serve) {
	const { dir, conf } = configuration({ 'control-socket': path.join(newStateDir(), 'c.sock') });
	const file = /^control-socket = (.*)$/m.exec(fs.readFileSync(conf, 'utf8'))[1];
	const server = net.createServer((c) => {
		c.on('error', () => {});
		serve(c);
	});

	await new Promise((resolve) => server.listen(file, resolve));
	t.after(() => server.close());
	return { dir, conf, file };
}

const reply = (more = '') => `{"e":"reply","id":1,"ok":true${more}}\n`;
const call = (id, room = 'r', more = '') => `{"e":"call","call":"${id}","room":${JSON.stringify(room)},"kind":"direct","type":"video","state":"active",`
	+ `"duration_ms":1000,"members":[{"user":"7","state":"in"}]${more}}\n`;
const ID = 'AbCdEfGhIjKlMnOpQrStUv';

test('a control socket that is slow, gone, strange or closed is one line of error', options, async (t) => {
	const strange = /does not speak as signald does$/;
	const cases = [
		[(c) => c.end(), /closed the connection before it had answered$/],
		[(c) => c.destroy(), /closed the connection|Connection reset/],
		[(c) => c.end('nonsense\n'), strange],
		[(c) => c.end('\n'), strange],
		[(c) => c.end('{"e":"reply"}\n'), strange],
		[(c) => c.end('{"e":"reply","id":2,"ok":true}\n'), strange],
		[(c) => c.end('{"e":"reply","id":1,"ok":false}\n'), strange],
		[(c) => c.end('{"e":"user","user":"7","sockets":1,"registered":1,"calls":0}\n'), strange],
		[(c) => c.end('{"e":"call","call":"x"}\n'), strange],
		[(c) => c.end(call(ID, 'r', ',"relay":[]')), strange],
		[(c) => c.end(Buffer.concat([Buffer.from('{"e":"call","call":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}\n')])), strange],
		[(c) => c.write('x'.repeat(200000)), strange],
		[(c) => c.end(call(ID)), /closed the connection before it had answered$/],
		[(c) => c.end('{"e":"reply","id":0,"ok":false,"error":"too many connections"}\n'), /^signald: too many connections$/],
		[(c) => c.end('{"e":"reply","id":0,"ok":false,"error":"\\u001b[31m"}\n'), /^signald: \\x1b\[31m$/],
	];

	for (const [serve, error] of cases) {
		const { conf } = await pretend(t, serve);
		const out = await fails(UNREACHABLE, error, conf, '--json', 'calls');

		assert.throws(() => JSON.parse(out), SyntaxError); /* half a list is none */
		await fails(UNREACHABLE, error, conf, 'call', 'Ab');
	}
	const { conf: silent } = await pretend(t, () => {});
	const { conf: dripping } = await pretend(t, (c) => {
		const timer = setInterval(() => c.write(' '), 100);

		c.on('close', () => clearInterval(timer));
	});
	const began_ms = Date.now();

	await Promise.all([silent, dripping].map((conf) => fails(UNREACHABLE, new RegExp(`has not answered for ${WAIT_S} s$`), conf, 'status')));
	assert.ok(Date.now() - began_ms >= WAIT_S * 1000 - 100 && Date.now() - began_ms < WAIT_S * 3000);
});

test('a socket that is missing, not for us, or not configured is said', options, async (t) => {
	const { dir, conf } = configuration({ 'control-socket': '/nonexistent/c.sock' });

	await fails(UNREACHABLE, /^\/nonexistent\/c\.sock: signald does not run; /, conf, 'status');
	await fails(USAGE, /has no control-socket to ask signald on$/, configuration({}).conf, 'status');
	await fails(USAGE, /missing\.conf: No such file or directory$/, path.join(dir, 'missing.conf'), 'status');
	fs.writeFileSync(conf, 'nonsense = 1\n');
	await fails(USAGE, /signald\.conf:1: /, conf, 'status');
	if (!IS_ROOT)
		return;
	/* In a folder that nobody reaches, too. */
	const open = fs.mkdtempSync('/tmp/signalctl-');
	const file = path.join(open, 'c.sock');
	const server = net.createServer();

	t.after(() => { server.close(); fs.rmSync(open, { recursive: true }); });
	await new Promise((resolve) => server.listen(file, resolve));
	fs.chmodSync(open, 0o755);
	fs.chmodSync(file, 0o600);
	fs.writeFileSync(path.join(open, 'conf'), `listen = 127.0.0.1:1\nauth = open\nauth-secret-file = /x\nturn-urls = turn:127.0.0.1\ncontrol-socket = ${file}\n`);
	fs.copyFileSync(program('signalctl'), path.join(open, 'signalctl'));
	const nobody = spawnSync('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', path.join(open, 'signalctl'), '-c', path.join(open, 'conf'), 'status'], { encoding: 'utf8' });

	assert.equal(nobody.status, UNREACHABLE);
	assert.equal(nobody.stderr, `signalctl: ${file}: permission denied; use sudo, or be in the socket's group\n`);
});

test('what clients chose does not reach the terminal as it is', options, async (t) => {
	const room = '\u001b]0;owned\u0007\u009b31m\u202e"';
	const { conf } = await pretend(t, (c) => c.on('data', () => c.end(call(ID, room) + reply(',"count":1'))));
	const out = await done(conf, 'call', ID);

	assert.match(out, /^Room: +\\x1b\]0;owned\\x07\\x9b31m\\u202e"$/m);
	const text = await done(conf, '--json', 'call', ID);

	assert.equal(JSON.parse(text).room, room);
	for (const c of text)
		assert.ok(c === '\n' || (c >= ' ' && c <= '~'), `raw character ${c.codePointAt(0)}`);
});

test('a list of any length is passed on, however it is cut', options, async (t) => {
	const n = 20000;
	const id = (i) => `AAAAAAAAAAAAAAAA${String(i).padStart(6, '0')}`;
	const lines = Array.from({ length: n }, (_, i) => call(id(i))).join('') + reply(`,"count":${n}`);
	const { conf } = await pretend(t, (c) => {
		for (let at = 0; at < lines.length; at += 33333)
			c.write(lines.slice(at, at + 33333));
	});

	assert.equal((await json(conf, 'calls')).length, n);
	const table = await done(conf, 'calls');

	assert.equal(table.split('\n').length, n + 2);
	await fails(USAGE, new RegExp(`^${n} calls begin with AAA: ${id(0)}, .*, \\.\\.\\.$`), conf, 'call', 'AAA');
	/* Who reads only the beginning ends it. */
	const shell = (line) => new Promise((resolve) => {
		execFile('sh', ['-c', line, program('signalctl'), conf], { timeout: 20000 }, (failure, out, err) => resolve([failure?.code ?? 0, out, err]));
	});

	assert.equal((await shell('"$0" -c "$1" calls | head -n 2'))[1].split('\n').length, 3);
	assert.deepEqual(await shell('"$0" -c "$1" calls >/dev/full'), [FAILED, '', 'signalctl: cannot write: No space left on device\n']);
});

test('a stream that was closed is no socket of signald\'s', options, async (t) => {
	let got = '';
	const { conf } = await pretend(t, (c) => c.on('data', (d) => {
		got += d;
		c.write(Array.from({ length: 500 }, () => call(ID)).join('') + reply(',"count":500'));
	}));
	const run = (line) => new Promise((resolve) => {
		execFile('sh', ['-c', line, program('signalctl'), conf], { timeout: 20000 }, (failure, out, err) => resolve([failure?.code ?? 0, out, err]));
	});

	assert.deepEqual(await run('"$0" -c "$1" calls <&- >&-'), [FAILED, '', 'signalctl: cannot write: Bad file descriptor\n']);
	assert.equal((await run('"$0" -c "$1" calls <&- 2>&-'))[0], 0);
	assert.equal(got.split('\n').length, 3, got.slice(0, 200));
});

test('bash completes with what signald says', options, async (t) => {
	const stack = await start(t);
	const alice = await join(t, stack, 'alice');
	const { callId } = await establish(alice, await join(t, stack, 'bob'));
	const complete = (...words) => {
		const script = `PATH=$(dirname "$0"):$PATH; . <(signalctl --completion bash); COMP_WORDS=(signalctl "$@"); COMP_CWORD=$#; _signalctl; echo "\${COMPREPLY[*]}"`;
		const r = spawnSync('bash', ['-c', script, program('signalctl'), ...words], { encoding: 'utf8', timeout: 20000 });

		assert.equal(r.stderr, '');
		return r.stdout.trim();
	};

	assert.equal(complete('-c', stack.conf, 'end', callId.slice(0, 3)), callId);
	assert.equal(complete('-c', stack.conf, 'kick', 'al'), 'alice');
	assert.equal(complete('-c', '/nonexistent', 'kick', ''), '');
});
