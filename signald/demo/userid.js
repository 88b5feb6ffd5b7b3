/* userid.js - the user id a name becomes
 *
 * signald's user ids are 1-64 bytes of [A-Za-z0-9._@+-]; names are what people write. */

/* Ukrainian in Latin letters, after the table of the Cabinet of Ministers of 2010. */
const CYRILLIC = {
	а: 'a', б: 'b', в: 'v', г: 'h', ґ: 'g', д: 'd', е: 'e', є: 'ie', ж: 'zh', з: 'z', и: 'y',
	і: 'i', ї: 'i', й: 'i', к: 'k', л: 'l', м: 'm', н: 'n', о: 'o', п: 'p', р: 'r', с: 's',
	т: 't', у: 'u', ф: 'f', х: 'kh', ц: 'ts', ч: 'ch', ш: 'sh', щ: 'shch', ь: '', ю: 'iu', я: 'ia',
	'ʼ': '', '’': '', "'": '',
};

const ID_MAX = 64;

/* Returns the id, or '' when nothing of the name can be written in one. */
export function userIdFromName(name) {
	const latin = Array.from(name.normalize('NFC').toLowerCase(), (c) => CYRILLIC[c] ?? c).join('');

	return latin
		.normalize('NFKD')
		.replace(/\p{M}/gu, '') /* é has become e and a mark */
		.replace(/\s+/g, '-')
		.replace(/[^a-z0-9._@+-]/g, '')
		.replace(/^-+|-+$/g, '')
		.slice(0, ID_MAX);
}
