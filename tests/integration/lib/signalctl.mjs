/* signalctl.mjs - the admin's tool, run once; and what the faults it is to find need */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

import { mint } from '../../../examples/token/mint.mjs';
import { Stack } from './stack.mjs';
import { confide, program, within } from './suite.mjs';

/* How it ended, what it said, and how long it took. */
export async function signalctl(args, env = {}) {
	const began_ms = Date.now();
	const p = spawn(program('signalctl'), args.map(String), { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
	const said = { out: '', err: '' };

	p.stdout.on('data', (d) => { said.out += d; });
	p.stderr.on('data', (d) => { said.err += d; });
	const code = await within(`signalctl ${args[0]} ends`, new Promise((resolve) => {
		p.once('close', resolve);
	}), 120000);

	return { ...said, code, took_ms: Date.now() - began_ms };
}

/* Rows of --json by the member that names them. */
export const rowsOf = (ran, by) => Object.fromEntries(JSON.parse(ran.out).map((row) => [row[by], row]));

/* Both daemons as an installation has them: tokens, the control socket, a state folder for turnserver. */
export class Installation extends Stack {
	constructor({ turnserver = {}, signald = {}, ...more } = {}) {
		super(more);
		this.ctlEnv = {};
		this.key = confide(randomBytes(32).toString('hex'));
		this.turnserverOptions = { 'admin-state-dir': this.dir, 'user-quota': 60, ...turnserver };
		this.signaldOptions = {
			'auth': 'token',
			'token-key': `HS256:one:${this.file('token.key', this.key)}`,
			'control-socket': path.join(this.dir, 'control.sock'),
			'turnserver-conf': path.join(this.dir, 'turnserver.conf'),
			'log-level': 'info',
			...signald,
		};
	}

	file(name, text) {
		const file = path.join(this.dir, name);

		fs.writeFileSync(file, `${text}\n`, { mode: 0o600 });
		return file;
	}

	token(user) {
		return confide(mint({ sub: user, name: user }, { alg: 'HS256', key: this.key, kid: 'one' }));
	}

	/* Change a configuration after its daemon has read it. */
	edit(name, change) {
		const file = path.join(this.dir, name);

		fs.writeFileSync(file, change(fs.readFileSync(file, 'utf8')));
	}

	ctl(command, ...args) {
		return signalctl([command, '-c', path.join(this.dir, 'signald.conf'), ...args], this.ctlEnv);
	}
}

export async function install(t, options) {
	const i = new Installation(options);

	t.after(() => i.stop());
	await i.start();
	return i;
}
