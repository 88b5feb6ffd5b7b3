/* server.mjs - npm socket.io with ws, behind the events of sio-echo that the loader uses, and those of a call
 *
 *	node server.mjs --port N [--cert FILE --pkey FILE]
 * Prints "listening on 127.0.0.1:PORT" like sio-echo. Defaults of socket.io wherever it has one; the backlog
 * is raised to what sio-echo has, for a storm of clients is to meet the server and not the kernel. */
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { parseArgs } from 'node:util';
import { Server } from 'socket.io';

import { serveCalls } from './calls.mjs';

const BACKLOG = 4096;
const text = { type: 'string' };
const { values: options } = parseArgs({ options: { port: text, cert: text, pkey: text } });
const server = options.cert
	? https.createServer({ cert: fs.readFileSync(options.cert), key: fs.readFileSync(options.pkey) })
	: http.createServer();
const io = new Server(server);

io.on('connection', (socket) => {
	socket.on('message', (...args) => { socket.emit('message-back', ...args); });
	socket.on('message-with-ack', (...args) => { args.pop()(...args); });
	socket.on('join', (room, ack) => {
		socket.join(room);
		ack('ok');
	});
	serveCalls(io, socket);
	socket.on('relay', (event) => { socket.to(event.room).emit('relay', event); });
});

server.listen({ port: Number(options.port ?? 0), host: '127.0.0.1', backlog: BACKLOG }, () => {
	console.log(`listening on 127.0.0.1:${server.address().port}`);
});
/* Started with --expose-gc: what is garbage is not to count as memory in use. */
if (globalThis.gc)
	setInterval(globalThis.gc, 1000);
process.once('SIGTERM', () => process.exit(0));
