<?php
/* answer.php - a server that answers signald's questions, in PHP without packages
 *
 *	BACKEND_TOKEN=... PHP_CLI_SERVER_WORKERS=4 php -S 127.0.0.1:8600 answer.php
 *
 * or behind any web server. What a messenger looks up in its database is a file
 * here (BACKEND_DATA, else data.json): replace find(). The questions and answers
 * are those of signald/PROTOCOL.md, "Backend". */
declare(strict_types=1);

/* Objects that were keyed by numbers have integers as keys in PHP's arrays; both find them. */
function find(string $table, string $key): ?array
{
	$file = getenv('BACKEND_DATA') ?: __DIR__ . '/data.json';
	$data = json_decode(file_get_contents($file), true, 16, JSON_THROW_ON_ERROR);

	return $data[$table][$key] ?? null;
}

/* Whose is this token? */
function authenticate(array $question): array
{
	$user = find('tokens', (string)$question['token']);

	return $user ? [200, $user] : [401, new stdClass];
}

/* May "from" call "to"? Ids come as text. */
function may_call(array $question): array
{
	$blocked = find('blocks', (string)$question['to']) ?? [];

	return [200, ['allowed' => !in_array($question['from'], array_map('strval', $blocked), true)]];
}

/* Who is in this group? Nobody who does not belong there need be told. */
function members(array $question): array
{
	$members = find('groups', (string)$question['group']);

	if (!$members || !in_array($question['user'], array_map('strval', $members), true))
		return [404, new stdClass];
	return [200, ['members' => $members]];
}

function is_signald(): bool
{
	$token = getenv('BACKEND_TOKEN') ?: ''; /* as in signald's backend-token-file */

	if (strlen($token) < 16) // or anybody could ask
		throw new RuntimeException('BACKEND_TOKEN is missing or too short');
	return hash_equals("Bearer $token", $_SERVER['HTTP_AUTHORIZATION'] ?? '');
}

function answer(): array
{
	/* 400 and not 401: that would say that the user's token is bad. */
	if ($_SERVER['REQUEST_METHOD'] !== 'POST' || !is_signald())
		return [400, new stdClass];
	$question = json_decode(file_get_contents('php://input'), true, 16, JSON_THROW_ON_ERROR);
	return match ($question['ask'] ?? null) {
		'authenticate' => authenticate($question),
		'may_call' => may_call($question),
		'members' => members($question),
		default => [400, new stdClass],
	};
}

try {
	[$status, $body] = answer();
} catch (Throwable $err) {
	error_log('no answer: ' . $err->getMessage());
	[$status, $body] = [400, new stdClass];
}
http_response_code($status);
header('Content-Type: application/json');
echo json_encode($body, JSON_THROW_ON_ERROR);
