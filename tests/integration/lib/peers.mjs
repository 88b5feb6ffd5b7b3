/* peers.mjs - asking a relay for peers, and what its guard has counted */
import { TurnError } from './turn_client.mjs';

/* Of a request: 0, or the error's code. */
export async function errorOf(request) {
	try {
		await request;
		return 0;
	} catch (err) {
		if (!(err instanceof TurnError))
			throw err;
		return err.code;
	}
}

/* Of a turnserver of ours with an admin socket. */
export async function guard(server) {
	const admin = await server.admin();

	return (await admin.command({ c: 'stats' })).guard;
}
