/* demo.js - the page: what is seen and clicked, the socket, and the one call there can be
 *
 * Text reaches the page through textContent alone. */

import { Call } from './call.js';
import { openMedia } from './media.js';
import { describePair, formatBytes, isRelayed, selectedPair } from './stats.js';
import { testTurn } from './turn_test.js';
import { userIdFromName } from './userid.js';

const ACK_MAX_MS = 5000;
const STATS_EVERY_MS = 1000;

const $ = (id) => document.getElementById(id);

const page = {
	self: null,	/* { id, name } once joined */
	socket: null,
	state: 'idle',	/* idle, ringing (somebody calls), calling, connecting, active */
	call: null,
	offer: null,	/* the call:incoming that rings */
	media: null,
	pair: null,	/* the selected pair's last numbers */
	startedAt: 0,
	lastPeer: null,	/* the user id */
};

/* For tests and the curious. */
window.demo = {
	get state() { return page.state; },
	get pc() { return page.call?.pc ?? null; },
	get pair() { return page.pair; },
	selectedPair: async () => (page.call?.pc ? selectedPair(await page.call.pc.getStats()) : null),
};

/* ---- what is seen ---- */

function report(text, kind = 'info') {
	$('status').textContent = text;
	$('status').dataset.kind = kind;
}

function fail(what, err) {
	report(`${what}: ${err.message ?? err}`, 'error');
}

function element(tag, className, text) {
	const e = document.createElement(tag);

	e.className = className;
	e.textContent = text;
	return e;
}

function showLink(state, text) {
	$('link').dataset.state = state;
	$('link').textContent = text;
}

function showPerson({ userId, name }) {
	const item = document.createElement('li');
	const person = element('span', 'person', name);
	const button = element('button', '', 'Call');

	if (userId !== name)
		person.append(element('small', '', userId));
	button.type = 'button';
	button.dataset.user = userId;
	button.setAttribute('aria-label', `Call ${name}`);
	button.disabled = page.state !== 'idle';
	button.onclick = () => startCall({ id: userId, name });
	const avatar = element('span', 'avatar', Array.from(name)[0] ?? '?');

	avatar.setAttribute('aria-hidden', 'true');
	item.append(avatar, person, button);
	return item;
}

const callButton = (userId) => $('people').querySelector(`[data-user="${CSS.escape(userId)}"]`);

/* The list comes anew with every change; who is about to press a button keeps it. */
function showPeople(users) {
	const others = users.filter((u) => u.userId !== page.self.id);
	const chosen = document.activeElement?.dataset.user;

	$('people').replaceChildren(...others.map(showPerson));
	$('people-empty').hidden = others.length > 0;
	if (chosen)
		callButton(chosen)?.focus();
}

const STAGE_TEXT = {
	idle: 'No call',
	ringing: 'Incoming call',
	calling: 'Ringing…',
	connecting: 'Connecting…',
	active: '',
};

/* A button in focus that is disabled leaves the keyboard nowhere, as the page and its titles do: on
 * with what matters now. */
function keepFocus() {
	const at = document.activeElement;

	if (at && at.tabIndex >= 0 && !at.disabled)
		return;
	if (page.call)
		$('hangup').focus();
	else if (page.lastPeer)
		callButton(page.lastPeer)?.focus();
}

function setState(state) {
	page.state = state;
	page.lastPeer = page.call?.peer.id ?? page.lastPeer;
	$('stage-text').textContent = STAGE_TEXT[state];
	$('hangup').disabled = !page.call;
	document.body.toggleAttribute('data-call', state !== 'idle');
	document.querySelectorAll('#people button').forEach((b) => { b.disabled = state !== 'idle'; });
	keepFocus();
}

