/* browser_call.test.mjs - relay-only calls between two demo pages, and what else the page does */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { assertPictureMoves, callAndAnswer, demoPage, launch, stateOf, whyNoBrowser } from './lib/browser.mjs';
import { relayCall } from './lib/relay_call.mjs';
import { startStack } from './lib/stack.mjs';

const SECONDS = Number(process.env.CALL_SECONDS ?? 20);
const options = { skip: whyNoBrowser, timeout: 300000 };

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
		await alice.waitForSelector('#turn-result[data-kind="ok"]');
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
			await page.waitForSelector('#link[data-state="on"]');
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
	await alice.waitForSelector('#turn-result[data-kind="error"]');
	assert.match(await alice.textContent('#turn-result'), /no relay candidate/);
});

test('the demo page can be used with the keyboard alone', options, async (t) => {
	const stack = await startStack(t);
	const browser = await launch(t);
	const ann = await demoPage(browser, stack, 'ann');
	const bob = await demoPage(browser, stack, 'bob');
	const carol = await demoPage(browser, stack, 'Carol');
	const inFocus = (page, selector) =>
		page.waitForFunction((s) => document.activeElement?.matches(s), selector);
	const callBob = '[data-user="bob"]';

	await t.test('an id is shown where it says more than the name', async () => {
		await carol.waitForSelector(callBob);
		await bob.waitForSelector('[data-user="carol"]');
		assert.doesNotMatch(await carol.textContent('#people'), /bobbob/);
		assert.match(await bob.textContent('#people'), /Carolcarol/);
		assert.equal(await ann.textContent('#who'), 'ann');
		assert.equal(await carol.textContent('#who'), 'Carol (carol)');
	});

	await t.test('after joining, the list is next', async () => {
		await inFocus(ann, '#people-title');
		await ann.keyboard.press('Tab');
		await inFocus(ann, callBob);
	});

	await t.test('a change of the list leaves the chosen button in focus', async () => {
		await (await demoPage(browser, stack, 'dan')).close();
		await ann.waitForFunction(() => document.querySelectorAll('#people li').length === 2);
		await inFocus(ann, callBob);
	});

	await t.test('in a call both are at "Hang up"', async () => {
		await ann.keyboard.press('Enter');
		await bob.waitForSelector('#incoming[open]');
		await inFocus(ann, '#hangup');
		await inFocus(bob, '#answer');
		await bob.keyboard.press('Enter');
		await ann.waitForFunction(() => window.demo.state === 'active');
		await inFocus(bob, '#hangup');
	});

	await t.test('a third person is told that the other one is in a call', async () => {
		await carol.click(callBob);
		await carol.waitForFunction(() => window.demo.state === 'idle');
		assert.match(await carol.textContent('#status'), /in another call/);
		assert.equal(await stateOf(bob), 'active');
	});

	await t.test('after the call one can be made again', async () => {
		await bob.keyboard.press('Space');
		await inFocus(ann, callBob);
		await inFocus(bob, '[data-user="ann"]');
	});
	assert.deepEqual([...ann.faults, ...bob.faults, ...carol.faults], []);
});
