/* signalctl try: a call of two built-in clients succeeds, or the step that failed is named */
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';

import { establish, join } from './lib/client.mjs';
import { endsSomehow } from './lib/daemon.mjs';
import { install, rowsOf } from './lib/signalctl.mjs';

test('a call is made, relayed both ways, counted, and its relay ends with it', async (t) => {
	const i = await install(t);
	const ran = await i.ctl('try');

	assert.match(ran.out, /\nPASS\n$/, ran.out + ran.err);
	assert.equal(ran.code, 0);
	assert.match(ran.out, /^ok +connect .*WebSocket.*polling/m);
	assert.match(ran.out, /^ok +allocate .*over UDP and TCP/m);
	assert.match(ran.out, /^ok +relay +25 and 25 packets/m);
	assert.match(ran.out, /^ok +usage .* 50000 relayed bytes/m);
	assert.match(ran.out, /^ok +released/m);

	const rows = rowsOf(await i.ctl('try', '--json'), 'step');

	assert.deepEqual(Object.values(rows).map((r) => r.result), Array(10).fill('ok'));
});

test('from elsewhere it takes a URL and tokens, and cannot ask for the bytes', async (t) => {
	const i = await install(t);
	const tokens = i.file('tokens', `${i.token('test_1')}\n${i.token('test_2')}`);
	const ran = await i.ctl('try', '-c', '/nonexistent', '--url', i.url, '--tokens', tokens,
		'--turn', i.turnUrls[1]);

	assert.match(ran.out, /\nPASS\n$/, ran.out + ran.err);
	assert.match(ran.out, /^ok +connect +test_1 .* test_2/m);
	assert.match(ran.out, /^ok +allocate .*over TCP and TCP/m);
	assert.match(ran.out, /^skip +usage/m);
});

test('with auth = open nobody is asked for a token; with auth = backend it needs them', async (t) => {
	const open = await install(t, { signald: { 'auth': 'open', 'token-key': undefined } });

	assert.match((await open.ctl('try')).out, /\nPASS\n$/);
	open.edit('signald.conf', (s) => s.replace('auth = open', 'auth = backend\nbackend-url = http://127.0.0.1:9/'));
	const ran = await open.ctl('try');

	assert.equal(ran.code, 2);
	assert.match(ran.err, /auth = backend.*--tokens FILE/);
	assert.equal(ran.out, '');
});

test('a fault is found at its step, in time, with what to do', async (t) => {
	const i = await install(t);
	const failsAt = async (step, why, ...args) => {
		const ran = await i.ctl('try', '--json', ...args);
		const last = JSON.parse(ran.out).at(-1);

		assert.equal(last.result, 'FAIL', ran.out);
		assert.equal(last.step, step, ran.out);
		assert.match(last.text, why);
		assert.ok(last.advice.length > 20);
		assert.ok(ran.took_ms < 30000, `${ran.took_ms} ms`);
		return ran;
	};

	await t.test('nothing listens at the relay', () =>
		failsAt('allocate', /did not answer: nothing listens there.*port 9 over UDP/, '--turn', 'turn:127.0.0.1:9'));
	await t.test('something swallows what is sent there', async () => {
		const hole = dgram.createSocket('udp4').bind(0, '127.0.0.1');

		await once(hole, 'listening');
		await failsAt('allocate', /turnserver did not answer/, '--turn', `turn:127.0.0.1:${hole.address().port}`, '--timeout', '3');
		hole.close();
	});
	await t.test('signald is not there', async () => {
		assert.equal((await failsAt('connect', /Connection refused/, '--url', 'http://127.0.0.1:9')).code, 3);
	});
	await t.test('time is up', async () => {
		const mute = net.createServer(() => {}).listen(0, '127.0.0.1');

		await once(mute, 'listening');
		const ran = await failsAt('allocate', /did not answer/, '--turn', `turn:127.0.0.1:${mute.address().port}?transport=tcp`,
			'--timeout', '2');

		assert.ok(ran.took_ms < 10000, `${ran.took_ms} ms`);
		mute.close();
	});
	await t.test('a token that is not signed with our key', async () => {
		const file = i.file('tokens', `${i.token('x')}x\n${i.token('y')}`);

		await failsAt('connect', /refuses the connection: /, '--tokens', file);
	});
	await t.test('two tokens of one user', () =>
		failsAt('connect', /both tokens are of the same user/, '--tokens', i.file('tokens', `${i.token('x')}\n${i.token('x')}`)));
	await t.test('the callee is in a call already', async () => {
		const [callee, third] = await Promise.all(['y', 'z'].map((user) => join(t, i, user, { auth: { token: i.token(user) } })));

		await establish(third, callee);
		const ran = await failsAt('call', /signald said call:rejected busy/, '--tokens', i.file('tokens', `${i.token('x')}\n${i.token('y')}`));

		assert.ok(ran.took_ms < 15000, `${ran.took_ms} ms`);
	});
	await t.test('turnserver has been stopped', async () => {
		await i.daemons.turnserver.stop({ exits: endsSomehow });
		await failsAt('allocate', /did not answer/);
		i.daemons.turnserver = undefined;
	});
});

test('a relay that does not know the secret: nothing is given out, or 401 again', async (t) => {
	const i = await install(t, { turnserver: { 'auth-secret-file': undefined, 'static-auth-secret': 'something else entirely' } });
	const silent = await i.ctl('try');

	assert.match(silent.out, /^FAIL +credentials +signald gives no credentials: No TURN credentials/m, silent.out);
	assert.match(silent.out, /\nFAIL\n$/);
	assert.equal(silent.code, 1);

	const other = await install(t);
	const ran = await other.ctl('try', '--turn', i.turnUrls[0]);

	assert.match(ran.out, /^FAIL +allocate +401 again: wrong secret or realm/m, ran.out + ran.err);
	assert.equal(ran.code, 1);
});

test('a relay that may not reach itself: the step says that it was refused', async (t) => {
	const i = await install(t, { turnserver: { 'denied-peer-ip': '127.0.0.0-127.255.255.255' } });
	const ran = await i.ctl('try');

	assert.match(ran.out, /^FAIL +relay +403 Forbidden/m, ran.out + ran.err);
	assert.match(ran.out, /denied-peer-ip/);
});
