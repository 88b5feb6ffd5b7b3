/* people.js - who is online, and whom of them a group call invites */

import { $, element } from './dom.js';

const callButton = (id) => $('people').querySelector(`[data-user="${CSS.escape(id)}"]`);

export class People {
	#call;
	#others = [];	/* { id, name } */
	#busy = false;

	/* call(other): the button beside a name was pressed. */
	constructor({ call }) {
		this.#call = call;
	}

	nameOf(id) {
		return this.#others.find((o) => o.id === id)?.name;
	}

	#avatarAndName({ id, name }) {
		const avatar = element('span', 'avatar', Array.from(name)[0] ?? '?');
		const person = element('span', 'person', name);

		avatar.setAttribute('aria-hidden', 'true');
		if (id !== name)
			person.append(element('small', '', id));
		return [avatar, person];
	}

	#row(other) {
		const item = document.createElement('li');
		const button = element('button', '', 'Call');

		button.type = 'button';
		button.dataset.user = other.id;
		button.setAttribute('aria-label', `Call ${other.name}`);
		button.disabled = this.#busy;
		button.onclick = () => this.#call(other);
		item.append(...this.#avatarAndName(other), button);
		return item;
	}

	/* The list comes anew with every change; who is about to press a button keeps it. */
	show(others) {
		const chosen = document.activeElement?.dataset.user;

		this.#others = others;
		$('people').replaceChildren(...others.map((o) => this.#row(o)));
		$('people-empty').hidden = others.length > 0;
		this.#look();
		if (chosen)
			callButton(chosen)?.focus();
	}

	#look() {
		$('people').querySelectorAll('button').forEach((b) => { b.disabled = this.#busy; });
		$('group').hidden = this.#others.length === 0;
		$('group').disabled = this.#busy;
	}

	/* No call can be made now. */
	setBusy(busy) {
		this.#busy = busy;
		this.#look();
	}

	focus(id) {
		callButton(id)?.focus();
	}

	#choice(other, max) {
		const label = element('label', 'choice');
		const box = document.createElement('input');
		const item = document.createElement('li');

		box.type = 'checkbox';
		box.value = other.id;
		box.onchange = () => this.#limit(max);
		label.append(box, ...this.#avatarAndName(other));
		item.append(label);
		return item;
	}

	/* As many as there is room for. */
	#limit(max) {
		const boxes = [...$('choices').querySelectorAll('input')];
		const chosen = boxes.filter((b) => b.checked).length;

		boxes.forEach((b) => { b.disabled = !b.checked && chosen >= max; });
		$('group-start').disabled = chosen === 0;
		$('group-start').textContent = chosen ? `Start with ${chosen}` : 'Start';
	}

	/* Ask whom to invite; chosen(ids) follows, or nothing. */
	choose(max, chosen) {
		$('choices').replaceChildren(...this.#others.map((o) => this.#choice(o, max)));
		this.#limit(max);
		$('group-form').onsubmit = () =>
			chosen([...$('choices').querySelectorAll('input:checked')].map((b) => b.value));
		$('choose').showModal();
	}
}
