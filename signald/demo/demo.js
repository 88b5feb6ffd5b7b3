/* demo.js - the page: what is clicked, what the server says, and the one call there can be
 *
 * Text reaches the page through textContent alone. */

import { Call } from './call.js';
import { $, element } from './dom.js';
import { BUSY, endingOf } from './endings.js';
import { Link } from './link.js';
import { Media } from './media.js';
import { Mesh } from './mesh.js';
import { People } from './people.js';
import { Stage } from './stage.js';
import { describePairs, formatBytes, isRelayed, pathOf, selectedPair, Traffic } from './stats.js';
import { runTurnTest } from './turn_test.js';
import { userIdFromName } from './userid.js';

const STATS_EVERY_MS = 1000;
const GROUP_MAX = 4;		/* with ourselves: everybody sends to everybody */
const REJOIN_AFTER_MS = 15000;	/* without the server: the others may have been told that we are gone */
const RECOVER_MAX_MS = 15000;	/* how long a call of two may look for another way */

const link = new Link();
const people = new People({ call: startCall });
const stage = new Stage($('tiles'), { silent: () => { $('sound').hidden = false; } });

const page = {
	self: null,	/* { id, name } once joined */
	state: 'idle',	/* idle, ringing (somebody calls), calling, connecting, active, group */
	call: null,	/* Call or Mesh */
	offer: null,	/* the call:incoming or group_call:incoming that rings */
	media: null,
	connected: false, /* some way is found */
	traffic: null,	/* of this call */
	startedAt: 0,
	recovery: 0,	/* timer */
	toldPath: '',	/* what the server knows of the way our media take */
	lastOther: null, /* the user id */
	invitations: new Map(), /* roomName -> { by: name, left: bool }: group calls one may enter */
};

/* For tests and the curious. */
window.demo = {
	get state() { return page.state; },
	get pc() { return page.call?.peers[0]?.pc ?? null; },
	get pcs() { return page.call?.peers.map((peer) => peer.pc) ?? []; },
	selectedPair: async () => (window.demo.pc ? selectedPair(await window.demo.pc.getStats()) : null),
	cut: () => link.cut(),
};

/* ---- what is seen ---- */

function report(text, kind = 'info') {
	$('status').textContent = text;
	$('status').dataset.kind = kind;
}

function fail(what, err) {
	report(`${what}: ${err.message ?? err}`, 'error');
}

function showLink(state, text) {
	$('link').dataset.state = state;
	$('link').textContent = text;
}

/* A button in focus that is disabled leaves the keyboard nowhere, as the page and its titles do: on
 * with what matters now. */
function keepFocus() {
	const at = document.activeElement;

	if (at && at.tabIndex >= 0 && !at.disabled)
		return;
	if (page.call)
		$('hangup').focus();
	else if (page.lastOther)
		people.focus(page.lastOther);
}

function showControls() {
	const media = page.media;

	$('hangup').disabled = !page.call;
	$('hangup').textContent = page.call instanceof Mesh ? 'Leave' : 'Hang up';
	$('microphone').disabled = $('camera').disabled = !media;
	$('microphone').setAttribute('aria-pressed', String(media?.muted ?? false));
	$('microphone').textContent = media?.muted ? 'Unmute' : 'Mute';
	$('camera').textContent = media?.picture ? 'Camera off' : 'Camera on';
}

function setState(state) {
	page.state = state;
	page.lastOther = page.call?.other?.id ?? page.lastOther;
	$('stage-text').textContent = state === 'ringing' ? 'Incoming call' : 'No call';
	document.body.toggleAttribute('data-call', state !== 'idle');
	people.setBusy(state !== 'idle');
	showControls();
	showInvitations();
	keepFocus();
}

/* Group calls we may enter, or enter again. */
function showInvitations() {
	const items = [...page.invitations].map(([roomName, { by, left }]) => {
		const item = document.createElement('li');
		const button = element('button', 'primary', left ? 'Come back' : 'Join');

		button.type = 'button';
		button.disabled = page.state !== 'idle';
		button.onclick = () => joinGroup(roomName);
		item.append(element('span', 'person', left ? 'The call you left' : `${by} invites you`), button);
		return item;
	});

	$('invitations').replaceChildren(...items);
	$('invitations-card').hidden = items.length === 0;
}

function forgetInvitation(roomName) {
	page.invitations.delete(roomName);
	showInvitations();
}

