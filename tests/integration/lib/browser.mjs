/* browser.mjs - demo pages in headless Chromium */
import fs from 'node:fs';
import path from 'node:path';

import { chromium } from 'playwright-core';

import { command, confide, IS_ROOT, newStateDir, SOURCE_DIR, until } from './suite.mjs';

const CHROMIUM = process.env.CHROMIUM ?? command('chromium', 'chromium-browser', 'google-chrome');
const CLIENT = path.join(SOURCE_DIR, 'signald', 'demo', 'node_modules', 'socket.io-client');

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
	if (!fs.existsSync(CLIENT))
		throw new Error(`${CLIENT} is missing: npm ci in signald/demo`);
	const browser = await chromium.launch({
		executablePath: wrapped(prefix),
		args: [...FLAGS, ...(IS_ROOT ? ['--no-sandbox'] : []), ...(fakeCamera ? FAKE_CAMERA : [])],
		timeout: 30000,
	});

	t.after(() => browser.close());
	return browser;
}

/* A page of its own user, joined. Faults of the page are kept in page.faults. */
export async function demoPage(browser, stack, name) {
	const context = await browser.newContext({ viewport: { width: 1200, height: 860 } });
	const page = await context.newPage();

	page.setDefaultTimeout(20000);
	page.faults = [];
	page.on('pageerror', (err) => page.faults.push(`pageerror ${err.message}`));
	page.on('console', (m) => m.type() === 'error' && page.faults.push(`console ${m.text()}`));
	await page.goto(`${stack.url}/demo/`);
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

async function confideSdp(page) {
	const sdp = await page.evaluate(() => window.demo.pc.localDescription.sdp);

	for (const [, pwd] of sdp.matchAll(/a=ice-pwd:(\S+)/g))
		confide(pwd);
}

/* caller calls the user calleeId; both are in the call when this returns. */
export async function callAndAnswer(caller, callee, calleeId) {
	await caller.click(`#people button[data-user="${calleeId}"]`);
	await callee.waitForSelector('#incoming[open]');
	await callee.click('#answer');
	for (const page of [caller, callee]) {
		await until('the page is in a call', async () => (await stateOf(page)) === 'active', 15000, 100)
			.catch(async (err) => { throw new Error(`${err.message}; it says: ${await page.textContent('#status')}`); });
		await confideSdp(page);
	}
}

/* Frames of the other side that were shown so far. */
const framesShown = (page) =>
	page.evaluate(() => document.querySelector('.tile:not(.own) video').getVideoPlaybackQuality().totalVideoFrames);

export async function assertPictureMoves(page) {
	const before = await framesShown(page);

	await until('the remote picture moves', async () => (await framesShown(page)) > before + 5, 20000, 200);
}

/* Stop sending without ending the call, so that numbers stand still and can be compared. */
export const silence = (page) =>
	page.evaluate(() => Promise.all(window.demo.pc.getSenders().map((s) => s.replaceTrack(null))));
