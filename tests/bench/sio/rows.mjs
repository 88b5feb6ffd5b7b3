/* rows.mjs - what is measured, one row of the table each: how, in which unit, and what it should be */
import { canTls, Load, Server, sleep } from './servers.mjs';

const IDLE = 10000;
const STORM = 15000;
const CALLS = 5000;
const RATE = 15000; /* events a second */
const DIALS = 1500; /* calls a second */
const PAIRS = ['--pairs', 8, '--size', 1177];
const STORM_AFTER_MS = 1500; /* events run for so long before the server goes */
const STATS = '/api/admin/calls/stats';

/* One server, one run of the loader. */
async function measured(kind, options, args) {
	const server = await new Server(kind, options).start();

	try {
		return await new Load(server, typeof args === 'function' ? args(server) : args).result();
	} finally {
		await server.stop();
	}
}

async function memory(kind, { tls }, mode) {
	const r = await measured(kind, { tls, small: true }, ['--idle', IDLE, '--settle-ms', mode.settle, '--warmup-ms', 0, '--duration-ms', 1]);

	return { value: (r.server.ready_bytes - r.server.start_bytes) / IDLE };
}

async function atStart(kind) {
	const r = await measured(kind, { small: true }, ['--settle-ms', 2500, '--warmup-ms', 0, '--duration-ms', 1]);

	return { value: r.server.start_bytes / 1048576, note: `RSS ${(r.server.start_rss / 1048576).toFixed(1)} MB` };
}

async function saturation(kind, { tls }, mode) {
	const r = await measured(kind, { tls }, [...PAIRS, '--duration-ms', mode.duration]);

	return { value: r.server.cpu_us / r.events.n, note: `${Math.round(r.events.n / (r.server.wall_us / 1e6) / 1000)}k/s` };
}

const tail = (r) => ({
	value: r.events.p99_us / 1000,
	note: `p50 ${(r.events.p50_us / 1000).toFixed(2)}, max ${(r.events.max_us / 1000).toFixed(1)}`,
});

const paced = (mode) => [...PAIRS, '--rate', RATE, '--duration-ms', mode.duration];

async function latency(kind, options, mode) {
	return tail(await measured(kind, options, paced(mode)));
}

async function callsAlone(kind, options, mode) {
	return tail(await measured(kind, {}, ['--calls', 9, ...paced(mode)]));
}

async function callsAmongMany(kind, options, mode) {
	const r = await measured(kind, {}, (server) => ['--calls', CALLS, ...paced(mode), '--stalled', 1,
		'--get', STATS, '--get-every-ms', 500, '--token', server.token]);
	const found = tail(r);

	if (!r.get.n || r.get.failed)
		throw new Error(`${STATS}: ${JSON.stringify(r.get)}`);
	found.note += `; ${r.get.n} documents of ${(r.get.bytes / 1048576).toFixed(1)} MB in ${(r.get.p50_us / 1000).toFixed(0)} ms`;
	return found;
}

async function joins(kind, { via, tls }, mode) {
	const r = await measured(kind, { tls }, ['--churn', 32, '--via', via, '--duration-ms', mode.duration]);

	if (r.joins.failed)
		throw new Error(`${r.joins.failed} joins failed at ${kind}`);
	return { value: r.server.cpu_us / r.joins.n, note: `${Math.round(r.joins.n / (r.server.wall_us / 1e6))}/s` };
}

async function cycles(kind, { idle }, mode) {
	const r = await measured(kind, {}, ['--cycles', 16, ...(idle ? ['--idle', IDLE] : []), '--duration-ms', mode.duration]);

	return { value: r.server.cpu_us / r.cycles.n, note: `${Math.round(r.cycles.n / (r.server.wall_us / 1e6))}/s` };
}

/* Whole calls: as many as go, or so many a second. */
async function calls(kind, options, mode) {
	const r = await measured(kind, {}, ['--dials', 32, '--duration-ms', mode.duration]);

	return { value: r.server.cpu_us / r.dials.n, note: `${Math.round(r.dials.n / (r.server.wall_us / 1e6))} calls/s` };
}

async function setUp(kind, options, mode) {
	const { dials } = await measured(kind, {}, ['--dials', 1024, '--rate', DIALS, '--duration-ms', mode.duration]);

	if (dials.skipped)
		throw new Error(`${dials.skipped} calls found no free pair at ${kind}`);
	return { value: dials.p99_us / 1000, note: `p50 ${(dials.p50_us / 1000).toFixed(2)}, max ${(dials.max_us / 1000).toFixed(1)}` };
}

const inMs = (us) => `${(us / 1000).toFixed(1)} ms`;

/* The server is killed, and another started in its place, while events run. Those have a loader of their own, which
 * the other one's work for thousands of clients does not make late. */
