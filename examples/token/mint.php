#!/usr/bin/env php
<?php
// mint.php - a token that signald takes (auth = token), with nothing but PHP and its OpenSSL
//
//	php mint.php --alg=HS256|RS256|ES256 --key=FILE --sub=ID [--name=NAME] [--picture=URL]
//	             [--ttl=SECONDS] [--kid=KID] [--iss=ISSUER] [--aud=AUDIENCE]
//
// FILE holds the secret (HS256) or the private key in PEM. In a server of yours: require, and mint().

function base64url(string $value): string
{
	return rtrim(strtr(base64_encode($value), '+/', '-_'), '=');
}

// RFC 7518 section 3.4: R and S of 32 bytes each. OpenSSL writes a SEQUENCE of two INTEGERs.
function p1363(string $der): string
{
	$at = 2;
	$raw = '';
	for ($i = 0; $i < 2; $i++) {
		$n = ord($der[$at + 1]);
		$raw .= str_pad(ltrim(substr($der, $at + 2, $n), "\0"), 32, "\0", STR_PAD_LEFT);
		$at += 2 + $n;
	}
	return $raw;
}

function sign_token(string $text, string $alg, string $key): string
{
	if ($alg === 'HS256') // signald takes a file's last newline for no part of the secret
		return hash_hmac('sha256', $text, preg_replace('/\n\z/', '', $key), true);
	$private = openssl_pkey_get_private($key);
	$type = $alg === 'ES256' ? OPENSSL_KEYTYPE_EC : OPENSSL_KEYTYPE_RSA;
	if (!$private || openssl_pkey_get_details($private)['type'] !== $type)
		throw new RuntimeException("this is no private key for $alg");
	if (!openssl_sign($text, $signature, $private, OPENSSL_ALGO_SHA256))
		throw new RuntimeException('this key does not sign');
	return $alg === 'ES256' ? p1363($signature) : $signature;
}

// $claims: at least ['sub' => the user's id]. Short-lived: signald asks for the time to start calls only.
function mint(array $claims, string $alg, string $key, ?string $kid = null, int $ttl = 3600): string
{
	$header = array_filter(['alg' => $alg, 'typ' => 'JWT', 'kid' => $kid], fn ($v) => $v !== null);
	$claims = ['iat' => time(), 'exp' => time() + $ttl] + $claims;
	$flags = JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES;
	$text = base64url(json_encode($header, $flags)) . '.' . base64url(json_encode($claims, $flags));

	return $text . '.' . base64url(sign_token($text, $alg, $key));
}

if (realpath($_SERVER['SCRIPT_FILENAME']) === __FILE__) {
	$given = getopt('', ['alg:', 'key:', 'sub:', 'name:', 'picture:', 'ttl:', 'kid:', 'iss:', 'aud:']);
	if (!in_array($given['alg'] ?? '', ['HS256', 'RS256', 'ES256'], true) || !isset($given['key'], $given['sub'])) {
		fwrite(STDERR, "usage: mint.php --alg=HS256|RS256|ES256 --key=FILE --sub=ID [--name=NAME] [--picture=URL]"
			. " [--ttl=SECONDS] [--kid=KID] [--iss=ISSUER] [--aud=AUDIENCE]\n");
		exit(2);
	}
	$claims = array_intersect_key($given, array_flip(['sub', 'name', 'picture', 'iss', 'aud']));
	echo mint($claims, $given['alg'], file_get_contents($given['key']), $given['kid'] ?? null, (int)($given['ttl'] ?? 3600)), "\n";
}
