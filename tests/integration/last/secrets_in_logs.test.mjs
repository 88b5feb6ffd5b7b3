/* secrets_in_logs.test.mjs - the last test of a run: no log of it holds a secret, token, password or SDP */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';

import { logFiles, secretsUsed } from '../lib/suite.mjs';

test('no log holds any secret of the run', () => {
	const secrets = secretsUsed();
	const logs = logFiles();

	assert.ok(secrets.length > 10 && logs.length > 4, 'run it after the others, with their SUITE_DIR');
	for (const file of logs) {
		const text = fs.readFileSync(file, 'utf8');
		/* Told without repeating the secret itself. */
		const leaks = secrets.filter((s) => text.includes(s)).map((s) => text.split('\n').findIndex((l) => l.includes(s)) + 1);

		assert.deepEqual(leaks, [], `${file}: secrets in these lines`);
	}
});
