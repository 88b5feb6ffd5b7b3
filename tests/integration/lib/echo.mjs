/* echo.mjs - sio-echo, raw requests and raw WebSockets: the protocol layers without calls */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';

import { Daemon } from './daemon.mjs';
import { SUITE_DIR, program } from './suite.mjs';

const READY_MAX_MS = 30000;
const REPLY_MAX_MS = 20000;

export const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

export class Echo extends Daemon {
	constructor(...args) {
		super('sio-echo', new.target.command(args.map(String)));
	}

	static command(args) {
		return [program('tests/tools/sio-echo'), '--port', '0', ...args];
	}

	async ready() {
		const until = Date.now() + READY_MAX_MS;
		let found;

		while (!(found = /listening on 127\.0\.0\.1:(\d+)/.exec(this.logText()))) {
			this.assertAlive();
			assert.ok(Date.now() < until, 'sio-echo does not become ready');
			await sleep(20);
		}
		this.port = Number(found[1]);
		this.url = `http://127.0.0.1:${this.port}`;
		return this;
	}
}

/* One that may open few descriptors. */
export class PoorEcho extends Echo {
	static command(args) {
		return ['sh', '-c', 'ulimit -n "$0" && exec "$@"', args[0], program('tests/tools/sio-echo'), '--port', '0', '--connections', '1000'];
	}
}

export const startEcho = (...args) => new Echo(...args).ready();

/* The options of a sio-echo that speaks TLS, and how to connect to it. */
export function tlsOptions() {
	const dir = fs.mkdtempSync(path.join(SUITE_DIR, 'tls-'));
	const [key, cert] = [path.join(dir, 'key.pem'), path.join(dir, 'cert.pem')];

	execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost',
		'-keyout', key, '-out', cert], { stdio: 'ignore' });
	fs.chmodSync(key, 0o600);
	return ['--cert', cert, '--pkey', key];
}

export const tlsConnect = (options) => tls.connect({ ...options, rejectUnauthorized: false });

/* Bytes out, bytes in: what a library would never send. */
export class RawSocket {
	/* from: the address to come from; all of 127.0.0.0/8 are ours */
	constructor(port, { from, connect = net.connect } = {}) {
		this.bytes = Buffer.alloc(0);
		this.closed = false;
		this.socket = connect({ port, host: '127.0.0.1', localAddress: from });
		this.socket.setNoDelay(true);
		this.socket.on('data', (d) => {
			this.bytes = Buffer.concat([this.bytes, d]);
			this.wake?.();
		});
		this.socket.on('error', () => {});
		this.ended = new Promise((resolve) => { this.socket.once('close', resolve); }).then(() => { this.closed = true; });
	}

	write(data) {
		this.socket.write(data);
		return this;
	}

	async until(ready, what = 'bytes') {
		const limit = Date.now() + REPLY_MAX_MS;
		let value;

		while (!(value = ready(this.bytes))) {
			assert.ok(Date.now() < limit, `no ${what}; got ${this.bytes.toString('latin1').slice(0, 400)}`);
			if (this.closed && !ready(this.bytes))
				assert.fail(`closed without ${what}; got ${this.bytes.toString('latin1').slice(0, 400)}`);
			await this.news();
		}
		return value;
	}

	/* Bytes, the end, or a while. */
	news() {
		return new Promise((resolve) => {
			const timer = setTimeout(resolve, 20);

			this.wake = () => {
				clearTimeout(timer);
				resolve();
			};
		});
	}

	/* One HTTP answer with Content-Length, taken off the stream. */
	async answer() {
		const r = await this.until(parseAnswer, 'an answer');

		this.bytes = this.bytes.subarray(r.length);
		return r;
	}

	destroy() {
		this.socket.destroy();
	}
}

export function parseAnswer(bytes) {
	const end = bytes.indexOf('\r\n\r\n');

	if (end < 0)
		return null;
	const [line, ...rows] = bytes.subarray(0, end).toString('latin1').split('\r\n');
	const headers = Object.fromEntries(rows.map((row) => [row.split(':')[0].toLowerCase(), row.slice(row.indexOf(':') + 1).trim()]));
	const length = end + 4 + Number(headers['content-length'] ?? 0);

	if (bytes.length < length)
		return null;
	return { status: Number(line.split(' ')[1]), headers, length, body: bytes.subarray(end + 4, length).toString() };
}

