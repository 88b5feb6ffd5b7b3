/* ledger.test.mjs - what calls relayed is in usage.journal, once, whenever signald is killed */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { callWithCredentials } from './lib/client.mjs';
import { readJournal, relayed } from './lib/journal.mjs';
import { startStack } from './lib/stack.mjs';
import { program, until } from './lib/suite.mjs';
import { allocation, udpPeer } from './lib/turn_client.mjs';

const options = { timeout: 60000 };
const SIZE = 100;

const journalOf = (stack) => path.join(stack.dir, 'usage.journal');
const ends = (stack) => readJournal(journalOf(stack)).filter((r) => r.e === 'end');
const connected = (stack) => until('turnserver is connected',
	async () => (await stack.rest.health()).turn.connected, 30000);
const ledger = async (stack) => (await stack.rest.stats()).relay.ledger;

/* What --check-journal says, and that it finds nothing wrong. */
function check(stack) {
	const lines = execFileSync(program('signald'), ['--check-journal', journalOf(stack)], { encoding: 'utf8' })
		.trimEnd().split('\n').map((line) => JSON.parse(line));

	assert.equal(lines.at(-1).e, 'check');
	assert.equal(lines.at(-1).duplicates, 0);
	assert.equal(lines.at(-1).damaged, 0);
	return lines.slice(0, -1);
}

test('the journal says of a call what REST says', options, async (t) => {
	const stack = await startStack(t);
	const peer = await udpPeer(t, { echo: true });
	const { alice, bob, roomName, credentials } = await callWithCredentials(t, stack);
	const relay = await allocation(t, stack, credentials);

	await relay.permit(peer);
	await relay.sendTo(peer, 10, SIZE);
	await until('the echo is back', () => relay.received === 10 * SIZE);
	bob.emit('call:end', { roomName });
	await alice.next('call:ended');
	const [record] = await until('the end is in the journal', () => ends(stack).length && ends(stack), 15000);
	const call = await until('REST knows the end', async () => {
		const { endedCalls } = await stack.rest.stats();

		return endedCalls[0].relay.liveAllocations === 0 && endedCalls[0];
	});

	assert.equal(ends(stack).length, 1);
	assert.equal(record.for, call.callId);
	assert.equal(record.exact, true);
	assert.equal(relayed(record.totals).toPeer.bytes, 10 * SIZE);
	assert.equal(relayed(record.totals).toPeer.bytes, call.relay.sentBytes);
	assert.equal(relayed(record.totals).toClient.bytes, call.relay.receivedBytes);
	assert.equal(relayed(record.totals).wireBytes, call.relay.wireBytes);
	assert.equal(call.relay.participants.find((p) => p.userId === 'alice').allocations[0].id, record.id);
	const [sum] = check(stack);

	assert.equal(sum.call, call.callId);
	assert.deepEqual(sum.totals, record.totals);
	/* It is acknowledged once it is on the disk, which takes its time. */
	await until('all is acknowledged', async () => (await ledger(stack)).unacknowledged === 0);
	const { written, duplicates, unacknowledged, failing, bytes } = await ledger(stack);

	assert.deepEqual({ written, duplicates, unacknowledged, failing },
		{ written: 1, duplicates: 0, unacknowledged: 0, failing: false });
	assert.equal(bytes, fs.statSync(journalOf(stack)).size);
	assert.equal(fs.statSync(journalOf(stack)).mode & 0o777, 0o640);
	assert.ok(!fs.readFileSync(journalOf(stack), 'utf8').includes(stack.secret));
});

test('signald is killed in the middle of everything: each end is there once', options, async (t) => {
	const stack = await startStack(t);
	const peer = await udpPeer(t);
	const wanted = new Map();

	for (let round = 0; round < 4; round++) {
		const relays = await Promise.all(Array.from({ length: 5 },
			() => allocation(t, stack, stack.credentials(`user${round}`))));

		for (const [i, relay] of relays.entries()) {
			await relay.permit(peer);
			await relay.sendTo(peer, i + 1, SIZE);
		}
		await until('all of it arrived', () => peer.received >= SIZE * 15 * (round + 1));
		/* some end before the kill, some around it, some while nobody keeps them */
		const going = relays.map((relay, i) => new Promise((resolve) => setTimeout(resolve, i * 30))
			.then(() => relay.release()));

		await new Promise((resolve) => setTimeout(resolve, 20 + round * 35));
		await stack.daemons.signald.kill('SIGKILL');
		await Promise.all(going);
		wanted.set(`user${round}`, 5);
		await stack.startSignald();
		await connected(stack);
	}
	await until('all ends are kept', () => ends(stack).length >= 20, 15000);
	const records = ends(stack);

	assert.equal(records.length, 20);
	assert.equal(new Set(records.map((r) => `${r.epoch} ${r.seq}`)).size, 20);
	for (const [user, n] of wanted) {
		const mine = records.filter((r) => r.user === user).map((r) => r.totals[7]).sort((a, b) => a - b);

		assert.deepEqual(mine, Array.from({ length: n }, (_, i) => (i + 1) * SIZE));
	}
	check(stack);
});

test('while the disk is full turnserver keeps the ends, and figures go on', options, async (t) => {
	const stack = await startStack(t);
	const limitFiles = (bytes) => execFileSync('prlimit',
		['--pid', `${stack.daemons.signald.process.pid}`, `--fsize=${bytes}:`]);
	const relays = [];

	for (let i = 0; i < 4; i++)
		relays.push(await allocation(t, stack, stack.credentials(`user${i}`)));
	await relays[0].release();
	await until('the first end is kept', () => ends(stack).length === 1, 15000);
	const { size } = fs.statSync(journalOf(stack));

	limitFiles(size + 50);
	await relays[1].release();
	await until('the ledger says so', async () => (await ledger(stack)).failing, 15000);
	await connected(stack); /* as a watcher */
	await relays[2].release();
	await until('REST knows what is live', async () => (await stack.rest.stats()).relay.liveAllocations === 1, 15000);
	assert.equal(fs.statSync(journalOf(stack)).size <= size + 50, true);
	limitFiles('unlimited');
	await relays[3].release();
	await until('all ends are kept', () => ends(stack).length === 4, 30000);
	await until('and it is the ledger again', async () => !(await ledger(stack)).failing, 15000);
	check(stack);
});

test('a second signald of the folder does not start, and says why', options, async (t) => {
	const stack = await startStack(t);
	const conf = path.join(stack.dir, 'second.conf');

	fs.writeFileSync(conf, fs.readFileSync(path.join(stack.dir, 'signald.conf'), 'utf8')
		.replace(/^listen = .*$/m, 'listen = 127.0.0.1:1'));
	assert.throws(() => execFileSync(program('signald'), ['-c', conf], { encoding: 'utf8', stdio: 'pipe' }), (e) => {
		assert.equal(e.status, 1);
		assert.match(e.stderr, /another signald keeps its journal there/);
		return true;
	});
});
