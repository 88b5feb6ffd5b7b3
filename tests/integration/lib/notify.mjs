/* notify.mjs - what a service manager would be told by a program with this NOTIFY_SOCKET */
import path from 'node:path';

import { Daemon, endsSomehow } from './daemon.mjs';
import { newStateDir, program, until } from './suite.mjs';

export class Notified {
	static async start(t) {
		const n = new Notified();

		n.path = path.join(newStateDir(), 'notify');
		n.daemon = new Daemon('notify-log', [program('tests/tools/notify-log'), n.path]);
		t.after(() => n.daemon.stop({ exits: endsSomehow }));
		await until('it listens', () => n.daemon.logText().startsWith('listening\n'));
		return n;
	}

	/* All messages so far, each a list of its lines. */
	messages() {
		return this.daemon.logText().split('\n').slice(1, -1).map((line) => line.split('|'));
	}

	/* The last value of a variable, or undefined. */
	last(name) {
		return this.messages().flat().findLast((line) => line.startsWith(`${name}=`))?.slice(name.length + 1);
	}

	/* The first message that has this line. */
	async next(line, limit_ms) {
		return until(`${line} is told`, () => this.messages().find((m) => m.includes(line)), limit_ms);
	}

	count(line) {
		return this.messages().filter((m) => m.includes(line)).length;
	}
}
