/* documents.mjs - the commands that our documents show, and the code blocks they stand in
 *
 * What a block of ```sh says is run by docs.test.mjs, or by the test that its table names; unless its
 * first line is "# example" (Ukrainian: "# приклад"): then it has names to be changed, or needs what a
 * test has not. */
import fs from 'node:fs';
import path from 'node:path';

import { SOURCE_DIR } from './suite.mjs';

const FENCE = /^(\s*)```(.*)$/;
/* What is no command: configuration, answers, other languages. */
const OTHER_LANGUAGES = ['', 'ini', 'js', 'json', 'php', 'nginx'];
const IS_AN_EXAMPLE = /^# (example|приклад)/;
const LOOKS_LIKE_A_COMMAND = /^\s*(\$ |sudo |curl |apt |apt-get |systemctl |journalctl |signalctl |turnserver |signald |make |\.\/|printf |npm |node |php |openssl )/;

const inFolder = (dir, take) => (fs.existsSync(path.join(SOURCE_DIR, dir))
	? fs.readdirSync(path.join(SOURCE_DIR, dir)).map((name) => path.join(dir, name)).filter(take) : []);

export function documents() {
	return [
		...inFolder('.', (f) => /^README.*\.md$/.test(f)),
		...inFolder('docs', (f) => f.endsWith('.md')),
		...inFolder('examples', () => true).map((dir) => path.join(dir, 'README.md')),
	].filter((f) => fs.existsSync(path.join(SOURCE_DIR, f)));
}

/* Lines of shell as commands: joined where they go on, without comments that stand alone. */
function commandsOf(lines) {
	return lines.join('\n').replace(/\\\n\s*/g, ' ').split('\n').filter((line) => line.trim() && !line.trim().startsWith('#'));
}

const blockOf = ({ at, shell, lines }) =>
	({ at, commands: shell && !IS_AN_EXAMPLE.test(lines[0] ?? '') ? commandsOf(lines) : [] });

/* { at, commands to be run } of each block; problems: what keeps to no convention. */
export function read(file) {
	const blocks = [];
	const problems = [];
	let block = null;

	fs.readFileSync(path.join(SOURCE_DIR, file), 'utf8').split('\n').forEach((line, i) => {
		const [, indent, info] = FENCE.exec(line) ?? [];
		const at = `${file}:${i + 1}`;

		if (info !== undefined && !block) {
			if (info !== 'sh' && !OTHER_LANGUAGES.includes(info))
				problems.push(`${at}: \`\`\`${info}: sh, nothing, or one of ${OTHER_LANGUAGES.join(' ')}`);
			block = { at, shell: info === 'sh', indent: indent.length, lines: [] };
		} else if (info !== undefined) {
			blocks.push(blockOf(block));
			block = null;
		} else if (block) {
			if (!block.shell && LOOKS_LIKE_A_COMMAND.test(line))
				problems.push(`${at}: a command in a block that is not sh: ${line}`);
			block.lines.push(line.slice(block.indent));
		} else if (/^( {4}|\t)/.test(line) && LOOKS_LIKE_A_COMMAND.test(line)) {
			problems.push(`${at}: a command outside of a block: ${line.trim()}`);
		}
	});
	return { blocks, problems };
}

/* Where a program's name and a word begin a command, in sentences as in blocks, also of examples: the words after the name. */
export function mentions(file, program) {
	const text = fs.readFileSync(path.join(SOURCE_DIR, file), 'utf8').replace(/\\\n\s*/g, ' ');
	const begin = new RegExp(`(?:^\\s*|[\`(]|&& )(?:sudo )?${program} ([a-z][^\`|&;#)\n]*)`, 'gm');

	return [...text.matchAll(begin)].map(([, words]) => words.trim().split(/\s+/));
}

/* As forges make them of headings: lower case, no punctuation, hyphens for spaces. */
const anchorsOf = (text) => [...text.matchAll(/^#+ (.*)$/gm)]
	.map(([, title]) => title.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '').trim().replace(/\s/g, '-'));

/* Links within the checkout that lead nowhere. */
export function brokenLinks(file) {
	const text = fs.readFileSync(path.join(SOURCE_DIR, file), 'utf8');

	return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target)
		.filter((target) => !/^https?:/.test(target))
		.filter((target) => {
			const [name, anchor] = target.split('#');
			const there = name ? path.join(SOURCE_DIR, path.dirname(file), name) : path.join(SOURCE_DIR, file);

			return !fs.existsSync(there) || (anchor && !anchorsOf(fs.readFileSync(there, 'utf8')).includes(anchor));
		})
		.map((target) => `${file}: ${target}`);
}
