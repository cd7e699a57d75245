/** The lease, as its process knows it: `lost` to another owner, or `unknown` while it has ended and the store does not answer. */
export type LeaseCheck = "held" | "lost" | "unknown";

/**
 * Returns a client of AWS that sends nothing after the attempt has another owner: a process that was paused would repeat
 * what that one has done. A request that is on its way cannot be held back.
 */
export function guardClient<Client>(client: Client, confirm: () => Promise<LeaseCheck>): Client {
  if (typeof client !== "object" || client === null || !("send" in client)) return client;
  const { send } = client;
  if (typeof send !== "function") return client;
  const guarded = async (...args: readonly unknown[]): Promise<unknown> => {
    await requireHeld(confirm);
    guardTries(args[0], confirm);
    return Reflect.apply(send, client, args);
  };
  return new Proxy(client, {
    get: (target, name) => (name === "send" ? guarded : Reflect.get(target, name)),
  });
}

/** A handler of the SDK's middleware. */
type Handler = (args: unknown) => Promise<unknown>;

/** Also checks before each try of the SDK, next to the request itself: the process may be paused between two tries. */
function guardTries(command: unknown, confirm: () => Promise<LeaseCheck>): void {
  if (typeof command !== "object" || command === null || !("middlewareStack" in command)) return;
  const { middlewareStack: stack } = command;
  if (typeof stack !== "object" || stack === null || !("add" in stack) || typeof stack.add !== "function") return;
  const check = (next: Handler) => async (args: unknown) => {
    await requireHeld(confirm);
    return next(args);
  };
  stack.add(check, { name: "stackyardLease", step: "deserialize", priority: "low", override: true });
}

/** Throws an `AbortError` after the attempt has another owner: before a request, and before credentials are handed out. */
export async function requireHeld(confirm: () => Promise<LeaseCheck>): Promise<void> {
  if ((await confirm()) === "lost") throw createAbortError();
}

/** Creates the error of a request whose signal was aborted before it, as the SDK throws it. */
function createAbortError(): Error {
  return Object.assign(new Error("Another worker has this attempt, so the request was not sent."), {
    name: "AbortError",
  });
}
