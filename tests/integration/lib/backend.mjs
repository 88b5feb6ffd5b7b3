/* backend.mjs - messenger's servers for signald to ask: the examples, and one that does as it is told */
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import path from 'node:path';

import { Daemon, endsSomehow } from './daemon.mjs';
import { command, confide, freePort, newStateDir, SOURCE_DIR, until } from './suite.mjs';

const EXAMPLES = path.join(SOURCE_DIR, 'examples', 'backend');
export const PHP = command('php');

const reachable = (port) => new Promise((resolve) => {
	const s = net.connect(port, '127.0.0.1');

	s.once('connect', () => { s.destroy(); resolve(true); });
	s.once('error', () => resolve(false));
});

/* One of examples/backend, as its README says. data: as in data.json. */
export async function startExample(t, kind, { data, token = '' }) {
	const port = await freePort();
	const file = path.join(newStateDir(), 'data.json');

	fs.writeFileSync(file, JSON.stringify(data));
	const argv = kind === 'node'
		? [process.execPath, path.join(EXAMPLES, 'answer.mjs'), String(port), file]
		: [PHP, '-S', `127.0.0.1:${port}`, path.join(EXAMPLES, 'answer.php')];
	const d = new Daemon(kind, argv, { env: { BACKEND_TOKEN: token, BACKEND_DATA: file } });

	t.after(() => d.stop({ exits: (how) => endsSomehow(how) || how.signal !== null || how.code === 130 }));
	await until(`the ${kind} example answers`, () => { d.assertAlive(); return reachable(port); });
	return { url: `http://127.0.0.1:${port}/`, daemon: d };
}

/* Asked by signald, it keeps the questions, and answers with answer(question, req): [status, body] or
 * a promise of that; or write(res, question) does all by itself. */
export class Backend {
	constructor(answer = () => [200, {}]) {
		this.answer = answer;
		this.write = null;
		this.asked = [];
		this.requests = [];
		this.sockets = new Set();
	}

	async start(t, { tls } = {}) {
		const handler = (req, res) => this.#on(req, res);

		this.server = tls ? https.createServer(tls, handler) : http.createServer(handler);
		this.server.keepAliveTimeout = 60000;
		this.server.on('connection', (s) => {
			this.connections = (this.connections ?? 0) + 1;
			this.sockets.add(s);
			s.once('close', () => this.sockets.delete(s));
		});
		this.port ??= await freePort();
		this.server.listen(this.port, '127.0.0.1');
		await once(this.server, 'listening');
		this.url = `${tls ? 'https' : 'http'}://127.0.0.1:${this.port}/ask`;
		t?.after(() => this.stop());
		return this;
	}

	async #on(req, res) {
		let text = '';

		req.on('error', () => {});
		res.on('error', () => {});
		for await (const chunk of req.setEncoding('utf8'))
			text += chunk;
		const question = JSON.parse(text);

		this.requests.push(req);
		this.asked.push(question);
		if (this.write) {
			this.write(res, question);
			return;
		}
		const [status, body] = await this.answer(question, req);

		res.writeHead(status, { 'Content-Type': 'application/json' });
		res.end(typeof body === 'string' ? body : JSON.stringify(body));
	}

	count(ask) {
		return this.asked.filter((q) => q.ask === ask).length;
	}

	async stop() {
		const closed = new Promise((resolve) => this.server.close(resolve));

		for (const s of this.sockets)
			s.destroy();
		await closed;
	}
}

/* A file with a token, and the lines of signald.conf for a backend at url. */
export function backendLines(url, more = {}) {
	const token = confide(`backend-${Math.random().toString(36).slice(2)}-0123456789`);
	const file = path.join(newStateDir(), 'backend-token');

	fs.writeFileSync(file, `${token}\n`, { mode: 0o600 });
	return { token, file, lines: { 'backend-url': url, 'backend-token-file': file, ...more } };
}