/* pairs: peer -> its selected pair. */
function showNumbers(pairs) {
	const ways = [...pairs.values()];
	const added = page.traffic.add(pairs);
	const line = (bytes, more) => (bytes || ways.some(isRelayed)
		/* May break before the rate only. */
		? [formatBytes(bytes), `(${formatBytes(more * 1000 / STATS_EVERY_MS)}/s)`]
			.map((text) => text.replace(' ', '\u00a0')).join(' ')
		: 'nothing');

	page.connected = ways.length > 0;
	$('connection').textContent = describePairs(ways) || 'none yet';
	$('bytes-sent').textContent = line(page.traffic.sent, added.sent);
	$('bytes-received').textContent = line(page.traffic.received, added.received);
}

const groupTitle = (others) => (others ? `Group call, ${others + 1} people` : 'Group call, only you');

function showTime() {
	const s = Math.floor((Date.now() - page.startedAt) / 1000);
	const clock = `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`;
	const who = page.call.other?.name ?? groupTitle(page.call.members.length);

	$('call-title').textContent = `${who} · ${clock}`;
}

/* Without a relay the call does not end when turnserver is started anew. */
function tellPath(call, pairs) {
	const path = pathOf(pairs);

	if (!path || path === page.toldPath || (page.state !== 'active' && page.state !== 'group'))
		return;
	page.toldPath = path;
	link.send('call:media', { roomName: call.roomName, path });
}

async function tick() {
	const { call } = page;

	if (!call)
		return;
	try {
		const stats = await Promise.all(call.peers.map(async (peer) => [peer, selectedPair(await peer.pc.getStats())]));

		if (call !== page.call)
			return;
		showNumbers(new Map(stats.filter(([, pair]) => pair)));
		tellPath(call, stats.map(([, pair]) => pair).filter((pair) => pair));
		if (page.state === 'active' || page.state === 'group')
			showTime();
	} catch (err) {
		fail('The connection tells nothing about itself', err);
	}
}

/* ---- any call ---- */

const freshRoom = () => `room_${crypto.getRandomValues(new Uint32Array(4)).join('')}`;

function begin(call, state, title) {
	page.call = call;
	page.toldPath = '';
	page.traffic = new Traffic();
	page.startedAt = Date.now();
	showNumbers(new Map()); /* the last call's stood until now */
	setState(state);
	$('call-title').textContent = title;
}

/* What we send, or null when the call ended while we waited for it. */
async function openMedia(call, camera) {
	const media = new Media(page.self.name, { small: call instanceof Mesh });

	page.media = media;
	await media.open({ camera });
	if (call !== page.call) {
		media.stop();
		return null;
	}
	stage.show(page.self, true);
	stage.play(page.self.id, media.stream);
	showControls();
	return media.stream;
}

function substitutes() {
	const words = Object.values(page.media?.substitutes ?? {});

	return words.length ? ` Sending ${words.join(', and ')}.` : '';
}

function closeCall(text, kind) {
	clearTimeout(page.recovery);
	page.call?.close();
	page.media?.stop();
	page.call = page.media = null;
	stage.clear();
	remember(null);
	$('sound').hidden = true;
	$('call-title').textContent = '';
	setState('idle');
	report(text, kind);
}

function giveUp(what, err) {
	page.call.leave('connection_failed');
	closeCall(`${what}: ${err.message ?? err}`, 'error');
}

function hangUp() {
	const { call } = page;

	if (!call)
		return;
	call.leave('user_ended');
	if (call instanceof Mesh)
		page.invitations.set(call.roomName, { left: true });
	closeCall(call instanceof Mesh ? 'You left the group call.' : 'You hung up.');
}

async function switchCamera() {
	const { call, media } = page;

	$('camera').disabled = true;
	if (media.picture) {
		call.removeTrack(media.hidePicture());
	} else {
		const track = await media.showPicture();

		if (call !== page.call)
			return;
		call.addTrack(track);
	}
	stage.refresh(page.self.id);
	showControls();
}

function switchMicrophone() {
	page.media.mute(!page.media.muted);
	showControls();
}

/* One of several servers failing matters only while no way works. */
function serverProblem(what) {
	if (!page.connected)
		fail('A server for the connection complains', what);
}

/* ---- a call of two ---- */

