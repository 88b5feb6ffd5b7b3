/* signalctl check: a good installation has no FAIL; each fault is found by its line, with what to do */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';

import { endsSomehow } from './lib/daemon.mjs';
import { install, rowsOf } from './lib/signalctl.mjs';
import { assertSoon, freePort, newStateDir } from './lib/suite.mjs';
import { Certificates } from './lib/tls.mjs';

const files = (i) => ['--turnserver-conf', path.join(i.dir, 'turnserver.conf')];

async function check(i, ...args) {
	const ran = await i.ctl('check', '--json', ...files(i), ...args);

	assert.ok(ran.took_ms < 30000, `${ran.took_ms} ms`);
	return { code: ran.code, rows: rowsOf(ran, 'check') };
}

/* What is wrong, and no more than that. */
const complaints = (rows) => Object.values(rows).filter((r) => r.result === 'FAIL').map((r) => r.check);

async function fails(i, id, why, ...args) {
	const { code, rows } = await check(i, ...args);

	assert.equal(rows[id].result, 'FAIL', JSON.stringify(rows[id]));
	assert.match(rows[id].why, why);
	assert.ok(rows[id].fix?.length > 5, 'what to do');
	assert.equal(code, 1);
	return rows;
}

async function warns(i, id, why) {
	const { rows } = await check(i);

	assert.equal(rows[id].result, 'warn', JSON.stringify(rows[id]));
	assert.match(rows[id].why, why);
}

/* Both daemons with TLS, as setup leaves them. */
async function installTls(t, more = {}) {
	const certs = new Certificates().make('ours', 'ec');
	const tls = { port: await freePort(), cert: certs.file('ours.crt'), pkey: certs.file('ours.key') };
	const turnTls = await freePort();
	const i = await install(t, {
		tls,
		turnserver: { 'no-tls': undefined, 'tls-listening-port': turnTls, 'cert': tls.cert, 'pkey': tls.pkey },
		...more,
	});

	i.edit('signald.conf', (s) => s.replace(/^(turn-urls = .*)$/m, `$1, turns:localhost:${turnTls}`));
	return Object.assign(i, { certs });
}

test('of a good installation nothing is wrong, and the checklist of the Node server is covered', async (t) => {
	const i = await installTls(t);
	const { code, rows } = await check(i);

	assert.deepEqual(complaints(rows), [], JSON.stringify(rows, null, 1));
	assert.equal(code, 0);
	const ran = await i.ctl('check');

	assert.equal(ran.code, 0, ran.out);
	for (const id of ['turn-udp', 'turn-tcp', 'hook', 'ports', 'rest', 'polling', 'websocket', 'realm', 'secret'])
		assert.match(ran.out, new RegExp(`^(ok|warn) +${id} `, 'm'));
	assert.match(ran.out, /^warn +turn-tls .*certificate: /m, 'its authority is the tests\'');
	const listed = new Set(Object.values(rows).map((r) => r.checklist));

	for (let line = 1; line <= 9; line++)
		assert.ok(listed.has(line), `line ${line}`);
});

test('what is wrong in the files is found', async (t) => {
	const i = await install(t);
	const conf = path.join(i.dir, 'turnserver.conf');
	const before = { turn: fs.readFileSync(conf, 'utf8'), signald: fs.readFileSync(path.join(i.dir, 'signald.conf'), 'utf8') };
	const one = (name, file, change, id, why, how = fails) => t.test(name, async () => {
		i.edit(file, change);
		await how(i, id, why);
		i.edit('turnserver.conf', () => before.turn);
		i.edit('signald.conf', () => before.signald);
	});
	const add = (line) => (s) => `${s}${line}\n`;

	await one('a placeholder', 'turnserver.conf', add('external-ip=YOUR_PUBLIC_IP'), 'placeholder', /external-ip is only an example/);
	await one('an address that no interface has', 'turnserver.conf', add('external-ip=198.18.0.1/10.99.99.99'),
		'external-ip', /no interface has 10\.99\.99\.99/);
	await one('two mechanisms', 'turnserver.conf', add('lt-cred-mech'), 'mechanism', /lt-cred-mech beside use-auth-secret/);
	await one('another realm', 'turnserver.conf', (s) => s.replace(/^realm=.*$/m, 'realm=chat.test'), 'realm', /says realm signald\.test/);
	await one('secrets that disagree', 'turnserver.conf',
		(s) => s.replace(/^auth-secret-file=.*$/m, `auth-secret-file=${i.file('other', `x ${'y'.repeat(40)}`)}`),
		'secret', /turnserver reads .*other, signald .*auth-secrets/);
	await one('a quota that is too small', 'turnserver.conf', (s) => s.replace(/^user-quota=.*$/m, 'user-quota=2'),
		'quota', /user-quota=2/);
	await one('ports that disagree', 'signald.conf', (s) => s.replace(/^turn-urls = .*$/m, 'turn-urls = turn:127.0.0.1:9'),
		'turn-urls', /turnserver listens on/, warns);
	await one('nothing listens where clients are sent', 'signald.conf',
		(s) => s.replace(/^turn-urls = .*$/m, 'turn-urls = turn:127.0.0.1:9'), 'turn-udp', /did not answer/);
	await one('a port that nobody listens on', 'turnserver.conf', (s) => s.replace(/^listening-port=.*$/m, 'listening-port=9'),
		'ports', /turnserver does not listen on 9\/udp/);
	await one('mobility', 'turnserver.conf', add('mobility'), 'options', /mobility is on/, warns);
	await one('a file of secrets that others may read', 'signald.conf',
		(s) => s.replace(/^auth-secret-file = .*$/m, () => {
			const file = i.file('open', `x ${'y'.repeat(40)}`);

			fs.chmodSync(file, 0o644);
			return `auth-secret-file = ${file}`;
		}), 'secret', /turnserver reads|may read/);
	await t.test('no turnserver.conf', async () => {
		const ran = await i.ctl('check', '--json', '--turnserver-conf', '/nonexistent');

		assert.equal(rowsOf(ran, 'check').files.result, 'FAIL');
		assert.equal(ran.code, 1);
	});
	await t.test('a certificate that is another key\'s, or for another name, or self-signed', async () => {
		const dir = newStateDir();
		const make = (name, days, subject) => execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256',
			'-nodes', '-keyout', path.join(dir, `${name}.key`), '-out', path.join(dir, `${name}.crt`), '-days', days, '-subj', `/CN=${subject}`,
			'-addext', `subjectAltName=DNS:${subject}`], { stdio: 'ignore' });
		const tls = (cert, key) => (s) => `${s.replace('no-tls\n', '')}cert=${path.join(dir, `${cert}.crt`)}\npkey=${path.join(dir, `${key}.key`)}\n`;

		make('a', '30', 'chat.test');
		make('b', '30', 'other.test');
		i.edit('signald.conf', (s) => `${s}origins = https://chat.test\n`);
		i.edit('turnserver.conf', tls('a', 'b'));
		await fails(i, 'certificate', /the key is not the one/);
		i.edit('turnserver.conf', () => before.turn);
		i.edit('turnserver.conf', tls('b', 'b'));
		await fails(i, 'certificate', /is not for chat\.test/);
		i.edit('turnserver.conf', () => before.turn);
		i.edit('turnserver.conf', tls('a', 'a'));
		await warns(i, 'certificate', /self-signed/);
		i.edit('turnserver.conf', () => before.turn);
		i.edit('signald.conf', () => before.signald);
	});
	await t.test('turnserver without the hook, and none at all', async () => {
		await i.daemons.turnserver.stop({ exits: endsSomehow });
		i.daemons.turnserver = undefined;
		const rows = await fails(i, 'hook', /turnserver does not run/);

		assert.equal(rows['turn-udp'].result, 'FAIL');
		i.edit('turnserver.conf', (s) => s.replace(/^admin-.*\n/mg, ''));
		await i.startTurnserver();
		await fails(i, 'hook', /turnserver answers, but has no admin socket/);
	});
	await t.test('signald is not there', async () => {
		await i.daemons.signald.stop();
		i.daemons.signald = undefined;
		const rows = await fails(i, 'signald', /does not answer/);

		for (const id of ['rest', 'polling', 'websocket'])
			assert.match(rows[id].why, /Connection refused/);
	});
});

