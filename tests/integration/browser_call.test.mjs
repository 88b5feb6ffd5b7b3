/* browser_call.test.mjs - relay-only calls between two demo pages, and what else the page does */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { assertPictureMoves, callAndAnswer, demoPage, launch, stateOf, whyNoBrowser } from './lib/browser.mjs';
import { relayCall } from './lib/relay_call.mjs';
import { startStack } from './lib/stack.mjs';

const SECONDS = Number(process.env.CALL_SECONDS ?? 20);
const options = { skip: whyNoBrowser, timeout: 90000 };

test('a call over TURN/UDP counts what both pages count', options, async (t) => {
	const stack = await startStack(t, { transports: ['udp'] });
	const { alice } = await relayCall(t, stack, { transport: 'udp', seconds: SECONDS, picture: 'demo.png' });

	assert.match(await alice.textContent('#status'), /You hung up/);
});

test('a call over TURN/TCP counts what both pages count', options, async (t) => {
	const stack = await startStack(t, { transports: ['tcp'] });

	await relayCall(t, stack, { transport: 'tcp', seconds: SECONDS, fakeCamera: true });
});

test('the demo page tests TURN, declines, and says why it sends a drawn picture', options, async (t) => {
	const stack = await startStack(t);
	const browser = await launch(t);
	const alice = await demoPage(browser, stack, 'Alice');
	const bob = await demoPage(browser, stack, 'Богдан <b>');

	await t.test('a relay candidate is found', async () => {
		await alice.click('#test-turn');
		await alice.waitForSelector('#turn-result[data-kind="ok"]', { timeout: 15000 });
		assert.match(await alice.textContent('#turn-result'), /relay candidate 127\.0\.0\.1:\d+/);
		assert.match(await alice.textContent('#turn-candidates'), /relay udp 127\.0\.0\.1/);
	});

	await t.test('names are shown as text and become ids', async () => {
		const text = await alice.textContent('#people');

		assert.match(text, /Богдан <b>/);
		assert.equal(await alice.getAttribute('#people button', 'data-user'), 'bohdan-b');
	});

	await t.test('a declined call ends on both pages', async () => {
		await alice.click('#people button');
		await bob.waitForSelector('#incoming[open]');
		assert.match(await bob.textContent('#incoming-title'), /Alice is calling/);
		await bob.click('#decline');
		await alice.waitForFunction(() => window.demo.state === 'idle');
		assert.match(await alice.textContent('#status'), /declined/);
		assert.equal(await stateOf(bob), 'idle');
	});

	await t.test('a call that is taken back stops ringing', async () => {
		await alice.click('#people button');
		await bob.waitForSelector('#incoming[open]');
		await alice.click('#hangup');
		await bob.waitForFunction(() => window.demo.state === 'idle');
		assert.equal(await bob.isVisible('#incoming'), false);
		assert.match(await bob.textContent('#status'), /caller has hung up/);
	});

	await t.test('without a camera the page says so', async () => {
		await callAndAnswer(alice, bob, 'bohdan-b');
		assert.match(await alice.textContent('#status'), /drawn picture: no camera \(none was found\)/);
		await bob.click('#hangup');
		await alice.waitForFunction(() => window.demo.state === 'idle');
	});

	assert.deepEqual([...alice.faults, ...bob.faults], []);

	await t.test('without "relay only" a direct way is taken, and the page says nothing is relayed', async () => {
		await alice.uncheck('#relay-only');
		await bob.uncheck('#relay-only');
		await callAndAnswer(bob, alice, 'alice');
		await alice.waitForFunction(() =>
			/^(host|srflx|prflx) to (host|srflx|prflx)$/.test(document.getElementById('connection').textContent));
		assert.equal(await alice.textContent('#bytes-sent'), 'nothing');
	});

	await t.test('signald restarts: the page says so, and the call goes on', async () => {
		await stack.daemons.signald.stop();
		await alice.waitForSelector('#link[data-state="lost"]');
		assert.match(await alice.textContent('#status'), /connection to the server is lost|cannot be reached/);
		await stack.startSignald();
		for (const page of [alice, bob])
			await page.waitForSelector('#link[data-state="on"]', { timeout: 15000 });
		assert.match(await alice.textContent('#status'), /the call goes on/);
		assert.equal(await stateOf(alice), 'active');
		await assertPictureMoves(alice);
		await alice.click('#hangup');
	});

	await t.test('a page that is closed leaves the list', async () => {
		await bob.close();
		await alice.waitForFunction(() => document.querySelectorAll('#people li').length === 0);
	});
});

test('the demo page says when TURN does not work', options, async (t) => {
	const stack = await startStack(t);

	await stack.daemons.turnserver.kill('SIGTERM');
	const browser = await launch(t);
	const alice = await demoPage(browser, stack, 'Alice');

	await alice.click('#test-turn');
	await alice.waitForSelector('#turn-result[data-kind="error"]', { timeout: 20000 });
	assert.match(await alice.textContent('#turn-result'), /no relay candidate/);
});
