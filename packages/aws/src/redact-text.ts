const HIDDEN = "[redacted]";

// A presigned URL is a bearer's right: who has the query has the object (S3 guide, "Sharing objects with presigned URLs").
const PRESIGNED = /(\bhttps?:\/\/[^\s"'<>?]{1,2000})\?[^\s"'<>]{0,8000}?(?:X-Amz-Signature|[?&]Signature)=[^\s"'<>]*/gi;
const PARAMETER = /\b(X-Amz-(?:Signature|Security-Token|Credential))(=|%3D|:\s?)[^\s&"'<>,;]+/gi;
const AUTHORIZATION = /\bAWS4-HMAC-SHA256\s+Credential=[^\n"]*/gi;
const PASSWORD_IN_URL = /(\b[a-z][a-z0-9+.-]{1,30}:\/\/[^\s:/@"']{0,200}):[^\s@/"']{1,500}@/gi;
const NAMED =
  /(["']?\b(?:aws_?)?(?:secret_?access_?key|session_?token|password|passwd|client_?secret|api_?key)["']?\s{0,3}[:=]\s{0,3})("(?:[^"\\]|\\.)*"|'[^']*'|[^\s,;&}"']+)/gi;

/**
 * A text as it may be logged or shown: without the signatures of presigned URLs, signed headers, passwords in addresses,
 * and values under names such as `password` and `SecretAccessKey`. What cannot be told by its form (a bare password)
 * stays: values that are known to be secret must not be put into texts.
 */
export function redactText(text: string): string {
  return text
    .replace(PRESIGNED, `$1?${HIDDEN}`)
    .replace(PARAMETER, `$1$2${HIDDEN}`)
    .replace(AUTHORIZATION, `AWS4-HMAC-SHA256 ${HIDDEN}`)
    .replace(PASSWORD_IN_URL, `$1:${HIDDEN}@`)
    .replace(NAMED, (_, name: string, value: string) => name + (value.startsWith('"') ? `"${HIDDEN}"` : HIDDEN));
}
