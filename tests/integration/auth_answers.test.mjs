/* auth_answers.test.mjs - who is let in and who is refused, and how, is as on stock coturn
 *
 * The key of a secret in memory is found by the relay thread itself; one in the database, and every refusal, takes the
 * way through the authentication threads as it always did. Each question goes to both servers; with LEDGER=ours, where
 * turnserver-stock is not built, to ours. */
import assert from 'node:assert/strict';
import { createHash, createHmac, randomBytes } from 'node:crypto';
import dgram from 'node:dgram';
import { once } from 'node:events';
import path from 'node:path';
import { test } from 'node:test';

import { marker, now, turnPassword, within } from './lib/suite.mjs';
import { ATTR, METHOD, attribute } from './lib/turn_client.mjs';
import { REALM, turnadmin, Turnserver, writeSecrets } from './lib/turnserver.mjs';

const SECRETS = { first: marker('first'), second: marker('second'), database: marker('database'), unknown: marker('unknown') };
const UDP = attribute(ATTR.transport, Buffer.from([17, 0, 0, 0]));
const MANY = 20; /* more secrets than the relay thread tries */

/* A client that says just what it is told to. */
class Asker {
	constructor(t, server) {
		this.server = server;
		this.socket = dgram.createSocket('udp4');
		t.after(() => this.socket.close());
	}

	async request(method, attributes, mac = () => Buffer.alloc(0)) {
		const head = Buffer.alloc(20);
		const body = Buffer.concat(attributes);

		head.writeUInt16BE(method, 0);
		head.writeUInt32BE(0x2112a442, 4);
		randomBytes(12).copy(head, 8);
		head.writeUInt16BE(body.length + mac(head, body).length, 2);
		this.socket.send(Buffer.concat([head, body, mac(head, body)]), this.server.port, '127.0.0.1');
		const [answer] = await within('turnserver answers', once(this.socket, 'message'));
		const attrs = new Map();

		for (let i = 20; i + 4 <= answer.length; i += 4 + Math.ceil(answer.readUInt16BE(i + 2) / 4) * 4)
			attrs.set(answer.readUInt16BE(i), answer.subarray(i + 4, i + 4 + answer.readUInt16BE(i + 2)));
		return attrs;
	}

	/* The error code of the answer; 0: none. What is not given is as it should be; null leaves the attribute out. */
	async ask(method, { username, secret, realm = REALM, nonce, macBytes = 20 }) {
		if (!this.nonce)
			this.nonce = (await this.request(METHOD.allocate, [UDP])).get(ATTR.nonce);
		const key = createHash('md5').update(`${username}:${realm}:${turnPassword(secret, username ?? '')}`).digest();
		const given = [[ATTR.username, username], [ATTR.realm, realm], [ATTR.nonce, nonce === undefined ? this.nonce : nonce]];
		const attributes = [...(method === METHOD.allocate ? [UDP] : []),
			...given.filter(([, value]) => value !== null).map(([type, value]) => attribute(type, Buffer.from(value)))];
		const mac = (head, body) => {
			head.writeUInt16BE(body.length + 4 + macBytes, 2);
			return attribute(ATTR.integrity,
				Buffer.alloc(macBytes, createHmac('sha1', key).update(head).update(body).digest()));
		};
		const error = (await this.request(method, attributes, mac)).get(ATTR.error);

		return error ? error[2] * 100 + error[3] : 0;
	}
}

let names = 0;
const name = (ttl_s = 3600) => `${now() + ttl_s}:user${++names}`;