/* One request on a connection of its own. */
export async function raw(port, text, options) {
	const s = new RawSocket(port, options).write(text);

	try {
		return await s.answer();
	} finally {
		s.destroy();
	}
}

/* A masked client frame; head overrides the first byte, length the announced one. */
export function frame(opcode, payload = '', { fin = true, masked = true, head, length } = {}) {
	const data = Buffer.from(payload);
	const n = length ?? data.length;
	const first = head ?? ((fin ? 0x80 : 0) | opcode);
	const size = n < 126 ? Buffer.from([n]) : n < 65536 ? Buffer.from([126, n >> 8, n & 255]) : Buffer.concat([Buffer.from([127]), u64(n)]);
	const key = Buffer.from([1, 2, 3, 4]);

	size[0] |= masked ? 0x80 : 0;
	return Buffer.concat([Buffer.from([first]), size, masked ? key : Buffer.alloc(0),
		masked ? Buffer.from(data.map((b, i) => b ^ key[i % 4])) : data]);
}

function u64(n) {
	const b = Buffer.alloc(8);

	b.writeBigUInt64BE(BigInt(n));
	return b;
}

/* A server frame at the start of bytes, or null. */
export function parseFrame(bytes) {
	if (bytes.length < 2)
		return null;
	let n = bytes[1] & 127;
	let at = 2;

	if (n === 126) {
		if (bytes.length < 4)
			return null;
		n = bytes.readUInt16BE(2);
		at = 4;
	} else if (n === 127) {
		if (bytes.length < 10)
			return null;
		n = Number(bytes.readBigUInt64BE(2));
		at = 10;
	}
	return bytes.length < at + n ? null : { opcode: bytes[0] & 15, payload: bytes.subarray(at, at + n), length: at + n };
}

export const handshake = (path, extra = '') => `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`
	+ `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${extra}\r\n`;

export class RawWs extends RawSocket {
	async open(path, { extra = '', behind = Buffer.alloc(0) } = {}) {
		this.write(Buffer.concat([Buffer.from(handshake(path, extra)), behind]));
		const r = await this.until((b) => b.indexOf('\r\n\r\n') >= 0 && b, 'a handshake');
		const end = r.indexOf('\r\n\r\n') + 4;

		this.head = r.subarray(0, end).toString();
		this.bytes = this.bytes.subarray(end);
		assert.match(this.head, /^HTTP\/1.1 101 /);
		return this;
	}

	async frame() {
		const f = await this.until(parseFrame, 'a frame');

		this.bytes = this.bytes.subarray(f.length);
		return f;
	}

	async text() {
		const f = await this.frame();

		assert.equal(f.opcode, 1);
		return f.payload.toString();
	}

	/* The code of the Close frame; what comes before it is skipped. */
	async closeCode() {
		for (;;) {
			const f = await this.frame();

			if (f.opcode === 8)
				return f.payload.length ? f.payload.readUInt16BE(0) : 1005;
		}
	}

	/* Its end without a Close frame, of which OkHttp would not tell Android's client. */
	async quietEnd() {
		await this.ended;
		for (let f; (f = parseFrame(this.bytes)); this.bytes = this.bytes.subarray(f.length))
			assert.notEqual(f.opcode, 8, 'a Close frame');
	}

	send(text) {
		return this.write(frame(1, text));
	}
}

/* Engine.IO over polling, by hand. */
export class Polling {
	constructor(echo, path = '/engine.io/') {
		this.base = `${echo.url}${path}?EIO=4&transport=polling`;
	}

	async open() {
		const r = await fetch(this.base);
		const body = await r.text();

		assert.equal(r.status, 200);
		assert.equal(body[0], '0');
		this.hello = JSON.parse(body.slice(1));
		this.url = `${this.base}&sid=${this.hello.sid}`;
		return this;
	}

	async get(options) {
		const r = await fetch(this.url, options);

		return { status: r.status, body: await r.text() };
	}

	async post(body, options) {
		const r = await fetch(this.url, { method: 'POST', body, ...options });

		return { status: r.status, body: await r.text() };
	}
}
