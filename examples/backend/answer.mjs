/* answer.mjs - a server that answers signald's questions, in Node without packages
 *
 *	BACKEND_TOKEN=... node answer.mjs [PORT [DATA.json]]
 *
 * What a messenger looks up in its database is a file here: replace find(). The
 * questions and answers are those of signald/PROTOCOL.md, "Backend". */
import { createHash, timingSafeEqual } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';

const PORT = Number(process.argv[2] ?? 8600);
const DATA = process.argv[3] ?? new URL('data.json', import.meta.url);
const TOKEN = process.env.BACKEND_TOKEN ?? ''; /* as in signald's backend-token-file */
const QUESTION_BYTES_MAX = 65536;

if (TOKEN.length < 16) { /* or anybody could ask */
	console.error('BACKEND_TOKEN is missing or too short');
	process.exit(2);
}

const find = (table, key) => {
	const data = JSON.parse(fs.readFileSync(DATA, 'utf8'));

	return Object.hasOwn(data[table], key) ? data[table][key] : undefined;
};

/* One function for each question. Each returns a status and what is answered. */
const answers = {
	/* Whose is this token? */
	authenticate({ token }) {
		const user = find('tokens', token);

		return user ? [200, user] : [401, {}];
	},

	/* May "from" call "to"? Ids come as text. */
	may_call({ from, to }) {
		const blocked = find('blocks', to) ?? [];

		return [200, { allowed: !blocked.map(String).includes(from) }];
	},

	/* Who is in this group? Nobody who does not belong there need be told. */
	members({ user, group }) {
		const members = find('groups', group);

		return members?.map(String).includes(user) ? [200, { members }] : [404, {}];
	},
};

const sha256 = (text) => createHash('sha256').update(text).digest();
const isSignald = (req) =>
	timingSafeEqual(sha256(req.headers.authorization ?? ''), sha256(`Bearer ${TOKEN}`));

function answer(text) {
	const question = JSON.parse(text);

	if (!Object.hasOwn(answers, question.ask))
		return [400, {}];
	return answers[question.ask](question);
}

async function bodyOf(req) {
	let text = '';

	for await (const chunk of req.setEncoding('utf8')) {
		text += chunk;
		if (text.length > QUESTION_BYTES_MAX)
			throw new Error('that is no question of signald');
	}
	return text;
}

const server = http.createServer(async (req, res) => {
	let status = 400, body = {};

	try {
		const text = await bodyOf(req);

		/* 400 and not 401: that would say that the user's token is bad. */
		if (req.method === 'POST' && isSignald(req))
			[status, body] = answer(text);
	} catch (err) {
		console.error(`no answer: ${err.message}`);
	}
	res.writeHead(status, { 'Content-Type': 'application/json' });
	res.end(JSON.stringify(body));
});

server.keepAliveTimeout = 60000; /* signald asks again over the same connection */
server.listen(PORT, '127.0.0.1', () => console.log(`answering on http://127.0.0.1:${server.address().port}/`));
