#!/usr/bin/env node
/* bench.mjs - signald's Socket.IO beside npm socket.io, row by row, in turn
 *
 *	[BUILD_DIR=DIR] tests/bench/sio/bench.mjs [--full] [--rows ID,ID] [--table FILE]
 * The server has one core, the loader the other. In each round every side runs once, so that what else the
 * machine does meets all of them; the value is the median of the rounds, the ratio the median of their ratios.
 * Exit status 1 when a goal was missed. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

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

function median(values) {
	const sorted = [...values].sort((a, b) => a - b), half = sorted.length >> 1;

	return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

const figure = (v) => (v >= 100 ? Math.round(v).toLocaleString('en') : v >= 10 ? v.toFixed(1) : v.toFixed(2));

/* All rounds of a row: for each side what it gave. */
async function measure(row) {
	const rounds = row.rounds[mode.index], found = row.sides.map(() => []);

	for (let round = 0; round < rounds; round++) {
		for (let i = 0; i < row.sides.length; i++) {
			const one = await runSide(row, i, mode);

			if (!one)
				return null;
			found[i].push(one);
			console.log(`  ${row.id} ${round + 1}/${rounds} ${LABELS[row.sides[i]]}: ${figure(one.value)} ${row.unit}${one.note ? ` (${one.note})` : ''}`);
		}
	}
	return found;
}

function judge(row, found) {
	const values = found.map((side) => median(side.map((one) => one.value)));
	const ratio = values.length > 1 ? median(found[0].map((one, k) => one.value / found[1][k].value)) : null;
	const goals = [];

	if (row.goal)
		goals.push({ text: `ratio <= ${row.goal}`, met: ratio <= row.goal });
	if (row.most) {
		const judged = row.sides.map((side, i) => i).filter((i) => i === 0 || row.mostOf?.includes(row.sides[i]));

		goals.push({ text: `<= ${row.most} ${row.unit}`, met: judged.every((i) => values[i] <= row.most) });
	}
	if (row.mostP99)
		goals.push({ text: `events' p99 < ${row.mostP99} ms`, met: median(found[0].map((one) => one.p99_ms)) < row.mostP99 });
	return { values, ratio, goals, met: goals.every((g) => g.met) };
}

function line(row, found) {
	if (!found)
		return `| ${row.name} | not built | | | | |`;
	const { values, ratio, goals, met } = judge(row, found);
	const side = (i) => `${figure(values[i])} ${row.unit}${found[i][0].note ? ` (${found[i].at(-1).note})` : ''}`;
	const others = row.sides.slice(2).map((name, k) => `${LABELS[name]} ${side(k + 2)}`).join('; ');

	return `| ${row.name} | ${side(0)} | ${row.sides[1] ? side(1) : ''} | ${ratio === null ? '' : ratio.toFixed(2)} | ` +
		`${goals.map((g) => g.text).join(', ') || 'reported'} | ${goals.length ? (met ? 'met' : '**missed**') : ''}${others ? ` ${others}` : ''} |`;
}

async function main() {
	const wanted = options.rows?.split(',');
	const chosen = rows.filter((row) => !wanted || wanted.includes(row.id));
	const lines = ['| measure | ours | beside | ratio | goal | |', '|---|---|---|---|---|---|'];
	let missed = 0;

	installPeer();
	const where = `Node ${process.version}, socket.io ${versionOf('socket.io')}, ws ${versionOf('ws')}; ${os.cpus()[0]?.model}, Linux ${os.release()}; ` +
		`${options.full ? 'full' : 'quick'} mode`;

	console.log(where);
	for (const row of chosen) {
		let found = null;

		console.log(`${row.name}`);
		try {
			found = await measure(row);
			missed += found && !judge(row, found).met ? 1 : 0;
			lines.push(line(row, found));
		} catch (err) {
			missed++;
			console.log(`  FAILED: ${err.message}`);
			lines.push(`| ${row.name} | failed | | | | **missed** |`);
		}
	}
	console.log(`\n${lines.join('\n')}`);
	if (options.table)
		fs.writeFileSync(options.table, `${where}\n\n${lines.join('\n')}\n`);
	process.exit(missed ? 1 : 0);
}

await main();
