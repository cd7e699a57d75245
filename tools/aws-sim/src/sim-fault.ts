/** An error as a client of the SDK throws it for an answer of AWS. */
export class SimFault extends Error {
  readonly $fault: "client" | "server";
  readonly $metadata: { readonly httpStatusCode: number; requestId?: string };

  /** `name`: as the service names it. `fields`: what else the service puts into the error. */
  constructor(name: string, httpStatusCode: number, message: string, fields: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.name = name;
    this.$fault = httpStatusCode >= 500 ? "server" : "client";
    this.$metadata = { httpStatusCode };
    Object.assign(this, fields);
  }
}

/** A connection that broke before the answer arrived. The caller cannot know whether the request was served. */
export function connectionReset(): Error {
  return Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
}

/** A token or marker that says where the next page begins. */
export function toPageToken(from: number): string {
  return Buffer.from(`from:${from}`).toString("base64");
}

/** Where a page begins: at the first item without a token; undefined: the token is unknown. */
export function parsePageToken(token: string | undefined): number | undefined {
  if (token === undefined) return 0;
  const found = /^from:(\d+)$/.exec(Buffer.from(token, "base64").toString());
  return found === null ? undefined : Number(found[1]);
}
