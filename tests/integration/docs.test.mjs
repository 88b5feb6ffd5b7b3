/* docs.test.mjs - every command that the documents show: run here, or by the test named here, or marked as an example */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

import { join } from './lib/client.mjs';
import { brokenLinks, documents, mentions, read } from './lib/documents.mjs';
import { command, program, SOURCE_DIR } from './lib/suite.mjs';
import { startTokenStack } from './lib/tokens.mjs';

const run = promisify(execFile);
const LIMIT_MS = 60000;

/* What cannot run beside the other tests: the test that does it, and what stands there. */
const ELSEWHERE = [
	[/^\.\/start-all\.sh\b/, 'tests/start_all_test.sh', '/start-all.sh'],
	[/^\.\/run-tests\.sh\b/, 'run-tests.sh', 'stage_integration'],
	[/^autoreconf -fi && mkdir -p \S+ && cd \S+$/, 'scripts/lib.sh', 'autoreconf -fi'],
	[/^\.\.\/\.\.\/configure && make && make check\b/, 'run-tests.sh', 'stage_check'],
	[/^make deb\b/, 'run-tests.sh', 'make deb'],
	[/^make apt-repo DIR=/, 'tests/apt_repo_test.sh', 'apt-repo DIR='],
	[/^apt show coturn\b/, 'packaging/check-deb.sh', 'checked up to'],
	[/^sudo systemctl restart coturn signald$/, 'tests/packages/cases/upgrade.sh', 'systemctl restart coturn signald'],
	[/^sudo systemctl reload (coturn|signald)$/, 'tests/packages/cases/fresh.sh', 'systemctl reload coturn signald'],
	[/^(sudo )?systemctl status (coturn|signald)( signald)?$/, 'tests/packages/asks.sh', 'systemctl status $unit'],
	[/^(sudo )?journalctl -u (coturn|signald) (-f|-n 50)$/, 'tests/packages/cases/fresh.sh', 'journalctl -o cat -u coturn -u signald'],
	[/^sudo signalctl try\b/, 'tests/integration/signalctl_try.test.mjs', "'try'"],
	[/^sudo signalctl check\b/, 'tests/integration/signalctl_check.test.mjs', "'check'"],
	[/^BACKEND_TOKEN=\$\(cat backend-token\) /, 'tests/integration/lib/backend.mjs', 'answer.php'],
	...(command('php') ? [] : [[/^php /, 'tests/integration/auth.test.mjs', 'mint.php']]),
];

const elsewhere = (line) => ELSEWHERE.find(([pattern]) => pattern.test(line));

