/* daemon.mjs - one program run in the foreground, its log in a file, ended by its process id */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';

import { newLogFile, within } from './suite.mjs';

const TERM_MAX_MS = 20000;

/* For programs whose way of ending on a signal is not ours to judge. */
export const endsSomehow = (how) => how.code === 0 || how.code === 143 || how.signal === 'SIGTERM';

/* A test run that is broken off takes what it started along. */
for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]])
	process.once(signal, () => process.exit(code));

export class Daemon {
	/* argv: program and arguments; prefix: what runs them ("ip netns exec NAME"). */
	constructor(name, argv, { prefix = [], env = {} } = {}) {
		const [file, ...args] = [...prefix, ...argv];

		this.name = name;
		this.log = newLogFile(name);
		const fd = fs.openSync(this.log, 'a', 0o600);

		this.process = spawn(file, args, { stdio: ['ignore', fd, fd], env: { ...process.env, ...env } });
		fs.closeSync(fd);
		this.ended = new Promise((resolve) => {
			this.process.once('exit', (code, signal) => resolve({ code, signal }));
			this.process.once('error', (err) => resolve({ code: -1, signal: null, err }));
		});
		const onExit = () => this.process.kill('SIGKILL');

		process.once('exit', onExit);
		this.ended.then((how) => {
			this.end = how;
			process.off('exit', onExit);
		});
	}

	logText() {
		return fs.readFileSync(this.log, 'utf8');
	}

	/* For waiting loops: a program that is gone will not become ready. */
	assertAlive() {
		if (this.end)
			throw new Error(`${this.name} ended (${JSON.stringify(this.end)}):\n${this.logText().slice(-2000)}`);
	}

	async kill(signal) {
		this.process.kill(signal);
		return within(`${this.name} ends`, this.ended, TERM_MAX_MS);
	}

	/* Ask it to end; what it did wrong before or while ending fails the test. */
	async stop({ exits = (how) => how.code === 0 } = {}) {
		let stuck = false;

		if (!this.end) {
			try {
				await this.kill('SIGTERM');
			} catch {
				stuck = true;
				this.process.kill('SIGKILL');
				await this.ended;
			}
		}
		assert.ok(!stuck, `${this.name} did not end on SIGTERM; log ${this.log}`);
		assert.doesNotMatch(this.logText(), /AddressSanitizer|LeakSanitizer|runtime error:/,
			`${this.name}: sanitizer report in ${this.log}`);
		assert.ok(exits(this.end), `${this.name} ended with ${JSON.stringify(this.end)}; log ${this.log}`);
	}
}