test('what takes its time, side by side', { concurrency: true }, (t) => Promise.all([
	t.test('where nothing answers and nothing is refused it ends all the same', async (t) => {
		const i = await install(t);
		const hole = dgram.createSocket('udp4').bind(0, '127.0.0.1');
		const mutes = await Promise.all([0, 0, path.join(i.dir, 'mute.sock')].map(async (at) => {
			const mute = net.createServer(() => {}).listen(...[at].flat());

			await once(mute, 'listening');
			return mute;
		}));
		const [turn, http] = mutes.map((m) => m.address().port);

		t.after(() => [hole, ...mutes].forEach((s) => s.close()));
		i.edit('signald.conf', (s) => s
			.replace(/^turn-urls = .*$/m, `turn-urls = turn:127.0.0.1:${hole.address().port}, turn:127.0.0.1:${turn}?transport=tcp, turns:127.0.0.1:${turn}`)
			.replace(/^listen = .*$/m, `listen = 127.0.0.1:${http}`)
			.replace(/^control-socket = .*$/m, `control-socket = ${mutes[2].address()}`));
		i.ctlEnv = { SIGNALCTL_WAIT_S: '1' };
		const began_ms = Date.now();
		const { rows, code } = await check(i);

		assertSoon(began_ms, 10000);
		assert.equal(code, 1);
		for (const id of ['signald', 'turn-udp', 'turn-tcp', 'turn-tls', 'rest', 'polling', 'websocket'])
			assert.equal(rows[id].result, 'FAIL', JSON.stringify(rows[id]));
	}),
	t.test('a relay for everybody is found, whatever the file says', async (t) => {
		const i = await install(t, { turnserver: { 'no-auth': true, 'use-auth-secret': undefined } });

		i.edit('turnserver.conf', (s) => s.replace('no-auth\n', 'use-auth-secret\n'));
		await fails(i, 'turn-udp', /asks for no credential/);
	}),
	t.test('a signald behind a balancer that sends PROXY headers is reached as that', async (t) => {
		const i = await install(t);
		const HEADER = 'PROXY UNKNOWN\r\n';
		const front = net.createServer((c) => c.once('data', (first) => {
			const back = net.connect(new URL(i.url).port, '127.0.0.1');

			[c, back].forEach((s) => s.on('error', () => { c.destroy(); back.destroy(); }));
			if (!first.toString('latin1').startsWith(HEADER))
				c.destroy();
			back.write(first.subarray(HEADER.length));
			c.pipe(back).pipe(c);
		})).listen(0, '127.0.0.1');

		await once(front, 'listening');
		t.after(() => front.close());
		i.edit('signald.conf', (s) => `${s.replace(/^listen = .*$/m, `listen = 127.0.0.1:${front.address().port}`)}proxy-protocol-from = 127.0.0.1\n`);
		const { rows } = await check(i);

		for (const id of ['rest', 'polling', 'websocket'])
			assert.equal(rows[id].result, 'ok', JSON.stringify(rows[id]));
		assert.match((await i.ctl('try')).out, /\nPASS\n$/);
	}),
]));
