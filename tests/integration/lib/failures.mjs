/* failures.mjs - a reporter of node:test: of each test that failed its name, then what was wrong, whole but bounded
 *
 * Beside the usual report, which is long and says it in the middle: run.sh shows this one last. */
import path from 'node:path';
import { inspect, stripVTControlCharacters } from 'node:util';

const LINES_MAX = 40;
const COLUMNS_MAX = 400;
const STDERR_LINES_MAX = 15;
const INSPECT = { depth: 5, breakLength: 100 };

const cut = (line) => (line.length > COLUMNS_MAX ? `${line.slice(0, COLUMNS_MAX)}...` : line);

/* The first lines, and how many there are more. */
function bounded(text) {
	const lines = text.split('\n');
	const more = lines.length - LINES_MAX;

	return [...lines.slice(0, LINES_MAX), ...(more > 0 ? [`(${more} lines more)`] : [])].map(cut);
}

/* Where in our files it happened; the runner's own frames tell nothing. */
function places(error) {
	return String(error.stack ?? '').split('\n')
		.filter((line) => /^\s+at .*\.m?js:\d+/.test(line) && !/\bnode:/.test(line))
		.slice(0, 6)
		.map((line) => line.trim().replace(/file:\/\/\/\S*\/tests\//, 'tests/'));
}

/* node:test wraps what was thrown; what came over a pipe may be a string. */
function description(error) {
	const cause = error.cause ?? error;

	if (typeof cause !== 'object')
		return [...bounded(stripVTControlCharacters(String(cause))), ...places(error)];
	const message = stripVTControlCharacters(String(cause.message ?? inspect(cause)));
	/* A message of the test's own does not show the values; from Node 20 on assert adds them. */
	const values = cause.generatedMessage === false && !message.includes('\n')
		? bounded(`actual: ${inspect(cause.actual, INSPECT)}\nexpected: ${inspect(cause.expected, INSPECT)}`) : [];

	return [...bounded(message), ...values, ...places(cause)];
}

function entry(data, lines) {
	const file = data.file ? ` (${path.basename(data.file)})` : '';

	return `not passed: ${data.name}${file}\n${lines.map((line) => `    ${line}\n`).join('')}`;
}

export default async function *failures(source) {
	const stderr = new Map();
	const told = new Set();

	for await (const { type, data } of source) {
		if (type === 'test:stderr') {
			const lines = `${stderr.get(data.file) ?? ''}${data.message}`.split('\n');

			stderr.set(data.file, lines.slice(-STDERR_LINES_MAX - 1).join('\n'));
		}
		if (type !== 'test:fail' || data.todo !== undefined && data.todo !== false)
			continue;
		const error = data.details?.error ?? {};
		const key = data.file ?? data.name;

		/* A parent fails with its subtests, which have been told; a file may also fail on its own. */
		if (error.failureType === 'subtestsFailed' && told.has(key))
			continue;
		told.add(key);
		const said = data.nesting === 0 && error.exitCode !== undefined
			? [`exit status ${error.exitCode ?? error.signal}`, ...(stderr.get(key) ?? '').split('\n').filter(Boolean)] : [];

		yield entry(data, [...description(error), ...said.map(cut)]);
	}
}
