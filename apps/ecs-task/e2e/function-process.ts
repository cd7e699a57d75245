// One instance of the function as it is deployed, in a process of its own: events come and answers go as messages.
// The arguments: the bundle, and where the addresses of answers really lead, as their hosts are not there.
const [bundle = "", answers = ""] = process.argv.slice(2);
const REMAINING_MS = 10_000;

const send = globalThis.fetch;
globalThis.fetch = async (address, init) => {
  const { host, pathname, search } = new URL(String(address));
  const isAnswer = host.startsWith("cloudformation-custom-resource-response-");
  return send(isAnswer ? `${answers}${pathname}${search}` : String(address), init);
};

const { handler } = await import(bundle);

process.on("message", async ({ id, event }: { readonly id: number; readonly event: unknown }) => {
  const endsAt = Date.now() + REMAINING_MS;
  const context = { awsRequestId: `invocation-${id}`, getRemainingTimeInMillis: () => endsAt - Date.now() };
  try {
    process.send?.({ id, answer: (await handler(event, context)) ?? null });
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    process.send?.({ id, error: { name, message } });
  }
});
process.send?.("ready");
