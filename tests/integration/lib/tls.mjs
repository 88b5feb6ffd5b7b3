/* tls.mjs - certificates made on the spot, sio-echo behind them, and clients that say what they offer */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import tls from 'node:tls';

import { RawWs, startEcho, tlsConnect } from './echo.mjs';
import { newStateDir } from './suite.mjs';

const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] }).toString();
const kinds = { ec: ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'], rsa: ['rsa:2048'] };

/* A folder with an authority of its own. */
export class Certificates {
	constructor() {
		this.dir = newStateDir();
		openssl('req', '-x509', '-newkey', ...kinds.ec, '-nodes', '-keyout', this.file('root.key'), '-out', this.file('root.crt'),
			'-subj', '/CN=test root', '-days', '2');
		this.#issue('middle', 'ec', 'root', 'basicConstraints=critical,CA:TRUE');
		this.ca = fs.readFileSync(this.file('root.crt'));
	}

	file(name) {
		return path.join(this.dir, name);
	}

	#issue(name, kind, by, extension) {
		openssl('req', '-newkey', ...kinds[kind], '-nodes', '-keyout', this.file(`${name}.key`), '-out', this.file(`${name}.csr`), '-subj', `/CN=${name}`);
		fs.writeFileSync(this.file('ext'), extension);
		openssl('x509', '-req', '-in', this.file(`${name}.csr`), '-CA', this.file(`${by}.crt`), '-CAkey', this.file(`${by}.key`),
			'-CAcreateserial', '-out', this.file(`${name}.crt`), '-days', '2', '-extfile', this.file('ext'));
	}

	/* A certificate with its chain behind it, and its key. */
	make(name, kind) {
		this.#issue(name, kind, 'middle', 'subjectAltName=DNS:localhost,IP:127.0.0.1');
		fs.appendFileSync(this.file(`${name}.crt`), fs.readFileSync(this.file('middle.crt')));
		return this;
	}

	args(...names) {
		return names.flatMap((n) => ['--cert', this.file(`${n}.crt`), '--pkey', this.file(`${n}.key`)]);
	}

	/* As whoever renews certificates does it. */
	replace(from, to) {
		for (const end of ['crt', 'key']) {
			fs.copyFileSync(this.file(`${from}.${end}`), this.file('next'));
			fs.chmodSync(this.file('next'), end === 'key' ? 0o600 : 0o644);
			fs.renameSync(this.file('next'), this.file(`${to}.${end}`));
		}
	}
}

export async function startTlsEcho(...args) {
	const echo = await startEcho(...args);

	echo.url = `https://127.0.0.1:${echo.port}`;
	return echo;
}

/* Resolves to the socket when the handshake is done. */
export function shake(port, options = {}) {
	return new Promise((resolve, reject) => {
		const s = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options }, () => resolve(s));

		s.on('error', reject);
	});
}

export class TlsRaw extends RawWs {
	constructor(port, options = {}) {
		super(port, { connect: (to) => tlsConnect({ ...to, ...options }) });
	}
}

/* What openssl's client prints. */
export function sClient(port, ...args) {
	try {
		return execFileSync('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...args], { input: '', stdio: ['pipe', 'pipe', 'pipe'], timeout: 20000 }).toString();
	} catch (e) {
		return `${e.stdout}${e.stderr}`;
	}
}
