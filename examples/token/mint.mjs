#!/usr/bin/env node
// mint.mjs - a token that signald takes (auth = token), with nothing but Node itself
//
//	node mint.mjs --alg HS256|RS256|ES256 --key FILE --sub ID [--name NAME] [--picture URL]
//	              [--ttl SECONDS] [--kid KID] [--iss ISSUER] [--aud AUDIENCE]
//
// FILE holds the secret (HS256) or the private key in PEM. In a server of yours: import { mint }.
import { createHmac, createPrivateKey, sign } from 'node:crypto';
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const base64url = (value) => Buffer.from(value).toString('base64url');

// signald takes a file's last newline for no part of the secret.
const secretOf = (key) => String(key).replace(/\n$/, '');

function privateKey(pem, type) {
	const key = createPrivateKey(pem);

	if (key.asymmetricKeyType !== type)
		throw new Error(`this is no ${type} key`);
	return key;
}

const signers = {
	HS256: (text, key) => createHmac('sha256', secretOf(key)).update(text).digest(),
	RS256: (text, key) => sign('sha256', text, privateKey(key, 'rsa')),
	// RFC 7518 section 3.4: R and S, not what OpenSSL would write by itself.
	ES256: (text, key) => sign('sha256', text, { key: privateKey(key, 'ec'), dsaEncoding: 'ieee-p1363' }),
};

// claims: at least { sub }, the user's id. Short-lived: signald asks for the time to start calls only.
export function mint(claims, { alg, key, kid, ttl = 3600 }) {
	const now = Math.floor(Date.now() / 1000);
	const header = base64url(JSON.stringify({ alg, typ: 'JWT', kid }));
	const payload = base64url(JSON.stringify({ iat: now, exp: now + ttl, ...claims }));
	const text = `${header}.${payload}`;

	return `${text}.${base64url(signers[alg](Buffer.from(text), key))}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const { values } = parseArgs({
		options: Object.fromEntries(['alg', 'key', 'sub', 'name', 'picture', 'ttl', 'kid', 'iss', 'aud']
			.map((name) => [name, { type: 'string' }])),
	});
	const { alg, key, kid, ttl = '3600', ...claims } = values;

	if (!signers[alg] || !key || !claims.sub) {
		console.error('usage: mint.mjs --alg HS256|RS256|ES256 --key FILE --sub ID [--name NAME] [--picture URL]'
			+ ' [--ttl SECONDS] [--kid KID] [--iss ISSUER] [--aud AUDIENCE]');
		process.exit(2);
	}
	console.log(mint(claims, { alg, key: fs.readFileSync(key), kid, ttl: Number(ttl) }));
}
