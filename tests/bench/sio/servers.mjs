/* servers.mjs - what is measured: started on its core, told apart by name, ended by its pid */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { onCore, program, selfSigned, sleep, start, WORK } from '../lib/process.mjs';

const HERE = fileURLToPath(new URL('.', import.meta.url));
/* Arguments of on-core: a loader has one thread and may be real-time, but not when it is busy for long, for then the
 * kernel lets the others have their share. */
const SERVER_CORE = ['0'];
const LOAD_CORE = ['1', '-r', '1'];
const BUSY_CORE = ['1'];
const READY_MS = 20000;
const NO_LIMIT = 1000000; /* for what is not measured */

async function freePort() {
	for (;;) {
		const port = 10000 + Math.floor(Math.random() * 20000); /* below the ephemeral ones */
		const taken = await new Promise((resolve) => {
			const s = net.createServer().once('error', () => resolve(true));

			s.listen(port, '127.0.0.1', () => s.close(() => resolve(false)));
		});

		if (!taken)
			return port;
	}
}

const tlsArgs = (tls) => (tls ? ['--cert', selfSigned().cert, '--pkey', selfSigned().pkey] : []);

/* What a program says of its options; old ones lack some. */
function knows(argv, word) {
	const { stdout, stderr } = spawnSync(argv[0], argv.slice(1), { encoding: 'utf8' });

	return `${stdout}${stderr}`.includes(word);
}

/* --- signald's configuration --------------------------------------------------------- */

/* Every client here has one of a few addresses, and pairs say more a second than people do. */
const LIFTED = {
	'connections-max': 19500,
	'connections-per-address': NO_LIMIT,
	'sessions-per-address': NO_LIMIT,
	'handshakes-per-address': NO_LIMIT,
	'events-per-s': NO_LIMIT,
	'events-burst': NO_LIMIT,
	'unjoined-max': 20000,
	'calls-per-minute': NO_LIMIT,
	'ice-requests-per-minute': NO_LIMIT,
};

