/* control.mjs - an admin on signald's control socket */
import assert from 'node:assert/strict';
import net from 'node:net';

import { sleep, within } from './suite.mjs';

/* A connection of an admin: lines out, lines in. */
export class Control {
	constructor(t, file) {
		this.lines = [];
		this.text = '';
		this.ids = 0;
		this.socket = net.connect(file);
		this.closed = new Promise((resolve) => this.socket.once('close', resolve));
		this.socket.on('error', () => {});
		this.socket.on('data', (d) => {
			const parts = (this.text + d).split('\n');

			this.text = parts.pop();
			this.lines.push(...parts.map((p) => JSON.parse(p)));
		});
		t.after(() => this.socket.destroy());
	}

	say(line) {
		this.socket.write(typeof line === 'string' ? line : `${JSON.stringify(line)}\n`);
	}

	/* All lines of the answer; the reply is the last. */
	async ask(c, more = {}) {
		const id = ++this.ids;

		this.say({ c, id, ...more });
		return within(`an answer to ${c}`, this.#answer(id));
	}

	async #answer(id) {
		for (;;) {
			const i = this.lines.findIndex((l) => l.e === 'reply' && l.id === id);

			if (i >= 0)
				return this.lines.splice(0, i + 1);
			await sleep(5);
		}
	}

	/* The reply alone, of a command that shall succeed. */
	async done(c, more) {
		const reply = (await this.ask(c, more)).at(-1);

		assert.equal(reply.ok, true, reply.error);
		return reply;
	}

	async refused(c, more) {
		const reply = (await this.ask(c, more)).at(-1);

		assert.equal(reply.ok, false);
		return reply.error;
	}
}
