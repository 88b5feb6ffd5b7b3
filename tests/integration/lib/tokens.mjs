/* tokens.mjs - both daemons with auth = token and a site key, and tokens for their clients */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

import { mint } from '../../../examples/token/mint.mjs';
import { Stack } from './stack.mjs';
import { confide } from './suite.mjs';

/* more: further lines of signald.conf, or what gives them for the stack that is made. */
export async function startTokenStack(t, more = {}) {
	const stack = new Stack();
	const secret = (name, text) => {
		const file = path.join(stack.dir, name);

		fs.writeFileSync(file, `${text}\n`, { mode: 0o600 });
		return file;
	};
	const key = confide(randomBytes(32).toString('hex'));

	t.after(() => stack.stop());
	stack.siteKey = 'the-site-key-everybody-knows';
	Object.assign(stack.signaldOptions, {
		'auth': 'token',
		'token-key': `HS256:one:${secret('token.key', key)}`,
		'site-key-file': secret('site-key', stack.siteKey),
		...(typeof more === 'function' ? more(stack) : more),
	});
	stack.token = (user) => confide(mint({ sub: String(user), name: `User ${user}` }, { alg: 'HS256', key, kid: 'one' }));
	await stack.start();
	return stack;
}
