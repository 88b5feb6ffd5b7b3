/* threads.test.mjs - both daemons under ThreadSanitizer, with traffic and commands at the same time
 *
 *	BUILD_DIR=build/tsan tests/integration/run.sh tsan/threads.test.mjs
 *
 * For programs configured with --enable-sanitizers=thread; run-tests.sh has it as a stage. A report
 * with code of ours in it fails; those of coturn alone have to be in tests/tsan.supp. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';

import { Stack, startStack } from '../lib/stack.mjs';
import { confide, newStateDir, now, program, sleep, until } from '../lib/suite.mjs';
import { everyTransport, Swarm } from '../lib/swarm.mjs';
import { LIBRARIES, readReport, readReports, readSuppressions, reportTo, SUPPRESSIONS, unexcused } from '../lib/tsan.mjs';
import { Admin } from '../lib/turnserver.mjs';
import { uclient } from '../lib/uclient.mjs';

/* Lines of tests/tsan.supp and tests/tsan_libs.supp. They may only become fewer. */
const SUPPRESSIONS_MAX = 8, LIBRARIES_MAX = 1;
const LOAD_MS = Number(process.env.TSAN_LOAD_MS ?? 12000);
const REPORTS_SHOWN = 5;
const COMMAND_PAUSE_MS = 25;
const COMMANDS_AT_ONCE = 5;
const OTHER_SECRET = confide('the-secret-that-comes-and-goes');

const suppressions = readSuppressions(SUPPRESSIONS, 'race');

/* Whatever else the test did, what was reported decides. */
function judge(prefix) {
	const bad = unexcused(readReports(prefix), suppressions);
	const whose = (report) => (report.ours ? 'ours' : 'of coturn, and not in tests/tsan.supp');

	assert.equal(bad.length, 0, `reports in ${prefix}.*; the first are\n${
		bad.slice(0, REPORTS_SHOWN).map((report) => `${whose(report)}:${report.text}`).join('')}`);
}

/* A stack that serves everything a swarm can do, and what the swarm has to know of it. */
async function serving(turnserver) {
	const { stack, swarm } = await everyTransport();

	Object.assign(stack.turnserver, turnserver);
	return { options: stack, swarm: { ...swarm, rate: 20, quietMs: 100 } };
}

/* Programs started from now on write their reports to files of this prefix. */
function collectReports() {
	const prefix = path.join(newStateDir(), 'tsan');

	Object.assign(process.env, reportTo(prefix));
	return prefix;
}

const load = (t, swarm, secret, options) => new Swarm(t, {
	...swarm, secret, ramp: 100, churn: 15, lifeMs: '50:2000', mortal: 70, ends: 'refresh,close,expire', ...options,
});

/* As writers of the file must: a new one, renamed over the old. */
function replaceSecrets(stack, turn) {
	const lines = fs.readFileSync(stack.secretsFile, 'utf8').split('\n').filter((l) => l && !l.startsWith('other '));

	if (turn % 2)
		lines.push(`other ${OTHER_SECRET}`);
	fs.writeFileSync(`${stack.secretsFile}.new`, lines.map((l) => `${l}\n`).join(''), { mode: 0o600 });
	fs.renameSync(`${stack.secretsFile}.new`, stack.secretsFile);
}

/* Every command, with something that is alive or was a moment ago. */
const commands = [
	({ call }) => ({ c: 'limit', call, bytes_per_s: 2000 }),
	({ id }) => ({ c: 'kill', alloc: id, reason: 'why not' }),
	({ user }) => ({ c: 'list', user }),
	({ call }) => ({ c: 'revoke', call, until: now() + 2 }),
	() => ({ c: 'stats' }),
	({ user }) => ({ c: 'revoke', user, until: now() + 60, reason: 'a reason of its own' }),
	() => ({ c: 'reload' }),
	({ user }) => ({ c: 'unrevoke', user }),
	() => ({ c: 'limit', each: 'client', allocations: 1000, bytes_per_s: 20000 }),
	() => ({ c: 'list' }),
	({ call }) => ({ c: 'kill', call }),
	() => ({ c: 'drain' }),
	() => ({ c: 'drain', off: true }),
	({ user }) => ({ c: 'limit', user, allocations: 1 }),
	({ user }) => ({ c: 'kill', user }),
	() => ({ c: 'limit', each: 'client', allocations: 0, bytes_per_s: 0 }),
];

