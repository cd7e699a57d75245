/** A URL without what signs it: scheme, host and path. A presigned URL is a secret. */
export function redactUrl(url: string): string {
  const [, kept] = /^([a-z]+:\/\/[^\s/?#@]*(?:\/[^\s?#]*)?)(?:[?#]|$)/i.exec(url.slice(0, 8_192)) ?? [];
  return kept ?? "[address]";
}
