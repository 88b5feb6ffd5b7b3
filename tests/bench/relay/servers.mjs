/* servers.mjs - turnserver, ours and stock's, and runs of turn-load against it; all on one core */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import { onCore, program, selfSigned, sleep, start, WORK } from '../lib/process.mjs';

const CORE = ['0'];
const PORT = 14478, TLS_PORT = 15349; /* in a network of our own */
const SECRET = 'bench-secret';
const READY_MS = 30000;
const CALLGRIND = path.join(WORK, 'callgrind.out');

const options = (tls) => ['-n', '--no-cli', '--no-dtls', '-L', '127.0.0.1', '-E', '127.0.0.1', '-p', PORT,
	'--min-port=16384', '--max-port=65000', '--realm=example.org', '--use-auth-secret', `--static-auth-secret=${SECRET}`,
	'--allow-loopback-peers', '--relay-threads=1', `--pidfile=${path.join(WORK, 'pid')}`, '--log-file=/dev/null',
	`--userdb=${path.join(WORK, 'db')}`,
	...(tls ? [`--tls-listening-port=${TLS_PORT}`, `--cert=${selfSigned().cert}`, `--pkey=${selfSigned().pkey}`] : ['--no-tls'])];

/* argv[0] by kind; what a kind has beyond stock's options: ours with its hook on. */
const programs = { ours: program('turnserver'), stock: program('turnserver-stock') };
const more = { ours: [`--admin-socket=${path.join(WORK, 'admin.sock')}`], stock: [] };

export function useProgram(kind, file) {
	programs[kind] = path.resolve(file);
}

const listens = () => execFileSync('ss', ['-Hlun', `sport = :${PORT}`], { encoding: 'utf8' }).trim() !== '';

export class Server {
	/* tls: a TLS listener too; callgrind: count the instructions it executes. */
	constructor(kind, { tls = false, callgrind = false } = {}) {
		this.kind = kind;
		this.tls = tls;
		this.callgrind = callgrind;
	}

	async start() {
		const argv = [programs[this.kind], ...options(this.tls), ...more[this.kind]].map(String);
		const runner = this.callgrind ? ['valgrind', '--tool=callgrind', `--callgrind-out-file=${CALLGRIND}`] : [];

		fs.rmSync(path.join(WORK, 'db'), { force: true });
		this.log = fs.openSync(path.join(WORK, `${this.kind}.log`), 'w');
		this.process = start(onCore(CORE, [...runner, ...argv]), { stdio: ['ignore', this.log, this.log] });
		fs.closeSync(this.log);
		for (const until = Date.now() + READY_MS; !listens(); await sleep(20))
			if (this.process.exitCode !== null || Date.now() > until)
				throw new Error(`${programs[this.kind]} does not start`);
		await sleep(200); /* its threads, too, have begun */
		return this;
	}

	/* One run of the loader. Returns its result. */
	async load(args) {
		const tls = args.includes('tls');
		const argv = [program('tests/bench/relay/turn-load'), '--port', tls ? TLS_PORT : PORT, '--server-pid', this.process.pid, ...args];
		const child = start(onCore(CORE, argv.map(String)), { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, TURN_SECRET: SECRET } });
		let text = '', errors = '';

		child.stdout.on('data', (d) => { text += d; });
		child.stderr.on('data', (d) => { errors += d; });
		const how = await child.ended;
		const line = text.trim().split('\n').at(-1);

		if (how.code !== 0 || !line?.includes('"result"'))
			throw new Error(`turn-load (${args.join(' ')}) at ${this.kind}: ${JSON.stringify(how)} ${errors.trim()} ${line ?? ''}`);
		return JSON.parse(line);
	}

	/* What callgrind has counted by now, all threads. */
	instructions() {
		const text = execFileSync('callgrind_control', ['-e', String(this.process.pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });

		return [...text.matchAll(/^\s*Th \d+\s+([\d,]+)/gm)].reduce((sum, m) => sum + Number(m[1].replaceAll(',', '')), 0);
	}

	async stop() {
		this.process.kill('SIGKILL');
		await this.process.ended;
		for (const name of fs.readdirSync(WORK))
			if (/^(admin\.sock|ends\.spool|revoked|callgrind)/.test(name))
				fs.rmSync(path.join(WORK, name), { force: true });
	}
}
