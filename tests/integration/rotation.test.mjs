/* rotation.test.mjs - the secret is changed under load, and nobody notices but those who should
 *
 * 200 relays carry packets and 50 clients a second come for credentials and an allocation, all the way through. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { test } from 'node:test';

import { turnServer } from './lib/client.mjs';
import { startStack } from './lib/stack.mjs';
import { confide, now, sleep, turnPassword, until } from './lib/suite.mjs';
import { TurnClient, udpPeer } from './lib/turn_client.mjs';

const RELAYS = 200;
const PACKET_PAUSE_MS = 500; /* of one relay */
const ARRIVAL_PAUSE_MS = 20;
const SIZE = 172;
const OVERLAP_S = 4; /* both secrets are good, once the new one is */

/* As writers of the file must: a new one, renamed over the old. */
function replaceSecrets(stack, lines) {
	const file = stack.secretsFile;

	fs.writeFileSync(`${file}.new`, lines.map((l) => `${l}\n`).join(''), { mode: 0o600 });
	fs.renameSync(`${file}.new`, file);
}

async function fromSignald(stack, userId) {
	const { status, json } = await stack.rest.get(`/api/ice-servers/${userId}`);

	assert.equal(status, 200, 'there always are credentials');
	const { username, credential } = turnServer(json.iceServers);

	return { username, password: credential };
}

const signedBy = (secret, { username, password }) => turnPassword(secret, username) === password;

/* 0, or the error code of the answer to an Allocate. The port may be that of a client which has just left, whose
 * allocation turnserver still remembers: 437, and another port will do (RFC 8656 section 7.4). */
async function answer(stack, credentials) {
	for (;;) {
		const c = new TurnClient(stack, credentials);

		try {
			await c.allocate();
			await c.release();
			return 0;
		} catch (err) {
			if (!err.code)
				throw err;
			if (err.code !== 437)
				return err.code;
		} finally {
			c.close();
		}
	}
}

/* 200 allocations that each send a packet every half second and count the echoes. */
class Relays {
	constructor() {
		this.all = [];
		this.sent = 0;
	}

	async start(t, stack, peer) {
		t.after(() => this.all.forEach((r) => r.close()));
		for (let i = 0; i < RELAYS; i++) {
			const r = new TurnClient(stack, await fromSignald(stack, `relay${i}`));

			this.all.push(r);
			await r.allocate();
			await r.permit(peer);
		}
		this.done = this.#run(peer);
	}

	async #run(peer) {
		while (!this.stopped) {
			for (const r of this.all) {
				this.sent++;
				r.sendTo(peer, 1, SIZE);
				await sleep(PACKET_PAUSE_MS / RELAYS);
			}
		}
	}

	received() {
		return this.all.reduce((n, r) => n + r.received / SIZE, 0);
	}

	async stop() {
		this.stopped = true;
		await this.done;
	}
}

/* Whoever comes gets credentials of signald and uses them at once. */
class Arrivals {
	constructor(stack) {
		this.stack = stack;
		this.n = 0;
		this.open = new Set();
		this.refused = [];
		this.timer = setInterval(() => this.#arrive(), ARRIVAL_PAUSE_MS);
	}

	#arrive() {
		const one = this.#allocate(`guest${this.n++}`)
			.catch((err) => this.refused.push(err.message))
			.finally(() => this.open.delete(one));

		this.open.add(one);
	}

	async #allocate(userId) {
		const code = await answer(this.stack, await fromSignald(this.stack, userId));

		if (code)
			this.refused.push(code);
	}

	async stop() {
		clearInterval(this.timer);
		await Promise.all(this.open);
	}
}

test('a secret is rotated under load', { timeout: 90000 }, async (t) => {
	const stack = await startStack(t, { host: '127.0.3.3', relayPorts: 1000, signald: { 'credentials-per-minute': 0 } });
	const peer = await udpPeer(t, { echo: true, host: stack.host });
	const next = confide(randomBytes(32).toString('hex'));
	const relays = new Relays();

	await relays.start(t, stack, peer);
	const arrivals = new Arrivals(stack);

	t.after(() => arrivals.stop());
	t.after(() => relays.stop());
	await sleep(1000);

	const old = stack.credentials('old', { ttl_s: 3600 });
	const begins = now() + 7, ends = begins + OVERLAP_S;

	assert.equal(await answer(stack, old), 0);
	replaceSecrets(stack, [`main ${stack.secret} - ${ends}`, `second ${next} ${begins}`]);

	await t.test('the new secret signs from its not-before on', async () => {
		let credentials;

		do {
			credentials = await fromSignald(stack, 'watcher');
			await sleep(begins * 1000 - Date.now() > 300 ? 50 : 0); /* the first one it signs is of interest */
		} while (!signedBy(next, credentials) && now() <= begins + 1);
		assert.ok(signedBy(next, credentials), 'by now it signs');
		assert.ok(now() >= begins, 'and not sooner');
		assert.equal(await answer(stack, credentials), 0, 'turnserver has the same time');
	});

	await t.test('what the old one signed is good until its end, and not after', async () => {
		assert.equal(await answer(stack, old), 0);
		await until('its end has passed', () => Date.now() > (ends + 1) * 1000 + 200);
		assert.equal(await answer(stack, old), 401);
		await relays.all[0].permit(peer); /* who is there may stay, and go on asking */
	});

	await t.test('the old one can leave the file', async () => {
		replaceSecrets(stack, [`second ${next}`]);
		await until('both have read it', () => stack.daemons.signald.logText().includes(`1 read from ${stack.secretsFile}`));
		await sleep(5500); /* turnserver too */
		assert.equal(await answer(stack, await fromSignald(stack, 'late')), 0);
	});

	await t.test('a broken file keeps what works and is reported with its line', async () => {
		const where = new RegExp(`${stack.secretsFile}(:| line )2: `);

		replaceSecrets(stack, [`second ${next}`, 'third short']);
		for (const name of ['signald', 'turnserver'])
			await until(`${name} reports it`, () => where.test(stack.daemons[name].logText()), 12000);
		assert.equal(await answer(stack, await fromSignald(stack, 'calm')), 0);
	});

	await arrivals.stop();
	await relays.stop();
	await until('the last echo is back', () => relays.received() === relays.sent).catch(() => {});
	assert.deepEqual(arrivals.refused, [], `${arrivals.n} came`);
	assert.ok(arrivals.n > 500, `${arrivals.n} came`);
	assert.equal(relays.received(), relays.sent, 'no packet is lost');
	await until('the guests have gone, and no relay has',
		async () => (await stack.rest.stats()).relay.liveAllocations === RELAYS);
});
