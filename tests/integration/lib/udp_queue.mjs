/* udp_queue.mjs - what has been sent over UDP and not been read yet: the kernel throws away what finds no room there
 *
 * A test that counts datagrams to the last one waits for the reader before it sends more. */
import fs from 'node:fs';

import { sleep } from './suite.mjs';

const READ_MAX_MS = 20000;

/* Bytes that wait at the sockets of this port, here, where another network namespace has none. */
function queued_bytes(port) {
	const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;

	return ['/proc/net/udp', '/proc/net/udp6'].filter(fs.existsSync).flatMap((f) => fs.readFileSync(f, 'utf8').split('\n').slice(1))
		.map((line) => line.trim().split(/\s+/))
		.filter(([, local]) => local?.endsWith(suffix))
		.reduce((sum, columns) => sum + parseInt(columns[4].split(':')[1], 16), 0);
}

/* Whoever reads at this port has read it all; or will not. */
export async function untilRead(port) {
	for (const end = Date.now() + READ_MAX_MS; queued_bytes(port) > 0 && Date.now() < end;)
		await sleep(2);
}
