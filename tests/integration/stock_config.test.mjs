/* stock_config.test.mjs - a turnserver.conf written for stock coturn, with the options that the package's
 * coturn.service gives turnserver (packaging/coturn/debian/coturn.service.d) */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';

import { allocate, turnadmin, Turnserver, uclient, uclientAs, writeSecrets } from './lib/turnserver.mjs';

const SECRET = 'the-secret-of-the-file';
const STATIC = 'a-static-secret';
/* A few messages to itself. */
const FEW = ['-n', 5, '-m', 1, '-y'];
const UNUSED = /WARNING: secrets: auth-secret-file is not used: /;

/* The service with these lines in turnserver.conf. */
async function service(t, lines, { before = () => {} } = {}) {
	const server = new Turnserver(t, ['-c', '{dir}/turnserver.conf', '--admin-state-dir={dir}',
		'--auth-secret-file={dir}/auth-secrets']);

	fs.writeFileSync(path.join(server.dir, 'turnserver.conf'), `${lines.join('\n')}\n`);
	writeSecrets(path.join(server.dir, 'auth-secrets'), [`2026-11 ${SECRET}`]);
	before(server);
	return server.start();
}

const longTerm = (server, user, password) => uclientAs(server, ['-u', user, '-w', password], FEW);

describe('a configuration of stock coturn, in our service', { concurrency: 3 }, () => {
	test('lt-cred-mech with user lines lets in its users, and nobody else', async (t) => {
		const server = await service(t, ['lt-cred-mech', 'user=alice:wonderland']);

		assert.equal(await longTerm(server, 'alice', 'wonderland'), 0);
		assert.notEqual(await longTerm(server, 'alice', 'looking-glass'), 0);
		assert.equal(await allocate(server, 'alice', SECRET), 401);
		assert.match(server.program.out, UNUSED);
		assert.equal((await server.connect()).hello.e, 'hello');
	});

	test('so does one with user lines alone', async (t) => {
		const server = await service(t, ['user=alice:wonderland']);

		assert.equal(await longTerm(server, 'alice', 'wonderland'), 0);
		assert.equal(await allocate(server, 'alice', SECRET), 401);
	});

	test('lt-cred-mech with users in turndb lets in those', async (t) => {
		const before = (server) => turnadmin(t, server, ['-a', '-u', 'bob', '-p', 'builder']);
		const server = await service(t, ['lt-cred-mech'], { before });

		assert.equal(await longTerm(server, 'bob', 'builder'), 0);
		assert.notEqual(await longTerm(server, 'bob', 'wrecker'), 0);
	});

	test('no-auth goes on letting in everybody', async (t) => {
		const server = await service(t, ['no-auth']);

		assert.equal(await uclientAs(server, [], FEW), 0);
		assert.match(server.program.out, UNUSED);
	});

	test('use-auth-secret takes its secrets and those of the file', async (t) => {
		const server = await service(t, ['use-auth-secret', `static-auth-secret=${STATIC}`]);

		assert.equal((await uclient(server, 'alice', STATIC, FEW).ended).code, 0);
		assert.equal(await allocate(server, 'alice', SECRET), 0);
		assert.doesNotMatch(server.program.out, UNUSED);
	});

	test('with another separator it takes its own alone', async (t) => {
		const server = await service(t, ['use-auth-secret', `static-auth-secret=${STATIC}`, 'rest-api-separator=|']);

		assert.match(server.program.out, UNUSED);
		assert.match(server.program.out, /WARNING: admin-socket: rest-api-separator is not ':'/);
		assert.equal(await allocate(server, 'alice', SECRET), 401);
	});

	test('one that chooses nothing takes the secrets of the file, and lets in nobody else', async (t) => {
		const server = await service(t, ['# as it is shipped']);

		assert.equal(await allocate(server, 'alice', SECRET), 0);
		assert.equal(await allocate(server, 'alice', STATIC), 401);
	});
});