function showNumbers(pair, before) {
	const relayed = pair && isRelayed(pair);
	const line = (key) => {
		const rate = before ? Math.max(0, pair[key] - before[key]) * 1000 / STATS_EVERY_MS : 0;

		/* May break before the rate only. */
		return [formatBytes(pair[key]), `(${formatBytes(rate)}/s)`]
			.map((text) => text.replace(' ', '\u00a0')).join(' ');
	};

	$('connection').textContent = pair ? describePair(pair) : 'none yet';
	$('bytes-sent').textContent = relayed ? line('bytesSent') : 'nothing';
	$('bytes-received').textContent = relayed ? line('bytesReceived') : 'nothing';
}

function showTime() {
	const s = Math.floor((Date.now() - page.startedAt) / 1000);
	const clock = `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`;

	$('call-title').textContent = `${page.call.peer.name} · ${clock}`;
}

async function tick() {
	const call = page.call;

	if (!call?.pc)
		return;
	try {
		const pair = selectedPair(await call.pc.getStats());

		if (call !== page.call)
			return;
		showNumbers(pair, page.pair);
		page.pair = pair;
		if (page.state === 'active')
			showTime();
	} catch (err) {
		fail('The connection tells nothing about itself', err);
	}
}

/* ---- a call ---- */

function newCall(roomName, peer) {
	page.pair = null;
	showNumbers(null, null); /* the last call's stood until now */
	return new Call({
		roomName,
		self: page.self,
		peer,
		relayOnly: $('relay-only').checked,
		send: (event, payload) => page.socket.emit(event, payload),
		handlers: {
			onStream: (stream) => { $('remote').srcObject = stream; },
			onState: connectionChanged,
			onProblem: serverProblem,
		},
	});
}

/* One of several servers failing matters only while no way works. */
function serverProblem(text) {
	if (page.state !== 'active')
		report(`A server for the connection complains: ${text}`, 'error');
}

/* Our own picture, or null when the call ended while we waited for it. */
async function startMedia(call) {
	const media = await openMedia(page.self.name);

	if (call !== page.call) {
		media.stop();
		return null;
	}
	page.media = media;
	$('local').srcObject = media.stream;
	$('local').hidden = false;
	if (media.drawnBecause)
		report(`No camera (${media.drawnBecause}): sending a drawn picture instead.`);
	return media.stream;
}

const request = (event, payload) => page.socket.timeout(ACK_MAX_MS).emitWithAck(event, payload);

async function startCall(peer) {
	if (page.state !== 'idle')
		return;
	const call = newCall(`room_${crypto.getRandomValues(new Uint32Array(4)).join('')}`, peer);

	page.call = call;
	setState('calling');
	$('call-title').textContent = `Calling ${peer.name}`;
	report(`Calling ${peer.name}…`);
	try {
		const stream = await startMedia(call);
		/* Asked before the offer: these credentials already carry the call. */
		const reply = stream && await request('ice:request', { userId: page.self.id });

		if (call !== page.call)
			return;
		if (!reply.success)
			throw new Error(reply.error ?? 'no ICE servers');
		await call.initiate(reply.iceServers, stream);
	} catch (err) {
		if (call === page.call)
			giveUp('The call could not be started', err);
	}
}

async function answerCall() {
	const offer = page.offer;

	if (!offer)
		return;
	const call = newCall(offer.roomName, callerOf(offer));

	page.offer = null;
	page.call = call;
	$('incoming').close();
	setState('connecting');
	$('call-title').textContent = call.peer.name;
	report(`Answering ${call.peer.name}…`);
	try {
		const stream = await startMedia(call);

		if (!stream)
			return;
		offer.candidates.forEach((data) => call.addCandidate(data));
		await call.accept(offer.iceServers ?? [], stream, offer.sdpOffer);
	} catch (err) {
		if (call === page.call)
			giveUp('The call could not be answered', err);
	}
}

function declineCall() {
	if (!page.offer)
		return;
	page.socket.emit('call:reject', { roomName: page.offer.roomName });
	stopRinging('You declined the call.');
}

function stopRinging(text) {
	page.offer = null;
	$('incoming').close();
	setState('idle');
	report(text);
}

