/* security_source_modes.test.mjs - however turnserver is configured, a source without a session is answered as stock answers it
 *
 * The same datagrams to both, each from a port of its own: the answers must have the same type, attributes and lengths,
 * and say the same but for what is random or an address. Then what is ours alone: nonces. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import dgram from 'node:dgram';
import { describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';

import { marker, now, sleep, turnPassword, until } from './lib/suite.mjs';
import { ATTR, METHOD, TurnClient, attribute } from './lib/turn_client.mjs';
import { REALM, Turnserver } from './lib/turnserver.mjs';

const HOST = '127.0.0.1';
const SECRET = marker('modes');
const AUTH = ['--use-auth-secret', `--static-auth-secret=${SECRET}`];
const SILENCE_MS = 250, SILENCE_MAX_MS = 4000;
const MAGIC = '2112a442';
const BINDING = 0x001;
const CHANGE_REQUEST = 0x0003, PADDING = 0x0026, RESPONSE_PORT = 0x0027, ORIGIN = 0x802f;
/* Nonces and addresses differ; that they are there does not. */
const SAID = new Set([ATTR.error, ATTR.realm, 0x000a, 0x8022, 0x802e]);

function request(method, attrs = [], { cookie = MAGIC } = {}) {
	const body = Buffer.concat(attrs);
	const head = Buffer.alloc(20);

	head.writeUInt16BE(method, 0);
	head.writeUInt16BE(body.length, 2);
	Buffer.from(cookie, 'hex').copy(head, 4);
	randomBytes(12).copy(head, 8);
	return Buffer.concat([head, body]);
}

const UDP = attribute(ATTR.transport, Buffer.from([17, 0, 0, 0]));
const USER = attribute(ATTR.username, Buffer.from(`${now() + 3600}:mode`));
const IN_REALM = attribute(ATTR.realm, Buffer.from(REALM));
const NONCE = attribute(ATTR.nonce, Buffer.from('0123456789abcdef'));
const UNSIGNED = attribute(ATTR.integrity, Buffer.alloc(20));
const change = (bits) => attribute(CHANGE_REQUEST, Buffer.from([0, 0, 0, bits]));

const REQUESTS = {
	'Allocate': () => request(METHOD.allocate, [UDP]),
	'Allocate with a name alone': () => request(METHOD.allocate, [UDP, USER]),
	'Allocate with an origin': () => request(METHOD.allocate, [UDP, attribute(ORIGIN, Buffer.from('https://example.org'))]),
	'Allocate with a nonce of nobody': () => request(METHOD.allocate, [UDP, USER, IN_REALM, NONCE, UNSIGNED]),
	'Allocate without a nonce': () => request(METHOD.allocate, [UDP, USER, IN_REALM, UNSIGNED]),
	'Allocate without a realm': () => request(METHOD.allocate, [UDP, USER, NONCE, UNSIGNED]),
	'Refresh': () => request(METHOD.refresh),
	'CreatePermission': () => request(METHOD.permission),
	'ChannelBind': () => request(METHOD.channel),
	'Binding': () => request(BINDING),
	'Binding of RFC 3489': () => request(BINDING, [], { cookie: '01020304' }),
	'Binding with an unknown attribute': () => request(BINDING, [attribute(0x7ffe, Buffer.alloc(4))]),
	'Binding that asks for no change': () => request(BINDING, [change(0)]),
	'Binding that asks for another port': () => request(BINDING, [change(2)]),
	'Binding that asks for another address': () => request(BINDING, [change(6)]),
	'Binding to another port': () => request(BINDING, [attribute(RESPONSE_PORT, Buffer.from([0, 9, 0, 0]))]),
	'Binding with padding': () => request(BINDING, [attribute(PADDING, Buffer.alloc(4))]),
	'Send': () => request(METHOD.send | 0x0010),
	'ChannelData': () => Buffer.from('4000000461626364', 'hex'),
	'a byte': () => Buffer.from('?'),
};

/* What an answer is like, or null where none comes. */
function shape(msg) {
	if (!msg)
		return null;
	const attrs = [];

	for (let i = 20; i + 4 <= msg.length;) {
		const type = msg.readUInt16BE(i), n = msg.readUInt16BE(i + 2);

		attrs.push(`${type.toString(16)}:${n}${SAID.has(type) ? ` ${msg.subarray(i + 4, i + 4 + n).toString('latin1').replace(/[^ -~]/g, (c) => `<${c.charCodeAt(0)}>`)}` : ''}`);
		i += 4 + Math.ceil(n / 4) * 4;
	}
	return [msg.readUInt16BE(0).toString(16), ...attrs];
}

/* From whichever address of the server it comes. */
function exchange(port, datagram, silence_ms = SILENCE_MS) {
	const s = dgram.createSocket('udp4');

	return new Promise((resolve, reject) => {
		const late = setTimeout(resolve, silence_ms, null);

		s.once('error', reject);
		s.once('message', (m) => { clearTimeout(late); resolve(m); });
		s.send(datagram, port, HOST);
	}).finally(() => s.close());
}

