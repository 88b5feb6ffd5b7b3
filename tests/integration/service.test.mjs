/* service.test.mjs - what systemd and the log are told: served, how it is, what to do next, reloading, stopping, alive */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import { Client, join } from './lib/client.mjs';
import { Control } from './lib/control.mjs';
import { Notified } from './lib/notify.mjs';
import { Stack } from './lib/stack.mjs';
import { newStateDir, sleep, until } from './lib/suite.mjs';

const options = { timeout: 120000 };
const SETUP = 'sudo signalctl setup --realm NAME --host NAME --external-ip auto --cert FILE --pkey FILE';
const PUBLIC = { 'turn-urls': 'turn:turn.example.org:3478', 'stun-urls': 'stun:turn.example.org:3478' };

/* signald, told to notify; with a control socket, too. */
async function start(t, { turnserver = false, signald = {}, env = {} } = {}) {
	const notified = await Notified.start(t);
	const controlFile = path.join(newStateDir(), 'control.sock');
	const stack = new Stack({
		env: { NOTIFY_SOCKET: notified.path, ...env },
		signald: { 'control-socket': controlFile, ...(turnserver ? {} : { 'relay-socket': undefined }), ...signald },
	});

	t.after(() => stack.stop());
	await stack.init();
	if (turnserver)
		await stack.startTurnserver();
	await stack.startSignald();
	return { stack, notified, control: new Control(t, controlFile) };
}

test('signald is ready when it listens, and a fresh one says what to do next: to systemd, in the log, on the control socket', options, async (t) => {
	const { stack, notified, control } = await start(t);
	const [first] = notified.messages();
	const line = `serving 127.0.0.1:${stack.port} only; next: ${SETUP}`;

	assert.deepEqual(first, ['READY=1', `STATUS=${line}`]);
	assert.ok(stack.daemons.signald.logText().includes(`next: ${SETUP}\n`));
	const status = await control.done('status');

	assert.equal(status.summary, line);
	assert.equal(status.next, SETUP);
});

test('counts are told, but seldom', options, async (t) => {
	const { stack, notified, control } = await start(t, { signald: PUBLIC });

	assert.equal(notified.last('STATUS'), `serving 127.0.0.1:${stack.port} only; 0 sessions, 0 calls`);
	await join(t, stack, 'alice');
	await join(t, stack, 'bob');
	await until('it is in status', async () => (await control.done('status')).summary.includes('; 2 sessions, 0 calls'));
	assert.equal((await control.done('status')).next, undefined);
	await until('it is told', () => notified.last('STATUS').includes('; 2 sessions, 0 calls'), 15000);
	assert.ok(notified.messages().length <= 3, JSON.stringify(notified.messages()));
	assert.doesNotMatch(stack.daemons.signald.logText(), /next:/);
});

test('a turnserver that is away is told, and that it is back', options, async (t) => {
	const { stack, notified } = await start(t, { turnserver: true, signald: PUBLIC });

	await until('it is there', async () => (await stack.rest.health()).turn.connected);
	await stack.daemons.turnserver.kill('SIGTERM');
	await until('it is told', () => notified.last('STATUS').endsWith('; turnserver is away; next: systemctl status coturn'), 20000);
	assert.match(stack.daemons.signald.logText(), /next: systemctl status coturn/);
	await stack.startTurnserver();
	await until('it is told', () => !/away/.test(notified.last('STATUS')), 20000);
});

test('SIGHUP: reloading, then ready', options, async (t) => {
	const { stack, notified } = await start(t);

	stack.daemons.signald.process.kill('SIGHUP');
	const reloading = await notified.next('RELOADING=1');

	assert.match(reloading[1], /^MONOTONIC_USEC=\d+$/);
	await until('ready again', () => notified.count('READY=1') === 2);
	const names = notified.messages().map((m) => m[0]);

	assert.ok(names.indexOf('RELOADING=1') < names.lastIndexOf('READY=1'));
	assert.match(notified.last('STATUS'), /^serving /);
});

test('SIGTERM: stopping, and it asks for the time that takes', options, async (t) => {
	const { stack, notified } = await start(t, { signald: { 'drain-window': 3 } });
	const clients = [...Array(200)].map((_, i) => new Client(stack, `u${i}`, { transports: ['websocket'] }));

	t.after(() => clients.forEach((c) => c.close()));
	await until('all are connected', () => clients.every((c) => c.socket.connected), 60000);
	assert.deepEqual(await stack.daemons.signald.kill('SIGTERM'), { code: 0, signal: null });
	const stopping = await notified.next('STOPPING=1');

	assert.deepEqual(stopping, ['STOPPING=1', 'STATUS=stopping: 200 sessions yet to leave', 'EXTEND_TIMEOUT_USEC=23000000']);
	assert.match(notified.last('STATUS'), /^stopping: \d+ sessions? yet to leave$/);
});

test('the watchdog is answered, and not by a signald that hangs', options, async (t) => {
	const { stack, notified } = await start(t, { env: { WATCHDOG_USEC: '400000' } });

	await until('it is answered', () => notified.count('WATCHDOG=1') >= 5);
	stack.daemons.signald.process.kill('SIGSTOP');
	await sleep(300); /* what is under way */
	const before = notified.count('WATCHDOG=1');

	await sleep(1000);
	assert.equal(notified.count('WATCHDOG=1'), before);
	stack.daemons.signald.process.kill('SIGCONT');
	await until('it is again', () => notified.count('WATCHDOG=1') > before);
});