function signaldConf(port, tls, more) {
	const secrets = path.join(WORK, 'secrets'), token = path.join(WORK, 'token');
	const help = spawnSync(program('signald/signald'), ['--help-config'], { encoding: 'utf8' }).stdout;

	if (!fs.existsSync(token)) {
		fs.writeFileSync(secrets, `main ${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
		fs.writeFileSync(token, `${randomBytes(24).toString('hex')}\n`, { mode: 0o600 });
	}
	const known = Object.entries({ ...LIFTED, ...more })
		.filter(([key]) => new RegExp(`^\\s*${key}\\b`, 'm').test(help))
		.map(([key, value]) => {
			const limit = new RegExp(`^\\s*${key}\\b[^\\n]*?(\\d+)\\.\\.(\\d+)`, 'm').exec(help);

			return [key, limit ? Math.min(value, Number(limit[2])) : value];
		});
	const conf = {
		'listen': `127.0.0.1:${port}`,
		'auth-secret-file': secrets,
		'admin-token-file': token,
		'turn-urls': 'turn:127.0.0.1:3478?transport=udp',
		'state-dir': WORK,
		'log-level': 'warn',
		...(tls ? selfSigned() : {}),
		...Object.fromEntries(known),
	};
	const file = path.join(WORK, `signald-${port}.conf`);

	fs.writeFileSync(file, Object.entries(conf).map(([key, value]) => `${key} = ${value}\n`).join(''));
	return { file, token: fs.readFileSync(token, 'utf8').trim() };
}

/* --- kinds --------------------------------------------------------------------------- */

const KINDS = {
	ours: {
		label: 'signald\'s library (sio-echo)',
		argv: (port, { tls }) => [program('tests/tools/sio-echo'), '--port', port, ...tlsArgs(tls),
			...(knows([program('tests/tools/sio-echo')], '--connections') ? ['--connections', '19500'] : [])],
	},
	node: {
		label: 'Node, socket.io',
		argv: (port, { tls, small }) => [process.execPath, ...(small ? ['--expose-gc'] : []), path.join(HERE, 'node', 'server.mjs'),
			'--port', port, ...tlsArgs(tls)],
	},
	bare: {
		label: 'bare epoll echo',
		argv: (port) => [program('tests/bench/sio/bare-echo'), '--port', port],
		args: ['--raw'],
	},
	signald: {
		label: 'signald',
		argv: (port, { tls, conf }) => [program('signald/signald'), '-c', signaldConf(port, tls, conf).file],
		silent: true,
	},
};

export const canTls = (kind) => kind === 'node' ||
	(kind === 'ours' ? knows([program('tests/tools/sio-echo')], '--cert') : knows([program('signald/signald'), '--help-config'], 'pkey'));

const answers = (port) => new Promise((resolve) => {
	const s = net.connect(port, '127.0.0.1');

	s.once('connect', () => { s.destroy(); resolve(true); });
	s.once('error', () => resolve(false));
});

export class Server {
	/* tls: serve https; small: Node collects its garbage before its memory is looked at; conf: more of signald's keys. */
	constructor(kind, options = {}) {
		this.kind = KINDS[kind];
		this.name = kind;
		this.options = options;
	}

	async start() {
		this.port ??= await freePort();
		const argv = onCore(SERVER_CORE, this.kind.argv(String(this.port), this.options));

		this.log = path.join(WORK, `${this.name}-${this.port}.log`);
		const fd = fs.openSync(this.log, 'a');

		this.process = start(argv, { stdio: ['ignore', fd, fd] });
		fs.closeSync(fd);
		this.process.ended.then((how) => { this.gone = how; });
		this.gone = null;
		for (const until = Date.now() + READY_MS; !await answers(this.port); await sleep(5)) {
			if (this.gone || Date.now() > until)
				throw new Error(`${this.name} does not start:\n${fs.readFileSync(this.log, 'utf8').slice(-2000)}`);
		}
		return this;
	}

	get token() {
		return fs.readFileSync(path.join(WORK, 'token'), 'utf8').trim();
	}

	async kill() {
		this.process.kill('SIGKILL');
		await this.process.ended;
	}

	/* Measured already: how it ends is no business of ours. */
	async stop() {
		await this.kill();
	}
}

/* One run of the loader. */
export class Load {
	/* outlives: the server may go and come back, so its cost is not looked at; busy: behind other loaders. */
	constructor(server, args, { outlives = false, busy = false } = {}) {
		const argv = onCore(busy ? BUSY_CORE : LOAD_CORE, [program('tests/bench/sio/sio-load'), '--port', server.port,
			...(server.kind.args ?? []), ...(server.options.tls ? ['--tls'] : []),
			...(outlives ? [] : ['--server-pid', server.process.pid]), ...args].map(String));

		this.what = `sio-load at ${server.name} (${args.join(' ')})`;
		this.text = '';
		this.errors = '';
		this.process = start(argv, { stdio: ['ignore', 'pipe', 'pipe'] });
		this.process.stderr.on('data', (d) => { this.errors += d; });
		/* All clients are; or it has ended, which result() will tell. */
		this.ready = new Promise((resolve) => {
			this.process.stdout.on('data', (d) => {
				this.text += d;
				if (this.text.includes('"ready"'))
					resolve();
			});
			this.process.ended.then(resolve);
		});
		/* It has its result, and its clients are about to leave. */
		this.told = new Promise((resolve) => {
			this.process.stdout.on('data', () => {
				if (this.text.includes('"result"'))
					resolve();
			});
			this.process.ended.then(resolve);
		});
	}

	async result() {
		const how = await this.process.ended;
		const line = this.text.trim().split('\n').at(-1);

		if (how.code !== 0 || !line?.includes('"result"'))
			throw new Error(`${this.what}: ${JSON.stringify(how)} ${this.errors.trim()}`);
		return JSON.parse(line);
	}

	/* Enough: what was measured so far is the result. */
	async end() {
		this.process.kill('SIGTERM');
		return this.result();
	}
}

export { sleep };
