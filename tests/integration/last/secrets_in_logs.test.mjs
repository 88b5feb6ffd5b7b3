/* secrets_in_logs.test.mjs - the last test of a run: no log of it holds a secret, token, password or SDP */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';

import { logFiles, secretsUsed } from '../lib/suite.mjs';

test('no log holds any secret of the run', () => {
	const secrets = secretsUsed();
	const logs = logFiles();

	if (process.env.SUITE_WHOLE)
		assert.ok(secrets.length > 100 && logs.length > 20, `${secrets.length} secrets, ${logs.length} logs`);
	for (const file of logs) {
		const text = fs.readFileSync(file, 'utf8');
		/* Told without repeating the secret itself. */
		const leaks = secrets.filter((s) => text.includes(s)).map((s) => text.split('\n').findIndex((l) => l.includes(s)) + 1);

		assert.deepEqual(leaks, [], `${file}: secrets in these lines`);
	}
});
