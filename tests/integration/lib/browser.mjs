/* browser.mjs - demo pages in headless Chromium */
import fs from 'node:fs';
import path from 'node:path';

import { chromium } from 'playwright-core';

import { command, confide, IS_ROOT, newStateDir, SOURCE_DIR, until } from './suite.mjs';

const CHROMIUM = process.env.CHROMIUM ?? command('chromium', 'chromium-browser', 'google-chrome');
/* Of a busy machine. */
const PATIENCE_MS = 60000;
export const SOCKET_IO_CLIENT = path.join(SOURCE_DIR, 'signald', 'demo', 'node_modules', 'socket.io-client');

/* Not a reason where the suite must be whole: there run() fails for want of a browser. */
export const whyNoBrowser = CHROMIUM || process.env.CI ? false : 'no Chromium here (set CHROMIUM)';

const FLAGS = [
	'--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
	'--disable-component-update', '--disable-sync',
	/* With nothing but lo, ICE would not use it. */
	'--allow-loopback-in-peer-connection',
];
const FAKE_CAMERA = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];

/* Playwright starts one file: a script for what must come before Chromium. */
function wrapped(prefix) {
	if (!prefix.length)
		return CHROMIUM;
	const file = path.join(newStateDir(), 'chromium');

	fs.writeFileSync(file, `#!/bin/sh\nexec ${prefix.join(' ')} ${CHROMIUM} "$@"\n`, { mode: 0o700 });
	return file;
}

export async function launch(t, { prefix = [], fakeCamera = false } = {}) {
	if (!CHROMIUM)
		throw new Error('no Chromium here (set CHROMIUM)');
	if (!fs.existsSync(SOCKET_IO_CLIENT))
		throw new Error(`${SOCKET_IO_CLIENT} is missing: npm ci in signald/demo`);
	const browser = await chromium.launch({
		executablePath: wrapped(prefix),
		args: [...FLAGS, ...(IS_ROOT ? ['--no-sandbox'] : []), ...(fakeCamera ? FAKE_CAMERA : [])],
		timeout: PATIENCE_MS,
	});

	t.after(() => browser.close());
	return browser;
}

/* A page of its own user, joined. Faults of the page are kept in page.faults. */
export async function demoPage(browser, stack, name, { camera = true } = {}) {
	const context = await browser.newContext({ viewport: { width: 1200, height: 860 } });
	const page = await context.newPage();

	page.setDefaultTimeout(PATIENCE_MS);
	page.faults = [];
	page.on('pageerror', (err) => page.faults.push(`pageerror ${err.message}`));
	page.on('console', (m) => m.type() === 'error' && page.faults.push(`console ${m.text()}`));
	await page.goto(`${stack.url}/demo/`);
	await page.setChecked('#camera-first', camera);
	await page.fill('#name', name);
	await page.click('#join');
	await page.waitForSelector('#link[data-state="on"]');
	return page;
}

export const selectedPair = (page) => page.evaluate(() => window.demo.selectedPair());
/* Bytes of all pairs that were selected in turn: ICE may move to a better pair in the first second. */
export const pathBytes = (page) => page.evaluate(async () => {
	const transport = [...(await window.demo.pc.getStats()).values()].find((s) => s.type === 'transport');

	return { sent: transport.bytesSent, received: transport.bytesReceived };
});

export const stateOf = (page) => page.evaluate(() => window.demo.state);

export async function confideSdp(page) {
	const sdps = await page.evaluate(() => window.demo.pcs.map((pc) => pc.localDescription?.sdp ?? ''));

	for (const [, pwd] of sdps.join('\n').matchAll(/a=ice-pwd:(\S+)/g))
		confide(pwd);
}

/* caller calls the user calleeId; both are in the call when this returns. before: the answer. */
export async function callAndAnswer(caller, callee, calleeId, before = () => {}) {
	await caller.click(`#people button[data-user="${calleeId}"]`);
	await callee.waitForSelector('#incoming[open]');
	await before();
	await callee.click('#answer');
	for (const page of [caller, callee]) {
		await until('the page is in a call', async () => (await stateOf(page)) === 'active', PATIENCE_MS, 100)
			.catch(async (err) => { throw new Error(`${err.message}; it says: ${await page.textContent('#status')}`); });
		await confideSdp(page);
	}
}

/* Frames of a user that were shown so far; of anybody but oneself without userId. */
export const framesShown = (page, userId) => page.evaluate((selector) =>
	document.querySelector(`${selector} video`)?.getVideoPlaybackQuality().totalVideoFrames ?? 0,
userId ? `.tile[data-user="${userId}"]` : '.tile:not(.own)');

/* Whoever comes back has a new picture, which counts from nothing. */
export async function assertPictureMoves(page, userId) {
	let fewest = Infinity;

	await until(`the picture of ${userId ?? 'the other side'} moves`, async () => {
		const shown = await framesShown(page, userId);

		fewest = Math.min(fewest, shown);
		return shown > fewest + 5;
	}, PATIENCE_MS, 200);
}

export const assertNoPicture = (page, userId) =>
	page.waitForSelector(`.tile[data-user="${userId}"]:not([data-picture])`);

/* The connection to the server breaks below Socket.IO, and is there again when this returns. */
export async function cutSignaling(page) {
	const lost = page.waitForSelector('#link[data-state="lost"]');

	await page.evaluate(() => window.demo.cut());
	await lost;
	await page.waitForSelector('#link[data-state="on"]');
}

/* From now on the page hangs up without closing its connections: only others can stop its media. */
export const neverClose = (page) =>
	page.evaluate(() => { RTCPeerConnection.prototype.close = () => {}; });

/* Stop sending without ending the call, so that numbers stand still and can be compared. */
export const silence = (page) =>
	page.evaluate(() => Promise.all(window.demo.pcs
		.flatMap((pc) => pc.getSenders()).map((s) => s.replaceTrack(null))));
