/* rows.mjs - what is measured, one row of the table each: how, in which unit, and what it should be */
import { Server } from './servers.mjs';

const LOST_MAX = 0.001; /* of the packets: more, and it was not the same work */

async function withServer(kind, options, work) {
	const server = new Server(kind, options);

	try {
		return await work(await server.start());
	} finally {
		await server.stop();
	}
}

function allCame(r) {
	const lost = 1 - r.received / r.sent;

	if (lost > LOST_MAX || r.late)
		throw new Error(`${r.sent - r.received} of ${r.sent} packets lost, ${r.late} late`);
	return r;
}

/* --- setting up -------------------------------------------------------------------------- */

async function setUp(kind, { transport = 'udp' }, mode) {
	const r = await withServer(kind, { tls: transport === 'tls' }, (server) =>
		server.load(['--transport', transport, '--some', 200, '--allocations', 200 + mode.setups]));

	return { value: r.cpu_ns / r.made / 1000, note: `${Math.round(r.made / (r.wall_us / 1e6)).toLocaleString('en')}/s` };
}

/* The first ones warm up; the counter is read between two runs of the loader. */
async function setUpInstructions(kind, { transport = 'udp' }) {
	const n = 400;

	return withServer(kind, { callgrind: true, tls: transport === 'tls' }, async (server) => {
		await server.load(['--transport', transport, '--allocations', 100]);
		const before = server.instructions();

		await server.load(['--transport', transport, '--allocations', n]);
		return { value: (server.instructions() - before) / n };
	});
}

/* --- relaying ---------------------------------------------------------------------------- */

const traffic = ({ transport = 'udp', size = 172, rate = 0 }) => ['--mode', 'relay', '--transport', transport, '--size', size, '--packets-rate', rate];

async function relay(kind, options, mode) {
	const r = allCame(await withServer(kind, { tls: options.transport === 'tls' }, (server) =>
		server.load([...traffic(options), '--duration-ms', mode.duration])));

	return { value: r.cpu_ns / r.packets / 1000, note: `${Math.round(r.packets / (r.wall_us / 1e6) / 1000)}k/s` };
}

/* Few and many packets, so that the allocations' own set-up falls out. */
async function relayInstructions(kind, options) {
	return withServer(kind, { callgrind: true, tls: options.transport === 'tls' }, async (server) => {
		const counts = [server.instructions()], packets = [];

		for (const count of [1000, 1000, 10000]) {
			packets.push((await server.load([...traffic(options), '--warmup-ms', 0, '--count', count])).all_packets);
			counts.push(server.instructions());
		}
		return { value: (counts[3] - counts[2] - (counts[2] - counts[1])) / (packets[2] - packets[1]) };
	});
}

/* --- memory ------------------------------------------------------------------------------ */

/* From few to many, so that what the server has for itself falls out; the silence lets the hook take its samples. */
async function memory(kind, { n }) {
	const r = await withServer(kind, {}, (server) =>
		server.load(['--some', 500, '--allocations', 500 + n, '--rate', 2000, '--settle-ms', 3000]));

	return { value: (r.rss_bytes - r.some_rss_bytes) / r.made };
}

const sides = ['ours', 'stock'];

export const rows = [
	{ id: 'setup-instructions', name: 'user instructions to set up an allocation (401, Allocate, ChannelBind), UDP', unit: 'instructions', sides, run: setUpInstructions, goal: 0.55, rounds: [1, 3] },
	{ id: 'setup', name: 'CPU of it', unit: 'us', sides, run: setUp, goal: 0.75, rounds: [5, 11] },
	{ id: 'setup-tcp', name: 'the same over TCP', unit: 'us', sides, run: setUp, options: { transport: 'tcp' }, rounds: [3, 7] },
	{ id: 'setup-tls', name: 'the same over TLS', unit: 'us', sides, run: setUp, options: { transport: 'tls' }, rounds: [3, 7] },
	{ id: 'relay', name: 'CPU per relayed packet, UDP, 172 bytes, at saturation', unit: 'us', sides, run: relay, goal: 0.9, rounds: [5, 15] },
	{ id: 'relay-1200', name: 'the same, 1,200 bytes', unit: 'us', sides, run: relay, options: { size: 1200 }, goal: 0.9, rounds: [5, 15] },
	{ id: 'relay-5000', name: 'the same, 172 bytes, 5,000 a second each way', unit: 'us', sides, run: relay, options: { rate: 5000 }, goal: 0.9, rounds: [5, 15] },
	{ id: 'relay-tcp', name: 'the same, client over TCP, at saturation', unit: 'us', sides, run: relay, options: { transport: 'tcp' }, rounds: [3, 7] },
	{ id: 'relay-tls', name: 'the same, client over TLS, at saturation', unit: 'us', sides, run: relay, options: { transport: 'tls' }, rounds: [3, 7] },
	{ id: 'relay-instructions', name: 'user instructions per relayed packet, UDP, 172 bytes', unit: 'instructions', sides, run: relayInstructions, rounds: [1, 3] },
	{ id: 'memory-3000', name: 'resident memory per UDP allocation with a channel, 3,000 of them', unit: 'B', sides, run: memory, options: { n: 3000 }, most: 6144, rounds: [1, 3] },
	{ id: 'memory-15000', name: 'the same, 15,000 of them', unit: 'B', sides, run: memory, options: { n: 15000 }, most: 6144, rounds: [1, 3] },
];

export const modes = {
	quick: { index: 0, setups: 2000, duration: 2000 },
	full: { index: 1, setups: 4000, duration: 4000 },
};

/* Side i of a row, once. */
export const runSide = (row, i, mode) => row.run(row.sides[i], row.options ?? {}, mode);
