/* browser_renegotiation.test.mjs - what happens to a relay-only call of two pages while it goes on */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
	assertNoPicture, assertPictureMoves, callAndAnswer, cutSignaling, demoPage, launch, neverClose, selectedPair,
	stateOf, whyNoBrowser,
} from './lib/browser.mjs';
import { assertRelayStops } from './lib/relay_call.mjs';
import { startStack } from './lib/stack.mjs';
import { sleep, until } from './lib/suite.mjs';

/* Long enough for the caller to have sent all its candidates: the callee has to get them late. */
const RINGING_MS = 2000;
const options = { skip: whyNoBrowser, timeout: 300000 };

test('a relay-only call goes from sound to picture, loses its socket, and ends at the relay', options, async (t) => {
	const stack = await startStack(t);
	const browser = await launch(t);
	const alice = await demoPage(browser, stack, 'Alice', { camera: false });
	const bob = await demoPage(browser, stack, 'Bob', { camera: false });

	await callAndAnswer(alice, bob, 'bob', () => sleep(RINGING_MS));
	const [{ callId, callType }] = (await stack.rest.stats()).calls;

	await t.test('both speak through the relay, though the candidates came before the answer', async () => {
		assert.equal(callType, 'audio');
		for (const page of [alice, bob]) {
			const { local, remote } = await selectedPair(page);

			assert.deepEqual({ local, remote }, { local: 'relay', remote: 'relay' });
		}
		await assertNoPicture(alice, 'bob');
		await assertNoPicture(bob, 'alice');
	});

	await t.test('the caller shows a picture, then the callee does', async () => {
		await alice.click('#camera');
		await assertPictureMoves(bob, 'alice');
		await assertNoPicture(alice, 'bob');
		await bob.click('#camera');
		await assertPictureMoves(alice, 'bob');
	});

	await t.test('both change their pictures at once', async () => {
		await Promise.all([alice.click('#camera'), bob.click('#camera')]);
		await Promise.all([assertNoPicture(bob, 'alice'), assertNoPicture(alice, 'bob')]);
		await Promise.all([alice.click('#camera'), bob.click('#camera')]);
		await Promise.all([assertPictureMoves(bob, 'alice'), assertPictureMoves(alice, 'bob')]);
	});

	await t.test('the socket of either is cut: media goes on, and so does what is said', async () => {
		for (const [page, id, other] of [[alice, 'alice', bob], [bob, 'bob', alice]]) {
			await Promise.all([cutSignaling(page), assertPictureMoves(page), assertPictureMoves(other)]);
			await page.click('#camera');
			await assertNoPicture(other, id);
			await page.click('#camera');
			await assertPictureMoves(other, id);
		}
		assert.deepEqual((await stack.rest.stats()).calls.map((c) => c.callId), [callId]);
	});

	await t.test('turnserver dies and is there again: so are the pictures', async () => {
		await stack.daemons.turnserver.kill('SIGKILL');
		await stack.startTurnserver();
		await until('both relay anew', async () => {
			const call = (await stack.rest.stats()).calls.find((c) => c.callId === callId);

			return call.relay.participants.every((p) => p.allocations.some((a) => a.live && a.receivedBytes > 0));
		}, 60000, 200);
		await Promise.all([assertPictureMoves(alice), assertPictureMoves(bob)]);
	});

	await t.test('hung up, the relay stops the media of both within 1 s', async () => {
		await neverClose(alice);
		await neverClose(bob);
		await assertRelayStops(stack, callId, () => bob.click('#hangup'));
		await alice.waitForFunction(() => window.demo.state === 'idle');
		assert.equal(await stateOf(bob), 'idle');
	});
	assert.deepEqual([...alice.faults, ...bob.faults], []);
});