function newCall(roomName, other) {
	return new Call({
		roomName,
		self: page.self,
		other,
		relayOnly: $('relay-only').checked,
		send: (event, payload) => link.send(event, payload),
		handlers: {
			stream: (stream) => stage.play(other.id, stream),
			state: connectionChanged,
			problem: serverProblem,
		},
	});
}

async function startCall(other) {
	if (page.state !== 'idle')
		return;
	const call = newCall(freshRoom(), other);

	begin(call, 'calling', `Calling ${other.name}`);
	stage.show(other);
	stage.note(other.id, 'ringing…');
	report(`Calling ${other.name}…`);
	try {
		const stream = await openMedia(call, $('camera-first').checked);
		/* Asked before the offer: these credentials already carry the call. */
		const reply = stream && await link.request('ice:request', { userId: page.self.id });

		if (call !== page.call)
			return;
		if (!reply.success)
			throw new Error(reply.error ?? 'no ICE servers');
		call.initiate(reply.iceServers, stream);
	} catch (err) {
		if (call === page.call)
			giveUp('The call could not be started', err);
	}
}

async function answerCall(offer) {
	const call = newCall(offer.roomName, callerOf(offer));

	begin(call, 'connecting', call.other.name);
	stage.show(call.other);
	stage.note(call.other.id, 'connecting…');
	report(`Answering ${call.other.name}…`);
	try {
		const stream = await openMedia(call, offer.callType === 'video' && $('camera-first').checked);

		if (stream)
			await call.accept(offer.iceServers ?? [], stream, offer.sdpOffer);
	} catch (err) {
		if (call === page.call)
			giveUp('The call could not be answered', err);
	}
}

function connected() {
	const { other } = page.call;

	clearTimeout(page.recovery);
	page.recovery = 0;
	stage.note(other.id, '');
	if (page.state === 'active') {
		report('The connection is back.', 'ok');
		return;
	}
	page.startedAt = Date.now();
	setState('active');
	showTime();
	report(`In a call with ${other.name}.${substitutes()}`, 'ok');
}

const relayHint = () => (page.call.relayOnly
	? 'the relay did not carry it; try "Test TURN"'
	: 'no way to the other side was found');

/* A way that worked once may come again, over other servers even. */
function recover() {
	if (page.recovery)
		return;
	page.recovery = setTimeout(() => giveUp('The connection failed', relayHint()), RECOVER_MAX_MS);
	page.call.restart();
}

function connectionChanged(state) {
	if (state === 'connected') {
		connected();
	} else if (state === 'disconnected') {
		stage.note(page.call.other.id, 'interrupted…');
		report('The connection is interrupted; waiting for it to come back…', 'error');
	} else if (state === 'failed' && page.state === 'active') {
		recover();
	} else if (state === 'failed') {
		giveUp('The connection failed', relayHint());
	}
}

/* ---- a group call ---- */

/* What is known when the page is reloaded: sessionStorage lives as long as the tab. */
const MEMORY = 'group-call';

function remember(mesh) {
	if (mesh)
		sessionStorage.setItem(MEMORY, JSON.stringify({
			name: page.self.name,
			roomName: mesh.roomName,
			relayOnly: mesh.relayOnly,
			camera: !!page.media?.picture,
		}));
	else
		sessionStorage.removeItem(MEMORY);
}

function newMesh(roomName) {
	return new Mesh({
		roomName,
		self: page.self,
		relayOnly: $('relay-only').checked,
		send: (event, payload) => link.send(event, payload),
		request: (event, payload) => link.request(event, payload),
		handlers: {
			came: memberCame,
			left: memberLeft,
			stream: ({ id }, stream) => stage.play(id, stream),
			state: memberChanged,
			problem: serverProblem,
		},
	});
}

function memberCame({ id, name }) {
	stage.show({ id, name: people.nameOf(id) ?? name });
	stage.note(id, 'connecting…');
	report(`${name} is in the call.`, 'ok');
}

function memberLeft({ id, name }, code) {
	const alone = page.call.members.length ? '' : ' You are alone; others may still come.';

	stage.drop(id);
	report(`${name} ${code === 'failed' ? 'is gone' : 'has left'}.${alone}`);
}

const MEMBER_NOTES = { connected: '', disconnected: 'interrupted…', failed: 'trying again…' };

