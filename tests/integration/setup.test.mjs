/* setup.test.mjs - signalctl setup and certificates: what they write, what they leave alone, and what goes on meanwhile */
import assert from 'node:assert/strict';
import { execFile, spawn, spawnSync } from 'node:child_process';
import dgram from 'node:dgram';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import tls from 'node:tls';

import { join } from './lib/client.mjs';
import { Daemon, endsSomehow } from './lib/daemon.mjs';
import { assertSoon, confide, freePort, freeRange, newStateDir, program, SOURCE_DIR, turnPassword, until } from './lib/suite.mjs';
import { Certificates } from './lib/tls.mjs';
import { TurnClient, TurnStreamClient } from './lib/turn_client.mjs';

const HOST = '127.0.0.1';
const RELAY_PORTS = 100;
const SAID = ['--realm', 'signald.test', '--host', 'calls.signald.test', '--external-ip', '8.8.8.8', '--listen', HOST];

const certs = new Certificates().make('first', 'ec').make('second', 'ec').make('other', 'ec');
const certificate = (name) => ['--cert', certs.file(`${name}.crt`), '--pkey', certs.file(`${name}.key`)];

/* Run to its end, with no terminal. */
function signalctl(...args) {
	const r = spawnSync(program('signalctl'), args.map(String), { encoding: 'utf8', timeout: 20000 });

	return { status: r.status, out: r.stdout, err: r.stderr };
}

function setup(...args) {
	const r = signalctl('setup', ...args);

	assert.equal(r.status, 0, r.out + r.err);
	return r.out;
}

/* A system below a folder, with files as they were before. */
function newRoot(files = {}) {
	const root = newStateDir();

	for (const [name, text] of Object.entries(files)) {
		fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
		fs.writeFileSync(path.join(root, name), text, { mode: 0o640 });
	}
	return {
		root,
		file: (name) => path.join(root, name),
		read: (name) => fs.readFileSync(path.join(root, name), 'utf8'),
		/* Every file with its text, to see that nothing has changed. */
		all: () => fs.readdirSync(root, { recursive: true }).sort()
			.map((f) => [f, fs.statSync(path.join(root, f)).isFile() ? fs.readFileSync(path.join(root, f), 'utf8') : null]),
	};
}

const TURN_CONF = 'etc/turnserver.conf';
const SIGNALD_CONF = 'etc/signald/signald.conf';

test('what cannot be used is one line, status 2, and nothing is written', () => {
	const { root, all } = newRoot({ [TURN_CONF]: 'syslog\n' });
	const before = all();

	for (const [args, says] of [
		[['--host', 'calls.signald.test'], /--realm is missing/],
		[['--realm', 'example.com', '--host', 'calls.signald.test'], /is an example/],
		[['--realm', 'signald.test', '--host', 'YOUR_DOMAIN'], /is an example/],
		[['--realm', 'signald.test', '--host', 'a b'], /neither a name nor the address/],
		[[...SAID, '--external-ip', 'YOUR_PUBLIC_IP_HERE'], /is an example/],
		[[...SAID, '--auth', 'open'], /only with --dir/],
		[[...SAID, '--cert', certs.file('first.crt')], /go together/],
		[[...SAID, '--cert', certs.file('first.crt'), '--pkey', certs.file('second.key')], /not the one of the certificate/],
		[[...SAID, '--cert', '/nowhere/a.crt', '--pkey', '/nowhere/a.key'], /\/nowhere\/a\.crt/],
		[[...SAID, '--ask'], /needs a terminal/],
	]) {
		const r = signalctl('setup', '--root', root, ...args);

		assert.equal(r.status, 2, `${args}: ${r.out}${r.err}`);
		assert.match(r.err, says);
		assert.match(r.err, /^signalctl: [^\n]*\n$/);
	}
	assert.deepEqual(all(), before);
});

