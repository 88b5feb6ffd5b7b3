/* tsan.mjs - what ThreadSanitizer has to say of a daemon, and whose it is
 *
 * The programs write their reports to files; while they run, only libraries are left out. libtsan drops a
 * report when a suppressed function is anywhere on a stack, and so would hide races of ours behind
 * coturn's functions. Here a suppression counts only for a function that touches the memory itself,
 * and never when code of ours is on the way there. */
import fs from 'node:fs';
import path from 'node:path';

import { SOURCE_DIR } from './suite.mjs';

export const SUPPRESSIONS = path.join(SOURCE_DIR, 'tests', 'tsan.supp');
export const LIBRARIES = path.join(SOURCE_DIR, 'tests', 'tsan_libs.supp');

/* The archive's main is ours too, and below everything the main thread does. */
const OURS = /\/(coturn-ext|shared|signald(\/\w+)?)\/(?!turnserver_main\.c)\w+\.[ch]:/;
const COTURN = /(^|\/)coturn\/[^/]+\/src\//;
/* Who made a thread, a mutex or the memory is not at fault. */
const BACKGROUND = /^ {2}(Thread|Mutex|Location|As if|Hint)/;

/* Environment of a program whose reports go to files beginning with prefix. It ends as it would have. */
export const reportTo = (prefix) => ({
	TSAN_OPTIONS: `log_path=${prefix}:suppressions=${LIBRARIES}:exitcode=0:history_size=5:second_deadlock_stack=1`,
});

function readFrame(line) {
	const [, fn, where = ''] = /^ {4}#\d+ (\S+)(?: (.*))?$/.exec(line) ?? [];

	return fn && { fn, where };
}

/* libevent tells epoll of a descriptor that was closed meanwhile (tests/tsan.supp): whoever has got its
 * number since is not at fault. */
function atFault(text, stacks) {
	const stale = stacks.filter((s) => s[0]?.fn === 'epoll_ctl');

	return stale.length && text.includes('\n  Location is file descriptor ') ? stale : stacks;
}

/* What coturn's log does with variables of its own is not the fault of who writes a line to it. */
function withoutWriters(stack) {
	const log = stack.findIndex((f) => f.fn === 'turn_log_func_default');

	return log < 0 ? stack : stack.slice(0, log + 1);
}

/* A report is paragraphs, each a heading and a stack. */
export function readReport(text) {
	const all = [];
	let stack;

	for (const line of text.split('\n')) {
		const frame = readFrame(line);

		if (frame)
			stack?.push(frame);
		else if (line.trim() === '')
			stack = undefined;
		else if (!BACKGROUND.test(line) && /^ {2}\S/.test(line))
			all.push(stack = []);
	}
	const stacks = atFault(text, all).map(withoutWriters);

	return {
		text,
		ours: stacks.some((s) => s.some((f) => OURS.test(f.where))),
		/* of each stack the innermost function, maybe the C library's, and the innermost of coturn's */
		at: stacks.flatMap((s) => [s[0], s.find((f) => COTURN.test(f.where))]).filter(Boolean).map((f) => f.fn),
	};
}

/* All that programs with this prefix have reported. */
export function readReports(prefix) {
	const dir = path.dirname(prefix);

	return fs.readdirSync(dir).filter((f) => f.startsWith(`${path.basename(prefix)}.`))
		.flatMap((f) => fs.readFileSync(path.join(dir, f), 'utf8').split(/^={18}$/m))
		.filter((text) => text.includes('WARNING: ThreadSanitizer'))
		.map(readReport);
}

/* Lines "KIND:NAME" of one kind, each with its reason in the comment above it. */
export function readSuppressions(file, kind) {
	const list = [];
	let reason = '';

	for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
		if (line.startsWith('#')) {
			reason += `${line.slice(1)}\n`;
		} else if (line !== '') {
			const [key, fn] = line.split(':');

			if (key !== kind || !fn)
				throw new Error(`${file}: "${line}" is not ${kind}:NAME`);
			list.push({ fn, reason: reason.trim(), used: 0 });
		} else {
			reason = '';
		}
	}
	return list;
}

/* The reports that nothing excuses; the suppressions that do are counted. */
export function unexcused(reports, suppressions) {
	return reports.filter((report) => {
		const by = report.ours ? [] : suppressions.filter((s) => report.at.includes(s.fn));

		by.forEach((s) => s.used++);
		return !by.length;
	});
}