function memberChanged({ id, peer }, state) {
	if (state in MEMBER_NOTES)
		stage.note(id, MEMBER_NOTES[state]);
	if (state === 'failed')
		peer.restart();
}

/* Enter the call; make: { callType, memberIds } when it is ours. */
async function joinGroup(roomName, make) {
	if (page.state !== 'idle')
		return;
	const mesh = newMesh(roomName);

	begin(mesh, 'group', 'Group call');
	report(make ? 'Inviting…' : 'Joining the group call…');
	try {
		const stream = await openMedia(mesh, $('camera-first').checked);

		if (stream)
			await enter(mesh, stream, make);
	} catch (err) {
		if (mesh === page.call)
			giveUp('The group call could not be joined', err);
	}
}

async function enter(mesh, stream, make) {
	const reply = await mesh.join(stream, make);

	if (mesh !== page.call)
		return;
	forgetInvitation(mesh.roomName);
	if (!reply.success) {
		closeCall(reply.code === 'no_such_call' ? 'The group call is over.'
			: `The group call could not be joined: ${reply.error}`, 'error');
		return;
	}
	remember(mesh);
	const invited = make?.memberIds.map((id) => people.nameOf(id) ?? id).join(', ') ?? 'the others';
	const names = mesh.members.map((m) => m.name).join(', ');

	report((names ? `In a group call with ${names}.` : `Waiting for ${invited} to join…`) + substitutes(), 'ok');
}

/* We are in it no longer and did not want that. */
async function comeBack() {
	const mesh = page.call;

	mesh.members.forEach(({ id }) => stage.drop(id));
	link.forget(mesh.roomName);
	try {
		await enter(mesh, page.media.stream);
	} catch (err) {
		fail('The group call could not be joined again', err);
	}
}

function startGroup(ids) {
	if (ids.length)
		joinGroup(freshRoom(), { callType: $('camera-first').checked ? 'video' : 'audio', memberIds: ids });
}

/* ---- what rings ---- */

const callerOf = (offer) => ({ id: String(offer.fromId), name: offer.fromName ?? String(offer.fromId) });
const isCurrent = (data) => page.call && (!data?.roomName || data.roomName === page.call.roomName);
const isRinging = (data) => page.offer && (!data?.roomName || data.roomName === page.offer.roomName);

function ring(offer, title, answer) {
	page.offer = offer;
	setState('ringing');
	$('incoming-title').textContent = title;
	$('answer').textContent = answer;
	$('incoming').showModal();
	report(`${title}.`);
}

function stopRinging(text) {
	page.offer = null;
	$('incoming').close();
	setState('idle');
	report(text);
}

function onIncoming(offer) {
	const caller = callerOf(offer);

	if (isRinging(offer))
		return; /* the socket is another one, the call is the same */
	if (page.state !== 'idle') {
		link.send('call:reject', { roomName: offer.roomName, reason: BUSY });
		report(`${caller.name} called while you were busy.`);
		return;
	}
	ring(offer, `${caller.name} is calling`, 'Answer');
}

function onGroupIncoming(offer) {
	const by = offer.initiatorName ?? String(offer.initiatedBy);

	/* A new socket is invited again. */
	if (page.call?.roomName === offer.roomName || page.invitations.has(offer.roomName))
		return;
	page.invitations.set(offer.roomName, { by });
	showInvitations();
	if (page.state === 'idle')
		ring(offer, `${by} invites you to a group call`, 'Join');
	else
		report(`${by} invites you to a group call.`);
}

function answer() {
	const { offer } = page;

	if (!offer)
		return;
	page.offer = null;
	page.state = 'idle';
	$('incoming').close();
	if (offer.mesh)
		joinGroup(offer.roomName);
	else
		answerCall(offer);
}

function decline() {
	const { offer } = page;

	if (!offer)
		return;
	link.send('call:reject', { roomName: offer.roomName });
	page.invitations.delete(offer.roomName);
	stopRinging(offer.mesh ? 'You declined the invitation.' : 'You declined the call.');
}

/* ---- what the server says ---- */

function onOver(data, text) {
	const group = page.call instanceof Mesh || page.offer?.mesh;
	const ending = endingOf(data, group) ?? `${text}${data?.reason ? `: ${data.reason}` : '.'}`;

	forgetInvitation(data?.roomName);
	if (isRinging(data))
		stopRinging(ending);
	else if (isCurrent(data))
		closeCall(ending);
}

