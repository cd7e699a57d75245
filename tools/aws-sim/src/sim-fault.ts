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

/** A connection that broke before the answer came. Nobody can tell whether the request was served. */
export function connectionReset(): Error {
  return Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
}
