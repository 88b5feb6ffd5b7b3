/* uclient.mjs - coturn's own load generator and its echoing peer */
import { execFile } from 'node:child_process';
import dgram from 'node:dgram';
import fs from 'node:fs';
import net from 'node:net';

import { Daemon, endsSomehow } from './daemon.mjs';
import { freePort, IS_ROOT, program, until } from './suite.mjs';

const ECHO_MAX_MS = 200;

/* Both write a log of their own beside turnserver's; as root that is /var/log. */
function removeOwnLog(pid) {
	if (!IS_ROOT)
		return;
	for (const dir of ['/var/log', '/var/tmp', '/tmp'])
		for (const f of fs.readdirSync(dir))
			if (f.startsWith(`turn_${pid}_`) && f.endsWith('.log'))
				fs.rmSync(`${dir}/${f}`, { force: true });
}

/* A datagram comes back from there. */
async function echoes(address, port) {
	const s = dgram.createSocket(net.isIPv6(address) ? 'udp6' : 'udp4');

	try {
		return await new Promise((resolve, reject) => {
			const late = setTimeout(resolve, ECHO_MAX_MS, false);

			s.once('message', () => { clearTimeout(late); resolve(true); });
			s.once('error', (err) => { clearTimeout(late); reject(err); });
			s.send('?', port, address);
		});
	} finally {
		s.close();
	}
}

/* alsoAt: more addresses, at the same port. */
export async function startPeer(t, host = '127.0.0.1', alsoAt = []) {
	const port = await freePort(host);
	const d = new Daemon('turnutils_peer', [program('turnutils_peer'), ...[host, ...alsoAt].flatMap((a) => ['-L', a]), '-p', String(port)]);

	t.after(async () => {
		await d.stop({ exits: endsSomehow });
		removeOwnLog(d.process.pid);
	});
	for (const a of [host, ...alsoAt])
		await until('the peer echoes', () => { d.assertAlive(); return echoes(a, port); });
	return { host, port };
}

const total = (out, name) => {
	const all = [...out.matchAll(new RegExp(`${name}\\s*[=~]\\s*(\\d+)`, 'g'))];

	return all.length ? Number(all.at(-1)[1]) : NaN;
};

/* Runs it to its end. Returns what it says it sent and received. */
export function uclient(stack, credentials, args, limit_ms = 30000) {
	return new Promise((resolve, reject) => {
		const child = execFile(program('turnutils_uclient'), [
			'-u', credentials.username, '-w', credentials.password,
			'-L', stack.host, '-p', String(stack.turnPort), ...args.map(String), stack.host,
		], { timeout: limit_ms, maxBuffer: 1 << 24 }, (err, stdout, stderr) => {
			const out = stdout + stderr;

			removeOwnLog(child.pid);
			if (err)
				reject(new Error(`turnutils_uclient: ${err.message}\n${out.slice(-1500)}`));
			else
				resolve({
					out,
					sentMessages: total(out, 'tot_send_msgs'),
					receivedMessages: total(out, 'tot_recv_msgs'),
					sentBytes: total(out, 'tot_send_bytes'),
					receivedBytes: total(out, 'tot_recv_bytes'),
				});
		});
	});
}
