/* table.mjs - rows that are measured in rounds, side by side, and the table of what came out
 *
 * In each round every side runs once, so that what else the machine does meets all of them; the value is the median of
 * the rounds, the ratio the median of their ratios. A row has
 *	id, name, unit
 *	sides    whom to measure, in turn; the first one's value over the second's is the ratio
 *	goal     what the ratio is at most
 *	most     what the first one's value, and those of mostOf, is at most
 *	mostP99  the same of the first one's p99_ms
 *	rounds   [quick, full] */
import fs from 'node:fs';

function median(values) {
	const sorted = [...values].sort((a, b) => a - b), half = sorted.length >> 1;

	return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

const figure = (v) => (v >= 100 ? Math.round(v).toLocaleString('en') : v >= 10 ? v.toFixed(1) : v.toFixed(2));

/* All rounds of a row: for each side what it gave; null: a side is not there. */
async function measure(row, bench) {
	const rounds = row.rounds[bench.mode.index], found = row.sides.map(() => []);

	for (let round = 0; round < rounds; round++) {
		for (let i = 0; i < row.sides.length; i++) {
			const one = await bench.runSide(row, i, bench.mode);

			if (!one)
				return null;
			found[i].push(one);
			console.log(`  ${row.id} ${round + 1}/${rounds} ${bench.labels[row.sides[i]]}: ${figure(one.value)} ${row.unit}${one.note ? ` (${one.note})` : ''}`);
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

		goals.push({ text: `<= ${row.most.toLocaleString('en')} ${row.unit}`, met: judged.every((i) => values[i] <= row.most) });
	}
	if (row.mostP99)
		goals.push({ text: `events' p99 < ${row.mostP99} ms`, met: median(found[0].map((one) => one.p99_ms)) < row.mostP99 });
	return { values, ratio, goals, met: goals.every((g) => g.met) };
}

function line(row, found, labels) {
	if (!found)
		return `| ${row.name} | not built | | | | |`;
	const { values, ratio, goals, met } = judge(row, found);
	const side = (i) => `${figure(values[i])} ${row.unit}${found[i][0].note ? ` (${found[i].at(-1).note})` : ''}`;
	const others = row.sides.slice(2).map((name, k) => `${labels[name]} ${side(k + 2)}`).join('; ');

	return `| ${row.name} | ${side(0)} | ${row.sides[1] ? side(1) : ''} | ${ratio === null ? '' : ratio.toFixed(2)} | ` +
		`${goals.map((g) => g.text).join(', ') || 'reported'} | ${goals.length ? (met ? 'met' : '**missed**') : ''}${others ? ` ${others}` : ''} |`;
}

/* bench: where (what it ran on), beside (the second column's title), labels by side, mode (index: of the rounds),
 * runSide(row, i, mode) -> { value, note, p99_ms }. Returns how many goals were missed, and the table. */
export async function runRows(rows, bench) {
	const lines = [`| measure | ours | ${bench.beside} | ratio | goal | |`, '|---|---|---|---|---|---|'];
	let missed = 0;

	console.log(bench.where);
	for (const row of rows) {
		let found = null;

		console.log(row.name);
		try {
			found = await measure(row, bench);
			missed += found && !judge(row, found).met ? 1 : 0;
			lines.push(line(row, found, bench.labels));
		} catch (err) {
			missed++;
			console.log(`  FAILED: ${err.message}`);
			lines.push(`| ${row.name} | failed | | | | **missed** |`);
		}
	}
	console.log(`\n${lines.join('\n')}`);
	if (bench.table)
		fs.writeFileSync(bench.table, `${bench.where}\n\n${lines.join('\n')}\n`);
	return missed;
}
