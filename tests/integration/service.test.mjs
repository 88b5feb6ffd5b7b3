/* service.test.mjs - what systemd and the log are told: ready, how it is, what to do next, reloading, stopping, alive */
import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, test } from 'node:test';

import { callWithCredentials, Client, join } from './lib/client.mjs';
import { Control } from './lib/control.mjs';
import { readJournal } from './lib/journal.mjs';
import { Notified } from './lib/notify.mjs';
import { Stack } from './lib/stack.mjs';
import { newStateDir, sleep, until } from './lib/suite.mjs';
import { allocation, errorOf, udpPeer } from './lib/turn_client.mjs';
import { Admin } from './lib/turnserver.mjs';

const options = { timeout: 120000 };
const SETUP = 'sudo signalctl setup --realm NAME --host NAME --external-ip auto --cert FILE --pkey FILE';
const PUBLIC = { 'turn-urls': 'turn:turn.example.org:3478', 'stun-urls': 'stun:turn.example.org:3478' };

/* signald, told to notify, with a control socket; and with a turnserver that has these options. */
async function start(t, { turnserver = false, options: more = {}, signald = {}, env = {} } = {}) {
	const notified = await Notified.start(t);
	const controlFile = path.join(newStateDir(), 'control.sock');
	const stack = new Stack({
		env: { NOTIFY_SOCKET: notified.path, ...env },
		turnserver: more,
		signald: { 'control-socket': controlFile, ...(turnserver ? {} : { 'relay-socket': undefined }), ...signald },
	});

	t.after(() => stack.stop());
	await stack.init();
	if (turnserver)
		await stack.startTurnserver();
	await stack.startSignald();
	await until('it is told', () => notified.messages().some((m) => m.some((line) => line.startsWith('STATUS=serving '))));
	return { stack, notified, control: new Control(t, controlFile) };
}