/* An installed system below dir: programs of the build behind their names, and the documents' names as they are here. */
function install(dir, stack) {
	const bin = path.join(dir, 'bin');
	const shim = (name, text) => fs.writeFileSync(path.join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });

	for (const folder of ['bin', 'etc/signald', 'etc/coturn/auth', 'etc/coturn/tls'])
		fs.mkdirSync(path.join(dir, folder), { recursive: true });
	shim('sudo', 'exec "$@"');
	for (const name of ['signalctl', 'signald'])
		shim(name, `exec ${program(name)} -c ${stack.dir}/signald.conf "$@"`);
	shim('turnserver', `exec ${program('turnserver')} "$@"`);
	fs.writeFileSync(path.join(dir, 'admin-header'), `Authorization: Bearer ${stack.adminToken}\n`, { mode: 0o600 });
	const names = [
		[/https:\/\/calls\.example\.(com|org)(:449)?|http:\/\/localhost:449/g, stack.url],
		[/"?\$HOME\/\.local\/state\/signald\/admin-header"?/g, path.join(dir, 'admin-header')],
		[/\/run\/turnserver\/admin\.sock/g, stack.adminSocket],
		[/\/var\/lib\/signald\//g, `${stack.dir}/`],
		[/\/etc\/(signald|coturn)\//g, `${dir}/etc/$1/`],
		[/ -g signald/g, ''],
	];

	return {
		asHere: (line) => names.reduce((text, [pattern, name]) => text.replace(pattern, name), line),
		env: { ...process.env, PATH: `${bin}:${process.env.PATH}`, no_proxy: '*' },
	};
}

/* A folder to write to, with what lies beside the document. */
function folderOf(dir, file) {
	const here = path.join(dir, file.replaceAll('/', '-'));
	const source = path.join(SOURCE_DIR, path.dirname(file));

	fs.mkdirSync(here);
	for (const name of fs.readdirSync(source))
		fs.symlinkSync(path.join(source, name), path.join(here, name));
	return here;
}

test('commands in documents are marked as what they are', () => {
	assert.deepEqual(documents().flatMap((file) => read(file).problems), []);
});

test('links between documents lead somewhere', () => {
	assert.deepEqual([...documents(), 'ARCHITECTURE.md', 'signald/PROTOCOL.md'].flatMap(brokenLinks), []);
});

test('the tests that are to run commands are there', () => {
	for (const [pattern, file, text] of ELSEWHERE)
		assert.ok(fs.readFileSync(path.join(SOURCE_DIR, file), 'utf8').includes(text), `${pattern}: no "${text}" in ${file}`);
});

test('what sentences say of signalctl, it knows', async () => {
	const { stdout } = await run(program('signalctl'), ['--help']);
	const known = [...stdout.matchAll(/^ {2}([a-z]+)/gm)].map(([, name]) => name);

	for (const file of documents())
		for (const [name, ...words] of mentions(file, 'signalctl')) {
			assert.ok(known.includes(name), `${file}: signalctl ${name}; it knows ${known.join(', ')}`);
			const help = (await run(program('signalctl'), [name, '--help'])).stdout;

			for (const word of words.filter((w) => /^--[a-z]/.test(w)))
				assert.ok(help.includes(word), `${file}: signalctl ${name} ${word}`);
		}
});

test('each line of signalctl check is explained', { timeout: LIMIT_MS }, async (t) => {
	const stack = await startTokenStack(t);
	const files = ['-c', `${stack.dir}/signald.conf`, '--turnserver-conf', `${stack.dir}/turnserver.conf`];
	/* What it thinks of an instance of the tests is not asked. */
	const { stdout } = await run(program('signalctl'), ['check', '--json', ...files]).catch((err) => err);
	const lines = JSON.parse(stdout).map((row) => row.check);

	for (const file of ['README.md', 'README.uk.md'])
		for (const line of lines)
			assert.ok(fs.readFileSync(path.join(SOURCE_DIR, file), 'utf8').includes(`\`${line}\``), `${file} lacks ${line}`);
});

/* Of an installation of its own for each document: a secret, for one, is changed once in a while. */
async function runCommands(t, file, blocks) {
	const stack = await startTokenStack(t, (s) => ({ 'control-socket': path.join(s.dir, 'control.sock'), 'drain-window': 0 }));
	const dir = path.join(stack.dir, 'docs');
	const { asHere, env } = install(dir, stack);
	const cwd = folderOf(dir, file);

	await join(t, stack, '123', { auth: { token: stack.token('123') } });
	for (const { at, lines } of blocks) {
		const script = ['set -eu', ...lines.map(asHere)].join('\n');

		await run('/bin/sh', ['-c', script], { cwd, env, timeout: LIMIT_MS })
			.catch((err) => assert.fail(`${at}: ${lines.join('; ')}\n${err.stdout}${err.stderr}`));
	}
}

for (const file of documents()) {
	const blocks = read(file).blocks
		.map(({ at, commands }) => ({ at, lines: commands.filter((line) => !elsewhere(line)) }))
		.filter(({ lines }) => lines.length);

	if (blocks.length)
		test(`the commands of ${file} succeed`, { timeout: 5 * LIMIT_MS }, (t) => runCommands(t, file, blocks));
}
