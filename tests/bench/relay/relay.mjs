#!/usr/bin/env node
/* relay.mjs - turnserver beside turnserver-stock, row by row, in turn
 *
 *	[BUILD_DIR=DIR] tests/bench/relay/relay.mjs [--full] [--rows ID,ID] [--table FILE] [--ours FILE] [--stock FILE]
 * Server and loader share one core, in a network of their own; ours has its hook on. Instructions are callgrind's, which
 * counts those of user space; CPU is user and system time of all threads of the server, by the scheduler.
 * Exit status 1 when a goal was missed. */
import { spawnSync } from 'node:child_process';
import os from 'node:os';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
	options: { full: { type: 'boolean' }, rows: { type: 'string' }, table: { type: 'string' }, ours: { type: 'string' }, stock: { type: 'string' } },
});

/* Nobody else's ports, no neighbours' traffic. Root keeps its rights, which on-core can use. */
if (!process.env.BENCH_NETNS) {
	const { status } = spawnSync('unshare', ['--net', ...(process.getuid() === 0 ? [] : ['--map-root-user']),
		'sh', '-c', 'ip link set lo up && exec "$0" "$@"', process.execPath, ...process.argv.slice(1)],
	{ stdio: 'inherit', env: { ...process.env, BENCH_NETNS: '1' } });

	process.exit(status ?? 2);
}

const { runRows } = await import('../lib/table.mjs');
const { modes, rows, runSide } = await import('./rows.mjs');
const { useProgram } = await import('./servers.mjs');

for (const kind of ['ours', 'stock'])
	if (options[kind])
		useProgram(kind, options[kind]);

const wanted = options.rows?.split(',');
const chosen = rows.filter((row) => !wanted || wanted.includes(row.id));
const missed = await runRows(chosen, {
	where: `${os.cpus()[0]?.model}, Linux ${os.release()}; ${options.full ? 'full' : 'quick'} mode`,
	beside: 'stock',
	labels: { ours: 'ours', stock: 'stock' },
	mode: modes[options.full ? 'full' : 'quick'],
	runSide,
	table: options.table,
});

process.exit(missed ? 1 : 0);