/* They wait more than they work. */
describe('the service', { concurrency: 4 }, () => {
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
		stack.daemons.signald.process.kill('SIGTERM');
		const stopping = await notified.next('STOPPING=1');

		stack.daemons.signald.process.kill('SIGHUP'); /* files are read, and nothing is told: it is not ready again */
		assert.deepEqual(await stack.daemons.signald.ended, { code: 0, signal: null });
		assert.match(stack.daemons.signald.logText(), /stopping: clients leave[^]*secrets/);
		assert.equal(notified.count('RELOADING=1'), 0);
		assert.equal(notified.count('READY=1'), 1);
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

	/* A call that relays, and a turnserver that waits for it when it stops. */
	async function relaying(t, wait_s) {
		const { stack, notified, control } = await start(t, { turnserver: true, options: { 'stop-wait': wait_s }, signald: PUBLIC });
		const peer = await udpPeer(t, { echo: true });
		const call = await callWithCredentials(t, stack);
		const relay = await allocation(t, stack, call.credentials);

		await relay.permit(peer);
		await relay.sendTo(peer, 10, 100);
		await until('media passes', () => relay.received === 1000);
		return { stack, notified, control, peer, relay, ...call };
	}

	/* The last STATUS like this: both daemons tell. */
	const statusOf = (notified, like) => notified.messages().flat().findLast((line) => line.startsWith('STATUS=') && like.test(line)) ?? '';

	const ends = (stack, callId) => until('its end is in the journal', () => {
		const found = readJournal(path.join(stack.dir, 'usage.journal')).filter((line) => line.call === callId);

		return found.length && found;
	});

	test('turnserver with stop-wait: what is new is refused, what lives goes on, and with the last one it goes', options, async (t) => {
		const { stack, notified, control, peer, relay, callId, credentials } = await relaying(t, 60);
		const { turnserver } = stack.daemons;

		await until('both daemons are ready', () => notified.count('READY=1') >= 2);
		turnserver.process.kill('SIGTERM');
		await until('systemd is told', () => /stopping: 1 allocation, 1 call left, for at most \d+ s$/.test(statusOf(notified, /stopping/)));
		assert.ok(Number(notified.last('EXTEND_TIMEOUT_USEC')) > 60e6);
		await until('signald says so', () => /; turnserver drains: no new calls over it, and it exits with the last one$/m.test(statusOf(notified, /serving/)));
		assert.equal((await control.done('status')).relay_draining, true);
		assert.equal(await errorOf(allocation(t, stack, credentials)), 508);
		await relay.sendTo(peer, 10, 100);
		await until('media passes still', () => relay.received === 2000);
		await until('the time that is left gets less', () => Number(statusOf(notified, /stopping/).match(/at most (\d+) s/)[1]) <= 58);
		assert.equal(turnserver.end, undefined);
		await relay.release();
		assert.deepEqual(await turnserver.ended, { code: 0, signal: null });
		assert.doesNotMatch(turnserver.logText(), /cuts off/);
		const [end] = await ends(stack, callId);

		assert.equal(end.exact, true);
		assert.equal(end.reason, 'timeout');
		assert.equal(end.totals[7], 2000);
	});

	test('turnserver with stop-wait that is killed while it waits: what it relayed is counted by the next', options, async (t) => {
		const { stack, notified, relay, callId, roomName } = await relaying(t, 60);
		const { turnserver } = stack.daemons;

		await until('a sample has it', async () => (await stack.rest.call(roomName)).relay.sentBytes === 1000);
		turnserver.process.kill('SIGTERM');
		await until('systemd is told', () => statusOf(notified, /stopping: 1 allocation/));
		assert.deepEqual(await turnserver.kill('SIGKILL'), { code: null, signal: 'SIGKILL' });
		relay.relayed = null;
		await stack.startTurnserver();
		const found = await ends(stack, callId);

		assert.equal(found.length, 1);
		assert.equal(found[0].totals[7], 1000);
	});

	test('turnserver with stop-wait that drains already waits all the same, and drain cannot be taken back then', options, async (t) => {
		const { stack, notified, relay } = await relaying(t, 60);
		const { turnserver } = stack.daemons;
		const admin = await Admin.connect(t, stack.adminSocket);

		assert.equal((await admin.command({ c: 'drain' })).ok, true);
		turnserver.process.kill('SIGTERM');
		await until('systemd is told', () => statusOf(notified, /stopping: 1 allocation, 1 call left/));
		assert.equal((await admin.command({ c: 'drain', off: true })).ok, false);
		turnserver.process.kill('SIGHUP');
		await sleep(1500);
		assert.equal(turnserver.end, undefined);
		await relay.release();
		assert.deepEqual(await turnserver.ended, { code: 0, signal: null });
	});

	for (const [how, wait_s, strike] of [
		['whose time is up', 2, () => {}],
		['that is told twice', 60, async (turnserver, notified) => {
			await until('it waits', () => statusOf(notified, /stopping: 1 allocation, 1 call left/));
			await sleep(500);
			assert.equal(turnserver.end, undefined);
			turnserver.process.kill('SIGTERM');
		}],
	])
		test(`turnserver with stop-wait ${how} ends what is left with its totals, and says how much that was`, options, async (t) => {
			const { stack, notified, relay, callId } = await relaying(t, wait_s);
			const { turnserver } = stack.daemons;
			const began_ms = Date.now();

			turnserver.process.kill('SIGTERM');
			await strike(turnserver, notified);
			assert.deepEqual(await turnserver.ended, { code: 0, signal: null });
			assert.ok(Date.now() - began_ms < 20000);
			assert.ok(wait_s !== 2 || Date.now() - began_ms >= 2000);
			relay.relayed = null;
			assert.match(turnserver.logText(), /WARNING: stop: stopping cuts off 1 allocation, 1 call\n/);
			await notified.next('STATUS=stopping: cuts off 1 allocation, 1 call');
			const [end] = await ends(stack, callId);

			assert.equal(end.exact, true);
			assert.equal(end.reason, 'server-stop');
			assert.equal(end.totals[7], 1000);
		});
});