function onAnswer(data) {
	if (!isCurrent(data))
		return;
	setState('connecting');
	stage.note(page.call.other.id, 'connecting…');
	page.call.heard('call:answer', data);
}

/* Somebody speaks to us as to a member: a tab of ours that is closed now was in that call. */
function onStranger(data) {
	if (!isRinging(data) && !page.invitations.has(data.roomName))
		link.send('group_call:leave', { roomName: data.roomName });
}

function onError(data) {
	const mesh = page.call instanceof Mesh && data?.roomName === page.call.roomName;

	if (mesh && data.code === 'no_such_call')
		comeBack();
	else
		report(`The server says: ${data?.message ?? 'the call failed'}`, 'error');
}

const heard = (event, stranger) => (data) => {
	if (isCurrent(data))
		page.call.heard(event, data);
	else
		stranger?.(data);
};

const EVENTS = {
	'demo:online': ({ users }) => people.show(users
		.filter((u) => u.userId !== page.self.id)
		.map(({ userId, name }) => ({ id: userId, name }))),
	'call:incoming': onIncoming,
	'call:answer': onAnswer,
	'call:rejected': (data) => onOver(data, 'The call was declined'),
	'call:ended': (data) => onOver(data, 'The call has ended'),
	'call:error': onError,
	'group_call:incoming': onGroupIncoming,
	...Object.fromEntries(['ice:candidate', 'call:renegotiate', 'call:renegotiate_answer', 'ice:servers',
		'group_call:participant_left', 'group_call:answer', 'group_call:candidate',
	].map((event) => [event, heard(event)])),
	...Object.fromEntries(['group_call:participant_joined', 'group_call:offer',
	].map((event) => [event, heard(event, onStranger)])),
};

/* Who we are comes first, and after an interruption again. */
function hello(awayMs) {
	showLink('on', 'connected');
	link.send('user:join', page.self.id);
	link.send('demo:hello', { userId: page.self.id, name: page.self.name });
	if (page.state === 'idle')
		report(`You are ${page.self.name}. Call somebody, or wait to be called.`, 'ok');
	else
		report('The server is back; the call goes on.', 'ok');
	if (page.call instanceof Mesh && awayMs && (awayMs > REJOIN_AFTER_MS || !page.call.isConnected))
		comeBack();
}

function connect(then) {
	let first = true;

	link.open({
		hello: (awayMs) => {
			hello(awayMs);
			if (first)
				then?.();
			first = false;
		},
		lost: (reason) => {
			showLink('lost', 'reconnecting');
			report(`The connection to the server is lost (${reason}); trying again…`, 'error');
		},
		unreachable: (err) => {
			showLink('lost', 'reconnecting');
			fail('The server cannot be reached', err);
		},
		events: EVENTS,
	});
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

function join(then) {
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
	connect(then);
}

/* The page was reloaded in the middle of a group call: back into it. */
function resume() {
	const memory = JSON.parse(sessionStorage.getItem(MEMORY));

	if (!memory)
		return;
	$('name').value = memory.name;
	$('relay-only').checked = memory.relayOnly;
	$('camera-first').checked = memory.camera;
	join(() => joinGroup(memory.roomName));
}

window.addEventListener('error', (e) => fail('The page has a fault', e.error ?? e));
window.addEventListener('unhandledrejection', (e) => fail('The page has a fault', e.reason ?? e));
/* A group call waits for the page to come back; the others are told when it does not. */
window.addEventListener('pagehide', () => {
	if (page.call instanceof Call)
		page.call.leave('user_ended');
});

$('join-form').addEventListener('submit', (event) => {
	event.preventDefault();
	join();
});
$('name').addEventListener('input', showNameHint);
$('answer').addEventListener('click', answer);
$('decline').addEventListener('click', decline);
$('incoming').addEventListener('cancel', decline);
$('hangup').addEventListener('click', hangUp);
$('camera').addEventListener('click', switchCamera);
$('microphone').addEventListener('click', switchMicrophone);
$('sound').addEventListener('click', () => {
	stage.unmute();
	$('sound').hidden = true;
});
$('group').addEventListener('click', () => people.choose(GROUP_MAX - 1, startGroup));
$('choose-cancel').addEventListener('click', () => $('choose').close());
$('test-turn').addEventListener('click', () => runTurnTest(page.self?.id ?? 'demo-test'));
resume();
