/* inbox.mjs - the events a client got, kept until somebody asks for them */
import assert from 'node:assert/strict';

import { confide, sleep, within } from './suite.mjs';

export class Inbox {
	seen = [];
	#waiting = [];

	constructor(userId) {
		this.userId = userId;
	}

	keep(event, data) {
		for (const s of data?.iceServers ?? [])
			if (s.credential)
				confide(s.credential);
		const i = this.#waiting.findIndex((w) => w.event === event);

		if (i >= 0)
			this.#waiting.splice(i, 1)[0].resolve(data);
		else
			this.seen.push({ event, data });
	}

	/* The oldest event of this name that nobody took yet, now or soon. */
	next(event, limit_ms = 10000) {
		const i = this.seen.findIndex((s) => s.event === event);

		if (i >= 0)
			return Promise.resolve(this.seen.splice(i, 1)[0].data);
		const coming = new Promise((resolve) => this.#waiting.push({ event, resolve }));

		return within(`${this.userId} gets ${event}`, coming, limit_ms);
	}

	/* Nothing of this name came, and in a moment still nothing. */
	async none(event, wait_ms = 150) {
		await sleep(wait_ms);
		assert.deepEqual(this.seen.filter((s) => s.event === event), [], `${this.userId} got ${event}`);
	}

	/* Nothing came at all, but for what was taken already. */
	async quiet(wait_ms = 150) {
		await sleep(wait_ms);
		assert.deepEqual(this.seen, [], `${this.userId} got something`);
	}

	/* The names of what came and was not taken, in order. */
	names() {
		return this.seen.map((s) => s.event);
	}
}