function connectionChanged(state) {
	if (state === 'connected' && page.state !== 'active') {
		page.startedAt = Date.now();
		setState('active');
		showTime();
		const why = page.media?.drawnBecause;
		const drawn = why ? ` Sending a drawn picture: no camera (${why}).` : '';

		report(`In a call with ${page.call.peer.name}.${drawn}`, 'ok');
	} else if (state === 'disconnected') {
		report('The connection is interrupted; waiting for it to come back…', 'error');
	} else if (state === 'connected') {
		report('The connection is back.', 'ok');
	} else if (state === 'failed') {
		const hint = page.call.relayOnly
			? 'the relay did not carry it; try "Test TURN"'
			: 'no way to the other side was found';

		giveUp('The connection failed', new Error(hint));
	}
}

function closeCall(text, kind) {
	page.call?.close();
	page.media?.stop();
	page.call = page.media = null;
	$('remote').srcObject = $('local').srcObject = null;
	$('local').hidden = true;
	$('call-title').textContent = '';
	setState('idle');
	report(text, kind);
}

function sendEnd(reason) {
	page.socket.emit('call:end', { roomName: page.call.roomName, reason });
}

function giveUp(what, err) {
	sendEnd('connection_failed');
	closeCall(`${what}: ${err.message}`, 'error');
}

function hangUp() {
	if (!page.call)
		return;
	sendEnd('user_ended');
	closeCall('You hung up.');
}

/* ---- what the server says ---- */

const callerOf = (offer) => ({ id: String(offer.fromId), name: offer.fromName ?? String(offer.fromId) });
const isCurrent = (data) => page.call && (!data?.roomName || data.roomName === page.call.roomName);
const isRinging = (data) => page.offer && (!data?.roomName || data.roomName === page.offer.roomName);

/* What a page that is in a call rejects another one with. */
const BUSY = 'busy';

function onIncoming(offer) {
	const caller = callerOf(offer);

	if (page.state !== 'idle') {
		page.socket.emit('call:reject', { roomName: offer.roomName, reason: BUSY });
		report(`${caller.name} called while you were busy.`);
		return;
	}
	page.offer = { ...offer, candidates: [] };
	setState('ringing');
	$('incoming-title').textContent = `${caller.name} is calling`;
	$('incoming').showModal();
	report(`${caller.name} is calling.`);
}

async function onAnswer(data) {
	if (!isCurrent(data))
		return;
	setState('connecting');
	try {
		await page.call.answered(data.sdpAnswer);
	} catch (err) {
		giveUp('The answer could not be used', err);
	}
}

async function onCandidate(data) {
	if (isRinging(data)) {
		page.offer.candidates.push(data);
		return;
	}
	if (!isCurrent(data))
		return;
	try {
		await page.call.addCandidate(data);
	} catch (err) {
		fail('A candidate of the other side could not be used', err);
	}
}

/* How a call ended, where the code says more than the reason sent along. */
const ENDINGS = {
	answered_elsewhere: 'You answered in another tab.',
	cancelled: 'The caller has hung up.',
	completed: 'The other side has hung up.',
	failed: 'The call has ended: the other side is gone.',
	no_answer: 'Nobody answered.',
	offline: 'The other side is not there.',
	rejected: 'The call was declined.',
	[BUSY]: 'The other side is in another call.',
};

function onOver(data, text) {
	const code = data?.reason === BUSY ? BUSY : data?.code;
	const ending = ENDINGS[code] ?? `${text}${data?.reason ? `: ${data.reason}` : '.'}`;

	if (isRinging(data))
		stopRinging(ending);
	else if (isCurrent(data))
		closeCall(ending);
}

const EVENTS = {
	'demo:online': ({ users }) => showPeople(users),
	'call:incoming': onIncoming,
	'call:answer': onAnswer,
	'call:rejected': (data) => onOver(data, 'The call was declined'),
	'call:ended': (data) => onOver(data, 'The call has ended'),
	'call:error': (data) => report(`The server says: ${data?.message ?? 'the call failed'}`, 'error'),
	'ice:candidate': onCandidate,
};

