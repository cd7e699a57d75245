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

/** A page of a list, and the token of the next one; undefined: it is the last. */
interface Page<Row> {
  readonly rows: readonly Row[];
  readonly next: string | undefined;
}

/** Returns the page that begins at a token or marker. Throws the service's error for an unknown one. */
export function cutPage<Row>(
  rows: readonly Row[],
  { size, token }: { readonly size: number; readonly token: string | undefined },
  unknownToken: () => SimFault,
): Page<Row> {
  const from = token === undefined ? 0 : Number(/^from:(\d+)$/.exec(Buffer.from(token, "base64").toString())?.[1]);
  if (Number.isNaN(from)) throw unknownToken();
  const end = from + size;
  const next = end < rows.length ? Buffer.from(`from:${end}`).toString("base64") : undefined;
  return { rows: rows.slice(from, end), next };
}
