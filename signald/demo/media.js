/* media.js - what we send: camera and microphone, or what is made here where there is none */

const FRAMES_PER_S = 15;

/* Of a call of two, and of one of more, where everybody sends to each of the others. */
const LARGE = { width: 640, height: 480 };
const SMALL = { width: 320, height: 240 };

/* Why a device cannot be had, in words for the status line. */
const REASONS = {
	NotAllowedError: 'its use was not allowed',
	NotFoundError: 'none was found',
	NotReadableError: 'another program holds it',
	OverconstrainedError: 'it cannot give such a picture',
};

/* Everybody's own colour, so that two pages are told apart. */
export const hueOf = (label) => Array.from(label).reduce((h, c) => (h * 31 + c.codePointAt(0)) % 360, 7);

/* All in a space of 640 x 480. */
function drawFrame(ctx, label, now) {
	const angle = now.getTime() / 1000;
	const hue = hueOf(label);

	ctx.fillStyle = `hsl(${hue} 45% 26%)`;
	ctx.fillRect(0, 0, 640, 480);
	ctx.fillStyle = `hsl(${hue} 55% 45%)`;
	for (let i = 0; i < 5; i++) {
		ctx.beginPath();
		ctx.arc(320 + Math.cos(angle + i * 1.26) * 230, 240 + Math.sin(angle * 1.3 + i * 1.26) * 160,
			18 + i * 7, 0, 2 * Math.PI);
		ctx.fill();
	}
	ctx.fillStyle = '#fff';
	ctx.textAlign = 'center';
	ctx.font = '600 88px system-ui, sans-serif';
	ctx.fillText(now.toTimeString().slice(0, 8), 320, 260);
	ctx.font = '500 34px system-ui, sans-serif';
	ctx.fillText(label, 320, 320, 600);
}

function drawnTrack(label, { width, height }) {
	const canvas = Object.assign(document.createElement('canvas'), { width, height });
	const ctx = canvas.getContext('2d');
	const draw = () => drawFrame(ctx, label, new Date());

	ctx.scale(width / 640, height / 480);
	draw();
	const timer = setInterval(draw, 1000 / FRAMES_PER_S);
	const [track] = canvas.captureStream(FRAMES_PER_S).getVideoTracks();

	return { track, stop: () => { clearInterval(timer); track.stop(); } };
}

function silentTrack() {
	const context = new AudioContext();
	const [track] = context.createMediaStreamDestination().stream.getAudioTracks();

	return { track, stop: () => { track.stop(); context.close(); } };
}

async function device(wanted) {
	if (!navigator.mediaDevices)
		throw new Error('the browser gives it to https and localhost pages only');
	const [track] = (await navigator.mediaDevices.getUserMedia(wanted)).getTracks();

	return { track, stop: () => track.stop() };
}

/* What we send in one call: its stream always has sound, and a picture while the camera is on. */
export class Media {
	#sources = {};	/* kind -> { track, stop } */
	#label;
	#size;

	constructor(label, { small = false } = {}) {
		this.stream = new MediaStream();
		this.substitutes = {}; /* kind -> what is sent instead, and why */
		this.closed = false;
		this.#label = label;
		this.#size = small ? SMALL : LARGE;
	}

	get picture() {
		return this.#sources.video?.track ?? null;
	}

	async #open(kind, wanted, substitute, words) {
		delete this.substitutes[kind];
		const source = await device(wanted).catch((err) => {
			this.substitutes[kind] = `${words} (${REASONS[err.name] ?? err.message})`;
			return substitute();
		});

		if (this.closed) {
			source.stop();
			return;
		}
		this.#sources[kind] = source;
		this.stream.addTrack(source.track);
	}

	#openSound() {
		return this.#open('audio', { audio: true }, silentTrack, 'silence: no microphone');
	}

	#openPicture() {
		const video = { ...this.#size, frameRate: { ideal: FRAMES_PER_S } };

		return this.#open('video', { video }, () => drawnTrack(this.#label, this.#size),
			'a drawn picture: no camera');
	}

	async open({ camera }) {
		await this.#openSound();
		if (camera)
			await this.#openPicture();
	}

	/* Returns the new track; null: the call is over. */
	async showPicture() {
		await this.#openPicture();
		return this.picture;
	}

	/* Returns the track that is gone. */
	hidePicture() {
		const track = this.picture;

		this.#sources.video?.stop();
		delete this.#sources.video;
		this.stream.removeTrack(track);
		return track;
	}

	get muted() {
		return this.#sources.audio?.track.enabled === false;
	}

	/* True: nobody hears us. */
	mute(on) {
		this.#sources.audio.track.enabled = !on;
	}

	stop() {
		this.closed = true;
		Object.values(this.#sources).forEach((source) => source.stop());
	}
}
