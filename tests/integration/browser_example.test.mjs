/* browser_example.test.mjs - the example page of docs/clients.md, served by another host than signald */
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { test } from 'node:test';

import { launch, SOCKET_IO_CLIENT, whyNoBrowser } from './lib/browser.mjs';
import { SOURCE_DIR, until } from './lib/suite.mjs';
import { startTokenStack } from './lib/tokens.mjs';

const PAGE = path.join(SOURCE_DIR, 'examples', 'page', 'index.html');
const options = { skip: whyNoBrowser, timeout: 300000 };

/* The messenger's web server: an origin of its own. */
async function servePage(t, file) {
	const text = await fs.readFile(file);
	const server = http.createServer((req, res) => {
		res.writeHead(200, { 'Content-Type': 'text/html' });
		res.end(text);
	});

	await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
	t.after(() => { server.close(); server.closeAllConnections(); });
	return `http://127.0.0.1:${server.address().port}`;
}

async function openPage(browser, stack, origin, user) {
	const page = await (await browser.newContext()).newPage();
	const query = new URLSearchParams({ server: stack.url, user, token: stack.token(user), relay: '' });

	page.faults = [];
	page.on('pageerror', (err) => page.faults.push(err.message));
	await page.goto(`${origin}/?${query}`);
	await says(page, `${user} is ready`);
	return page;
}

const says = (page, text) => page.waitForFunction((wanted) =>
	document.getElementById('status').textContent.includes(wanted), text);

async function dial(caller, user) {
	await caller.fill('#other', user);
	await caller.click('#dial button');
}

async function ring(caller, callee, user) {
	await dial(caller, user);
	await says(callee, 'is calling');
}

const framesShown = (page) => page.evaluate(() =>
	document.getElementById('theirs').getVideoPlaybackQuality().totalVideoFrames);

async function pictureMoves(page) {
	const before = await framesShown(page);

	await until('the picture moves', async () => (await framesShown(page)) > before + 5, 60000, 200);
}

const theCall = async (stack) => (await stack.rest.stats()).calls[0];

test('the example page makes calls, takes them, and keeps them', options, async (t) => {
	const origin = await servePage(t, PAGE);
	const stack = await startTokenStack(t, { 'origins': origin, 'client-bundle': path.join(SOCKET_IO_CLIENT, 'dist') });
	const browser = await launch(t, { fakeCamera: true });
	const ann = await openPage(browser, stack, origin, 'ann');
	const bob = await openPage(browser, stack, origin, 'bob');

	await t.test('a call that is refused says so', async () => {
		await ring(ann, bob, 'bob');
		await bob.click('#end');
		await says(ann, 'call:rejected: rejected');
		await says(bob, 'over');
	});

	await t.test('a call to nobody says so', async () => {
		await dial(ann, 'carol');
		await says(ann, 'offline');
	});

	await t.test('a call that is taken goes through the relay', async () => {
		await ring(ann, bob, 'bob');
		await bob.click('#accept');
		for (const page of [ann, bob]) {
			await says(page, 'connected');
			await pictureMoves(page);
		}
		const { relay, state } = await until('both have sent through the relay', async () => {
			const now = await theCall(stack);

			return now.relay.participants.length === 2 && now.relay.participants.every((p) => p.sentBytes > 10000) && now;
		});

		assert.equal(state, 'active');
		assert.deepEqual(relay.participants.map((p) => p.userId).sort(), ['ann', 'bob']);
		assert.ok(relay.participants.every((p) => p.allocations.every((a) => a.by === 'name')), 'with the credentials of the call');
	});

	await t.test('turnserver starts anew: ice:servers, and the picture is back', async () => {
		const { callId } = await theCall(stack);

		await stack.daemons.turnserver.kill('SIGKILL');
		await stack.startTurnserver();
		await until('there is a new relay', async () => (await theCall(stack))?.relay.liveAllocations >= 2, 60000, 200);
		await pictureMoves(ann);
		await pictureMoves(bob);
		assert.equal((await theCall(stack)).callId, callId);
	});

	await t.test('signald starts anew: the call is still theirs', async () => {
		await stack.daemons.signald.stop();
		await stack.startSignald();
		for (const page of [ann, bob])
			await says(page, 'connected again');
		await pictureMoves(bob);
		await ann.click('#end');
		await says(bob, 'call:ended: completed');
		await until('its relay is gone', async () => (await stack.rest.stats()).relay.liveAllocations === 0);
	});

	await t.test('whoever was called calls back', async () => {
		await ring(bob, ann, 'ann');
		await ann.click('#accept');
		await says(bob, 'connected');
		await pictureMoves(bob);
		await ann.click('#end');
		await says(bob, 'call:ended: completed');
	});
	assert.deepEqual([...ann.faults, ...bob.faults], []);
});