/* The place is free when turnserver has seen that the one before is gone, or did not come to be the ledger. */
const becomeLedger = (t, stack, from) => until('the ledger\'s place is free', async () => {
	const admin = await Admin.connect(t, stack.adminSocket);

	admin.send({ c: 'sub', role: 'ledger', ...(from ? { from } : {}) });
	const { error } = await admin.wait((l) => l.e === 'synced' || l.e === 'reply');

	if (error === 'ledger-taken') {
		admin.socket.destroy();
		return null;
	}
	return admin;
});

/* The ledger: acknowledges what came, leaves and comes back. */
async function keepLedger(t, stack, stopped) {
	let from;

	for (let turn = 0; !stopped(); turn++) {
		const admin = await becomeLedger(t, stack, from);
		let reply;

		for (const end = Date.now() + 2500; Date.now() < end && !stopped(); await sleep(50)) {
			reply ??= admin.lines.find((l) => l.e === 'reply');
			const last = admin.lines.findLast((l) => l.e === 'end');

			admin.lines = [];
			if (!last)
				continue;
			from = { epoch: last.epoch, seq: last.seq };
			admin.send({ c: 'ack', ...from });
		}
		assert.equal(reply, undefined, 'the ledger gets no error');
		admin.socket.destroy();
	}
	return from;
}

/* Returns how many of which were done. */
async function command(t, stack, stopped) {
	const watcher = await (await Admin.connect(t, stack.adminSocket)).subscribe();
	const admin = await Admin.connect(t, stack.adminSocket);
	let turn = 0, done = 0;

	for (; !stopped(); await sleep(COMMAND_PAUSE_MS)) {
		const named = watcher.lines.filter((l) => l.e === 'new' && l.call).slice(-100);
		const some = named.slice(-COMMANDS_AT_ONCE);

		watcher.lines = named;
		for (const reply of await Promise.all(some.map((one) => admin.command(commands[turn++ % commands.length](one)))))
			done += reply.ok;
		admin.lines = [];
		if (turn % 20 < some.length)
			replaceSecrets(stack, Math.floor(turn / 20));
		if (turn % 50 < some.length)
			stack.daemons.turnserver.process.kill('SIGHUP');
	}
	return { turn, done };
}

/* What the swarm does not do: move to another address (RFC 8016), relay TCP (RFC 6062). They are killed
 * and refused like the others, so it does not matter how they end. */
async function keepCalling(stack, args, stopped) {
	for (let turn = 0; !stopped(); turn++)
		await uclient(stack, stack.credentials(`u${turn}`), ['-y', '-n', 50, '-m', 4, '-l', 100, ...args], 4000).catch(() => {});
}

test('the programs are built with ThreadSanitizer', () => {
	for (const name of ['turnserver', 'signald'])
		assert.ok(fs.readFileSync(program(name)).includes('__tsan_init'), `${program(name)}: --enable-sanitizers=thread`);
});

test('what is suppressed has a reason, and does not become more', () => {
	const libraries = readSuppressions(LIBRARIES, 'called_from_lib');

	for (const { fn, reason } of [...suppressions, ...libraries])
		assert.match(reason, /\w+ \w+/, `${fn}: a comment above it says why`);
	assert.ok(suppressions.length <= SUPPRESSIONS_MAX, `${suppressions.length} lines, at most ${SUPPRESSIONS_MAX}`);
	assert.ok(libraries.length <= LIBRARIES_MAX, `${libraries.length} libraries, at most ${LIBRARIES_MAX}`);
});