async function storm(kind, { tls }) {
	const server = await new Server(kind, { tls }).start();
	const words = kind === 'signald' ? ['--signald'] : [], calls = kind === 'signald' ? ['--calls', 4] : [];

	try {
		const clients = new Load(server, ['--storm', '--idle', STORM, ...words, '--opening', 256, '--duration-ms', 0], { outlives: true, busy: true });
		const events = new Load(server, ['--storm', '--pairs', 4, ...calls, '--rate', 1000], { outlives: true });

		await Promise.all([clients.ready, events.ready]);
		await sleep(STORM_AFTER_MS);
		await server.kill();
		await server.start();
		await clients.told;
		const e = (await events.end()).events, r = await clients.result();

		return {
			value: r.storm.all_back_ms / 1000,
			note: `half back in ${(r.storm.p50_ms / 1000).toFixed(1)} s; ${r.storm.refused} times 503; events meanwhile p99 ${inMs(e.p99_us)}, max ${inMs(e.max_us)}`,
			p99_ms: e.p99_us / 1000,
		};
	} finally {
		await server.stop();
	}
}

const both = ['ours', 'node'];
const limit = ['ours', 'node', 'bare'];

/* sides: whom to measure, in turn; the first one's value over the second's is the ratio, to be at most goal.
 * most: the first one's value may not be above. */
export const rows = [
	{ id: 'memory', name: 'memory per idle WebSocket client in a room, 10,000 of them', unit: 'B', sides: both, run: memory, goal: 0.1, rounds: [1, 3] },
	{ id: 'memory-tls', name: 'the same over TLS', unit: 'B', sides: both, run: memory, options: { tls: true }, goal: 0.5, rounds: [1, 2] },
	{ id: 'start', name: 'memory at start', unit: 'MB', sides: ['ours', 'node', 'signald'], run: atStart, most: 3, mostOf: ['ours', 'signald'], rounds: [1, 1] },
	{ id: 'event', name: 'CPU per relayed event of 1,177 bytes, at saturation', unit: 'us', sides: limit, run: saturation, goal: 0.35, rounds: [3, 7] },
	{ id: 'event-tls', name: 'the same over TLS', unit: 'us', sides: both, run: saturation, options: { tls: true }, rounds: [1, 3] },
	{ id: 'p99', name: 'p99 at 15,000 events/s', unit: 'ms', sides: limit, run: latency, goal: 0.5, rounds: [5, 11] },
	{ id: 'p99-busy', name: 'p99 in signald at 15,000 events/s with 5,000 calls, their statistics polled twice a second and a reader who stopped, beside signald with 9 calls',
		unit: 'ms', sides: ['signald', 'signald'], runs: [callsAmongMany, callsAlone], goal: 2, rounds: [5, 9] },
	{ id: 'call', name: 'CPU per call, from call:initiate to call:ended with four candidates, at saturation', unit: 'us', sides: ['signald', 'node'], run: calls, goal: 0.5, rounds: [3, 7] },
	{ id: 'call-p99', name: 'p99 of the set-up of a call, from call:initiate to call:answer, at 1,500 calls/s', unit: 'ms', sides: ['signald', 'node'], run: setUp, goal: 1, rounds: [5, 11] },
	{ id: 'join', name: 'CPU per connect and join, WebSocket only', unit: 'us', sides: both, run: joins, options: { via: 'websocket' }, goal: 0.25, rounds: [2, 5] },
	{ id: 'join-upgrade', name: 'the same, polling with upgrade', unit: 'us', sides: both, run: joins, options: { via: 'upgrade' }, goal: 0.25, rounds: [2, 5] },
	{ id: 'join-tls', name: 'the same, WebSocket over TLS (with a full handshake)', unit: 'us', sides: both, run: joins, options: { via: 'websocket', tls: true }, rounds: [1, 3] },
	{ id: 'cycle', name: 'CPU per poll/push cycle with 10,000 WebSockets open, beside none', unit: 'us', sides: ['ours', 'ours'], run: cycles,
		optionsOf: [{ idle: true }, {}], goal: 1.5, rounds: [2, 5] },
	{ id: 'storm', name: '15,000 clients come back after a restart of signald, which has a budget for handshakes', unit: 's', sides: ['signald', 'node'],
		run: storm, most: 10, mostP99: 100, rounds: [1, 3] },
	{ id: 'storm-tls', name: 'the same over TLS', unit: 's', sides: ['signald', 'node'], run: storm, options: { tls: true }, rounds: [1, 1] },
	{ id: 'storm-free', name: 'the same without a budget', unit: 's', sides: ['ours'], run: storm, rounds: [1, 3] },
];

export const modes = {
	quick: { index: 0, settle: 2500, duration: 2500 },
	full: { index: 1, settle: 5000, duration: 5000 },
};

/* Side i of a row, once. */
export async function runSide(row, i, mode) {
	const kind = row.sides[i], options = row.optionsOf?.[i] ?? row.options ?? {};

	if (options.tls && !canTls(kind))
		return null;
	return (row.runs?.[i] ?? row.run)(kind, options, mode);
}
