/** An error as a client of the SDK throws it for an answer of AWS. */
export class SimFault extends Error {
  readonly $fault: "client" | "server";
  readonly $metadata: { readonly httpStatusCode: number; requestId?: string };

  /** Creates an error. `name`: the service's name for it. `fields`: further fields of the service's error. */
  constructor(name: string, httpStatusCode: number, message: string, fields: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.name = name;
    this.$fault = httpStatusCode >= 500 ? "server" : "client";
    this.$metadata = { httpStatusCode };
    Object.assign(this, fields);
  }
}

/**
 * Creates the error of a connection that broke before the response arrived. The caller cannot know whether the request
 * was served.
 */
export function connectionReset(): Error {
  return Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
}

/** Returns a token or marker for the start of the next page. */
export function toPageToken(from: number): string {
  return Buffer.from(`from:${from}`).toString("base64");
}

/** Returns the start of a page: the first item without a token; undefined for an unknown token. */
export function parsePageToken(token: string | undefined): number | undefined {
  if (token === undefined) return 0;
  const found = /^from:(\d+)$/.exec(Buffer.from(token, "base64").toString());
  return found === null ? undefined : Number(found[1]);
}
