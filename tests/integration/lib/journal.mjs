/* journal.mjs - signald's usage.journal: record lines with a checksum (shared/record_line.h) */
import fs from 'node:fs';

const TABLE = Array.from({ length: 256 }, (_, n) => {
	for (let k = 0; k < 8; k++)
		n = n & 1 ? 0xedb88320 ^ n >>> 1 : n >>> 1;
	return n >>> 0;
});

function crc32(bytes) {
	let c = 0xffffffff;

	for (const b of bytes)
		c = TABLE[(c ^ b) & 255] ^ c >>> 8;
	return ((c ^ 0xffffffff) >>> 0).toString(16).padStart(8, '0');
}

/* Its records in order; the last line may be under way, any other that is no record is an error. */
export function readJournal(file) {
	if (!fs.existsSync(file))
		return [];
	const lines = fs.readFileSync(file, 'utf8').split('\n').slice(0, -1);

	return lines.map((line, i) => {
		const text = line.slice(9);

		if (line[8] !== ' ' || crc32(Buffer.from(text)) !== line.slice(0, 8))
			throw new Error(`${file}:${i + 1}: damaged: ${line.slice(0, 200)}`);
		return JSON.parse(text);
	});
}

/* Totals as the protocol lists them: what reached the peer, what came from it. */
export function relayed(totals) {
	return {
		toPeer: { packets: totals[6], bytes: totals[7] },
		toClient: { packets: totals[4], bytes: totals[5] },
		dropped: { packets: totals[8], bytes: totals[9] },
		wireBytes: totals[10],
	};
}
