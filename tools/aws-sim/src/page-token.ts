/** A token or marker that says where the next page begins. */
export function toPageToken(from: number): string {
  return Buffer.from(`from:${from}`).toString("base64");
}

/** Where a page begins: the first one without a token; undefined: the token is none that was given. */
export function parsePageToken(token: string | undefined): number | undefined {
  if (token === undefined) return 0;
  const found = /^from:(\d+)$/.exec(Buffer.from(token, "base64").toString());
  return found === null ? undefined : Number(found[1]);
}
