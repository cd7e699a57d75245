// One instance of the function as it is deployed, in a process of its own: events come and answers go as messages.
// The argument: the bundle.
const [bundle = ""] = process.argv.slice(2);

const { handler } = await import(bundle);

process.on("message", async ({ id, event }: { readonly id: number; readonly event: unknown }) => {
  try {
    process.send?.({ id, answer: (await handler(event, { awsRequestId: `invocation-${id}` })) ?? null });
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    process.send?.({ id, error: { name, message } });
  }
});
process.send?.("ready");
