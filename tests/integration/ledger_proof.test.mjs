/* ledger_proof.test.mjs - whatever is killed, usage.journal has what the far ends received, once
 *
 * Round after round: 200 allocations over UDP, TCP and TLS, IPv4 and IPv6, with traffic both ways;
 * some end by themselves in every way there is, new ones come. At a random moment turnserver gets
 * SIGTERM or SIGKILL, or signald SIGKILL, or both, and is started again. The far ends, which belong to
 * tests/tools/turn_swarm, then say what they received of each allocation.
 *
 * SOAK_ROUNDS  how many rounds (50; 0: none; make soak: 500; from 700 on the journal compacts, which this cannot read)
 * SOAK_SEED    to repeat a run's choices
 * SOAK_ONLY    one kind of kill: turnserver:SIGTERM, turnserver:SIGKILL, signald:SIGKILL or both:SIGKILL */
import assert from 'node:assert/strict';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';

import { readJournal, relayed } from './lib/journal.mjs';
import { Stack } from './lib/stack.mjs';
import { assertSoon, sleep, until } from './lib/suite.mjs';
import { everyTransport, Swarm, userOf } from './lib/swarm.mjs';

const ROUNDS = Number(process.env.SOAK_ROUNDS ?? 50);
const SEED = Number(process.env.SOAK_SEED ?? Date.now() % 1000000000);
const RATE = 20;
const INTERVAL_S = 1; /* admin-interval */
const THREADS = 2;
const ROUND_MAX_MS = 30000;

/* mulberry32 */
function randomness(seed) {
	return () => {
		seed = seed + 0x6d2b79f5 | 0;
		let v = Math.imul(seed ^ seed >>> 15, 1 | seed);

		v = v + Math.imul(v ^ v >>> 7, 61 | v) ^ v;
		return ((v ^ v >>> 14) >>> 0) / 4294967296;
	};
}

const random = randomness(SEED);
const between = (from, to) => from + Math.floor(random() * (to - from + 1));

const victims = [
	{ daemon: 'turnserver', signal: 'SIGTERM', share: 0.4 },
	{ daemon: 'turnserver', signal: 'SIGKILL', share: 0.35 },
	{ daemon: 'signald', signal: 'SIGKILL', share: 0.15 },
	{ daemon: 'both', signal: 'SIGKILL', share: 0.1 },
].filter((v) => [undefined, `${v.daemon}:${v.signal}`].includes(process.env.SOAK_ONLY));

/* The first rounds go through them all, then chance decides. */
function victim(round) {
	if (round < victims.length)
		return victims[round];
	let dice = random();

	return victims.find((v) => (dice -= v.share) < 0) ?? victims[0];
}

/* Its main thread is in its loop, and takes signals: one that comes sooner just ends it, and what
 * it served so far is the successor's to recover. */
async function startTurnserver(stack) {
	await stack.startTurnserver();
	await until('turnserver says hello', () => new Promise((resolve) => {
		const s = net.connect(stack.adminSocket);
		const answer = (hello) => {
			s.destroy();
			resolve(hello);
		};

		s.once('data', () => answer(true));
		s.once('error', () => answer(false));
	}));
}

/* What is killed ends at once; asked to, turnserver exits with 0, in three seconds when it has the machine to itself. */
async function strike(stack, { daemon, signal }) {
	const began = Date.now();
	const names = daemon === 'both' ? ['turnserver', 'signald'] : [daemon];
	const [how] = await Promise.all(names.map((name) => stack.daemons[name].kill(signal)));

	if (signal === 'SIGTERM') {
		assert.equal(how.code, 0, `turnserver ended with ${JSON.stringify(how)}`);
		assertSoon(began, 10000, 'turnserver took too long to stop');
	}
}

async function play(t, stack, swarmOptions, round) {
	const what = victim(round);
	const after_ms = between(50, 1600);
	const swarm = new Swarm(t, {
		...swarmOptions, secret: stack.secret, allocations: 200, ramp: 600, churn: 40, rate: RATE,
		size: between(40, 1200), lifeMs: '50:1500', mortal: 40, ends: 'refresh,close,expire', quietMs: 150,
		user: `r${round}n`, call: `r${round}c`, perCall: 4, seed: between(1, 1000000),
	});

	await sleep(after_ms);
	await strike(stack, what);
	if (what.daemon !== 'signald') {
		await swarm.serverGone();
		await startTurnserver(stack);
	}
	if (what.daemon !== 'turnserver') {
		await sleep(between(0, 700));
		await stack.startSignald();
	}
	if (what.daemon === 'signald')
		await swarm.finish();
	const { allocations, summary } = swarm;

	assert.equal(summary.overflowed, 0, 'our own sockets dropped packets: nothing can be compared');
	assert.equal(summary.damaged, 0, 'packets arrive as they were sent');
	assert.equal(summary.late, 0, 'packets arrive once and in order');
	return { round, what, after_ms, allocations, summary };
}

