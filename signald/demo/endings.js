/* endings.js - how a call ended, in words, where the code says more than the reason sent along */

/* What a page that is in a call rejects another one with. */
export const BUSY = 'busy';

const ENDINGS = {
	answered_elsewhere: 'You answered in another tab.',
	cancelled: 'The caller has hung up.',
	completed: 'The other side has hung up.',
	failed: 'The call has ended: the other side is gone.',
	no_answer: 'Nobody answered.',
	offline: 'The other side is not there.',
	rejected: 'The call was declined.',
	server: 'The server has ended the call.',
	[BUSY]: 'The other side is in another call.',
};
const GROUP_ENDINGS = { ...ENDINGS, completed: 'The group call is over.', no_answer: 'Nobody has come.' };

/* data: of call:ended or call:rejected. Returns undefined where there are no words for it. */
export function endingOf(data, group) {
	return (group ? GROUP_ENDINGS : ENDINGS)[data?.reason === BUSY ? BUSY : data?.code];
}
