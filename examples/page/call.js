/* call.js - calls of two over signald: what an app has to do, and no more
 *
 * index.html?server=http://localhost:449&user=ann; with &token=... where signald asks for one, &relay to go over TURN alone. */
const query = new URLSearchParams(location.search);
const [server, self] = [query.get('server') ?? location.origin, query.get('user')];
const { io } = await import(`${server}/socket.io/socket.io.esm.min.js`); /* signald's client-bundle; or npm's socket.io-client */
/* Asked at every connect: here a page gets a fresh token from its own server (examples/token). */
const socket = io(server, { auth: (give) => give({ token: query.get('token') }) });
const unsaid = []; /* Socket.IO would send it before user:join */
const say = (event, data) => (socket.connected ? socket.emit(event, data) : unsaid.push([event, data]));
let call = null; /* the page's only one: { roomName, other, caller, config, sdpOffer, pc } */
let before = Promise.resolve(); /* in order: a candidate has to find the description set */
const heard = (event, f) => socket.on(event, (data) => {
	before = before.then(() => call?.pc && data.roomName === call.roomName && f(call, data)).catch((e) => show(e.message));
});

const $ = (id) => document.getElementById(id);
function show(text) {
	$('status').textContent = text;
	$('accept').hidden = $('reject').hidden = !call || call.caller || !!call.pc;
	$('hangup').hidden = !call?.pc;
}
function close(text) {
	call?.pc?.getSenders().forEach((sender) => sender.track?.stop());
	call?.pc?.close();
	call = null;
	show(text);
}
function end(event, text) {
	say(event, { roomName: call.roomName });
	close(text);
}

async function open(c, iceServers) {
	const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
	if (c !== call) /* it has ended meanwhile */
		return stream.getTracks().forEach((track) => track.stop());
	c.config = { iceServers, iceTransportPolicy: query.has('relay') ? 'relay' : 'all' }; /* the server's list, and no other */
	const pc = c.pc = new RTCPeerConnection(c.config);
	pc.onicecandidate = ({ candidate: i }) => i?.candidate && say('ice:candidate', { ...i.toJSON(), roomName: c.roomName });
	pc.ontrack = ({ streams }) => { $('theirs').srcObject = streams[0]; };
	pc.onconnectionstatechange = async () => {
		show(pc.connectionState);
		if (pc.connectionState === 'connected') /* what goes direct outlives turnserver */
			say('call:media', { roomName: c.roomName, path: await isRelayed(pc) ? 'relay' : 'direct' });
		if (pc.connectionState === 'failed' && c.caller)
			pc.restartIce();
	};
	pc.onnegotiationneeded = c.caller && (async () => { /* the first offer, and those of ICE restarts */
		const event = pc.localDescription ? 'call:renegotiate' : 'call:initiate';
		await pc.setLocalDescription();
		say(event, { roomName: c.roomName, fromId: self, toId: c.other, callType: 'video', sdpOffer: pc.localDescription.sdp });
	});
	if (c.sdpOffer)
		await pc.setRemoteDescription({ type: 'offer', sdp: c.sdpOffer });
	stream.getTracks().forEach((track) => pc.addTrack(track, stream));
}
async function isRelayed(pc) {
	const stats = await pc.getStats();
	const pair = stats.get([...stats.values()].find((s) => s.type === 'transport').selectedCandidatePairId);
	return [pair.localCandidateId, pair.remoteCandidateId].some((id) => stats.get(id).candidateType === 'relay');
}
async function dial(other) {
	const c = call = { roomName: crypto.randomUUID(), other, caller: true };
	show(`calling ${other}`);
	const { success, iceServers, error } = await socket.timeout(5000).emitWithAck('ice:request', { userId: self });
	await (success ? open(c, iceServers) : close(error));
}
async function accept(c) {
	await open(c, c.iceServers);
	await c.pc?.setLocalDescription();
	if (c === call)
		say('call:accept', { roomName: c.roomName, fromId: c.other, sdpAnswer: c.pc.localDescription.sdp });
}

socket.on('connect', () => { /* every time: who says user:join is rung here, and speaks for the call that runs */
	socket.emit('user:join', self);
	unsaid.splice(0).forEach((words) => socket.emit(...words));
	show(call ? 'connected again' : `${self} is ready`);
});
socket.on('connect_error', (e) => {
	show(`no connection: ${e.message}`);
	if (e.data?.code === 'token_expired') /* Socket.IO gives up after a refusal; with a fresh token it is let in */
		setTimeout(() => socket.connect(), 1000);
});
socket.on('call:incoming', ({ roomName, fromId, fromName, iceServers, sdpOffer }) => {
	if (call)
		return roomName !== call.roomName && say('call:reject', { roomName, reason: 'busy' });
	call = { roomName, other: fromId, iceServers, sdpOffer };
	show(`${fromName} is calling`);
});
for (const event of ['call:answer', 'call:renegotiate_answer'])
	heard(event, ({ pc }, { sdpAnswer }) => pc.setRemoteDescription({ type: 'answer', sdp: sdpAnswer }));
heard('ice:candidate', ({ pc }, { candidate, sdpMid, sdpMLineIndex }) => pc.addIceCandidate({ candidate, sdpMid, sdpMLineIndex }));
heard('call:renegotiate', async ({ pc, roomName }, { sdpOffer }) => {
	await pc.setRemoteDescription({ type: 'offer', sdp: sdpOffer });
	await pc.setLocalDescription();
	say('call:renegotiate_answer', { roomName, sdpAnswer: pc.localDescription.sdp });
});
heard('ice:servers', ({ pc, config, caller }, { iceServers }) => { /* the relay is gone: both take the new one, one offers */
	pc.setConfiguration({ ...config, iceServers });
	if (caller)
		pc.restartIce();
});
for (const event of ['call:ended', 'call:rejected'])
	socket.on(event, (data) => data.roomName === call?.roomName && close(`${event}: ${data.code}`));
socket.on('call:error', ({ message, code, roomName }) => roomName === call?.roomName && show(`${code}: ${message}`));

$('dial').onsubmit = (e) => { e.preventDefault(); if (!call) dial($('other').value).catch((err) => close(err.message)); };
$('accept').onclick = () => accept(call).catch((err) => end('call:reject', err.message));
$('reject').onclick = () => end('call:reject', 'rejected');
$('hangup').onclick = () => end('call:end', 'hung up');