function onConnect() {
	showLink('on', 'connected');
	page.socket.emit('user:join', page.self.id);
	page.socket.emit('demo:hello', { userId: page.self.id, name: page.self.name });
	if (page.state === 'idle')
		report(`You are ${page.self.name}. Call somebody, or wait to be called.`, 'ok');
	else
		report('The server is back; the call goes on.', 'ok');
}

function connect() {
	const socket = window.io();

	page.socket = socket;
	socket.on('connect', onConnect);
	socket.on('disconnect', (reason) => {
		showLink('lost', 'reconnecting');
		report(`The connection to the server is lost (${reason}); trying again…`, 'error');
	});
	socket.on('connect_error', (err) => {
		showLink('lost', 'reconnecting');
		fail('The server cannot be reached', err);
	});
	Object.entries(EVENTS).forEach(([event, handler]) => socket.on(event, handler));
	setInterval(tick, STATS_EVERY_MS);
}

/* ---- what is clicked ---- */

function showNameHint() {
	const name = $('name').value.trim();
	const id = userIdFromName(name);
	const wrong = name !== '' && id === '';

	$('name').setAttribute('aria-invalid', String(wrong));
	$('name-hint').dataset.kind = wrong ? 'error' : '';
	$('name-hint').textContent = wrong ? 'Use at least one letter or digit an id can be made of.'
		: id ? `Your user id will be ${id}` : 'Others see and call you by it.';
	return { id, name };
}

function join(event) {
	event.preventDefault();
	const self = showNameHint();

	if (!self.id) {
		report('Please enter a name.', 'error');
		$('name').focus();
		return;
	}
	if (!window.io) {
		report('The Socket.IO client is missing: run "npm ci" in signald/demo.', 'error');
		return;
	}
	page.self = self;
	$('join-form').hidden = true;
	$('people-card').hidden = false;
	$('who').textContent = self.name === self.id ? self.name : `${self.name} (${self.id})`;
	$('who').hidden = false;
	$('people-title').focus();
	report('Connecting…');
	connect();
}

function showTurnResult(text, kind) {
	$('turn-result').textContent = text;
	$('turn-result').dataset.kind = kind;
}

async function runTurnTest() {
	$('test-turn').disabled = true;
	$('turn-candidates').replaceChildren();
	showTurnResult('Gathering candidates…', '');
	try {
		const answer = await fetch(`/api/ice-servers/${encodeURIComponent(page.self?.id ?? 'demo-test')}`);
		const { iceServers, error } = await answer.json();

		if (!answer.ok)
			throw new Error(error ?? `HTTP ${answer.status}`);
		const { relay, errors } = await testTurn(iceServers,
			(text) => $('turn-candidates').append(element('li', '', text)));

		if (relay)
			showTurnResult(`TURN works: relay candidate ${relay.address}:${relay.port}`, 'ok');
		else
			showTurnResult(`TURN does not work: no relay candidate came. ${errors.join('; ')}`, 'error');
	} catch (err) {
		showTurnResult(`TURN could not be tested: ${err.message}`, 'error');
	}
	$('test-turn').disabled = false;
}

window.addEventListener('error', (e) => fail('The page has a fault', e.error ?? e));
window.addEventListener('unhandledrejection', (e) => fail('The page has a fault', e.reason ?? e));
window.addEventListener('pagehide', () => {
	if (page.call)
		sendEnd('user_ended');
});

$('join-form').addEventListener('submit', join);
$('name').addEventListener('input', showNameHint);
$('answer').addEventListener('click', answerCall);
$('decline').addEventListener('click', declineCall);
$('incoming').addEventListener('cancel', declineCall);
$('hangup').addEventListener('click', hangUp);
$('test-turn').addEventListener('click', runTurnTest);