/* What a client asks, and the codes it gets. */
const questions = {
	'a secret is good': [[METHOD.allocate, { secret: 'first' }, 0]],
	'another secret is as good': [[METHOD.allocate, { secret: 'second' }, 0]],
	'one of the database is': [[METHOD.allocate, { secret: 'database' }, 0]],
	'no other is': [[METHOD.allocate, { secret: 'unknown' }, 401]],
	'a name that has expired': [[METHOD.allocate, { secret: 'first', ttl_s: -5 }, 401]],
	'a name that has expired, of the database': [[METHOD.allocate, { secret: 'database', ttl_s: -5 }, 401]],
	'a name without a time': [[METHOD.allocate, { secret: 'first', username: 'alice' }, 401]],
	'another realm': [[METHOD.allocate, { secret: 'first', realm: 'other.test' }, 437]],
	'a nonce of nobody': [[METHOD.allocate, { secret: 'first', nonce: '0123456789abcdef' }, 438]],
	'an integrity of another length': [[METHOD.allocate, { secret: 'first', macBytes: 32 }, 401]],
	'wrong, then right': [[METHOD.allocate, { secret: 'unknown' }, 401], [METHOD.allocate, { secret: 'first' }, 0],
		[METHOD.refresh, { secret: 'first' }, 0]],
	'right, then wrong, then right': [[METHOD.allocate, { secret: 'first' }, 0], [METHOD.refresh, { secret: 'unknown' }, 401],
		[METHOD.refresh, { secret: 'first' }, 0]],
	'the same name with another secret': [[METHOD.allocate, { secret: 'first' }, 0], [METHOD.refresh, { secret: 'second' }, 0],
		[METHOD.refresh, { secret: 'database' }, 0]],
	'another name on the way': [[METHOD.allocate, { secret: 'first' }, 0],
		[METHOD.refresh, { secret: 'first', username: name() }, 441]],
	'something left out': [[METHOD.allocate, { secret: 'first' }, 0], [METHOD.refresh, { secret: 'first', username: null }, 400],
		[METHOD.refresh, { secret: 'first', realm: null }, 400], [METHOD.refresh, { secret: 'first', nonce: null }, 400],
		[METHOD.refresh, { secret: 'first' }, 0]],
};

async function answers(t, server, steps) {
	const client = new Asker(t, server);
	const username = name(steps[0][1].ttl_s);
	const codes = [];

	for (const [method, how] of steps)
		codes.push(await client.ask(method, { username, ...how, secret: SECRETS[how.secret] }));
	return codes;
}

async function start(t, kind, args) {
	const server = new Turnserver(t, args, { name: kind, admin: kind === 'turnserver' });

	turnadmin(t, server, ['-s', SECRETS.database]);
	return server.start();
}

const options = (...secrets) => ['--use-auth-secret', ...secrets.map((s) => `--static-auth-secret=${s}`)];

test('whoever is let in or refused by stock coturn is so by ours, with the same code', async (t) => {
	const kinds = process.env.LEDGER === 'ours' ? ['turnserver'] : ['turnserver-stock', 'turnserver'];
	const servers = await Promise.all(kinds.map((kind) => start(t, kind, options(SECRETS.first, SECRETS.second))));

	for (const server of servers)
		for (const [what, steps] of Object.entries(questions))
			assert.deepEqual(await answers(t, server, steps), steps.map(([, , code]) => code), `${server.name}: ${what}`);
});

test('so it is with the secrets in a file, of which none is tried for a name it is not for', async (t) => {
	const server = new Turnserver(t, ['--auth-secret-file={dir}/secrets']);

	writeSecrets(path.join(server.dir, 'secrets'), [`a ${SECRETS.first} users=guest`, `b ${SECRETS.second}`]);
	turnadmin(t, server, ['-s', SECRETS.database]);
	await server.start();
	const ask = (how) => answers(t, server, [[METHOD.allocate, how]]);

	assert.deepEqual(await ask({ secret: 'second' }), [0]);
	assert.deepEqual(await ask({ secret: 'database' }), [0]);
	assert.deepEqual(await ask({ secret: 'first' }), [401]);
	assert.deepEqual(await ask({ secret: 'first', username: `${now() + 60}:guest` }), [0]);
	assert.deepEqual(await ask({ secret: 'unknown' }), [401]);
});

test('a secret behind more of them than the relay thread tries is as good', async (t) => {
	const many = Array.from({ length: MANY }, (_, i) => marker(`many${i}`));
	const server = await start(t, 'turnserver', options(...many, SECRETS.first));
	const ask = (secret) => answers(t, server, [[METHOD.allocate, { secret }], [METHOD.refresh, { secret }]]);

	assert.deepEqual(await ask('first'), [0, 0]);
	assert.deepEqual(await ask('database'), [0, 0]);
	assert.deepEqual(await ask('unknown'), [401, 401]);
});
