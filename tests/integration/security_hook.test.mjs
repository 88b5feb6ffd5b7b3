/* security_hook.test.mjs - rows of the security ledger that the hook group fixed
 *
 * What coturn counts is read from its log, which stock and ours write alike. */
import assert from 'node:assert/strict';

import { row } from './lib/ledger.mjs';
import { freePort, marker, now, sleep, until } from './lib/suite.mjs';
import { errorOf, udpPeer } from './lib/turn_client.mjs';

/* Packets that came from peers, as the server logged them at the end of a user's session. */
function fromPeers(server, username) {
	const line = server.log.split('\n').find((l) => l.includes('peer usage:') && l.includes(`username=<${username}>`));

	return line && Number(/ rp=(\d+)/.exec(line)[1]);
}

/* One that the client permitted sends behind the strangers: what arrives of it shows that they were read. */
row('S-STRANGER-COUNTED', 'a stranger\'s packets are not counted as relayed', {}, async (server, t) => {
	const client = server.client('stranger');
	const relayed = await client.allocate();
	const stranger = await udpPeer(t, { host: '127.0.0.2' });
	const friend = await udpPeer(t);

	await client.permit(friend);
	for (let i = 0; i < 20; i++)
		await new Promise((resolve) => stranger.socket.send(Buffer.alloc(100), relayed.port, relayed.address, resolve));
	friend.socket.send(Buffer.alloc(100), relayed.port, relayed.address);
	await until('the friend\'s packet', () => client.packets === 1);
	await client.release();
	const counted = await until('the log of the session', () => fromPeers(server, client.username));

	assert.equal(counted, 1);
});

/* --- signals ---------------------------------------------------------------------------- */

row('S-STOP', 'SIGTERM ends each session with its totals', { admin: true, ends: true }, async (server) => {
	const client = server.client('stopped');

	await client.allocate();
	server.kill('SIGTERM');
	assert.match(await server.crash(15000), /"code":0/);
	assert.equal(fromPeers(server, client.username), 0);
});

row('S-HANGUP', 'SIGHUP does not kill, also with syslog', { admin: true, args: ['--syslog'], without: ['--log-file=stdout'] }, async (server) => {
	server.kill('SIGHUP');
	assert.equal(await server.crash(300), null);
});

/* --- mobility ------------------------------------------------------------------------------ */

const CLI_PASSWORD = marker('cli');
const [CLI_STOCK, CLI_OURS] = [await freePort(), await freePort()];
const CLI = {
	args: ['--mobility', '--no-software-attribute', `--cli-password=${CLI_PASSWORD}`],
	without: ['--no-cli'],
	stock: [`--cli-port=${CLI_STOCK}`],
	ours: [`--cli-port=${CLI_OURS}`],
};

row('S-MOBILE-CANCEL', 'a mobile session that was cancelled cannot be resumed', CLI, async (server) => {
	const [client, elsewhere] = [server.client('mobile'), server.client('mobile')];

	await client.allocate({ mobile: true });
	const id = await until('the session in the log', () => /session (\d+): new, .*mobile/.exec(server.log)?.[1]);
	const cli = await server.connect({ port: server.isStock ? CLI_STOCK : CLI_OURS });

	const prompt = (text) => until(`the prompt ${text}`, () => cli.received.includes(text));

	await prompt('Enter password');
	await cli.write(`${CLI_PASSWORD}\r\n`);
	await prompt('> ');
	await cli.write(`cs ${id}\r\n`);
	await until('the end in the log', () => new RegExp(`session ${id}: closed`).test(server.log));
	elsewhere.username = client.username;
	elsewhere.key = client.key;
	assert.notEqual(await errorOf(elsewhere.resume(client)), 0);
});

row('GHSA-f6hc-79w3-p8pq', 'a suspended mobile session counts for user-quota', { args: ['--mobility', '--user-quota=1'] }, async (server) => {
	const first = server.streamClient('suspended');

	await first.allocate({ mobile: true });
	first.close();
	await until('the suspension', () => /closed \(1st stage\), user <\d+:suspended>/.test(server.log));
	assert.equal(await errorOf(server.client('suspended').allocate()), 486);
});

/* --- credentials ------------------------------------------------------------------------------ */

row('S-EXPIRY-ONCE', 'a credential that expired keeps no allocation alive', { admin: true, ours: ['--strict-expiry=0'] }, async (server) => {
	const ttl_s = 2, expiry_s = now() + ttl_s;
	const client = server.client('late', { ttl_s });

	await client.allocate();
	await sleep((expiry_s + 1) * 1000 + 50 - Date.now());
	assert.notEqual(await errorOf(client.refresh(600)), 0);
});

row('S-DB-VOIDS-SECRETS', 'a database that cannot be read voids no static-auth-secret', {
	args: ['--userdb={dir}/damaged'], files: { damaged: 'no database '.repeat(100) },
}, async (server) => {
	assert.equal(await errorOf(server.client().allocate()), 0);
});

const IN_APPS = marker('in-apps');
const PHONES = {
	auth: false,
	args: ['--user-quota=1'],
	stock: ['--use-auth-secret', `--static-auth-secret=${IN_APPS}`],
	ours: ['--auth-secret-file={dir}/auth-secrets'],
	files: { 'auth-secrets': `phones ${IN_APPS} tag=android users=android_user\n` },
};

row('S-SECRET-ANY-NAME', 'a secret that is in an application signs for no other name', PHONES, async (server) => {
	assert.equal(await errorOf(server.client('somebody', { secret: IN_APPS }).allocate()), 401);
});

row('S-SHARED-QUOTA', 'phones that share a name do not share a quota', PHONES, async (server) => {
	for (const phone of [1, 2, 3])
		assert.equal(await errorOf(server.client('android_user', { secret: IN_APPS }).allocate()), 0, `phone ${phone}`);
});

row('S-QUOTA-PER-CALL', 'a new call is no new quota', { admin: true, args: ['--user-quota=1'] }, async (server) => {
	assert.equal(await errorOf(server.client('alice:call-1').allocate()), 0);
	assert.equal(await errorOf(server.client('alice:call-2').allocate()), 486);
});
