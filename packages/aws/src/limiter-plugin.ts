import { findAwsFault } from "./aws-fault.ts";
import type { LimitedCall, Limiter } from "./limiter.ts";

/**
 * Something that adds to what a client of the SDK does for each call, as `client.middlewareStack.use` takes it: any of the
 * SDK's pluggables is one.
 */
export interface ClientPlugin {
  applyToStack(stack: never): void;
}

/** The part of the SDK's middleware stack that is used here; typed by its form, since every service has types of its own. */
interface Stack {
  addRelativeTo(middleware: Middleware, options: Readonly<Record<string, unknown>>): void;
}

type Handle = (args: { readonly input: unknown }) => Promise<unknown>;
type Middleware = (next: Handle, context: Context) => Handle;
type Context = { readonly clientName?: unknown; readonly commandName?: unknown };

/** What the plugin of one client works with. */
export interface LimiterPluginInput {
  readonly limiter: Limiter;
  readonly region: () => Promise<string>;
  /** Of the credentials; `own` where it need not be known. */
  readonly account: () => string;
}

/** Every attempt of a client's calls asks the limiter, and tells it when the service has throttled. */
export function createLimiterPlugin({ limiter, region, account }: LimiterPluginInput): ClientPlugin {
  return {
    applyToStack(stack: Stack) {
      stack.addRelativeTo(
        (next, context) => async (args) => {
          const call: LimitedCall = {
            account: account(),
            region: await region(),
            service: String(context.clientName).replace(/Client$/, ""),
            operation: String(context.commandName).replace(/Command$/, ""),
            input: args.input,
          };
          await limiter.acquire(call, findSignal(context));
          try {
            return await next(args);
          } catch (error) {
            if (findAwsFault(error).throttled) limiter.noteThrottled(call);
            throw error;
          }
        },
        // Inside of the retries, so that each attempt counts.
        { name: "stackyardLimiter", relation: "after", toMiddleware: "retryMiddleware", override: true },
      );
    },
  };
}

/** The SDK keeps the signal of `send` in its own part of the context. */
function findSignal(context: object): AbortSignal | undefined {
  const own: unknown = Reflect.get(context, "__smithy_context");
  const signal: unknown = typeof own === "object" && own !== null ? Reflect.get(own, "abortSignal") : undefined;
  return signal instanceof AbortSignal ? signal : undefined;
}
