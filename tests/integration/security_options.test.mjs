/* security_options.test.mjs - rows of the security ledger that take an option we advise against */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after } from 'node:test';

import { row } from './lib/ledger.mjs';
import { freePort, sleep, until } from './lib/suite.mjs';
import { ATTR, attribute, METHOD, TurnError } from './lib/turn_client.mjs';

/* --- redis -------------------------------------------------------------------------- */

/* What a Redis understands of it: commands of words, each answered with "nothing there". */
class FakeRedis {
	constructor() {
		this.commands = [];
		this.server = net.createServer((s) => {
			let rest = '';

			s.on('error', () => {});
			s.on('data', (d) => {
				rest += d.toString('latin1');
				for (let m; (m = /^\*(\d+)\r\n/.exec(rest));) {
					const words = [];
					let at = m[0].length;

					while (words.length < Number(m[1])) {
						const length = /^\$(\d+)\r\n/.exec(rest.slice(at));

						if (!length || rest.length < at + length[0].length + Number(length[1]) + 2)
							return;
						at += length[0].length;
						words.push(rest.slice(at, at + Number(length[1])));
						at += Number(length[1]) + 2;
					}
					rest = rest.slice(at);
					this.commands.push(words);
					s.write(/^(keys|smembers|hgetall)$/i.test(words[0]) ? '*0\r\n' : /^get$/i.test(words[0]) ? '$-1\r\n' : '+OK\r\n');
				}
			});
		});
	}

	async listen(port) {
		await new Promise((resolve) => this.server.listen(port, '127.0.0.1', resolve));
		return this;
	}
}

const redis = await new FakeRedis().listen(await freePort());
const REDIS = `ip=127.0.0.1 port=${redis.server.address().port} connect_timeout=3`;

after(() => redis.server.close());

/* Stock may never say it; ours has what a busy machine takes. */
const patience_ms = (server) => (server.isStock ? 2000 : 20000);

const heard = (what) => redis.commands.filter((words) => words.some((w) => w.includes(what)));

row('GHSA-4g7c-p5wg-j4hp', 'a user name goes to redis-statsdb as it is', { args: [`--redis-statsdb=${REDIS}`] }, async (server) => {
	redis.commands.length = 0;
	const client = server.client('a%sb%sc%dd');

	client.allocate().catch(() => {}); /* the whole thread may be gone */
	await until('the report', () => heard('allocation').length > 0, patience_ms(server)).catch(() => {});
	const [set] = redis.commands.filter((words) => words[0] === 'set');

	assert.ok(set, `nothing was reported: ${JSON.stringify(redis.commands.map((c) => c[0]))}`);
	assert.equal(set.length, 3);
	assert.ok(set[1].includes(`/user/${client.username}/allocation/`), set[1]);
	assert.match(set[2], /^new lifetime=\d+, type=UDP, /);
});

row('GHSA-4g7c-p5wg-j4hp', 'nor is the name of who has not authenticated a format for redis-userdb',
	{ args: [`--redis-userdb=${REDIS}`, '--lt-cred-mech'], auth: false, because: /as it is/ }, async (server) => {
		redis.commands.length = 0;
		const client = server.client('x%sy%dz');

		client.allocate().catch(() => {}); /* refused, or never answered */
		await until('the name is looked up', () => heard('/user/').length > 0, patience_ms(server)).catch(() => {});
		assert.ok(redis.commands.some((words) => words.length === 2 && words[1].endsWith(`/user/${client.username}/key`)),
			`the name arrives as it is: ${JSON.stringify(redis.commands)}`);
	});

/* --- the CLI ------------------------------------------------------------------------ */

const CLI_PORT = { stock: await freePort(), ours: await freePort() };
const CLI = {
	args: ['--cli-ip=127.0.0.1', '--cli-password=cli-password'], without: ['--no-cli'],
	stock: [`--cli-port=${CLI_PORT.stock}`], ours: [`--cli-port=${CLI_PORT.ours}`],
};

class Cli {
	constructor(server, t) {
		this.text = '';
		this.patience_ms = patience_ms(server);
		this.socket = net.connect(server.isStock ? CLI_PORT.stock : CLI_PORT.ours, '127.0.0.1');
		this.socket.on('error', () => {});
		this.socket.on('data', (d) => { this.text += d.toString('latin1'); });
		this.closed = new Promise((resolve) => this.socket.once('close', resolve));
		t.after(() => this.socket.destroy());
	}

	async says(what, command) {
		const from = this.text.length;

		if (command !== undefined)
			this.socket.write(Buffer.from(command, 'latin1'));
		await until(`CLI: ${what}`, () => this.text.slice(from).includes(what), this.patience_ms);
	}
}