async function shapes(server, names, silence_ms) {
	const answers = await Promise.all(names.map((name) => exchange(server.port, REQUESTS[name](), silence_ms)));

	return Object.fromEntries(names.map((name, i) => [name, shape(answers[i])]));
}

const MODES = {
	'as it is': {},
	'with fingerprints': { args: ['--fingerprint'] },
	'without software': { args: ['--no-software-attribute'] },
	'secure-stun': { args: ['--secure-stun'] },
	'no-stun': { args: ['--no-stun'], quiet: true },
	'stun-only': { args: ['--stun-only'] },
	'no-auth': { args: ['--no-auth'], auth: false },
	'an alternate server': { args: ['--alternate-server=192.0.2.1:3478'] },
	'several addresses (RFC 5780)': { args: ['-L', '127.0.0.2'] },
	'no-stun-backward-compatibility': { args: ['--no-stun-backward-compatibility', '--response-origin-only-with-rfc5780'] },
	'a socket for each endpoint': { args: ['--ne=1', '--relay-threads=2'] },
	'a socket for each session': { args: ['--ne=2', '--relay-threads=2'] },
	'no relay threads': { args: ['--relay-threads=0'] },
};

/* Stock lets itself be asked whether it serves by Binding alone. */
async function serve(t, name, { args = [], auth = true, quiet = false }) {
	const server = new Turnserver(t, [...(auth ? AUTH : []), ...args], { name, admin: false });

	if (quiet)
		server.serves = async () => !!await exchange(server.port, REQUESTS.Allocate());
	return server.start();
}

/* Stock is built otherwise where our halves run alone: see ledger.mjs. */
const skip = process.env.LEDGER === 'ours' ? 'without turnserver-stock' : false;

describe('sources are answered as by stock', { concurrency: 2, skip }, () => {
	for (const [mode, options] of Object.entries(MODES))
		test(mode, async (t) => {
			const [stock, ours] = await Promise.all(['turnserver-stock', 'turnserver'].map((name) => serve(t, name, options)));
			const names = Object.keys(REQUESTS);
			/* 438 is 438, whichever of its two phrases comes with it. */
			const plain = (all) => JSON.parse(JSON.stringify(all).replaceAll('Wrong nonce', 'Stale nonce'));

			/* What is answered too late on a busy machine is asked again, and waited for longer. */
			for (let silence_ms = SILENCE_MS; ; silence_ms *= 2) {
				const [are, must] = [await shapes(ours, names, silence_ms), plain(await shapes(stock, names, silence_ms))];

				if (silence_ms < SILENCE_MAX_MS && !isDeepStrictEqual(are, must))
					continue;
				assert.deepEqual(are, must);
				return;
			}
		});
});

/* --- nonces -------------------------------------------------------------------------- */

function client(t, server, localAddress = HOST) {
	const username = `${now() + 3600}:nonces`;
	const c = new TurnClient({ host: HOST, turnPort: server.port, realm: REALM },
		{ username, password: turnPassword(SECRET, username) }, localAddress);

	t.after(() => c.close());
	return c;
}

for (const args of [[], ['--ne=1', '--relay-threads=2'], ['--ne=2', '--relay-threads=2']])
	test(`a nonce of the listener is the session's: ${args[0] ?? 'as it is'}`, async (t) => {
		const server = await serve(t, 'turnserver', { args });
		const c = client(t, server);

		await c.allocate();
		const { nonce } = c;

		await c.permit({ address: '127.0.0.3', port: 9 });
		await c.refresh(600);
		assert.deepEqual(c.nonce, nonce);
	});

test('a session whose nonce grew stale gets another, and so does one that came after it', async (t) => {
	const server = await serve(t, 'turnserver', { args: ['--stale-nonce=1'] });
	const c = client(t, server);

	await c.allocate();
	const { nonce } = c;

	await sleep(2500);
	await c.refresh(600);
	assert.notDeepEqual(c.nonce, nonce);
	await c.refresh(0);
	/* Its session ends in a second, and the nonce of it is nobody's. */
	await sleep(2500);
	assert.ok(await c.allocate());
});

test('a request that is sent twice, before and after there is a session, is answered twice and alike', async (t) => {
	const server = await serve(t, 'turnserver', {});
	const c = client(t, server);

	await c.open();
	const said = [], sent = [];
	const write = c.write.bind(c), read = c.read.bind(c);

	c.write = (msg) => { sent.push(msg); write(msg); write(msg); };
	c.read = (msg) => { said.push(msg); read(msg); };
	assert.ok(await c.allocate());
	await until('all answers', () => said.length >= 4).catch(() => {});
	await sleep(100);
	assert.equal(sent.length, 2);
	assert.equal(said.length, 4);
	for (const id of sent.map((m) => m.toString('hex', 8, 20))) {
		const [first, second] = said.filter((m) => m.toString('hex', 8, 20) === id);

		assert.deepEqual(shape(second), shape(first));
	}
});
