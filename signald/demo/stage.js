/* stage.js - what is seen of a call: a tile for everybody in it, our own in the corner of two */

import { element } from './dom.js';

export class Stage {
	#root;
	#silent;
	#tiles = new Map();	/* id -> { figure, video, name, note } */

	/* silent(): the browser plays sound only after a click; unmute() is to be called then. */
	constructor(root, { silent }) {
		this.#root = root;
		this.#silent = silent;
	}

	#count() {
		this.#root.dataset.tiles = this.#tiles.size;
	}

	#tile(id) {
		return this.#tiles.get(id);
	}

	/* A tile for this person; again: the name it bears now. */
	show({ id, name }, own = false) {
		if (this.#tile(id)) {
			this.#tile(id).name.textContent = name;
			return;
		}
		const figure = element('figure', own ? 'tile own' : 'tile');
		const video = element('video', '');
		const avatar = element('span', 'avatar', Array.from(name)[0] ?? '?');
		const caption = element('figcaption', '');
		const nameText = element('span', 'name', own ? 'You' : name);
		const note = element('span', 'note');

		figure.dataset.user = id;
		video.autoplay = video.playsInline = true;
		video.muted = own;
		video.setAttribute('aria-label', own ? 'Your own video' : `Video of ${name}`);
		avatar.setAttribute('aria-hidden', 'true');
		caption.append(nameText, note);
		figure.append(video, avatar, caption);
		this.#tiles.set(id, { figure, video, note, name: nameText });
		this.#root.append(figure);
		this.#count();
	}

	/* stream: what is shown from now on; whether it has a picture is looked at as it changes. */
	play(id, stream) {
		const tile = this.#tile(id);

		if (!tile)
			return;
		const look = () => tile.figure.toggleAttribute('data-picture',
			stream.getVideoTracks().some((track) => track.readyState === 'live'));

		tile.video.srcObject = stream;
		stream.onaddtrack = stream.onremovetrack = look;
		tile.look = look;
		look();
		if (!tile.video.muted)
			this.#start(tile.video);
	}

	async #start(video) {
		try {
			await video.play();
		} catch (err) {
			if (err.name !== 'NotAllowedError')
				return; /* another stream came, or the tile is gone */
			video.muted = true;
			video.dataset.silent = '';
			video.play().catch(() => {});
			this.#silent();
		}
	}

	unmute() {
		for (const video of this.#root.querySelectorAll('[data-silent]')) {
			video.muted = false;
			delete video.dataset.silent;
		}
	}

	/* Our own stream tells nothing when we change it. */
	refresh(id) {
		this.#tile(id)?.look?.();
	}

	note(id, text) {
		const tile = this.#tile(id);

		if (tile)
			tile.note.textContent = text;
	}

	drop(id) {
		const tile = this.#tile(id);

		if (!tile)
			return;
		tile.video.srcObject = null;
		tile.figure.remove();
		this.#tiles.delete(id);
		this.#count();
	}

	clear() {
		[...this.#tiles.keys()].forEach((id) => this.drop(id));
	}
}
