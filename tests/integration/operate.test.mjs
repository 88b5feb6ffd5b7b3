/* operate.test.mjs - what an operator does to a running signald, and sees of it */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';

import { Stack } from './lib/stack.mjs';
import { confide, program, turnPassword, until } from './lib/suite.mjs';
import { allocation } from './lib/turn_client.mjs';

const options = { timeout: 60000 };
const FIRST = confide('operate-first-secret-0123456789');
const SECOND = confide('operate-second-secret-0123456789');

/* signald alone: it serves without a turnserver. */
async function start(t, more = {}) {
	const stack = new Stack(more);

	t.after(() => stack.stop());
	await stack.init();
	write(stack, FIRST);
	await stack.startSignald();
	return stack;
}

/* As writers do: a new file takes the name. */
function write(stack, secret, mode = 0o600) {
	fs.writeFileSync(`${stack.secretsFile}.new`, secret ? `main ${secret}\n` : 'broken\n', { mode });
	fs.chmodSync(`${stack.secretsFile}.new`, mode);
	fs.renameSync(`${stack.secretsFile}.new`, stack.secretsFile);
}

async function signsWith(stack, secret) {
	const { username, credential } = (await stack.rest.get('/api/ice-servers/7')).json.iceServers
		.find((s) => s.credential);

	return credential === turnPassword(secret, username);
}

const logged = (stack, what) => until(`the log has ${what}`,
	() => what.test(stack.daemons.signald.logText()), 20000);

test('secrets are read again on SIGHUP, also unchanged ones', options, async (t) => {
	const stack = await start(t);
	const signald = stack.daemons.signald.process;
	const reads = () => stack.daemons.signald.logText().match(/secrets: 1 read/g).length;

	write(stack, SECOND);
	signald.kill('SIGHUP');
	await until('the new one signs', () => signsWith(stack, SECOND));
	assert.equal(reads(), 2);
	signald.kill('SIGHUP');
	await until('it was read a third time', () => reads() === 3);
});

test('a file of secrets that is wrong changes nothing, and is taken once it is right', options, async (t) => {
	const stack = await start(t);

	write(stack, null);
	await logged(stack, /auth-secrets:1: /);
	assert.ok(await signsWith(stack, FIRST));

	await t.test('its mode alone is put right', async () => {
		write(stack, SECOND, 0o644);
		await logged(stack, /auth-secrets: .*(permi|others)/i);
		assert.ok(await signsWith(stack, FIRST));
		fs.chmodSync(stack.secretsFile, 0o600);
		await until('the new one signs', () => signsWith(stack, SECOND), 20000);
	});
});

test('the static-auth-secret of turnserver.conf signs when no other secret does', options, async (t) => {
	const stack = new Stack({
		host: '127.0.3.5',
		turnserver: { 'static-auth-secret': FIRST, 'auth-secret-file': undefined },
		signald: { 'auth-secret-file': undefined },
	});
	const conf = path.join(stack.dir, 'turnserver.conf');
	const replace = (text, mode) => {
		fs.writeFileSync(`${conf}.new`, text, { mode });
		fs.chmodSync(`${conf}.new`, mode);
		fs.renameSync(`${conf}.new`, conf);
	};

	t.after(() => stack.stop());
	stack.signaldOptions['turnserver-conf'] = conf;
	await stack.init();
	await stack.startTurnserver();
	await stack.startSignald();

	await t.test('turnserver takes what it signed', async () => {
		await until('signald has the admin socket', async () => (await stack.rest.health()).turn.connected);
		assert.ok(await signsWith(stack, FIRST));
		const { username, credential } = (await stack.rest.get('/api/ice-servers/7')).json.iceServers
			.find((s) => s.credential);

		await allocation(t, stack, { username, password: credential });
	});

	await t.test('a file that others may read changes nothing and is told', async () => {
		replace(`static-auth-secret=${SECOND}\n`, 0o644);
		await logged(stack, /turnserver\.conf: others may read or write it/);
		assert.ok(await signsWith(stack, FIRST));
	});

	await t.test('put right, it is taken', async () => {
		replace(`static-auth-secret=${SECOND}\n`, 0o600);
		await until('the new one signs', () => signsWith(stack, SECOND));
	});

	await t.test('without the line nobody signs, and that is told', async () => {
		replace('use-auth-secret\n', 0o600);
		await logged(stack, /clients get no TURN credentials: no secret is active/);
		assert.equal((await stack.rest.get('/api/ice-servers/7')).status, 503);
	});
});

test('more files than a shell permits may be open', options, async (t) => {
	const stack = await start(t, { prefix: ['prlimit', '--nofile=96:400'] });
	const sockets = [];

	t.after(() => sockets.forEach((s) => s.destroy()));
	await logged(stack, /connections-max is taken as 336: only 400 files may be open/);
	for (let i = 0; i < 250; i++)
		sockets.push(net.connect(stack.port, stack.host).on('error', () => {}));
	await until('all are connected', () => sockets.every((s) => !s.connecting));
	assert.equal((await stack.rest.health()).status, 'ok');
});

test('what clients provoke is told by counters', options, async (t) => {
	const stack = await start(t);

	await stack.rest.get('/api/health', { headers: { Origin: 'null' } });
	await logged(stack, /counters: http\.origins_refused \+1/);
});

test('-n finds what start would', options, async (t) => {
	const stack = new Stack();
	const file = path.join(stack.dir, 'signald.conf');

	await stack.init();
	const good = fs.readFileSync(file, 'utf8');
	const check = (text) => {
		fs.writeFileSync(file, text);
		return spawnSync(program('signald'), ['-n', '-c', file], { encoding: 'utf8', timeout: 10000 });
	};
	const token = path.join(stack.dir, 'short-token');

	fs.writeFileSync(token, 'short\n', { mode: 0o600 });
	assert.deepEqual([check(good).status, check(good).stdout], [0, `${file}: OK\n`]);
	for (const [key, value] of Object.entries({
		'turn-urls': 'turn:',
		'stun-urls': Array(20).fill('stun:a').join(','),
		'origins': 'chat.example.org',
		'auth-secret-file': path.join(stack.dir, 'nothing'),
		'admin-token-file': token,
	})) {
		const { status, stdout, stderr } = check(`${good.replace(new RegExp(`^${key} = .*\\n`, 'm'), '')}${key} = ${value}\n`);

		assert.equal(status, 2, `${key} = ${value}`);
		assert.equal(stdout, '');
		assert.equal(stderr.trim().split('\n').filter((l) => /error/.test(l)).length, 1, stderr);
		assert.match(stderr, new RegExp(key === 'auth-secret-file' ? 'nothing: No such file' : key));
	}
});