row('S-CLI-PSD', 'psd writes to no file that is there, nor outside of turnserver\'s folder', CLI, async (server, t) => {
	const there = path.join(server.server.dir, 'there');
	const cli = new Cli(server, t);

	fs.writeFileSync(there, 'kept');
	await cli.says('password');
	await cli.says('>', 'cli-password\r\n');
	await cli.says('>', `psd ${there}\r\n`);
	await cli.says('>', `psd ${there}.new\r\n`);
	assert.equal(fs.readFileSync(there, 'utf8'), 'kept');
	assert.ok(!fs.existsSync(`${there}.new`));
});

row('S-CLI-CLOSE', 'a session of the CLI that ends amid its input is left alone', CLI, async (server, t) => {
	for (let i = 0; i < 5; i++) {
		const cli = new Cli(server, t);

		await cli.says('password');
		for (let wrong = 0; wrong < 4; wrong++)
			await cli.says('password', 'wrong\r\n');
		/* The fifth ends it; the rest of what came with it was worked on in memory that had been freed. */
		cli.socket.write(Buffer.from(`wrong${'\xff\xf1'}more${'\xff\xf1'}\xff\xfb\x18and more`, 'latin1'));
		await Promise.race([cli.closed, sleep(1000)]);
		if (server.server.program.end)
			break;
	}
	await server.assertAlive();
});

/* --- web admin ---------------------------------------------------------------------- */

const WEB_PORT = { stock: await freePort(), ours: await freePort() };
const WEB = {
	args: ['--web-admin', '--web-admin-ip=127.0.0.1'],
	stock: [`--web-admin-port=${WEB_PORT.stock}`], ours: [`--web-admin-port=${WEB_PORT.ours}`],
};

row('S-LOG-FORGERY', 'a request to web admin writes no line of its own', WEB, async (server) => {
	const c = await server.connect({ port: server.isStock ? WEB_PORT.stock : WEB_PORT.ours });

	await c.write('GET / HTTP/1.1\r\n0: : forged by who asks\r\n\r\n');
	await until('the request in the log', () => / HTTP request: /.test(server.log));
	await sleep(50);
	assert.doesNotMatch(server.log, /^0: : forged/m);
});

/* --- mobility ----------------------------------------------------------------------- */

const MOBILE = { args: ['--mobility', '--relay-threads=1'] };
/* Where stock's answer can be read. */
const READABLE = { args: [...MOBILE.args, '--no-software-attribute'] };

row('S-MOBILE-OWNER', 'the ticket of another user resumes nothing, and the refusal is signed', READABLE, async (server) => {
	const [owner, thief] = [server.client('owner'), server.client('thief')];

	await owner.allocate({ mobile: true });
	await thief.open();
	/* Authenticated, without an allocation: TCP cannot be asked for over UDP. */
	await assert.rejects(thief.transaction(METHOD.allocate, [attribute(ATTR.transport, Buffer.from([6, 0, 0, 0]))]), TurnError);
	const { nonce, realm } = thief;
	const refused = await thief.resume({ ticket: owner.ticket, nonce, realm }).then(() => null, (err) => err);

	assert.ok(refused instanceof TurnError, 'it was resumed');
	assert.equal(refused.code, 441);
	assert.equal(refused.signed, true);
	await owner.refresh(600);
});

row('S-MOBILE-GARBLED', 'the answer to a resume can be read', MOBILE, async (server) => {
	const [client, elsewhere] = [server.client('reader'), server.client('reader')];

	await client.allocate({ mobile: true });
	elsewhere.username = client.username;
	elsewhere.key = client.key;
	const answered = elsewhere.resume(client).then(() => 'resumed', (err) => `${err}`);

	assert.equal(await Promise.race([answered, sleep(patience_ms(server)).then(() => 'no answer')]), 'resumed');
	assert.ok(elsewhere.ticket, 'no ticket in the answer');
	assert.notDeepEqual(elsewhere.ticket, client.ticket);
});

row('S-MOBILE-QUOTA', 'a ticket without credentials counts for nobody\'s quota', { args: [...READABLE.args, '--user-quota=2'], because: /486/ }, async (server) => {
	const [owner, second, copy] = [server.client('owner'), server.client('owner'), server.client('owner')];

	await owner.allocate({ mobile: true });
	copy.key = Buffer.alloc(16);
	await assert.rejects(copy.resume(owner), TurnError);
	second.username = owner.username;
	second.key = owner.key;
	assert.ok(await second.allocate().catch((err) => assert.fail(`${err}`)));
});

/* A source is served by the thread its port falls to, an allocation by the one that made it. */
row('S-MOBILE-GARBLED', 'nor does it matter which thread has the allocation', { args: ['--mobility', '--relay-threads=2'] }, async (server) => {
	const client = server.client('mover');

	await client.allocate({ mobile: true });
	for (let i = 0, from = client; i < 6; i++) {
		const to = server.client('mover');

		Object.assign(to, { username: client.username, key: client.key });
		const answered = to.resume(from).then(() => 'resumed', (err) => `${err}`);

		assert.equal(await Promise.race([answered, sleep(patience_ms(server)).then(() => 'no answer')]), 'resumed');
		await to.refresh(600);
		from = to;
	}
});
