#!/usr/bin/env node
/* bench.mjs - signald's Socket.IO beside npm socket.io, row by row, in turn
 *
 *	[BUILD_DIR=DIR] tests/bench/sio/bench.mjs [--full] [--rows ID,ID] [--table FILE]
 * The server has one core, the loader the other. Exit status 1 when a goal was missed. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { runRows } from '../lib/table.mjs';
import { modes, rows, runSide } from './rows.mjs';

const PEER = fileURLToPath(new URL('./node', import.meta.url));
const LABELS = { ours: 'sio-echo', node: 'Node', bare: 'bare epoll echo', signald: 'signald' };
const { values: options } = parseArgs({ options: { full: { type: 'boolean' }, rows: { type: 'string' }, table: { type: 'string' } } });
const mode = modes[options.full ? 'full' : 'quick'];

function installPeer() {
	const stamp = path.join(PEER, 'node_modules', '.package-lock.json');

	if (!fs.existsSync(stamp))
		execFileSync('npm', ['ci', '--no-progress', '--ignore-scripts'], { cwd: PEER, stdio: 'inherit' });
}

const versionOf = (name) => JSON.parse(fs.readFileSync(path.join(PEER, 'node_modules', name, 'package.json'), 'utf8')).version;

async function main() {
	const wanted = options.rows?.split(',');
	const chosen = rows.filter((row) => !wanted || wanted.includes(row.id));

	installPeer();
	const where = `Node ${process.version}, socket.io ${versionOf('socket.io')}, ws ${versionOf('ws')}; ${os.cpus()[0]?.model}, Linux ${os.release()}; ` +
		`${options.full ? 'full' : 'quick'} mode`;

	const missed = await runRows(chosen, { where, beside: 'beside', labels: LABELS, mode, runSide, table: options.table });

	process.exit(missed ? 1 : 0);
}

await main();
