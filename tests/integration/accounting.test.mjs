/* accounting.test.mjs - only what is relayed is counted; quotas count users, not names */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import dgram from 'node:dgram';
import path from 'node:path';
import { describe, test } from 'node:test';

import { REALM } from './lib/stack.mjs';
import { sleep } from './lib/suite.mjs';
import { TurnClient } from './lib/turn_client.mjs';
import { CALL, Turnserver, until, writeSecrets } from './lib/turnserver.mjs';
import { untilRead } from './lib/udp_queue.mjs';

const SECRET = 'the-secret-of-accounts';
const PUBLIC = 'the-public-secret';
const OTHER_CALL = '0123456789abcdefghijkl';
/* Where the totals stand in their array. */
const RECEIVED = [4, 6], SENT = [6, 8], DROPPED = [8, 10], WIRE = 10;
const ETHERNET_IP_UDP = 14 + 20 + 8;

async function serve(t, ...args) {
	const server = new Turnserver(t, ['--auth-secret-file={dir}/auth-secrets', `--realm=${REALM}`, ...args]);

	writeSecrets(path.join(server.dir, 'auth-secrets'), [`k1 ${SECRET}`, `apk ${PUBLIC} tag=android users=android_user`]);
	return server.start();
}

function client(t, server, name, secret = SECRET) {
	const username = `${Math.floor(Date.now() / 1000) + 3600}:${name}`;
	const password = createHmac('sha1', secret).update(username).digest('base64');
	const c = new TurnClient({ host: '127.0.0.1', turnPort: server.port }, { username, password });

	t.after(() => c.close());
	return c;
}

async function allocated(t, server, ...who) {
	const c = client(t, server, ...who);

	await c.allocate();
	return c;
}

/* A socket that sends count packets to a relay, slowly enough for its queue unless at once. */
async function spray(t, to, count, size, { atOnce = false, permit } = {}) {
	const s = dgram.createSocket('udp4');

	t.after(() => s.close());
	await new Promise((resolve) => s.bind(0, '127.0.0.1', resolve));
	await permit?.(s.address());
	for (let i = 0; i < count; i++) {
		s.send(Buffer.alloc(size, i), to.port, to.address);
		if (!atOnce && i % 10 === 9) {
			await sleep(5);
			await untilRead(to.port);
		}
	}
	await untilRead(to.port);
	await sleep(300);
}

async function endOf(c, admin) {
	await c.release();
	return admin.wait((l) => l.e === 'end');
}

describe('what is relayed, and nothing else', { concurrency: 3 }, () => {
	test('a stranger\'s packets are dropped', async (t) => {
		const server = await serve(t);
		const admin = await (await server.connect()).subscribe();
		const c = await allocated(t, server, 'alice');

		/* Permissions are per address: the peer's is another one than the stranger's. */
		await c.permit({ address: '127.0.0.9', port: 9 });
		await spray(t, c.relayed, 200, 1000);
		const { totals } = await endOf(c, admin);

		assert.deepEqual(totals.slice(...RECEIVED), [0, 0]);
		assert.deepEqual(totals.slice(...SENT), [0, 0]);
		assert.deepEqual(totals.slice(...DROPPED), [200, 200000]);
		assert.equal(c.received, 0);
		assert.equal(totals[WIRE], totals[1] + totals[3] + 200000 + (totals[0] + totals[2] + 200) * ETHERNET_IP_UDP);
	});

	test('what max-bps keeps back is dropped, from both sides', async (t) => {
		const server = await serve(t, '--max-bps=20000');
		const admin = await (await server.connect()).subscribe();
		const c = await allocated(t, server, 'alice');

		/* Few enough for coturn's socket buffers, however late it looks. */
		await spray(t, c.relayed, 40, 1000, { atOnce: true, permit: (from) => c.permit(from) });
		await c.sendTo({ address: '127.0.0.1', port: 9 }, 40, 1000);
		/* All were looked at; and in a new second the Refresh is let through. */
		await admin.wait((l) => l.e === 'usage' && l.s.some(([, ...t]) =>
			t[RECEIVED[0]] + t[SENT[0]] + t[DROPPED[0]] === 80));
		await sleep(1200);
		const { totals } = await endOf(c, admin);
		const [received, receivedBytes] = totals.slice(...RECEIVED);
		const [sent] = totals.slice(...SENT);
		const [dropped] = totals.slice(...DROPPED);

		assert.equal(receivedBytes, c.received, 'what the client got');
		assert.ok(received < 40 && sent < 40, `${received} received, ${sent} sent`);
		assert.equal(received + sent + dropped, 80);
	});
});

describe('quotas', { concurrency: 3 }, () => {
	test('user-quota counts a user over all calls', async (t) => {
		const server = await serve(t, '--user-quota=2');
		const admin = await (await server.connect()).subscribe();
		const first = await allocated(t, server, `alice:${CALL}`);

		await allocated(t, server, `alice:${OTHER_CALL}`);
		await assert.rejects(client(t, server, 'alice').allocate(), { code: 486 });
		const denied = await admin.wait((l) => l.e === 'denied');

		assert.equal(denied.user, 'alice');
		assert.equal(denied.reason, 'quota');
		await allocated(t, server, `bob:${CALL}`);
		await endOf(first, admin);
		await until('the place is free', () => allocated(t, server, 'alice').then(() => true, () => false));
	});

	test('a name that many share has no quota', async (t) => {
		const server = await serve(t, '--user-quota=2');

		for (let i = 0; i < 6; i++)
			await allocated(t, server, 'android_user', PUBLIC);
		await allocated(t, server, 'alice');
	});
});