test('a file that is there is shown without its secrets, asked about, kept, and what is the admin\'s stays', () => {
	const secret = confide('s3cretPublishedInAnExample');
	const old = `realm=old.signald.test\nstatic-auth-secret=${secret}\nsyslog\nverbose\n`;
	const { root, file, read, all } = newRoot({ [TURN_CONF]: old });
	const before = all();
	const refused = signalctl('setup', '--root', root, ...SAID);

	assert.equal(refused.status, 2);
	assert.match(refused.out, /^-realm=old\.signald\.test\n(.*\n)*\+realm=signald\.test$/m);
	assert.match(refused.out, /static-auth-secret=\.\.\./);
	assert.match(refused.out, /not in the new one: static-auth-secret, syslog, verbose\./);
	assert.ok(!refused.out.includes(secret));
	assert.match(refused.err, /nothing was written: this is no terminal to ask on; add --yes/);
	assert.deepEqual(all(), before);

	assert.match(setup('--root', root, '--dry-run', ...SAID), /nothing was written/);
	assert.deepEqual(all(), before);

	const { mode, ino } = fs.statSync(file(TURN_CONF));
	const out = setup('--root', root, '--yes', ...SAID);
	const [, backup] = /^(\S+\.bak-\d{8}-\d{6}) is now what /m.exec(out);

	assert.equal(fs.readFileSync(backup, 'utf8'), old);
	assert.deepEqual([fs.statSync(backup).mode, fs.statSync(backup).ino], [mode, ino], 'the very file that was there');
	assert.match(out, /ufw allow 49152:59151\/udp\n/);
	assert.match(out, /nft add rule inet filter input udp dport 49152-59151 accept/);
	assert.match(out, /iptables -I INPUT -p udp --dport 49152:59151 -j ACCEPT/);
	assert.match(out, /systemctl restart coturn signald\nsignalctl check\n$/);
	assert.match(read(TURN_CONF), /^realm=signald\.test$/m);
	assert.match(read(TURN_CONF), /^external-ip=8\.8\.8\.8\/127\.0\.0\.1$/m);
	assert.match(read(SIGNALD_CONF), /^auth = token\ntoken-key = HS256::\/etc\/signald\/token-key$/m);
	assert.match(read(SIGNALD_CONF), /^origins = https:\/\/signald\.test, https:\/\/calls\.signald\.test$/m);
	assert.match(read('etc/coturn/auth/auth-secrets'), /^\d{4}-\d\d [0-9a-f]{64}\n$/);
	for (const name of [TURN_CONF, SIGNALD_CONF, 'etc/coturn/auth/auth-secrets', 'etc/signald/admin-token', 'etc/signald/token-key'])
		assert.equal(fs.statSync(file(name)).mode & 0o137, 0, `${name} is not for others`);

	/* For scripts the same, words on the other stream. */
	const json = signalctl('setup', '--json', '--root', root, '--dry-run', ...SAID, '--turn-port', 3477);

	assert.deepEqual(JSON.parse(json.out), { written: false, certificatesChanged: false,
		files: [{ path: file(TURN_CONF), changed: true }, { path: file(SIGNALD_CONF), changed: true }],
		open: [['udp', 3477, 3477], ['tcp', 3477, 3477], ['udp', 49152, 59151]].map(([protocol, first, last]) => ({ protocol, first, last })) });
	assert.match(json.err, /^\+listening-port=3477$/m);
	assert.ok(!json.err.includes(secret));

	/* Again: nothing. */
	const written = all();

	assert.match(setup('--root', root, ...SAID), /^nothing to change\n$/m);
	assert.deepEqual(all(), written);

	/* Below the last line is the admin's. */
	fs.appendFileSync(file(TURN_CONF), 'user-quota=100\nallow-peers=private\n');
	fs.appendFileSync(file(SIGNALD_CONF), 'log-level = debug\n');
	setup('--root', root, '--yes', ...SAID, '--turn-port', 3479);
	assert.match(read(TURN_CONF), /^#user-quota=60$/m);
	assert.match(read(TURN_CONF), /\nuser-quota=100\nallow-peers=private\n$/);
	assert.match(read(TURN_CONF), /^listening-port=3479$/m);
	assert.match(read(SIGNALD_CONF), /turn:calls\.signald\.test:3479\?transport=udp/);

	/* What signald would refuse is refused here, before anything changes. */
	fs.appendFileSync(file(SIGNALD_CONF), 'no-such-key = 1\n');
	const kept = all();
	const wrong = signalctl('setup', '--root', root, '--yes', ...SAID, '--turn-port', 3480);

	assert.equal(wrong.status, 2);
	assert.match(wrong.err, /unknown key 'no-such-key'/);
	assert.deepEqual(all(), kept);
});

test('on a terminal it asks for what is missing, and whether to replace', async () => {
	const { root, read } = newRoot({ [TURN_CONF]: 'realm=old.signald.test\n' });
	const line = [program('signalctl'), 'setup', '--root', root, '--ask', '--external-ip', '8.8.8.8', '--listen', HOST].join(' ');
	const run = async (answers) => {
		const p = spawn('script', ['-qec', line, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
		let out = '', i = 0;

		p.stdout.on('data', (d) => {
			out += d;
			/* One answer for each question that stands there. */
			if (/(: |\[y\/N\] )$/.test(out) && i < answers.length)
				p.stdin.write(`${answers[i++]}\n`);
		});
		const status = await new Promise((resolve) => p.once('close', resolve));

		return { status, out };
	};
	const no = await run(['', 'YOUR_HOST', 'calls.signald.test', '', '', 'n']);

	assert.equal(no.status, 2, no.out);
	assert.match(no.out, /\[old\.signald\.test\]/);
	assert.match(no.out, /That is an example/);
	assert.equal(read(TURN_CONF), 'realm=old.signald.test\n');
	const yes = await run(['signald.test', 'calls.signald.test', '', '', 'y']);

	assert.equal(yes.status, 0, yes.out);
	assert.match(read(TURN_CONF), /^realm=signald\.test$/m);
});

/* Answers a Binding request, RFC 8489; the first one is lost, and what is no answer comes before. */
async function startStunServer(t, address) {
	const server = dgram.createSocket('udp4');
	let asked = 0;

	server.on('message', (m, from) => {
		const answer = Buffer.concat([Buffer.from('0101000c2112a442', 'hex'), m.subarray(8, 20), Buffer.from('00200008000100002112a442', 'hex')]);

		address.split('.').forEach((byte, i) => answer[28 + i] ^= byte);
		if (++asked > 1)
			for (const p of [Buffer.from('hello'), Buffer.concat([answer.subarray(0, 8), Buffer.alloc(12), answer.subarray(20)]), answer])
				server.send(p, from.port, from.address);
	});
	await new Promise((resolve) => server.bind(0, HOST, resolve));
	t.after(() => server.close());
	return `${HOST}:${server.address().port}`;
}

/* As signalctl(), while this process goes on. */
function signalctlBeside(...args) {
	return new Promise((resolve) => execFile(program('signalctl'), args.map(String), { timeout: 20000 },
		(e, out, err) => resolve({ status: e ? e.code : 0, out, err })));
}

test('a STUN server is asked what no interface knows, for a bounded time', { timeout: 60000 }, async (t) => {
	const said = ['--realm', 'signald.test', '--host', 'calls.signald.test', '--listen', HOST];
	const { root, read } = newRoot();
	const near = await startStunServer(t, '10.1.2.3');
	const refused = await signalctlBeside('setup', '--root', root, ...said, '--stun-server', near);

	assert.equal(refused.status, 2);
	assert.match(refused.err, /sees this host as 10\.1\.2\.3, which is no public address/);
	const far = await startStunServer(t, '8.8.8.8');
	const r = await signalctlBeside('setup', '--root', root, ...said, '--external-ip', 'auto', '--stun-server', far);

	assert.equal(r.status, 0, r.err);
	assert.match(r.out, /sees this host as 8\.8\.8\.8\n/);
	assert.match(read(TURN_CONF), /^external-ip=8\.8\.8\.8\/127\.0\.0\.1$/m);

	const mute = dgram.createSocket('udp4');

	await new Promise((resolve) => mute.bind(0, HOST, resolve));
	t.after(() => mute.close());
	for (const [server, says] of [
		[`${HOST}:${mute.address().port}`, /it does not answer/],
		[`[::1]:${mute.address().port}`, /no IPv4 address/],
		['stun.signald.test:port', /is not HOST or HOST:PORT/],
	]) {
		const begin = Date.now();
		const none = await signalctlBeside('setup', '--root', root, ...said, '--stun-server', server);

		assert.equal(none.status, 2);
		assert.match(none.err, says);
		assertSoon(begin, 8000);
	}
	assert.match((await signalctlBeside('setup', '--root', root, ...SAID, '--stun-server', far)).err, /is for --external-ip auto/);
});

test('certbot\'s hook is put where there is a certbot, and folders of the system are open whatever the umask', () => {
	const hook = 'etc/letsencrypt/renewal-hooks/deploy/signald';
	const { root, file, read } = newRoot();
	const before = process.umask(0o077);

	try {
		setup('--root', root, ...SAID, ...certificate('first'));
		assert.ok(!fs.existsSync(file('etc/letsencrypt')));
		fs.mkdirSync(file('etc/letsencrypt'), { mode: 0o700 });
		assert.match(setup('--root', root, ...SAID), /deploy\/signald: made/);
	} finally {
		process.umask(before);
	}
	assert.equal(read(hook), fs.readFileSync(path.join(SOURCE_DIR, 'packaging/signald/letsencrypt/signald'), 'utf8'));
	for (const name of [hook, 'etc/coturn', 'etc/letsencrypt/renewal-hooks/deploy'])
		assert.equal(fs.statSync(file(name)).mode & 0o777, 0o755, name);
	fs.writeFileSync(file(hook), 'mine\n');
	setup('--root', root, ...SAID);
	assert.equal(read(hook), 'mine\n');
});

/* A live installation of its own, with TLS. */
async function startInstance(t, host = HOST) {
	const dir = newStateDir();
	const first = await freeRange(RELAY_PORTS);
	const stack = { dir, host, port: await freePort(), turnPort: await freePort(), tlsPort: await freePort() };

	setup('--dir', dir, '--realm', 'signald.test', '--host', host, '--listen', host, '--port', stack.port, '--turn-port', stack.turnPort,
		'--turns-port', stack.tlsPort, '--relay-ports', `${first}-${first + RELAY_PORTS - 1}`, ...certificate('first'));
	stack.url = `https://${host}:${stack.port}`;
	for (const name of ['turnserver', 'signald']) {
		const d = new Daemon(name, [program(name), '-c', path.join(dir, `${name}.conf`)], { env: { ASAN_OPTIONS: 'detect_leaks=0' } });

		stack[name] = d;
		t.after(() => d.stop(name === 'turnserver' ? { exits: endsSomehow } : {}));
	}
	stack.shows = (port) => new Promise((resolve, reject) => {
		const s = tls.connect({ host, port, rejectUnauthorized: false }, () => {
			resolve(s.getPeerCertificate().subject.CN);
			s.destroy();
		});

		s.on('error', reject);
	});
	for (const port of [stack.port, stack.tlsPort])
		await until(`TLS on port ${port}`, () => {
			stack.turnserver.assertAlive();
			stack.signald.assertAlive();
			return stack.shows(port).catch(() => false);
		});
	await until('signald has the admin socket', () => signalctl('status', '-c', path.join(dir, 'signald.conf')).status === 0);
	return stack;
}

const credentials = (dir) => {
	const [, secret] = fs.readFileSync(path.join(dir, 'auth-secrets'), 'utf8').trim().split(' ');
	const username = `${Math.floor(Date.now() / 1000) + 600}:tester`;

	confide(secret);
	return { username, password: confide(turnPassword(secret, username)) };
};

test('both daemons take a renewed certificate while a call goes on', { timeout: 90000 }, async (t) => {
	const stack = await startInstance(t);
	const both = async () => [await stack.shows(stack.port), await stack.shows(stack.tlsPort)];
	const file = (name) => path.join(stack.dir, 'tls', name);

	assert.deepEqual(await both(), ['first', 'first']);
	const client = await join(t, stack, 'tester', { transports: ['websocket'], rejectUnauthorized: false });
	const auth = credentials(stack.dir);
	const a = new TurnStreamClient(stack, auth), b = new TurnClient(stack, auth);

	t.after(() => [a, b].forEach((c) => c.close()));
	await a.allocate();
	await b.allocate();
	await a.permit(b.relayed);
	await b.permit(a.relayed);
	const relays = () => until('it is relayed both ways', async () => {
		const [atA, atB] = [a.received, b.received];

		await a.sendTo(b.relayed, 1, 100);
		await b.sendTo(a.relayed, 1, 100);
		return until('both have it', () => a.received > atA && b.received > atB, 500, 10).catch(() => false);
	});

	await relays();
	assert.match(signalctl('certificates', '--dir', stack.dir).out, /^nothing to change\n$/m);

	/* The files where they came from are new: as an ACME client's hook has it, with no arguments. */
	certs.replace('second', 'first');
	assert.equal(signalctl('certificates', '--dir', stack.dir, '--renewed', 'elsewhere.signald.test *.test').out, '');
	assert.deepEqual(await both(), ['first', 'first']);
	const renewed = signalctl('certificates', '--dir', stack.dir, '--renewed', `www.signald.test ${HOST}`);

	assert.equal(renewed.status, 0, renewed.err);
	assert.match(renewed.out, /turnserver reads it now; calls go on\nsignald reads it now; calls go on\n/);
	await until('both show the second', async () => (await both()).join() === 'second,second');
	await relays();
	assert.ok(client.socket.connected, 'the WebSocket is the same');
	await client.request('ice:request', { userId: 'tester' });

	/* One that does not fit stays out. */
	const wrong = signalctl('certificates', '--dir', stack.dir, '--cert', certs.file('other.crt'), '--pkey', certs.file('second.key'));

	assert.equal(wrong.status, 2);
	assert.match(wrong.err, /the key is not the one of the certificate/);
	assert.deepEqual(await both(), ['second', 'second']);

	/* Of a third the first is gone, as nobody reads it any more. */
	assert.equal(signalctl('certificates', '--dir', stack.dir, ...certificate('other')).status, 0);
	assert.equal(fs.readdirSync(file('.')).filter((f) => f.startsWith('copy-')).length, 2);
	assert.equal(fs.statSync(file('current/privkey.pem')).mode & 0o777, 0o600);
	await relays();
});

test('on a host of IPv6 alone clients that ask for no family, as browsers do, are relayed', { timeout: 60000 }, async (t) => {
	const { dir, turnserver } = await startInstance(t, '::1');
	const config = ['-c', path.join(dir, 'signald.conf')];
	const trial = signalctl('try', ...config, '--insecure');
	const check = signalctl('check', ...config);

	assert.equal(trial.status, 0, trial.out + trial.err);
	assert.match(trial.out, /relayed addresses \[::1\]:\d+ and \[::1\]:\d+\n/);
	for (const line of ['turn-udp', 'turn-tcp', 'turn-tls', 'rest', 'polling', 'websocket'])
		assert.match(check.out, new RegExp(`^(ok|warn) +${line} .*::1`, 'm'), check.out);

	const credentials = signalctl('credentials', '7', ...config);
	const line = credentials.out.trim().split('\n').at(-1);
	const tool = spawnSync('sh', ['-c', line.replace('turnutils_uclient', program('turnutils_uclient'))], { encoding: 'utf8', timeout: 20000 });

	confide(/^Password: (\S+)$/m.exec(credentials.out)[1]);
	assert.equal(tool.status, 0, tool.stdout + tool.stderr);
	assert.match(tool.stdout, /Total lost packets 0 /);

	/* Without the line that setup wrote for that, they are refused, and what to do is said. */
	const conf = path.join(dir, 'turnserver.conf');

	await turnserver.stop({ exits: endsSomehow });
	fs.writeFileSync(conf, fs.readFileSync(conf, 'utf8').replace(/^allocation-default-address-family=ipv6$/m, '#$&'));
	const again = new Daemon('turnserver', [program('turnserver'), '-c', conf], { env: { ASAN_OPTIONS: 'detect_leaks=0' } });

	t.after(() => again.stop({ exits: endsSomehow }));
	await until('signald has it again', () => / hook protocol /.test(signalctl('status', ...config).out));
	assert.match(signalctl('check', ...config).out, /^FAIL +turn-udp .*440 .* -- .*allocation-default-address-family=ipv6/m);
});

test('the hook for certbot passes the names on, and is silent without signalctl', () => {
	const hook = path.join(SOURCE_DIR, 'packaging', 'signald', 'letsencrypt', 'signald');
	const bin = newStateDir();
	const run = () => spawnSync('/bin/sh', [hook], { env: { PATH: bin, RENEWED_DOMAINS: 'a.test b.test' }, encoding: 'utf8' });

	assert.deepEqual([run().status, run().stdout, run().stderr], [0, '', '']);
	fs.writeFileSync(path.join(bin, 'signalctl'), '#!/bin/sh\nprintf "%s\\n" "$@"\nexit 7\n', { mode: 0o755 });
	assert.deepEqual([run().status, run().stdout], [7, 'certificates\n--renewed\na.test b.test\n']);
	assert.ok(fs.statSync(hook).mode & 0o111);
});
