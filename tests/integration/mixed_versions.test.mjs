/* mixed_versions.test.mjs - one of the two daemons is older or newer than the other */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { describe, test } from 'node:test';

import { Control } from './lib/control.mjs';
import { Notified } from './lib/notify.mjs';
import { Stack } from './lib/stack.mjs';
import { newStateDir, until } from './lib/suite.mjs';
import { allocate, Admin, Turnserver, until as eventually } from './lib/turnserver.mjs';

const options = { timeout: 120000 };
const EPOCH = '0123456789abcdef';
/* As turnserver greeted before there was a minor. */
const OLD = { e: 'hello', v: 1, epoch: EPOCH, version: '4.6.1-2+signald1', threads: 2, interval_ms: 1000, seq: 0, live: 0 };

/* A turnserver that is played: greets with this, answers a sub with an empty snapshot, notes what else it is asked. */
function play(t, file, hello) {
	const commands = [];
	const played = { hello, commands, connections: 0 };
	const sockets = new Set();
	const server = net.createServer((s) => {
		let text = '';

		played.connections++;
		sockets.add(s);
		s.on('close', () => sockets.delete(s));
		s.on('error', () => {});
		s.write(`${JSON.stringify(played.hello)}\n`);
		s.on('data', (d) => {
			const lines = (text + d).split('\n');

			text = lines.pop();
			for (const command of lines.map((l) => JSON.parse(l))) {
				commands.push(command);
				if (command.c === 'sub')
					s.write('{"e":"synced","seq":0,"live":0}\n');
			}
		});
	});

	t.after(() => { server.close(); sockets.forEach((s) => s.destroy()); });
	return new Promise((resolve) => { server.listen(file, () => resolve(played)); });
}

async function signaldWith(t, hello) {
	const notified = await Notified.start(t);
	const controlFile = path.join(newStateDir(), 'control.sock');
	const stack = new Stack({
		env: { NOTIFY_SOCKET: notified.path },
		signald: { 'control-socket': controlFile, 'turn-urls': 'turn:turn.example.org:3478' },
	});

	t.after(() => stack.stop());
	await stack.init();
	const played = await play(t, stack.adminSocket, hello);

	await stack.startSignald();
	return { stack, played, notified, control: new Control(t, controlFile), log: () => stack.daemons.signald.logText() };
}

describe('a daemon of another version', { concurrency: 3 }, () => {
	test('an older turnserver, of the same major, is served; log and status say what it lacks', options, async (t) => {
		const { played, control, log } = await signaldWith(t, OLD);
		const status = await until('it is connected', async () => {
			const s = await control.done('status');

			return s.relay && s;
		});

		assert.equal(status.relay_protocol, '1.0');
		assert.equal(status.relay_version, OLD.version);
		assert.equal(status.relay_base, undefined);
		assert.equal(status.relay_ledger_date, undefined);
		assert.match(status.relay_lacks, /base version and the date of its security ledger/);
		assert.equal(status.relay_problem, undefined);
		assert.match(log(), /older than signald and lacks its base version.*: upgrade the package coturn/);
		assert.equal(played.commands[0].c, 'sub');
	});

	test('a newer turnserver, of the same major, is served, whatever else it says', options, async (t) => {
		const { control, log } = await signaldWith(t, { ...OLD, minor: 99, base: '4.6.1-9', ledger_checked: '5.0.0', ledger_date: '2030-01-01', news: [{ a: 1 }] });
		const status = await until('it is connected', async () => {
			const s = await control.done('status');

			return s.relay && s;
		});

		assert.equal(status.relay_protocol, '1.99');
		assert.equal(status.relay_base, '4.6.1-9');
		assert.equal(status.relay_ledger_checked, '5.0.0');
		assert.equal(status.relay_ledger_date, '2030-01-01');
		assert.equal(status.relay_lacks, undefined);
		assert.doesNotMatch(log(), /upgrade/);
	});

	for (const [v, name] of [[2, 'signald'], [0, 'coturn']]) {
		test(`a turnserver of major ${v} is refused, and which package to upgrade is said everywhere`, options, async (t) => {
			const { stack, played, notified, control, log } = await signaldWith(t, { ...OLD, v });
			const problem = `turnserver speaks version ${v} of the admin protocol and signald 1: upgrade the package ${name}`;

			await until('it asks again', () => played.connections >= 2);
			const status = await control.done('status');

			assert.equal(status.relay, false);
			assert.equal(status.relay_problem, problem);
			assert.equal(status.relay_version, undefined);
			await until('systemd is told', () => notified.last('STATUS').endsWith(`; ${problem}`));
			assert.equal(log().split(`${stack.adminSocket}: ${problem}`).length - 1, 1, 'once in the log');
			assert.ok(log().includes(`next: ${problem}`));
			assert.equal(played.commands.length, 0, 'it is told nothing');
			assert.equal((await stack.rest.health()).turn.connected, false);

			played.hello = OLD; /* it was upgraded */
			await until('it is served', async () => (await stack.rest.health()).turn.connected);
			assert.equal((await control.done('status')).relay_problem, undefined);
		});
	}

	test('turnserver says what it is; a client that knows minor 0 alone is served by it', options, async (t) => {
		const secret = 'of-mixed-versions';
		const server = await new Turnserver(t, ['--use-auth-secret', `--static-auth-secret=${secret}`]).start();
		const old = await Admin.connect(t, server.adminSocket);
		const ledger = fs.readFileSync(new URL('../../patches/4.6.1-2/SECURITY.md', import.meta.url), 'utf8');

		assert.equal(old.hello.v, 1);
		assert.equal(old.hello.minor, 1);
		assert.equal(old.hello.base, '4.6.1-2');
		assert.equal(old.hello.version, '4.6.1-2+signald1');
		assert.ok(ledger.includes(`Checked up to upstream ${old.hello.ledger_checked}, ${old.hello.ledger_date}.`));

		/* All that minor 0 had is where it was. */
		for (const member of Object.keys(OLD))
			assert.equal(typeof old.hello[member], typeof OLD[member], member);
		old.send({ c: 'sub', role: 'ledger' });
		await old.wait((l) => l.e === 'synced');
		assert.equal(await allocate(server, 'alice', secret), 0);
		const { seq } = await old.wait((l) => l.e === 'new');

		assert.equal((await old.command({ c: 'kill', user: 'alice' })).count, 1);
		const end = await eventually('its end', () => old.all('end')[0]);

		assert.ok(end.seq > seq);
		old.send({ c: 'ack', epoch: end.epoch, seq: end.seq });
		assert.equal((await old.command({ c: 'drain', off: true })).ok, true);

		/* A client of another major says things that this one does not know: each is answered, the last closes. */
		const stranger = await Admin.connect(t, server.adminSocket);

		for (let i = 0; i < 8; i++)
			stranger.send({ c: 'subscribe', v: 2 });
		await eventually('it is told, and closed', () => stranger.closed);
		assert.equal(stranger.all('reply').filter((l) => !l.ok).length, 8);
	});
});