/* By user name: each allocation has one of its own. */
class Ledger {
	constructor(records) {
		this.ends = new Map();
		this.identities = new Set();
		for (const r of records) {
			const identity = `${r.epoch}/${r.seq}`;

			assert.equal(r.e, 'end', `a record that is no end: ${JSON.stringify(r)}`);
			assert.ok(!this.identities.has(identity), `${identity} is there twice`);
			assert.ok(!this.ends.has(r.user), `two records of ${r.user}: ${JSON.stringify([this.ends.get(r.user), r])}`);
			this.identities.add(identity);
			this.ends.set(r.user, r);
		}
	}
}

const difference = (truth, counted) => ({
	packets: counted.packets - truth.packets, bytes: counted.bytes - truth.bytes,
});

/* What a record says beyond (or, negative, short of) what the far ends received. */
function compare(allocation, record) {
	const counted = relayed(record.totals);

	return {
		toPeer: difference(allocation.toPeer, counted.toPeer),
		toClient: difference(allocation.toClient, counted.toClient),
	};
}

const isZero = ({ toPeer, toClient }) => !toPeer.packets && !toPeer.bytes && !toClient.packets && !toClient.bytes;
const describeOne = (a, record, diff) => `${a.name} ${a.transport} ${a.client} via ${a.via}, ${a.state} (${a.end}): ` +
	`differs by ${JSON.stringify(diff)}; truth ${JSON.stringify([a.toPeer, a.toClient])}; record ${JSON.stringify(record)}`;

/* A crash: counters outlive the process, so what is missing was under way in a relay thread. What
 * was counted and had not left yet may be more. Not exact: the last sample, one interval old. */
function judgeCrash(sums, allocation, record, diff) {
	const interval = RATE * INTERVAL_S + 2;

	for (const d of [diff.toPeer, diff.toClient]) {
		assert.ok(Math.abs(d.packets) <= interval, describeOne(allocation, record, diff));
		if (d.packets < 0) {
			sums.missing += -d.packets;
			sums.missingOf[record.epoch] = (sums.missingOf[record.epoch] ?? 0) - (record.exact ? d.packets : 0);
		} else {
			sums.beyond += d.packets;
		}
	}
	sums.crashed++;
	sums.inexact += !record.exact;
	sums.differ += !isZero(diff);
}

function judge(rounds, records) {
	const { ends } = new Ledger(records);
	const sums = { allocations: 0, packets: 0, bytes: 0, crashed: 0, inexact: 0, differ: 0, missing: 0, beyond: 0, missingOf: {} };
	const wrong = [];

	for (const a of rounds.flatMap((r) => r.allocations)) {
		const record = ends.get(userOf(a.name));

		if (!record) {
			if (a.allocated)
				wrong.push(`no record: ${JSON.stringify(a)}`);
			continue;
		}
		const diff = compare(a, record);

		sums.allocations++;
		sums.packets += a.toPeer.packets + a.toClient.packets;
		sums.bytes += a.toPeer.bytes + a.toClient.bytes;
		if (record.reason === 'crash')
			judgeCrash(sums, a, record, diff);
		else if (!record.exact || !isZero(diff))
			wrong.push(describeOne(a, record, diff));
	}
	return { sums, wrong };
}

test(`${ROUNDS} kills, and every byte is in the journal once`, { skip: ROUNDS === 0, timeout: ROUNDS * ROUND_MAX_MS + 60000 }, async (t) => {
	const { stack: options, swarm } = await everyTransport();
	const stack = new Stack(options);
	const journal = () => readJournal(path.join(stack.dir, 'usage.journal'));
	const rounds = [];

	console.log(`SOAK_SEED=${SEED}`);
	t.after(() => stack.stop());
	await stack.init();
	await startTurnserver(stack);
	await stack.startSignald();
	for (let i = 0; i < ROUNDS; i++) {
		const began = Date.now();
		const r = await play(t, stack, swarm, i);

		rounds.push(r);
		console.log(`round ${i + 1} of ${ROUNDS}: ${r.what.signal} to ${r.what.daemon} after ${r.after_ms} ms; ` +
			`${r.summary.allocations} allocations, ${r.summary.toPeer.packets} + ${r.summary.toClient.packets} packets; ` +
			`${((Date.now() - began) / 1000).toFixed(1)} s`);
	}
	/* What is still live ends now, and what is on its way to the journal arrives. */
	await strike(stack, { daemon: 'turnserver', signal: 'SIGTERM' });
	await startTurnserver(stack);
	const wanted = rounds.flatMap((r) => r.allocations).filter((a) => a.allocated).map((a) => userOf(a.name));

	await until('every allocation has its record', () => {
		const users = new Set(journal().map((r) => r.user));

		return wanted.every((user) => users.has(user));
	}, 20000, 500).catch(() => { /* judge() says which */ });
	await sleep(500); /* a second record of something would be here by now */
	const { sums, wrong } = judge(rounds, journal());

	console.log(JSON.stringify(sums));
	assert.deepEqual(wrong.slice(0, 3), [], `${wrong.length} of ${sums.allocations} are wrong`);
	assert.equal(sums.inexact, 0, 'the counters outlive the process');
	for (const [epoch, packets] of Object.entries(sums.missingOf))
		assert.ok(packets <= THREADS, `${packets} packets are missing of epoch ${epoch}`);
});
