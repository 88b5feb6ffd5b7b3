/* demo_online.test.mjs - the demo page's files, and its list of who is there */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { join } from './lib/client.mjs';
import { Stack } from './lib/stack.mjs';
import { until } from './lib/suite.mjs';

const names = ({ users }) => users.map((u) => `${u.userId}=${u.name}`).sort();

describe('demo', { timeout: 60000 }, () => {
	const stack = new Stack();

	before(async () => {
		await stack.init();
		await stack.startSignald();
	});
	after(() => stack.stop());

	test('each page is told who comes, is renamed and goes', async (t) => {
		const ann = await join(t, stack, 'ann');
		const bob = await join(t, stack, 'bob');

		ann.emit('demo:hello', { name: 'Ann' });
		assert.deepEqual(names(await ann.next('demo:online')), ['ann=Ann']);
		bob.emit('demo:hello', { name: 'x'.repeat(65) }); /* too long: the id */
		assert.deepEqual(names(await ann.next('demo:online')), ['ann=Ann', 'bob=bob']);
		assert.deepEqual(names(await bob.next('demo:online')), ['ann=Ann', 'bob=bob']);
		bob.emit('demo:hello', { name: 'Bob' });
		assert.deepEqual(names(await ann.next('demo:online')), ['ann=Ann', 'bob=Bob']);
		bob.close();
		assert.deepEqual(names(await ann.next('demo:online')), ['ann=Ann']);
	});

	test('a page that repeats itself disturbs nobody else', async (t) => {
		const ann = await join(t, stack, 'ann');
		const bob = await join(t, stack, 'bob');

		ann.emit('demo:hello', { name: 'Ann' });
		await ann.next('demo:online');
		bob.emit('demo:hello', { name: 'Bob' });
		await ann.next('demo:online');
		await bob.next('demo:online');
		for (let i = 0; i < 20; i++)
			bob.emit('demo:hello', { name: 'Bob' });
		for (let i = 0; i < 20; i++)
			await bob.next('demo:online');
		await ann.none('demo:online', 600);

		for (let i = 0; i < 150; i++) // within the budget of events
			bob.emit('demo:hello', { name: `Bob ${i}` });
		const told = await until('ann is told of the last', () => {
			const all = ann.seen.filter((s) => s.event === 'demo:online');

			return all.length && names(all.at(-1).data).includes('bob=Bob 149') && all;
		});

		assert.ok(told.length >= 1 && told.length <= 6, `told ${told.length} times`);
		assert.deepEqual(names(told.at(-1).data), ['ann=Ann', 'bob=Bob 149']);
	});

	test('without a name the id is shown', async (t) => {
		const ann = await join(t, stack, 'ann');

		ann.emit('demo:hello');
		assert.deepEqual(names(await ann.next('demo:online')), ['ann=ann']);
	});

	test('only what a page is made of is served', async () => {
		for (const path of ['/demo/package.json', '/demo/../signald.conf', '/demo/%2e%2e/app.c', '/demo/node_modules/x.js', '/demo/index.html%00.js']) {
			const { status, json } = await stack.rest.get(path);

			assert.ok(status === 404 || status === 400, `${path}: ${status}`);
			if (status === 404 && json?.path)
				assert.equal(json.error, 'Not Found');
		}
		assert.deepEqual((await stack.rest.get('/demo/nothing.js')).json, { error: 'Not Found', path: '/demo/nothing.js' });
		const page = await stack.rest.get('/demo/');

		assert.equal(page.status, 200);
		assert.match(page.headers['content-security-policy'], /default-src 'self'/);
		assert.equal((await stack.rest.get('/demo')).headers.location, '/demo/');
	});
});
