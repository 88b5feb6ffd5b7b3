/* media.js - what we send: the camera, or a picture drawn here when there is none */

const WIDTH = 640;
const HEIGHT = 480;
const FRAMES_PER_S = 20;

/* Why the camera cannot be had, in words for the status line. */
const REASONS = {
	NotAllowedError: 'its use was not allowed',
	NotFoundError: 'none was found',
	NotReadableError: 'another program holds it',
	OverconstrainedError: 'it cannot give such a picture',
};

/* Everybody's own colour, so that two pages are told apart. */
const hueOf = (label) => Array.from(label).reduce((h, c) => (h * 31 + c.codePointAt(0)) % 360, 7);

function drawFrame(ctx, label, now) {
	const angle = now.getTime() / 1000;
	const hue = hueOf(label);

	ctx.fillStyle = `hsl(${hue} 45% 26%)`;
	ctx.fillRect(0, 0, WIDTH, HEIGHT);
	ctx.fillStyle = `hsl(${hue} 55% 45%)`;
	for (let i = 0; i < 5; i++) {
		ctx.beginPath();
		ctx.arc(WIDTH / 2 + Math.cos(angle + i * 1.26) * 230, HEIGHT / 2 + Math.sin(angle * 1.3 + i * 1.26) * 160,
			18 + i * 7, 0, 2 * Math.PI);
		ctx.fill();
	}
	ctx.fillStyle = '#fff';
	ctx.textAlign = 'center';
	ctx.font = '600 88px system-ui, sans-serif';
	ctx.fillText(now.toTimeString().slice(0, 8), WIDTH / 2, HEIGHT / 2 + 20);
	ctx.font = '500 34px system-ui, sans-serif';
	ctx.fillText(label, WIDTH / 2, HEIGHT / 2 + 80, WIDTH - 40);
}

function drawnPicture(label) {
	const canvas = document.createElement('canvas');

	canvas.width = WIDTH;
	canvas.height = HEIGHT;
	const ctx = canvas.getContext('2d');
	const draw = () => drawFrame(ctx, label, new Date());

	draw();
	return { stream: canvas.captureStream(FRAMES_PER_S), timer: setInterval(draw, 1000 / FRAMES_PER_S) };
}

async function camera() {
	if (!navigator.mediaDevices)
		throw new Error('the browser gives it to https and localhost pages only');
	const video = { width: WIDTH, height: HEIGHT };

	try {
		return await navigator.mediaDevices.getUserMedia({ video, audio: true });
	} catch (err) {
		if (err.name !== 'NotFoundError')
			throw err;
		return navigator.mediaDevices.getUserMedia({ video }); /* no microphone, perhaps */
	}
}

/* Returns { stream, drawnBecause, stop }; drawnBecause is '' for the camera. */
export async function openMedia(label) {
	let stream, timer;
	let drawnBecause = '';

	try {
		stream = await camera();
	} catch (err) {
		drawnBecause = REASONS[err.name] ?? err.message;
		({ stream, timer } = drawnPicture(label));
	}
	return {
		stream,
		drawnBecause,
		stop() {
			clearInterval(timer);
			stream.getTracks().forEach((track) => track.stop());
		},
	};
}
