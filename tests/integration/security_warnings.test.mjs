/* security_warnings.test.mjs - what turnserver says at the start of options that we advise against */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { startRow } from './lib/ledger.mjs';
import { freePort, marker, sleep } from './lib/suite.mjs';
import { Turnserver } from './lib/turnserver.mjs';

const WARNING = /WARNING: security: (.*) \(turnserver --security-status\)/g;
const warnings = (text) => [...text.matchAll(WARNING)].map((m) => m[1]);

const OLD_TLS_OFF = ['--no-tlsv1', '--no-tlsv1_1'];
const ROWS = [
	{ what: 'oauth', args: ['--oauth', '--server-name=test'], says: [/^oauth: /] },
	{ what: 'mobility', args: ['--mobility'], says: [/^mobility /] },
	{ what: 'server-relay', args: ['--server-relay'], says: [/^server-relay /] },
	{ what: 'acme-redirect', args: ['--acme-redirect=http://127.0.0.1/'], says: [/^acme-redirect /] },
	{ what: 'the command line', args: [`--cli-password=${marker('cli')}`, `--cli-port=${await freePort()}`], without: ['--no-cli'], says: [/no-cli$/] },
	{ what: 'web-admin', args: ['--web-admin', `--web-admin-port=${await freePort()}`], says: [/^web-admin is /, /^web-admin makes SQL /] },
	{ what: 'TLS 1.0 and 1.1', args: [], tls: true, says: [/^TLS 1\.0 and 1\.1 /] },
	{ what: 'missing TLS', args: ['--tls-listening-port=12345'], says: [/^there is no TLS /] },
];

for (const { what, says, ...options } of ROWS)
	startRow('S-ADVISED-AGAINST', `turnserver warns of ${what}`, options, (run) => {
		const said = warnings(run.out);

		assert.ok(run.served);
		assert.equal(said.length, says.length, said.join('; '));
		says.forEach((pattern, i) => assert.match(said[i], pattern));
	});

for (const [what, args, options] of [
	['without TLS', [], {}],
	['with TLS 1.2 and later', OLD_TLS_OFF, { tls: true }],
	['without the hook', [], { admin: false }],
])
	test(`a safe configuration ${what} gets no warning`, async (t) => {
		const server = await new Turnserver(t, ['--use-auth-secret', `--static-auth-secret=${marker('safe')}`, ...args], options).start();

		await sleep(150);
		assert.deepEqual(warnings(server.program.out), []);
	});
