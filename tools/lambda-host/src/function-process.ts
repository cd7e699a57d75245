import type { Call } from "./mortal-lambda.ts";

// One instance of the deployed function in a separate process: it receives events and sends answers as messages.
// The arguments: the bundle, the name of its handler, what is left of each invocation, and where the addresses of answers
// really lead, as their hosts are not there.
const [bundle = "", name = "handler", remainingMs = "", answers = ""] = process.argv.slice(2);

// The clock of the machine is set with each event.
let aheadMs = 0;
const SystemDate = Date;
const now = () => SystemDate.now() + aheadMs;
globalThis.Date = new Proxy(SystemDate, {
  construct: (target, args, ofClass) => Reflect.construct(target, args.length === 0 ? [now()] : args, ofClass),
  get: (target, key) => (key === "now" ? now : Reflect.get(target, key)),
});

const send = globalThis.fetch;
globalThis.fetch = async (address, init) => {
  const { host, pathname, search } = new URL(String(address));
  const isAnswer = host.startsWith("cloudformation-custom-resource-response-");
  return send(isAnswer && answers !== "" ? `${answers}${pathname}${search}` : String(address), init);
};

const { [name]: handler } = await import(bundle);

// The host may be gone: an answer that cannot be sent is dropped.
const answer = (message: object) => process.send?.(message, () => undefined);

process.on("message", async (call: Call) => {
  const { id, event } = call;
  aheadMs = call.now - SystemDate.now();
  const endsAt = Date.now() + Number(remainingMs);
  const context = { awsRequestId: `invocation-${id}`, getRemainingTimeInMillis: () => endsAt - Date.now() };
  try {
    answer({ id, answer: (await handler(event, context)) ?? null });
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    answer({ id, error: { name, message } });
  }
});
process.send?.("ready");
