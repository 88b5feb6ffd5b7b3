/* rest.mjs - signald's REST, as a client and as somebody who sends odd things */
import http from 'node:http';

import { confide } from './suite.mjs';

function confideIn(servers) {
	for (const s of servers ?? [])
		if (s.credential)
			confide(s.credential);
}

export class Rest {
	constructor(url, adminToken) {
		this.url = url;
		this.adminToken = adminToken;
	}

	/* node:http rather than fetch: it sends HEAD, OPTIONS, Origin and bodies as told.
	 * Returns { status, headers, text, json }. */
	request(method, path, { headers = {}, body, agent, localAddress } = {}) {
		return new Promise((resolve, reject) => {
			/* path apart from the URL, or node would tidy it up */
			const req = http.request(this.url, { path, method, headers, agent, localAddress, timeout: 15000 }, (res) => {
				const parts = [];

				res.on('data', (d) => parts.push(d));
				res.on('error', reject);
				res.on('end', () => {
					const text = Buffer.concat(parts).toString();
					let json;

					try {
						json = JSON.parse(text);
					} catch {
						json = undefined;
					}
					confideIn(json?.iceServers ?? json?.turnServers);
					resolve({ status: res.statusCode, headers: res.headers, text, json });
				});
			});

			req.on('timeout', () => req.destroy(new Error(`${method} ${path}: no answer`)));
			req.on('error', reject);
			req.end(body);
		});
	}

	get(path, options) {
		return this.request('GET', path, options);
	}

	postJson(path, value, headers = {}) {
		return this.request('POST', path, {
			headers: { 'Content-Type': 'application/json; charset=utf-8', ...headers },
			body: typeof value === 'string' ? value : JSON.stringify(value),
		});
	}

	async health() {
		return (await this.get('/api/health')).json;
	}

	async stats() {
		const headers = { Authorization: `Bearer ${this.adminToken}` };
		const res = await this.get('/api/admin/calls/stats', { headers });

		if (res.status !== 200)
			throw new Error(`stats: ${res.status} ${res.text}`);
		return res.json.stats;
	}

	async call(roomName) {
		return (await this.stats()).calls.find((c) => c.roomName === roomName);
	}

	async endedCall(roomName) {
		return (await this.stats()).endedCalls.find((c) => c.roomName === roomName);
	}
}