test('a suppression excuses coturn, never code of ours', () => {
	const report = (...frames) => readReport(['WARNING: ThreadSanitizer: data race (pid=1)', '  Write of size 4 at 0x1 by thread T1:',
		...frames.map(([fn, where], i) => `    #${i} ${fn} ${where}:1 (turnserver+0x1)`), '',
		'  Thread T1 (tid=2, running) created by main thread at:', '    #0 watch_open ../coturn-ext/watch.c:1 (turnserver+0x1)'].join('\n'));
	const coturn = ['timer_handler', 'coturn/patched-speed/src/apps/relay/ns_ioalib_engine_impl.c'];
	const other = ['run', 'coturn/patched-speed/src/apps/relay/netengine.c'];
	const ours = ['cell_publish', '../../coturn-ext/cells.c'];
	const main = ['main', '../../coturn-ext/turnserver_main.c'];
	const list = [{ fn: 'timer_handler', used: 0 }];
	const excused = (...frames) => !unexcused([report(...frames)], list).length;

	assert.ok(excused(coturn, other, main));
	assert.ok(excused(['memcpy', '../tsan.cpp'], coturn, main));
	assert.equal(list[0].used, 2);
	assert.ok(!excused(other, coturn, main), 'it only called what does it');
	assert.ok(!excused(coturn, ours, main));
	assert.ok(!excused(ours, coturn));
	assert.ok(excused(coturn, ['turn_log_func_default', 'coturn/patched-speed/src/apps/common/ns_turn_utils.c'], ours));
});

test('turnserver: traffic, commands, a ledger, changing secrets, SIGTERM', async (t) => {
	const { options, swarm } = await serving({
		'relay-threads': 4, 'mobility': true, 'strict-expiry': 1, 'client-quota': 30, 'user-quota': 100,
	});
	const prefix = collectReports();
	const stack = new Stack(options);

	t.after(() => stack.stop());
	await stack.init();
	await stack.startTurnserver();
	const end = Date.now() + LOAD_MS;
	const stopped = () => Date.now() >= end;
	const swarms = [
		load(t, swarm, stack.secret, { allocations: 60, user: 'a', call: 'c', perCall: 2 }),
		load(t, swarm, stack.secret, { allocations: 20, user: 'm', call: 'm', mobility: true }),
		load(t, swarm, stack.sharedSecret, { allocations: 20, name: `${now() + 3600}:${stack.sharedUser}` }),
		load(t, swarm, stack.secret, { allocations: 20, ttl: 3, user: 'x', call: 'x' }), /* they expire under way */
		load(t, swarm, OTHER_SECRET, { allocations: 5, user: 'o' }), /* refused every other time */
	];
	const [last, { turn, done }] = await Promise.all([
		keepLedger(t, stack, stopped),
		command(t, stack, stopped),
		keepCalling(stack, ['-M'], stopped),
		keepCalling(stack, ['-M', '-t'], stopped),
		keepCalling(stack, ['-t', '-T'], stopped),
	]);

	assert.equal((await stack.daemons.turnserver.kill('SIGTERM')).code, 0);
	await Promise.all(swarms.map((s) => s.serverGone()));
	t.diagnostic(`${last.seq} events, ${turn} commands, ${done} of them done`);
	assert.ok(last.seq > 100, `${last.seq} events`);
	assert.ok(done > turn / 2, `${done} of ${turn} commands were done`);
	judge(prefix);
});

test('signald: the loop and the ledger\'s worker, and a turnserver that is killed', async (t) => {
	const { options, swarm } = await serving();
	const prefix = collectReports();
	const stack = await startStack(t, options);

	for (const signal of ['SIGKILL', 'SIGTERM']) {
		const s = load(t, swarm, stack.secret, { allocations: 60, user: signal, call: 's' });

		for (const end = Date.now() + LOAD_MS / 4; Date.now() < end; await sleep(100)) {
			await stack.rest.health();
			await stack.rest.get('/api/ice-servers/somebody');
		}
		stack.daemons.signald.process.kill('SIGHUP');
		await stack.daemons.turnserver.kill(signal);
		await s.serverGone();
		await stack.startTurnserver();
		await until('signald is back', async () => (await stack.rest.health()).turn.connected);
	}
	assert.equal((await stack.daemons.signald.kill('SIGTERM')).code, 0);
	await stack.daemons.turnserver.kill('SIGTERM');
	judge(prefix);
});

after(() => {
	for (const { fn } of suppressions.filter((s) => !s.used))
		console.log(`# tests/tsan.supp: race:${fn} was not needed this time`);
});
