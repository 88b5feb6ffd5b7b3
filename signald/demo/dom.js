/* dom.js - the page's elements: found, and made */

export const $ = (id) => document.getElementById(id);

export function element(tag, className, text = '') {
	const e = document.createElement(tag);

	e.className = className;
	e.textContent = text;
	return e;
}
