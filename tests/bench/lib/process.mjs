/* process.mjs - what benchmarks start: each on its core, in a folder of this run, ended with it */
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const BUILD = path.resolve(process.env.BUILD_DIR ?? '.');

export const WORK = fs.mkdtempSync(path.join(os.tmpdir(), 'bench-'));
process.once('exit', () => fs.rmSync(WORK, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
	process.once(signal, () => process.exit(1));

export const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
export const program = (name) => path.join(BUILD, name);

/* core: arguments of on-core. */
export const onCore = (core, argv) => [program('tests/bench/lib/on-core'), ...core, ...argv];

/* A child whose "ended" says how it went; it never outlives us. */
export function start(argv, options) {
	const child = spawn(argv[0], argv.slice(1), options);
	const end = () => child.kill('SIGKILL');

	process.once('exit', end);
	child.ended = new Promise((resolve) => {
		child.once('exit', (code, signal) => {
			process.off('exit', end);
			resolve({ code, signal });
		});
		child.once('error', (err) => resolve({ code: -1, err }));
	});
	return child;
}

let certificate;

/* ECDSA, as today's certificates are. */
export function selfSigned() {
	if (!certificate) {
		certificate = { cert: path.join(WORK, 'cert.pem'), pkey: path.join(WORK, 'key.pem') };
		execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
			'-subj', '/CN=localhost', '-days', '2', '-keyout', certificate.pkey, '-out', certificate.cert], { stdio: 'ignore' });
		fs.chmodSync(certificate.pkey, 0o600);
	}
	return certificate;
}
