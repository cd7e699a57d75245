/** An error as a service answers it. */
export interface WireFault {
  readonly name: string;
  readonly message: string;
  readonly status: number;
}

/** What a service threw; a connection that broke is thrown on, and breaks for whoever asked. */
export function readFault(error: unknown): WireFault {
  const { name, message, code, $metadata } = Object(error);
  if (code === "ECONNRESET") throw error;
  return { name: String(name), message: String(message), status: Object($metadata).httpStatusCode ?? 500 };
}
