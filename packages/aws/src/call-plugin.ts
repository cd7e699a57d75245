import type { Clock } from "@stackyard/core";
import { findDenialsEnd, isOptionalWork, waitForCall } from "./invocation.ts";
import { type ClientPlugin, findSignal } from "./limiter.ts";
import { type CallFacts, explainDenial, isOptionalCall, type RoleAges, retryDenied } from "./new-role.ts";

/** The dependencies of one client's plugin. */
interface CallPluginInput {
  readonly clock: Clock;
  /** The ages of roles. Without them denials are final. */
  readonly ages: RoleAges | undefined;
  /** Whose credentials the client has: the ARN of a role, or another name for the process's own. */
  readonly role: string;
}

/** The part of the SDK's middleware stack in use. */
interface Stack {
  add(middleware: Middleware, options: Readonly<Record<string, unknown>>): void;
}

type Handle = (args: { readonly input: unknown }) => Promise<unknown>;
type Middleware = (next: Handle, context: Context) => Handle;
type Context = { readonly clientName?: unknown; readonly commandName?: unknown };

/**
 * Extends each call of a client: a denial is retried while the role may be new, and then explained; a call without an
 * answer ends with the time of the work that makes it.
 */
export function createCallPlugin({ clock, ages, role }: CallPluginInput): ClientPlugin {
  return {
    applyToStack(stack: Stack) {
      stack.add(
        (next, context) => async (args) => {
          const call: CallFacts = {
            service: String(context.clientName).replace(/Client$/, ""),
            operation: String(context.commandName).replace(/Command$/, ""),
            input: args.input,
          };
          const once = () => waitForCall(clock, `${call.service}.${call.operation}`, () => next(args));
          const firstCallAt = ages?.firstCallAt(toRole(role, call));
          try {
            if (firstCallAt === undefined || !mayRepeat(call)) return await once();
            return await retryDenied(
              { clock, firstCallAt, deadlineAt: findDenialsEnd(), signal: findSignal(context) },
              once,
            );
          } catch (error) {
            throw explainDenial(error, call);
          }
        },
        // Around the SDK's retries, which do not repeat a denial.
        { name: "stackyardCall", step: "initialize", priority: "high", override: true },
      );
    },
  };
}

/** A role is new when it is assumed for the first time, whatever the age of the process is. */
function toRole(own: string, { service, operation, input }: CallFacts): string {
  const role: unknown = service === "STS" && operation === "AssumeRole" ? Object(input).RoleArn : undefined;
  return typeof role === "string" ? role : own;
}

const probes = new WeakSet<object>();

/** Marks a call whose denial is an answer that its caller expects: it is not repeated. */
export function asProbe<Command extends { readonly input: object }>(command: Command): Command {
  probes.add(command.input);
  return command;
}

/** A stream can be sent once only, a denied probe has its answer, and optional work continues without one. */
function mayRepeat(call: CallFacts): boolean {
  const { input } = call;
  if (isOptionalCall(call) || isOptionalWork()) return false;
  if (typeof input !== "object" || input === null) return true;
  if (probes.has(input)) return false;
  const body: unknown = Reflect.get(input, "Body");
  return typeof body !== "object" || body === null || body instanceof Uint8Array;
}
