// One instance of the deployed function in a separate process: it receives events and sends answers as messages.
// The arguments: the bundle, the name of its handler, what is left of each invocation, and where the addresses of answers
// really lead, as their hosts are not there.
const [bundle = "", name = "handler", remainingMs = "", answers = ""] = process.argv.slice(2);

const send = globalThis.fetch;
globalThis.fetch = async (address, init) => {
  const { host, pathname, search } = new URL(String(address));
  const isAnswer = host.startsWith("cloudformation-custom-resource-response-");
  return send(isAnswer && answers !== "" ? `${answers}${pathname}${search}` : String(address), init);
};

const { [name]: handler } = await import(bundle);

process.on("message", async ({ id, event }: { readonly id: number; readonly event: unknown }) => {
  const endsAt = Date.now() + Number(remainingMs);
  const context = { awsRequestId: `invocation-${id}`, getRemainingTimeInMillis: () => endsAt - Date.now() };
  try {
    process.send?.({ id, answer: (await handler(event, context)) ?? null });
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    process.send?.({ id, error: { name, message } });
  }
});
process.send?.("ready");
